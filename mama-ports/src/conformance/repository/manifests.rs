//! What the archive's manifests lack, and rows that come back from them.

use super::desk::{
    Desk, PENDING, PLACED, confirmation, contests, decide, described, dir, extractor, fingerprint, found,
    hash, host, name, on, place_all, root, settle, sighting, time, to_placed,
};
use crate::curation::{ActId, ItemId, NewAct};
use crate::manifest::{
    ActRow, BlobRow, Generations, ItemRow, LastSeen, Mark, ObservationRow, RootRow, Rows, UnsavedRows,
};
use crate::repository::{
    Decision, KnownBlob, NewBlob, PageSize, Repository, RepositoryError, ScanBatch, Scope, SettleBatch,
    Settled, Settlement,
};
use crate::vocab::{
    BlobHash, BlobRecord, BlockReason, Location, Look, MetaDoc, Mime, ObservationId, Placement, RelPath,
    ScanRoot, SourceKind, Standing, Status, VolumeId,
};

const ALL: PageSize = PageSize(1_000);

const fn mark(generation: u64) -> Mark {
    Mark { generation, digest: BlobHash::from_bytes([generation as u8; 32]) }
}

/// Saves everything.
async fn save(repo: &dyn Repository) {
    let unsaved = repo.unsaved(ALL).await.unwrap();
    repo.saved(None, &mark(1), &unsaved.receipt).await.unwrap();
    assert!(!repo.generations().await.unwrap().is_unsaved);
}

/// How many sightings and contents are unsaved, before they are saved.
async fn unsaved(repo: &dyn Repository) -> (usize, usize) {
    let UnsavedRows { rows, .. } = repo.unsaved(ALL).await.unwrap();
    save(repo).await;
    (rows.observations.len(), rows.blobs.len())
}

/// A new catalog has nothing to save, and was never saved.
pub async fn a_new_catalog_knows_of_no_manifest(repo: &dyn Repository) {
    assert_eq!(repo.generations().await.unwrap(), Generations::default());
    assert_eq!(repo.unsaved(ALL).await.unwrap(), UnsavedRows::default());
    assert_eq!(repo.stored(None, ALL).await.unwrap(), []);
}

/// A sighting is unsaved whenever anything about it changes, and then once only.
pub async fn every_change_of_a_sighting_is_unsaved(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    assert!(repo.generations().await.unwrap().is_unsaved);
    assert_eq!(unsaved(repo).await, (2, 2));

    let x = desk.known("x").await;
    desk.record(&ScanBatch { confirmed: vec![confirmation(&x)], ..desk.batch() }).await;
    assert_eq!(unsaved(repo).await, (1, 0), "confirmed");
    settle(repo, vec![to_placed(x.id)]).await;
    assert_eq!(unsaved(repo).await, (1, 0), "settled");
    let (from, to) = (Status::Assigned, Status::Ignored);
    decide(repo, &[Decision::Retarget { id: x.id, from, to }]).await.unwrap();
    assert_eq!(unsaved(repo).await, (1, 0), "decided");
    desk.record(&ScanBatch { held: vec![x.id], ..desk.batch() }).await;
    assert_eq!(unsaved(repo).await, (1, 0), "held");
    desk.gone(&[x.id]).await;
    assert_eq!(unsaved(repo).await, (1, 0), "gone");
    desk.see(&[("x", 1, 1)]).await;
    assert_eq!(unsaved(repo).await, (1, 0), "back");
    desk.see(&[("x", 2, 5)]).await;
    assert_eq!(unsaved(repo).await, (2, 0), "superseded");
    desk.gone_below("").await;
    assert_eq!(unsaved(repo).await, (2, 0), "gone below");
}

/// A content is unsaved whenever anything about it changes, with the sightings that this opens.
pub async fn every_change_of_a_content_is_unsaved(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 1, 1)]).await;
    super::desk::place_all(repo).await;
    save(repo).await;

    let typed = NewBlob { mime: Some(Mime::new("image/jpeg")), ..described(1) };
    desk.record(&ScanBatch { blobs: vec![typed], ..desk.batch() }).await;
    assert_eq!(unsaved(repo).await, (0, 1), "typed");
    let told = found(1, MetaDoc::from_json(r#"{"a":1}"#).unwrap());
    repo.enrich(std::slice::from_ref(&told)).await.unwrap();
    assert_eq!(unsaved(repo).await, (0, 1), "told");
    repo.enrich(&[told]).await.unwrap();
    assert!(!repo.generations().await.unwrap().is_unsaved, "told again");
    let batch = SettleBatch { stored: vec![hash(1)], ..SettleBatch::default() };
    repo.settle(&batch).await.unwrap();
    assert_eq!(unsaved(repo).await, (0, 1), "stored");
    let batch = SettleBatch { damaged: vec![hash(1)], ..SettleBatch::default() };
    repo.settle(&batch).await.unwrap();
    assert_eq!(unsaved(repo).await, (2, 1), "damaged");
    let open = contests(repo, Scope::WithPending).await;
    let claims = open.iter().flat_map(|contest| &contest.claims);
    let again = claims.map(|claim| Settlement {
        from: on(Standing { placement: Placement::None, ..PLACED }),
        ..to_placed(claim.id)
    });
    settle(repo, again.collect()).await;
    save(repo).await;
    let to = Some(BlockReason::Blocked);
    decide(repo, &[Decision::Block { hash: hash(1), from: None, to }]).await.unwrap();
    assert_eq!(unsaved(repo).await, (2, 1), "blocked");
}

/// What was decided is unsaved with the act that it belongs to, on however short a page.
pub async fn every_act_is_unsaved_with_its_decisions(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    let (x, y) = (desk.known("x").await.id, desk.known("y").await.id);
    save(repo).await;
    for id in [x, y] {
        let act = repo.append(&act("ignore", None)).await.unwrap();
        let (from, to) = (Status::Pending, Status::Ignored);
        repo.decide(act, &[Decision::Retarget { id, from, to }, Decision::Retarget { id, from, to: from }])
            .await
            .unwrap();
    }
    let mut acts = Vec::new();
    for generation in 1.. {
        let UnsavedRows { rows, receipt, .. } = repo.unsaved(PageSize(1)).await.unwrap();
        if receipt.is_empty() {
            break;
        }
        assert!(rows.acts.len() <= 1 && rows.items.len() <= 1);
        acts.extend(rows.acts.iter().map(|row| row.id));
        assert!(rows.items.iter().all(|row| acts.contains(&row.act)));
        repo.saved(None, &mark(generation), &receipt).await.unwrap();
    }
    assert_eq!(acts.len(), 2);
    assert!(!repo.generations().await.unwrap().is_unsaved);
    repo.append(&NewAct { summary: Some("{}".to_owned()), ..act("apply", None) }).await.unwrap();
    assert!(!repo.generations().await.unwrap().is_unsaved, "a run alone is no reason for a manifest");
    assert_eq!(repo.unsaved(ALL).await.unwrap().rows.acts.len(), 1);
}

/// What is as it was is not counted, nor what a whole scan confirms at once.
pub async fn what_changes_nothing_is_saved_still(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    let x = desk.known("x").await;
    settle(repo, vec![to_placed(x.id)]).await;
    repo.settle(&SettleBatch { stored: vec![hash(1)], ..SettleBatch::default() }).await.unwrap();
    save(repo).await;
    assert_eq!(settle(repo, vec![to_placed(x.id)]).await, [Settled::Done]);
    repo.settle(&SettleBatch { stored: vec![hash(1)], ..SettleBatch::default() }).await.unwrap();
    desk.record(&ScanBatch { blobs: vec![described(1)], ..desk.batch() }).await;
    assert!(!repo.generations().await.unwrap().is_unsaved);
    let (from, to) = (Status::Pending, Status::Ignored);
    decide(repo, &[Decision::Retarget { id: x.id, from, to }]).await.unwrap();
    assert_eq!(unsaved(repo).await, (0, 0), "stale");
    let desk = desk.next(&root("anna", "/a")).await;
    desk.next(&root("anna", "/a")).await;
    assert!(!repo.generations().await.unwrap().is_unsaved);
}

/// A row that was changed after it was read is not taken for saved.
pub async fn what_changes_while_it_is_written_stays_unsaved(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    let read = repo.unsaved(ALL).await.unwrap();
    let x = desk.known("x").await;
    settle(repo, vec![to_placed(x.id)]).await;
    repo.settle(&SettleBatch { stored: vec![hash(2)], ..SettleBatch::default() }).await.unwrap();
    repo.saved(None, &mark(1), &read.receipt).await.unwrap();
    let left = repo.unsaved(ALL).await.unwrap().receipt;
    let ids: Vec<ObservationId> = left.observations.iter().map(|(id, _)| *id).collect();
    let hashes: Vec<BlobHash> = left.blobs.iter().map(|(hash, _)| *hash).collect();
    assert_eq!((ids, hashes), (vec![x.id], vec![hash(2)]));
    repo.saved(None, &mark(2), &left).await.unwrap();
    assert!(!repo.generations().await.unwrap().is_unsaved);
}

/// However short the page, no sighting is on it whose content was not saved before or is there too.
pub async fn the_content_of_a_sighting_comes_with_it(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.record(&ScanBatch { blobs: vec![described(1), described(2), described(3)], ..desk.batch() }).await;
    desk.see(&[("x", 3, 1), ("y", 3, 1), ("z", 2, 1)]).await;
    let mut saved = Vec::new();
    for generation in 1.. {
        let UnsavedRows { rows, receipt, has_more } = repo.unsaved(PageSize(1)).await.unwrap();
        if receipt.is_empty() {
            assert!(!has_more);
            break;
        }
        assert!(rows.observations.len() <= 1 && rows.blobs.len() <= 2);
        assert_eq!(rows.roots.len(), 1);
        saved.extend(rows.blobs.iter().map(|row| row.record.hash));
        assert!(rows.observations.iter().all(|row| saved.contains(&row.hash)));
        repo.saved(None, &mark(generation), &receipt).await.unwrap();
    }
    assert_eq!(saved.len(), 3);
}

/// The catalog knows the last manifest that was announced, and the last one that is durable.
pub async fn manifests_are_announced_and_remembered(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("x", 1, 1)]).await;
    repo.intend(None, &mark(1)).await.unwrap();
    let generations = repo.generations().await.unwrap();
    assert_eq!((generations.saved, generations.intended), (None, Some(mark(1))));
    save(repo).await;
    repo.intend(None, &mark(2)).await.unwrap();
    let generations = repo.generations().await.unwrap();
    assert_eq!((generations.saved, generations.intended), (Some(mark(1)), Some(mark(2))));
    repo.explain_anew().await.unwrap();
    let generations = repo.generations().await.unwrap();
    assert!(generations.anew && generations.is_unsaved);
    assert_eq!(unsaved(repo).await, (1, 1));
    assert!(!repo.generations().await.unwrap().anew);
}

/// And nothing else about it changes.
pub async fn everything_is_opened_again(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    place_all(repo).await;
    save(repo).await;
    repo.reopen().await.unwrap();
    let contests = contests(repo, Scope::WithPending).await;
    let opened: Vec<_> = contests.iter().flat_map(|contest| &contest.claims).collect();
    let placed = Standing { status: Status::Assigned, placement: Placement::Placed };
    assert!(opened.len() == 2 && opened.iter().all(|claim| claim.open && claim.standing == placed));
    assert_eq!(unsaved(repo).await.0, 2);
}

/// Whoever held an older lease writes nothing about manifests.
pub async fn an_older_lease_announces_no_manifest(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("x", 1, 1)]).await;
    let older = repo.lease().await.unwrap().unwrap().epoch;
    let newer = repo.lease().await.unwrap().unwrap().epoch;
    let receipt = repo.unsaved(ALL).await.unwrap().receipt;
    let refused = repo.intend(Some(older), &mark(1)).await;
    assert!(matches!(refused, Err(RepositoryError::Superseded)), "{refused:?}");
    let refused = repo.saved(Some(older), &mark(1), &receipt).await;
    assert!(matches!(refused, Err(RepositoryError::Superseded)), "{refused:?}");
    let unchanged = repo.generations().await.unwrap();
    assert_eq!(unchanged, Generations { is_unsaved: true, ..Generations::default() });
    repo.intend(Some(newer), &mark(1)).await.unwrap();
    repo.saved(Some(newer), &mark(1), &receipt).await.unwrap();
    assert!(!repo.generations().await.unwrap().is_unsaved);
}

fn seen_at(root: &ScanRoot, id: i64, path: &str, content: u8) -> ObservationRow {
    let (dir, name) = dir(path).split().unwrap();
    ObservationRow {
        id: ObservationId(id),
        at: Location { root: root.clone(), dir, name },
        hash: hash(content),
        fingerprint: fingerprint(content, id),
        racy: false,
        seen: time(id),
        gone: None,
        held: false,
        current: true,
        open: false,
        standing: PLACED,
        view: Some(super::desk::dir(&format!("views/{id}"))),
    }
}

fn act(verb: &str, undoes: Option<ActId>) -> NewAct {
    let (verb, words) = (verb.to_owned(), "\"ä\"\n".to_owned());
    NewAct { at: time(55), host: host("anna"), verb, words, undoes, summary: None }
}

/// Rows of every kind, in the order in which a catalog gives them.
fn rows() -> Rows {
    let anna = root("anna", "/a");
    let imported = ScanRoot { kind: SourceKind::Import, ..root("Björn", "/b") };
    let record = |content: u8| BlobRecord {
        hash: hash(content),
        size: u64::from(content) * 100,
        mime: None,
        meta: None,
        look: None,
        stored: false,
        block: None,
    };
    let meta = MetaDoc::from_json(r#"{"é":"\\","n":1e300,"z":[-0.0,1.50]}"#).unwrap();
    let numbers = MetaDoc::from_json(r#"{"é":-0.0,"z":[1.5e-300,1.50]}"#).unwrap();
    let meta = Some(meta.with_numbers(numbers.entries().clone()));
    let look = Some(Look { by: extractor("1"), at: time(-2), error: Some("\"ä\"\n".to_owned()) });
    let full = BlobRecord {
        mime: Some(Mime::new("image/jpeg")),
        meta,
        look,
        stored: true,
        block: Some(BlockReason::Deleted),
        ..record(2)
    };
    let [older, newer] = [seen_at(&anna, 5, "d/x", 1), seen_at(&anna, 9, "d/x", 2)];
    let odd = ObservationRow {
        at: Location {
            dir: crate::vocab::RelPath::parse(b"\xff\n".as_slice()).unwrap(),
            name: name("\\"),
            root: imported.clone(),
        },
        racy: true,
        held: true,
        open: true,
        standing: PENDING,
        view: None,
        ..seen_at(&imported, 7, "x", 1)
    };
    Rows {
        roots: vec![
            RootRow {
                root: anna.clone(),
                confirmed: Some(time(77)),
                mounts: vec![(dir(""), VolumeId::new("ext:1")), (dir("d/e"), VolumeId::new("uuid:6E1A"))],
            },
            RootRow { root: imported, confirmed: None, mounts: vec![] },
        ],
        blobs: [record(1), full].map(|record| BlobRow { record, first_seen: time(-3) }).to_vec(),
        observations: vec![
            ObservationRow { current: false, gone: Some(time(6)), ..older },
            odd,
            newer,
            ObservationRow { gone: Some(time(30)), ..seen_at(&anna, 12, "d/e/y", 2) },
        ],
        acts: vec![
            ActRow { id: ActId(3), asked: act("ignore", None) },
            ActRow { id: ActId(6), asked: act("undo", Some(ActId(3))) },
            ActRow { id: ActId(7), asked: NewAct { summary: Some("{}".to_owned()), ..act("apply", None) } },
        ],
        items: vec![
            ItemRow {
                id: ItemId(4),
                act: ActId(3),
                decision: Decision::Retarget {
                    id: ObservationId(9),
                    from: Status::Assigned,
                    to: Status::Ignored,
                },
            },
            ItemRow {
                id: ItemId(8),
                act: ActId(6),
                decision: Decision::Block { hash: hash(2), from: None, to: Some(BlockReason::Deleted) },
            },
        ],
    }
}

/// All rows that the catalog has.
async fn everything(repo: &dyn Repository) -> Rows {
    repo.explain_anew().await.unwrap();
    repo.unsaved(ALL).await.unwrap().rows
}

/// Rows that are put back are the same when they are read again, and count as saved.
pub async fn restored_rows_are_as_they_were(repo: &dyn Repository) {
    repo.restore(&rows()).await.unwrap();
    assert!(!repo.generations().await.unwrap().is_unsaved);
    assert_eq!(everything(repo).await, rows());
    let known = repo.blobs(&[hash(2), hash(1)]).await.unwrap();
    let in_short = |BlobRow { record, .. }: BlobRow| {
        let BlobRecord { hash: _, size, mime, meta, look: _, stored, block } = record;
        Some(KnownBlob { size, mime, has_meta: meta.map(|meta| !meta.is_empty()), stored, block })
    };
    let expected: Vec<_> = rows().blobs.into_iter().rev().map(in_short).collect();
    assert_eq!(known, expected);
}

/// A rebuild may begin again at any row.
pub async fn restoring_again_changes_nothing(repo: &dyn Repository) {
    repo.restore(&Rows { observations: Vec::new(), ..rows() }).await.unwrap();
    repo.restore(&rows()).await.unwrap();
    repo.restore(&rows()).await.unwrap();
    repo.restore(&Rows { roots: Vec::new(), blobs: Vec::new(), ..rows() }).await.unwrap();
    assert_eq!(everything(repo).await, rows());
    assert_eq!(repo.begin(&root("anna", "/a"), time(100)).await.unwrap().known_files, 1);
}

/// The next scan finds what was there.
pub async fn restored_files_are_present_in_their_folders(repo: &dyn Repository) {
    repo.restore(&rows()).await.unwrap();
    let desk = Desk::begin(repo, &root("anna", "/a"), time(100)).await;
    assert_eq!(desk.begun.known_files, 1);
    assert_eq!(desk.folder("").await.folders, [name("d")]);
    assert_eq!(desk.folder("d").await.folders, []);
    assert_eq!(desk.known("d/x").await.id, ObservationId(9));
    assert!(desk.known("d/e/y").await.gone);
    assert_eq!(desk.gone_below("").await.gone, 1);
    let open = contests(repo, Scope::WithPending).await;
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].claims[0].id, ObservationId(7));
}

/// Ids stay, and what comes later has greater ones.
pub async fn what_is_seen_after_a_rebuild_is_new(repo: &dyn Repository) {
    repo.restore(&rows()).await.unwrap();
    let desk = Desk::begin(repo, &root("anna", "/a"), time(100)).await;
    desk.see(&[("new", 3, 1)]).await;
    assert!(desk.known("new").await.id > ObservationId(12));
}

/// Two current rows at one place, by manifests of which one is lost: the later one is current, and counted once.
pub async fn of_two_current_rows_the_later_one_counts(repo: &dyn Repository) {
    let anna = root("anna", "/a");
    let both = |first, second| vec![seen_at(&anna, first, "x", 1), seen_at(&anna, second, "x", 2)];
    repo.restore(&Rows { observations: both(1, 2), ..rows() }).await.unwrap();
    let desk = Desk::begin(repo, &anna, time(100)).await;
    assert_eq!((desk.begun.known_files, desk.known("x").await.id), (1, ObservationId(2)));
    repo.restore(&Rows { observations: vec![seen_at(&anna, 1, "x", 1)], ..rows() }).await.unwrap();
    let desk = Desk::begin(repo, &anna, time(200)).await;
    assert_eq!((desk.begun.known_files, desk.known("x").await.id), (1, ObservationId(1)));
}

/// A catalog that is being rebuilt says so until it is done, and then knows the archive's last manifest.
pub async fn a_rebuild_has_an_end(repo: &dyn Repository) {
    repo.saved(None, &mark(1), &crate::manifest::Receipt::default()).await.unwrap();
    repo.restore(&rows()).await.unwrap();
    let during = repo.generations().await.unwrap();
    assert_eq!((during.rebuilding, during.saved), (true, None));
    repo.intend(None, &mark(9)).await.unwrap();
    repo.restored(Some(&mark(8))).await.unwrap();
    let after = Generations { saved: Some(mark(8)), ..Generations::default() };
    assert_eq!(repo.generations().await.unwrap(), after);
    repo.restored(None).await.unwrap();
    assert_eq!(repo.generations().await.unwrap(), Generations::default());
}

/// Page by page, without what is not stored.
pub async fn what_is_stored_is_listed_in_the_order_of_hashes(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("c", 3, 1), ("a", 1, 1), ("d", 4, 1), ("b", 2, 1)]).await;
    let stored = vec![hash(4), hash(1), hash(3)];
    repo.settle(&SettleBatch { stored, ..SettleBatch::default() }).await.unwrap();
    let first = repo.stored(None, PageSize(2)).await.unwrap();
    assert_eq!(first, [(hash(1), 100), (hash(3), 300)]);
    assert_eq!(repo.stored(Some(&hash(3)), PageSize(2)).await.unwrap(), [(hash(4), 400)]);
    assert_eq!(repo.stored(Some(&hash(4)), PageSize(2)).await.unwrap(), []);
}

/// In id order, with what they show; nothing that has lost its view.
pub async fn what_is_placed_is_listed_with_its_view(repo: &dyn Repository) {
    assert_eq!(repo.placed(None, ALL).await.unwrap(), []);
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1), ("z", 1, 1), ("pending", 3, 1)]).await;
    let mut ids = Vec::new();
    for name in ["x", "y", "z"] {
        ids.push(desk.known(name).await.id);
        settle(repo, vec![to_placed(ids[ids.len() - 1])]).await;
    }
    repo.settle(&SettleBatch { unplaced: vec![ids[1]], ..SettleBatch::default() }).await.unwrap();
    let shown = |id: ObservationId| (id, hash(1), to_placed(id).view.unwrap());
    let all: [(ObservationId, BlobHash, RelPath); 2] = [shown(ids[0]), shown(ids[2])];
    assert_eq!(repo.placed(None, ALL).await.unwrap(), all);
    assert_eq!(repo.placed(None, PageSize(1)).await.unwrap(), all[..1]);
    assert_eq!(repo.placed(Some(ids[0]), ALL).await.unwrap(), all[1..]);
}

/// A present file first, else the newest sighting, on any host.
pub async fn a_content_was_last_seen_where_it_is_present(repo: &dyn Repository) {
    let anna = Desk::new(repo).await;
    anna.see(&[("x", 1, 1), ("y", 2, 1), ("z", 3, 1)]).await;
    let bert = root("bert", "/b");
    let desk = Desk::begin(repo, &bert, time(2_000)).await;
    desk.record(&ScanBatch { sightings: vec![sighting("w", 2, 1), sighting("w", 3, 2)], ..desk.batch() })
        .await;
    let gone = [anna.known("z").await.id, anna.known("y").await.id, desk.known("w").await.id];
    anna.gone(&gone[..2]).await;
    desk.gone(&gone[2..]).await;
    let seen = repo.last_seen(&[hash(3), hash(9), hash(1), hash(2)]).await.unwrap();
    let at = |root: ScanRoot, file| Location { root, dir: dir(""), name: name(file) };
    let was = |at, is_present| Some(LastSeen { at, is_present });
    let expected = [
        was(at(bert.clone(), "w"), false),
        None,
        was(at(root("anna", "/a"), "x"), true),
        was(at(bert, "w"), false),
    ];
    assert_eq!(seen, expected);
}
