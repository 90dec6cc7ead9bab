//! Two applies on one catalog: one works, and one that was cut off and replaced changes nothing any more.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use async_trait::async_trait;
use mama_adapters::fs::memory::Fault;
use mama_domain::apply::{ApplyError, ApplyReport};
use mama_ports::filesystem::Held;
use mama_ports::repository::{
    Catalog, Lease, PageSize, Repo, Repository, RepositoryError, Scope, SettleBatch, Settled, Source, Totals,
};
use mama_ports::vocab::{ArchiveId, BlobHash, Contest, HostName, ObservationId, Place, RelPath};
use mama_tests::world::World;
use pollster::block_on;

/// A catalog that loses sight of whoever takes its lease.
struct Forgetful(Arc<dyn Repository>);

struct Nothing;

impl Held for Nothing {}

#[async_trait]
impl Catalog for Forgetful {
    async fn lease(&self) -> Repo<Option<Lease>> {
        let given = self.0.lease().await?;
        Ok(given.map(|Lease { epoch, held: _ }| Lease { epoch, held: Box::new(Nothing) }))
    }

    async fn archive(&self) -> Repo<Option<ArchiveId>> {
        self.0.archive().await
    }

    async fn bind(&self, archive: &ArchiveId) -> Repo<ArchiveId> {
        self.0.bind(archive).await
    }

    async fn open(&self, scope: Scope) -> Repo<u64> {
        self.0.open(scope).await
    }

    async fn contests(
        &self,
        scope: Scope,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<Contest>> {
        self.0.contests(scope, after, limit).await
    }

    async fn claims(&self, places: &[Place]) -> Repo<Vec<Contest>> {
        self.0.claims(places).await
    }

    async fn sources(&self, host: &HostName, hashes: &[BlobHash], each: PageSize) -> Repo<Vec<Vec<Source>>> {
        self.0.sources(host, hashes, each).await
    }

    async fn holders(&self, views: &[(BlobHash, RelPath)]) -> Repo<Vec<Vec<Place>>> {
        self.0.holders(views).await
    }

    async fn settle(&self, batch: &SettleBatch) -> Repo<Vec<Settled>> {
        self.0.settle(batch).await
    }

    async fn totals(&self) -> Repo<Totals> {
        self.0.totals().await
    }
}

fn world() -> World {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "b");
    world.scan("/photos").unwrap();
    world
}

#[test]
fn an_apply_is_refused_while_another_has_the_lease() {
    let world = world();
    let lease = block_on(world.catalog.lease()).unwrap().unwrap();
    let refused = world.apply().unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(ApplyError::Locked)), "{refused:?}");
    drop(lease);
    assert_eq!(world.apply().unwrap().blobs_stored, 2);
}

/// Wherever the other one begins, the first either was done by then, or stops; and the other finishes the work.
#[test]
fn an_apply_that_was_replaced_settles_nothing_any_more() {
    let mut stopped = 0;
    for step in 1.. {
        let world = world();
        let mut apply = world.applier().unwrap();
        apply.catalog = Arc::new(Forgetful(Arc::clone(&world.catalog)));
        let other = Arc::clone(&world.catalog);
        let replace = Fault::Meddle(Box::new(move |_| drop(block_on(other.lease()).unwrap().unwrap())));
        let before = world.disk.steps();
        world.disk.inject(before + step, replace);
        let mut report = ApplyReport::default();
        match block_on(apply.run(&mut report)) {
            Ok(()) if world.disk.steps() < before + step => break,
            Ok(()) => {}
            Err(ApplyError::Catalog(RepositoryError::Superseded)) => {
                stopped += 1;
                let is_open = block_on(world.catalog.open(Scope::WithPending)).unwrap() > 0;
                assert!(is_open || world.unexplained().is_some(), "step {step}");
            }
            Err(error) => panic!("step {step}: {error:?}"),
        }
        world.apply().unwrap();
        assert_eq!(world.violations(), Vec::<String>::new(), "step {step}");
        assert_eq!(block_on(world.catalog.open(Scope::WithPending)).unwrap(), 0, "step {step}");
        assert_eq!(world.unexplained(), None, "step {step}");
    }
    assert!(stopped > 0, "no apply was replaced before it was done");
}
