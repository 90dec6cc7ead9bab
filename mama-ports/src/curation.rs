//! What people decide about sightings and contents, and the journal that remembers it.
//!
//! Every decision is made under an *act*, one command of a person, and is in the journal from the same transaction on. The
//! journal is only ever added to: an undo is an act of its own.

use async_trait::async_trait;
use data_encoding::HEXLOWER;

use crate::repository::{PageSize, Repo, Settled};
use crate::vocab::{
    AbsPath, BlobHash, BlockReason, HostName, Location, MetaDoc, Mime, ObservationId, RelPath, ScanRoot,
    SourceKind, Status, Timestamp,
};

/// What decisions need.
#[async_trait]
pub trait Curation: Send + Sync {
    /// The observations that match, in id order; `after`: only later ones. Fewer than `limit`: there are no more.
    ///
    /// History goes with what is current: an older version also matches where the current sighting at its location does.
    /// From the first page to the last, reads every observation once.
    async fn find(&self, filter: &Filter, after: Option<ObservationId>, limit: PageSize) -> Repo<Vec<Found>>;

    /// Where each content is seen now, on any host, in the order asked: current sightings that are not known to be gone, in id
    /// order, at most `each` for one hash. One round trip.
    async fn copies(&self, hashes: &[BlobHash], each: PageSize) -> Repo<Vec<Vec<Location>>>;

    /// Contents whose hashes begin so, in their order, at most `limit`.
    async fn contents(&self, prefix: &HashPrefix, limit: PageSize) -> Repo<Vec<BlobHash>>;

    /// The current files directly in each of these folders, in the order asked and in name order, with those of `tags` that each has.
    ///
    /// Also what is gone at its source, which says so: its view stays, so decisions concern it; but it lies beside nothing any more.
    /// One round trip for any number of folders. A folder nobody has seen gives an empty answer.
    async fn neighbours(&self, folders: &[(ScanRoot, RelPath)], tags: &[&str]) -> Repo<Vec<Vec<Neighbour>>>;

    /// Makes decisions under an act, atomically, each only if its `from` still holds; answers in their order.
    ///
    /// What a decision concerns is open afterwards, and so is what is pending of the same content. Each that was made is an item of the act, in the same transaction.
    async fn decide(&self, act: ActId, batch: &[Decision]) -> Repo<Vec<Settled>>;
}

/// What was done, by whom: decisions, and runs that changed something. Nothing in it is ever changed or removed.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Adds an act. A decision's items follow with [`Curation::decide`]; a run has a summary and no items.
    async fn append(&self, act: &NewAct) -> Repo<ActId>;

    /// The newest acts, newest first; `before`: only older ones.
    async fn acts(&self, before: Option<ActId>, limit: PageSize) -> Repo<Vec<Act>>;

    /// What an act decided, in order; `after`: only later items.
    async fn items(&self, act: ActId, after: Option<ItemId>, limit: PageSize) -> Repo<Vec<Item>>;
}

/// Which observations: those that meet every condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Any of these; empty: all there are.
    pub targets: Vec<Target>,
    /// Seen through a root of this kind.
    pub kind: Option<SourceKind>,
    /// Seen on this host.
    pub host: Option<HostName>,
    /// Of a content with such a type; one without a type meets no such condition.
    pub mime: Option<MimePattern>,
    /// More bytes than this.
    pub larger: Option<u64>,
    /// Fewer bytes than this.
    pub smaller: Option<u64>,
    /// Last changed by its owner then or later.
    pub since: Option<Timestamp>,
    /// Last changed by its owner before then.
    pub until: Option<Timestamp>,
    /// With this target.
    pub status: Option<Status>,
}

/// One thing that a person points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every sighting of this content.
    Content(BlobHash),
    /// What was seen at this path or below it, on this host, through whichever root.
    Path {
        /// The host.
        host: HostName,
        /// A file or a folder there.
        path: AbsPath,
    },
    /// What is shown at this path of the archive or below it.
    View(RelPath),
}

/// Some media types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MimePattern {
    /// This one.
    Exact(Mime),
    /// All that begin so: `image/`.
    Family(String),
}

impl MimePattern {
    /// Reads `image/jpeg` or `image/*`; `None` if the text is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (family, kind) = text.split_once('/')?;
        let is_word = |word: &str| !word.is_empty() && !word.contains(['*', '/']);
        match (is_word(family), kind) {
            (true, "*") => Some(Self::Family(format!("{family}/"))),
            (true, kind) if is_word(kind) => Some(Self::Exact(Mime::new(text))),
            _ => None,
        }
    }
}

/// The beginning of a hash: all hashes between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashPrefix {
    /// The first hash that begins so.
    pub first: BlobHash,
    /// The last one.
    pub last: BlobHash,
}

impl HashPrefix {
    /// Reads 1 to 64 lower-case hex digits; `None` if the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let end = |digit: &str| {
            let rest = 64_usize.checked_sub(text.len()).filter(|rest| *rest < 64)?;
            let bytes = HEXLOWER.decode(format!("{text}{}", digit.repeat(rest)).as_bytes()).ok()?;
            bytes.try_into().ok().map(BlobHash::from_bytes)
        };
        Some(Self { first: end("0")?, last: end("f")? })
    }
}

/// An observation that a filter found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Which observation.
    pub id: ObservationId,
    /// Where it was seen.
    pub at: Location,
    /// What was seen.
    pub hash: BlobHash,
    /// Bytes.
    pub size: u64,
    /// Its target.
    pub status: Status,
    /// Why its content may not be shown.
    pub block: Option<BlockReason>,
}

/// A file among those of its folder, which may be gone from there.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    /// Its current observation.
    pub found: Found,
    /// Whether it was not there any more when somebody looked last.
    pub gone: bool,
    /// Its type, if a detector said one.
    pub mime: Option<Mime>,
    /// Those of its tags that were asked for.
    pub tags: MetaDoc,
}

/// A decision about an observation or a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Changes the target of one observation.
    Retarget {
        /// Which.
        id: ObservationId,
        /// What must still hold.
        from: Status,
        /// What holds afterwards.
        to: Status,
    },
    /// Blocks a content, or unblocks it. Every observation of it is concerned. A content nobody has seen is [`Settled::Stale`].
    Block {
        /// Which.
        hash: BlobHash,
        /// What must still hold.
        from: Option<BlockReason>,
        /// What holds afterwards.
        to: Option<BlockReason>,
    },
}

/// Identifies an act; later ones have greater ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActId(pub i64);

/// Identifies an item of an act; later ones have greater ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub i64);

/// One command, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAct {
    /// When.
    pub at: Timestamp,
    /// On which machine.
    pub host: HostName,
    /// Its name: `ignore`, `undo`, `scan`.
    pub verb: String,
    /// What was asked, in the words of the command line.
    pub words: String,
    /// The act that it takes back.
    pub undoes: Option<ActId>,
    /// The counters of a run, as a JSON object; `None` for a decision.
    pub summary: Option<String>,
}

/// An act of the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Which.
    pub id: ActId,
    /// What was asked.
    pub asked: NewAct,
    /// How many decisions were made.
    pub items: u64,
}

/// One decision that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Which.
    pub id: ItemId,
    /// What was decided.
    pub decision: Decision,
    /// Whether it still is as it was decided.
    pub holds: bool,
    /// The observation concerned; of a content, its first.
    pub at: Location,
    /// The content concerned.
    pub hash: BlobHash,
    /// Its bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_all_hashes_between_two() {
        let prefix = HashPrefix::parse("ab1").unwrap();
        assert_eq!(prefix.first.to_string(), format!("ab1{}", "0".repeat(61)));
        assert_eq!(prefix.last.to_string(), format!("ab1{}", "f".repeat(61)));
        let whole = HashPrefix::parse(&"a7".repeat(32)).unwrap();
        assert_eq!(whole.first, whole.last);
        for bad in ["", "AB", "xy", &"a".repeat(65)] {
            assert_eq!(HashPrefix::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_type_is_one_or_a_family() {
        assert_eq!(MimePattern::parse("image/*"), Some(MimePattern::Family("image/".to_owned())));
        assert_eq!(MimePattern::parse("a/b+c"), Some(MimePattern::Exact(Mime::new("a/b+c"))));
        for bad in ["image", "*/*", "image/j*", "/jpeg", "image/", "a/b/c"] {
            assert_eq!(MimePattern::parse(bad), None, "{bad:?}");
        }
    }
}
