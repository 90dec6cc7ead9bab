//! `mama plan`.

use std::path::Path;
use std::sync::Arc;

use mama_domain::reconcile::Plan;

use super::interrupt::until_interrupted;
use crate::compose::App;
use crate::config::Config;
use crate::exit::Status;
use crate::planfile::Draft;
use crate::render::{Output, human, json};

/// Prints what apply would do, page by page, and changes nothing; with `out`, saves it, too.
pub(super) async fn run(
    out: Option<&Path>,
    config: &Config,
    app: &App,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    let apply = super::apply::use_case(config, app, output)?;
    let mut draft = out.map(|out| Draft::create(out, app.archive()?.id())).transpose()?;
    let mut show = |plan: &Plan| {
        if let Some(draft) = &mut draft {
            draft.page(plan);
        }
        for action in &plan.actions {
            output.result(|| json::action(action), || human::action(action));
        }
        for finding in &plan.findings {
            output.result(|| json::finding(finding), || human::finding(finding));
        }
    };
    let report = until_interrupted("nothing was changed", apply.plan(&mut show)).await?;
    if let Some(draft) = draft {
        draft.finish(&*app.outside.hasher)?;
    }
    output.summary(false, || json::plan_summary(&report), || human::plan_summary(&report));
    Ok(match (report.has_changes(), report.problems) {
        (true, _) => Status::No,
        (false, 0) => Status::Done,
        (false, _) => Status::Partial,
    })
}
