//! Open files and locks.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use mama_ports::filesystem::{Fs, Held, ReadHandle, WriteHandle};
use mama_ports::vocab::{AbsPath, FileFacts};
use rustix::io::Errno;

use super::error::{failed, of_reading};
use super::stat::facts_of;

pub(super) struct Reader {
    pub(super) file: File,
    pub(super) path: AbsPath,
}

pub(super) struct Writer {
    pub(super) file: File,
    pub(super) path: AbsPath,
}

/// The lock lives as long as the descriptor.
pub(super) struct Lock {
    pub(super) _file: OwnedFd,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done.map_err(of_reading),
            }
        }
    }
}

impl ReadHandle for Reader {
    fn facts(&self) -> Fs<FileFacts> {
        facts_of(&self.file).map_err(|errno| failed("look at", self.path.as_bytes(), errno))
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.file.rewind()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

impl Write for Writer {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteHandle for Writer {
    fn finish(self: Box<Self>) -> Fs<FileFacts> {
        let facts = facts_of(&self.file).map_err(|errno| failed("look at", self.path.as_bytes(), errno));
        // The descriptor is gone even if this fails, so it is not tried again.
        let closed = nix::unistd::close(self.file)
            .map_err(|errno| failed("close", self.path.as_bytes(), Errno::from_raw_os_error(errno as i32)));
        closed.and(facts)
    }
}

impl Held for Lock {}
