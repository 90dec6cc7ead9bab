//! The catalog's memory: what scan, apply and curation need to remember.
//!
//! Async, because a network may be in between; batches, not rows, for the same reason. Every write is one transaction.
//! A location has at most one *current* observation, its newest; the older ones are history.

use std::error::Error;

pub use crate::browse::Browse;
pub use crate::catalog::{Catalog, Epoch, Lease, Scope, SettleBatch, Settled, Settlement, Source};
pub use crate::curation::{Curation, Decision, Journal};
pub use crate::enrichment::Enrichment;
use crate::manifest::Manifests;
pub use crate::sightings::{
    Confirmation, FolderSidecars, Known, KnownBlob, MountMark, NewBlob, Recorded, Remembered, ScanBatch,
    ScanBegun, SidecarLink, Sighting, Sightings,
};
pub use crate::totals::{RootTotals, StandingCount, Totals};
use crate::vocab::SourceKind;

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

/// The whole catalog; only the composition root says this name.
pub trait Repository: Sightings + Enrichment + Catalog + Curation + Journal + Manifests + Browse {}
impl<T: Sightings + Enrichment + Catalog + Curation + Journal + Manifests + Browse> Repository for T {}
