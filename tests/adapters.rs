//! Every adapter of the file-system and walker ports passes the suite of its port.

#![expect(clippy::unwrap_used, reason = "the helpers of a test are tests too")]

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use mama_adapters::fs::memory::{Cloning, MemoryFs};
use mama_adapters::fs::posix::PosixFs;
use mama_adapters::walk::{JwalkWalker, TreeWalker};
use mama_ports::conformance::tree::Bench;
use mama_ports::filesystem::Filesystem;
use mama_ports::vocab::AbsPath;
use tempfile::TempDir;

struct Memory(MemoryFs);

impl Memory {
    fn new() -> Self {
        let machine = MemoryFs::new();
        machine.mkdirs("/bench");
        Self(machine)
    }

    fn that_clones() -> Self {
        let bench = Self::new();
        bench.0.set_cloning(Cloning::On);
        bench
    }
}

impl Bench for Memory {
    fn filesystem(&self) -> Arc<dyn Filesystem> {
        Arc::new(self.0.clone())
    }

    fn root(&self) -> AbsPath {
        AbsPath::parse("/bench").unwrap()
    }

    fn symlink(&self, target: &[u8], at: &AbsPath) {
        self.0.symlink(target, at.as_bytes());
    }

    fn fifo(&self, at: &AbsPath) {
        self.0.fifo(at.as_bytes());
    }
}

struct Linux(TempDir);

impl Linux {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// Another kind of file system than that of the temporary folder, in most places.
    fn in_shared_memory() -> Self {
        Self(TempDir::new_in("/dev/shm").unwrap())
    }
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

impl Bench for Linux {
    fn filesystem(&self) -> Arc<dyn Filesystem> {
        Arc::new(PosixFs)
    }

    fn root(&self) -> AbsPath {
        AbsPath::parse(self.0.path().as_os_str().as_bytes()).unwrap()
    }

    fn symlink(&self, target: &[u8], at: &AbsPath) {
        symlink(path(target), path(at.as_bytes())).unwrap();
    }

    fn fifo(&self, at: &AbsPath) {
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path(at.as_bytes()), rustix::fs::FileType::Fifo, mode, 0)
            .unwrap();
    }
}

mod memory_tree {
    mama_ports::tree_conformance!(super::Memory::new);
}

mod memory_tree_that_clones {
    mama_ports::tree_conformance!(super::Memory::that_clones);
}

mod posix_tree {
    mama_ports::tree_conformance!(super::Linux::new);
}

mod posix_tree_in_shared_memory {
    mama_ports::tree_conformance!(super::Linux::in_shared_memory);
}

mod tree_walker_in_memory {
    use super::*;
    mama_ports::walker_conformance!(Memory::new, |bench: &Memory| TreeWalker::new(bench.filesystem(), 1));
}

mod tree_walker_in_memory_with_threads {
    use super::*;
    mama_ports::walker_conformance!(Memory::new, |bench: &Memory| TreeWalker::new(bench.filesystem(), 4));
}

mod tree_walker_on_posix {
    use super::*;
    mama_ports::walker_conformance!(Linux::new, |bench: &Linux| TreeWalker::new(bench.filesystem(), 4));
}

mod jwalk_walker {
    use super::*;
    mama_ports::walker_conformance!(Linux::new, |_: &Linux| JwalkWalker::new(4));
}
