//! What an enrichment came to.

/// The counters of an enrichment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct EnrichReport {
    /// Contents that the extractor was given.
    pub contents: u64,
    /// Those that say something about themselves.
    pub with_metadata: u64,
    /// Those on which the extractor gave up. They are not tried again until somebody asks for it, or the extractor is another one.
    pub metadata_failures: u64,
    /// Contents that got the media type which they lacked.
    pub types: u64,
    /// Contents that still lack something: their files are not as they were scanned, or cannot be read just now.
    pub pending: u64,
    /// Whether the extractor broke, so that the rest was left.
    pub unavailable: bool,
    /// How long it took; beside a scan, that tells.
    pub seconds: f64,
}

impl std::ops::AddAssign for EnrichReport {
    fn add_assign(&mut self, other: Self) {
        let Self { contents, with_metadata, metadata_failures, types, pending, unavailable, seconds } = other;
        self.contents += contents;
        self.with_metadata += with_metadata;
        self.metadata_failures += metadata_failures;
        self.types += types;
        self.pending += pending;
        self.unavailable |= unavailable;
        self.seconds += seconds;
    }
}
