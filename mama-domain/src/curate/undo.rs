//! Taking decisions back.
//!
//! An undo is an act of its own, and may be undone. It brings back exactly what was there before, also that nobody had decided.

use std::collections::BTreeSet;

use mama_ports::curation::{Act, ActId, Decision, Item, ItemId};
use mama_ports::repository::{PageSize, RepositoryError};

use super::{Asked, Concerned, Curate, CurationReport, PAGE, Show};

/// Acts that are read at once to find the last one.
const ACTS: PageSize = PageSize(256);

/// Why nothing can be taken back.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// There is none with this number.
    #[error("the journal has no number {}", .0.0)]
    Unknown(ActId),
    /// It was a run and no decision.
    #[error("number {} is a run of {verb}, which decided nothing and cannot be taken back", id.0)]
    Run {
        /// Which.
        id: ActId,
        /// What ran.
        verb: String,
    },
    /// Everything that was decided was taken back, or nothing was.
    #[error("there is no decision that could be taken back")]
    Nothing,
    /// The catalog fails.
    #[error("the catalog cannot go on")]
    Catalog(#[from] RepositoryError),
}

/// Which acts were taken back, and stay so: an undo that was undone counts no more.
#[derive(Debug, Default)]
pub struct Undone(BTreeSet<ActId>);

impl Undone {
    /// Whether `act` is taken back. Acts have to be told newest first.
    pub fn is_undone(&mut self, act: &Act) -> bool {
        let is_undone = self.0.contains(&act.id);
        if let Some(older) = act.asked.undoes.filter(|_| !is_undone) {
            self.0.insert(older);
        }
        is_undone
    }
}

impl Curate {
    /// The act with this number, which may be undone; the last decision that is not undone if none is named.
    pub async fn undoable(&self, number: Option<ActId>) -> Result<Act, UndoError> {
        let Some(id) = number else { return self.last_decision().await };
        let next = ActId(id.0.saturating_add(1));
        let found = self.journal.acts(Some(next), PageSize(1)).await?;
        let act = found.into_iter().find(|act| act.id == id).ok_or(UndoError::Unknown(id))?;
        match act.asked.summary {
            Some(_) => Err(UndoError::Run { id, verb: act.asked.verb }),
            None => Ok(act),
        }
    }

    async fn last_decision(&self) -> Result<Act, UndoError> {
        let mut undone = Undone::default();
        let mut before = None;
        loop {
            let acts = self.journal.acts(before, ACTS).await?;
            before = Some(acts.last().ok_or(UndoError::Nothing)?.id);
            let is_it = |act: &Act| {
                let stands = !undone.is_undone(act);
                stands && act.asked.undoes.is_none() && act.asked.summary.is_none() && act.items > 0
            };
            if let Some(act) = acts.into_iter().find(is_it) {
                return Ok(act);
            }
        }
    }

    /// Tells what undoing `act` would change, and changes nothing.
    pub async fn preview_undo(
        &self,
        act: &Act,
        show: &mut Show<'_>,
    ) -> Result<CurationReport, RepositoryError> {
        let mut report = CurationReport::default();
        let mut after = None;
        while let Some(page) = self.items(act.id, &mut after).await? {
            for concerned in reversals(page, &mut report) {
                report.count(&concerned);
                show(&concerned);
            }
        }
        Ok(report)
    }

    /// Reverses each decision of `act` that still holds, and leaves the others.
    pub async fn undo(
        &self,
        act: &Act,
        report: &mut CurationReport,
        show: &mut Show<'_>,
    ) -> Result<(), RepositoryError> {
        let words = format!("{} ({} {})", act.id.0, act.asked.verb, act.asked.words);
        let asked = Asked { verb: "undo", words };
        let mut after = None;
        while let Some(page) = self.items(act.id, &mut after).await? {
            let concerned = reversals(page, report);
            self.decide(&asked, Some(act.id), concerned, report, show).await?;
        }
        Ok(())
    }

    async fn items(
        &self,
        act: ActId,
        after: &mut Option<ItemId>,
    ) -> Result<Option<Vec<Item>>, RepositoryError> {
        let page = self.journal.items(act, *after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        *after = Some(last.id);
        Ok(Some(page))
    }
}

/// The decisions that bring back what was there before.
fn reversals(page: Vec<Item>, report: &mut CurationReport) -> Vec<Concerned> {
    let mut concerned = Vec::with_capacity(page.len());
    for Item { decision, holds, at, hash, size, .. } in page {
        report.observations += 1;
        if holds {
            concerned.push(Concerned {
                at,
                hash,
                size,
                decision: reversed(decision),
                along: None,
                copies: Vec::new(),
            });
        } else {
            report.changed_since += 1;
        }
    }
    concerned
}

const fn reversed(decision: Decision) -> Decision {
    match decision {
        Decision::Retarget { id, from, to } => Decision::Retarget { id, from: to, to: from },
        Decision::Block { hash, from, to } => Decision::Block { hash, from: to, to: from },
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::curation::NewAct;
    use mama_ports::vocab::{HostName, Timestamp};

    use super::*;

    fn act(id: i64, undoes: Option<i64>) -> Act {
        let asked = NewAct {
            at: Timestamp::new(0, 0),
            host: HostName::parse("anna").unwrap(),
            verb: String::new(),
            words: String::new(),
            undoes: undoes.map(ActId),
            summary: None,
        };
        Act { id: ActId(id), asked, items: 1 }
    }

    #[test]
    fn an_undo_that_was_undone_counts_no_more() {
        let mut undone = Undone::default();
        let newest_first =
            [act(6, Some(2)), act(5, Some(4)), act(4, Some(3)), act(3, Some(1)), act(2, None), act(1, None)];
        let told: Vec<i64> =
            newest_first.iter().filter(|act| undone.is_undone(act)).map(|act| act.id.0).collect();
        assert_eq!(told, [4, 2, 1], "3 stands again because 4 is undone by 5");
    }
}
