//! A view belongs to one place, however equal the bytes.

use std::collections::BTreeSet;

use mama_ports::repository::{PageSize, SettleBatch, Settled, Settlement};
use mama_ports::vocab::{Claim, Placement, RelPath, Standing};
use mama_tests::world::{ARCHIVE, World, hash_of};
use pollster::block_on;

use super::{ignore, settle, settle_as_planned, sightings, tag, two_hosts_see};

/// Who sees what: `nas` a file that gets its name from the host, or `anna` a file that has this name.
const SHARED: &str = "photos/a (nas).jpg";

fn sees_derived(world: &World) {
    two_hosts_see(world, "of anna", "same");
}

fn sees_real(world: &World) {
    world.write(&format!("/{SHARED}"), "same");
    world.scan("/photos").unwrap();
}

/// The view that a file has of a content.
fn view_of(world: &World, file: &str, content: &str) -> String {
    let claims = sightings(world, file);
    let seen = claims.iter().filter(|claim| claim.hash == hash_of(content.as_bytes()));
    let views: BTreeSet<String> = seen.filter_map(|claim| Some(claim.view.as_ref()?.to_string())).collect();
    assert_eq!(views.len(), 1, "{views:?}");
    views.first().unwrap().strip_prefix("views/existing/").unwrap().to_owned()
}

#[test]
fn equal_contents_of_two_places_have_a_view_each() {
    let (derived, real) = ("/photos/a.jpg", "/photos/a (nas).jpg");
    for (page, at_once, derived_first) in [1, 2, 1024]
        .into_iter()
        .flat_map(|page| [(page, true, true), (page, false, true), (page, true, false), (page, false, false)])
    {
        for (ignored, other) in [(derived, real), (real, derived)] {
            let mut world = World::new();
            world.page = PageSize(page);
            world.write("/photos/copy", "same");
            let steps: [fn(&World); 2] =
                if derived_first { [sees_derived, sees_real] } else { [sees_real, sees_derived] };
            for step in steps {
                step(&world);
                if !at_once {
                    settle_as_planned(&world);
                }
            }
            let views = settle_as_planned(&world);
            let about = format!("page {page}, at once: {at_once}, derived first: {derived_first}: {views:?}");
            let both = BTreeSet::from([view_of(&world, derived, "same"), view_of(&world, real, "same")]);
            assert_eq!(
                both,
                BTreeSet::from([SHARED.to_owned(), format!("photos/a (nas)~{}.jpg", tag("same"))]),
                "{about}"
            );
            assert!(both.iter().all(|view| views[view] == b"same"), "{about}");
            let kept = view_of(&world, other, "same");
            ignore(&world, ignored, "same");
            let after = settle_as_planned(&world);
            let same: Vec<&String> =
                after.iter().filter(|(_, bytes)| *bytes == b"same").map(|(view, _)| view).collect();
            assert_eq!(same, [&kept, "photos/copy"], "{about}");
        }
    }
}

/// What a mama that knew no better has left: one view of two places.
fn shared_by_two_places(page: u32) -> World {
    let mut world = World::new();
    world.page = PageSize(page);
    world.write("/photos/copy", "same");
    sees_derived(&world);
    settle(&world);
    sees_real(&world);
    settle(&world);
    let claim = sightings(&world, "/photos/a (nas).jpg").remove(0);
    world.disk.remove(format!("{ARCHIVE}/{}", claim.view.as_ref().unwrap()));
    retell(&world, &claim, false);
    world
}

/// Tells the catalog that a sighting is shown at the shared view, open or not.
fn retell(world: &World, claim: &Claim, open: bool) {
    let view = Some(RelPath::parse(format!("views/existing/{SHARED}")).unwrap());
    let (id, from, to) = (claim.id, claim.footing(), claim.standing);
    let settlement = Settlement { id, from, to, open, view, fingerprint: None, doubtful: false };
    let batch = SettleBatch { settlements: vec![settlement], ..SettleBatch::default() };
    assert_eq!(block_on(world.catalog.settle(&batch)).unwrap(), [Settled::Done]);
}

#[test]
fn a_view_that_two_places_have_stays_until_both_give_it_up() {
    for page in [1, 1024] {
        for files in [["/photos/a.jpg", "/photos/a (nas).jpg"], ["/photos/a (nas).jpg", "/photos/a.jpg"]] {
            let world = shared_by_two_places(page);
            ignore(&world, files[0], "same");
            assert_eq!(settle_as_planned(&world)[SHARED], b"same", "{files:?}");
            ignore(&world, files[1], "same");
            assert!(!settle_as_planned(&world).contains_key(SHARED), "{files:?}");
            let world = shared_by_two_places(page);
            files.iter().for_each(|file| ignore(&world, file, "same"));
            assert!(!settle_as_planned(&world).contains_key(SHARED), "at once");
        }
        let world = shared_by_two_places(page);
        world.write("/photos/a (nas).jpg", "another version");
        world.scan("/photos").unwrap();
        let views = settle_as_planned(&world);
        assert_eq!(views[SHARED], b"same", "a new version leaves the other's view alone");
        assert_eq!(views[&format!("photos/a (nas)~{}.jpg", tag("another version"))], b"another version");
    }
}

#[test]
fn a_view_that_two_places_have_becomes_two_when_both_are_looked_at() {
    let world = shared_by_two_places(1024);
    let same = hash_of(b"same");
    let files = ["/photos/a.jpg", "/photos/a (nas).jpg"];
    for claim in files.iter().flat_map(|file| sightings(&world, file)).filter(|claim| claim.hash == same) {
        retell(&world, &claim, true);
    }
    let views = settle_as_planned(&world);
    let both: BTreeSet<String> = files.iter().map(|file| view_of(&world, file, "same")).collect();
    assert_eq!(both.len(), 2, "{both:?}");
    assert!(both.iter().all(|view| views[view] == b"same"), "{views:?}");
}

#[test]
fn a_view_that_an_interrupted_apply_left_is_taken_by_one_place() {
    for page in [1, 1024] {
        let mut world = World::new();
        world.page = PageSize(page);
        world.write("/photos/copy", "same");
        sees_derived(&world);
        sees_real(&world);
        world.apply().unwrap();
        for file in ["/photos/a.jpg", "/photos/a (nas).jpg"] {
            for claim in sightings(&world, file) {
                let to = Standing { placement: Placement::Stored, ..claim.standing };
                let (id, from) = (claim.id, claim.footing());
                let settlement =
                    Settlement { id, from, to, open: true, view: None, fingerprint: None, doubtful: false };
                let batch = SettleBatch { settlements: vec![settlement], ..SettleBatch::default() };
                block_on(world.catalog.settle(&batch)).unwrap();
            }
        }
        let (plan, _) = world.plan();
        assert_eq!((plan.links, plan.removes), (0, 0), "all stands already");
        let views = settle_as_planned(&world);
        assert_eq!(views.values().filter(|bytes| *bytes == b"same").count(), 3, "{views:?}");
        assert_ne!(view_of(&world, "/photos/a.jpg", "same"), view_of(&world, "/photos/a (nas).jpg", "same"));
    }
}
