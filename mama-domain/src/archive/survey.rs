//! Facts for the planner.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use mama_ports::filesystem::{Filesystem, Fs, FsErrorKind, ReadTree};
use mama_ports::repository::Source;
use mama_ports::vocab::{AbsPath, BlobHash, FileId, FileKind, HostName, RelPath};

use super::{Archive, Stopped, stopped};
use crate::layout;
use crate::reconcile::{Actual, BlobFact, NoSource, SourceFact, ViewFact, Want, Wish};

/// The source roots of this host, each opened once.
pub struct SourceTrees {
    fs: Arc<dyn Filesystem>,
    host: HostName,
    opened: Mutex<BTreeMap<AbsPath, Arc<dyn ReadTree>>>,
}

impl SourceTrees {
    /// The roots that `host`, this machine, can reach.
    pub fn new(fs: Arc<dyn Filesystem>, host: HostName) -> Self {
        Self { fs, host, opened: Mutex::default() }
    }

    /// This machine.
    pub const fn host(&self) -> &HostName {
        &self.host
    }

    /// The tree at `root`.
    pub(super) fn tree(&self, root: &AbsPath) -> Fs<Arc<dyn ReadTree>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = opened.get(root) {
            return Ok(Arc::clone(tree));
        }
        let tree = self.fs.source(root)?;
        opened.insert(root.clone(), Arc::clone(&tree));
        Ok(tree)
    }

    /// The sources that still are the version that was scanned. Whether they have its bytes is proven when they are staged.
    fn find(&self, candidates: &[Source]) -> SourceFact {
        let is_elsewhere = candidates.iter().any(|source| source.at.root.host != self.host);
        let mut why = if is_elsewhere { NoSource::Elsewhere } else { NoSource::Missing };
        let mut ready = Vec::new();
        for source in candidates.iter().filter(|source| source.at.root.host == self.host) {
            let facts = self.tree(&source.at.root.basedir).and_then(|tree| tree.facts(&source.at.path()));
            match facts {
                Ok(Some(facts))
                    if facts.kind == FileKind::File
                        && facts.fingerprint().is_same_version(&source.fingerprint) =>
                {
                    ready.push(source.clone());
                }
                Ok(Some(_)) => why = why.max(NoSource::Changed),
                Ok(None) | Err(_) => why = why.max(NoSource::Missing),
            }
        }
        if ready.is_empty() { SourceFact::None(why) } else { SourceFact::Ready(ready) }
    }
}

impl Archive {
    /// Looks at everything that the wishes mention: contents, views, and the sources of what is not stored.
    ///
    /// `known` are further sources of each content, beyond the claims themselves. Two or three system calls an observation.
    pub fn survey(
        &self,
        wishes: &[Wish],
        known: &BTreeMap<BlobHash, Vec<Source>>,
        sources: &SourceTrees,
    ) -> Result<Actual, Stopped> {
        let mut actual = Actual::default();
        let mut views: BTreeMap<RelPath, BTreeSet<BlobHash>> = BTreeMap::new();
        let mut candidates: BTreeMap<BlobHash, Vec<Source>> = BTreeMap::new();
        let mut unstored: BTreeSet<BlobHash> = BTreeSet::new();
        for Wish { claim, .. } in wishes {
            if let Entry::Vacant(entry) = actual.blobs.entry(claim.hash) {
                entry.insert(self.find_blob(&claim.hash, claim.fingerprint.size)?);
            }
        }
        self.doubt_edited(wishes, &mut actual);
        for Wish { claim, want } in wishes {
            views.entry(layout::view_path(&claim.at.place())).or_default();
            if let Some(view) = &claim.view {
                views.entry(view.clone()).or_default().insert(claim.hash);
            }
            match want {
                Want::View(view) => drop(views.entry(view.clone()).or_default().insert(claim.hash)),
                Want::Content => {}
                Want::Nothing(_) => continue,
            }
            if !claim.stored || !matches!(actual.blobs.get(&claim.hash), Some(BlobFact::Present(_))) {
                unstored.insert(claim.hash);
            }
            if claim.current && !claim.gone {
                let (at, fingerprint) = (claim.at.clone(), claim.fingerprint);
                candidates.entry(claim.hash).or_default().push(Source { id: claim.id, at, fingerprint });
            }
        }
        for hash in unstored {
            let mut candidates = candidates.remove(&hash).unwrap_or_default();
            candidates.extend(known.get(&hash).into_iter().flatten().cloned());
            candidates.sort_by_key(|source| source.id);
            candidates.dedup_by_key(|source| source.id);
            actual.sources.insert(hash, sources.find(&candidates));
        }
        actual.quarantined = self.find_quarantined(actual.blobs.keys())?;
        let inode = |fact: &BlobFact| match fact {
            BlobFact::Present(id) | BlobFact::Damaged(id) => Some(*id),
            BlobFact::Absent => None,
        };
        let ours: BTreeSet<FileId> =
            actual.blobs.values().filter_map(inode).chain(actual.quarantined.iter().copied()).collect();
        for (view, expected) in views {
            let fact = self.find_view(&view, &expected, &ours)?;
            actual.views.insert(view, fact);
        }
        Ok(actual)
    }

    /// Reads a content whose inode is that of a file with other bytes: a file that was handed over may be edited in place.
    fn doubt_edited(&self, wishes: &[Wish], actual: &mut Actual) {
        let current = wishes.iter().map(|wish| &wish.claim).filter(|claim| claim.current);
        let files: BTreeMap<u64, BlobHash> =
            current.map(|claim| (claim.fingerprint.inode, claim.hash)).collect();
        for (hash, fact) in &mut actual.blobs {
            if let BlobFact::Present(id) = *fact
                && files.get(&id.inode).is_some_and(|edited| edited != hash)
                && matches!(self.holds(&layout::blob_path(hash), hash), Ok(false))
            {
                *fact = BlobFact::Damaged(id);
            }
        }
    }

    fn find_view(
        &self,
        view: &RelPath,
        expected: &BTreeSet<BlobHash>,
        ours: &BTreeSet<FileId>,
    ) -> Result<ViewFact, Stopped> {
        let facts = match self.tree.facts(view) {
            Ok(None) => return Ok(ViewFact::Absent),
            Ok(Some(facts)) if facts.kind == FileKind::File => facts,
            Ok(Some(_)) => return Ok(ViewFact::Foreign),
            Err(error) => match error.kind {
                FsErrorKind::Escape | FsErrorKind::NotDirectory => return Ok(ViewFact::Foreign),
                FsErrorKind::PermissionDenied | FsErrorKind::NameTooLong | FsErrorKind::NameRefused => {
                    return Ok(ViewFact::Unusable(error.kind));
                }
                _ => return Err(stopped("look at a view")(error)),
            },
        };
        if ours.contains(&facts.id) {
            return Ok(ViewFact::File(facts.id));
        }
        // only where a foreign file stands is it worth a read to know whether it is a copy of ours
        let copied = expected.iter().find(|hash| matches!(self.holds(view, hash), Ok(true)));
        Ok(copied.map_or(ViewFact::File(facts.id), |hash| ViewFact::Copy(facts.id, *hash)))
    }

    /// The inodes in quarantine that were these contents once.
    fn find_quarantined<'a>(
        &self,
        hashes: impl Iterator<Item = &'a BlobHash>,
    ) -> Result<Vec<FileId>, Stopped> {
        let failed = || stopped("look into quarantine");
        let mut found = Vec::new();
        if self.tree.facts(&layout::quarantine()).map_err(failed())?.is_none() {
            return Ok(found);
        }
        for hash in hashes {
            for nth in 0.. {
                match self.tree.facts(&layout::quarantine_path(hash, nth)).map_err(failed())? {
                    Some(facts) => found.push(facts.id),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    fn find_blob(&self, hash: &BlobHash, size: u64) -> Result<BlobFact, Stopped> {
        let facts = self.tree.facts(&layout::blob_path(hash)).map_err(stopped("look at a content"))?;
        Ok(match facts {
            None => BlobFact::Absent,
            Some(facts) if facts.kind == FileKind::File && facts.size == size => BlobFact::Present(facts.id),
            Some(facts) => BlobFact::Damaged(facts.id),
        })
    }
}
