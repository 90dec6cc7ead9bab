//! The file system in memory does what Linux does: random scripts over a few colliding names run on both, and are compared.
//!
//! `PROPTEST_CASES` sets how many scripts.

#![expect(clippy::unwrap_used, reason = "the helpers of a test are tests too")]

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use mama_adapters::fs::memory::MemoryFs;
use mama_adapters::fs::posix::PosixFs;
use mama_ports::filesystem::{Filesystem, Fs, FsErrorKind, Held, ReadHandle, ReadTree, WriteTree};
use mama_ports::vocab::{AbsPath, FileId, FileKind, RelPath};
use proptest::prelude::*;
use tempfile::TempDir;

const NAMES: [&[u8]; 8] = [b"a", b"b", b"d", b"d/a", b"d/d", b"d/d/b", b"\xff\xfe", b"new\nline"];

#[derive(Debug, Clone)]
enum Op {
    Store(usize, Vec<u8>),
    Read(usize),
    Keep(usize),
    LinkKept(usize),
    Link(usize, usize),
    Rename(usize, usize),
    RenameNew(usize, usize),
    Unlink(usize),
    MakeDir(usize),
    RemoveDir(usize),
    Seal(usize),
    SyncFile(usize),
    SyncDir(usize),
    List(usize),
    Facts(usize),
    Lock(usize),
    Unlock,
    OwnerLinks(usize, usize),
    OwnerMakesFifo(usize),
}

fn op() -> impl Strategy<Value = Op> {
    let name = || 0..NAMES.len();
    prop_oneof![
        4 => (name(), prop::collection::vec(any::<u8>(), 0..3)).prop_map(|(at, bytes)| Op::Store(at, bytes)),
        1 => name().prop_map(Op::Read),
        1 => name().prop_map(Op::Keep),
        1 => name().prop_map(Op::LinkKept),
        3 => (name(), name()).prop_map(|(from, to)| Op::Link(from, to)),
        4 => (name(), name()).prop_map(|(from, to)| Op::Rename(from, to)),
        2 => (name(), name()).prop_map(|(from, to)| Op::RenameNew(from, to)),
        2 => name().prop_map(Op::Unlink),
        3 => name().prop_map(Op::MakeDir),
        1 => name().prop_map(Op::RemoveDir),
        1 => name().prop_map(Op::Seal),
        1 => name().prop_map(Op::SyncFile),
        1 => name().prop_map(Op::SyncDir),
        1 => name().prop_map(Op::List),
        1 => name().prop_map(Op::Facts),
        1 => name().prop_map(Op::Lock),
        1 => Just(Op::Unlock),
        1 => (name(), name()).prop_map(|(target, at)| Op::OwnerLinks(target, at)),
        1 => name().prop_map(Op::OwnerMakesFifo),
    ]
}

/// One of the two, with what the script holds open.
struct Side {
    tree: Arc<dyn WriteTree>,
    kept: Option<Box<dyn ReadHandle>>,
    lock: Option<Box<dyn Held>>,
    owner: Owner,
}

enum Owner {
    InMemory(MemoryFs),
    OnLinux(TempDir),
}

/// What came of an operation: what it gave, or which error.
type Outcome = Result<Vec<u8>, FsErrorKind>;

impl Side {
    fn in_memory() -> Self {
        let machine = MemoryFs::new();
        machine.mkdirs("/t");
        let tree = machine.archive(&AbsPath::parse("/t").unwrap()).unwrap();
        Self { tree, kept: None, lock: None, owner: Owner::InMemory(machine) }
    }

    /// In shared memory where there is some: syncs cost nothing there.
    fn on_linux() -> Self {
        let folder = TempDir::new_in("/dev/shm").or_else(|_| TempDir::new()).unwrap();
        let root = AbsPath::parse(folder.path().as_os_str().as_bytes()).unwrap();
        Self { tree: PosixFs.archive(&root).unwrap(), kept: None, lock: None, owner: Owner::OnLinux(folder) }
    }

    fn run(&mut self, op: &Op) -> Outcome {
        let tree = &self.tree;
        let done = |outcome: Fs<()>| outcome.map(|()| Vec::new()).map_err(|error| error.kind);
        match op {
            Op::Store(at, bytes) => done(tree.create(&name(*at)).and_then(|mut file| {
                file.write_all(bytes).unwrap();
                file.finish().map(drop)
            })),
            Op::Read(at) => tree.open(&name(*at)).map(read).map_err(|error| error.kind),
            Op::Keep(at) => done(tree.open(&name(*at)).map(|file| self.kept = Some(file))),
            Op::LinkKept(to) => match &self.kept {
                Some(kept) => done(tree.link_from(&**kept, &name(*to))),
                None => Ok(Vec::new()),
            },
            Op::Link(from, to) => done(tree.link(&name(*from), &name(*to))),
            Op::Rename(from, to) => done(tree.rename(&name(*from), &name(*to))),
            Op::RenameNew(from, to) => done(tree.rename_new(&name(*from), &name(*to))),
            Op::Unlink(at) => done(tree.unlink(&name(*at))),
            Op::MakeDir(at) => done(tree.make_dir(&name(*at))),
            Op::RemoveDir(at) => done(tree.remove_dir(&name(*at))),
            Op::Seal(at) => done(tree.open(&name(*at)).and_then(|file| tree.seal(&*file))),
            Op::SyncFile(at) => done(tree.sync_file(&name(*at))),
            Op::SyncDir(at) => done(tree.sync_dir(&name(*at))),
            Op::List(at) => done(tree.list(&name(*at)).map(drop)),
            Op::Facts(at) => done(tree.facts(&name(*at)).map(drop)),
            Op::Lock(at) => done(tree.lock(&name(*at)).map(|lock| {
                self.lock.get_or_insert(lock);
            })),
            Op::Unlock => {
                self.lock = None;
                Ok(Vec::new())
            }
            Op::OwnerLinks(target, at) => self.by_hand(*at, |owner| owner.link(NAMES[*target], NAMES[*at])),
            Op::OwnerMakesFifo(at) => self.by_hand(*at, |owner| owner.fifo(NAMES[*at])),
        }
    }

    /// Only where the name is free and its folder there.
    fn by_hand(&self, at: usize, make: impl Fn(&Owner)) -> Outcome {
        let folder = name(at).parent().unwrap_or_default();
        let free = matches!(self.tree.facts(&name(at)), Ok(None)) && self.tree.list(&folder).is_ok();
        if free {
            make(&self.owner);
        }
        Ok(vec![free.into()])
    }
}

impl Owner {
    fn link(&self, target: &[u8], at: &[u8]) {
        match self {
            Self::InMemory(machine) => machine.symlink(target, [b"/t/", at].concat()),
            Self::OnLinux(root) => {
                std::os::unix::fs::symlink(path(target), root.path().join(path(at))).unwrap()
            }
        }
    }

    fn fifo(&self, at: &[u8]) {
        match self {
            Self::InMemory(machine) => machine.fifo([b"/t/", at].concat()),
            Self::OnLinux(root) => {
                let (at, mode) = (root.path().join(path(at)), rustix::fs::Mode::from_raw_mode(0o644));
                rustix::fs::mknodat(rustix::fs::CWD, at, rustix::fs::FileType::Fifo, mode, 0).unwrap();
            }
        }
    }
}

fn path(bytes: &[u8]) -> &Path {
    Path::new(std::ffi::OsStr::from_bytes(bytes))
}

fn name(number: usize) -> RelPath {
    RelPath::parse(NAMES[number]).unwrap()
}

fn read(mut file: Box<dyn ReadHandle>) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// What can be seen of a name.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    kind: FileKind,
    content: Vec<u8>,
    mode: u32,
    links: u64,
    /// The first name of the same inode.
    same_as: RelPath,
}

fn seen(tree: &dyn ReadTree) -> BTreeMap<RelPath, Seen> {
    let mut all = BTreeMap::new();
    let mut folders = vec![RelPath::root()];
    while let Some(folder) = folders.pop() {
        for entry in tree.list(&folder).unwrap() {
            let (at, facts) = (folder.join(&entry.name), entry.facts.unwrap());
            if facts.kind == FileKind::Directory {
                folders.push(at.clone());
            }
            all.insert(at, facts);
        }
    }
    let mut first: BTreeMap<FileId, RelPath> = BTreeMap::new();
    let mut result = BTreeMap::new();
    for (at, facts) in all {
        let same_as = first.entry(facts.id).or_insert_with(|| at.clone()).clone();
        let is_file = facts.kind == FileKind::File;
        let content = if is_file { read(tree.open(&at).unwrap()) } else { Vec::new() };
        // File systems count a folder's links differently.
        let links = if facts.kind == FileKind::Directory { 0 } else { facts.links };
        let mode = if is_file { facts.mode } else { 0 };
        result.insert(at, Seen { kind: facts.kind, content, mode, links, same_as });
    }
    result
}

proptest! {
    #[test]
    fn memory_and_linux_agree(script in prop::collection::vec(op(), 1..40)) {
        let (mut memory, mut linux) = (Side::in_memory(), Side::on_linux());
        for op in &script {
            let (expected, actual) = (linux.run(op), memory.run(op));
            prop_assert_eq!(actual, expected, "{:?}", op);
        }
        prop_assert_eq!(seen(&*memory.tree), seen(&*linux.tree));
    }
}
