//! SQLite and PostgreSQL remember the same: random traces over a few colliding names run on both, every answer is compared, and
//! at the end everything that the ports and the two readable views tell; then each is restored from the other's rows.
//!
//! `PROPTEST_CASES` sets how many traces.

#![expect(clippy::unwrap_used, reason = "the helpers of a test are tests too")]

#[path = "repository_lockstep/ops.rs"]
mod ops;
#[path = "repository_lockstep/side.rs"]
mod side;

use mama_adapters::sqlite::Sqlite;
use mama_ports::manifest::{Manifests, Rows};
use mama_ports::repository::PageSize;
use mama_tests::postgres::Database;
use pollster::block_on;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rusqlite::Connection;
use serde_json::Value;

use self::ops::op;
use self::side::Side;

/// Traces that everybody runs.
const TRACES: u32 = 64;

/// Both views as JSON, one line a row, in the words of each database: `{text}` around what one has as a number and the
/// other as text, `{flag}` around truth, `{json}` around documents.
const DUMPS: [&str; 2] = [
    "SELECT {array}(hash, size, storage_path, {text}(first_seen), mime, block_reason) FROM blobs ORDER BY hash",
    "SELECT {array}(blob_hash, hostname, basedir, relpath, filename, size, {text}(mtime), {text}(ctime),
                    {text}(scan_time), source_kind, status, {json}(meta), {text}(gone_at), placement, {flag}(current),
                    {flag}(open), {flag}(held), {flag}(racy), {text}(inode), view_path, basedir_hex, relpath_hex,
                    filename_hex) FROM observations ORDER BY id",
];

/// `jsonb` keeps the value of a number, not how it was written.
fn by_value(row: &str) -> Value {
    fn plain(value: Value) -> Value {
        match value {
            Value::Number(number) => Value::from(number.as_f64().unwrap() + 0.0),
            Value::Array(items) => items.into_iter().map(plain).collect(),
            Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, plain(value))).collect(),
            other => other,
        }
    }
    plain(serde_json::from_str(row).unwrap())
}

fn on_sqlite(file: &std::path::Path) -> Vec<Value> {
    let connection = Connection::open(file).unwrap();
    let dump = |sql: &str| {
        let sql = sql.replace("{array}", "json_array").replace("{json}", "json");
        let sql = sql.replace("{text}", "").replace("{flag}", "");
        let mut statement = connection.prepare(&sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| by_value(&row.unwrap())).collect::<Vec<_>>()
    };
    DUMPS.into_iter().flat_map(dump).collect()
}

fn on_postgres(database: &Database) -> Vec<Value> {
    let dump = |sql: &str| {
        let sql =
            sql.replace("SELECT {array}(", "SELECT json_build_array(").replace(") FROM", ")::text FROM");
        let sql = sql.replace("{json}", "").replace("{text}", "text").replace("{flag}", "int4");
        let rows = database.select(&sql);
        rows.iter().map(|row| by_value(row)).collect::<Vec<_>>()
    };
    DUMPS.into_iter().flat_map(dump).collect()
}

/// Every row, as manifests hold it.
async fn everything(catalog: &dyn Manifests) -> Rows {
    catalog.explain_anew().await.unwrap();
    catalog.unsaved(PageSize(u32::MAX)).await.unwrap().rows
}

#[test]
fn sqlite_and_postgres_agree() {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = TRACES;
    }
    let folder = tempfile::TempDir::new_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let file = folder.path().join("catalog.sqlite");
    let (sqlite, postgres) = (Sqlite::open(&file).unwrap(), Database::new());
    let run = |trace: Vec<ops::Op>| {
        block_on(async {
            sqlite.reset().await.unwrap();
            postgres.reset().await.unwrap();
            let (mut first, mut second) = (Side::new(&sqlite), Side::new(&*postgres));
            for op in &trace {
                let expected = first.run(op).await;
                prop_assert_eq!(second.run(op).await, expected, "{:?}", op);
            }
            prop_assert_eq!(second.everything().await, first.everything().await);
            let kept = on_sqlite(&file);
            prop_assert_eq!(on_postgres(&postgres), &*kept);
            // no manifest has them: the next scan tells them again
            Connection::open(&file).unwrap().execute("DELETE FROM sidecar", []).unwrap();
            let kept = on_sqlite(&file);
            let rows = everything(&sqlite).await;
            postgres.reset().await.unwrap();
            postgres.restore(&rows).await.unwrap();
            prop_assert_eq!(on_postgres(&postgres), &*kept, "restored from SQLite");
            prop_assert_eq!(&everything(&*postgres).await, &rows);
            sqlite.reset().await.unwrap();
            sqlite.restore(&rows).await.unwrap();
            prop_assert_eq!(on_sqlite(&file), kept, "restored from PostgreSQL");
            Ok(())
        })
    };
    TestRunner::new(config).run(&prop::collection::vec(op(), 1..40), run).unwrap();
}
