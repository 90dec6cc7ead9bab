//! What a person with psql gets.

use mama_adapters::sqlite::Sqlite;
use mama_ports::repository::{Catalog, SettleBatch, Sightings};
use mama_ports::vocab::{ArchiveId, BlobHash, Timestamp};
use mama_tests::postgres::Database;
use pollster::block_on;
use rusqlite::Connection;

use super::{batch, enrich, root};

#[test]
fn the_views_have_the_columns_that_sqlite_has() {
    let (database, folder) = (Database::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("catalog.sqlite");
    drop(Sqlite::open(&file).unwrap());
    let sqlite = Connection::open(&file).unwrap();
    for view in ["blobs", "observations"] {
        let mut columns = sqlite.prepare(&format!("SELECT name FROM pragma_table_info('{view}')")).unwrap();
        let expected: Vec<String> =
            columns.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
        let sql = "SELECT column_name::text FROM information_schema.columns WHERE table_name = 'VIEW' ORDER BY ordinal_position";
        assert_eq!(database.select(&sql.replace("VIEW", view)), expected);
    }
}

#[test]
fn a_person_reads_names_times_and_hashes() {
    let catalog = Database::new();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    let files = [("Früh", b"a\nb".as_slice(), 1), ("", b"x\xff\\", 2)];
    block_on(catalog.record(&batch(scan, 2, &files))).unwrap();
    enrich(&*catalog, 2);
    let line = "SELECT concat_ws('|', hostname, basedir, relpath, filename, mtime, ctime, scan_time, source_kind, status,
                meta->>'a', inode, filename_hex) FROM observations ORDER BY id";
    assert_eq!(
        catalog.select(line),
        [
            "anna|/a|Früh|a\nb|-0.000000001|12.000000005|2.000000000|existing|pending|1|18446744073709551615",
            r"anna|/a||x\xff\\|-0.000000001|12.000000005|2.000000000|existing|pending|1|18446744073709551615|78ff5c",
        ]
    );
    let date = "SELECT (to_timestamp(ctime) AT TIME ZONE 'UTC')::text FROM observations LIMIT 1";
    assert_eq!(catalog.select(date), ["1970-01-01 00:00:12"]);
    let settled = SettleBatch { stored: vec![BlobHash::from_bytes([1; 32])], ..SettleBatch::default() };
    block_on(catalog.settle(&settled)).unwrap();
    let hex = "01".repeat(32);
    let line = "SELECT concat_ws('|', hash, size, storage_path, first_seen) FROM blobs ORDER BY hash LIMIT 1";
    assert_eq!(catalog.select(line), [format!("{hex}|1|blobs/01/01/{hex}|2.000000000")]);
    let line = "SELECT concat_ws('|', meta, numbers, extractor, metadata_at, metadata_error) FROM blobs ORDER BY hash LIMIT 1";
    assert_eq!(catalog.select(line), [r#"{"a": 1}|{"a": 2}|test 1/1|-0.500000000"#]);
}

#[test]
fn an_unchanged_rescan_writes_two_rows() {
    let catalog = Database::new();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 1, &[("", b"x", 1), ("b", b"y", 2)]))).unwrap();
    block_on(catalog.finish(scan, Timestamp::new(2, 0))).unwrap();
    // Which transaction wrote each row of a table last.
    let versions = |table: &str| catalog.select(&format!("SELECT xmin::text FROM {table} ORDER BY id"));
    let before = ["observation", "folder", "blob"].map(versions);
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(3, 0))).unwrap().scan;
    block_on(catalog.finish(scan, Timestamp::new(4, 0))).unwrap();
    assert_eq!(["observation", "folder", "blob"].map(versions), before);
    assert_eq!(versions("scan").len() + versions("root").len(), 3);
    assert_eq!(catalog.select("SELECT scan_time::text FROM observations"), ["3.000000000", "3.000000000"]);
}

#[test]
fn reset_forgets_all_but_the_archive() {
    let catalog = Database::new();
    let id = ArchiveId::from_bytes([7; 16]);
    block_on(catalog.bind(&id)).unwrap();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    block_on(catalog.record(&batch(scan, 1, &[("a/b/c", b"x", 1), ("a", b"y", 2)]))).unwrap();
    enrich(&*catalog, 2);
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
    assert!(before.bytes > 0 && before.schema_version > 0 && !before.server_version.is_empty());
    block_on(catalog.reset()).unwrap();
    let after = block_on(catalog.inspect()).unwrap();
    assert_eq!(
        after.tables.iter().map(|&(_, rows)| rows).collect::<Vec<_>>(),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    );
    assert_eq!(block_on(catalog.archive()).unwrap(), Some(id));
    assert!(block_on(catalog.remembered(scan, &[])).is_err(), "the scan is forgotten too");
}
