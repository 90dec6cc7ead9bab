//! A catalog that grows while it is used.

use std::time::{Duration, Instant};

use mama_adapters::postgres::Postgres;
use mama_ports::repository::{Catalog, PageSize, Scope, SettleBatch, Settlement, Sightings};
use mama_ports::vocab::{
    BlobHash, HostName, ObservationId, Placement, RelPath, ScanId, Standing, Status, Timestamp,
};
use mama_tests::postgres::Database;
use pollster::block_on;

use super::{batch, root};

/// Enough for the server to keep a plan: it makes five of them anew.
const BATCHES: u8 = 12;

/// One batch of files that differ from those of the others, and every question of a scan about it.
fn record_one(catalog: &Postgres, scan: ScanId, number: u8) {
    let dir = format!("d{number}/e");
    let names: Vec<[u8; 1]> = (1..=200).map(|file| [b'/' + 1 + file]).collect();
    let files: Vec<_> = names.iter().map(|name| (dir.as_str(), name.as_slice(), name[0])).collect();
    let mut batch = batch(scan, number.into(), &files);
    for file in &mut batch.blobs {
        file.hash = distinct(file.hash, number);
    }
    for file in &mut batch.sightings {
        file.hash = distinct(file.hash, number);
    }
    let hashes: Vec<_> = batch.blobs.iter().map(|blob| blob.hash).collect();
    assert!(block_on(catalog.blobs(&hashes)).unwrap().iter().all(Option::is_none));
    assert_eq!(block_on(catalog.record(&batch)).unwrap().new_observations, 200);
    let dirs = [RelPath::parse(dir.as_str()).unwrap()];
    assert_eq!(block_on(catalog.remembered(scan, &dirs)).unwrap()[0].files.len(), 200);
}

fn distinct(hash: BlobHash, number: u8) -> BlobHash {
    let mut bytes = *hash.as_bytes();
    bytes[31] = number;
    bytes[30] = 1;
    BlobHash::from_bytes(bytes)
}

/// Every question of an apply about one page, and its answer.
fn apply_one(catalog: &Postgres, after: Option<ObservationId>) -> ObservationId {
    let page = block_on(catalog.contests(Scope::WithPending, after, PageSize(100))).unwrap();
    let claims: Vec<_> = page.iter().flat_map(|contest| &contest.claims).collect();
    let stored: Vec<_> = claims.iter().map(|claim| claim.hash).collect();
    let host = HostName::parse("anna").unwrap();
    block_on(catalog.sources(&host, &stored, PageSize(2))).unwrap();
    block_on(catalog.settle(&SettleBatch { stored, ..SettleBatch::default() })).unwrap();
    let settlements = claims.iter().map(|claim| {
        let to = Standing { status: Status::Assigned, placement: Placement::Placed };
        let view = Some(claim.at.path());
        Settlement {
            id: claim.id,
            from: claim.footing(),
            to,
            open: true,
            view,
            fingerprint: None,
            doubtful: false,
        }
    });
    let settlements = settlements.collect();
    block_on(catalog.settle(&SettleBatch { settlements, ..SettleBatch::default() })).unwrap();
    let views: Vec<_> = claims.iter().map(|claim| (claim.hash, claim.at.path())).collect();
    let holders = block_on(catalog.holders(&views)).unwrap();
    assert!(holders.iter().zip(&claims).all(|(holders, claim)| *holders == [claim.at.place()]));
    claims.last().unwrap().id
}

/// A plan outlives the table that it was made for: one that reads a whole table is cheap only while there is one page of it.
#[test]
fn no_scan_and_no_apply_reads_a_table_from_end_to_end() {
    let database = Database::new();
    let scan = block_on(database.begin(&root("anna"), Timestamp::new(1, 0))).unwrap().scan;
    block_on(database.record(&batch(scan, 1, &[("", b"x", 1)]))).unwrap();
    for table in ["root", "scan", "folder", "blob", "meta", "observation"] {
        database.execute(&format!("VACUUM ANALYZE {table}"));
    }
    database.execute("SELECT pg_stat_reset()");
    let catalog = block_on(Postgres::connect(&database.url())).unwrap();
    let scan = block_on(catalog.begin(&root("anna"), Timestamp::new(2, 0))).unwrap().scan;
    (1..=BATCHES).for_each(|number| record_one(&catalog, scan, number));
    block_on(catalog.finish(scan, Timestamp::new(3, 0))).unwrap();
    (1..=BATCHES).fold(None, |after, _| Some(apply_one(&catalog, after)));
    drop(catalog);
    wait_for_counters(&database);
    let read = "SELECT relname || ': ' || seq_scan FROM pg_stat_user_tables
                WHERE relname NOT IN ('archive', 'migration') AND seq_scan > 0";
    assert_eq!(database.select(read), Vec::<String>::new(), "tables that were read from end to end");
}

/// The server hears at the end of a connection what it has done.
fn wait_for_counters(database: &Database) {
    let counted = "SELECT (n_tup_ins = 2400 AND (SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'blob') = 1200)::text
                   FROM pg_stat_user_tables WHERE relname = 'observation'";
    let deadline = Instant::now() + Duration::from_secs(30);
    while database.select(counted) != ["true"] {
        assert!(Instant::now() < deadline, "the server did not count");
        std::thread::sleep(Duration::from_millis(20));
    }
}
