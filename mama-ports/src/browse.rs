//! What people ask the catalog about one content.

use async_trait::async_trait;

use crate::manifest::{BlobRow, ObservationRow};
use crate::repository::Repo;
use crate::vocab::{BlobHash, BlobRecord, FileName, Location};

/// Looking things up, for people; changes nothing.
#[async_trait]
pub trait Browse: Send + Sync {
    /// A content and all that was ever seen of it; `None`: it was never seen.
    ///
    /// One state of the catalog. Reads this content, its observations, their sidecars and the metadata of all, by index, and nothing else.
    async fn content(&self, hash: &BlobHash) -> Repo<Option<Content>>;
}

/// A content and all that was ever seen of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// What is known about it.
    pub blob: BlobRow,
    /// Its sightings in id order, those that are history or gone too.
    pub observations: Vec<ObservationRow>,
    /// What describes a file that has it now, in the order of hosts, folders and names; also what nobody has looked into.
    pub sidecars: Vec<Sidecar>,
}

/// A file that describes another one, as [`crate::repository::SidecarLink`], and is present.
#[derive(Debug, Clone, PartialEq)]
pub struct Sidecar {
    /// The name of the file that it describes, in the same folder.
    pub of: FileName,
    /// Where it is.
    pub at: Location,
    /// What is known about its content.
    pub blob: BlobRecord,
}
