//! Apply: the archive is made to match the catalog's target state.
//!
//! One loop: `contests → desired → survey → plan → audit → (show | perform → settle)`. What a run has settled is durable;
//! an interruption anywhere leaves rubbish in the staging area, or a durable name that the catalog learns of next time.
//! At the end, what the catalog has learned is written into the archive's manifests.

mod explain;
mod perform;
mod report;
mod room;
mod secure;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use bytesize::ByteSize;
use mama_ports::events::{Event, EventSink, Severity, Trouble};
use mama_ports::filesystem::FsError;
use mama_ports::manifest::{Manifests, Mark};
use mama_ports::repository::{Catalog, PageSize, RepositoryError, Scope, Source};
use mama_ports::runtime::{Clock, Workers};
use mama_ports::vocab::{
    AbsPath, ArchiveId, BlobHash, Claim, Contest, ObservationId, PoolHealth, RelPath, Status,
};
use mama_ports::volumes::Volumes;

use crate::archive::{Archive, LockError, Locked, ManifestError, SourceTrees, Stopped, Transfers, Ways};
use crate::explaining::{self, Disagreement, ExplainError, Position};
use crate::layout::{self, Folding};
use crate::manifest::Agreement;
use crate::reconcile::{
    Actual, Agreed, Contradiction, Plan, Promised, Rules, Stale, ViewFact, Want, Wish, audit, desired,
    hold_to, plan,
};
use perform::Run;
use room::Shortage;

pub use explain::Explained;
pub use report::{ApplyReport, PlanReport, trouble};

/// Places that are planned together: enough for long batches, few enough for memory.
pub const PAGE: PageSize = PageSize(1024);

/// Sources that are tried for one content.
const SOURCES: PageSize = PageSize(8);

/// Brings the archive in line with the catalog.
pub struct Apply {
    /// The catalog.
    pub catalog: Arc<dyn Catalog>,
    /// What the catalog knows of the archive's manifests.
    pub manifests: Arc<dyn Manifests>,
    /// The archive.
    pub archive: Archive,
    /// The folders that this machine can reach.
    pub sources: Arc<SourceTrees>,
    /// What lies under the archive.
    pub volumes: Arc<dyn Volumes>,
    /// Where blocking work is done.
    pub workers: Arc<dyn Workers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who watches.
    pub events: Arc<dyn EventSink>,
    /// The settings.
    pub policy: Policy,
}

/// The settings of an apply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What is wanted.
    pub rules: Rules,
    /// How bytes come in.
    pub transfers: Transfers,
    /// Bytes that stay free on the archive's disk.
    pub reserve: u64,
    /// Places that are planned together; [`PAGE`] unless there is a reason.
    pub page: PageSize,
    /// Set: a snapshot is made before the first change, and so many of mama's are kept.
    pub snapshots: Option<NonZeroUsize>,
}

/// What stops an apply. Everything that was settled before stays.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The catalog fails.
    #[error("the catalog cannot go on")]
    Catalog(#[from] RepositoryError),
    /// The archive fails.
    #[error("the archive cannot go on")]
    Archive(#[from] Stopped),
    /// Another process is at it.
    #[error("another mama is applying to this archive; wait until it is done")]
    Locked,
    /// The lock cannot be taken.
    #[error("cannot lock the archive")]
    Lock(#[source] FsError),
    /// Archive and catalog are not of one history.
    #[error("{0}")]
    Disagreement(#[source] Disagreement),
    /// The archive's manifests fail.
    #[error("{0}")]
    Manifest(#[source] ManifestError),
    /// Catalog and archive do not belong together.
    #[error(
        "the catalog belongs to archive {catalog}, and this is archive {archive}; check `archive` and `database` in the configuration"
    )]
    Foreign {
        /// The archive's own id.
        archive: ArchiveId,
        /// The catalog's.
        catalog: ArchiveId,
    },
    /// The catalog knows contents, and the archive has none.
    #[error(
        "{}/{} holds nothing, and the catalog knows contents there; nothing was written", .0, layout::BLOBS
    )]
    Emptied(AbsPath),
    /// Nobody knows how much room there is.
    #[error("cannot tell how much room the archive's disk has")]
    Room(#[source] FsError),
    /// Not enough room, for everything or for some contents; what fits is stored.
    #[error("{0}")]
    Full(#[source] Box<Full>),
    /// Nothing can be written.
    #[error("the archive's disk is mounted read-only")]
    ReadOnly,
    /// The pool fails.
    #[error("the archive's ZFS pool {pool} is {health}; nothing was written")]
    Pool {
        /// Its name.
        pool: String,
        /// How it is.
        health: PoolHealth,
    },
    /// There is no snapshot, and one is asked for.
    #[error("cannot make the snapshot that is to come before every apply; nothing was written")]
    Snapshot(#[source] FsError),
    /// A plan that breaks a promise; a bug of mama.
    #[error("the plan contradicts itself, so nothing of it was done; please report this")]
    Contradiction(#[source] Contradiction),
}

/// How much room there is, and what it is too small for.
#[derive(Debug, thiserror::Error)]
pub struct Full {
    /// Bytes free.
    pub available: u64,
    /// Bytes kept free.
    pub reserve: u64,
    /// Contents that do not fit; none: what is kept free is used up already, so that nothing was tried.
    pub contents: u64,
    /// Their bytes.
    pub needed: u64,
    /// Where the first of them was seen.
    pub first: Option<AbsPath>,
    /// What the disk itself said, if it took less than it had told: its inodes or somebody's quota are used up.
    #[source]
    pub refused: Option<Stopped>,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [available, reserve, needed] =
            [self.available, self.reserve, self.needed].map(|bytes| ByteSize(bytes).display().iec());
        write!(f, "the archive's disk is full: {available} are free, and {reserve} are kept in reserve")?;
        match self.contents {
            0 => return Ok(()),
            1 => write!(f, "; one content of {needed} does not fit")?,
            contents => write!(f, "; {contents} contents of {needed} do not fit")?,
        }
        match &self.first {
            Some(first) if self.contents == 1 => write!(f, ": {first}"),
            Some(first) => write!(f, ", among them {first}"),
            None => Ok(()),
        }
    }
}

impl From<LockError> for ApplyError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Busy => Self::Locked,
            LockError::Disk(error) => Self::Lock(error),
            LockError::Catalog(error) => Self::Catalog(error),
        }
    }
}

impl From<ExplainError> for ApplyError {
    fn from(error: ExplainError) -> Self {
        match error {
            ExplainError::Catalog(error) => Self::Catalog(error),
            ExplainError::Disagreement(disagreement) => Self::Disagreement(disagreement),
            ExplainError::Manifest(ManifestError::Stopped(stopped)) => Self::Archive(stopped),
            ExplainError::Manifest(error) => Self::Manifest(error),
        }
    }
}

/// One page of the catalog, thought through.
struct Page {
    plan: Plan,
    folding: Folding,
    /// The open claims, in scope.
    waiting: BTreeSet<ObservationId>,
    /// The cursor of the page after it.
    next: Option<ObservationId>,
}

impl Page {
    /// Tells the pages after it which names it gives away, where the archive itself cannot tell byte for byte.
    fn promise(&self, promised: &mut Promised) {
        if self.folding == Folding::Folds {
            promised.keep_views(&self.plan, self.folding);
        }
    }
}

impl Apply {
    /// Makes the archive match. What was done is in `report` also when it fails half-way.
    pub async fn run(&self, report: &mut ApplyReport) -> Result<(), ApplyError> {
        let started = self.clock.now();
        let done = self.run_pages(report).await;
        report.seconds = self.clock.now().seconds_since(started);
        done
    }

    async fn run_pages(&self, report: &mut ApplyReport) -> Result<(), ApplyError> {
        let position = self.check_identity().await?;
        let scope = self.scope();
        let open = self.catalog.open(scope).await?;
        self.events.emit(Event::ApplyStarted { open });
        if open == 0 && position.agreement == Agreement::Agree && !position.catalog.is_unsaved {
            return Ok(());
        }
        let (mut run, last) = self.begin().await?;
        let mut promised = Promised::default();
        let mut after = None;
        let mut seen = BTreeSet::new();
        while let Some(mut page) = self.page(scope, after, &promised, &seen).await? {
            page.promise(&mut promised);
            run.turn(&page, report).await?;
            self.events.emit(Event::Applied { observations: page.waiting.len() as u64 });
            if run.shortage.is_total() {
                break;
            }
            after = page.next;
            seen.append(&mut page.waiting);
            seen = seen.split_off(&after.unwrap_or(ObservationId(i64::MIN)));
        }
        self.end(run, last, report).await
    }

    /// Does what was agreed on, page by page, as far as it still is what [`Apply::run`] would do; the rest is reported as stale, and left.
    pub async fn run_agreed(
        &self,
        pages: &mut (dyn Iterator<Item = Agreed> + Send),
        report: &mut ApplyReport,
    ) -> Result<(), ApplyError> {
        let started = self.clock.now();
        let done = self.run_agreed_pages(pages, report).await;
        report.seconds = self.clock.now().seconds_since(started);
        done
    }

    async fn run_agreed_pages(
        &self,
        pages: &mut (dyn Iterator<Item = Agreed> + Send),
        report: &mut ApplyReport,
    ) -> Result<(), ApplyError> {
        self.check_identity().await?;
        let (mut run, last) = self.begin().await?;
        let mut promised = Promised::default();
        for agreed in pages {
            let contests = self.catalog.claims(&agreed.places()).await?;
            let (now, folding) = self.think(&contests, &promised).await?;
            let (plan, stale) = hold_to(&agreed, now, &contests);
            let open = plan.prospects.iter().filter(|prospect| prospect.open);
            let waiting = open.map(|prospect| prospect.id).collect();
            let page = Page { plan, folding, waiting, next: None };
            page.promise(&mut promised);
            run.turn(&page, report).await?;
            report.stale += stale.len() as u64;
            // what the plan of today says of a file is nearer to the cause than that the plans differ
            let is_told = |stale: &&Stale| {
                let mut errors =
                    page.plan.findings.iter().filter(|found| found.kind.severity() == Some(Severity::Error));
                errors.any(|found| found.id == stale.id)
            };
            for Stale { at, why, .. } in stale.iter().filter(|stale| !is_told(stale)) {
                let (severity, path, reason) = (Severity::Error, at.full_path(), why.reason().to_owned());
                self.events.emit(Event::Trouble(Trouble { severity, path, reason }));
            }
            self.events.emit(Event::Applied { observations: agreed.prospects.len() as u64 });
            if run.shortage.is_total() {
                break;
            }
        }
        self.end(run, last, report).await
    }

    /// Shows, page by page, what [`Apply::run`] would do, and changes nothing.
    pub async fn plan(&self, show: &mut (dyn FnMut(&Plan) + Send)) -> Result<PlanReport, ApplyError> {
        self.check_identity().await?;
        self.check_contents().await?;
        let mut report = PlanReport::default();
        let mut promised = Promised::default();
        let mut after = None;
        while let Some(page) = self.foreseen(after, &mut promised).await? {
            report.count(&page.plan, page.waiting.len() as u64);
            show(&page.plan);
            after = page.next;
        }
        let room = self.room_to_plan().await;
        if report.store_bytes > room {
            self.count_room(room, &mut report).await?;
        }
        Ok(report)
    }

    /// The next places, as if those before were done.
    async fn foreseen(
        &self,
        after: Option<ObservationId>,
        promised: &mut Promised,
    ) -> Result<Option<Page>, ApplyError> {
        let page = self.page(self.scope(), after, promised, &BTreeSet::new()).await?;
        if let Some(page) = &page {
            promised.foresee(&page.plan);
            promised.keep_views(&page.plan, page.folding);
        }
        Ok(page)
    }

    /// Plans again and counts what there is no room for: what comes in as a hard link needs none, which only its file tells.
    async fn count_room(&self, mut room: u64, report: &mut PlanReport) -> Result<(), ApplyError> {
        let ways = Arc::new(Ways::new(self.policy.transfers.clone()));
        let mut promised = Promised::default();
        let mut after = None;
        while let Some(page) = self.foreseen(after, &mut promised).await? {
            room = report.count_room(&self.needs(&page.plan, &ways).await, room);
            after = page.next;
        }
        Ok(())
    }

    const fn scope(&self) -> Scope {
        if self.policy.rules.auto_assign { Scope::WithPending } else { Scope::Decided }
    }

    async fn check_identity(&self) -> Result<Position, ApplyError> {
        match self.catalog.archive().await? {
            Some(catalog) if catalog != *self.archive.id() => {
                Err(ApplyError::Foreign { archive: self.archive.id().clone(), catalog })
            }
            Some(_) | None => Ok(explaining::agreed(&self.archive, &*self.manifests, &self.workers).await?),
        }
    }

    /// Makes sure that the archive can be written, takes the locks, clears away what an interrupted run left, and ends what it began to explain; gives the last manifest, too.
    async fn begin(&self) -> Result<(Run<'_>, Option<Mark>), ApplyError> {
        self.check_reserve().await?;
        self.check_pool().await?;
        let locked = Locked::take(&self.archive, &self.workers, &*self.catalog).await?;
        let ways = Arc::new(Ways::new(self.policy.transfers.clone()));
        let run = Run { apply: self, locked, ways, is_secured: false, shortage: Shortage::default() };
        let position = self.check_identity().await?;
        self.check_contents().await?;
        run.on_worker(|archive| archive.sweep().and_then(|()| archive.leave_probe())).await?;
        let last = explaining::resume(&*self.manifests, &run.locked, &position).await?;
        Ok((run, last))
    }

    /// Explains what was done, and says what there was no room for. A disk that takes nothing at all takes no manifest; the next apply writes it.
    async fn end(
        &self,
        run: Run<'_>,
        last: Option<Mark>,
        report: &mut ApplyReport,
    ) -> Result<(), ApplyError> {
        (report.no_room, report.no_room_bytes) = run.shortage.sum();
        if run.shortage.is_total() {
            drop(run.on_worker(|archive| archive.sweep()).await);
        } else {
            report.explained = explaining::write(&*self.manifests, &run.locked, last, 0).await?;
        }
        self.end_of(run.shortage).await
    }

    /// Refuses an archive whose contents are all gone: they may lie on a disk that is not mounted.
    async fn check_contents(&self) -> Result<(), ApplyError> {
        let archive = self.archive.clone();
        let holds_any = self.workers.start(move || archive.holds_contents()).await;
        match holds_any {
            Ok(true) => Ok(()),
            Ok(false) if self.manifests.stored(None, PageSize(1)).await?.is_empty() => Ok(()),
            Ok(false) => Err(ApplyError::Emptied(self.archive.root().clone())),
            Err(source) => Err(ApplyError::Archive(Stopped { doing: "look at the contents", source })),
        }
    }

    /// The next places, thought through. A place that has another open claim further on comes again; `seen` are the claims dealt with.
    async fn page(
        &self,
        scope: Scope,
        after: Option<ObservationId>,
        promised: &Promised,
        seen: &BTreeSet<ObservationId>,
    ) -> Result<Option<Page>, ApplyError> {
        let mut contests = self.catalog.contests(scope, after, self.policy.page).await?;
        let is_waiting = |claim: &&Claim| is_waiting(claim, scope);
        let first_waiting =
            |contest: &Contest| contest.claims.iter().filter(is_waiting).map(|claim| claim.id).min();
        let Some(next) = contests.last().map(first_waiting) else { return Ok(None) };
        contests.retain(|contest| first_waiting(contest).is_none_or(|id| !seen.contains(&id)));
        let waiting = contests
            .iter()
            .flat_map(|contest| &contest.claims)
            .filter(is_waiting)
            .map(|claim| claim.id)
            .collect();
        let (plan, folding) = self.think(&contests, promised).await?;
        Ok(Some(Page { plan, folding, waiting, next }))
    }

    /// Surveys, plans, and finds out what the plan turns out to need beyond that.
    async fn think(&self, contests: &[Contest], promised: &Promised) -> Result<(Plan, Folding), ApplyError> {
        let wishes: Vec<Wish> =
            contests.iter().flat_map(|contest| desired(contest, &self.policy.rules)).collect();
        let mut actual = self.survey(&wishes).await?;
        let plan = loop {
            actual = self.foresee_cleared(actual, promised).await?;
            let mut plan = plan(&wishes, &actual, promised);
            let (unknown, unasked) = (std::mem::take(&mut plan.unknown), std::mem::take(&mut plan.unasked));
            if unknown.is_empty() && unasked.is_empty() {
                break plan;
            }
            if !unasked.is_empty() {
                let views: Vec<_> = unasked.into_iter().collect();
                let holders = self.catalog.holders(&views).await?;
                actual.holders.extend(views.into_iter().zip(holders));
            }
            self.archive.look(&self.workers, &mut actual, unknown).await?;
        };
        match audit(&wishes, &plan, actual.folding).into_iter().next() {
            Some(contradiction) => Err(ApplyError::Contradiction(contradiction)),
            None => Ok((plan, actual.folding)),
        }
    }

    /// Takes a folder for gone whose last views earlier pages of a dry run take away, as apply removes what it empties.
    async fn foresee_cleared(&self, mut actual: Actual, promised: &Promised) -> Result<Actual, ApplyError> {
        let folders = actual.views.iter().filter(|(_, fact)| **fact == ViewFact::Folder);
        let cleared = |view: &RelPath| promised.cleared_below(&actual.folding.key(view));
        let cleared: Vec<_> = folders
            .map(|(view, _)| (view.clone(), cleared(view)))
            .filter(|(_, cleared)| *cleared > 0)
            .collect();
        if cleared.is_empty() {
            return Ok(actual);
        }
        let archive = self.archive.clone();
        let looked = self.workers.start(move || {
            for (folder, cleared) in cleared {
                if archive.has_just(cleared, &folder)? {
                    actual.views.insert(folder, ViewFact::Absent);
                }
            }
            Ok::<_, Stopped>(actual)
        });
        Ok(looked.await?)
    }

    async fn survey(&self, wishes: &[Wish]) -> Result<Actual, ApplyError> {
        let is_needed = |wish: &&Wish| !wish.claim.stored && !matches!(wish.want, Want::Nothing(_));
        let unstored: BTreeSet<BlobHash> =
            wishes.iter().filter(is_needed).map(|wish| wish.claim.hash).collect();
        let unstored: Vec<BlobHash> = unstored.into_iter().collect();
        let found = self.catalog.sources(self.sources.host(), &unstored, SOURCES).await?;
        let known: BTreeMap<BlobHash, Vec<Source>> = unstored.into_iter().zip(found).collect();
        Ok(self.archive.survey(&self.workers, wishes, &known, &self.sources).await?)
    }
}

/// Whether the next apply looks at it.
fn is_waiting(claim: &Claim, scope: Scope) -> bool {
    claim.open && (scope == Scope::WithPending || claim.standing.status != Status::Pending)
}
