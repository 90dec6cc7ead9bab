//! Why some places are as they are.

use std::collections::BTreeMap;

use mama_ports::vocab::{ObservationId, Place};

use super::{Apply, ApplyError, is_waiting};
use crate::reconcile::{Named, Plan, Promised, Wish, desired};

/// One place, explained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The place.
    pub place: Place,
    /// Every sighting that competes for it, in id order, and the rule that decided about each.
    pub wishes: Vec<Wish>,
    /// The names of those that are shown, and why these.
    pub names: BTreeMap<ObservationId, Named>,
    /// What the next apply would do about the place; nothing if nothing of it is open.
    pub plan: Plan,
}

impl Explained {
    /// Whether the next apply does nothing about the place, and remembers nothing new.
    pub const fn is_settled(&self) -> bool {
        let Plan { actions, prospects, findings, .. } = &self.plan;
        actions.is_empty() && prospects.is_empty() && findings.is_empty()
    }
}

impl Apply {
    /// What was decided about each place, by the same thoughts as an apply, in the order asked; a place that nobody has seen is left out.
    ///
    /// Takes no locks and changes nothing.
    pub async fn explain(&self, places: &[Place]) -> Result<Vec<Explained>, ApplyError> {
        self.check_identity().await?;
        let mut explained = Vec::new();
        for contest in self.catalog.claims(places).await? {
            if contest.claims.is_empty() {
                continue;
            }
            let (plan, _) = self.think(std::slice::from_ref(&contest), &Promised::default()).await?;
            let names = plan.names.clone();
            let is_next = contest.claims.iter().any(|claim| is_waiting(claim, self.scope()));
            let plan = if is_next { plan } else { Plan::default() };
            let wishes = desired(&contest, &self.policy.rules);
            explained.push(Explained { place: contest.place, wishes, names, plan });
        }
        Ok(explained)
    }
}
