//! One content and all that was ever seen of it.

use async_trait::async_trait;
use mama_ports::browse::{Browse, Content};
use mama_ports::repository::Repo;
use mama_ports::vocab::BlobHash;
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
    Ok(Some(Content { blob, observations }))
}
