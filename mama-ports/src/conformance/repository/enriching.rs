//! Contents lack what nobody has looked for, and get it.

use super::desk::{Desk, dir, extractor, found, hash, host, name, record_of, root, sighting, time};
use crate::enrichment::{Enriched, Lacking, Looked, SeenFile, Wanted, WantedMetadata};
use crate::repository::{NewBlob, PageSize, Repository, ScanBatch, SettleBatch};
use crate::vocab::{AbsPath, Location, Look, MetaDoc, Mime, Timestamp};

const ALL: PageSize = PageSize(1_000);

/// Metadata by version 1 of the extractor, of anna's files.
fn wanted() -> Wanted {
    let metadata = WantedMetadata::By { extractor: extractor("1"), again_before: None };
    Wanted {
        host: host("anna"),
        has_archive: false,
        below: Vec::new(),
        metadata: Some(metadata),
        mime: false,
    }
}

fn by(version: &str, again_before: Option<Timestamp>) -> Wanted {
    let metadata = Some(WantedMetadata::By { extractor: extractor(version), again_before });
    Wanted { metadata, ..wanted() }
}

fn doc(text: &str) -> MetaDoc {
    MetaDoc::from_json(text).unwrap()
}

fn gave_up(content: u8, version: &str, at: i64) -> Enriched {
    let looked = Looked { by: extractor(version), at: time(at), found: Err("it hung".to_owned()) };
    Enriched { hash: hash(content), mime: None, looked: Some(looked) }
}

async fn lacking(repo: &dyn Repository, wanted: &Wanted) -> Vec<Lacking> {
    let all = repo.lacking(wanted, None, ALL).await.unwrap();
    assert_eq!(repo.count_lacking(wanted).await.unwrap(), all.len() as u64);
    all
}

/// The numbers of the contents that lack something, in their own order.
async fn numbers(repo: &dyn Repository, wanted: &Wanted) -> Vec<u8> {
    let mut numbers: Vec<u8> = lacking(repo, wanted).await.iter().map(|it| it.hash.as_bytes()[0]).collect();
    numbers.sort_unstable();
    numbers
}

/// A content lacks metadata until somebody has looked into it, whether or not there was any.
pub async fn contents_that_nobody_looked_into_lack_metadata(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    for file in [("x", 3, 1), ("y", 1, 1), ("copy", 3, 1), ("z", 2, 1)] {
        desk.see(&[file]).await;
    }
    let told: Vec<_> = lacking(repo, &wanted()).await.iter().map(|it| it.hash).collect();
    assert_eq!(told, [3, 1, 2].map(hash), "in the order in which they became known");
    repo.enrich(&[found(1, MetaDoc::default()), found(9, doc(r#"{"a":1}"#))]).await.unwrap();
    assert_eq!(numbers(repo, &wanted()).await, [2, 3]);
    repo.enrich(&[found(2, doc(r#"{"a":1}"#)), found(3, doc(r#"{"a":1}"#))]).await.unwrap();
    assert_eq!(numbers(repo, &wanted()).await, [0; 0]);
    assert_eq!(numbers(repo, &Wanted { metadata: None, ..wanted() }).await, [0; 0]);
    assert_eq!(repo.blobs(&[hash(9)]).await.unwrap(), [None], "what is not known is left out");
}

/// Pages follow each other, and go on after what was done meanwhile.
pub async fn what_lacks_something_comes_in_pages(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    for file in [("a", 1, 1), ("b", 2, 1), ("c", 3, 1), ("d", 4, 1), ("e", 5, 1)] {
        desk.see(&[file]).await;
    }
    let mut told = Vec::new();
    let mut after = None;
    loop {
        let page = repo.lacking(&wanted(), after, PageSize(2)).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.cursor);
        told.extend(page.iter().map(|it| it.hash));
        repo.enrich(&[found(1, MetaDoc::default()), found(2, MetaDoc::default())]).await.unwrap();
    }
    assert_eq!(told, [1, 2, 3, 4, 5].map(hash));
    assert_eq!(numbers(repo, &wanted()).await, [3, 4, 5]);
}

/// A present file of that host, or a copy in an archive that can be read.
pub async fn only_what_can_be_read_is_told(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("here", 1, 1), ("gone", 2, 1), ("stored", 3, 1), ("was", 4, 1)]).await;
    desk.see(&[("was", 5, 2)]).await;
    desk.gone(&[desk.known("gone").await.id, desk.known("stored").await.id]).await;
    Desk::begin(repo, &root("bert", "/a"), time(1)).await.see(&[("x", 6, 1)]).await;
    repo.settle(&SettleBatch { stored: vec![hash(3)], ..SettleBatch::default() }).await.unwrap();
    assert_eq!(numbers(repo, &wanted()).await, [1, 5]);
    assert_eq!(numbers(repo, &Wanted { has_archive: true, ..wanted() }).await, [1, 3, 5]);
    assert_eq!(numbers(repo, &Wanted { host: host("bert"), ..wanted() }).await, [6]);
    assert_eq!(numbers(repo, &Wanted { host: host("carl"), has_archive: true, ..wanted() }).await, [3]);
    assert_eq!(repo.totals().await.unwrap().unlooked, 4, "what nobody can read does not wait for anybody");
}

/// The oldest sightings first, and no more than are of use; the name is the newest one, of any host.
pub async fn a_content_is_told_with_its_files_on_that_host(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let mut batch = desk.seen(&[("d/y", 1, 1), ("x", 1, 2)]);
    (batch.blobs[0].mime, batch.sightings[1].racy) = (Some(Mime::new("image/png")), true);
    desk.record(&batch).await;
    Desk::begin(repo, &root("bert", "/b"), time(1)).await.see(&[("\\", 1, 1)]).await;
    let file = |path: &str, mtime, racy| {
        let (dir, name) = dir(path).split().unwrap();
        let fingerprint = sighting(path, 1, mtime).fingerprint;
        SeenFile { at: Location { root: root("anna", "/a"), dir, name }, fingerprint, racy }
    };
    let [told] = &lacking(repo, &wanted()).await[..] else { panic!("one content") };
    assert_eq!((told.hash, told.size, told.mime.clone()), (hash(1), 100, Some(Mime::new("image/png"))));
    assert_eq!((told.lacks_metadata, told.stored, told.name.clone()), (true, false, Some(name("\\"))));
    assert_eq!(told.files, [file("d/y", 1, false), file("x", 2, true)]);
    desk.see(&[("1", 1, 1), ("2", 1, 1), ("3", 1, 1)]).await;
    assert_eq!(lacking(repo, &wanted()).await[0].files.len(), 4);
}

/// A path is a file, or a folder with all below it, of whichever root; what is gone from there counts, if it can be read elsewhere.
pub async fn only_what_was_seen_below_a_path_is_told(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("b/x", 1, 1), ("bc/y", 2, 1), ("b", 3, 1), ("b/d/z", 4, 1), ("b/stored", 5, 1)]).await;
    desk.gone(&[desk.known("b/stored").await.id]).await;
    Desk::begin(repo, &root("anna", "/a/b/d"), time(1)).await.see(&[("w", 6, 1)]).await;
    Desk::begin(repo, &root("bert", "/a"), time(1)).await.see(&[("b/v", 7, 1), ("b/u", 2, 1)]).await;
    repo.settle(&SettleBatch { stored: vec![hash(5), hash(7)], ..SettleBatch::default() }).await.unwrap();
    let below = |paths: &[&str]| {
        let below = paths.iter().map(|path| AbsPath::parse(*path).unwrap()).collect();
        Wanted { below, has_archive: true, ..wanted() }
    };
    assert_eq!(numbers(repo, &below(&["/a/b"])).await, [1, 3, 4, 5, 6]);
    assert_eq!(numbers(repo, &below(&["/a/b/d"])).await, [4, 6]);
    assert_eq!(numbers(repo, &below(&["/a/bc", "/a/b/x"])).await, [1, 2]);
    assert_eq!(numbers(repo, &below(&["/"])).await, [1, 2, 3, 4, 5, 6]);
    assert_eq!(numbers(repo, &below(&["/b"])).await, [0; 0]);
    assert_eq!(numbers(repo, &below(&[])).await, [1, 2, 3, 4, 5, 6, 7]);
}

/// By itself only another extractor tries what one gave up on; what was found is looked for again only on request.
pub async fn who_gave_up_is_asked_again_only_if_that_is_wanted(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("a", 1, 1), ("b", 2, 1), ("c", 3, 1), ("d", 4, 1)]).await;
    repo.enrich(&[found(1, doc(r#"{"a":1}"#)), gave_up(2, "1", 20), gave_up(3, "0", 30)]).await.unwrap();
    assert_eq!(numbers(repo, &by("1", None)).await, [3, 4]);
    assert_eq!(numbers(repo, &by("2", None)).await, [2, 3, 4]);
    assert_eq!(numbers(repo, &by("1", Some(time(20)))).await, [3, 4], "the moment itself is not before it");
    assert_eq!(numbers(repo, &by("1", Some(time(21)))).await, [2, 3, 4]);
    assert_eq!(numbers(repo, &by("2", Some(time(0)))).await, [1, 2, 3, 4]);
    let unlooked = Wanted { metadata: Some(WantedMetadata::Unlooked), ..wanted() };
    assert_eq!(numbers(repo, &unlooked).await, [4], "who is nobody asks nobody again");
    let any = Wanted { metadata: Some(WantedMetadata::Any), ..wanted() };
    assert_eq!(numbers(repo, &any).await, [2, 3, 4], "whoever comes may ask again");
}

/// The last look counts; one that gave up takes nothing away.
pub async fn a_look_replaces_the_one_before(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("a", 1, 1)]).await;
    let numbers = doc(r#"{"a":2}"#).entries().clone();
    let first = doc(r#"{"a":1,"b":2}"#).with_numbers(numbers);
    repo.enrich(&[found(1, first.clone())]).await.unwrap();
    let known = async || {
        let record = record_of(repo, hash(1)).await;
        (record.meta.unwrap(), record.look.unwrap())
    };
    let look = Look { by: extractor("1"), at: time(5), error: None };
    assert_eq!(known().await, (first.clone(), look.clone()));
    repo.enrich(&[gave_up(1, "2", 7)]).await.unwrap();
    let failed = Look { by: extractor("2"), at: time(7), error: Some("it hung".to_owned()) };
    assert_eq!(known().await, (first, failed));
    let second = doc(r#"{"c":3}"#);
    repo.enrich(&[found(1, second.clone())]).await.unwrap();
    assert_eq!(known().await, (second, look));
    assert_eq!(repo.blobs(&[hash(1)]).await.unwrap()[0].as_ref().unwrap().has_meta, Some(true));
    repo.enrich(&[gave_up(1, "0", 4), gave_up(2, "0", 4)]).await.unwrap();
    assert_eq!(known().await.1.by, extractor("0"), "whoever comes last");
}

/// What was found quickly is better than nothing, but no longer preliminary: somebody has looked.
pub async fn a_look_that_gave_up_leaves_what_was_found_quickly(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let mut batch = desk.seen(&[("a", 1, 1), ("b", 2, 1)]);
    for blob in &mut batch.blobs {
        blob.quick = Some(doc(r#"{"a":1}"#));
    }
    desk.record(&batch).await;
    let known = async |content: u8| {
        let record = record_of(repo, hash(content)).await;
        (record.meta.map(|doc| doc.to_json()), record.look.map(|look| look.by))
    };
    let quick = Some(r#"{"a":1}"#.to_owned());
    assert_eq!((known(1).await, known(2).await), ((quick.clone(), None), (quick.clone(), None)));
    for _ in 0..2 {
        repo.enrich(&[gave_up(1, "1", 7)]).await.unwrap();
        assert_eq!(known(1).await, (quick.clone(), Some(extractor("1"))));
        assert_eq!(known(2).await, (quick.clone(), None));
        let totals = repo.totals().await.unwrap();
        assert_eq!((totals.with_meta, totals.unlooked, totals.preliminary), (2, 1, 1));
        assert_eq!(repo.blobs(&[hash(1)]).await.unwrap()[0].as_ref().unwrap().has_meta, Some(true));
        desk.record(&ScanBatch { blobs: batch.blobs.clone(), ..desk.batch() }).await;
    }
    repo.enrich(&[found(1, MetaDoc::default())]).await.unwrap();
    assert_eq!(known(1).await, (Some("{}".to_owned()), Some(extractor("1"))), "what is found counts");
}

/// A content without a type lacks it where types are wanted, and keeps the first.
pub async fn types_are_told_and_taken_once(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    let typed = NewBlob { mime: Some(Mime::new("a/a")), ..super::desk::described(2) };
    desk.record(&ScanBatch { blobs: vec![typed], ..desk.batch() }).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    repo.enrich(&[found(1, MetaDoc::default()), found(2, MetaDoc::default())]).await.unwrap();
    assert_eq!(numbers(repo, &wanted()).await, [0; 0]);
    let types = Wanted { mime: true, ..wanted() };
    let told = lacking(repo, &types).await;
    assert_eq!(told.iter().map(|it| (it.hash, it.lacks_metadata)).collect::<Vec<_>>(), [(hash(1), false)]);
    let of = |mime: &str| Enriched { hash: hash(1), mime: Some(Mime::new(mime)), looked: None };
    repo.enrich(&[of("b/b")]).await.unwrap();
    repo.enrich(&[of("c/c")]).await.unwrap();
    assert_eq!(numbers(repo, &types).await, [0; 0]);
    let record = record_of(repo, hash(1)).await;
    assert_eq!(
        (record.mime, record.look.map(|look| look.by)),
        (Some(Mime::new("b/b")), Some(extractor("1")))
    );
}

/// Sightings of this root that came after the scan began, of contents that have any metadata by now.
pub async fn what_a_scan_added_is_counted_with_its_metadata(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("old", 1, 1)]).await;
    let desk = desk.next(&root("anna", "/a")).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1), ("copy", 2, 1), ("z", 3, 1), ("w", 4, 1)]).await;
    let other = Desk::begin(repo, &root("anna", "/b"), time(2_000)).await;
    other.see(&[("x", 1, 1)]).await;
    repo.enrich(&[found(1, doc(r#"{"a":1}"#)), found(2, doc(r#"{"a":1}"#)), found(3, MetaDoc::default())])
        .await
        .unwrap();
    let count =
        async |desk: &Desk<'_>| repo.count_with_metadata(desk.scan(), desk.begun.newest).await.unwrap();
    assert_eq!((count(&desk).await, count(&other).await), (3, 1));
    assert_eq!(repo.count_with_metadata(desk.scan(), None).await.unwrap(), 4);
}
