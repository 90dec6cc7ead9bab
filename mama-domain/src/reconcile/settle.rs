//! What the catalog is told after the actions were tried.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::repository::Settlement;
use mama_ports::vocab::{BlobHash, Fingerprint, ObservationId, Placement, RelPath, Standing};

use super::action::Action;
use super::finding::{Finding, FindingKind};
use super::plan::{Goal, Plan, Prospect};
use crate::layout;

/// What became of the actions of one plan.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Done {
    /// Contents that were to be stored, by hash.
    pub stored: BTreeMap<BlobHash, Outcome>,
    /// Views that were to be linked, by path.
    pub linked: BTreeMap<RelPath, Outcome>,
    /// Views that were to go and could not be taken away, and why.
    pub kept: BTreeMap<RelPath, String>,
    /// Sources of which the archive took a hard link, with their fingerprint now.
    pub moved: BTreeMap<ObservationId, Fingerprint>,
    /// Sources that turned out to have other bytes than when they were scanned.
    pub doubtful: BTreeSet<ObservationId>,
    /// Observations of which the catalog was told meanwhile that they are placed no more.
    pub unplaced: BTreeSet<ObservationId>,
}

/// What became of one action: done and durable, or refused.
pub type Outcome = Result<(), Refusal>;

/// Why an action was not done although it was planned: the world had moved, or the file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The source is not there any more.
    Missing,
    /// The source is not what was scanned, or changes while it is read.
    Changed,
    /// What stood under the content's name was not it, and no source has it.
    Damaged,
    /// Something stands where the view belongs.
    Occupied,
    /// The archive's disk has no room for it.
    NoRoom,
    /// Anything else, in words.
    Failed(String),
}

/// The settlements that follow from a plan and what became of it, and what its reader should know.
pub fn settle(plan: &Plan, done: &Done) -> (Vec<Settlement>, Vec<Finding>) {
    let mut findings = plan.findings.clone();
    let mut settlements = Vec::with_capacity(plan.prospects.len());
    let awaited = awaited(plan, done);
    for prospect in &plan.prospects {
        let mut from = prospect.from;
        if done.unplaced.contains(&prospect.id) {
            from.standing.placement = Placement::None;
        }
        let end = end_of(prospect, from.standing.placement, &awaited, done);
        if let Some(kind) = end.finding {
            findings.push(Finding { id: prospect.id, at: prospect.at.clone(), kind });
        }
        settlements.push(Settlement {
            id: prospect.id,
            from,
            to: Standing {
                status: if end.reached { prospect.status } else { prospect.from.standing.status },
                placement: end.placement,
            },
            open: end.open,
            view: end.view,
            fingerprint: done.moved.get(&prospect.id).copied(),
            doubtful: done.doubtful.contains(&prospect.id),
        });
    }
    (settlements, findings)
}

/// The view of this observation that could not be taken away, and why: the one that it had, one that was left, or the plain one of its place.
fn kept_of<'a>(
    prospect: &Prospect,
    kept: &'a BTreeMap<RelPath, String>,
) -> Option<(&'a RelPath, &'a String)> {
    if kept.is_empty() {
        return None;
    }
    let plain = layout::view_path(&prospect.at.place());
    prospect.was.iter().chain(&prospect.leftovers).chain([&plain]).find_map(|view| kept.get_key_value(view))
}

/// The views that were to show, or should show, what is not in the archive.
fn awaited<'a>(plan: &'a Plan, done: &Done) -> BTreeSet<&'a RelPath> {
    let is_lacking = |hash: &BlobHash| done.stored.get(hash).is_some_and(Result::is_err);
    let links = plan.actions.iter().filter_map(|action| match action {
        Action::Link(link) => Some(link).filter(|link| is_lacking(&link.hash)),
        Action::Store(_) | Action::Remove(_) => None,
    });
    links.map(|link| &link.view).chain(&plan.reserved).collect()
}

/// Whether the view that this observation had stands as it did: what is awaited there could not be had, or not be shown.
fn is_not_replaced(prospect: &Prospect, awaited: &BTreeSet<&RelPath>, done: &Done) -> bool {
    let Some(view) = prospect.was.as_ref().filter(|view| prospect.goal.view() != Some(view)) else {
        return false;
    };
    match done.linked.get(view) {
        None => awaited.contains(view),
        Some(Ok(()) | Err(Refusal::Occupied)) => false,
        Some(Err(_)) => true,
    }
}

struct End {
    /// Whether the goal was reached, so that the target may be promoted.
    reached: bool,
    placement: Placement,
    open: bool,
    view: Option<RelPath>,
    finding: Option<FindingKind>,
}

impl End {
    const fn reached(placement: Placement, view: Option<RelPath>) -> Self {
        Self { reached: true, placement, open: false, view, finding: None }
    }

    const fn refused(placement: Placement, finding: FindingKind) -> Self {
        Self { reached: false, placement, open: true, view: None, finding: Some(finding) }
    }

    /// As it was, with the view that it had: the next apply tries again.
    fn put_off(placement: Placement, prospect: &Prospect, finding: Option<FindingKind>) -> Self {
        Self { reached: false, placement, open: true, view: prospect.was.clone(), finding }
    }
}

fn end_of(prospect: &Prospect, placement: Placement, awaited: &BTreeSet<&RelPath>, done: &Done) -> End {
    let is_shown = prospect.goal.view().is_some_and(|view| matches!(done.linked.get(view), Some(Ok(()))));
    if let Some((view, why)) = kept_of(prospect, &done.kept) {
        let finding = Some(FindingKind::not_removed(view, why));
        // a row has one view: of two, the plain one is looked at anyhow
        return match *view == layout::view_path(&prospect.at.place()) {
            true if is_shown => End { open: true, finding, ..end_as_done(prospect, placement, done) },
            true => End::put_off(placement, prospect, finding),
            false => End { view: Some(view.clone()), ..End::put_off(placement, prospect, finding) },
        };
    }
    let mut end = end_as_done(prospect, placement, done);
    let is_plain = prospect.was.as_ref() == Some(&layout::view_path(&prospect.at.place()));
    if is_not_replaced(prospect, awaited, done) && !(is_shown && is_plain) {
        // whoever waits for the place looks at this row, too; if what was awaited is lost, nobody waits
        end = End { placement, view: prospect.was.clone(), ..end };
    }
    // what is drawn in by another claim to its place is not found anew
    End { finding: end.finding.filter(|_| prospect.open), ..end }
}

fn end_as_done(prospect: &Prospect, placement: Placement, done: &Done) -> End {
    let stored = done.stored.get(&prospect.hash).unwrap_or(&Ok(()));
    match (&prospect.goal, stored) {
        (Goal::Settled { placement, open }, _) => End { open: *open, ..End::reached(*placement, None) },
        (Goal::Stored { or_lost: true }, Err(Refusal::Missing | Refusal::Changed)) => {
            End { open: false, ..End::refused(Placement::Lost, FindingKind::Lost) }
        }
        (Goal::Stored { .. } | Goal::Placed(_), Err(refusal)) => {
            let finding = match refusal {
                Refusal::Missing => FindingKind::Missing,
                Refusal::Changed => FindingKind::Changed,
                Refusal::Damaged | Refusal::Occupied => FindingKind::Damaged,
                Refusal::Failed(reason) => FindingKind::Failed(reason.clone()),
                Refusal::NoRoom => return End::put_off(placement, prospect, None),
            };
            End::refused(Placement::Failed, finding)
        }
        (Goal::Stored { .. }, Ok(())) => End::reached(Placement::Stored, None),
        (Goal::Placed(view), Ok(())) => match done.linked.get(view).unwrap_or(&Ok(())) {
            Ok(()) => End::reached(Placement::Placed, Some(view.clone())),
            Err(Refusal::NoRoom) => End::put_off(placement, prospect, None),
            Err(Refusal::Failed(reason)) => {
                End::refused(Placement::Failed, FindingKind::Failed(reason.clone()))
            }
            Err(Refusal::Missing | Refusal::Changed | Refusal::Damaged | Refusal::Occupied) => {
                End::refused(Placement::Conflict, FindingKind::Occupied(view.clone()))
            }
        },
    }
}
