//! Sums over the whole catalog.

use crate::vocab::{Mime, Placement, ScanRoot, Status, Timestamp};

/// Sums over the whole catalog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Totals {
    /// Contents.
    pub blobs: u64,
    /// Their bytes.
    pub blob_bytes: u64,
    /// Contents with a verified copy in the archive.
    pub stored: u64,
    /// Their bytes.
    pub stored_bytes: u64,
    /// Contents that may have no view.
    pub blocked: u64,
    /// Contents with a media type.
    pub with_mime: u64,
    /// Contents with metadata.
    pub with_meta: u64,
    /// Contents that no extractor has looked into, and that are stored or have a file on some machine.
    pub unlooked: u64,
    /// Those of them with preliminary metadata.
    pub preliminary: u64,
    /// Contents on which the last extractor gave up.
    pub meta_failed: u64,
    /// Observations, history included.
    pub observations: u64,
    /// Bytes of the current ones that are not gone.
    pub present_bytes: u64,
    /// Those that wait for apply.
    pub open: u64,
    /// Observations by target, fact and whether they are current and gone.
    pub standings: Vec<StandingCount>,
    /// The scanned roots, in order, each with its present files and their bytes.
    pub roots: Vec<RootTotals>,
    /// The commonest media types, most contents first, at most 20.
    pub mimes: Vec<(Mime, u64)>,
}

/// One class of observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StandingCount {
    /// Target.
    pub status: Status,
    /// Fact.
    pub placement: Placement,
    /// Newest at its location.
    pub current: bool,
    /// Proven to be gone.
    pub gone: bool,
    /// How many.
    pub count: u64,
}

/// One scanned root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootTotals {
    /// Which.
    pub root: ScanRoot,
    /// Present files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Beginning of the last scan that reached its end.
    pub confirmed: Option<Timestamp>,
}
