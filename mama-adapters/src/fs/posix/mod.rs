//! Linux, through rustix: the only place in mama that makes system calls for files.
//!
//! A tree holds a descriptor of its root. Every path goes from there through `openat2`, beneath the root and through no
//! symbolic link; names are then used against the descriptor of the folder that holds them.

use std::sync::Arc;

use mama_ports::filesystem::{Filesystem, Fs, ReadTree, WriteTree};
use mama_ports::vocab::AbsPath;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};

mod beneath;
mod clone;
mod error;
mod handle;
mod lease;
mod stat;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use error::{failed, kind_of};
pub(crate) use stat::{device_of_path, facts_of_path};

use tree::Tree;

/// The file systems of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct PosixFs;

/// A folder that people may not look into.
const FOLDER_MODE: Mode = Mode::RWXU.union(Mode::RGRP).union(Mode::XGRP);

fn open_root(root: &AbsPath) -> Fs<Tree> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = retry_on_intr(|| rustix::fs::openat(CWD, root.as_bytes(), flags, Mode::empty()));
    let folder = opened.map_err(|errno| failed("open the folder", root.as_bytes(), errno))?;
    Ok(Tree { folder, root: root.clone() })
}

impl Filesystem for PosixFs {
    fn source(&self, root: &AbsPath) -> Fs<Arc<dyn ReadTree>> {
        Ok(Arc::new(open_root(root)?))
    }

    fn archive(&self, root: &AbsPath) -> Fs<Arc<dyn WriteTree>> {
        Ok(Arc::new(open_root(root)?))
    }

    fn make_root(&self, root: &AbsPath) -> Fs<()> {
        let path = root.as_bytes();
        let ends = (1..path.len()).filter(|&at| path[at] == b'/').chain([path.len()]);
        let mut refusal = Errno::NOTDIR;
        for end in ends {
            match retry_on_intr(|| rustix::fs::mkdirat(CWD, &path[..end], FOLDER_MODE)) {
                Ok(()) | Err(Errno::EXIST) => {}
                // It may be there nevertheless, and closed to changes.
                Err(errno) => refusal = errno,
            }
        }
        if is_folder(path) { Ok(()) } else { Err(failed("make the folder", path, refusal)) }
    }
}

fn is_folder(path: &[u8]) -> bool {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    retry_on_intr(|| rustix::fs::openat(CWD, path, flags, Mode::empty())).is_ok()
}
