//! A file's blocks, shared.

use std::os::fd::AsFd;

use mama_ports::filesystem::Cloned;
use rustix::io::{Errno, retry_on_intr};

/// OpenZFS, in `statfs`.
const OPENZFS: u32 = 0x2fc1_2fc1;
/// Bytes that the kernel is asked to copy at once.
const SLICE: usize = 1 << 30;

/// Fills the empty file `to` with the blocks of `from`.
///
/// The kernel refuses to clone between two datasets of one pool, and OpenZFS clones there when asked to copy, if it can.
pub(super) fn clone(from: impl AsFd, to: impl AsFd) -> Result<Cloned, Errno> {
    match retry_on_intr(|| rustix::fs::ioctl_ficlone(&to, &from)) {
        Ok(()) => Ok(Cloned::Shared),
        Err(Errno::XDEV) if is_openzfs(&to)? => {
            let mut place = 0;
            while retry_on_intr(|| rustix::fs::copy_file_range(&from, Some(&mut place), &to, None, SLICE))?
                > 0
            {}
            Ok(Cloned::MayBeCopied)
        }
        Err(errno) => Err(errno),
    }
}

fn is_openzfs(file: impl AsFd) -> Result<bool, Errno> {
    Ok(rustix::fs::fstatfs(file)?.f_type as u32 == OPENZFS)
}
