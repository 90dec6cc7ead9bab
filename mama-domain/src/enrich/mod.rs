//! Enrich: look into contents that lack metadata or their type, wherever they can be read from here, and remember what was found.
//!
//! The catalog knows what is lacking, so that this can be broken off anywhere and goes on where it stopped: at most one batch is
//! looked into again. Beside a scan it runs on workers of its own, and is woken whenever something was recorded.

mod look;
mod report;

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use futures_channel::mpsc::Receiver;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use mama_ports::content::{ContentHasher, MetadataExtractor, MimeDetector};
use mama_ports::enrichment::{ContentCursor, Enriched, Enrichment, Lacking, Looked, Wanted, WantedMetadata};
use mama_ports::events::{Event, EventSink, Severity, Trouble};
use mama_ports::repository::{PageSize, RepositoryError};
use mama_ports::runtime::{Clock, Workers};
use mama_ports::vocab::{AbsPath, Timestamp};

use crate::archive::{Archive, SourceTrees};
use look::{Eyes, Outcome, Seen};

pub use report::EnrichReport;

/// Contents that are asked for in one question.
const PAGE: PageSize = PageSize(256);
/// Contents that are recorded together; an interruption loses one batch and what is under way.
const BATCH: usize = 64;
/// The same in bytes of metadata, as some documents are a thousand times as long as others.
const BATCH_BYTES: usize = 4 << 20;
/// Contents that are under way: so many that no worker waits while a batch is recorded.
const UNDER_WAY: usize = 64;

/// An extractor that is started when something is first found lacking, on a worker; `None` if there is none.
pub type LazyExtractor = LazyLock<
    Option<Arc<dyn MetadataExtractor>>,
    Box<dyn FnOnce() -> Option<Arc<dyn MetadataExtractor>> + Send>,
>;

/// Finds out what contents say about themselves.
pub struct Enrich {
    /// The catalog.
    pub enrichment: Arc<dyn Enrichment>,
    /// The files of this machine.
    pub sources: Arc<SourceTrees>,
    /// The archive, if this machine has it.
    pub archive: Option<Archive>,
    /// Proves contents of which times prove nothing.
    pub hasher: Arc<dyn ContentHasher>,
    /// Tells media types, if there is a detector.
    pub detector: Option<Arc<dyn MimeDetector>>,
    /// Reads metadata.
    pub extractor: Arc<LazyExtractor>,
    /// Whether to do again what another extractor did, and what failed.
    pub again: bool,
    /// Where contents are looked into; not where a scan hashes, or they would wait in line.
    pub workers: Arc<dyn Workers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who watches.
    pub events: Arc<dyn EventSink>,
}

/// Contents that wait to be looked into.
struct Queue {
    wanted: Wanted,
    waiting: VecDeque<Lacking>,
    after: Option<ContentCursor>,
    is_empty: bool,
}

/// What was found and is not recorded.
#[derive(Default)]
struct Batch {
    contents: Vec<Enriched>,
    bytes: usize,
}

impl Enrich {
    /// Looks into all that lacks something; `below`: only what was seen at or below one of these paths of this machine, empty: all.
    /// What was done is in `report` also when it fails half-way.
    pub async fn run(&self, below: &[AbsPath], report: &mut EnrichReport) -> Result<(), RepositoryError> {
        let started = self.clock.now();
        let done = match self.wanted(below, started).await? {
            Some(wanted) => self.all(wanted, report).await,
            None => Ok(()),
        };
        report.seconds += self.clock.now().seconds_since(started);
        done
    }

    /// The same beside a scan of `root`, again whenever `recorded` says so, until it says no more.
    pub(crate) async fn beside(
        &self,
        root: &AbsPath,
        mut recorded: Receiver<()>,
        report: &mut EnrichReport,
    ) -> Result<(), RepositoryError> {
        let (below, started) = (std::slice::from_ref(root), self.clock.now());
        let mut queue = None;
        while recorded.next().await.is_some() {
            if queue.is_none() {
                queue = self.wanted(below, started).await?.map(Queue::new);
            }
            let Some(turn) = queue.take() else { continue };
            let turn = queue.insert(self.pass(turn, report).await?);
            if report.unavailable {
                // What the scan goes on to record waits, too.
                while recorded.next().await.is_some() {}
                report.pending += self.count_pending(turn.wanted.clone()).await?;
                return Ok(());
            }
        }
        let wanted = match queue {
            Some(queue) => Some(queue.wanted),
            None => self.wanted(below, started).await?,
        };
        // What became known long ago may have got a file only now, and what could not be read may be readable by now.
        match wanted {
            Some(wanted) => self.all(wanted, report).await,
            None => Ok(()),
        }
    }

    /// How many contents lack something that could be read from here, in a run that began then; without an extractor, those that
    /// nobody has looked into.
    pub async fn pending(&self, below: &[AbsPath], started: Timestamp) -> Result<u64, RepositoryError> {
        match self.wanted(below, started).await? {
            Some(wanted) => self.count_pending(wanted).await,
            None => Ok(0),
        }
    }

    async fn count_pending(&self, mut wanted: Wanted) -> Result<u64, RepositoryError> {
        wanted.metadata.get_or_insert(WantedMetadata::Unlooked);
        self.enrichment.count_lacking(&wanted).await
    }

    /// What is lacking here, for the extractor, which is started for it; `None` if nothing is, whatever the extractor.
    async fn wanted(&self, below: &[AbsPath], started: Timestamp) -> Result<Option<Wanted>, RepositoryError> {
        let mut wanted = Wanted {
            host: self.sources.host().clone(),
            has_archive: self.archive.is_some(),
            below: below.to_vec(),
            metadata: Some(WantedMetadata::Any),
            mime: self.detector.is_some(),
        };
        if !self.again && self.enrichment.lacking(&wanted, None, PageSize(1)).await?.is_empty() {
            return Ok(None);
        }
        let extractor = Arc::clone(&self.extractor);
        let identity = self.workers.start(move || Option::as_ref(&extractor).map(|it| it.identity())).await;
        let again_before = self.again.then_some(started);
        wanted.metadata = identity.map(|extractor| WantedMetadata::By { extractor, again_before });
        Ok(Some(wanted))
    }

    async fn all(&self, wanted: Wanted, report: &mut EnrichReport) -> Result<(), RepositoryError> {
        let expected = self.enrichment.count_lacking(&wanted).await?;
        self.events.emit(Event::Began { what: "metadata", unit: "contents", expected });
        let queue = self.pass(Queue::new(wanted), report).await?;
        report.pending += self.count_pending(queue.wanted).await?;
        Ok(())
    }

    /// Looks into all that comes after what was asked for before, and records it.
    async fn pass(&self, mut queue: Queue, report: &mut EnrichReport) -> Result<Queue, RepositoryError> {
        queue.is_empty = false;
        let (mut under_way, mut batch) = (FuturesUnordered::new(), Batch::default());
        loop {
            while under_way.len() < UNDER_WAY && !report.unavailable {
                let Some(content) = self.next(&mut queue).await? else { break };
                let eyes = self.eyes();
                under_way.push(self.workers.start(move || eyes.look(&content)));
            }
            let Some(outcome) = under_way.next().await else { break };
            self.events.emit(Event::Advanced { count: 1 });
            self.take(outcome, &mut batch, report);
            if batch.contents.len() >= BATCH || batch.bytes >= BATCH_BYTES {
                self.enrichment.enrich(&std::mem::take(&mut batch).contents).await?;
            }
        }
        if !batch.contents.is_empty() {
            self.enrichment.enrich(&batch.contents).await?;
        }
        Ok(queue)
    }

    async fn next(&self, queue: &mut Queue) -> Result<Option<Lacking>, RepositoryError> {
        if queue.waiting.is_empty() && !queue.is_empty {
            let mut page = self.enrichment.lacking(&queue.wanted, queue.after, PAGE).await?;
            queue.is_empty = page.is_empty();
            queue.after = page.last().map(|last| last.cursor).or(queue.after);
            // A disk reads the files of one folder faster.
            page.sort_by_cached_key(|content| content.files.first().map(|file| file.at.full_path()));
            queue.waiting = page.into();
        }
        Ok(queue.waiting.pop_front())
    }

    fn eyes(&self) -> Eyes {
        Eyes {
            sources: Arc::clone(&self.sources),
            archive: self.archive.clone(),
            hasher: Arc::clone(&self.hasher),
            detector: self.detector.clone(),
            extractor: Option::clone(&self.extractor),
            clock: Arc::clone(&self.clock),
        }
    }

    fn take(&self, outcome: Outcome, batch: &mut Batch, report: &mut EnrichReport) {
        let Seen { at, enriched, bytes } = match outcome {
            Outcome::Seen(seen) => *seen,
            Outcome::Unreadable => return,
            Outcome::Unavailable { at, reason } => {
                if !std::mem::replace(&mut report.unavailable, true) {
                    self.warn(at, format!("no more metadata is read in this run: {reason}"));
                }
                return;
            }
        };
        report.types += u64::from(enriched.mime.is_some());
        match &enriched.looked {
            Some(Looked { found: Ok(doc), .. }) => {
                report.contents += 1;
                report.with_metadata += u64::from(!doc.is_empty());
            }
            Some(Looked { found: Err(reason), .. }) => {
                report.contents += 1;
                report.metadata_failures += 1;
                self.warn(at, format!("stored without metadata: {reason}"));
            }
            None => {}
        }
        batch.bytes += bytes;
        batch.contents.push(enriched);
    }

    fn warn(&self, path: AbsPath, reason: String) {
        self.events.emit(Event::Trouble(Trouble { severity: Severity::Warning, path, reason }));
    }
}

impl Queue {
    const fn new(wanted: Wanted) -> Self {
        Self { wanted, waiting: VecDeque::new(), after: None, is_empty: false }
    }
}
