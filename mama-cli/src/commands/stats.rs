//! `mama stats`.

use comfy_table::{CellAlignment, Table, presets};
use mama_ports::repository::Totals;
use mama_ports::vocab::Timestamp;

use crate::compose::App;
use crate::exit::{self, Status};
use crate::render::json::Object;
use crate::render::{Output, human};

/// Shows sums over the whole catalog.
pub(super) async fn run(app: &App, output: &Output) -> anyhow::Result<Status> {
    if let Err(error) = app.check_agreement().await {
        output.warn(&exit::reasons(&error).join(": "));
    }
    let totals = app.catalog.totals().await?;
    if output.is_json() {
        for root in &totals.roots {
            let object = Object::new("root").with("host", root.root.host.as_str());
            let object =
                object.path("basedir", root.root.basedir.as_bytes()).with("kind", root.root.kind.as_str());
            let object = object.with("files", root.files).with("bytes", root.bytes);
            let object = object.with("confirmed_s", root.confirmed.map(|time| time.secs));
            output.result(|| object, String::new);
        }
        for standing in &totals.standings {
            let object = Object::new("standing").with("status", standing.status.as_str());
            let object =
                object.with("placement", standing.placement.as_str()).with("current", standing.current);
            output.result(|| object.with("gone", standing.gone).with("count", standing.count), String::new);
        }
        for (mime, count) in &totals.mimes {
            output.result(
                || Object::new("mime").with("mime", mime.as_str()).with("blobs", *count),
                String::new,
            );
        }
    }
    let now = app.outside.clock.now();
    output.summary(false, || summary(&totals), || words(&totals, now));
    Ok(Status::Done)
}

fn summary(totals: &Totals) -> Object {
    Object::new("stats_summary")
        .with("blobs", totals.blobs)
        .with("blob_bytes", totals.blob_bytes)
        .with("stored", totals.stored)
        .with("stored_bytes", totals.stored_bytes)
        .with("blocked", totals.blocked)
        .with("with_mime", totals.with_mime)
        .with("with_metadata", totals.with_meta)
        .with("observations", totals.observations)
        .with("open", totals.open)
        .with("present_bytes", totals.present_bytes)
        .with("duplicate_bytes", duplicate_bytes(totals))
        .with("roots", totals.roots.len())
        .with("metadata_pending", totals.unlooked)
        .with("metadata_failures", totals.meta_failed)
        .with("metadata_preliminary", totals.preliminary)
}

/// Bytes that the files take up beyond one copy of each content. Contents that are nowhere present count against it.
const fn duplicate_bytes(totals: &Totals) -> u64 {
    totals.present_bytes.saturating_sub(totals.blob_bytes)
}

fn words(totals: &Totals, now: Timestamp) -> String {
    let mut contents = table(["contents", "", "bytes"]);
    let bytes = |count| human::bytes(count);
    contents.add_row(["known".to_owned(), totals.blobs.to_string(), bytes(totals.blob_bytes)]);
    contents.add_row(["in the archive".to_owned(), totals.stored.to_string(), bytes(totals.stored_bytes)]);
    contents.add_row(["with metadata".to_owned(), totals.with_meta.to_string(), String::new()]);
    contents.add_row(["waiting for metadata".to_owned(), totals.unlooked.to_string(), String::new()]);
    contents.add_row([
        "of them with preliminary metadata".to_owned(),
        totals.preliminary.to_string(),
        String::new(),
    ]);
    contents.add_row(["metadata failures".to_owned(), totals.meta_failed.to_string(), String::new()]);
    contents.add_row(["blocked".to_owned(), totals.blocked.to_string(), String::new()]);
    contents.add_row([
        "saved by keeping duplicates once".to_owned(),
        String::new(),
        bytes(duplicate_bytes(totals)),
    ]);

    let mut observations = table(["observations", "placement", "count"]);
    for standing in &totals.standings {
        let word = match (standing.current, standing.gone) {
            (_, true) => format!("{} (gone)", standing.status),
            (true, false) => standing.status.to_string(),
            (false, false) => format!("{} (history)", standing.status),
        };
        observations.add_row([word, standing.placement.to_string(), standing.count.to_string()]);
    }
    observations.add_row(["waiting for apply".to_owned(), String::new(), totals.open.to_string()]);

    let mut roots = table(["root", "kind", "files", "bytes", "last complete scan"]);
    for root in &totals.roots {
        let place = format!("{}:{}", root.root.host, root.root.basedir);
        let confirmed = root.confirmed.map_or_else(|| "never".to_owned(), |then| human::ago(then, now));
        let cells = [place, root.root.kind.to_string(), root.files.to_string(), bytes(root.bytes), confirmed];
        roots.add_row(cells);
    }

    let mut mimes = table(["type", "contents"]);
    for (mime, count) in &totals.mimes {
        mimes.add_row([mime.to_string(), count.to_string()]);
    }
    let tables = [(contents, 1), (observations, 2), (roots, 2), (mimes, 1)];
    let shown =
        tables.into_iter().filter(|(table, _)| !table.is_empty()).map(|(table, first)| aligned(table, first));
    shown.collect::<Vec<_>>().join("\n\n")
}

pub(super) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header);
    table
}

/// The table with its numbers to the right, from column `first` on.
fn aligned(mut table: Table, first: usize) -> String {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.trim_fmt()
}
