//! What an apply, or a plan, came to.

use mama_ports::events::{Severity, Trouble};

use crate::archive::{Entered, Transfer};
use crate::reconcile::{Action, Finding, FindingKind, Goal, Plan, Prospect};

/// The counters of an apply.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ApplyReport {
    /// Observations that were looked at because they waited.
    pub observations: u64,
    /// Contents that were brought into the archive, and are durable there: the sum of the three ways in.
    pub blobs_stored: u64,
    /// Their bytes.
    pub bytes_stored: u64,
    /// Contents that share blocks with their source.
    pub reflinked: u64,
    /// Contents that share the inode with their source.
    pub hardlinked: u64,
    /// Contents that were copied.
    pub copied: u64,
    /// Contents that lay in the archive without the catalog's knowing it, and were verified.
    pub blobs_verified: u64,
    /// Views made.
    pub views_created: u64,
    /// Views taken away.
    pub views_removed: u64,
    /// Observations that became assigned.
    pub assigned: u64,
    /// Observations of blocked contents.
    pub blocked: u64,
    /// Observations that are not shown, as their content was ignored wherever somebody decided about it.
    pub turned_down: u64,
    /// Observations whose source is not there.
    pub missing: u64,
    /// Observations whose source changed since the scan.
    pub changed: u64,
    /// Observations whose view's place is taken.
    pub conflicts: u64,
    /// Observations that failed otherwise.
    pub errors: u64,
    /// Old versions that cannot be had any more.
    pub lost: u64,
    /// Observations that another host has to bring.
    pub elsewhere: u64,
    /// Observations about which nothing was done, because the agreed plan is not today's any more.
    pub stale: u64,
    /// Contents for which the archive's disk has no room.
    pub no_room: u64,
    /// Their bytes.
    pub no_room_bytes: u64,
    /// Rows of the catalog that were written into the archive's manifests.
    pub explained: u64,
    /// How long it took.
    pub seconds: f64,
    /// The snapshot that was made before the first change, `dataset@name`.
    pub snapshot: Option<String>,
}

impl ApplyReport {
    /// Whether some files could not be processed.
    pub const fn has_failures(&self) -> bool {
        self.missing + self.changed + self.conflicts + self.errors + self.stale > 0
    }

    /// Whether anything is otherwise than before.
    pub const fn has_changed_something(&self) -> bool {
        let Self {
            blobs_stored, blobs_verified, views_created, views_removed, assigned, turned_down, ..
        } = *self;
        blobs_stored + blobs_verified + views_created + views_removed + assigned + turned_down > 0
    }

    pub(super) const fn count(&mut self, finding: &Finding) {
        let counter = match finding.kind {
            FindingKind::Blocked => &mut self.blocked,
            FindingKind::TurnedDown => &mut self.turned_down,
            FindingKind::Elsewhere => &mut self.elsewhere,
            FindingKind::Missing => &mut self.missing,
            FindingKind::Changed => &mut self.changed,
            FindingKind::Lost => &mut self.lost,
            FindingKind::Occupied(_) => &mut self.conflicts,
            FindingKind::Damaged | FindingKind::Failed(_) => &mut self.errors,
        };
        *counter += 1;
    }

    pub(super) const fn count_entered(&mut self, size: u64, how: &Entered) {
        let way = match how {
            Entered::Present => return self.blobs_verified += 1,
            Entered::Staged(Transfer::Clone, _) => &mut self.reflinked,
            Entered::Staged(Transfer::Link, _) => &mut self.hardlinked,
            Entered::Staged(Transfer::Copy, _) => &mut self.copied,
        };
        *way += 1;
        self.blobs_stored += 1;
        self.bytes_stored += size;
    }
}

/// The counters of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlanReport {
    /// Observations that wait.
    pub observations: u64,
    /// Contents to be brought in.
    pub stores: u64,
    /// Their bytes.
    pub store_bytes: u64,
    /// Contents that lie there already, to be verified.
    pub verifies: u64,
    /// Views to be made.
    pub links: u64,
    /// Views to be taken away.
    pub removes: u64,
    /// Observations that become assigned if all goes well.
    pub assigns: u64,
    /// Observations that will not be shown, as their content was ignored wherever somebody decided about it.
    pub turned_down: u64,
    /// Observations that cannot be processed as they are.
    pub problems: u64,
    /// Contents for which there is no room now.
    pub no_room: u64,
    /// Their bytes.
    pub no_room_bytes: u64,
}

impl PlanReport {
    /// Counts the contents that `room` bytes do not take, by what each needs and its size, as apply would; gives the bytes that are left.
    pub(super) fn count_room(&mut self, needs: &[(u64, u64)], room: u64) -> u64 {
        let mut left = room;
        for (needed, size) in needs {
            match left.checked_sub(*needed) {
                Some(rest) => left = rest,
                None => {
                    self.no_room += 1;
                    self.no_room_bytes = self.no_room_bytes.saturating_add(*size);
                }
            }
        }
        left
    }

    /// Whether apply would do something.
    pub const fn has_changes(&self) -> bool {
        self.stores + self.verifies + self.links + self.removes + self.assigns + self.turned_down > 0
    }

    pub(super) fn count(&mut self, plan: &Plan, waiting: u64) {
        self.observations += waiting;
        for action in &plan.actions {
            match action {
                Action::Store(store) if store.existing.is_some() => self.verifies += 1,
                Action::Store(store) => {
                    self.stores += 1;
                    self.store_bytes += store.size;
                }
                Action::Link(_) => self.links += 1,
                Action::Remove(_) => self.removes += 1,
            }
        }
        let is_assigned = |prospect: &&Prospect| {
            let is_reachable = !matches!(prospect.goal, Goal::Settled { .. });
            is_reachable && prospect.status != prospect.from.standing.status
        };
        self.assigns += plan.prospects.iter().filter(is_assigned).count() as u64;
        let is_turned_down = |finding: &&Finding| finding.kind == FindingKind::TurnedDown;
        self.turned_down += plan.findings.iter().filter(is_turned_down).count() as u64;
        let is_problem = |finding: &&Finding| finding.kind.severity() == Some(Severity::Error);
        self.problems += plan.findings.iter().filter(is_problem).count() as u64;
    }
}

/// The trouble that a finding is for its reader, if it is any.
pub fn trouble(finding: &Finding) -> Option<Trouble> {
    let path = finding.at.full_path();
    finding.kind.severity().map(|severity| Trouble { severity, path, reason: finding.kind.reason() })
}
