//! Names of views: what nothing else has, what the archive's file system takes, and what stays.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use mama_adapters::fs::memory::{Fault, Folding, Step};
use mama_domain::reconcile::Action;
use mama_ports::repository::{PageSize, Settled};
use mama_ports::vocab::{Claim, Place, RelPath, SourceKind, Status};
use mama_tests::world::{World, blob_at, hash_of, path};
use pollster::block_on;

#[path = "naming/owners.rs"]
mod owners;
#[path = "naming/properties.rs"]
mod properties;

const VIEWS: &str = "/archive/views/existing";

fn tag(content: &str) -> String {
    hash_of(content.as_bytes()).to_string()[..16].to_owned()
}

fn settle(world: &World) -> BTreeMap<String, Vec<u8>> {
    let report = world.apply().unwrap();
    assert!(!report.has_failures(), "{report:?} {:?}", world.troubles());
    let again = world.apply().unwrap();
    assert_eq!((again.observations, again.views_created, again.views_removed), (0, 0, 0), "{again:?}");
    world.files_below(VIEWS)
}

/// First `anna` sees a file, then `nas` other bytes in its place, then `anna` her own again.
fn two_hosts_see(world: &World, annas: &str, of_the_nas: &str) {
    world.write("/photos/a.jpg", annas);
    world.scan("/photos").unwrap();
    world.write("/photos/a.jpg", of_the_nas);
    world.scan_as("/photos", SourceKind::Existing, "nas").unwrap();
    world.write("/photos/a.jpg", annas);
    world.scan("/photos").unwrap();
}

#[test]
fn a_file_and_a_folder_of_one_name_are_both_shown() {
    for page in [1, 1024] {
        let mut world = World::new();
        world.page = PageSize(page);
        world.write("/photos/b", "a file at first");
        world.scan("/photos").unwrap();
        settle(&world);
        world.disk.remove("/photos/b");
        world.write("/photos/b/c.jpg", "below");
        world.write("/photos/d/e.jpg", "a folder at first");
        world.scan("/photos").unwrap();
        let views = settle(&world);
        assert_eq!(views["photos/b"], b"a file at first");
        let (name, _) = views.iter().find(|(_, bytes)| *bytes == b"below").unwrap();
        assert!(name.starts_with("photos/b~") && name.ends_with("/c.jpg") && name.len() == 31, "{name}");
        world.disk.remove("/photos/d");
        world.write("/photos/d", "late");
        world.scan("/photos").unwrap();
        let views = settle(&world);
        assert_eq!(views[&format!("photos/d~{}", tag("late"))], b"late");
        assert_eq!(views["photos/d/e.jpg"], b"a folder at first");
    }
}

#[test]
fn names_that_fold_together_are_both_shown() {
    for page in [1, 1024] {
        for (folding, first, second) in [
            (Folding::Case, "IMG.JPG", "img.jpg"),
            (Folding::Form, "caf\u{e9}.jpg", "cafe\u{301}.jpg"),
            (Folding::Both, "CAF\u{c9}.jpg", "cafe\u{301}.JPG"),
        ] {
            let mut world = World::new();
            world.page = PageSize(page);
            world.write(&format!("/photos/{first}"), "1");
            world.write(&format!("/photos/{second}"), "2");
            world.scan("/photos").unwrap();
            world.disk.remove("/photos");
            for (name, bytes) in [(first, "1"), (second, "2")] {
                world.write(&format!("/elsewhere/{bytes}/{name}"), bytes);
            }
            world.scan("/elsewhere").unwrap();
            world.disk.set_folding(folding);
            let (plan, _) = world.plan();
            let report = world.apply().unwrap();
            assert_eq!((plan.links, report.views_created), (4, 4), "{folding:?} {report:?}");
            assert_eq!(report.conflicts, 0, "{folding:?} {report:?}");
            let views = settle(&world);
            let below: Vec<&Vec<u8>> = views
                .iter()
                .filter(|(name, _)| name.starts_with("photos/"))
                .map(|(_, bytes)| bytes)
                .collect();
            assert_eq!(below.len(), 2, "{views:?}");
            assert!(views.keys().any(|name| name.contains('~')), "{views:?}");
        }
    }
}

#[test]
fn a_plan_knows_a_name_whose_folder_an_earlier_page_empties() {
    for (folding, below, file, stays) in [
        (Folding::Exact, "/photos/b/c/d", "/photos/b", None),
        (Folding::Case, "/photos/B/c/d", "/photos/b", None),
        (Folding::Case, "/photos/B/c/d", "/photos/b", Some("B/another")),
    ] {
        let mut world = World::new();
        world.page = PageSize(1);
        world.write("/photos/stays", "s");
        world.write(below, "below");
        world.scan("/photos").unwrap();
        settle(&world);
        if let Some(name) = stays {
            world.write(&format!("{VIEWS}/photos/{name}"), "not mama's");
        }
        let place = Place { kind: SourceKind::Existing, path: path(below) };
        let claim = block_on(world.catalog.claims(&[place])).unwrap()[0].claims[0].clone();
        world.retarget(claim.id, claim.standing.status, Status::Ignored);
        world.disk.remove(if folding == Folding::Exact { "/photos/b" } else { "/photos/B" });
        world.write(file, "file");
        world.scan("/photos").unwrap();
        world.disk.set_folding(folding);
        let (_, pages) = world.plan();
        let actions = pages.iter().flat_map(|page| &page.actions);
        let planned: Vec<String> = actions
            .filter_map(|action| match action {
                Action::Link(link) => Some(link.view.to_string()),
                Action::Store(_) | Action::Remove(_) => None,
            })
            .collect();
        world.apply().unwrap();
        let views = world.files_below(VIEWS);
        let (made, _) = views.iter().find(|(_, bytes)| *bytes == b"file").unwrap();
        assert_eq!(made == "photos/b", stays.is_none(), "{views:?}");
        assert_eq!(planned, [format!("views/existing/{made}")], "{folding:?}");
    }
}

#[test]
fn equal_contents_whose_names_fold_together_have_a_view_each() {
    for at_once in [true, false] {
        for page in [1, 1024] {
            let mut world = World::new();
            world.page = PageSize(page);
            world.disk.set_folding(Folding::Case);
            world.write("/photos/a.jpg", "same");
            world.scan("/photos").unwrap();
            if !at_once {
                settle(&world);
            }
            world.disk.set_folding(Folding::Exact);
            world.write("/photos/A.JPG", "same");
            world.scan("/photos").unwrap();
            world.disk.set_folding(Folding::Case);
            let views = settle(&world);
            let tagged = format!("photos/A~{}.JPG", tag("same"));
            assert_eq!(
                views.keys().map(String::as_str).collect::<Vec<_>>(),
                [tagged.as_str(), "photos/a.jpg"]
            );
            world.disk.set_folding(Folding::Exact);
            let id = world.observation("/photos/A.JPG");
            world.retarget(id, Status::Assigned, Status::Ignored);
            world.disk.set_folding(Folding::Case);
            assert_eq!(settle(&world).into_keys().collect::<Vec<_>>(), ["photos/a.jpg"]);
        }
    }
}

#[test]
fn a_name_that_the_archive_refuses_is_escaped() {
    let world = World::new();
    let long = "x".repeat(200);
    world.write(&format!("/photos/{long}.jpg"), "long");
    world.scan("/photos").unwrap();
    world.disk.set_names(143, true);
    assert_eq!(world.apply().unwrap().missing, 1, "the limit is the whole machine's");
    world.disk.set_names(255, false);
    world.write("/photos/short.jpg", "long");
    world.scan("/photos").unwrap();
    world.disk.set_names(143, true);
    assert_eq!(world.plan().0.problems, 0);
    let views = settle(&world);
    let escaped = views.keys().find(|name| name.starts_with("photos/xxx")).unwrap();
    assert!(escaped.ends_with(".jpg") && escaped.contains('~') && escaped.len() <= 150, "{escaped}");
}

#[test]
fn a_foreign_file_is_never_passed_by() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b/c.jpg", "c");
    world.write("/photos/d/e/f.jpg", "f");
    world.scan("/photos").unwrap();
    world.write(&format!("{VIEWS}/photos/a.jpg"), "mine");
    world.write(&format!("{VIEWS}/photos/b"), "mine, too");
    world.write("/elsewhere/e/f.jpg", "mine as well");
    world.disk.symlink("/elsewhere", format!("{VIEWS}/photos/d"));
    let report = world.apply().unwrap();
    assert_eq!((report.conflicts, report.views_created), (3, 0), "{report:?}");
    let told: Vec<String> = world.troubles().into_iter().map(|trouble| trouble.reason).collect();
    for in_the_way in ["a.jpg", "b", "d"] {
        let at = format!("something else stands at views/existing/photos/{in_the_way} in the archive");
        assert!(told.iter().any(|told| told.starts_with(&at)), "{at}: {told:?}");
    }
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/b")), b"mine, too");
}

#[test]
fn whoever_has_a_name_keeps_it() {
    let world = World::new();
    // the same bytes at hand, so that anna can bring them
    world.write("/photos/copy", "of nas");
    two_hosts_see(&world, "of anna", "of nas");
    let views = settle(&world);
    assert_eq!(views["photos/a (nas).jpg"], b"of nas");
    world.write("/photos/a (nas).jpg", "a real name");
    world.scan("/photos").unwrap();
    let views = settle(&world);
    assert_eq!(views["photos/a (nas).jpg"], b"of nas", "it was there first");
    let late = format!("photos/a (nas)~{}.jpg", tag("a real name"));
    assert_eq!(views[&late], b"a real name");
    let id = world.observation("/photos/a (nas).jpg");
    world.retarget(id, Status::Assigned, Status::Ignored);
    let views = settle(&world);
    assert!(!views.contains_key(&late) && views["photos/a (nas).jpg"] == b"of nas", "{views:?}");
}

/// Every sighting of a file, by whomever.
fn sightings(world: &World, file: &str) -> Vec<Claim> {
    let place = Place { kind: SourceKind::Existing, path: path(file) };
    block_on(world.catalog.claims(&[place])).unwrap().remove(0).claims
}

fn ignore(world: &World, file: &str, content: &str) {
    let seen = sightings(world, file).into_iter().filter(|claim| claim.hash == hash_of(content.as_bytes()));
    for claim in seen {
        assert_eq!(world.retarget(claim.id, claim.standing.status, Status::Ignored), Settled::Done);
    }
}

/// Applies what was planned, and nothing else.
fn settle_as_planned(world: &World) -> BTreeMap<String, Vec<u8>> {
    let before = world.files_below(VIEWS);
    let (_, pages) = world.plan();
    let mut expected: BTreeSet<String> = before.into_keys().collect();
    let short = |view: &RelPath| view.to_string().strip_prefix("views/existing/").unwrap().to_owned();
    for action in pages.iter().flat_map(|page| &page.actions) {
        match action {
            Action::Link(link) => drop(expected.insert(short(&link.view))),
            Action::Remove(remove) => drop(expected.remove(&short(&remove.view))),
            Action::Store(_) => {}
        }
    }
    let views = settle(world);
    assert_eq!(views.keys().cloned().collect::<BTreeSet<_>>(), expected);
    views
}

/// A disk that says once that a content is not there: the place's own older view was in the way.
#[test]
fn a_tagged_name_is_given_back_for_the_plain_one_of_its_own_place() {
    let edited = || {
        let world = World::new();
        world.write("/photos/a.jpg", "older");
        world.scan("/photos").unwrap();
        world.apply().unwrap();
        world.write("/photos/a.jpg", "newer");
        world.scan("/photos").unwrap();
        world
    };
    let (world, older) = (edited(), format!("/{}", hash_of(b"older")));
    let before = world.disk.steps();
    world.apply().unwrap();
    let is_look = |step: &Step| step.op == "look at" && step.path.ends_with(older.as_bytes());
    let trace = &world.disk.trace()[before..];
    let looks: Vec<usize> = (0..trace.len()).filter(|&nth| is_look(&trace[nth])).collect();
    assert!(!looks.is_empty());
    for look in looks {
        let world = edited();
        let hide = Fault::Meddle(Box::new(|disk| disk.rename(blob_at(hash_of(b"older")), "/hidden")));
        let give_back = Fault::Meddle(Box::new(|disk| disk.rename("/hidden", blob_at(hash_of(b"older")))));
        world.disk.inject(world.disk.steps() + look, hide);
        world.disk.inject(world.disk.steps() + look + 1, give_back);
        drop(world.apply());
        world.scan("/photos").unwrap();
        let views = settle(&world);
        assert_eq!(views, BTreeMap::from([("photos/a.jpg".to_owned(), b"newer".to_vec())]), "look {look}");
    }
}

#[test]
fn a_tagged_name_is_kept_when_the_wanted_one_is_free_again() {
    let world = World::new();
    world.write("/photos/a.jpg", "1");
    world.scan("/photos").unwrap();
    world.write("/photos/A.JPG", "2");
    world.scan("/photos").unwrap();
    world.disk.set_folding(Folding::Case);
    settle(&world);
    world.retarget(world.observation("/photos/a.jpg"), Status::Assigned, Status::Ignored);
    settle(&world);
    world.disk.set_folding(Folding::Exact);
    world.scan_as("/photos", SourceKind::Existing, "nas").unwrap();
    world.disk.set_folding(Folding::Case);
    assert_eq!(settle(&world).into_keys().collect::<Vec<_>>(), [format!("photos/A~{}.JPG", tag("2"))]);
}

#[test]
fn an_older_version_stays_shown_until_the_newer_one_can_be_stored() {
    let world = World::new();
    world.write("/photos/a.jpg", "1");
    world.scan("/photos").unwrap();
    settle(&world);
    world.write("/photos/a.jpg", "22");
    world.scan("/photos").unwrap();
    world.disk.remove("/photos/a.jpg");
    let report = world.apply().unwrap();
    assert_eq!((report.missing, report.views_removed), (1, 0), "{report:?}");
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/a.jpg")), b"1");
}

#[test]
fn a_name_that_an_earlier_page_frees_is_free_to_plan_and_to_apply() {
    let mut world = World::new();
    world.page = PageSize(1);
    world.write("/photos/a (nas).jpg", "a real name");
    world.scan("/photos").unwrap();
    settle(&world);
    world.retarget(world.observation("/photos/a (nas).jpg"), Status::Assigned, Status::Ignored);
    world.write("/photos/copy", "of nas");
    two_hosts_see(&world, "of anna", "of nas");
    let (_, pages) = world.plan();
    let links = pages.iter().flat_map(|page| &page.actions).filter_map(|action| match action {
        Action::Link(link) => link.view.to_string().strip_prefix("views/existing/").map(str::to_owned),
        Action::Store(_) | Action::Remove(_) => None,
    });
    let links: BTreeSet<String> = links.collect();
    assert!(links.contains("photos/a (nas).jpg"), "{links:?}");
    assert_eq!(settle(&world).into_keys().collect::<BTreeSet<_>>(), links);
}

#[test]
fn a_name_that_folds_together_with_one_that_an_earlier_page_frees_is_free() {
    let mut world = World::new();
    world.page = PageSize(1);
    world.write("/photos/a.jpg", "1");
    world.write("/photos/stays", "s");
    world.scan("/photos").unwrap();
    world.disk.set_folding(Folding::Case);
    settle(&world);
    world.disk.set_folding(Folding::Exact);
    ignore(&world, "/photos/a.jpg", "1");
    world.write("/photos/A.JPG", "2");
    world.scan("/photos").unwrap();
    world.disk.set_folding(Folding::Case);
    assert_eq!(settle_as_planned(&world)["photos/A.JPG"], b"2");
}

#[test]
fn a_view_goes_although_a_name_that_is_another_only_to_this_disk_is_made() {
    let world = World::new();
    world.write("/photos/a.jpg", "1");
    world.write("/photos/stays", "s");
    world.scan("/photos").unwrap();
    world.disk.set_folding(Folding::Form);
    settle(&world);
    ignore(&world, "/photos/a.jpg", "1");
    world.write("/photos/A.JPG", "2");
    world.scan("/photos").unwrap();
    assert_eq!(settle_as_planned(&world).into_keys().collect::<Vec<_>>(), ["photos/A.JPG", "photos/stays"]);
}

#[test]
fn what_has_two_views_while_a_newer_version_is_elsewhere_loses_both_when_it_is_ignored() {
    let mut world = World::new();
    world.history = true;
    world.write("/photos/copy", "of nas");
    two_hosts_see(&world, "of anna", "of nas");
    settle(&world);
    two_hosts_see(&world, "of anna", "newer of nas");
    world.apply().unwrap();
    let views = world.files_below(VIEWS);
    assert_eq!(views.values().filter(|bytes| *bytes == b"of nas").count(), 3, "{views:?}");
    ignore(&world, "/photos/a.jpg", "of nas");
    world.apply().unwrap();
    let views: Vec<String> = world.files_below(VIEWS).into_keys().collect();
    assert_eq!(views, ["photos/a.jpg", "photos/copy"]);
}

#[test]
fn a_folder_follows_a_file_that_an_earlier_page_takes_away() {
    for (page, folding, folder) in
        [(1, Folding::Exact, "b"), (1, Folding::Case, "B"), (1024, Folding::Case, "B")]
    {
        let mut world = World::new();
        world.page = PageSize(page);
        world.write("/photos/b", "a file");
        world.write("/photos/stays", "s");
        world.scan("/photos").unwrap();
        world.disk.set_folding(folding);
        settle(&world);
        world.disk.set_folding(Folding::Exact);
        ignore(&world, "/photos/b", "a file");
        world.disk.remove("/photos/b");
        world.write(&format!("/photos/{folder}/c.jpg"), "below");
        world.scan("/photos").unwrap();
        world.disk.set_folding(folding);
        let views = settle_as_planned(&world);
        assert_eq!(views.values().filter(|bytes| *bytes == b"below").count(), 1, "{views:?}");
    }
}

#[test]
fn superseded_versions_are_shown_by_their_dates() {
    let mut world = World::new();
    world.history = true;
    for version in ["1", "22", "333", "22", "4444"] {
        world.write("/photos/a.jpg", version);
        world.scan("/photos").unwrap();
        world.apply().unwrap();
    }
    let views = settle(&world);
    let names: Vec<&str> = views.keys().map(String::as_str).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert_eq!(views["photos/a.jpg"], b"4444");
    assert_eq!(views["photos/a (2020-01-01).jpg"], b"1", "{names:?}");
    assert_eq!(names.iter().filter(|name| name.starts_with("photos/a (2020-01-01 00.00.")).count(), 2);
}

#[test]
fn the_setting_of_history_reaches_a_file_when_it_next_changes() {
    let mut world = World::new();
    let change = |world: &World, version: &str| {
        world.write("/photos/a.jpg", version);
        world.scan("/photos").unwrap();
        settle(world).into_values().map(|bytes| String::from_utf8(bytes).unwrap()).collect::<BTreeSet<_>>()
    };
    assert_eq!(change(&world, "1").len(), 1);
    assert_eq!(change(&world, "22").len(), 1);
    world.history = true;
    assert_eq!(settle(&world).len(), 1, "not yet");
    assert_eq!(change(&world, "333"), ["1", "22", "333"].map(str::to_owned).into());
    world.history = false;
    assert_eq!(settle(&world).len(), 3, "not yet");
    assert_eq!(change(&world, "4444"), ["4444"].map(str::to_owned).into());
}

#[test]
fn a_quiet_apply_looks_at_nothing_that_is_settled() {
    let steps = |files: usize| {
        let world = World::new();
        for n in 0..files {
            world.disk.mkdirs("/photos");
            world.disk.write(format!("/photos/{n}.jpg"), format!("{}", n % 97));
        }
        world.wait(10);
        world.scan("/photos").unwrap();
        world.apply().unwrap();
        world.write("/photos/new.jpg", "new");
        world.scan("/photos").unwrap();
        let before = world.disk.steps();
        assert_eq!(world.apply().unwrap().observations, 1);
        let one = world.disk.steps() - before;
        let before = world.disk.steps();
        assert_eq!(world.apply().unwrap().observations, 0);
        (one, world.disk.steps() - before)
    };
    assert_eq!(steps(300), steps(10));
}
