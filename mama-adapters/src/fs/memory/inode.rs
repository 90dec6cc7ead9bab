//! The disk: inodes, their names, and which of both would survive a power cut.

use std::collections::BTreeMap;
use std::sync::Arc;

use mama_ports::filesystem::FsErrorKind as Kind;
use mama_ports::vocab::{AbsPath, FileFacts, FileId, FileKind, MAX_NAME, RelPath, Timestamp};
use unicode_normalization::UnicodeNormalization;

/// How many symbolic links the way to a root may lead through.
const MAX_LINKS_FOLLOWED: usize = 40;

pub(super) type Done<T> = Result<T, Kind>;
pub(super) type Ino = u64;
pub(super) type Names = BTreeMap<Vec<u8>, Ino>;
pub(super) type Data = Arc<Vec<u8>>;

pub(super) const ROOT: Ino = 1;

#[derive(Debug, Clone)]
pub(super) struct Inode {
    pub(super) node: Node,
    pub(super) attributes: Attributes,
    pub(super) device: u64,
    pub(super) links: u64,
    pub(super) owned: bool,
    pub(super) access: Access,
    pub(super) durable_attributes: Attributes,
}

#[derive(Debug, Clone)]
pub(super) enum Node {
    File {
        data: Data,
        durable: Data,
        /// A sync has failed: what was not durable by then never will be, whatever later syncs say.
        doomed: bool,
    },
    Directory {
        names: Names,
        durable: Names,
        removed: bool,
    },
    Symlink(Vec<u8>),
    Fifo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) mode: u32,
    pub(super) mtime: Timestamp,
    pub(super) ctime: Timestamp,
}

/// What the user may do with an inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    All,
    /// Give a folder no name, and take none away.
    NoChanging,
    /// Neither open nor list it, nor pass through it.
    NoReading,
    /// Not even ask what it is.
    NoFacts,
}

/// What a request to share blocks does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cloning {
    /// It is refused as unsupported.
    #[default]
    Off,
    /// It works.
    On,
    /// It works, and does not say that it shared anything.
    Untold,
    /// It reports success, and the new file holds zeros.
    Lying,
    /// The same, and does not say that it shared anything.
    UntoldLying,
}

/// Which names a folder takes for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Folding {
    /// Equal bytes only.
    #[default]
    Exact,
    /// Names that differ in case, as vfat does.
    Case,
    /// Names that differ in Unicode form, as ZFS does with `normalization=formD`.
    Form,
    /// Both, as ext4 does with `casefold`.
    Both,
}

impl Folding {
    fn key(self, name: &[u8]) -> Vec<u8> {
        match (self, std::str::from_utf8(name)) {
            (Self::Exact, _) | (_, Err(_)) => name.to_vec(),
            (Self::Case, Ok(text)) => text.to_lowercase().into_bytes(),
            (Self::Form, Ok(text)) => text.nfd().collect::<String>().into_bytes(),
            (Self::Both, Ok(text)) => text.to_lowercase().nfd().collect::<String>().into_bytes(),
        }
    }
}

#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) inodes: BTreeMap<Ino, Inode>,
    next: Ino,
    /// Device numbers change with every boot, as the port allows.
    pub(super) boots: u64,
    pub(super) now: Timestamp,
    pub(super) coarse: bool,
    pub(super) capacity: Option<u64>,
    pub(super) max_links: u64,
    pub(super) cloning: Cloning,
    pub(super) read_only: bool,
    pub(super) folding: Folding,
    /// The longest name, in bytes.
    pub(super) max_name: usize,
    /// Whether names that are not UTF-8 are refused.
    pub(super) utf8_only: bool,
    /// Disks that can be plugged in and out, by name.
    pub(super) plugs: BTreeMap<String, Plug>,
}

/// A disk that can be plugged in and out.
#[derive(Debug, Clone)]
pub(super) struct Plug {
    pub(super) root: Ino,
    /// Where it is plugged in: a folder, a name there, and the folder that it covers.
    pub(super) at: Option<(Ino, Vec<u8>, Ino)>,
}

impl Node {
    pub(super) fn file(bytes: &[u8]) -> Self {
        Self::File { data: Arc::new(bytes.to_vec()), durable: Data::default(), doomed: false }
    }

    pub(super) fn directory() -> Self {
        Self::Directory { names: Names::new(), durable: Names::new(), removed: false }
    }

    pub(super) fn kind(&self) -> FileKind {
        match self {
            Self::File { .. } => FileKind::File,
            Self::Directory { .. } => FileKind::Directory,
            Self::Symlink(_) => FileKind::Symlink,
            Self::Fifo => FileKind::Special,
        }
    }
}

impl Inode {
    pub(super) fn kind(&self) -> FileKind {
        self.node.kind()
    }

    /// Makes data and attributes durable, and the names in it if it is a folder.
    pub(super) fn settle(&mut self) {
        self.durable_attributes = self.attributes;
        match &mut self.node {
            Node::File { data, durable, doomed } if !*doomed => *durable = Arc::clone(data),
            Node::Directory { names, durable, .. } => durable.clone_from(names),
            _ => {}
        }
    }

    /// A sync of this inode has failed.
    pub(super) fn doom(&mut self) {
        if let Node::File { data, durable, doomed } = &mut self.node {
            *doomed |= data != durable;
        }
    }
}

impl Disk {
    pub(super) fn new(now: Timestamp) -> Self {
        let mut disk = Self {
            inodes: BTreeMap::new(),
            next: ROOT,
            boots: 0,
            now,
            coarse: false,
            capacity: None,
            max_links: u64::MAX,
            cloning: Cloning::Off,
            read_only: false,
            folding: Folding::Exact,
            max_name: MAX_NAME,
            utf8_only: false,
            plugs: BTreeMap::new(),
        };
        disk.allocate(Node::directory(), 0o755, 1);
        disk
    }

    pub(super) fn stamp(&self) -> Timestamp {
        if self.coarse { Timestamp::new(self.now.secs, 0) } else { self.now }
    }

    pub(super) fn allocate(&mut self, node: Node, mode: u32, device: u64) -> Ino {
        let time = self.stamp();
        let attributes = Attributes { mode, mtime: time, ctime: time };
        let inode = Inode {
            node,
            attributes,
            device,
            links: 0,
            owned: true,
            access: Access::All,
            durable_attributes: attributes,
        };
        let number = self.next;
        self.next += 1;
        self.inodes.insert(number, inode);
        number
    }

    pub(super) fn get(&self, ino: Ino) -> &Inode {
        &self.inodes[&ino]
    }

    pub(super) fn get_mut(&mut self, ino: Ino) -> &mut Inode {
        self.inodes.get_mut(&ino).expect("an inode lives until the next reboot")
    }

    pub(super) fn facts(&self, ino: Ino) -> FileFacts {
        let inode = self.get(ino);
        let size = match &inode.node {
            Node::File { data, .. } => data.len(),
            Node::Symlink(target) => target.len(),
            Node::Directory { .. } | Node::Fifo => 0,
        };
        FileFacts {
            kind: inode.kind(),
            id: FileId { device: (self.boots << 32) + inode.device, inode: ino },
            size: size as u64,
            mtime: inode.attributes.mtime,
            ctime: inode.attributes.ctime,
            mode: inode.attributes.mode,
            links: inode.links,
            owned: inode.owned,
        }
    }

    /// Every inode on a device.
    pub(super) fn on_device(&mut self, device: u64) -> impl Iterator<Item = &mut Inode> {
        self.inodes.values_mut().filter(move |inode| inode.device == device)
    }

    /// The names in a folder that may be passed through.
    pub(super) fn names(&self, dir: Ino) -> Done<&Names> {
        let inode = self.get(dir);
        match &inode.node {
            Node::Symlink(_) => Err(Kind::Escape),
            Node::File { .. } | Node::Fifo => Err(Kind::NotDirectory),
            Node::Directory { .. } if inode.access == Access::NoReading => Err(Kind::PermissionDenied),
            Node::Directory { names, .. } => Ok(names),
        }
    }

    pub(super) fn lookup(&self, dir: Ino, name: &[u8]) -> Done<Ino> {
        let names = self.names(dir)?;
        self.acceptable(name)?;
        self.spelling(names, name).and_then(|name| names.get(name).copied()).ok_or(Kind::NotFound)
    }

    /// How a name is spelled in a folder that takes several for one.
    pub(super) fn spelling<'n>(&self, names: &'n Names, name: &[u8]) -> Option<&'n Vec<u8>> {
        if let Some((name, _)) = names.get_key_value(name) {
            return Some(name);
        }
        let key = self.folding.key(name);
        let is_it = |other: &&Vec<u8>| self.folding != Folding::Exact && self.folding.key(other) == key;
        names.keys().find(is_it)
    }

    fn acceptable(&self, name: &[u8]) -> Done<()> {
        if name.len() > self.max_name {
            Err(Kind::NameTooLong)
        } else if self.utf8_only && std::str::from_utf8(name).is_err() {
            Err(Kind::NameRefused)
        } else {
            Ok(())
        }
    }

    /// The inode at `path` below `root`, following no link.
    pub(super) fn find(&self, root: Ino, path: &RelPath) -> Done<Ino> {
        path.names().try_fold(root, |dir, name| self.lookup(dir, name.as_bytes()))
    }

    /// The folder that holds `path`, and the last name; `root_itself` if the path has none.
    pub(super) fn place(&self, root: Ino, path: &RelPath, root_itself: Kind) -> Done<(Ino, Vec<u8>)> {
        let (folder, name) = path.split().ok_or(root_itself)?;
        let dir = self.find(root, &folder)?;
        self.names(dir)?;
        Ok((dir, name.as_bytes().to_vec()))
    }

    /// The folder at `path`, following links everywhere.
    pub(super) fn resolve_root(&self, path: &AbsPath) -> Done<Ino> {
        let mut rest: Vec<Vec<u8>> = reversed(path.as_bytes());
        let mut way = vec![ROOT];
        let mut followed = 0;
        while let Some(name) = rest.pop() {
            let here = *way.last().unwrap_or(&ROOT);
            match name.as_slice() {
                b"." => continue,
                b".." => {
                    way.pop();
                    continue;
                }
                _ => {}
            }
            let found = self.lookup(here, &name)?;
            if let Node::Symlink(target) = &self.get(found).node {
                followed += 1;
                if followed > MAX_LINKS_FOLLOWED {
                    return Err(Kind::Other);
                }
                if target.starts_with(b"/") {
                    way = vec![ROOT];
                }
                rest.extend(reversed(target));
            } else {
                way.push(found);
            }
        }
        let found = *way.last().unwrap_or(&ROOT);
        if self.get(found).kind() == FileKind::Directory { Ok(found) } else { Err(Kind::NotDirectory) }
    }
}

/// The components of a path, the first one last.
fn reversed(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).rev().map(<[u8]>::to_vec).collect()
}
