//! `mama why`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use mama_domain::apply::{Apply, Explained};
use mama_domain::layout;
use mama_ports::curation::{Filter, Target};
use mama_ports::repository::PageSize;
use mama_ports::vocab::Place;

use super::interrupt::until_interrupted;
use super::{plan, selection};
use crate::args::Places;
use crate::compose::App;
use crate::config::Config;
use crate::exit::Status;
use crate::render::json::Object;
use crate::render::{Output, human, json, why};

/// Sightings that are looked up together.
const PAGE: PageSize = PageSize(1024);

/// What was told.
#[derive(Default)]
struct Told {
    places: u64,
    observations: u64,
    actions: u64,
    findings: u64,
}

/// Explains every place that the argument points at, and changes nothing.
pub(super) async fn run(what: &Path, places: &Places, output: &Arc<Output>) -> anyhow::Result<Status> {
    // `--host` says here whose file, not who asks.
    let config = Config::load(&Places { host: None, ..places.clone() })?;
    let app = App::open_to_read(&config, output).await?;
    let target = selection::one(what, places.host.as_deref(), &app).await?;
    let apply = super::apply::use_case(&config, &app, output)?;
    let told = until_interrupted("nothing was changed", explain(&target, &apply, &app, output)).await?;
    let summary = || {
        Object::new("why_summary")
            .with("places", told.places)
            .with("observations", told.observations)
            .with("actions", told.actions)
            .with("findings", told.findings)
    };
    let is_known = told.places > 0;
    output.summary(is_known, summary, || unknown(&target));
    Ok(if is_known { Status::Done } else { Status::No })
}

async fn explain(target: &Target, apply: &Apply, app: &App, output: &Output) -> anyhow::Result<Told> {
    let mut told = Told::default();
    let mut seen = BTreeSet::new();
    // a view that is not there, or not mama's, is the view of some place all the same
    let mut places: BTreeSet<Place> = match target {
        Target::View(view) => layout::place_of_view(view).into_iter().collect(),
        Target::Content(_) | Target::Path { .. } => BTreeSet::new(),
    };
    let filter = Filter { targets: vec![target.clone()], ..Filter::default() };
    let mut after = None;
    loop {
        let found = app.catalog.find(&filter, after, PAGE).await?;
        places.extend(found.iter().map(|found| found.at.place()));
        let new: Vec<Place> = places.iter().filter(|place| !seen.contains(*place)).cloned().collect();
        for explained in apply.explain(&new).await? {
            told.places += 1;
            told.observations += explained.wishes.len() as u64;
            told.actions += explained.plan.actions.len() as u64;
            told.findings += explained.plan.findings.len() as u64;
            show(&explained, output);
        }
        seen.append(&mut places);
        let Some(last) = found.last() else { return Ok(told) };
        after = Some(last.id);
    }
}

fn show(explained: &Explained, output: &Output) {
    output.result(|| why::place(explained), || why::place_words(explained));
    for wish in &explained.wishes {
        output.result(|| why::claim(wish, explained), || why::claim_words(wish, explained));
    }
    for (action, named) in plan::steps(&explained.plan) {
        output.result(|| json::action(action, named), || why::step_words(&human::action(action, named)));
    }
    for finding in &explained.plan.findings {
        output.result(|| json::finding(finding), || why::step_words(&human::finding(finding)));
    }
}

/// Why there is nothing to tell.
fn unknown(target: &Target) -> String {
    match target {
        Target::Content(hash) => format!("no content with the hash {hash} was ever seen"),
        Target::Path { host, path } => {
            format!(
                "nothing was ever seen at {path} on {host}; `mama scan` looks, --host names another machine"
            )
        }
        Target::View(view) => format!("{view} in the archive is no view of anything that was seen"),
    }
}
