//! Is this file the one we knew?

use mama_ports::repository::Known;
use mama_ports::vocab::{FileFacts, Fingerprint, Timestamp};

/// The coarsest clock tick of a file system that mama is used on (FAT, zfs-fuse), in seconds.
///
/// A file that changed so shortly before it was hashed may change again without a trace in its times.
const TICK_SECS: i64 = 2;

/// What a file's facts say about its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// No file was known here.
    New,
    /// The same content; nothing to write.
    Unchanged,
    /// The same content, but the catalog believes it gone or has not been sure of it: confirm it.
    Returned,
    /// Size and mtime are the same, but something was done to the file or may have been: read it.
    Suspect,
    /// Size or mtime differ: read it; it is a new version even if the content is the same.
    Modified,
}

/// Compares what is seen with the current observation of the same path.
pub fn classify(seen: &FileFacts, known: Option<&Known>) -> Change {
    let Some(known) = known else { return Change::New };
    let seen = seen.fingerprint();
    if !seen.is_same_version(&known.fingerprint) {
        Change::Modified
    } else if known.racy || seen != known.fingerprint {
        Change::Suspect
    } else if known.gone || known.held {
        Change::Returned
    } else {
        Change::Unchanged
    }
}

/// Whether a file with this fingerprint, hashed from `started` to `ended`, could since have changed within the same tick of its clock.
///
/// An mtime far in the future was set by hand and proves nothing either way: an edit would replace it.
pub fn is_racy(fingerprint: &Fingerprint, started: Timestamp, ended: Timestamp) -> bool {
    let fresh = started.plus_secs(-TICK_SECS);
    fingerprint.ctime >= fresh || (fresh..=ended.plus_secs(TICK_SECS)).contains(&fingerprint.mtime)
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::{FileId, FileKind, FileName, ObservationId};

    use super::*;

    fn facts(size: u64, mtime: i64, ctime: i64, inode: u64) -> FileFacts {
        FileFacts {
            kind: FileKind::File,
            id: FileId { device: 1, inode },
            size,
            mtime: Timestamp::new(mtime, 5),
            ctime: Timestamp::new(ctime, 5),
            mode: 0o644,
            links: 1,
            owned: true,
        }
    }

    fn known() -> Known {
        Known {
            id: ObservationId(1),
            name: FileName::parse("a").unwrap(),
            fingerprint: facts(10, 100, 200, 7).fingerprint(),
            racy: false,
            gone: false,
            held: false,
        }
    }

    #[test]
    fn every_difference_is_noticed() {
        assert_eq!(classify(&facts(10, 100, 200, 7), None), Change::New);
        assert_eq!(classify(&facts(10, 100, 200, 7), Some(&known())), Change::Unchanged);
        assert_eq!(classify(&facts(11, 100, 200, 7), Some(&known())), Change::Modified);
        assert_eq!(classify(&facts(10, 101, 200, 7), Some(&known())), Change::Modified);
        assert_eq!(classify(&facts(10, 100, 201, 7), Some(&known())), Change::Suspect);
        assert_eq!(classify(&facts(10, 100, 200, 8), Some(&known())), Change::Suspect);
    }

    #[test]
    fn what_was_hashed_too_soon_after_a_change_is_read_again() {
        assert_eq!(
            classify(&facts(10, 100, 200, 7), Some(&Known { racy: true, ..known() })),
            Change::Suspect
        );
    }

    #[test]
    fn a_file_that_comes_back_is_confirmed_and_not_read() {
        assert_eq!(
            classify(&facts(10, 100, 200, 7), Some(&Known { gone: true, ..known() })),
            Change::Returned
        );
        assert_eq!(
            classify(&facts(10, 100, 200, 7), Some(&Known { held: true, ..known() })),
            Change::Returned
        );
        let doubtful = Known { gone: true, racy: true, ..known() };
        assert_eq!(classify(&facts(10, 100, 200, 7), Some(&doubtful)), Change::Suspect);
    }

    #[test]
    fn times_within_two_seconds_of_hashing_are_racy() {
        let at = |secs| Timestamp::new(secs, 5);
        let fingerprint = |mtime, ctime| facts(1, mtime, ctime, 1).fingerprint();
        assert!(!is_racy(&fingerprint(100, 197), at(200), at(200)));
        assert!(is_racy(&fingerprint(100, 198), at(200), at(200)));
        assert!(is_racy(&fingerprint(198, 100), at(200), at(200)));
        assert!(
            is_racy(&fingerprint(100, 9999), at(200), at(200)),
            "a ctime in the future: the clocks disagree"
        );
        assert!(is_racy(&fingerprint(260, 100), at(200), at(260)));
        assert!(!is_racy(&fingerprint(9999, 100), at(200), at(260)), "an mtime set by hand");
    }
}
