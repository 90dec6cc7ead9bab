//! Contents that the archive lost, or that are not what their names say.

use mama_adapters::fs::memory::{Fault, Step};
use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{SourceKind, Status};
use mama_tests::world::{ARCHIVE, World, blob_at, hash_of};
use pollster::block_on;

use super::{VIEWS, quiet};

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
