//! What calls do to the disk, with the rules of Linux.

use std::sync::Arc;

use mama_ports::filesystem::FsErrorKind as Kind;
use mama_ports::vocab::FileKind;

use super::inode::{Access, Data, Disk, Done, Ino, Node};

impl Disk {
    fn writable(&self) -> Done<()> {
        if self.read_only { Err(Kind::ReadOnly) } else { Ok(()) }
    }

    /// Whether the names of a folder may change.
    pub(super) fn changeable(&self, dir: Ino) -> Done<()> {
        self.writable()?;
        if self.get(dir).access == Access::NoChanging { Err(Kind::PermissionDenied) } else { Ok(()) }
    }

    /// Whether `more` bytes still fit.
    pub(super) fn room_for(&self, more: usize) -> Done<()> {
        let Some(capacity) = self.capacity else { return Ok(()) };
        let used: usize = self
            .inodes
            .values()
            .map(|inode| match &inode.node {
                Node::File { data, .. } if inode.links > 0 => data.len(),
                _ => 0,
            })
            .sum();
        if (used + more) as u64 > capacity { Err(Kind::NoSpace) } else { Ok(()) }
    }

    /// Makes a new inode and names it.
    pub(super) fn make(&mut self, dir: Ino, name: &[u8], node: Node, mode: u32) -> Done<Ino> {
        self.vacant(dir, name)?;
        self.room_for(1)?;
        let made = self.allocate(node, mode, self.get(dir).device);
        self.attach(dir, name, made);
        Ok(made)
    }

    /// Gives an inode a further name.
    pub(super) fn link(&mut self, ino: Ino, dir: Ino, name: &[u8]) -> Done<()> {
        self.vacant(dir, name)?;
        let inode = self.get(ino);
        match inode.kind() {
            FileKind::Directory => return Err(Kind::Unsupported),
            _ if inode.links == 0 => return Err(Kind::NotFound),
            _ if inode.device != self.get(dir).device => return Err(Kind::CrossDevice),
            _ if inode.links >= self.max_links => return Err(Kind::TooManyLinks),
            _ => {}
        }
        self.attach(dir, name, ino);
        self.touch_ctime(ino);
        Ok(())
    }

    /// Takes a name away from anything but a folder.
    pub(super) fn unlink(&mut self, dir: Ino, name: &[u8]) -> Done<()> {
        let found = self.lookup(dir, name)?;
        if self.get(found).kind() == FileKind::Directory {
            return Err(Kind::IsDirectory);
        }
        self.changeable(dir)?;
        self.detach(dir, name);
        self.touch_ctime(found);
        Ok(())
    }

    /// Takes away an empty folder.
    pub(super) fn remove_dir(&mut self, dir: Ino, name: &[u8]) -> Done<()> {
        let found = self.lookup(dir, name)?;
        self.changeable(dir)?;
        let same_device = self.get(found).device == self.get(dir).device;
        match &mut self.get_mut(found).node {
            Node::Directory { names, .. } if !names.is_empty() => return Err(Kind::NotEmpty),
            Node::Directory { .. } if !same_device => return Err(Kind::Other),
            Node::Directory { removed, .. } => *removed = true,
            _ => return Err(Kind::NotDirectory),
        }
        self.detach(dir, name);
        Ok(())
    }

    /// Moves a name; the caller has made sure that a folder does not move into itself.
    pub(super) fn rename(&mut self, from: (Ino, &[u8]), to: (Ino, &[u8])) -> Done<()> {
        let moving = self.lookup(from.0, from.1)?;
        self.changeable(from.0)?;
        let device = self.get(moving).device;
        if device != self.get(to.0).device {
            return Err(Kind::CrossDevice);
        }
        if device != self.get(from.0).device {
            return Err(Kind::Other);
        }
        let is_dir = self.get(moving).kind() == FileKind::Directory;
        match self.lookup(to.0, to.1) {
            Err(Kind::NotFound) => self.can_grow(to.0)?,
            Err(kind) => return Err(kind),
            Ok(there) if there == moving => return Ok(()),
            Ok(there) => match (is_dir, self.get(there).kind() == FileKind::Directory) {
                (true, true) => self.remove_dir(to.0, to.1)?,
                (false, false) => self.unlink(to.0, to.1)?,
                (false, true) => return Err(Kind::IsDirectory),
                (true, false) => return Err(Kind::NotDirectory),
            },
        }
        self.detach(from.0, from.1);
        self.attach(to.0, to.1, moving);
        self.touch_ctime(moving);
        Ok(())
    }

    fn vacant(&self, dir: Ino, name: &[u8]) -> Done<()> {
        match self.lookup(dir, name) {
            Ok(_) => Err(Kind::AlreadyExists),
            Err(Kind::NotFound) => self.can_grow(dir),
            Err(kind) => Err(kind),
        }
    }

    fn can_grow(&self, dir: Ino) -> Done<()> {
        match self.get(dir).node {
            Node::Directory { removed: true, .. } => Err(Kind::NotFound),
            _ => self.changeable(dir),
        }
    }

    fn attach(&mut self, dir: Ino, name: &[u8], ino: Ino) {
        self.get_mut(ino).links += 1;
        if let Node::Directory { names, .. } = &mut self.get_mut(dir).node {
            names.insert(name.to_vec(), ino);
        }
        self.touch_mtime(dir);
    }

    fn detach(&mut self, dir: Ino, name: &[u8]) {
        let Ok(Some(name)) = self.names(dir).map(|names| self.spelling(names, name).cloned()) else { return };
        let Node::Directory { names, .. } = &mut self.get_mut(dir).node else { return };
        if let Some(ino) = names.remove(&name) {
            self.get_mut(ino).links -= 1;
        }
        self.touch_mtime(dir);
    }

    pub(super) fn touch_ctime(&mut self, ino: Ino) {
        let time = self.stamp();
        self.get_mut(ino).attributes.ctime = time;
    }

    pub(super) fn touch_mtime(&mut self, ino: Ino) {
        let time = self.stamp();
        let attributes = &mut self.get_mut(ino).attributes;
        (attributes.mtime, attributes.ctime) = (time, time);
    }

    pub(super) fn chmod(&mut self, ino: Ino, mode: u32) -> Done<()> {
        self.writable()?;
        self.get_mut(ino).attributes.mode = mode;
        self.touch_ctime(ino);
        Ok(())
    }

    pub(super) fn data(&self, ino: Ino) -> Done<&Data> {
        match &self.get(ino).node {
            Node::File { data, .. } => Ok(data),
            Node::Directory { .. } | Node::Symlink(_) | Node::Fifo => Err(Kind::NotRegular),
        }
    }

    /// Replaces the bytes from `offset` on, or adds to them.
    pub(super) fn write_at(&mut self, ino: Ino, offset: usize, bytes: &[u8]) -> Done<()> {
        self.writable()?;
        self.room_for((offset + bytes.len()).saturating_sub(self.data(ino)?.len()))?;
        if let Node::File { data, .. } = &mut self.get_mut(ino).node {
            let data = Arc::make_mut(data);
            data.resize(data.len().max(offset + bytes.len()), 0);
            data[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        self.touch_mtime(ino);
        Ok(())
    }
}
