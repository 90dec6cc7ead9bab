//! What ZFS says of the archive's dataset, judged.

use mama_domain::dataset::{Advice, Weight, advice};
use mama_ports::vocab::{AbsPath, DatasetFacts};

use super::{Check, Verdict};
use crate::compose::Outside;
use crate::exit;
use crate::render::human;

const NAME: &str = "zfs";

/// Nothing where the archive is not on ZFS.
pub(super) fn checks(outside: &Outside, root: &AbsPath) -> Vec<Check> {
    match outside.volumes.dataset(root) {
        Ok(None) => Vec::new(),
        Ok(Some(dataset)) => judged(&dataset),
        Err(error) => {
            let reasons = exit::reasons(&error.into()).join(": ");
            let advice = "mama works without knowing; to let it know, install zfsutils-linux and let this user run zfs and zpool";
            vec![Check::warn(NAME, format!("pool and dataset are unknown: {reasons}"), advice)]
        }
    }
}

fn judged(dataset: &DatasetFacts) -> Vec<Check> {
    let (fine, other): (Vec<Advice>, Vec<Advice>) =
        advice(dataset).into_iter().partition(|advice| advice.weight == Weight::Fine);
    let fine: Vec<&str> = fine.iter().map(|advice| advice.found.as_str()).collect();
    let mut checks = vec![Check::ok(NAME, room(dataset))];
    if !fine.is_empty() {
        checks.push(Check::ok(NAME, fine.join(", ")));
    }
    checks.extend(other.into_iter().map(|Advice { weight, found, todo }| Check {
        name: NAME,
        verdict: if weight == Weight::Broken { Verdict::Bad } else { Verdict::Warn },
        found,
        advice: todo,
    }));
    checks
}

/// `dataset tank/mama: 1.2 TiB used, 3.0 TiB available, quota 5.0 TiB`.
fn room(dataset: &DatasetFacts) -> String {
    let sizes = [
        ("used", "used"),
        ("available", "available"),
        ("quota", "quota"),
        ("refquota", "refquota"),
        ("reservation", "reserved"),
    ];
    let known = sizes.into_iter().filter_map(|(property, word)| {
        dataset.bytes(property).map(|bytes| format!("{} {word}", human::bytes(bytes)))
    });
    format!("dataset {}: {}", dataset.name, known.collect::<Vec<_>>().join(", "))
}
