//! `mama rebuild`.

use std::sync::Arc;

use mama_domain::rebuild::{Rebuild, RebuildReport};
use mama_ports::events::EventSink;
use mama_ports::manifest::Manifests;
use mama_ports::repository::{Catalog, Sightings};

use super::interrupt::until_interrupted;
use crate::compose::App;
use crate::exit::Status;
use crate::render::{Output, human, json};

/// Recreates the catalog from the archive.
pub(super) async fn run(app: &App, output: &Arc<Output>) -> anyhow::Result<Status> {
    let outside = app.outside.clone();
    let rebuild = Rebuild {
        catalog: Arc::clone(&app.catalog) as Arc<dyn Catalog>,
        sightings: Arc::clone(&app.catalog) as Arc<dyn Sightings>,
        manifests: Arc::clone(&app.catalog) as Arc<dyn Manifests>,
        archive: app.archive()?.clone(),
        workers: outside.workers,
        clock: outside.clock,
        events: Arc::clone(output) as Arc<dyn EventSink>,
    };
    let mut report = RebuildReport::default();
    let kept = "what was restored stays, and no other command uses it before the rebuild is complete";
    let outcome = until_interrupted(kept, rebuild.run(&mut report)).await;
    let is_empty = outcome.is_err() && report.manifests == 0;
    output.summary(is_empty, || json::rebuild_summary(&report), || human::rebuild_summary(&report));
    outcome?;
    Ok(if report.has_failures() { Status::Partial } else { Status::Done })
}
