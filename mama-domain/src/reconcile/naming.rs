//! Who gets which view path.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{BlobHash, FileId, RelPath};

use super::action::{Action, LinkView, RemoveView};
use super::actual::{Actual, BlobFact, ViewFact};
use super::desired::{Want, Wish};

/// Grants view paths, first come first served, and knows the links and removals that follow.
pub(super) struct Naming<'a> {
    actual: &'a Actual,
    /// The inodes of our contents.
    ours: BTreeSet<FileId>,
    granted: BTreeMap<&'a RelPath, BlobHash>,
    links: BTreeMap<&'a RelPath, LinkView>,
}

/// Why a view path cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// Something else has it.
    Occupied,
    /// The file system refuses it.
    Unusable(FsErrorKind),
}

impl<'a> Naming<'a> {
    pub(super) fn new(actual: &'a Actual) -> Self {
        let inode = |fact: &BlobFact| match fact {
            BlobFact::Present(id) | BlobFact::Damaged(id) => Some(*id),
            BlobFact::Absent => None,
        };
        let quarantined = actual.quarantined.iter().copied();
        let ours = actual.blobs.values().filter_map(inode).chain(quarantined).collect();
        Self { actual, ours, granted: BTreeMap::new(), links: BTreeMap::new() }
    }

    /// Gives `view` to `hash`, unless another content has it or something foreign stands there.
    pub(super) fn grant(&mut self, view: &'a RelPath, hash: BlobHash) -> Result<(), Denied> {
        match self.granted.get(view) {
            Some(owner) if *owner == hash => return Ok(()),
            Some(_) => return Err(Denied::Occupied),
            None => {}
        }
        let replacing = match self.actual.views.get(view).copied().unwrap_or(ViewFact::Absent) {
            ViewFact::Absent => Some(None),
            ViewFact::File(id) if self.actual.blobs.get(&hash) == Some(&BlobFact::Present(id)) => None,
            ViewFact::Copy(_, held) if held == hash => None,
            ViewFact::File(id) if self.ours.contains(&id) => Some(Some(id)),
            ViewFact::Copy(id, _) => Some(Some(id)),
            ViewFact::File(_) | ViewFact::Foreign => return Err(Denied::Occupied),
            ViewFact::Unusable(kind) => return Err(Denied::Unusable(kind)),
        };
        self.granted.insert(view, hash);
        if let Some(replacing) = replacing {
            self.links.insert(view, LinkView { hash, view: view.clone(), replacing });
        }
        Ok(())
    }

    /// Why nobody knows what stands at a view that was made; `None` if it is known.
    pub(super) fn unknown(&self, view: &RelPath) -> Option<FsErrorKind> {
        match self.actual.views.get(view) {
            Some(ViewFact::Unusable(kind)) => Some(*kind),
            Some(ViewFact::Absent | ViewFact::File(_) | ViewFact::Copy(..) | ViewFact::Foreign) | None => {
                None
            }
        }
    }

    /// The removals of our views that nobody wants, then the links that are still to be made.
    pub(super) fn into_actions(self, wishes: &[&Wish]) -> impl Iterator<Item = Action> {
        let wanted: BTreeSet<&RelPath> = wishes
            .iter()
            .filter_map(|wish| match &wish.want {
                Want::View(view) => Some(view),
                Want::Content | Want::Nothing(_) => None,
            })
            .collect();
        let Self { actual, ours, links, .. } = self;
        let unwanted = actual.views.iter().filter(move |(view, _)| !wanted.contains(view));
        let removes = unwanted.filter_map(move |(view, fact)| match fact {
            ViewFact::File(id) if ours.contains(id) => Some(RemoveView { view: view.clone(), expected: *id }),
            ViewFact::Copy(id, _) => Some(RemoveView { view: view.clone(), expected: *id }),
            ViewFact::File(_) | ViewFact::Absent | ViewFact::Foreign | ViewFact::Unusable(_) => None,
        });
        let removes: Vec<RemoveView> = removes.collect();
        removes.into_iter().map(Action::Remove).chain(links.into_values().map(Action::Link))
    }
}
