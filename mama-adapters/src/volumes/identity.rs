//! Which file system is this?
//!
//! A name must never change while the file system does not, or scans would stop for nothing; so it is made of what is on
//! the disk, and of nothing that depends on where or by which driver it is mounted.
//!
//! | kind | its name | what it is made of |
//! |---|---|---|
//! | ext2, ext3, ext4 | `ext:HEX` | the kernel's `f_fsid`, which it makes of the UUID; these three may be mounted as each other |
//! | btrfs | `btrfs:HEX` | `f_fsid`: the UUID and the number of the subvolume, so that each subvolume is a volume |
//! | ZFS | `zfs:HEX` | `f_fsid`: the dataset's guid |
//! | bcachefs, jfs, reiserfs | the same | `f_fsid`: the UUID |
//! | all else on a block device: xfs, vfat, exfat, ntfs, f2fs, udf, iso9660, … | `uuid:UUID` | the link to the device in `/dev/disk/by-uuid`; there, `f_fsid` is the device's number, which depends on the order of plugging in |
//! | the network and FUSE: nfs, cifs, sshfs, 9p, virtiofs, … | `KIND:SOURCE` | what was mounted, such as `nfs:nas:/photos` |
//! | an image without UUID, such as squashfs | `KIND:FILE` | the file behind the loop device |
//! | without anything: tmpfs, overlay, a device without UUID or without udev | `KIND:SOURCE` | as the network; all that were mounted from the same source have one name |

use std::os::unix::ffi::OsStrExt;

use mama_ports::vocab::VolumeId;
use rustix::fs::{AtFlags, CWD, StatxFlags};

const BY_UUID: &str = "/dev/disk/by-uuid";

/// The kinds whose `f_fsid` is made of what is on the disk, by their numbers in `statfs`.
const WITH_OWN_ID: [(u64, &str); 6] = [
    (0xef53, "ext"),
    (0x9123_683e, "btrfs"),
    (0x2fc1_2fc1, "zfs"),
    (0xca45_1a4e, "bcachefs"),
    (0x3153_464a, "jfs"),
    (0x5265_4973, "reiserfs"),
];

/// What a mounted file system is called by.
pub(super) struct Marks<'a> {
    /// The number of its kind.
    pub(super) magic: u64,
    /// `f_fsid`.
    pub(super) id: u64,
    /// Major and minor number of its device.
    pub(super) device: (u32, u32),
    /// Its kind and source in the table of mounts.
    pub(super) kind: &'a str,
    /// What was mounted.
    pub(super) source: &'a str,
}

/// What must be looked up about a block device.
struct Lookup {
    uuid: fn((u32, u32)) -> Option<String>,
    image: fn((u32, u32)) -> Option<String>,
}

impl Marks<'_> {
    /// Its name.
    pub(super) fn name(&self) -> VolumeId {
        self.named(&Lookup { uuid: uuid_of, image: image_of })
    }

    fn named(&self, lookup: &Lookup) -> VolumeId {
        let own = WITH_OWN_ID.iter().find(|(magic, _)| *magic == self.magic).filter(|_| self.id != 0);
        if let Some((_, family)) = own {
            return VolumeId::new(format!("{family}:{:016x}", self.id));
        }
        // A device with major number 0 is none: a network, memory.
        let is_block_device = self.device.0 != 0;
        if let Some(uuid) = is_block_device.then(|| (lookup.uuid)(self.device)).flatten() {
            return VolumeId::new(format!("uuid:{uuid}"));
        }
        let image = is_block_device.then(|| (lookup.image)(self.device)).flatten();
        VolumeId::new(format!("{}:{}", family(self.kind), image.as_deref().unwrap_or(self.source)))
    }
}

/// Other versions of one protocol reach the same files.
fn family(kind: &str) -> &str {
    match kind {
        "nfs4" => "nfs",
        "smb3" => "cifs",
        kind => kind,
    }
}

/// The UUID that udev has read from a block device.
fn uuid_of(device: (u32, u32)) -> Option<String> {
    let links = std::fs::read_dir(BY_UUID).ok()?.flatten();
    // The first in order: the name is the same each time, also where two file systems on one device have links.
    let found = links.filter(|link| {
        rustix::fs::statx(CWD, link.path().as_os_str().as_bytes(), AtFlags::empty(), StatxFlags::BASIC_STATS)
            .is_ok_and(|stat| (stat.stx_rdev_major, stat.stx_rdev_minor) == device)
    });
    found.map(|link| link.file_name().to_string_lossy().into_owned()).min()
}

/// The file that a loop device shows: their numbers are given anew each time.
fn image_of((major, minor): (u32, u32)) -> Option<String> {
    let image = std::fs::read(format!("/sys/dev/block/{major}:{minor}/loop/backing_file")).ok()?;
    Some(String::from_utf8_lossy(&image).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(magic: u64, id: u64, major: u32, kind: &str, source: &str) -> String {
        let marks = Marks { magic, id, device: (major, 17), kind, source };
        let lookup = Lookup {
            uuid: |device| (device == (8, 17)).then(|| "6E1A-90C4".to_owned()),
            image: |device| (device == (7, 17)).then(|| "/srv/a.squashfs\n".to_owned()),
        };
        marks.named(&lookup).as_str().to_owned()
    }

    #[test]
    fn kinds_that_know_themselves_go_by_what_they_know() {
        for kind in ["ext2", "ext3", "ext4"] {
            assert_eq!(name(0xef53, 0xab, 8, kind, "/dev/sdb1"), "ext:00000000000000ab");
        }
        assert_eq!(name(0x9123_683e, u64::MAX, 0, "btrfs", "/dev/sdb1"), "btrfs:ffffffffffffffff");
        assert_eq!(name(0xef53, 0, 8, "ext4", "/dev/sdb1"), "uuid:6E1A-90C4", "made without a UUID");
    }

    #[test]
    fn others_on_a_device_go_by_the_uuid_whatever_driver_mounts_them() {
        for (magic, kind) in [(0x6573_5546, "fuseblk"), (0x7366_746e, "ntfs3"), (0x5846_5342, "xfs")] {
            assert_eq!(name(magic, 0x811, 8, kind, "/dev/sdb1"), "uuid:6E1A-90C4");
        }
        assert_eq!(name(0x5846_5342, 0x911, 9, "xfs", "/dev/md0"), "xfs:/dev/md0", "udev does not know it");
        assert_eq!(name(0x7371_7368, 0x711, 7, "squashfs", "/dev/loop17"), "squashfs:/srv/a.squashfs");
    }

    #[test]
    fn the_network_and_memory_go_by_what_was_mounted() {
        assert_eq!(name(0x6969, 0, 0, "nfs4", "nas:/photos"), "nfs:nas:/photos");
        assert_eq!(name(0x6573_5546, 0, 0, "fuse.sshfs", "anna@nas:"), "fuse.sshfs:anna@nas:");
        assert_eq!(name(0x0102_1994, 0, 0, "tmpfs", "usb"), "tmpfs:usb");
    }
}
