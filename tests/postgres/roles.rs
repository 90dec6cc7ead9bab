//! The roles that docs/operations.md recommends: each may do its work, and nothing more.

use std::fs;
use std::path::Path;

use mama_adapters::postgres::{OpenError, Postgres};
use mama_ports::conformance::repository::decide;
use mama_ports::enrichment::{Enriched, Enrichment, Looked, Wanted, WantedMetadata};
use mama_ports::manifest::{Manifests, Mark, Receipt};
use mama_ports::repository::{
    Catalog, Confirmation, Decision, PageSize, Repo, Scope, SettleBatch, Settled, Settlement, Sightings,
};
use mama_ports::vocab::{
    ArchiveId, BlobHash, BlockReason, ExtractorId, Fingerprint, MetaDoc, Mime, ObservationId, Placement,
    RelPath, Standing, Status, Timestamp,
};
use mama_tests::postgres::Database;
use pollster::block_on;

use super::{batch, root};

/// The blocks of SQL in the section on roles, in their order: what the administrator runs, and what the owner runs.
fn recommended() -> [String; 2] {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let text = fs::read_to_string(file).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with("Roles\n")).unwrap();
    let blocks: Vec<&str> =
        section.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    blocks.iter().map(|block| (*block).to_owned()).collect::<Vec<_>>().try_into().unwrap()
}

/// A database with the recommended roles, under names of its own: roles are the whole server's.
struct Guarded {
    database: Database,
    prefix: String,
}

impl Guarded {
    fn new() -> Self {
        let database = Database::empty();
        let guarded = Self { prefix: database.name().replace("test", "role"), database };
        let [first, grants] = recommended().map(|sql| guarded.renamed(&sql));
        guarded.database.execute(&first);
        guarded.migrate();
        let owner = guarded.name("owner");
        guarded.database.execute(&format!("SET ROLE {owner}; {grants}"));
        // Another time is as good as once: after an upgrade both are run again.
        guarded.database.execute(&format!("SET ROLE {owner}; {grants}"));
        guarded
    }

    fn name(&self, role: &str) -> String {
        format!("{}_{role}", self.prefix)
    }

    fn renamed(&self, sql: &str) -> String {
        ["owner", "read", "scan", "apply"]
            .iter()
            .fold(sql.to_owned(), |sql, role| sql.replace(&format!("mama_{role}"), &self.name(role)))
    }

    fn address(&self, role: &str) -> String {
        let user = format!("postgres://{}@", self.name(role));
        self.database.url().replacen("postgres://postgres@", &user, 1)
    }

    fn migrate(&self) {
        for refused in ["scan", "apply", "read"] {
            let error = block_on(Postgres::connect(&self.address(refused))).unwrap_err();
            assert!(matches!(error, OpenError::MayNotMigrate { .. }), "{refused}: {error:?}");
        }
        block_on(Postgres::migrate(&self.address("owner"))).unwrap();
    }

    fn open(&self, role: &str) -> Postgres {
        block_on(Postgres::connect(&self.address(role))).unwrap()
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        let names: Vec<_> = ["apply", "scan", "read", "owner"].map(|role| self.name(role)).into();
        let names = names.join(", ");
        self.database.execute(&format!("DROP OWNED BY {names}; DROP ROLE {names}"));
    }
}

/// Two scans in which files come, stay, change, vanish, are out of reach and return.
fn scan_all_there_is(catalog: &Postgres) -> ObservationId {
    let begin = |at| block_on(catalog.begin(&root("anna"), Timestamp::new(at, 0))).unwrap().scan;
    let scan = begin(1);
    let files = [("d", b"a".as_slice(), 1), ("d", b"b", 2), ("d/e", b"c", 3), ("f", b"g", 4)];
    block_on(catalog.record(&batch(scan, 1, &files))).unwrap();
    block_on(catalog.finish(scan, Timestamp::new(2, 0))).unwrap();
    let scan = begin(3);
    let dirs = ["d", "d/e"].map(|dir| RelPath::parse(dir).unwrap());
    let known = block_on(catalog.remembered(scan, &dirs)).unwrap();
    block_on(catalog.contents_of(&[known[0].files[0].id])).unwrap();
    let mut next = batch(scan, 3, &[("d", b"a", 5)]);
    next.blobs[0].mime = Some(Mime::new("image/jpeg"));
    next.gone = vec![known[0].files[1].id];
    next.held_below = vec![dirs[1].clone()];
    next.gone_below = vec![RelPath::parse("f").unwrap()];
    block_on(catalog.record(&next)).unwrap();
    let mut last = batch(scan, 4, &[]);
    let fingerprint = Fingerprint { inode: 7, ..known[0].files[1].fingerprint };
    last.confirmed = vec![Confirmation { id: known[0].files[1].id, fingerprint, racy: false }];
    // A content without a type gets one.
    last.blobs = batch(scan, 4, &[("d", b"x", 2)]).blobs;
    last.blobs[0].mime = Some(Mime::new("image/png"));
    block_on(catalog.record(&last)).unwrap();
    block_on(catalog.finish(scan, Timestamp::new(5, 0))).unwrap();
    assert!(
        block_on(catalog.blobs(&[BlobHash::from_bytes([2; 32])])).unwrap()[0]
            .as_ref()
            .unwrap()
            .mime
            .is_some()
    );
    block_on(catalog.totals()).unwrap();
    block_on(catalog.inspect()).unwrap();
    enrich_all_there_is(catalog);
    known[0].files[1].id
}

/// Metadata fails, comes, is read again and fails.
fn enrich_all_there_is(catalog: &Postgres) {
    let by = |version| ExtractorId::new("test", version, 1);
    let metadata = Some(WantedMetadata::By { extractor: by("1"), again_before: None });
    let host = root("anna").host;
    let wanted = Wanted { host, has_archive: true, below: Vec::new(), metadata, mime: true };
    let content = block_on(catalog.lacking(&wanted, None, PageSize(1))).unwrap().remove(0);
    assert!(block_on(catalog.count_lacking(&wanted)).unwrap() > 0);
    let doc = |text| MetaDoc::from_json(text).unwrap();
    let found = |text| Ok(doc(text).with_numbers(doc(r#"{"a":1}"#).entries().clone()));
    let looks = [
        ("0", Err("hung".to_owned())),
        ("1", found(r#"{"a":"one"}"#)),
        ("2", found(r#"{"a":"1.0"}"#)),
        ("3", Err("hung".to_owned())),
    ];
    for (version, found) in looks {
        let looked = Some(Looked { by: by(version), at: Timestamp::new(6, 0), found });
        let enriched = Enriched { hash: content.hash, mime: Some(Mime::new("text/plain")), looked };
        block_on(catalog.enrich(&[enriched])).unwrap();
    }
}

fn settlements(catalog: &Postgres) -> SettleBatch {
    let page = block_on(catalog.contests(Scope::WithPending, None, PageSize(50))).unwrap();
    let claim = page.iter().flat_map(|contest| &contest.claims).find(|claim| claim.current).unwrap();
    let settlement = Settlement {
        id: claim.id,
        from: claim.footing(),
        to: Standing { status: Status::Assigned, placement: Placement::Placed },
        open: false,
        view: Some(RelPath::parse("x").unwrap()),
        fingerprint: None,
        doubtful: false,
    };
    SettleBatch { settlements: vec![settlement], ..SettleBatch::default() }
}

fn assert_denied<T: std::fmt::Debug>(answer: Repo<T>) {
    let error = answer.unwrap_err();
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains("permission denied"), "{error:?}");
}

const MARK: Mark = Mark { generation: 1, digest: BlobHash::from_bytes([1; 32]) };

fn block(hash: BlobHash) -> Decision {
    Decision::Block { hash, from: None, to: Some(BlockReason::Blocked) }
}

#[test]
fn a_host_that_scans_may_scan_and_neither_settle_nor_decide() {
    let guarded = Guarded::new();
    let catalog = guarded.open("scan");
    let id = scan_all_there_is(&catalog);
    let content = BlobHash::from_bytes([1; 32]);
    assert_denied(block_on(catalog.lease()));
    assert_denied(block_on(catalog.settle(&settlements(&catalog))));
    let stored = SettleBatch { stored: vec![content], ..SettleBatch::default() };
    assert_denied(block_on(catalog.settle(&stored)));
    let damaged = SettleBatch { damaged: vec![content], ..SettleBatch::default() };
    assert_denied(block_on(catalog.settle(&damaged)));
    let retarget = Decision::Retarget { id, from: Status::Pending, to: Status::Ignored };
    assert_denied(block_on(decide(&catalog, &[retarget])));
    assert_denied(block_on(decide(&catalog, &[block(content)])));
    assert_denied(block_on(catalog.bind(&ArchiveId::from_bytes([1; 16]))));
    assert_denied(block_on(catalog.saved(None, &MARK, &Receipt::default())));
    assert_denied(block_on(catalog.reset()));
}

#[test]
fn the_host_of_the_archive_may_scan_settle_and_decide_and_not_empty_the_catalog() {
    let guarded = Guarded::new();
    let catalog = guarded.open("apply");
    block_on(catalog.bind(&ArchiveId::from_bytes([1; 16]))).unwrap();
    let id = scan_all_there_is(&catalog);
    let content = BlobHash::from_bytes([1; 32]);
    let lease = block_on(catalog.lease()).unwrap().unwrap();
    let under = Some(lease.epoch);
    let batch = SettleBatch { under, stored: vec![content], ..settlements(&catalog) };
    assert_eq!(block_on(catalog.settle(&batch)).unwrap(), [Settled::Done]);
    let damaged = SettleBatch { damaged: vec![content], ..SettleBatch::default() };
    block_on(catalog.settle(&damaged)).unwrap();
    let view = batch.settlements[0].view.clone().unwrap();
    assert_eq!(block_on(catalog.holders(&[(content, view)])).unwrap().len(), 1);
    let unplaced = SettleBatch { unplaced: vec![batch.settlements[0].id], ..SettleBatch::default() };
    block_on(catalog.settle(&unplaced)).unwrap();
    let retarget = Decision::Retarget { id, from: Status::Pending, to: Status::Ignored };
    assert_eq!(block_on(decide(&catalog, &[retarget, block(content)])).unwrap(), [Settled::Done; 2]);
    block_on(catalog.explain_anew()).unwrap();
    let unsaved = block_on(catalog.unsaved(PageSize(100))).unwrap();
    block_on(catalog.intend(under, &MARK)).unwrap();
    block_on(catalog.saved(under, &MARK, &unsaved.receipt)).unwrap();
    assert!(!block_on(catalog.generations()).unwrap().is_unsaved);
    assert_denied(block_on(catalog.restore(&unsaved.rows)));
    assert_denied(block_on(catalog.reset()));
}

#[test]
fn a_reader_reads_all_and_changes_nothing() {
    let guarded = Guarded::new();
    let scan = scan_all_there_is(&guarded.open("scan"));
    let catalog = guarded.open("read");
    assert_eq!(block_on(catalog.totals()).unwrap().blobs, 5);
    let read = format!("SET ROLE {}; SELECT FROM blobs; SELECT FROM observations", guarded.name("read"));
    guarded.database.execute(&read);
    assert_denied(block_on(catalog.begin(&root("anna"), Timestamp::new(9, 0))));
    let retarget = Decision::Retarget { id: scan, from: Status::Pending, to: Status::Ignored };
    assert_denied(block_on(decide(&catalog, &[retarget])));
}

#[test]
fn the_owner_of_the_tables_may_empty_the_catalog_and_rebuild_it() {
    let guarded = Guarded::new();
    scan_all_there_is(&guarded.open("scan"));
    let owner = guarded.open("owner");
    let rows = block_on(owner.unsaved(PageSize(100))).unwrap().rows;
    block_on(owner.reset()).unwrap();
    block_on(owner.restore(&rows)).unwrap();
    block_on(owner.restored(None)).unwrap();
}
