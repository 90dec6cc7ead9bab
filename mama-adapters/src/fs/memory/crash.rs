//! What a power cut leaves.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::MemoryFs;
use super::fault::Plan;
use super::inode::{Data, Disk, Ino, Names, Node, ROOT};

/// Which of the changes that no sync has confirmed survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reboot {
    /// None.
    LoseUnsynced,
    /// All.
    KeepEverything,
    /// All names and attributes, but no content: files are empty or have older content.
    NamesWithoutData,
    /// All content and attributes, but no name.
    DataWithoutNames,
    /// Each name, each content (also cut short) and each file's attributes by itself, at random.
    Subset(u64),
}

impl MemoryFs {
    /// Starts the machine after a power cut. Locks are free, faults forgotten, and trees and handles from before are dead.
    pub fn reboot(&self, how: Reboot) {
        let mut state = self.state();
        state.disk.power_cut(how);
        state.disk.boots += 1;
        state.locks.clear();
        state.writers.clear();
        state.plan = Plan::default();
        state.epoch += 1;
    }

    /// Ends the process under test, not the machine: what it did stays, synced or not. Locks are free, faults forgotten,
    /// and its trees and handles are dead.
    pub fn kill(&self) {
        let mut state = self.state();
        state.locks.clear();
        state.writers.clear();
        state.plan = Plan::default();
        state.epoch += 1;
    }
}

impl Reboot {
    fn keeps_name(self, dir: Ino, name: &[u8], directory: Option<Ino>) -> bool {
        match self {
            Self::LoseUnsynced | Self::DataWithoutNames => false,
            Self::KeepEverything | Self::NamesWithoutData => true,
            // A folder that was moved is in one place or the other, in every journalling file system.
            Self::Subset(seed) => match directory {
                Some(moved) => random((seed, "folder", moved)) % 2 == 0,
                None => random((seed, "name", dir, name)) % 2 == 0,
            },
        }
    }

    fn data(self, ino: Ino, live: &Data, durable: &Data) -> Data {
        match self {
            Self::LoseUnsynced | Self::NamesWithoutData => Arc::clone(durable),
            Self::KeepEverything | Self::DataWithoutNames => Arc::clone(live),
            Self::Subset(_) if live == durable => Arc::clone(live),
            Self::Subset(seed) => match random((seed, "data", ino)) % 3 {
                0 => Arc::clone(live),
                1 => Arc::clone(durable),
                _ => {
                    let kept = random((seed, "length", ino)) as usize % (live.len() + 1);
                    Arc::new(live[..kept].to_vec())
                }
            },
        }
    }

    fn keeps_attributes(self, ino: Ino) -> bool {
        match self {
            Self::LoseUnsynced => false,
            Self::KeepEverything | Self::NamesWithoutData | Self::DataWithoutNames => true,
            Self::Subset(seed) => random((seed, "attributes", ino)) % 2 == 0,
        }
    }
}

impl Disk {
    fn power_cut(&mut self, how: Reboot) {
        let directories: BTreeSet<Ino> = self
            .inodes
            .iter()
            .filter(|(_, inode)| matches!(inode.node, Node::Directory { .. }))
            .map(|(&ino, _)| ino)
            .collect();
        for (&ino, inode) in &mut self.inodes {
            if !how.keeps_attributes(ino) {
                inode.attributes = inode.durable_attributes;
            }
            match &mut inode.node {
                Node::File { data, durable, doomed } => {
                    *data = how.data(ino, data, durable);
                    *doomed = false;
                }
                Node::Directory { names, durable, removed } => {
                    *names = surviving(how, ino, names, durable, &directories);
                    *removed = false;
                }
                Node::Symlink(_) | Node::Fifo => {}
            }
        }
        self.keep_reachable();
        self.inodes.values_mut().for_each(super::inode::Inode::settle);
    }

    /// Drops what has no name any more, gives no folder two, and counts links anew.
    fn keep_reachable(&mut self) {
        self.inodes.values_mut().for_each(|inode| inode.links = 0);
        let aside =
            self.plugs.values().map(|plug| plug.at.as_ref().map_or(plug.root, |&(_, _, covered)| covered));
        let mut folders: Vec<Ino> = aside.collect();
        folders.iter().for_each(|&ino| self.get_mut(ino).links = 1);
        folders.push(ROOT);
        let mut reached: BTreeSet<Ino> = folders.iter().copied().collect();
        while let Some(dir) = folders.pop() {
            let Node::Directory { names, .. } = &self.get(dir).node else { continue };
            let mut kept = names.clone();
            kept.retain(|_, &mut ino| {
                let is_folder = matches!(self.get(ino).node, Node::Directory { .. });
                let first = reached.insert(ino);
                if is_folder && first {
                    folders.push(ino);
                }
                first || !is_folder
            });
            kept.values().for_each(|&ino| self.get_mut(ino).links += 1);
            if let Node::Directory { names, .. } = &mut self.get_mut(dir).node {
                *names = kept;
            }
        }
        self.inodes.retain(|ino, _| reached.contains(ino));
    }
}

fn surviving(how: Reboot, dir: Ino, live: &Names, durable: &Names, directories: &BTreeSet<Ino>) -> Names {
    let all: BTreeSet<&Vec<u8>> = live.keys().chain(durable.keys()).collect();
    let chosen = all.into_iter().filter_map(|name| {
        let (new, old) = (live.get(name), durable.get(name));
        let directory = new.or(old).copied().filter(|ino| directories.contains(ino));
        let kept = if new == old || how.keeps_name(dir, name, directory) { new } else { old };
        kept.map(|&ino| (name.clone(), ino))
    });
    chosen.collect()
}

fn random(choice: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    choice.hash(&mut hasher);
    hasher.finish()
}
