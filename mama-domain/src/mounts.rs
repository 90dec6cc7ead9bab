//! Is this folder on the disk that the catalog knows?
//!
//! A listing proves an absence only on the volume where the catalog saw the files. Without its disk, a mount point is an
//! ordinary folder that shows other files or none, or it is not there at all. What is on another volume than it was is
//! *held*: nothing in or below it is recorded or called gone. A folder's volume is that of the nearest mark at or above it.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::repository::{MountMark, Remembered};
use mama_ports::vocab::{RelPath, VolumeId};

/// What one scan knows of the volumes below its root.
#[derive(Debug)]
pub struct Mounts {
    marks: BTreeMap<RelPath, VolumeId>,
    policy: Policy,
    /// Where a volume of its own begins, as far as the walk has come.
    here: BTreeMap<RelPath, Mounted>,
    held: BTreeSet<RelPath>,
}

/// What is mounted at a folder now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mounted {
    device: u64,
    volume: VolumeId,
}

/// What to think of a volume that the catalog does not expect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// What it knew there is held.
    Hold,
    /// The catalog is older than such marks: what has none is where it always was.
    Adopt,
    /// Its owner says that the files have moved.
    Accept,
}

/// Whether a folder belongs to the scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival {
    /// It does, on the volume that the catalog knows.
    Known,
    /// It does, and this is to be recorded.
    Marked(MountMark),
    /// It does not, with all below it.
    Held(Stranger),
}

/// A folder that is not on the volume where the catalog knows its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stranger {
    /// The volume is not mounted; the folder is an ordinary one.
    Bare(VolumeId),
    /// Another volume is mounted.
    Other {
        /// That of the catalog.
        expected: VolumeId,
        /// That which is there.
        found: VolumeId,
    },
}

impl Mounts {
    /// The marks that the catalog has below a root.
    pub fn new(marks: Vec<(RelPath, VolumeId)>, policy: Policy) -> Self {
        Self { marks: marks.into_iter().collect(), policy, here: BTreeMap::new(), held: BTreeSet::new() }
    }

    /// Whether the owner says that all is meant to be as it is.
    pub fn accepts(&self) -> bool {
        self.policy == Policy::Accept
    }

    /// Whether another volume begins at a folder that is on this device, so that somebody must ask which.
    pub fn begins_at(&self, dir: &RelPath, device: u64) -> bool {
        self.above(dir).is_none_or(|above| above.device != device)
    }

    /// Judges a completely listed folder; those above it came before. `mounted`: its device and volume, where [`Mounts::begins_at`] made somebody ask.
    pub fn arrive(
        &mut self,
        dir: &RelPath,
        mounted: Option<(u64, VolumeId)>,
        remembered: &Remembered,
    ) -> Arrival {
        let above = self.above(dir).map(|above| above.volume.clone());
        let mounted = mounted.map(|(device, volume)| Mounted { device, volume });
        let Some(found) = mounted.as_ref().map(|mounted| mounted.volume.clone()).or_else(|| above.clone())
        else {
            return Arrival::Known;
        };
        let arrival = match self.expected(dir).cloned() {
            Some(expected) if expected == found => Arrival::Known,
            Some(expected) if !self.takes(dir, remembered) => {
                let is_bare = above.is_some_and(|above| above == found);
                self.held.insert(dir.clone());
                return Arrival::Held(match is_bare {
                    true => Stranger::Bare(expected),
                    false => Stranger::Other { expected, found },
                });
            }
            _ => Arrival::Marked(self.mark(dir, Some(found).filter(|found| above.as_ref() != Some(found)))),
        };
        self.here.extend(mounted.map(|mounted| (dir.clone(), mounted)));
        arrival
    }

    fn mark(&mut self, dir: &RelPath, volume: Option<VolumeId>) -> MountMark {
        match &volume {
            Some(volume) => self.marks.insert(dir.clone(), volume.clone()),
            None => self.marks.remove(dir),
        };
        MountMark { dir: dir.clone(), volume }
    }

    /// Whether an unexpected volume may have the place: nothing is known there, or somebody says so.
    fn takes(&self, dir: &RelPath, remembered: &Remembered) -> bool {
        let is_empty = remembered.folders.is_empty() && remembered.files.iter().all(|known| known.gone);
        is_empty
            || match self.policy {
                Policy::Accept => true,
                Policy::Adopt => !self.marks.contains_key(dir),
                Policy::Hold => false,
            }
    }

    /// Judges a folder that a complete listing lacks: the marks to take away with it, or where a volume was that may only be unmounted.
    pub fn missing(&self, dir: &RelPath) -> Result<Vec<MountMark>, (RelPath, VolumeId)> {
        let above = self.above(dir).map(|above| &above.volume);
        let within = || self.marks.iter().filter(|(at, _)| at.is_within(dir));
        let elsewhere = within().find(|(_, volume)| above != Some(*volume));
        match elsewhere.filter(|_| self.policy != Policy::Accept) {
            Some((at, volume)) => Err((at.clone(), volume.clone())),
            None => Ok(within().map(|(at, _)| MountMark { dir: at.clone(), volume: None }).collect()),
        }
    }

    /// Leaves a folder out, with all below it.
    pub fn hold(&mut self, dir: &RelPath) {
        self.held.insert(dir.clone());
    }

    /// Whether a folder above this one, or this one, is held.
    pub fn is_held(&self, dir: &RelPath) -> bool {
        self.held.iter().any(|held| dir.is_within(held))
    }

    /// The volume of the nearest mark at a folder or above it.
    fn expected(&self, dir: &RelPath) -> Option<&VolumeId> {
        self.marks.iter().rev().find(|(at, _)| dir.is_within(at)).map(|(_, volume)| volume)
    }

    /// What is mounted nearest above a folder. Of the folders above it, the nearest is the last in byte order.
    fn above(&self, dir: &RelPath) -> Option<&Mounted> {
        let mut above = self.here.iter().rev().filter(|(at, _)| *at != dir && dir.is_within(at));
        above.next().map(|(_, mounted)| mounted)
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::FileName;

    use super::*;

    fn dir(path: &str) -> RelPath {
        RelPath::parse(path).unwrap()
    }

    fn volume(name: &str) -> VolumeId {
        VolumeId::new(name)
    }

    fn mark(path: &str, name: Option<&str>) -> MountMark {
        MountMark { dir: dir(path), volume: name.map(volume) }
    }

    fn on(device: u64, name: &str) -> Option<(u64, VolumeId)> {
        Some((device, volume(name)))
    }

    fn something() -> Remembered {
        Remembered {
            files: vec![],
            folders: vec![FileName::parse("album").unwrap()],
            ..Remembered::default()
        }
    }

    /// Marks at the root, `usb` and `usb/deep`, and the walk at the root.
    fn marked(policy: Policy) -> Mounts {
        let marks = [("", "home"), ("usb", "stick"), ("usb/deep", "card")];
        let marks = marks.map(|(path, name)| (dir(path), volume(name)));
        let mut mounts = Mounts::new(marks.to_vec(), policy);
        assert_eq!(mounts.arrive(&dir(""), on(1, "home"), &something()), Arrival::Known);
        mounts
    }

    fn bare(name: &str) -> Arrival {
        Arrival::Held(Stranger::Bare(volume(name)))
    }

    fn other(expected: &str, found: &str) -> Arrival {
        Arrival::Held(Stranger::Other { expected: volume(expected), found: volume(found) })
    }

    #[test]
    fn only_where_the_device_changes_somebody_must_ask() {
        let mut mounts = marked(Policy::Hold);
        assert!(mounts.begins_at(&dir("usb"), 2) && !mounts.begins_at(&dir("usb"), 1));
        assert_eq!(mounts.arrive(&dir("usb"), on(2, "stick"), &something()), Arrival::Known);
        assert!(!mounts.begins_at(&dir("usb/a"), 2) && mounts.begins_at(&dir("usb/a"), 1));
        assert!(!mounts.begins_at(&dir("usb!"), 1), "not below usb");
        assert!(Mounts::new(vec![], Policy::Hold).begins_at(&dir(""), 1), "the root is always asked for");
    }

    #[test]
    fn a_root_on_another_volume_is_held_unless_nothing_was_there() {
        let root = |policy, remembered| {
            let mut mounts = Mounts::new(vec![(dir(""), volume("home"))], policy);
            mounts.arrive(&dir(""), on(1, "system"), &remembered)
        };
        assert_eq!(root(Policy::Hold, something()), other("home", "system"));
        let moved = Arrival::Marked(mark("", Some("system")));
        assert_eq!(root(Policy::Accept, something()), moved);
        assert_eq!(root(Policy::Hold, Remembered::default()), moved);
    }

    #[test]
    fn a_root_without_a_mark_gets_one() {
        for policy in [Policy::Hold, Policy::Adopt, Policy::Accept] {
            let mut mounts = Mounts::new(vec![], policy);
            let arrival = mounts.arrive(&dir(""), on(1, "home"), &something());
            assert_eq!(arrival, Arrival::Marked(mark("", Some("home"))));
        }
    }

    #[test]
    fn without_its_disk_a_mount_point_is_held_with_all_below() {
        let mut mounts = marked(Policy::Hold);
        assert_eq!(mounts.arrive(&dir("usb"), None, &something()), bare("stick"));
        assert!(mounts.is_held(&dir("usb")) && mounts.is_held(&dir("usb/a/b")));
        assert!(!mounts.is_held(&dir("usb!")) && !mounts.is_held(&dir("")));
        assert_eq!(marked(Policy::Adopt).arrive(&dir("usb"), None, &something()), bare("stick"));
        assert_eq!(
            marked(Policy::Hold).arrive(&dir("usb"), on(3, "new"), &something()),
            other("stick", "new")
        );
    }

    #[test]
    fn a_disk_over_known_files_is_held_and_one_where_nothing_is_known_is_recorded() {
        let arrive = |policy, remembered| marked(policy).arrive(&dir("mnt"), on(2, "new"), &remembered);
        let recorded = Arrival::Marked(mark("mnt", Some("new")));
        assert_eq!(arrive(Policy::Hold, something()), other("home", "new"));
        assert_eq!(arrive(Policy::Hold, Remembered::default()), recorded);
        assert_eq!(arrive(Policy::Adopt, something()), recorded);
        assert_eq!(arrive(Policy::Accept, something()), recorded);
    }

    #[test]
    fn a_disk_that_is_given_up_leaves_no_mark() {
        let arrival = marked(Policy::Accept).arrive(&dir("usb"), None, &something());
        assert_eq!(arrival, Arrival::Marked(mark("usb", None)));
        let arrival = marked(Policy::Hold).arrive(&dir("usb"), None, &Remembered::default());
        assert_eq!(arrival, Arrival::Marked(mark("usb", None)), "nothing is known there");
    }

    #[test]
    fn the_same_volume_under_another_device_number_begins_anew_without_a_mark() {
        let mut mounts = marked(Policy::Hold);
        assert_eq!(mounts.arrive(&dir("bind"), on(9, "home"), &something()), Arrival::Known);
        assert!(!mounts.begins_at(&dir("bind/a"), 9));
    }

    #[test]
    fn a_missing_folder_that_held_a_disk_proves_nothing() {
        let mut mounts = marked(Policy::Hold);
        assert_eq!(mounts.missing(&dir("usb")), Err((dir("usb"), volume("stick"))));
        assert_eq!(mounts.missing(&dir("us")), Ok(vec![]));
        assert_eq!(mounts.missing(&dir("album")), Ok(vec![]));
        assert_eq!(mounts.arrive(&dir("usb"), on(2, "stick"), &something()), Arrival::Known);
        assert_eq!(mounts.missing(&dir("usb/deep")), Err((dir("usb/deep"), volume("card"))));
        let given_up = marked(Policy::Accept).missing(&dir("usb"));
        assert_eq!(given_up, Ok(vec![mark("usb", None), mark("usb/deep", None)]));
    }
}
