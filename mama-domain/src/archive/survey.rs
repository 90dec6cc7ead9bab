//! Facts for the planner.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mama_ports::filesystem::{Entry, FsErrorKind};
use mama_ports::repository::Source;
use mama_ports::runtime::Workers;
use mama_ports::vocab::{BlobHash, Claim, FileId, FileKind, RelPath};

use super::{Archive, SourceTrees, Stopped, stopped};
use crate::layout::{self, Folding};
use crate::reconcile::{Actual, BlobFact, ViewFact, Want, Wish};

/// What was seen at one view path.
struct Looked {
    view: RelPath,
    fact: ViewFact,
    /// What is there, or in the way, and how the archive spells it, if otherwise.
    spelling: Option<(RelPath, RelPath)>,
}

impl Archive {
    /// Looks at everything that the wishes mention: contents, views, and the sources of what is not stored; on all workers.
    ///
    /// `known` are further sources of each content, beyond the claims themselves. Two or three system calls an observation.
    pub async fn survey(
        &self,
        workers: &Arc<dyn Workers>,
        wishes: &[Wish],
        known: &BTreeMap<BlobHash, Vec<Source>>,
        sources: &Arc<SourceTrees>,
    ) -> Result<Actual, Stopped> {
        let (mut actual, unstored) = self.survey_contents(workers, wishes).await?;
        let mut candidates: BTreeMap<BlobHash, Vec<Source>> = BTreeMap::new();
        let mut views: BTreeMap<RelPath, BTreeSet<BlobHash>> = BTreeMap::new();
        for Wish { claim, want, leftovers, .. } in wishes {
            views.entry(layout::view_path(&claim.at.place())).or_default();
            for view in claim.view.iter().chain(leftovers) {
                views.entry(view.clone()).or_default().insert(claim.hash);
            }
            if let Want::View(shown) = want {
                for name in &shown.names {
                    views.entry(name.clone()).or_default().insert(claim.hash);
                }
            }
            if claim.current && !claim.gone && !matches!(want, Want::Nothing(_)) {
                let (at, fingerprint) = (claim.at.clone(), claim.fingerprint);
                candidates.entry(claim.hash).or_default().push(Source { id: claim.id, at, fingerprint });
            }
        }
        let all_of = |hash: BlobHash| {
            let mut all = candidates.remove(&hash).unwrap_or_default();
            all.extend(known.get(&hash).into_iter().flatten().cloned());
            all.sort_by_key(|source| source.id);
            all.dedup_by_key(|source| source.id);
            (hash, all)
        };
        let unstored = unstored.into_iter().map(all_of).collect();
        let trees = Arc::clone(sources);
        let find = move |(hash, all): &(BlobHash, Vec<Source>)| (*hash, trees.find(all));
        actual.sources = workers.for_each(unstored, find).await.into_iter().collect();
        self.look(workers, &mut actual, views).await?;
        Ok(actual)
    }

    /// The contents of these wishes, how the archive folds names, and which contents have to be brought.
    async fn survey_contents(
        &self,
        workers: &Arc<dyn Workers>,
        wishes: &[Wish],
    ) -> Result<(Actual, BTreeSet<BlobHash>), Stopped> {
        let sizes: BTreeMap<BlobHash, u64> =
            wishes.iter().map(|Wish { claim, .. }| (claim.hash, claim.fingerprint.size)).collect();
        let archive = self.clone();
        let find = move |(hash, size): &(BlobHash, u64)| Ok((*hash, archive.find_blob(hash, *size)?));
        let blobs = workers.for_each(sizes.into_iter().collect(), find).await;
        let mut blobs = blobs.into_iter().collect::<Result<BTreeMap<_, _>, _>>()?;
        let current = wishes.iter().map(|wish| &wish.claim).filter(|claim| claim.current);
        let files: BTreeMap<u64, BlobHash> =
            current.map(|claim| (claim.fingerprint.inode, claim.hash)).collect();
        let archive = self.clone();
        let surveyed = workers.start(move || {
            archive.doubt_edited(&files, &mut blobs);
            let quarantined = archive.find_quarantined(blobs.keys())?;
            let folding = archive.folding()?;
            Ok(Actual { blobs, quarantined, folding, ..Actual::default() })
        });
        let actual = surveyed.await?;
        let is_lacking = |claim: &Claim| {
            !claim.stored || !matches!(actual.blobs.get(&claim.hash), Some(BlobFact::Present(_)))
        };
        let wanted = wishes.iter().filter(|wish| !matches!(wish.want, Want::Nothing(_)));
        let lacking = wanted.filter(|wish| is_lacking(&wish.claim)).map(|wish| wish.claim.hash).collect();
        Ok((actual, lacking))
    }

    /// Looks at further view paths, each with the contents of which a copy may be there; on all workers.
    pub async fn look(
        &self,
        workers: &Arc<dyn Workers>,
        actual: &mut Actual,
        views: BTreeMap<RelPath, BTreeSet<BlobHash>>,
    ) -> Result<(), Stopped> {
        let inode = |fact: &BlobFact| match fact {
            BlobFact::Present(id) | BlobFact::Damaged(id) => Some(*id),
            BlobFact::Absent => None,
        };
        let ours: BTreeSet<FileId> =
            actual.blobs.values().filter_map(inode).chain(actual.quarantined.keys().copied()).collect();
        let (archive, folding) = (self.clone(), actual.folding);
        let look = move |views: &Vec<(RelPath, BTreeSet<BlobHash>)>| archive.look_at(views, &ours, folding);
        let views: Vec<_> = views.into_iter().collect();
        // neighbours share their folders, so each worker looks at a row of them
        let share = views.len().div_ceil(workers.width().get()).max(1);
        let shares = views.chunks(share).map(<[_]>::to_vec).collect();
        for looked in workers.for_each(shares, look).await {
            for Looked { view, fact, spelling } in looked? {
                actual.spellings.extend(spelling);
                actual.views.insert(view, fact);
            }
        }
        Ok(())
    }

    fn look_at(
        &self,
        views: &[(RelPath, BTreeSet<BlobHash>)],
        ours: &BTreeSet<FileId>,
        folding: Folding,
    ) -> Result<Vec<Looked>, Stopped> {
        let mut folders = BTreeMap::new();
        let mut listings = BTreeMap::new();
        let look = |(view, expected): &(RelPath, BTreeSet<BlobHash>)| {
            let fact = self.find_view(view, expected, ours, &mut folders)?;
            let there = match &fact {
                ViewFact::File(_) | ViewFact::Copy(..) | ViewFact::Ours(_) => Some(view),
                ViewFact::Below(file) => Some(file),
                ViewFact::Absent | ViewFact::Folder | ViewFact::Foreign(_) | ViewFact::Unusable(_) => None,
            };
            let spelling = match (folding, there) {
                (Folding::Folds, Some(there)) => {
                    let spelling = self.spelling(there, &mut listings)?;
                    (spelling != *there).then(|| (there.clone(), spelling))
                }
                (Folding::Folds | Folding::Exact, _) => None,
            };
            Ok(Looked { view: view.clone(), fact, spelling })
        };
        views.iter().map(look).collect()
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
    fn doubt_edited(&self, files: &BTreeMap<u64, BlobHash>, blobs: &mut BTreeMap<BlobHash, BlobFact>) {
        for (hash, fact) in blobs {
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
