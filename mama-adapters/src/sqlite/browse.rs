//! One content and all that was ever seen of it.

use async_trait::async_trait;
use mama_ports::browse::{Browse, Content, Sidecar};
use mama_ports::repository::Repo;
use mama_ports::vocab::BlobHash;
use rusqlite::Transaction;

use super::rows::{self, Outcome};
use super::{Sqlite, codec};

#[async_trait]
impl Browse for Sqlite {
    async fn content(&self, hash: &BlobHash) -> Repo<Option<Content>> {
        let hash = *hash;
        self.read("look up a content", move |catalog| content(catalog, &hash)).await
    }
}

fn content(catalog: &Transaction<'_>, hash: &BlobHash) -> Outcome<Option<Content>> {
    let sql =
        format!("SELECT {} FROM blob b LEFT JOIN meta m ON m.blob = b.id WHERE b.hash = ?1", rows::BLOB);
    let found = rows::one(&mut catalog.prepare_cached(&sql)?, [hash.as_bytes()], rows::blob)?;
    let Some(blob) = found else { return Ok(None) };
    let sql = format!(
        "SELECT {}, r.host, r.basedir, r.kind FROM blob b CROSS JOIN observation o INDEXED BY observation_blob ON o.blob = b.id
         CROSS JOIN folder f ON f.id = o.folder CROSS JOIN root r ON r.id = f.root
         WHERE b.hash = ?1 ORDER BY o.id",
        rows::OBSERVATION
    );
    let mut statement = catalog.prepare_cached(&sql)?;
    let observations = rows::all(&mut statement, [hash.as_bytes()], |row| {
        rows::observation(row, rows::root(row, rows::OBSERVATION_COLUMNS)?)
    })?;
    Ok(Some(Content { blob, observations, sidecars: sidecars(catalog, hash)? }))
}

fn sidecars(catalog: &Transaction<'_>, hash: &BlobHash) -> Outcome<Vec<Sidecar>> {
    let mut statement = catalog.prepare_cached(
        "SELECT DISTINCT so.name, m.doc, m.numbers
         FROM blob b CROSS JOIN observation o INDEXED BY observation_blob ON o.blob = b.id AND o.current = 1
         CROSS JOIN sidecar s ON s.folder = o.folder AND s.name = o.name AND s.current = 1
         CROSS JOIN observation so ON so.folder = s.folder AND so.name = s.sidecar AND so.current = 1 AND so.gone_s IS NULL
         CROSS JOIN meta m ON m.blob = so.blob
         WHERE b.hash = ?1 ORDER BY so.name, m.doc",
    )?;
    rows::all(&mut statement, [hash.as_bytes()], |row| {
        Ok(Sidecar {
            name: rows::name(row, 0)?,
            meta: codec::meta(rows::text(row, 1)?, rows::optional_text(row, 2)?)?,
        })
    })
}
