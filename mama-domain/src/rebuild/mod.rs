//! Rebuild: a lost catalog comes back from the archive's own manifests.
//!
//! Rows are restored in the order of the manifests, the last word counts; then the catalog is compared with the contents that
//! are there. It can be interrupted and run again.

mod contents;
mod report;

use std::collections::BTreeSet;
use std::sync::Arc;

use mama_ports::events::{Event, EventSink, Trouble};
use mama_ports::manifest::{BlobRow, Manifests, ObservationRow, Rows};
use mama_ports::repository::{Catalog, RepositoryError, Sightings};
use mama_ports::runtime::{Clock, Workers};
use mama_ports::vocab::{BlobHash, BlobRecord, Timestamp};

use crate::archive::{Archive, LockError, Locked, ManifestError, Stopped};
use crate::explaining::{self, ExplainError};
use crate::layout;
use crate::manifest::BadHeader;
use crate::manifest::chain::{Known, gaps, in_force};

pub use report::RebuildReport;

/// Rows that are restored in one transaction.
const BATCH: usize = 4096;

/// Recreates a catalog.
pub struct Rebuild {
    /// The new catalog, which belongs to the archive.
    pub catalog: Arc<dyn Catalog>,
    /// The same: which contents it knows.
    pub sightings: Arc<dyn Sightings>,
    /// The same: where rows are put back.
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

/// What stops a rebuild. It can be run again.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError {
    /// The catalog holds something.
    #[error(
        "the catalog holds {observations} observations of {blobs} contents; a rebuild begins with an empty one"
    )]
    NotEmpty {
        /// Sightings in it.
        observations: u64,
        /// Contents in it.
        blobs: u64,
    },
    /// A later version of mama has written a manifest.
    #[error("the manifest {generation} was written by a newer mama (`{format}`); use that one")]
    Newer {
        /// Which.
        generation: u64,
        /// What it says.
        format: String,
    },
    /// The catalog fails.
    #[error("the catalog cannot go on")]
    Catalog(#[from] RepositoryError),
    /// The archive fails.
    #[error("the archive cannot go on")]
    Archive(#[from] Stopped),
    /// It cannot be locked.
    #[error("{0}")]
    Lock(#[from] LockError),
    /// New manifests cannot be written.
    #[error("{0}")]
    Explain(#[from] ExplainError),
}

impl Rebuild {
    /// Restores everything. What was done is in `report` also when it fails half-way.
    pub async fn run(&self, report: &mut RebuildReport) -> Result<(), RebuildError> {
        let started = self.clock.now();
        let done = self.run_steps(report).await;
        report.seconds = self.clock.now().seconds_since(started);
        done
    }

    async fn run_steps(&self, report: &mut RebuildReport) -> Result<(), RebuildError> {
        self.check_empty().await?;
        let locked = Locked::take(&self.archive, &self.workers, &*self.catalog).await?;
        locked.on_worker(|archive| archive.sweep()).await?;
        // From here on it is known that this catalog is being rebuilt.
        self.manifests.restore(&Rows::default()).await?;
        let manifests = self.known(&locked).await?;
        let above = manifests.last().map_or(0, |(generation, _)| *generation);
        let told = in_force(manifests);
        self.tell_gaps(&told, report);
        let last = told.last().and_then(|(_, known)| known.as_ref().map(|(mark, _)| *mark));
        let rows = told.iter().filter_map(|(_, known)| known.as_ref().map(|(_, header)| header.rows)).sum();
        self.events.emit(Event::Began { what: "rebuild", unit: "rows", expected: rows });
        for (generation, _) in told {
            self.restore(&locked, generation, report).await?;
        }
        self.adopt(&locked, report).await?;
        self.notice_missing(&locked, report).await?;
        let totals = self.catalog.totals().await?;
        (report.blobs, report.observations) = (totals.blobs, totals.observations);
        self.manifests.restored(last.as_ref()).await?;
        if report.has_damaged_manifests() {
            // what a lost manifest said may have been the last word about anything
            self.manifests.reopen().await?;
            self.manifests.explain_anew().await?;
            explaining::write(&*self.manifests, &locked, last, above).await?;
        }
        Ok(())
    }

    async fn check_empty(&self) -> Result<(), RebuildError> {
        let totals = self.catalog.totals().await?;
        let (observations, blobs) = (totals.observations, totals.blobs);
        let is_empty = observations + blobs == 0 && totals.roots.is_empty();
        if is_empty || self.manifests.generations().await?.rebuilding {
            return Ok(());
        }
        Err(RebuildError::NotEmpty { observations, blobs })
    }

    /// Every manifest there is, in order.
    async fn known(&self, locked: &Locked) -> Result<Vec<Known>, RebuildError> {
        match locked.on_worker(|archive| archive.known_manifests()).await {
            Ok(known) => Ok(known),
            Err(ManifestError::Damaged { generation, why: BadHeader::Newer(format), .. }) => {
                Err(RebuildError::Newer { generation, format })
            }
            Err(ManifestError::Damaged { .. }) => unreachable!("damage is known"),
            Err(ManifestError::Stopped(stopped)) => Err(stopped.into()),
        }
    }

    fn tell_gaps(&self, told: &[Known], report: &mut RebuildReport) {
        for (generation, before) in gaps(told) {
            let gap = match before {
                Some(number) => format!("what came between {number} and it is missing"),
                None => "what came before it is missing".to_owned(),
            };
            self.trouble(generation, gap);
            report.missing_manifests += 1;
        }
    }

    async fn restore(
        &self,
        locked: &Locked,
        generation: u64,
        report: &mut RebuildReport,
    ) -> Result<(), RebuildError> {
        let rows = match locked.on_worker(move |archive| archive.told(generation)).await {
            Ok(told) if told.is_whole => told.rows,
            Ok(told) => {
                self.trouble(generation, "it is damaged; what makes sense of it is restored".to_owned());
                report.damaged_manifests += 1;
                told.rows
            }
            Err(stopped) => {
                self.trouble(generation, format!("it cannot be read: {}", stopped.source.source));
                report.damaged_manifests += 1;
                return Ok(());
            }
        };
        let count = rows.len() as u64;
        let Rows { roots, mut blobs, observations, acts, items } = rows;
        if report.has_damaged_manifests() {
            blobs.extend(self.undescribed(&blobs, &observations).await?);
        }
        self.manifests.restore(&Rows { roots, ..Rows::default() }).await?;
        for blobs in blobs.chunks(BATCH) {
            self.manifests.restore(&Rows { blobs: blobs.to_vec(), ..Rows::default() }).await?;
        }
        for observations in observations.chunks(BATCH) {
            let rows = Rows { observations: observations.to_vec(), ..Rows::default() };
            self.manifests.restore(&rows).await?;
        }
        self.manifests.restore(&Rows { acts, ..Rows::default() }).await?;
        for items in items.chunks(BATCH) {
            self.manifests.restore(&Rows { items: items.to_vec(), ..Rows::default() }).await?;
        }
        report.manifests += 1;
        self.events.emit(Event::Advanced { count });
        Ok(())
    }

    /// Contents that were seen, and of which nothing else came through: as much as the sightings tell.
    async fn undescribed(
        &self,
        blobs: &[BlobRow],
        observations: &[ObservationRow],
    ) -> Result<Vec<BlobRow>, RebuildError> {
        let described: BTreeSet<BlobHash> = blobs.iter().map(|row| row.record.hash).collect();
        let mut lacking: Vec<&ObservationRow> =
            observations.iter().filter(|row| !described.contains(&row.hash)).collect();
        lacking.sort_by_key(|row| row.hash);
        lacking.dedup_by_key(|row| row.hash);
        let hashes: Vec<BlobHash> = lacking.iter().map(|row| row.hash).collect();
        let known = self.sightings.blobs(&hashes).await?;
        let unknown = lacking.into_iter().zip(known).filter(|(_, known)| known.is_none());
        Ok(unknown.map(|(row, _)| undescribed(row.hash, row.fingerprint.size, row.seen)).collect())
    }

    fn trouble(&self, generation: u64, reason: String) {
        let at = layout::manifest_path(generation);
        self.events.emit(Event::Trouble(Trouble::error(self.archive.root(), &at, reason)));
    }
}

/// A content of which nothing is known but its size.
fn undescribed(hash: BlobHash, size: u64, first_seen: Timestamp) -> BlobRow {
    let record = BlobRecord { hash, size, mime: None, meta: None, look: None, stored: false, block: None };
    BlobRow { record, first_seen }
}
