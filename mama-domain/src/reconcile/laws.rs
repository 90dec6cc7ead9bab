//! What holds for every catalog and every archive, however they came to be.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::repository::Source;
use mama_ports::vocab::{
    AbsPath, BlobHash, BlockReason, Claim, Contest, FileId, FileName, Fingerprint, HostName, Location,
    ObservationId, Placement, RelPath, ScanRoot, SourceKind, Standing, Status, Timestamp,
};
use proptest::prelude::*;

use super::*;
use crate::layout;

mod hitches;

/// A catalog and an archive, as maps.
#[derive(Debug, Clone)]
struct Model {
    claims: Vec<Claim>,
    actual: Actual,
}

fn hash(n: u8) -> BlobHash {
    BlobHash::from_bytes([n; 32])
}

/// The inode of a content.
fn inode(hash: &BlobHash) -> FileId {
    FileId { device: 1, inode: u64::from(hash.as_bytes()[0]) }
}

const FOREIGN: FileId = FileId { device: 1, inode: 999 };

fn location(host: &str, file: u8) -> Location {
    let host = HostName::parse(host).unwrap();
    let basedir = AbsPath::parse("/photos").unwrap();
    let root = ScanRoot { host, basedir, kind: SourceKind::Existing };
    Location { root, dir: RelPath::root(), name: FileName::parse(format!("{file}.jpg")).unwrap() }
}

fn source(claim: &Claim) -> Source {
    Source { id: claim.id, at: claim.at.clone(), fingerprint: claim.fingerprint }
}

/// What one claim is made from: file, host, content, target, gone.
type Seed = (u8, bool, u8, Status, bool);

fn arb_model() -> impl Strategy<Value = Model> {
    let seed = (0..4u8, any::<bool>(), 0..5u8, prop::sample::select(Status::ALL), prop::bool::weighted(0.2));
    let seeds = prop::collection::vec(seed, 1..12);
    let per_content = || prop::collection::vec(0..4u8, 5);
    let foreign = prop::collection::vec(prop::bool::weighted(0.15), 4);
    (seeds, per_content(), per_content(), foreign)
        .prop_map(|(seeds, contents, sources, foreign)| model(&seeds, &contents, &sources, &foreign))
}

fn model(seeds: &[Seed], contents: &[u8], sources: &[u8], foreign: &[bool]) -> Model {
    let is_stored = |n: u8| contents[usize::from(n)] == 1;
    let block = |n: u8| (contents[usize::from(n)] == 2).then_some(BlockReason::Blocked);
    let host = |is_other: bool| if is_other { "nas" } else { "anna" };
    let time = Timestamp::new(1, 0);
    let claims: Vec<Claim> = seeds
        .iter()
        .enumerate()
        .map(|(at, &(file, is_other, n, status, gone))| Claim {
            id: ObservationId(at as i64 + 1),
            at: location(host(is_other), file),
            hash: hash(n),
            fingerprint: Fingerprint { size: u64::from(n), mtime: time, ctime: time, inode: 1 },
            current: !seeds[at + 1..].iter().any(|later| (later.0, later.1) == (file, is_other)),
            gone,
            standing: Standing { status, placement: Placement::None },
            open: true,
            view: None,
            stored: is_stored(n),
            block: block(n),
            turned_down: false,
        })
        .collect();
    let mut model = Model { claims, actual: Actual::default() };
    model.turn_down();
    let Model { claims, mut actual } = model;
    for claim in &claims {
        let stored = if claim.stored { BlobFact::Present(inode(&claim.hash)) } else { BlobFact::Absent };
        actual.blobs.insert(claim.hash, stored);
        let fact = match sources[usize::from(claim.hash.as_bytes()[0])] {
            0 => SourceFact::None(NoSource::Missing),
            1 => SourceFact::None(NoSource::Elsewhere),
            _ => SourceFact::Ready(vec![source(claim)]),
        };
        actual.sources.entry(claim.hash).or_insert(fact);
    }
    for (file, _) in (0u8..).zip(foreign).filter(|(_, is_foreign)| **is_foreign) {
        let view = layout::view_path(&location("anna", file).place());
        actual.views.insert(view, ViewFact::File(FOREIGN));
    }
    Model { claims, actual }
}

impl Model {
    fn contests(&self) -> Vec<Contest> {
        let mut places: BTreeMap<_, Vec<Claim>> = BTreeMap::new();
        for claim in &self.claims {
            places.entry(claim.at.place()).or_default().push(claim.clone());
        }
        places.into_iter().map(|(place, claims)| Contest { place, claims }).collect()
    }

    /// What the catalog tells of pending claims.
    fn turn_down(&mut self) {
        let with = |status: Status| {
            let claims = self.claims.iter().filter(|claim| claim.standing.status == status);
            claims.map(|claim| claim.hash).collect::<BTreeSet<BlobHash>>()
        };
        let (ignored, assigned) = (with(Status::Ignored), with(Status::Assigned));
        for claim in &mut self.claims {
            claim.turned_down = claim.standing.status == Status::Pending
                && ignored.contains(&claim.hash)
                && !assigned.contains(&claim.hash);
        }
    }

    fn wishes(&self, rules: &Rules) -> Vec<Wish> {
        self.contests().iter().flat_map(|contest| desired(contest, rules)).collect()
    }

    /// Performs a plan without a hitch, and settles it.
    fn apply(&mut self, plan: &Plan) {
        self.attempt(plan, |_| None);
    }

    /// Performs a plan but for the actions that are refused, and settles what became of it.
    fn attempt(&mut self, plan: &Plan, refusal: impl Fn(&Action) -> Option<Refusal>) {
        let mut done = Done::default();
        for action in &plan.actions {
            match (action, refusal(action)) {
                (Action::Store(store), Some(refusal)) => {
                    done.stored.insert(store.hash, Err(refusal));
                }
                (Action::Store(store), None) => {
                    self.actual.blobs.insert(store.hash, BlobFact::Present(inode(&store.hash)));
                    done.stored.insert(store.hash, Ok(()));
                }
                (Action::Link(link), _) if done.stored.get(&link.hash).is_some_and(Result::is_err) => {}
                (Action::Link(link), refusal) => {
                    done.unplaced.extend(loser(plan, &link.view, Some(link.hash)));
                    match refusal {
                        Some(Refusal::Occupied) => {
                            self.actual.views.insert(link.view.clone(), ViewFact::File(FOREIGN));
                        }
                        Some(_) => {}
                        None => {
                            self.actual.views.insert(link.view.clone(), ViewFact::File(inode(&link.hash)));
                        }
                    }
                    done.linked.insert(link.view.clone(), refusal.map_or(Ok(()), Err));
                }
                (Action::Remove(remove), refusal) => {
                    done.unplaced.extend(loser(plan, &remove.view, None));
                    match refusal {
                        Some(_) => drop(done.kept.insert(remove.view.clone(), "closed".to_owned())),
                        None => drop(self.actual.views.insert(remove.view.clone(), ViewFact::Absent)),
                    }
                }
            }
        }
        let (settlements, _) = settle(plan, &done);
        for settlement in settlements {
            let claim = self.claims.iter_mut().find(|claim| claim.id == settlement.id).unwrap();
            if done.unplaced.contains(&claim.id) {
                claim.standing.placement = Placement::None;
            }
            assert_eq!(claim.footing(), settlement.from);
            (claim.standing, claim.open, claim.view) = (settlement.to, settlement.open, settlement.view);
        }
        for claim in &mut self.claims {
            claim.stored |= done.stored.get(&claim.hash).is_some_and(Result::is_ok);
        }
        self.turn_down();
    }
}

/// Whoever is placed at a view that is to show something else, or nothing.
fn loser(plan: &Plan, view: &RelPath, becomes: Option<BlobHash>) -> Option<ObservationId> {
    let loses = |(_, at, hash): &&(ObservationId, RelPath, BlobHash)| at == view && becomes != Some(*hash);
    plan.placed.iter().find(loses).map(|(id, _, _)| *id)
}

fn planned(model: &Model, rules: &Rules) -> Plan {
    let (wishes, mut actual) = (model.wishes(rules), model.actual.clone());
    loop {
        let plan = plan(&wishes, &actual, &Promised::default());
        if plan.unknown.is_empty() && plan.unasked.is_empty() {
            return plan;
        }
        let holders = |(hash, view): (BlobHash, RelPath)| {
            let has = |claim: &&Claim| claim.hash == hash && claim.view.as_ref() == Some(&view);
            let places: BTreeSet<_> = model.claims.iter().filter(has).map(|claim| claim.at.place()).collect();
            ((hash, view), places.into_iter().collect())
        };
        actual.holders.extend(plan.unasked.into_iter().map(holders));
        actual.views.extend(plan.unknown.into_keys().map(|view| (view, ViewFact::Absent)));
    }
}

fn arb_rules() -> impl Strategy<Value = Rules> {
    (any::<bool>(), any::<bool>()).prop_map(|(auto_assign, history)| Rules { auto_assign, history })
}

proptest! {
    #[test]
    fn planning_an_applied_plan_is_empty(mut model in arb_model(), rules in arb_rules()) {
        let first = planned(&model, &rules);
        model.apply(&first);
        let again = planned(&model, &rules);
        prop_assert_eq!(&again.actions, &Vec::new(), "after {:#?}", first.actions);
        let (settlements, _) = settle(&again, &Done::default());
        for settlement in settlements {
            prop_assert_eq!(settlement.from.standing, settlement.to, "nothing changes any more");
            prop_assert!(settlement.open, "and only what failed is looked at again");
        }
    }

    #[test]
    fn the_order_of_the_catalog_does_not_matter(model in arb_model(), rules in arb_rules(), seed: u64) {
        let mut shuffled = model.clone();
        let len = shuffled.claims.len() as u64;
        shuffled.claims.sort_by_key(|claim| (claim.id.0 as u64).wrapping_mul(seed | 1) % (len * 7 + 1));
        prop_assert_eq!(planned(&model, &rules), planned(&shuffled, &rules));
    }

    #[test]
    fn no_plan_contradicts_itself(model in arb_model(), rules in arb_rules()) {
        let wishes = model.wishes(&rules);
        prop_assert_eq!(audit(&wishes, &planned(&model, &rules), layout::Folding::Exact), vec![]);
    }

    #[test]
    fn what_is_foreign_stays(mut model in arb_model(), rules in arb_rules()) {
        let is_foreign = |(_, fact): &(&RelPath, &ViewFact)| **fact == ViewFact::File(FOREIGN);
        let before: Vec<RelPath> = model.actual.views.iter().filter(is_foreign).map(|(view, _)| view.clone()).collect();
        model.apply(&planned(&model.clone(), &rules));
        for view in before {
            prop_assert_eq!(model.actual.views.get(&view), Some(&ViewFact::File(FOREIGN)));
        }
    }

    #[test]
    fn what_is_blocked_or_ignored_is_never_stored_or_shown_for_itself(model in arb_model(), rules in arb_rules()) {
        let plan = planned(&model, &rules);
        for action in &plan.actions {
            let hash = match action {
                Action::Store(store) => store.hash,
                Action::Link(link) => link.hash,
                Action::Remove(_) => continue,
            };
            let wanted = model.claims.iter().any(|claim| {
                claim.hash == hash && claim.block.is_none() && claim.standing.status != Status::Ignored
            });
            prop_assert!(wanted, "{} is stored or shown", hash);
        }
    }

    #[test]
    fn only_people_ignore_and_what_they_turned_down_everywhere_comes_nowhere_again(mut model in arb_model(), rules in arb_rules()) {
        let before = model.claims.clone();
        model.apply(&planned(&model.clone(), &rules));
        for (claim, after) in before.iter().zip(&model.claims) {
            if claim.turned_down || after.standing.status != Status::Assigned {
                prop_assert_eq!(after.standing.status, claim.standing.status, "{:?}", claim);
            }
        }
    }

    #[test]
    fn every_open_observation_ends_in_one_way(model in arb_model()) {
        let rules = Rules { auto_assign: true, history: false };
        let plan = planned(&model, &rules);
        let (settlements, findings) = settle(&plan, &Done::default());
        let ids: BTreeSet<ObservationId> = settlements.iter().map(|settlement| settlement.id).collect();
        prop_assert_eq!(ids.len(), settlements.len());
        prop_assert_eq!(settlements.len(), model.claims.len());
        for claim in &model.claims {
            let settlement = settlements.iter().find(|settlement| settlement.id == claim.id).unwrap();
            let found = findings.iter().filter(|finding| finding.id == claim.id).count();
            let is_as_it_should_be = !settlement.open && settlement.to.placement != Placement::Lost;
            let is_told = claim.block.is_some() || claim.turned_down;
            prop_assert_eq!(found, usize::from(!is_as_it_should_be || is_told), "{:?}", settlement);
        }
    }
}

/// The newest of two versions has the name; the older one keeps its content.
#[test]
fn a_new_version_takes_the_name_and_the_old_content_stays() {
    let mut model = model(
        &[(0, false, 0, Status::Assigned, false), (0, false, 1, Status::Pending, false)],
        &[1, 0, 0, 0, 0],
        &[3; 5],
        &[],
    );
    let view = layout::view_path(&model.claims[0].at.place());
    model.actual.views.insert(view.clone(), ViewFact::File(inode(&hash(0))));
    model.claims[0].standing.placement = Placement::Placed;
    model.claims[0].view = Some(view.clone());
    let plan = planned(&model, &Rules { auto_assign: true, history: false });
    model.apply(&plan);
    assert_eq!(model.actual.views.get(&view), Some(&ViewFact::File(inode(&hash(1)))));
    assert_eq!(model.actual.blobs.get(&hash(0)), Some(&BlobFact::Present(inode(&hash(0)))));
    assert_eq!(model.claims[0].standing, Standing { status: Status::Assigned, placement: Placement::Stored });
    assert_eq!(model.claims[1].standing, Standing { status: Status::Assigned, placement: Placement::Placed });
}

/// Two machines, one path, different bytes: the first has the plain name.
#[test]
fn another_hosts_content_gets_the_hosts_name() {
    let model = model(
        &[(0, true, 0, Status::Pending, false), (0, false, 1, Status::Pending, false)],
        &[0; 5],
        &[3; 5],
        &[],
    );
    let views: Vec<String> = planned(&model, &Rules { auto_assign: true, history: false })
        .actions
        .iter()
        .filter_map(|action| match action {
            Action::Link(link) => Some(format!("{} {}", link.view, link.hash == hash(0))),
            Action::Store(_) | Action::Remove(_) => None,
        })
        .collect();
    assert_eq!(views, ["views/existing/photos/0 (anna).jpg false", "views/existing/photos/0.jpg true"]);
}

/// With `auto_assign` off, what somebody has decided stays shown until the newer version is decided, too.
#[test]
fn what_waits_for_a_decision_takes_nobodys_name() {
    let model = model(
        &[(0, false, 0, Status::Assigned, false), (0, false, 1, Status::Pending, false)],
        &[1, 0, 0, 0, 0],
        &[3; 5],
        &[],
    );
    let wants: Vec<Want> = model
        .wishes(&Rules { auto_assign: false, history: false })
        .into_iter()
        .map(|wish| wish.want)
        .collect();
    let view = layout::view_path(&model.claims[0].at.place());
    assert_eq!(
        wants,
        [Want::View(Shown { role: Role::Plain, names: vec![view] }), Want::Nothing(Reason::Awaiting)]
    );
}
