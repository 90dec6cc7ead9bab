//! `mama apply`.

use std::path::Path;
use std::sync::Arc;

use mama_domain::apply::{Apply, ApplyReport, Policy};
use mama_domain::archive::SourceTrees;
use mama_domain::reconcile::Rules;
use mama_ports::events::{Event, EventSink};
use mama_ports::repository::Catalog;

use super::interrupt::until_interrupted;
use super::journal::{self, Run};
use crate::compose::App;
use crate::config::Config;
use crate::exit::{Fault, Status};
use crate::planfile::PlanFile;
use crate::render::{Output, human, json};

/// Makes the archive match the catalog; with `plan`, as far as that saved plan says.
pub(super) async fn run(
    plan: Option<&Path>,
    config: &Config,
    app: &App,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    let apply = use_case(config, app, output)?;
    let started = app.outside.clock.now();
    let mut report = ApplyReport::default();
    let kept = "everything settled so far is kept";
    let outcome = match plan {
        None => until_interrupted(kept, apply.run(&mut report)).await,
        Some(plan) => {
            let plan = PlanFile::open(plan, app.archive()?.id(), &*app.outside.hasher)?;
            output.emit(Event::ApplyStarted { open: plan.outcomes });
            let (mut pages, mut broken) = (plan.pages()?, None);
            let mut pages = pages.by_ref().map_while(|page| page.map_err(|error| broken = Some(error)).ok());
            let outcome = until_interrupted(kept, apply.run_agreed(&mut pages, &mut report)).await;
            drop(pages);
            match broken {
                Some(error) => {
                    outcome.and(Err(anyhow::Error::from(error).context("the saved plan was changed")))
                }
                None => outcome,
            }
        }
    };
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
            snapshots: config.snapshots(),
        },
    })
}
