//! `mama dev`.

use mama_domain::layout;
use mama_ports::filesystem::FsErrorKind;

use crate::args::DevCommand;
use crate::compose::App;
use crate::exit::{Fault, Status};
use crate::render::json::Object;
use crate::render::{Output, human};

/// Looks after the catalog.
pub(super) async fn run(command: &DevCommand, app: &App, output: &Output) -> anyhow::Result<Status> {
    match command {
        DevCommand::Reset { yes } => reset(*yes, app, output).await,
        DevCommand::Stats => stats(app, output).await,
    }
}

async fn reset(is_confirmed: bool, app: &App, output: &Output) -> anyhow::Result<Status> {
    let archive = app.archive()?;
    let totals = app.catalog.totals().await?;
    let (observations, blobs) = (totals.observations, totals.blobs);
    let lost = format!(
        "{observations} observations of {blobs} contents with their metadata, history and decisions; the archive's {} files stay",
        totals.stored
    );
    if !is_confirmed {
        return Err(Fault::usage(format!("this would forget {lost}"))
            .hint("say `mama dev reset --yes` if you mean it")
            .into());
    }
    let busy = || Fault::failed("another mama is applying to this archive; wait until it is done");
    let locked = archive.tree().lock(&layout::lock_path());
    let _lock = locked.map_err(|error| match error.kind {
        FsErrorKind::Locked => busy(),
        _ => Fault::failed("cannot lock the archive").because(error),
    })?;
    let _lease = app.catalog.lease().await?.ok_or_else(busy)?;
    app.upkeep.reset().await?;
    let object = || Object::new("reset").with("observations", observations).with("blobs", blobs);
    let words = || {
        format!(
            "forgot {lost}\n`mama rebuild` brings back what the archive's manifests say, if no apply comes before: it begins them anew."
        )
    };
    output.result(object, words);
    Ok(Status::Done)
}

async fn stats(app: &App, output: &Output) -> anyhow::Result<Status> {
    let found = app.upkeep.inspect().await?;
    let object = || {
        let rows = found.tables.iter().map(|(table, rows)| ((*table).to_owned(), (*rows).into())).collect();
        Object::new("catalog")
            .with("engine", &*found.engine)
            .with("schema_version", found.schema_version)
            .with("bytes", found.bytes)
            .with("log_bytes", found.log_bytes)
            .with("tables", serde_json::Value::Object(rows))
    };
    let words = || {
        let log = found.log_bytes.map_or(String::new(), |log| format!(" + {} log", human::bytes(log)));
        let head = [
            format!("database     {}", found.engine),
            format!("schema       {}", found.schema_version),
            format!("size         {}{log}", human::bytes(found.bytes)),
        ];
        let tables = found.tables.iter().map(|(table, rows)| format!("{table:<12} {rows} rows"));
        head.into_iter().chain(tables).collect::<Vec<_>>().join("\n")
    };
    output.result(object, words);
    Ok(Status::Done)
}
