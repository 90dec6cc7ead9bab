//! Steps 2 to 4 of the protocol: bytes come into the staging area and are proven to be the content.

use std::io::{self, Write};

use mama_ports::filesystem::{Cloned, Fs, FsError, FsErrorKind, ReadHandle, ReadTree};
use mama_ports::repository::Source;
use mama_ports::vocab::{BlobHash, FileFacts, Fingerprint, RelPath};

use super::{Archive, Stopped, Transfer, Ways, stopped};
use crate::layout;
use crate::reading::Unreadable;
use crate::reconcile::Refusal;

/// How often a source that changes while it is read is tried.
const TRIES: u32 = 3;

/// The permissions that a sealed content has; a file that has fewer is private, and sealing it would open it where it lies.
const READABLE_BY_ALL: u32 = 0o444;

/// The size of one read while copying, in bytes.
const CHUNK: usize = 256 << 10;

/// Why a content is not staged.
#[derive(Debug)]
pub(super) enum StageError {
    /// This content only.
    Refused(Refusal),
    /// The archive cannot take anything.
    Stopped(Stopped),
}

/// What one try brought into the staging area.
enum Taken {
    /// The content.
    Whole(Transfer),
    /// Something, while the source moved.
    Moved,
    /// Another content.
    Other(Step),
}

/// How bytes came into the staging area, if it is the content.
#[derive(Clone, Copy)]
enum Step {
    /// The kernel brought them, by sharing blocks or not.
    Kernel(Cloned),
    /// As an inode.
    Link,
    /// Byte by byte.
    Copy,
}

impl Step {
    /// What it counts as: what may have been copied is not called shared.
    const fn way(self) -> Transfer {
        match self {
            Self::Kernel(Cloned::Shared) => Transfer::Clone,
            Self::Link => Transfer::Link,
            Self::Kernel(Cloned::MayBeCopied) | Self::Copy => Transfer::Copy,
        }
    }
}

impl From<Stopped> for StageError {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

impl Archive {
    /// Brings the bytes of `source` into the staging area, proven to be `hash` and read-only, by the first way that works.
    ///
    /// Nothing stays behind if it is refused.
    pub(super) fn stage(
        &self,
        hash: &BlobHash,
        source: &Source,
        tree: &dyn ReadTree,
        ways: &Ways,
    ) -> Result<Transfer, StageError> {
        let staged = layout::staging_path(hash);
        let mut wanted = ways.of(source.at.root.kind);
        for _ in 0..TRIES {
            match self.take(hash, source, tree, ways, wanted) {
                Ok(Taken::Whole(way)) => return Ok(way),
                Ok(Taken::Moved) => self.discard(&staged)?,
                // a clone that lies (safety.md §4); a copy will tell
                Ok(Taken::Other(Step::Kernel(_))) => {
                    self.discard(&staged)?;
                    wanted = &[];
                }
                Ok(Taken::Other(Step::Link | Step::Copy)) => break,
                Err(error) => {
                    self.discard(&staged)?;
                    return Err(error);
                }
            }
        }
        self.discard(&staged)?;
        Err(StageError::Refused(Refusal::Changed))
    }

    /// One try.
    fn take(
        &self,
        hash: &BlobHash,
        source: &Source,
        tree: &dyn ReadTree,
        ways: &Ways,
        wanted: &[Transfer],
    ) -> Result<Taken, StageError> {
        let staged = layout::staging_path(hash);
        let mut handle = tree.open(&source.at.path()).map_err(refused)?;
        let facts = handle.facts().map_err(refused)?;
        let before = facts.fingerprint();
        // a ctime or inode that moved is no reason to refuse a copy: its hash decides
        if !before.is_same_version(&source.fingerprint) {
            return Err(StageError::Refused(Refusal::Changed));
        }
        let may_link = before == source.fingerprint && may_be_shared(&facts);
        let step = self.transfer(&mut *handle, facts.id.device, &staged, ways, wanted, may_link)?;
        let mut own = match step {
            // one inode: what the source has open is what is staged, and nothing of it was read so far
            Step::Link => None,
            Step::Kernel(_) | Step::Copy => match self.tree.open(&staged) {
                Ok(own) => Some(own),
                Err(error) => return unreadable(step, error),
            },
        };
        let content: &mut dyn ReadHandle = own.as_deref_mut().unwrap_or(&mut *handle);
        let is_whole = match self.is(content, &staged, hash) {
            Ok(is_whole) => is_whole,
            Err(error) => return unreadable(step, error),
        };
        if !is_whole {
            let is_steady = handle.facts().map_err(refused)?.fingerprint().is_same_version(&before);
            return Ok(if is_steady { Taken::Other(step) } else { Taken::Moved });
        }
        let after = handle.facts().map_err(refused)?.fingerprint();
        let is_steady = match step {
            Step::Kernel(_) | Step::Copy => after == before,
            // the link itself moved the ctime
            Step::Link => after == Fingerprint { ctime: after.ctime, ..before },
        };
        if !is_steady {
            return Ok(Taken::Moved);
        }
        let content = own.as_deref().unwrap_or(&*handle);
        self.tree.seal(content).map_err(stopped("make a content read-only"))?;
        let sealed = handle.facts().map_err(refused)?.fingerprint();
        Ok(if sealed.is_same_version(&before) { Taken::Whole(step.way()) } else { Taken::Moved })
    }

    fn transfer(
        &self,
        source: &mut dyn ReadHandle,
        device: u64,
        staged: &RelPath,
        ways: &Ways,
        wanted: &[Transfer],
        may_link: bool,
    ) -> Result<Step, StageError> {
        for way in wanted {
            let done = match way {
                Transfer::Clone if ways.may_clone(device) => {
                    let cloned = self.tree.reflink_from(source, staged);
                    cloned.map(Step::Kernel).inspect_err(|error| ways.learn(device, error.kind))
                }
                Transfer::Clone => continue,
                Transfer::Link if may_link => self.tree.link_from(source, staged).map(|()| Step::Link),
                Transfer::Link => continue,
                Transfer::Copy => return self.copy(source, staged).map(|()| Step::Copy),
            };
            match done {
                Ok(step) => return Ok(step),
                Err(error) if is_of_the_disk(&error) => {
                    return Err(stopped("take a file into the archive")(error).into());
                }
                // any other failure of a shortcut is a reason to go the next way
                Err(_) => self.discard(staged)?,
            }
        }
        self.copy(source, staged).map(|()| Step::Copy)
    }

    fn copy(&self, source: &mut dyn ReadHandle, staged: &RelPath) -> Result<(), StageError> {
        let doing = "write to the archive";
        let mut target = self.tree.create(staged).map_err(stopped(doing))?;
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = match source.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.discard(staged)?;
                    return Err(StageError::Refused(Refusal::Failed(format!("cannot be read: {error}"))));
                }
            };
            target
                .write_all(&buffer[..read])
                .map_err(|error| stopped(doing)(FsError::of_stream("write", staged.as_bytes(), error)))?;
        }
        target.finish().map_err(stopped(doing))?;
        Ok(())
    }

    /// Whether the file at `path` has this hash, read from the archive.
    pub(super) fn holds(&self, path: &RelPath, hash: &BlobHash) -> Fs<bool> {
        self.is(&mut *self.tree.open(path)?, path, hash)
    }

    /// Whether an open file, which stands at `path`, has this hash.
    pub(super) fn is(&self, file: &mut dyn ReadHandle, path: &RelPath, hash: &BlobHash) -> Fs<bool> {
        let digest = self.hasher.digest(&mut &mut *file);
        Ok(digest.map_err(|error| FsError::of_stream("read", path.as_bytes(), error))?.hash == *hash)
    }

    /// Takes a staged name away, if it is there.
    pub(super) fn discard(&self, staged: &RelPath) -> Result<(), Stopped> {
        match self.tree.unlink(staged) {
            Err(error) if !error.is_not_found() => Err(stopped("clean the staging area")(error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// Whether the archive may have the inode of a file that is handed over, as far as the file's facts tell.
pub(super) const fn may_be_shared(facts: &FileFacts) -> bool {
    let is_private = facts.mode & READABLE_BY_ALL != READABLE_BY_ALL;
    facts.links == 1 && facts.size > 0 && facts.owned && !is_private
}

const fn is_of_the_disk(error: &FsError) -> bool {
    matches!(error.kind, FsErrorKind::NoSpace | FsErrorKind::ReadOnly)
}

/// What it means that what was staged cannot be read.
fn unreadable(step: Step, error: FsError) -> Result<Taken, StageError> {
    match step {
        // the clone shares the bad sectors of its source; a copy will tell
        Step::Kernel(_) => Ok(Taken::Other(step)),
        Step::Link => Err(refused(error)),
        Step::Copy => Err(stopped("read back what was written")(error).into()),
    }
}

fn refused(error: FsError) -> StageError {
    StageError::Refused(match Unreadable::from(&error) {
        Unreadable::Vanished => Refusal::Missing,
        Unreadable::Replaced => Refusal::Changed,
        Unreadable::Failed(reason) => Refusal::Failed(reason),
    })
}
