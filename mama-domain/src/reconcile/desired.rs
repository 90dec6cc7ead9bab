//! What the archive should hold and show for each observation.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::vocab::{
    BlobHash, BlockReason, Claim, Contest, HostName, ObservationId, Place, RelPath, Status,
};

use crate::layout::{self, Spelling};

/// The settings that decide what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// Whether apply promotes what is pending.
    pub auto_assign: bool,
    /// Whether superseded versions are shown, too.
    pub history: bool,
}

/// What the archive should do about one observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The observation.
    pub claim: Claim,
    /// What should be.
    pub want: Want,
    /// Why: what should be follows from it.
    pub why: Rule,
    /// Names at which an apply that was hindered or cut off may have left it shown, though it is to be shown no more.
    pub leftovers: Vec<RelPath>,
}

/// The rule that decided about an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Its host claimed the place first, and it is the newest sighting there: it has the plain name.
    First,
    /// It has the same bytes as the one with the plain name, and shares it.
    SameBytes {
        /// Who has the plain name.
        owner: ObservationId,
    },
    /// Another host claimed the place first, with other bytes: its own host is in its name.
    OtherHost {
        /// Who has the plain name.
        owner: ObservationId,
    },
    /// A newer sighting speaks for the path on its host.
    Superseded {
        /// The newer one.
        by: ObservationId,
    },
    /// It is not to be shown.
    Refused(Reason),
}

/// What should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Want {
    /// Its content stored, and shown.
    View(Shown),
    /// Its content stored, but not shown: a newer version has the name.
    Content,
    /// Neither, though a content that is stored stays.
    Nothing(Reason),
}

/// How an observation is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The rule that chose the name.
    pub role: Role,
    /// The name, and those that serve where it is taken; at least one. What stands in the archive may call for another spelling.
    pub names: Vec<RelPath>,
}

/// The rule that chose the name of a view. In the order in which names are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// It has the place's plain name: it, or another host with the same bytes, was there first.
    Plain,
    /// Another host was there first, with other bytes.
    OtherHost,
    /// A newer version has the name.
    Version,
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
    let first_claim = |host: &HostName| {
        contest.claims.iter().filter(|claim| &claim.at.root.host == host).map(|claim| claim.id).min()
    };
    let owner = newest
        .iter()
        .filter(|(_, claim)| refusal(claim, rules).is_none())
        .min_by_key(|(host, _)| first_claim(host))
        .map(|(_, claim)| *claim);
    let rule = |claim: &Claim| {
        if let Some(reason) = refusal(claim, rules) {
            return Rule::Refused(reason);
        }
        let speaker = newest[&claim.at.root.host];
        let is_heard = refusal(speaker, rules).is_none()
            && (speaker.id == claim.id || (claim.current && speaker.hash == claim.hash));
        match owner {
            Some(owner) if is_heard && owner.id == claim.id => Rule::First,
            Some(owner) if is_heard && owner.hash == claim.hash => Rule::SameBytes { owner: owner.id },
            Some(owner) if is_heard => Rule::OtherHost { owner: owner.id },
            Some(_) | None => Rule::Superseded { by: speaker.id },
        }
    };

    let mut claims: Vec<&Claim> = contest.claims.iter().collect();
    claims.sort_by_key(|claim| claim.id);
    let shown: BTreeSet<BlobHash> = claims
        .iter()
        .filter(|claim| matches!(rule(claim), Rule::First | Rule::SameBytes { .. } | Rule::OtherHost { .. }))
        .map(|claim| claim.hash)
        .collect();
    // equal versions are one, as old as the first of them
    let mut versions: BTreeMap<BlobHash, &Claim> = BTreeMap::new();
    for claim in &claims {
        versions.entry(claim.hash).or_insert(claim);
    }
    let wish = |claim: &Claim| {
        let Claim { hash, .. } = claim;
        let show = |role, names| Want::View(Shown { role, names });
        let why = rule(claim);
        let want = match why {
            Rule::First | Rule::SameBytes { .. } => {
                show(Role::Plain, vec![layout::view_path(&contest.place)])
            }
            Rule::OtherHost { .. } => {
                let host = &claim.at.root.host;
                show(Role::OtherHost, vec![layout::view_path_of_host(&contest.place, host, hash)])
            }
            Rule::Superseded { .. } if rules.history && !shown.contains(hash) => {
                let written = versions[hash].fingerprint.mtime;
                show(Role::Version, layout::view_paths_of_version(&contest.place, written, hash).to_vec())
            }
            Rule::Superseded { .. } => Want::Content,
            Rule::Refused(reason) => Want::Nothing(reason),
        };
        let may_be_left = claim.open && claim.stored && !matches!(want, Want::View(_));
        let leftovers =
            if may_be_left { leftovers(&contest.place, claim, versions[hash]) } else { Vec::new() };
        Wish { claim: claim.clone(), want, why, leftovers }
    };
    claims.into_iter().map(wish).collect()
}

/// The names that rules other than that of the plain name may have given to a claim; `first` is the first sighting of its version.
fn leftovers(place: &Place, claim: &Claim, first: &Claim) -> Vec<RelPath> {
    let of_host = layout::view_path_of_host(place, &claim.at.root.host, &claim.hash);
    let of_version = layout::view_paths_of_version(place, first.fingerprint.mtime, &claim.hash);
    let names = [vec![of_host], of_version.to_vec()];
    let with_tag = |names: Vec<RelPath>| {
        let last = names.last().map(|last| {
            let tagged = BTreeSet::from([last.names().count() - 1]);
            layout::spelled(last, &claim.hash, &Spelling { tagged, escaped: false })
        });
        names.into_iter().chain(last)
    };
    names.into_iter().flat_map(with_tag).collect()
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

#[cfg(test)]
mod tests {
    use mama_ports::vocab::{
        AbsPath, FileName, Fingerprint, Location, Placement, ScanRoot, SourceKind, Standing, Timestamp,
    };

    use super::*;

    /// A sighting that wants to be shown: number, host, content.
    fn claim(id: i64, host: &str, content: u8) -> Claim {
        let (host, basedir) = (HostName::parse(host).unwrap(), AbsPath::parse("/photos").unwrap());
        let root = ScanRoot { host, basedir, kind: SourceKind::Existing };
        let time = Timestamp::new(1, 0);
        Claim {
            id: ObservationId(id),
            at: Location { root, dir: RelPath::root(), name: FileName::parse("a.jpg").unwrap() },
            hash: BlobHash::from_bytes([content; 32]),
            fingerprint: Fingerprint { size: 1, mtime: time, ctime: time, inode: 1 },
            current: true,
            gone: false,
            standing: Standing { status: Status::Pending, placement: Placement::None },
            open: true,
            view: None,
            stored: false,
            block: None,
            turned_down: false,
        }
    }

    fn ignored(claim: Claim) -> Claim {
        let standing = Standing { status: Status::Ignored, ..claim.standing };
        Claim { standing, ..claim }
    }

    fn rules_of(claims: Vec<Claim>, auto_assign: bool) -> Vec<Rule> {
        let contest = Contest { place: claims[0].at.place(), claims };
        desired(&contest, &Rules { auto_assign, history: false }).into_iter().map(|wish| wish.why).collect()
    }

    fn by(id: i64) -> ObservationId {
        ObservationId(id)
    }

    #[test]
    fn the_first_host_has_the_plain_name_and_others_share_it_or_not() {
        let claims = vec![claim(1, "anna", 1), claim(2, "nas", 2), claim(3, "tablet", 1)];
        let expected = [Rule::First, Rule::OtherHost { owner: by(1) }, Rule::SameBytes { owner: by(1) }];
        assert_eq!(rules_of(claims, true), expected);
    }

    #[test]
    fn the_newest_on_a_host_supersedes_the_others_also_when_it_is_refused() {
        let older = Claim { current: false, ..claim(1, "anna", 1) };
        assert_eq!(
            rules_of(vec![older.clone(), claim(2, "anna", 2)], true),
            [Rule::Superseded { by: by(2) }, Rule::First]
        );
        assert_eq!(
            rules_of(vec![older, ignored(claim(2, "anna", 2)), claim(3, "nas", 1)], true),
            [Rule::Superseded { by: by(2) }, Rule::Refused(Reason::Ignored), Rule::First]
        );
    }

    #[test]
    fn the_owner_of_the_name_changes_its_bytes_and_keeps_it() {
        let older = Claim { current: false, ..claim(1, "anna", 1) };
        assert_eq!(
            rules_of(vec![older, claim(2, "nas", 1), claim(3, "anna", 3)], true),
            [Rule::Superseded { by: by(3) }, Rule::OtherHost { owner: by(3) }, Rule::First]
        );
    }

    #[test]
    fn whoever_is_refused_is_told_why() {
        let blocked = Claim { block: Some(BlockReason::Deleted), ..ignored(claim(1, "anna", 1)) };
        let turned_down = Claim { turned_down: true, ..claim(1, "anna", 1) };
        for (claim, auto_assign, reason) in [
            (blocked, false, Reason::Blocked(BlockReason::Deleted)),
            (ignored(claim(1, "anna", 1)), false, Reason::Ignored),
            (turned_down.clone(), true, Reason::TurnedDown),
            (turned_down, false, Reason::Awaiting),
        ] {
            assert_eq!(rules_of(vec![claim], auto_assign), [Rule::Refused(reason)]);
        }
    }

    #[test]
    fn what_waits_for_a_decision_supersedes_nothing() {
        let older = Claim {
            current: false,
            standing: Standing { status: Status::Assigned, placement: Placement::Placed },
            ..claim(1, "anna", 1)
        };
        assert_eq!(
            rules_of(vec![older, claim(2, "anna", 2)], false),
            [Rule::First, Rule::Refused(Reason::Awaiting)]
        );
    }
}
