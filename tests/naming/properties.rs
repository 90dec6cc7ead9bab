//! Whatever happens, apply does what plan says, and then nothing.

use std::collections::BTreeMap;

use mama_adapters::fs::memory::{Fault, Folding};
use mama_domain::layout;
use mama_domain::reconcile::Action;
use mama_ports::repository::PageSize;
use mama_ports::vocab::{Claim, Place, RelPath, SourceKind, Status};
use mama_tests::world::{ARCHIVE, World, hash_of, path};
use pollster::block_on;
use proptest::prelude::*;

use super::{VIEWS, tag};

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    Write(usize, u8),
    Remove(usize),
    Scan(bool),
    Ignore(usize),
    Apply,
    /// An apply after which the machine stops at this step.
    Stop(usize),
}

/// File against folder, host names and the tag of the content `b` against real ones, and names that fold together.
const FILES: [&str; 11] = [
    "/photos/a.jpg",
    "/photos/A.JPG",
    "/photos/a (nas).jpg",
    "/photos/a (anna).jpg",
    "/photos/a (nas)~10e5cf3d3c8a4f9f.jpg",
    "/photos/a~10e5cf3d3c8a4f9f.jpg",
    "/photos/b",
    "/photos/B/c",
    "/photos/e\u{301}",
    "/photos/\u{e9}",
    "/photos/x/y",
];

#[test]
fn the_tag_among_the_files_is_that_of_a_content() {
    assert_eq!(tag("b"), "10e5cf3d3c8a4f9f");
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let file = 0..FILES.len();
    let one = prop_oneof![
        5 => (file.clone(), 0..4u8).prop_map(|(file, content)| Happening::Write(file, content)),
        2 => file.prop_map(Happening::Remove),
        3 => any::<bool>().prop_map(Happening::Scan),
        2 => (0..40usize).prop_map(Happening::Ignore),
        3 => Just(Happening::Apply),
        1 => (0..100usize).prop_map(Happening::Stop),
    ];
    prop::collection::vec(one, 1..20)
}

/// Every sighting of the files.
fn claims(world: &World) -> Vec<Claim> {
    let place = |file: &&str| Place { kind: SourceKind::Existing, path: path(file) };
    let places: Vec<Place> = FILES.iter().map(place).collect();
    let contests = block_on(world.catalog.claims(&places)).unwrap();
    contests.into_iter().flat_map(|contest| contest.claims).collect()
}

/// The files below the archive's blobs and views.
fn shown(world: &World) -> BTreeMap<String, Vec<u8>> {
    let mut files = world.files_below(ARCHIVE);
    files.retain(|name, _| name.starts_with("blobs/") || name.starts_with("views/"));
    files
}

proptest! {
    #[test]
    fn apply_does_what_plan_says_and_then_nothing(
        happenings in happenings(),
        page in 1..4u32,
        folding in prop::sample::select(vec![Folding::Exact, Folding::Case, Folding::Form, Folding::Both]),
        history: bool,
    ) {
        let mut world = World::new();
        (world.page, world.history) = (PageSize(page), history);
        // a root that is suddenly empty would be taken for a disk that is not there
        world.write("/photos/stays", "s");
        for happening in happenings.iter().chain([&Happening::Scan(false), &Happening::Apply]) {
            match happening {
                Happening::Write(file, content) => {
                    if !world.disk.exists(FILES[*file]) {
                        world.write(FILES[*file], vec![b'a' + content; usize::from(*content)]);
                    }
                }
                Happening::Remove(file) if world.disk.exists(FILES[*file]) => world.disk.remove(FILES[*file]),
                Happening::Remove(_) => {}
                Happening::Scan(is_other) => {
                    let host = if *is_other { "nas" } else { "anna" };
                    world.scan_as("/photos", SourceKind::Existing, host).map_err(|error| TestCaseError::fail(error.to_string()))?;
                }
                Happening::Ignore(number) => {
                    let mut claims = claims(&world);
                    claims.retain(|claim| claim.standing.status != Status::Ignored);
                    if !claims.is_empty() {
                        let claim = &claims[number % claims.len()];
                        world.retarget(claim.id, claim.standing.status, Status::Ignored);
                    }
                }
                Happening::Stop(step) => {
                    world.disk.set_folding(folding);
                    world.disk.inject(world.disk.steps() + step, Fault::Crash);
                    drop(world.apply());
                    world.disk.kill();
                    world.disk.set_folding(Folding::Exact);
                }
                Happening::Apply => {
                    world.disk.set_folding(folding);
                    let before = shown(&world);
                    let (plan, pages) = world.plan();
                    let report = world.apply().map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
                    prop_assert_eq!(
                        (plan.observations, plan.stores, plan.verifies, plan.links, plan.removes),
                        (report.observations, report.blobs_stored, report.blobs_verified, report.views_created, report.views_removed),
                        "{:#?}", pages
                    );
                    let mut expected = before;
                    for action in pages.iter().flat_map(|page| &page.actions) {
                        match action {
                            Action::Store(store) => drop(expected.insert(layout::blob_path(&store.hash).to_string(), Vec::new())),
                            Action::Link(link) => drop(expected.insert(link.view.to_string(), Vec::new())),
                            Action::Remove(remove) => drop(expected.remove(&remove.view.to_string())),
                        }
                    }
                    let after = shown(&world);
                    prop_assert_eq!(
                        after.keys().collect::<Vec<_>>(),
                        expected.keys().collect::<Vec<_>>()
                    );
                    prop_assert_eq!(report.conflicts, 0);
                    prop_assert!(!world.plan().0.has_changes(), "{:?}", world.plan().1);
                    let mut owners: BTreeMap<RelPath, Place> = BTreeMap::new();
                    for claim in claims(&world) {
                        if let Some(view) = claim.view {
                            let place = claim.at.place();
                            let owner = owners.entry(view.clone()).or_insert_with(|| place.clone());
                            prop_assert_eq!(&*owner, &place, "both have {}", view);
                            let at = format!("{ARCHIVE}/{view}");
                            prop_assert!(world.disk.exists(&at), "{view} is gone");
                            prop_assert_eq!(hash_of(&world.disk.read(&at)), claim.hash, "{}", view);
                        }
                    }
                    world.disk.set_folding(Folding::Exact);
                }
            }
        }
        for claim in claims(&world).iter().filter(|claim| claim.standing.status != Status::Ignored) {
            world.retarget(claim.id, claim.standing.status, Status::Ignored);
        }
        world.disk.set_folding(folding);
        world.apply().map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        let left = world.files_below(VIEWS).into_keys().filter(|view| view != "photos/stays");
        prop_assert_eq!(left.collect::<Vec<_>>(), Vec::<String>::new(), "nothing that is ignored is shown");
        prop_assert_eq!(world.violations(), Vec::<String>::new());
    }
}
