//! Files go, come back, or cannot be looked at.

use super::desk::{
    Desk, PENDING, confirmation, hash, name, on, only_claims, place_all, root, settle, time, to_placed,
};
use crate::repository::{Recorded, Remembered, Repository, ScanBatch, Scope, Settlement};
use crate::vocab::{Footing, Placement, Standing, Status};

/// Gone is a mark, set once; it opens nothing and closes nothing.
pub async fn what_is_gone_stays_in_the_catalog(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("placed", 1, 1)]).await;
    place_all(repo).await;
    desk.see(&[("pending", 2, 1)]).await;
    let ids = [desk.known("placed").await.id, desk.known("pending").await.id];
    assert_eq!(desk.gone(&ids).await.gone, 2);
    assert_eq!(desk.gone(&ids).await.gone, 0);
    assert!(desk.folder("").await.files.iter().all(|file| file.gone));
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 1);
    let claim = only_claims(repo).await.remove(0);
    assert!(claim.gone && claim.current && claim.open);
    assert_eq!((claim.id, claim.standing), (ids[1], PENDING));
}

/// `a` is not `ab`, a file is not a folder, and what is already gone is not counted again.
pub async fn gone_below_goes_by_whole_names(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[
        ("a/x", 1, 1),
        ("a/b/c/y", 2, 1),
        ("a/z", 3, 1),
        ("ab/x", 4, 1),
        ("b/a/x", 5, 1),
        ("x", 6, 1),
    ])
    .await;
    desk.gone(&[desk.known("a/z").await.id]).await;
    for nothing in ["x", "nowhere", "a/b/c/y"] {
        assert_eq!(desk.gone_below(nothing).await, Recorded::default(), "{nothing}");
    }
    assert_eq!(desk.gone_below("a").await.gone, 2);
    assert_eq!(desk.gone_below("a").await.gone, 0);
    assert!(desk.known("a/b/c/y").await.gone);
    for present in ["ab/x", "b/a/x", "x"] {
        assert!(!desk.known(present).await.gone, "{present}");
    }
    assert_eq!(desk.gone_below("").await.gone, 3, "the root has everything below it");
}

/// Seen again or confirmed: present, open, and what was done for it stays.
pub async fn what_comes_back_is_open_again(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    place_all(repo).await;
    let (x, y) = (desk.known("x").await, desk.known("y").await);
    desk.gone(&[x.id, y.id]).await;
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
    assert_eq!(desk.see(&[("x", 1, 1)]).await, Recorded::default());
    desk.record(&ScanBatch { confirmed: vec![confirmation(&y)], ..desk.batch() }).await;
    assert_eq!(desk.folder("").await.files, [x, y]);
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 2);
    let open = super::desk::contests(repo, Scope::Decided).await;
    assert!(open.iter().all(|contest| contest.claims[0].standing.placement == Placement::Placed));
}

/// The bytes are there again: nothing was done for them yet. The target is a decision and stays.
pub async fn what_was_lost_and_comes_back_starts_again(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    let known = desk.known("x").await;
    desk.gone(&[known.id]).await;
    let lost = Standing { status: Status::Assigned, placement: Placement::Lost };
    let from = Footing { gone: true, ..on(PENDING) };
    let settlement = Settlement { from, to: lost, view: None, ..to_placed(known.id) };
    settle(repo, vec![settlement]).await;
    desk.see(&[("x", 1, 1)]).await;
    let claim = only_claims(repo).await.remove(0);
    assert_eq!(claim.standing, Standing { placement: Placement::None, ..lost });
    assert!(claim.open && !claim.gone);
}

/// Held is a mark on what is present; a look, or a proof of absence, takes it away.
pub async fn what_is_held_stays_held_until_it_is_seen(repo: &dyn Repository) {
    let here = root("anna", "/a");
    let desk = Desk::new(repo).await;
    desk.see(&[("gone", 1, 1), ("seen", 2, 1), ("confirmed", 3, 1), ("later", 4, 1)]).await;
    let ids: Vec<_> = desk.folder("").await.files.iter().map(|file| file.id).collect();
    assert_eq!(desk.record(&ScanBatch { held: ids, ..desk.batch() }).await, Recorded::default());
    let desk = desk.next(&here).await;
    assert!(desk.folder("").await.files.iter().all(|file| file.held && !file.gone));
    assert_eq!(desk.begun.known_files, 4);
    desk.gone(&[desk.known("gone").await.id]).await;
    desk.see(&[("seen", 2, 1)]).await;
    let confirmed = confirmation(&desk.known("confirmed").await);
    desk.record(&ScanBatch { confirmed: vec![confirmed], ..desk.batch() }).await;
    let desk = desk.next(&here).await;
    let held: Vec<_> = desk.folder("").await.files.into_iter().filter(|file| file.held).collect();
    assert_eq!(held.iter().map(|file| &file.name).collect::<Vec<_>>(), [&name("later")]);
    let gone = desk.known("gone").await;
    desk.record(&ScanBatch { held: vec![gone.id], ..desk.batch() }).await;
    assert_eq!(desk.known("gone").await, gone, "what is gone cannot be held");
}

/// As for what is gone.
pub async fn held_below_goes_by_whole_names(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("a/x", 1, 1), ("a/b/y", 2, 1), ("ab/x", 3, 1), ("x", 4, 1)]).await;
    for path in ["a", "nowhere"] {
        desk.record(&ScanBatch { held_below: vec![super::desk::dir(path)], ..desk.batch() }).await;
    }
    for (path, held) in [("a/x", true), ("a/b/y", true), ("ab/x", false), ("x", false)] {
        assert_eq!(desk.known(path).await.held, held, "{path}");
    }
}

/// Or else every scan would find their absence anew.
pub async fn folders_without_present_files_are_not_named(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("a/b/c/x", 1, 1), ("a/b/y", 2, 1), ("d/z", 3, 1)]).await;
    let folders = async |path: &str| desk.folder(path).await.folders;
    assert_eq!(folders("").await, [name("a"), name("d")]);
    desk.gone_below("a/b/c").await;
    assert_eq!(folders("a/b").await, []);
    assert_eq!(folders("a").await, [name("b")], "a/b/y is present");
    desk.gone(&[desk.known("a/b/y").await.id]).await;
    assert_eq!(folders("").await, [name("d")]);
    assert_eq!(desk.folder("a").await, Remembered::default());
    desk.see(&[("a/b/c/x", 4, 2)]).await;
    assert_eq!(folders("").await, [name("a"), name("d")]);
    assert_eq!(folders("a/b").await, [name("c")]);
    desk.see(&[("a/b/c/x", 5, 3)]).await;
    desk.gone_below("a").await;
    assert_eq!(folders("").await, [name("d")], "history is not present");
}

/// Only a scan that reached its end confirms; the later beginning counts.
pub async fn a_finished_scan_confirms_its_root(repo: &dyn Repository) {
    let here = root("anna", "/a");
    let confirmed = async || repo.totals().await.unwrap().roots[0].confirmed;
    let first = Desk::new(repo).await;
    assert_eq!(confirmed().await, None);
    let second = first.next(&here).await;
    assert_eq!(confirmed().await, Some(time(1_000)));
    let third = Desk::begin(repo, &here, time(3_000)).await;
    repo.finish(third.scan(), time(3_010)).await.unwrap();
    repo.finish(second.scan(), time(3_020)).await.unwrap();
    assert_eq!(confirmed().await, Some(time(3_000)));
    third.see(&[("x", 1, 1)]).await;
    assert_eq!(repo.blobs(&[hash(1)]).await.unwrap()[0].as_ref().unwrap().size, 100);
}
