//! A tree of files as it is, read through descriptors, so that no path is too long.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat};

/// What lies at one path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) kind: &'static str,
    pub(crate) inode: u64,
    pub(crate) links: u64,
    pub(crate) size: i64,
    /// Permissions and owner.
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
    pub(crate) mtime: (i64, u64),
    pub(crate) ctime: (i64, u64),
    /// Of a regular file, unless it was not asked for.
    pub(crate) hash: Option<blake3::Hash>,
    pub(crate) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// A tree at one moment: path below its root → what lies there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Photograph(pub(crate) BTreeMap<PathBuf, Facts>);

/// How close to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lens {
    /// Everything.
    Contents,
    /// Everything but contents; where nobody else may, the kernel keeps the ctimes honest.
    FactsOnly,
}

impl Photograph {
    pub(crate) fn of(root: &Path, lens: Lens) -> Self {
        let mut photograph = Self::default();
        let folder = rustix::fs::openat(CWD, root, FOLDER, Mode::empty());
        let folder = folder.unwrap_or_else(|errno| panic!("{}: {errno}", root.display()));
        photograph.take(folder, Path::new(""), lens);
        photograph
    }

    fn take(&mut self, folder: OwnedFd, at: &Path, lens: Lens) {
        let names: Vec<Vec<u8>> = Dir::read_from(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_bytes().to_vec())
            .filter(|name| name != b"." && name != b"..")
            .collect();
        for name in names {
            let stat = rustix::fs::statat(&folder, &*name, AtFlags::SYMLINK_NOFOLLOW).unwrap();
            let path = at.join(OsStr::from_bytes(&name));
            let kind = FileType::from_raw_mode(stat.st_mode);
            let open = |flags| rustix::fs::openat(&folder, &*name, flags, Mode::empty()).unwrap();
            let mut facts = facts_of(&stat, kind);
            let below = match kind {
                FileType::Directory => Some(open(FOLDER)),
                FileType::RegularFile => {
                    let file = File::from(open(FILE));
                    facts.attributes = attributes(&file);
                    facts.hash = (lens == Lens::Contents).then(|| hash_of(file));
                    None
                }
                _ => None,
            };
            self.0.insert(path.clone(), facts);
            if let Some(below) = below {
                self.take(below, &path, lens);
            }
        }
    }

    /// The regular files, with their hashes.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&Path, blake3::Hash)> {
        self.0.iter().filter_map(|(path, facts)| Some((path.as_path(), facts.hash?)))
    }

    /// In words, what differs.
    pub(crate) fn differences(&self, later: &Self) -> Vec<String> {
        self.differences_but(later, |_, _| false)
    }

    /// The same without what may be: facts before and after.
    pub(crate) fn differences_but(
        &self,
        later: &Self,
        may_be: impl Fn(&Facts, &Facts) -> bool,
    ) -> Vec<String> {
        let paths = self.0.keys().chain(later.0.keys().filter(|path| !self.0.contains_key(*path)));
        let difference = |path: &PathBuf| match (self.0.get(path), later.0.get(path)) {
            (Some(before), Some(after)) if before == after || may_be(before, after) => None,
            (before, after) => Some(format!("{path:?}: {before:?} became {after:?}")),
        };
        paths.filter_map(difference).collect()
    }
}

/// What may become of a file that is handed over: it shares its inode with the archive, or did, and so is read-only.
pub(crate) fn handed_over(before: &Facts, after: &Facts) -> bool {
    let Facts { links, ctime, mode, .. } = *after;
    let is_sealed = mode & 0o7777 == 0o444;
    *after == Facts { links, ctime, mode, ..before.clone() } && (is_sealed || mode == before.mode)
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

fn facts_of(stat: &Stat, kind: FileType) -> Facts {
    let is_folder = kind == FileType::Directory;
    Facts {
        kind: match kind {
            FileType::Directory => "folder",
            FileType::RegularFile => "file",
            FileType::Symlink => "link",
            _ => "special",
        },
        inode: stat.st_ino,
        links: stat.st_nlink,
        // of a folder, file systems make of it what they like
        size: if is_folder { 0 } else { stat.st_size },
        mode: stat.st_mode,
        owner: (stat.st_uid, stat.st_gid),
        mtime: (stat.st_mtime, stat.st_mtime_nsec),
        ctime: (stat.st_ctime, stat.st_ctime_nsec),
        hash: None,
        attributes: BTreeMap::new(),
    }
}

fn hash_of(file: File) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).unwrap();
    hasher.finalize()
}

fn attributes(file: impl AsFd + Copy) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut names = [0; 4096];
    let length = rustix::fs::flistxattr(file, &mut names).unwrap_or(0);
    let value = |name: &[u8]| {
        let mut value = [0; 4096];
        let length = rustix::fs::fgetxattr(file, name, &mut value).unwrap_or(0);
        value[..length].to_vec()
    };
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    names.map(|name| (name.to_vec(), value(name))).collect()
}
