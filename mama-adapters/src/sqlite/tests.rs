//! The suite, in memory and in a file; and what only this adapter promises.

use std::ops::Deref;
use std::path::{Path, PathBuf};

use mama_ports::enrichment::{Enriched, Enrichment, Looked};
use mama_ports::manifest::Manifests;
use mama_ports::repository::{
    Catalog, NewBlob, PageSize, Recorded, RepositoryError, ScanBatch, Scope, Sighting, Sightings,
};
use mama_ports::vocab::{
    AbsPath, ArchiveId, BlobHash, ExtractorId, FileName, Fingerprint, HostName, Look, MetaDoc, RelPath,
    ScanId, ScanRoot, SourceKind, Timestamp,
};
use pollster::block_on;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{OpenError, Sqlite};
use crate::sql::migrations::SQLITE;

/// The number of the last migration.
const LAST: i64 = SQLITE.len() as i64;

mod in_memory {
    mama_ports::repository_conformance!(|| Box::new(super::Sqlite::in_memory().unwrap()));
}

mod in_a_file {
    mama_ports::repository_conformance!(super::InFile::new);
}

/// A catalog with the folder that it is in.
struct InFile {
    catalog: Sqlite,
    folder: TempDir,
}

impl InFile {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { catalog: Sqlite::open(&folder.path().join("catalog.sqlite")).unwrap(), folder }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("catalog.sqlite")
    }

    /// What a person with sqlite3 would get.
    fn select(&self, sql: &str) -> Vec<String> {
        let connection = Connection::open(self.file()).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }
}

impl Deref for InFile {
    type Target = Sqlite;

    fn deref(&self) -> &Sqlite {
        &self.catalog
    }
}

fn here() -> ScanRoot {
    let host = HostName::parse("anna").unwrap();
    ScanRoot { host, basedir: AbsPath::parse("/a").unwrap(), kind: SourceKind::Existing }
}

/// What was found in each of so many contents.
fn enrich(catalog: &Sqlite, contents: u8) {
    let doc = |text| MetaDoc::from_json(text).unwrap();
    let found = doc(r#"{"a":1}"#).with_numbers(doc(r#"{"a":2}"#).entries().clone());
    let (by, at) = (ExtractorId::new("test", "1", 1), Timestamp::new(-1, 500_000_000));
    let looked = Some(Looked { by, at, found: Ok(found) });
    let one =
        |number| Enriched { hash: BlobHash::from_bytes([number; 32]), mime: None, looked: looked.clone() };
    block_on(catalog.enrich(&(1..=contents).map(one).collect::<Vec<_>>())).unwrap();
}

fn batch(scan: ScanId, at: i64, files: &[(&str, &[u8])]) -> ScanBatch {
    let mut batch = ScanBatch::new(scan, Timestamp::new(at, 0));
    for (number, &(dir, name)) in (1..).zip(files) {
        let hash = BlobHash::from_bytes([number; 32]);
        batch.blobs.push(NewBlob { hash, size: 1, mime: None, quick: None });
        let time = Timestamp::new(-1, 999_999_999);
        batch.sightings.push(Sighting {
            dir: RelPath::parse(dir).unwrap(),
            name: FileName::parse(name).unwrap(),
            hash,
            fingerprint: Fingerprint { size: 1, mtime: time, ctime: Timestamp::new(12, 5), inode: u64::MAX },
            racy: false,
        });
    }
    batch
}

#[test]
fn the_views_have_the_promised_columns_in_their_order() {
    let catalog = InFile::new();
    let columns = |view| catalog.select(&format!("SELECT name FROM pragma_table_info('{view}')"));
    let blobs = ["hash", "size", "storage_path", "first_seen", "mime", "block_reason"];
    assert_eq!(columns("blobs")[..blobs.len()], blobs);
    let enriched = ["meta", "numbers", "extractor", "metadata_at", "metadata_error"];
    assert_eq!(columns("blobs")[blobs.len()..], enriched);
    let promised = [
        "id",
        "blob_hash",
        "hostname",
        "basedir",
        "relpath",
        "filename",
        "size",
        "mtime",
        "ctime",
        "scan_time",
        "source_kind",
        "status",
        "meta",
    ];
    assert_eq!(columns("observations")[..promised.len()], promised);
    assert!(
        columns("observations").ends_with(&["numbers", "extractor", "metadata_error"].map(str::to_owned))
    );
}

#[test]
fn a_person_reads_names_times_and_hashes() {
    let catalog = InFile::new();
    let scan = block_on(catalog.begin(&here(), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 2, &[("Früh", b"a\nb"), ("", b"x\xff\\")]))).unwrap();
    enrich(&catalog, 2);
    let line = "SELECT concat_ws('|', hostname, basedir, relpath, filename, mtime, ctime, scan_time, source_kind, status,
                meta, inode, filename_hex) FROM observations ORDER BY id";
    assert_eq!(
        catalog.select(line),
        [
            "anna|/a|Früh|a\nb|-0.000000001|12.000000005|2.000000000|existing|pending|{\"a\":1}|18446744073709551615",
            r#"anna|/a||x\xff\\|-0.000000001|12.000000005|2.000000000|existing|pending|{"a":1}|18446744073709551615|78ff5c"#,
        ]
    );
    assert_eq!(
        catalog.select("SELECT datetime(ctime, 'unixepoch') FROM observations LIMIT 1"),
        ["1970-01-01 00:00:12"]
    );
    let stored = vec![BlobHash::from_bytes([0xab; 32]), BlobHash::from_bytes([1; 32])];
    let settled = mama_ports::repository::SettleBatch { stored, ..Default::default() };
    block_on(catalog.settle(&settled)).unwrap();
    let hex = "01".repeat(32);
    let line = "SELECT concat_ws('|', hash, size, storage_path, first_seen) FROM blobs ORDER BY hash LIMIT 1";
    assert_eq!(catalog.select(line), [format!("{hex}|1|blobs/01/01/{hex}|2.000000000")]);
    let line = "SELECT concat_ws('|', meta, numbers, extractor, metadata_at, metadata_error) FROM blobs ORDER BY hash LIMIT 1";
    assert_eq!(catalog.select(line), [r#"{"a":1}|{"a":2}|test 1/1|-0.500000000"#]);
}

#[test]
fn the_seen_scan_time_follows_the_root_until_the_row_leaves_it() {
    let catalog = InFile::new();
    let begin = |at| block_on(catalog.begin(&here(), Timestamp::new(at, 0))).unwrap().scan;
    let finish = |scan, at| block_on(catalog.finish(scan, Timestamp::new(at, 0))).unwrap();
    let times = || {
        catalog.select("SELECT filename || ' ' || CAST(scan_time AS INTEGER) FROM observations ORDER BY id")
    };
    let first = begin(10);
    block_on(catalog.record(&batch(first, 11, &[("", b"x"), ("", b"gone"), ("", b"held"), ("", b"old")])))
        .unwrap();
    finish(first, 19);
    assert_eq!(times(), ["x 11", "gone 11", "held 11", "old 11"], "its own time is the later one");
    finish(begin(20), 29);
    assert_eq!(times(), ["x 20", "gone 20", "held 20", "old 20"]);

    let third = begin(30);
    let known = block_on(catalog.remembered(third, &[RelPath::root()])).unwrap().remove(0).files;
    let id = |name: &[u8]| known.iter().find(|file| file.name.as_bytes() == name).unwrap().id;
    let mut change = batch(third, 31, &[]);
    (change.gone, change.held) = (vec![id(b"gone")], vec![id(b"held")]);
    change.sightings = batch(third, 31, &[("", b"old")]).sightings;
    block_on(catalog.record(&change)).unwrap();
    finish(third, 39);
    finish(begin(40), 49);
    assert_eq!(times(), ["x 40", "gone 20", "held 20", "old 20", "old 40"]);
    let fifth = begin(50);
    let mut change = batch(fifth, 51, &[]);
    change.gone = vec![id(b"held")];
    block_on(catalog.record(&change)).unwrap();
    assert_eq!(times()[2], "held 20", "what was held was not confirmed by the scans since");
    assert_eq!(
        catalog.select("SELECT gone_at FROM observations WHERE gone_at IS NOT NULL"),
        ["31.000000000", "51.000000000"]
    );
}

#[test]
fn an_unchanged_rescan_writes_two_rows() {
    let catalog = InFile::new();
    let scan = block_on(catalog.begin(&here(), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 1, &[("", b"x")]))).unwrap();
    block_on(catalog.finish(scan, Timestamp::new(2, 0))).unwrap();
    let dump = || catalog.select("SELECT hex(name) || seen_s || open FROM observation");
    let before = dump();
    let scan = block_on(catalog.begin(&here(), Timestamp::new(3, 0))).unwrap().scan;
    block_on(catalog.finish(scan, Timestamp::new(4, 0))).unwrap();
    assert_eq!(dump(), before);
    assert_eq!(catalog.select("SELECT count(*) || '' FROM scan"), ["2"]);
}

#[test]
fn a_catalog_is_there_again_when_it_is_opened_again() {
    let InFile { catalog, folder } = InFile::new();
    let file = folder.path().join("catalog.sqlite");
    let id = ArchiveId::from_bytes([7; 16]);
    block_on(catalog.bind(&id)).unwrap();
    drop(catalog);
    assert!(!file.with_extension("sqlite-wal").exists(), "closing copies the log");
    let catalog = Sqlite::open_existing(&file).unwrap();
    assert_eq!(block_on(catalog.archive()).unwrap(), Some(id));
    assert_eq!(block_on(catalog.schema_version()).unwrap(), LAST);
}

#[test]
fn two_handles_write_one_file() {
    let first = InFile::new();
    let second = Sqlite::open(&first.file()).unwrap();
    let write = |catalog: &Sqlite, host: &str| {
        let root = ScanRoot { host: HostName::parse(host).unwrap(), ..here() };
        let scan = block_on(catalog.begin(&root, Timestamp::new(1, 0))).unwrap().scan;
        let names: Vec<String> = (1..=200).map(|number| number.to_string()).collect();
        names.iter().fold(Recorded::default(), |sum, name| {
            let recorded = block_on(catalog.record(&batch(scan, 1, &[("", name.as_bytes())]))).unwrap();
            Recorded { new_blobs: sum.new_blobs + recorded.new_blobs, ..recorded }
        })
    };
    let sums = std::thread::scope(|threads| {
        let other = threads.spawn(|| write(&second, "bert"));
        [write(&first, "anna"), other.join().unwrap()]
    });
    assert_eq!(sums.iter().map(|sum| sum.new_blobs).sum::<u64>(), 1);
    assert_eq!(block_on(first.open(Scope::WithPending)).unwrap(), 400);
    assert_eq!(block_on(second.contests(Scope::WithPending, None, PageSize(1_000))).unwrap().len(), 200);
}

#[test]
fn reset_forgets_all_but_the_archive() {
    let catalog = InFile::new();
    let id = ArchiveId::from_bytes([7; 16]);
    block_on(catalog.bind(&id)).unwrap();
    let scan = block_on(catalog.begin(&here(), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 1, &[("a/b/c", b"x"), ("a", b"y")]))).unwrap();
    enrich(&catalog, 2);
    let before = block_on(catalog.inspect()).unwrap();
    let rows = [
        ("act_item", 0),
        ("act", 0),
        ("sidecar", 0),
        ("observation", 2),
        ("meta", 2),
        ("blob", 2),
        ("folder", 4),
        ("scan", 1),
        ("root", 1),
        ("archive", 1),
    ];
    assert_eq!(before.tables, rows);
    assert!(before.bytes > 0 && before.log_bytes > 0 && before.schema_version == LAST);
    block_on(catalog.reset()).unwrap();
    let after = block_on(catalog.inspect()).unwrap();
    assert_eq!(
        after.tables.iter().map(|&(_, rows)| rows).collect::<Vec<_>>(),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    );
    assert_eq!(block_on(catalog.archive()).unwrap(), Some(id));
}

#[test]
fn a_catalog_that_is_not_there_is_not_made_by_asking() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.sqlite");
    assert!(matches!(Sqlite::open_existing(&file), Err(OpenError::NotFound { .. })));
    assert!(!file.exists());
    assert!(matches!(Sqlite::open(&folder.path().join("no/folder")), Err(OpenError::Refused { .. })));
}

/// Opens a catalog that is not as it should be; its bytes must stay what they were.
fn refused(file: &Path) -> OpenError {
    let before = std::fs::read(file).unwrap();
    let error = Sqlite::open(file).unwrap_err();
    assert_eq!(std::fs::read(file).unwrap(), before, "a refused file was changed");
    error
}

#[test]
fn what_is_no_catalog_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "no database, ".repeat(1_000)).unwrap();
    assert!(matches!(refused(&text), OpenError::Foreign { .. }));
    let foreign = folder.path().join("foreign.sqlite");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE bookmarks (url)").unwrap();
    assert!(matches!(refused(&foreign), OpenError::Foreign { .. }));
}

fn tampered(sql: &str) -> (TempDir, OpenError) {
    let InFile { catalog, folder } = InFile::new();
    drop(catalog);
    let file = folder.path().join("catalog.sqlite");
    Connection::open(&file).unwrap().execute_batch(sql).unwrap();
    let error = refused(&file);
    (folder, error)
}

#[test]
fn a_newer_or_altered_schema_is_refused_unchanged() {
    let later = LAST + 1;
    let (_folder, error) = tampered(&format!("INSERT INTO migration VALUES ({later}, 'later', 'x', 0)"));
    assert!(
        matches!(error, OpenError::Newer { found, known, .. } if (found, known) == (later, LAST)),
        "{error:?}"
    );
    assert!(error.to_string().contains("newer mama"), "{error}");
    let (_folder, error) = tampered("UPDATE migration SET checksum = 'x'");
    assert!(matches!(error, OpenError::Altered { number: 1, .. }), "{error:?}");
}

#[test]
fn impossible_values_are_damage() {
    let catalog = InFile::new();
    let scan = block_on(catalog.begin(&here(), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 1, &[("", b"x")]))).unwrap();
    let connection = Connection::open(catalog.file()).unwrap();
    for damage in ["name = x'2f'", "mtime_n = -1", "status = 'lost'", "size = -1"] {
        connection.execute_batch(&format!("UPDATE observation SET {damage}")).unwrap();
        let error = block_on(catalog.contests(Scope::WithPending, None, PageSize(9))).unwrap_err();
        assert!(matches!(error, RepositoryError::Corrupt { .. }), "{damage}: {error:?}");
        let undo = "UPDATE observation SET name = x'78', mtime_n = 0, status = 'pending', size = 1";
        connection.execute_batch(undo).unwrap();
    }
}

#[test]
fn a_full_disk_is_told_apart() {
    let catalog = Sqlite::in_memory().unwrap();
    block_on(
        catalog
            .write("limit the catalog", |catalog| Ok(catalog.pragma_update(None, "max_page_count", 40)?)),
    )
    .unwrap();
    let scan = block_on(catalog.begin(&here(), Timestamp::new(1, 0))).unwrap().scan;
    let names: Vec<String> = (0..200).map(|number| "x".repeat(200) + &number.to_string()).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|name| ("", name.as_bytes())).collect();
    let error = block_on(catalog.record(&batch(scan, 1, &files))).unwrap_err();
    assert!(matches!(error, RepositoryError::Full { .. }), "{error:?}");
    assert_eq!(block_on(catalog.open(Scope::WithPending)).unwrap(), 0, "nothing of the batch was written");
}

#[test]
fn a_busy_catalog_may_be_asked_again() {
    let catalog = InFile::new();
    let hurry = |catalog: &rusqlite::Transaction<'_>| Ok(catalog.busy_timeout(std::time::Duration::ZERO)?);
    block_on(catalog.write("hurry", hurry)).unwrap();
    let other = Connection::open(catalog.file()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = block_on(catalog.begin(&here(), Timestamp::new(1, 0))).unwrap_err();
    assert!(matches!(error, RepositoryError::Unavailable { doing: "begin a scan", .. }), "{error:?}");
    assert_eq!(block_on(catalog.open(Scope::WithPending)).unwrap(), 0, "reading does not wait for a writer");
    other.execute_batch("ROLLBACK").unwrap();
    block_on(catalog.begin(&here(), Timestamp::new(1, 0))).unwrap();
}

#[test]
fn a_new_catalog_may_be_opened_by_several_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("catalog.sqlite");
    let versions = std::thread::scope(|threads| {
        let open = || block_on(Sqlite::open(&file).unwrap().schema_version()).unwrap();
        let openers: Vec<_> = (0..8).map(|_| threads.spawn(open)).collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(versions, [LAST; 8]);
}

#[test]
fn a_catalog_of_the_first_schema_is_brought_up_to_date() {
    let InFile { catalog, folder } = InFile::new();
    let file = folder.path().join("catalog.sqlite");
    drop(catalog);
    let older = rusqlite::Connection::open(&file).unwrap();
    let views = "DROP VIEW blobs; DROP VIEW observations;";
    let tables = [
        "lease",
        "manifest",
        "act_item",
        "act",
        "sidecar",
        "observation",
        "meta",
        "blob",
        "folder",
        "scan",
        "root",
        "archive",
    ]
    .map(|table| format!("DROP TABLE {table};"))
    .concat();
    let first = include_str!("../../../migrations/sqlite/0001_first.sql");
    let undone = format!(
        "{views} {tables} DELETE FROM migration WHERE number > 1; {first}
         INSERT INTO blob (hash, size, first_seen_s, first_seen_n) VALUES (zeroblob(32), 1, 7, 5);
         INSERT INTO blob (hash, size, first_seen_s, first_seen_n) VALUES (randomblob(32), 1, 0, 0);
         INSERT INTO meta (blob, doc) VALUES (1, '{{}}')"
    );
    older.execute_batch(&undone).unwrap();
    drop(older);
    let catalog = Sqlite::open_existing(&file).unwrap();
    assert_eq!(block_on(catalog.schema_version()).unwrap(), LAST);
    assert!(block_on(catalog.lease()).unwrap().is_some());
    assert!(block_on(catalog.generations()).unwrap().is_unsaved);
    let blobs = block_on(catalog.unsaved(PageSize(9))).unwrap().rows.blobs;
    let looks: Vec<_> = blobs.into_iter().map(|row| row.record.look).collect();
    let unknown = Look { by: ExtractorId::unknown(), at: Timestamp::new(7, 5), error: None };
    assert_eq!(looks, [Some(unknown), None], "metadata without its extractor is by an unknown one");
}
