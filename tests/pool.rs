//! Applies on a ZFS pool, with a machine in memory: what is made sure of before anything is written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use mama_ports::filesystem::{Fs, FsError, FsErrorKind};
use mama_ports::vocab::{
    AbsPath, ArchiveId, DatasetFacts, PoolHealth, Snapshot, Status, Timestamp, VolumeId,
};
use mama_ports::volumes::{VolumeFacts, Volumes};
use mama_tests::world::{World, blob_at, hash_of};

/// A ZFS pool without its programs: its health is given, and its snapshots are names.
struct Pool {
    health: PoolHealth,
    snapshots: Mutex<Vec<Snapshot>>,
    is_full: bool,
    is_closed: bool,
    available: u64,
}

impl Pool {
    fn new(health: PoolHealth) -> Arc<Self> {
        let (is_full, is_closed, available) = (false, false, u64::MAX);
        Arc::new(Self { health, snapshots: Mutex::default(), is_full, is_closed, available })
    }

    fn names(&self) -> Vec<String> {
        self.snapshots.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

impl Volumes for Pool {
    fn describe(&self, _: &AbsPath) -> Fs<VolumeFacts> {
        let (kind, total, available) = ("zfs".to_owned(), u64::MAX, self.available);
        Ok(VolumeFacts {
            kind,
            identity: VolumeId::new("zfs:1"),
            device: 1,
            total,
            available,
            available_files: None,
            read_only: false,
        })
    }

    fn dataset(&self, _: &AbsPath) -> Fs<Option<DatasetFacts>> {
        let (name, health) = ("tank/mama".to_owned(), Some(self.health.clone()));
        let readonly = if self.is_closed { "on" } else { "off" };
        let properties = BTreeMap::from([("readonly".to_owned(), readonly.to_owned())]);
        Ok(Some(DatasetFacts { name, health, properties }))
    }

    fn snapshot(&self, at: &AbsPath, archive: &ArchiveId, name: &str) -> Fs<Snapshot> {
        let mut all = self.snapshots.lock().unwrap();
        if self.is_full {
            return Err(FsError::new("make a snapshot of", at.as_bytes(), FsErrorKind::NoSpace));
        }
        if all.iter().any(|snapshot| snapshot.name == name) {
            return Err(FsError::new("make a snapshot of", at.as_bytes(), FsErrorKind::AlreadyExists));
        }
        let number = all.len() as u64 + 1;
        let made = Snapshot {
            dataset: "tank/mama".to_owned(),
            name: name.to_owned(),
            guid: number,
            made_in: number,
            created: Timestamp::new(0, 0),
            archive: Some(archive.clone()),
            held: false,
        };
        all.push(made.clone());
        Ok(made)
    }

    fn snapshots(&self, _: &AbsPath) -> Fs<Vec<Snapshot>> {
        Ok(self.snapshots.lock().unwrap().clone())
    }
}

fn on(pool: &Arc<Pool>) -> World {
    let mut world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    world.volumes = Arc::clone(pool) as Arc<dyn Volumes>;
    world.snapshots = NonZeroUsize::new(1);
    world
}

#[test]
fn a_pool_that_fails_is_not_written_to() {
    for health in [PoolHealth::Faulted, PoolHealth::Unavailable, PoolHealth::Suspended] {
        let pool = Pool::new(health.clone());
        let world = on(&pool);
        let files = world.disk.all_facts();
        let error = world.apply().unwrap_err().to_string();
        assert!(error.contains("tank") && error.contains(&health.to_string()), "{error}");
        assert_eq!(world.disk.all_facts(), files);
        assert!(pool.names().is_empty());
    }
}

#[test]
fn a_dataset_that_says_it_is_read_only_is_not_written_to() {
    let pool = Arc::new(Pool { is_closed: true, ..Arc::into_inner(Pool::new(PoolHealth::Online)).unwrap() });
    let world = on(&pool);
    let files = world.disk.all_facts();
    let error = world.apply().unwrap_err().to_string();
    assert!(error.contains("read-only"), "{error}");
    assert_eq!(world.disk.all_facts(), files);
}

#[test]
fn a_content_that_is_there_already_needs_no_room() {
    let pool = Arc::new(Pool { available: 0, ..Arc::into_inner(Pool::new(PoolHealth::Online)).unwrap() });
    let world = on(&pool);
    let error = world.apply().unwrap_err().to_string();
    assert!(error.contains("full"), "{error}");
    world.write(&blob_at(hash_of(b"a")), "a");
    assert_eq!(world.apply().unwrap().views_created, 1, "what an interrupted run has left is only verified");
}

#[test]
fn a_pool_that_lost_a_device_is_warned_of() {
    let world = on(&Pool::new(PoolHealth::Degraded));
    assert_eq!(world.apply().unwrap().assigned, 1);
    let warnings = world.troubles();
    assert!(warnings.iter().any(|trouble| trouble.reason.contains("DEGRADED")), "{warnings:?}");
}

#[test]
fn one_snapshot_is_made_before_the_first_change_and_none_without_one() {
    let pool = Pool::new(PoolHealth::Online);
    let world = on(&pool);
    let report = world.apply().unwrap();
    assert_eq!((report.snapshot.clone(), report.snapshot.is_some()), (pool.names().pop(), true));
    assert_eq!(world.apply().unwrap().snapshot, None);
    assert_eq!(pool.names().len(), 1);
}

#[test]
fn two_snapshots_of_one_second_have_two_names_and_one_that_cannot_be_released_is_a_warning() {
    let pool = Pool::new(PoolHealth::Online);
    let world = on(&pool);
    // Nothing moves the clock but the owner's writes.
    world.apply().unwrap();
    let id = world.observation("/photos/a.jpg");
    world.retarget(id, Status::Assigned, Status::Ignored);
    let report = world.apply().unwrap();
    assert_eq!(report.views_removed, 1);
    let names = pool.names();
    assert!(names.len() == 2 && names[0].ends_with("-1") && names[1].ends_with("-2"), "{names:?}");
    let warnings = world.troubles();
    assert!(warnings.iter().any(|trouble| trouble.reason.contains("an old snapshot stays")), "{warnings:?}");
}

#[test]
fn without_the_snapshot_that_is_asked_for_no_content_comes_in() {
    let pool = Arc::new(Pool { is_full: true, ..Arc::into_inner(Pool::new(PoolHealth::Online)).unwrap() });
    let world = on(&pool);
    let error = world.apply().unwrap_err().to_string();
    assert!(error.contains("snapshot"), "{error}");
    assert!(world.files_below("/archive/blobs").is_empty() && world.files_below("/archive/views").is_empty());
}
