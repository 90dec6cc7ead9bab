//! Room on the archive's disk: what fits is stored, what does not waits.

use std::collections::HashSet;
use std::sync::Arc;

use mama_ports::vocab::{AbsPath, BlobHash};

use super::{Apply, ApplyError, Full};
use crate::archive::Stopped;
use crate::reconcile::StoreBlob;

/// What one apply had no room for.
#[derive(Debug, Default)]
pub(super) struct Shortage {
    contents: HashSet<BlobHash>,
    bytes: u64,
    first: Option<AbsPath>,
    /// The disk's own word that it takes no more, whatever it had said of its room.
    pub(super) stopped: Option<Stopped>,
}

impl Shortage {
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

    /// How an apply ends for which the disk may have been too small.
    pub(super) async fn end_of(&self, shortage: Shortage) -> Result<(), ApplyError> {
        match shortage {
            Shortage { stopped: Some(stopped), .. } => Err(ApplyError::Archive(stopped)),
            Shortage { contents, .. } if contents.is_empty() => Ok(()),
            shortage => Err(self.full(self.available().await?, shortage)),
        }
    }

    fn full(&self, available: u64, shortage: Shortage) -> ApplyError {
        let Shortage { contents, bytes: needed, first, .. } = shortage;
        let (reserve, contents) = (self.policy.reserve, contents.len() as u64);
        ApplyError::Full(Box::new(Full { available, reserve, contents, needed, first }))
    }

    async fn available(&self) -> Result<u64, ApplyError> {
        let (volumes, root) = (Arc::clone(&self.volumes), self.archive.root().clone());
        let volume = self.workers.start(move || volumes.describe(&root)).await.map_err(ApplyError::Room)?;
        if volume.read_only { Err(ApplyError::ReadOnly) } else { Ok(volume.available) }
    }
}
