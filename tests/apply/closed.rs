//! Folders of views that may not be changed.

use std::error::Error;
use std::sync::Arc;

use mama_adapters::fs::memory::{Fault, Step};
use mama_domain::apply::ApplyReport;
use mama_domain::archive::SourceTrees;
use mama_ports::filesystem::FsErrorKind;
use mama_ports::repository::Settled;
use mama_ports::vocab::{SourceKind, Status};
use mama_tests::world::{World, hash_of, host_name};
use pollster::block_on;

use super::room::Cramped;
use super::{VIEWS, quiet};

fn closed_album() -> World {
    let world = World::new();
    for file in ["album/a.jpg", "b.jpg"] {
        world.write(&format!("/photos/{file}"), file);
    }
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.disk.forbid_changing(format!("{VIEWS}/photos/album"));
    world
}

fn has_view(world: &World, file: &str) -> bool {
    world.disk.exists(format!("{VIEWS}/photos/{file}"))
}

#[test]
fn a_view_that_cannot_go_is_told_and_keeps_nothing_else_waiting() {
    let world = closed_album();
    for file in ["/photos/album/a.jpg", "/photos/b.jpg"] {
        world.retarget(world.observation(file), Status::Assigned, Status::Ignored);
    }
    for _ in 0..2 {
        let report = world.apply().unwrap();
        assert_eq!(report.errors, 1, "{report:?}");
        assert_eq!((has_view(&world, "album/a.jpg"), has_view(&world, "b.jpg")), (true, false));
        let troubles = world.troubles();
        let told = troubles.last().unwrap();
        assert!(told.reason.contains("/photos/album/a.jpg cannot be removed"), "{}", told.reason);
        assert_eq!(world.misplaced(), Vec::<String>::new());
    }
    world.disk.allow(format!("{VIEWS}/photos/album"));
    assert_eq!(world.apply().unwrap().views_removed, 1);
    assert!(!has_view(&world, "album/a.jpg"));
    quiet(&world);
}

#[test]
fn a_view_that_only_the_disk_knows_of_is_told_too_if_it_cannot_go() {
    let mut world = closed_album();
    world.forget();
    world.forget_manifests();
    world.scan("/photos").unwrap();
    world.retarget(world.observation("/photos/album/a.jpg"), Status::Pending, Status::Ignored);
    for _ in 0..2 {
        let report = world.apply().unwrap();
        assert_eq!((report.errors, has_view(&world, "album/a.jpg")), (1, true), "{report:?}");
    }
    world.disk.allow(format!("{VIEWS}/photos/album"));
    assert_eq!(world.apply().unwrap().views_removed, 1);
    assert!(!has_view(&world, "album/a.jpg") && has_view(&world, "b.jpg"));
    quiet(&world);
}

/// The kernel's word for a link into a folder that may not be changed at all (`chattr +i`) is EPERM, which a link also gets where there are none.
#[test]
fn a_view_in_a_folder_that_takes_no_links_is_told_and_made_later() {
    let prepared = || {
        let world = World::new();
        for file in ["a.jpg", "b.jpg"] {
            world.write(&format!("/photos/{file}"), file);
        }
        world.scan("/photos").unwrap();
        world
    };
    let world = prepared();
    let before = world.disk.steps();
    world.apply().unwrap();
    let is_view = |step: &&Step| step.op == "link" && step.path.starts_with(VIEWS.as_bytes());
    let link = world.disk.trace()[before..].iter().rposition(|step| is_view(&step)).unwrap();

    let world = prepared();
    world.disk.inject(world.disk.steps() + link, Fault::Error(FsErrorKind::Unsupported));
    let report = world.apply().unwrap();
    assert_eq!((report.errors, report.views_created), (1, 1), "{report:?}");
    assert_eq!(world.apply().unwrap().views_created, 1);
    quiet(&world);
}

#[test]
fn a_view_that_cannot_be_replaced_or_made_is_told_and_made_later() {
    let world = closed_album();
    world.wait(10);
    world.write("/photos/album/a.jpg", "edited");
    world.write("/photos/album/new.jpg", "new");
    world.write("/photos/c.jpg", "c");
    world.scan("/photos").unwrap();
    for blobs_stored in [3, 0] {
        let report = world.apply().unwrap();
        assert_eq!((report.errors, report.blobs_stored), (2, blobs_stored), "{report:?}");
        assert!(has_view(&world, "c.jpg") && !has_view(&world, "album/new.jpg"));
        assert_eq!(world.misplaced(), Vec::<String>::new());
    }
    world.disk.allow(format!("{VIEWS}/photos/album"));
    assert_eq!(world.apply().unwrap().views_created, 2);
    assert_eq!(world.disk.read(format!("{VIEWS}/photos/album/a.jpg")), b"edited");
    quiet(&world);
}

/// What bert's machine makes of the catalog.
fn apply_as_bert(world: &World) -> Result<ApplyReport, Box<dyn Error>> {
    let mut apply = world.applier().unwrap();
    apply.sources = Arc::new(SourceTrees::new(Arc::clone(&world.fs), host_name("bert")));
    let mut report = ApplyReport::default();
    block_on(apply.run(&mut report))?;
    Ok(report)
}

/// Anna has the plain name, bert one of his own.
fn two_hosts() -> World {
    let world = World::new();
    world.write("/photos/album/a.jpg", "anna's");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.write("/photos/album/a.jpg", "bert's");
    world.scan_as("/photos", SourceKind::Existing, "bert").unwrap();
    apply_as_bert(&world).unwrap();
    assert_eq!(berts_views(&world).len(), 1, "{:?}", world.files_below(VIEWS));
    world.wait(10);
    world.write("/photos/album/a.jpg", "edited by bert");
    world.scan_as("/photos", SourceKind::Existing, "bert").unwrap();
    world
}

fn berts_views(world: &World) -> Vec<String> {
    world.files_below(VIEWS).into_keys().filter(|view| view.contains("(bert)")).collect()
}

/// Bert does not want his edit after all.
fn nothing_is_nobodys_once_the_edit_is_ignored(world: &World) {
    let edited = world.claims().into_iter().find(|claim| claim.hash == hash_of(b"edited by bert")).unwrap();
    assert_eq!(world.retarget(edited.id, edited.standing.status, Status::Ignored), Settled::Done);
    apply_as_bert(world).unwrap();
    quiet(world);
    let known: Vec<String> =
        world.claims().into_iter().filter_map(|claim| Some(claim.view?.to_string())).collect();
    for view in berts_views(world) {
        assert!(known.iter().any(|known| known.ends_with(&view)), "nobody's view: {view}; known: {known:?}");
    }
}

#[test]
fn a_view_that_still_shows_an_old_version_is_not_forgotten() {
    let world = two_hosts();
    world.disk.forbid_changing(format!("{VIEWS}/photos/album"));
    assert_eq!(apply_as_bert(&world).unwrap().errors, 1);
    world.disk.allow(format!("{VIEWS}/photos/album"));
    nothing_is_nobodys_once_the_edit_is_ignored(&world);
}

#[test]
fn a_view_whose_new_version_does_not_come_is_not_forgotten() {
    let mut full = two_hosts();
    let roomy = Arc::clone(&full.volumes);
    full.volumes = Arc::new(Cramped(Arc::clone(&roomy), 5));
    apply_as_bert(&full).unwrap_err();
    full.volumes = roomy;
    nothing_is_nobodys_once_the_edit_is_ignored(&full);

    let elsewhere = two_hosts();
    assert_eq!(elsewhere.apply().unwrap().elsewhere, 1, "anna cannot bring it");
    nothing_is_nobodys_once_the_edit_is_ignored(&elsewhere);

    let changed = two_hosts();
    changed.write("/photos/album/a.jpg", "not what was scanned");
    assert_eq!(apply_as_bert(&changed).unwrap().changed, 1);
    nothing_is_nobodys_once_the_edit_is_ignored(&changed);
}
