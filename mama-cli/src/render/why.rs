//! Why a place is as it is, for people and scripts.

use mama_domain::apply::Explained;
use mama_domain::layout;
use mama_domain::reconcile::{Departure, Named, Reason, Rule, Want, Wish};
use mama_ports::vocab::{BlockReason, Claim, ObservationId, Placement};

use super::human::{self, STRONG};
use super::json::{Object, instant};

/// The head of a place, as an object.
pub(crate) fn place(explained: &Explained) -> Object {
    let place = &explained.place;
    let object = Object::new("place").with("kind", place.kind.as_str()).path("path", place.path.as_bytes());
    object.with("settled", explained.is_settled())
}

/// The head of a place, in words.
pub(crate) fn place_words(explained: &Explained) -> String {
    let Explained { place, plan, .. } = explained;
    let next = if explained.is_settled() {
        "the next apply does nothing here"
    } else if plan.actions.is_empty() && plan.findings.is_empty() {
        "the next apply only brings the catalog up to date"
    } else {
        "the next apply looks at it"
    };
    format!("{STRONG}{}{STRONG:#}  ({}): {next}", place.path, place.kind)
}

/// One sighting, as an object.
pub(crate) fn claim(wish: &Wish, explained: &Explained) -> Object {
    let Wish { claim, why, .. } = wish;
    let (rule, by) = match why {
        Rule::First => ("first", None),
        Rule::SameBytes { owner } => ("same_bytes", Some(owner)),
        Rule::OtherHost { owner } => ("other_host", Some(owner)),
        Rule::Superseded { by } => ("superseded", Some(by)),
        Rule::Refused(Reason::Awaiting) => ("awaiting", None),
        Rule::Refused(Reason::Ignored) => ("ignored", None),
        Rule::Refused(Reason::Blocked(_)) => ("blocked", None),
        Rule::Refused(Reason::TurnedDown) => ("turned_down", None),
    };
    let object =
        Object::new("claim").with("kind", explained.place.kind.as_str()).with("observation", claim.id.0);
    let object =
        object.with("host", claim.at.root.host.as_str()).path("path", explained.place.path.as_bytes());
    let object = object.with("hash", claim.hash.to_string()).with("size", claim.fingerprint.size);
    let object = object.with("mtime", instant(claim.fingerprint.mtime));
    let object = object.with("current", claim.current).with("gone", claim.gone);
    let object = object.with("status", claim.standing.status.as_str());
    let object = object.with("placement", claim.standing.placement.as_str());
    let object = match &claim.view {
        Some(view) => object.path("view", view.as_bytes()),
        None => object.with("view", None::<&str>),
    };
    let named = explained.names.get(&claim.id);
    let object = match named {
        Some(Named { view, .. }) => object.path("name", view.as_bytes()),
        None => object.with("name", None::<&str>),
    };
    let departure = named.and_then(|named| named.departure.as_ref()).map(Departure::reason);
    let object = object.with("departure", departure);
    let blob = claim.stored.then(|| layout::blob_path(&claim.hash).to_string());
    let object = object.with("blob", blob).with("open", claim.open);
    let object = object.with("rule", rule).with("by", by.map(|by| by.0));
    object.with("block", claim.block.map(BlockReason::as_str)).with("reason", reason(wish, explained))
}

/// One sighting, in words.
pub(crate) fn claim_words(wish: &Wish, explained: &Explained) -> String {
    let Claim { id, at, hash, fingerprint, standing, view, .. } = &wish.claim;
    let (size, when) = (human::bytes(fingerprint.size), human::when(fingerprint.mtime));
    let (id, host, hash) = (id.0, &at.root.host, &hash.to_string()[..16]);
    let at = if standing.placement == Placement::Placed { " at" } else { "; its view was, or still is," };
    let view = view.as_ref().map(|view| format!("{at} {view}")).unwrap_or_default();
    let named = explained.names.get(&wish.claim.id);
    let name = named.and_then(|Named { view, departure, .. }| {
        Some(format!("\n    name     {view}: {}", departure.as_ref()?.reason()))
    });
    [
        format!("  sighting {id}  {host}  {size}  of {when}  {hash}{}", age(&wish.claim)),
        format!("    is       {}, {}{view}", standing.status, standing.placement),
        format!("    why      {}{}", reason(wish, explained), name.unwrap_or_default()),
        format!("    content  {}", content(&wish.claim)),
    ]
    .join("\n")
}

/// One thing that the next apply would do or find.
pub(crate) fn step_words(step: &str) -> String {
    format!("  next     {step}")
}

const fn age(claim: &Claim) -> &'static str {
    match (claim.current, claim.gone) {
        (true, false) => "",
        (true, true) => "  gone",
        (false, _) => "  older version",
    }
}

fn content(claim: &Claim) -> String {
    if claim.stored {
        format!("stored at {}", layout::blob_path(&claim.hash))
    } else if claim.standing.placement == Placement::Lost {
        "lost: it was never stored, and cannot be had any more".to_owned()
    } else {
        "not in the archive".to_owned()
    }
}

/// The rule that decided, in words.
fn reason(wish: &Wish, explained: &Explained) -> String {
    match wish.why {
        Rule::First => {
            let host = &wish.claim.at.root.host;
            format!("gets the plain name: {host} had this path first, and this is its newest version")
        }
        Rule::SameBytes { owner } => {
            format!("shares the plain name: the same bytes as {}", sighting(owner, explained))
        }
        Rule::OtherHost { owner } => {
            format!(
                "gets its host into its name: {} has the plain one, with other bytes",
                sighting(owner, explained)
            )
        }
        Rule::Superseded { by } if matches!(wish.want, Want::View(_)) => {
            format!("gets its date into its name: superseded by {}", sighting(by, explained))
        }
        Rule::Superseded { by } => format!("not shown: superseded by {}", sighting(by, explained)),
        Rule::Refused(Reason::Awaiting) => {
            "not shown: waits for `mama assign` or `mama ignore`, because apply.auto_assign is off".to_owned()
        }
        Rule::Refused(Reason::Ignored) => "not shown: ignored; `mama assign` takes it in".to_owned(),
        Rule::Refused(Reason::Blocked(reason)) => {
            format!(
                "not shown: its content is {}, wherever it is seen; `mama unblock` lifts that",
                reason.as_str()
            )
        }
        Rule::Refused(Reason::TurnedDown) => {
            "not shown: its content is ignored elsewhere and assigned nowhere; `mama assign` takes it in"
                .to_owned()
        }
    }
}

fn sighting(id: ObservationId, explained: &Explained) -> String {
    let claim = explained.wishes.iter().map(|wish| &wish.claim).find(|claim| claim.id == id);
    let host = claim.map(|claim| format!(" of {}", claim.at.root.host)).unwrap_or_default();
    format!("sighting {}{host}", id.0)
}
