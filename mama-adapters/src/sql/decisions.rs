//! Decisions as the journal's columns: what they are about, and the words before and after.

use mama_ports::curation::Decision;
use mama_ports::vocab::{BlobHash, BlockReason, ObservationId};

use super::codec::{self, Damage};

/// A decision, as columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Columns<'a> {
    pub(crate) observation: Option<i64>,
    pub(crate) hash: Option<&'a [u8]>,
    pub(crate) before: Option<&'a str>,
    pub(crate) after: Option<&'a str>,
}

pub(crate) fn columns(decision: &Decision) -> Columns<'_> {
    match decision {
        Decision::Retarget { id, from, to } => Columns {
            observation: Some(id.0),
            hash: None,
            before: Some(from.as_str()),
            after: Some(to.as_str()),
        },
        Decision::Block { hash, from, to } => Columns {
            observation: None,
            hash: Some(hash.as_bytes()),
            before: from.map(BlockReason::as_str),
            after: to.map(BlockReason::as_str),
        },
    }
}

pub(crate) fn decision(columns: &Columns<'_>) -> Result<Decision, Damage> {
    let block = |word: Option<&str>| word.map(codec::block).transpose();
    match (columns.observation, columns.hash, columns.before, columns.after) {
        (Some(id), None, Some(before), Some(after)) => Ok(Decision::Retarget {
            id: ObservationId(id),
            from: codec::word(before)?,
            to: codec::word(after)?,
        }),
        (None, Some(hash), before, after) => {
            let hash: BlobHash = codec::hash(hash)?;
            Ok(Decision::Block { hash, from: block(before)?, to: block(after)? })
        }
        _ => Err(Damage("an item of the journal is about nothing".to_owned())),
    }
}

/// Whether what was decided still is so, given the observation's status and its content's block.
pub(crate) fn holds(decision: &Decision, status: &str, block: Option<&str>) -> bool {
    let columns = columns(decision);
    columns.after == if columns.observation.is_some() { Some(status) } else { block }
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::Status;

    use super::*;

    #[test]
    fn a_decision_survives_its_columns() {
        let id = ObservationId(7);
        let hash = BlobHash::from_bytes([3; 32]);
        let decisions = [
            Decision::Retarget { id, from: Status::Pending, to: Status::Ignored },
            Decision::Block { hash, from: None, to: Some(BlockReason::Deleted) },
        ];
        for made in decisions {
            assert_eq!(decision(&columns(&made)).ok(), Some(made));
        }
        assert!(holds(&decisions[0], "ignored", Some("deleted")) && !holds(&decisions[0], "pending", None));
        assert!(holds(&decisions[1], "pending", Some("deleted")) && !holds(&decisions[1], "ignored", None));
    }
}
