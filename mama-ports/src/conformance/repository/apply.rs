//! Contests, settlements and sources.

use super::desk::{
    Desk, PENDING, PLACED, contests, cursor, decide, dir, fingerprint, hash, host, only_claims, place_all,
    root, settle, time, to_placed,
};
use crate::repository::{Decision, PageSize, Repository, ScanBatch, Scope, SettleBatch, Settled, Settlement};
use crate::vocab::{
    AbsPath, ArchiveId, BlockReason, Claim, Contest, ObservationId, Place, Placement, ScanRoot, SourceKind,
    Standing, Status,
};

/// A place stands where its first open claim stands, whatever its settled ones.
pub async fn contests_come_once_in_order_of_their_first_open_claim(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    place_all(repo).await;
    desk.see(&[("z", 3, 1), ("y", 4, 2), ("x", 5, 2)]).await;
    let contests = contests(repo, Scope::WithPending).await;
    let paths: Vec<String> = contests.iter().map(|contest| contest.place.path.to_string()).collect();
    assert_eq!(paths, ["/a/x", "/a/y", "/a/z"], "x and y have open history");
    for contest in &contests {
        assert!(contest.claims.is_sorted_by_key(|claim| claim.id));
        assert!(contest.claims.iter().all(|claim| claim.at.place() == contest.place && claim.open));
    }
    let x = contests[0].claims[0].id;
    settle(repo, vec![Settlement { from: contests[0].claims[0].footing(), ..to_placed(x) }]).await;
    let contests = super::desk::contests(repo, Scope::WithPending).await;
    let paths: Vec<String> = contests.iter().map(|contest| contest.place.path.to_string()).collect();
    assert_eq!(paths, ["/a/y", "/a/z", "/a/x"]);
    assert!(!contests[2].claims[0].open, "a settled claim still comes along");
}

/// In the order asked, also twice, with every version and host; a place nobody has seen, or that can be no file, has none.
pub async fn claims_come_for_any_place_open_or_not(repo: &dyn Repository) {
    let place = |path: &str| Place { kind: SourceKind::Existing, path: AbsPath::parse(path).unwrap() };
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("d/y", 2, 1)]).await;
    place_all(repo).await;
    desk.see(&[("x", 3, 2)]).await;
    Desk::begin(repo, &root("berta", "/a/d"), time(1)).await.see(&[("y", 4, 1)]).await;
    let asked = ["/a/d/y", "/", "/a/x", "/a", "/a/d/y", "/b/x"].map(place);
    let answers = repo.claims(&asked).await.unwrap();
    assert!(answers.iter().map(|answer| &answer.place).eq(&asked));
    let open = |contest: &Contest| contest.claims.iter().map(|claim| claim.open).collect::<Vec<_>>();
    let contents = |contest: &Contest| contest.claims.iter().map(|claim| claim.hash).collect::<Vec<_>>();
    assert_eq!(contents(&answers[0]), [hash(2), hash(4)]);
    assert_eq!(open(&answers[0]), [false, true], "settled ones, too");
    assert_eq!(contents(&answers[2]), [hash(1), hash(3)], "history, too");
    assert_eq!(answers[4], answers[0]);
    assert!([1, 3, 5].iter().all(|&nobody| answers[nobody].claims.is_empty()));
    let waiting = contests(repo, Scope::WithPending).await;
    assert!(waiting.iter().all(|contest| answers.contains(contest)), "the same as contests say");
    assert_eq!(repo.claims(&[]).await.unwrap(), []);
    let other = Place { kind: SourceKind::Import, ..place("/a/x") };
    assert_eq!(repo.claims(&[other]).await.unwrap()[0].claims, []);
}

/// Whatever the page's size, and although some places have several open claims.
pub async fn pages_are_complete_without_duplicates(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    for version in 1..=3 {
        for file in 0..7_u8 {
            if file % version == 0 {
                desk.see(&[(&format!("f{file}"), file + 1, i64::from(version))]).await;
            }
        }
    }
    let whole = contests(repo, Scope::WithPending).await;
    assert_eq!(whole.len(), 7);
    for limit in [1, 2, 3, 6, 7, 8] {
        let (mut after, mut pages) = (None, Vec::new());
        loop {
            let page = repo.contests(Scope::WithPending, after, PageSize(limit)).await.unwrap();
            let Some(last) = page.last() else { break };
            assert!(page.len() <= limit as usize);
            after = Some(cursor(last));
            pages.extend(page);
        }
        assert_eq!(pages, whole, "in pages of {limit}");
    }
    let beyond = Some(ObservationId(i64::MAX));
    assert_eq!(repo.contests(Scope::WithPending, beyond, PageSize(9)).await.unwrap(), []);
}

/// Apply settles a page before it asks for the next one; failures stay open behind the cursor.
pub async fn pages_go_on_after_what_was_settled(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("1", 1, 1), ("2", 2, 1), ("3", 3, 1), ("4", 4, 1), ("5", 5, 1)]).await;
    let (mut after, mut places) = (None, Vec::new());
    loop {
        let page = repo.contests(Scope::WithPending, after, PageSize(2)).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(cursor(last));
        settle(repo, vec![to_placed(page[0].claims[0].id)]).await;
        places.extend(page.iter().map(|contest| contest.place.path.to_string()));
    }
    assert_eq!(places, ["/a/1", "/a/2", "/a/3", "/a/4", "/a/5"]);
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 2);
}

/// /a/b/x is one place, seen through /a and through /a/b.
pub async fn one_place_seen_through_two_roots_is_one_contest(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("b/x", 1, 1)]).await;
    place_all(repo).await;
    Desk::begin(repo, &root("anna", "/a/b"), time(2)).await.see(&[("x", 2, 2)]).await;
    Desk::begin(repo, &root("anna", "/"), time(3)).await.see(&[("a/b/x", 2, 2)]).await;
    let claims = only_claims(repo).await;
    let roots: Vec<String> = claims.iter().map(|claim| claim.at.root.basedir.to_string()).collect();
    assert_eq!(roots, ["/a", "/a/b", "/"]);
    assert!(claims.iter().all(|claim| claim.current), "each root has its own current sighting");
    let page = repo.contests(Scope::WithPending, Some(claims[1].id), PageSize(9)).await.unwrap();
    assert_eq!(page, [], "the place was on the page before");
}

/// Equal paths on two machines are one place in the views.
pub async fn two_hosts_compete_for_one_place(repo: &dyn Repository) {
    for (number, name) in [(1, "anna"), (2, "bert")] {
        Desk::begin(repo, &root(name, "/a"), time(1)).await.see(&[("x", number, 1)]).await;
    }
    let claims = only_claims(repo).await;
    assert_eq!(claims.iter().map(|claim| claim.at.root.host.as_str()).collect::<Vec<_>>(), ["anna", "bert"]);
}

/// Views are apart by kind.
pub async fn two_kinds_do_not_compete(repo: &dyn Repository) {
    let import = ScanRoot { kind: SourceKind::Import, ..root("bert", "/a") };
    for (number, root) in [(1, root("anna", "/a")), (2, import)] {
        Desk::begin(repo, &root, time(1)).await.see(&[("x", number, 1)]).await;
    }
    assert_eq!(contests(repo, Scope::WithPending).await.len(), 2);
}

/// Old versions come along with their marks.
pub async fn history_competes_with_what_is_current(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    desk.gone(&[desk.known("x").await.id]).await;
    desk.see(&[("x", 2, 2)]).await;
    let claims = only_claims(repo).await;
    let marks: Vec<_> = claims.iter().map(|claim| (claim.current, claim.gone)).collect();
    assert_eq!(marks, [(false, true), (true, false)]);
    assert_eq!(claims[1].fingerprint, fingerprint(2, 2));
}

/// With automatic assignment off, what nobody has decided waits.
pub async fn pending_waits_where_only_decisions_count(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1), ("z", 3, 1)]).await;
    assert_eq!(contests(repo, Scope::Decided).await, []);
    let id = desk.known("y").await.id;
    decide(repo, &[Decision::Retarget { id, from: Status::Pending, to: Status::Ignored }]).await.unwrap();
    let decided = contests(repo, Scope::Decided).await;
    assert_eq!(decided.iter().map(cursor).collect::<Vec<_>>(), [id]);
    assert_eq!(repo.open(Scope::Decided).await.unwrap(), 1);
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 3);
}

/// A settlement whose beginning does not hold any more changes nothing; the others of its batch do.
pub async fn settling_compares_and_sets(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1), ("z", 3, 1)]).await;
    let ids: Vec<_> = contests(repo, Scope::WithPending).await.iter().map(cursor).collect();
    decide(repo, &[Decision::Retarget { id: ids[1], from: Status::Pending, to: Status::Ignored }])
        .await
        .unwrap();
    let nobody = ObservationId(404);
    let answers = settle(repo, [ids[2], ids[1], nobody, ids[0]].map(to_placed).to_vec()).await;
    assert_eq!(answers, [Settled::Done, Settled::Stale, Settled::Stale, Settled::Done]);
    let claim = only_claims(repo).await.remove(0);
    assert_eq!(claim.standing, Standing { status: Status::Ignored, placement: Placement::None });
    assert_eq!((claim.id, claim.view), (ids[1], None));
}

/// The answer to the first attempt may have been lost.
pub async fn settling_twice_is_done(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    let ids: Vec<_> = contests(repo, Scope::WithPending).await.iter().map(cursor).collect();
    let mut batch: Vec<Settlement> = ids.iter().copied().map(to_placed).collect();
    batch[1].fingerprint = Some(fingerprint(2, 9));
    for _ in 0..2 {
        assert_eq!(settle(repo, batch.clone()).await, [Settled::Done; 2]);
    }
    let elsewhere = Settlement { view: Some(dir("elsewhere")), ..to_placed(ids[0]) };
    assert_eq!(settle(repo, vec![elsewhere]).await, [Settled::Stale], "another view is another result");
}

/// Whatever a decision rested on: what scan or curation changed in the meantime is not closed unseen.
pub async fn a_settlement_that_rests_on_the_past_is_stale(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("superseded", 1, 1), ("gone", 2, 1), ("blocked", 3, 1), ("back", 4, 1)]).await;
    let back = desk.known("back").await.id;
    desk.gone(&[back]).await;
    let claims: Vec<Claim> =
        contests(repo, Scope::WithPending).await.into_iter().flat_map(|contest| contest.claims).collect();
    desk.see(&[("superseded", 5, 2), ("back", 4, 1)]).await;
    desk.gone(&[desk.known("gone").await.id]).await;
    let to = Some(BlockReason::Blocked);
    decide(repo, &[Decision::Block { hash: hash(3), from: None, to }]).await.unwrap();
    let settlements = claims.iter().map(|claim| Settlement { from: claim.footing(), ..to_placed(claim.id) });
    assert_eq!(settle(repo, settlements.collect()).await, [Settled::Stale; 4]);
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 5);
}

/// What is damaged has to be looked at wherever it was seen, also where all seemed well.
pub async fn a_damaged_content_is_not_stored_and_no_observation_of_it_is_placed(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("copy of x", 1, 1), ("y", 2, 1)]).await;
    repo.settle(&SettleBatch { stored: vec![hash(1), hash(2)], ..SettleBatch::default() }).await.unwrap();
    place_all(repo).await;
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
    repo.settle(&SettleBatch { damaged: vec![hash(1), hash(9)], ..SettleBatch::default() }).await.unwrap();
    let claims: Vec<Claim> =
        contests(repo, Scope::WithPending).await.into_iter().flat_map(|contest| contest.claims).collect();
    assert_eq!(claims.len(), 2);
    let unplaced = Standing { placement: Placement::None, ..PLACED };
    assert!(claims.iter().all(|claim| claim.hash == hash(1) && !claim.stored && claim.standing == unplaced));
    assert!(claims.iter().all(|claim| claim.view.is_some()), "whoever goes on knows where the views are");
    let both = SettleBatch { damaged: vec![hash(2)], stored: vec![hash(2)], ..SettleBatch::default() };
    repo.settle(&both).await.unwrap();
    assert!(
        repo.blobs(&[hash(2)]).await.unwrap()[0].as_ref().unwrap().stored,
        "what became durable came after"
    );
}

/// Told before the view goes, so that no crash leaves a catalog that believes in it; whoever goes on knows what to take away.
pub async fn what_is_about_to_lose_its_view_is_open_and_remembers_it(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1), ("z", 3, 1)]).await;
    let ids: Vec<_> = contests(repo, Scope::WithPending).await.iter().map(cursor).collect();
    settle(repo, vec![to_placed(ids[0]), to_placed(ids[1])]).await;
    let before = desk.known("x").await;
    let unplaced =
        SettleBatch { unplaced: vec![ids[0], ids[2], ObservationId(404)], ..SettleBatch::default() };
    for _ in 0..2 {
        assert_eq!(repo.settle(&unplaced).await.unwrap(), []);
    }
    let claims: Vec<Claim> =
        contests(repo, Scope::WithPending).await.into_iter().flat_map(|contest| contest.claims).collect();
    assert_eq!(claims.iter().map(|claim| claim.id).collect::<Vec<_>>(), [ids[0], ids[2]]);
    let none = Standing { placement: Placement::None, ..PLACED };
    assert_eq!((claims[0].standing, &claims[0].view), (none, &to_placed(ids[0]).view));
    assert_eq!((claims[1].standing, &claims[1].view), (PENDING, &None), "it had no view");
    assert_eq!(desk.known("x").await, before);
    let put_off = Settlement { from: claims[0].footing(), to: none, open: true, ..to_placed(ids[0]) };
    assert_eq!(settle(repo, vec![put_off]).await, [Settled::Done]);
    let again = contests(repo, Scope::WithPending).await.remove(0).claims.remove(0);
    assert_eq!(again, claims[0], "the view that may still stand there is known");
    let settlement = Settlement { from: claims[0].footing(), ..to_placed(ids[0]) };
    assert_eq!(settle(repo, vec![settlement]).await, [Settled::Done]);
}

/// Its times have lied once.
pub async fn a_doubtful_file_is_racy_from_then_on(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    let known = desk.known("x").await;
    assert!(!known.racy);
    let failed = Standing { placement: Placement::Failed, ..PENDING };
    let doubtful = Settlement { to: failed, open: true, view: None, doubtful: true, ..to_placed(known.id) };
    assert_eq!(settle(repo, vec![doubtful]).await, [Settled::Done]);
    assert!(desk.known("x").await.racy);
}

/// A hard link moves the ctime; the next scan must not read the file again for it.
pub async fn a_settled_fingerprint_is_remembered(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    let mut linked = fingerprint(1, 1);
    linked.ctime = time(99);
    let settlement = Settlement { fingerprint: Some(linked), ..to_placed(desk.known("x").await.id) };
    settle(repo, vec![settlement]).await;
    assert_eq!(desk.known("x").await.fingerprint, linked);
}

/// By every way to ask; unknown contents are no error.
pub async fn what_is_stored_is_known_as_stored(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    for _ in 0..2 {
        let batch = SettleBatch { stored: vec![hash(2), hash(9)], ..SettleBatch::default() };
        assert_eq!(repo.settle(&batch).await.unwrap(), []);
    }
    let stored: Vec<bool> =
        contests(repo, Scope::WithPending).await.iter().map(|it| it.claims[0].stored).collect();
    assert_eq!(stored, [false, true]);
    let blobs = repo.blobs(&[hash(2), hash(9)]).await.unwrap();
    assert!(blobs[0].as_ref().unwrap().stored && blobs[1].is_none());
}

/// In id order, at most so many for one content, neither gone nor history; asked for by content.
pub async fn sources_are_current_and_on_that_host(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("d", 1, 1), ("gone", 1, 1), ("c", 1, 1), ("old", 1, 1), ("b", 2, 1)]).await;
    desk.see(&[("old", 3, 2)]).await;
    desk.gone(&[desk.known("gone").await.id]).await;
    let held = ScanBatch { held: vec![desk.known("c").await.id], ..desk.batch() };
    desk.record(&held).await;
    Desk::begin(repo, &root("anna", "/b"), time(1)).await.see(&[("e", 1, 1)]).await;
    Desk::begin(repo, &root("bert", "/a"), time(1)).await.see(&[("f", 1, 1)]).await;
    let sources = async |name: &str, each| {
        let answer = repo.sources(&host(name), &[hash(2), hash(1), hash(9)], PageSize(each)).await.unwrap();
        let paths = |sources: &Vec<crate::repository::Source>| {
            sources.iter().map(|source| source.at.full_path().to_string()).collect::<Vec<_>>()
        };
        answer.iter().map(paths).collect::<Vec<_>>()
    };
    assert_eq!(sources("anna", 9).await, [vec!["/a/b"], vec!["/a/d", "/a/c", "/b/e"], vec![]]);
    assert_eq!(sources("anna", 2).await, [vec!["/a/b"], vec!["/a/d", "/a/c"], vec![]]);
    assert_eq!(sources("bert", 2).await, [vec![], vec!["/a/f"], vec![]]);
    let source = repo.sources(&host("anna"), &[hash(2)], PageSize(1)).await.unwrap().remove(0).remove(0);
    assert_eq!((source.id, source.fingerprint), (desk.known("b").await.id, fingerprint(2, 1)));
}

/// Each place once, in order, whoever saw it and through whichever root; settled, open and superseded ones.
pub async fn whose_a_view_is_goes_by_content_and_path(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("z", 1, 1), ("d/x", 1, 1), ("other", 2, 1), ("none", 1, 1)]).await;
    Desk::begin(repo, &root("bert", "/a/d"), time(1)).await.see(&[("x", 1, 1)]).await;
    let import = ScanRoot { kind: SourceKind::Import, ..root("carl", "/a") };
    Desk::begin(repo, &import, time(1)).await.see(&[("z", 1, 1)]).await;
    let contests = contests(repo, Scope::WithPending).await;
    let claims = contests.iter().flat_map(|contest| &contest.claims);
    let shown = claims.filter(|claim| claim.at.name.as_bytes() != b"none");
    let settlements = shown.map(|claim| {
        let view = if claim.at.root.kind == SourceKind::Import { "w" } else { "v" };
        Settlement { view: Some(dir(view)), ..to_placed(claim.id) }
    });
    assert_eq!(settle(repo, settlements.collect()).await, [Settled::Done; 5]);
    desk.see(&[("z", 3, 2)]).await;
    let place = |kind, path: &str| Place { kind, path: AbsPath::parse(path).unwrap() };
    let existing = |path| place(SourceKind::Existing, path);
    let asked = [(1, "w"), (1, "v"), (9, "v"), (2, "v"), (1, "v/x"), (1, "v"), (3, "v"), (2, "w")];
    let asked = asked.map(|(content, view)| (hash(content), dir(view)));
    let both = vec![existing("/a/d/x"), existing("/a/z")];
    let expected = [
        vec![place(SourceKind::Import, "/a/z")],
        both.clone(),
        vec![],
        vec![existing("/a/other")],
        vec![],
        both,
        vec![],
        vec![],
    ];
    assert_eq!(repo.holders(&asked).await.unwrap(), expected);
    assert_eq!(repo.holders(&[]).await.unwrap(), Vec::<Vec<Place>>::new());
}

/// The first archive keeps its catalog.
pub async fn a_catalog_is_bound_once(repo: &dyn Repository) {
    let (first, second) = (ArchiveId::from_bytes([1; 16]), ArchiveId::from_bytes([0xfe; 16]));
    for asked in [&first, &second, &first] {
        assert_eq!(repo.bind(asked).await.unwrap(), first);
        assert_eq!(repo.archive().await.unwrap(), Some(first.clone()));
    }
}
