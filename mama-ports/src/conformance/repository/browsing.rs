//! One content and all that was ever seen of it.

use super::desk::{Desk, PLACED, described, dir, found, hash, name, root, time, to_placed};
use crate::browse::Sidecar;
use crate::curation::Decision;
use crate::repository::{FolderSidecars, NewBlob, Repository, ScanBatch, SettleBatch, SidecarLink};
use crate::vocab::{BlockReason, MetaDoc, Mime, Status};

/// Nobody has seen it: there is nothing to tell, also not of one that is merely near.
pub async fn a_content_that_nobody_has_seen_is_none(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("x", 1, 1)]).await;
    assert_eq!(repo.content(&hash(2)).await.unwrap(), None);
}

/// With its type, its metadata, when it was first seen, and whether it is stored and blocked.
pub async fn a_content_is_told_with_all_that_is_known_about_it(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let doc = |text: &str| MetaDoc::from_json(text).unwrap();
    let meta = doc(r#"{"A:Ü":[1.50,"x",{"b":null}]}"#).with_numbers(doc(r#"{"A:Ü":7}"#).entries().clone());
    let blob = NewBlob { mime: Some(Mime::new("image/jpeg")), ..described(1) };
    desk.record(&ScanBatch { blobs: vec![blob, described(2)], ..desk.seen(&[("d/x", 1, 1), ("y", 2, 1)]) })
        .await;
    desk.see(&[("y", 2, 1)]).await;
    repo.enrich(&[found(1, meta.clone())]).await.unwrap();
    let told = repo.content(&hash(1)).await.unwrap().unwrap();
    let record = &told.blob.record;
    assert_eq!((record.hash, record.size, record.stored, record.block), (hash(1), 100, false, None));
    assert_eq!((&record.mime, &record.meta), (&Some(Mime::new("image/jpeg")), &Some(meta)));
    assert!(record.look.is_some());
    assert_eq!(told.blob.first_seen, desk.at);

    let known = desk.known("d/x").await;
    let settlements = vec![to_placed(known.id)];
    repo.settle(&SettleBatch { stored: vec![hash(1)], settlements, ..SettleBatch::default() }).await.unwrap();
    super::decide(repo, &[Decision::Block { hash: hash(1), from: None, to: Some(BlockReason::Deleted) }])
        .await
        .unwrap();
    let told = repo.content(&hash(1)).await.unwrap().unwrap();
    assert_eq!((told.blob.record.stored, told.blob.record.block), (true, Some(BlockReason::Deleted)));
    let [row] = told.observations.as_slice() else { panic!("{told:?}") };
    assert_eq!((row.id, row.hash, row.fingerprint), (known.id, hash(1), known.fingerprint));
    assert_eq!((row.at.to_string(), row.standing), ("anna:/a/d/x".to_owned(), PLACED));
    assert_eq!(
        (row.view.as_ref(), row.seen, row.current, row.open),
        (to_placed(known.id).view.as_ref(), desk.at, true, true)
    );

    let bare = repo.content(&hash(2)).await.unwrap().unwrap();
    assert_eq!((bare.blob.record.mime, bare.blob.record.meta, bare.blob.record.look), (None, None, None));
}

/// On whichever host, also where it was replaced or is gone; nothing of what replaced it.
pub async fn a_content_is_told_with_every_sighting_of_it(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 1, 2), ("z", 2, 3)]).await;
    desk.gone(&[desk.known("y").await.id]).await;
    Desk::begin(repo, &root("bert", "/b"), time(2_000)).await.see(&[("w", 1, 4)]).await;
    desk.see(&[("x", 2, 5)]).await;
    let told = repo.content(&hash(1)).await.unwrap().unwrap();
    let rows = told.observations.iter();
    let rows: Vec<_> =
        rows.map(|row| (row.at.to_string(), row.current, row.gone, row.fingerprint.mtime)).collect();
    let expected = [
        ("anna:/a/x".to_owned(), false, None, time(1)),
        ("anna:/a/y".to_owned(), true, Some(desk.at), time(2)),
        ("bert:/b/w".to_owned(), true, None, time(4)),
    ];
    assert_eq!(rows, expected);
    assert!(told.observations.is_sorted_by_key(|row| row.id));
    assert!(
        told.observations.iter().all(|row| row.standing.status == Status::Pending && row.hash == hash(1))
    );
}

/// With those sidecars that are there now, beside a file that has it now, each where it is, and with what it says.
pub async fn a_content_is_told_with_what_its_sidecars_say(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let said = |text: &str| MetaDoc::from_json(&format!(r#"{{"XMP-dc:Title":"{text}"}}"#)).unwrap();
    let link = |of: &str, sidecar: &str| SidecarLink { of: name(of), sidecar: name(sidecar) };
    let files = [
        ("d/x", 1, 1),
        ("d/x.xmp", 2, 1),
        ("d/x.json", 3, 1),
        ("d/y", 4, 1),
        ("x.xmp", 5, 1),
        ("e/x", 1, 1),
        ("e/x.xmp", 2, 1),
    ];
    let mut batch = desk.seen(&files);
    let links = vec![link("x", "x.json"), link("x", "x.xmp")];
    batch.sidecars = vec![
        FolderSidecars { dir: dir("d"), links },
        FolderSidecars { dir: dir("e"), links: vec![link("x", "x.xmp")] },
    ];
    desk.record(&batch).await;
    let told = || async {
        let sidecars = repo.content(&hash(1)).await.unwrap().unwrap().sidecars;
        let shown = |Sidecar { of, at, blob }: &Sidecar| {
            let title = blob.meta.as_ref().map(|meta| meta.entries()["XMP-dc:Title"].to_string());
            (of.clone(), at.to_string(), title, blob.look.is_some())
        };
        sidecars.iter().map(shown).collect::<Vec<_>>()
    };
    let unread = |at: &str| (name("x"), format!("anna:/a/{at}"), None, false);
    assert_eq!(told().await, ["d/x.json", "d/x.xmp", "e/x.xmp"].map(unread));
    let texts = (1..).zip(["own", "two", "three", "four", "five"]);
    repo.enrich(&texts.map(|(content, text)| found(content, said(text))).collect::<Vec<_>>()).await.unwrap();
    let sidecar =
        |at: &str, text: &str| (name("x"), format!("anna:/a/{at}"), Some(format!("\"{text}\"")), true);
    let (in_d, in_e) = (sidecar("d/x.xmp", "two"), sidecar("e/x.xmp", "two"));
    assert_eq!(told().await, [sidecar("d/x.json", "three"), in_d.clone(), in_e.clone()]);
    assert_eq!(repo.content(&hash(2)).await.unwrap().unwrap().sidecars, []);

    desk.gone(&[desk.known("d/x.json").await.id]).await;
    assert_eq!(told().await, [in_d, in_e]);
    desk.see(&[("d/x", 4, 2), ("e/x", 4, 2)]).await;
    assert_eq!(told().await, [], "no file has it now");
}
