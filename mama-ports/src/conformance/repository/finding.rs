//! What a filter finds, one condition each.

use super::desk::{Desk, dir, fingerprint, hash, host, root, settle, sighting, time, to_placed};
use crate::curation::{Decision, Filter, Found, HashPrefix, MimePattern, Neighbour, Target};
use crate::repository::{NewBlob, PageSize, Repository, ScanBatch, Settlement};
use crate::vocab::{AbsPath, BlobHash, BlockReason, MetaDoc, Mime, ScanRoot, SourceKind, Status};

/// The files a filter finds as `host:path#content`, in the order given.
async fn found(repo: &dyn Repository, filter: Filter) -> Vec<String> {
    let found = repo.find(&filter, None, PageSize(1_000)).await.unwrap();
    found.iter().map(|found| format!("{}#{}", found.at, found.hash.as_bytes()[0])).collect()
}

fn at(host_name: &str, path: &str) -> Target {
    Target::Path { host: host(host_name), path: AbsPath::parse(path).unwrap() }
}

async fn at_any(repo: &dyn Repository, targets: Vec<Target>) -> Vec<String> {
    found(repo, Filter { targets, ..Filter::default() }).await
}

/// With what a person has to know of it.
pub async fn an_empty_filter_finds_all_in_order(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("d/x", 1, 1), ("y", 2, 1)]).await;
    super::decide(repo, &[Decision::Block { hash: hash(2), from: None, to: Some(BlockReason::Deleted) }])
        .await
        .unwrap();
    let all = repo.find(&Filter::default(), None, PageSize(1_000)).await.unwrap();
    let told: Vec<_> =
        all.iter().map(|it| (it.at.to_string(), it.hash, it.size, it.status, it.block)).collect();
    let expected = [
        ("anna:/a/d/x".to_owned(), hash(1), 100, Status::Pending, None),
        ("anna:/a/y".to_owned(), hash(2), 200, Status::Pending, Some(BlockReason::Deleted)),
    ];
    assert_eq!(told, expected);
    assert_eq!(all[0].id, desk.known("d/x").await.id);
}

/// Nothing twice, nothing left out, also where only few match.
pub async fn what_is_found_comes_in_pages(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let names: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    let files: Vec<_> = names.iter().zip(1..).map(|(name, content)| (name.as_str(), content, 1)).collect();
    desk.see(&files).await;
    let filter = Filter { larger: Some(900), ..Filter::default() };
    let all = repo.find(&filter, None, PageSize(1_000)).await.unwrap();
    assert_eq!(all.len(), 11);
    let mut pages: Vec<Found> = Vec::new();
    loop {
        let page = repo.find(&filter, pages.last().map(|found| found.id), PageSize(4)).await.unwrap();
        assert!(page.len() <= 4);
        if page.is_empty() {
            break;
        }
        pages.extend(page);
    }
    assert_eq!(pages, all);
}

/// At it or below it by whole names, on that host, through any root, byte by byte.
pub async fn a_path_is_found_through_every_root(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("b/x", 1, 1), ("bc", 2, 1), ("b/c/y", 3, 1)]).await;
    Desk::begin(repo, &root("anna", "/a/b"), time(1)).await.see(&[("x", 4, 1)]).await;
    Desk::begin(repo, &root("bert", "/a"), time(1)).await.see(&[("b/x", 5, 1)]).await;
    let below = ["anna:/a/b/x#1", "anna:/a/b/c/y#3", "anna:/a/b/x#4"];
    assert_eq!(at_any(repo, vec![at("anna", "/a/b")]).await, below);
    assert_eq!(at_any(repo, vec![at("anna", "/a/b/x")]).await, ["anna:/a/b/x#1", "anna:/a/b/x#4"]);
    assert_eq!(at_any(repo, vec![at("bert", "/")]).await, ["bert:/a/b/x#5"]);
    assert_eq!(at_any(repo, vec![at("anna", "/a/bc"), at("bert", "/a/b")]).await.len(), 2);
    for nothing in ["/a/b/c/y/z", "/a/b/cx", "/x", "/a/B"] {
        assert_eq!(at_any(repo, vec![at("anna", nothing)]).await, Vec::<String>::new(), "{nothing}");
    }
}

/// And by its beginning.
pub async fn a_content_is_found_wherever_it_was_seen(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    Desk::begin(repo, &root("bert", "/b"), time(1)).await.see(&[("z", 1, 1)]).await;
    assert_eq!(at_any(repo, vec![Target::Content(hash(1))]).await, ["anna:/a/x#1", "bert:/b/z#1"]);
    assert_eq!(at_any(repo, vec![Target::Content(hash(9))]).await, Vec::<String>::new());
    let either = vec![Target::Content(hash(2)), at("bert", "/b")];
    assert_eq!(at_any(repo, either).await, ["anna:/a/y#2", "bert:/b/z#1"]);
    let begins = |text: &str| HashPrefix::parse(text).unwrap();
    assert_eq!(repo.contents(&begins("01"), PageSize(9)).await.unwrap(), [hash(1)]);
    assert_eq!(repo.contents(&begins("0"), PageSize(9)).await.unwrap(), [hash(1), hash(2)]);
    assert_eq!(repo.contents(&begins("0"), PageSize(1)).await.unwrap(), [hash(1)]);
    assert_eq!(repo.contents(&begins("1"), PageSize(9)).await.unwrap(), []);
}

/// By the path of its view.
pub async fn what_is_shown_is_found_by_its_view(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1), ("z", 3, 1)]).await;
    let view = |id, path: &str| Settlement { view: Some(dir(path)), ..to_placed(id) };
    let (x, y) = (desk.known("x").await.id, desk.known("y").await.id);
    settle(repo, vec![view(x, "views/a/x"), view(y, "views/ab/y")]).await;
    assert_eq!(at_any(repo, vec![Target::View(dir("views/a"))]).await, ["anna:/a/x#1"]);
    assert_eq!(at_any(repo, vec![Target::View(dir("views/ab/y"))]).await, ["anna:/a/y#2"]);
    assert_eq!(at_any(repo, vec![Target::View(dir("views"))]).await.len(), 2);
}

/// All conditions have to be met.
pub async fn conditions_narrow_what_is_found(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let mut batch = desk.seen(&[("x", 1, 10), ("y", 2, 20), ("z", 3, 30)]);
    batch.blobs[0].mime = Some(Mime::new("image/jpeg"));
    batch.blobs[1].mime = Some(Mime::new("image/png"));
    desk.record(&batch).await;
    let handed_over = ScanRoot { kind: SourceKind::Import, ..root("bert", "/b") };
    Desk::begin(repo, &handed_over, time(1)).await.see(&[("w", 4, 40)]).await;
    super::decide(
        repo,
        &[Decision::Retarget { id: desk.known("y").await.id, from: Status::Pending, to: Status::Ignored }],
    )
    .await
    .unwrap();
    let all = Filter::default;
    let of_family = Some(MimePattern::Family("image/".to_owned()));
    for (filter, expected) in [
        (Filter { kind: Some(SourceKind::Import), ..all() }, vec!["bert:/b/w#4"]),
        (Filter { host: Some(host("bert")), ..all() }, vec!["bert:/b/w#4"]),
        (Filter { host: Some(host("carl")), ..all() }, vec![]),
        (Filter { mime: of_family.clone(), ..all() }, vec!["anna:/a/x#1", "anna:/a/y#2"]),
        (Filter { mime: MimePattern::parse("image/png"), ..all() }, vec!["anna:/a/y#2"]),
        (Filter { mime: MimePattern::parse("image/p"), ..all() }, vec![]),
        (Filter { larger: Some(200), ..all() }, vec!["anna:/a/z#3", "bert:/b/w#4"]),
        (Filter { larger: Some(u64::MAX), ..all() }, vec![]),
        (Filter { smaller: Some(200), ..all() }, vec!["anna:/a/x#1"]),
        (Filter { since: Some(time(30)), ..all() }, vec!["anna:/a/z#3", "bert:/b/w#4"]),
        (Filter { until: Some(time(20)), ..all() }, vec!["anna:/a/x#1"]),
        (Filter { until: Some(time(20).plus_secs(-11)), ..all() }, vec![]),
        (Filter { status: Some(Status::Ignored), ..all() }, vec!["anna:/a/y#2"]),
        (Filter { mime: of_family, larger: Some(100), ..all() }, vec!["anna:/a/y#2"]),
        (
            Filter { targets: vec![at("anna", "/a")], smaller: Some(300), ..all() },
            vec!["anna:/a/x#1", "anna:/a/y#2"],
        ),
    ] {
        assert_eq!(found(repo, filter.clone()).await, expected, "{filter:?}");
    }
}

/// What is current decides; what matches itself is found also as history.
pub async fn history_is_found_with_what_is_current(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let file = |path: &str, content, mime: &str| {
        let blob = NewBlob { mime: Some(Mime::new(mime)), ..super::desk::described(content) };
        let sighting = sighting(path, content, i64::from(content));
        assert_eq!(sighting.fingerprint, fingerprint(content, i64::from(content)));
        ScanBatch { blobs: vec![blob], sightings: vec![sighting], ..desk.batch() }
    };
    desk.record(&file("x", 1, "text/plain")).await;
    desk.record(&file("x", 2, "image/png")).await;
    desk.record(&file("y", 3, "image/png")).await;
    desk.record(&file("y", 4, "text/plain")).await;
    let of = |text: &str| Filter { mime: MimePattern::parse(text), ..Filter::default() };
    assert_eq!(
        found(repo, of("image/png")).await,
        ["anna:/a/x#1", "anna:/a/x#2", "anna:/a/y#3"],
        "the older x goes with its picture, the newer y is none"
    );
    assert_eq!(at_any(repo, vec![at("anna", "/a/x")]).await, ["anna:/a/x#1", "anna:/a/x#2"]);
    assert_eq!(at_any(repo, vec![Target::Content(hash(2))]).await, ["anna:/a/x#1", "anna:/a/x#2"]);
    assert_eq!(at_any(repo, vec![Target::Content(hash(1))]).await, ["anna:/a/x#1"]);
}

/// Each folder by itself, in the order asked; what is gone says so, history is none; of the tags only those that are wanted.
pub async fn neighbours_are_the_current_files_of_their_folders(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let doc = MetaDoc::from_json(r#"{"A:x":"one","A:y":2,"B:z":"three"}"#).unwrap();
    let blob = NewBlob { mime: Some(Mime::new("image/heic")), ..super::desk::described(1) };
    desk.record(&ScanBatch { blobs: vec![blob], ..desk.batch() }).await;
    desk.see(&[("d/b", 1, 1), ("d/a", 2, 1), ("d/gone", 3, 1), ("d/e/deeper", 4, 1), ("top", 5, 1)]).await;
    desk.see(&[("d/a", 6, 2)]).await;
    desk.gone(&[desk.known("d/gone").await.id]).await;
    repo.enrich(&[super::desk::found(1, doc)]).await.unwrap();
    let folders = [
        (root("anna", "/a"), dir("d")),
        (root("nobody", "/a"), dir("d")),
        (root("anna", "/a"), dir("nowhere")),
        (root("anna", "/a"), dir("")),
    ];
    let answers = repo.neighbours(&folders, &["A:x", "B:z", "C:missing"]).await.unwrap();
    let told: Vec<Vec<(String, BlobHash, bool)>> = answers
        .iter()
        .map(|files| {
            files.iter().map(|file| (file.found.at.to_string(), file.found.hash, file.gone)).collect()
        })
        .collect();
    let in_d = vec![
        ("anna:/a/d/a".to_owned(), hash(6), false),
        ("anna:/a/d/b".to_owned(), hash(1), false),
        ("anna:/a/d/gone".to_owned(), hash(3), true),
    ];
    assert_eq!(told, [in_d, vec![], vec![], vec![("anna:/a/top".to_owned(), hash(5), false)]]);
    let Neighbour { found, mime, tags, .. } = &answers[0][1];
    assert_eq!(found.id, desk.known("d/b").await.id);
    assert_eq!((found.size, found.status, found.block), (100, Status::Pending, None));
    assert_eq!(*mime, Some(Mime::new("image/heic")));
    assert_eq!(tags.to_json(), r#"{"A:x":"one","B:z":"three"}"#);
    assert!(answers[0][0].tags.is_empty());
    assert_eq!(repo.neighbours(&[], &[]).await.unwrap(), Vec::<Vec<Neighbour>>::new());
}
