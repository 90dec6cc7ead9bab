//! What a survey found, as the planner needs it.

use std::collections::BTreeMap;

use mama_ports::filesystem::FsErrorKind;
use mama_ports::repository::Source;
use mama_ports::vocab::{BlobHash, FileId, Place, RelPath};

use crate::layout::Folding;

/// The facts about everything that the wishes of one page mention.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Actual {
    /// The contents, by hash.
    pub blobs: BTreeMap<BlobHash, BlobFact>,
    /// Inodes that were these contents once and lie in quarantine: a view of one is ours to replace.
    pub quarantined: BTreeMap<FileId, BlobHash>,
    /// The view paths that are wanted or were made. A planner that needs to know more says so: [`Plan::unknown`](super::Plan).
    pub views: BTreeMap<RelPath, ViewFact>,
    /// Which names the archive takes for one.
    pub folding: Folding,
    /// How a view, or what stands in the way to one, is spelled in the archive, where it is there only because the archive takes two names for one.
    pub spellings: BTreeMap<RelPath, RelPath>,
    /// Which places have which view of which content, as the catalog knows it. A planner that needs to know says so: [`Plan::unasked`](super::Plan).
    pub holders: BTreeMap<(BlobHash, RelPath), Vec<Place>>,
    /// Where a content that is not stored could be read.
    pub sources: BTreeMap<BlobHash, SourceFact>,
}

/// What lies under a content's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlobFact {
    /// Nothing.
    Absent,
    /// A file of the right size.
    Present(FileId),
    /// Something that cannot be this content.
    Damaged(FileId),
}

/// What lies at a view path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ViewFact {
    /// Nothing.
    Absent,
    /// This file.
    File(FileId),
    /// This file, which is no link but holds the content that is expected here: made where an inode could take no more names.
    Copy(FileId, BlobHash),
    /// This link to a content that none of the wishes mentions.
    Ours(FileId),
    /// A folder.
    Folder,
    /// Nothing, because a link to a content stands where this folder would have to be.
    Below(RelPath),
    /// Nothing that mama made, or the way there leads through such a thing: it stands at this path.
    Foreign(RelPath),
    /// The name cannot be used, for this reason.
    Unusable(FsErrorKind),
}

/// Whether a content can be had from its sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceFact {
    /// From each of these, at least one; the files have the size and mtime that they had when they were hashed.
    Ready(Vec<Source>),
    /// From nowhere, for this reason.
    None(NoSource),
}

/// Why no source of a content can be read. In order of what is said if several apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoSource {
    /// It was only ever seen on other hosts.
    Elsewhere,
    /// Nothing has that name any more.
    Missing,
    /// The file is not the one that was scanned.
    Changed,
}
