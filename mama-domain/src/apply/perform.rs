//! A plan, performed and settled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mama_ports::events::{Event, Trouble};
use mama_ports::repository::{SettleBatch, Settled};
use mama_ports::runtime::Pending;
use mama_ports::vocab::{BlobHash, FileId, ObservationId, RelPath, Status};

use super::report::{ApplyReport, trouble};
use super::room::Shortage;
use super::{Apply, ApplyError, Page};
use crate::archive::{Archive, Entered, Locked, Stopped, Transfer, Verdict, Ways};
use crate::layout;
use crate::reconcile::{
    Action, Done, Goal, LinkView, Plan, Prospect, Refusal, RemoveView, StoreBlob, settle,
};

/// Contents that become durable together: one pair of syncs for so many files or bytes.
const BATCH_FILES: usize = 1024;
const BATCH_BYTES: u64 = 256 << 20;

/// An apply that holds the locks.
pub(super) struct Run<'a> {
    pub(super) apply: &'a Apply,
    pub(super) locked: Locked,
    pub(super) ways: Arc<Ways>,
    /// Whether the snapshot is made that comes before the first change.
    pub(super) is_secured: bool,
    /// What there was no room for so far.
    pub(super) shortage: Shortage,
}

/// Contents that are in the archive now, and how they came to be there.
type EnteredBlobs<'p> = Vec<(&'p StoreBlob, Entered)>;

impl Run<'_> {
    /// Does something to the archive, on a worker.
    pub(super) fn on_worker<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Archive) -> T + Send + 'static,
    ) -> Pending<T> {
        self.locked.on_worker(work)
    }

    /// A batch that says nothing yet.
    fn batch(&self) -> SettleBatch {
        SettleBatch { under: Some(self.locked.epoch), ..SettleBatch::default() }
    }

    /// Takes one page's turn: a snapshot before the first change, if one is asked for, and room for others at once if it fails.
    pub(super) async fn turn(&mut self, page: &Page, report: &mut ApplyReport) -> Result<(), ApplyError> {
        if !self.is_secured && !page.plan.actions.is_empty() {
            report.snapshot = self.apply.secure().await?;
            self.is_secured = true;
        }
        let performed = self.perform(page, report).await;
        if performed.is_err() {
            drop(self.on_worker(|archive| archive.sweep()).await);
        }
        performed
    }

    /// Performs one page. The catalog hears of damage before anything is done about it, of views that go before they do, of contents when they are durable, of views that are made when those are.
    async fn perform(&mut self, page: &Page, report: &mut ApplyReport) -> Result<(), ApplyError> {
        let Apply { catalog, events, .. } = self.apply;
        let mut done = Done::default();
        if !page.plan.damaged.is_empty() {
            let damaged = page.plan.damaged.clone();
            catalog.settle(&SettleBatch { damaged, ..self.batch() }).await?;
            done.unplaced.extend(showing(&page.plan, &page.plan.damaged));
        }
        let stores: Vec<&StoreBlob> = page.plan.stores().collect();
        let mut entered = EnteredBlobs::new();
        for batch in batches(&stores) {
            entered.extend(self.store(&page.plan, batch, &mut done, report).await?);
        }
        self.show(&page.plan, &entered, &mut done, report).await?;
        self.follow_links(&entered, &mut done).await;

        let (settlements, findings) = settle(&page.plan, &done);
        let is_promoted: Vec<bool> = settlements
            .iter()
            .map(|s| s.from.standing.status == Status::Pending && s.to.status == Status::Assigned)
            .collect();
        let settled = catalog.settle(&SettleBatch { settlements, ..self.batch() }).await?;
        let promoted =
            settled.iter().zip(is_promoted).filter(|(settled, is)| *is && **settled == Settled::Done);
        report.assigned += promoted.count() as u64;
        report.observations += page.waiting.len() as u64;
        for finding in &findings {
            report.count(finding);
            trouble(finding).into_iter().for_each(|trouble| events.emit(Event::Trouble(trouble)));
        }
        Ok(())
    }

    /// Stores what fits of one batch: verified or staged by many workers, published by one, then remembered.
    async fn store<'p>(
        &mut self,
        plan: &Plan,
        batch: &[&'p StoreBlob],
        done: &mut Done,
        report: &mut ApplyReport,
    ) -> Result<EnteredBlobs<'p>, ApplyError> {
        let Apply { catalog, events, sources, .. } = self.apply;
        let batch = self.fitting(batch, done).await?;
        let (mut entered, missing) = self.verify(plan, &batch, done).await?;

        let (sources, ways) = (Arc::clone(sources), Arc::clone(&self.ways));
        let stores = missing.iter().copied().cloned().collect();
        let staging =
            self.locked.for_each(stores, move |archive, store| archive.enter(store, &sources, &ways)).await;
        for (store, staging) in missing.into_iter().zip(staging) {
            let staging = match staging {
                Err(stopped) if stopped.is_for_want_of_room() => {
                    self.wait_for_room(store, done);
                    self.shortage.refuse(store.size, stopped);
                    continue;
                }
                staging => staging?,
            };
            done.doubtful.extend(staging.doubtful);
            match staging.outcome {
                Ok(how) => entered.push((store, how)),
                Err(refusal) => drop(done.stored.insert(store.hash, Err(refusal))),
            }
        }
        if entered.is_empty() {
            return Ok(entered);
        }
        let is_new = |(store, how): &(&StoreBlob, Entered)| (*how != Entered::Present).then_some(store.hash);
        let fresh: Vec<BlobHash> = entered.iter().filter_map(is_new).collect();
        let nameless: BTreeMap<BlobHash, Stopped> = self.locked.publish(fresh).await?.into_iter().collect();
        let (without, entered): (EnteredBlobs<'_>, EnteredBlobs<'_>) =
            entered.into_iter().partition(|(store, _)| nameless.contains_key(&store.hash));
        without.iter().for_each(|(store, _)| self.wait_for_room(store, done));
        nameless.into_values().for_each(|stopped| self.shortage.refuse(0, stopped));
        let stored = entered.iter().map(|(store, _)| store.hash).collect();
        catalog.settle(&SettleBatch { stored, ..self.batch() }).await?;
        for (store, how) in &entered {
            done.stored.insert(store.hash, Ok(()));
            report.count_entered(store.size, how);
        }
        events.emit(Event::Stored { bytes: entered.iter().map(|(store, _)| store.size).sum() });
        Ok(entered)
    }

    /// What there is room for, in order, a small content also behind a big one that does not fit.
    async fn fitting<'p>(
        &mut self,
        batch: &[&'p StoreBlob],
        done: &mut Done,
    ) -> Result<Vec<&'p StoreBlob>, ApplyError> {
        let mut room = self.apply.room().await?;
        let (trees, ways) = (Arc::clone(&self.apply.sources), Arc::clone(&self.ways));
        let stores = batch.iter().copied().cloned().collect();
        let room_for = move |archive: &Archive, store: &StoreBlob| match store.existing {
            // most are whole; the few that rotted take from the reserve, as what was put aside keeps its room
            Some(_) => 0,
            None => archive.room_for(store, &trees, &ways),
        };
        let needed = self.locked.for_each(stores, room_for).await;
        let mut fitting = Vec::with_capacity(batch.len());
        for (store, needed) in batch.iter().zip(needed) {
            match room.checked_sub(needed).filter(|_| !self.shortage.excludes(needed)) {
                Some(rest) => {
                    room = rest;
                    fitting.push(*store);
                }
                None => self.wait_for_room(store, done),
            }
        }
        Ok(fitting)
    }

    fn wait_for_room(&mut self, store: &StoreBlob, done: &mut Done) {
        self.shortage.add(store);
        done.stored.insert(store.hash, Err(Refusal::NoRoom));
    }

    /// Verifies what lies under the names of contents already. What is not whole is reported to the catalog, then put aside; gives what is whole, and what is to be staged.
    async fn verify<'p>(
        &self,
        plan: &Plan,
        batch: &[&'p StoreBlob],
        done: &mut Done,
    ) -> Result<(EnteredBlobs<'p>, Vec<&'p StoreBlob>), ApplyError> {
        let (existing, mut missing): (Vec<&StoreBlob>, Vec<&StoreBlob>) =
            batch.iter().partition(|store| store.existing.is_some());
        let hashes = existing.iter().map(|store| store.hash).collect();
        let verdicts = self.locked.for_each(hashes, Archive::verify).await;
        let (mut whole, mut damaged) = (EnteredBlobs::new(), Vec::new());
        for (store, verdict) in existing.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Whole => whole.push((store, Entered::Present)),
                Verdict::Damaged => damaged.push(store),
                Verdict::Closed(reason) => {
                    let reason = format!("what the archive has of it cannot be verified: {reason}");
                    done.stored.insert(store.hash, Err(Refusal::Failed(reason)));
                }
            }
        }
        if !damaged.is_empty() {
            let hashes: Vec<BlobHash> = damaged.iter().map(|store| store.hash).collect();
            let batch = SettleBatch { damaged: hashes.clone(), ..self.batch() };
            self.apply.catalog.settle(&batch).await?;
            done.unplaced.extend(showing(plan, &hashes));
            hashes.iter().for_each(|hash| self.warn_of_damage(hash));
            self.on_worker(move |archive| hashes.iter().try_for_each(|hash| archive.put_aside(hash))).await?;
            missing.extend(damaged);
        }
        Ok((whole, missing))
    }

    fn warn_of_damage(&self, hash: &BlobHash) {
        let reason = format!("is not what its name says; it is kept in {}", layout::QUARANTINE);
        let trouble = Trouble::warning(self.apply.archive.root(), &layout::blob_path(hash), reason);
        self.apply.events.emit(Event::Trouble(trouble));
    }

    /// Makes the views, also those of a damaged content that was replaced by a good one under another inode.
    async fn show(
        &mut self,
        plan: &Plan,
        entered: &EnteredBlobs<'_>,
        done: &mut Done,
        report: &mut ApplyReport,
    ) -> Result<(), ApplyError> {
        if plan.prospects.is_empty() && plan.actions.is_empty() {
            return Ok(());
        }
        let is_there = |hash: &BlobHash| done.stored.get(hash).is_none_or(Result::is_ok);
        let mut links: Vec<LinkView> = Vec::new();
        let mut removes: Vec<RemoveView> = Vec::new();
        for action in &plan.actions {
            match action {
                Action::Link(link) if is_there(&link.hash) => links.push(link.clone()),
                Action::Remove(remove) => removes.push(remove.clone()),
                Action::Link(_) | Action::Store(_) => {}
            }
        }
        links.extend(relinks(plan, entered, &links));
        let unplaced = losers(plan, &links, &removes);
        if !unplaced.is_empty() {
            done.unplaced.extend(&unplaced);
            self.apply.catalog.settle(&SettleBatch { unplaced, ..self.batch() }).await?;
        }
        let shown = self.locked.show(removes, links).await?;
        report.views_created += shown.created;
        report.views_removed += shown.removed;
        done.linked = shown.linked;
        done.kept = shown.kept;
        shown.no_room.into_iter().for_each(|stopped| self.shortage.refuse(0, stopped));
        Ok(())
    }

    /// Learns the new ctimes of sources that the archive took as its own, last of all, because every link moves them.
    async fn follow_links(&self, entered: &EnteredBlobs<'_>, done: &mut Done) {
        let linked = entered.iter().filter_map(|(store, how)| match how {
            Entered::Staged(Transfer::Link, source) => Some((store.hash, source.clone())),
            Entered::Staged(Transfer::Clone | Transfer::Copy, _) | Entered::Present => None,
        });
        let sources = Arc::clone(&self.apply.sources);
        let moved = self.locked.for_each(linked.collect(), move |archive, (hash, source)| {
            archive.fingerprint_of_linked(hash, source, &sources).map(|now| (source.id, now))
        });
        done.moved.extend(moved.await.into_iter().flatten());
    }
}

/// Who is believed to be placed with one of these contents.
fn showing(plan: &Plan, contents: &[BlobHash]) -> Vec<ObservationId> {
    let contents: BTreeSet<&BlobHash> = contents.iter().collect();
    plan.placed.iter().filter(|(_, _, hash)| contents.contains(hash)).map(|(id, _, _)| *id).collect()
}

/// Who is placed at a view that will show something else, or nothing.
fn losers(plan: &Plan, links: &[LinkView], removes: &[RemoveView]) -> Vec<ObservationId> {
    let shown = links.iter().map(|link| (&link.view, Some(link.hash)));
    let changed: BTreeMap<&RelPath, Option<BlobHash>> =
        removes.iter().map(|remove| (&remove.view, None)).chain(shown).collect();
    let loses = |(_, view, hash): &&(ObservationId, RelPath, BlobHash)| {
        changed.get(view).is_some_and(|becomes| *becomes != Some(*hash))
    };
    plan.placed.iter().filter(loses).map(|(id, _, _)| *id).collect()
}

/// Links for views that show the inode of a content that was replaced.
fn relinks(plan: &Plan, entered: &EnteredBlobs<'_>, planned: &[LinkView]) -> Vec<LinkView> {
    let old_inode = |(store, how): &(&StoreBlob, Entered)| match how {
        Entered::Present => None,
        Entered::Staged(..) => Some((store.hash, store.existing?)),
    };
    let replaced: BTreeMap<BlobHash, FileId> = entered.iter().filter_map(old_inode).collect();
    let planned: BTreeSet<&RelPath> = planned.iter().map(|link| &link.view).collect();
    let relink = |Prospect { hash, goal, .. }: &Prospect| match goal {
        Goal::Placed(view) if !planned.contains(view) => {
            Some(LinkView { hash: *hash, view: view.clone(), replacing: Some(*replaced.get(hash)?) })
        }
        Goal::Placed(_) | Goal::Stored { .. } | Goal::Settled { .. } => None,
    };
    plan.prospects.iter().filter_map(relink).collect()
}

/// Splits what is to be stored into batches of bounded files and bytes, at least one file each.
fn batches<'a, 'b>(stores: &'a [&'b StoreBlob]) -> impl Iterator<Item = &'a [&'b StoreBlob]> {
    let mut rest = stores;
    std::iter::from_fn(move || {
        let mut bytes = 0u64;
        let fits = rest.iter().take(BATCH_FILES).take_while(|store| {
            let is_first = bytes == 0;
            bytes = bytes.saturating_add(store.size.max(1));
            is_first || bytes <= BATCH_BYTES
        });
        let (batch, later) = rest.split_at(fits.count());
        rest = later;
        (!batch.is_empty()).then_some(batch)
    })
}
