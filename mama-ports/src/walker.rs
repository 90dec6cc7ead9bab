//! Every folder below a root, once.

use std::sync::Arc;

use crate::filesystem::{Entry, Fs, FsError, Listing};
use crate::vocab::{AbsPath, FileFacts, FileKind, FileName, RelPath};

/// Lists trees.
pub trait Walker: Send + Sync {
    /// Visits `root` and every folder below it that `prune` keeps, each exactly once, a folder before those in it.
    ///
    /// The error is that of the root itself. Does not follow symbolic links. Folders come in no particular order beyond
    /// that; the walk may run ahead of its reader by a bounded number of folders, and stops when the iterator is dropped.
    fn walk(&self, root: &AbsPath, prune: Arc<dyn Prune>) -> Fs<Walk>;
}

/// One item a folder.
pub type Walk = Box<dyn Iterator<Item = Visited> + Send>;

/// Says what a walk leaves out.
pub trait Prune: Send + Sync {
    /// For each of the entries of `dir`, in their order: does it belong to the walk? Asked once a folder, before any folder in it.
    fn keep(&self, dir: &RelPath, entries: &[Entry]) -> Vec<bool>;
}

/// A folder, as the walk saw it. Every entry of the folder is in exactly one of the lists.
#[derive(Debug)]
pub struct Visited {
    /// Which folder.
    pub dir: RelPath,
    /// The device that it was on when it was listed, as [`FileId::device`](crate::vocab::FileId::device); `None` if the listing failed.
    pub device: Option<u64>,
    /// Its regular files.
    pub files: Vec<(FileName, FileFacts)>,
    /// Its folders, which the walk visits too.
    pub folders: Vec<FileName>,
    /// Its symbolic links and special files.
    pub skipped: Vec<(FileName, FileKind)>,
    /// What `Prune` left out.
    pub pruned: Vec<FileName>,
    /// Entries whose facts could not be had.
    pub unreadable: Vec<(FileName, FsError)>,
    /// Whether the listing is complete; if not, the lists hold what was seen.
    pub listing: Fs<()>,
}

impl Visited {
    /// Sorts a complete listing into its lists.
    pub fn sorted(dir: RelPath, Listing { device, entries }: Listing, prune: &dyn Prune) -> Self {
        let keep = prune.keep(&dir, &entries);
        let mut visited = Self { device: Some(device), ..Self::empty(dir, Ok(())) };
        for (Entry { name, facts }, keep) in entries.into_iter().zip(keep) {
            match facts {
                _ if !keep => visited.pruned.push(name),
                Ok(facts) => match facts.kind {
                    FileKind::File => visited.files.push((name, facts)),
                    FileKind::Directory => visited.folders.push(name),
                    kind @ (FileKind::Symlink | FileKind::Special) => visited.skipped.push((name, kind)),
                },
                Err(error) => visited.unreadable.push((name, error)),
            }
        }
        visited
    }

    /// A folder with nothing in its lists, on an unknown device.
    pub const fn empty(dir: RelPath, listing: Fs<()>) -> Self {
        Self {
            dir,
            device: None,
            files: Vec::new(),
            folders: Vec::new(),
            skipped: Vec::new(),
            pruned: Vec::new(),
            unreadable: Vec::new(),
            listing,
        }
    }
}

/// Leaves nothing out.
#[derive(Debug, Clone, Copy)]
pub struct KeepAll;

impl Prune for KeepAll {
    fn keep(&self, _: &RelPath, entries: &[Entry]) -> Vec<bool> {
        vec![true; entries.len()]
    }
}
