//! What lies under a folder.

use crate::filesystem::Fs;
use crate::vocab::{AbsPath, VolumeId};

/// Describes the file system under a folder.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Volumes: Send + Sync {
    /// The file system that holds `at`, as it is now. One or two system calls.
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts>;
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
