//! Decisions, and the sums that show them.

use super::desk::{
    Desk, contests, decide, described, extractor, found, hash, only_claims, place_all, root, settle, time,
    to_placed,
};
use crate::enrichment::{Enriched, Looked};
use crate::repository::{
    Decision, PageSize, Repository, ScanBatch, Scope, SettleBatch, Settled, Settlement, StandingCount,
};
use crate::vocab::{BlockReason, Claim, Location, MetaDoc, Mime, ObservationId, Placement, Status};

/// And is open afterwards.
pub async fn a_target_is_changed_only_from_what_was_expected(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    place_all(repo).await;
    let id = desk.known("x").await.id;
    let retarget = |id, from, to| Decision::Retarget { id, from, to };
    let wrong = [
        retarget(id, Status::Pending, Status::Ignored),
        retarget(ObservationId(404), Status::Assigned, Status::Ignored),
    ];
    assert_eq!(decide(repo, &wrong).await.unwrap(), [Settled::Stale; 2]);
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
    let right = [retarget(id, Status::Assigned, Status::Ignored), wrong[1]];
    assert_eq!(decide(repo, &right).await.unwrap(), [Settled::Done, Settled::Stale]);
    let claim = only_claims(repo).await.remove(0);
    assert_eq!((claim.standing.status, claim.standing.placement), (Status::Ignored, Placement::Placed));
}

/// History and other hosts included, each time that it changes.
pub async fn blocking_concerns_every_observation_of_a_content(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("old", 1, 1), ("other", 2, 1)]).await;
    desk.see(&[("old", 3, 2)]).await;
    Desk::begin(repo, &root("bert", "/b"), time(1)).await.see(&[("y", 1, 1)]).await;
    let block = |from, to| Decision::Block { hash: hash(1), from, to };
    let (blocked, deleted) = (Some(BlockReason::Blocked), Some(BlockReason::Deleted));
    for (from, to) in [(None, blocked), (blocked, deleted), (deleted, None)] {
        settle_open(repo).await;
        let elsewhere = if from == deleted { blocked } else { deleted };
        let unknown = Decision::Block { hash: hash(9), from: None, to: blocked };
        assert_eq!(decide(repo, &[block(elsewhere, to), unknown]).await.unwrap(), [Settled::Stale; 2]);
        assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
        assert_eq!(decide(repo, &[block(from, to)]).await.unwrap(), [Settled::Done]);
        assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 3);
        let contests = contests(repo, Scope::WithPending).await;
        let concerned = contests.iter().flat_map(|contest| &contest.claims).filter(|claim| claim.open);
        assert!(
            concerned.into_iter().all(|claim| claim.hash == hash(1) && claim.block == to),
            "{contests:?}"
        );
        assert_eq!(repo.blobs(&[hash(1)]).await.unwrap()[0].as_ref().unwrap().block, to);
    }
}

/// Ignored somewhere, assigned nowhere, whoever saw it; nothing is said of what somebody has decided.
pub async fn a_pending_sighting_knows_that_its_content_was_turned_down(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 1, 1), ("other", 2, 1)]).await;
    Desk::begin(repo, &root("bert", "/b"), time(1)).await.see(&[("z", 1, 1)]).await;
    let turned_down = || async {
        let contests = contests(repo, Scope::WithPending).await;
        let claims = contests.iter().flat_map(|contest| &contest.claims).filter(|claim| claim.turned_down);
        claims.map(|claim| claim.at.to_string()).collect::<Vec<_>>()
    };
    let retarget = |id, from, to| [Decision::Retarget { id, from, to }];
    let (x, y) = (desk.known("x").await.id, desk.known("y").await.id);
    assert_eq!(turned_down().await, Vec::<String>::new());
    decide(repo, &retarget(x, Status::Pending, Status::Ignored)).await.unwrap();
    assert_eq!(turned_down().await, ["anna:/a/y", "bert:/b/z"]);
    decide(repo, &retarget(y, Status::Pending, Status::Assigned)).await.unwrap();
    assert_eq!(turned_down().await, Vec::<String>::new());
    decide(repo, &retarget(y, Status::Assigned, Status::Ignored)).await.unwrap();
    assert_eq!(turned_down().await, ["bert:/b/z"]);
}

/// So that apply looks again at what it turned down, whoever saw it; what somebody has decided himself stays as it is.
pub async fn a_decision_opens_what_is_pending_of_the_same_content(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 1, 1), ("decided", 1, 1), ("other", 2, 1)]).await;
    Desk::begin(repo, &root("bert", "/b"), time(1)).await.see(&[("z", 1, 1)]).await;
    let retarget = |id, from, to| [Decision::Retarget { id, from, to }];
    let (x, decided) = (desk.known("x").await.id, desk.known("decided").await.id);
    decide(repo, &retarget(decided, Status::Pending, Status::Assigned)).await.unwrap();
    for (from, to) in [(Status::Pending, Status::Ignored), (Status::Ignored, Status::Pending)] {
        let contests = contests(repo, Scope::WithPending).await;
        let closed = |claim: &Claim| Settlement {
            to: claim.standing,
            from: claim.footing(),
            view: None,
            ..to_placed(claim.id)
        };
        settle(repo, contests.iter().flat_map(|contest| &contest.claims).map(closed).collect()).await;
        assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
        assert_eq!(decide(repo, &retarget(decided, from, to)).await.unwrap(), [Settled::Stale]);
        assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0, "nothing was decided");
        decide(repo, &retarget(x, from, to)).await.unwrap();
        let open = only_open(repo).await;
        assert_eq!(open, ["anna:/a/x", "anna:/a/y", "bert:/b/z"]);
    }
}

/// Whoever has it now; what was replaced or is gone has it no more.
pub async fn copies_of_a_content_are_where_it_is_now(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 1, 1), ("old", 1, 1), ("gone", 1, 1), ("other", 2, 1)]).await;
    desk.see(&[("old", 3, 2)]).await;
    desk.record(&ScanBatch { gone: vec![desk.known("gone").await.id], ..desk.batch() }).await;
    Desk::begin(repo, &root("bert", "/b"), time(1)).await.see(&[("z", 1, 1)]).await;
    let copies = repo.copies(&[hash(2), hash(1), hash(9)], PageSize(10)).await.unwrap();
    let at = |of: &[Location]| of.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(at(&copies[0]), ["anna:/a/other"]);
    assert_eq!(at(&copies[1]), ["anna:/a/x", "anna:/a/y", "bert:/b/z"]);
    assert_eq!(at(&copies[2]), Vec::<String>::new());
    let few = repo.copies(&[hash(1)], PageSize(2)).await.unwrap();
    assert_eq!(at(&few[0]), ["anna:/a/x", "anna:/a/y"]);
}

async fn only_open(repo: &dyn Repository) -> Vec<String> {
    let contests = contests(repo, Scope::WithPending).await;
    let open = contests.iter().flat_map(|contest| &contest.claims).filter(|claim| claim.open);
    open.map(|claim| claim.at.to_string()).collect()
}

async fn settle_open(repo: &dyn Repository) {
    let contests = contests(repo, Scope::WithPending).await;
    let open = contests.iter().flat_map(|contest| &contest.claims).filter(|claim| claim.open);
    settle(repo, open.map(|claim| Settlement { from: claim.footing(), ..to_placed(claim.id) }).collect())
        .await;
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
}

/// Every sum, on a small catalog with one of each.
pub async fn totals_add_up(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let mut batch = desk.seen(&[("x", 1, 1), ("y", 2, 1), ("gone", 3, 1), ("copy", 2, 1)]);
    (batch.blobs[0].mime, batch.blobs[1].mime) = (Some(Mime::new("b/b")), Some(Mime::new("a/a")));
    batch.blobs.push(described(9));
    batch.blobs[4].mime = Some(Mime::new("b/b"));
    desk.record(&batch).await;
    desk.see(&[("x", 4, 2)]).await;
    let gave_up = Looked { by: extractor("1"), at: time(5), found: Err("why".to_owned()) };
    let gave_up = Enriched { looked: Some(gave_up), ..found(3, MetaDoc::default()) };
    let some = MetaDoc::from_json(r#"{"a":1}"#).unwrap();
    repo.enrich(&[found(1, some), found(2, MetaDoc::default()), gave_up]).await.unwrap();
    desk.record(&ScanBatch { gone: vec![desk.known("gone").await.id], ..desk.batch() }).await;
    let y = desk.known("y").await.id;
    repo.settle(&SettleBatch {
        stored: vec![hash(2)],
        settlements: vec![to_placed(y)],
        ..SettleBatch::default()
    })
    .await
    .unwrap();
    decide(repo, &[Decision::Block { hash: hash(3), from: None, to: Some(BlockReason::Deleted) }])
        .await
        .unwrap();
    repo.begin(&root("aaron", "/z"), time(5)).await.unwrap();
    repo.finish(desk.scan(), time(6)).await.unwrap();

    let totals = repo.totals().await.unwrap();
    assert_eq!((totals.blobs, totals.blob_bytes), (5, 1_900));
    assert_eq!((totals.stored, totals.stored_bytes, totals.blocked), (1, 200, 1));
    assert_eq!((totals.with_mime, totals.with_meta), (3, 1));
    assert_eq!((totals.unlooked, totals.meta_failed), (1, 1), "what is gone waits for nobody");
    assert_eq!((totals.observations, totals.open, totals.present_bytes), (5, 4, 800));
    let (pending, none) = (Status::Pending, Placement::None);
    let count =
        |current, gone, count| StandingCount { status: pending, placement: none, current, gone, count };
    let placed =
        StandingCount { status: Status::Assigned, placement: Placement::Placed, ..count(true, false, 1) };
    assert_eq!(
        totals.standings,
        [count(false, false, 1), count(true, false, 2), count(true, true, 1), placed]
    );
    let roots: Vec<_> =
        totals.roots.iter().map(|it| (it.root.clone(), it.files, it.bytes, it.confirmed)).collect();
    let expected = [(root("aaron", "/z"), 0, 0, None), (root("anna", "/a"), 3, 800, Some(time(1_000)))];
    assert_eq!(roots, expected);
    assert_eq!(totals.mimes, [(Mime::new("b/b"), 2), (Mime::new("a/a"), 1)]);
}
