use std::io::{Read, Write};

use mama_ports::filesystem::{Filesystem, FsErrorKind, WriteTree};
use mama_ports::vocab::{AbsPath, RelPath};

use super::*;

fn rel(path: &str) -> RelPath {
    RelPath::parse(path).unwrap()
}

fn machine() -> (MemoryFs, Arc<dyn WriteTree>) {
    let disk = MemoryFs::new();
    disk.mkdirs("/a");
    let tree = disk.archive(&AbsPath::parse("/a").unwrap()).unwrap();
    (disk, tree)
}

fn store(tree: &dyn WriteTree, at: &str, bytes: &[u8]) {
    let mut file = tree.create(&rel(at)).unwrap();
    file.write_all(bytes).unwrap();
    file.finish().unwrap();
}

#[test]
fn a_name_and_its_content_become_durable_apart() {
    let (disk, tree) = machine();
    store(&*tree, "named", b"x");
    tree.sync_dir(&RelPath::root()).unwrap();
    store(&*tree, "filled", b"y");
    tree.sync_file(&rel("filled")).unwrap();

    let after = |how| {
        let disk = disk.fork();
        disk.reboot(how);
        disk.all_files()
    };
    let file = |name: &str, bytes: &[u8]| (name.as_bytes().to_vec(), bytes.to_vec());
    assert_eq!(after(Reboot::LoseUnsynced), [file("/a/named", b"")].into());
    assert_eq!(after(Reboot::KeepEverything), [file("/a/named", b"x"), file("/a/filled", b"y")].into());
    assert_eq!(after(Reboot::NamesWithoutData), [file("/a/named", b""), file("/a/filled", b"y")].into());
    assert_eq!(after(Reboot::DataWithoutNames), [file("/a/named", b"x")].into());
    let outcomes: std::collections::BTreeSet<_> = (0..50).map(|seed| after(Reboot::Subset(seed))).collect();
    assert!(outcomes.len() == 4 && outcomes.iter().all(|files| files.contains_key(b"/a/named".as_slice())));
}

#[test]
fn what_sync_all_has_seen_survives_a_later_unsynced_unlink() {
    let (disk, tree) = machine();
    tree.make_dir(&rel("d")).unwrap();
    store(&*tree, "d/f", b"x");
    tree.sync_all().unwrap();
    tree.unlink(&rel("d/f")).unwrap();
    disk.reboot(Reboot::LoseUnsynced);
    assert_eq!(disk.read("/a/d/f"), b"x");
}

#[test]
fn sync_all_stops_at_its_device() {
    let (disk, tree) = machine();
    disk.mount("/a/m", 2);
    store(&*tree, "m/f", b"x");
    store(&*tree, "f", b"x");
    tree.sync_all().unwrap();
    disk.reboot(Reboot::LoseUnsynced);
    assert!(disk.exists("/a/f") && !disk.exists("/a/m/f"));
}

#[test]
fn a_failed_sync_is_final() {
    let (disk, tree) = machine();
    store(&*tree, "f", b"x");
    disk.inject(disk.steps(), Fault::Error(FsErrorKind::Other));
    assert!(tree.sync_file(&rel("f")).is_err());
    tree.sync_file(&rel("f")).unwrap();
    tree.sync_all().unwrap();
    disk.reboot(Reboot::KeepEverything);
    assert_eq!(disk.read("/a/f"), b"x");

    let (disk, tree) = machine();
    store(&*tree, "f", b"x");
    disk.inject(disk.steps(), Fault::Error(FsErrorKind::Other));
    assert!(tree.sync_all().is_err());
    tree.sync_all().unwrap();
    disk.reboot(Reboot::LoseUnsynced);
    assert_eq!(disk.read("/a/f"), b"");
}

#[test]
fn after_a_crash_nothing_works_until_the_reboot_and_old_trees_stay_dead() {
    let (disk, tree) = machine();
    disk.inject(disk.steps() + 1, Fault::Crash);
    tree.make_dir(&rel("d")).unwrap();
    assert!(tree.make_dir(&rel("e")).is_err() && tree.facts(&rel("d")).is_err() && disk.crashed());
    disk.reboot(Reboot::KeepEverything);
    assert!(disk.exists("/a/d") && !disk.exists("/a/e") && !disk.crashed());
    assert!(tree.facts(&rel("d")).is_err());
    assert!(disk.archive(&AbsPath::parse("/a").unwrap()).unwrap().facts(&rel("d")).unwrap().is_some());
}

#[test]
fn faults_happen_at_their_step() {
    let (disk, tree) = machine();
    disk.write("/a/f", "content");
    let next = disk.steps();
    disk.inject(next, Fault::Meddle(Box::new(|disk| disk.append("/a/f", "!"))));
    disk.inject(next + 1, Fault::ShortRead);
    let mut file = tree.open(&rel("f")).unwrap();
    let mut buffer = [0; 16];
    assert_eq!(file.read(&mut buffer).unwrap(), 1);
    assert_eq!(file.read(&mut buffer).unwrap(), 7);
    disk.inject(disk.steps() + 1, Fault::FlipBit);
    store(&*tree, "g", b"a");
    assert_eq!(disk.read("/a/g"), b"`");
    let ops: Vec<_> = disk.trace().iter().skip(next).map(ToString::to_string).collect();
    assert_eq!(ops, ["open /a/f", "read /a/f", "read /a/f", "create /a/g", "write /a/g", "close /a/g"]);
}

#[test]
fn limits_are_felt() {
    let (disk, tree) = machine();
    disk.set_capacity(Some(4));
    let mut file = tree.create(&rel("f")).unwrap();
    assert_eq!(file.write_all(b"12345").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
    file.write_all(b"1234").unwrap();
    disk.set_capacity(None);
    disk.set_max_links(2);
    tree.link(&rel("f"), &rel("g")).unwrap();
    assert_eq!(tree.link(&rel("f"), &rel("h")).unwrap_err().kind, FsErrorKind::TooManyLinks);
    disk.mount("/other", 2);
    disk.write("/other/f", "x");
    let foreign = disk.source(&AbsPath::parse("/other").unwrap()).unwrap().open(&rel("f")).unwrap();
    assert_eq!(tree.link_from(&*foreign, &rel("h")).unwrap_err().kind, FsErrorKind::CrossDevice);
    disk.set_read_only(true);
    assert_eq!(tree.make_dir(&rel("d")).unwrap_err().kind, FsErrorKind::ReadOnly);
}

#[test]
fn a_clone_is_refused_or_made_or_a_lie() {
    let (disk, tree) = machine();
    disk.write("/a/f", "xy");
    let source = tree.open(&rel("f")).unwrap();
    assert_eq!(tree.reflink_from(&*source, &rel("no")).unwrap_err().kind, FsErrorKind::Unsupported);
    disk.set_cloning(Cloning::On);
    tree.reflink_from(&*source, &rel("yes")).unwrap();
    disk.set_cloning(Cloning::Lying);
    tree.reflink_from(&*source, &rel("lie")).unwrap();
    assert!(!disk.exists("/a/no") && disk.read("/a/yes") == b"xy" && disk.read("/a/lie") == b"\0\0");
}

#[test]
fn a_killed_process_leaves_its_work_and_no_lock() {
    let (disk, tree) = machine();
    store(&*tree, "f", b"x");
    let held = tree.lock(&rel("lock")).unwrap();
    disk.kill();
    let tree = disk.archive(&AbsPath::parse("/a").unwrap()).unwrap();
    let again = tree.lock(&rel("lock")).unwrap();
    drop(held);
    assert_eq!(tree.lock(&rel("lock")).err().map(|e| e.kind), Some(FsErrorKind::Locked));
    drop(again);
    assert!(tree.lock(&rel("lock")).is_ok() && disk.read("/a/f") == b"x");
}

#[test]
fn a_moved_folder_is_in_one_place_after_any_power_cut() {
    let (disk, tree) = machine();
    for dir in ["from", "to", "from/d"] {
        tree.make_dir(&rel(dir)).unwrap();
    }
    store(&*tree, "from/d/f", b"x");
    tree.sync_all().unwrap();
    tree.rename(&rel("from/d"), &rel("to/d")).unwrap();
    for seed in 0..20 {
        let disk = disk.fork();
        disk.reboot(Reboot::Subset(seed));
        assert!(disk.exists("/a/from/d/f") != disk.exists("/a/to/d/f"));
    }
}

#[test]
fn the_owner_s_roots_may_lead_through_links() {
    let (disk, tree) = machine();
    disk.write("/real/deep/f", "x");
    disk.symlink("../real", "/links/l");
    disk.symlink("/links/l/deep", "/a/way");
    let source = disk.source(&AbsPath::parse("/a/way").unwrap()).unwrap();
    assert!(source.facts(&rel("f")).unwrap().is_some());
    assert_eq!(tree.open(&rel("way/f")).err().map(|e| e.kind), Some(FsErrorKind::Escape));
}
