//! What a person points at.

use mama_ports::curation::Filter;
use mama_ports::vocab::Location;

use super::Glob;
use crate::facts::Facts;
use crate::search::Period;

/// Some observations.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// What the catalog compares.
    pub filter: Filter,
    /// A pattern for the path: one page at a time, because the databases have no pattern that means the same in both.
    pub glob: Option<Glob>,
    /// When they were taken: one page at a time, too, because it follows from all that is known about each.
    pub taken: Option<Period>,
    /// Whether only these are meant, and not what belongs together with them: a Live Photo's other half, sidecars.
    pub alone: bool,
}

impl Selection {
    /// Whether it points at nothing in particular, and so at everything.
    pub fn is_everything(&self) -> bool {
        self.filter == Filter::default() && self.glob.is_none() && self.taken.is_none()
    }

    pub(crate) fn holds(&self, at: &Location) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.matches(&at.full_path()))
    }

    /// Whether a file about which this is known was taken when it should be; one of which nobody knows was not.
    pub(crate) fn is_taken_then(&self, facts: &Facts) -> bool {
        let is_then =
            |period: &Period| facts.capture.taken.as_ref().is_some_and(|taken| period.holds(&taken.moment));
        self.taken.as_ref().is_none_or(is_then)
    }
}
