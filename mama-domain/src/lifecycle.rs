//! The lifecycle of an observation's target.

use mama_ports::vocab::Status;

/// What happens to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Apply promotes it, or a rule or a person says yes.
    Applied,
    /// A rule or a person says no.
    Ignored,
    /// A person takes a no back.
    Restored,
}

/// A target that may not follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an observation that is {from} cannot be {}", match event {
    Event::Applied => "applied",
    Event::Ignored => "ignored",
    Event::Restored => "restored",
})]
pub struct IllegalTransition {
    /// The target it has.
    pub from: Status,
    /// What was to happen.
    pub event: Event,
}

/// The target after `event`: `pending → assigned`, `pending → ignored`, `assigned ↔ ignored`, and nothing else.
pub const fn step(from: Status, event: Event) -> Result<Status, IllegalTransition> {
    match (from, event) {
        (Status::Pending, Event::Applied) | (Status::Ignored, Event::Restored) => Ok(Status::Assigned),
        (Status::Pending | Status::Assigned, Event::Ignored) => Ok(Status::Ignored),
        (Status::Pending, Event::Restored)
        | (Status::Assigned, Event::Applied | Event::Restored)
        | (Status::Ignored, Event::Applied | Event::Ignored) => Err(IllegalTransition { from, event }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_this_and_nothing_else() {
        use {Event as E, Status as S};
        let table = [
            (S::Pending, E::Applied, Some(S::Assigned)),
            (S::Pending, E::Ignored, Some(S::Ignored)),
            (S::Pending, E::Restored, None),
            (S::Assigned, E::Applied, None),
            (S::Assigned, E::Ignored, Some(S::Ignored)),
            (S::Assigned, E::Restored, None),
            (S::Ignored, E::Applied, None),
            (S::Ignored, E::Ignored, None),
            (S::Ignored, E::Restored, Some(S::Assigned)),
        ];
        for (from, event, to) in table {
            assert_eq!(step(from, event).ok(), to, "{from} {event:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_was_tried() {
        let refused = step(Status::Ignored, Event::Applied).unwrap_err();
        assert_eq!(refused.to_string(), "an observation that is ignored cannot be applied");
    }
}
