//! What the kernel says about a file.

use std::os::fd::AsFd;
use std::sync::LazyLock;

use mama_ports::vocab::{AbsPath, FileFacts, FileId, FileKind, Timestamp};
use rustix::fs::{AtFlags, CWD, FileType, Statx, StatxFlags, StatxTimestamp};
use rustix::io::{Errno, retry_on_intr};

/// Whose files are owned: the process stays with its user, and asking anew for each file is a call to the kernel each.
static USER: LazyLock<u32> = LazyLock::new(|| rustix::process::geteuid().as_raw());

/// The facts of a name in a folder; a symbolic link is itself.
pub(super) fn facts_at(folder: impl AsFd, name: &[u8]) -> Result<FileFacts, Errno> {
    stat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// The facts of an open file.
pub(super) fn facts_of(file: impl AsFd) -> Result<FileFacts, Errno> {
    stat(file, b"", AtFlags::EMPTY_PATH)
}

/// The facts of a path, through whatever links its folders are.
pub(crate) fn facts_of_path(path: &AbsPath) -> Result<FileFacts, Errno> {
    facts_at(CWD, path.as_bytes())
}

/// The device of what a path leads to, through whatever links.
pub(crate) fn device_of_path(path: &AbsPath) -> Result<u64, Errno> {
    Ok(stat(CWD, path.as_bytes(), AtFlags::empty())?.id.device)
}

fn stat(at: impl AsFd, path: &[u8], flags: AtFlags) -> Result<FileFacts, Errno> {
    let flags = flags | AtFlags::NO_AUTOMOUNT;
    Ok(facts(&retry_on_intr(|| rustix::fs::statx(&at, path, flags, StatxFlags::BASIC_STATS))?))
}

fn facts(stat: &Statx) -> FileFacts {
    let mode = u32::from(stat.stx_mode);
    let kind = match FileType::from_raw_mode(mode) {
        FileType::RegularFile => FileKind::File,
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        _ => FileKind::Special,
    };
    FileFacts {
        kind,
        id: FileId {
            device: rustix::fs::makedev(stat.stx_dev_major, stat.stx_dev_minor),
            inode: stat.stx_ino,
        },
        size: stat.stx_size,
        mtime: time(&stat.stx_mtime),
        ctime: time(&stat.stx_ctime),
        mode: mode & 0o7777,
        links: stat.stx_nlink.into(),
        owned: stat.stx_uid == *USER,
    }
}

fn time(time: &StatxTimestamp) -> Timestamp {
    Timestamp::new(time.tv_sec, time.tv_nsec)
}
