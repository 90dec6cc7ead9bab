//! What lies under a folder.

use crate::filesystem::{Fs, FsError, FsErrorKind};
use crate::vocab::{AbsPath, ArchiveId, DatasetFacts, Snapshot, VolumeId};

/// Describes the file system under a folder.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Volumes: Send + Sync {
    /// The file system that holds `at`, as it is now. One or two system calls.
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts>;

    /// The ZFS dataset that holds `at`; `Ok(None)` if another file system does.
    ///
    /// Starts programs, which takes milliseconds, and seconds where a pool does not answer. An error says why ZFS cannot be
    /// asked: its programs are missing (`Unsupported`), or this user may not.
    fn dataset(&self, _at: &AbsPath) -> Fs<Option<DatasetFacts>> {
        Ok(None)
    }

    /// Makes a snapshot of what holds `at`, durable when this returns, and marks it as made for `archive` in the same step.
    ///
    /// `name` consists of letters, digits and `-_.:`. `AlreadyExists` if it is taken, `Unsupported` where there are no snapshots.
    fn snapshot(&self, at: &AbsPath, _archive: &ArchiveId, _name: &str) -> Fs<Snapshot> {
        Err(FsError::new("make a snapshot of", at.as_bytes(), FsErrorKind::Unsupported))
    }

    /// Every snapshot of what holds `at`, whoever made it, in no particular order. `Unsupported` where there are none.
    fn snapshots(&self, at: &AbsPath) -> Fs<Vec<Snapshot>> {
        Err(FsError::new("list the snapshots of", at.as_bytes(), FsErrorKind::Unsupported))
    }

    /// Removes this snapshot, and no other that took its name: `NotFound` then. Fails for one that is held or has clones.
    fn release(&self, snapshot: &Snapshot) -> Fs<()> {
        Err(FsError::new("release", snapshot.to_string().as_bytes(), FsErrorKind::Unsupported))
    }
}

/// A mounted file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFacts {
    /// Its type, such as `ext4` or `zfs`.
    pub kind: String,
    /// Which one it is.
    pub identity: VolumeId,
    /// The device number that its folders have as long as it stays mounted, as [`FileId::device`](crate::vocab::FileId::device).
    pub device: u64,
    /// Bytes in all.
    pub total: u64,
    /// Bytes that this user may still write.
    pub available: u64,
    /// Files that may still be made; `None` where the file system sets no number.
    pub available_files: Option<u64>,
    /// Whether it is mounted read-only.
    pub read_only: bool,
}
