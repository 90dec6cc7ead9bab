//! The catalog's memory: what scan, apply and curation need to remember.
//!
//! Async, because a network may be in between; batches, not rows, for the same reason. Every write is one transaction.
//! A location has at most one *current* observation, its newest; the older ones are history.

use std::error::Error;
use std::fmt;

use async_trait::async_trait;

pub use crate::browse::Browse;
pub use crate::curation::{Curation, Decision, Journal};
pub use crate::enrichment::Enrichment;
use crate::filesystem::Held;
use crate::manifest::Manifests;
use crate::vocab::{
    AbsPath, ArchiveId, BlobHash, BlockReason, Contest, FileName, Fingerprint, Footing, HostName, Location,
    MetaDoc, Mime, ObservationId, Place, Placement, RelPath, ScanId, ScanRoot, SourceKind, Standing, Status,
    Timestamp, VolumeId,
};

/// The result of one call.
pub type Repo<T> = Result<T, RepositoryError>;

/// Why the catalog did not do it.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// It cannot be reached, or is busy for too long; the same call may succeed later.
    #[error("the catalog cannot be reached while trying to {doing}")]
    Unavailable {
        /// The attempt, as a verb phrase.
        doing: &'static str,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It holds something that cannot be: a hash of the wrong length, an unknown word.
    #[error("the catalog is damaged: {what}")]
    Corrupt {
        /// What was found.
        what: String,
    },
    /// A root is known under another kind.
    #[error("{basedir} is in the catalog as `{known}`, not as `{asked}`; scan it with --kind {known}")]
    KindDiffers {
        /// The root, escaped.
        basedir: String,
        /// The kind it has.
        known: SourceKind,
        /// The kind it was asked for with.
        asked: SourceKind,
    },
    /// Somebody else holds the lease by now; nothing was changed.
    #[error("another apply took over while this one was cut off; what was settled stays, run it again")]
    Superseded,
    /// No room on the catalog's disk.
    #[error("the catalog's disk is full while trying to {doing}")]
    Full {
        /// The attempt, as a verb phrase.
        doing: &'static str,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Anything else.
    #[error("the catalog failed to {doing}")]
    Other {
        /// The attempt, as a verb phrase.
        doing: &'static str,
        /// The cause.
        source: Box<dyn Error + Send + Sync>,
    },
}

/// How many items a page holds, at the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageSize(pub u32);

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

/// What apply needs to know and to remember.
#[async_trait]
pub trait Catalog: Send + Sync {
    /// The archive that this catalog belongs to; `None` for a catalog that belongs to none yet.
    async fn archive(&self) -> Repo<Option<ArchiveId>>;

    /// Binds a catalog that belongs to no archive to this one; returns the one it belongs to.
    async fn bind(&self, archive: &ArchiveId) -> Repo<ArchiveId>;

    /// The right to change the archive; `None` while somebody else has it.
    ///
    /// Held until dropped, or until the catalog loses sight of the holder: then somebody else may take it, and from that
    /// moment a batch under the older epoch is [`RepositoryError::Superseded`]. Writes one row.
    async fn lease(&self) -> Repo<Option<Lease>>;

    /// How many observations [`Catalog::contests`] has yet to give from the start. One index read.
    async fn open(&self, scope: Scope) -> Repo<u64>;

    /// The places with open observations, each at its first open observation, in the order of those; `after`: only later ones.
    ///
    /// Every claim to a place comes with it, open or not, by whichever host or root. The cursor of the next page is the
    /// smallest open id in scope of the last contest. What is recorded
    /// meanwhile may be left to the next pass. Reads nothing that is settled, beyond the claims to the places on the page.
    async fn contests(
        &self,
        scope: Scope,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<Contest>>;

    /// Every claim to each of these places, in the order asked, open or not; a place that nobody has seen has none.
    ///
    /// One round trip for any number of places; reads nothing but the claims to them.
    async fn claims(&self, places: &[Place]) -> Repo<Vec<Contest>>;

    /// Where each content was last seen by `host` and is not known to be gone: current sightings in id order, at most `each` for one hash.
    async fn sources(&self, host: &HostName, hashes: &[BlobHash], each: PageSize) -> Repo<Vec<Vec<Source>>>;

    /// Which places have this view of this content, for each pair asked, in the order asked: the places of the observations
    /// that saw it and whose view it is, in order, each once. History counts, too; a pair that nobody has gives none.
    ///
    /// One round trip for any number of pairs; reads the observations of each of the contents once, and no others.
    async fn holders(&self, views: &[(BlobHash, RelPath)]) -> Repo<Vec<Vec<Place>>>;

    /// Remembers what apply has found and done, atomically: contents that are damaged or lost, contents that became durable, observations that lose their view, then each settlement whose `from` still holds.
    ///
    /// A damaged content is no longer stored; every observation of it is open, and placed no more, though its view stays known.
    /// `Superseded`, and nothing written, if the batch's lease is not the last one that was given.
    /// Answers in the order of the settlements. One that does not hold any more is [`Settled::Stale`] and changes nothing; one that already is as it would make it is [`Settled::Done`].
    async fn settle(&self, batch: &SettleBatch) -> Repo<Vec<Settled>>;

    /// Sums over the whole catalog. Reads every row once.
    async fn totals(&self) -> Repo<Totals>;
}

/// Which open observations count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of them: what is pending may be promoted.
    WithPending,
    /// Only those that somebody has decided: pending waits.
    Decided,
}

/// A file that had a certain content when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The observation that says so.
    pub id: ObservationId,
    /// Where it is.
    pub at: Location,
    /// Its fingerprint then.
    pub fingerprint: Fingerprint,
}

/// The right to change the archive, as long as it lives.
pub struct Lease {
    /// Which one.
    pub epoch: Epoch,
    /// Gives it back when dropped.
    pub held: Box<dyn Held>,
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

/// The number of a lease; later leases have higher ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(pub i64);

/// What apply has done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SettleBatch {
    /// The lease under which it was done; `None` where nobody else can apply.
    pub under: Option<Epoch>,
    /// Contents that are not in the archive as the catalog believes, or not as their name says.
    pub damaged: Vec<BlobHash>,
    /// Contents of which a verified copy is now durable in the archive.
    pub stored: Vec<BlobHash>,
    /// Placed observations whose view is about to go: they are placed no more, and open. Their view stays known, so that the next apply can end what this one began.
    pub unplaced: Vec<ObservationId>,
    /// Observations whose standing changes.
    pub settlements: Vec<Settlement>,
}

/// A compare-and-set of one observation's standing. What scan or curation has changed since apply looked is not overwritten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// Which observation.
    pub id: ObservationId,
    /// What must still hold.
    pub from: Footing,
    /// What holds afterwards.
    pub to: Standing,
    /// Whether the next apply has to look at it again.
    pub open: bool,
    /// Its view, if `to.placement` is placed; or the one that it had, if that may still stand there.
    pub view: Option<RelPath>,
    /// The source's fingerprint after the archive took a hard link of it, which moved its ctime.
    pub fingerprint: Option<Fingerprint>,
    /// Whether the file turned out to have other bytes than its times promise: it is racy from now on, so that the next scan reads it.
    pub doubtful: bool,
}

/// What became of a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// It holds now.
    Done,
    /// The observation stood otherwise; nothing was changed.
    Stale,
}

/// Sums over the whole catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Contents.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Contents with a verified copy in the archive.
    pub stored: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Contents that may have no view.
    pub blocked: u64,
    /// Contents with a media type.
    pub with_mime: u64,
    /// Contents with metadata.
    pub with_meta: u64,
    /// Contents that no extractor has looked into, and that are stored or have a file on some machine.
    pub unlooked: u64,
    /// Those of them with preliminary metadata.
    pub preliminary: u64,
    /// Contents on which the last extractor gave up.
    pub meta_failed: u64,
    /// Observations, history included.
    pub observations: u64,
    /// Bytes of the current ones that are not gone.
    pub present_bytes: u64,
    /// Those that wait for apply.
    pub open: u64,
    /// Observations by target, fact and whether they are current and gone.
    pub standings: Vec<StandingCount>,
    /// The scanned roots, in order, each with its present files and their bytes.
    pub roots: Vec<RootTotals>,
    /// The commonest media types, most contents first, at most 20.
    pub mimes: Vec<(Mime, u64)>,
}

/// One class of observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StandingCount {
    /// Target.
    pub status: Status,
    /// Fact.
    pub placement: Placement,
    /// Newest at its location.
    pub current: bool,
    /// Proven to be gone.
    pub gone: bool,
    /// How many.
    pub count: u64,
}

/// One scanned root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootTotals {
    /// Which.
    pub root: ScanRoot,
    /// Present files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Beginning of the last scan that reached its end.
    pub confirmed: Option<Timestamp>,
}

/// The whole catalog; only the composition root says this name.
pub trait Repository: Sightings + Enrichment + Catalog + Curation + Journal + Manifests + Browse {}
impl<T: Sightings + Enrichment + Catalog + Curation + Journal + Manifests + Browse> Repository for T {}
