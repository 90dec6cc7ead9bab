//! Which snapshots have been kept for long enough?

use std::cmp::Reverse;

use mama_ports::vocab::{ArchiveId, Snapshot};

/// Those to release, oldest first, so that the newest `keep` that mama made for `archive` stay.
///
/// What somebody else made, or made for another archive, is never one of them. What is held is neither released nor counted.
pub fn to_release(snapshots: &[Snapshot], archive: &ArchiveId, keep: usize) -> Vec<Snapshot> {
    let is_mamas = |snapshot: &&Snapshot| snapshot.archive.as_ref() == Some(archive) && !snapshot.held;
    let mut own: Vec<Snapshot> = snapshots.iter().filter(is_mamas).cloned().collect();
    own.sort_by_key(|snapshot| Reverse(snapshot.made_in));
    let mut released = own.split_off(keep.min(own.len()));
    released.reverse();
    released
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::Timestamp;

    use super::*;

    fn archive(byte: u8) -> ArchiveId {
        ArchiveId::from_bytes([byte; 16])
    }

    fn snapshot(made_in: u64, archive: Option<ArchiveId>, held: bool) -> Snapshot {
        let (dataset, name) = ("tank/a".to_owned(), format!("mama-{made_in}"));
        // The clock was put back: only the transactions tell the order.
        let created = Timestamp::new(1_000_000 - made_in.cast_signed(), 0);
        Snapshot { dataset, name, guid: made_in, made_in, created, archive, held }
    }

    fn released(snapshots: &[Snapshot], keep: usize) -> Vec<u64> {
        to_release(snapshots, &archive(7), keep).iter().map(|snapshot| snapshot.made_in).collect()
    }

    #[test]
    fn the_oldest_go_until_so_many_are_left() {
        let own = [3, 1, 5, 4, 2].map(|made_in| snapshot(made_in, Some(archive(7)), false));
        assert_eq!(released(&own, 2), [1, 2, 3]);
        assert_eq!(released(&own, 5), [0; 0]);
        assert_eq!(released(&own, 9), [0; 0]);
    }

    #[test]
    fn what_is_foreign_or_held_stays_and_takes_no_place() {
        let all = [
            snapshot(1, None, false),
            snapshot(2, Some(archive(8)), false),
            snapshot(3, Some(archive(7)), true),
            snapshot(4, Some(archive(7)), false),
            snapshot(5, Some(archive(7)), false),
            snapshot(6, None, false),
        ];
        assert_eq!(released(&all, 1), [4]);
        assert_eq!(released(&all, 2), [0; 0]);
    }
}
