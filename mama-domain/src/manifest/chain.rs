//! Whether the manifests that count follow each other.

use mama_ports::manifest::Mark;
use mama_ports::vocab::BlobHash;

use super::header::Header;

/// A manifest by its number, and what it says about itself if that makes sense.
pub(crate) type Known = (u64, Option<(Mark, Header)>);

/// Those that count: the last one that began anew, and those after it.
pub(crate) fn in_force(mut manifests: Vec<Known>) -> Vec<Known> {
    let anew = |(_, known): &Known| known.as_ref().is_some_and(|(_, header)| header.anew);
    let first = manifests.iter().rposition(anew).unwrap_or(0);
    manifests.split_off(first)
}

/// Those before which at least one is missing, each with the number of the one that is there before it.
///
/// Each names the digest of the one before it; next to one that cannot be read, the numbers tell.
pub(crate) fn gaps(in_force: &[Known]) -> Vec<(u64, Option<u64>)> {
    let mut before: Option<(u64, Option<BlobHash>)> = None;
    let mut gaps = Vec::new();
    for (number, known) in in_force {
        let expected = before.map_or(1, |(number, _)| number + 1);
        let is_there = match (known, before) {
            (Some((_, header)), _) if header.anew => true,
            (Some((_, header)), None) => header.follows.is_none(),
            (Some((_, header)), Some((_, Some(digest)))) => header.follows == Some(digest),
            (Some(_), Some((_, None))) | (None, _) => *number == expected,
        };
        if !is_there {
            gaps.push((*number, before.map(|(number, _)| number)));
        }
        before = Some((*number, known.as_ref().map(|(mark, _)| mark.digest)));
    }
    gaps
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::ArchiveId;

    use super::*;

    fn digest(number: u64) -> BlobHash {
        BlobHash::from_bytes([number as u8; 32])
    }

    /// A manifest that follows another one.
    fn manifest(generation: u64, follows: Option<u64>, anew: bool) -> Known {
        let archive = ArchiveId::from_bytes([1; 16]);
        let follows = follows.map(digest);
        let header = Header { archive, generation, follows, anew, rows: 0, digest: digest(99) };
        (generation, Some((Mark { generation, digest: digest(generation) }, header)))
    }

    fn chain(numbers: &[u64]) -> Vec<Known> {
        let link = |&number: &u64| manifest(number, (number > 1).then(|| number - 1), false);
        numbers.iter().map(link).collect()
    }

    fn damaged(number: u64) -> Known {
        (number, None)
    }

    #[test]
    fn what_is_missing_is_told_by_digests_and_next_to_damage_by_numbers() {
        assert_eq!(gaps(&chain(&[1, 2, 3])), []);
        assert_eq!(gaps(&chain(&[1, 2, 4])), [(4, Some(2))]);
        assert_eq!(gaps(&chain(&[2, 3])), [(2, None)]);
        let mut manifests = chain(&[1, 2, 3, 4]);
        manifests[1] = damaged(2);
        assert_eq!(gaps(&manifests), []);
        manifests.remove(2);
        assert_eq!(gaps(&manifests), [(4, Some(2))], "what follows a damaged one");
        assert_eq!(
            gaps(&[chain(&[1]), vec![damaged(3)]].concat()),
            [(3, Some(1))],
            "what a damaged one follows"
        );
        assert_eq!(gaps(&[damaged(2)]), [(2, None)]);
        assert_eq!(gaps(&[]), []);
    }

    #[test]
    fn what_came_before_a_new_beginning_does_not_count() {
        let anew = |number: u64| manifest(number, Some(number - 1), true);
        let manifests = [chain(&[1, 2]), vec![anew(7), manifest(8, Some(7), false)]].concat();
        let counting = in_force(manifests);
        assert_eq!(counting.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [7, 8]);
        assert_eq!(gaps(&counting), []);
        assert_eq!(in_force(chain(&[1, 2])).len(), 2);
    }
}
