//! What apply needs to know and to remember: which claims are open, and what became of them.

use std::fmt;

use async_trait::async_trait;

use crate::filesystem::Held;
use crate::repository::{PageSize, Repo};
use crate::totals::Totals;
use crate::vocab::{
    ArchiveId, BlobHash, Contest, Fingerprint, Footing, HostName, Location, ObservationId, Place, RelPath,
    Standing,
};

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
    /// moment a batch under the older epoch is [`RepositoryError::Superseded`](crate::repository::RepositoryError::Superseded). Writes one row.
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
