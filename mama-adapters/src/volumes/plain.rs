//! What the kernel says of any file system.

use mama_ports::filesystem::Fs;
use mama_ports::vocab::AbsPath;
use mama_ports::volumes::{VolumeFacts, Volumes};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatVfsMountFlags, StatxFlags};
use rustix::io::Errno;

use super::identity::Marks;
use crate::fs::posix::failed;

/// Describes every file system of this machine alike.
#[derive(Debug, Clone, Copy, Default)]
pub struct PlainVolumes;

impl Volumes for PlainVolumes {
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts> {
        describe(at).map_err(|errno| failed("describe the volume of", at.as_bytes(), errno))
    }
}

fn describe(at: &AbsPath) -> Result<VolumeFacts, Errno> {
    // One folder for all questions, whatever is mounted over it meanwhile; to look for a folder lets an automounter do its work.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = rustix::fs::openat(CWD, at.as_bytes(), flags, Mode::empty())?;
    let stat = rustix::fs::fstatvfs(&folder)?;
    let magic = rustix::fs::fstatfs(&folder)?.f_type.cast_unsigned() & 0xffff_ffff;
    let mount =
        rustix::fs::statx(&folder, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)?;
    let known = StatxFlags::from_bits_retain(mount.stx_mask).contains(StatxFlags::MNT_ID);
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    let table = String::from_utf8_lossy(&table);
    let number = format!("{magic:#x}");
    let (kind, source) = kind_and_source(&table, mount.stx_mnt_id).filter(|_| known).unwrap_or((&number, ""));
    let device = (mount.stx_dev_major, mount.stx_dev_minor);
    Ok(VolumeFacts {
        kind: kind.to_owned(),
        identity: Marks { magic, id: stat.f_fsid, device, kind, source }.name(),
        device: rustix::fs::makedev(device.0, device.1),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        available: stat.f_bavail.saturating_mul(stat.f_frsize),
        available_files: (stat.f_files > 0).then_some(stat.f_favail),
        read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
}

/// The kind of a mounted file system and what was mounted; `None` if the table does not have it.
///
/// A line is `36 35 98:0 /root /mount/point options optional… - type source super-options`.
fn kind_and_source(table: &str, mount: u64) -> Option<(&str, &str)> {
    let line = table.lines().find(|line| line.split(' ').next().is_some_and(|id| id.parse() == Ok(mount)))?;
    let mut fields = line.split_once(" - ")?.1.split(' ');
    Some((fields.next()?, fields.next().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use mama_ports::filesystem::FsErrorKind;

    use super::*;

    #[test]
    fn the_table_of_mounts_names_the_type() {
        let table = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n37 35 0:5 / /a\\040- rw - zfs p rw\n";
        assert_eq!(kind_and_source(table, 36), Some(("ext3", "/dev/root")));
        assert_eq!(kind_and_source(table, 37), Some(("zfs", "p")));
        assert_eq!(kind_and_source(table, 3), None);
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
