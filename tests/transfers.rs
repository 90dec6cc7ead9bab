//! By which ways contents come in, and what an apply learns about them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use mama_adapters::fs::memory::{Cloning, Fault};
use mama_ports::filesystem::FsErrorKind;
use mama_tests::world::World;

/// Three files on the machine's own disk and three on another one.
fn world() -> World {
    let world = World::new();
    world.disk.plug("usb", "/photos/usb");
    for n in 0..3 {
        world.write(&format!("/photos/{n}.jpg"), format!("own {n}"));
        world.write(&format!("/photos/usb/{n}.jpg"), format!("of the stick {n}"));
    }
    world.scan("/photos").unwrap();
    world
}

/// Where the trace has calls to clone, after `before`.
fn clones(world: &World, before: usize) -> Vec<usize> {
    let trace = world.disk.trace();
    (before..trace.len()).filter(|&step| trace[step].op == "clone").collect()
}

#[test]
fn a_device_that_refuses_to_clone_is_asked_once_an_apply() {
    let world = world();
    let before = world.disk.steps();
    assert_eq!(world.apply().unwrap().copied, 6);
    assert_eq!(clones(&world, before).len(), 2);

    world.write("/photos/later.jpg", "later");
    world.scan("/photos").unwrap();
    let before = world.disk.steps();
    world.apply().unwrap();
    assert_eq!(clones(&world, before).len(), 1, "by then it might clone");
}

#[test]
fn a_clone_that_fails_for_one_file_is_tried_for_the_next() {
    let world = world();
    world.disk.set_cloning(Cloning::On);
    let probe = self::world();
    probe.disk.set_cloning(Cloning::On);
    let before = probe.disk.steps();
    let report = probe.apply().unwrap();
    assert_eq!((report.reflinked, report.copied), (3, 3), "nothing is cloned from another disk");

    let first = clones(&probe, before)[0];
    world.disk.inject(world.disk.steps() + (first - before), Fault::Error(FsErrorKind::Other));
    let report = world.apply().unwrap();
    assert!(report.reflinked >= 2 && report.reflinked + report.copied == 6, "{report:?}");
    assert_eq!(world.violations(), Vec::<String>::new());
}
