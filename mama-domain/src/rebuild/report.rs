//! What a rebuild came to.

/// The counters of a rebuild.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RebuildReport {
    /// Manifests that were read.
    pub manifests: u64,
    /// Those that are not what was written.
    pub damaged_manifests: u64,
    /// Places where manifests are missing.
    pub missing_manifests: u64,
    /// Contents in the catalog now.
    pub blobs: u64,
    /// Observations in it.
    pub observations: u64,
    /// Contents that lay in the archive without a manifest saying so, and were verified.
    pub adopted: u64,
    /// Contents that should be in the archive and are not.
    pub missing: u64,
    /// Files in the archive that are not what their name says.
    pub damaged: u64,
    /// How long it took.
    pub seconds: f64,
}

impl RebuildReport {
    /// Whether not everything came back.
    pub const fn has_failures(&self) -> bool {
        self.has_damaged_manifests() || self.missing + self.damaged > 0
    }

    pub(super) const fn has_damaged_manifests(&self) -> bool {
        self.damaged_manifests + self.missing_manifests > 0
    }
}
