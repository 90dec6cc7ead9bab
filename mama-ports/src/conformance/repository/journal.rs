//! The journal: what was decided, in order, and what of it still holds.

use super::desk::{Desk, act, hash, root, time};
use crate::curation::{Act, ActId, Decision, NewAct};
use crate::repository::{PageSize, Repository, Settled};
use crate::vocab::{BlockReason, ObservationId, Status};

const ALL: PageSize = PageSize(1_000);

/// With every word of it.
pub async fn acts_are_told_newest_first(repo: &dyn Repository) {
    assert_eq!(repo.acts(None, ALL).await.unwrap(), []);
    let words = "/a/\u{e9} --mime 'image/*' \\xff";
    let first = NewAct { words: words.to_owned(), ..act("ignore", -5) };
    let first_id = repo.append(&first).await.unwrap();
    let summary = Some(r#"{"files":3}"#.to_owned());
    let second = NewAct { undoes: Some(first_id), summary, ..act("scan", 7) };
    let second_id = repo.append(&second).await.unwrap();
    let told = [Act { id: second_id, asked: second, items: 0 }, Act { id: first_id, asked: first, items: 0 }];
    assert_eq!(repo.acts(None, ALL).await.unwrap(), told);
    assert_eq!(repo.acts(None, PageSize(1)).await.unwrap(), told[..1]);
    assert_eq!(repo.acts(Some(second_id), ALL).await.unwrap(), told[1..]);
}

/// Only what was done, in the order of the batch; later decisions do not change it.
pub async fn decisions_are_in_the_journal(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1), ("y", 2, 1)]).await;
    Desk::begin(repo, &root("bert", "/b"), time(1)).await.see(&[("z", 2, 1)]).await;
    let id = desk.known("x").await.id;
    let ignore = Decision::Retarget { id, from: Status::Pending, to: Status::Ignored };
    let block = Decision::Block { hash: hash(2), from: None, to: Some(BlockReason::Blocked) };
    let nobody = Decision::Retarget { id: ObservationId(404), from: Status::Pending, to: Status::Ignored };
    let decided = repo.append(&act("ignore", 1)).await.unwrap();
    let answers = repo.decide(decided, &[nobody, ignore, ignore, block]).await.unwrap();
    assert_eq!(answers, [Settled::Stale, Settled::Done, Settled::Stale, Settled::Done]);
    assert_eq!(repo.acts(None, ALL).await.unwrap()[0].items, 2);
    let told = |items: Vec<crate::curation::Item>| {
        let item = |it: crate::curation::Item| (it.decision, it.holds, it.at.to_string(), it.hash, it.size);
        items.into_iter().map(item).collect::<Vec<_>>()
    };
    let items = repo.items(decided, None, ALL).await.unwrap();
    let after_first = repo.items(decided, Some(items[0].id), ALL).await.unwrap();
    assert_eq!((after_first.as_slice(), items.len()), (&items[1..], 2));
    assert_eq!(repo.items(decided, None, PageSize(1)).await.unwrap(), items[..1]);
    let of_x = (ignore, true, "anna:/a/x".to_owned(), hash(1), 100);
    let of_y = (block, true, "anna:/a/y".to_owned(), hash(2), 200);
    assert_eq!(told(items), [of_x.clone(), of_y.clone()]);

    let back = repo.append(&NewAct { undoes: Some(decided), ..act("undo", 2) }).await.unwrap();
    let restore = Decision::Retarget { id, from: Status::Ignored, to: Status::Assigned };
    assert_eq!(repo.decide(back, &[restore]).await.unwrap(), [Settled::Done]);
    let items = told(repo.items(decided, None, ALL).await.unwrap());
    assert_eq!(items, [(of_x.0, false, of_x.2, of_x.3, of_x.4), of_y]);
    assert_eq!(repo.items(back, None, ALL).await.unwrap().len(), 1);
}

/// And decides nothing.
pub async fn an_act_that_nobody_began_is_refused(repo: &dyn Repository) {
    let desk = Desk::new(repo).await;
    desk.see(&[("x", 1, 1)]).await;
    let id = desk.known("x").await.id;
    let ignore = Decision::Retarget { id, from: Status::Pending, to: Status::Ignored };
    assert!(repo.decide(ActId(404), &[ignore]).await.is_err());
    assert!(repo.append(&NewAct { undoes: Some(ActId(404)), ..act("undo", 1) }).await.is_err());
    assert_eq!(super::decide(repo, &[ignore]).await.unwrap(), [Settled::Done], "it still is pending");
}
