//! Plans that were saved: what still is as it was is done, what is not is left and told, and nothing else happens.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;

use mama_domain::reconcile::{Action, Agreed, Difference, FindingKind};
use mama_ports::vocab::{SourceKind, Status};
use mama_tests::world::{ARCHIVE, World, hash_of};
use proptest::prelude::*;

fn agree(world: &World) -> Vec<Agreed> {
    let (_, pages) = world.plan();
    pages.into_iter().map(|plan| Agreed { actions: plan.actions, prospects: plan.prospects }).collect()
}

fn world() -> World {
    let world = World::new();
    for (file, bytes) in
        [("/p/a.jpg", "one"), ("/p/b.jpg", "two"), ("/p/c.jpg", "one"), ("/p/d/e.jpg", "three")]
    {
        world.write(file, bytes);
    }
    world.scan("/p").unwrap();
    world
}

fn stale_reasons(world: &World) -> Vec<(String, String)> {
    world.troubles().into_iter().map(|trouble| (trouble.path.to_string(), trouble.reason)).collect()
}

#[test]
fn an_agreed_plan_does_what_apply_does() {
    let (one, other) = (world(), world());
    let report = one.apply_agreed(agree(&one)).unwrap();
    let expected = other.apply().unwrap();
    assert_eq!(report.stale, 0);
    assert_eq!((report.blobs_stored, report.views_created, report.assigned), (3, 4, 4));
    assert_eq!(report.observations, expected.observations);
    assert_eq!(one.files_below(ARCHIVE), other.files_below(ARCHIVE));
    assert_eq!(one.apply().unwrap().observations, 0, "nothing is left");
}

#[test]
fn doing_it_twice_is_done() {
    let world = world();
    let agreed = agree(&world);
    world.apply_agreed(agreed.clone()).unwrap();
    let again = world.apply_agreed(agreed).unwrap();
    assert_eq!((again.stale, again.blobs_stored, again.views_created), (0, 0, 0));
    assert_eq!(stale_reasons(&world), []);
}

#[test]
fn whoever_loses_a_view_to_an_agreed_action_is_placed_no_more_also_if_its_own_line_is_stale() {
    let world = world();
    world.apply().unwrap();
    let older = world.observation("/p/b.jpg");
    world.write("/p/b.jpg", "two, edited");
    world.scan("/p").unwrap();
    let agreed = agree(&world);
    world.retarget(older, Status::Assigned, Status::Ignored);
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!(report.stale, 1, "{:?}", stale_reasons(&world));
    assert_eq!(world.disk.read("/archive/views/existing/p/b.jpg"), b"two, edited");
    assert_eq!(world.misplaced(), Vec::<String>::new());
}

#[test]
fn what_was_not_agreed_is_not_done() {
    let world = world();
    let agreed = agree(&world);
    world.write("/p/new.jpg", "four");
    world.scan("/p").unwrap();
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!((report.stale, report.blobs_stored), (0, 3));
    assert!(!world.disk.exists(format!("{ARCHIVE}/views/existing/p/new.jpg")));
    assert_eq!(world.apply().unwrap().blobs_stored, 1);
}

#[test]
fn a_source_that_changed_is_stale_and_the_rest_is_done() {
    let world = world();
    let agreed = agree(&world);
    world.write("/p/b.jpg", "other bytes");
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!((report.stale, report.blobs_stored), (1, 2));
    let reason = FindingKind::Changed.reason();
    assert_eq!(stale_reasons(&world), [("/p/b.jpg".to_owned(), reason)], "one line, and that says why");
    assert!(!world.disk.exists(format!("{ARCHIVE}/views/existing/p/b.jpg")));
}

#[test]
fn a_version_that_was_scanned_since_is_stale() {
    let world = world();
    let agreed = agree(&world);
    world.write("/p/b.jpg", "other bytes");
    world.scan("/p").unwrap();
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!(report.stale, 1);
    assert!(world.files_below(&format!("{ARCHIVE}/blobs")).values().all(|bytes| bytes != b"other bytes"));
}

#[test]
fn a_decision_since_makes_it_stale() {
    let world = world();
    let agreed = agree(&world);
    world.retarget(world.observation("/p/b.jpg"), Status::Pending, Status::Ignored);
    world.block(b"three");
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!(report.stale, 2);
    let views = world.files_below(&format!("{ARCHIVE}/views/existing"));
    assert!(views.keys().eq(["p/a.jpg", "p/c.jpg"]), "{views:?}");
    assert!(stale_reasons(&world).iter().all(|(_, reason)| reason == Difference::Catalog.reason()));
}

#[test]
fn a_foreign_file_in_the_way_since_is_left_alone() {
    let world = world();
    let agreed = agree(&world);
    world.write(&format!("{ARCHIVE}/views/existing/p/b.jpg"), "mine");
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!(report.stale, 1);
    assert_eq!(world.disk.read(format!("{ARCHIVE}/views/existing/p/b.jpg")), b"mine");
}

#[test]
fn a_view_is_removed_only_if_it_still_is_the_one_that_was_agreed() {
    let world = world();
    world.apply().unwrap();
    world.retarget(world.observation("/p/b.jpg"), Status::Assigned, Status::Ignored);
    let agreed = agree(&world);
    let view = format!("{ARCHIVE}/views/existing/p/b.jpg");
    world.disk.remove(&view);
    world.write(&view, "mine");
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!(report.views_removed, 0);
    assert_eq!(world.disk.read(&view), b"mine");
}

#[test]
fn an_action_that_was_left_out_takes_what_rests_on_it_along() {
    let world = world();
    let mut agreed = agree(&world);
    let two = hash_of(b"two");
    for page in &mut agreed {
        page.actions.retain(|action| !matches!(action, Action::Store(store) if store.hash == two));
    }
    let report = world.apply_agreed(agreed).unwrap();
    assert_eq!((report.stale, report.blobs_stored), (1, 2));
    assert!(!world.disk.exists(format!("{ARCHIVE}/views/existing/p/b.jpg")));
}

/// What an owner, a decision or a scan may do between the plan and the apply.
#[derive(Debug, Clone)]
enum Meanwhile {
    Write(u8, u8),
    Remove(u8),
    Scan,
    Ignore(u8),
    Block(u8),
    Foreign(u8),
    Apply,
}

fn arb_meanwhile() -> impl Strategy<Value = Meanwhile> {
    prop_oneof![
        3 => (0..5u8, 0..4u8).prop_map(|(file, content)| Meanwhile::Write(file, content)),
        1 => (0..5u8).prop_map(Meanwhile::Remove),
        3 => Just(Meanwhile::Scan),
        1 => (0..5u8).prop_map(Meanwhile::Ignore),
        1 => (0..4u8).prop_map(Meanwhile::Block),
        1 => (0..5u8).prop_map(Meanwhile::Foreign),
        1 => Just(Meanwhile::Apply),
    ]
}

fn live(world: &World, events: &[Meanwhile]) {
    for event in events {
        match event {
            Meanwhile::Write(file, content) => world.write(&format!("/p/{file}"), [*content; 9]),
            Meanwhile::Remove(file) => {
                if world.disk.exists(format!("/p/{file}")) {
                    world.disk.remove(format!("/p/{file}"));
                }
            }
            Meanwhile::Scan => drop(world.scan("/p")),
            Meanwhile::Ignore(file) => {
                let claims = world.open_claims();
                let name = format!("/p/{file}");
                if let Some(claim) = claims.iter().find(|claim| claim.at.full_path().to_string() == name) {
                    world.retarget(claim.id, claim.standing.status, Status::Ignored);
                }
            }
            Meanwhile::Block(content) => drop(world.block(&[*content; 9])),
            Meanwhile::Foreign(file) => {
                let view = format!("{ARCHIVE}/views/{}/p/{file}", SourceKind::Existing);
                if !world.disk.exists(&view) {
                    world.write(&view, "foreign");
                }
            }
            Meanwhile::Apply => drop(world.apply()),
        }
    }
}

proptest! {
    /// Whatever happens in between: an agreed plan makes and removes no name that was not agreed to, and the next apply
    /// comes to the same archive as if there had been none.
    #[test]
    fn nothing_happens_that_was_not_agreed(
        before in prop::collection::vec(arb_meanwhile(), 1..10),
        meanwhile in prop::collection::vec(arb_meanwhile(), 0..6),
    ) {
        let play = |is_agreed: bool| {
            let world = World::new();
            world.write("/p/0", "start");
            live(&world, &before);
            let agreed = agree(&world);
            live(&world, &meanwhile);
            if is_agreed {
                let names = |world: &World| {
                    world.files_below(&format!("{ARCHIVE}/views")).into_keys().collect::<BTreeSet<_>>()
                };
                let was = names(&world);
                let allowed: BTreeSet<String> = agreed
                    .iter()
                    .flat_map(|page| &page.actions)
                    .filter_map(|action| match action {
                        Action::Link(link) => Some(link.view.to_string()),
                        Action::Remove(remove) => Some(remove.view.to_string()),
                        Action::Store(_) => None,
                    })
                    .collect();
                world.apply_agreed(agreed).unwrap();
                let now = names(&world);
                let changed = was.symmetric_difference(&now);
                assert!(changed.into_iter().all(|name| allowed.contains(&format!("views/{name}"))));
            }
            world.apply().unwrap();
            assert_eq!(world.violations(), Vec::<String>::new());
            (world.files_below(&format!("{ARCHIVE}/blobs")), world.files_below(&format!("{ARCHIVE}/views")))
        };
        prop_assert_eq!(play(true), play(false));
    }
}
