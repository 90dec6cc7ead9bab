//! What the archive's manifests need of the catalog: which rows they lack, and how to put rows back.
//!
//! A *manifest* is a file in the archive that holds rows of the catalog. Manifests are numbered by *generation*; all of them in
//! order give the catalog again. Each change of a row counts it as unsaved, until a manifest that holds it is durable.

use async_trait::async_trait;

use crate::curation::{ActId, Decision, ItemId, NewAct};
use crate::repository::{Epoch, PageSize, Repo};
use crate::vocab::{
    BlobHash, BlobRecord, Fingerprint, Location, ObservationId, RelPath, ScanRoot, Standing, Timestamp,
    VolumeId,
};

/// What manifests need of the catalog.
#[async_trait]
pub trait Manifests: Send + Sync {
    /// How far the manifests have come, as the catalog knows it. A few index reads, whatever the catalog holds.
    async fn generations(&self) -> Repo<Generations>;

    /// Rows that no durable manifest holds as they are now: at most `limit` observations, in id order; at most twice as many
    /// contents, in hash order; acts of the journal and their items, as many of each as observations; and every root.
    ///
    /// One state of the catalog: the content of each observation is here, or was saved before; so is the act of each item.
    async fn unsaved(&self, limit: PageSize) -> Repo<UnsavedRows>;

    /// Remembers that this manifest may become visible in the archive at any moment from now on.
    ///
    /// `Superseded`, and nothing written, if `under` is not the last lease that was given.
    async fn intend(&self, under: Option<Epoch>, mark: &Mark) -> Repo<()>;

    /// Remembers, atomically, that this manifest is the archive's last one and durable, and holds the rows of `receipt`.
    ///
    /// A row that was changed after it was read stays unsaved. `Superseded` as [`Manifests::intend`].
    async fn saved(&self, under: Option<Epoch>, mark: &Mark, receipt: &Receipt) -> Repo<()>;

    /// Counts every row as unsaved, and has the next manifest begin anew.
    async fn explain_anew(&self) -> Repo<()>;

    /// Opens every observation, so that the next apply looks at all of them.
    async fn reopen(&self) -> Repo<()>;

    /// Puts rows back as they are, atomically: roots by host and folder, contents by hash, all others by id; rows that are
    /// there are replaced, and count as saved. New observations and acts get greater ids.
    ///
    /// The root and the content of each observation are here, or were restored before. Of two rows with one key the later one
    /// counts. Of two current observations at one location the one of the later call counts, in one call the one with the
    /// greater id; the other one becomes history.
    /// From here to [`Manifests::restored`] the catalog is rebuilding, and knows of no manifest.
    async fn restore(&self, rows: &Rows) -> Repo<()>;

    /// Ends a rebuild: the archive's last manifest is this one.
    async fn restored(&self, last: Option<&Mark>) -> Repo<()>;

    /// The contents that are believed to be in the archive, with their sizes in bytes, in hash order, after `after`.
    async fn stored(&self, after: Option<&BlobHash>, limit: PageSize) -> Repo<Vec<(BlobHash, u64)>>;

    /// The observations that are believed to be placed, each with its content and view, in id order, after `after`.
    async fn placed(
        &self,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<(ObservationId, BlobHash, RelPath)>>;

    /// Where each content was seen, on any host, in the order asked: a present file if there is one, else the newest sighting;
    /// `None`: it was never seen.
    async fn last_seen(&self, hashes: &[BlobHash]) -> Repo<Vec<Option<LastSeen>>>;
}

/// Where a content was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastSeen {
    /// The place.
    pub at: Location,
    /// Whether it is current there, and not known to be gone.
    pub is_present: bool,
}

/// One manifest of an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// Its number; later ones have greater numbers.
    pub generation: u64,
    /// The BLAKE3 hash of what it says about itself, which holds the hash of its rows.
    pub digest: BlobHash,
}

/// How far the manifests have come, as the catalog knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Generations {
    /// The last manifest that is known to be durable.
    pub saved: Option<Mark>,
    /// The one that was begun last.
    pub intended: Option<Mark>,
    /// Whether any row is unsaved. A run in the journal does not count: it goes along with what else there is.
    pub is_unsaved: bool,
    /// Whether the next manifest does not build on those before it.
    pub anew: bool,
    /// Whether rows are being restored.
    pub rebuilding: bool,
}

/// Rows of the catalog, complete but for what follows from them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Scanned folders.
    pub roots: Vec<RootRow>,
    /// Contents.
    pub blobs: Vec<BlobRow>,
    /// Sightings.
    pub observations: Vec<ObservationRow>,
    /// What was done, by whom.
    pub acts: Vec<ActRow>,
    /// What was decided.
    pub items: Vec<ItemRow>,
}

impl Rows {
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.roots.len() + self.blobs.len() + self.observations.len() + self.acts.len() + self.items.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A scanned folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootRow {
    /// Which.
    pub root: ScanRoot,
    /// Beginning of the last scan that reached its end.
    pub confirmed: Option<Timestamp>,
    /// The volumes of its folders, as [`crate::repository::ScanBegun::mounts`]; those that it had before are forgotten.
    pub mounts: Vec<(RelPath, VolumeId)>,
}

/// A content.
#[derive(Debug, Clone, PartialEq)]
pub struct BlobRow {
    /// What is known about it.
    pub record: BlobRecord,
    /// When it was first seen.
    pub first_seen: Timestamp,
}

/// A sighting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationRow {
    /// Which.
    pub id: ObservationId,
    /// Where.
    pub at: Location,
    /// What was seen.
    pub hash: BlobHash,
    /// The file's fingerprint when its content was hashed.
    pub fingerprint: Fingerprint,
    /// As [`crate::repository::Known::racy`].
    pub racy: bool,
    /// When it was last confirmed one by one.
    pub seen: Timestamp,
    /// When it was proven to be gone.
    pub gone: Option<Timestamp>,
    /// As [`crate::repository::Known::held`].
    pub held: bool,
    /// Whether it is the newest at its location.
    pub current: bool,
    /// Whether it waits for apply.
    pub open: bool,
    /// Target and fact.
    pub standing: Standing,
    /// Its view, if it has one.
    pub view: Option<RelPath>,
}

/// An act of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRow {
    /// Which.
    pub id: ActId,
    /// What was asked.
    pub asked: NewAct,
}

/// One decision in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// Which.
    pub id: ItemId,
    /// The act that it belongs to.
    pub act: ActId,
    /// What was decided.
    pub decision: Decision,
}

/// What [`Manifests::unsaved`] found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UnsavedRows {
    /// The rows.
    pub rows: Rows,
    /// How each of them was counted.
    pub receipt: Receipt,
    /// Whether there may be more.
    pub has_more: bool,
}

/// How often rows had been changed when they were read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Contents and their counts.
    pub blobs: Vec<(BlobHash, i64)>,
    /// Observations and their counts.
    pub observations: Vec<(ObservationId, i64)>,
    /// Acts, which never change.
    pub acts: Vec<ActId>,
    /// Their items, which never change either.
    pub items: Vec<ItemId>,
}

impl Receipt {
    /// Whether it is for nothing.
    pub const fn is_empty(&self) -> bool {
        let Self { blobs, observations, acts, items } = self;
        blobs.is_empty() && observations.is_empty() && acts.is_empty() && items.is_empty()
    }
}
