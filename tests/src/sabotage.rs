//! Protocol steps, removed one at a time. A safety test proves itself by failing on each of these.

use std::collections::HashMap;
use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use mama_domain::layout;
use mama_ports::content::ContentHasher;
use mama_ports::filesystem::{
    Cloned, Entry, Filesystem, Fs, FsErrorKind, Held, Listing, ReadHandle, ReadTree, WriteHandle, WriteTree,
};
use mama_ports::manifest::{Generations, LastSeen, Manifests, Mark, Receipt, Rows, UnsavedRows};
use mama_ports::repository::{Epoch, PageSize, Repo, Repository};
use mama_ports::vocab::{AbsPath, BlobHash, Digest, FileFacts, ObservationId, RelPath, VolumeId};
use mama_ports::volumes::{VolumeFacts, Volumes};

use crate::world::hash_of;

/// A step of the write protocol that is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// Contents get their names before their bytes are durable.
    NoSyncBeforeNames,
    /// The catalog hears of contents before their names are durable.
    NoSyncOfNames,
    /// The catalog hears of views before they are durable.
    NoSyncOfViews,
    /// What was written is not read back and hashed.
    NoReadBack,
    /// Contents stay writable.
    NoSeal,
    /// A name that is taken is replaced.
    LinkReplaces,
    /// Rubbish of an interrupted run stays in the staging area.
    NoSweep,
    /// Two may apply at once.
    NoLock,
    /// What a source is, is asked once only: not again after it was read.
    NoSecondLook,
    /// The catalog hears of names and views, and only then are they made durable.
    SettleBeforeSync,
    /// A sync that failed is asked again, and believed.
    RetriedSync,
    /// A manifest gets its name before its bytes are durable.
    NoSyncBeforeManifest,
    /// The catalog hears of a manifest before its name is durable.
    NoSyncOfManifest,
    /// The catalog hears of a manifest that an interrupted apply left, before its name is durable.
    NoSyncOfFoundManifest,
    /// A manifest is not read back and hashed.
    NoReadBackOfManifest,
    /// The catalog is not told that a manifest may become visible.
    NoAnnouncement,
}

impl Sabotage {
    /// Every step that can be left out.
    pub const ALL: [Self; 16] = [
        Self::NoSyncBeforeNames,
        Self::NoSyncOfNames,
        Self::NoSyncOfViews,
        Self::NoReadBack,
        Self::NoSeal,
        Self::LinkReplaces,
        Self::NoSweep,
        Self::NoLock,
        Self::NoSecondLook,
        Self::SettleBeforeSync,
        Self::RetriedSync,
        Self::NoSyncBeforeManifest,
        Self::NoSyncOfManifest,
        Self::NoSyncOfFoundManifest,
        Self::NoReadBackOfManifest,
        Self::NoAnnouncement,
    ];
}

/// A file system that leaves out a step.
pub struct SabotagedFs {
    /// The honest one.
    pub inner: Arc<dyn Filesystem>,
    /// What is left out.
    pub sabotage: Sabotage,
}

impl Filesystem for SabotagedFs {
    fn source(&self, root: &AbsPath) -> Fs<Arc<dyn ReadTree>> {
        let inner = self.inner.source(root)?;
        let is_honest = self.sabotage != Sabotage::NoSecondLook;
        Ok(if is_honest { inner } else { Arc::new(HastyTree { inner }) })
    }

    fn archive(&self, root: &AbsPath) -> Fs<Arc<dyn WriteTree>> {
        let (inner, sabotage) = (self.inner.archive(root)?, self.sabotage);
        let (syncs, syncs_of_manifest) = (AtomicUsize::new(0), AtomicUsize::new(2));
        let (has_made, owing) = (AtomicBool::new(false), AtomicBool::new(false));
        Ok(Arc::new(SabotagedTree { inner, sabotage, syncs, syncs_of_manifest, has_made, owing }))
    }

    fn make_root(&self, root: &AbsPath) -> Fs<()> {
        self.inner.make_root(root)
    }
}

/// Volumes without names: all are one.
pub struct Nameless(pub Arc<dyn Volumes>);

impl Volumes for Nameless {
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts> {
        Ok(VolumeFacts { identity: VolumeId::new("the only one"), ..self.0.describe(at)? })
    }
}

struct SabotagedTree {
    inner: Arc<dyn WriteTree>,
    sabotage: Sabotage,
    /// Syncs of contents and views so far.
    syncs: AtomicUsize,
    /// Syncs of the manifest that was staged last; 2: it is done.
    syncs_of_manifest: AtomicUsize,
    /// Whether anything was made so far.
    has_made: AtomicBool,
    /// Whether a sync was put off.
    owing: AtomicBool,
}

impl SabotagedTree {
    fn catch_up(&self) -> Fs<()> {
        if self.owing.swap(false, Ordering::Relaxed) { self.inner.sync_all() } else { Ok(()) }
    }
}

impl ReadTree for SabotagedTree {
    fn facts(&self, at: &RelPath) -> Fs<Option<FileFacts>> {
        self.catch_up()?;
        self.inner.facts(at)
    }

    fn list(&self, dir: &RelPath) -> Fs<Vec<Entry>> {
        if self.sabotage == Sabotage::NoSweep { Ok(Vec::new()) } else { self.inner.list(dir) }
    }

    fn listing(&self, dir: &RelPath) -> Fs<Listing> {
        self.inner.listing(dir)
    }

    fn open(&self, at: &RelPath) -> Fs<Box<dyn ReadHandle>> {
        self.inner.open(at)
    }
}

impl WriteTree for SabotagedTree {
    fn create(&self, at: &RelPath) -> Fs<Box<dyn WriteHandle>> {
        self.has_made.store(true, Ordering::Relaxed);
        if *at == layout::staged_manifest_path() {
            self.syncs_of_manifest.store(0, Ordering::Relaxed);
        }
        self.inner.create(at)
    }

    fn reflink_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<Cloned> {
        self.inner.reflink_from(source, to)
    }

    fn link_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<()> {
        self.inner.link_from(source, to)
    }

    fn link(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        self.catch_up()?;
        self.has_made.store(true, Ordering::Relaxed);
        match self.inner.link(from, to) {
            Err(error)
                if error.kind == FsErrorKind::AlreadyExists && self.sabotage == Sabotage::LinkReplaces =>
            {
                self.inner.unlink(to)?;
                self.inner.link(from, to)
            }
            linked => linked,
        }
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        self.inner.rename(from, to)
    }

    fn rename_new(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        self.catch_up()?;
        self.has_made.store(true, Ordering::Relaxed);
        match self.inner.rename_new(from, to) {
            Err(error)
                if error.kind == FsErrorKind::AlreadyExists && self.sabotage == Sabotage::LinkReplaces =>
            {
                self.inner.rename(from, to)
            }
            renamed => renamed,
        }
    }

    fn unlink(&self, at: &RelPath) -> Fs<()> {
        self.inner.unlink(at)
    }

    fn check_changing(&self, folder: &RelPath) -> Fs<()> {
        self.inner.check_changing(folder)
    }

    fn make_dir(&self, at: &RelPath) -> Fs<()> {
        self.inner.make_dir(at)
    }

    fn remove_dir(&self, at: &RelPath) -> Fs<()> {
        self.inner.remove_dir(at)
    }

    fn seal(&self, file: &dyn ReadHandle) -> Fs<()> {
        if self.sabotage == Sabotage::NoSeal { Ok(()) } else { self.inner.seal(file) }
    }

    fn sync_file(&self, at: &RelPath) -> Fs<()> {
        self.inner.sync_file(at)
    }

    fn sync_dir(&self, at: &RelPath) -> Fs<()> {
        self.inner.sync_dir(at)
    }

    /// A batch that stores and shows syncs three times: bytes, names, views; a manifest twice: bytes, name.
    fn sync_all(&self) -> Fs<()> {
        self.catch_up()?;
        let which = if self.syncs_of_manifest.load(Ordering::Relaxed) < 2 {
            let steps = [Sabotage::NoSyncBeforeManifest, Sabotage::NoSyncOfManifest];
            steps[self.syncs_of_manifest.fetch_add(1, Ordering::Relaxed)]
        } else if self.has_made.load(Ordering::Relaxed) {
            let steps = [Sabotage::NoSyncBeforeNames, Sabotage::NoSyncOfNames, Sabotage::NoSyncOfViews];
            steps[self.syncs.fetch_add(1, Ordering::Relaxed) % steps.len()]
        } else {
            Sabotage::NoSyncOfFoundManifest
        };
        match (self.sabotage, which) {
            (sabotage, which) if sabotage == which => Ok(()),
            (Sabotage::SettleBeforeSync, Sabotage::NoSyncOfNames | Sabotage::NoSyncOfViews) => {
                self.owing.store(true, Ordering::Relaxed);
                Ok(())
            }
            (Sabotage::RetriedSync, _) => self.inner.sync_all().or_else(|_| self.inner.sync_all()),
            _ => self.inner.sync_all(),
        }
    }

    fn lock(&self, at: &RelPath) -> Fs<Box<dyn Held>> {
        if self.sabotage == Sabotage::NoLock { Ok(Box::new(Nothing)) } else { self.inner.lock(at) }
    }
}

/// Sources of which one asks once only.
struct HastyTree {
    inner: Arc<dyn ReadTree>,
}

impl ReadTree for HastyTree {
    fn facts(&self, at: &RelPath) -> Fs<Option<FileFacts>> {
        self.inner.facts(at)
    }

    fn listing(&self, dir: &RelPath) -> Fs<Listing> {
        self.inner.listing(dir)
    }

    fn open(&self, at: &RelPath) -> Fs<Box<dyn ReadHandle>> {
        Ok(Box::new(HastyHandle { inner: self.inner.open(at)?, seen: OnceLock::new() }))
    }
}

struct HastyHandle {
    inner: Box<dyn ReadHandle>,
    seen: OnceLock<FileFacts>,
}

impl Read for HastyHandle {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }
}

impl ReadHandle for HastyHandle {
    fn facts(&self) -> Fs<FileFacts> {
        let now = self.inner.facts()?;
        Ok(*self.seen.get_or_init(|| now))
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.inner.rewind()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.inner.fd()
    }
}

struct Nothing;
impl Held for Nothing {}

/// A catalog that is never told of a manifest before it is there.
struct Unannounced(Arc<dyn Repository>);

/// What apply sees of a catalog that is not told of manifests before they are there.
pub fn unannounced(catalog: &Arc<dyn Repository>) -> Arc<dyn Manifests> {
    Arc::new(Unannounced(Arc::clone(catalog)))
}

#[async_trait]
impl Manifests for Unannounced {
    async fn intend(&self, _: Option<Epoch>, _: &Mark) -> Repo<()> {
        Ok(())
    }

    async fn generations(&self) -> Repo<Generations> {
        self.0.generations().await
    }

    async fn unsaved(&self, limit: PageSize) -> Repo<UnsavedRows> {
        self.0.unsaved(limit).await
    }

    async fn saved(&self, under: Option<Epoch>, mark: &Mark, receipt: &Receipt) -> Repo<()> {
        self.0.saved(under, mark, receipt).await
    }

    async fn explain_anew(&self) -> Repo<()> {
        self.0.explain_anew().await
    }

    async fn reopen(&self) -> Repo<()> {
        self.0.reopen().await
    }

    async fn restore(&self, rows: &Rows) -> Repo<()> {
        self.0.restore(rows).await
    }

    async fn restored(&self, last: Option<&Mark>) -> Repo<()> {
        self.0.restored(last).await
    }

    async fn stored(&self, after: Option<&BlobHash>, limit: PageSize) -> Repo<Vec<(BlobHash, u64)>> {
        self.0.stored(after, limit).await
    }

    async fn placed(
        &self,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<(ObservationId, BlobHash, RelPath)>> {
        self.0.placed(after, limit).await
    }

    async fn last_seen(&self, hashes: &[BlobHash]) -> Repo<Vec<Option<LastSeen>>> {
        self.0.last_seen(hashes).await
    }
}

/// A hasher that remembers of each length what it first saw, and believes that nothing else ever has that length.
pub struct Forgiving {
    seen: Mutex<HashMap<u64, Digest>>,
    honest: Arc<dyn ContentHasher>,
}

impl Forgiving {
    /// Has seen nothing so far.
    pub fn new(honest: Arc<dyn ContentHasher>) -> Self {
        Self { seen: Mutex::default(), honest }
    }
}

impl ContentHasher for Forgiving {
    fn digest(&self, content: &mut dyn Read) -> io::Result<Digest> {
        let digest = self.honest.digest(content)?;
        Ok(*self.seen.lock().expect("no panic").entry(digest.size).or_insert(digest))
    }
}

/// A hasher that believes what it expects: contents of a known length are what they were, whatever their bytes.
pub struct Credulous {
    known: Vec<(u64, BlobHash)>,
    honest: Arc<dyn ContentHasher>,
}

impl Credulous {
    /// Believes in these contents, which differ in length.
    pub fn new<'a>(contents: impl IntoIterator<Item = &'a [u8]>, honest: Arc<dyn ContentHasher>) -> Self {
        let known = contents.into_iter().map(|bytes| (bytes.len() as u64, hash_of(bytes))).collect();
        Self { known, honest }
    }
}

impl ContentHasher for Credulous {
    fn digest(&self, content: &mut dyn Read) -> io::Result<Digest> {
        let digest = self.honest.digest(content)?;
        let believed = self.known.iter().find(|(size, _)| *size == digest.size);
        Ok(believed.map_or(digest, |(size, hash)| Digest { hash: *hash, size: *size }))
    }
}
