//! The owner's hand: what people and other programs do to the machine, and what a test looks at.

use std::collections::BTreeMap;
use std::sync::Arc;

use mama_ports::filesystem::FsErrorKind as Kind;
use mama_ports::vocab::{AbsPath, FileFacts, FileKind, RelPath, Timestamp, escaped};

use super::MemoryFs;
use super::inode::{Access, Cloning, Disk, Done, Folding, Ino, Node, ROOT};

impl MemoryFs {
    /// Writes a file, in place if it exists (its other names see it); makes missing folders.
    pub fn write(&self, at: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) {
        self.by_hand("write", at.as_ref(), |disk, path| {
            let ino = put(disk, path, bytes.as_ref())?;
            disk.get_mut(ino).settle();
            let (dir, name) = disk.place(ROOT, path, Kind::Other)?;
            disk.settle_name(dir, &name);
            Ok(())
        });
    }

    /// Writes a file that the next power cut may lose, as one that has just been uploaded.
    pub fn write_unsynced(&self, at: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) {
        self.by_hand("write", at.as_ref(), |disk, path| put(disk, path, bytes.as_ref()).map(drop));
    }

    /// Adds bytes to the end of a file.
    pub fn append(&self, at: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) {
        self.by_hand("append to", at.as_ref(), |disk, path| {
            let ino = disk.find(ROOT, path)?;
            disk.write_at(ino, disk.data(ino)?.len(), bytes.as_ref())?;
            disk.get_mut(ino).settle();
            Ok(())
        });
    }

    /// Flips a bit in the first byte of a file that is not empty, as a dying disk does: no time moves.
    pub fn rot(&self, at: impl AsRef<[u8]>) {
        self.by_hand("spoil", at.as_ref(), |disk, path| {
            let ino = disk.find(ROOT, path)?;
            if let Node::File { data, durable, .. } = &mut disk.get_mut(ino).node {
                Arc::make_mut(data)[0] ^= 1;
                *durable = Arc::clone(data);
            }
            Ok(())
        });
    }

    /// Removes what is there, a folder with all it holds.
    pub fn remove(&self, at: impl AsRef<[u8]>) {
        self.by_hand("remove", at.as_ref(), |disk, path| {
            let (dir, name) = disk.place(ROOT, path, Kind::Other)?;
            remove(disk, dir, &name)?;
            disk.settle_name(dir, &name);
            Ok(())
        });
    }

    /// Makes a folder and those above it that are missing.
    pub fn mkdirs(&self, at: impl AsRef<[u8]>) {
        self.by_hand("make the folder", at.as_ref(), |disk, path| folders(disk, path).map(drop));
    }

    /// Makes a symbolic link to `target`, whether or not anything is there; makes missing folders.
    pub fn symlink(&self, target: impl AsRef<[u8]>, at: impl AsRef<[u8]>) {
        let link = Node::Symlink(target.as_ref().to_vec());
        self.by_hand("link", at.as_ref(), |disk, path| named(disk, path, link, 0o777).map(drop));
    }

    /// Makes a FIFO; makes missing folders.
    pub fn fifo(&self, at: impl AsRef<[u8]>) {
        self.by_hand("make the FIFO", at.as_ref(), |disk, path| {
            named(disk, path, Node::Fifo, 0o644).map(drop)
        });
    }

    /// Gives the file `from` the further name `to`.
    pub fn hard_link(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) {
        let from = relative(from.as_ref());
        self.by_hand("link", to.as_ref(), |disk, path| {
            let ino = disk.find(ROOT, &from)?;
            let (dir, name) = disk.place(ROOT, path, Kind::Other)?;
            disk.link(ino, dir, &name)?;
            disk.settle_name(dir, &name);
            Ok(())
        });
    }

    /// Renames, replacing what is there.
    pub fn rename(&self, from: impl AsRef<[u8]>, to: impl AsRef<[u8]>) {
        let from = relative(from.as_ref());
        self.by_hand("rename", to.as_ref(), |disk, path| {
            let (old, old_name) = disk.place(ROOT, &from, Kind::Other)?;
            let (new, new_name) = disk.place(ROOT, path, Kind::Other)?;
            disk.rename((old, &old_name), (new, &new_name))?;
            disk.settle_name(old, &old_name);
            disk.settle_name(new, &new_name);
            Ok(())
        });
    }

    /// Sets the time of last change; the ctime moves on.
    pub fn set_mtime(&self, at: impl AsRef<[u8]>, mtime: Timestamp) {
        self.by_hand("set the time of", at.as_ref(), |disk, path| {
            let ino = disk.find(ROOT, path)?;
            disk.touch_ctime(ino);
            disk.get_mut(ino).attributes.mtime = mtime;
            disk.settle_attributes(ino);
            Ok(())
        });
    }

    /// Sets the permission bits; nothing obeys them, see [`MemoryFs::forbid_reading`].
    pub fn chmod(&self, at: impl AsRef<[u8]>, mode: u32) {
        self.by_hand("chmod", at.as_ref(), |disk, path| {
            let ino = disk.find(ROOT, path)?;
            disk.chmod(ino, mode)?;
            disk.settle_attributes(ino);
            Ok(())
        });
    }

    /// Gives a file to somebody else.
    pub fn disown(&self, at: impl AsRef<[u8]>) {
        self.by_hand("disown", at.as_ref(), |disk, path| {
            let ino = disk.find(ROOT, path)?;
            disk.touch_ctime(ino);
            disk.get_mut(ino).owned = false;
            Ok(())
        });
    }

    /// A folder's names are as they are, none is added or taken away: `PermissionDenied`.
    pub fn forbid_changing(&self, at: impl AsRef<[u8]>) {
        self.set_access(at.as_ref(), Access::NoChanging);
    }

    /// A file can no longer be opened, a folder neither listed nor passed through: `PermissionDenied`.
    pub fn forbid_reading(&self, at: impl AsRef<[u8]>) {
        self.set_access(at.as_ref(), Access::NoReading);
    }

    /// It cannot even be asked what this is: `PermissionDenied`.
    pub fn forbid_asking(&self, at: impl AsRef<[u8]>) {
        self.set_access(at.as_ref(), Access::NoFacts);
    }

    /// Takes back what was forbidden.
    pub fn allow(&self, at: impl AsRef<[u8]>) {
        self.set_access(at.as_ref(), Access::All);
    }

    /// Makes a folder, with those above it, that is another device. `/` is device 1.
    pub fn mount(&self, at: impl AsRef<[u8]>, device: u64) {
        self.by_hand("mount", at.as_ref(), |disk, path| {
            let ino = folders(disk, path)?;
            disk.get_mut(ino).device = device;
            Ok(())
        });
    }

    /// How many bytes all files may have together; an empty file or folder needs one to be made. `None`: no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.change(|disk| disk.capacity = bytes);
    }

    /// How many names an inode may have.
    pub fn set_max_links(&self, links: u64) {
        self.change(|disk| disk.max_links = links);
    }

    /// What cloning does; at first it is [`Cloning::Off`].
    pub fn set_cloning(&self, cloning: Cloning) {
        self.change(|disk| disk.cloning = cloning);
    }

    /// Whether file times are whole seconds.
    pub fn set_coarse_times(&self, coarse: bool) {
        self.change(|disk| disk.coarse = coarse);
    }

    /// Whether nothing can be changed, not by the owner either.
    pub fn set_read_only(&self, read_only: bool) {
        self.change(|disk| disk.read_only = read_only);
    }

    /// Which names it takes for one.
    pub fn set_folding(&self, folding: Folding) {
        self.change(|disk| disk.folding = folding);
    }

    /// Refuses names longer than this, and, if `utf8_only`, names that are no text.
    pub fn set_names(&self, longest: usize, utf8_only: bool) {
        self.change(|disk| (disk.max_name, disk.utf8_only) = (longest, utf8_only));
    }

    /// The content of a file.
    pub fn read(&self, at: impl AsRef<[u8]>) -> Vec<u8> {
        self.by_hand("read", at.as_ref(), |disk, path| Ok(disk.data(disk.find(ROOT, path)?)?.to_vec()))
    }

    /// Whether anything has this name.
    pub fn exists(&self, at: impl AsRef<[u8]>) -> bool {
        self.facts(at).is_some()
    }

    /// What has this name, not following a link.
    pub fn facts(&self, at: impl AsRef<[u8]>) -> Option<FileFacts> {
        let path = relative(at.as_ref());
        let state = self.state();
        state.disk.find(ROOT, &path).ok().map(|ino| state.disk.facts(ino))
    }

    /// Every regular file by its absolute path, with its content.
    pub fn all_files(&self) -> BTreeMap<Vec<u8>, Vec<u8>> {
        let state = self.state();
        let files =
            names_below(&state.disk).into_iter().filter_map(|(path, ino)| match &state.disk.get(ino).node {
                Node::File { data, .. } => Some((path, data.to_vec())),
                _ => None,
            });
        files.collect()
    }

    /// Everything that has a name, by its absolute path, with its facts.
    pub fn all_facts(&self) -> BTreeMap<Vec<u8>, FileFacts> {
        let state = self.state();
        names_below(&state.disk).into_iter().map(|(path, ino)| (path, state.disk.facts(ino))).collect()
    }

    fn set_access(&self, at: &[u8], access: Access) {
        self.by_hand("forbid", at, |disk, path| {
            let ino = disk.find(ROOT, path)?;
            disk.get_mut(ino).access = access;
            Ok(())
        });
    }

    pub(super) fn by_hand<T>(
        &self,
        what: &str,
        at: &[u8],
        work: impl FnOnce(&mut Disk, &RelPath) -> Done<T>,
    ) -> T {
        let path = relative(at);
        self.change(|disk| work(disk, &path))
            .unwrap_or_else(|kind| panic!("the owner cannot {what} {}: {kind}", escaped(at)))
    }
}

impl Disk {
    /// Makes one name, or its absence, durable.
    fn settle_name(&mut self, dir: Ino, name: &[u8]) {
        let Node::Directory { names, durable, .. } = &mut self.get_mut(dir).node else { return };
        match names.get(name) {
            Some(&ino) => durable.insert(name.to_vec(), ino),
            None => durable.remove(name),
        };
    }

    fn settle_attributes(&mut self, ino: Ino) {
        let inode = self.get_mut(ino);
        inode.durable_attributes = inode.attributes;
    }
}

fn relative(at: &[u8]) -> RelPath {
    AbsPath::parse(at).unwrap_or_else(|error| panic!("{error}")).from_slash()
}

fn folders(disk: &mut Disk, path: &RelPath) -> Done<Ino> {
    path.names().try_fold(ROOT, |dir, name| match disk.lookup(dir, name.as_bytes()) {
        Ok(found) => disk.names(found).map(|_| found),
        Err(Kind::NotFound) => {
            let made = disk.make(dir, name.as_bytes(), Node::directory(), 0o755)?;
            disk.settle_name(dir, name.as_bytes());
            Ok(made)
        }
        Err(kind) => Err(kind),
    })
}

fn named(disk: &mut Disk, path: &RelPath, node: Node, mode: u32) -> Done<Ino> {
    let (folder, name) = path.split().ok_or(Kind::IsDirectory)?;
    let dir = folders(disk, &folder)?;
    let made = disk.make(dir, name.as_bytes(), node, mode)?;
    disk.settle_name(dir, name.as_bytes());
    Ok(made)
}

/// Truncates or makes a file, and writes it.
fn put(disk: &mut Disk, path: &RelPath, bytes: &[u8]) -> Done<Ino> {
    let ino = match disk.find(ROOT, path) {
        Ok(ino) => ino,
        Err(Kind::NotFound) => {
            let (folder, name) = path.split().ok_or(Kind::IsDirectory)?;
            let dir = folders(disk, &folder)?;
            disk.make(dir, name.as_bytes(), Node::file(b""), 0o644)?
        }
        Err(kind) => return Err(kind),
    };
    disk.data(ino)?;
    if let Node::File { data, .. } = &mut disk.get_mut(ino).node {
        Arc::make_mut(data).clear();
    }
    disk.write_at(ino, 0, bytes)?;
    Ok(ino)
}

fn remove(disk: &mut Disk, dir: Ino, name: &[u8]) -> Done<()> {
    let found = disk.lookup(dir, name)?;
    if disk.get(found).kind() != FileKind::Directory {
        return disk.unlink(dir, name);
    }
    let inside: Vec<Vec<u8>> = disk.names(found)?.keys().cloned().collect();
    for below in inside {
        remove(disk, found, &below)?;
    }
    disk.remove_dir(dir, name)
}

fn names_below(disk: &Disk) -> Vec<(Vec<u8>, Ino)> {
    let mut found = Vec::new();
    let mut folders = vec![(Vec::new(), ROOT)];
    while let Some((path, dir)) = folders.pop() {
        let Node::Directory { names, .. } = &disk.get(dir).node else { continue };
        for (name, &ino) in names {
            let path = [&path, b"/".as_slice(), name].concat();
            folders.push((path.clone(), ino));
            found.push((path, ino));
        }
    }
    found
}
