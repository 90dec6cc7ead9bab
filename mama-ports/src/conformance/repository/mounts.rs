//! Which volumes a root's folders are on.

use super::desk::{Desk, dir, root, sighting, time};
use crate::repository::{MountMark, Recorded, Remembered, Repository, ScanBatch};
use crate::vocab::{RelPath, VolumeId};

fn mark(path: &str, volume: &str) -> MountMark {
    MountMark { dir: dir(path), volume: Some(VolumeId::new(volume)) }
}

fn unmark(path: &str) -> MountMark {
    MountMark { dir: dir(path), volume: None }
}

async fn marked(desk: &Desk<'_>, mounts: Vec<MountMark>) -> Recorded {
    desk.record(&ScanBatch { mounts, ..desk.batch() }).await
}

/// What the next scan of a root is told.
async fn told(repo: &dyn Repository, host: &str) -> Vec<(RelPath, VolumeId)> {
    Desk::begin(repo, &root(host, "/a"), time(5_000)).await.begun.mounts
}

fn all(marks: &[(&str, &str)]) -> Vec<(RelPath, VolumeId)> {
    marks.iter().map(|&(path, volume)| (dir(path), VolumeId::new(volume))).collect()
}

/// Each with its folder, in path order, of this root only; also folders in which no file is known.
pub async fn the_volumes_of_folders_are_told_at_the_beginning(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    assert_eq!(desk.begun.mounts, []);
    desk.see(&[("b/x", 1, 1)]).await;
    let mounts = vec![mark("b", "uuid:6E1A-90C4"), mark("", "ext:00ab"), mark("a/new/é", "nfs:nas:/a\\040b")];
    assert_eq!(marked(&desk, mounts).await, Recorded::default());
    let expected = all(&[("", "ext:00ab"), ("a/new/é", "nfs:nas:/a\\040b"), ("b", "uuid:6E1A-90C4")]);
    assert_eq!(told(repo, "anna").await, expected);
    assert_eq!(told(repo, "bert").await, []);
    let next = Desk::begin(repo, &root("anna", "/a"), time(6_000)).await;
    assert_eq!((next.begun.known_files, next.begun.mounts.len()), (1, 3));
    assert_eq!(next.folder("a/new").await, Remembered::default());
    next.gone_below("b").await;
    assert_eq!(told(repo, "anna").await, expected, "what is gone keeps its mark");
}

/// Of several marks for one folder, the last one stays.
pub async fn a_mark_is_replaced_and_taken_away(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    marked(&desk, vec![mark("", "one"), mark("b", "one"), mark("b", "two"), mark("c", "three")]).await;
    assert_eq!(told(repo, "anna").await, all(&[("", "one"), ("b", "two"), ("c", "three")]));
    let again = vec![unmark("b"), unmark("nowhere"), mark("", "four"), unmark("c"), mark("c", "five")];
    for _ in 0..2 {
        marked(&desk, again.clone()).await;
        assert_eq!(told(repo, "anna").await, all(&[("", "four"), ("c", "five")]));
    }
}

/// A batch is written whole or not at all.
pub async fn a_refused_batch_marks_nothing(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let batch =
        ScanBatch { sightings: vec![sighting("x", 9, 1)], mounts: vec![mark("", "one")], ..desk.batch() };
    assert!(repo.record(&batch).await.is_err(), "its content was never described");
    assert_eq!(told(repo, "anna").await, []);
}
