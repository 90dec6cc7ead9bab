//! Apply: the archive is made to match the catalog's target state.
//!
//! One loop: `contests → desired → survey → plan → audit → (show | perform → settle)`. What a run has settled is durable;
//! an interruption anywhere leaves rubbish in the staging area, or a durable name that the catalog learns of next time.

mod perform;
mod report;
mod secure;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::Arc;

use mama_ports::events::{Event, EventSink, Severity, Trouble};
use mama_ports::filesystem::{FsError, FsErrorKind};
use mama_ports::repository::{Catalog, Lease, PageSize, RepositoryError, Scope, Source};
use mama_ports::runtime::{Clock, Workers};
use mama_ports::vocab::{ArchiveId, BlobHash, Claim, Contest, ObservationId, PoolHealth, Status};
use mama_ports::volumes::Volumes;

use crate::archive::{Archive, SourceTrees, Stopped, Transfers};
use crate::layout;
use crate::reconcile::{
    Actual, Agreed, Contradiction, Plan, Rules, Stale, Want, Wish, audit, desired, hold_to, plan,
};
use perform::Run;

pub use report::{ApplyReport, PlanReport, trouble};

/// Places that are planned together.
const PAGE: PageSize = PageSize(1024);

/// Sources that are tried for one content.
const SOURCES: PageSize = PageSize(8);

/// Brings the archive in line with the catalog.
pub struct Apply {
    /// The catalog.
    pub catalog: Arc<dyn Catalog>,
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
    /// Nobody knows how much room there is.
    #[error("cannot tell how much room the archive's disk has")]
    Room(#[source] FsError),
    /// Not enough room.
    #[error("the archive's disk is full: {} are free, the next files need {}, and {} are kept in reserve", mib(*available), mib(*needed), mib(*reserve))]
    Full {
        /// Bytes free.
        available: u64,
        /// Bytes that the next batch needs.
        needed: u64,
        /// Bytes kept free.
        reserve: u64,
    },
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

/// One page of the catalog, thought through.
struct Page {
    plan: Plan,
    /// The open claims, in scope.
    waiting: BTreeSet<ObservationId>,
    /// The cursor of the page after it.
    next: Option<ObservationId>,
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
        self.check_identity().await?;
        let scope = self.scope();
        let open = self.catalog.open(scope).await?;
        self.events.emit(Event::ApplyStarted { open });
        if open == 0 {
            return Ok(());
        }
        let mut run = self.begin().await?;
        let mut after = None;
        let mut seen = BTreeSet::new();
        while let Some(mut page) = self.page(scope, after, &BTreeSet::new(), &seen).await? {
            run.turn(&page, report).await?;
            self.events.emit(Event::Applied { observations: page.waiting.len() as u64 });
            after = page.next;
            seen.append(&mut page.waiting);
            seen = seen.split_off(&after.unwrap_or(ObservationId(i64::MIN)));
        }
        Ok(())
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
        let mut run = self.begin().await?;
        for agreed in pages {
            let contests = self.catalog.claims(&agreed.places()).await?;
            let now = self.think(&contests, &BTreeSet::new()).await?;
            let (plan, stale) = hold_to(&agreed, now, &contests);
            let open = plan.prospects.iter().filter(|prospect| prospect.open);
            let page = Page { waiting: open.map(|prospect| prospect.id).collect(), plan, next: None };
            run.turn(&page, report).await?;
            report.stale += stale.len() as u64;
            for Stale { at, why } in stale {
                let (severity, path, reason) = (Severity::Error, at.full_path(), why.reason().to_owned());
                self.events.emit(Event::Trouble(Trouble { severity, path, reason }));
            }
            self.events.emit(Event::Applied { observations: agreed.prospects.len() as u64 });
        }
        Ok(())
    }

    /// Shows, page by page, what [`Apply::run`] would do, and changes nothing.
    pub async fn plan(&self, show: &mut (dyn FnMut(&Plan) + Send)) -> Result<PlanReport, ApplyError> {
        self.check_identity().await?;
        let mut report = PlanReport::default();
        let mut promised = BTreeSet::new();
        let mut after = None;
        while let Some(page) = self.page(self.scope(), after, &promised, &BTreeSet::new()).await? {
            promised.extend(page.plan.stores().map(|store| store.hash));
            report.count(&page.plan, page.waiting.len() as u64);
            show(&page.plan);
            after = page.next;
        }
        Ok(report)
    }

    const fn scope(&self) -> Scope {
        if self.policy.rules.auto_assign { Scope::WithPending } else { Scope::Decided }
    }

    async fn check_identity(&self) -> Result<(), ApplyError> {
        match self.catalog.archive().await? {
            Some(catalog) if catalog != *self.archive.id() => {
                Err(ApplyError::Foreign { archive: self.archive.id().clone(), catalog })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Makes sure that the archive can be written, takes the locks, and clears away what an interrupted run left.
    async fn begin(&self) -> Result<Run<'_>, ApplyError> {
        self.check_room(0).await?;
        self.check_pool().await?;
        let run = self.lock().await?;
        run.on_worker(|archive| archive.sweep()).await?;
        Ok(run)
    }

    async fn lock(&self) -> Result<Run<'_>, ApplyError> {
        let archive = self.archive.clone();
        let locked = self.workers.start(move || archive.tree().lock(&layout::lock_path())).await;
        let lock = locked.map_err(|error| match error.kind {
            FsErrorKind::Locked => ApplyError::Locked,
            _ => ApplyError::Lock(error),
        })?;
        let Lease { epoch, held } = self.catalog.lease().await?.ok_or(ApplyError::Locked)?;
        Ok(Run { apply: self, locks: Arc::new((lock, held)), epoch, is_secured: false })
    }

    async fn check_room(&self, needed: u64) -> Result<(), ApplyError> {
        let (volumes, root) = (Arc::clone(&self.volumes), self.archive.root().clone());
        let volume = self.workers.start(move || volumes.describe(&root)).await.map_err(ApplyError::Room)?;
        let (available, reserve) = (volume.available, self.policy.reserve);
        if volume.read_only {
            Err(ApplyError::ReadOnly)
        } else if available < needed.saturating_add(reserve) {
            Err(ApplyError::Full { available, needed, reserve })
        } else {
            Ok(())
        }
    }

    /// The next places, thought through. A place that has another open claim further on comes again; `seen` are the claims dealt with.
    async fn page(
        &self,
        scope: Scope,
        after: Option<ObservationId>,
        promised: &BTreeSet<BlobHash>,
        seen: &BTreeSet<ObservationId>,
    ) -> Result<Option<Page>, ApplyError> {
        let mut contests = self.catalog.contests(scope, after, PAGE).await?;
        let is_waiting = |claim: &&Claim| {
            claim.open && (scope == Scope::WithPending || claim.standing.status != Status::Pending)
        };
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
        let plan = self.think(&contests, promised).await?;
        Ok(Some(Page { plan, waiting, next }))
    }

    /// What is to be done about some places.
    async fn think(&self, contests: &[Contest], promised: &BTreeSet<BlobHash>) -> Result<Plan, ApplyError> {
        let wishes = contests.iter().flat_map(|contest| desired(contest, &self.policy.rules)).collect();
        let (wishes, actual) = self.survey(wishes).await?;
        let plan = plan(&wishes, &actual, promised);
        match audit(&wishes, &plan).into_iter().next() {
            Some(contradiction) => Err(ApplyError::Contradiction(contradiction)),
            None => Ok(plan),
        }
    }

    async fn survey(&self, wishes: Vec<Wish>) -> Result<(Vec<Wish>, Actual), ApplyError> {
        let is_needed = |wish: &&Wish| !wish.claim.stored && !matches!(wish.want, Want::Nothing(_));
        let unstored: BTreeSet<BlobHash> =
            wishes.iter().filter(is_needed).map(|wish| wish.claim.hash).collect();
        let unstored: Vec<BlobHash> = unstored.into_iter().collect();
        let found = self.catalog.sources(self.sources.host(), &unstored, SOURCES).await?;
        let known: BTreeMap<BlobHash, Vec<Source>> = unstored.into_iter().zip(found).collect();
        let (archive, sources) = (self.archive.clone(), Arc::clone(&self.sources));
        let surveyed = self.workers.start(move || {
            let actual = archive.survey(&wishes, &known, &sources);
            actual.map(|actual| (wishes, actual))
        });
        Ok(surveyed.await?)
    }
}

fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}
