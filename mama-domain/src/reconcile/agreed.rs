//! A plan that somebody has agreed to, held against the plan of today.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::vocab::{BlobHash, Claim, Contest, FileId, Location, ObservationId, Place, RelPath};

use super::action::{Action, LinkView, RemoveView, StoreBlob};
use super::plan::{Plan, Prospect, is_as_wanted};

/// One page of a plan that was made earlier: what was to be done, and what was to become of which observation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agreed {
    /// As in [`Plan::actions`]; which sources a content is read from is not part of the agreement.
    pub actions: Vec<Action>,
    /// As in [`Plan::prospects`].
    pub prospects: Vec<Prospect>,
}

/// An observation for which the plan of today is another one, so that nothing is done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// Which observation.
    pub id: ObservationId,
    /// Where it was seen.
    pub at: Location,
    /// What is different.
    pub why: Difference,
}

/// How today's plan differs from the one that was agreed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The catalog has no such observation.
    Unknown,
    /// It was decided about or seen again since, or the settings changed.
    Catalog,
    /// The archive or the source is not as it was.
    Files,
}

impl Difference {
    /// What happened, and what to do.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => {
                "the catalog does not know it; the plan was made with another catalog: plan again"
            }
            Self::Catalog => {
                "a scan, a decision or a setting has changed what is to be done about it since: plan again"
            }
            Self::Files => "its source or the archive is not as it was when the plan was made: plan again",
        }
    }
}

impl Agreed {
    /// Every place that the page is about, once.
    pub fn places(&self) -> Vec<Place> {
        let places: BTreeSet<Place> = self.prospects.iter().map(|prospect| prospect.at.place()).collect();
        places.into_iter().collect()
    }
}

/// What of `now`, the plan of today for the same places, was agreed to, and what is stale.
///
/// An action is done only if an equal one was agreed to and somebody whose prospect was agreed to needs it; a prospect holds
/// only if an equal one was agreed to and every action that it needs today was, too. What already is as agreed is neither.
pub fn hold_to(agreed: &Agreed, now: Plan, contests: &[Contest]) -> (Plan, Vec<Stale>) {
    let needs = Needs::of(&now);
    let is_agreed: BTreeSet<Step<'_>> = agreed.actions.iter().map(Step::from).collect();
    let known: BTreeMap<ObservationId, &Prospect> =
        agreed.prospects.iter().map(|prospect| (prospect.id, prospect)).collect();
    let holds = |prospect: &Prospect| {
        known.get(&prospect.id).is_some_and(|agreed| is_same(agreed, prospect))
            && needs.of_prospect(prospect).all(|step| is_agreed.contains(&step))
    };
    let kept: BTreeSet<ObservationId> =
        now.prospects.iter().filter(|prospect| holds(prospect)).map(|prospect| prospect.id).collect();
    let mut is_needed: BTreeMap<Step<'_>, bool> = BTreeMap::new();
    for prospect in &now.prospects {
        for step in needs.of_prospect(prospect) {
            *is_needed.entry(step).or_default() |= kept.contains(&prospect.id);
        }
    }
    let is_kept = |action: &Action| {
        let step = Step::from(action);
        is_agreed.contains(&step) && is_needed.get(&step).copied().unwrap_or(true)
    };
    let actions: Vec<Action> = now.actions.iter().filter(|action| is_kept(action)).cloned().collect();

    let claims: BTreeMap<ObservationId, &Claim> =
        contests.iter().flat_map(|contest| &contest.claims).map(|claim| (claim.id, claim)).collect();
    let today: BTreeMap<ObservationId, &Prospect> =
        now.prospects.iter().map(|prospect| (prospect.id, prospect)).collect();
    let stale = agreed.prospects.iter().filter(|prospect| !kept.contains(&prospect.id));
    let stale = stale.filter_map(|prospect| {
        let why = difference(prospect, claims.get(&prospect.id).copied(), today.get(&prospect.id).copied())?;
        Some(Stale { id: prospect.id, at: prospect.at.clone(), why })
    });
    let stale = stale.collect();
    let prospects = now.prospects.iter().filter(|prospect| kept.contains(&prospect.id)).cloned().collect();
    (Plan { actions, prospects, ..now }, stale)
}

/// Why an agreed prospect is not kept; `None` if it has come true already.
fn difference(agreed: &Prospect, claim: Option<&Claim>, today: Option<&Prospect>) -> Option<Difference> {
    match (claim, today) {
        (None, _) => Some(Difference::Unknown),
        (Some(claim), None) if is_as_wanted(claim, agreed.status, &agreed.goal) => None,
        (Some(_), Some(today)) if is_same(agreed, today) => Some(Difference::Files),
        (Some(claim), Some(today)) if claim.footing() == agreed.from && today.goal != agreed.goal => {
            Some(Difference::Files)
        }
        (Some(_), Some(_) | None) => Some(Difference::Catalog),
    }
}

fn is_same(agreed: &Prospect, now: &Prospect) -> bool {
    let part = |prospect: &Prospect| {
        (
            prospect.id,
            prospect.at.clone(),
            prospect.hash,
            prospect.from,
            prospect.status,
            prospect.goal.clone(),
        )
    };
    part(agreed) == part(now)
}

/// What makes two actions one and the same. A device number may differ after a reboot, an inode number may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step<'a> {
    Store(&'a BlobHash, Option<u64>),
    Link(&'a BlobHash, &'a RelPath, Option<u64>),
    Remove(&'a RelPath, u64),
}

impl<'a> From<&'a Action> for Step<'a> {
    fn from(action: &'a Action) -> Self {
        let inode = |id: FileId| id.inode;
        match action {
            Action::Store(StoreBlob { hash, existing, size: _, sources: _ }) => {
                Self::Store(hash, existing.map(inode))
            }
            Action::Link(LinkView { hash, view, replacing }) => Self::Link(hash, view, replacing.map(inode)),
            Action::Remove(RemoveView { view, expected }) => Self::Remove(view, inode(*expected)),
        }
    }
}

/// Which actions of a plan a prospect rests on.
struct Needs<'a> {
    stores: BTreeMap<&'a BlobHash, Step<'a>>,
    links: BTreeMap<&'a RelPath, Step<'a>>,
    removes: BTreeMap<&'a RelPath, Step<'a>>,
}

impl<'a> Needs<'a> {
    fn of(plan: &'a Plan) -> Self {
        let mut needs = Self { stores: BTreeMap::new(), links: BTreeMap::new(), removes: BTreeMap::new() };
        for action in &plan.actions {
            let step = Step::from(action);
            match action {
                Action::Store(store) => drop(needs.stores.insert(&store.hash, step)),
                Action::Link(link) => drop(needs.links.insert(&link.view, step)),
                Action::Remove(remove) => drop(needs.removes.insert(&remove.view, step)),
            }
        }
        needs
    }

    fn of_prospect(&self, prospect: &Prospect) -> impl Iterator<Item = Step<'a>> {
        let store = prospect.goal.needs_content().then(|| self.stores.get(&prospect.hash)).flatten();
        let link = prospect.goal.view().and_then(|view| self.links.get(view));
        let removes =
            prospect.was.iter().chain(&prospect.leftovers).filter_map(|view| self.removes.get(view));
        [store, link].into_iter().flatten().chain(removes).copied()
    }
}
