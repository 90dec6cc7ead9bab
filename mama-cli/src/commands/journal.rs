//! Runs that changed something, for the journal.

use mama_ports::curation::NewAct;
use mama_ports::repository::RepositoryError;
use mama_ports::vocab::Timestamp;

use crate::compose::App;
use crate::render::json::Object;

/// One run.
pub(super) struct Run {
    pub(super) at: Timestamp,
    pub(super) verb: &'static str,
    pub(super) words: String,
    pub(super) summary: Object,
}

/// Writes runs down, also those that ended early; not if it was the catalog that failed.
pub(super) async fn record(runs: Vec<Run>, outcome: &anyhow::Result<()>, app: &App) -> anyhow::Result<()> {
    let is_of_catalog = |error: &anyhow::Error| error.chain().any(|cause| cause.is::<RepositoryError>());
    if outcome.as_ref().is_err_and(is_of_catalog) {
        return Ok(());
    }
    for Run { at, verb, words, summary } in runs {
        let (host, verb, summary) = (app.host.clone(), verb.to_owned(), Some(summary.to_string()));
        app.catalog.append(&NewAct { at, host, verb, words, undoes: None, summary }).await?;
    }
    Ok(())
}
