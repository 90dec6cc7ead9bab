//! Facts for the planner.

use std::collections::btree_map;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use mama_ports::filesystem::{Entry, Filesystem, Fs, FsErrorKind, ReadTree};
use mama_ports::repository::Source;
use mama_ports::vocab::{AbsPath, BlobHash, FileFacts, FileId, FileKind, HostName, Location, RelPath};

use super::{Archive, Stopped, stopped};
use crate::layout::{self, Folding};
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
    pub(crate) fn tree(&self, root: &AbsPath) -> Fs<Arc<dyn ReadTree>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = opened.get(root) {
            return Ok(Arc::clone(tree));
        }
        let tree = self.fs.source(root)?;
        opened.insert(root.clone(), Arc::clone(&tree));
        Ok(tree)
    }

    /// What is at this place now.
    pub(super) fn facts(&self, at: &Location) -> Fs<Option<FileFacts>> {
        self.tree(&at.root.basedir)?.facts(&at.path())
    }

    /// The sources that still are the version that was scanned. Whether they have its bytes is proven when they are staged.
    fn find(&self, candidates: &[Source]) -> SourceFact {
        let is_elsewhere = candidates.iter().any(|source| source.at.root.host != self.host);
        let mut why = if is_elsewhere { NoSource::Elsewhere } else { NoSource::Missing };
        let mut ready = Vec::new();
        for source in candidates.iter().filter(|source| source.at.root.host == self.host) {
            match self.facts(&source.at) {
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
            if let btree_map::Entry::Vacant(entry) = actual.blobs.entry(claim.hash) {
                entry.insert(self.find_blob(&claim.hash, claim.fingerprint.size)?);
            }
        }
        self.doubt_edited(wishes, &mut actual);
        for Wish { claim, want, .. } in wishes {
            views.entry(layout::view_path(&claim.at.place())).or_default();
            if let Some(view) = &claim.view {
                views.entry(view.clone()).or_default().insert(claim.hash);
            }
            match want {
                Want::View(shown) => {
                    for name in &shown.names {
                        views.entry(name.clone()).or_default().insert(claim.hash);
                    }
                }
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
        actual.folding = self.folding()?;
        self.look(&mut actual, views)?;
        Ok(actual)
    }

    /// Looks at further view paths, each with the contents of which a copy may be there.
    pub fn look(
        &self,
        actual: &mut Actual,
        views: BTreeMap<RelPath, BTreeSet<BlobHash>>,
    ) -> Result<(), Stopped> {
        let inode = |fact: &BlobFact| match fact {
            BlobFact::Present(id) | BlobFact::Damaged(id) => Some(*id),
            BlobFact::Absent => None,
        };
        let ours =
            actual.blobs.values().filter_map(inode).chain(actual.quarantined.keys().copied()).collect();
        let mut folders = BTreeMap::new();
        let mut listings = BTreeMap::new();
        for (view, expected) in views {
            let fact = self.find_view(&view, &expected, &ours, &mut folders)?;
            let there = match &fact {
                ViewFact::File(_) | ViewFact::Copy(..) | ViewFact::Ours(_) => Some(&view),
                ViewFact::Below(file) => Some(file),
                ViewFact::Absent | ViewFact::Folder | ViewFact::Foreign(_) | ViewFact::Unusable(_) => None,
            };
            if let (Folding::Folds, Some(there)) = (actual.folding, there) {
                let spelling = self.spelling(there, &mut listings)?;
                if spelling != *there {
                    actual.spellings.insert(there.clone(), spelling);
                }
            }
            actual.views.insert(view, fact);
        }
        Ok(())
    }

    /// Whether so many files lie in the folders below this one, and nothing that would keep them from being removed with the last of these.
    pub(crate) fn has_just(&self, files: u32, folder: &RelPath) -> Result<bool, Stopped> {
        let (mut left, mut folders) = (files, vec![folder.clone()]);
        while let Some(folder) = folders.pop() {
            let entries = match self.tree.list(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind == FsErrorKind::PermissionDenied => return Ok(false),
                Err(error) => return Err(stopped("look into a folder of views")(error)),
            };
            if entries.is_empty() {
                return Ok(false);
            }
            for entry in entries {
                if entry.facts.is_ok_and(|facts| facts.kind == FileKind::Directory) {
                    folders.push(folder.join(&entry.name));
                } else if left == 0 {
                    return Ok(false);
                } else {
                    left -= 1;
                }
            }
        }
        Ok(left == 0)
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

    /// What stands at a view; `folders` are those that are known to be there or not.
    fn find_view(
        &self,
        view: &RelPath,
        expected: &BTreeSet<BlobHash>,
        ours: &BTreeSet<FileId>,
        folders: &mut BTreeMap<RelPath, bool>,
    ) -> Result<ViewFact, Stopped> {
        if view.parent().is_some_and(|folder| folders.get(&folder) == Some(&false)) {
            return self.find_way(view, ours, folders);
        }
        let facts = match self.tree.facts(view) {
            Ok(None) => return self.find_way(view, ours, folders),
            Ok(Some(facts)) if facts.kind == FileKind::File => facts,
            Ok(Some(facts)) if facts.kind == FileKind::Directory => return Ok(ViewFact::Folder),
            Ok(Some(_)) => return Ok(ViewFact::Foreign(view.clone())),
            Err(error) => match error.kind {
                FsErrorKind::Escape | FsErrorKind::NotDirectory => {
                    return Ok(ViewFact::Foreign(self.in_the_way_to(view)));
                }
                FsErrorKind::PermissionDenied | FsErrorKind::NameTooLong | FsErrorKind::NameRefused => {
                    return Ok(ViewFact::Unusable(error.kind));
                }
                _ => return Err(stopped("look at a view")(error)),
            },
        };
        if ours.contains(&facts.id) {
            return Ok(ViewFact::File(facts.id));
        }
        // only where an unknown file stands is it worth a read to know whether it is ours
        Ok(match self.content_at(view) {
            Some(hash) if self.is_link_to(&hash, facts.id)? => ViewFact::Ours(facts.id),
            Some(hash) if expected.contains(&hash) => ViewFact::Copy(facts.id, hash),
            Some(_) | None => ViewFact::File(facts.id),
        })
    }

    /// Whether the folders of a view that is not there are, or can be made.
    fn find_way(
        &self,
        view: &RelPath,
        ours: &BTreeSet<FileId>,
        folders: &mut BTreeMap<RelPath, bool>,
    ) -> Result<ViewFact, Stopped> {
        for folder in std::iter::successors(view.parent(), RelPath::parent) {
            match folders.get(&folder) {
                Some(true) => {
                    return Ok(self.refusal(&folder, view).map_or(ViewFact::Absent, ViewFact::Unusable));
                }
                Some(false) => continue,
                None => {}
            }
            let facts = match self.tree.facts(&folder) {
                Ok(None) => {
                    folders.insert(folder, false);
                    continue;
                }
                Ok(Some(facts)) => facts,
                Err(error) => return Err(stopped("look at a folder of views")(error)),
            };
            match facts.kind {
                FileKind::Directory => {
                    if let Some(kind) = self.refusal(&folder, view) {
                        return Ok(ViewFact::Unusable(kind));
                    }
                    folders.insert(folder, true);
                    break;
                }
                FileKind::File => {
                    let is_ours = ours.contains(&facts.id)
                        || self
                            .content_at(&folder)
                            .map_or(Ok(false), |hash| self.is_link_to(&hash, facts.id))?;
                    return Ok(if is_ours { ViewFact::Below(folder) } else { ViewFact::Foreign(folder) });
                }
                FileKind::Symlink | FileKind::Special => return Ok(ViewFact::Foreign(folder)),
            }
        }
        Ok(ViewFact::Absent)
    }

    /// What stands where a folder of this view belongs and is none; the view itself if it is gone by now.
    fn in_the_way_to(&self, view: &RelPath) -> RelPath {
        let is_folder = |at: &RelPath| {
            self.tree
                .facts(at)
                .is_ok_and(|facts| facts.is_some_and(|facts| facts.kind == FileKind::Directory))
        };
        let mut folders: Vec<RelPath> = std::iter::successors(view.parent(), RelPath::parent).collect();
        folders.reverse();
        folders.into_iter().find(|folder| !is_folder(folder)).unwrap_or_else(|| view.clone())
    }

    /// Why the file system would refuse a name on the way from a folder that is there down to `view`, if it would.
    fn refusal(&self, folder: &RelPath, view: &RelPath) -> Option<FsErrorKind> {
        let missing = view.names().skip(folder.names().count() + 1);
        missing.filter(|name| !layout::is_tame(name)).find_map(|name| {
            let kind = self.tree.facts(&folder.join(&name)).err()?.kind;
            matches!(kind, FsErrorKind::NameTooLong | FsErrorKind::NameRefused).then_some(kind)
        })
    }

    /// The hash of a file in the archive; `None` if it cannot be read.
    fn content_at(&self, path: &RelPath) -> Option<BlobHash> {
        let mut file = self.tree.open(path).ok()?;
        Some(self.hasher.digest(&mut file).ok()?.hash)
    }

    /// Whether anything stands under a content's name.
    pub(crate) fn has_name(&self, hash: &BlobHash) -> Result<bool, Stopped> {
        let facts = self.tree.facts(&layout::blob_path(hash)).map_err(stopped("look at a content"))?;
        Ok(facts.is_some())
    }

    /// Whether this view shows this content. It is read only where it is a file of its own.
    pub(crate) fn is_shown(&self, hash: &BlobHash, view: &RelPath) -> Result<bool, Stopped> {
        match self.tree.facts(view) {
            Ok(Some(facts)) => Ok(self.is_link_to(hash, facts.id)? || self.content_at(view) == Some(*hash)),
            Ok(None) => Ok(false),
            Err(error) if matches!(error.kind, FsErrorKind::Escape | FsErrorKind::NotDirectory) => Ok(false),
            Err(error) => Err(stopped("look at a view")(error)),
        }
    }

    fn is_link_to(&self, hash: &BlobHash, id: FileId) -> Result<bool, Stopped> {
        let facts = self.tree.facts(&layout::blob_path(hash)).map_err(stopped("look at a content"))?;
        Ok(facts.is_some_and(|facts| facts.id == id))
    }

    /// The inodes in quarantine that were these contents once.
    fn find_quarantined<'a>(
        &self,
        hashes: impl Iterator<Item = &'a BlobHash>,
    ) -> Result<BTreeMap<FileId, BlobHash>, Stopped> {
        let failed = || stopped("look into quarantine");
        let mut found = BTreeMap::new();
        if self.tree.facts(&layout::quarantine()).map_err(failed())?.is_none() {
            return Ok(found);
        }
        for hash in hashes {
            for nth in 0.. {
                match self.tree.facts(&layout::quarantine_path(hash, nth)).map_err(failed())? {
                    Some(facts) => drop(found.insert(facts.id, *hash)),
                    None => break,
                }
            }
        }
        Ok(found)
    }

    /// The folders that contents lie in, in order.
    pub(crate) fn content_folders(&self) -> Result<Vec<RelPath>, Stopped> {
        let mut found = Vec::new();
        for above in self.folders_in(&layout::blobs())? {
            found.extend(self.folders_in(&above)?);
        }
        Ok(found)
    }

    fn folders_in(&self, folder: &RelPath) -> Result<Vec<RelPath>, Stopped> {
        let entries = self.tree.list(folder).map_err(stopped("list the contents"))?;
        let is_folder =
            |entry: &Entry| entry.facts.as_ref().is_ok_and(|facts| facts.kind == FileKind::Directory);
        let mut found: Vec<RelPath> =
            entries.iter().filter(|entry| is_folder(entry)).map(|entry| folder.join(&entry.name)).collect();
        found.sort_unstable();
        Ok(found)
    }

    /// The contents in one of these folders, by name, with the sizes of the files.
    pub(crate) fn contents_in(&self, folder: &RelPath) -> Result<Vec<(BlobHash, u64)>, Stopped> {
        let mut found = Vec::new();
        for entry in self.tree.list(folder).map_err(stopped("list the contents"))? {
            let name = std::str::from_utf8(entry.name.as_bytes()).unwrap_or_default();
            let Ok(hash) = name.parse::<BlobHash>() else { continue };
            let facts = entry.facts.map_err(stopped("look at a content"))?;
            if facts.kind == FileKind::File && layout::blob_path(&hash) == folder.join(&entry.name) {
                found.push((hash, facts.size));
            }
        }
        Ok(found)
    }

    /// What stands under a content's name; it is not read.
    pub(crate) fn find_blob(&self, hash: &BlobHash, size: u64) -> Result<BlobFact, Stopped> {
        let facts = self.tree.facts(&layout::blob_path(hash)).map_err(stopped("look at a content"))?;
        Ok(match facts {
            None => BlobFact::Absent,
            Some(facts) if facts.kind == FileKind::File && facts.size == size => BlobFact::Present(facts.id),
            Some(facts) => BlobFact::Damaged(facts.id),
        })
    }
}
