//! One line of a saved plan, between JSON and the domain's values.

use data_encoding::BASE64;
use mama_domain::reconcile::{Action, Goal, LinkView, Prospect, RemoveView, StoreBlob};
use mama_ports::vocab::{
    AbsPath, BlockReason, FileId, Footing, HostName, Location, ObservationId, Placement, RelPath, ScanRoot,
    Standing,
};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// What a line can be.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Line {
    Plan(Header),
    Page(Nothing),
    Store(Store),
    Link(Link),
    Remove(Remove),
    Outcome(Box<Outcome>),
    End(End),
}

/// The first line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) format: u64,
    pub(super) archive: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    hash: String,
    size: u64,
    /// The inode that lies under the name already.
    existing: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    view: Bytes,
    hash: String,
    /// The inode that lies there now.
    replaces: Option<u64>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Remove {
    view: Bytes,
    /// The inode that lies there now.
    expected: u64,
}

/// What becomes of one observation.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Outcome {
    observation: i64,
    host: String,
    kind: String,
    basedir: Bytes,
    path: Bytes,
    hash: String,
    was: Option<Bytes>,
    from: From,
    status: String,
    goal: Aim,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    status: String,
    placement: String,
    current: bool,
    gone: bool,
    block: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Aim {
    placement: String,
    view: Option<Bytes>,
    /// Only where the placement is `stored`.
    or_lost: Option<bool>,
    /// Only where nothing is to be stored.
    again: Option<bool>,
}

/// The last line.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct End {
    /// Observations in the plan.
    pub(super) outcomes: u64,
    /// Of all that comes before this line.
    pub(super) blake3: String,
}

impl Line {
    /// Reads one line; the error says what is wrong with it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        let mut object: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| error.to_string())?;
        let kind = object.remove("type");
        fn rest<T: DeserializeOwned>(object: Map<String, Value>) -> Result<T, String> {
            serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
        }
        match kind.as_ref().and_then(Value::as_str) {
            Some("plan") => rest(object).map(Self::Plan),
            Some("page") => rest(object).map(Self::Page),
            Some("store") => rest(object).map(Self::Store),
            Some("link") => rest(object).map(Self::Link),
            Some("remove") => rest(object).map(Self::Remove),
            Some("outcome") => rest(object).map(Self::Outcome),
            Some("end") => rest(object).map(Self::End),
            Some(other) => Err(format!("a line of type `{other}`")),
            None => Err("a line without a type".to_owned()),
        }
    }
}

impl std::convert::From<&Action> for Line {
    fn from(action: &Action) -> Self {
        match action {
            Action::Store(StoreBlob { hash, size, existing, sources: _ }) => {
                Self::Store(Store { hash: hash.to_string(), size: *size, existing: existing.map(inode) })
            }
            Action::Link(LinkView { hash, view, replacing }) => Self::Link(Link {
                view: Bytes(view.as_bytes().to_vec()),
                hash: hash.to_string(),
                replaces: replacing.map(inode),
            }),
            Action::Remove(RemoveView { view, expected }) => {
                Self::Remove(Remove { view: Bytes(view.as_bytes().to_vec()), expected: inode(*expected) })
            }
        }
    }
}

impl std::convert::From<&Prospect> for Line {
    fn from(prospect: &Prospect) -> Self {
        let Prospect { id, at, hash, was, leftovers: _, from, open: _, status, goal } = prospect;
        let bytes = |path: &RelPath| Bytes(path.as_bytes().to_vec());
        let aim = match goal {
            Goal::Placed(view) => {
                Aim { placement: "placed".to_owned(), view: Some(bytes(view)), or_lost: None, again: None }
            }
            Goal::Stored { or_lost } => {
                Aim { placement: "stored".to_owned(), view: None, or_lost: Some(*or_lost), again: None }
            }
            Goal::Settled { placement, open } => {
                Aim { placement: placement.to_string(), view: None, or_lost: None, again: Some(*open) }
            }
        };
        Self::Outcome(Box::new(Outcome {
            observation: id.0,
            host: at.root.host.to_string(),
            kind: at.root.kind.to_string(),
            basedir: Bytes(at.root.basedir.as_bytes().to_vec()),
            path: bytes(&at.path()),
            hash: hash.to_string(),
            was: was.as_ref().map(bytes),
            from: From {
                status: from.standing.status.to_string(),
                placement: from.standing.placement.to_string(),
                current: from.current,
                gone: from.gone,
                block: from.block.map(|reason| reason.as_str().to_owned()),
            },
            status: status.to_string(),
            goal: aim,
        }))
    }
}

impl Store {
    pub(super) fn action(self) -> Result<Action, String> {
        let (hash, existing) = (read(&self.hash, "hash")?, self.existing.map(file));
        Ok(Action::Store(StoreBlob { hash, size: self.size, existing, sources: Vec::new() }))
    }
}

impl Link {
    pub(super) fn action(self) -> Result<Action, String> {
        let (hash, replacing) = (read(&self.hash, "hash")?, self.replaces.map(file));
        Ok(Action::Link(LinkView { hash, view: self.view.relative()?, replacing }))
    }
}

impl Remove {
    pub(super) fn action(self) -> Result<Action, String> {
        Ok(Action::Remove(RemoveView { view: self.view.relative()?, expected: file(self.expected) }))
    }
}

impl Outcome {
    pub(super) fn prospect(self) -> Result<Prospect, String> {
        let host = HostName::parse(&self.host).ok_or("a host that cannot be")?;
        let basedir = AbsPath::parse(self.basedir.0).map_err(|error| error.to_string())?;
        let root = ScanRoot { host, basedir, kind: read(&self.kind, "kind")? };
        let (dir, name) = self.path.relative()?.split().ok_or("an empty path")?;
        let Aim { placement, view, or_lost, again } = self.goal;
        let goal = match (read(&placement, "placement")?, view, or_lost, again) {
            (Placement::Placed, Some(view), None, None) => Goal::Placed(view.relative()?),
            (Placement::Stored, None, Some(or_lost), None) => Goal::Stored { or_lost },
            (placement, None, None, Some(open)) => Goal::Settled { placement, open },
            _ => return Err("a goal that cannot be".to_owned()),
        };
        let From { status, placement, current, gone, block } = self.from;
        let standing =
            Standing { status: read(&status, "status")?, placement: read(&placement, "placement")? };
        let reason = |word: String| {
            let known = BlockReason::ALL.into_iter().find(|reason| reason.as_str() == word);
            known.ok_or("a reason to block that cannot be")
        };
        let block = block.map(reason).transpose()?;
        Ok(Prospect {
            id: ObservationId(self.observation),
            at: Location { root, dir, name },
            hash: read(&self.hash, "hash")?,
            was: self.was.map(Bytes::relative).transpose()?,
            leftovers: Vec::new(),
            from: Footing { standing, current, gone, block },
            open: true,
            status: read(&self.status, "status")?,
            goal,
        })
    }
}

fn read<T: std::str::FromStr>(word: &str, what: &str) -> Result<T, String> {
    word.parse().map_err(|_| format!("`{}` as {what}", word.escape_debug()))
}

const fn inode(id: FileId) -> u64 {
    id.inode
}

/// The device is not saved: its number may differ after a reboot.
const fn file(inode: u64) -> FileId {
    FileId { device: 0, inode }
}

/// A path: as text, or as an object with `base64` where it is not UTF-8.
#[derive(Debug)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn relative(self) -> Result<RelPath, String> {
        RelPath::parse(self.0).map_err(|error| error.to_string())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    base64: String,
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => serializer.serialize_str(text),
            Err(_) => Encoded { base64: BASE64.encode(&self.0) }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text.into_bytes())),
            other => {
                let Encoded { base64 } = serde_json::from_value(other).map_err(D::Error::custom)?;
                BASE64.decode(base64.as_bytes()).map(Self).map_err(D::Error::custom)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::{BlobHash, FileName, SourceKind, Status};

    use super::*;

    fn prospect(goal: Goal) -> Prospect {
        let root = ScanRoot {
            host: HostName::parse("anna").unwrap(),
            basedir: AbsPath::parse(b"/\xff".to_vec()).unwrap(),
            kind: SourceKind::Import,
        };
        let name = FileName::parse(b"a\n\xfe".to_vec()).unwrap();
        let standing = Standing { status: Status::Pending, placement: Placement::Failed };
        Prospect {
            id: ObservationId(i64::MAX),
            at: Location { root, dir: RelPath::parse("d").unwrap(), name },
            hash: BlobHash::from_bytes([0xab; 32]),
            was: Some(RelPath::parse("views/x").unwrap()),
            leftovers: Vec::new(),
            from: Footing { standing, current: true, gone: false, block: Some(BlockReason::Deleted) },
            open: true,
            status: Status::Assigned,
            goal,
        }
    }

    #[test]
    fn what_is_written_is_what_is_read() {
        let goals = [
            Goal::Placed(RelPath::parse(b"views/\xff".to_vec()).unwrap()),
            Goal::Stored { or_lost: true },
            Goal::Settled { placement: Placement::Conflict, open: true },
            Goal::Settled { placement: Placement::Stored, open: false },
        ];
        for prospect in goals.map(prospect) {
            let text = serde_json::to_vec(&Line::from(&prospect)).unwrap();
            let Ok(Line::Outcome(outcome)) = Line::parse(&text) else { panic!("{text:?}") };
            assert_eq!(outcome.prospect().unwrap(), prospect);
        }
        let hash = BlobHash::from_bytes([1; 32]);
        let view = RelPath::parse(b"views/\xff").unwrap();
        let actions = [
            Action::Store(StoreBlob {
                hash,
                size: u64::MAX,
                existing: Some(file(u64::MAX)),
                sources: vec![],
            }),
            Action::Link(LinkView { hash, view: view.clone(), replacing: None }),
            Action::Remove(RemoveView { view, expected: file(7) }),
        ];
        for action in actions {
            let text = serde_json::to_vec(&Line::from(&action)).unwrap();
            let read = match Line::parse(&text).unwrap() {
                Line::Store(store) => store.action(),
                Line::Link(link) => link.action(),
                Line::Remove(remove) => remove.action(),
                other => panic!("{other:?}"),
            };
            assert_eq!(read.unwrap(), action);
        }
    }

    #[test]
    fn a_path_that_leaves_the_archive_cannot_be_said() {
        for view in [r#""../x""#, r#""/x""#, r#""a/../b""#, r#"{"base64":"Li4veA=="}"#, "7"] {
            let text = format!(r#"{{"type":"remove","view":{view},"expected":1}}"#);
            let refused = match Line::parse(text.as_bytes()) {
                Ok(Line::Remove(remove)) => remove.action().is_err(),
                other => other.is_err(),
            };
            assert!(refused, "{view}");
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(Line::parse(br#"{"type":"page","x":1}"#).is_err());
        assert!(Line::parse(br#"{"type":"rm"}"#).is_err());
        assert!(Line::parse(b"[]").is_err());
    }
}
