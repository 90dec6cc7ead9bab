//! What the archive should hold and show for each observation.

use std::collections::BTreeMap;

use mama_ports::vocab::{BlockReason, Claim, Contest, HostName, RelPath, Status};

use crate::layout;

/// The settings that decide what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether apply promotes what is pending.
    pub auto_assign: bool,
}

/// What the archive should do about one observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The observation.
    pub claim: Claim,
    /// What should be.
    pub want: Want,
}

/// What should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Its content stored, and shown here.
    View(RelPath),
    /// Its content stored, but not shown: a newer version has the name.
    Content,
    /// Neither, though a content that is stored stays.
    Nothing(Reason),
}

/// Why an observation is not to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It waits for a decision.
    Awaiting,
    /// Its target is ignored.
    Ignored,
    /// Its content is blocked.
    Blocked(BlockReason),
    /// Nobody has decided about it, but whoever has decided about its content said no.
    TurnedDown,
}

/// Decides a contest: who has the place's plain name, who gets another one, who is superseded.
///
/// On each host the newest decided sighting speaks for the path. The host that claimed the place first has the plain name;
/// another host with other bytes there gets `name (host).ext`. A function of the contest alone: input order does not matter.
pub fn desired(contest: &Contest, rules: &Rules) -> Vec<Wish> {
    let mut newest: BTreeMap<&HostName, &Claim> = BTreeMap::new();
    for claim in contest.claims.iter().filter(|claim| refusal(claim, rules) != Some(Reason::Awaiting)) {
        let speaker = newest.entry(&claim.at.root.host).or_insert(claim);
        if claim.id > speaker.id {
            *speaker = claim;
        }
    }
    newest.retain(|_, claim| refusal(claim, rules).is_none());
    let first_claim = |host: &HostName| {
        contest.claims.iter().filter(|claim| &claim.at.root.host == host).map(|claim| claim.id).min()
    };
    let owner = newest.iter().min_by_key(|(host, _)| first_claim(host)).map(|(_, claim)| claim.hash);

    let mut claims: Vec<&Claim> = contest.claims.iter().collect();
    claims.sort_by_key(|claim| claim.id);
    let wish = |claim: &Claim| {
        let want = match (refusal(claim, rules), newest.get(&claim.at.root.host)) {
            (Some(reason), _) => Want::Nothing(reason),
            (None, Some(speaker))
                if speaker.id == claim.id || (claim.current && speaker.hash == claim.hash) =>
            {
                Want::View(if owner == Some(claim.hash) {
                    layout::view_path(&contest.place)
                } else {
                    layout::view_path_of_host(&contest.place, &claim.at.root.host, &claim.hash)
                })
            }
            (None, Some(_) | None) => Want::Content,
        };
        Wish { claim: claim.clone(), want }
    };
    claims.into_iter().map(wish).collect()
}

fn refusal(claim: &Claim, rules: &Rules) -> Option<Reason> {
    match (claim.block, claim.standing.status) {
        (Some(block), _) => Some(Reason::Blocked(block)),
        (None, Status::Ignored) => Some(Reason::Ignored),
        (None, Status::Pending) if !rules.auto_assign => Some(Reason::Awaiting),
        (None, Status::Pending) if claim.turned_down => Some(Reason::TurnedDown),
        (None, Status::Pending | Status::Assigned) => None,
    }
}
