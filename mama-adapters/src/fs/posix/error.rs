//! From the kernel's error numbers to the port's kinds.

use std::io;

use mama_ports::filesystem::{FsError, FsErrorKind as Kind};
use rustix::io::Errno;

/// The kind of most calls' errors. `EXDEV` means here: the path led out of its root.
pub(crate) fn kind_of(errno: Errno) -> Kind {
    match errno {
        Errno::NOENT => Kind::NotFound,
        Errno::EXIST => Kind::AlreadyExists,
        Errno::NOTDIR => Kind::NotDirectory,
        Errno::ISDIR => Kind::IsDirectory,
        Errno::NOTEMPTY => Kind::NotEmpty,
        Errno::ACCESS | Errno::PERM => Kind::PermissionDenied,
        Errno::ROFS => Kind::ReadOnly,
        Errno::NOSPC | Errno::DQUOT => Kind::NoSpace,
        Errno::XDEV | Errno::LOOP => Kind::Escape,
        Errno::MLINK => Kind::TooManyLinks,
        Errno::NAMETOOLONG => Kind::NameTooLong,
        Errno::ILSEQ => Kind::NameRefused,
        Errno::OPNOTSUPP | Errno::NOSYS | Errno::NOTTY => Kind::Unsupported,
        errno if is_of_the_medium(errno) => Kind::Corrupt,
        _ => Kind::Other,
    }
}

/// Whether the disk, or the file system on it, has found itself damaged: a sector, a checksum, a structure.
const fn is_of_the_medium(errno: Errno) -> bool {
    matches!(errno, Errno::IO | Errno::BADMSG | Errno::UCLEAN)
}

/// What a reader says of an error: lost bytes are invalid data.
pub(super) fn of_reading(error: io::Error) -> io::Error {
    match Errno::from_io_error(&error) {
        Some(errno) if is_of_the_medium(errno) => io::Error::new(io::ErrorKind::InvalidData, error),
        _ => error,
    }
}

/// The kind where two names are joined: `EXDEV` means two devices, and `EPERM` that this cannot be linked whatever the permissions.
pub(super) fn kind_of_join(errno: Errno) -> Kind {
    match errno {
        Errno::XDEV => Kind::CrossDevice,
        Errno::PERM => Kind::Unsupported,
        _ => kind_of(errno),
    }
}

/// The kind where a file is cloned. Kernels give many reasons why not; these hold for every file of the two file systems.
pub(super) fn kind_of_clone(errno: Errno) -> Kind {
    match errno {
        Errno::XDEV => Kind::CrossDevice,
        Errno::OPNOTSUPP | Errno::NOTTY | Errno::NOSYS => Kind::Unsupported,
        _ => Kind::Other,
    }
}

/// The error of an attempt.
pub(crate) fn failed(op: &'static str, path: &[u8], errno: Errno) -> FsError {
    failed_as(kind_of(errno), op, path, errno)
}

/// The error of an attempt, where the number has a meaning of its own.
pub(super) fn failed_as(kind: Kind, op: &'static str, path: &[u8], errno: Errno) -> FsError {
    FsError { op, path: path.to_vec(), kind, source: errno.into() }
}
