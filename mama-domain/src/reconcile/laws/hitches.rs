//! What holds however an apply ends: whatever was refused, no view of ours is forgotten.

use super::*;

/// What was seen and settled, then seen and decided, and what an apply of that runs into.
#[derive(Debug)]
struct Story {
    model: Model,
    refusals: Vec<Option<Refusal>>,
}

/// An observation about which somebody decides.
type Decision = (prop::sample::Index, Status);

fn arb_story() -> impl Strategy<Value = (Story, Rules)> {
    let seed = (0..3u8, any::<bool>(), 0..5u8, prop::sample::select(Status::ALL), prop::bool::weighted(0.2));
    let seeds = prop::collection::vec(seed, 2..10);
    let decisions =
        prop::collection::vec((any::<prop::sample::Index>(), prop::sample::select(Status::ALL)), 0..3);
    let blocked = prop::collection::vec(prop::bool::weighted(0.1), 5);
    let refusals = prop::collection::vec(prop::option::weighted(0.5, arb_refusal()), 16);
    let sources = prop::collection::vec(0..8u8, 5);
    (seeds, any::<prop::sample::Index>(), sources, decisions, blocked, refusals, arb_rules()).prop_map(
        |(seeds, first, sources, decisions, blocked, refusals, rules)| {
            let mut earlier = model(&seeds[..=first.index(seeds.len() - 1)], &[0; 5], &sources, &[false; 4]);
            earlier.apply(&planned(&earlier.clone(), &rules));
            let model = later(earlier, &seeds, &sources, &decisions, &blocked);
            (Story { model, refusals }, rules)
        },
    )
}

fn arb_refusal() -> impl Strategy<Value = Refusal> {
    prop::sample::select(vec![
        Refusal::Missing,
        Refusal::Changed,
        Refusal::Occupied,
        Refusal::NoRoom,
        Refusal::Failed("closed".to_owned()),
    ])
}

/// What is there after all the seeds, of which `earlier` has settled the first.
fn later(earlier: Model, seeds: &[Seed], sources: &[u8], decisions: &[Decision], blocked: &[bool]) -> Model {
    let mut later = model(seeds, &[0; 5], sources, &[false; 4]);
    for (claim, before) in later.claims.iter_mut().zip(&earlier.claims) {
        (claim.standing, claim.open, claim.view) = (before.standing, before.open, before.view.clone());
    }
    for (which, status) in decisions {
        let claim = which.get(&later.claims).id;
        let claim = later.claims.iter_mut().find(|decided| decided.id == claim).unwrap();
        (claim.standing.status, claim.open) = (*status, true);
    }
    later.actual.blobs.extend(earlier.actual.blobs);
    later.actual.views = earlier.actual.views;
    for claim in &mut later.claims {
        claim.stored = matches!(later.actual.blobs[&claim.hash], BlobFact::Present(_));
        if blocked[usize::from(claim.hash.as_bytes()[0])] {
            (claim.block, claim.open) = (Some(BlockReason::Blocked), true);
        }
    }
    later.turn_down();
    later
}

impl Model {
    /// As an apply sees it: places where something waits.
    fn waiting(&self) -> Model {
        let is_waiting = |claim: &&Claim| claim.open;
        let places: BTreeSet<_> =
            self.claims.iter().filter(is_waiting).map(|claim| claim.at.place()).collect();
        let claims = self.claims.iter().filter(|claim| places.contains(&claim.at.place())).cloned().collect();
        Model { claims, actual: self.actual.clone() }
    }

    /// The views that show a content of ours.
    fn views(&self) -> BTreeSet<&RelPath> {
        let is_ours = |fact: &ViewFact| matches!(fact, ViewFact::File(id) if *id != FOREIGN);
        self.actual.views.iter().filter(|(_, fact)| is_ours(fact)).map(|(view, _)| view).collect()
    }
}

proptest! {
    #[test]
    fn whatever_was_refused_no_view_outlasts_what_it_shows((mut story, rules) in arb_story(), settles: bool) {
        let Story { model, refusals } = &mut story;
        let plan = planned(&model.waiting(), &rules);
        let refusal = |action: &Action| {
            let at = plan.actions.iter().position(|planned| planned == action).unwrap();
            refusals[at % refusals.len()].clone()
        };
        model.attempt(&plan, refusal);
        if settles {
            for _ in 0..2 {
                model.apply(&planned(&model.waiting(), &rules));
            }
            prop_assert_eq!(planned(&model.waiting(), &rules).actions, vec![]);
            let is_welcome = |claim: &&Claim| claim.block.is_none() && claim.standing.status != Status::Ignored;
            let welcome: BTreeSet<FileId> = model.claims.iter().filter(is_welcome).map(|claim| inode(&claim.hash)).collect();
            for view in model.views() {
                let ViewFact::File(shown) = model.actual.views[view] else { unreachable!() };
                prop_assert!(welcome.contains(&shown), "{} shows what nobody wants after {:#?}", view, plan.actions);
            }
        }
        for claim in &mut model.claims {
            (claim.standing.status, claim.open) = (Status::Ignored, true);
        }
        model.apply(&planned(model, &rules));
        prop_assert_eq!(model.views(), BTreeSet::new(), "after {:#?}", plan.actions);
    }
}
