//! Sightings, as the catalog keeps them.

use std::fmt;
use std::str::FromStr;

use super::{AbsPath, BlobHash, BlockReason, FileName, Fingerprint, RelPath, escaped};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant),+ }

        impl $name {
            /// Every value there is, in the order of their meaning.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the catalog and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word).ok_or_else(|| UnknownWord {
                    word: word.to_owned(),
                    known: &[$($word),+],
                })
            }
        }
    };
}

words! {
    /// How files came to be below a root; it decides whether their bytes may be shared with the archive.
    SourceKind {
        /// A Syncthing folder: other devices write it.
        Syncthing = "syncthing",
        /// A folder whose files are handed over to the archive.
        Incoming = "incoming",
        /// A folder that its owner goes on using.
        Existing = "existing",
        /// An old collection that is handed over to the archive.
        Import = "import",
    }
}

words! {
    /// The *target*: what the archive should do about an observation.
    Status {
        /// Nobody has decided.
        Pending = "pending",
        /// The archive should show it.
        Assigned = "assigned",
        /// The archive should not show it.
        Ignored = "ignored",
    }
}

words! {
    /// The *fact*: what the archive has done about an observation.
    Placement {
        /// Nothing.
        None = "none",
        /// Its content is in the archive, without a view.
        Stored = "stored",
        /// Its content is in the archive and shown at the observation's view path.
        Placed = "placed",
        /// A foreign file stands where its view belongs.
        Conflict = "conflict",
        /// It could not be stored; the next apply tries again.
        Failed = "failed",
        /// Its bytes are gone from the source and were never stored.
        Lost = "lost",
    }
}

/// A word that names none of the known values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {}", known.join(", "))]
pub struct UnknownWord {
    word: String,
    known: &'static [&'static str],
}

/// Identifies an observation; later sightings have greater ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObservationId(pub i64);

/// Identifies one run of scan over one root.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(pub i64);

/// The name of a machine, not empty, without control characters and slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostName(String);

impl HostName {
    /// The machine with this name; `None` if it cannot be one.
    pub fn parse(name: &str) -> Option<Self> {
        let fits = (1..=64).contains(&name.len()) && !name.chars().any(|c| c.is_control() || c == '/');
        fits.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Identifies an archive: 16 random bytes in lower-case hex, in the archive and in its catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveId(String);

impl ArchiveId {
    /// The id with these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(data_encoding::HEXLOWER.encode(&bytes))
    }

    /// Reads an id; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
        Some(Self::from_bytes(bytes.try_into().ok()?))
    }

    /// 32 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArchiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A folder that is scanned as a whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanRoot {
    /// The machine it is on.
    pub host: HostName,
    /// Where it is there: the `basedir` of its observations.
    pub basedir: AbsPath,
    /// How its files came to be there.
    pub kind: SourceKind,
}

/// Where exactly something was seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    /// The scanned folder.
    pub root: ScanRoot,
    /// The folder below it: the `relpath` of the observation.
    pub dir: RelPath,
    /// The name there: the `filename` of the observation.
    pub name: FileName,
}

impl Location {
    /// The path below the root.
    pub fn path(&self) -> RelPath {
        self.dir.join(&self.name)
    }

    /// The whole path on its host.
    pub fn full_path(&self) -> AbsPath {
        self.root.basedir.join(&self.path())
    }

    /// The place in the archive's views that it competes for.
    pub fn place(&self) -> Place {
        Place { kind: self.root.kind, path: self.full_path() }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.root.host, escaped(self.full_path().as_bytes()))
    }
}

/// A place in the archive's views: one kind, one whole path, whatever the host and whichever root it was scanned through.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The kind of the roots it is seen through.
    pub kind: SourceKind,
    /// The whole path of the file on its host or hosts.
    pub path: AbsPath,
}

/// Target and fact of one observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Standing {
    /// What should be.
    pub status: Status,
    /// What is.
    pub placement: Placement,
}

/// What a decision about an observation rests on: a settlement holds only while this is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Footing {
    /// Target and fact.
    pub standing: Standing,
    /// Whether it is the newest sighting at its location.
    pub current: bool,
    /// Whether its file is proven to be gone.
    pub gone: bool,
    /// Why its content may not be shown.
    pub block: Option<BlockReason>,
}

/// One observation that competes for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Which observation.
    pub id: ObservationId,
    /// Where it was seen.
    pub at: Location,
    /// What was seen.
    pub hash: BlobHash,
    /// The file's fingerprint when its content was hashed.
    pub fingerprint: Fingerprint,
    /// Whether it is the newest sighting at its location; an older one is history.
    pub current: bool,
    /// Whether a later scan proved that the file is not there any more.
    pub gone: bool,
    /// Target and fact.
    pub standing: Standing,
    /// Whether it waits for an apply to look at it.
    pub open: bool,
    /// The view that was made for it: certainly there when `standing.placement` is placed, perhaps otherwise: an apply that was to take it away, or to make it anew, was interrupted or could not.
    pub view: Option<RelPath>,
    /// Whether a verified copy of its content is in the archive.
    pub stored: bool,
    /// Why its content may not be shown.
    pub block: Option<BlockReason>,
    /// Of a pending one: whether its content is ignored somewhere and assigned nowhere. Whoever has decided about the content said no.
    pub turned_down: bool,
}

impl Claim {
    /// What a decision about it rests on.
    pub const fn footing(&self) -> Footing {
        Footing { standing: self.standing, current: self.current, gone: self.gone, block: self.block }
    }
}

/// Every sighting that competes for one place, in id order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contest {
    /// What they compete for.
    pub place: Place,
    /// Those who compete.
    pub claims: Vec<Claim>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_its_value_are_one() {
        assert!(Placement::ALL.iter().all(|p| p.as_str().parse() == Ok(*p)));
        let error = "exsting".parse::<SourceKind>().unwrap_err();
        assert_eq!(error.to_string(), "`exsting` is none of syncthing, incoming, existing, import");
    }

    #[test]
    fn a_host_name_fits_into_a_file_name() {
        assert!(HostName::parse("anna-laptop").is_some());
        for bad in ["", "a/b", "a\nb", &"x".repeat(65)] {
            assert_eq!(HostName::parse(bad), None, "{bad:?}");
        }
    }
}
