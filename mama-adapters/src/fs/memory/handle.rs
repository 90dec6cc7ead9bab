//! Open files and locks.

use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError, Weak};

use mama_ports::filesystem::{Fs, FsErrorKind, Held, ReadHandle, WriteHandle};
use mama_ports::vocab::{AbsPath, FileFacts};

use super::inode::Ino;
use super::{MemoryFs, State};

pub(super) struct Reader {
    pub(super) machine: MemoryFs,
    pub(super) path: AbsPath,
    pub(super) ino: Ino,
    pub(super) position: usize,
    pub(super) epoch: u64,
}

pub(super) struct Writer {
    pub(super) machine: MemoryFs,
    pub(super) path: AbsPath,
    pub(super) ino: Ino,
    pub(super) position: usize,
    pub(super) epoch: u64,
}

pub(super) struct Lock {
    pub(super) state: Weak<Mutex<State>>,
    pub(super) ino: Ino,
    pub(super) ticket: u64,
}

/// The failure as `std` would report it.
fn io_error(kind: FsErrorKind) -> io::Error {
    let kind_of_std = match kind {
        FsErrorKind::NoSpace => io::ErrorKind::StorageFull,
        FsErrorKind::ReadOnly => io::ErrorKind::ReadOnlyFilesystem,
        FsErrorKind::PermissionDenied => io::ErrorKind::PermissionDenied,
        FsErrorKind::Corrupt => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind_of_std, kind.to_string())
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bend =
            self.machine.step(self.epoch, "read", self.path.as_bytes()).map_err(|e| io_error(e.kind))?;
        let state = self.machine.state();
        let data = state.disk.data(self.ino).map_err(io_error)?;
        let rest = data.get(self.position..).unwrap_or_default();
        let wanted = if bend.short_read { buffer.len().min(1) } else { buffer.len() };
        let read = rest.len().min(wanted);
        buffer[..read].copy_from_slice(&rest[..read]);
        self.position += read;
        Ok(read)
    }
}

impl ReadHandle for Reader {
    fn facts(&self) -> Fs<FileFacts> {
        self.machine.step(self.epoch, "look at", self.path.as_bytes())?;
        Ok(self.machine.state().disk.facts(self.ino))
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.position = 0;
        Ok(())
    }
}

impl Writer {
    /// Open to write from now until it is dropped.
    pub(super) fn new(machine: MemoryFs, path: AbsPath, ino: Ino, epoch: u64) -> Self {
        *machine.state().writers.entry(ino).or_default() += 1;
        Self { machine, path, ino, position: 0, epoch }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let mut state = self.machine.state();
        if state.epoch == self.epoch
            && let Some(writers) = state.writers.get_mut(&self.ino)
        {
            *writers = writers.saturating_sub(1);
        }
    }
}

impl Write for Writer {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let bend =
            self.machine.step(self.epoch, "write", self.path.as_bytes()).map_err(|e| io_error(e.kind))?;
        let mut bytes = buffer[..if bend.short_write { buffer.len().min(1) } else { buffer.len() }].to_vec();
        if bend.flip
            && let Some(byte) = bytes.first_mut()
        {
            *byte ^= 1;
        }
        self.machine.change(|disk| disk.write_at(self.ino, self.position, &bytes)).map_err(io_error)?;
        self.position += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteHandle for Writer {
    fn finish(self: Box<Self>) -> Fs<FileFacts> {
        self.machine.step(self.epoch, "close", self.path.as_bytes())?;
        Ok(self.machine.state().disk.facts(self.ino))
    }
}

impl Held for Lock {}

impl Drop for Lock {
    fn drop(&mut self) {
        let Some(state) = self.state.upgrade() else { return };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.locks.get(&self.ino) == Some(&self.ticket) {
            state.locks.remove(&self.ino);
        }
    }
}
