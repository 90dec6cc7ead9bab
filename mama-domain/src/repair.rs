//! Repair: the catalog learns which contents the archive does not have, and the archive what the catalog knows.
//!
//! For an archive that was restored from an older copy, or lost files. What is missing is stored again by the next apply,
//! from wherever it was seen, and shown again; what was seen nowhere else is lost, and said so.

use std::sync::Arc;

use mama_ports::events::{Event, EventSink};
use mama_ports::manifest::{LastSeen, Manifests, Mark};
use mama_ports::repository::{Catalog, PageSize, RepositoryError, SettleBatch};
use mama_ports::runtime::{Clock, Workers};
use mama_ports::vocab::{BlobHash, ObservationId, Placement, RelPath};

use crate::archive::{Archive, LockError, Locked, ManifestError, Stopped};
use crate::explaining::{self, Disagreement, ExplainError, Position};
use crate::manifest::{Agreement, BadHeader};
use crate::reconcile::BlobFact;

/// Contents or views that are looked at together.
const PAGE: PageSize = PageSize(1024);

/// Brings a catalog and an older archive together again.
pub struct Repair {
    /// The catalog.
    pub catalog: Arc<dyn Catalog>,
    /// What it knows of the manifests.
    pub manifests: Arc<dyn Manifests>,
    /// The archive.
    pub archive: Archive,
    /// Where blocking work is done.
    pub workers: Arc<dyn Workers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who watches.
    pub events: Arc<dyn EventSink>,
}

/// A content that the catalog believes to be in the archive, and is not there with its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Which.
    pub hash: BlobHash,
    /// Bytes.
    pub size: u64,
    /// Where it was seen.
    pub last_seen: Option<LastSeen>,
}

impl Missing {
    /// Whether the catalog knows no file that has it.
    pub fn is_lost(&self) -> bool {
        !self.last_seen.as_ref().is_some_and(|seen| seen.is_present)
    }
}

/// What a repair finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// A content is not there.
    Content(Missing),
    /// A content is there, and this view does not show it, as the catalog believes.
    View(RelPath),
}

/// The counters of a repair.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct RepairReport {
    /// Contents that were looked at.
    pub contents: u64,
    /// Those that are not there.
    pub missing: u64,
    /// Their bytes.
    pub missing_bytes: u64,
    /// Those of which no file is known.
    pub lost: u64,
    /// Views that were looked at.
    pub views: u64,
    /// Those that do not show their content, although it is there.
    pub missing_views: u64,
    /// Whether archive and catalog are not of one history, or a manifest that counts is damaged or missing.
    pub is_split: bool,
    /// Rows of the catalog that were written into the archive's manifests.
    pub explained: u64,
    /// How long it took.
    pub seconds: f64,
}

impl RepairReport {
    /// Whether there is anything to repair.
    pub const fn has_findings(&self) -> bool {
        self.missing > 0 || self.missing_views > 0 || self.is_split
    }
}

/// What stops a repair. It can be run again.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The catalog fails.
    #[error("the catalog cannot go on")]
    Catalog(#[from] RepositoryError),
    /// The archive fails.
    #[error("the archive cannot go on")]
    Archive(#[from] Stopped),
    /// It cannot be locked.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// The manifests fail, or the catalog is the older one.
    #[error("{0}")]
    Explain(#[from] ExplainError),
}

/// Where the manifests go on.
struct Start {
    last: Option<Mark>,
    above: u64,
    is_split: bool,
    position: Option<Position>,
}

impl Repair {
    /// Tells what is missing, and changes nothing.
    pub async fn look(
        &self,
        show: &mut (dyn FnMut(&Lack) + Send),
        report: &mut RepairReport,
    ) -> Result<(), RepairError> {
        let started = self.clock.now();
        report.is_split = self.start().await?.is_split;
        self.contents(None, show, report).await?;
        self.views(None, show, report).await?;
        report.seconds = self.clock.now().seconds_since(started);
        Ok(())
    }

    /// Has the catalog know what is missing, and writes all that it knows into manifests.
    pub async fn run(
        &self,
        show: &mut (dyn FnMut(&Lack) + Send),
        report: &mut RepairReport,
    ) -> Result<(), RepairError> {
        let started = self.clock.now();
        let locked = Locked::take(&self.archive, &self.workers, &*self.catalog).await?;
        let start = self.start().await?;
        report.is_split = start.is_split;
        locked.on_worker(|archive| archive.sweep()).await?;
        if let Some(position) = &start.position {
            explaining::resume(&*self.manifests, &locked, position).await?;
        }
        self.contents(Some(&locked), show, report).await?;
        self.views(Some(&locked), show, report).await?;
        if start.is_split {
            self.manifests.explain_anew().await?;
        }
        report.explained = explaining::write(&*self.manifests, &locked, start.last, start.above).await?;
        report.seconds = self.clock.now().seconds_since(started);
        Ok(())
    }

    async fn start(&self) -> Result<Start, RepairError> {
        let knows = |saved: Option<Mark>| saved.map_or(0, |mark| mark.generation);
        let position = match explaining::position(&self.archive, &*self.manifests, &self.workers).await {
            Ok(position) => position,
            Err(ExplainError::Manifest(ManifestError::Damaged {
                generation,
                why: BadHeader::Damaged,
                ..
            })) => {
                let saved = self.manifests.generations().await?.saved;
                let above = generation.max(knows(saved));
                return Ok(Start { last: None, above, is_split: true, position: None });
            }
            Err(error) => return Err(error.into()),
        };
        let archive = self.archive.clone();
        let faulty =
            self.workers.start(move || archive.faulty_manifest()).await.map_err(ExplainError::from)?;
        let is_split = match position.agreement {
            Agreement::Agree | Agreement::Interrupted => faulty.is_some(),
            Agreement::ArchiveBehind | Agreement::Split => true,
            Agreement::CatalogBehind => return Err(ExplainError::from(Disagreement(position)).into()),
        };
        let above = knows(position.catalog.saved);
        Ok(Start { last: position.archive, above, is_split, position: Some(position) })
    }

    /// Looks at every content that should be there; `locked`: the catalog hears of those that are not.
    async fn contents(
        &self,
        locked: Option<&Locked>,
        show: &mut (dyn FnMut(&Lack) + Send),
        report: &mut RepairReport,
    ) -> Result<(), RepairError> {
        let expected = self.catalog.totals().await?.stored;
        self.events.emit(Event::Began { what: "repair", unit: "contents", expected });
        let mut after = None;
        loop {
            let page = self.manifests.stored(after.as_ref(), PAGE).await?;
            let Some(&(last, _)) = page.last() else { return Ok(()) };
            after = Some(last);
            let count = page.len() as u64;
            let missing = absent(&self.archive, &self.workers, page).await?;
            let hashes: Vec<BlobHash> = missing.iter().map(|&(hash, _)| hash).collect();
            if let (Some(locked), false) = (locked, hashes.is_empty()) {
                let under = Some(locked.epoch);
                let batch = SettleBatch { under, damaged: hashes.clone(), ..SettleBatch::default() };
                self.catalog.settle(&batch).await?;
            }
            let seen = self.manifests.last_seen(&hashes).await?;
            for ((hash, size), last_seen) in missing.into_iter().zip(seen) {
                let missing = Missing { hash, size, last_seen };
                report.missing += 1;
                report.missing_bytes += size;
                report.lost += u64::from(missing.is_lost());
                show(&Lack::Content(missing));
            }
            report.contents += count;
            self.events.emit(Event::Advanced { count });
        }
    }

    /// Looks at every view of what is there; `locked`: the catalog hears of those that do not show it.
    async fn views(
        &self,
        locked: Option<&Locked>,
        show: &mut (dyn FnMut(&Lack) + Send),
        report: &mut RepairReport,
    ) -> Result<(), RepairError> {
        let standings = self.catalog.totals().await?.standings;
        let placed = standings.iter().filter(|standing| standing.placement == Placement::Placed);
        let expected = placed.map(|standing| standing.count).sum();
        self.events.emit(Event::Began { what: "repair", unit: "views", expected });
        let mut after = None;
        loop {
            let page = self.manifests.placed(after, PAGE).await?;
            let Some(&(last, _, _)) = page.last() else { return Ok(()) };
            after = Some(last);
            let count = page.len() as u64;
            let unshown = unshown(&self.archive, &self.workers, page).await?;
            if let (Some(locked), false) = (locked, unshown.is_empty()) {
                let unplaced = unshown.iter().map(|&(id, _)| id).collect();
                let batch = SettleBatch { under: Some(locked.epoch), unplaced, ..SettleBatch::default() };
                self.catalog.settle(&batch).await?;
            }
            report.missing_views += unshown.len() as u64;
            unshown.into_iter().for_each(|(_, view)| show(&Lack::View(view)));
            report.views += count;
            self.events.emit(Event::Advanced { count });
        }
    }
}

/// Those of these contents that are not in the archive with their size. One system call each.
pub(crate) async fn absent(
    archive: &Archive,
    workers: &Arc<dyn Workers>,
    contents: Vec<(BlobHash, u64)>,
) -> Result<Vec<(BlobHash, u64)>, Stopped> {
    let archive = archive.clone();
    let looking = workers.start(move || {
        let mut absent = Vec::new();
        for (hash, size) in contents {
            match archive.find_blob(&hash, size)? {
                BlobFact::Present(_) => {}
                BlobFact::Absent | BlobFact::Damaged(_) => absent.push((hash, size)),
            }
        }
        Ok(absent)
    });
    looking.await
}

/// Those of these views that do not show their content, although it is there. Two system calls each.
async fn unshown(
    archive: &Archive,
    workers: &Arc<dyn Workers>,
    placed: Vec<(ObservationId, BlobHash, RelPath)>,
) -> Result<Vec<(ObservationId, RelPath)>, Stopped> {
    let archive = archive.clone();
    let looking = workers.start(move || {
        let mut unshown = Vec::new();
        for (id, hash, view) in placed {
            if archive.has_name(&hash)? && !archive.is_shown(&hash, &view)? {
                unshown.push((id, view));
            }
        }
        Ok(unshown)
    });
    looking.await
}
