//! Scans of a machine in memory: what is noticed, what is proven, what is left alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use mama_adapters::fs::memory::{Fault, Step};
use mama_domain::ignoring::IGNORE_FILE;
use mama_domain::scan::{ScanError, ScanReport, ScanTarget};
use mama_ports::events::Severity;
use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{ScanRoot, SourceKind, Timestamp};
use mama_tests::world::{ARCHIVE, World, host_name, path};
use pollster::block_on;

fn present(world: &World) -> u64 {
    let totals = block_on(world.catalog.totals()).unwrap();
    totals.standings.iter().filter(|class| class.current && !class.gone).map(|class| class.count).sum()
}

#[test]
fn an_unchanged_tree_is_not_read_again() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/2015/b.jpg", "b");
    let first = world.scan("/photos").unwrap();
    assert_eq!((first.files, first.new_observations, first.new_blobs, first.bytes_hashed), (2, 2, 2, 2));
    let steps = world.disk.steps();
    let second = world.scan("/photos").unwrap();
    assert_eq!((second.files, second.unchanged, second.new_observations, second.bytes_hashed), (2, 2, 0, 0));
    let opened: Vec<_> =
        world.disk.trace()[steps..].iter().filter(|step| step.op == "read").cloned().collect();
    assert!(opened.is_empty(), "{opened:?}");
}

#[test]
fn a_file_hashed_within_its_clocks_tick_is_read_again_once() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.disk.write("/photos/just now.jpg", "b");
    assert_eq!(world.scan("/photos").unwrap().bytes_hashed, 2);
    world.disk.write("/photos/just now.jpg", "c");
    world.disk.set_mtime("/photos/just now.jpg", world.disk.facts("/photos/a.jpg").unwrap().mtime);
    world.wait(10);
    assert_eq!(world.scan("/photos").unwrap().new_observations, 1);
    assert_eq!(world.scan("/photos").unwrap().bytes_hashed, 0);
}

#[test]
fn an_edit_that_puts_size_and_mtime_back_is_noticed() {
    let world = World::new();
    world.write("/photos/a.jpg", "before");
    world.scan("/photos").unwrap();
    let mtime = world.disk.facts("/photos/a.jpg").unwrap().mtime;
    world.write("/photos/a.jpg", "after!");
    world.disk.set_mtime("/photos/a.jpg", mtime);
    world.wait(10);
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.new_observations, report.new_blobs, report.unchanged), (1, 1, 0));
}

#[test]
fn a_touched_ctime_with_the_same_content_is_only_confirmed() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    world.disk.chmod("/photos/a.jpg", 0o600);
    world.wait(10);
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.unchanged, report.new_observations, report.bytes_hashed), (1, 0, 1));
    assert_eq!(world.scan("/photos").unwrap().bytes_hashed, 0, "the new ctime is remembered");
}

#[test]
fn a_duplicate_is_one_blob_and_two_observations() {
    let world = World::new();
    world.write("/photos/a.jpg", "same");
    world.write("/backup/b.jpg", "same");
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.new_blobs, report.duplicates), (1, 0));
    let report = world.scan("/backup").unwrap();
    assert_eq!((report.new_observations, report.new_blobs, report.duplicates), (1, 0, 1));
}

#[test]
fn a_removed_file_is_gone_and_comes_back_without_being_read() {
    let world = World::new();
    world.write("/photos/stays.jpg", "stays");
    world.write("/photos/album/a.jpg", "a");
    world.write("/photos/album/deep/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.disk.rename("/photos/album", "/elsewhere");
    assert_eq!(world.scan("/photos").unwrap().gone, 2);
    assert_eq!(world.scan("/photos").unwrap().gone, 0, "what is gone is not gone again");
    assert_eq!(present(&world), 1);
    world.disk.rename("/elsewhere", "/photos/album");
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.unchanged, report.new_observations, report.bytes_hashed), (3, 0, 0));
    assert_eq!(present(&world), 3);
}

#[test]
fn a_root_that_is_suddenly_empty_proves_nothing() {
    let world = World::new();
    world.write("/disk/a.jpg", "a");
    world.scan("/disk").unwrap();
    world.disk.remove("/disk/a.jpg");
    assert!(matches!(world.scan("/disk"), Err(ScanError::SuddenlyEmpty(_))));
    assert_eq!(present(&world), 1);
}

#[test]
fn a_folder_that_cannot_be_listed_proves_nothing_and_is_reported() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/private/b.jpg", "b");
    world.scan("/photos").unwrap();
    world.disk.forbid_reading("/photos/private");
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.errors, report.gone, report.unchanged), (1, 0, 1));
    assert_eq!(world.troubles()[0].path, path("/photos/private"));
    assert_eq!(present(&world), 2);
    world.disk.allow("/photos/private");
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.errors, report.unchanged, report.bytes_hashed), (0, 2, 0));
}

#[test]
fn a_file_that_cannot_be_read_is_reported_and_the_others_are_scanned() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.disk.forbid_reading("/photos/b.jpg");
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.files, report.new_observations, report.errors), (2, 1, 1));
    assert!(world.troubles()[0].reason.contains("cannot be read"));
}

#[test]
fn a_file_that_changes_while_it_is_read_never_gets_a_hash_that_its_bytes_do_not_have() {
    let world = World::new();
    world.write("/photos/a.jpg", "first");
    let target = target("/photos");
    let steps = {
        let probe = World::new();
        probe.write("/photos/a.jpg", "first");
        let before = probe.disk.steps();
        probe.scan("/photos").unwrap();
        probe.disk.steps() - before
    };
    for step in 0..steps {
        let world = World::new();
        world.write("/photos/a.jpg", "first");
        let edit = Fault::Meddle(Box::new(|disk| disk.write("/photos/a.jpg", "other")));
        world.disk.inject(world.disk.steps() + step, edit);
        let mut report = ScanReport::default();
        block_on(world.scanner().run(&target, &mut report)).unwrap();
        assert_eq!(report.new_observations + report.changed, 1, "at step {step}");
        world.wait(10);
        world.scan("/photos").unwrap();
        world.apply().unwrap();
        assert_eq!(world.disk.read("/archive/views/existing/photos/a.jpg"), b"other", "at step {step}");
        assert_eq!(world.violations(), Vec::<String>::new(), "at step {step}");
    }
}

#[test]
fn a_file_that_is_linked_while_it_is_read_is_read_again() {
    let read = step_of("read", "/photos/a.jpg", |world| world.write("/photos/a.jpg", "a"));
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.wait(10);
    let link = Fault::Meddle(Box::new(|disk| disk.hard_link("/photos/a.jpg", "/elsewhere.jpg")));
    world.disk.inject(world.disk.steps() + read, link);
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.new_observations, report.changed), (1, 0));
    world.wait(10);
    assert_eq!(world.scan("/photos").unwrap().unchanged, 1);
}

#[test]
fn a_file_that_is_touched_whenever_it_is_read_is_left_to_the_next_scan() {
    let reads = |world: &World| {
        world.disk.trace().iter().filter(|step| step.op == "read" && step.path == b"/photos/a.jpg").count()
    };
    let opened = step_of("open", "/photos/a.jpg", |world| world.write("/photos/a.jpg", "a"));
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.wait(10);
    for step in opened..opened + 100 {
        let touch = Fault::Meddle(Box::new(|disk| {
            disk.clock().advance(1);
            disk.chmod("/photos/a.jpg", 0o644);
        }));
        world.disk.inject(world.disk.steps() + step, touch);
    }
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.new_observations, report.changed), (0, 1));
    assert!((3..=9).contains(&reads(&world)), "{}", reads(&world));
}

fn target(root: &str) -> ScanTarget {
    let root = ScanRoot { host: host_name("anna"), basedir: path(root), kind: SourceKind::Existing };
    ScanTarget { root, excludes: Vec::new(), archive: None, new_disk: false }
}

/// The number of the step at which a scan of `/photos` first does `op` to `file`, counted from the scan's beginning.
fn step_of(op: &str, file: &str, prepare: impl Fn(&World)) -> usize {
    let probe = World::new();
    prepare(&probe);
    let before = probe.disk.steps();
    probe.scan("/photos").unwrap();
    let is_it = |step: &Step| step.op == op && step.path == file.as_bytes();
    probe.disk.trace()[before..].iter().position(is_it).expect("the scan does that")
}

#[test]
fn a_file_that_vanishes_before_it_is_read_is_counted() {
    let prepare = |world: &World| world.write("/photos/a.jpg", "a");
    let opened = step_of("open", "/photos/a.jpg", prepare);
    let world = World::new();
    prepare(&world);
    let vanish = Fault::Meddle(Box::new(|disk| disk.remove("/photos/a.jpg")));
    world.disk.inject(world.disk.steps() + opened, vanish);
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.files, report.changed, report.new_observations), (1, 1, 0));
}

#[test]
fn a_read_error_in_the_middle_is_an_error_of_that_file() {
    let prepare = |world: &World| {
        world.write("/photos/a.jpg", "a");
        world.scan("/photos").unwrap();
        world.write("/photos/b.jpg", "b");
    };
    let read = step_of("read", "/photos/b.jpg", prepare);
    let world = World::new();
    prepare(&world);
    world.disk.inject(world.disk.steps() + read, Fault::Error(FsErrorKind::Other));
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.errors, report.unchanged, report.new_observations), (1, 1, 0));
}

#[test]
fn links_and_special_files_are_skipped_and_counted() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/elsewhere/b.jpg", "b");
    world.disk.symlink("/elsewhere", "/photos/link to a folder");
    world.disk.symlink("/elsewhere/b.jpg", "/photos/link to a file");
    world.disk.fifo("/photos/fifo");
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.files, report.skipped, report.errors), (1, 3, 0));
}

#[test]
fn the_archive_is_never_scanned_whatever_its_name() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    let report = world.scan("/").unwrap();
    assert_eq!((report.files, report.ignored), (1, 1));
    assert!(world.disk.exists(ARCHIVE));
}

#[test]
fn the_archive_under_another_path_is_refused() {
    let world = World::new();
    let mut report = ScanReport::default();
    let archive = world.disk.facts(ARCHIVE).map(|facts| facts.id);
    let refused = block_on(world.scanner().run(&ScanTarget { archive, ..target(ARCHIVE) }, &mut report));
    assert!(matches!(refused, Err(ScanError::Archive(_))));
}

/// Puts a marker where the archive of another machine is mounted, with a content in it.
fn foreign_archive(world: &World, at: &str) {
    world.write(&format!("{at}/.mama/archive"), "mama archive 1\n");
    world.write(&format!("{at}/blobs/ab/cd/abcd"), "theirs");
}

#[test]
fn an_archive_of_another_machine_is_left_out_and_named() {
    let world = World::new();
    world.write("/mnt/a.jpg", "a");
    world.write("/mnt/nas/films/b.mkv", "b");
    world.scan("/mnt").unwrap();
    foreign_archive(&world, "/mnt/nas");
    let report = world.scan("/mnt").unwrap();
    assert_eq!(
        (report.files, report.ignored, report.errors),
        (1, 3, 0),
        "blobs, films and .mama are left out"
    );
    assert_eq!(report.gone, 0, "what becomes part of an archive is not gone");
    let [trouble] = &world.troubles()[..] else { panic!("one warning") };
    assert_eq!((trouble.severity, &trouble.path), (Severity::Warning, &path("/mnt/nas")));
    assert!(trouble.reason.contains("is a mama archive"), "{}", trouble.reason);
}

#[test]
fn an_archive_that_cannot_be_told_from_a_folder_is_left_out_too() {
    let world = World::new();
    world.write("/mnt/a.jpg", "a");
    foreign_archive(&world, "/mnt/nas");
    world.disk.forbid_asking("/mnt/nas/.mama/archive");
    assert_eq!(world.scan("/mnt").unwrap().files, 1);
    assert!(world.troubles()[0].reason.contains("may be a mama archive"));
}

#[test]
fn what_is_or_lies_in_an_archive_of_another_machine_is_refused() {
    let world = World::new();
    foreign_archive(&world, "/mnt/nas");
    assert!(matches!(world.scan("/mnt/nas"), Err(ScanError::Archive(root)) if root == path("/mnt/nas")));
    let within = world.scan("/mnt/nas/blobs/ab").unwrap_err();
    assert!(matches!(&within, ScanError::InArchive { archive, .. } if *archive == path("/mnt/nas")));
    assert_eq!(block_on(world.catalog.totals()).unwrap().roots, [], "refused before the catalog hears of it");
}

#[test]
fn a_folder_whose_name_is_that_of_the_marker_makes_no_archive() {
    let world = World::new();
    world.write("/home/a.jpg", "a");
    world.write("/home/.mama/archive/b.jpg", "b");
    assert_eq!(world.scan("/home").unwrap().files, 2);
}

#[test]
fn looking_for_archives_costs_nothing_where_there_are_none() {
    let world = World::new();
    let steps_with = |folders: usize| {
        for n in 0..folders {
            world.disk.mkdirs(format!("/photos/{n}"));
        }
        let before = world.disk.steps();
        world.scan("/photos").unwrap();
        world.disk.steps() - before
    };
    let few = steps_with(10);
    assert_eq!(steps_with(50) - few, 40, "one listing for each folder");
}

#[test]
fn ignore_files_excludes_and_litter() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/.DS_Store", "litter");
    world.write("/photos/.stversions/a.jpg", "old");
    world.write("/photos/raw/b.nef", "b");
    world.write("/photos/raw/keep/c.nef", "c");
    world.write(&format!("/photos/raw/{IGNORE_FILE}"), "*.nef\n!keep/*.nef\n");
    let mut report = ScanReport::default();
    let target = ScanTarget { excludes: vec!["a.*".to_owned()], ..target("/photos") };
    block_on(world.scanner().run(&target, &mut report)).unwrap();
    assert_eq!(report.files, 1, "only c.nef");
    assert_eq!(world.scan("/photos").unwrap().files, 2, "a.jpg is excluded no more");
}

#[test]
fn what_becomes_ignored_is_not_gone() {
    let world = World::new();
    world.write("/photos/raw/b.nef", "b");
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    world.write(&format!("/photos/{IGNORE_FILE}"), "raw/\n");
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.files, report.gone), (1, 0));
    assert_eq!(present(&world), 2);
}

#[test]
fn a_root_keeps_its_kind() {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    let error = world.scan_as("/photos", SourceKind::Incoming, "anna").unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("--kind existing"), "{cause}");
}

#[test]
fn times_outside_of_every_calendar_are_kept() {
    let world = World::new();
    for (name, secs) in [("before.jpg", -1_000_000_000), ("after.jpg", 99_999_999_999)] {
        world.write(&format!("/photos/{name}"), name);
        world.disk.set_mtime(format!("/photos/{name}"), Timestamp::new(secs, 999_999_999));
    }
    world.wait(10);
    world.scan("/photos").unwrap();
    let report = world.scan("/photos").unwrap();
    assert_eq!((report.unchanged, report.bytes_hashed), (2, 0));
}

#[test]
fn folders_that_lie_in_each_other_are_told_of() {
    let world = World::new();
    world.write("/photos/2015/a.jpg", "a");
    world.write("/music/b.mp3", "b");
    let warnings = |root: &str| {
        world.scan(root).unwrap();
        let told = world.troubles().into_iter().filter(|trouble| trouble.severity == Severity::Warning);
        told.map(|trouble| trouble.reason).collect::<Vec<_>>()
    };
    assert_eq!(warnings("/photos"), [""; 0]);
    assert_eq!(warnings("/music"), [""; 0]);
    let inner = warnings("/photos/2015");
    assert!(inner.len() == 1 && inner[0].starts_with("lies in /photos, "), "{inner:?}");
    let outer = warnings("/photos");
    assert!(outer.len() == 1 && outer[0].starts_with("holds /photos/2015, "), "{outer:?}");
}
