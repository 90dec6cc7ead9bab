//! Rows survive, and damage stays where it is.

use mama_ports::vocab::{Placement, SourceKind, Status};
use proptest::prelude::*;

use super::*;

const ODD: &[&[u8]] = &[b"\xff\n", b"\\x", "é\u{202e}\"".as_bytes(), b"a b"];
const DOCS: &[&str] = &["{}", r#"{"z":1.50,"a":[null,-0.0]}"#, r#"{"é":"\u0001\\","n":1e300}"#];

fn name() -> impl Strategy<Value = Vec<u8>> {
    let any_name =
        prop::collection::vec(any::<u8>().prop_filter("a slash", |b| !matches!(b, 0 | b'/')), 1..9);
    prop_oneof![any_name, prop::sample::select(ODD).prop_map(<[u8]>::to_vec)]
        .prop_filter("dots", |name| name != b"." && name != b"..")
}

fn below() -> impl Strategy<Value = RelPath> {
    prop::collection::vec(name(), 0..3).prop_map(|names| RelPath::parse(names.join(&b'/')).unwrap())
}

fn time() -> impl Strategy<Value = Timestamp> {
    (any::<i64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Timestamp::new(secs, nanos))
}

fn root() -> impl Strategy<Value = RootRow> {
    let host =
        prop::sample::select(&["anna", "Björn \"x\""][..]).prop_map(|host| HostName::parse(host).unwrap());
    let kind = prop::sample::select(SourceKind::ALL);
    let mount = (below(), prop::sample::select(&["ext:1", "nfs:nas:/é"][..]));
    let mounts = prop::collection::vec(mount.prop_map(|(dir, id)| (dir, VolumeId::new(id))), 0..3);
    (host, below(), kind, prop::option::of(time()), mounts).prop_map(
        |(host, below, kind, confirmed, mounts)| RootRow {
            root: ScanRoot { host, basedir: AbsPath::root().join(&below), kind },
            confirmed,
            mounts,
        },
    )
}

fn blob() -> impl Strategy<Value = BlobRow> {
    let mime = prop::option::of(prop::sample::select(&["image/jpeg", "ä/\"ö"][..]));
    let block = prop::option::of(prop::sample::select(&BlockReason::ALL[..]));
    let meta = prop::option::of(prop::sample::select(DOCS));
    let look = (time(), prop::option::of("\\PC{0,9}")).prop_map(|(at, error)| {
        let by = ExtractorId::new("é \"x\"", "1", 2);
        Look { by, at, error }
    });
    let told = (meta, prop::sample::select(DOCS), look, any::<bool>());
    (any::<[u8; 32]>(), any::<u64>(), mime, told, any::<bool>(), block, time()).prop_map(
        |(hash, size, mime, (meta, numbers, look, is_looked), stored, block, first_seen)| {
            let (hash, mime) = (BlobHash::from_bytes(hash), mime.map(Mime::new));
            let doc = |text| MetaDoc::from_json(text).unwrap();
            let meta = meta.map(|meta| doc(meta).with_numbers(doc(numbers).entries().clone()));
            let look = (is_looked || meta.is_some()).then_some(look);
            BlobRow { record: BlobRecord { hash, size, mime, meta, look, stored, block }, first_seen }
        },
    )
}

fn observation(root: ScanRoot) -> impl Strategy<Value = ObservationRow> {
    let standing = (prop::sample::select(Status::ALL), prop::sample::select(Placement::ALL));
    let place = (below(), name(), any::<[u8; 32]>(), prop::option::of(below()));
    let times = (time(), time(), time(), prop::option::of(time()));
    let flags = any::<[bool; 4]>();
    (any::<i64>(), place, any::<[u64; 2]>(), times, flags, standing).prop_map(
        move |(id, (dir, name, hash, view), [size, inode], (mtime, ctime, seen, gone), flags, standing)| {
            let [racy, held, current, open] = flags;
            ObservationRow {
                id: ObservationId(id),
                at: Location { root: root.clone(), dir, name: FileName::parse(name).unwrap() },
                hash: BlobHash::from_bytes(hash),
                fingerprint: Fingerprint { size, mtime, ctime, inode },
                racy,
                seen,
                gone,
                held,
                current,
                open,
                standing: Standing { status: standing.0, placement: standing.1 },
                view,
            }
        },
    )
}

fn act() -> impl Strategy<Value = ActRow> {
    let texts = ("[a-zé\"\n]{0,5}", "\\PC{0,9}", prop::option::of(Just(r#"{"files":1}"#.to_owned())));
    (any::<i64>(), time(), texts, prop::option::of(any::<i64>())).prop_map(
        |(id, at, (verb, words, summary), undoes)| {
            let host = HostName::parse("anna").unwrap();
            let asked = NewAct { at, host, verb, words, undoes: undoes.map(ActId), summary };
            ActRow { id: ActId(id), asked }
        },
    )
}

fn item() -> impl Strategy<Value = ItemRow> {
    let block = || prop::option::of(prop::sample::select(&BlockReason::ALL[..]));
    let status = || prop::sample::select(Status::ALL);
    let retarget = (any::<i64>(), status(), status()).prop_map(|(id, from, to)| Decision::Retarget {
        id: ObservationId(id),
        from,
        to,
    });
    let block = (any::<[u8; 32]>(), block(), block()).prop_map(|(hash, from, to)| Decision::Block {
        hash: BlobHash::from_bytes(hash),
        from,
        to,
    });
    (any::<i64>(), any::<i64>(), prop_oneof![retarget, block]).prop_map(|(id, act, decision)| ItemRow {
        id: ItemId(id),
        act: ActId(act),
        decision,
    })
}

fn rows() -> impl Strategy<Value = Rows> {
    let blobs = || prop::collection::vec(blob(), 0..3);
    let journal = || (prop::collection::vec(act(), 0..3), prop::collection::vec(item(), 0..3));
    root().prop_flat_map(move |root| {
        let observations = prop::collection::vec(observation(root.root.clone()), 0..4);
        (blobs(), observations, journal()).prop_map(move |(blobs, observations, (acts, items))| Rows {
            roots: vec![root.clone()],
            blobs,
            observations,
            acts,
            items,
        })
    })
}

proptest! {
    #[test]
    fn rows_survive(rows in rows()) {
        prop_assert_eq!(decode(&encode(&rows)), (rows, 0));
    }

    #[test]
    fn what_is_cut_off_costs_only_its_own_lines(rows in rows(), cut: prop::sample::Index) {
        let whole = encode(&rows);
        let text = &whole[..cut.index(whole.len())];
        let lines = text.iter().filter(|&&byte| byte == b'\n').count();
        let (had, lost) = decode(text);
        prop_assert_eq!(had.len(), lines);
        prop_assert_eq!(lost, u64::from(!(text.is_empty() || text.ends_with(b"\n"))));
    }
}

#[test]
fn metadata_of_before_its_extractor_was_remembered_is_by_an_unknown_one() {
    let text = br#"{"blob":{"hash":"H","size":1,"first_seen":[1,2],"stored":true,"meta":{"a":1}}}"#;
    let text = String::from_utf8_lossy(text).replace('H', &"ab".repeat(32)) + "\n";
    let (rows, lost) = decode(text.as_bytes());
    let unknown = Look { by: ExtractorId::unknown(), at: Timestamp::new(1, 2), error: None };
    assert_eq!((rows.blobs[0].record.look.clone(), lost), (Some(unknown), 0));
}

#[test]
fn a_line_with_an_unknown_key_is_not_understood() {
    let text = br#"{"blob":{"hash":"H","size":1,"first_seen":[1,0],"stored":true,"later":1}}"#;
    let text = String::from_utf8_lossy(text).replace('H', &"ab".repeat(32)) + "\n";
    assert_eq!(decode(text.as_bytes()), (Rows::default(), 1));
    let (had, lost) = decode(text.replace(",\"later\":1", "").as_bytes());
    assert_eq!((had.blobs.len(), lost), (1, 0));
}
