//! Decisions of people: what they point at, what that changes, and taking it back.
//!
//! `selection → find → change → decide`: a page at a time, so that a million sightings fit. Every decision compares what it
//! rested on, and is in the journal from the same transaction on.

mod glob;
mod selection;
mod together;
mod undo;
mod verb;

use std::collections::HashSet;
use std::sync::Arc;

use mama_ports::browse::Browse;
use mama_ports::curation::{ActId, Curation, Decision, Found, Journal, NewAct};
use mama_ports::repository::{PageSize, Repo, Settled};
use mama_ports::runtime::Clock;
use mama_ports::vocab::{BlobHash, HostName, Location, ObservationId};

pub use glob::{BadGlob, Glob};
pub use selection::Selection;
pub use undo::{UndoError, Undone};
pub use verb::Verb;

use crate::belonging::companions::Why;
use crate::search;
use together::Along;

/// Sightings of one content that are named.
pub const COPIES: PageSize = PageSize(100);

/// Decisions that are made in one transaction.
const PAGE: PageSize = PageSize(4096);

/// Makes decisions, and takes them back.
pub struct Curate {
    /// Where sightings are found and decided about.
    pub curation: Arc<dyn Curation>,
    /// Where all is that is known about their contents.
    pub browse: Arc<dyn Browse>,
    /// Where it is written down.
    pub journal: Arc<dyn Journal>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The machine on which somebody decides.
    pub host: HostName,
}

/// What was asked, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The command's name.
    pub verb: &'static str,
    /// The rest, in the words of the command line.
    pub words: String,
}

/// One decision, for whoever looks on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concerned {
    /// The observation; of a content, one of them.
    pub at: Location,
    /// The content.
    pub hash: BlobHash,
    /// Its bytes.
    pub size: u64,
    /// What is to be decided, or was.
    pub decision: Decision,
    /// Why it goes along with what was selected; `None`: it was selected itself.
    pub along: Option<Why>,
    /// Of a content, where else it is seen now: it is shown there no more either, or again. At most [`COPIES`].
    pub copies: Vec<Location>,
}

/// The counters of a curation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CurationReport {
    /// Observations that match.
    pub observations: u64,
    /// Observations that belong together with these, and come along.
    pub companions: u64,
    /// Decisions that change something, or would.
    pub changes: u64,
    /// Different contents that these concern.
    pub contents: u64,
    /// The bytes of these contents, each counted once.
    pub bytes: u64,
    /// Other places where the contents of decisions about contents are seen.
    pub copies: u64,
    /// Observations that already are as asked.
    pub unchanged: u64,
    /// Observations that are to be shown, and will not be: their content is blocked.
    pub blocked: u64,
    /// Decisions that were not made, because something changed meanwhile.
    pub changed_since: u64,
    /// The act in the journal, once something was decided.
    pub act: Option<ActId>,
    /// Each content that was counted; 32 bytes a content.
    seen: HashSet<BlobHash>,
}

impl CurationReport {
    fn count(&mut self, concerned: &Concerned) {
        self.changes += 1;
        self.copies += concerned.copies.len() as u64;
        if self.seen.insert(concerned.hash) {
            self.contents += 1;
            self.bytes += concerned.size;
        }
    }
}

/// Hears of each decision.
pub type Show<'a> = dyn FnMut(&Concerned) + Send + 'a;

impl Curate {
    /// Tells what `verb` would change in the selection, and changes nothing.
    pub async fn preview(
        &self,
        verb: Verb,
        selection: &Selection,
        show: &mut Show<'_>,
    ) -> Repo<CurationReport> {
        let mut report = CurationReport::default();
        let (mut after, mut along) = (None, Along::new());
        while let Some(page) = self.page(verb, selection, &mut after, &mut along).await? {
            for concerned in self.changes(verb, &page, &along, &mut report).await? {
                report.count(&concerned);
                show(&concerned);
            }
        }
        Ok(report)
    }

    /// Decides about the selection. What was decided is in `report` and in the journal also when it fails half-way.
    pub async fn run(
        &self,
        verb: Verb,
        selection: &Selection,
        words: String,
        report: &mut CurationReport,
        show: &mut Show<'_>,
    ) -> Repo<()> {
        let asked = Asked { verb: verb.as_str(), words };
        let (mut after, mut along) = (None, Along::new());
        while let Some(page) = self.page(verb, selection, &mut after, &mut along).await? {
            let concerned = self.changes(verb, &page, &along, report).await?;
            self.decide(&asked, None, concerned, report, show).await?;
        }
        Ok(())
    }

    /// The next page of what is selected, which may be empty; `None` after the last.
    async fn page(
        &self,
        verb: Verb,
        selection: &Selection,
        after: &mut Option<ObservationId>,
        along: &mut Along,
    ) -> Repo<Option<Vec<Found>>> {
        let mut page = self.curation.find(&selection.filter, *after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = Some(last.id);
        page.retain(|found| selection.holds(&found.at));
        if selection.taken.is_some() {
            page = search::taken_then(&*self.browse, selection, page).await?;
        }
        self.with_companions(verb, selection, page, along).await.map(Some)
    }

    /// What `verb` changes on a page, with the copies of the contents that it is about.
    async fn changes(
        &self,
        verb: Verb,
        page: &[Found],
        along: &Along,
        report: &mut CurationReport,
    ) -> Repo<Vec<Concerned>> {
        let mut concerned = changes(verb, page, along, report);
        if verb.is_about_contents() && !concerned.is_empty() {
            let hashes: Vec<BlobHash> = concerned.iter().map(|concerned| concerned.hash).collect();
            for (concerned, mut copies) in
                concerned.iter_mut().zip(self.curation.copies(&hashes, COPIES).await?)
            {
                copies.retain(|at| *at != concerned.at);
                concerned.copies = copies;
            }
        }
        Ok(concerned)
    }

    /// Makes the decisions of one page under the report's act, which begins with the first of them.
    async fn decide(
        &self,
        asked: &Asked,
        undoes: Option<ActId>,
        concerned: Vec<Concerned>,
        report: &mut CurationReport,
        show: &mut Show<'_>,
    ) -> Repo<()> {
        if concerned.is_empty() {
            return Ok(());
        }
        let act = match report.act {
            Some(act) => act,
            None => self.begin(asked, undoes).await?,
        };
        report.act = Some(act);
        let batch: Vec<Decision> = concerned.iter().map(|concerned| concerned.decision).collect();
        let settled = self.curation.decide(act, &batch).await?;
        for (concerned, settled) in concerned.iter().zip(settled) {
            match settled {
                Settled::Done => {
                    report.count(concerned);
                    show(concerned);
                }
                Settled::Stale => report.changed_since += 1,
            }
        }
        Ok(())
    }

    async fn begin(&self, asked: &Asked, undoes: Option<ActId>) -> Repo<ActId> {
        let Asked { verb, words } = asked.clone();
        let (at, host) = (self.clock.now(), self.host.clone());
        self.journal.append(&NewAct { at, host, verb: verb.to_owned(), words, undoes, summary: None }).await
    }
}

/// What `verb` changes on a page: each content is blocked once, however often it is on the page.
fn changes(verb: Verb, page: &[Found], along: &Along, report: &mut CurationReport) -> Vec<Concerned> {
    let mut decided = HashSet::new();
    let mut concerned = Vec::new();
    for found in page {
        let along = along.get(&found.id).copied();
        match along {
            Some(_) => report.companions += 1,
            None => report.observations += 1,
        }
        report.blocked += u64::from(verb == Verb::Assign && found.block.is_some());
        let is_decided = report.seen.contains(&found.hash) || decided.contains(&found.hash);
        if verb.is_about_contents() && is_decided {
            continue;
        }
        let Some(decision) = verb.decision(found) else {
            report.unchanged += 1;
            continue;
        };
        let Found { at, hash, size, .. } = found.clone();
        decided.insert(hash);
        concerned.push(Concerned { at, hash, size, decision, along, copies: Vec::new() });
    }
    concerned
}
