//! One content and all that was ever seen of it.

use async_trait::async_trait;
use mama_ports::browse::{Browse, Content, Sidecar};
use mama_ports::repository::Repo;
use mama_ports::vocab::{BlobHash, Location};
use rusqlite::Transaction;

use super::Sqlite;
use super::rows::{self, Outcome};

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
    let sql = format!(
        "SELECT {}, r.host, r.basedir, r.kind, f.relpath, so.name, s.name
         FROM blob own CROSS JOIN observation o INDEXED BY observation_blob ON o.blob = own.id AND o.current = 1
         CROSS JOIN sidecar s ON s.folder = o.folder AND s.name = o.name AND s.current = 1
         CROSS JOIN observation so ON so.folder = s.folder AND so.name = s.sidecar AND so.current = 1 AND so.gone_s IS NULL
         CROSS JOIN blob b ON b.id = so.blob
         CROSS JOIN folder f ON f.id = o.folder CROSS JOIN root r ON r.id = f.root
         LEFT JOIN meta m ON m.blob = so.blob
         WHERE own.hash = ?1 ORDER BY r.host, r.basedir, r.kind, f.relpath, so.name, s.name",
        rows::BLOB
    );
    rows::all(&mut catalog.prepare_cached(&sql)?, [hash.as_bytes()], |row| {
        let next = rows::BLOB_COLUMNS;
        let (root, dir) = (rows::root(row, next)?, rows::rel_path(row, next + 3)?);
        let at = Location { root, dir, name: rows::name(row, next + 4)? };
        Ok(Sidecar { of: rows::name(row, next + 5)?, at, blob: rows::blob(row)?.record })
    })
}
