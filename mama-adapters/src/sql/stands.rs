//! How an observation stands: whether it waits for apply, and what a settlement makes of it.

use mama_ports::repository::{Scope, Settlement};
use mama_ports::vocab::{Claim, Fingerprint, Footing, RelPath, Status};

/// What a settlement compares and sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stands {
    pub(crate) footing: Footing,
    pub(crate) open: bool,
    pub(crate) view: Option<RelPath>,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) racy: bool,
}

/// What becomes of a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is as it should be.
    Already,
    /// It stands otherwise than the settlement expects.
    Stale,
    /// It is to stand like this.
    Set(Stands),
}

impl Stands {
    /// What becomes of a row that stands like this. Its standing is compared last: a settlement that was made already is no stale one.
    pub(crate) fn settled_by(&self, settlement: &Settlement) -> Verdict {
        let Settlement { id: _, from, to, open, view, fingerprint, doubtful } = settlement;
        let then = Self {
            footing: Footing { standing: *to, ..self.footing },
            open: *open,
            view: view.clone(),
            fingerprint: fingerprint.unwrap_or(self.fingerprint),
            racy: self.racy || *doubtful,
        };
        let rests_on_the_same = Footing { standing: from.standing, ..self.footing } == *from;
        if rests_on_the_same && *self == then {
            Verdict::Already
        } else if self.footing == *from {
            Verdict::Set(then)
        } else {
            Verdict::Stale
        }
    }
}

/// Whether a claim counts as open.
pub(crate) fn is_in_scope(claim: &Claim, scope: Scope) -> bool {
    claim.open
        && match scope {
            Scope::WithPending => true,
            Scope::Decided => claim.standing.status != Status::Pending,
        }
}
