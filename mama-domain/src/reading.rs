//! What it means when a source cannot be read.

use mama_ports::filesystem::{FsError, FsErrorKind};

/// Why a file that was there a moment ago cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// Nothing has its name any more.
    Vanished,
    /// Its name is that of something else by now: a folder, a link, a device.
    Replaced,
    /// It is there and cannot be read, for this reason.
    Failed(String),
}

impl From<&FsError> for Unreadable {
    fn from(error: &FsError) -> Self {
        match error.kind {
            FsErrorKind::NotFound | FsErrorKind::NotDirectory => Self::Vanished,
            FsErrorKind::NotRegular | FsErrorKind::IsDirectory | FsErrorKind::Escape => Self::Replaced,
            FsErrorKind::AlreadyExists
            | FsErrorKind::NotEmpty
            | FsErrorKind::PermissionDenied
            | FsErrorKind::ReadOnly
            | FsErrorKind::NoSpace
            | FsErrorKind::CrossDevice
            | FsErrorKind::TooManyLinks
            | FsErrorKind::NameTooLong
            | FsErrorKind::NameRefused
            | FsErrorKind::Unsupported
            | FsErrorKind::Locked
            | FsErrorKind::Corrupt
            | FsErrorKind::Other => Self::Failed(format!("cannot be read: {}", error.source)),
        }
    }
}
