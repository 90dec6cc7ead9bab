//! What the kernel says about a file.

use super::Timestamp;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A folder.
    Directory,
    /// A symbolic link; mama never follows one.
    Symlink,
    /// A FIFO, socket or device.
    Special,
}

/// Which inode: equal for all hard links of one file, as long as they exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// The device number; it may differ after a reboot.
    pub device: u64,
    /// The inode number on that device.
    pub inode: u64,
}

/// What `stat` says about one name at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileFacts {
    /// What it is.
    pub kind: FileKind,
    /// Which inode it is.
    pub id: FileId,
    /// Bytes.
    pub size: u64,
    /// Last change of the content, as its owner may set it.
    pub mtime: Timestamp,
    /// Last change of content, name or attributes, which only the kernel sets.
    pub ctime: Timestamp,
    /// Permission bits, such as 0o444.
    pub mode: u32,
    /// How many names the inode has.
    pub links: u64,
    /// Whether it belongs to the user that mama runs as.
    pub owned: bool,
}

impl FileFacts {
    /// What is compared to tell whether the content may have changed.
    pub const fn fingerprint(&self) -> Fingerprint {
        Fingerprint { size: self.size, mtime: self.mtime, ctime: self.ctime, inode: self.id.inode }
    }
}

/// Equal fingerprints of one path: no system call has changed the content in between, as far as the kernel's clock tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint {
    /// Bytes.
    pub size: u64,
    /// The owner's time of last change.
    pub mtime: Timestamp,
    /// The kernel's time of last change.
    pub ctime: Timestamp,
    /// The inode number.
    pub inode: u64,
}

impl Fingerprint {
    /// Whether size and mtime are the same: what an owner takes for the same version.
    pub fn is_same_version(&self, other: &Self) -> bool {
        (self.size, self.mtime) == (other.size, other.mtime)
    }
}
