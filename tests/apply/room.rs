//! Archives whose disk has no room, or is not there.

use std::sync::Arc;

use mama_adapters::fs::memory::Fault;
use mama_domain::apply::{ApplyError, ApplyReport};
use mama_domain::archive::{self, Remains};
use mama_ports::filesystem::{Fs, FsErrorKind};
use mama_ports::vocab::{AbsPath, Placement, SourceKind};
use mama_ports::volumes::{VolumeFacts, Volumes};
use mama_tests::world::{ARCHIVE, World, path};
use pollster::block_on;

use super::{VIEWS, quiet};

/// Volumes on which only so many bytes are free.
pub(super) struct Cramped(pub(super) Arc<dyn Volumes>, pub(super) u64);

impl Volumes for Cramped {
    fn describe(&self, at: &AbsPath) -> Fs<VolumeFacts> {
        Ok(VolumeFacts { available: self.1, ..self.0.describe(at)? })
    }
}

#[test]
fn what_is_linked_needs_no_room_and_what_is_copied_does() {
    let mut world = World::new();
    world.volumes = Arc::new(Cramped(Arc::clone(&world.volumes), 100));
    world.write("/incoming/a.mov", vec![1; 1000]);
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    assert_eq!(world.plan().0.no_room, 0);
    assert_eq!(world.apply().unwrap().hardlinked, 1);

    world.write("/incoming/private.mov", vec![4; 1000]);
    world.disk.chmod("/incoming/private.mov", 0o600);
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    assert!(world.apply().unwrap_err().to_string().contains("is full"), "it is copied, so it needs room");
    world.disk.chmod("/incoming/private.mov", 0o644);
    world.scan_as("/incoming", SourceKind::Incoming, "anna").unwrap();
    assert_eq!(world.apply().unwrap().hardlinked, 1);

    world.disk.mount("/card", 7);
    world.write("/card/c.mov", vec![3; 1000]);
    world.scan_as("/card", SourceKind::Incoming, "anna").unwrap();
    assert_eq!(world.plan().0.no_room, 1);
    let error = world.apply().unwrap_err().to_string();
    assert!(error.contains("100 B are free"), "{error}");
    assert!(error.contains("one content of 1000 B does not fit: /card/c.mov"), "{error}");
}

#[test]
fn what_fits_is_stored_and_the_rest_waits() {
    let mut world = World::new();
    let roomy = Arc::clone(&world.volumes);
    world.volumes = Arc::new(Cramped(Arc::clone(&roomy), 2500));
    world.write("/photos/a big.mov", vec![9; 5000]);
    for n in 0..3u8 {
        world.write(&format!("/photos/{n}.jpg"), vec![n; 1000]);
    }
    world.write("/photos/small.jpg", "small");
    world.scan("/photos").unwrap();
    let foreseen = world.plan().0;
    assert_eq!((foreseen.no_room, foreseen.no_room_bytes), (2, 6000), "{foreseen:?}");
    let mut report = ApplyReport::default();
    let error = block_on(world.applier().unwrap().run(&mut report)).unwrap_err();
    let ApplyError::Full(full) = error else { panic!("{error}") };
    assert_eq!((full.contents, full.needed, full.available), (2, 6000, 2500), "{full:?}");
    assert_eq!((report.blobs_stored, report.views_created, report.assigned), (3, 3, 3), "{report:?}");
    assert_eq!((report.no_room, report.no_room_bytes), (2, 6000), "{report:?}");
    assert_eq!((world.violations(), world.misplaced()), (vec![], vec![]));
    assert_eq!(world.unexplained(), None);
    let waiting = world.open_claims();
    assert!(waiting.iter().all(|claim| claim.standing.placement == Placement::None), "{waiting:?}");

    world.volumes = roomy;
    assert_eq!(world.apply().unwrap().assigned, 2);
    quiet(&world);
}

#[test]
fn a_version_for_which_there_is_no_room_leaves_the_older_one_in_view() {
    let mut world = World::new();
    world.write("/photos/a.jpg", "older");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    let roomy = Arc::clone(&world.volumes);
    world.volumes = Arc::new(Cramped(Arc::clone(&roomy), 100));
    world.wait(10);
    world.write("/photos/a.jpg", vec![1; 1000]);
    world.scan("/photos").unwrap();
    for _ in 0..2 {
        assert!(world.apply().unwrap_err().to_string().contains("one content of"));
        assert_eq!(world.disk.read(format!("{VIEWS}/photos/a.jpg")), b"older");
        assert_eq!((world.violations(), world.misplaced()), (vec![], vec![]));
    }
    world.volumes = roomy;
    assert_eq!(world.apply().unwrap().blobs_stored, 1);
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/a.jpg")), vec![1; 1000]);
    quiet(&world);
}

/// One content is stored, and one waits.
fn half_stored() -> World {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world
}

#[test]
fn an_archive_whose_contents_are_all_gone_is_not_written_to() {
    let world = half_stored();
    world.disk.rename("/archive/blobs", "/unmounted");
    for _ in ["missing", "empty"] {
        let error = world.apply().unwrap_err().to_string();
        assert!(error.contains("/archive/blobs holds nothing"), "{error}");
        assert!(
            world.files_below("/archive/blobs").is_empty()
                && !world.disk.exists("/archive/views/existing/photos/b.jpg")
        );
        world.disk.mkdirs("/archive/blobs");
    }
    world.disk.remove("/archive/blobs");
    world.disk.rename("/unmounted", "/archive/blobs");
    assert_eq!(world.apply().unwrap().blobs_stored, 1);
    quiet(&world);
}

#[test]
fn an_archive_that_lost_all_contents_is_filled_again_after_a_repair() {
    let world = half_stored();
    world.disk.rename("/archive/blobs", "/lost");
    assert!(world.apply().is_err());
    let (report, _) = world.repair().unwrap();
    assert_eq!(report.missing, 1, "{report:?}");
    assert_eq!(world.apply().unwrap().blobs_stored, 2);
    quiet(&world);
}

#[test]
fn only_what_mama_left_counts_as_the_remains_of_an_archive() {
    let world = half_stored();
    let remains = |at: &str| archive::remains(&*world.fs, &path(at)).unwrap();
    assert_eq!(remains(ARCHIVE), None, "it has its marker");
    world.disk.remove("/archive/.mama/archive");
    assert!(matches!(remains(ARCHIVE), Some(Remains::Manifests(_))));
    world.disk.rename("/archive/.mama", "/elsewhere");
    assert_eq!(remains(ARCHIVE), Some(Remains::Contents));
    world.write("/project/blobs/data.bin", "somebody else's");
    assert_eq!((remains("/project"), remains("/photos"), remains("/nowhere")), (None, None, None));
}

#[test]
fn a_disk_that_has_no_room_for_names_keeps_what_got_one() {
    for step in ["make the folder", "rename", "link"] {
        let prepared = || {
            let world = World::new();
            for n in 0..4u8 {
                world.write(&format!("/photos/{n}/{n}.jpg"), [n; 10]);
            }
            world.scan("/photos").unwrap();
            world
        };
        let world = prepared();
        let before = world.disk.steps();
        world.apply().unwrap();
        let trace = &world.disk.trace()[before..];
        let steps: Vec<usize> = (0..trace.len()).filter(|&nth| trace[nth].op == step).collect();
        assert!(steps.len() > 1, "{step}: {:?}", trace.iter().map(|step| step.op).collect::<Vec<_>>());
        for nth in steps {
            let at = trace[nth].path.clone();
            if !(at.starts_with(b"/archive/blobs") || at.starts_with(b"/archive/views")) {
                continue;
            }
            let world = prepared();
            world.disk.inject(world.disk.steps() + nth, Fault::Error(FsErrorKind::NoSpace));
            let error = world.apply().unwrap_err();
            assert!(format!("{error:?}").contains("NoSpace"), "{error:?}");
            assert_eq!((world.violations(), world.misplaced()), (vec![], vec![]));
            assert_eq!(world.files_below(VIEWS).len(), 3, "{step} {nth}");
            assert!(world.files_below("/archive/tmp").is_empty());
            assert_eq!(world.open_claims().len(), 1, "{step} {nth}");
            assert_eq!(world.apply().unwrap().assigned, 1);
            assert_eq!(world.files_below(VIEWS).len(), 4);
            quiet(&world);
        }
    }
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
