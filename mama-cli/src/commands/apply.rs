//! `mama apply`.

use std::sync::Arc;

use mama_domain::apply::{Apply, ApplyReport, Policy};
use mama_domain::archive::SourceTrees;
use mama_domain::reconcile::Rules;
use mama_ports::events::EventSink;
use mama_ports::manifest::Manifests;
use mama_ports::repository::Catalog;

use super::interrupt::until_interrupted;
use super::journal::{self, Run};
use crate::compose::App;
use crate::config::Config;
use crate::exit::{Fault, Status};
use crate::render::{Output, human, json};

/// Makes the archive match the catalog.
pub(super) async fn run(config: &Config, app: &App, output: &Arc<Output>) -> anyhow::Result<Status> {
    let apply = use_case(config, app, output)?;
    let started = app.outside.clock.now();
    let mut report = ApplyReport::default();
    let outcome = until_interrupted("everything settled so far is kept", apply.run(&mut report)).await;
    report.seconds = app.outside.clock.now().seconds_since(started);
    let is_empty = outcome.is_err() && report.observations + report.blobs_stored == 0;
    output.summary(is_empty, || json::apply_summary(&report), || human::apply_summary(&report));
    if report.has_changed_something() {
        let summary = json::apply_summary(&report);
        let run = Run { at: started, verb: "apply", words: String::new(), summary };
        journal::record(vec![run], &outcome, app).await?;
    }
    outcome?;
    Ok(if report.has_failures() { Status::Partial } else { Status::Done })
}

/// Apply, wired and set; also what `mama plan` asks.
pub(super) fn use_case(config: &Config, app: &App, output: &Arc<Output>) -> Result<Apply, Fault> {
    let archive = app.archive()?.clone();
    config.risks().iter().for_each(|risk| output.warn(risk));
    let outside = app.outside.clone();
    Ok(Apply {
        catalog: Arc::clone(&app.catalog) as Arc<dyn Catalog>,
        manifests: Arc::clone(&app.catalog) as Arc<dyn Manifests>,
        archive,
        sources: Arc::new(SourceTrees::new(outside.fs, app.host.clone())),
        volumes: outside.volumes,
        workers: outside.workers,
        clock: outside.clock,
        events: Arc::clone(output) as Arc<dyn EventSink>,
        policy: Policy {
            rules: Rules { auto_assign: config.auto_assign.value },
            transfers: config.transfers(),
            reserve: config.reserve.value.as_u64(),
        },
    })
}
