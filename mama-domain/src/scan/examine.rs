//! One file: a single read feeds the hasher and the detector, and the same bytes a quick reader, between two looks at its facts.

use std::io::{self, Read};
use std::sync::Arc;

use mama_ports::content::{ContentHasher, Hint, MetadataExtractor, MimeDetector};
use mama_ports::filesystem::{FsError, ReadHandle, ReadTree};
use mama_ports::runtime::Clock;
use mama_ports::vocab::{BlobHash, Fingerprint, MetaDoc, Mime, RelPath};

use crate::change::is_racy;
use crate::reading::Unreadable;

/// How often a file is read whose inode is touched meanwhile.
const TRIES: u32 = 3;

const CHANGED: Unexamined = Unexamined::Unsteady("changed while it was read; the next scan tries again");

/// What the read of one file gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Examined {
    pub(super) hash: BlobHash,
    pub(super) mime: Option<Mime>,
    /// What the quick reader found, if anything.
    pub(super) quick: Option<MetaDoc>,
    pub(super) fingerprint: Fingerprint,
    pub(super) racy: bool,
}

/// Why a file has no hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unexamined {
    /// It changed or vanished in between; said in words.
    Unsteady(&'static str),
    /// It cannot be read; said in words.
    Unreadable(String),
}

/// Who looks at the bytes of a file.
#[derive(Clone)]
pub(super) struct Readers {
    pub(super) hasher: Arc<dyn ContentHasher>,
    pub(super) detector: Option<Arc<dyn MimeDetector>>,
    pub(super) quick: Option<Arc<dyn MetadataExtractor>>,
}

/// Reads one file, once unless its inode is touched meanwhile. A hash is only given to bytes that stood still while they were read.
pub(super) fn examine(
    tree: &dyn ReadTree,
    at: &RelPath,
    readers: &Readers,
    clock: &dyn Clock,
) -> Result<Examined, Unexamined> {
    for _ in 0..TRIES {
        if let Some(examined) = read(tree, at, readers, clock)? {
            return Ok(examined);
        }
    }
    Err(CHANGED)
}

/// One read. `None`: of the same size and mtime as before, but linked or given other rights meanwhile, as an apply does that takes it over.
fn read(
    tree: &dyn ReadTree,
    at: &RelPath,
    Readers { hasher, detector, quick }: &Readers,
    clock: &dyn Clock,
) -> Result<Option<Examined>, Unexamined> {
    let started = clock.now();
    let mut handle = tree.open(at).map_err(|error| unexamined(&error))?;
    let before = handle.facts().map_err(|error| unexamined(&error))?.fingerprint();
    let mut head = Head::new(&mut handle, detector.as_ref().map_or(0, |detector| detector.wants()));
    let digest = hasher
        .digest(&mut head)
        .map_err(|error| Unexamined::Unreadable(format!("cannot be read: {error}")))?;
    let head = head.bytes;
    let quick = quick.as_ref().and_then(|quick| found(&**quick, &mut *handle, at));
    let after = handle.facts().map_err(|error| unexamined(&error))?.fingerprint();
    if !before.is_same_version(&after) || digest.size != after.size {
        return Err(CHANGED);
    }
    if before != after {
        return Ok(None);
    }
    let mime = detector.as_ref().and_then(|detector| detector.detect(&head));
    let racy = is_racy(&after, started, clock.now());
    Ok(Some(Examined { hash: digest.hash, mime, quick, fingerprint: after, racy }))
}

/// What a quick reader finds in a file that was read. What it fails on is left to those who take their time.
fn found(quick: &dyn MetadataExtractor, handle: &mut dyn ReadHandle, at: &RelPath) -> Option<MetaDoc> {
    handle.rewind().ok()?;
    let (_, name) = at.split()?;
    let doc = quick.extract(handle, &Hint { name, mime: None }).ok()??;
    (!doc.is_empty()).then_some(doc)
}

fn unexamined(error: &FsError) -> Unexamined {
    match Unreadable::from(error) {
        Unreadable::Vanished => {
            Unexamined::Unsteady("vanished before it was read; the next scan tries again")
        }
        Unreadable::Replaced => {
            Unexamined::Unsteady("became something else before it was read; the next scan tries again")
        }
        Unreadable::Failed(reason) => Unexamined::Unreadable(reason),
    }
}

/// Keeps the first bytes of what passes through.
struct Head<R> {
    inner: R,
    wanted: usize,
    bytes: Vec<u8>,
}

impl<R: Read> Head<R> {
    const fn new(inner: R, wanted: usize) -> Self {
        Self { inner, wanted, bytes: Vec::new() }
    }
}

impl<R: Read> Read for Head<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let missing = self.wanted.saturating_sub(self.bytes.len()).min(read);
        self.bytes.extend_from_slice(&buffer[..missing]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use mama_adapters::fs::memory::MemoryFs;
    use mama_adapters::hash::Blake3;
    use mama_ports::content::MockMimeDetector;
    use mama_ports::filesystem::Filesystem;
    use mama_ports::runtime::MockClock;
    use mama_ports::vocab::{AbsPath, Timestamp};

    use super::*;

    fn clock_at(secs: i64) -> MockClock {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(Timestamp::new(secs, 0));
        clock
    }

    #[test]
    fn one_read_serves_hasher_and_detector() {
        let disk = MemoryFs::new();
        disk.write("/photos/a.jpg", b"hello world");
        let tree = disk.source(&AbsPath::parse("/photos").unwrap()).unwrap();
        let mut detector = MockMimeDetector::new();
        detector.expect_wants().return_const(5_usize);
        let is_head = |head: &[u8]| head == b"hello";
        detector.expect_detect().withf(is_head).times(1).return_const(Some(Mime::new("text/plain")));
        let at = RelPath::parse("a.jpg").unwrap();
        let changed = disk.facts("/photos/a.jpg").unwrap().ctime.secs;

        let before = disk.steps();
        let readers = Readers { hasher: Arc::new(Blake3), detector: Some(Arc::new(detector)), quick: None };
        let examined = examine(&*tree, &at, &readers, &clock_at(changed + 60)).unwrap();
        let opens = disk.trace()[before..].iter().filter(|step| step.op == "open").count();
        assert_eq!((opens, examined.mime, examined.racy), (1, Some(Mime::new("text/plain")), false));
        let hash = blake3_of(b"hello world");
        assert_eq!((examined.hash, examined.fingerprint.size), (hash, 11));
        let readers = Readers { detector: None, ..readers };
        let fresh = examine(&*tree, &at, &readers, &clock_at(changed + 1)).unwrap();
        assert!(fresh.racy, "hashed within the tick of its last change");
    }

    fn blake3_of(bytes: &[u8]) -> BlobHash {
        Blake3.digest(&mut &bytes[..]).unwrap().hash
    }

    #[test]
    fn the_head_is_the_first_bytes_and_everything_passes() {
        let mut head = Head::new(b"hello world".as_slice(), 5);
        let mut all = Vec::new();
        head.read_to_end(&mut all).unwrap();
        assert_eq!((all.as_slice(), head.bytes.as_slice()), (b"hello world".as_slice(), b"hello".as_slice()));
        let mut short = Head::new(b"hi".as_slice(), 5);
        short.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(short.bytes, b"hi");
    }
}
