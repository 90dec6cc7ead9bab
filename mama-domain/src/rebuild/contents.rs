//! The restored catalog is compared with the contents that are there.

use mama_ports::events::{Event, Trouble};
use mama_ports::manifest::Rows;
use mama_ports::repository::{PageSize, SettleBatch};
use mama_ports::vocab::BlobHash;

use super::{Rebuild, RebuildError, RebuildReport, undescribed};
use crate::archive::{Locked, Verdict};
use crate::layout;
use crate::repair::absent;

/// Contents that are asked about together.
const PAGE: PageSize = PageSize(1024);

impl Rebuild {
    /// Finds contents that no manifest calls stored, and takes those that are whole.
    pub(super) async fn adopt(
        &self,
        locked: &Locked,
        report: &mut RebuildReport,
    ) -> Result<(), RebuildError> {
        for folder in locked.on_worker(|archive| archive.content_folders()).await? {
            let found = locked.on_worker(move |archive| archive.contents_in(&folder)).await?;
            for found in found.chunks(PAGE.0 as usize) {
                self.adopt_some(locked, found, report).await?;
            }
        }
        Ok(())
    }

    async fn adopt_some(
        &self,
        locked: &Locked,
        found: &[(BlobHash, u64)],
        report: &mut RebuildReport,
    ) -> Result<(), RebuildError> {
        let hashes: Vec<BlobHash> = found.iter().map(|&(hash, _)| hash).collect();
        let known = self.sightings.blobs(&hashes).await?;
        let unstored =
            found.iter().zip(known).filter(|(_, known)| !known.as_ref().is_some_and(|it| it.stored));
        let verifying: Vec<_> = unstored
            .map(|(&(hash, size), known)| {
                (hash, size, known, locked.on_worker(move |archive| archive.verify(&hash)))
            })
            .collect();
        let (mut unknown, mut stored) = (Rows::default(), Vec::new());
        for (hash, size, known, verifying) in verifying {
            match verifying.await {
                Verdict::Whole => {
                    if known.is_none() {
                        unknown.blobs.push(undescribed(hash, size, self.clock.now()));
                    }
                    stored.push(hash);
                }
                Verdict::Damaged => self.warn(&hash, "it is not what its name says".to_owned(), report),
                Verdict::Closed(reason) => self.warn(&hash, reason, report),
            }
        }
        if stored.is_empty() {
            return Ok(());
        }
        report.adopted += stored.len() as u64;
        self.manifests.restore(&unknown).await?;
        let batch = SettleBatch { under: Some(locked.epoch), stored, ..SettleBatch::default() };
        self.catalog.settle(&batch).await?;
        Ok(())
    }

    /// Finds contents that the manifests call stored, and that are not there.
    pub(super) async fn notice_missing(
        &self,
        locked: &Locked,
        report: &mut RebuildReport,
    ) -> Result<(), RebuildError> {
        let mut after = None;
        loop {
            let page = self.manifests.stored(after.as_ref(), PAGE).await?;
            let Some(&(last, _)) = page.last() else { return Ok(()) };
            after = Some(last);
            let missing = absent(&self.archive, &self.workers, page).await?;
            let damaged: Vec<BlobHash> = missing.into_iter().map(|(hash, _)| hash).collect();
            if damaged.is_empty() {
                continue;
            }
            report.missing += damaged.len() as u64;
            for hash in &damaged {
                let reason = "the manifests call it stored, and it is not there; the next apply stores it again where it can";
                self.tell(hash, reason.to_owned());
            }
            let batch = SettleBatch { under: Some(locked.epoch), damaged, ..SettleBatch::default() };
            self.catalog.settle(&batch).await?;
        }
    }

    fn warn(&self, hash: &BlobHash, reason: String, report: &mut RebuildReport) {
        report.damaged += 1;
        self.tell(hash, reason);
    }

    fn tell(&self, hash: &BlobHash, reason: String) {
        let trouble = Trouble::error(self.archive.root(), &layout::blob_path(hash), reason);
        self.events.emit(Event::Trouble(trouble));
    }
}
