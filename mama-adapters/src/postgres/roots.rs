//! Roots: which one a scan looks at, and the locks that let one writer at a time below each.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use mama_ports::repository::{Repo, RepositoryError, ScanBegun};
use mama_ports::vocab::{BlobHash, ObservationId, RelPath, ScanId, ScanRoot, Timestamp, escaped};
use sqlx::{PgConnection, query, query_scalar};

use super::Postgres;
use super::failure::{Failure, Outcome};
use super::folders;
use super::rows::{Cells, nanos};
use crate::sql::{codec, keys};

/// A root, as far as it never changes.
#[derive(Debug)]
pub(super) struct Root {
    pub(super) id: i64,
    pub(super) root: ScanRoot,
}

impl Root {
    /// The key of one of its folders.
    pub(super) fn key(&self, dir: &RelPath) -> [u8; 32] {
        keys::place(self.root.kind, &self.root.basedir.join(dir))
    }
}

/// A root under whose lock the transaction is.
pub(super) struct LockedRoot {
    pub(super) root: Root,
    /// Beginning of its last scan that reached its end.
    pub(super) confirmed: Option<Timestamp>,
}

impl LockedRoot {
    /// Waits for whoever else writes below the root of this scan.
    pub(super) async fn of_scan(catalog: &mut PgConnection, scan: ScanId) -> Outcome<Self> {
        let found = query(
            "SELECT r.id, r.host, r.basedir, r.kind, r.confirmed_s, r.confirmed_n
             FROM scan s JOIN root r ON r.id = s.root WHERE s.id = $1 FOR NO KEY UPDATE OF r",
        )
        .bind(scan.0)
        .fetch_optional(catalog)
        .await?;
        let row = found.ok_or_else(|| unknown(scan))?;
        let mut cells = Cells::of(&row);
        let root = Root { id: cells.next()?, root: cells.root()? };
        Ok(Self { root, confirmed: cells.optional_time()? })
    }
}

fn unknown(scan: ScanId) -> Failure {
    Failure::Misuse(format!("there is no scan {}", scan.0))
}

/// Waits for whoever writes about these observations, or about an observation of these contents.
pub(super) async fn lock(
    catalog: &mut PgConnection,
    observations: &[i64],
    contents: &[BlobHash],
) -> Outcome<()> {
    let contents: Vec<&[u8]> = contents.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    query(
        "SELECT FROM root WHERE id IN (
             SELECT f.root FROM unnest($1::bigint[]) AS asked (id)
             JOIN observation o ON o.id = asked.id JOIN folder f ON f.id = o.folder
             UNION
             SELECT f.root FROM unnest($2::bytea[]) AS asked (hash)
             JOIN blob b ON b.hash = asked.hash JOIN observation o ON o.blob = b.id JOIN folder f ON f.id = o.folder
         ) ORDER BY id FOR NO KEY UPDATE",
    )
    .bind(observations)
    .bind(contents)
    .execute(catalog)
    .await?;
    Ok(())
}

impl Postgres {
    /// The root that a scan looks at.
    pub(super) async fn root_of(&self, scan: ScanId) -> Repo<Arc<Root>> {
        if let Some(root) = self.roots().get(&scan) {
            return Ok(Arc::clone(root));
        }
        let found =
            self.ask("find the root of a scan", scan, |scan, catalog| Box::pin(root_of(catalog, *scan)));
        let root = Arc::new(found.await?);
        self.roots().insert(scan, Arc::clone(&root));
        Ok(root)
    }

    pub(super) fn roots(&self) -> MutexGuard<'_, HashMap<ScanId, Arc<Root>>> {
        self.roots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn root_of(catalog: &mut PgConnection, scan: ScanId) -> Outcome<Root> {
    let sql =
        "SELECT r.id, r.host, r.basedir, r.kind FROM scan s JOIN root r ON r.id = s.root WHERE s.id = $1";
    let found = query(sql).bind(scan.0).fetch_optional(catalog).await?;
    let row = found.ok_or_else(|| unknown(scan))?;
    let mut cells = Cells::of(&row);
    Ok(Root { id: cells.next()?, root: cells.root()? })
}

pub(super) async fn begin(catalog: &mut PgConnection, root: &ScanRoot, at: Timestamp) -> Outcome<ScanBegun> {
    let key = keys::root(&root.host, &root.basedir);
    let basedir = root.basedir.as_bytes();
    query(
        "INSERT INTO root (key, host, basedir, basedir_shown, kind) SELECT $1, $2, $3, $4, $5
         WHERE NOT EXISTS (SELECT FROM root WHERE key = $1) ON CONFLICT DO NOTHING",
    )
    .bind(key)
    .bind(root.host.as_str())
    .bind(basedir)
    .bind(codec::shown(basedir))
    .bind(root.kind.as_str())
    .execute(&mut *catalog)
    .await?;
    let known = query(
        "SELECT r.id, r.kind, coalesce(f.present, 0)
         FROM root r LEFT JOIN folder f ON f.root = r.id AND f.place_key = $2 WHERE r.key = $1",
    )
    .bind(key)
    .bind(keys::place(root.kind, &root.basedir))
    .fetch_one(&mut *catalog)
    .await?;
    let mut cells = Cells::of(&known);
    let (id, kind, known_files): (i64, _, _) = (cells.next()?, codec::word(cells.next()?)?, cells.count()?);
    if kind != root.kind {
        let basedir = escaped(basedir).to_string();
        return Err(Failure::Refused(RepositoryError::KindDiffers {
            basedir,
            known: kind,
            asked: root.kind,
        }));
    }
    let mounts = folders::marks(catalog, id).await?;
    let scan = query_scalar("INSERT INTO scan (root, started_s, started_n) VALUES ($1, $2, $3) RETURNING id")
        .bind(id)
        .bind(at.secs)
        .bind(nanos(at))
        .fetch_one(&mut *catalog)
        .await?;
    let newest: Option<i64> =
        query_scalar("SELECT max(id) FROM observation").fetch_one(&mut *catalog).await?;
    let newest = newest.map(ObservationId);
    let others = query("SELECT basedir FROM root WHERE host = $1 AND id <> $2 ORDER BY basedir")
        .bind(root.host.as_str())
        .bind(id)
        .fetch_all(catalog)
        .await?;
    let other_roots = others.iter().map(|row| Cells::of(row).abs_path()).collect::<Outcome<_>>()?;
    Ok(ScanBegun { scan: ScanId(scan), known_files, newest, mounts, other_roots })
}

pub(super) async fn finish(catalog: &mut PgConnection, scan: ScanId, at: Timestamp) -> Outcome<()> {
    let LockedRoot { root, confirmed } = LockedRoot::of_scan(catalog, scan).await?;
    let sql = "UPDATE scan SET finished_s = $2, finished_n = $3 WHERE id = $1 RETURNING started_s, started_n";
    let row = query(sql).bind(scan.0).bind(at.secs).bind(nanos(at)).fetch_one(&mut *catalog).await?;
    let started = Cells::of(&row).time()?;
    // Of two scans at once, the one that began later counts.
    if confirmed.is_none_or(|confirmed| confirmed < started) {
        query("UPDATE root SET confirmed_s = $2, confirmed_n = $3 WHERE id = $1")
            .bind(root.id)
            .bind(started.secs)
            .bind(nanos(started))
            .execute(catalog)
            .await?;
    }
    Ok(())
}
