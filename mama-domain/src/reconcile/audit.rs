//! A second pair of eyes on a plan: knows the invariants of safety.md and not the planner.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::vocab::{BlobHash, RelPath};

use super::action::{Action, LinkView, RemoveView, StoreBlob};
use super::desired::{Want, Wish};
use super::plan::Plan;
use crate::layout;

/// A plan that must not be performed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// Two actions concern one name.
    #[error("two actions concern {0}")]
    Twice(RelPath),
    /// A view is not among the views.
    #[error("{0} lies outside the folder of views")]
    Outside(RelPath),
    /// A content is stored or shown that nobody wants.
    #[error("{0} is stored or shown, and nobody wants it")]
    Unwanted(BlobHash),
    /// A view is removed that somebody wants.
    #[error("the view {0} is removed, and somebody wants it")]
    RemovesWanted(RelPath),
    /// A content is neither there nor has a source.
    #[error("{0} is to be stored from nowhere")]
    FromNowhere(BlobHash),
}

/// Derives the invariants again from the wishes and the plan alone.
pub fn audit(wishes: &[Wish], plan: &Plan) -> Vec<Contradiction> {
    let mut wanted: BTreeMap<BlobHash, BTreeSet<&RelPath>> = BTreeMap::new();
    for Wish { claim, want, .. } in wishes {
        match want {
            Want::View(view) => {
                wanted.entry(claim.hash).or_default().insert(view);
            }
            Want::Content => {
                wanted.entry(claim.hash).or_default();
            }
            Want::Nothing(_) => {}
        }
    }
    let Ok(views) = RelPath::parse(layout::VIEWS) else { unreachable!("a constant") };
    let mut names = BTreeSet::new();
    let mut contradictions = Vec::new();
    for action in &plan.actions {
        let (name, wrong) = match action {
            Action::Store(StoreBlob { hash, existing, sources, .. }) => {
                let wrong = if !wanted.contains_key(hash) {
                    Some(Contradiction::Unwanted(*hash))
                } else if existing.is_none() && sources.is_empty() {
                    Some(Contradiction::FromNowhere(*hash))
                } else {
                    None
                };
                (layout::blob_path(hash), wrong)
            }
            Action::Link(LinkView { hash, view, .. }) => {
                let is_wanted = wanted.get(hash).is_some_and(|views| views.contains(view));
                (view.clone(), (!is_wanted).then_some(Contradiction::Unwanted(*hash)))
            }
            Action::Remove(RemoveView { view, .. }) => {
                let is_wanted = wanted.values().any(|views| views.contains(view));
                (view.clone(), is_wanted.then(|| Contradiction::RemovesWanted(view.clone())))
            }
        };
        let is_view = !matches!(action, Action::Store(_));
        if is_view && (!name.is_within(&views) || name == views) {
            contradictions.push(Contradiction::Outside(name.clone()));
        }
        contradictions.extend(wrong);
        if !names.insert(name.clone()) {
            contradictions.push(Contradiction::Twice(name));
        }
    }
    contradictions
}
