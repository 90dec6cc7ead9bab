//! Protocol steps, removed one at a time. A safety test proves itself by failing on each of these.

use std::io::{self, Read};
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use mama_ports::content::ContentHasher;
use mama_ports::filesystem::{
    Cloned, Entry, Filesystem, Fs, FsErrorKind, Held, Listing, ReadHandle, ReadTree, WriteHandle, WriteTree,
};
use mama_ports::vocab::{AbsPath, BlobHash, Digest, FileFacts, RelPath, VolumeId};
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
}

impl Sabotage {
    /// Every step that can be left out.
    pub const ALL: [Self; 11] = [
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
        let (inner, syncs) = (self.inner.archive(root)?, AtomicUsize::new(0));
        Ok(Arc::new(SabotagedTree { inner, sabotage: self.sabotage, syncs, owing: AtomicBool::new(false) }))
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
    syncs: AtomicUsize,
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

    fn unlink(&self, at: &RelPath) -> Fs<()> {
        self.inner.unlink(at)
    }

    fn make_dir(&self, at: &RelPath) -> Fs<()> {
        self.inner.make_dir(at)
    }

    fn remove_dir(&self, at: &RelPath) -> Fs<()> {
        self.inner.remove_dir(at)
    }

    fn seal(&self, at: &RelPath) -> Fs<()> {
        if self.sabotage == Sabotage::NoSeal { Ok(()) } else { self.inner.seal(at) }
    }

    fn sync_file(&self, at: &RelPath) -> Fs<()> {
        self.inner.sync_file(at)
    }

    fn sync_dir(&self, at: &RelPath) -> Fs<()> {
        self.inner.sync_dir(at)
    }

    /// A batch that stores and shows syncs three times: bytes, names, views.
    fn sync_all(&self) -> Fs<()> {
        self.catch_up()?;
        let nth = self.syncs.fetch_add(1, Ordering::Relaxed) % 3;
        match (self.sabotage, nth) {
            (Sabotage::NoSyncBeforeNames, 0)
            | (Sabotage::NoSyncOfNames, 1)
            | (Sabotage::NoSyncOfViews, 2) => Ok(()),
            (Sabotage::SettleBeforeSync, 1 | 2) => {
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
