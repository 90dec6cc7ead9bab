//! What apply does. An action leaves nothing to choose, and carries what must still be true when it is done.

use mama_ports::repository::Source;
use mama_ports::vocab::{BlobHash, FileId, RelPath};

/// One step towards the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Brings a content into the archive.
    Store(StoreBlob),
    /// Makes a view.
    Link(LinkView),
    /// Takes a view away.
    Remove(RemoveView),
}

/// Brings a content into the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreBlob {
    /// Which content.
    pub hash: BlobHash,
    /// Bytes.
    pub size: u64,
    /// What lies under its name already: verify it, and put it aside if it is not this content.
    pub existing: Option<FileId>,
    /// Where to read it, tried in this order; refused unless the file has the size and mtime of the fingerprint, and the bytes of `hash`.
    pub sources: Vec<Source>,
}

/// Makes a view: a hard link to a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkView {
    /// To which content.
    pub hash: BlobHash,
    /// Where.
    pub view: RelPath,
    /// The link to another content that it replaces; refused if anything else is there.
    pub replacing: Option<FileId>,
}

/// Takes a view away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoveView {
    /// Where.
    pub view: RelPath,
    /// The link to a content that it must still be.
    pub expected: FileId,
}
