//! What goes wrong, and when.

use std::collections::BTreeMap;
use std::fmt;

use mama_ports::filesystem::{Fs, FsError, FsErrorKind};
use mama_ports::vocab::escaped;

use super::MemoryFs;

/// What happens at a step.
pub enum Fault {
    /// The machine stops before the step: it and every later call fail until the reboot.
    Crash,
    /// The step fails and changes nothing. A sync that fails so is final: later ones succeed and save nothing of it.
    Error(FsErrorKind),
    /// A read gives a single byte; any other step goes on as ever.
    ShortRead,
    /// A write takes a single byte; any other step goes on as ever.
    ShortWrite,
    /// One bit of what is written or cloned arrives wrong; any other step goes on as ever.
    FlipBit,
    /// Somebody else does this just before the step.
    Meddle(Box<dyn FnOnce(&MemoryFs) + Send>),
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crash => f.write_str("Crash"),
            Self::Error(kind) => write!(f, "Error({kind:?})"),
            Self::ShortRead => f.write_str("ShortRead"),
            Self::ShortWrite => f.write_str("ShortWrite"),
            Self::FlipBit => f.write_str("FlipBit"),
            Self::Meddle(_) => f.write_str("Meddle"),
        }
    }
}

/// A call that the code under test made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The call, such as `open` or `write`.
    pub op: &'static str,
    /// What it was about, as an absolute path.
    pub path: Vec<u8>,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.op, escaped(&self.path))
    }
}

/// The steps so far, and the faults to come.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) trace: Vec<Step>,
    pub(super) faults: BTreeMap<usize, Vec<Fault>>,
    pub(super) crashed: bool,
}

/// How a step that does not fail is bent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Bend {
    pub(super) short_read: bool,
    pub(super) short_write: bool,
    pub(super) flip: bool,
}

impl MemoryFs {
    /// How many steps the code under test has made so far: each call of a port, and each chunk through a handle, is one.
    pub fn steps(&self) -> usize {
        self.state().plan.trace.len()
    }

    /// The steps so far, for reading.
    pub fn trace(&self) -> Vec<Step> {
        self.state().plan.trace.clone()
    }

    /// Lets `fault` happen at `step`, counted from 0 as [`MemoryFs::steps`] does. Several at one step happen in the order given.
    pub fn inject(&self, step: usize, fault: Fault) {
        self.state().plan.faults.entry(step).or_default().push(fault);
    }

    /// Whether a [`Fault::Crash`] has stopped the machine.
    pub fn crashed(&self) -> bool {
        self.state().plan.crashed
    }

    /// Counts a step of a process of `epoch`, and lets its faults happen.
    pub(super) fn step(&self, epoch: u64, op: &'static str, path: &[u8]) -> Fs<Bend> {
        let faults = {
            let mut state = self.state();
            if state.plan.crashed || state.epoch != epoch {
                return Err(FsError::new(op, path, FsErrorKind::Other));
            }
            let number = state.plan.trace.len();
            state.plan.trace.push(Step { op, path: path.to_vec() });
            state.plan.faults.remove(&number).unwrap_or_default()
        };
        let mut bend = Bend::default();
        for fault in faults {
            match fault {
                Fault::Crash => {
                    self.state().plan.crashed = true;
                    return Err(FsError::new(op, path, FsErrorKind::Other));
                }
                Fault::Error(kind) => return Err(FsError::new(op, path, kind)),
                Fault::ShortRead => bend.short_read = true,
                Fault::ShortWrite => bend.short_write = true,
                Fault::FlipBit => bend.flip = true,
                Fault::Meddle(edit) => edit(self),
            }
        }
        Ok(bend)
    }
}
