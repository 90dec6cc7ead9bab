//! Every volume of this machine: what the kernel says of any, and what ZFS says of its own.

use std::ffi::OsString;
use std::io::{self, ErrorKind};

use mama_ports::filesystem::{Fs, FsError, FsErrorKind};
use mama_ports::vocab::{AbsPath, ArchiveId, DatasetFacts, Snapshot};
use mama_ports::volumes::{VolumeFacts, Volumes};

use super::PlainVolumes;
use super::mounts::mount_of;
use super::zfs::Zfs;
use crate::fs::posix::failed;

/// Describes every file system alike, and asks the programs of ZFS where it is ZFS.
#[derive(Debug, Clone)]
pub struct SystemVolumes {
    zfs: Zfs,
}

impl SystemVolumes {
    /// Looks for `zfs` and `zpool` in these folders, separated by colons, and in those where systems keep them from their users.
    pub fn new(search_path: OsString) -> Self {
        let mut search_path = search_path;
        search_path.push(":/usr/local/sbin:/usr/sbin:/sbin");
        Self { zfs: Zfs::new(search_path) }
    }

    fn dataset_of(at: &AbsPath) -> Fs<Option<String>> {
        let mount =
            mount_of(at.as_bytes()).map_err(|errno| failed("find the mount of", at.as_bytes(), errno))?;
        let is_zfs = |kind: &str| matches!(kind, "zfs" | "fuse.zfs");
        Ok(mount.filter(|mount| is_zfs(&mount.kind)).map(|mount| mount.source))
    }
}

impl Volumes for SystemVolumes {
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts> {
        PlainVolumes.describe(at)
    }

    fn dataset(&self, at: &AbsPath) -> Fs<Option<DatasetFacts>> {
        let dataset = Self::dataset_of(at)?;
        let asked = dataset.map(|name| self.zfs.dataset(&name)).transpose();
        asked.map_err(|error| of_zfs("ask ZFS about", at.as_bytes(), error))
    }

    fn snapshot(&self, at: &AbsPath, archive: &ArchiveId, name: &str) -> Fs<Snapshot> {
        let op = "make a snapshot of";
        match Self::dataset_of(at)? {
            Some(dataset) => {
                let made = self.zfs.snapshot(&dataset, archive, name);
                made.map_err(|error| of_zfs(op, dataset.as_bytes(), error))
            }
            None => PlainVolumes.snapshot(at, archive, name),
        }
    }

    fn snapshots(&self, at: &AbsPath) -> Fs<Vec<Snapshot>> {
        let op = "list the snapshots of";
        match Self::dataset_of(at)? {
            Some(dataset) => {
                self.zfs.snapshots(&dataset).map_err(|error| of_zfs(op, dataset.as_bytes(), error))
            }
            None => PlainVolumes.snapshots(at),
        }
    }

    fn release(&self, snapshot: &Snapshot) -> Fs<()> {
        let released = self.zfs.release(snapshot);
        released.map_err(|error| of_zfs("release", snapshot.to_string().as_bytes(), error))
    }
}

fn of_zfs(op: &'static str, path: &[u8], source: io::Error) -> FsError {
    let kind = match source.kind() {
        ErrorKind::NotFound => FsErrorKind::NotFound,
        ErrorKind::AlreadyExists => FsErrorKind::AlreadyExists,
        ErrorKind::PermissionDenied => FsErrorKind::PermissionDenied,
        ErrorKind::StorageFull => FsErrorKind::NoSpace,
        ErrorKind::ReadOnlyFilesystem => FsErrorKind::ReadOnly,
        ErrorKind::Unsupported => FsErrorKind::Unsupported,
        _ => FsErrorKind::Other,
    };
    FsError { op, path: path.to_vec(), kind, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_zfs_has_no_dataset_and_no_snapshots() {
        let volumes = SystemVolumes::new(OsString::new());
        let at = AbsPath::parse("/proc").unwrap();
        assert_eq!(volumes.dataset(&at).unwrap(), None);
        let archive = ArchiveId::from_bytes([7; 16]);
        assert_eq!(volumes.snapshot(&at, &archive, "x").unwrap_err().kind, FsErrorKind::Unsupported);
        assert_eq!(volumes.snapshots(&at).unwrap_err().kind, FsErrorKind::Unsupported);
    }
}
