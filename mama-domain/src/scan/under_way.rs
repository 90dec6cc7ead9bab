//! Chunks on their way: read, looked into, recorded.
//!
//! The contents of one chunk are looked into while the one before it waits for its slowest file and is recorded, so that
//! no extractor idles in between.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use mama_ports::content::{ExtractError, Hint};
use mama_ports::events::{Event, Trouble};
use mama_ports::repository::{Confirmation, NewBlob, Recorded, ScanBatch, Sighting};
use mama_ports::runtime::Pending;
use mama_ports::vocab::{BlobHash, MetaDoc, ObservationId};

use super::chunk::{Chunk, Work};
use super::examine::{Examined, Unexamined, examine, extract};
use super::{Run, Scan, ScanError, ScanReport};

type Extracted = Result<Option<MetaDoc>, ExtractError>;

/// Everything that is not recorded yet, the oldest first.
#[derive(Default)]
pub(super) struct UnderWay {
    looking: Option<Looking>,
    pub(super) reading: VecDeque<Reading>,
    /// What the chunk that was recorded last had looked into, and whether there is any metadata.
    learned: BTreeMap<BlobHash, bool>,
}

impl UnderWay {
    pub(super) fn is_empty(&self) -> bool {
        self.looking.is_none() && self.reading.is_empty()
    }
}

/// A chunk whose files are being read.
pub(super) struct Reading {
    chunk: Chunk,
    files: Vec<Pending<Result<Examined, Unexamined>>>,
}

/// A chunk whose files were read, and whose new contents are being looked into.
struct Looking {
    /// Files that it is about.
    files: u64,
    /// All that is to be recorded, but for the sighted files and their contents.
    batch: ScanBatch,
    sighted: Vec<(Work, Examined)>,
    /// Contents with known metadata, and whether there is any.
    known: BTreeMap<BlobHash, bool>,
    /// New contents, each at one of the sighted files, by number; `None`: there is no extractor.
    looks: BTreeMap<BlobHash, (usize, Option<Pending<Extracted>>)>,
    /// Contents that the chunk before is looking into, each at one of the sighted files.
    awaited: BTreeMap<BlobHash, usize>,
}

impl Looking {
    fn is_about(&self, content: &BlobHash) -> bool {
        self.looks.contains_key(content) || self.awaited.contains_key(content)
    }
}

impl Run<'_> {
    /// Starts reading the files of a chunk, all at once; the workers take them in turn.
    pub(super) fn start(&self, chunk: Chunk) -> Reading {
        let Scan { hasher, detector, clock, events, workers, .. } = self.ports;
        let read = |Work { dir, name, size, .. }: &Work| {
            let (tree, hasher, detector) = (Arc::clone(&self.tree), Arc::clone(hasher), detector.clone());
            let (clock, events, at, size) = (Arc::clone(clock), Arc::clone(events), dir.join(name), *size);
            workers.start(move || {
                let examined = examine(&*tree, &at, &*hasher, detector.as_deref(), &*clock);
                events.emit(Event::Hashed { bytes: size });
                examined
            })
        };
        let files = chunk.work.iter().map(read).collect();
        Reading { chunk, files }
    }

    /// Looks into the oldest chunk that is being read, then records the one before it.
    pub(super) async fn advance(
        &self,
        under_way: &mut UnderWay,
        report: &mut ScanReport,
    ) -> Result<(), ScanError> {
        let before = under_way.looking.take();
        if let Some(reading) = under_way.reading.pop_front() {
            under_way.looking = Some(self.look(reading, before.as_ref(), report).await?);
        }
        if let Some(before) = before {
            under_way.learned = self.record(before, &under_way.learned, report).await?;
        }
        Ok(())
    }

    /// Waits for a chunk's files, asks which contents are new and starts to look into them.
    async fn look(
        &self,
        Reading { chunk, files: reading }: Reading,
        before: Option<&Looking>,
        report: &mut ScanReport,
    ) -> Result<Looking, ScanError> {
        let mut batch = ScanBatch::new(self.scan, self.ports.clock.now());
        let files = chunk.unchanged + chunk.returned.len() as u64 + chunk.work.len() as u64;
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

        let mut first: BTreeMap<BlobHash, usize> = BTreeMap::new();
        for (file, (_, examined)) in sighted.iter().enumerate() {
            first.entry(examined.hash).or_insert(file);
        }
        let hashes: Vec<BlobHash> = first.keys().copied().collect();
        let records = self.ports.sightings.blobs(&hashes).await?;
        let (mut known, mut looks, mut awaited) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for ((hash, file), record) in first.into_iter().zip(records) {
            match record.and_then(|record| record.has_meta) {
                Some(has_meta) => drop(known.insert(hash, has_meta)),
                None if before.is_some_and(|before| before.is_about(&hash)) => {
                    awaited.insert(hash, file);
                }
                None => drop(looks.insert(hash, (file, self.look_into(&sighted[file])))),
            }
        }
        Ok(Looking { files, batch, sighted, known, looks, awaited })
    }

    /// Waits for the metadata of a chunk and records it. Gives what was learned about its new contents.
    async fn record(
        &self,
        Looking { files, mut batch, sighted, mut known, mut looks, awaited }: Looking,
        before: &BTreeMap<BlobHash, bool>,
        report: &mut ScanReport,
    ) -> Result<BTreeMap<BlobHash, bool>, ScanError> {
        for (hash, file) in awaited {
            match before.get(&hash) {
                Some(&has_meta) => drop(known.insert(hash, has_meta)),
                None => drop(looks.insert(hash, (file, self.look_into(&sighted[file])))),
            }
        }
        let mut learned = BTreeMap::new();
        for (hash, (file, looking)) in looks {
            let (work, Examined { mime, fingerprint, .. }) = &sighted[file];
            let meta = match looking {
                Some(looking) => self.found(work, looking.await, report),
                None => None,
            };
            learned.extend(meta.as_ref().map(|meta| (hash, !meta.is_empty())));
            batch.blobs.push(NewBlob { hash, size: fingerprint.size, mime: mime.clone(), meta });
        }
        for (work, Examined { hash, fingerprint, racy, .. }) in sighted {
            let has_meta = known.get(&hash).or_else(|| learned.get(&hash));
            report.with_metadata += u64::from(has_meta == Some(&true));
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
        Ok(learned)
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

    /// Starts the extractor on one content, if there is an extractor.
    fn look_into(&self, (work, examined): &(Work, Examined)) -> Option<Pending<Extracted>> {
        let extractor = Arc::clone(self.ports.extractor.as_ref()?);
        let (tree, at, expect) = (Arc::clone(&self.tree), work.dir.join(&work.name), examined.fingerprint);
        let hint = Hint { name: work.name.clone(), mime: examined.mime.clone() };
        Some(self.ports.workers.start(move || extract(&*tree, &at, &expect, &*extractor, &hint)))
    }

    fn found(&self, work: &Work, extracted: Extracted, report: &mut ScanReport) -> Option<MetaDoc> {
        extracted.unwrap_or_else(|error| {
            report.metadata_failures += 1;
            let reason = format!("stored without metadata: {error}");
            let trouble = Trouble::warning(&self.root, &work.dir.join(&work.name), reason);
            self.ports.events.emit(Event::Trouble(trouble));
            None
        })
    }
}
