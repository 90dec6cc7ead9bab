//! A folder of the machine, as the code under test sees it.

use std::sync::Arc;

use mama_ports::filesystem::{
    Cloned, Entry, Fs, FsError, FsErrorKind as Kind, Held, Listing, ReadHandle, ReadTree, WriteHandle,
    WriteTree,
};
use mama_ports::vocab::{AbsPath, FileFacts, FileKind, FileName, RelPath};

use super::MemoryFs;
use super::fault::Bend;
use super::handle::{Lock, Reader, Writer};
use super::inode::{Access, Cloning, Disk, Done, Ino, Node};

pub(super) struct Tree {
    pub(super) machine: MemoryFs,
    pub(super) root: AbsPath,
    pub(super) ino: Ino,
    /// The life of the process that opened it.
    pub(super) epoch: u64,
}

impl Tree {
    /// One step that does something to the disk.
    fn call<T>(
        &self,
        op: &'static str,
        at: &RelPath,
        work: impl FnOnce(&mut Disk, Bend) -> Done<T>,
    ) -> Fs<T> {
        let path = self.root.join(at);
        let bend = self.machine.step(self.epoch, op, path.as_bytes())?;
        self.machine.change(|disk| work(disk, bend)).map_err(|kind| FsError::new(op, path.as_bytes(), kind))
    }

    /// A sync: its failure dooms what it should have saved.
    fn sync(&self, op: &'static str, at: &RelPath, save: impl Fn(&mut Disk, bool) -> Done<()>) -> Fs<()> {
        let synced = self.call(op, at, |disk, _| save(disk, true));
        if synced.is_err() && !self.machine.crashed() {
            // There is nothing to doom where there is nothing to sync.
            self.machine.change(|disk| save(disk, false)).ok();
        }
        synced
    }

    /// The inode behind a handle of this machine.
    fn behind(&self, op: &'static str, source: &dyn ReadHandle, to: &RelPath) -> Fs<Ino> {
        let foreign = || FsError::new(op, self.root.join(to).as_bytes(), Kind::CrossDevice);
        if source.fd().is_some() {
            return Err(foreign());
        }
        let facts = source.facts()?;
        let state = self.machine.state();
        let known = state.disk.inodes.contains_key(&facts.id.inode);
        if known && state.disk.facts(facts.id.inode).id == facts.id {
            Ok(facts.id.inode)
        } else {
            Err(foreign())
        }
    }
}

fn settle_or_doom(inode: &mut super::inode::Inode, works: bool) {
    if works { inode.settle() } else { inode.doom() }
}

fn facts_of(disk: &Disk, ino: Ino) -> Done<FileFacts> {
    match disk.get(ino).access {
        Access::NoFacts => Err(Kind::PermissionDenied),
        Access::All | Access::NoChanging | Access::NoReading => Ok(disk.facts(ino)),
    }
}

fn rename(disk: &mut Disk, root: Ino, from: &RelPath, to: &RelPath) -> Done<()> {
    let source = disk.place(root, from, Kind::Other)?;
    let target = disk.place(root, to, Kind::Other)?;
    disk.lookup(source.0, &source.1)?;
    if from != to && to.is_within(from) {
        return Err(Kind::Other);
    }
    if from != to && from.is_within(to) {
        return Err(Kind::NotEmpty);
    }
    disk.rename((source.0, &source.1), (target.0, &target.1))
}

impl ReadTree for Tree {
    fn facts(&self, at: &RelPath) -> Fs<Option<FileFacts>> {
        self.call("look at", at, |disk, _| match disk.find(self.ino, at) {
            Ok(ino) => facts_of(disk, ino).map(Some),
            Err(Kind::NotFound | Kind::NotDirectory) => Ok(None),
            Err(kind) => Err(kind),
        })
    }

    fn listing(&self, dir: &RelPath) -> Fs<Listing> {
        let folder = self.root.join(dir);
        self.call("list", dir, |disk, _| {
            let ino = disk.find(self.ino, dir)?;
            let (names, device) = (disk.names(ino)?, disk.facts(ino).id.device);
            let entry = |(name, &ino): (&Vec<u8>, &Ino)| {
                let name = FileName::parse(name.as_slice()).map_err(|_| Kind::Other)?;
                let facts = facts_of(disk, ino)
                    .map_err(|kind| FsError::new("look at", folder.join(&(&name).into()).as_bytes(), kind));
                Ok(Entry { name, facts })
            };
            let entries = names.iter().map(entry).collect::<Done<_>>()?;
            Ok(Listing { device, entries })
        })
    }

    fn open(&self, at: &RelPath) -> Fs<Box<dyn ReadHandle>> {
        let ino = self.call("open", at, |disk, _| {
            let ino = disk.find(self.ino, at)?;
            let inode = disk.get(ino);
            match inode.kind() {
                FileKind::File if matches!(inode.access, Access::All | Access::NoChanging) => Ok(ino),
                FileKind::File => Err(Kind::PermissionDenied),
                _ => Err(Kind::NotRegular),
            }
        })?;
        Ok(Box::new(Reader {
            machine: self.machine.clone(),
            path: self.root.join(at),
            ino,
            position: 0,
            epoch: self.epoch,
        }))
    }
}

impl WriteTree for Tree {
    fn create(&self, at: &RelPath) -> Fs<Box<dyn WriteHandle>> {
        let ino = self.call("create", at, |disk, _| {
            let (dir, name) = disk.place(self.ino, at, Kind::AlreadyExists)?;
            disk.make(dir, &name, Node::file(b""), 0o600)
        })?;
        Ok(Box::new(Writer::new(self.machine.clone(), self.root.join(at), ino, self.epoch)))
    }

    fn reflink_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<Cloned> {
        let source = self.behind("clone", source, to)?;
        self.call("clone", to, |disk, bend| {
            let (dir, name) = disk.place(self.ino, to, Kind::AlreadyExists)?;
            let mut data = disk.data(source)?.to_vec();
            match disk.cloning {
                _ if disk.get(source).device != disk.get(dir).device => return Err(Kind::CrossDevice),
                Cloning::Off => return Err(Kind::Unsupported),
                Cloning::On | Cloning::Untold => {}
                Cloning::Lying | Cloning::UntoldLying => data.fill(0),
            }
            if bend.flip
                && let Some(byte) = data.first_mut()
            {
                *byte ^= 1;
            }
            disk.make(dir, &name, Node::file(&data), 0o600)?;
            let is_untold = matches!(disk.cloning, Cloning::Untold | Cloning::UntoldLying);
            Ok(if is_untold { Cloned::MayBeCopied } else { Cloned::Shared })
        })
    }

    fn link_from(&self, source: &dyn ReadHandle, to: &RelPath) -> Fs<()> {
        let source = self.behind("link", source, to)?;
        if self.machine.state().is_written(source) {
            return Err(FsError::new("link", self.root.join(to).as_bytes(), Kind::Unsupported));
        }
        self.call("link", to, |disk, _| {
            let (dir, name) = disk.place(self.ino, to, Kind::AlreadyExists)?;
            disk.link(source, dir, &name)
        })
    }

    fn link(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        self.call("link", to, |disk, _| {
            let (old, old_name) = disk.place(self.ino, from, Kind::Unsupported)?;
            let (dir, name) = disk.place(self.ino, to, Kind::AlreadyExists)?;
            disk.link(disk.lookup(old, &old_name)?, dir, &name)
        })
    }

    fn rename(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        self.call("rename", to, |disk, _| rename(disk, self.ino, from, to))
    }

    fn rename_new(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        self.call("rename", to, |disk, _| {
            let (old, old_name) = disk.place(self.ino, from, Kind::Other)?;
            let (dir, name) = disk.place(self.ino, to, Kind::AlreadyExists)?;
            disk.lookup(old, &old_name)?;
            match disk.lookup(dir, &name) {
                Ok(_) => Err(Kind::AlreadyExists),
                Err(Kind::NotFound) => rename(disk, self.ino, from, to),
                Err(kind) => Err(kind),
            }
        })
    }

    fn unlink(&self, at: &RelPath) -> Fs<()> {
        self.call("unlink", at, |disk, _| {
            let (dir, name) = disk.place(self.ino, at, Kind::IsDirectory)?;
            disk.unlink(dir, &name)
        })
    }

    fn make_dir(&self, at: &RelPath) -> Fs<()> {
        self.call("make the folder", at, |disk, _| {
            let (dir, name) = disk.place(self.ino, at, Kind::AlreadyExists)?;
            disk.make(dir, &name, Node::directory(), 0o750).map(drop)
        })
    }

    fn remove_dir(&self, at: &RelPath) -> Fs<()> {
        self.call("remove the folder", at, |disk, _| {
            let (dir, name) = disk.place(self.ino, at, Kind::Other)?;
            disk.remove_dir(dir, &name)
        })
    }

    fn check_changing(&self, folder: &RelPath) -> Fs<()> {
        self.call("change the folder", folder, |disk, _| {
            let ino = disk.find(self.ino, folder)?;
            disk.names(ino)?;
            disk.changeable(ino)
        })
    }

    fn seal(&self, file: &dyn ReadHandle) -> Fs<()> {
        let op = "seal a file of";
        let ino = self.behind(op, file, &RelPath::root())?;
        self.call(op, &RelPath::root(), |disk, _| disk.chmod(ino, 0o444))
    }

    fn sync_file(&self, at: &RelPath) -> Fs<()> {
        self.sync("sync", at, |disk, works| {
            let ino = disk.find(self.ino, at)?;
            disk.data(ino)?;
            settle_or_doom(disk.get_mut(ino), works);
            Ok(())
        })
    }

    fn sync_dir(&self, at: &RelPath) -> Fs<()> {
        self.sync("sync the folder", at, |disk, works| {
            let ino = disk.find(self.ino, at)?;
            disk.names(ino)?;
            settle_or_doom(disk.get_mut(ino), works);
            Ok(())
        })
    }

    fn sync_all(&self) -> Fs<()> {
        self.sync("sync all of", &RelPath::root(), |disk, works| {
            let device = disk.get(self.ino).device;
            disk.on_device(device).for_each(|inode| settle_or_doom(inode, works));
            Ok(())
        })
    }

    fn lock(&self, at: &RelPath) -> Fs<Box<dyn Held>> {
        let ino = self.call("lock", at, |disk, _| match disk.find(self.ino, at) {
            Err(Kind::NotFound) => {
                let (dir, name) = disk.place(self.ino, at, Kind::IsDirectory)?;
                disk.make(dir, &name, Node::file(b""), 0o600)
            }
            Ok(ino) => match disk.get(ino).kind() {
                FileKind::File => Ok(ino),
                FileKind::Directory => Err(Kind::IsDirectory),
                FileKind::Symlink => Err(Kind::Escape),
                FileKind::Special => Err(Kind::NotRegular),
            },
            Err(kind) => Err(kind),
        })?;
        let mut state = self.machine.state();
        if state.locks.contains_key(&ino) {
            return Err(FsError::new("lock", self.root.join(at).as_bytes(), Kind::Locked));
        }
        state.locks_taken += 1;
        let ticket = state.locks_taken;
        state.locks.insert(ino, ticket);
        Ok(Box::new(Lock { state: Arc::downgrade(&self.machine.state), ino, ticket }))
    }
}
