//! `mama repair`.

use std::sync::Arc;

use mama_domain::repair::{Lack, Repair, RepairReport};
use mama_ports::events::EventSink;
use mama_ports::manifest::Manifests;
use mama_ports::repository::Catalog;

use super::interrupt::until_interrupted;
use crate::compose::App;
use crate::exit::Status;
use crate::render::{Output, human, json};

/// Shows what the archive lacks; once confirmed, has the catalog know it.
pub(super) async fn run(is_confirmed: bool, app: &App, output: &Arc<Output>) -> anyhow::Result<Status> {
    let outside = app.outside.clone();
    let repair = Repair {
        catalog: Arc::clone(&app.catalog) as Arc<dyn Catalog>,
        manifests: Arc::clone(&app.catalog) as Arc<dyn Manifests>,
        archive: app.archive()?.clone(),
        workers: outside.workers,
        clock: outside.clock,
        events: Arc::clone(output) as Arc<dyn EventSink>,
    };
    let mut report = RepairReport::default();
    let mut show = |lack: &Lack| output.result(|| json::lack(lack), || human::lack(lack));
    let outcome = match is_confirmed {
        true => {
            let kept = "what was found missing is known";
            until_interrupted(kept, repair.run(&mut show, &mut report)).await
        }
        false => until_interrupted("nothing was changed", repair.look(&mut show, &mut report)).await,
    };
    let is_empty = outcome.is_err() && report.contents == 0;
    output.summary(
        is_empty,
        || json::repair_summary(&report, is_confirmed),
        || human::repair_summary(&report, is_confirmed),
    );
    outcome?;
    Ok(match (is_confirmed, report.has_findings()) {
        (false, true) => Status::No,
        (true, _) if report.lost > 0 => Status::Partial,
        (_, _) => Status::Done,
    })
}
