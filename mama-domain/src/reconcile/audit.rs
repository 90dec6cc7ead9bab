//! A second pair of eyes on a plan: knows the invariants of safety.md and not the planner.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::vocab::{BlobHash, RelPath};

use super::action::{Action, LinkView, RemoveView, StoreBlob};
use super::desired::{Want, Wish};
use super::plan::{Goal, Plan};
use crate::layout::{self, Folding};

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
    /// The archive takes two names for one, or a view would be a folder of another.
    #[error("{0} and {1} cannot both be made")]
    Collides(RelPath, RelPath),
}

/// Derives the invariants again from the wishes and the plan alone.
pub fn audit(wishes: &[Wish], plan: &Plan, folding: Folding) -> Vec<Contradiction> {
    let mut wanted: BTreeMap<BlobHash, BTreeSet<&RelPath>> = BTreeMap::new();
    for Wish { claim, want, .. } in wishes {
        match want {
            Want::View(shown) => wanted.entry(claim.hash).or_default().extend(&shown.names),
            Want::Content => drop(wanted.entry(claim.hash).or_default()),
            Want::Nothing(_) => {}
        }
    }
    let Ok(views) = RelPath::parse(layout::VIEWS) else { unreachable!("a constant") };
    let made: BTreeSet<&RelPath> = plan.granted.iter().map(|granted| &granted.view).collect();
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
                let is_spelling = |name: &&RelPath| layout::is_spelling_of(view, name, hash);
                let is_wanted = wanted
                    .get(hash)
                    .is_some_and(|names| names.contains(view) || names.iter().any(is_spelling));
                (view.clone(), (!is_wanted).then_some(Contradiction::Unwanted(*hash)))
            }
            Action::Remove(RemoveView { view, .. }) => {
                (view.clone(), made.contains(view).then(|| Contradiction::RemovesWanted(view.clone())))
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
    contradictions.extend(collisions(plan, folding));
    contradictions
}

/// Neighbours in the order of what the archive takes for one: equal, or one below the other.
fn collisions(plan: &Plan, folding: Folding) -> Vec<Contradiction> {
    let mut made: BTreeMap<Vec<u8>, (&RelPath, &BlobHash)> = BTreeMap::new();
    let mut found = Vec::new();
    let collide = |a: &RelPath, b: &RelPath| Contradiction::Collides(a.clone(), b.clone());
    let shown = plan.prospects.iter().filter_map(|it| match &it.goal {
        Goal::Placed(view) => Some((view, &it.hash)),
        Goal::Stored { .. } | Goal::Settled { .. } => None,
    });
    for (view, hash) in shown {
        // a slash sorts before all that a name may hold beyond it, so that what lies below comes next
        let key = [folding.key(view), b"/".to_vec()].concat();
        match made.insert(key, (view, hash)) {
            Some((other, held)) if (other, held) != (view, hash) => found.push(collide(other, view)),
            Some(_) | None => {}
        }
    }
    let pairs = made.iter().zip(made.iter().skip(1));
    found.extend(
        pairs.filter(|((a, _), (b, _))| b.starts_with(a)).map(|((_, (a, _)), (_, (b, _)))| collide(a, b)),
    );
    found
}
