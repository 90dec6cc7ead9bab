//! What is in contents, beyond their bytes: what nobody has found out yet, and what was.

use async_trait::async_trait;

use crate::repository::{PageSize, Repo};
use crate::vocab::{
    AbsPath, BlobHash, ExtractorId, FileName, Fingerprint, HostName, Location, MetaDoc, Mime, ObservationId,
    ScanId, Timestamp,
};

/// What enrichment asks and tells the catalog.
#[async_trait]
pub trait Enrichment: Send + Sync {
    /// Contents that lack what is wanted and can be read from where it is wanted, in the order in which they became known,
    /// those of one batch in any order; `after`: only later ones.
    ///
    /// Reads what lacks something, whether or not it can be read; with `again_before` of [`WantedMetadata::By`], every content. What lacks
    /// nothing costs nothing without.
    async fn lacking(
        &self,
        wanted: &Wanted,
        after: Option<ContentCursor>,
        limit: PageSize,
    ) -> Repo<Vec<Lacking>>;

    /// How many contents [`Enrichment::lacking`] has to give from the start, at the same cost.
    async fn count_lacking(&self, wanted: &Wanted) -> Repo<u64>;

    /// Remembers what was found in contents, each of them once in a batch, atomically. Repeating a batch changes nothing.
    ///
    /// A type is taken by a content that has none. A look replaces the one before, and a document that was found the one before;
    /// one that was not found replaces nothing, not even what was preliminary: with a look that gave up, the document is what was
    /// known before it. A content that the catalog does not know is left out.
    async fn enrich(&self, batch: &[Enriched]) -> Repo<()>;

    /// How many observations of the root of `scan` that are newer than `after` are of a content with metadata.
    ///
    /// Reads the observations that are newer, of any root.
    async fn count_with_metadata(&self, scan: ScanId, after: Option<ObservationId>) -> Repo<u64>;
}

/// What is looked for, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The machine whose files can be read: files that are present, as far as the catalog knows.
    pub host: HostName,
    /// Whether what is stored can be read, too.
    pub has_archive: bool,
    /// Only contents that were seen at or below one of these paths on that machine, be the files gone or not; empty: all.
    pub below: Vec<AbsPath>,
    /// Metadata, if it is wanted.
    pub metadata: Option<WantedMetadata>,
    /// Whether media types are wanted.
    pub mime: bool,
}

/// Whose metadata is wanted. A content lacks it that nobody has looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WantedMetadata {
    /// Anybody's: no other content lacks it.
    Unlooked,
    /// Whoever's: a content lacks it also on which any extractor gave up.
    Any,
    /// An extractor's: a content lacks it also on which another one gave up.
    By {
        /// The extractor that is there.
        extractor: ExtractorId,
        /// Set: a content lacks it also that another extractor has looked into, or on which any gave up before this moment.
        again_before: Option<Timestamp>,
    },
}

/// Where a page of contents ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContentCursor(pub i64);

/// A content that lacks something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// Contents after this one come later.
    pub cursor: ContentCursor,
    /// Which.
    pub hash: BlobHash,
    /// Bytes.
    pub size: u64,
    /// What a detector said.
    pub mime: Option<Mime>,
    /// Whether it lacks metadata that is wanted; if not, it lacks its type.
    pub lacks_metadata: bool,
    /// Whether a verified copy is in the archive.
    pub stored: bool,
    /// The name that it had where it was seen last, on any machine.
    pub name: Option<FileName>,
    /// Where it is present on the machine that asks, the oldest sighting first, at most [`MOST_FILES`].
    pub files: Vec<SeenFile>,
}

/// Files that are told of one content.
pub const MOST_FILES: u32 = 4;

/// A file that had a certain content when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenFile {
    /// Where it is.
    pub at: Location,
    /// Its fingerprint then.
    pub fingerprint: Fingerprint,
    /// As [`crate::repository::Known::racy`].
    pub racy: bool,
}

/// What was found in a content.
#[derive(Debug, Clone, PartialEq)]
pub struct Enriched {
    /// Which.
    pub hash: BlobHash,
    /// Its type, if a detector looked.
    pub mime: Option<Mime>,
    /// What an extractor gave, if one looked.
    pub looked: Option<Looked>,
}

/// What an extractor gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Looked {
    /// Which extractor.
    pub by: ExtractorId,
    /// When.
    pub at: Timestamp,
    /// What the content says about itself, empty if nothing; or in words why the extractor gave up.
    pub found: Result<MetaDoc, String>,
}
