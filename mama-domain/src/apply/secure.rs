//! What an apply makes sure of before it writes: a pool that can be written to, and a snapshot if one is asked for.

use std::sync::Arc;

use mama_ports::events::{Event, Trouble};
use mama_ports::filesystem::{Fs, FsError, FsErrorKind};
use mama_ports::vocab::{PoolHealth, RelPath, Snapshot, Timestamp};
use mama_ports::volumes::Volumes;

use super::{Apply, ApplyError};
use crate::archive::Archive;
use crate::dataset::{refuses_writes, to_release};

/// Snapshots of one second that are told apart.
const TRIES: u32 = 100;

impl Apply {
    /// Refuses a pool that fails and a dataset that is read-only, and warns of one that has lost a device. Where ZFS cannot be asked, nothing is known and nothing said.
    pub(super) async fn check_pool(&self) -> Result<(), ApplyError> {
        let asked = self.of_volume(|volumes, archive| volumes.dataset(archive.root())).await;
        let Ok(Some(dataset)) = asked else { return Ok(()) };
        // zfs-fuse does not tell the kernel.
        if dataset.property("readonly") == Some("on") {
            return Err(ApplyError::ReadOnly);
        }
        match &dataset.health {
            Some(health) if refuses_writes(health) => {
                Err(ApplyError::Pool { pool: dataset.pool().to_owned(), health: health.clone() })
            }
            Some(PoolHealth::Online) | None => Ok(()),
            Some(health) => {
                self.warn(format!("the ZFS pool {} is {health}; look at `zpool status`", dataset.pool()));
                Ok(())
            }
        }
    }

    /// Makes the snapshot that is asked for, and releases what was kept for long enough; gives its name.
    pub(super) async fn secure(&self) -> Result<Option<String>, ApplyError> {
        let Some(keep) = self.policy.snapshots else { return Ok(None) };
        let now = self.clock.now();
        let made = self.of_volume(move |volumes, archive| make(volumes, archive, now)).await;
        let made = made.map_err(ApplyError::Snapshot)?;
        let released = self.of_volume(move |volumes, archive| {
            let all = volumes.snapshots(archive.root())?;
            Ok(to_release(&all, archive.id(), keep.get())
                .iter()
                .filter_map(|old| volumes.release(old).err())
                .collect())
        });
        let troubles: Vec<FsError> = released.await.unwrap_or_else(|error| vec![error]);
        troubles
            .iter()
            .for_each(|error| self.warn(format!("an old snapshot stays: {error}: {}", error.source)));
        Ok(Some(made.to_string()))
    }

    async fn of_volume<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Volumes, &Archive) -> Fs<T> + Send + 'static,
    ) -> Fs<T> {
        let (volumes, archive) = (Arc::clone(&self.volumes), self.archive.clone());
        self.workers.start(move || ask(&*volumes, &archive)).await
    }

    fn warn(&self, reason: String) {
        let trouble = Trouble::warning(self.archive.root(), &RelPath::root(), reason);
        self.events.emit(Event::Trouble(trouble));
    }
}

/// The first snapshot of this second whose name is free.
fn make(volumes: &dyn Volumes, archive: &Archive, now: Timestamp) -> Fs<Snapshot> {
    let make = |number| volumes.snapshot(archive.root(), archive.id(), &snapshot_name(now, number));
    let is_taken =
        |made: &Fs<Snapshot>| matches!(made, Err(error) if error.kind == FsErrorKind::AlreadyExists);
    (1..TRIES).map(make).find(|made| !is_taken(made)).unwrap_or_else(|| make(TRIES))
}

/// `mama-2026-11-23T13:05:21Z-1`: whoever lists snapshots sees when, and sorts them by it.
fn snapshot_name(now: Timestamp, number: u32) -> String {
    let time = jiff::Timestamp::from_second(now.secs).unwrap_or_default();
    format!("mama-{time}-{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_named_by_its_time() {
        assert_eq!(snapshot_name(Timestamp::new(1_795_439_121, 7), 2), "mama-2026-11-23T13:05:21Z-2");
    }
}
