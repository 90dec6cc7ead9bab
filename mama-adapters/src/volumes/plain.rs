//! What the kernel says of any file system.

use mama_ports::filesystem::Fs;
use mama_ports::vocab::AbsPath;
use mama_ports::volumes::{VolumeFacts, Volumes};
use rustix::fs::StatVfsMountFlags;
use rustix::io::Errno;

use super::mounts::mount_of;
use crate::fs::posix::failed;

/// Describes every file system of this machine alike.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainVolumes;

impl Volumes for PlainVolumes {
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts> {
        describe(at.as_bytes()).map_err(|errno| failed("describe the volume of", at.as_bytes(), errno))
    }
}

fn describe(path: &[u8]) -> Result<VolumeFacts, Errno> {
    let stat = rustix::fs::statvfs(path)?;
    Ok(VolumeFacts {
        kind: kind(path)?,
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        available: stat.f_bavail.saturating_mul(stat.f_frsize),
        available_files: (stat.f_files > 0).then_some(stat.f_favail),
        read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// The type's name in the table of mounts; its number where the table does not have it.
fn kind(path: &[u8]) -> Result<String, Errno> {
    match mount_of(path)? {
        Some(mount) => Ok(mount.kind),
        None => Ok(format!("{:#x}", rustix::fs::statfs(path)?.f_type)),
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::filesystem::FsErrorKind;

    use super::*;

    #[test]
    fn proc_is_a_file_system_without_room() {
        let facts = PlainVolumes.describe(&AbsPath::parse("/proc/self").unwrap()).unwrap();
        assert_eq!((facts.kind.as_str(), facts.total, facts.available_files), ("proc", 0, None));
    }

    #[test]
    fn the_temporary_folder_has_a_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = AbsPath::parse(folder.path().as_os_str().as_encoded_bytes()).unwrap();
        let facts = PlainVolumes.describe(&path).unwrap();
        assert!(facts.total >= facts.available && facts.total > 0 && !facts.read_only, "{facts:?}");
    }

    #[test]
    fn what_is_missing_has_no_volume() {
        let outcome = PlainVolumes.describe(&AbsPath::parse("/missing").unwrap());
        assert_eq!(outcome.unwrap_err().kind, FsErrorKind::NotFound);
    }
}
