//! Decisions about targets and contents, and what they are about.

use async_trait::async_trait;
use mama_ports::curation::{ActId, Curation, Decision, Filter, Found, HashPrefix, Neighbour};
use mama_ports::repository::{PageSize, Repo, Settled};
use mama_ports::vocab::{BlobHash, BlockReason, Location, MetaDoc, Mime, ObservationId, RelPath, ScanRoot};
use rusqlite::types::ToSqlOutput;
use rusqlite::{Row, ToSql, Transaction, params, params_from_iter};

use super::rows::{self, Outcome};
use super::{Sqlite, codec, journal};
use crate::sql::filter::{Condition, Value, condition};
use crate::sql::keys;

#[async_trait]
impl Curation for Sqlite {
    async fn find(&self, filter: &Filter, after: Option<ObservationId>, limit: PageSize) -> Repo<Vec<Found>> {
        let filter = filter.clone();
        self.read("look for observations", move |catalog| find(catalog, &filter, after, limit)).await
    }

    async fn neighbours(&self, folders: &[(ScanRoot, RelPath)], tags: &[&str]) -> Repo<Vec<Vec<Neighbour>>> {
        let folders = folders.to_vec();
        let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
        self.read("look around in some folders", move |catalog| {
            folders.iter().map(|folder| neighbours(catalog, folder, &tags)).collect()
        })
        .await
    }

    async fn copies(&self, hashes: &[BlobHash], each: PageSize) -> Repo<Vec<Vec<Location>>> {
        let hashes = hashes.to_vec();
        self.read("look for copies of contents", move |catalog| {
            hashes.iter().map(|hash| copies(catalog, hash, each)).collect()
        })
        .await
    }

    async fn contents(&self, prefix: &HashPrefix, limit: PageSize) -> Repo<Vec<BlobHash>> {
        let HashPrefix { first, last } = *prefix;
        self.read("look for contents", move |catalog| {
            let mut statement = catalog.prepare_cached(
                "SELECT hash FROM blob WHERE hash >= ?1 AND hash <= ?2 ORDER BY hash LIMIT ?3",
            )?;
            rows::all(&mut statement, params![first.as_bytes(), last.as_bytes(), limit.0], |row| {
                rows::hash(row, 0)
            })
        })
        .await
    }

    async fn decide(&self, act: ActId, batch: &[Decision]) -> Repo<Vec<Settled>> {
        let batch = batch.to_vec();
        self.write("make decisions", move |catalog| {
            let decided = |decision: &Decision| {
                let settled = decide(catalog, *decision)?;
                if settled == Settled::Done {
                    journal::add_item(catalog, act, decision)?;
                }
                Ok(settled)
            };
            batch.iter().map(decided).collect()
        })
        .await
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Bytes(bytes) => bytes.to_sql(),
            Self::Text(text) => text.to_sql(),
        }
    }
}

fn find(
    catalog: &Transaction<'_>,
    filter: &Filter,
    after: Option<ObservationId>,
    limit: PageSize,
) -> Outcome<Vec<Found>> {
    let Condition { sql, values } = condition(filter, &roots(catalog)?, '?', 1);
    // CROSS JOIN: in the order of ids, whatever the statistics say, so that a page ends where it is full.
    let sql = format!(
        "SELECT o.id, r.host, r.basedir, r.kind, f.relpath, o.name, b.hash, o.size, o.status, b.block_reason
         FROM observation o CROSS JOIN folder f ON f.id = o.folder CROSS JOIN root r ON r.id = f.root
         CROSS JOIN blob b ON b.id = o.blob
         WHERE o.id > {} AND {sql} ORDER BY o.id LIMIT {}",
        after.map_or(i64::MIN, |id| id.0),
        limit.0
    );
    let mut statement = catalog.prepare(&sql)?;
    let mut found = Vec::new();
    let mut rows = statement.query(params_from_iter(values))?;
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

fn read(row: &Row<'_>) -> Outcome<Found> {
    Ok(Found {
        id: ObservationId(row.get(0)?),
        at: Location { root: rows::root(row, 1)?, dir: rows::rel_path(row, 4)?, name: rows::name(row, 5)? },
        hash: rows::hash(row, 6)?,
        size: rows::count(row, 7)?,
        status: codec::word(rows::text(row, 8)?)?,
        block: rows::optional_text(row, 9)?.map(codec::block).transpose()?,
    })
}

fn copies(catalog: &Transaction<'_>, hash: &BlobHash, each: PageSize) -> Outcome<Vec<Location>> {
    let mut statement = catalog.prepare_cached(
        "SELECT r.host, r.basedir, r.kind, f.relpath, o.name
         FROM observation o INDEXED BY observation_blob
         CROSS JOIN folder f ON f.id = o.folder CROSS JOIN root r ON r.id = f.root
         WHERE o.blob = (SELECT id FROM blob WHERE hash = ?1) AND o.current = 1 AND o.gone_s IS NULL
         ORDER BY o.id LIMIT ?2",
    )?;
    rows::all(&mut statement, params![hash.as_bytes(), each.0], |row| {
        Ok(Location { root: rows::root(row, 0)?, dir: rows::rel_path(row, 3)?, name: rows::name(row, 4)? })
    })
}

fn neighbours(
    catalog: &Transaction<'_>,
    (root, dir): &(ScanRoot, RelPath),
    tags: &[String],
) -> Outcome<Vec<Neighbour>> {
    let mut statement = catalog.prepare_cached(
        "SELECT o.id, r.host, r.basedir, r.kind, f.relpath, o.name, b.hash, o.size, o.status, b.block_reason, b.mime, m.doc,
                o.gone_s IS NOT NULL
         FROM root r JOIN folder f ON f.root = r.id JOIN observation o ON o.folder = f.id
         JOIN blob b ON b.id = o.blob LEFT JOIN meta m ON m.blob = b.id
         WHERE r.key = ?1 AND f.place_key = ?2 AND o.current = 1 ORDER BY o.name",
    )?;
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let folder =
        params![keys::root(&root.host, &root.basedir), keys::place(root.kind, &root.basedir.join(dir))];
    rows::all(&mut statement, folder, |row| {
        let doc = rows::optional_text(row, 11)?.and_then(MetaDoc::from_json).unwrap_or_default();
        let mime = rows::optional_text(row, 10)?.map(Mime::new);
        Ok(Neighbour { found: read(row)?, gone: row.get(12)?, mime, tags: doc.only(&tags) })
    })
}

/// Every root, with its id.
pub(super) fn roots(catalog: &Transaction<'_>) -> Outcome<Vec<(i64, ScanRoot)>> {
    let mut statement = catalog.prepare_cached("SELECT id, host, basedir, kind FROM root ORDER BY id")?;
    rows::all(&mut statement, [], |row| Ok((row.get(0)?, rows::root(row, 1)?)))
}

fn decide(catalog: &Transaction<'_>, decision: Decision) -> Outcome<Settled> {
    match decision {
        Decision::Retarget { id, from, to } => {
            let mut statement = catalog.prepare_cached(
                "UPDATE observation SET status = ?3, open = 1, unsaved = unsaved + 1 WHERE id = ?1 AND status = ?2 RETURNING blob",
            )?;
            let changed: Option<i64> =
                rows::one(&mut statement, params![id.0, from.as_str(), to.as_str()], |row| Ok(row.get(0)?))?;
            let Some(blob) = changed else { return Ok(Settled::Stale) };
            // those follow what is decided about their content
            catalog
                .prepare_cached(
                    "UPDATE observation SET open = 1, unsaved = unsaved + 1
                     WHERE blob = ?1 AND open = 0 AND status = 'pending'",
                )?
                .execute([blob])?;
            Ok(Settled::Done)
        }
        Decision::Block { hash, from, to } => {
            let mut statement = catalog.prepare_cached(
                "UPDATE blob SET block_reason = ?3, unsaved = unsaved + 1 WHERE hash = ?1 AND block_reason IS ?2 RETURNING id",
            )?;
            let word = |reason: Option<BlockReason>| reason.map(BlockReason::as_str);
            let changed: Option<i64> =
                rows::one(&mut statement, params![hash.as_bytes(), word(from), word(to)], |row| {
                    Ok(row.get(0)?)
                })?;
            let Some(blob) = changed else { return Ok(Settled::Stale) };
            catalog
                .prepare_cached(
                    "UPDATE observation SET open = 1, unsaved = unsaved + 1 WHERE blob = ?1 AND open = 0",
                )?
                .execute([blob])?;
            Ok(Settled::Done)
        }
    }
}
