//! Content: its identity, its type, and what the catalog knows of it.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

use super::{Look, MetaDoc};

/// The full BLAKE3 hash of a content, 32 bytes; printed as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobHash([u8; 32]);

impl BlobHash {
    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXLOWER.encode(&self.0))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BlobHash {
    type Err = InvalidHash;

    fn from_str(hex: &str) -> Result<Self, InvalidHash> {
        let bytes = HEXLOWER.decode(hex.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| InvalidHash(hex.to_owned()))
    }
}

/// A text that is not 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a BLAKE3 hash of 64 lower-case hex digits")]
pub struct InvalidHash(String);

/// What one complete read of a content gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest {
    /// The BLAKE3 hash of all bytes read.
    pub hash: BlobHash,
    /// How many bytes were read.
    pub size: u64,
}

/// A media type such as `image/jpeg`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mime(String);

impl Mime {
    /// The media type with this text, as a detector gave it, without control characters: no catalog could keep a NUL.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        text.retain(|character| !character.is_control());
        Self(text)
    }

    /// The text, such as `image/jpeg`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a content may have no view and is never stored again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlockReason {
    /// Somebody said: never this.
    Blocked,
    /// It was archived once and deleted on purpose.
    Deleted,
}

impl BlockReason {
    /// Every reason there is.
    pub const ALL: [Self; 2] = [Self::Blocked, Self::Deleted];

    /// The word in the catalog.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Deleted => "deleted",
        }
    }
}

/// One row of `blobs`: what the catalog knows about a content.
#[derive(Debug, Clone, PartialEq)]
pub struct BlobRecord {
    /// Its identity.
    pub hash: BlobHash,
    /// Bytes.
    pub size: u64,
    /// What a detector said, if one was there.
    pub mime: Option<Mime>,
    /// What an extractor said; `None`: none has said anything yet.
    pub meta: Option<MetaDoc>,
    /// Who looked into it last; `None`: nobody has.
    pub look: Option<Look>,
    /// Whether a verified copy is in the archive.
    pub stored: bool,
    /// Set: never stored, never shown.
    pub block: Option<BlockReason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_its_text() {
        let hash = BlobHash::from_bytes([0xa7; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(hash.to_string().len(), 64);
    }

    #[test]
    fn a_media_type_has_no_control_characters() {
        assert_eq!(Mime::new("image/\0jpeg\n").as_str(), "image/jpeg");
    }

    #[test]
    fn what_is_not_a_hash_is_refused() {
        for text in ["", "a7", &"A7".repeat(32), &"zz".repeat(32), &"a7".repeat(33)] {
            assert!(text.parse::<BlobHash>().is_err(), "{text}");
        }
    }
}
