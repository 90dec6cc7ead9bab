//! How a content gets into the archive and survives a power cut: the protocol of safety.md §3, over a [`WriteTree`].
//!
//! Content store and view tree are one thing here, because they share inodes. What may be swapped is the tree.

mod folding;
mod lock;
mod manifests;
mod open;
mod perform;
mod publish;
mod sources;
mod stage;
mod survey;
mod sweep;
mod views;
mod ways;

use std::fmt;
use std::sync::Arc;

use mama_ports::content::ContentHasher;
use mama_ports::filesystem::{Fs, FsError, FsErrorKind, WriteTree};
use mama_ports::vocab::{AbsPath, ArchiveId};

pub use lock::LockError;
pub(crate) use lock::Locked;
pub use manifests::{ManifestError, ManifestFault};
pub use open::{ArchiveError, Identity, Remains, create, is_archive, open, remains};
pub(crate) use open::{holding, is_one};
pub use perform::{Entered, Staging, Verdict, ViewsDone};
pub use sources::SourceTrees;
pub use ways::{Transfers, Ways};

/// An opened archive.
#[derive(Clone)]
pub struct Archive {
    root: AbsPath,
    id: ArchiveId,
    tree: Arc<dyn WriteTree>,
    hasher: Arc<dyn ContentHasher>,
}

impl Archive {
    /// Where it is.
    pub const fn root(&self) -> &AbsPath {
        &self.root
    }

    /// Which archive it is.
    pub const fn id(&self) -> &ArchiveId {
        &self.id
    }

    /// Whether it has any content: one that the catalog knows of and that has none is hardly all there.
    pub fn holds_contents(&self) -> Fs<bool> {
        open::holds_contents(&*self.tree)
    }

    /// Its tree, to read.
    pub fn tree(&self) -> &dyn WriteTree {
        &*self.tree
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("root", &self.root).field("id", &self.id).finish_non_exhaustive()
    }
}

/// How bytes come into the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transfer {
    /// Sharing blocks, not the inode: instant, and independent ever after.
    Clone,
    /// Sharing the inode: an edit in place of the source afterwards changes the archive.
    Link,
    /// Byte by byte.
    Copy,
}

impl Transfer {
    /// Every way there is.
    pub const ALL: [Self; 3] = [Self::Clone, Self::Link, Self::Copy];

    /// The word in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clone => "reflink",
            Self::Link => "hardlink",
            Self::Copy => "copy",
        }
    }
}

/// A failure of the archive itself, which stops the run: its disk is full, gone or read-only, or a sync failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {doing}")]
pub struct Stopped {
    /// The attempt, as a verb phrase.
    pub doing: &'static str,
    /// The cause.
    pub source: FsError,
}

impl Stopped {
    /// Whether the disk takes no more, so that only what needs room has to wait. Not if it says so only when it is to make something durable: then nobody knows what is lost.
    pub fn is_for_want_of_room(&self) -> bool {
        self.source.kind == FsErrorKind::NoSpace && !self.source.op.starts_with("sync")
    }
}

fn stopped(doing: &'static str) -> impl FnOnce(FsError) -> Stopped {
    move |source| Stopped { doing, source }
}
