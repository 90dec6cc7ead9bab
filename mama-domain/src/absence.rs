//! When may "not seen" become "gone"?
//!
//! Only on the proof of a complete listing of the folder that held it. What could not be looked at is *held*: the end of
//! the scan neither confirms it nor calls it gone.

use std::collections::BTreeSet;

use mama_ports::repository::{Known, Remembered};
use mama_ports::vocab::{FileName, ObservationId};
use mama_ports::walker::Visited;

/// What a folder's listing proves about the files that the catalog remembers there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Absence {
    /// Files that are not there any more.
    pub gone: Vec<ObservationId>,
    /// Folders that are not there any more, with all below them.
    pub gone_below: Vec<FileName>,
    /// Files that are there but could not be looked at, or are ignored by now.
    pub held: Vec<ObservationId>,
    /// Folders that are there but the scan does not enter.
    pub held_below: Vec<FileName>,
}

/// Judges one completely listed folder; any other is a bug of the caller.
///
/// A name that is now something else, such as a link where a file was, is gone as what it was.
pub fn judge(visited: &Visited, remembered: &Remembered) -> Absence {
    assert!(visited.listing.is_ok(), "an incomplete listing proves nothing");
    let files: BTreeSet<&FileName> = visited.files.iter().map(|(name, _)| name).collect();
    let folders: BTreeSet<&FileName> = visited.folders.iter().collect();
    let unseen: BTreeSet<&FileName> =
        visited.pruned.iter().chain(visited.unreadable.iter().map(|(name, _)| name)).collect();

    let mut absence = Absence::default();
    for Known { id, name, gone, held, .. } in &remembered.files {
        match (files.contains(name), unseen.contains(name)) {
            (true, _) => {}
            (false, true) if *gone || *held => {}
            (false, true) => absence.held.push(*id),
            (false, false) if *gone => {}
            (false, false) => absence.gone.push(*id),
        }
    }
    for name in &remembered.folders {
        match (folders.contains(name), unseen.contains(name)) {
            (true, _) => {}
            (false, true) => absence.held_below.push(name.clone()),
            (false, false) => absence.gone_below.push(name.clone()),
        }
    }
    absence
}

/// Whether a root that held files shows no file and no folder, as the empty mount point of an absent disk does; litter there proves nothing.
pub fn is_suddenly_empty(root: &Visited, remembered: &Remembered) -> bool {
    let shows_nothing = root.files.is_empty() && root.folders.is_empty() && root.unreadable.is_empty();
    shows_nothing && (!remembered.folders.is_empty() || remembered.files.iter().any(|known| !known.gone))
}

#[cfg(test)]
mod tests {
    use mama_ports::filesystem::{FsError, FsErrorKind};
    use mama_ports::vocab::{FileFacts, FileId, FileKind, Fingerprint, RelPath, Timestamp};

    use super::*;

    fn name(name: &str) -> FileName {
        FileName::parse(name).unwrap()
    }

    fn known(id: i64, file: &str) -> Known {
        let epoch = Timestamp::new(0, 0);
        Known {
            id: ObservationId(id),
            name: name(file),
            fingerprint: Fingerprint { size: 0, mtime: epoch, ctime: epoch, inode: 1 },
            racy: false,
            gone: false,
            held: false,
        }
    }

    fn file() -> FileFacts {
        let epoch = Timestamp::new(0, 0);
        let id = FileId { device: 1, inode: 1 };
        FileFacts {
            kind: FileKind::File,
            id,
            size: 0,
            mtime: epoch,
            ctime: epoch,
            mode: 0,
            links: 1,
            owned: true,
        }
    }

    #[test]
    fn only_what_a_complete_listing_lacks_is_gone() {
        let remembered = Remembered {
            files: vec![
                known(1, "here"),
                known(2, "removed"),
                known(3, "ignored"),
                known(4, "unreadable"),
                known(5, "now a link"),
            ],
            folders: vec![name("album"), name("cut"), name("excluded")],
            ..Remembered::default()
        };
        let visited = Visited {
            files: vec![(name("here"), file()), (name("new"), file())],
            folders: vec![name("album")],
            skipped: vec![(name("now a link"), FileKind::Symlink)],
            pruned: vec![name("ignored"), name("excluded")],
            unreadable: vec![(
                name("unreadable"),
                FsError::new("stat", b"unreadable", FsErrorKind::PermissionDenied),
            )],
            ..Visited::empty(RelPath::root(), Ok(()))
        };
        assert_eq!(
            judge(&visited, &remembered),
            Absence {
                gone: vec![ObservationId(2), ObservationId(5)],
                gone_below: vec![name("cut")],
                held: vec![ObservationId(3), ObservationId(4)],
                held_below: vec![name("excluded")],
            }
        );
    }

    #[test]
    fn what_is_gone_already_is_not_gone_again() {
        let remembered = Remembered {
            files: vec![Known { gone: true, ..known(1, "removed") }],
            folders: vec![],
            ..Remembered::default()
        };
        assert_eq!(judge(&Visited::empty(RelPath::root(), Ok(())), &remembered), Absence::default());
    }

    #[test]
    fn an_empty_mount_point_is_suspicious_and_a_new_empty_folder_is_not() {
        let empty = Visited::empty(RelPath::root(), Ok(()));
        assert!(is_suddenly_empty(
            &empty,
            &Remembered { files: vec![known(1, "a")], folders: vec![], ..Remembered::default() }
        ));
        assert!(is_suddenly_empty(
            &empty,
            &Remembered { files: vec![], folders: vec![name("a")], ..Remembered::default() }
        ));
        assert!(!is_suddenly_empty(&empty, &Remembered::default()));
        let litter = Visited { pruned: vec![name(".DS_Store")], ..Visited::empty(RelPath::root(), Ok(())) };
        assert!(is_suddenly_empty(
            &litter,
            &Remembered { files: vec![known(1, "a")], folders: vec![], ..Remembered::default() }
        ));
        let all_gone = Remembered {
            files: vec![Known { gone: true, ..known(1, "a") }],
            folders: vec![],
            ..Remembered::default()
        };
        assert!(!is_suddenly_empty(&empty, &all_gone));
    }
}
