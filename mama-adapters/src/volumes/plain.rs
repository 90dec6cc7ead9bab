//! What the kernel says of any file system.

use mama_ports::filesystem::Fs;
use mama_ports::vocab::AbsPath;
use mama_ports::volumes::{VolumeFacts, Volumes};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatVfsMountFlags, StatxFlags};
use rustix::io::Errno;

use super::identity::Marks;
use super::mounts::{Mount, mounted_at};
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
    let device = rustix::fs::statx(&folder, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
    let device = (device.stx_dev_major, device.stx_dev_minor);
    let unlisted = || Mount { kind: format!("{magic:#x}"), source: String::new() };
    let Mount { kind, source } = mounted_at(&folder)?.unwrap_or_else(unlisted);
    Ok(VolumeFacts {
        identity: Marks { magic, id: stat.f_fsid, device, kind: &kind, source: &source }.name(),
        kind,
        device: rustix::fs::makedev(device.0, device.1),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        available: stat.f_bavail.saturating_mul(stat.f_frsize),
        available_files: (stat.f_files > 0).then_some(stat.f_favail),
        read_only: stat.f_flag.contains(StatVfsMountFlags::RDONLY),
    })
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
