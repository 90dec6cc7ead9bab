//! What comes out is what went in.

use super::desk::{
    Desk, contests, described, dir, fingerprint, found, hash, record_of, root, settle, time, to_placed,
};
use crate::repository::{NewBlob, PageSize, Repository, ScanBatch, Scope, Sighting};
use crate::vocab::{
    AbsPath, FileName, Fingerprint, HostName, Location, MetaDoc, Mime, RelPath, ScanRoot, SourceKind,
    Timestamp,
};

const NAMES: [&[u8]; 14] = [
    b"\x01",
    b"\n",
    b" ",
    b"\"'`;--",
    b"%_*?",
    b"...",
    b"NULL",
    b"\\xff",
    b"a\\b",
    b"\xff",
    b"\xc3\x28",
    "e\u{301}".as_bytes(),
    "\u{e9}".as_bytes(),
    "😀\u{202e}".as_bytes(),
];

/// Newlines, quotes, backslashes, bytes that are no text: as names, folders, roots and views.
pub async fn names_survive_byte_by_byte(repo: &dyn Repository) {
    let basedir = AbsPath::parse([b"/", NAMES[9], b"/", NAMES[1]].concat()).unwrap();
    let host = HostName::parse("Ännas Rechner \u{1f980}").unwrap();
    let here = ScanRoot { host: host.clone(), basedir, kind: SourceKind::Syncthing };
    let desk = Desk::begin(repo, &here, time(1)).await;
    let mut names: Vec<FileName> = NAMES.iter().map(|&name| FileName::parse(name).unwrap()).collect();
    names.push(FileName::parse(vec![0xfe; 255]).unwrap());
    let fingerprint = fingerprint(1, 1);
    let sighting = |dir: RelPath, name: &FileName| Sighting {
        dir,
        name: name.clone(),
        hash: hash(1),
        fingerprint,
        racy: false,
    };
    let sightings = names.iter().map(|name| sighting(RelPath::from(name), name));
    let batch = ScanBatch { blobs: vec![described(1)], sightings: sightings.collect(), ..desk.batch() };
    assert_eq!(desk.record(&batch).await.new_observations, names.len() as u64);
    let mut folders = names.clone();
    folders.sort_unstable();
    assert_eq!(desk.folder("").await.folders, folders);
    let asked: Vec<RelPath> = names.iter().map(RelPath::from).collect();
    let answers = repo.remembered(desk.scan(), &asked).await.unwrap();
    assert!(names.iter().zip(&answers).all(|(name, answer)| answer.files[0].name == *name), "{answers:?}");

    let sources = repo.sources(&host, &[hash(1)], PageSize(99)).await.unwrap().remove(0);
    for ((name, folder), source) in names.iter().zip(&asked).zip(&sources) {
        assert_eq!(source.at, Location { root: here.clone(), dir: folder.clone(), name: name.clone() });
        let mut settlement = to_placed(source.id);
        settlement.view = Some(folder.join(name));
        settlement.open = true;
        settle(repo, vec![settlement]).await;
    }
    let open = contests(repo, Scope::WithPending).await;
    for (contest, source) in open.iter().zip(&sources) {
        assert_eq!(contest.place, source.at.place());
        assert_eq!(contest.claims[0].view, Some(source.at.path()));
    }
    assert_eq!(open.len(), names.len());
}

/// Longer than any index entry may be, and different only at the end.
pub async fn long_paths_survive(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let folder = ["x".repeat(200).as_str(); 25].join("/");
    let (first, second) = (format!("{folder}/1"), format!("{folder}/2"));
    desk.see(&[(&format!("{first}/f"), 1, 1), (&format!("{second}/f"), 2, 1)]).await;
    assert_eq!(desk.content(&format!("{first}/f")).await, hash(1));
    assert_eq!(desk.content(&format!("{second}/f")).await, hash(2));
    let places: Vec<_> =
        contests(repo, Scope::WithPending).await.into_iter().map(|it| it.place.path).collect();
    assert_eq!(
        places,
        [first, second].map(|folder| root("anna", "/a").basedir.join(&dir(&format!("{folder}/f"))))
    );
}

/// Before 1970, after 2106, at both ends of the range; inodes with their highest bit.
pub async fn times_survive_to_the_nanosecond(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let times = [
        (i64::MIN, 0),
        (-1, 999_999_999),
        (0, 0),
        (0, 1),
        (4_294_967_296, 123_456_789),
        (i64::MAX, 999_999_999),
    ];
    for (secs, nanos) in times {
        let mtime = Timestamp::new(secs, nanos);
        let ctime = Timestamp::new(secs, 999_999_999 - nanos);
        let seen = Fingerprint { size: u64::from(u32::MAX) * 1_000, mtime, ctime, inode: u64::MAX - 1 };
        let mut batch = desk.seen(&[("x", 1, 1)]);
        batch.sightings[0].fingerprint = seen;
        desk.record(&batch).await;
        assert_eq!(desk.known("x").await.fingerprint, seen);
        assert_eq!(desk.record(&batch).await.new_observations, 0);
    }
    let extreme = Desk::begin(repo, &root("anna", "/b"), Timestamp::new(i64::MAX, 999_999_999)).await;
    repo.finish(extreme.scan(), extreme.at).await.unwrap();
    let totals = repo.totals().await.unwrap();
    assert_eq!(totals.roots[1].confirmed, Some(extreme.at));
}

/// Any JSON object, equal text for equal documents.
pub async fn metadata_survives(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let documents = [
        r#"{}"#,
        r#"{"a":null,"b":[1,-2.5,1e300,18446744073709551615,true,{"c":[]}],"é😀":"\u0001\n\"\\\u0000'"}"#,
        r#"{"":"","File:Name":"x","z":{"z":{"z":{}}}}"#,
    ];
    for (number, text) in (1..).zip(documents) {
        let blob = NewBlob { mime: Some(Mime::new("application/x-größe; a=\"b\"")), ..described(number) };
        desk.record(&ScanBatch { blobs: vec![blob.clone()], ..desk.batch() }).await;
        let numbers = MetaDoc::from_json(r#"{"b":-1e-300,"é😀":"\u0000","z":{"z":2.50}}"#).unwrap();
        let doc = MetaDoc::from_json(text).unwrap().with_numbers(numbers.entries().clone());
        repo.enrich(&[found(number, doc.clone())]).await.unwrap();
        let record = record_of(repo, hash(number)).await;
        assert_eq!((record.meta, record.mime), (Some(doc), blob.mime));
        assert!(!record.stored && record.block.is_none());
        let known = repo.blobs(&[hash(number)]).await.unwrap().remove(0).unwrap();
        assert_eq!(known.has_meta, Some(number > 1), "an empty document is no metadata");
    }
    assert_eq!(repo.totals().await.unwrap().with_meta, 2, "an empty document is no metadata");
}
