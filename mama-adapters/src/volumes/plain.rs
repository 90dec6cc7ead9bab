//! What the kernel says of any file system.

use mama_ports::filesystem::Fs;
use mama_ports::vocab::AbsPath;
use mama_ports::volumes::{VolumeFacts, Volumes};
use rustix::fs::{AtFlags, CWD, StatVfsMountFlags, StatxFlags};
use rustix::io::Errno;

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
    let mount = rustix::fs::statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID)?;
    let known = StatxFlags::from_bits_retain(mount.stx_mask).contains(StatxFlags::MNT_ID);
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    match kind_of_mount(&String::from_utf8_lossy(&table), mount.stx_mnt_id) {
        Some(kind) if known => Ok(kind.to_owned()),
        _ => Ok(format!("{:#x}", rustix::fs::statfs(path)?.f_type)),
    }
}

/// A line is `36 35 98:0 /root /mount/point options optional… - type source super-options`.
fn kind_of_mount(table: &str, mount: u64) -> Option<&str> {
    let line = table.lines().find(|line| line.split(' ').next().is_some_and(|id| id.parse() == Ok(mount)))?;
    line.split_once(" - ")?.1.split(' ').next()
}

#[cfg(test)]
mod tests {
    use mama_ports::filesystem::FsErrorKind;

    use super::*;

    #[test]
    fn the_table_of_mounts_names_the_type() {
        let table = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n37 35 0:5 / /a\\040- rw - zfs p rw\n";
        assert_eq!(kind_of_mount(table, 36), Some("ext3"));
        assert_eq!(kind_of_mount(table, 37), Some("zfs"));
        assert_eq!(kind_of_mount(table, 3), None);
    }

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
