//! Applies on a machine in memory: what enters, what is shown, what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "apply/closed.rs"]
mod closed;
#[path = "apply/damage.rs"]
mod damage;
#[path = "apply/room.rs"]
mod room;
#[path = "apply/ways.rs"]
mod ways;

use std::sync::Arc;

use mama_adapters::fs::memory::{Fault, Step};
use mama_adapters::hash::Blake3;
use mama_domain::apply::ApplyReport;
use mama_domain::archive::{self, ArchiveError, Identity};
use mama_ports::repository::Settled;
use mama_ports::vocab::{ArchiveId, SourceKind, Status};
use mama_tests::world::{ARCHIVE, World, blob_at, hash_of, path};

const VIEWS: &str = "/archive/views/existing";

fn quiet(world: &World) {
    let report = world.apply().unwrap();
    let ApplyReport { observations, blobs_stored, views_created, views_removed, .. } = report;
    assert_eq!((observations, blobs_stored, views_created, views_removed), (0, 0, 0, 0), "{report:?}");
}

#[test]
fn identical_content_is_one_inode() {
    let world = World::new();
    world.write("/photos/a.jpg", "same");
    world.write("/photos/2015/b.jpg", "same");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.bytes_stored, report.copied, report.views_created), (1, 4, 1, 2));
    assert_eq!(report.assigned, 2);
    let blob = world.disk.facts(blob_at(hash_of(b"same"))).unwrap();
    assert_eq!((blob.links, blob.mode), (3, 0o444));
    assert_eq!(world.disk.facts(format!("{VIEWS}/photos/a.jpg")).unwrap().id, blob.id);
    assert_eq!(world.disk.facts(format!("{VIEWS}/photos/2015/b.jpg")).unwrap().id, blob.id);
    quiet(&world);
}

#[test]
fn a_plan_says_what_apply_does_and_changes_nothing() {
    let world = World::new();
    for n in 0..2100 {
        world.disk.mkdirs("/photos");
        world.disk.write(format!("/photos/{n}.jpg"), format!("{}", n % 1500));
    }
    world.wait(10);
    world.scan("/photos").unwrap();
    let before = world.disk.all_files();
    let (plan, pages) = world.plan();
    assert_eq!(world.disk.all_files(), before);
    assert!(pages.len() > 1, "more than one page");
    let report = world.apply().unwrap();
    assert_eq!((plan.stores, plan.store_bytes), (report.blobs_stored, report.bytes_stored));
    assert_eq!((plan.links, plan.removes, plan.observations), (report.views_created, 0, report.observations));
    let (after, _) = world.plan();
    assert!(!after.has_changes() && after.observations == 0);
}

#[test]
fn a_new_version_takes_the_name_and_the_old_content_stays() {
    let world = World::new();
    world.write("/photos/a.jpg", "old");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.write("/photos/a.jpg", "newer");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.views_created, report.conflicts), (1, 0), "{report:?}");
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/a.jpg")), b"newer");
    assert_eq!(world.disk.read(blob_at(hash_of(b"old"))), b"old");
    quiet(&world);
}

#[test]
fn a_version_that_was_overwritten_before_apply_is_lost_and_said_to_be() {
    let world = World::new();
    world.write("/photos/a.jpg", "old");
    world.scan("/photos").unwrap();
    world.write("/photos/a.jpg", "newer");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!(
        (report.lost, report.views_created, report.errors, report.missing),
        (1, 1, 0, 0),
        "{report:?}"
    );
    quiet(&world);
}

#[test]
fn what_is_gone_keeps_its_view() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.disk.remove("/photos/a.jpg");
    world.scan("/photos").unwrap();
    quiet(&world);
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/a.jpg")), b"a");
}

#[test]
fn what_was_gone_before_it_was_stored_is_lost_until_it_comes_back() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.disk.rename("/photos/a.jpg", "/a.jpg");
    assert_eq!(world.apply().unwrap().missing, 1, "the catalog does not know yet");
    world.scan("/photos").unwrap();
    assert_eq!(world.apply().unwrap().lost, 1);
    quiet(&world);
    world.disk.rename("/a.jpg", "/photos/a.jpg");
    world.wait(10);
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.views_created, report.assigned), (1, 1, 1), "{report:?}");
}

#[test]
fn a_source_that_changed_since_the_scan_is_not_stored() {
    let world = World::new();
    world.write("/photos/a.jpg", "scanned");
    world.write("/photos/b.jpg", "scanned too");
    world.scan("/photos").unwrap();
    world.write("/photos/a.jpg", "edited");
    let mtime = world.disk.facts("/photos/b.jpg").unwrap().mtime;
    world.write("/photos/b.jpg", "edited, same");
    world.disk.set_mtime("/photos/b.jpg", mtime);
    let report = world.apply().unwrap();
    assert_eq!((report.changed, report.blobs_stored, report.assigned), (2, 0, 0), "{report:?}");
    assert!(world.files_below("/archive/blobs").is_empty() && world.files_below("/archive/tmp").is_empty());
    assert_eq!(world.apply().unwrap().changed, 2, "it stays open");
}

#[test]
fn another_hosts_file_is_elsewhere_and_no_error() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan_as("/photos", SourceKind::Existing, "nas").unwrap();
    let report = world.apply().unwrap();
    assert_eq!(
        (report.elsewhere, report.errors, report.missing, report.blobs_stored),
        (1, 0, 0, 0),
        "{report:?}"
    );
    assert!(!report.has_failures());
}

#[test]
fn a_foreign_file_in_the_way_is_a_conflict_and_is_left_alone() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    world.write("/archive/views/existing/photos/a.jpg", "mine");
    let report = world.apply().unwrap();
    assert_eq!((report.conflicts, report.blobs_stored, report.views_created), (1, 1, 0), "{report:?}");
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/a.jpg")), b"mine");
    world.disk.remove(format!("{VIEWS}/photos/a.jpg"));
    let report = world.apply().unwrap();
    assert_eq!((report.conflicts, report.views_created, report.assigned), (0, 1, 1), "{report:?}");
}

#[test]
fn what_is_ignored_loses_its_view_and_never_its_content() {
    let world = World::new();
    world.write("/photos/album/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    let id = world.observation("/photos/album/a.jpg");
    world.retarget(id, Status::Assigned, Status::Ignored);
    let report = world.apply().unwrap();
    assert_eq!((report.views_removed, report.observations), (1, 1), "{report:?}");
    assert!(!world.disk.exists(format!("{VIEWS}/photos/album")), "the empty folder goes too");
    assert!(world.disk.exists(format!("{VIEWS}/photos/b.jpg")) && world.disk.exists(blob_at(hash_of(b"a"))));
    world.retarget(id, Status::Ignored, Status::Assigned);
    assert_eq!(world.apply().unwrap().views_created, 1);
    quiet(&world);
}

#[test]
fn what_is_blocked_is_never_stored_on_any_host() {
    let world = World::new();
    world.write("/photos/a.jpg", "no");
    world.scan("/photos").unwrap();
    world.block(b"no");
    world.write("/photos/b.jpg", "no");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.blocked, report.blobs_stored, report.views_created), (2, 0, 0), "{report:?}");
    quiet(&world);
}

#[test]
fn pending_waits_when_nobody_promotes_it() {
    let mut world = World::new();
    world.auto_assign = false;
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    quiet(&world);
    world.retarget(world.observation("/photos/a.jpg"), Status::Pending, Status::Assigned);
    assert_eq!(world.apply().unwrap().views_created, 1);
}

#[test]
fn where_an_inode_takes_no_more_names_a_view_is_a_copy() {
    let world = World::new();
    world.disk.set_max_links(3);
    for n in 0..4 {
        world.write(&format!("/photos/{n}.jpg"), "same");
    }
    world.write("/photos/other.jpg", "other");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.errors, report.views_created), (0, 5), "{report:?}");
    assert_eq!(world.disk.facts(blob_at(hash_of(b"same"))).unwrap().links, 3, "as many as there can be");
    world.write("/photos/0.jpg", "newer");
    world.write("/photos/3.jpg", "newer too");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.conflicts, report.errors), (0, 0), "{report:?}");
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/3.jpg")), b"newer too", "a copy is ours, too");
    quiet(&world);
}

#[test]
fn what_happens_during_an_apply_is_not_closed_unseen() {
    let prepared = || {
        let world = Arc::new(World::new());
        world.write("/photos/a.jpg", "a");
        world.write("/photos/b.jpg", "b");
        world.scan("/photos").unwrap();
        world
    };
    let world = prepared();
    let before = world.disk.steps();
    world.apply().unwrap();
    for step in 0..world.disk.steps() - before {
        let world = prepared();
        let other = Arc::clone(&world);
        let block = Fault::Meddle(Box::new(move |_| assert_eq!(other.block(b"a"), Settled::Done)));
        world.disk.inject(world.disk.steps() + step, block);
        world.apply().unwrap();
        world.apply().unwrap();
        assert!(
            !world.disk.exists(format!("{VIEWS}/photos/a.jpg")),
            "blocked at step {step}, and still shown"
        );
        assert!(world.disk.exists(format!("{VIEWS}/photos/b.jpg")));
        quiet(&world);
    }
}

#[test]
fn a_file_that_comes_back_during_an_apply_is_stored_by_the_next() {
    let world = Arc::new(World::new());
    world.write("/photos/album/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.disk.rename("/photos/album", "/album");
    world.scan("/photos").unwrap();
    let other = Arc::clone(&world);
    let come_back = Fault::Meddle(Box::new(move |disk| {
        disk.rename("/album", "/photos/album");
        other.wait(10);
        assert_eq!(other.scan("/photos").unwrap().unchanged, 2);
    }));
    let probe = World::new();
    probe.write("/photos/b.jpg", "b");
    probe.scan("/photos").unwrap();
    let before = probe.disk.steps();
    probe.apply().unwrap();
    let is_staged = |step: &Step| step.op == "create";
    let staged = probe.disk.trace()[before..].iter().position(is_staged).expect("b.jpg is staged");
    world.disk.inject(world.disk.steps() + staged, come_back);
    world.apply().unwrap();
    world.apply().unwrap();
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/album/a.jpg")), b"a");
    quiet(&world);
}

#[test]
fn a_real_name_beats_the_name_made_for_another_host() {
    let world = World::new();
    world.write("/photos/a.jpg", "of anna");
    world.write("/photos/a (nas).jpg", "a real name");
    world.scan("/photos").unwrap();
    world.write("/photos/a.jpg", "of nas");
    world.write("/photos/b.jpg", "of nas");
    world.scan_as("/photos", SourceKind::Existing, "nas").unwrap();
    world.write("/photos/a.jpg", "of anna");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/a (nas).jpg")), b"a real name", "{report:?}");
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/a.jpg")), b"of anna");
    assert_eq!(report.conflicts, 0);
    let tagged = format!("{VIEWS}/photos/a (nas)~{}.jpg", &hash_of(b"of nas").to_string()[..16]);
    assert_eq!(world.disk.read(tagged), b"of nas");
}

#[test]
fn a_file_whose_times_lie_is_read_again_by_the_next_scan() {
    let world = World::new();
    world.write("/photos/a.jpg", "sound");
    world.scan("/photos").unwrap();
    world.disk.rot("/photos/a.jpg");
    assert_eq!(world.scan("/photos").unwrap().unchanged, 1, "nothing shows");
    assert_eq!(world.apply().unwrap().changed, 1);
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.new_observations, report.unchanged), (1, 0), "{report:?}");
    assert_eq!(world.apply().unwrap().blobs_stored, 1);
}

#[test]
fn each_observation_is_counted_once() {
    let world = World::new();
    world.write("/photos/a.jpg", "an old version");
    world.scan("/photos").unwrap();
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.write("/photos/a.jpg", "a new version");
    world.scan("/photos").unwrap();
    world.disk.remove("/photos/a.jpg");
    // settling the old version leaves the place at its new one, which comes after the cursor
    let report = world.apply().unwrap();
    assert_eq!((report.observations, report.lost, report.missing), (3, 1, 1), "{report:?}");
    assert_eq!(world.troubles().len(), 2);
}

#[test]
fn an_archive_is_made_once_and_never_inside_another() {
    let world = World::new();
    let make = |at: &str, identity| archive::create(&*world.fs, &path(at), identity, Arc::new(Blake3));
    let new = || Identity::New(ArchiveId::from_bytes([9; 16]));
    let again = make(ARCHIVE, new()).unwrap();
    assert_eq!(again.id(), &ArchiveId::from_bytes([7; 16]), "it keeps its id");
    assert!(matches!(make("/archive/views/inner", new()), Err(ArchiveError::Inside { .. })));
    world.write("/photos/a.jpg", "a");
    assert!(matches!(make("/photos", new()), Err(ArchiveError::NotEmpty(_))));

    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.disk.remove("/archive/.mama/archive");
    assert!(matches!(make(ARCHIVE, new()), Err(ArchiveError::MarkerLost(_))));
    assert!(!world.disk.exists("/archive/.mama/archive"), "nothing was written");
    let healed = make(ARCHIVE, Identity::Known(ArchiveId::from_bytes([7; 16]))).unwrap();
    assert_eq!(healed.id(), &ArchiveId::from_bytes([7; 16]));
    quiet(&world);
}

#[test]
fn a_view_that_a_decision_gives_to_another_host_is_nobody_elses_any_more() {
    let mut world = World::new();
    world.auto_assign = false;
    world.write("/photos/a.jpg", "anna's");
    world.scan("/photos").unwrap();
    let annas = world.observation("/photos/a.jpg");
    world.retarget(annas, Status::Pending, Status::Assigned);
    world.apply().unwrap();
    world.retarget(annas, Status::Assigned, Status::Pending);
    world.write("/photos/a.jpg", "of the nas");
    world.scan_as("/photos", SourceKind::Existing, "nas").unwrap();
    let of_the_nas = world.claims().into_iter().find(|claim| claim.id != annas).unwrap();
    world.retarget(of_the_nas.id, Status::Pending, Status::Assigned);
    world.write("/copies/of the nas.jpg", "of the nas");
    world.scan("/copies").unwrap();
    world.apply().unwrap();
    assert_eq!(world.disk.read("/archive/views/existing/photos/a.jpg"), b"of the nas");
    assert_eq!(world.misplaced(), Vec::<String>::new());
}
