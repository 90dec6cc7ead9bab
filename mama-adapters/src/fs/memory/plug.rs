//! Disks that come and go.

use mama_ports::filesystem::FsErrorKind as Kind;
use mama_ports::vocab::{AbsPath, RelPath};

use super::MemoryFs;
use super::inode::{Disk, Done, Ino, Node, Plug, ROOT};

/// The first device number of a disk that is plugged in; each time it is, it gets another one.
const FIRST_DEVICE: u64 = 1 << 16;

impl MemoryFs {
    /// Plugs in the disk of this name, an empty one if it is new, at the folder `at`, which is made if it is missing and
    /// covered as long as the disk is there. Its device number is another one each time.
    pub fn plug(&self, disk: &str, at: impl AsRef<[u8]>) {
        self.mkdirs(at.as_ref());
        self.by_hand("plug in a disk at", at.as_ref(), |machine, path| machine.plug(disk, path));
    }

    /// Plugs out the disk of this name: what it covered is seen again.
    pub fn unplug(&self, disk: &str) {
        self.change(|machine| machine.unplug(disk))
            .unwrap_or_else(|kind| panic!("the owner cannot unplug {disk}: {kind}"));
    }

    /// Whether the disk of this name is plugged in.
    pub fn is_plugged(&self, disk: &str) -> bool {
        self.state().disk.plugs.get(disk).is_some_and(|plug| plug.at.is_some())
    }

    /// The name of the disk that a folder is on, or else its device, and its device number as it is now.
    pub(crate) fn disk_at(&self, at: &AbsPath) -> Done<(String, u64)> {
        let state = self.state();
        let ino = state.disk.resolve_root(at)?;
        let device = state.disk.get(ino).device;
        let is_it = |plug: &Plug| plug.at.is_some() && state.disk.get(plug.root).device == device;
        let name = state.disk.plugs.iter().find(|(_, plug)| is_it(plug)).map(|(name, _)| name.clone());
        Ok((name.unwrap_or_else(|| device.to_string()), state.disk.facts(ino).id.device))
    }
}

impl Disk {
    fn plug(&mut self, disk: &str, path: &RelPath) -> Done<()> {
        let (dir, name) = self.place(ROOT, path, Kind::Other)?;
        let device = FIRST_DEVICE.max(self.inodes.values().map(|inode| inode.device).max().unwrap_or(0) + 1);
        let root = match self.plugs.get(disk) {
            Some(Plug { at: Some(_), .. }) => return Err(Kind::AlreadyExists),
            Some(plug) => plug.root,
            None => {
                let root = self.allocate(Node::directory(), 0o755, device);
                self.get_mut(root).links = 1;
                root
            }
        };
        let before = self.get(root).device;
        self.on_device(before).for_each(|inode| inode.device = device);
        let covered = self.lookup(dir, &name)?;
        self.show(dir, &name, root);
        self.plugs.insert(disk.to_owned(), Plug { root, at: Some((dir, name, covered)) });
        Ok(())
    }

    fn unplug(&mut self, disk: &str) -> Done<()> {
        let at = self.plugs.get_mut(disk).and_then(|plug| plug.at.take());
        let (dir, name, covered) = at.ok_or(Kind::NotFound)?;
        self.show(dir, &name, covered);
        Ok(())
    }

    /// Lets a name stand for another folder, at once and durably; no time moves.
    fn show(&mut self, dir: Ino, name: &[u8], ino: Ino) {
        if let Node::Directory { names, durable, .. } = &mut self.get_mut(dir).node {
            names.insert(name.to_vec(), ino);
            durable.insert(name.to_vec(), ino);
        }
    }
}
