//! A folder of this machine.

use std::fs::File;
use std::mem::MaybeUninit;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use mama_ports::filesystem::{
    Cloned, Entry, Fs, FsError, FsErrorKind as Kind, Held, Listing, ReadHandle, ReadTree, WriteHandle,
    WriteTree,
};
use mama_ports::vocab::{AbsPath, FileFacts, FileKind, FileName, RelPath};
use rustix::fs::{Access, Advice, AtFlags, CWD, FlockOperation, Mode, OFlags, RawDir, RenameFlags};
use rustix::io::{Errno, retry_on_intr};

use super::FOLDER_MODE;
use super::beneath::{self, Folder};
use super::clone::clone;
use super::error::{failed, failed_as, kind_of_clone, kind_of_join};
use super::handle::{Lock, Reader, Writer};
use super::lease::has_no_writer;
use super::stat::{facts_at, facts_of};

/// Bytes of a listing asked of the kernel at once.
const BUFFER: usize = 32 * 1024;
/// Below this size, the kernel reads the whole file ahead anyway.
const WORTH_ADVICE: u64 = 128 * 1024;

const NEW_FILE: OFlags = OFlags::CREATE.union(OFlags::EXCL).union(OFlags::WRONLY).union(OFlags::NOFOLLOW);
const TO_READ: OFlags = OFlags::NONBLOCK.union(OFlags::NOFOLLOW).union(OFlags::NOCTTY);
const PRIVATE: Mode = Mode::RUSR.union(Mode::WUSR);
const SEALED: Mode = Mode::RUSR.union(Mode::RGRP).union(Mode::ROTH);

#[derive(Debug)]
pub(super) struct Tree {
    pub(super) folder: OwnedFd,
    pub(super) root: AbsPath,
}

impl Tree {
    fn failed(&self, op: &'static str, at: &RelPath, errno: Errno) -> FsError {
        failed(op, self.root.join(at).as_bytes(), errno)
    }

    fn joining(&self, op: &'static str, at: &RelPath, errno: Errno) -> FsError {
        failed_as(kind_of_join(errno), op, self.root.join(at).as_bytes(), errno)
    }

    fn refused(&self, op: &'static str, at: &RelPath, kind: Kind) -> FsError {
        FsError::new(op, self.root.join(at).as_bytes(), kind)
    }

    /// The folder that holds `at`, and its name there; `root_itself` if it is the root.
    fn place(&self, op: &'static str, at: &RelPath, root_itself: Kind) -> Fs<(Folder<'_>, FileName)> {
        let (folder, name) = at.split().ok_or_else(|| self.refused(op, at, root_itself))?;
        let folder =
            beneath::folder(self.folder.as_fd(), &folder).map_err(|errno| self.failed(op, at, errno))?;
        Ok((folder, name))
    }

    /// Opens a regular file, and says what it was just before.
    fn open_file(&self, op: &'static str, at: &RelPath) -> Fs<(OwnedFd, FileFacts)> {
        let (folder, name) = self.place(op, at, Kind::NotRegular)?;
        let asked = facts_at(&folder, name.as_bytes()).map_err(|errno| self.failed(op, at, errno))?;
        // A device is not even opened: that may rewind a tape.
        if asked.kind != FileKind::File {
            return Err(self.refused(op, at, Kind::NotRegular));
        }
        let open = |flags| beneath::open_one(&folder, name.as_bytes(), flags, Mode::empty());
        // Only the owner may read without leaving a trace in the access time.
        let quietly = if asked.owned { open(TO_READ | OFlags::NOATIME) } else { Err(Errno::PERM) };
        let opened = match quietly {
            Err(Errno::PERM) => open(TO_READ),
            done => done,
        };
        let file = opened.map_err(|errno| self.failed(op, at, errno))?;
        let facts = facts_of(&file).map_err(|errno| self.failed(op, at, errno))?;
        if facts.kind == FileKind::File {
            Ok((file, facts))
        } else {
            Err(self.refused(op, at, Kind::NotRegular))
        }
    }

    fn open_folder(&self, op: &'static str, at: &RelPath) -> Fs<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        beneath::open(self.folder.as_fd(), at, flags).map_err(|errno| self.failed(op, at, errno))
    }

    fn entry(&self, folder: &OwnedFd, dir: &RelPath, name: &[u8]) -> Fs<Option<Entry>> {
        let parsed = FileName::parse(name).map_err(|source| FsError {
            source: std::io::Error::other(source),
            ..self.refused("list", dir, Kind::NameTooLong)
        })?;
        let facts = match facts_at(folder, name) {
            Err(Errno::NOENT) => return Ok(None),
            asked => asked.map_err(|errno| self.failed("look at", &dir.join(&parsed), errno)),
        };
        Ok(Some(Entry { name: parsed, facts }))
    }
}

impl ReadTree for Tree {
    fn facts(&self, at: &RelPath) -> Fs<Option<FileFacts>> {
        let op = "look at";
        let asked = match at.split() {
            None => facts_of(&self.folder),
            Some((folder, name)) => beneath::folder(self.folder.as_fd(), &folder)
                .and_then(|folder| facts_at(&folder, name.as_bytes())),
        };
        match asked {
            Ok(facts) => Ok(Some(facts)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(self.failed(op, at, errno)),
        }
    }

    fn listing(&self, dir: &RelPath) -> Fs<Listing> {
        let folder = self.open_folder("list", dir)?;
        let device = facts_of(&folder).map_err(|errno| self.failed("list", dir, errno))?.id.device;
        let mut buffer = vec![MaybeUninit::uninit(); BUFFER];
        let mut listing = RawDir::new(&folder, &mut buffer);
        let mut entries = Vec::new();
        while let Some(next) = listing.next() {
            let next = match next {
                Err(Errno::INTR) => continue,
                next => next.map_err(|errno| self.failed("list", dir, errno))?,
            };
            match next.file_name().to_bytes() {
                b"." | b".." => {}
                name => entries.extend(self.entry(&folder, dir, name)?),
            }
        }
        Ok(Listing { device, entries })
    }

    fn open(&self, at: &RelPath) -> Fs<Box<dyn ReadHandle>> {
        let (file, facts) = self.open_file("open", at)?;
        if facts.size > WORTH_ADVICE {
            // Advice only: a file system that cannot take it reads as well.
            rustix::fs::fadvise(&file, 0, None::<NonZeroU64>, Advice::Sequential).ok();
        }
        Ok(Box::new(Reader { file: File::from(file), path: self.root.join(at) }))
    }
}

impl WriteTree for Tree {
    fn create(&self, at: &RelPath) -> Fs<Box<dyn WriteHandle>> {
        let (folder, name) = self.place("create", at, Kind::AlreadyExists)?;
        let file = beneath::open_one(&folder, name.as_bytes(), NEW_FILE, PRIVATE)
            .map_err(|errno| self.failed("create", at, errno))?;
        Ok(Box::new(Writer { file: File::from(file), path: self.root.join(at) }))
    }

    fn reflink_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<Cloned> {
        let op = "clone";
        let source = source.fd().ok_or_else(|| self.refused(op, to, Kind::CrossDevice))?;
        let (folder, name) = self.place(op, to, Kind::AlreadyExists)?;
        let file = beneath::open_one(&folder, name.as_bytes(), NEW_FILE, PRIVATE)
            .map_err(|errno| self.failed(op, to, errno))?;
        let errno = match clone(source, &file) {
            Ok(cloned) => return Ok(cloned),
            Err(errno) => errno,
        };
        retry_on_intr(|| rustix::fs::unlinkat(&folder, name.as_bytes(), AtFlags::empty()))
            .map_err(|errno| self.failed("remove the failed clone", to, errno))?;
        Err(failed_as(kind_of_clone(errno), op, self.root.join(to).as_bytes(), errno))
    }

    fn link_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<()> {
        let op = "link";
        let source = source.fd().ok_or_else(|| self.refused(op, to, Kind::CrossDevice))?;
        let attributes = attributes(source).map_err(|errno| self.failed(op, to, errno))?;
        let is_labelled = attributes.split(|&byte| byte == 0).any(|name| name.starts_with(b"user."));
        if is_labelled || !has_no_writer(source) {
            return Err(self.refused(op, to, Kind::Unsupported));
        }
        let (folder, name) = self.place(op, to, Kind::AlreadyExists)?;
        let name = name.as_bytes();
        let linked =
            match retry_on_intr(|| rustix::fs::linkat(source, "", &folder, name, AtFlags::EMPTY_PATH)) {
                // An older kernel lets only root go this way, which is half as long.
                Err(Errno::NOENT) => {
                    let open_file = format!("/proc/self/fd/{}", source.as_raw_fd());
                    let follow = AtFlags::SYMLINK_FOLLOW;
                    retry_on_intr(|| rustix::fs::linkat(CWD, open_file.as_bytes(), &folder, name, follow))
                }
                linked => linked,
            };
        linked.map_err(|errno| self.joining(op, to, errno))
    }

    fn link(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        let op = "link";
        let (old, old_name) = self.place(op, from, Kind::Unsupported)?;
        let (new, new_name) = self.place(op, to, Kind::AlreadyExists)?;
        let no_flags = AtFlags::empty();
        retry_on_intr(|| rustix::fs::linkat(&old, old_name.as_bytes(), &new, new_name.as_bytes(), no_flags))
            .map_err(|errno| self.joining(op, to, errno))
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        let op = "rename";
        let (old, old_name) = self.place(op, from, Kind::Other)?;
        let (new, new_name) = self.place(op, to, Kind::Other)?;
        retry_on_intr(|| rustix::fs::renameat(&old, old_name.as_bytes(), &new, new_name.as_bytes())).map_err(
            |errno| match errno {
                Errno::XDEV => self.joining(op, to, errno),
                Errno::EXIST => failed_as(Kind::NotEmpty, op, self.root.join(to).as_bytes(), errno),
                _ => self.failed(op, to, errno),
            },
        )
    }

    fn rename_new(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        let op = "rename";
        let (old, old_name) = self.place(op, from, Kind::Other)?;
        let (new, new_name) = self.place(op, to, Kind::AlreadyExists)?;
        let (old_name, new_name) = (old_name.as_bytes(), new_name.as_bytes());
        let rename = || rustix::fs::renameat_with(&old, old_name, &new, new_name, RenameFlags::NOREPLACE);
        let renamed = match retry_on_intr(rename) {
            // Older file systems, and those of other machines, know only how to replace.
            Err(refusal @ (Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => {
                let no_flags = AtFlags::empty();
                retry_on_intr(|| rustix::fs::linkat(&old, old_name, &new, new_name, no_flags))
                    // A folder has one name only.
                    .map_err(|errno| if errno == Errno::PERM { refusal } else { errno })
                    .and_then(|()| retry_on_intr(|| rustix::fs::unlinkat(&old, old_name, no_flags)))
            }
            renamed => renamed,
        };
        renamed.map_err(|errno| self.joining(op, to, errno))
    }

    fn unlink(&self, at: &RelPath) -> Fs<()> {
        let (folder, name) = self.place("unlink", at, Kind::IsDirectory)?;
        retry_on_intr(|| rustix::fs::unlinkat(&folder, name.as_bytes(), AtFlags::empty()))
            .map_err(|errno| self.failed("unlink", at, errno))
    }

    fn make_dir(&self, at: &RelPath) -> Fs<()> {
        let op = "make the folder";
        let (folder, name) = self.place(op, at, Kind::AlreadyExists)?;
        retry_on_intr(|| rustix::fs::mkdirat(&folder, name.as_bytes(), FOLDER_MODE))
            .map_err(|errno| self.failed(op, at, errno))
    }

    fn remove_dir(&self, at: &RelPath) -> Fs<()> {
        let op = "remove the folder";
        let (folder, name) = self.place(op, at, Kind::Other)?;
        retry_on_intr(|| rustix::fs::unlinkat(&folder, name.as_bytes(), AtFlags::REMOVEDIR)).map_err(
            |errno| match errno {
                Errno::EXIST => failed_as(Kind::NotEmpty, op, self.root.join(at).as_bytes(), errno),
                _ => self.failed(op, at, errno),
            },
        )
    }

    fn check_changing(&self, folder: &RelPath) -> Fs<()> {
        let op = "change the folder";
        let opened = self.open_folder(op, folder)?;
        let wanted = Access::WRITE_OK | Access::EXEC_OK;
        retry_on_intr(|| rustix::fs::accessat(&opened, ".", wanted, AtFlags::empty()))
            .map_err(|errno| self.failed(op, folder, errno))
    }

    fn seal(&self, file: &dyn ReadHandle) -> Fs<()> {
        let (op, root) = ("seal a file of", RelPath::root());
        let file = file.fd().ok_or_else(|| self.refused(op, &root, Kind::CrossDevice))?;
        seal(file).map_err(|errno| self.failed(op, &root, errno))
    }

    fn sync_file(&self, at: &RelPath) -> Fs<()> {
        let (file, _) = self.open_file("sync", at)?;
        rustix::fs::fsync(&file).map_err(|errno| self.failed("sync", at, errno))
    }

    fn sync_dir(&self, at: &RelPath) -> Fs<()> {
        let folder = self.open_folder("sync", at)?;
        rustix::fs::fsync(&folder).map_err(|errno| self.failed("sync", at, errno))
    }

    fn sync_all(&self) -> Fs<()> {
        rustix::fs::syncfs(&self.folder).map_err(|errno| self.failed("sync all of", &RelPath::root(), errno))
    }

    fn lock(&self, at: &RelPath) -> Fs<Box<dyn Held>> {
        let (folder, name) = self.place("lock", at, Kind::IsDirectory)?;
        let flags = OFlags::RDWR | OFlags::CREATE | TO_READ;
        let file = beneath::open_one(&folder, name.as_bytes(), flags, PRIVATE)
            .map_err(|errno| self.failed("lock", at, errno))?;
        if facts_of(&file).map_err(|errno| self.failed("lock", at, errno))?.kind != FileKind::File {
            return Err(self.refused("lock", at, Kind::NotRegular));
        }
        match retry_on_intr(|| rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => Ok(Box::new(Lock { _file: file })),
            Err(Errno::WOULDBLOCK) => Err(self.refused("lock", at, Kind::Locked)),
            Err(errno) => Err(self.failed("lock", at, errno)),
        }
    }
}

/// Takes away the extended attributes, then the permission to write.
fn seal(file: BorrowedFd<'_>) -> Result<(), Errno> {
    let names = attributes(file)?;
    if !names.is_empty() {
        // Without the permission to write there is none to take attributes away.
        rustix::fs::fchmod(file, PRIVATE)?;
    }
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        match rustix::fs::fremovexattr(file, name) {
            Ok(()) | Err(Errno::NODATA) => {}
            Err(errno) if name.starts_with(b"user.") || name.starts_with(b"system.posix_acl") => {
                return Err(errno);
            }
            // Labels of the kernel's security modules are not the user's to remove.
            Err(_) => {}
        }
    }
    rustix::fs::fchmod(file, SEALED)
}

/// The names of all extended attributes, each ended by a NUL.
fn attributes(file: impl AsFd + Copy) -> Result<Vec<u8>, Errno> {
    loop {
        let size = match rustix::fs::flistxattr_query(file) {
            Err(Errno::OPNOTSUPP) | Ok(0) => return Ok(Vec::new()),
            asked => asked?,
        };
        let mut names = vec![0; size];
        match rustix::fs::flistxattr(file, &mut names[..]) {
            // There are more by now.
            Err(Errno::RANGE) => {}
            listed => {
                names.truncate(listed?);
                return Ok(names);
            }
        }
    }
}
