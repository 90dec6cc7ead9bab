//! A folder for temporary files that a killed mama cannot leave behind for good.

use std::fs::{self, DirEntry};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
use tempfile::TempDir;

const PREFIX: &str = "mama-exiftool-";

/// What is younger may be a folder that another mama has just made and is about to lock.
const YOUNG: Duration = Duration::from_secs(60);

/// Closed to others, locked for as long as this lives, and gone with it.
#[derive(Debug)]
pub(super) struct PrivateFolder {
    folder: TempDir,
    _lock: OwnedFd,
}

impl PrivateFolder {
    /// Makes one where this system has its temporary files, and takes away those of mamas that were killed.
    pub(super) fn new() -> io::Result<Self> {
        Self::within(&std::path::absolute(std::env::temp_dir())?)
    }

    fn within(above: &Path) -> io::Result<Self> {
        clear(above);
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir_in(above)?;
        let lock = lock(folder.path())?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A folder in it.
    pub(super) fn part(&self) -> io::Result<TempDir> {
        tempfile::tempdir_in(self.path())
    }
}

/// Takes the lock of a folder; an error if another process has it.
fn lock(folder: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = open(folder, flags, Mode::empty())?;
    flock(&folder, FlockOperation::NonBlockingLockExclusive)?;
    Ok(folder)
}

/// Takes away what nobody has locked any more. What cannot be taken away is somebody else's, and stays.
fn clear(above: &Path) {
    let entries = fs::read_dir(above).into_iter().flatten().flatten();
    for forsaken in entries.filter(is_old_folder).map(|entry| entry.path()) {
        if let Ok(_lock) = lock(&forsaken) {
            drop(fs::remove_dir_all(&forsaken));
        }
    }
}

fn is_old_folder(entry: &DirEntry) -> bool {
    let is_ours = entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes());
    let is_old = |changed: SystemTime| changed.elapsed().is_ok_and(|age| age >= YOUNG);
    is_ours && entry.metadata().is_ok_and(|facts| facts.is_dir() && facts.modified().is_ok_and(is_old))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    fn age(folder: &Path) {
        File::open(folder).unwrap().set_modified(SystemTime::now() - YOUNG).unwrap();
    }

    #[test]
    fn what_a_killed_mama_left_is_taken_away_and_nothing_else() {
        let above = tempfile::tempdir().unwrap();
        let used = PrivateFolder::within(above.path()).unwrap();
        fs::write(used.path().join("file"), "").unwrap();
        age(used.path());
        let make = |name: &str| {
            let folder = above.path().join(name);
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("file"), "").unwrap();
            folder
        };
        let (forsaken, young, foreign) =
            (make("mama-exiftool-1"), make("mama-exiftool-2"), make("somebody-exiftool-3"));
        age(&forsaken);
        age(&foreign);
        let link = above.path().join("mama-exiftool-4");
        std::os::unix::fs::symlink(&foreign, &link).unwrap();

        let mine = PrivateFolder::within(above.path()).unwrap();
        assert!(!forsaken.exists());
        for stays in [used.path(), &young, &foreign, &link, mine.path()] {
            assert!(stays.exists(), "{}", stays.display());
        }
        let path = used.path().to_owned();
        drop(used);
        assert!(!path.exists());
    }
}
