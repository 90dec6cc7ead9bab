//! The first line of a manifest.

use mama_ports::vocab::{ArchiveId, BlobHash};
use serde::{Deserialize, Serialize};

/// What the first line says; it would change if a reader of this version could misunderstand what follows.
const FORMAT: &str = "manifest 1";

/// What a manifest says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The archive that it belongs to.
    pub archive: ArchiveId,
    /// Its number.
    pub generation: u64,
    /// The digest of the manifest before it.
    pub follows: Option<BlobHash>,
    /// Whether those before it say nothing any more.
    pub anew: bool,
    /// How many lines come after this one.
    pub rows: u64,
    /// The BLAKE3 hash of those lines.
    pub digest: BlobHash,
}

/// Why a line is no header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHeader {
    /// A later version of mama has written it.
    #[error("a newer mama has written it (`{0}`); use that one")]
    Newer(String),
    /// It makes no sense.
    #[error("its first line is damaged")]
    Damaged,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    mama: String,
    archive: String,
    generation: u64,
    follows: Option<String>,
    anew: bool,
    rows: u64,
    blake3: String,
}

/// What every version writes.
#[derive(Deserialize)]
struct Format {
    mama: String,
}

impl Header {
    /// The line, with its end.
    pub fn to_line(&self) -> String {
        let line = Line {
            mama: FORMAT.to_owned(),
            archive: self.archive.to_string(),
            generation: self.generation,
            follows: self.follows.map(|digest| digest.to_string()),
            anew: self.anew,
            rows: self.rows,
            blake3: self.digest.to_string(),
        };
        match serde_json::to_string(&line) {
            Ok(line) => line + "\n",
            Err(_) => unreachable!("texts and numbers can be written"),
        }
    }

    /// Reads what [`Header::to_line`] wrote.
    pub fn parse(line: &[u8]) -> Result<Self, BadHeader> {
        let Format { mama } = serde_json::from_slice(line).map_err(|_| BadHeader::Damaged)?;
        if mama != FORMAT {
            return Err(BadHeader::Newer(mama));
        }
        let line: Line = serde_json::from_slice(line).map_err(|_| BadHeader::Damaged)?;
        let hash = |hex: &str| hex.parse::<BlobHash>().map_err(|_| BadHeader::Damaged);
        Ok(Self {
            archive: ArchiveId::parse(&line.archive).ok_or(BadHeader::Damaged)?,
            generation: line.generation,
            follows: line.follows.as_deref().map(hash).transpose()?,
            anew: line.anew,
            rows: line.rows,
            digest: hash(&line.blake3)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_and_a_later_one_is_refused() {
        let header = Header {
            archive: ArchiveId::from_bytes([7; 16]),
            generation: 3,
            follows: Some(BlobHash::from_bytes([1; 32])),
            anew: true,
            rows: 2,
            digest: BlobHash::from_bytes([2; 32]),
        };
        let line = header.to_line();
        assert_eq!(Header::parse(line.as_bytes()), Ok(header));
        let later = line.replace("manifest 1", "manifest 2").replace("\"rows\"", "\"lines\"");
        assert_eq!(Header::parse(later.as_bytes()), Err(BadHeader::Newer("manifest 2".to_owned())));
        assert_eq!(Header::parse(&line.as_bytes()[..line.len() / 2]), Err(BadHeader::Damaged));
    }
}
