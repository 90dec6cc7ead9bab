//! The results for people.

use comfy_table::{CellAlignment, Table, presets};

use super::{Measured, Outcome, Report, Size, shown};
use crate::targets::Unit;

/// Bytes of a mebibyte.
const MIB: f64 = (1 << 20) as f64;

pub(super) fn markdown(report: &Report) -> String {
    let mut text = format!("{}\n\n{}\n", report.about, rows(report));
    if !report.growth.is_empty() {
        text.push_str(&format!("\n{}\n", growth(&report.growth)));
    }
    text
}

fn rows(report: &Report) -> Table {
    let mut table = empty(&[
        "#",
        "operation",
        "mama",
        "peer",
        "result",
        "must",
        "goal",
        "spread",
        "CPU s",
        "peak memory",
    ]);
    for (target, outcome) in &report.rows {
        let (must, goal) = target.limits(report.cores);
        let limit = |limit: Option<f64>| limit.map(|limit| format!("≤ {}", shown(target.unit, limit)));
        let mut cells = vec![target.row.to_owned(), target.operation.to_owned()];
        match outcome {
            Outcome::Measured(measured) => {
                let judged = |of: Option<f64>| {
                    let mark = |of: f64| if measured.value <= of { "✓" } else { "✗" };
                    of.zip(limit(of)).map(|(of, limit)| format!("{limit} {}", mark(of))).unwrap_or_default()
                };
                let [mama, peer, spread, cpu, memory] = sides(measured);
                let value = shown(target.unit, measured.value);
                cells.extend([mama, peer, value, judged(must), judged(goal), spread, cpu, memory]);
            }
            Outcome::Skipped(why) | Outcome::Failed(why) => {
                let what = if matches!(outcome, Outcome::Failed(_)) { "failed" } else { "skipped" };
                cells[1].push_str(&format!(" ({what}: {})", why.replace(['|', '\n'], "/")));
                let none = String::new;
                let limits = [must, goal].map(|of| limit(of).unwrap_or_default());
                cells.extend([none(), none(), none()].into_iter().chain(limits).chain([
                    none(),
                    none(),
                    none(),
                ]));
            }
        }
        table.add_row(cells);
    }
    table
}

/// Seconds of both, the spread, the CPU seconds, and mama's memory.
fn sides(measured: &Measured) -> [String; 5] {
    let Measured { mama, peer, .. } = measured;
    let seconds = |wall: f64| shown(Unit::Seconds, wall);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let both = |mama: String, peer: Option<String>| match peer {
        Some(peer) => format!("{mama} / {peer}"),
        None => mama,
    };
    [
        seconds(mama.wall()),
        peer.as_ref().map_or_else(String::new, |peer| format!("{} {}", peer.what, seconds(peer.wall()))),
        both(percent(mama.spread()), peer.as_ref().map(|peer| percent(peer.spread()))),
        both(format!("{:.2}", mama.cpu()), peer.as_ref().map(|peer| format!("{:.2}", peer.cpu()))),
        shown(Unit::MiB, mama.rss() as f64 / MIB),
    ]
}

/// Time a file and memory of each operation, a line a size.
fn growth(sizes: &[Size]) -> Table {
    let operations = sizes.first().map_or(&[][..], |size| &size.operations);
    let mut heads = vec!["files".to_owned()];
    heads.extend(operations.iter().map(|operation| format!("{}, µs a file", operation.what)));
    heads.push("peak memory".to_owned());
    let mut table = empty(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    for size in sizes {
        let mut cells = vec![size.files.to_string()];
        cells.extend(
            size.operations
                .iter()
                .map(|operation| format!("{:.1}", operation.wall() * 1e6 / size.files as f64)),
        );
        cells.push(shown(Unit::MiB, size.rss() as f64 / MIB));
        table.add_row(cells);
    }
    table
}

fn empty(heads: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(heads);
    for (number, column) in table.column_iter_mut().enumerate() {
        let is_text = matches!(heads[number], "#" | "operation" | "peer");
        column.set_cell_alignment(if is_text { CellAlignment::Left } else { CellAlignment::Right });
    }
    table
}
