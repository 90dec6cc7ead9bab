//! Actions, performed.

use std::collections::BTreeMap;

use mama_ports::filesystem::FsErrorKind;
use mama_ports::repository::Source;
use mama_ports::vocab::{BlobHash, FileFacts, Fingerprint, ObservationId, RelPath};

use super::stage::{StageError, may_be_shared};
use super::views::{Linked, Removed};
use super::{Archive, Locked, SourceTrees, Stopped, Transfer, Ways, stopped};
use crate::layout;
use crate::reading::Unreadable;
use crate::reconcile::{LinkView, Outcome, Refusal, RemoveView, StoreBlob};

/// How a content came to be in the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entered {
    /// It lay there, whole.
    Present,
    /// It waits in the staging area, and came this way from here.
    Staged(Transfer, Source),
}

/// What a verification found under a content's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The content.
    Whole,
    /// Something else, or bytes that the disk has lost.
    Damaged,
    /// Nobody knows: it cannot be read just now, for this reason.
    Closed(String),
}

/// What staging one content came to.
#[derive(Debug)]
pub struct Staging {
    /// The way it came, or why it did not.
    pub outcome: Result<Entered, Refusal>,
    /// Sources that have other bytes than when they were scanned, although their size and mtime are the same.
    pub doubtful: Vec<ObservationId>,
}

/// What became of the views of one batch; durable.
#[derive(Debug, Default)]
pub struct ViewsDone {
    /// The links, by path.
    pub linked: BTreeMap<RelPath, Outcome>,
    /// Views that were made.
    pub created: u64,
    /// Views that were taken away.
    pub removed: u64,
    /// Views that could not be taken away, and why.
    pub kept: BTreeMap<RelPath, String>,
    /// What the disk said, if it had no room for one of the links.
    pub no_room: Option<Stopped>,
}

impl Locked {
    /// Removes and makes views, then makes durable what is there, also what an interrupted run had made.
    pub(crate) async fn show(
        &self,
        removes: Vec<RemoveView>,
        links: Vec<LinkView>,
    ) -> Result<ViewsDone, Stopped> {
        let mut done = ViewsDone::default();
        let removing = self.on_worker(move |archive| {
            removes
                .into_iter()
                .map(|remove| Ok((archive.remove_view(&remove)?, remove.view)))
                .collect::<Result<Vec<_>, _>>()
        });
        for (removed, view) in removing.await? {
            match removed {
                Removed::Gone => done.removed += 1,
                Removed::Foreign => {}
                Removed::Refused(why) => drop(done.kept.insert(view, why)),
            }
        }
        // one worker makes all views of a content, because they share a name in the staging area
        let mut of_contents: BTreeMap<BlobHash, Vec<LinkView>> = BTreeMap::new();
        for link in links {
            of_contents.entry(link.hash).or_default().push(link);
        }
        let put = |archive: &Archive, links: &Vec<LinkView>| -> Vec<_> {
            links.iter().map(|link| (link.view.clone(), archive.put_view(link))).collect()
        };
        for (view, linked) in
            self.for_each(of_contents.into_values().collect(), put).await.into_iter().flatten()
        {
            let linked = match linked {
                Err(stopped) if stopped.is_for_want_of_room() => {
                    done.no_room.get_or_insert(stopped);
                    Err(Refusal::NoRoom)
                }
                linked => linked?,
            };
            done.created += u64::from(matches!(linked, Ok(Linked::Made)));
            done.linked.insert(view, linked.map(|_| ()));
        }
        self.on_worker(|archive| archive.tree.sync_all().map_err(stopped("make views durable"))).await?;
        Ok(done)
    }
}

impl Archive {
    /// Reads what lies under a content's name.
    pub fn verify(&self, hash: &BlobHash) -> Verdict {
        match self.holds(&layout::blob_path(hash), hash) {
            Ok(true) => Verdict::Whole,
            Ok(false) => Verdict::Damaged,
            Err(error) => match Unreadable::from(&error) {
                // an error that passes is no proof of damage
                Unreadable::Failed(reason) if error.kind != FsErrorKind::Corrupt => Verdict::Closed(reason),
                Unreadable::Vanished | Unreadable::Replaced | Unreadable::Failed(_) => Verdict::Damaged,
            },
        }
    }

    /// Bytes that a content needs on the archive's disk: none if it will come in as a hard link, by all that can be told before.
    pub fn room_for(&self, store: &StoreBlob, sources: &SourceTrees, ways: &Ways) -> u64 {
        let is_linked = store.sources.first().is_some_and(|Source { at, fingerprint, .. }| {
            let look = || Some((self.tree.facts(&RelPath::root()).ok()??, sources.facts(at).ok()??));
            let fits = |(own, file): (FileFacts, FileFacts)| {
                own.id.device == file.id.device && file.fingerprint() == *fingerprint && may_be_shared(&file)
            };
            ways.of(at.root.kind).contains(&Transfer::Link) && look().is_some_and(fits)
        });
        if is_linked { 0 } else { store.size }
    }

    /// Stages one content from the first of its sources that gives it.
    pub fn enter(&self, store: &StoreBlob, sources: &SourceTrees, ways: &Ways) -> Result<Staging, Stopped> {
        let refusal = if store.existing.is_some() { Refusal::Damaged } else { Refusal::Missing };
        let mut staging = Staging { outcome: Err(refusal), doubtful: Vec::new() };
        for source in &store.sources {
            let staged = match sources.tree(&source.at.root.basedir) {
                Ok(tree) => self.stage(&store.hash, source, &*tree, ways),
                Err(_) => Err(StageError::Refused(Refusal::Missing)),
            };
            match staged {
                Ok(way) => {
                    staging.outcome = Ok(Entered::Staged(way, source.clone()));
                    break;
                }
                Err(StageError::Refused(refusal)) => {
                    if refusal == Refusal::Changed {
                        staging.doubtful.push(source.id);
                    }
                    staging.outcome = Err(refusal);
                }
                Err(StageError::Stopped(stopped)) => return Err(stopped),
            }
        }
        Ok(staging)
    }

    /// The fingerprint of a source whose inode the archive has taken as its own; `None` if the file is another, or another version, by now.
    pub fn fingerprint_of_linked(
        &self,
        hash: &BlobHash,
        source: &Source,
        sources: &SourceTrees,
    ) -> Option<Fingerprint> {
        let seen = sources.tree(&source.at.root.basedir).ok()?.facts(&source.at.path()).ok()??;
        let blob = self.tree.facts(&layout::blob_path(hash)).ok()??;
        let is_it = seen.id == blob.id && seen.fingerprint().is_same_version(&source.fingerprint);
        is_it.then(|| seen.fingerprint())
    }
}
