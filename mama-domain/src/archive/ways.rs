//! By which ways contents come in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::SourceKind;

use super::Transfer;

/// Which ways into the archive are tried for each kind of source, in this order; a copy is always the last.
pub type Transfers = BTreeMap<SourceKind, Vec<Transfer>>;

/// The ways of one run: those that are wanted, and what the run has learned about them.
#[derive(Debug)]
pub struct Ways {
    transfers: Transfers,
    /// Devices from which nothing can be cloned into the archive.
    unclonable: Mutex<BTreeSet<u64>>,
}

impl Ways {
    /// Those that are wanted; nothing is known yet.
    pub const fn new(transfers: Transfers) -> Self {
        Self { transfers, unclonable: Mutex::new(BTreeSet::new()) }
    }

    pub(super) fn of(&self, kind: SourceKind) -> &[Transfer] {
        self.transfers.get(&kind).map_or(&[], Vec::as_slice)
    }

    pub(super) fn may_clone(&self, device: u64) -> bool {
        !self.unclonable.lock().unwrap_or_else(PoisonError::into_inner).contains(&device)
    }

    /// Remembers a refused clone, if it would be refused to every file of that device.
    pub(super) fn learn(&self, device: u64, refusal: FsErrorKind) {
        if matches!(refusal, FsErrorKind::Unsupported | FsErrorKind::CrossDevice) {
            self.unclonable.lock().unwrap_or_else(PoisonError::into_inner).insert(device);
        }
    }
}
