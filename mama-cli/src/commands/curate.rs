//! `mama ignore`, `assign`, `block` and `unblock`.

use std::io::{IsTerminal, Write};
use std::sync::Arc;

use mama_domain::curate::{Concerned, Curate, CurationReport, Verb};

use super::interrupt::until_interrupted;
use super::selection;
use crate::args::{CurateArgs, Places};
use crate::compose::App;
use crate::config::Config;
use crate::exit::{Fault, Status};
use crate::render::curation::{Doing, concerned, example, summary};
use crate::render::{Output, human};

/// Sightings that a preview names.
const EXAMPLES: u64 = 10;

/// What stays when somebody stops it.
pub(super) const KEPT: &str = "what was decided so far stays, and is in `mama log`";

/// Shows what would be decided, asks, and decides.
pub(super) async fn run(
    verb: Verb,
    args: &CurateArgs,
    places: &Places,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    // `--host` says here whose files, not who decides.
    let config = Config::load(&Places { host: None, ..places.clone() })?;
    let app = App::open(&config, output).await?;
    app.check_agreement().await?;
    let asked = selection::read(&args.which, args.alone, places.host.as_deref(), &app, output).await?;
    if asked.selection.is_everything() {
        return Err(Fault::usage(format!("`mama {}` has to be told what", verb.as_str()))
            .hint("name files, folders or hashes, or give a condition such as --mime 'video/*'; --help lists them")
            .into());
    }
    let words = match verb {
        Verb::Block(reason) => format!("{} --reason {}", asked.words, reason.as_str()),
        Verb::Ignore | Verb::Assign | Verb::Unblock => asked.words,
    };
    let curate = use_case(&app);
    let doing = Doing::of(verb);
    let mut shown = Shown { output, doing, count: 0, is_preview: true };
    if !(output.is_json() && args.yes) {
        let mut show = |concerned: &Concerned| shown.show(concerned);
        let preview = curate.preview(verb, &asked.selection, &mut show);
        let report = until_interrupted("nothing was changed", preview).await?;
        if let Some(status) = answered(&report, doing, args.yes, output)? {
            return Ok(status);
        }
    }
    shown.is_preview = false;
    let mut report = CurationReport::default();
    let mut show = |concerned: &Concerned| shown.show(concerned);
    let run = curate.run(verb, &asked.selection, words, &mut report, &mut show);
    let outcome = until_interrupted(KEPT, run).await;
    conclude(&report, doing, output);
    outcome?;
    Ok(if report.observations == 0 { Status::No } else { Status::Done })
}

/// Curation, wired.
pub(super) fn use_case(app: &App) -> Curate {
    Curate {
        curation: Arc::clone(&app.catalog) as _,
        browse: Arc::clone(&app.catalog) as _,
        journal: Arc::clone(&app.catalog) as _,
        clock: Arc::clone(&app.outside.clock),
        host: app.host.clone(),
    }
}

/// Shows decisions: all of them with `--json`, the first of a preview to people.
pub(super) struct Shown<'a> {
    pub(super) output: &'a Output,
    pub(super) doing: Doing,
    pub(super) count: u64,
    pub(super) is_preview: bool,
}

impl Shown<'_> {
    pub(super) fn show(&mut self, decision: &Concerned) {
        self.count += 1;
        if self.output.is_json() {
            self.output.result(|| concerned(self.doing, !self.is_preview, decision), String::new);
        } else if self.is_preview && self.count <= EXAMPLES {
            self.output.result(|| concerned(self.doing, false, decision), || example(decision));
        }
    }
}

/// Tells what a preview found; the status to end with, unless it is to be done.
pub(super) fn answered(
    report: &CurationReport,
    doing: Doing,
    yes: bool,
    output: &Output,
) -> anyhow::Result<Option<Status>> {
    let words = || human::curation_preview(report, doing.would(), report.changes.saturating_sub(EXAMPLES));
    if report.changes == 0 {
        output.summary(false, || summary(doing, false, report), words);
        let is_as_asked = report.unchanged > 0;
        return Ok(Some(if is_as_asked { Status::Done } else { Status::No }));
    }
    if output.is_json() {
        output.summary(false, || summary(doing, false, report), String::new);
        return Ok((!yes).then_some(Status::No));
    }
    output.result(|| summary(doing, false, report), words);
    if yes {
        return Ok(None);
    }
    if std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && is_confirmed()? {
        return Ok(None);
    }
    output.note("nothing was changed; say --yes to do it");
    Ok(Some(Status::No))
}

fn is_confirmed() -> std::io::Result<bool> {
    let mut stderr = std::io::stderr().lock();
    write!(stderr, "Do it? [y/N] ")?;
    stderr.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Tells what was decided.
pub(super) fn conclude(report: &CurationReport, doing: Doing, output: &Output) {
    output.summary(false, || summary(doing, true, report), || human::curation_done(report, doing.done()));
}
