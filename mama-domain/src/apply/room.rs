//! Room on the archive's disk: what fits is stored, what does not waits.

use std::collections::HashSet;
use std::sync::Arc;

use mama_ports::vocab::{AbsPath, BlobHash};

use super::{Apply, ApplyError, Full};
use crate::archive::{Stopped, Ways};
use crate::reconcile::{Plan, StoreBlob};

/// What one apply had no room for.
#[derive(Debug, Default)]
pub(super) struct Shortage {
    contents: HashSet<BlobHash>,
    bytes: u64,
    first: Option<AbsPath>,
    /// What the disk said when it took no more, whatever it had told of its room.
    refused: Option<Stopped>,
    /// Bytes of the smallest content that it did not take.
    limit: Option<u64>,
}

/// Bytes that a disk has room for, unless it has none: where so few did not fit, nothing will.
const FEW: u64 = 64 << 10;

impl Shortage {
    /// Whether this is too much, as so much was once: a quota may be hidden from who asks for room.
    pub(super) fn excludes(&self, bytes: u64) -> bool {
        bytes > 0 && self.limit.is_some_and(|limit| bytes >= limit)
    }

    /// The disk did not take so many bytes, or not even a name.
    pub(super) fn refuse(&mut self, bytes: u64, stopped: Stopped) {
        self.limit = Some(self.limit.map_or(bytes, |limit| limit.min(bytes)));
        self.refused.get_or_insert(stopped);
    }

    /// Whether there is no sense in going on.
    pub(super) fn is_total(&self) -> bool {
        self.limit.is_some_and(|limit| limit <= FEW)
    }

    /// How many contents wait, and their bytes.
    pub(super) fn sum(&self) -> (u64, u64) {
        (self.contents.len() as u64, self.bytes)
    }

    /// Counts one content.
    pub(super) fn add(&mut self, store: &StoreBlob) {
        if self.contents.insert(store.hash) {
            self.bytes = self.bytes.saturating_add(store.size);
        }
        let first = || store.sources.first().map(|source| source.at.full_path());
        self.first = self.first.take().or_else(first);
    }
}

impl Apply {
    /// Refuses a disk on which the reserve is used up already.
    pub(super) async fn check_reserve(&self) -> Result<(), ApplyError> {
        let available = self.available().await?;
        if available < self.policy.reserve {
            return Err(self.full(available, Shortage::default()));
        }
        Ok(())
    }

    /// Bytes that may still be written.
    pub(super) async fn room(&self) -> Result<u64, ApplyError> {
        Ok(self.available().await?.saturating_sub(self.policy.reserve))
    }

    /// The same, for a plan: where nobody can tell, there is room.
    pub(super) async fn room_to_plan(&self) -> u64 {
        self.room().await.unwrap_or(u64::MAX)
    }

    /// Bytes that each content of a plan needs on the archive's disk, and its size.
    pub(super) async fn needs(&self, plan: &Plan, ways: &Arc<Ways>) -> Vec<(u64, u64)> {
        let stores: Vec<StoreBlob> =
            plan.stores().filter(|store| store.existing.is_none()).cloned().collect();
        let (archive, trees, ways) = (self.archive.clone(), Arc::clone(&self.sources), Arc::clone(ways));
        let need = move |store: &StoreBlob| (archive.room_for(store, &trees, &ways), store.size);
        self.workers.for_each(stores, need).await
    }

    /// How an apply ends for which the disk may have been too small.
    pub(super) async fn end_of(&self, shortage: Shortage) -> Result<(), ApplyError> {
        if shortage.contents.is_empty() && shortage.refused.is_none() {
            return Ok(());
        }
        Err(self.full(self.available().await?, shortage))
    }

    fn full(&self, available: u64, shortage: Shortage) -> ApplyError {
        let Shortage { contents, bytes: needed, first, refused, .. } = shortage;
        let (reserve, contents) = (self.policy.reserve, contents.len() as u64);
        ApplyError::Full(Box::new(Full { available, reserve, contents, needed, first, refused }))
    }

    async fn available(&self) -> Result<u64, ApplyError> {
        let (volumes, root) = (Arc::clone(&self.volumes), self.archive.root().clone());
        let volume = self.workers.start(move || volumes.describe(&root)).await.map_err(ApplyError::Room)?;
        if volume.read_only { Err(ApplyError::ReadOnly) } else { Ok(volume.available) }
    }
}
