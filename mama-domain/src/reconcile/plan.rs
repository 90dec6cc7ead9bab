//! The difference between what should be and what is, as actions.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::vocab::{
    BlobHash, Claim, Footing, Location, ObservationId, Placement, RelPath, Standing, Status,
};

use super::action::{Action, StoreBlob};
use super::actual::{Actual, BlobFact, NoSource, SourceFact};
use super::desired::{Reason, Role, Want, Wish};
use super::finding::{Finding, FindingKind};
use super::naming::{Denied, Granted, Named, Naming};
use super::promised::Promised;
use crate::lifecycle::{self, Event};

/// What to do, and what each observation comes to if it is done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Contents before views, removed views before made ones; no two concern one name.
    pub actions: Vec<Action>,
    /// One for each observation that does not already stand as it should.
    pub prospects: Vec<Prospect>,
    /// What is known before anything is done.
    pub findings: Vec<Finding>,
    /// Contents that the catalog believes in the archive, and that are not there, or not whole.
    pub damaged: Vec<BlobHash>,
    /// The observations that the catalog believes to be placed, each with its view and what that shows.
    pub placed: Vec<(ObservationId, RelPath, BlobHash)>,
    /// The names that were given, and why these.
    pub names: BTreeMap<ObservationId, Named>,
    /// Whose each view is that one of these places has or gets.
    pub granted: Vec<Granted>,
    /// Views that are left alone, because what belongs there is not in the archive, and cannot be brought.
    pub reserved: BTreeSet<RelPath>,
    /// Paths that must be surveyed, each with the contents that may be there, before this is a plan.
    pub unknown: BTreeMap<RelPath, BTreeSet<BlobHash>>,
    /// Views, by what they show, of which the catalog must say whose they are, before this is a plan.
    pub unasked: BTreeSet<(BlobHash, RelPath)>,
}

/// What becomes of one observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// Which observation.
    pub id: ObservationId,
    /// Where it was seen.
    pub at: Location,
    /// What it saw.
    pub hash: BlobHash,
    /// The view that it has had so far.
    pub was: Option<RelPath>,
    /// Where else it may be shown, though it is to be shown no more.
    pub leftovers: Vec<RelPath>,
    /// What the plan rests on.
    pub from: Footing,
    /// Whether it counts: it was open, and not merely drawn in by another claim to its place.
    pub open: bool,
    /// Its target once the goal is reached.
    pub status: Status,
    /// How it will stand.
    pub goal: Goal,
}

/// How an observation will stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goal {
    /// Placed at this view, once its content is stored and the view is linked.
    Placed(RelPath),
    /// Stored, once its content is; lost if that proves impossible and `or_lost`.
    Stored {
        /// Whether nobody can bring the content any more if this source fails.
        or_lost: bool,
    },
    /// This, whatever happens.
    Settled {
        /// The fact.
        placement: Placement,
        /// Whether to look again next time.
        open: bool,
    },
}

/// Plans one page.
///
/// Two passes, contents before views: which of several equal files is read, and whether a place with a missing source is
/// served by another's copy, must not depend on the order of the wishes. Names that are in use are granted first, then
/// plain ones, those of other hosts, and those of older versions. `promised` is what earlier pages of the same run do.
/// If the plan has `unknown` or `unasked`, find that out and plan again.
pub fn plan(wishes: &[Wish], actual: &Actual, promised: &Promised) -> Plan {
    let mut wishes: Vec<&Wish> = wishes.iter().collect();
    let mut naming = Naming::new(&wishes, actual, promised);
    wishes.sort_by_key(|wish| (!naming.keeps(wish), role(wish), wish.claim.id));
    let mut plan =
        Plan { placed: wishes.iter().filter_map(|wish| placed(&wish.claim)).collect(), ..Plan::default() };
    let available = plan.store_blobs(&wishes, actual, promised);
    for wish in &wishes {
        plan.settle_wish(wish, &available, &mut naming);
    }
    naming.finish(&wishes, &mut plan);
    plan
}

fn placed(claim: &Claim) -> Option<(ObservationId, RelPath, BlobHash)> {
    let is_placed = claim.standing.placement == Placement::Placed;
    claim.view.clone().filter(|_| is_placed).map(|view| (claim.id, view, claim.hash))
}

fn role(wish: &Wish) -> Option<Role> {
    match &wish.want {
        Want::View(shown) => Some(shown.role),
        Want::Content | Want::Nothing(_) => None,
    }
}

/// Why a content will not be in the archive.
#[derive(Clone, Copy)]
enum Unavailable {
    Source(NoSource),
    Damaged,
}

type Availability = BTreeMap<BlobHash, Result<(), Unavailable>>;

impl Plan {
    fn store_blobs(&mut self, wishes: &[&Wish], actual: &Actual, promised: &Promised) -> Availability {
        let mut available = Availability::new();
        for Wish { claim, want, .. } in wishes {
            let is_wanted = match want {
                Want::View(_) | Want::Content => true,
                Want::Nothing(_) => false,
            };
            if is_wanted && !available.contains_key(&claim.hash) {
                let is_promised = promised.has_content(&claim.hash);
                let verdict = if is_promised { Ok(()) } else { self.store_blob(claim, actual) };
                available.insert(claim.hash, verdict);
            }
        }
        available
    }

    fn store_blob(&mut self, claim: &Claim, actual: &Actual) -> Result<(), Unavailable> {
        let (hash, size) = (claim.hash, claim.fingerprint.size);
        let fact = actual.blobs.get(&hash).copied().unwrap_or(BlobFact::Absent);
        let existing = match fact {
            BlobFact::Present(_) if claim.stored => return Ok(()),
            BlobFact::Present(id) | BlobFact::Damaged(id) => Some(id),
            BlobFact::Absent => None,
        };
        if claim.stored {
            self.damaged.push(hash);
        }
        let sources = match actual.sources.get(&hash) {
            Some(SourceFact::Ready(sources)) => sources.clone(),
            // what is there is verified at least, and put aside if it is not whole
            Some(SourceFact::None(_)) | None if existing.is_some() => Vec::new(),
            Some(SourceFact::None(_)) | None if claim.stored => return Err(Unavailable::Damaged),
            Some(SourceFact::None(why)) => return Err(Unavailable::Source(*why)),
            None => return Err(Unavailable::Source(NoSource::Missing)),
        };
        self.actions.push(Action::Store(StoreBlob { hash, size, existing, sources }));
        Ok(())
    }

    fn settle_wish(&mut self, wish: &Wish, available: &Availability, naming: &mut Naming<'_>) {
        let Wish { claim, want, .. } = wish;
        let is_shown = matches!(want, Want::View(_));
        let unknown =
            claim.view.as_ref().filter(|_| !is_shown).and_then(|view| Some((view, naming.unreadable(view)?)));
        if let Some((view, why)) = unknown {
            self.find(claim, Some(FindingKind::not_removed(view, why)));
            return;
        }
        let (goal, found) = match (want, available.get(&claim.hash)) {
            (Want::Nothing(Reason::Awaiting), _) => return,
            (Want::Nothing(Reason::Ignored), _) => (Goal::closed(Placement::None), None),
            (Want::Nothing(Reason::Blocked(_)), _) => {
                (Goal::closed(Placement::None), Some(FindingKind::Blocked))
            }
            (Want::Nothing(Reason::TurnedDown), _) => {
                (Goal::closed(Placement::None), Some(FindingKind::TurnedDown))
            }
            (_, Some(Err(why))) => {
                if let Want::View(shown) = want {
                    naming.reserve(wish, shown);
                }
                without_content(claim, want, *why)
            }
            (Want::Content, Some(Ok(())) | None) => {
                (Goal::Stored { or_lost: claim.gone || !claim.current }, None)
            }
            (Want::View(shown), Some(Ok(())) | None) => match naming.grant(wish, shown) {
                Ok(named) => {
                    let goal = Goal::Placed(named.view.clone());
                    self.names.insert(claim.id, named);
                    (goal, None)
                }
                Err(Denied::Occupied(view)) => {
                    (Goal::retried(Placement::Conflict), Some(FindingKind::Occupied(view)))
                }
                Err(Denied::Unusable(view, kind)) => {
                    let reason = format!("cannot be shown at {view}: {kind}");
                    (Goal::retried(Placement::Failed), Some(FindingKind::Failed(reason)))
                }
                Err(Denied::Unknown) => return,
            },
        };
        self.find(claim, found);
        let target = claim.standing.status;
        let status = match goal {
            Goal::Placed(_) | Goal::Stored { .. } => {
                lifecycle::step(target, Event::Applied).unwrap_or(target)
            }
            Goal::Settled { .. } => target,
        };
        if !is_as_wanted(claim, status, &goal) {
            let (at, from) = (claim.at.clone(), claim.footing());
            self.prospects.push(Prospect {
                id: claim.id,
                at,
                hash: claim.hash,
                was: claim.view.clone(),
                leftovers: wish.leftovers.clone(),
                from,
                open: claim.open,
                status,
                goal,
            });
        }
    }

    /// What is drawn in by another claim to its place is not found anew.
    fn find(&mut self, claim: &Claim, found: Option<FindingKind>) {
        if claim.open {
            self.findings.extend(found.map(|kind| Finding { id: claim.id, at: claim.at.clone(), kind }));
        }
    }

    /// Contents that this plan brings into the archive, or verifies there.
    pub fn stores(&self) -> impl Iterator<Item = &StoreBlob> {
        self.actions.iter().filter_map(|action| match action {
            Action::Store(store) => Some(store),
            Action::Link(_) | Action::Remove(_) => None,
        })
    }
}

impl Goal {
    /// The view that is to be, if any.
    pub const fn view(&self) -> Option<&RelPath> {
        match self {
            Self::Placed(view) => Some(view),
            Self::Stored { .. } | Self::Settled { .. } => None,
        }
    }

    /// Whether the content has to be in the archive for it.
    pub const fn needs_content(&self) -> bool {
        match self {
            Self::Placed(_) | Self::Stored { .. } => true,
            Self::Settled { .. } => false,
        }
    }

    const fn closed(placement: Placement) -> Self {
        Self::Settled { placement, open: false }
    }

    const fn retried(placement: Placement) -> Self {
        Self::Settled { placement, open: true }
    }
}

/// What becomes of a claim whose content cannot be had: a version that nobody can bring any more is lost, the rest is tried again.
fn without_content(claim: &Claim, want: &Want, why: Unavailable) -> (Goal, Option<FindingKind>) {
    let is_forgotten = claim.gone || !claim.current || *want == Want::Content;
    let (goal, finding) = match why {
        Unavailable::Damaged => (Goal::retried(Placement::Failed), FindingKind::Damaged),
        Unavailable::Source(NoSource::Elsewhere) => (Goal::retried(Placement::None), FindingKind::Elsewhere),
        Unavailable::Source(NoSource::Missing | NoSource::Changed) if is_forgotten => {
            (Goal::closed(Placement::Lost), FindingKind::Lost)
        }
        Unavailable::Source(NoSource::Missing) => (Goal::retried(Placement::Failed), FindingKind::Missing),
        Unavailable::Source(NoSource::Changed) => (Goal::retried(Placement::Failed), FindingKind::Changed),
    };
    (goal, Some(finding))
}

/// Whether an observation stands like this already, and nothing waits.
pub(super) fn is_as_wanted(claim: &Claim, status: Status, goal: &Goal) -> bool {
    let Standing { status: target, placement } = claim.standing;
    let holds = match goal {
        Goal::Placed(view) => {
            (target, placement) == (status, Placement::Placed) && claim.view.as_ref() == Some(view)
        }
        Goal::Stored { .. } => (target, placement) == (status, Placement::Stored) && claim.stored,
        Goal::Settled { placement: settled, open: _ } => (target, placement) == (status, *settled),
    };
    !claim.open && holds
}
