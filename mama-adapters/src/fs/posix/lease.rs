//! Whether somebody has a file open to write.

use std::ffi::c_int;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Which signal says that a lease is wanted back (`fcntl(2)`); libc has no name for it.
const F_SETSIG: c_int = 10;

/// Whether the kernel promises that nobody has this file open to write; `false` also where it does not tell.
///
/// It grants a lease to read only then. The lease is given back at once: it asks, and keeps nobody waiting.
pub(super) fn has_no_writer(file: BorrowedFd<'_>) -> bool {
    // The usual signal would end the process if somebody opened the file just then; nobody minds this one.
    fcntl(file, F_SETSIG, libc::SIGURG)
        && fcntl(file, libc::F_SETLEASE, libc::F_RDLCK)
        && fcntl(file, libc::F_SETLEASE, libc::F_UNLCK)
}

#[expect(unsafe_code, reason = "no crate has a safe call for leases")]
fn fcntl(file: BorrowedFd<'_>, command: c_int, argument: c_int) -> bool {
    // SAFETY: the descriptor is open, and these commands take a number and touch no memory.
    unsafe { libc::fcntl(file.as_raw_fd(), command, argument) == 0 }
}
