//! One of the two catalogs. Its ids are its own affair: outside they are counted, in their order.

use std::collections::BTreeSet;

use mama_ports::conformance::repository::decide;
use mama_ports::enrichment::{ContentCursor, Wanted};
use mama_ports::manifest::{Mark, Rows, UnsavedRows};
use mama_ports::repository::{
    Confirmation, Decision, NewBlob, PageSize, Repo, Repository, RepositoryError, ScanBatch, Scope,
    SettleBatch, Settlement,
};
use mama_ports::vocab::{BlobHash, BlobRecord, Claim, Contest, Footing, ObservationId, ScanId};

use super::ops::{Batch, CONTENTS, DIRS, Op, Settling, content, dir, hosts, scope};

const ALL: PageSize = PageSize(10_000);

pub(crate) struct Side<'a> {
    repo: &'a dyn Repository,
    scans: Vec<ScanId>,
    /// Every observation there is.
    observations: BTreeSet<ObservationId>,
}

impl<'a> Side<'a> {
    pub(crate) fn new(repo: &'a dyn Repository) -> Self {
        Self { repo, scans: Vec::new(), observations: BTreeSet::new() }
    }

    /// What an operation answers, with observations and scans by number.
    pub(crate) async fn run(&mut self, op: &Op) -> String {
        let repo = self.repo;
        match op {
            Op::Begin(root, at) => said(repo.begin(root, *at).await.map(|begun| {
                self.scans.push(begun.scan);
                (begun.known_files, begun.mounts, begun.other_roots)
            })),
            Op::Record(batch) => {
                let batch = self.batch(batch);
                let answer = said(repo.record(&batch).await);
                self.count().await;
                answer
            }
            Op::Finish(scan, at) => said(repo.finish(self.scan(*scan), *at).await),
            Op::Settle { damaged, stored, unplaced, settlements } => {
                let contests = self.contests(Scope::WithPending).await;
                let settlements =
                    settlements.iter().map(|settling| self.settlement(settling, &contests)).collect();
                let unplaced = unplaced.iter().map(|&number| self.observation(number)).collect();
                let (damaged, stored) = (damaged.clone(), stored.clone());
                said(repo.settle(&SettleBatch { under: None, damaged, stored, unplaced, settlements }).await)
            }
            Op::Retarget(decisions) => {
                let decision =
                    |&(number, from, to)| Decision::Retarget { id: self.observation(number), from, to };
                said(decide(repo, &decisions.iter().map(decision).collect::<Vec<_>>()).await)
            }
            Op::Block(decisions) => {
                let decision = |&(hash, from, to)| Decision::Block { hash, from, to };
                said(decide(repo, &decisions.iter().map(decision).collect::<Vec<_>>()).await)
            }
            Op::Enrich(batch) => said(repo.enrich(batch).await),
            Op::Lacking { wanted, limit } => self.lacking(wanted, PageSize(*limit)).await,
            Op::Find { filter, after, limit } => {
                let after = after.map(|number| self.observation(number));
                let mut page = repo.find(filter, after, PageSize(*limit)).await.unwrap();
                page.iter_mut().for_each(|found| found.id = self.number(found.id));
                format!("{page:?}")
            }
            Op::Save => {
                let UnsavedRows { rows, receipt, .. } = repo.unsaved(ALL).await.unwrap();
                let mark = Mark { generation: 1, digest: content(1) };
                let saved = said(repo.saved(None, &mark, &receipt).await);
                format!("{saved} {:?}", self.unsaved(rows))
            }
            Op::Contests { decided, after, limit } => {
                let after = after.map(|number| self.observation(number));
                let page = repo.contests(scope(*decided), after, PageSize(*limit)).await;
                said(page.map(|page| self.numbered(page)))
            }
        }
    }

    /// What lacks something, page by page, without the cursors: each catalog has its own order within a batch.
    async fn lacking(&self, wanted: &Wanted, limit: PageSize) -> String {
        let (mut told, mut after) = (Vec::new(), None);
        loop {
            let page = self.repo.lacking(wanted, after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some(last.cursor);
            told.extend(page);
        }
        told.iter_mut().for_each(|content| content.cursor = ContentCursor(0));
        told.sort_unstable_by_key(|content| content.hash);
        format!("{} {told:?}", said(self.repo.count_lacking(wanted).await))
    }

    /// Which rows no manifest holds.
    fn unsaved(&self, rows: Rows) -> (Vec<BlobRecord>, Vec<ObservationId>) {
        let records = rows.blobs.into_iter().map(|row| row.record).collect();
        (records, rows.observations.iter().map(|row| self.number(row.id)).collect())
    }

    /// Everything that the ports tell.
    pub(crate) async fn everything(&self) -> Vec<String> {
        let repo = self.repo;
        let mut told = vec![said(repo.totals().await), said(repo.archive().await)];
        told.push(said(repo.generations().await));
        told.push(format!("{:?}", self.unsaved(repo.unsaved(ALL).await.unwrap().rows)));
        for scope in [Scope::WithPending, Scope::Decided] {
            told.push(said(repo.open(scope).await));
            told.push(format!("{:?}", self.numbered(self.contests(scope).await)));
        }
        let acts = repo.acts(None, ALL).await.unwrap();
        for act in &acts {
            let items = repo.items(act.id, None, ALL).await.unwrap();
            let items =
                items.iter().map(|item| (self.decided(item.decision), item.holds, &item.at, item.hash));
            told.push(format!("{:?} {:?}", (&act.asked, act.items), items.collect::<Vec<_>>()));
        }
        let hashes: Vec<BlobHash> = (0..=CONTENTS).rev().map(content).collect();
        told.push(said(repo.blobs(&hashes).await));
        for host in hosts() {
            for each in [PageSize(2), ALL] {
                let mut sources = repo.sources(&host, &hashes, each).await.unwrap();
                sources.iter_mut().flatten().for_each(|source| source.id = self.number(source.id));
                told.push(format!("{sources:?}"));
            }
        }
        let observations: Vec<_> = self.observations.iter().copied().collect();
        told.push(said(repo.contents_of(&observations).await));
        let dirs: Vec<_> = DIRS.into_iter().map(dir).collect();
        let views = |hash: &BlobHash| dirs.iter().map(|view| (*hash, view.clone())).collect::<Vec<_>>();
        told.push(said(repo.holders(&hashes.iter().flat_map(views).collect::<Vec<_>>()).await));
        for &scan in &self.scans {
            told.push(said(repo.count_with_metadata(scan, None).await));
            let mut remembered = repo.remembered(scan, &dirs).await.unwrap();
            remembered
                .iter_mut()
                .flat_map(|it| &mut it.files)
                .for_each(|file| file.id = self.number(file.id));
            told.push(format!("{remembered:?}"));
        }
        told
    }

    fn decided(&self, decision: Decision) -> Decision {
        match decision {
            Decision::Retarget { id, from, to } => Decision::Retarget { id: self.number(id), from, to },
            Decision::Block { .. } => decision,
        }
    }

    /// Takes note of new observations; each is open.
    async fn count(&mut self) {
        let open = self.contests(Scope::WithPending).await;
        self.observations.extend(open.iter().flat_map(|contest| &contest.claims).map(|claim| claim.id));
    }

    async fn contests(&self, scope: Scope) -> Vec<Contest> {
        self.repo.contests(scope, None, ALL).await.unwrap()
    }

    fn numbered(&self, mut contests: Vec<Contest>) -> Vec<Contest> {
        let claims = contests.iter_mut().flat_map(|contest| &mut contest.claims);
        claims.for_each(|claim| claim.id = self.number(claim.id));
        contests
    }

    fn number(&self, id: ObservationId) -> ObservationId {
        assert!(self.observations.contains(&id), "an observation from nowhere");
        ObservationId(self.observations.range(..id).count() as i64)
    }

    /// One of the observations; sometimes one that is not there.
    fn observation(&self, number: usize) -> ObservationId {
        let number = number % (self.observations.len() + 1);
        self.observations.iter().nth(number).copied().unwrap_or(ObservationId(i64::MAX))
    }

    /// One of the scans, mostly a late one; sometimes one that nobody began.
    fn scan(&self, number: usize) -> ScanId {
        let back = number.trailing_zeros() as usize;
        self.scans.iter().nth_back(back).copied().unwrap_or(ScanId(i64::MAX))
    }

    fn batch(&self, batch: &Batch) -> ScanBatch {
        let described = |hash: &BlobHash| NewBlob { hash: *hash, size: 1, mime: None, quick: None };
        let mut blobs = batch.blobs.clone();
        if batch.described {
            blobs.extend(batch.sightings.iter().map(|sighting| described(&sighting.hash)));
        }
        let confirmed = batch.confirmed.iter().map(|&(number, fingerprint, racy)| Confirmation {
            id: self.observation(number),
            fingerprint,
            racy,
        });
        let observations =
            |numbers: &[usize]| numbers.iter().map(|&number| self.observation(number)).collect();
        ScanBatch {
            scan: self.scan(batch.scan),
            at: batch.at,
            blobs,
            sightings: batch.sightings.clone(),
            confirmed: confirmed.collect(),
            gone: observations(&batch.gone),
            gone_below: batch.gone_below.clone(),
            held: observations(&batch.held),
            held_below: batch.held_below.clone(),
            mounts: batch.mounts.clone(),
            sidecars: batch.sidecars.clone(),
        }
    }

    fn settlement(&self, settling: &Settling, open: &[Contest]) -> Settlement {
        let Settling { observation, from, to, open: stays_open, view, fingerprint, doubtful } =
            settling.clone();
        let id = self.observation(observation);
        let claim = open.iter().flat_map(|contest| &contest.claims).find(|claim| claim.id == id);
        let unknown = Footing { standing: to, current: true, gone: false, block: None };
        let from = from.or(claim.map(Claim::footing)).unwrap_or(unknown);
        Settlement { id, from, to, open: stays_open, view, fingerprint, doubtful }
    }
}

/// An answer, or which error.
fn said<T: std::fmt::Debug>(answer: Repo<T>) -> String {
    match answer {
        Ok(answer) => format!("{answer:?}"),
        Err(RepositoryError::Other { doing, .. }) => format!("refused to {doing}"),
        Err(error) => format!("{error:?}"),
    }
}
