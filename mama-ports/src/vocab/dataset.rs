//! What ZFS says about a dataset, its pool and its snapshots.

use std::collections::BTreeMap;
use std::fmt;

use super::{ArchiveId, Timestamp};

/// The file system of a ZFS pool under a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetFacts {
    /// Its name, such as `tank/mama`; it begins with that of its pool.
    pub name: String,
    /// How its pool is; `None` where only the dataset may be asked.
    pub health: Option<PoolHealth>,
    /// Its properties, by name, in ZFS's words: `recordsize` is `131072`, `atime` is `on`. One that this ZFS does not have is not there.
    pub properties: BTreeMap<String, String>,
}

impl DatasetFacts {
    /// The pool's name.
    pub fn pool(&self) -> &str {
        self.name.split('/').next().unwrap_or_default()
    }

    /// A property in ZFS's word; `None` if this ZFS does not have it.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).map(String::as_str)
    }

    /// A property that counts bytes; `None` also for `none`, and for 0, which ZFS takes for the same.
    pub fn bytes(&self, name: &str) -> Option<u64> {
        self.property(name)?.parse().ok().filter(|&bytes| bytes > 0)
    }
}

/// How a pool is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PoolHealth {
    /// All is well.
    Online,
    /// A device is missing or fails; everything can be read and written.
    Degraded,
    /// Too many devices fail.
    Faulted,
    /// It was taken offline.
    Offline,
    /// Too many devices cannot be opened.
    Unavailable,
    /// Its devices were taken away.
    Removed,
    /// It waits for devices that are gone; whoever writes, waits with it.
    Suspended,
    /// A word that mama does not know.
    Other(String),
}

impl PoolHealth {
    /// The health that ZFS calls so.
    pub fn from_word(word: &str) -> Self {
        match word {
            "ONLINE" => Self::Online,
            "DEGRADED" => Self::Degraded,
            "FAULTED" => Self::Faulted,
            "OFFLINE" => Self::Offline,
            "UNAVAIL" => Self::Unavailable,
            "REMOVED" => Self::Removed,
            "SUSPENDED" => Self::Suspended,
            _ => Self::Other(word.to_owned()),
        }
    }
}

impl fmt::Display for PoolHealth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Online => "ONLINE",
            Self::Degraded => "DEGRADED",
            Self::Faulted => "FAULTED",
            Self::Offline => "OFFLINE",
            Self::Unavailable => "UNAVAIL",
            Self::Removed => "REMOVED",
            Self::Suspended => "SUSPENDED",
            Self::Other(word) => word,
        })
    }
}

/// A snapshot of a dataset, whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The dataset.
    pub dataset: String,
    /// Its own name: what stands after the `@`.
    pub name: String,
    /// What no other snapshot will ever have, also under the same name.
    pub guid: u64,
    /// The transaction that made it: a later snapshot of the pool has a higher one.
    pub made_in: u64,
    /// When it was made, in whole seconds.
    pub created: Timestamp,
    /// The archive that mama made it for; `None` for a snapshot of anybody else.
    pub archive: Option<ArchiveId>,
    /// Whether somebody holds it: it cannot be released.
    pub held: bool,
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.dataset, self.name)
    }
}
