//! Applies on a machine in memory: what enters, what is shown, what is refused.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "apply/closed.rs"]
mod closed;
#[path = "apply/room.rs"]
mod room;

use std::sync::Arc;

use mama_adapters::fs::memory::{Cloning, Fault, Step};
use mama_adapters::hash::Blake3;
use mama_domain::apply::ApplyReport;
use mama_domain::archive::{self, ArchiveError, Identity};
use mama_ports::filesystem::FsErrorKind;
use mama_ports::repository::Settled;
use mama_ports::vocab::{ArchiveId, SourceKind, Status};
use mama_tests::world::{ARCHIVE, World, blob_at, hash_of, path};
use pollster::block_on;

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
fn a_copy_elsewhere_serves_for_a_source_that_is_missing() {
    let world = World::new();
    world.write("/photos/a.jpg", "same");
    world.write("/backup/b.jpg", "same");
    world.scan("/photos").unwrap();
    world.scan("/backup").unwrap();
    world.disk.remove("/photos/a.jpg");
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.views_created, report.missing), (1, 2, 0), "{report:?}");
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
fn a_damaged_content_under_a_free_name_goes_to_quarantine() {
    let world = World::new();
    world.write("/photos/a.jpg", "right");
    world.scan("/photos").unwrap();
    world.write(&blob_at(hash_of(b"right")), "wrong");
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.errors), (1, 0), "{report:?}");
    assert_eq!(world.disk.read(blob_at(hash_of(b"right"))), b"right");
    let quarantine = world.files_below(&format!("{ARCHIVE}/quarantine"));
    assert_eq!(quarantine.values().collect::<Vec<_>>(), [b"wrong"]);
}

#[test]
fn a_new_catalog_finds_what_the_archive_has_and_verifies_it() {
    let mut world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "rotten later");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    let rotten = blob_at(hash_of(b"rotten later"));
    world.disk.chmod(&rotten, 0o644);
    world.disk.write(&rotten, "Rotten later");
    world.disk.chmod(&rotten, 0o444);
    world.forget();
    world.forget_manifests();
    world.scan("/photos").unwrap();
    let (plan, _) = world.plan();
    assert_eq!((plan.verifies, plan.stores, plan.links), (2, 0, 0), "{plan:?}");
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_verified, report.blobs_stored, report.views_created), (1, 1, 1), "{report:?}");
    assert_eq!(
        world.disk.read(format!("{VIEWS}/photos/b.jpg")),
        b"rotten later",
        "the view is of the good one"
    );
    assert_eq!(world.violations(), Vec::<String>::new());
    quiet(&world);
}

#[test]
fn a_content_that_the_archive_lost_is_restored_from_its_source() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.disk.remove(blob_at(hash_of(b"a")));
    world.write("/photos/copy of a.jpg", "a");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.errors), (1, 0), "{report:?}");
    assert_eq!(world.disk.read(blob_at(hash_of(b"a"))), b"a");
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
fn only_what_is_handed_over_shares_its_inode_and_the_next_scan_is_not_fooled() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/incoming/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.copied, report.hardlinked), (1, 1), "{report:?}");
    let links = |at: &str| world.disk.facts(at).unwrap().links;
    assert_eq!((links("/photos/a.jpg"), links("/incoming/b.jpg")), (1, 3));
    world.wait(10);
    let report = world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    assert_eq!((report.unchanged, report.bytes_hashed), (1, 0), "the ctime that the link moved is known");
}

#[test]
fn a_source_with_another_name_or_another_owner_is_copied_though_handed_over() {
    let world = World::new();
    world.write("/incoming/a.jpg", "a");
    world.write("/incoming/b.jpg", "b");
    world.disk.hard_link("/incoming/a.jpg", "/elsewhere.jpg");
    world.disk.disown("/incoming/b.jpg");
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.copied, report.hardlinked), (2, 0), "{report:?}");
}

#[test]
fn a_private_file_is_copied_though_handed_over_and_stays_private() {
    let world = World::new();
    for (name, mode) in [("own", 0o600), ("family", 0o640), ("all", 0o644)] {
        world.write(&format!("/incoming/{name}.pdf"), name);
        world.disk.chmod(format!("/incoming/{name}.pdf"), mode);
    }
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.copied, report.hardlinked), (2, 1), "{report:?}");
    let mode = |name: &str| world.disk.facts(format!("/incoming/{name}.pdf")).unwrap().mode;
    assert_eq!((mode("own"), mode("family"), mode("all")), (0o600, 0o640, 0o444));
}

#[test]
fn only_lost_bytes_are_damage_and_an_error_that_passes_is_not() {
    let blob = blob_at(hash_of(b"whole"));
    let left_by_an_interrupted_run = || {
        let world = World::new();
        world.write("/photos/a.jpg", "whole");
        world.scan("/photos").unwrap();
        world.write(&blob, "whole");
        world.disk.remove("/photos/a.jpg");
        let begins = world.disk.steps();
        (world, begins)
    };
    let (probe, begins) = left_by_an_interrupted_run();
    probe.apply().unwrap();
    let is_read = |step: &Step| step.op == "read" && step.path.ends_with(blob.as_bytes());
    let reads = begins + probe.disk.trace()[begins..].iter().position(is_read).unwrap();
    for (kind, quarantined) in [(FsErrorKind::Corrupt, 1), (FsErrorKind::Other, 0)] {
        let (world, _) = left_by_an_interrupted_run();
        world.disk.inject(reads, Fault::Error(kind));
        let report = world.apply().unwrap();
        assert_eq!((report.blobs_stored, report.errors), (0, 1), "{report:?}");
        assert_eq!(world.files_below(&format!("{ARCHIVE}/quarantine")).len(), quarantined);
        assert_eq!(world.apply().unwrap().views_created, 1 - quarantined as u64, "what passes has passed");
    }
}

#[test]
fn a_clone_is_taken_where_clones_work_and_a_copy_where_they_lie() {
    let world = World::new();
    world.disk.set_cloning(Cloning::On);
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    assert_eq!(world.apply().unwrap().reflinked, 1);

    for lie in [Cloning::Lying, Cloning::UntoldLying] {
        let world = World::new();
        world.disk.set_cloning(lie);
        world.write("/photos/a.jpg", "a");
        world.scan("/photos").unwrap();
        let report = world.apply().unwrap();
        assert_eq!((report.reflinked, report.copied, report.changed), (0, 1, 0), "{lie:?}: {report:?}");
        assert_eq!(world.violations(), Vec::<String>::new());
    }
}

#[test]
fn what_the_kernel_may_have_copied_is_not_called_shared() {
    let world = World::new();
    world.disk.set_cloning(Cloning::Untold);
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.reflinked, report.copied), (0, 1), "{report:?}");
    assert_eq!(world.violations(), Vec::<String>::new());
}

#[test]
fn a_disk_that_turns_out_full_keeps_what_it_took() {
    let world = World::new();
    for n in 0..20 {
        world.write(&format!("/photos/{n}.jpg"), vec![n; 1000]);
    }
    world.scan("/photos").unwrap();
    world.disk.set_capacity(Some(30_000));
    let error = world.apply().unwrap_err();
    assert!(format!("{error:?}").contains("NoSpace"), "{error:?}");
    assert_eq!(world.violations(), Vec::<String>::new());
    assert!(world.files_below("/archive/tmp").is_empty(), "what was staged makes room again");
    let stored = world.files_below("/archive/blobs").len() as u64;
    assert!(stored > 5, "{stored}");
    world.disk.set_capacity(None);
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.observations), (20 - stored, 20 - stored), "{report:?}");
    quiet(&world);
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
fn a_readable_copy_serves_for_one_that_cannot_be_read() {
    let world = World::new();
    world.write("/photos/1.jpg", "same");
    world.write("/photos/2.jpg", "same");
    world.scan("/photos").unwrap();
    world.disk.forbid_reading("/photos/1.jpg");
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.views_created, report.errors), (1, 2, 0), "{report:?}");
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
fn a_damaged_content_is_replaced_under_every_view_of_it() {
    let world = World::new();
    world.write("/photos/a.jpg", "precious");
    world.write("/photos/b.jpg", "precious");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    let blob = blob_at(hash_of(b"precious"));
    world.disk.chmod(&blob, 0o644);
    world.disk.write(&blob, "rotten");
    world.disk.chmod(&blob, 0o444);
    world.write("/photos/c.jpg", "precious");
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.errors), (1, 0), "{report:?}");
    assert!(world.troubles().iter().any(|trouble| trouble.reason.contains("quarantine")), "never silent");
    world.apply().unwrap();
    for name in ["a", "b", "c"] {
        assert_eq!(world.disk.read(format!("{VIEWS}/photos/{name}.jpg")), b"precious", "{name}");
    }
    assert_eq!(world.violations(), Vec::<String>::new());
    quiet(&world);
}

#[test]
fn a_loss_is_known_as_a_loss() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    let id = world.observation("/photos/a.jpg");
    world.disk.remove(blob_at(hash_of(b"a")));
    world.disk.remove("/photos/a.jpg");
    world.retarget(id, Status::Assigned, Status::Ignored);
    world.retarget(id, Status::Ignored, Status::Assigned);
    let report = world.apply().unwrap();
    assert_eq!((report.errors, report.has_failures()), (1, true), "{report:?}");
    let totals = block_on(world.catalog.totals()).unwrap();
    assert_eq!((totals.blobs, totals.stored), (2, 1));
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
fn what_rotted_with_its_only_source_gone_is_put_aside_and_reported() {
    let world = World::new();
    world.write("/incoming/a.jpg", "handed over");
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    assert_eq!(world.apply().unwrap().hardlinked, 1);
    world.disk.append("/incoming/a.jpg", ", and edited in place");
    world.wait(10);
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.errors), (1, 1), "{report:?}");
    assert_eq!(world.violations(), Vec::<String>::new(), "no wrong bytes under a content's name");
    assert_eq!(world.files_below(&format!("{ARCHIVE}/quarantine")).len(), 1);
    assert_eq!(world.apply().unwrap().lost, 1);
    quiet(&world);
    let view = "/archive/views/incoming/incoming/a.jpg";
    assert_eq!(world.disk.read(view), b"handed over, and edited in place");
}

#[test]
fn a_handed_over_file_that_is_edited_in_place_at_the_same_size_leaves_no_wrong_bytes() {
    let world = World::new();
    world.write("/incoming/a.jpg", "handed over");
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    assert_eq!(world.apply().unwrap().hardlinked, 1);
    world.write("/incoming/a.jpg", "HANDED OVER");
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.blobs_stored, report.errors), (1, 1), "{report:?}");
    assert_eq!(world.violations(), Vec::<String>::new());
    assert_eq!(world.files_below(&format!("{ARCHIVE}/quarantine")).len(), 1);
    assert_eq!(world.apply().unwrap().lost, 1);
    quiet(&world);
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
