//! Progress, as data. Whoever listens draws it.

use crate::vocab::{AbsPath, RelPath};

/// Something happened that somebody may want to see at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The scan of a root begins; the catalog knows this many files below it.
    ScanStarted {
        /// The root.
        root: AbsPath,
        /// Files that the catalog holds as present there.
        known: u64,
    },
    /// The walk found files.
    Found {
        /// How many more.
        files: u64,
    },
    /// Files are done with, one way or the other.
    Scanned {
        /// How many more.
        files: u64,
    },
    /// Bytes were read and hashed.
    Hashed {
        /// How many more.
        bytes: u64,
    },
    /// Apply begins; this many observations wait for it.
    ApplyStarted {
        /// Open observations.
        open: u64,
    },
    /// Observations are done with.
    Applied {
        /// How many more.
        observations: u64,
    },
    /// Some other long work begins.
    Began {
        /// A word for it.
        what: &'static str,
        /// What is counted.
        unit: &'static str,
        /// How many there are.
        expected: u64,
    },
    /// Some of it is done.
    Advanced {
        /// How many more.
        count: u64,
    },
    /// Bytes became safe in the archive.
    Stored {
        /// How many more.
        bytes: u64,
    },
    /// The catalog's server has gone. Whoever calls it waits; the call fails only if it stays away.
    CatalogUnreachable {
        /// Where it is, and what happened. Never says a password.
        reason: String,
        /// For how many seconds it is tried again.
        patience_s: u64,
    },
    /// Something could not be done as asked.
    Trouble(Trouble),
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing is missing that was promised.
    Warning,
    /// A file was not processed.
    Error,
}

/// One thing that went wrong with one file or folder. It is data, not an error of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How bad.
    pub severity: Severity,
    /// Where: a whole path on this machine.
    pub path: AbsPath,
    /// What happened, and what to do if there is something to do.
    pub reason: String,
}

impl Trouble {
    /// A file that was not processed.
    pub fn error(root: &AbsPath, at: &RelPath, reason: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: root.join(at), reason: reason.into() }
    }

    /// Something worth knowing.
    pub fn warning(root: &AbsPath, at: &RelPath, reason: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(root, at, reason) }
    }
}

/// Takes events.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait EventSink: Send + Sync {
    /// Must return at once; called from many threads, in no particular order.
    fn emit(&self, event: Event);
}

/// Listens to nothing.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl EventSink for Silent {
    fn emit(&self, _: Event) {}
}
