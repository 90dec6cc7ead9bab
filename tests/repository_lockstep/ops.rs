//! What a trace is made of. Observations, scans, folders and contents are numbers: which ones, depends on what is there.

use std::collections::BTreeMap;

use mama_ports::curation::{Filter, MimePattern, Target};
use mama_ports::enrichment::{Enriched, Looked, Wanted, WantedMetadata};
use mama_ports::repository::{FolderSidecars, MountMark, NewBlob, Scope, SidecarLink, Sighting};
use mama_ports::vocab::{
    AbsPath, BlobHash, BlockReason, ExtractorId, FileName, Fingerprint, Footing, HostName, MetaDoc, Mime,
    Placement, RelPath, ScanRoot, SourceKind, Standing, Status, Timestamp, VolumeId,
};
use proptest::prelude::*;

/// Two of them are one folder with different kinds, and some lie within others.
const ROOTS: [(&str, &[u8], SourceKind); 6] = [
    ("anna", b"/a", SourceKind::Existing),
    ("anna", b"/a/b", SourceKind::Existing),
    ("bert", b"/a", SourceKind::Existing),
    ("bert", b"/a", SourceKind::Import),
    ("anna", b"/", SourceKind::Existing),
    ("Björn", b"/\xff\\", SourceKind::Import),
];
pub(crate) const DIRS: [&[u8]; 6] = [b"", b"b", b"b/c", b"b/c/d", b"ab", b"\xff\n"];
const NAMES: [&[u8]; 5] = [b"x", b"b", b"\\x", b"\xfe", "é\u{202e}".as_bytes()];
const DOCS: [&str; 4] =
    ["{}", r#"{"z":1.50,"a":[null,-0.0]}"#, r#"{"é":"\u0001\\"}"#, r#"{"n":1e3,"m":{"b":1,"a":2}}"#];
const PATHS: [&[u8]; 5] = [b"/a", b"/a/b", b"/a/b/x", b"/", b"/\xff\\"];
pub(crate) const CONTENTS: u8 = 5;

#[derive(Debug, Clone)]
pub(crate) enum Op {
    Begin(ScanRoot, Timestamp),
    Record(Box<Batch>),
    Finish(usize, Timestamp),
    Settle { damaged: Vec<BlobHash>, stored: Vec<BlobHash>, unplaced: Vec<usize>, settlements: Vec<Settling> },
    Retarget(Vec<(usize, Status, Status)>),
    Enrich(Vec<Enriched>),
    Lacking { wanted: Box<Wanted>, limit: u32 },
    Block(Vec<(BlobHash, Option<BlockReason>, Option<BlockReason>)>),
    Find { filter: Box<Filter>, after: Option<usize>, limit: u32 },
    Contests { decided: bool, after: Option<usize>, limit: u32 },
    Save,
}

#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) scan: usize,
    pub(crate) at: Timestamp,
    pub(crate) blobs: Vec<NewBlob>,
    /// Whether the contents of the sightings are described too: almost always, or else the batch is refused.
    pub(crate) described: bool,
    pub(crate) sightings: Vec<Sighting>,
    pub(crate) confirmed: Vec<(usize, Fingerprint, bool)>,
    pub(crate) gone: Vec<usize>,
    pub(crate) gone_below: Vec<RelPath>,
    pub(crate) held: Vec<usize>,
    pub(crate) held_below: Vec<RelPath>,
    pub(crate) mounts: Vec<MountMark>,
    pub(crate) sidecars: Vec<FolderSidecars>,
}

#[derive(Debug, Clone)]
pub(crate) struct Settling {
    pub(crate) observation: usize,
    /// `None`: as it stands and rests, if it is open.
    pub(crate) from: Option<Footing>,
    pub(crate) to: Standing,
    pub(crate) open: bool,
    pub(crate) view: Option<RelPath>,
    pub(crate) fingerprint: Option<Fingerprint>,
    pub(crate) doubtful: bool,
}

pub(crate) fn scope(decided: bool) -> Scope {
    if decided { Scope::Decided } else { Scope::WithPending }
}

pub(crate) fn hosts() -> Vec<HostName> {
    ["anna", "bert", "Björn"].map(|name| HostName::parse(name).unwrap()).to_vec()
}

pub(crate) fn content(number: u8) -> BlobHash {
    BlobHash::from_bytes([number.wrapping_mul(0x53); 32])
}

pub(crate) fn dir(bytes: &[u8]) -> RelPath {
    RelPath::parse(bytes).unwrap()
}

fn few<T: std::fmt::Debug>(one: impl Strategy<Value = T>, most: usize) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(one, 0..=most)
}

/// Mostly the first one, so that scans follow each other.
fn root() -> impl Strategy<Value = ScanRoot> {
    let any_root = prop::sample::select(&ROOTS[..]);
    prop_oneof![2 => Just(ROOTS[0]), 1 => any_root].prop_map(|(host, basedir, kind)| ScanRoot {
        host: HostName::parse(host).unwrap(),
        basedir: AbsPath::parse(basedir).unwrap(),
        kind,
    })
}

fn time() -> impl Strategy<Value = Timestamp> {
    (-2..12_i64, prop::sample::select(&[0, 5, 999_999_999][..]))
        .prop_map(|(secs, nanos)| Timestamp::new(secs, nanos))
}

fn hash() -> impl Strategy<Value = BlobHash> {
    (0..CONTENTS).prop_map(content)
}

fn below() -> impl Strategy<Value = RelPath> {
    prop::sample::select(&DIRS[..]).prop_map(dir)
}

fn fingerprint() -> impl Strategy<Value = Fingerprint> {
    let inode = prop::sample::select(&[7, u64::MAX][..]);
    (0..2_u64, 0..2_i64, 0..2_u32, inode).prop_map(|(size, mtime, ctime, inode)| Fingerprint {
        size,
        mtime: Timestamp::new(mtime - 1, 999_999_999),
        ctime: Timestamp::new(0, ctime),
        inode,
    })
}

fn blob() -> impl Strategy<Value = NewBlob> {
    let quick = prop::option::of(prop::sample::select(&[r#"{"a":1}"#, r#"{"b":"c"}"#][..]));
    (hash(), 0..9_u64, mime(), quick).prop_map(|(hash, size, mime, quick)| {
        let quick = quick.and_then(MetaDoc::from_json);
        NewBlob { hash, size, mime, quick }
    })
}

fn mime() -> impl Strategy<Value = Option<Mime>> {
    let mime = prop::sample::select(&["image/jpeg", "text/plain", "ä/ö"][..]);
    prop::option::of(mime.prop_map(Mime::new))
}

fn extractor() -> impl Strategy<Value = ExtractorId> {
    prop::sample::select(&["1", "2"][..]).prop_map(|version| ExtractorId::new("é", version, 1))
}

fn enriched() -> impl Strategy<Value = Enriched> {
    let doc = || prop::sample::select(&DOCS[..]).prop_map(|text| MetaDoc::from_json(text).unwrap());
    let found = (doc(), doc()).prop_map(|(doc, beside)| Ok(doc.with_numbers(beside.entries().clone())));
    let found = prop_oneof![2 => found, 1 => Just(Err("it \"hung\"".to_owned()))];
    let looked = (extractor(), time(), found).prop_map(|(by, at, found)| Looked { by, at, found });
    (hash(), mime(), prop::option::weighted(0.8, looked)).prop_map(|(hash, mime, looked)| Enriched {
        hash,
        mime,
        looked,
    })
}

/// Each content once.
fn enriching() -> impl Strategy<Value = Vec<Enriched>> {
    few(enriched(), 3).prop_map(|batch| {
        let once: BTreeMap<BlobHash, Enriched> = batch.into_iter().map(|it| (it.hash, it)).collect();
        once.into_values().rev().collect()
    })
}

/// What is wanted, each condition now and then.
fn wanted() -> impl Strategy<Value = Wanted> {
    let by = (extractor(), prop::option::of(time()))
        .prop_map(|(extractor, again_before)| WantedMetadata::By { extractor, again_before });
    let metadata = prop_oneof![4 => by, 1 => Just(WantedMetadata::Unlooked)];
    let below = few(prop::sample::select(&PATHS[..]).prop_map(|path| AbsPath::parse(path).unwrap()), 2);
    (
        prop::sample::select(hosts()),
        any::<bool>(),
        below,
        prop::option::weighted(0.9, metadata),
        any::<bool>(),
    )
        .prop_map(|(host, has_archive, below, metadata, mime)| Wanted {
            host,
            has_archive,
            below,
            metadata,
            mime,
        })
}

fn sighting() -> impl Strategy<Value = Sighting> {
    let name = prop::sample::select(&NAMES[..]).prop_map(|name| FileName::parse(name).unwrap());
    (below(), name, hash(), fingerprint(), any::<bool>())
        .prop_map(|(dir, name, hash, fingerprint, racy)| Sighting { dir, name, hash, fingerprint, racy })
}

fn mark() -> impl Strategy<Value = MountMark> {
    let volume = prop::option::weighted(0.7, prop::sample::select(&["uuid:6E1A-90C4", "nfs:nas:/ä"][..]));
    (below(), volume).prop_map(|(dir, volume)| MountMark { dir, volume: volume.map(VolumeId::new) })
}

fn sidecars() -> impl Strategy<Value = Vec<FolderSidecars>> {
    let name = || prop::sample::select(&NAMES[..]).prop_map(|name| FileName::parse(name).unwrap());
    let links = few((name(), name()).prop_map(|(of, sidecar)| SidecarLink { of, sidecar }), 3);
    few((below(), links), 2).prop_map(|folders| {
        let folders: BTreeMap<RelPath, Vec<SidecarLink>> = folders.into_iter().collect();
        let in_order = |mut links: Vec<SidecarLink>| {
            links.sort();
            links.dedup();
            links
        };
        folders.into_iter().map(|(dir, links)| FolderSidecars { dir, links: in_order(links) }).collect()
    })
}

fn batch() -> impl Strategy<Value = Batch> {
    let seen = (few(blob(), 2), prop::bool::weighted(0.97), few(sighting(), 6));
    let known = few((any::<usize>(), fingerprint(), any::<bool>()), 2);
    let absent = (few(any::<usize>(), 2), few(below(), 1), few(any::<usize>(), 2), few(below(), 1));
    (any::<usize>(), time(), seen, known, absent, few(mark(), 2), sidecars()).prop_map(
        |(
            scan,
            at,
            (blobs, described, sightings),
            confirmed,
            (gone, gone_below, held, held_below),
            mounts,
            sidecars,
        )| Batch {
            scan,
            at,
            blobs,
            described,
            sightings,
            confirmed,
            gone,
            gone_below,
            held,
            held_below,
            mounts,
            sidecars,
        },
    )
}

fn status() -> impl Strategy<Value = Status> {
    prop::sample::select(Status::ALL)
}

fn standing() -> impl Strategy<Value = Standing> {
    (status(), prop::sample::select(Placement::ALL))
        .prop_map(|(status, placement)| Standing { status, placement })
}

fn footing() -> impl Strategy<Value = Footing> {
    (standing(), any::<bool>(), prop::bool::weighted(0.2), block())
        .prop_map(|(standing, current, gone, block)| Footing { standing, current, gone, block })
}

fn settling() -> impl Strategy<Value = Settling> {
    let from = prop::option::weighted(0.2, footing());
    let (view, moved) = (prop::option::of(below()), prop::option::weighted(0.2, fingerprint()));
    let doubtful = prop::bool::weighted(0.2);
    (any::<usize>(), from, standing(), any::<bool>(), view, moved, doubtful).prop_map(
        |(observation, from, to, open, view, fingerprint, doubtful)| Settling {
            observation,
            from,
            to,
            open,
            view,
            fingerprint,
            doubtful,
        },
    )
}

fn block() -> impl Strategy<Value = Option<BlockReason>> {
    prop::sample::select(&[None, Some(BlockReason::Blocked), Some(BlockReason::Deleted)][..])
}

fn target() -> impl Strategy<Value = Target> {
    let path = (prop::sample::select(&ROOTS[..]), below())
        .prop_map(|((host, basedir, _), below)| (host, AbsPath::parse(basedir).unwrap().join(&below)));
    prop_oneof![
        hash().prop_map(Target::Content),
        path.prop_map(|(host, path)| Target::Path { host: HostName::parse(host).unwrap(), path }),
        below().prop_map(Target::View),
    ]
}

/// Each condition now and then, so that some is found.
fn filter() -> impl Strategy<Value = Filter> {
    let seldom = 0.2;
    let kind = prop::option::weighted(seldom, prop::sample::select(SourceKind::ALL));
    let host = prop::option::weighted(seldom, prop::sample::select(hosts()));
    let mime = prop::sample::select(&["image/*", "text/plain", "ä/*"][..]);
    let mime = prop::option::weighted(seldom, mime.prop_map(|text| MimePattern::parse(text).unwrap()));
    let sizes = (prop::option::weighted(seldom, 0..2_u64), prop::option::weighted(seldom, 1..3_u64));
    let mtime = || prop::option::weighted(seldom, time());
    let status = prop::option::weighted(seldom, status());
    (few(target(), 2), kind, host, mime, sizes, mtime(), mtime(), status).prop_map(
        |(targets, kind, host, mime, (larger, smaller), since, until, status)| Filter {
            targets,
            kind,
            host,
            mime,
            larger,
            smaller,
            since,
            until,
            status,
        },
    )
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let page = (any::<bool>(), prop::option::of(any::<usize>()), 1..5_u32);
    prop_oneof![
        3 => (root(), time()).prop_map(|(root, at)| Op::Begin(root, at)),
        8 => batch().prop_map(|batch| Op::Record(Box::new(batch))),
        2 => (any::<usize>(), time()).prop_map(|(scan, at)| Op::Finish(scan, at)),
        4 => (few(hash(), 1), few(hash(), 2), few(any::<usize>(), 2), few(settling(), 5))
            .prop_map(|(damaged, stored, unplaced, settlements)| Op::Settle { damaged, stored, unplaced, settlements }),
        1 => few((any::<usize>(), status(), status()), 3).prop_map(Op::Retarget),
        1 => few((hash(), block(), block()), 2).prop_map(Op::Block),
        3 => enriching().prop_map(Op::Enrich),
        3 => (wanted(), 1..5_u32).prop_map(|(wanted, limit)| Op::Lacking { wanted: Box::new(wanted), limit }),
        1 => Just(Op::Save),
        2 => (filter(), prop::option::of(any::<usize>()), 1..5_u32).prop_map(|(filter, after, limit)| Op::Find {
            filter: Box::new(filter),
            after,
            limit,
        }),
        2 => page.prop_map(|(decided, after, limit)| Op::Contests { decided, after, limit }),
    ]
}
