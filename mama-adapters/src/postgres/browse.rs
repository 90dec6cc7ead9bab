//! One content and all that was ever seen of it.

use async_trait::async_trait;
use mama_ports::browse::{Browse, Content, Sidecar};
use mama_ports::repository::Repo;
use mama_ports::vocab::{BlobHash, Location};
use sqlx::{AssertSqlSafe, PgConnection, query};

use super::Postgres;
use super::failure::Outcome;
use super::rows::{BLOB, Cells, OBSERVATION};

#[async_trait]
impl Browse for Postgres {
    async fn content(&self, hash: &BlobHash) -> Repo<Option<Content>> {
        self.read("look up a content", *hash, |hash, catalog| Box::pin(content(catalog, hash))).await
    }
}

async fn content(catalog: &mut PgConnection, hash: &BlobHash) -> Outcome<Option<Content>> {
    let sql = format!("SELECT {BLOB} FROM blob b LEFT JOIN meta m ON m.blob = b.id WHERE b.hash = $1");
    let found =
        query(AssertSqlSafe(sql)).bind(hash.as_bytes().as_slice()).fetch_optional(&mut *catalog).await?;
    let Some(row) = found else { return Ok(None) };
    let blob = Cells::of(&row).blob()?;
    // MATERIALIZED: by content, and not by number because of the order.
    let sql = format!(
        "WITH chosen AS MATERIALIZED (
             SELECT o.* FROM observation o WHERE o.blob = (SELECT id FROM blob WHERE hash = $1)
         )
         SELECT r.host, r.basedir, r.kind, {OBSERVATION}
         FROM chosen o JOIN blob b ON b.id = o.blob JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
         ORDER BY o.id"
    );
    let rows = query(AssertSqlSafe(sql)).bind(hash.as_bytes().as_slice()).fetch_all(&mut *catalog).await?;
    let observation = |row| {
        let mut cells = Cells::of(row);
        let root = cells.root()?;
        cells.observation(root)
    };
    let observations = rows.iter().map(observation).collect::<Outcome<_>>()?;
    Ok(Some(Content { blob, observations, sidecars: sidecars(catalog, hash).await? }))
}

async fn sidecars(catalog: &mut PgConnection, hash: &BlobHash) -> Outcome<Vec<Sidecar>> {
    let sql = format!(
        "WITH chosen AS MATERIALIZED (
             SELECT o.folder, o.name FROM observation o
             WHERE o.blob = (SELECT id FROM blob WHERE hash = $1) AND o.current
         )
         SELECT {BLOB}, r.host, r.basedir, r.kind, f.relpath, so.name, s.name
         FROM chosen o JOIN sidecar s ON s.folder = o.folder AND s.name = o.name AND s.current
         JOIN observation so ON so.folder = s.folder AND so.name = s.sidecar AND so.current AND so.gone_s IS NULL
         JOIN blob b ON b.id = so.blob JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
         LEFT JOIN meta m ON m.blob = so.blob
         ORDER BY r.host COLLATE \"C\", r.basedir, r.kind COLLATE \"C\", f.relpath, so.name, s.name"
    );
    let rows = query(AssertSqlSafe(sql)).bind(hash.as_bytes().as_slice()).fetch_all(catalog).await?;
    let sidecar = |row| {
        let mut cells = Cells::of(row);
        let blob = cells.blob()?.record;
        let at = Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? };
        Ok(Sidecar { of: cells.name()?, at, blob })
    };
    rows.iter().map(sidecar).collect()
}
