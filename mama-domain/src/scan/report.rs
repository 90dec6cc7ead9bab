//! What a scan came to.

/// The counters of a scan. Every regular file that the walk found is in exactly one of `new_observations`, `unchanged`, `changed` and `errors`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ScanReport {
    /// Regular files that belong to the scan.
    pub files: u64,
    /// Sightings that were added: new files, and new versions of known ones.
    pub new_observations: u64,
    /// Files that are as they were.
    pub unchanged: u64,
    /// Contents seen for the first time.
    pub new_blobs: u64,
    /// Added sightings of a content that was known already.
    pub duplicates: u64,
    /// Added sightings whose content has metadata: when it was recorded, or by the end of a run that looks for it.
    pub with_metadata: u64,
    /// Sightings whose file is proven to be gone.
    pub gone: u64,
    /// Files that changed or vanished while they were read; the next scan tries again.
    pub changed: u64,
    /// Symbolic links and special files.
    pub skipped: u64,
    /// Files and folders that could not be read.
    pub errors: u64,
    /// Entries that are ignored by a pattern, or for being in an archive; a folder counts as one.
    pub ignored: u64,
    /// Disks that are not there, or not the ones that the catalog knows; what it knows on them stays as it was.
    pub disks_held: u64,
    /// JSON files of a Google Takeout whose pictures are not beside them.
    pub stray_sidecars: u64,
    /// Bytes read and hashed.
    pub bytes_hashed: u64,
    /// How long it took.
    pub seconds: f64,
}

impl ScanReport {
    /// Whether the catalog knows of other files than before.
    pub const fn has_changed_something(&self) -> bool {
        self.new_observations + self.gone > 0
    }

    /// Whether some files could not be processed.
    pub const fn has_failures(&self) -> bool {
        self.changed + self.errors > 0
    }
}

impl std::ops::AddAssign for ScanReport {
    fn add_assign(&mut self, other: Self) {
        let Self {
            files,
            new_observations,
            unchanged,
            new_blobs,
            duplicates,
            with_metadata,
            gone,
            changed,
            skipped,
            errors,
            ignored,
            disks_held,
            stray_sidecars,
            bytes_hashed,
            seconds,
        } = other;
        self.files += files;
        self.new_observations += new_observations;
        self.unchanged += unchanged;
        self.new_blobs += new_blobs;
        self.duplicates += duplicates;
        self.with_metadata += with_metadata;
        self.gone += gone;
        self.changed += changed;
        self.skipped += skipped;
        self.errors += errors;
        self.ignored += ignored;
        self.disks_held += disks_held;
        self.stray_sidecars += stray_sidecars;
        self.bytes_hashed += bytes_hashed;
        self.seconds += seconds;
    }
}
