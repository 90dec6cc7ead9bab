//! What a person may say about a sighting.

use mama_ports::curation::{Decision, Found};
use mama_ports::vocab::BlockReason;

use crate::lifecycle::{Event, step};

/// What a person says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// The archive should not show this.
    Ignore,
    /// The archive should show this.
    Assign,
    /// This content may have no view anywhere.
    Block(BlockReason),
    /// This content may have views again.
    Unblock,
}

impl Verb {
    /// The command's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Assign => "assign",
            Self::Block(_) => "block",
            Self::Unblock => "unblock",
        }
    }

    /// Whether it is about contents, and not about single sightings of them.
    pub const fn is_about_contents(self) -> bool {
        matches!(self, Self::Block(_) | Self::Unblock)
    }

    /// The decision that makes it so; `None`: it is so already.
    pub fn decision(self, found: &Found) -> Option<Decision> {
        let Found { id, hash, status: from, block, .. } = *found;
        let target = |events: &[Event]| {
            let to = events.iter().find_map(|event| step(from, *event).ok())?;
            Some(Decision::Retarget { id, from, to })
        };
        let block = |to| (block != to).then_some(Decision::Block { hash, from: block, to });
        match self {
            Self::Ignore => target(&[Event::Ignored]),
            Self::Assign => target(&[Event::Applied, Event::Restored]),
            Self::Block(reason) => block(Some(reason)),
            Self::Unblock => block(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::{
        AbsPath, BlobHash, FileName, HostName, Location, ObservationId, RelPath, ScanRoot, SourceKind, Status,
    };

    use super::*;

    fn found(status: Status, block: Option<BlockReason>) -> Found {
        let host = HostName::parse("anna").unwrap();
        let root = ScanRoot { host, basedir: AbsPath::root(), kind: SourceKind::Existing };
        let at = Location { root, dir: RelPath::root(), name: FileName::parse("a").unwrap() };
        Found { id: ObservationId(1), at, hash: BlobHash::from_bytes([1; 32]), size: 1, status, block }
    }

    #[test]
    fn what_is_so_already_is_not_decided_again() {
        use Status::{Assigned, Ignored, Pending};
        let after = |verb: Verb, status| match verb.decision(&found(status, None)) {
            Some(Decision::Retarget { from, to, .. }) => {
                assert_eq!(from, status);
                Some(to)
            }
            Some(Decision::Block { .. }) => panic!("a block"),
            None => None,
        };
        for (verb, from, to) in [
            (Verb::Ignore, Pending, Some(Ignored)),
            (Verb::Ignore, Assigned, Some(Ignored)),
            (Verb::Ignore, Ignored, None),
            (Verb::Assign, Pending, Some(Assigned)),
            (Verb::Assign, Ignored, Some(Assigned)),
            (Verb::Assign, Assigned, None),
        ] {
            assert_eq!(after(verb, from), to, "{verb:?} {from}");
        }
    }

    #[test]
    fn a_content_is_blocked_for_another_reason_and_unblocked_from_any() {
        let (blocked, deleted) = (Some(BlockReason::Blocked), Some(BlockReason::Deleted));
        let after = |verb: Verb, block| match verb.decision(&found(Status::Pending, block)) {
            Some(Decision::Block { from, to, .. }) => Some((from, to)),
            Some(Decision::Retarget { .. }) | None => None,
        };
        assert_eq!(after(Verb::Block(BlockReason::Deleted), None), Some((None, deleted)));
        assert_eq!(after(Verb::Block(BlockReason::Deleted), blocked), Some((blocked, deleted)));
        assert_eq!(after(Verb::Block(BlockReason::Deleted), deleted), None);
        assert_eq!(after(Verb::Unblock, deleted), Some((deleted, None)));
        assert_eq!(after(Verb::Unblock, None), None);
    }
}
