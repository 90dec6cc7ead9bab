//! Scan: walk, compare, read what may have changed, remember. Never writes below a source: it holds only a [`ReadTree`].
//!
//! The walk runs ahead on a worker; some folders at a time are compared with the catalog in one question; files to read
//! form chunks, of which a few are read at once, and recorded one after the other. What contents say about themselves is found out
//! beside, by [`crate::enrich`], for which no file waits.

mod chunk;
mod compare;
mod examine;
mod report;
mod under_way;

use std::sync::Arc;

use futures_channel::mpsc::{Sender, channel};
use futures_util::future::try_join;
use mama_ports::content::{ContentHasher, MetadataExtractor, MimeDetector};
use mama_ports::events::{Event, EventSink, Trouble};
use mama_ports::filesystem::{Filesystem, FsError, ReadTree};
use mama_ports::repository::{MountMark, RepositoryError, ScanBatch, ScanBegun, Sightings};
use mama_ports::runtime::{Clock, Pending, Workers};
use mama_ports::vocab::{AbsPath, FileId, RelPath, ScanId, ScanRoot, VolumeId};
use mama_ports::volumes::Volumes;
use mama_ports::walker::{Visited, Walk, Walker};

use crate::archive;
use crate::enrich::{Enrich, EnrichReport};
use crate::ignoring::{Ignoring, InvalidPattern};
use crate::mounts::{Mounts, Policy};
use under_way::UnderWay;

pub use report::ScanReport;

/// Folders that are compared with the catalog in one question.
const STEP_FOLDERS: usize = 128;
/// Files after which a step is full before it has so many folders.
const STEP_FILES: usize = 4096;
/// Files that are read and recorded together; an interruption loses the few chunks under way at the most.
const CHUNK_FILES: usize = 1024;
/// Chunks that are read at once, so that no worker waits for the catalog or the slowest file.
const CHUNKS_READ: usize = 3;

/// Looks at a folder and remembers what it saw.
pub struct Scan {
    /// The catalog.
    pub sightings: Arc<dyn Sightings>,
    /// The file system.
    pub fs: Arc<dyn Filesystem>,
    /// Lists folders.
    pub walker: Arc<dyn Walker>,
    /// Tells which volume a folder is on.
    pub volumes: Arc<dyn Volumes>,
    /// Hashes.
    pub hasher: Arc<dyn ContentHasher>,
    /// Tells media types, if there is a detector.
    pub detector: Option<Arc<dyn MimeDetector>>,
    /// Finds at once what rules need, if there is such a reader; all of it is preliminary.
    pub quick: Option<Arc<dyn MetadataExtractor>>,
    /// Where blocking work is done.
    pub workers: Arc<dyn Workers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who watches.
    pub events: Arc<dyn EventSink>,
}

/// What to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanTarget {
    /// The folder.
    pub root: ScanRoot,
    /// Gitignore-style patterns of what to leave out.
    pub excludes: Vec<String>,
    /// The archive of this machine, if it has one. No archive is ever scanned; about this one there are no words to lose.
    pub archive: Option<FileId>,
    /// Whether the files may be on another disk than before: then a volume that is missing or another one holds nothing back.
    pub new_disk: bool,
}

/// What stops a scan. Everything that was recorded before stays.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// The folder cannot be looked at.
    #[error("cannot scan {root}")]
    Root {
        /// Which.
        root: AbsPath,
        /// The cause.
        source: FsError,
    },
    /// The folder is an archive, by whatever path.
    #[error("{0} is the archive itself, which is never scanned")]
    Archive(AbsPath),
    /// The folder lies in an archive.
    #[error("{root} lies in the archive {archive}, which is never scanned")]
    InArchive {
        /// The folder.
        root: AbsPath,
        /// The archive.
        archive: AbsPath,
    },
    /// The folder is empty, and was not before.
    #[error(
        "{0} is empty, and the catalog knows files there: is the disk mounted? Nothing was marked as gone"
    )]
    SuddenlyEmpty(AbsPath),
    /// The folder is on another volume than before.
    #[error(
        "{root} is on the disk {found}, and the catalog knows its files on {expected}: is that mounted? Nothing was recorded, and nothing marked as gone"
    )]
    OtherVolume {
        /// The folder.
        root: AbsPath,
        /// Where the catalog knows its files.
        expected: VolumeId,
        /// What is there now.
        found: VolumeId,
    },
    /// A disk was mounted or unmounted at the folder just then.
    #[error("another disk was mounted at {0} while the scan began; scan it again")]
    Remounted(AbsPath),
    /// A pattern is none.
    #[error("cannot use an --exclude pattern")]
    Exclude(#[from] InvalidPattern),
    /// The catalog fails.
    #[error("the catalog cannot go on")]
    Catalog(#[from] RepositoryError),
}

impl ScanError {
    /// Whether only this folder cannot be scanned, and only as it is now: a disk that is not mounted is no mistake in the command.
    pub const fn is_of_its_folder(&self) -> bool {
        match self {
            Self::Root { .. } | Self::SuddenlyEmpty(_) | Self::OtherVolume { .. } | Self::Remounted(_) => {
                true
            }
            Self::Archive(_) | Self::InArchive { .. } | Self::Exclude(_) | Self::Catalog(_) => false,
        }
    }
}

impl Scan {
    /// Scans one folder. What was found is in `report` also when it fails half-way.
    pub async fn run(&self, target: &ScanTarget, report: &mut ScanReport) -> Result<(), ScanError> {
        let started = self.clock.now();
        let done = match self.begin(target).await {
            Ok(begun) => self.run_root(target, begun, None, report).await,
            Err(error) => Err(error),
        };
        report.seconds += self.clock.now().seconds_since(started);
        done
    }

    /// The same, and beside it looks into contents that were seen below the folder and lack something; ends when both have.
    pub async fn run_beside(
        &self,
        enrich: &Enrich,
        target: &ScanTarget,
        report: &mut ScanReport,
        enriched: &mut EnrichReport,
    ) -> Result<(), ScanError> {
        let started = self.clock.now();
        let done = self.run_both(enrich, target, report, enriched).await;
        report.seconds += self.clock.now().seconds_since(started);
        done
    }

    async fn run_both(
        &self,
        enrich: &Enrich,
        target: &ScanTarget,
        report: &mut ScanReport,
        enriched: &mut EnrichReport,
    ) -> Result<(), ScanError> {
        let begun = self.begin(target).await?;
        let (scan, newest) = (begun.known.scan, begun.known.newest);
        let (recorded, is_recorded) = channel(0);
        let scanning = self.run_root(target, begun, Some(recorded), report);
        let enriching = enrich.beside(&target.root.basedir, is_recorded, enriched);
        try_join(scanning, async { Ok(enriching.await?) }).await?;
        report.with_metadata = enrich.enrichment.count_with_metadata(scan, newest).await?;
        Ok(())
    }

    /// Whether the folder is there and in no archive: what [`Scan::run`] asks first, for whoever has several to scan.
    pub fn check(&self, target: &ScanTarget) -> Result<(), ScanError> {
        let root = &target.root.basedir;
        let unusable = |source| ScanError::Root { root: root.clone(), source };
        let tree = self.fs.source(root).map_err(unusable)?;
        let id = tree.facts(&RelPath::root()).map_err(unusable)?.map(|facts| facts.id);
        if id.is_some() && id == target.archive {
            return Err(ScanError::Archive(root.clone()));
        }
        match archive::holding(&*self.fs, root).map_err(unusable)? {
            None => Ok(()),
            Some(archive) if archive == *root => Err(ScanError::Archive(archive)),
            Some(archive) => Err(ScanError::InArchive { root: root.clone(), archive }),
        }
    }

    async fn begin(&self, target: &ScanTarget) -> Result<Begun, ScanError> {
        self.check(target)?;
        let root = target.root.basedir.clone();
        let unusable = |source| ScanError::Root { root: root.clone(), source };
        let tree = self.fs.source(&root).map_err(unusable)?;
        let events = Arc::clone(&self.events);
        let ignoring =
            Ignoring::new(root.clone(), Arc::clone(&tree), target.archive, &target.excludes, events)?;
        let walk = self.walker.walk(&root, Arc::new(ignoring)).map_err(unusable)?;
        let known = self.sightings.begin(&target.root, self.clock.now()).await?;
        self.warn_of_overlap(&root, &known.other_roots);
        self.events.emit(Event::ScanStarted { root, known: known.known_files });
        Ok(Begun { tree, walk, known })
    }

    /// Says so where another scanned folder holds the same files.
    fn warn_of_overlap(&self, root: &AbsPath, others: &[AbsPath]) {
        for other in others {
            let where_to = match (root.below(other), other.below(root)) {
                (Some(_), _) => format!("lies in {other}, which is scanned by itself; scan that one"),
                (None, Some(_)) => {
                    format!("holds {other}, which is scanned by itself; from now on scan this one, or both")
                }
                (None, None) => continue,
            };
            let reason = format!(
                "{where_to}: each remembers its files, and notices only by its own scan that they go"
            );
            self.events.emit(Event::Trouble(Trouble::warning(root, &RelPath::root(), reason)));
        }
    }

    async fn run_root(
        &self,
        target: &ScanTarget,
        Begun { tree, walk, known }: Begun,
        recorded: Option<Sender<()>>,
        report: &mut ScanReport,
    ) -> Result<(), ScanError> {
        let run = Run { ports: self, root: target.root.basedir.clone(), tree, scan: known.scan };
        run.all(walk, known, target.new_disk, UnderWay::new(recorded), report).await?;
        Ok(self.sightings.finish(run.scan, self.clock.now()).await?)
    }
}

/// A scan of which the catalog knows, before it has looked at anything.
struct Begun {
    tree: Arc<dyn ReadTree>,
    walk: Walk,
    known: ScanBegun,
}

/// One scan under way.
struct Run<'a> {
    ports: &'a Scan,
    root: AbsPath,
    tree: Arc<dyn ReadTree>,
    scan: ScanId,
}

impl Run<'_> {
    async fn all(
        &self,
        walk: Walk,
        begun: ScanBegun,
        new_disk: bool,
        mut under_way: UnderWay,
        report: &mut ScanReport,
    ) -> Result<(), ScanError> {
        let is_unmarked = begun.known_files > 0 && !begun.mounts.iter().any(|(dir, _)| dir.is_root());
        let policy = match is_unmarked {
            _ if new_disk => Policy::Accept,
            true => Policy::Adopt,
            false => Policy::Hold,
        };
        let mut mounts = Mounts::new(begun.mounts, policy);
        let mut mark_of_root = None;
        let mut step = self.next_step(walk);
        loop {
            let (walk, folders) = step.await;
            if folders.is_empty() {
                break;
            }
            step = self.next_step(walk);
            let mut chunk = self.compare(folders, &mut mounts, report).await?;
            if is_unmarked {
                mark_of_root = mark_of_root.or_else(|| chunk.take_mark_of_root());
            }
            for chunk in chunk.split(CHUNK_FILES) {
                under_way.reading.push_back(self.start(chunk));
                if under_way.reading.len() >= CHUNKS_READ {
                    self.advance(&mut under_way, report).await?;
                }
            }
        }
        while !under_way.is_empty() {
            self.advance(&mut under_way, report).await?;
        }
        self.mark_adopted(mark_of_root).await
    }

    /// The root's mark comes last where others may be missing: without it, the next scan adopts what an interrupted one has not.
    async fn mark_adopted(&self, mark: Option<MountMark>) -> Result<(), ScanError> {
        let mounts: Vec<MountMark> = mark.into_iter().collect();
        if !mounts.is_empty() {
            let batch = ScanBatch { mounts, ..ScanBatch::new(self.scan, self.ports.clock.now()) };
            self.ports.sightings.record(&batch).await?;
        }
        Ok(())
    }

    /// Takes the next folders from the walk, on a worker.
    fn next_step(&self, mut walk: Walk) -> Pending<(Walk, Vec<Visited>)> {
        self.ports.workers.start(move || {
            let (mut folders, mut files) = (Vec::new(), 0);
            while folders.len() < STEP_FOLDERS && files < STEP_FILES {
                let Some(visited) = walk.next() else { break };
                files += visited.files.len();
                folders.push(visited);
            }
            (walk, folders)
        })
    }

    fn error(&self, at: &RelPath, reason: String, report: &mut ScanReport) {
        report.errors += 1;
        self.ports.events.emit(Event::Trouble(Trouble::error(&self.root, at, reason)));
    }
}
