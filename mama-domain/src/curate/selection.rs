//! What a person points at.

use mama_ports::curation::Filter;
use mama_ports::vocab::Location;

use super::Glob;

/// Some observations.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// What the catalog compares.
    pub filter: Filter,
    /// A pattern for the path: one page at a time, because the databases have no pattern that means the same in both.
    pub glob: Option<Glob>,
    /// Whether only these are meant, and not what belongs together with them: a Live Photo's other half, sidecars.
    pub alone: bool,
}

impl Selection {
    /// Whether it points at nothing in particular, and so at everything.
    pub fn is_everything(&self) -> bool {
        self.filter == Filter::default() && self.glob.is_none()
    }

    pub(super) fn holds(&self, at: &Location) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.matches(&at.full_path()))
    }
}
