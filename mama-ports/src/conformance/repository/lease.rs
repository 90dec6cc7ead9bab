//! One apply at a time.

use super::desk::{Desk, hash};
use crate::repository::{Lease, Repository, RepositoryError, SettleBatch};

async fn taken(repo: &dyn Repository) -> Lease {
    repo.lease().await.unwrap().expect("nobody has it")
}

/// A lease is given to one at a time, and again when it was given back.
pub async fn a_lease_is_given_to_one_at_a_time(repo: &dyn Repository) {
    let first = taken(repo).await;
    assert!(repo.lease().await.unwrap().is_none());
    let epoch = first.epoch;
    drop(first);
    let second = taken(repo).await;
    assert!(second.epoch > epoch);
    assert!(repo.lease().await.unwrap().is_none());
}

/// Whoever held an older lease changes nothing any more; whoever holds the last one does.
pub async fn an_older_lease_settles_nothing(repo: &dyn Repository) {
    Desk::new(repo).await.see(&[("x", 1, 1)]).await;
    let older = taken(repo).await.epoch;
    let newer = taken(repo).await;
    let stored = |under| SettleBatch { under: Some(under), stored: vec![hash(1)], ..SettleBatch::default() };
    let refused = repo.settle(&stored(older)).await;
    assert!(matches!(refused, Err(RepositoryError::Superseded)), "{refused:?}");
    assert_eq!(repo.totals().await.unwrap().stored, 0);
    repo.settle(&stored(newer.epoch)).await.unwrap();
    assert_eq!(repo.totals().await.unwrap().stored, 1);
}
