//! The ways that contents come in: shared blocks, a shared inode, or a copy.

use mama_adapters::fs::memory::Cloning;
use mama_ports::vocab::SourceKind;
use mama_tests::world::{ARCHIVE, World};

use super::quiet;

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
