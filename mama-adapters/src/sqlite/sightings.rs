//! What scan remembers.

use async_trait::async_trait;
use mama_ports::repository::{
    Known, KnownBlob, Recorded, Remembered, Repo, RepositoryError, ScanBatch, ScanBegun, SidecarLink,
    Sightings,
};
use mama_ports::vocab::{
    BlobHash, FileName, Mime, ObservationId, RelPath, ScanId, ScanRoot, Timestamp, escaped,
};
use rusqlite::{Transaction, params};

use super::record::Recorder;
use super::rows::{self, Failure, Outcome};
use super::{Sqlite, codec, folders};
use crate::sql::keys;

#[async_trait]
impl Sightings for Sqlite {
    async fn begin(&self, root: &ScanRoot, at: Timestamp) -> Repo<ScanBegun> {
        let root = root.clone();
        self.write("begin a scan", move |catalog| begin(catalog, &root, at)).await
    }

    async fn remembered(&self, scan: ScanId, dirs: &[RelPath]) -> Repo<Vec<Remembered>> {
        let dirs = dirs.to_vec();
        self.read("read the files of some folders", move |catalog| {
            let root = RootOfScan::find(catalog, scan)?;
            dirs.iter().map(|dir| remembered(catalog, &root, dir)).collect()
        })
        .await
    }

    async fn contents_of(&self, observations: &[ObservationId]) -> Repo<Vec<Option<BlobHash>>> {
        let observations = observations.to_vec();
        self.read("look up what was seen", move |catalog| {
            observations.iter().map(|&id| content(catalog, id)).collect()
        })
        .await
    }

    async fn blobs(&self, hashes: &[BlobHash]) -> Repo<Vec<Option<KnownBlob>>> {
        let hashes = hashes.to_vec();
        self.read("look up contents", move |catalog| hashes.iter().map(|hash| blob(catalog, hash)).collect())
            .await
    }

    async fn record(&self, batch: &ScanBatch) -> Repo<Recorded> {
        let batch = batch.clone();
        self.write("record what was seen", move |catalog| {
            Recorder::new(catalog, batch.scan, batch.at)?.record(&batch)
        })
        .await
    }

    async fn finish(&self, scan: ScanId, at: Timestamp) -> Repo<()> {
        self.write("end a scan", move |catalog| finish(catalog, scan, at)).await
    }
}

/// The root that a scan looks at.
pub(super) struct RootOfScan {
    pub(super) id: i64,
    pub(super) root: ScanRoot,
    /// Beginning of its last scan that reached its end.
    pub(super) confirmed: Option<Timestamp>,
}

impl RootOfScan {
    pub(super) fn find(catalog: &Transaction<'_>, scan: ScanId) -> Outcome<Self> {
        let mut statement = catalog.prepare_cached(
            "SELECT r.id, r.host, r.basedir, r.kind, r.confirmed_s, r.confirmed_n
             FROM scan s JOIN root r ON r.id = s.root WHERE s.id = (SELECT ?1)",
        )?;
        let found = rows::one(&mut statement, [scan.0], |row| {
            Ok(Self { id: row.get(0)?, root: rows::root(row, 1)?, confirmed: rows::optional_time(row, 4)? })
        })?;
        found.ok_or_else(|| Failure::Misuse(format!("there is no scan {}", scan.0)))
    }

    /// The key of one of its folders.
    pub(super) fn key(&self, dir: &RelPath) -> [u8; 32] {
        keys::place(self.root.kind, &self.root.basedir.join(dir))
    }

    /// The folder with this path, if it is known.
    pub(super) fn folder(&self, catalog: &Transaction<'_>, dir: &RelPath) -> Outcome<Option<i64>> {
        folders::find(catalog, self.id, &self.key(dir))
    }
}

fn begin(catalog: &Transaction<'_>, root: &ScanRoot, at: Timestamp) -> Outcome<ScanBegun> {
    let key = keys::root(&root.host, &root.basedir);
    let mut statement = catalog.prepare_cached(
        "SELECT r.id, r.kind, coalesce(f.present, 0)
         FROM root r LEFT JOIN folder f ON f.root = r.id AND f.place_key = ?2 WHERE r.key = ?1",
    )?;
    let place = keys::place(root.kind, &root.basedir);
    let known = rows::one(&mut statement, params![key, place], |row| {
        Ok((row.get(0)?, codec::word(rows::text(row, 1)?)?, rows::count(row, 2)?))
    })?;
    let (id, known_files) = match known {
        Some((id, kind, files)) if kind == root.kind => (id, files),
        Some((_, known, _)) => {
            let basedir = escaped(root.basedir.as_bytes()).to_string();
            return Err(Failure::Refused(RepositoryError::KindDiffers { basedir, known, asked: root.kind }));
        }
        None => (add_root(catalog, root, &key)?, 0),
    };
    catalog
        .prepare_cached("INSERT INTO scan (root, started_s, started_n) VALUES (?1, ?2, ?3)")?
        .execute(params![id, at.secs, at.nanos])?;
    let scan = ScanId(catalog.last_insert_rowid());
    let mut newest = catalog.prepare_cached("SELECT max(id) FROM observation")?;
    let newest: Option<i64> = newest.query_row([], |row| row.get(0))?;
    let mut others =
        catalog.prepare_cached("SELECT basedir FROM root WHERE host = ?1 AND id <> ?2 ORDER BY basedir")?;
    let other_roots = rows::all(&mut others, params![root.host.as_str(), id], |row| {
        Ok(codec::abs_path(rows::bytes(row, 0)?)?)
    })?;
    let (newest, mounts) = (newest.map(ObservationId), folders::mounts(catalog, id)?);
    Ok(ScanBegun { scan, known_files, newest, mounts, other_roots })
}

fn add_root(catalog: &Transaction<'_>, root: &ScanRoot, key: &[u8; 32]) -> Outcome<i64> {
    let basedir = root.basedir.as_bytes();
    catalog
        .prepare_cached(
            "INSERT INTO root (key, host, basedir, basedir_shown, kind) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![key, root.host.as_str(), basedir, codec::shown(basedir), root.kind.as_str()])?;
    Ok(catalog.last_insert_rowid())
}

fn remembered(catalog: &Transaction<'_>, root: &RootOfScan, dir: &RelPath) -> Outcome<Remembered> {
    let Some(folder) = root.folder(catalog, dir)? else {
        return Ok(Remembered::default());
    };
    let mut files = catalog.prepare_cached(
        "SELECT id, name, size, mtime_s, mtime_n, ctime_s, ctime_n, inode, racy, gone_s IS NOT NULL, held
         FROM observation WHERE folder = (SELECT ?1) AND current = 1 ORDER BY name",
    )?;
    let mut folders =
        catalog.prepare_cached("SELECT name FROM folder WHERE parent = ?1 AND present > 0 ORDER BY name")?;
    Ok(Remembered {
        files: rows::all(&mut files, [folder], |row| {
            Ok(Known {
                id: ObservationId(row.get(0)?),
                name: rows::name(row, 1)?,
                fingerprint: rows::fingerprint(row, 2)?,
                racy: row.get(8)?,
                gone: row.get(9)?,
                held: row.get(10)?,
            })
        })?,
        folders: rows::all(&mut folders, [folder], |row| -> Outcome<FileName> { rows::name(row, 0) })?,
        sidecars: sidecars(catalog, folder)?,
    })
}

fn sidecars(catalog: &Transaction<'_>, folder: i64) -> Outcome<Vec<SidecarLink>> {
    let mut statement = catalog.prepare_cached(
        "SELECT name, sidecar FROM sidecar WHERE folder = ?1 AND current = 1 ORDER BY name, sidecar",
    )?;
    rows::all(&mut statement, [folder], |row| {
        Ok(SidecarLink { of: rows::name(row, 0)?, sidecar: rows::name(row, 1)? })
    })
}

fn content(catalog: &Transaction<'_>, ObservationId(id): ObservationId) -> Outcome<Option<BlobHash>> {
    let mut statement = catalog.prepare_cached(
        "SELECT b.hash FROM observation o JOIN blob b ON b.id = o.blob WHERE o.id = (SELECT ?1)",
    )?;
    rows::one(&mut statement, [id], |row| rows::hash(row, 0))
}

fn blob(catalog: &Transaction<'_>, hash: &BlobHash) -> Outcome<Option<KnownBlob>> {
    let mut statement = catalog.prepare_cached(
        "SELECT b.size, b.mime, m.doc <> '{}', b.stored, b.block_reason
         FROM blob b LEFT JOIN meta m ON m.blob = b.id WHERE b.hash = (SELECT ?1)",
    )?;
    rows::one(&mut statement, [hash.as_bytes()], |row| {
        Ok(KnownBlob {
            size: rows::count(row, 0)?,
            mime: rows::optional_text(row, 1)?.map(Mime::new),
            has_meta: row.get(2)?,
            stored: row.get(3)?,
            block: rows::optional_text(row, 4)?.map(codec::block).transpose()?,
        })
    })
}

fn finish(catalog: &Transaction<'_>, scan: ScanId, at: Timestamp) -> Outcome<()> {
    let mut statement = catalog.prepare_cached(
        "UPDATE scan SET finished_s = ?2, finished_n = ?3 WHERE id = ?1 RETURNING root, started_s, started_n",
    )?;
    let begun = rows::one(&mut statement, params![scan.0, at.secs, at.nanos], |row| {
        Ok((row.get::<_, i64>(0)?, rows::time(row, 1)?))
    })?;
    let (root, started) = begun.ok_or_else(|| Failure::Misuse(format!("there is no scan {}", scan.0)))?;
    // Of two scans at once, the one that began later counts.
    catalog
        .prepare_cached(
            "UPDATE root SET confirmed_s = ?2, confirmed_n = ?3
             WHERE id = ?1 AND (confirmed_s IS NULL OR (confirmed_s, confirmed_n) < (?2, ?3))",
        )?
        .execute(params![root, started.secs, started.nanos])?;
    Ok(())
}
