//! From the descriptor of a root down a path, and never out.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use mama_ports::vocab::RelPath;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::{Errno, retry_on_intr};

/// The most bytes of a path given to the kernel at once; it takes 4,095.
const MAX_GROUP: usize = 4_000;

const BENEATH: ResolveFlags =
    ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
const JUST_A_FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

/// A folder on the way: the root itself, or one opened for this call.
pub(super) enum Folder<'a> {
    Root(BorrowedFd<'a>),
    Below(OwnedFd),
}

impl AsFd for Folder<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Root(root) => *root,
            Self::Below(folder) => folder.as_fd(),
        }
    }
}

/// Opens `path` below `root`.
pub(super) fn open(root: BorrowedFd<'_>, path: &RelPath, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut rest = path.as_bytes();
    let mut folder = Folder::Root(root);
    while rest.len() > MAX_GROUP {
        // A name has at most 255 bytes, so there is a slash.
        let slash = rest[..MAX_GROUP].iter().rposition(|&byte| byte == b'/').ok_or(Errno::NAMETOOLONG)?;
        folder = Folder::Below(open_one(&folder, &rest[..slash], JUST_A_FOLDER, Mode::empty())?);
        rest = &rest[slash + 1..];
    }
    open_one(&folder, if rest.is_empty() { b"." } else { rest }, flags, Mode::empty())
}

/// Opens a path of at most [`MAX_GROUP`] bytes, or makes a file there if the flags say so.
pub(super) fn open_one(folder: impl AsFd, path: &[u8], flags: OFlags, mode: Mode) -> Result<OwnedFd, Errno> {
    retry_on_intr(|| rustix::fs::openat2(&folder, path, flags | OFlags::CLOEXEC, mode, BENEATH))
}

/// The folder `path` below `root`, to use names against.
pub(super) fn folder<'a>(root: BorrowedFd<'a>, path: &RelPath) -> Result<Folder<'a>, Errno> {
    if path.is_root() { Ok(Folder::Root(root)) } else { open(root, path, JUST_A_FOLDER).map(Folder::Below) }
}
