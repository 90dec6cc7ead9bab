//! One changes an archive at a time.

use std::sync::Arc;

use mama_ports::filesystem::{FsError, FsErrorKind, Held};
use mama_ports::repository::{Catalog, Epoch, Lease, RepositoryError};
use mama_ports::runtime::{Pending, Workers};

use super::Archive;
use crate::layout;

/// The archive's lock, for its disk, and the catalog's lease, for whoever reaches the archive by another way.
type Locks = (Box<dyn Held>, Box<dyn Held>);

/// Why an archive cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process is at it.
    #[error("another mama is applying to this archive; wait until it is done")]
    Busy,
    /// The lock cannot be taken.
    #[error("cannot lock the archive")]
    Disk(#[source] FsError),
    /// The lease cannot be taken.
    #[error("the catalog cannot go on")]
    Catalog(#[from] RepositoryError),
}

/// An archive that is locked.
pub(crate) struct Locked {
    archive: Archive,
    workers: Arc<dyn Workers>,
    /// Every job keeps them, so that a run that is dropped frees the archive only when its last job is done.
    locks: Arc<Locks>,
    /// The lease's number.
    pub(crate) epoch: Epoch,
}

impl Locked {
    /// Takes the lock and the lease.
    pub(crate) async fn take(
        archive: &Archive,
        workers: &Arc<dyn Workers>,
        catalog: &dyn Catalog,
    ) -> Result<Self, LockError> {
        let own = archive.clone();
        let locked = workers.start(move || own.tree().lock(&layout::lock_path())).await;
        let lock = locked.map_err(|error| match error.kind {
            FsErrorKind::Locked => LockError::Busy,
            _ => LockError::Disk(error),
        })?;
        let Lease { epoch, held } = catalog.lease().await?.ok_or(LockError::Busy)?;
        let (archive, workers) = (archive.clone(), Arc::clone(workers));
        Ok(Self { archive, workers, locks: Arc::new((lock, held)), epoch })
    }

    /// Does something to the archive, on a worker.
    pub(crate) fn on_worker<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Archive) -> T + Send + 'static,
    ) -> Pending<T> {
        let (archive, locks) = (self.archive.clone(), Arc::clone(&self.locks));
        self.workers.start(move || {
            let done = work(&archive);
            drop(locks);
            done
        })
    }

    /// Does something to the archive for each of these, on all workers at once; gives what came of them, in the same order.
    pub(crate) async fn for_each<T, D>(
        &self,
        items: Vec<T>,
        work: impl Fn(&Archive, &T) -> D + Send + Sync + 'static,
    ) -> Vec<D>
    where
        T: Send + Sync + 'static,
        D: Send + 'static,
    {
        let (archive, locks) = (self.archive.clone(), Arc::clone(&self.locks));
        let work = move |item: &T| {
            let _held = &locks;
            work(&archive, item)
        };
        self.workers.for_each(items, work).await
    }
}
