//! Disks come and go below a scanned folder, and nothing on them is called gone because of that.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use mama_adapters::fs::memory::Fault;
use mama_domain::scan::{ScanError, ScanReport};
use mama_ports::events::Severity;
use mama_tests::catalogued::{Catalogued, catalogued};
use mama_tests::sabotage::Nameless;
use mama_tests::world::{World, path};
use pollster::block_on;

/// A machine whose `/media` has a file of its own and a disk `usb`, all scanned.
fn world() -> World {
    let world = World::new();
    world.write("/media/own.jpg", "own");
    world.disk.plug("usb", "/media/anna/USB");
    world.write("/media/anna/USB/a.jpg", "a");
    world.write("/media/anna/USB/album/b.jpg", "b");
    world.write("/media/anna/note.txt", "note");
    assert_eq!(scan(&world).new_observations, 4);
    world
}

#[track_caller]
fn scan(world: &World) -> ScanReport {
    world.scan("/media").unwrap()
}

/// Files that are present, and how many of them are held.
fn present(world: &World) -> (usize, usize) {
    let all = catalogued(world, "/media");
    let present: Vec<&Catalogued> = all.iter().filter(|file| !file.known.gone).collect();
    (present.len(), present.iter().filter(|file| file.known.held).count())
}

#[track_caller]
fn warned(world: &World, at: &str, words: &str) {
    let troubles = world.troubles();
    let [trouble] = &troubles[..] else { panic!("one warning: {troubles:?}") };
    assert_eq!((trouble.severity, &trouble.path), (Severity::Warning, &path(at)));
    assert!(trouble.reason.contains(words), "{}", trouble.reason);
}

/// Everything is as it was at first, and no file was read again.
#[track_caller]
fn as_before(world: &World, files: usize) {
    let report = scan(world);
    assert_eq!((report.unchanged, report.bytes_hashed, report.disks_held), (files as u64, 0, 0));
    assert_eq!((report.new_observations, report.gone, report.errors), (0, 0, 0));
    assert_eq!(present(world), (files, 0));
    assert!(world.troubles().is_empty());
    let again = scan(world);
    assert_eq!((again.unchanged, again.bytes_hashed), (files as u64, 0));
}

#[test]
fn a_disk_that_leaves_its_mount_point_behind_is_held_and_comes_back() {
    let world = world();
    world.disk.unplug("usb");
    for _ in 0..2 {
        let report = scan(&world);
        assert_eq!((report.files, report.gone, report.errors, report.disks_held), (2, 0, 0, 1));
        warned(&world, "/media/anna/USB", "the disk memory:usb is not mounted");
        assert_eq!(present(&world), (4, 2));
    }
    world.disk.plug("usb", "/media/anna/USB");
    as_before(&world, 4);
}

#[test]
fn without_names_for_volumes_it_would_be_gone() {
    for takes_mount_point_along in [false, true] {
        let mut world = World::new();
        world.volumes = Arc::new(Nameless(Arc::clone(&world.volumes)));
        world.write("/media/own.jpg", "own");
        world.disk.plug("usb", "/media/usb");
        world.write("/media/usb/a.jpg", "a");
        scan(&world);
        world.disk.unplug("usb");
        if takes_mount_point_along {
            world.disk.remove("/media/usb");
        }
        assert_eq!(scan(&world).gone, 1);
    }
}

#[test]
fn a_disk_that_takes_its_mount_point_along_is_held_and_comes_back() {
    let world = world();
    world.disk.unplug("usb");
    world.disk.remove("/media/anna/USB");
    let report = scan(&world);
    assert_eq!((report.files, report.gone, report.disks_held), (2, 0, 1));
    warned(&world, "/media/anna/USB", "the disk memory:usb is not mounted");
    world.disk.remove("/media/anna");
    let report = scan(&world);
    assert_eq!((report.files, report.gone, report.disks_held), (1, 0, 1), "the folder above it is gone, too");
    warned(&world, "/media/anna/USB", "the disk memory:usb is not mounted");
    assert_eq!(present(&world), (4, 3));
    world.write("/media/anna/note.txt", "another note");
    world.disk.plug("usb", "/media/anna/USB");
    let report = scan(&world);
    assert_eq!((report.unchanged, report.new_observations, report.gone), (3, 1, 0));
    as_before(&world, 4);
}

#[test]
fn files_in_a_bare_mount_point_are_not_recorded() {
    let world = world();
    world.disk.unplug("usb");
    world.write("/media/anna/USB/a.jpg", "a stray file of the same name");
    world.write("/media/anna/USB/stray.jpg", "stray");
    let report = scan(&world);
    assert_eq!((report.files, report.new_observations, report.gone, report.disks_held), (2, 0, 0, 1));
    world.troubles();
    world.disk.plug("usb", "/media/anna/USB");
    as_before(&world, 4);
}

#[test]
fn another_disk_at_the_same_place_is_not_entered() {
    let world = world();
    world.disk.unplug("usb");
    world.disk.plug("card", "/media/anna/USB");
    world.write("/media/anna/USB/a.jpg", "of the card");
    world.write("/media/anna/USB/album/c.jpg", "of the card, too");
    let report = scan(&world);
    assert_eq!((report.files, report.new_observations, report.gone, report.disks_held), (2, 0, 0, 1));
    warned(
        &world,
        "/media/anna/USB",
        "the disk memory:card is mounted, and the catalog knows files here on memory:usb",
    );
    world.disk.unplug("card");
    world.disk.plug("usb", "/media/anna/USB");
    as_before(&world, 4);
}

#[test]
fn another_disk_is_taken_when_its_owner_says_so() {
    let world = world();
    world.disk.unplug("usb");
    world.disk.plug("card", "/media/anna/USB");
    world.write("/media/anna/USB/a.jpg", "of the card");
    let report = world.scan_new_disk("/media").unwrap();
    assert_eq!((report.files, report.new_observations, report.gone, report.disks_held), (3, 1, 1, 0));
    assert!(world.troubles().is_empty());
    as_before(&world, 3);
    world.disk.unplug("card");
    assert_eq!(scan(&world).disks_held, 1, "now this one is missed");
}

#[test]
fn a_disk_that_is_gone_for_good_can_be_given_up() {
    for takes_mount_point_along in [false, true] {
        let world = world();
        world.disk.unplug("usb");
        if takes_mount_point_along {
            world.disk.remove("/media/anna/USB");
        }
        let report = world.scan_new_disk("/media").unwrap();
        assert_eq!((report.gone, report.disks_held), (2, 0));
        as_before(&world, 2);
        world.write("/media/anna/USB/a.jpg", "an ordinary folder by now");
        assert_eq!(scan(&world).new_observations, 1);
    }
}

#[test]
fn the_root_itself_on_another_disk_stops_the_scan() {
    let world = World::new();
    world.disk.plug("photos", "/disk");
    world.write("/disk/a.jpg", "a");
    world.scan("/disk").unwrap();
    world.disk.unplug("photos");
    let before = catalogued(&world, "/disk");
    for _ in 0..2 {
        let Err(ScanError::OtherVolume { root, expected, found }) = world.scan("/disk") else {
            panic!("it is not the same disk")
        };
        assert_eq!((root, expected.as_str(), found.as_str()), (path("/disk"), "memory:photos", "memory:1"));
        world.write("/disk/stray.jpg", "stray");
    }
    assert_eq!(catalogued(&world, "/disk"), before, "nothing was recorded");
    world.disk.plug("photos", "/disk");
    let report = world.scan("/disk").unwrap();
    assert_eq!((report.files, report.unchanged, report.bytes_hashed), (1, 1, 0));
}

#[test]
fn a_root_that_has_moved_to_another_disk_goes_on_there() {
    let world = World::new();
    world.disk.plug("old", "/disk");
    world.write("/disk/a.jpg", "a");
    world.write("/disk/left behind.jpg", "b");
    world.scan("/disk").unwrap();
    world.disk.unplug("old");
    world.disk.plug("new", "/disk");
    world.write("/disk/a.jpg", "a");
    let report = world.scan_new_disk("/disk").unwrap();
    assert_eq!((report.files, report.duplicates, report.gone), (1, 1, 1));
    assert_eq!(world.scan("/disk").unwrap().unchanged, 1);
    world.disk.unplug("new");
    world.disk.plug("old", "/disk");
    assert!(matches!(world.scan("/disk"), Err(ScanError::OtherVolume { .. })));
}

#[test]
fn a_folder_that_was_emptied_is_so_once_its_owner_says_so() {
    let world = World::new();
    world.write("/incoming/a.jpg", "a");
    world.scan("/incoming").unwrap();
    world.disk.remove("/incoming/a.jpg");
    assert!(matches!(world.scan("/incoming"), Err(ScanError::SuddenlyEmpty(_))));
    assert_eq!(world.scan_new_disk("/incoming").unwrap().gone, 1);
    assert_eq!(world.scan("/incoming").unwrap().gone, 0);
    world.write("/incoming/a.jpg", "a");
    assert_eq!(world.scan("/incoming").unwrap().files, 1);
}

#[test]
fn a_disk_that_was_never_scanned_is_new_also_where_an_empty_folder_was() {
    let world = world();
    world.disk.plug("card", "/media/card");
    world.write("/media/card/c.jpg", "c");
    let report = scan(&world);
    assert_eq!((report.new_observations, report.disks_held), (1, 0));
    world.disk.unplug("card");
    assert_eq!((scan(&world).disks_held, present(&world)), (1, (5, 1)));
}

#[test]
fn a_disk_over_files_that_are_known_hides_them() {
    let world = world();
    world.write("/media/album/x.jpg", "x");
    scan(&world);
    world.disk.plug("card", "/media/album");
    world.write("/media/album/y.jpg", "y");
    let report = scan(&world);
    assert_eq!((report.new_observations, report.gone, report.disks_held), (0, 0, 1));
    warned(
        &world,
        "/media/album",
        "the disk memory:card is mounted, and the catalog knows files here on memory:1",
    );
    world.disk.unplug("card");
    as_before(&world, 5);
}

#[test]
fn a_disk_at_another_place_is_recorded_there_and_held_where_it_was() {
    let world = world();
    world.disk.unplug("usb");
    world.disk.plug("usb", "/media/anna/USB1");
    let report = scan(&world);
    assert_eq!((report.new_observations, report.duplicates, report.gone, report.disks_held), (2, 2, 0, 1));
    assert_eq!(present(&world), (6, 2));
    world.disk.unplug("usb");
    world.disk.plug("usb", "/media/anna/USB");
    assert_eq!((scan(&world).gone, present(&world)), (0, (6, 2)));
}

#[test]
fn what_is_deleted_on_a_disk_that_is_there_is_gone() {
    let world = world();
    world.disk.remove("/media/anna/USB/album");
    let report = scan(&world);
    assert_eq!((report.gone, report.disks_held), (1, 0));
    world.disk.remove("/media/anna/USB/a.jpg");
    assert_eq!(scan(&world).gone, 1, "an empty disk is as good a proof");
    world.disk.unplug("usb");
    let report = scan(&world);
    assert_eq!((report.gone, report.disks_held), (0, 0), "nothing on it is missed");
}

#[test]
fn a_disk_that_cannot_be_read_is_held() {
    let world = world();
    world.disk.forbid_reading("/media/anna/USB");
    let report = scan(&world);
    assert_eq!((report.gone, report.errors, present(&world)), (0, 1, (4, 2)));
    world.disk.allow("/media/anna/USB");
    world.disk.forbid_reading("/media/anna/USB/album");
    let report = scan(&world);
    assert_eq!((report.gone, report.errors, present(&world)), (0, 1, (4, 1)));
    world.disk.allow("/media/anna/USB/album");
    world.troubles();
    as_before(&world, 4);
}

#[test]
fn disks_within_disks_are_held_one_by_one() {
    let world = world();
    world.disk.plug("card", "/media/anna/USB/reader/card");
    world.write("/media/anna/USB/reader/card/c.jpg", "c");
    scan(&world);
    world.disk.unplug("card");
    let report = scan(&world);
    assert_eq!((report.files, report.gone, report.disks_held, present(&world)), (4, 0, 1, (5, 1)));
    warned(&world, "/media/anna/USB/reader/card", "memory:card is not mounted");
    world.disk.remove("/media/anna/USB/reader");
    assert_eq!((scan(&world).gone, present(&world)), (0, (5, 1)));
    world.troubles();
    world.disk.unplug("usb");
    let report = scan(&world);
    assert_eq!((report.gone, report.disks_held, present(&world)), (0, 1, (5, 3)));
    warned(&world, "/media/anna/USB", "memory:usb is not mounted");
    world.disk.plug("usb", "/media/anna/USB");
    world.disk.plug("card", "/media/anna/USB/reader/card");
    as_before(&world, 5);
}

#[test]
fn a_reboot_renumbers_the_devices_and_changes_nothing() {
    let world = world();
    world.disk.reboot(mama_adapters::fs::memory::Reboot::KeepEverything);
    as_before(&world, 4);
}

/// Plugs the disk out, or in, at each step of a scan.
#[test]
fn a_disk_that_comes_or_goes_during_a_scan_makes_nothing_gone() {
    for plugged_at_first in [true, false] {
        for step in 0.. {
            let world = world();
            if !plugged_at_first {
                world.disk.unplug("usb");
                world.write("/media/anna/USB/stray.jpg", "stray");
            }
            let until = world.disk.steps() + step;
            world.disk.inject(
                until,
                Fault::Meddle(Box::new(move |disk| match plugged_at_first {
                    true => disk.unplug("usb"),
                    false => disk.plug("usb", "/media/anna/USB"),
                })),
            );
            let report = scan(&world);
            assert_eq!((report.gone, report.new_observations), (0, 0), "at step {step}");
            let is_over = world.disk.steps() <= until;
            world.disk.kill();
            if !world.disk.is_plugged("usb") {
                world.disk.plug("usb", "/media/anna/USB");
            }
            world.troubles();
            as_before(&world, 4);
            if is_over {
                break;
            }
        }
    }
}

/// A first scan that is interrupted leaves no file without the mark of its volume.
#[test]
fn an_interrupted_first_scan_knows_the_disks_whose_files_it_recorded() {
    for step in 0.. {
        let world = World::new();
        world.write("/media/own.jpg", "own");
        world.disk.plug("usb", "/media/usb");
        world.write("/media/usb/a.jpg", "a");
        let until = world.disk.steps() + step;
        world.disk.inject(until, Fault::Crash);
        let outcome = world.scan("/media");
        let is_over = world.disk.steps() <= until;
        world.disk.kill();
        world.disk.unplug("usb");
        world.write("/media/usb/stray.jpg", "stray");
        let known =
            catalogued(&world, "/media").iter().filter(|file| file.known.name.as_bytes() == b"a.jpg").count();
        let report = scan(&world);
        assert_eq!((report.gone, report.disks_held), (0, known as u64), "at step {step}: {outcome:?}");
        if is_over {
            break;
        }
    }
}

/// A catalog from before there were marks: the next whole scan makes them, an interrupted one none that would be wrong.
#[test]
fn a_catalog_without_marks_adopts_what_is_mounted() {
    for step in 0.. {
        let world = world();
        forget_marks(&world);
        let until = world.disk.steps() + step;
        world.disk.inject(until, Fault::Crash);
        let outcome = world.scan("/media");
        let is_over = world.disk.steps() <= until;
        world.disk.kill();
        world.troubles();
        if outcome.as_ref().is_ok_and(|report| report.errors > 0) {
            continue; // it came to its end without some folder, and a disk there waits for --new-disk
        }
        let report = scan(&world);
        assert_eq!(
            (report.gone, report.disks_held, report.unchanged),
            (0, 0, 4),
            "at step {step}: {outcome:?}"
        );
        world.disk.unplug("usb");
        assert_eq!(scan(&world).disks_held, 1);
        if is_over {
            break;
        }
    }
}

/// Takes away every mark, as if an older mama had scanned.
fn forget_marks(world: &World) {
    use mama_ports::repository::{MountMark, ScanBatch};
    use mama_ports::vocab::Timestamp;
    let begun = mama_tests::catalogued::begin(world, "/media");
    let marks = begun.mounts.into_iter().map(|(dir, _)| MountMark { dir, volume: None });
    let batch = ScanBatch { mounts: marks.collect(), ..ScanBatch::new(begun.scan, Timestamp::new(0, 0)) };
    block_on(world.catalog.record(&batch)).unwrap();
}
