//! The right to apply, given to one at a time: a lock on a file beside the catalog's, and a number that fences off an older holder.

use std::ffi::OsString;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use mama_ports::filesystem::Held;
use mama_ports::repository::{Epoch, RepositoryError};
use rusqlite::{OptionalExtension, Transaction};

use super::rows::{Failure, Outcome};

/// Who may hold the lease of one catalog.
#[derive(Debug, Default)]
pub(super) struct Leases {
    /// What the holder of a catalog in memory has.
    given: Mutex<Weak<()>>,
}

/// A lock that is given back when its file is closed.
#[derive(Debug)]
struct Locked<T>(T);

impl<T: Send + Sync> Held for Locked<T> {}

impl Leases {
    /// The lock of the catalog in `file`, or of the one in memory; `None` while somebody has it.
    pub(super) fn lock(&self, file: Option<&Path>) -> io::Result<Option<Box<dyn Held>>> {
        let Some(file) = file else { return Ok(self.lock_memory()) };
        let mut name = OsString::from(file);
        name.push("-lease");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(name)?;
        match File::try_lock(&lock) {
            Ok(()) => Ok(Some(Box::new(Locked(lock)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn lock_memory(&self) -> Option<Box<dyn Held>> {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.strong_count() > 0 {
            return None;
        }
        let lock = Arc::new(());
        *given = Arc::downgrade(&lock);
        Some(Box::new(Locked(lock)))
    }
}

/// The number of a new lease.
pub(super) fn next(catalog: &Transaction<'_>) -> Outcome<Epoch> {
    let sql = "INSERT INTO lease (only, epoch) VALUES (1, 1)
               ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch";
    Ok(Epoch(catalog.query_row(sql, [], |row| row.get(0))?))
}

/// Refuses whoever held an older lease.
pub(super) fn check(catalog: &Transaction<'_>, under: Option<Epoch>) -> Outcome<()> {
    let Some(Epoch(epoch)) = under else { return Ok(()) };
    let last: Option<i64> = catalog.query_row("SELECT epoch FROM lease", [], |row| row.get(0)).optional()?;
    if last == Some(epoch) { Ok(()) } else { Err(Failure::Refused(RepositoryError::Superseded)) }
}
