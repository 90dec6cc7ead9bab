//! Rows of the catalog as lines of JSON, and back.
//!
//! `{"root":{…}}`, `{"blob":{…}}`, `{"observation":{…}}`, `{"act":{…}}`, `{"item":{…}}`. Observations name their root by its number in the same manifest. A time is
//! `[seconds, nanoseconds]`. A path that is not UTF-8 is escaped, and its bytes are in base64 under the same key with
//! `_bytes`. A line with a key that this version does not know is not understood: what would be lost is a fact.

use std::collections::HashMap;

use data_encoding::BASE64;
use mama_ports::curation::{ActId, Decision, ItemId, NewAct};
use mama_ports::manifest::{ActRow, BlobRow, ItemRow, ObservationRow, RootRow, Rows};
use mama_ports::vocab::{
    AbsPath, BlobHash, BlobRecord, BlockReason, ExtractorId, FileName, Fingerprint, HostName, Location, Look,
    MetaDoc, Mime, ObservationId, RelPath, ScanRoot, Standing, Timestamp, VolumeId, escaped,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

type Time = (i64, u32);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Root(RootLine),
    Blob(BlobLine),
    Observation(ObservationLine),
    Act(ActLine),
    Item(ItemLine),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootLine {
    number: usize,
    host: String,
    basedir: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basedir_bytes: Option<String>,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmed: Option<Time>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    mounts: Vec<MountLine>,
}

/// A folder where a volume of its own begins.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MountLine {
    relpath: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relpath_bytes: Option<String>,
    volume: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BlobLine {
    hash: String,
    size: u64,
    first_seen: Time,
    stored: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mime: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    meta: Option<Map<String, Value>>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    numbers: Map<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    looked: Option<LookLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    block_reason: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LookLine {
    by: String,
    at: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObservationLine {
    id: i64,
    root: usize,
    relpath: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    relpath_bytes: Option<String>,
    filename: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    filename_bytes: Option<String>,
    blob: String,
    size: u64,
    mtime: Time,
    ctime: Time,
    inode: u64,
    racy: bool,
    seen: Time,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gone: Option<Time>,
    held: bool,
    current: bool,
    open: bool,
    status: String,
    placement: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    view_bytes: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ActLine {
    id: i64,
    at: Time,
    host: String,
    verb: String,
    words: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    undoes: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
}

/// About an observation or a content, with the words before and after.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemLine {
    id: i64,
    act: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    observation: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    blob: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// The lines of these rows: roots first, contents before observations, acts before items.
pub fn encode(rows: &Rows) -> Vec<u8> {
    let mut text = Vec::new();
    let mut put = |line: &Line| {
        if serde_json::to_writer(&mut text, line).is_err() {
            unreachable!("texts and numbers can be written to memory");
        }
        text.push(b'\n');
    };
    let mut numbers: HashMap<&ScanRoot, usize> = HashMap::new();
    for (number, row) in rows.roots.iter().enumerate() {
        numbers.insert(&row.root, number);
        put(&Line::Root(root_line(number, row)));
    }
    rows.blobs.iter().for_each(|row| put(&Line::Blob(blob_line(row))));
    for row in &rows.observations {
        put(&Line::Observation(observation_line(numbers[&row.at.root], row)));
    }
    rows.acts.iter().for_each(|row| put(&Line::Act(act_line(row))));
    rows.items.iter().for_each(|row| put(&Line::Item(item_line(row))));
    text
}

/// The rows of these lines, and how many lines were not understood.
pub fn decode(text: &[u8]) -> (Rows, u64) {
    let (mut rows, mut roots, mut lost) = (Rows::default(), HashMap::new(), 0);
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        if decode_line(line, &mut roots, &mut rows).is_none() {
            lost += 1;
        }
    }
    (rows, lost)
}

fn decode_line(line: &[u8], roots: &mut HashMap<usize, ScanRoot>, rows: &mut Rows) -> Option<()> {
    match serde_json::from_slice(line.strip_suffix(b"\n")?).ok()? {
        Line::Root(line) => {
            let number = line.number;
            let row = root_row(line)?;
            roots.insert(number, row.root.clone());
            rows.roots.push(row);
        }
        Line::Blob(line) => rows.blobs.push(blob_row(line)?),
        Line::Observation(line) => {
            let root = roots.get(&line.root)?.clone();
            rows.observations.push(observation_row(root, line)?);
        }
        Line::Act(line) => rows.acts.push(act_row(line)?),
        Line::Item(line) => rows.items.push(item_row(line)?),
    }
    Some(())
}

fn root_line(number: usize, RootRow { root, confirmed, mounts }: &RootRow) -> RootLine {
    let ScanRoot { host, basedir, kind } = root;
    let (basedir, basedir_bytes) = text(basedir.as_bytes());
    RootLine {
        number,
        host: host.to_string(),
        basedir,
        basedir_bytes,
        kind: kind.to_string(),
        confirmed: confirmed.map(pair),
        mounts: mounts.iter().map(mount_line).collect(),
    }
}

fn mount_line((dir, volume): &(RelPath, VolumeId)) -> MountLine {
    let (relpath, relpath_bytes) = text(dir.as_bytes());
    MountLine { relpath, relpath_bytes, volume: volume.as_str().to_owned() }
}

fn mount(MountLine { relpath, relpath_bytes, volume }: MountLine) -> Option<(RelPath, VolumeId)> {
    Some((RelPath::parse(bytes(relpath, relpath_bytes)?).ok()?, VolumeId::new(volume)))
}

fn root_row(line: RootLine) -> Option<RootRow> {
    let root = ScanRoot {
        host: HostName::parse(&line.host)?,
        basedir: AbsPath::parse(bytes(line.basedir, line.basedir_bytes)?).ok()?,
        kind: line.kind.parse().ok()?,
    };
    let mounts = line.mounts.into_iter().map(mount).collect::<Option<_>>()?;
    Some(RootRow { root, confirmed: optional_time(line.confirmed)?, mounts })
}

fn blob_line(BlobRow { record, first_seen }: &BlobRow) -> BlobLine {
    let BlobRecord { hash, size, mime, meta, look, stored, block } = record;
    // What is preliminary is left to the extractor, after a rebuild too: in a line, metadata without a look is from before looks
    // were remembered.
    let meta = meta.as_ref().filter(|_| look.is_some());
    BlobLine {
        hash: hash.to_string(),
        size: *size,
        first_seen: pair(*first_seen),
        stored: *stored,
        mime: mime.as_ref().map(ToString::to_string),
        meta: meta.map(|meta| meta.entries().clone()),
        numbers: meta.map(|meta| meta.numbers().clone()).unwrap_or_default(),
        looked: look.as_ref().map(look_line),
        block_reason: block.map(|reason| reason.as_str().to_owned()),
    }
}

fn look_line(Look { by, at, error }: &Look) -> LookLine {
    LookLine { by: by.to_string(), at: pair(*at), error: error.clone() }
}

fn look(LookLine { by, at, error }: LookLine) -> Option<Look> {
    Some(Look { by: ExtractorId::parse(&by)?, at: time(at)?, error })
}

fn blob_row(line: BlobLine) -> Option<BlobRow> {
    let (block, first_seen) = (block(line.block_reason)?, time(line.first_seen)?);
    let look = match (line.looked, &line.meta) {
        (Some(line), _) => Some(look(line)?),
        // from before it was remembered
        (None, Some(_)) => Some(Look { by: ExtractorId::unknown(), at: first_seen, error: None }),
        (None, None) => None,
    };
    let record = BlobRecord {
        hash: line.hash.parse().ok()?,
        size: line.size,
        mime: line.mime.map(Mime::new),
        meta: line.meta.map(|meta| MetaDoc::new(meta).with_numbers(line.numbers)),
        look,
        stored: line.stored,
        block,
    };
    Some(BlobRow { record, first_seen })
}

fn observation_line(root: usize, row: &ObservationRow) -> ObservationLine {
    let ObservationRow { id, at, hash, fingerprint, racy, seen, gone, held, current, open, standing, view } =
        row;
    let (relpath, relpath_bytes) = text(at.dir.as_bytes());
    let (filename, filename_bytes) = text(at.name.as_bytes());
    let (view, view_bytes) = match view.as_ref().map(|view| text(view.as_bytes())) {
        Some((view, bytes)) => (Some(view), bytes),
        None => (None, None),
    };
    let Fingerprint { size, mtime, ctime, inode } = *fingerprint;
    ObservationLine {
        id: id.0,
        root,
        relpath,
        relpath_bytes,
        filename,
        filename_bytes,
        blob: hash.to_string(),
        size,
        mtime: pair(mtime),
        ctime: pair(ctime),
        inode,
        racy: *racy,
        seen: pair(*seen),
        gone: gone.map(pair),
        held: *held,
        current: *current,
        open: *open,
        status: standing.status.to_string(),
        placement: standing.placement.to_string(),
        view,
        view_bytes,
    }
}

fn observation_row(root: ScanRoot, line: ObservationLine) -> Option<ObservationRow> {
    let dir = RelPath::parse(bytes(line.relpath, line.relpath_bytes)?).ok()?;
    let name = FileName::parse(bytes(line.filename, line.filename_bytes)?).ok()?;
    let view = match line.view {
        Some(view) => Some(RelPath::parse(bytes(view, line.view_bytes)?).ok()?),
        None => None,
    };
    let (mtime, ctime) = (time(line.mtime)?, time(line.ctime)?);
    Some(ObservationRow {
        id: ObservationId(line.id),
        at: Location { root, dir, name },
        hash: line.blob.parse::<BlobHash>().ok()?,
        fingerprint: Fingerprint { size: line.size, mtime, ctime, inode: line.inode },
        racy: line.racy,
        seen: time(line.seen)?,
        gone: optional_time(line.gone)?,
        held: line.held,
        current: line.current,
        open: line.open,
        standing: Standing { status: line.status.parse().ok()?, placement: line.placement.parse().ok()? },
        view,
    })
}

fn act_line(ActRow { id, asked }: &ActRow) -> ActLine {
    let NewAct { at, host, verb, words, undoes, summary } = asked.clone();
    let (host, undoes) = (host.to_string(), undoes.map(|act| act.0));
    ActLine { id: id.0, at: pair(at), host, verb, words, undoes, summary }
}

fn act_row(line: ActLine) -> Option<ActRow> {
    let ActLine { id, at, host, verb, words, undoes, summary } = line;
    let (at, host) = (time(at)?, HostName::parse(&host)?);
    let asked = NewAct { at, host, verb, words, undoes: undoes.map(ActId), summary };
    Some(ActRow { id: ActId(id), asked })
}

fn item_line(ItemRow { id, act, decision }: &ItemRow) -> ItemLine {
    let (observation, blob, before, after) = match decision {
        Decision::Retarget { id, from, to } => (Some(id.0), None, Some(from.as_str()), Some(to.as_str())),
        Decision::Block { hash, from, to } => {
            (None, Some(hash.to_string()), from.map(BlockReason::as_str), to.map(BlockReason::as_str))
        }
    };
    let word = |word: Option<&str>| word.map(str::to_owned);
    ItemLine { id: id.0, act: act.0, observation, blob, before: word(before), after: word(after) }
}

fn item_row(line: ItemLine) -> Option<ItemRow> {
    let decision = match (line.observation, line.blob) {
        (Some(id), None) => {
            let (from, to) = (line.before?.parse().ok()?, line.after?.parse().ok()?);
            Decision::Retarget { id: ObservationId(id), from, to }
        }
        (None, Some(hash)) => {
            Decision::Block { hash: hash.parse().ok()?, from: block(line.before)?, to: block(line.after)? }
        }
        _ => return None,
    };
    Some(ItemRow { id: ItemId(line.id), act: ActId(line.act), decision })
}

fn block(word: Option<String>) -> Option<Option<BlockReason>> {
    match word {
        Some(word) => BlockReason::ALL.into_iter().find(|reason| reason.as_str() == word).map(Some),
        None => Some(None),
    }
}

/// Bytes as text; if they are none, escaped, and in base64.
fn text(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (escaped(bytes).to_string(), Some(BASE64.encode(bytes))),
    }
}

fn bytes(text: String, base64: Option<String>) -> Option<Vec<u8>> {
    match base64 {
        Some(base64) => BASE64.decode(base64.as_bytes()).ok(),
        None => Some(text.into_bytes()),
    }
}

const fn pair(time: Timestamp) -> Time {
    (time.secs, time.nanos)
}

fn time((secs, nanos): Time) -> Option<Timestamp> {
    (nanos < 1_000_000_000).then(|| Timestamp::new(secs, nanos))
}

fn optional_time(given: Option<Time>) -> Option<Option<Timestamp>> {
    match given {
        Some(given) => time(given).map(Some),
        None => Some(None),
    }
}

#[cfg(test)]
mod tests;
