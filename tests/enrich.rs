//! Metadata of a machine in memory: found once, recorded in batches, and looked for again only if there is a reason.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use mama_adapters::fs::memory::Fault;
use mama_domain::archive::SourceTrees;
use mama_domain::enrich::{Enrich, EnrichReport, LazyExtractor};
use mama_domain::scan::{ScanReport, ScanTarget};
use mama_ports::content::{ExtractError, Hint, MetadataExtractor, MimeDetector};
use mama_ports::enrichment::{ContentCursor, Enriched, Enrichment, Lacking, Wanted};
use mama_ports::filesystem::ReadHandle;
use mama_ports::repository::{PageSize, Repo, Repository, RepositoryError};
use mama_ports::vocab::{
    BlobRecord, ExtractorId, MetaDoc, Mime, ObservationId, ScanId, ScanRoot, SourceKind, Timestamp,
};
use mama_tests::world::{World, hash_of, host_name, path};
use pollster::block_on;

/// Says of each content what its bytes are, and remembers what it was asked; fails on what starts with `x`, and breaks on what starts with `!`.
#[derive(Default)]
struct Reader {
    version: &'static str,
    asked: Mutex<Vec<(String, String)>>,
}

impl Reader {
    fn new(version: &'static str) -> Arc<Self> {
        Arc::new(Self { version, asked: Mutex::default() })
    }

    /// The contents that it was asked about since, in order.
    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().drain(..).map(|(content, _)| content).collect()
    }
}

impl MetadataExtractor for Reader {
    fn identity(&self) -> ExtractorId {
        ExtractorId::new("reader", self.version, 1)
    }

    fn extract(&self, content: &mut dyn ReadHandle, hint: &Hint) -> Result<Option<MetaDoc>, ExtractError> {
        let mut text = String::new();
        content.read_to_string(&mut text).map_err(ExtractError::Failed)?;
        self.asked.lock().unwrap().push((text.clone(), hint.name.to_string()));
        match text.bytes().next() {
            Some(b'x') => Err(ExtractError::TimedOut { seconds: 30 }),
            Some(b'!') => Err(ExtractError::Unavailable(std::io::Error::other("out of processes"))),
            Some(b'-') => Ok(None),
            _ => Ok(MetaDoc::from_json(&format!(r#"{{"Reader{}:Text":{text:?}}}"#, self.version))),
        }
    }
}

fn run(enrich: &Enrich, below: &[&str]) -> EnrichReport {
    let mut report = EnrichReport::default();
    let below: Vec<_> = below.iter().map(|at| path(at)).collect();
    block_on(enrich.run(&below, &mut report)).unwrap();
    report
}

fn target(root: &str) -> ScanTarget {
    let root = ScanRoot { host: host_name("anna"), basedir: path(root), kind: SourceKind::Existing };
    ScanTarget { root, excludes: Vec::new(), archive: None, new_disk: false }
}

fn scan_beside(world: &World, enrich: &Enrich) -> (ScanReport, EnrichReport) {
    let (mut report, mut enriched) = (ScanReport::default(), EnrichReport::default());
    let scan = world.scanner();
    block_on(scan.run_beside(enrich, &target("/photos"), &mut report, &mut enriched)).unwrap();
    (report, enriched)
}

fn record(world: &World, content: &str) -> BlobRecord {
    let rows = world.rows().blobs;
    rows.into_iter().map(|row| row.record).find(|record| record.hash == hash_of(content.as_bytes())).unwrap()
}

fn doc(world: &World, content: &str) -> Option<String> {
    record(world, content).meta.map(|doc| doc.to_json())
}

#[test]
fn a_failing_extractor_never_keeps_a_file_out_and_is_not_asked_again() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/x.jpg", "x");
    world.write("/photos/copy of a.jpg", "a");
    world.write("/photos/-.txt", "-");
    let reader = Reader::new("1");
    let enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
    let (report, enriched) = scan_beside(&world, &enrich);
    assert_eq!((report.new_observations, report.with_metadata, report.errors), (4, 2, 0));
    assert_eq!((enriched.contents, enriched.with_metadata, enriched.metadata_failures), (3, 1, 1));
    let [trouble] = &world.troubles()[..] else { panic!("one warning") };
    assert_eq!(trouble.path, path("/photos/x.jpg"));
    assert_eq!(reader.asked().len(), 3, "each content once");
    let look = record(&world, "x").look.unwrap();
    assert_eq!(look.by.as_str(), "reader 1/1");
    assert!(look.error.unwrap().contains("longer than 30 s"));
    assert_eq!(doc(&world, "-").unwrap(), "{}");

    let (report, enriched) = scan_beside(&world, &enrich);
    assert_eq!(
        (report.unchanged, enriched),
        (4, EnrichReport { seconds: enriched.seconds, ..EnrichReport::default() })
    );
    assert_eq!(run(&enrich, &[]).contents, 0);
    assert_eq!(reader.asked(), [""; 0]);
    let without = Enrich { extractor: Arc::new(LazyExtractor::new(Box::new(|| None))), ..enrich };
    let pending = block_on(without.pending(&[], Timestamp::new(0, 0))).unwrap();
    assert_eq!(pending, 0, "nor does it wait for an extractor that is not there");
}

#[test]
fn an_extractor_is_started_only_when_something_is_lacking() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/x.jpg", "x");
    let scan_with = |version: &'static str| {
        let is_started = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_started);
        let start: Box<dyn FnOnce() -> Option<Arc<dyn MetadataExtractor>> + Send> = Box::new(move || {
            seen.store(true, Ordering::Relaxed);
            Some(Reader::new(version))
        });
        let enrich =
            Enrich { extractor: Arc::new(LazyExtractor::new(start)), ..world.enricher(Reader::new(version)) };
        let (_, enriched) = scan_beside(&world, &enrich);
        assert_eq!(block_on(enrich.pending(&[], Timestamp::new(0, 0))).unwrap(), 0);
        (is_started.load(Ordering::Relaxed), enriched.contents)
    };
    assert_eq!(scan_with("1"), (true, 2));
    assert_eq!(scan_with("1"), (true, 0), "one gave up on x, and who is there may be another");
    world.disk.remove("/photos/x.jpg");
    assert_eq!(scan_with("1"), (false, 0));
    world.write("/photos/copy of a.jpg", "a");
    assert_eq!(scan_with("1"), (false, 0), "a copy of what is known");
    world.write("/photos/b.jpg", "b");
    assert_eq!(scan_with("1"), (true, 1));
}

#[test]
fn what_was_scanned_without_an_extractor_is_looked_into_later() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b/b.jpg", "b");
    world.write("/music/c.mp3", "c");
    world.scan("/photos").unwrap();
    world.scan("/music").unwrap();
    assert_eq!(block_on(world.catalog.totals()).unwrap().unlooked, 3);
    let reader = Reader::new("1");
    let enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
    assert_eq!(run(&enrich, &["/photos/b"]).contents, 1);
    let (report, enriched) = scan_beside(&world, &enrich);
    assert_eq!((report.unchanged, report.with_metadata, enriched.contents), (2, 0, 1));
    assert_eq!(run(&enrich, &[]).contents, 1);
    assert_eq!(reader.asked(), ["b", "a", "c"]);
    assert_eq!(block_on(world.catalog.totals()).unwrap().unlooked, 0);
}

#[test]
fn what_is_found_while_it_is_hashed_stays_until_somebody_takes_his_time() {
    let world = World::new();
    for (name, content) in [("a", "a"), ("copy of a", "a"), ("x", "x"), ("nothing", "-")] {
        world.write(&format!("/photos/{name}"), content);
    }
    let quick = Reader::new("quick");
    let mut scan = world.scanner();
    scan.quick = Some(Arc::clone(&quick) as Arc<dyn MetadataExtractor>);
    let mut report = ScanReport::default();
    block_on(scan.run(&target("/photos"), &mut report)).unwrap();
    assert_eq!((report.new_observations, report.with_metadata, report.errors), (4, 2, 0));
    assert!(world.troubles().is_empty(), "what it fails on is left to others");
    assert_eq!(doc(&world, "a").unwrap(), r#"{"Readerquick:Text":"a"}"#);
    assert_eq!((record(&world, "a").look, doc(&world, "x"), doc(&world, "-")), (None, None, None));

    let reader = Reader::new("1");
    assert_eq!(run(&world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>), &[]).contents, 3);
    assert_eq!(doc(&world, "a").unwrap(), r#"{"Reader1:Text":"a"}"#);
    world.write("/photos/again", "a");
    quick.asked();
    let mut report = ScanReport::default();
    block_on(scan.run(&target("/photos"), &mut report)).unwrap();
    assert_eq!((report.unchanged, report.with_metadata, quick.asked()), (4, 1, vec!["a".to_owned()]));
    assert_eq!(doc(&world, "a").unwrap(), r#"{"Reader1:Text":"a"}"#);
}

/// Gives up on all there is.
struct GivesUp;

impl MetadataExtractor for GivesUp {
    fn identity(&self) -> ExtractorId {
        ExtractorId::new("reader", "1", 1)
    }

    fn extract(&self, _: &mut dyn ReadHandle, _: &Hint) -> Result<Option<MetaDoc>, ExtractError> {
        Err(ExtractError::TimedOut { seconds: 30 })
    }
}

#[test]
fn what_is_found_while_it_is_hashed_stays_if_the_extractor_gives_up() {
    let world = World::new();
    world.write("/photos/a", "a");
    let mut scan = world.scanner();
    scan.quick = Some(Reader::new("quick") as Arc<dyn MetadataExtractor>);
    block_on(scan.run(&target("/photos"), &mut ScanReport::default())).unwrap();
    assert_eq!(doc(&world, "a").unwrap(), r#"{"Readerquick:Text":"a"}"#);
    assert_eq!(run(&world.enricher(Arc::new(GivesUp)), &[]).metadata_failures, 1);
    assert_eq!(doc(&world, "a").unwrap(), r#"{"Readerquick:Text":"a"}"#, "better than nothing");
    assert!(record(&world, "a").look.unwrap().error.is_some());
}

#[test]
fn a_refresh_does_again_what_another_extractor_did_and_what_failed() {
    let world = World::new();
    for content in ["a", "x"] {
        world.write(&format!("/photos/{content}"), content);
    }
    let old = Reader::new("1");
    scan_beside(&world, &world.enricher(Arc::clone(&old) as Arc<dyn MetadataExtractor>));
    world.write("/photos/b", "b");
    let new = Reader::new("2");
    let mut enrich = world.enricher(Arc::clone(&new) as Arc<dyn MetadataExtractor>);
    scan_beside(&world, &enrich);
    assert_eq!(
        new.asked(),
        ["b", "x"],
        "another extractor tries what one gave up on, and leaves what was found"
    );
    enrich.again = true;
    world.wait(1);
    assert_eq!(run(&enrich, &[]).contents, 2);
    assert_eq!(new.asked(), ["a", "x"]);
    assert_eq!(doc(&world, "a").unwrap(), r#"{"Reader2:Text":"a"}"#);
    world.wait(1);
    assert_eq!(run(&enrich, &[]).contents, 1, "what failed is tried at each request");
    let (_, enriched) = scan_beside(&world, &enrich);
    assert_eq!((enriched.contents, enriched.pending), (1, 0), "once in a run");
}

/// A catalog that is cut off after so many batches.
struct Cut {
    catalog: Arc<dyn Repository>,
    batches: Mutex<usize>,
}

#[async_trait::async_trait]
impl Enrichment for Cut {
    async fn lacking(
        &self,
        wanted: &Wanted,
        after: Option<ContentCursor>,
        limit: PageSize,
    ) -> Repo<Vec<Lacking>> {
        self.catalog.lacking(wanted, after, limit).await
    }

    async fn count_lacking(&self, wanted: &Wanted) -> Repo<u64> {
        self.catalog.count_lacking(wanted).await
    }

    async fn enrich(&self, batch: &[Enriched]) -> Repo<()> {
        let left = self.batches.lock().unwrap().checked_sub(1);
        let Some(left) = left else { return Err(RepositoryError::Corrupt { what: "cut off".to_owned() }) };
        *self.batches.lock().unwrap() = left;
        self.catalog.enrich(batch).await
    }

    async fn count_with_metadata(&self, scan: ScanId, after: Option<ObservationId>) -> Repo<u64> {
        self.catalog.count_with_metadata(scan, after).await
    }
}

#[test]
fn wherever_it_is_cut_off_it_goes_on_there_and_what_was_hashed_stays() {
    const FILES: usize = 300;
    const BATCH: usize = 64;
    for batches in 0..=FILES / BATCH {
        let world = World::new();
        for number in 0..FILES {
            world.write(&format!("/photos/{number:03}"), number.to_string());
        }
        let reader = Reader::new("1");
        let mut enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
        enrich.enrichment =
            Arc::new(Cut { catalog: Arc::clone(&world.catalog), batches: Mutex::new(batches) });
        let (mut report, mut enriched) = (ScanReport::default(), EnrichReport::default());
        block_on(world.scanner().run_beside(&enrich, &target("/photos"), &mut report, &mut enriched))
            .unwrap_err();
        assert_eq!(report.new_observations, FILES as u64, "it was hashed, and is recorded");
        assert_eq!(enriched.contents, ((batches + 1) * BATCH).min(FILES) as u64);
        reader.asked();

        let enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
        let (report, enriched) = scan_beside(&world, &enrich);
        let left = FILES - batches * BATCH;
        assert_eq!((report.unchanged, enriched.contents), (FILES as u64, left as u64), "no batch is lost");
        assert_eq!(reader.asked().len(), left);
        assert_eq!(block_on(world.catalog.totals()).unwrap().with_meta, FILES as u64);
    }
}

#[test]
fn a_file_that_is_not_what_was_hashed_is_left_to_the_next_scan() {
    let world = World::new();
    world.write("/photos/a", "before");
    world.write("/photos/touched", "the same");
    world.wait(10);
    world.scan("/photos").unwrap();
    world.write("/photos/a", "after!");
    world.disk.chmod("/photos/touched", 0o600);
    let reader = Reader::new("1");
    let enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
    let report = run(&enrich, &[]);
    assert_eq!((report.contents, report.pending), (1, 1), "only what has the bytes, whatever its times");
    assert_eq!(reader.asked(), ["the same"]);
    let (_, enriched) = scan_beside(&world, &enrich);
    assert_eq!((enriched.contents, enriched.pending), (1, 0), "the older bytes are nowhere any more");
    assert_eq!(reader.asked(), ["after!"]);
}

#[test]
fn a_file_whose_times_prove_nothing_proves_itself_by_its_bytes() {
    let world = World::new();
    world.disk.mkdirs("/photos");
    world.disk.write("/photos/a", "a");
    world.scan("/photos").unwrap();
    world.disk.write("/photos/a", "b");
    world.disk.set_mtime("/photos/a", world.disk.facts("/photos/a").unwrap().mtime);
    let reader = Reader::new("1");
    let report = run(&world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>), &[]);
    assert_eq!((report.contents, reader.asked().len()), (0, 0));
    world.disk.write("/photos/a", "a");
    assert_eq!(run(&world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>), &[]).contents, 1);
}

#[test]
fn a_file_that_changes_while_it_is_looked_into_says_nothing() {
    let prepared = || {
        let world = World::new();
        world.write("/photos/a", "first");
        world.wait(10);
        world.scan("/photos").unwrap();
        world
    };
    let steps = |world: &World| {
        let before = world.disk.steps();
        run(&world.enricher(Reader::new("1")), &[]);
        world.disk.steps() - before
    };
    for step in 0..steps(&prepared()) {
        let world = prepared();
        let edit = Fault::Meddle(Box::new(|disk| disk.write("/photos/a", "other")));
        world.disk.inject(world.disk.steps() + step, edit);
        run(&world.enricher(Reader::new("1")), &[]);
        let said = doc(&world, "first");
        assert!(
            said.is_none() || said.as_deref() == Some(r#"{"Reader1:Text":"first"}"#),
            "at step {step}: {said:?}"
        );
        run(&world.enricher(Reader::new("1")), &[]);
        assert_eq!(doc(&world, "first"), said, "at step {step}");
    }
}

#[test]
fn a_content_whose_file_is_gone_is_read_in_the_archive_under_its_name() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.disk.remove("/photos/a.jpg");
    world.scan("/photos").unwrap();
    let reader = Reader::new("1");
    let mut enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
    enrich.archive = None;
    assert_eq!(run(&enrich, &["/photos"]).contents, 1);
    let enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
    assert_eq!(run(&enrich, &["/photos"]).contents, 1);
    let asked = std::mem::take(&mut *reader.asked.lock().unwrap());
    assert_eq!(asked, [("b", "b.jpg"), ("a", "a.jpg")].map(|(it, name)| (it.to_owned(), name.to_owned())));
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn each_machine_looks_into_what_it_can_read() {
    let world = World::new();
    world.write("/photos/a", "a");
    world.write("/elsewhere/b", "b");
    world.scan("/photos").unwrap();
    world.scan_as("/elsewhere", SourceKind::Existing, "bert").unwrap();
    let reader = Reader::new("1");
    let mut enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
    let report = run(&enrich, &[]);
    assert_eq!((report.contents, report.pending), (1, 0), "the other file is not for this machine");
    enrich.sources = Arc::new(SourceTrees::new(Arc::clone(&world.fs), host_name("bert")));
    assert_eq!(run(&enrich, &[]).contents, 1);
    assert_eq!(reader.asked(), ["a", "b"]);
}

#[test]
fn a_broken_extractor_is_told_once_and_the_rest_is_left() {
    let world = World::new();
    for content in ["a", "!", "b"] {
        world.write(&format!("/photos/{content}"), content);
    }
    let reader = Reader::new("1");
    let (report, enriched) =
        scan_beside(&world, &world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>));
    assert_eq!((report.new_observations, report.errors), (3, 0));
    assert!(enriched.unavailable);
    assert_eq!(enriched.pending, 1, "nothing is held against the content");
    assert_eq!(enriched.metadata_failures, 0);
    assert_eq!(record(&world, "!").look, None);
    let warnings = world.troubles();
    assert!(warnings.len() == 1 && warnings[0].reason.contains("out of processes"), "{warnings:?}");
}

#[test]
fn what_is_scanned_after_the_extractor_broke_waits_too() {
    const FILES: u64 = 600;
    let world = World::new();
    for number in 0..FILES {
        world.write(&format!("/photos/{number}/a"), format!("!{number}"));
    }
    let (report, enriched) = scan_beside(&world, &world.enricher(Reader::new("1")));
    assert_eq!((report.new_observations, enriched.unavailable), (FILES, true));
    assert_eq!((enriched.contents, enriched.pending), (0, FILES));
}

/// Takes every content for a text.
struct Texts;

impl MimeDetector for Texts {
    fn wants(&self) -> usize {
        2
    }

    fn detect(&self, head: &[u8]) -> Option<Mime> {
        Some(Mime::new(format!("text/{}", String::from_utf8_lossy(head))))
    }
}

#[test]
fn a_type_that_is_missing_is_found_with_or_without_metadata() {
    let world = World::new();
    world.write("/photos/a", "abc");
    let reader = Reader::new("1");
    let enrich = world.enricher(Arc::clone(&reader) as Arc<dyn MetadataExtractor>);
    scan_beside(&world, &enrich);
    world.write("/photos/b", "bcd");
    let enrich = Enrich { detector: Some(Arc::new(Texts)), ..enrich };
    let (_, enriched) = scan_beside(&world, &enrich);
    assert_eq!((enriched.types, enriched.contents), (2, 1));
    assert_eq!(reader.asked(), ["abc", "bcd"], "from its first byte, whoever looked before");
    for (content, mime) in [("abc", "text/ab"), ("bcd", "text/bc")] {
        assert_eq!(record(&world, content).mime, Some(Mime::new(mime)));
    }
    assert_eq!(run(&enrich, &[]).types, 0);
}
