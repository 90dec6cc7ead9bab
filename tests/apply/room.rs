//! Archives whose disk has no room, or is not there.

use std::sync::Arc;

use mama_domain::archive::{self, Remains};
use mama_ports::filesystem::Fs;
use mama_ports::vocab::{AbsPath, SourceKind};
use mama_ports::volumes::{VolumeFacts, Volumes};
use mama_tests::world::{ARCHIVE, World, path};

use super::quiet;

/// Volumes on which only so many bytes are free.
struct Cramped(Arc<dyn Volumes>, u64);

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
    let error = world.apply().unwrap_err().to_string();
    assert!(error.contains("is full: 0.0 MiB are free, the next files need 0.0 MiB"), "{error}");
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
