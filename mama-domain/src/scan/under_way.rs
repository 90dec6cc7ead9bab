//! Chunks on their way: read, then recorded.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use futures_channel::mpsc::Sender;
use mama_ports::events::{Event, Trouble};
use mama_ports::repository::{Confirmation, NewBlob, Recorded, ScanBatch, Sighting};
use mama_ports::runtime::Pending;
use mama_ports::vocab::{BlobHash, ObservationId};

use super::chunk::{Chunk, Work};
use super::examine::{Examined, Readers, Unexamined, examine};
use super::{Run, Scan, ScanError, ScanReport};

/// Everything that is not recorded yet, the oldest first.
pub(super) struct UnderWay {
    pub(super) reading: VecDeque<Reading>,
    /// Who wants to know that something was recorded.
    recorded: Option<Sender<()>>,
}

impl UnderWay {
    pub(super) fn new(recorded: Option<Sender<()>>) -> Self {
        Self { reading: VecDeque::new(), recorded }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reading.is_empty()
    }
}

/// A chunk whose files are being read.
pub(super) struct Reading {
    chunk: Chunk,
    files: Vec<Pending<Result<Examined, Unexamined>>>,
}

impl Run<'_> {
    /// Starts reading the files of a chunk, all at once; the workers take them in turn.
    pub(super) fn start(&self, chunk: Chunk) -> Reading {
        let Scan { hasher, detector, quick, clock, events, workers, .. } = self.ports;
        let readers =
            Readers { hasher: Arc::clone(hasher), detector: detector.clone(), quick: quick.clone() };
        let read = |Work { dir, name, size, .. }: &Work| {
            let (tree, readers) = (Arc::clone(&self.tree), readers.clone());
            let (clock, events, at, size) = (Arc::clone(clock), Arc::clone(events), dir.join(name), *size);
            workers.start(move || {
                let examined = examine(&*tree, &at, &readers, &*clock);
                events.emit(Event::Hashed { bytes: size });
                examined
            })
        };
        let files = chunk.work.iter().map(read).collect();
        Reading { chunk, files }
    }

    /// Records the oldest chunk that is being read.
    pub(super) async fn advance(
        &self,
        under_way: &mut UnderWay,
        report: &mut ScanReport,
    ) -> Result<(), ScanError> {
        if let Some(reading) = under_way.reading.pop_front() {
            // what is broken off while it is recorded counts as not seen
            let mut counted = ScanReport::default();
            self.record(reading, &mut counted).await?;
            *report += counted;
            if let Some(recorded) = &mut under_way.recorded {
                // One message is enough, and who has stopped listening needs none.
                recorded.try_send(()).ok();
            }
        }
        Ok(())
    }

    /// Waits for a chunk's files and records what they are.
    async fn record(
        &self,
        Reading { chunk, files: reading }: Reading,
        report: &mut ScanReport,
    ) -> Result<(), ScanError> {
        let mut batch = ScanBatch::new(self.scan, self.ports.clock.now());
        let files = chunk.unchanged + chunk.returned.len() as u64 + chunk.work.len() as u64;
        report.files += files;
        report.unchanged += chunk.unchanged + chunk.returned.len() as u64;
        let confirm = |(id, fingerprint)| Confirmation { id, fingerprint, racy: false };
        batch.confirmed.extend(chunk.returned.into_iter().map(confirm));
        batch.gone = chunk.gone;
        batch.gone_below = chunk.gone_below;
        batch.held = chunk.held;
        batch.held_below = chunk.held_below;
        batch.mounts = chunk.mounts;
        batch.sidecars = chunk.sidecars;

        let mut seen: Vec<(Work, Examined)> = Vec::new();
        for (work, reading) in chunk.work.into_iter().zip(reading) {
            match reading.await {
                Ok(examined) => {
                    report.bytes_hashed += examined.fingerprint.size;
                    seen.push((work, examined));
                }
                Err(why) => self.hold(&work, why, &mut batch, report),
            }
        }
        let sighted = self.confirm_equal(seen, &mut batch, report).await?;

        let mut first: BTreeMap<BlobHash, &Examined> = BTreeMap::new();
        for (_, examined) in &sighted {
            first.entry(examined.hash).or_insert(examined);
        }
        let hashes: Vec<BlobHash> = first.keys().copied().collect();
        let known = self.ports.sightings.blobs(&hashes).await?;
        let mut has_meta: BTreeMap<BlobHash, bool> = BTreeMap::new();
        for ((&hash, Examined { mime, quick, fingerprint, .. }), known) in first.iter().zip(known) {
            let told = known.as_ref().and_then(|known| known.has_meta);
            let quick = quick.as_ref().filter(|_| told.is_none()).cloned();
            has_meta.insert(hash, told.unwrap_or(quick.is_some()));
            if quick.is_some() || known.is_none_or(|known| known.mime.is_none()) {
                batch.blobs.push(NewBlob { hash, size: fingerprint.size, mime: mime.clone(), quick });
            }
        }
        for (work, Examined { hash, fingerprint, racy, .. }) in sighted {
            report.with_metadata += u64::from(has_meta.get(&hash) == Some(&true));
            batch.sightings.push(Sighting { dir: work.dir, name: work.name, hash, fingerprint, racy });
        }
        if !batch.is_empty() {
            let Recorded { new_observations, new_blobs, gone } = self.ports.sightings.record(&batch).await?;
            report.new_observations += new_observations;
            // another scan of the same folder was faster
            report.unchanged += (batch.sightings.len() as u64).saturating_sub(new_observations);
            report.new_blobs += new_blobs;
            report.duplicates += new_observations.saturating_sub(new_blobs);
            report.gone += gone;
        }
        self.ports.events.emit(Event::Scanned { files });
        Ok(())
    }

    /// A file without a hash: the catalog keeps what it knows of it, unconfirmed.
    fn hold(&self, work: &Work, why: Unexamined, batch: &mut ScanBatch, report: &mut ScanReport) {
        let at = work.dir.join(&work.name);
        match why {
            Unexamined::Unreadable(reason) => self.error(&at, reason, report),
            Unexamined::Unsteady(reason) => {
                report.changed += 1;
                self.ports.events.emit(Event::Trouble(Trouble::error(&self.root, &at, reason)));
            }
        }
        batch.held.extend(work.confirmed);
    }

    /// Confirms those of the read files that have the content that they had before; gives the others.
    async fn confirm_equal(
        &self,
        seen: Vec<(Work, Examined)>,
        batch: &mut ScanBatch,
        report: &mut ScanReport,
    ) -> Result<Vec<(Work, Examined)>, ScanError> {
        let before = self.contents_before(&seen).await?;
        let mut sighted = Vec::with_capacity(seen.len());
        for (work, examined) in seen {
            match work.suspect.filter(|id| before.get(id) == Some(&examined.hash)) {
                Some(id) => {
                    report.unchanged += 1;
                    let Examined { fingerprint, racy, .. } = examined;
                    batch.confirmed.push(Confirmation { id, fingerprint, racy });
                }
                None => sighted.push((work, examined)),
            }
        }
        Ok(sighted)
    }

    /// What the suspects among the files had in them when they were last read.
    async fn contents_before(
        &self,
        seen: &[(Work, Examined)],
    ) -> Result<BTreeMap<ObservationId, BlobHash>, ScanError> {
        let suspects: Vec<ObservationId> = seen.iter().filter_map(|(work, _)| work.suspect).collect();
        if suspects.is_empty() {
            return Ok(BTreeMap::new());
        }
        let contents = self.ports.sightings.contents_of(&suspects).await?;
        Ok(suspects.into_iter().zip(contents).filter_map(|(id, content)| Some((id, content?))).collect())
    }
}
