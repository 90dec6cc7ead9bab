//! `mama undo`.

use std::sync::Arc;

use mama_domain::curate::{Concerned, CurationReport};
use mama_ports::curation::ActId;

use super::curate::{KEPT, Shown, answered, conclude, use_case};
use super::interrupt::until_interrupted;
use crate::compose::App;
use crate::exit::Status;
use crate::render::Output;
use crate::render::curation::{Doing, decision_undone};

/// Shows what would be taken back, asks, and takes it back.
pub(super) async fn run(
    number: Option<i64>,
    yes: bool,
    app: &App,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    app.check_agreement().await?;
    let curate = use_case(app);
    let act = curate.undoable(number.map(ActId)).await?;
    let doing = Doing::Undo;
    output.result(
        || decision_undone(&act),
        || format!("number {}: {} {}", act.id.0, act.asked.verb, act.asked.words),
    );
    let mut shown = Shown { output, doing, count: 0, is_preview: true };
    if !(output.is_json() && yes) {
        let mut show = |concerned: &Concerned| shown.show(concerned);
        let preview = curate.preview_undo(&act, &mut show);
        let report = until_interrupted("nothing was changed", preview).await?;
        if let Some(status) = answered(&report, doing, yes, output)? {
            return Ok(status);
        }
    }
    shown.is_preview = false;
    let mut report = CurationReport::default();
    let mut show = |concerned: &Concerned| shown.show(concerned);
    let outcome = until_interrupted(KEPT, curate.undo(&act, &mut report, &mut show)).await;
    conclude(&report, doing, output);
    outcome?;
    Ok(if report.changes == 0 { Status::No } else { Status::Done })
}
