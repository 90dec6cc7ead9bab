//! What is in a file.

use std::io::{self, Read};

use crate::filesystem::ReadHandle;
use crate::vocab::{Digest, ExtractorId, FileName, MetaDoc, Mime};

/// Hashes contents.
pub trait ContentHasher: Send + Sync {
    /// Reads `content` to its end, once, and gives the BLAKE3 hash and length of exactly the bytes that it read.
    ///
    /// The error is the reader's. Bounded memory, whatever the size.
    fn digest(&self, content: &mut dyn Read) -> io::Result<Digest>;
}

/// Tells media types from contents.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait MimeDetector: Send + Sync {
    /// How many of a content's first bytes it wants to see.
    fn wants(&self) -> usize;

    /// The type of the content that starts with `head`, which is the whole content if that is no longer than [`MimeDetector::wants`].
    ///
    /// `None` only if the detector is broken: unknown content is `application/octet-stream`. Equal heads give equal answers.
    fn detect(&self, head: &[u8]) -> Option<Mime>;
}

/// Reads metadata out of contents.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait MetadataExtractor: Send + Sync {
    /// Who answers: another one for another program, another version of it, or another way to ask. Always the same from one extractor.
    fn identity(&self) -> ExtractorId;

    /// What the content says about itself; `None` if it is of no kind that the extractor knows.
    ///
    /// `content` is at its start; where it is afterwards is not specified. Blocks, for a bounded time; uses bounded memory.
    /// A failure concerns this content only: the next call starts afresh.
    fn extract(&self, content: &mut dyn ReadHandle, hint: &Hint) -> Result<Option<MetaDoc>, ExtractError>;
}

/// What is known about a content before it is looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The name it has, for its ending only.
    pub name: FileName,
    /// The type that its first bytes have.
    pub mime: Option<Mime>,
}

/// Why there is no metadata of a content.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The extractor is not installed or does not start, or this machine has no room for its work; no fault of the content.
    #[error("the metadata extractor is not available")]
    Unavailable(#[source] io::Error),
    /// It took too long and was stopped.
    #[error("metadata took longer than {seconds} s to read; the extractor was stopped")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// It said too much and was stopped.
    #[error("metadata is larger than {limit} bytes; the extractor was stopped")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// It ended, or what it said makes no sense.
    #[error("the metadata extractor failed on this file")]
    Failed(#[source] io::Error),
}
