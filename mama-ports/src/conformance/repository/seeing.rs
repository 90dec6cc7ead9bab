//! Scans begin, files are seen, and are seen again.

use super::desk::{
    Desk, confirmation, contests, described, dir, fingerprint, found, hash, name, only_claims, place_all,
    record_of, root, sighting, time,
};
use crate::repository::{
    FolderSidecars, NewBlob, PageSize, Recorded, Remembered, Repository, RepositoryError, ScanBatch, Scope,
    SidecarLink, Totals,
};
use crate::vocab::{FileName, MetaDoc, Mime, ObservationId, ScanId, ScanRoot, SourceKind};

/// Nothing is known, and nothing is an error.
pub async fn a_new_catalog_is_empty(repo: &dyn Repository) {
    assert_eq!(repo.archive().await.unwrap(), None);
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
    assert_eq!(contests(repo, Scope::WithPending).await, []);
    assert_eq!(repo.blobs(&[hash(1)]).await.unwrap(), [None]);
    assert_eq!(repo.sources(&root("anna", "/a").host, &[hash(1)], PageSize(9)).await.unwrap(), [vec![]]);
    assert_eq!(repo.totals().await.unwrap(), Totals::default());
    let desk = Desk::new(repo).await;
    assert_eq!((desk.begun.known_files, desk.begun.newest), (0, None));
    assert_eq!(desk.folder("").await, Remembered::default());
    assert_eq!(desk.record(&desk.batch()).await, Recorded::default());
}

/// A root is scanned with the kind it has; the same path on another host is another root.
pub async fn a_root_keeps_its_kind(repo: &dyn Repository) {
    let known = root("anna", "/a");
    repo.begin(&known, time(1)).await.unwrap();
    let asked = ScanRoot { kind: SourceKind::Import, ..known.clone() };
    let error = repo.begin(&asked, time(2)).await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::KindDiffers { basedir, known: SourceKind::Existing, asked: SourceKind::Import } if basedir == "/a"),
        "{error:?}"
    );
    let elsewhere = ScanRoot { kind: SourceKind::Import, ..root("bert", "/a") };
    repo.begin(&elsewhere, time(3)).await.unwrap();
    repo.begin(&known, time(4)).await.unwrap();
    assert_eq!(repo.totals().await.unwrap().roots.len(), 2);
}

/// Those of this host only, in path order.
pub async fn a_scan_is_told_of_the_hosts_other_roots(repo: &dyn Repository) {
    for (host, basedir) in [("anna", "/b"), ("bert", "/a/c"), ("anna", "/a/b")] {
        repo.begin(&root(host, basedir), time(1)).await.unwrap();
    }
    for _ in 0..2 {
        let begun = repo.begin(&root("anna", "/a"), time(2)).await.unwrap();
        let others: Vec<String> = begun.other_roots.iter().map(ToString::to_string).collect();
        assert_eq!(others, ["/a/b", "/b"]);
    }
}

/// What is gone and what is history are not counted.
pub async fn known_files_are_those_that_are_present(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("b/y", 2, 1), ("b/c/z", 3, 1)]).await;
    desk.see(&[("x", 4, 2)]).await;
    desk.gone(&[desk.known("b/y").await.id]).await;
    let desk = Desk::new(repo).await;
    assert_eq!(desk.begun.known_files, 2);
    assert_eq!(desk.begun.newest, Some(desk.known("x").await.id), "of all, those that are gone too");
    desk.see(&[("b/y", 5, 2)]).await;
    assert_eq!(Desk::new(repo).await.begun.known_files, 3);
    assert_eq!(Desk::begin(repo, &root("bert", "/a"), time(1)).await.begun.known_files, 0);
}

/// Answers have the length and order of the questions, repeated and unknown ones included.
pub async fn answers_come_in_the_order_asked(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("b/x", 1, 1), ("c/y", 2, 1), ("c/d/z", 3, 1)]).await;
    let asked = [dir("c"), dir("nowhere"), dir("b"), dir("c"), dir("")];
    let answers = repo.remembered(desk.scan(), &asked).await.unwrap();
    let names: Vec<Vec<String>> = answers
        .iter()
        .map(|answer| answer.files.iter().map(|file| file.name.to_string()).collect())
        .collect();
    assert_eq!(names, [vec!["y"], vec![], vec!["x"], vec!["y"], vec![]]);
    assert_eq!(answers[0], answers[3]);
    assert_eq!(answers[4].folders, [name("b"), name("c")]);
    let blobs = repo.blobs(&[hash(3), hash(9), hash(1), hash(3)]).await.unwrap();
    let sizes: Vec<Option<u64>> = blobs.iter().map(|blob| blob.as_ref().map(|blob| blob.size)).collect();
    assert_eq!(sizes, [Some(300), None, Some(100), Some(300)]);
    assert_eq!(repo.remembered(desk.scan(), &[]).await.unwrap(), []);
    assert_eq!(repo.blobs(&[]).await.unwrap(), []);
}

/// Files and folders come in the order of their bytes, of this root only.
pub async fn what_was_seen_is_remembered_by_folder(repo: &dyn Repository) {
    let other = Desk::begin(repo, &root("anna", "/b"), time(1)).await;
    other.see(&[("elsewhere", 1, 1)]).await;
    let desk = Desk::new(repo).await;
    let mut batch = desk.seen(&[("z", 1, 5), ("Z", 2, 6), ("a/x", 1, 7), ("é", 1, 8), ("A/x", 2, 9)]);
    batch.sightings[1].racy = true;
    let recorded = desk.record(&batch).await;
    assert_eq!(recorded, Recorded { new_observations: 5, new_blobs: 1, gone: 0 });
    let found = desk.folder("").await;
    let names: Vec<String> = found.files.iter().map(|file| file.name.to_string()).collect();
    assert_eq!(names, ["Z", "z", "é"]);
    assert_eq!(found.folders, [name("A"), name("a")]);
    let known = &found.files[0];
    assert_eq!(known.fingerprint, fingerprint(2, 6));
    assert!(known.racy && !known.gone && !known.held);
    assert!(!found.files[1].racy);
}

/// Every observation has its content for good: repeated, unknown, gone and historic ones are answered in the order asked.
pub async fn an_observation_tells_its_content(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("d/y", 2, 1), ("copy", 1, 1)]).await;
    let ids = async |paths: &[&str]| {
        let mut ids = Vec::new();
        for path in paths {
            ids.push(desk.known(path).await.id);
        }
        ids
    };
    let first = ids(&["d/y", "x", "copy"]).await;
    desk.gone(&[first[0]]).await;
    desk.see(&[("x", 3, 2)]).await;
    let second = ids(&["x"]).await;
    let asked = [first[0], ObservationId(i64::MAX), second[0], first[1], first[2], first[0]];
    let expected = [Some(hash(2)), None, Some(hash(3)), Some(hash(1)), Some(hash(1)), Some(hash(2))];
    assert_eq!(repo.contents_of(&asked).await.unwrap(), expected);
    assert_eq!(repo.contents_of(&[]).await.unwrap(), []);
}

/// A batch that was written, but whose answer was lost, may be sent again.
pub async fn repeating_a_batch_changes_nothing(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("changed", 1, 1), ("same", 2, 1), ("removed", 3, 1), ("d/x", 4, 1), ("e/x", 5, 1)]).await;
    place_all(repo).await;
    let desk = desk.next(&root("anna", "/a")).await;
    let batch = ScanBatch {
        confirmed: vec![confirmation(&desk.known("same").await)],
        gone: vec![desk.known("removed").await.id],
        gone_below: vec![dir("d")],
        held_below: vec![dir("e")],
        ..desk.seen(&[("changed", 6, 2), ("new", 7, 2), ("copy", 7, 2)])
    };
    assert_eq!(desk.record(&batch).await, Recorded { new_observations: 3, new_blobs: 2, gone: 2 });
    let (before, totals) = (desk.folder("").await, repo.totals().await.unwrap());
    let open = contests(repo, Scope::WithPending).await;
    assert_eq!(desk.record(&batch).await, Recorded::default());
    assert_eq!(desk.folder("").await, before);
    assert_eq!(repo.totals().await.unwrap(), totals);
    assert_eq!(contests(repo, Scope::WithPending).await, open);
}

/// Another content or another time is another observation; both wait for apply.
pub async fn a_modified_file_is_new_and_the_old_one_is_history(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    place_all(repo).await;
    assert_eq!(desk.see(&[("x", 2, 2)]).await.new_observations, 1);
    let claims = only_claims(repo).await;
    let seen: Vec<_> = claims.iter().map(|claim| (claim.hash, claim.current, claim.open)).collect();
    assert_eq!(seen, [(hash(1), false, true), (hash(2), true, true)]);
    assert!(claims[0].id < claims[1].id);
    assert_eq!(claims[0].view, Some(dir(&format!("views/{}", claims[0].id.0))), "history keeps its view");
    assert_eq!(desk.see(&[("x", 2, 3)]).await.new_observations, 1, "the same content at another time");
    let mut disguised = desk.seen(&[("x", 1, 3)]);
    disguised.sightings[0].fingerprint = fingerprint(2, 3);
    assert_eq!(
        desk.record(&disguised).await.new_observations,
        1,
        "another content with the same times and size"
    );
    assert_eq!(desk.see(&[("x", 2, 3)]).await.new_observations, 1);
    assert_eq!(desk.folder("").await.files.len(), 1);
    assert_eq!(desk.known("x").await.fingerprint, fingerprint(2, 3));
}

/// Sightings are compared with what is current, not with history.
pub async fn an_older_version_that_returns_is_new_again(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    for content in [1, 2] {
        desk.see(&[("x", content, 1)]).await;
    }
    assert_eq!(desk.see(&[("x", 1, 1)]).await.new_observations, 1);
    assert_eq!(desk.content("x").await, hash(1));
    assert_eq!(only_claims(repo).await.len(), 3);
}

/// ctime and inode may move without a new version; nothing becomes open by it.
pub async fn a_confirmation_takes_the_new_fingerprint(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    place_all(repo).await;
    let known = desk.known("x").await;
    let mut moved = confirmation(&known);
    (moved.fingerprint.ctime, moved.fingerprint.inode, moved.racy) = (time(77), u64::MAX, true);
    let recorded = desk.record(&ScanBatch { confirmed: vec![moved.clone()], ..desk.batch() }).await;
    assert_eq!(recorded, Recorded::default());
    let now = desk.known("x").await;
    assert_eq!((now.id, now.fingerprint, now.racy), (known.id, moved.fingerprint, true));
    assert_eq!(repo.open(Scope::WithPending).await.unwrap(), 0);
}

/// Another process may have recorded a newer version meanwhile.
pub async fn a_late_confirmation_of_history_changes_nothing(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    let old = desk.known("x").await;
    desk.see(&[("x", 2, 2)]).await;
    let before = only_claims(repo).await;
    let late = ScanBatch { confirmed: vec![confirmation(&old)], gone: vec![old.id], ..desk.batch() };
    assert_eq!(desk.record(&late).await, Recorded::default());
    assert_eq!(only_claims(repo).await, before);
}

/// A type is taken once, whenever it comes; what is known is not replaced.
pub async fn a_content_is_described_once_and_completed_later(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let describe = async |mime: Option<&str>| {
        let blob = NewBlob { mime: mime.map(Mime::new), ..described(1) };
        let recorded = desk.record(&ScanBatch { blobs: vec![blob], ..desk.batch() }).await;
        let known = repo.blobs(&[hash(1)]).await.unwrap().remove(0).unwrap();
        let record = record_of(repo, hash(1)).await;
        assert_eq!((known.size, &known.mime), (record.size, &record.mime));
        assert_eq!((known.has_meta, record.meta, record.look), (None, None, None));
        (recorded.new_blobs, record.mime.map(|mime| mime.to_string()))
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(describe(None).await, (1, None));
    assert_eq!(describe(Some("image/jpeg")).await, (0, text("image/jpeg")));
    assert_eq!(describe(None).await, (0, text("image/jpeg")));
    assert_eq!(describe(Some("text/plain")).await, (0, text("image/jpeg")));
}

/// What was found quickly is the metadata of a content that nobody has looked into, which goes on lacking it; the first counts.
pub async fn what_was_found_quickly_stays_until_somebody_looks(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let doc = |text: &str| MetaDoc::from_json(text).unwrap();
    let scan = async |content: u8, quick: Option<&str>| {
        let blob = NewBlob { quick: quick.map(doc), ..described(content) };
        let path = format!("{content}");
        let sightings = vec![sighting(&path, content, 1)];
        desk.record(&ScanBatch { blobs: vec![blob], sightings, ..desk.batch() }).await;
        let known = repo.blobs(&[hash(content)]).await.unwrap().remove(0).unwrap();
        let record = record_of(repo, hash(content)).await;
        (known.has_meta, record.meta.map(|doc| doc.to_json()), record.look.is_some())
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(scan(1, None).await, (None, None, false));
    assert_eq!(scan(1, Some(r#"{"a":1}"#)).await, (Some(true), text(r#"{"a":1}"#), false));
    assert_eq!(scan(1, Some(r#"{"a":2}"#)).await, (Some(true), text(r#"{"a":1}"#), false));
    assert_eq!(scan(2, Some(r#"{"b":2}"#)).await, (Some(true), text(r#"{"b":2}"#), false));
    let totals = repo.totals().await.unwrap();
    assert_eq!((totals.with_meta, totals.unlooked, totals.preliminary), (2, 2, 2));

    repo.enrich(&[found(1, doc(r#"{"c":3}"#)), found(3, MetaDoc::default())]).await.unwrap();
    assert_eq!(scan(1, Some(r#"{"a":4}"#)).await, (Some(true), text(r#"{"c":3}"#), true));
    assert_eq!(scan(3, None).await, (None, None, false));
    repo.enrich(&[found(3, MetaDoc::default())]).await.unwrap();
    assert_eq!(scan(3, Some(r#"{"a":5}"#)).await, (Some(false), text("{}"), true));
    let totals = repo.totals().await.unwrap();
    assert_eq!((totals.with_meta, totals.unlooked, totals.preliminary), (2, 1, 1));
}

/// A batch is written as a whole or not at all.
pub async fn a_sighting_of_an_undescribed_content_writes_nothing(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let mut batch = desk.seen(&[("x", 1, 1)]);
    batch.sightings.push(sighting("y", 2, 1));
    assert!(repo.record(&batch).await.is_err());
    assert_eq!(desk.folder("").await, Remembered::default());
    assert_eq!(repo.blobs(&[hash(1)]).await.unwrap(), [None]);
}

/// A scan has a root only if it was begun here.
pub async fn a_scan_that_nobody_began_is_refused(repo: &dyn Repository) {
    let nobody = ScanId(404);
    assert!(repo.remembered(nobody, &[dir("")]).await.is_err());
    assert!(repo.record(&ScanBatch::new(nobody, time(1))).await.is_err());
    assert!(repo.finish(nobody, time(1)).await.is_err());
}

/// Of one folder only, and only the last links that were recorded; also of files that were not seen yet, and of odd names.
pub async fn sidecars_are_remembered_until_they_are_others(repo: &dyn Repository) {
    let link = |of: &[u8], sidecar: &[u8]| SidecarLink {
        of: FileName::parse(of).unwrap(),
        sidecar: FileName::parse(sidecar).unwrap(),
    };
    let folder = |path: &str, links: &[SidecarLink]| FolderSidecars { dir: dir(path), links: links.to_vec() };
    let desk = Desk::new(repo).await;
    let first = [link(b"\xff\n", b"\xff\n.xmp"), link(b"x.jpg", b"x.jpg.xmp"), link(b"x.jpg", b"x.xmp")];
    let other = [link(b"x.jpg", b"x.jpg.xmp")];
    let sidecars = vec![folder("d", &first), folder("e", &other)];
    for _ in 0..2 {
        desk.record(&ScanBatch { sidecars: sidecars.clone(), ..desk.batch() }).await;
        let mut expected = first.to_vec();
        expected.sort();
        assert_eq!(desk.folder("d").await.sidecars, expected);
    }
    let now = [link(b"x.jpg", b"x.xmp"), link(b"y.jpg", b"y.xmp")];
    desk.record(&ScanBatch { sidecars: vec![folder("d", &now)], ..desk.batch() }).await;
    assert_eq!(desk.folder("d").await.sidecars, now);
    assert_eq!(desk.folder("e").await.sidecars, other);
    desk.record(&ScanBatch { sidecars: vec![folder("d", &[])], ..desk.batch() }).await;
    assert_eq!(desk.folder("d").await.sidecars, []);
    assert_eq!(desk.folder("").await.sidecars, []);
    let desk = desk.next(&root("anna", "/a")).await;
    assert_eq!(desk.folder("e").await.sidecars, other, "the next scan knows them");
}
