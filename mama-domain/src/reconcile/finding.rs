//! What a reader of the report wants to know about an observation. Findings are data: report, counters and exit status read the same list.

use std::fmt::Display;

use mama_ports::events::Severity;
use mama_ports::vocab::{Location, ObservationId, RelPath};

/// Something about one observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Which observation.
    pub id: ObservationId,
    /// Where it was seen.
    pub at: Location,
    /// What there is to know.
    pub kind: FindingKind,
}

/// What there is to know about an observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FindingKind {
    /// Its content is blocked.
    Blocked,
    /// It becomes ignored, as its content was everywhere else.
    TurnedDown,
    /// It was seen on another host, which has to bring it.
    Elsewhere,
    /// Its source is not there.
    Missing,
    /// Its source is not what was scanned, or changes while it is read.
    Changed,
    /// Its content was never stored and cannot be had any more: the file was overwritten or removed.
    Lost,
    /// Something else stands where its view belongs, or in the way there, at this path.
    Occupied(RelPath),
    /// The archive lost a content that it had, and no source has it.
    Damaged,
    /// It could not be read or shown, for this reason.
    Failed(String),
}

impl FindingKind {
    /// A view that should go and stays.
    pub(super) fn not_removed(view: &RelPath, why: impl Display) -> Self {
        Self::Failed(format!("its view {view} cannot be removed: {why}"))
    }

    /// How bad it is; `None`: as it should be.
    pub const fn severity(&self) -> Option<Severity> {
        match self {
            Self::Blocked | Self::TurnedDown | Self::Elsewhere => None,
            Self::Lost => Some(Severity::Warning),
            Self::Missing | Self::Changed | Self::Occupied(_) | Self::Damaged | Self::Failed(_) => {
                Some(Severity::Error)
            }
        }
    }

    /// What happened, and what to do.
    pub fn reason(&self) -> String {
        match self {
            Self::Blocked => "its content is blocked".to_owned(),
            Self::TurnedDown => "its content was ignored before, so it is not shown here either; `mama assign` takes it in".to_owned(),
            Self::Elsewhere => "it was seen on another host; run apply there".to_owned(),
            Self::Missing => "not there, so it is not stored; if its disk is not mounted, mount it; else bring it back, or scan again so that mama learns that it is gone".to_owned(),
            Self::Changed => "changed since the scan, so it is not stored; scan again".to_owned(),
            Self::Lost => "this version was never stored, and the file was overwritten or removed before apply".to_owned(),
            Self::Occupied(at) => {
                format!("something else stands at {at} in the archive; it is left alone: move it away and apply again")
            }
            Self::Damaged => {
                "the archive has lost this content, and no known source still has it; look for a copy and scan it".to_owned()
            }
            Self::Failed(reason) => reason.clone(),
        }
    }
}
