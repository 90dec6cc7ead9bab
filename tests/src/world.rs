//! One machine in memory, one catalog, one archive.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::{Arc, LazyLock, Mutex};

use mama_adapters::clock::ManualClock;
use mama_adapters::fs::memory::MemoryFs;
use mama_adapters::hash::Blake3;
use mama_adapters::sqlite::Sqlite;
use mama_adapters::volumes::MemoryVolumes;
use mama_adapters::walk::TreeWalker;
use mama_domain::apply::{Apply, ApplyReport, PAGE, PlanReport, Policy};
use mama_domain::archive::{self, Archive, ArchiveError, Identity, SourceTrees, Transfer, Transfers};
use mama_domain::curate::Curate;
use mama_domain::enrich::Enrich;
use mama_domain::explaining::{self, Position};
use mama_domain::manifest::Agreement;
use mama_domain::rebuild::{Rebuild, RebuildReport};
use mama_domain::reconcile::{Agreed, Plan, Rules};
use mama_domain::repair::{Lack, Repair, RepairReport};
use mama_domain::scan::{Scan, ScanError, ScanReport, ScanTarget};
use mama_ports::conformance::repository::decide;
use mama_ports::content::{ContentHasher, MetadataExtractor};
use mama_ports::curation::Filter;
use mama_ports::enrichment::Enrichment;
use mama_ports::events::{Event, EventSink, Trouble};
use mama_ports::filesystem::Filesystem;
use mama_ports::manifest::{Manifests, Rows};
use mama_ports::repository::{Catalog, Decision, PageSize, Repository, Scope, Settled, Sightings, Source};
use mama_ports::runtime::{Clock, Inline, Workers};
use mama_ports::vocab::{
    AbsPath, ArchiveId, BlobHash, BlockReason, Claim, HostName, ObservationId, Place, Placement, ScanRoot,
    SourceKind, Status, Timestamp,
};
use mama_ports::volumes::Volumes;
use pollster::block_on;

/// Where the archive is.
pub const ARCHIVE: &str = "/archive";

/// Everything that a scan or an apply needs, in memory and deterministic.
pub struct World {
    /// The machine.
    pub disk: MemoryFs,
    /// The catalog; it survives every crash of the machine with what it has committed.
    pub catalog: Arc<dyn Repository>,
    /// What the code under test sees of the machine; the machine itself unless something is put in between.
    pub fs: Arc<dyn Filesystem>,
    /// What lies under its folders: the machine's own disks unless something is put in their place.
    pub volumes: Arc<dyn Volumes>,
    /// What the archive verifies contents with.
    pub hasher: Arc<dyn ContentHasher>,
    /// What apply sees of the catalog's knowledge of manifests; the catalog itself unless something is put in between.
    pub manifests: fn(&Arc<dyn Repository>) -> Arc<dyn Manifests>,
    /// Whether apply promotes what is pending.
    pub auto_assign: bool,
    /// Whether superseded versions keep a view.
    pub history: bool,
    /// Places that an apply plans together.
    pub page: PageSize,
    /// How many snapshots apply keeps, if it makes them.
    pub snapshots: Option<NonZeroUsize>,
    clock: ManualClock,
    troubles: Arc<Troubles>,
}

impl World {
    /// A machine with an archive at [`ARCHIVE`], everything durable, and an empty catalog. It is the year 2020.
    pub fn new() -> Self {
        let clock = ManualClock::new(Timestamp::new(1_577_836_800, 0));
        let disk = MemoryFs::with_clock(clock.clone());
        let world = Self {
            fs: Arc::new(disk.clone()),
            volumes: Arc::new(MemoryVolumes::new(disk.clone())),
            disk,
            catalog: new_catalog(),
            manifests: |catalog| Arc::clone(catalog) as Arc<dyn Manifests>,
            hasher: Arc::new(Blake3),
            auto_assign: true,
            history: false,
            page: PAGE,
            snapshots: None,
            clock,
            troubles: Arc::default(),
        };
        archive::create(&*world.fs, &path(ARCHIVE), Identity::New(archive_id()), Arc::clone(&world.hasher))
            .expect("a new archive");
        world
    }

    /// The catalog is lost, and an empty one takes its place.
    pub fn forget(&mut self) {
        self.catalog = new_catalog();
    }

    /// The manifests are lost, or were never written.
    pub fn forget_manifests(&self) {
        let below = format!("{ARCHIVE}/{}", mama_domain::layout::manifests());
        for file in self.files_below(&below).keys() {
            self.disk.remove(format!("{below}/{file}"));
        }
    }

    /// The disk is another one.
    pub fn put_disk(&mut self, disk: &MemoryFs) {
        self.disk = disk.fork();
        self.clock = self.disk.clock();
        self.fs = Arc::new(self.disk.clone());
        self.volumes = Arc::new(MemoryVolumes::new(self.disk.clone()));
    }

    /// The owner writes a file, and time passes, so that it is not racy.
    pub fn write(&self, at: &str, bytes: impl AsRef<[u8]>) {
        if let Some((folder, _)) = at.rsplit_once('/') {
            self.disk.mkdirs(folder);
        }
        self.disk.write(at, bytes);
        self.clock.advance(10);
    }

    /// Time passes.
    pub fn wait(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    /// Scans a root of kind existing.
    pub fn scan(&self, root: &str) -> Result<ScanReport, ScanError> {
        self.scan_as(root, SourceKind::Existing, "anna")
    }

    /// Scans a root of some kind, as the machine of this name.
    pub fn scan_as(&self, root: &str, kind: SourceKind, host: &str) -> Result<ScanReport, ScanError> {
        let root = ScanRoot { host: host_name(host), basedir: path(root), kind };
        self.scan_target(root, false)
    }

    /// Scans a root of kind existing whose files have moved to another disk.
    pub fn scan_new_disk(&self, root: &str) -> Result<ScanReport, ScanError> {
        let (host, kind) = (host_name("anna"), SourceKind::Existing);
        self.scan_target(ScanRoot { host, basedir: path(root), kind }, true)
    }

    fn scan_target(&self, root: ScanRoot, new_disk: bool) -> Result<ScanReport, ScanError> {
        let mut report = ScanReport::default();
        let archive = self.disk.facts(ARCHIVE).map(|facts| facts.id);
        let target = ScanTarget { root, excludes: Vec::new(), archive, new_disk };
        block_on(self.scanner().run(&target, &mut report))?;
        Ok(report)
    }

    /// The scan use case, wired to this world.
    pub fn scanner(&self) -> Scan {
        Scan {
            sightings: Arc::clone(&self.catalog) as Arc<dyn Sightings>,
            fs: Arc::clone(&self.fs),
            walker: Arc::new(TreeWalker::new(Arc::clone(&self.fs), 0)),
            volumes: Arc::clone(&self.volumes),
            hasher: Arc::clone(&self.hasher),
            detector: None,
            quick: None,
            workers: Arc::new(Inline),
            clock: Arc::new(self.clock.clone()),
            events: Arc::clone(&self.troubles) as Arc<dyn EventSink>,
        }
    }

    /// The enrichment use case, wired to this world, as the machine `anna` that has the archive.
    pub fn enricher(&self, extractor: Arc<dyn MetadataExtractor>) -> Enrich {
        Enrich {
            enrichment: Arc::clone(&self.catalog) as Arc<dyn Enrichment>,
            sources: Arc::new(SourceTrees::new(Arc::clone(&self.fs), host_name("anna"))),
            archive: self.open_archive().ok(),
            hasher: Arc::clone(&self.hasher),
            detector: None,
            extractor: Arc::new(LazyLock::new(Box::new(|| Some(extractor)))),
            again: false,
            workers: Arc::new(Inline),
            clock: Arc::new(self.clock.clone()),
            events: Arc::clone(&self.troubles) as Arc<dyn EventSink>,
        }
    }

    /// Opens the archive and applies.
    pub fn apply(&self) -> Result<ApplyReport, Box<dyn Error>> {
        let mut report = ApplyReport::default();
        block_on(self.applier()?.run(&mut report))?;
        Ok(report)
    }

    /// Recreates the catalog, which must be empty, from the archive.
    pub fn rebuild(&self) -> Result<RebuildReport, Box<dyn Error>> {
        let rebuild = Rebuild {
            catalog: Arc::clone(&self.catalog) as Arc<dyn Catalog>,
            sightings: Arc::clone(&self.catalog) as Arc<dyn Sightings>,
            manifests: Arc::clone(&self.catalog) as Arc<dyn Manifests>,
            archive: self.open_archive()?,
            workers: Arc::new(Inline),
            clock: Arc::new(self.clock.clone()),
            events: Arc::clone(&self.troubles) as Arc<dyn EventSink>,
        };
        let mut report = RebuildReport::default();
        block_on(rebuild.run(&mut report))?;
        Ok(report)
    }

    /// Has the catalog know what the archive lacks: the report, and each content.
    pub fn repair(&self) -> Result<(RepairReport, Vec<Lack>), Box<dyn Error>> {
        let (mut report, mut found) = (RepairReport::default(), Vec::new());
        block_on(self.repairer()?.run(&mut |lack| found.push(lack.clone()), &mut report))?;
        Ok((report, found))
    }

    /// The same, changing nothing.
    pub fn look_for_damage(&self) -> Result<(RepairReport, Vec<Lack>), Box<dyn Error>> {
        let (mut report, mut found) = (RepairReport::default(), Vec::new());
        block_on(self.repairer()?.look(&mut |lack| found.push(lack.clone()), &mut report))?;
        Ok((report, found))
    }

    fn repairer(&self) -> Result<Repair, ArchiveError> {
        Ok(Repair {
            catalog: Arc::clone(&self.catalog) as Arc<dyn Catalog>,
            manifests: Arc::clone(&self.catalog) as Arc<dyn Manifests>,
            archive: self.open_archive()?,
            workers: Arc::new(Inline),
            clock: Arc::new(self.clock.clone()),
            events: Arc::clone(&self.troubles) as Arc<dyn EventSink>,
        })
    }

    /// How archive and catalog stand to each other.
    pub fn position(&self) -> Result<Position, Box<dyn Error>> {
        let workers: Arc<dyn Workers> = Arc::new(Inline);
        Ok(block_on(explaining::position(&self.open_archive()?, &*Arc::clone(&self.catalog), &workers))?)
    }

    /// Everything that the catalog knows. Afterwards, every row of it is unsaved.
    pub fn rows(&self) -> Rows {
        block_on(async {
            self.catalog.explain_anew().await.expect("a catalog in memory");
            self.catalog.unsaved(PageSize(u32::MAX)).await.expect("a catalog in memory").rows
        })
    }

    /// Plans: the report, and each page.
    pub fn plan(&self) -> (PlanReport, Vec<Plan>) {
        let mut pages = Vec::new();
        let applier = self.applier().expect("an archive");
        let report = block_on(applier.plan(&mut |page| pages.push(page.clone()))).expect("a plan");
        (report, pages)
    }

    /// Does what was agreed on, page by page.
    pub fn apply_agreed(&self, pages: Vec<Agreed>) -> Result<ApplyReport, Box<dyn Error>> {
        let mut report = ApplyReport::default();
        block_on(self.applier()?.run_agreed(&mut pages.into_iter(), &mut report))?;
        Ok(report)
    }

    /// The apply use case, wired to this world, as the machine `anna`.
    pub fn applier(&self) -> Result<Apply, ArchiveError> {
        let transfers = Transfers::from([
            (SourceKind::Existing, vec![Transfer::Clone, Transfer::Copy]),
            (SourceKind::Incoming, vec![Transfer::Clone, Transfer::Link, Transfer::Copy]),
        ]);
        Ok(Apply {
            catalog: Arc::clone(&self.catalog) as Arc<dyn Catalog>,
            manifests: (self.manifests)(&self.catalog),
            archive: self.open_archive()?,
            sources: Arc::new(SourceTrees::new(Arc::clone(&self.fs), host_name("anna"))),
            volumes: Arc::clone(&self.volumes),
            workers: Arc::new(Inline),
            clock: Arc::new(self.clock.clone()),
            events: Arc::clone(&self.troubles) as Arc<dyn EventSink>,
            policy: Policy {
                rules: Rules { auto_assign: self.auto_assign, history: self.history },
                transfers,
                reserve: 0,
                page: self.page,
                snapshots: self.snapshots,
            },
        })
    }

    fn open_archive(&self) -> Result<Archive, ArchiveError> {
        archive::open(&*self.fs, &path(ARCHIVE), Arc::clone(&self.hasher))
    }

    /// What went wrong so far; forgotten afterwards.
    pub fn troubles(&self) -> Vec<Trouble> {
        std::mem::take(&mut *self.troubles.0.lock().expect("no panic"))
    }

    /// The open claims.
    pub fn open_claims(&self) -> Vec<Claim> {
        let contests =
            block_on(self.catalog.contests(Scope::WithPending, None, PageSize(u32::MAX))).expect("contests");
        contests.into_iter().flat_map(|contest| contest.claims).collect()
    }

    /// Every claim, settled or not.
    pub fn claims(&self) -> Vec<Claim> {
        let found = block_on(self.catalog.find(&Filter::default(), None, PageSize(u32::MAX)));
        let places: BTreeSet<Place> =
            found.expect("observations").iter().map(|found| found.at.place()).collect();
        let places: Vec<Place> = places.into_iter().collect();
        let contests = block_on(self.catalog.claims(&places)).expect("claims");
        contests.into_iter().flat_map(|contest| contest.claims).collect()
    }

    /// The current observation of a file of `anna`, whatever its standing.
    pub fn observation(&self, file: &str) -> ObservationId {
        self.known(file).expect("it was scanned")
    }

    /// The same; `None` if the file is not there as it was scanned.
    pub fn known(&self, file: &str) -> Option<ObservationId> {
        let hash = hash_of(&self.disk.exists(file).then(|| self.disk.read(file))?);
        let sources =
            block_on(self.catalog.sources(&host_name("anna"), &[hash], PageSize(100))).expect("sources");
        let is_it = |source: &&Source| source.at.full_path() == path(file);
        sources[0].iter().find(is_it).map(|source| source.id)
    }

    /// What decides, wired to this world, as somebody at the machine `anna`.
    pub fn curator(&self) -> Curate {
        Curate {
            browse: Arc::clone(&self.catalog) as _,
            curation: Arc::clone(&self.catalog) as _,
            journal: Arc::clone(&self.catalog) as _,
            clock: Arc::new(self.clock.clone()),
            host: host_name("anna"),
        }
    }

    /// Ignores or restores one observation.
    pub fn retarget(&self, id: ObservationId, from: Status, to: Status) -> Settled {
        block_on(decide(&*self.catalog, &[Decision::Retarget { id, from, to }])).expect("a decision")[0]
    }

    /// Blocks a content.
    pub fn block(&self, content: &[u8]) -> Settled {
        let (hash, to) = (hash_of(content), Some(BlockReason::Blocked));
        block_on(decide(&*self.catalog, &[Decision::Block { hash, from: None, to }])).expect("a decision")[0]
    }

    /// Every file below a folder of the machine, by its path there.
    pub fn files_below(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let prefix = format!("{folder}/");
        let below = |(path, bytes): (Vec<u8>, Vec<u8>)| {
            let path = String::from_utf8_lossy(&path).into_owned();
            path.strip_prefix(&prefix).map(|path| (path.to_owned(), bytes))
        };
        self.disk.all_files().into_iter().filter_map(below).collect()
    }

    /// What is wrong with the archive by safety.md's invariants, in words; nothing if all is well.
    pub fn violations(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let facts = self.disk.all_facts();
        for (file, bytes) in self.files_below(&format!("{ARCHIVE}/blobs")) {
            let name = file.rsplit('/').next().unwrap_or_default();
            let hash = hash_of(&bytes);
            if hash.to_string() != name {
                wrong.push(format!("I1: {file} holds {} bytes of {hash}", bytes.len()));
            }
            let mode = facts.get(format!("{ARCHIVE}/blobs/{file}").as_bytes()).map(|facts| facts.mode);
            if mode != Some(0o444) {
                wrong.push(format!("{file} is not sealed: its mode is {mode:?}"));
            }
        }
        let seen: Vec<BlobHash> = self.disk.all_files().values().map(|bytes| hash_of(bytes)).collect();
        let known = block_on(self.catalog.blobs(&seen)).expect("an answer");
        let stored = seen.into_iter().zip(known).filter_map(|(hash, known)| known?.stored.then_some(hash));
        wrong.extend(
            stored
                .filter(|hash| !self.disk.exists(blob_at(*hash)))
                .map(|hash| format!("I2: the catalog believes that {hash} is stored")),
        );
        wrong
    }

    /// What the catalog believes of views and is not so (I3), in words. Not for an archive that was put back to an older one, until it is repaired.
    pub fn misplaced(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for claim in self.claims().iter().filter(|claim| claim.standing.placement == Placement::Placed) {
            let view = path(ARCHIVE).join(&claim.view.clone().unwrap_or_default());
            let shown = self.disk.exists(view.as_bytes()).then(|| hash_of(&self.disk.read(view.as_bytes())));
            if shown != Some(claim.hash) {
                wrong.push(format!(
                    "I3: the catalog believes that {view} shows {}, not {shown:?}",
                    claim.hash
                ));
            }
        }
        wrong
    }

    /// Whether the archive says all that the catalog knows; in words, if not.
    pub fn unexplained(&self) -> Option<String> {
        match self.position() {
            Ok(position) if position.agreement == Agreement::Agree && !position.catalog.is_unsaved => None,
            other => Some(format!("the archive does not explain itself: {other:?}")),
        }
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

fn archive_id() -> ArchiveId {
    ArchiveId::from_bytes([7; 16])
}

fn new_catalog() -> Arc<dyn Repository> {
    let catalog = Sqlite::in_memory().expect("SQLite in memory");
    block_on(catalog.bind(&archive_id())).expect("a new catalog belongs to nobody");
    Arc::new(catalog)
}

/// Where a content lies on the machine.
pub fn blob_at(hash: BlobHash) -> String {
    format!("{ARCHIVE}/{}", mama_domain::layout::blob_path(&hash))
}

/// The hash of some bytes.
pub fn hash_of(bytes: &[u8]) -> BlobHash {
    Blake3.digest(&mut &bytes[..]).expect("memory can be read").hash
}

/// A path, from a text that is one.
pub fn path(text: &str) -> AbsPath {
    AbsPath::parse(text).expect("an absolute path")
}

/// A host, from a text that names one.
pub fn host_name(text: &str) -> HostName {
    HostName::parse(text).expect("a host name")
}

/// Remembers troubles.
#[derive(Debug, Default)]
struct Troubles(Mutex<Vec<Trouble>>);

impl EventSink for Troubles {
    fn emit(&self, event: Event) {
        if let Event::Trouble(trouble) = event {
            self.0.lock().expect("no panic").push(trouble);
        }
    }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World")
            .field("disk", &self.disk)
            .field("now", &self.clock.now())
            .finish_non_exhaustive()
    }
}
