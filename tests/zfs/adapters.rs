//! The adapters on ZFS.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use mama_adapters::fs::posix::PosixFs;
use mama_adapters::volumes::SystemVolumes;
use mama_ports::conformance::tree::Bench;
use mama_ports::filesystem::{Filesystem, FsErrorKind};
use mama_ports::vocab::{AbsPath, ArchiveId, PoolHealth, Snapshot};
use mama_ports::volumes::Volumes;
use mama_tests::zfs::{Pool, zfs};

struct OnZfs(AbsPath);

impl OnZfs {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let folder = format!("bench{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let folder = Pool::shared().folder.join(folder);
        fs::create_dir(&folder).unwrap();
        Self(absolute(&folder))
    }
}

fn absolute(path: &Path) -> AbsPath {
    AbsPath::parse(path.as_os_str().as_bytes()).unwrap()
}

fn path(at: &AbsPath) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(at.as_bytes()))
}

impl Bench for OnZfs {
    fn filesystem(&self) -> Arc<dyn Filesystem> {
        Arc::new(PosixFs)
    }

    fn root(&self) -> AbsPath {
        self.0.clone()
    }

    fn symlink(&self, target: &[u8], at: &AbsPath) {
        symlink(std::ffi::OsStr::from_bytes(target), path(at)).unwrap();
    }

    fn fifo(&self, at: &AbsPath) {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path(at), rustix::fs::FileType::Fifo, mode, 0).unwrap();
    }
}

mod tree {
    mama_ports::tree_conformance!(super::OnZfs::new);
}

fn volumes() -> SystemVolumes {
    SystemVolumes::new(std::env::var_os("PATH").unwrap())
}

const OWN: [u8; 16] = [7; 16];

#[test]
fn a_folder_knows_its_dataset_and_pool() {
    let pool = Pool::shared();
    let dataset = pool.dataset("our photos", &["quota=64M", "recordsize=64K", "atime=off"]);
    let folder = dataset.folder.join("deep/down");
    fs::create_dir_all(&folder).unwrap();
    let facts = volumes().dataset(&absolute(&folder)).unwrap().unwrap();
    assert_eq!(
        (facts.name.as_str(), facts.health.clone()),
        (dataset.name.as_str(), Some(PoolHealth::Online))
    );
    assert_eq!(facts.pool(), pool.name.split('/').next().unwrap());
    assert_eq!((facts.bytes("quota"), facts.bytes("recordsize")), (Some(64 << 20), Some(64 << 10)));
    assert_eq!((facts.property("atime"), facts.property("normalization")), (Some("off"), Some("none")));
    assert!(facts.bytes("guid").is_some(), "{facts:?}");
    let volume = volumes().describe(&absolute(&folder)).unwrap();
    assert!(volume.available <= 64 << 20 && !volume.read_only, "the quota counts: {volume:?}");
}

#[test]
fn a_snapshot_is_marked_and_only_it_is_released() {
    let dataset = Pool::shared().dataset("snapshots", &[]);
    let below = Pool::shared().dataset("snapshots/below", &[]);
    let (at, own) = (absolute(&dataset.folder), ArchiveId::from_bytes(OWN));
    let volumes = volumes();
    dataset.snapshot("foreign");
    below.snapshot("below");
    let first = volumes.snapshot(&at, &own, "mama-1").unwrap();
    let second = volumes.snapshot(&at, &own, "mama-2").unwrap();
    assert_eq!(first.archive, Some(own.clone()));
    assert!(first.made_in < second.made_in && first.guid != second.guid);
    assert_eq!(volumes.snapshot(&at, &own, "mama-1").unwrap_err().kind, FsErrorKind::AlreadyExists);

    let listed = |volumes: &SystemVolumes| -> Vec<(String, bool)> {
        let mut all: Vec<Snapshot> = volumes.snapshots(&at).unwrap();
        all.sort_by_key(|snapshot| snapshot.made_in);
        all.into_iter().map(|snapshot| (snapshot.name, snapshot.archive.is_some())).collect()
    };
    let named = |names: &[(&str, bool)]| -> Vec<(String, bool)> {
        names.iter().map(|(name, mamas)| ((*name).to_owned(), *mamas)).collect()
    };
    assert_eq!(listed(&volumes), named(&[("foreign", false), ("mama-1", true), ("mama-2", true)]));

    zfs(["hold", "keep", &second.to_string()]);
    let held =
        volumes.snapshots(&at).unwrap().into_iter().find(|snapshot| snapshot.name == "mama-2").unwrap();
    assert!(held.held);
    volumes.release(&held).unwrap_err();
    zfs(["release", "keep", &second.to_string()]);

    volumes.release(&first).unwrap();
    dataset.snapshot("mama-1");
    let replaced = volumes.release(&first).unwrap_err();
    assert_eq!(replaced.kind, FsErrorKind::NotFound, "another one has the name now");
    assert_eq!(listed(&volumes), named(&[("foreign", false), ("mama-2", true), ("mama-1", false)]));
}
