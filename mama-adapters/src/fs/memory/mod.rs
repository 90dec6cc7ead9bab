//! A simulated machine with file systems in memory, for tests: of mama, and of programs that embed it.
//!
//! It keeps the promises of the file-system ports and no more. What no sync has confirmed is lost in a [`reboot`],
//! names apart from contents; a failed sync is final; device numbers change with a boot; no file time repeats. The
//! code under test gets trees from [`Filesystem`]; each of its calls is a *step*, at which a [`Fault`] can be
//! [injected]. Everything else here is *the owner's hand*: it uses absolute paths, counts no steps, meets no faults,
//! and what it does is durable at once unless it says otherwise. It panics where it cannot do what it is told.
//!
//! [`reboot`]: MemoryFs::reboot
//! [injected]: MemoryFs::inject
//!
//! ```
//! use mama_adapters::fs::memory::{Fault, MemoryFs, Reboot};
//! use mama_ports::filesystem::Filesystem;
//! use mama_ports::vocab::{AbsPath, RelPath};
//!
//! let disk = MemoryFs::new();
//! disk.mkdirs("/archive");
//! let archive = disk.archive(&AbsPath::parse("/archive")?)?;
//! archive.make_dir(&RelPath::parse("blobs")?)?;
//! disk.reboot(Reboot::LoseUnsynced);
//! assert!(!disk.exists("/archive/blobs"), "nobody has synced it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mama_ports::filesystem::{Filesystem, Fs, FsError, FsErrorKind, ReadTree, WriteTree};
use mama_ports::vocab::AbsPath;

use crate::clock::ManualClock;

mod change;
mod crash;
mod fault;
mod hand;
mod handle;
mod inode;
mod plug;
#[cfg(test)]
mod tests;
mod tree;

pub use crash::Reboot;
pub use fault::{Fault, Step};
pub use inode::{Cloning, Folding};

use fault::Plan;
use inode::{Disk, Done, Ino, Node, ROOT};
use tree::Tree;

/// The machine. Clones are the same machine; [`MemoryFs::fork`] makes another.
#[derive(Clone)]
pub struct MemoryFs {
    state: Arc<Mutex<State>>,
    clock: ManualClock,
}

struct State {
    disk: Disk,
    plan: Plan,
    /// Who holds the lock on an inode.
    locks: HashMap<Ino, u64>,
    locks_taken: u64,
    /// How many handles have an inode open to write.
    writers: HashMap<Ino, u64>,
    /// Counts the lives of the process under test.
    epoch: u64,
}

impl State {
    /// Whether somebody has an inode open to write, as whoever locks it has.
    fn is_written(&self, ino: Ino) -> bool {
        self.locks.contains_key(&ino) || self.writers.get(&ino).is_some_and(|writers| *writers > 0)
    }
}

impl MemoryFs {
    /// A machine with an empty `/`, and a clock of its own.
    pub fn new() -> Self {
        Self::with_clock(ManualClock::default())
    }

    /// A machine with an empty `/` that stamps files by `clock`, and moves it on by a nanosecond at each change.
    pub fn with_clock(clock: ManualClock) -> Self {
        let disk = Disk::new(clock.tick());
        let (plan, locks, writers) = (Plan::default(), HashMap::new(), HashMap::new());
        let state = State { disk, plan, locks, locks_taken: 0, writers, epoch: 0 };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    /// The clock that stamps files.
    pub fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    /// Another machine with the same disk, synced or not, and its clock at the same time; no faults, no locks.
    #[must_use]
    pub fn fork(&self) -> Self {
        let fork = Self::with_clock(ManualClock::new(mama_ports::runtime::Clock::now(&self.clock)));
        fork.state().disk = self.state().disk.clone();
        fork
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does one thing to the disk, at a time of its own.
    fn change<T>(&self, change: impl FnOnce(&mut Disk) -> T) -> T {
        let mut state = self.state();
        state.disk.now = self.clock.tick();
        change(&mut state.disk)
    }

    fn tree(&self, op: &'static str, root: &AbsPath) -> Fs<Tree> {
        let epoch = self.state().epoch;
        self.step(epoch, op, root.as_bytes())?;
        let found = self.state().disk.resolve_root(root);
        let ino = found.map_err(|kind| FsError::new(op, root.as_bytes(), kind))?;
        Ok(Tree { machine: self.clone(), root: root.clone(), ino, epoch })
    }
}

impl Default for MemoryFs {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryFs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(
                self.all_files()
                    .iter()
                    .map(|(path, data)| (mama_ports::vocab::escaped(path).to_string(), data.len())),
            )
            .finish()
    }
}

impl Filesystem for MemoryFs {
    fn source(&self, root: &AbsPath) -> Fs<Arc<dyn ReadTree>> {
        Ok(Arc::new(self.tree("open the folder", root)?))
    }

    fn archive(&self, root: &AbsPath) -> Fs<Arc<dyn WriteTree>> {
        Ok(Arc::new(self.tree("open the folder", root)?))
    }

    fn make_root(&self, root: &AbsPath) -> Fs<()> {
        let op = "make the folder";
        let epoch = self.state().epoch;
        self.step(epoch, op, root.as_bytes())?;
        self.change(|disk| make_root(disk, root)).map_err(|kind| FsError::new(op, root.as_bytes(), kind))
    }
}

fn make_root(disk: &mut Disk, root: &AbsPath) -> Done<()> {
    let mut so_far = AbsPath::parse("/").map_err(|_| FsErrorKind::Other)?;
    let mut here = ROOT;
    for name in root.from_slash().names() {
        so_far = so_far.join(&(&name).into());
        here = match disk.resolve_root(&so_far) {
            Ok(found) => found,
            Err(FsErrorKind::NotFound) => disk.make(here, name.as_bytes(), Node::directory(), 0o750)?,
            Err(kind) => return Err(kind),
        };
    }
    Ok(())
}
