//! Folders one has been given, and nothing outside them.
//!
//! Every call costs about one system call and blocks. No call follows a symbolic link, not even in the middle of a path:
//! a link there is [`FsErrorKind::Escape`] or [`FsErrorKind::NotDirectory`]. When several errors apply at once, which of
//! them comes back is not specified.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use crate::vocab::{AbsPath, FileFacts, FileName, RelPath, escaped};

/// The result of one call.
pub type Fs<T> = Result<T, FsError>;

/// What could not be done, to what, and why.
#[derive(Debug, thiserror::Error)]
#[error("cannot {op} {}", escaped(path).to_string())]
pub struct FsError {
    /// The attempt, as a verb: `open`, `list`, `link`.
    pub op: &'static str,
    /// The path as the caller gave it, or the whole path where there is one.
    pub path: Vec<u8>,
    /// What rules match on.
    pub kind: FsErrorKind,
    /// What people read.
    pub source: io::Error,
}

impl FsError {
    /// An error whose text is that of its kind.
    pub fn new(op: &'static str, path: &[u8], kind: FsErrorKind) -> Self {
        Self { op, path: path.to_vec(), kind, source: io::Error::other(kind.to_string()) }
    }

    /// An error while the bytes of an open file went through; `InvalidData` is what a [`ReadHandle`] says of bytes that are lost.
    pub fn of_stream(op: &'static str, path: &[u8], source: io::Error) -> Self {
        let kind = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => FsErrorKind::NoSpace,
            io::ErrorKind::InvalidData => FsErrorKind::Corrupt,
            _ => FsErrorKind::Other,
        };
        Self { op, path: path.to_vec(), kind, source }
    }

    /// Whether it says: nothing has this name.
    pub fn is_not_found(&self) -> bool {
        matches!(self.kind, FsErrorKind::NotFound | FsErrorKind::NotDirectory)
    }
}

/// The kinds of failure that rules tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FsErrorKind {
    /// Nothing has this name.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// A folder was needed and something else is there.
    NotDirectory,
    /// A folder is there where none is wanted.
    IsDirectory,
    /// Only regular files are opened, and this is none.
    NotRegular,
    /// The folder holds something.
    NotEmpty,
    /// The user may not.
    PermissionDenied,
    /// The file system is mounted read-only.
    ReadOnly,
    /// The device or a quota is full.
    NoSpace,
    /// A link or clone would join two devices.
    CrossDevice,
    /// The inode can have no more names.
    TooManyLinks,
    /// A name is longer than the file system takes.
    NameTooLong,
    /// The file system takes no such name.
    NameRefused,
    /// The path leads through a symbolic link, or out of its root.
    Escape,
    /// The file system cannot do this at all.
    Unsupported,
    /// Somebody else holds the lock.
    Locked,
    /// The disk does not give back what it was given.
    Corrupt,
    /// Anything else.
    Other,
}

impl fmt::Display for FsErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "there is no such file or folder",
            Self::AlreadyExists => "the name is taken",
            Self::NotDirectory => "not a folder",
            Self::IsDirectory => "it is a folder",
            Self::NotRegular => "not a regular file",
            Self::NotEmpty => "the folder is not empty",
            Self::PermissionDenied => "permission denied",
            Self::ReadOnly => "the file system is read-only",
            Self::NoSpace => "no space left",
            Self::CrossDevice => "not on the same device",
            Self::TooManyLinks => "too many hard links",
            Self::NameTooLong => "the name is too long",
            Self::NameRefused => "the file system takes no such name",
            Self::Escape => "the path leads through a symbolic link or out of its folder",
            Self::Unsupported => "not supported by this file system",
            Self::Locked => "somebody else holds the lock",
            Self::Corrupt => "the disk does not give back what it was given",
            Self::Other => "input/output error",
        })
    }
}

/// Opens folders.
pub trait Filesystem: Send + Sync {
    /// The tree at `root`, to read. `NotFound` or `NotDirectory` if there is none; `root` itself may lead through links.
    fn source(&self, root: &AbsPath) -> Fs<Arc<dyn ReadTree>>;

    /// The tree at `root`, to read and write. Errors as [`Filesystem::source`].
    fn archive(&self, root: &AbsPath) -> Fs<Arc<dyn WriteTree>>;

    /// Makes the folder `root` and those above it that are missing, closed to strangers (0750). An existing one is left as it is.
    fn make_root(&self, root: &AbsPath) -> Fs<()>;
}

/// One entry of a folder.
#[derive(Debug)]
pub struct Entry {
    /// Its name.
    pub name: FileName,
    /// What it is, not following a link; an error if it could not be asked.
    pub facts: Fs<FileFacts>,
}

/// A folder, completely listed.
#[derive(Debug)]
pub struct Listing {
    /// The device of the very folder that was listed, as [`FileId::device`](crate::vocab::FileId::device), whatever is mounted over it by now.
    pub device: u64,
    /// Everything in it.
    pub entries: Vec<Entry>,
}

/// A tree that can only be read: who holds this cannot write below a source.
pub trait ReadTree: Send + Sync {
    /// What has this name; `None` if nothing has, or if a parent is not a folder. A symbolic link is itself.
    fn facts(&self, at: &RelPath) -> Fs<Option<FileFacts>>;

    /// Everything in a folder, without `.` and `..`, in no particular order, each with its facts.
    ///
    /// An error in the middle of the listing is an error of the call: an `Ok` is complete. An entry that vanishes
    /// between listing and asking is left out. Costs one call an entry; memory grows with the folder.
    fn list(&self, dir: &RelPath) -> Fs<Vec<Entry>> {
        Ok(self.listing(dir)?.entries)
    }

    /// As [`ReadTree::list`], with the device that the folder is on.
    fn listing(&self, dir: &RelPath) -> Fs<Listing>;

    /// Opens a regular file to read it; never blocks on a FIFO, never touches a device (`NotRegular`).
    fn open(&self, at: &RelPath) -> Fs<Box<dyn ReadHandle>>;
}

/// What came of a clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloned {
    /// The two share their blocks.
    Shared,
    /// The kernel took the content over by itself, by sharing blocks or by copying them: it does not say which.
    MayBeCopied,
}

/// A tree that can be written. What a call did survives a crash of the machine only after a sync that came later.
pub trait WriteTree: ReadTree {
    /// Makes a new, empty file; `AlreadyExists` if the name is taken by anything.
    fn create(&self, at: &RelPath) -> Fs<Box<dyn WriteHandle>>;

    /// Makes `to` a new file with the content of `source`, at once, sharing its blocks (reflink).
    ///
    /// Some file systems share blocks also where only a copy can be asked for, and do not tell: then it is [`Cloned::MayBeCopied`].
    /// `Unsupported` or `CrossDevice` if neither can be with any file of the source's device; another error is of this file or this moment.
    /// Nothing is left at `to` then. Reads the whole file, whatever was read of the handle before, and leaves the handle's place alone.
    fn reflink_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<Cloned>;

    /// Makes `to` a further name of the very file that `source` has open, whatever its name means by now.
    ///
    /// `CrossDevice`, `TooManyLinks`, `AlreadyExists`, `Unsupported`; also `Unsupported` for a file to which its owner has
    /// given extended attributes, which [`WriteTree::seal`] would take away, and for one that somebody has open to write, or may
    /// have where the file system does not tell. Moves the file's ctime.
    fn link_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<()>;

    /// Makes `to` a further name of the file `from`; never replaces. Moves the file's ctime.
    fn link(&self, from: &RelPath, to: &RelPath) -> Fs<()>;

    /// Moves a name, replacing what is there, in one step. If both names are one inode it does nothing, and both stay.
    fn rename(&self, from: &RelPath, to: &RelPath) -> Fs<()>;

    /// Moves a name to one that is free; `AlreadyExists` if anything has it, be it the same inode.
    ///
    /// In one step where the file system can; elsewhere a file has both names for a moment, and if the process ends then, keeps them.
    fn rename_new(&self, from: &RelPath, to: &RelPath) -> Fs<()>;

    /// Takes a name away from a file; `IsDirectory` for a folder.
    fn unlink(&self, at: &RelPath) -> Fs<()>;

    /// Makes a folder, closed to strangers (0750); the one above it must be there.
    fn make_dir(&self, at: &RelPath) -> Fs<()>;

    /// Takes away an empty folder; `NotEmpty` otherwise.
    fn remove_dir(&self, at: &RelPath) -> Fs<()>;

    /// Whether names may be given and taken away in a folder, as far as rights, flags and mount tell: the error that it would be otherwise.
    fn check_changing(&self, folder: &RelPath) -> Fs<()>;

    /// Makes the very file that `file` has open read-only for everybody (0444), whatever its name means by now, and takes away its
    /// extended attributes. It must have a name in this tree: what has none is not the archive's. `CrossDevice` for one of another system.
    fn seal(&self, file: &dyn ReadHandle) -> Fs<()>;

    /// After this, the file's content survives a power cut; its name may not. A failed sync is final: never ask twice.
    fn sync_file(&self, at: &RelPath) -> Fs<()>;

    /// After this, the names directly in a folder survive a power cut. A failed sync is final.
    fn sync_dir(&self, at: &RelPath) -> Fs<()>;

    /// After this, everything done to the tree so far survives a power cut. A failed sync is final.
    fn sync_all(&self) -> Fs<()>;

    /// Takes an exclusive lock on the file `at`, which is made if it is missing; `Locked` at once if another process or handle has it.
    ///
    /// Freed when the guard is dropped or its process ends, however it ends.
    fn lock(&self, at: &RelPath) -> Fs<Box<dyn Held>>;
}

/// A lock, for as long as it lives.
pub trait Held: Send + Sync {}

/// An open file, read from the start.
pub trait ReadHandle: Read + Send {
    /// What the opened file is now, whatever its name means by now.
    fn facts(&self) -> Fs<FileFacts>;

    /// Back to the first byte.
    fn rewind(&mut self) -> io::Result<()>;

    /// The descriptor, for adapters that hand it to the kernel or to another process; `None` in memory.
    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

/// A new file, written from the start.
pub trait WriteHandle: Write + Send {
    /// Closes the file and reports the errors that dropping it would hide.
    fn finish(self: Box<Self>) -> Fs<FileFacts>;
}
