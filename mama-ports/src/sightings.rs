//! What scan needs to remember: which file had which content when it was last seen.

use async_trait::async_trait;

use crate::repository::Repo;
use crate::vocab::{
    AbsPath, BlobHash, BlockReason, FileName, Fingerprint, MetaDoc, Mime, ObservationId, RelPath, ScanId,
    ScanRoot, Timestamp, VolumeId,
};

/// What scan needs to remember.
#[async_trait]
pub trait Sightings: Send + Sync {
    /// Begins a scan of `root`, which becomes known if it is not. Writes one row.
    ///
    /// `KindDiffers` if this host's root is known under another kind.
    async fn begin(&self, root: &ScanRoot, at: Timestamp) -> Repo<ScanBegun>;

    /// What is current directly in each of these folders of the scan's root, in the order asked.
    ///
    /// One round trip for any number of folders (64 to 256 is a good number). A folder nobody has seen gives an empty answer.
    async fn remembered(&self, scan: ScanId, dirs: &[RelPath]) -> Repo<Vec<Remembered>>;

    /// The content of each observation, in the order asked; `None`: there is no such observation. One round trip.
    ///
    /// Not part of [`Known`]: few files are read again, and where contents are kept apart, each would cost a look there.
    async fn contents_of(&self, observations: &[ObservationId]) -> Repo<Vec<Option<BlobHash>>>;

    /// What is known about each content, in the order asked; `None`: never seen.
    async fn blobs(&self, hashes: &[BlobHash]) -> Repo<Vec<Option<KnownBlob>>>;

    /// Writes one batch, atomically. Repeating a batch changes nothing.
    ///
    /// A sighting equal in location, hash and fingerprint to the current one is that one, and is confirmed. Any other becomes
    /// current, status pending, open, and the one before it becomes history and open. Of two batches with one new
    /// content, one adds it. What is confirmed is no longer gone, and one that was gone, or lost, is open again.
    async fn record(&self, batch: &ScanBatch) -> Repo<Recorded>;

    /// Ends a scan: what is current below its root, and is not gone or held, was confirmed at the scan's beginning. Writes one or two rows, whatever the tree.
    ///
    /// A scan that is never finished confirms only what it recorded.
    async fn finish(&self, scan: ScanId, at: Timestamp) -> Repo<()>;
}

/// A scan that has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanBegun {
    /// Its name from now on.
    pub scan: ScanId,
    /// Files that the catalog holds as present below the root.
    pub known_files: u64,
    /// The newest observation of all, if there is any: those of this scan come after it.
    pub newest: Option<ObservationId>,
    /// The folders whose volume was recorded, in path order: the root itself, and those on another volume than the folder above.
    pub mounts: Vec<(RelPath, VolumeId)>,
    /// The host's other roots, in path order.
    pub other_roots: Vec<AbsPath>,
}

/// On which volume a folder is, with all below it that has no mark of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountMark {
    /// Which folder.
    pub dir: RelPath,
    /// Its volume; `None`: that of the folder above, so that an older mark is taken away.
    pub volume: Option<VolumeId>,
}

/// What is current directly in one folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remembered {
    /// Its files, those that are gone too; in name order.
    pub files: Vec<Known>,
    /// Its folders below which any file is present (not gone), in name order.
    pub folders: Vec<FileName>,
    /// Which of its files describe which, as it was recorded last; in order.
    pub sidecars: Vec<SidecarLink>,
}

/// Which files of one folder describe which; what was recorded before of that folder does not hold any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderSidecars {
    /// Which folder. It becomes known.
    pub dir: RelPath,
    /// In order, each once.
    pub links: Vec<SidecarLink>,
}

/// One file describes another one in its folder: an XMP sidecar, the JSON of a Takeout.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SidecarLink {
    /// The name of the file that is described.
    pub of: FileName,
    /// The name of the one that describes it.
    pub sidecar: FileName,
}

/// The current observation of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Which observation.
    pub id: ObservationId,
    /// The file's name in its folder.
    pub name: FileName,
    /// The file's fingerprint when its content was hashed.
    pub fingerprint: Fingerprint,
    /// Whether the file had changed so shortly before it was hashed that its times cannot prove that it did not change after.
    pub racy: bool,
    /// Whether a later scan proved that the file is not there any more.
    pub gone: bool,
    /// Whether the last scan that reached its end could not look at it.
    pub held: bool,
}

/// What is known about a content. Its metadata stays in the catalog: who sees a duplicate needs to know only whether there is any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBlob {
    /// Bytes.
    pub size: u64,
    /// What a detector said, if one was there.
    pub mime: Option<Mime>,
    /// Whether an extractor found any metadata; `None`: none has said anything yet.
    pub has_meta: Option<bool>,
    /// Whether a verified copy is in the archive.
    pub stored: bool,
    /// Set: never stored, never shown.
    pub block: Option<BlockReason>,
}

/// What one step of a scan found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanBatch {
    /// The scan.
    pub scan: ScanId,
    /// When: the `scan_time` of what is recorded here.
    pub at: Timestamp,
    /// Contents that the catalog may not know yet; every hash in `sightings` is known or here. A known one that has no type or metadata takes it from here.
    pub blobs: Vec<NewBlob>,
    /// Files that are new or have another content or time than their current observation.
    pub sightings: Vec<Sighting>,
    /// Observations whose file was looked at again and is the same.
    pub confirmed: Vec<Confirmation>,
    /// Observations whose file is proven to be gone.
    pub gone: Vec<ObservationId>,
    /// Folders that are proven to be gone, with all below them.
    pub gone_below: Vec<RelPath>,
    /// Observations whose file could not be looked at: the end of this scan does not confirm them.
    pub held: Vec<ObservationId>,
    /// Folders that could not be looked into: the end of this scan confirms nothing in or below them.
    pub held_below: Vec<RelPath>,
    /// Folders whose volume is recorded; of several marks for one folder, the last one stays. A folder that gets a volume becomes known.
    pub mounts: Vec<MountMark>,
    /// Folders whose sidecars are others than before; each once.
    pub sidecars: Vec<FolderSidecars>,
}

impl ScanBatch {
    /// A batch that says nothing yet.
    pub const fn new(scan: ScanId, at: Timestamp) -> Self {
        Self {
            scan,
            at,
            blobs: Vec::new(),
            sightings: Vec::new(),
            confirmed: Vec::new(),
            gone: Vec::new(),
            gone_below: Vec::new(),
            held: Vec::new(),
            held_below: Vec::new(),
            mounts: Vec::new(),
            sidecars: Vec::new(),
        }
    }

    /// Whether it says nothing, so that there is nothing to write.
    pub fn is_empty(&self) -> bool {
        let Self {
            scan: _,
            at: _,
            blobs,
            sightings,
            confirmed,
            gone,
            gone_below,
            held,
            held_below,
            mounts,
            sidecars,
        } = self;
        blobs.is_empty()
            && sightings.is_empty()
            && confirmed.is_empty()
            && gone.is_empty()
            && gone_below.is_empty()
            && held.is_empty()
            && held_below.is_empty()
            && mounts.is_empty()
            && sidecars.is_empty()
    }
}

/// A content that the catalog may not know yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlob {
    /// Its identity.
    pub hash: BlobHash,
    /// Bytes.
    pub size: u64,
    /// Its type, if a detector was there.
    pub mime: Option<Mime>,
    /// What a quick reader found in it, if anything: the metadata of a content that has none and that nobody has looked into. It stays
    /// without a look, which tells that it is preliminary: the content goes on lacking metadata.
    pub quick: Option<MetaDoc>,
}

/// A file that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The folder below the scan's root.
    pub dir: RelPath,
    /// The name there.
    pub name: FileName,
    /// Its content.
    pub hash: BlobHash,
    /// Its fingerprint, the same before and after the content was read.
    pub fingerprint: Fingerprint,
    /// As [`Known::racy`].
    pub racy: bool,
}

/// A file that was looked at again and is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmation {
    /// Which observation.
    pub id: ObservationId,
    /// Its fingerprint now: ctime and inode may have moved.
    pub fingerprint: Fingerprint,
    /// As [`Known::racy`].
    pub racy: bool,
}

/// What a batch changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recorded {
    /// Observations that were added.
    pub new_observations: u64,
    /// Contents that were added.
    pub new_blobs: u64,
    /// Observations that became gone.
    pub gone: u64,
}
