//! The kernel's table of mounts.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};
use rustix::io::Errno;

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    /// The type, such as `ext4`.
    pub(super) kind: String,
    /// The device, or what the type has instead of one: for ZFS, the dataset.
    pub(super) source: String,
}

/// The mount that `path` is on; `None` where the table does not have it.
pub(super) fn mount_of(path: &[u8]) -> Result<Option<Mount>, Errno> {
    mounted_at(rustix::fs::openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
}

/// The mount that an opened file or folder is on; `None` where the table does not have it.
pub(super) fn mounted_at(file: impl AsFd) -> Result<Option<Mount>, Errno> {
    let asked = rustix::fs::statx(file, "", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID)?;
    if !StatxFlags::from_bits_retain(asked.stx_mask).contains(StatxFlags::MNT_ID) {
        return Ok(None);
    }
    let table = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
    Ok(find(&String::from_utf8_lossy(&table), asked.stx_mnt_id))
}

/// A line is `36 35 98:0 /root /mount/point options optional… - type source super-options`.
fn find(table: &str, id: u64) -> Option<Mount> {
    let line =
        table.lines().find(|line| line.split(' ').next().is_some_and(|word| word.parse() == Ok(id)))?;
    let mut words = line.split_once(" - ")?.1.split(' ');
    Some(Mount { kind: words.next()?.to_owned(), source: unescaped(words.next().unwrap_or_default()) })
}

/// The kernel writes a space, tab, newline, backslash or `#` as `\` and three octal digits.
fn unescaped(word: &str) -> String {
    [(r"\040", " "), (r"\011", "\t"), (r"\012", "\n"), (r"\043", "#"), (r"\134", r"\")]
        .into_iter()
        .fold(word.to_owned(), |word, (escaped, plain)| word.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_type_and_source() {
        let table = "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n\
            37 35 0:5 / /a\\040- rw - fuse.zfs tank/my\\040photos rw\n";
        let mount = |id| find(table, id).map(|mount| (mount.kind, mount.source));
        assert_eq!(mount(36), Some(("ext3".to_owned(), "/dev/root".to_owned())));
        assert_eq!(mount(37), Some(("fuse.zfs".to_owned(), "tank/my photos".to_owned())));
        assert_eq!(mount(3), None);
    }
}
