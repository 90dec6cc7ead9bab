//! One batch of a scan, written.

use std::collections::HashMap;

use mama_ports::repository::{
    Confirmation, FolderSidecars, MountMark, NewBlob, Recorded, ScanBatch, Sighting,
};
use mama_ports::vocab::{
    BlobHash, FileName, Fingerprint, MetaDoc, Mime, ObservationId, RelPath, ScanId, Timestamp,
};
use rusqlite::{Transaction, named_params, params};

use super::folders::{self, Folders};
use super::rows::{self, Failure, Outcome};
use super::sightings::RootOfScan;
use crate::sql::codec;

/// Keeps in the row itself when it was last confirmed, before it stops following its root.
const KEEP_SEEN: &str =
    "seen_s = CASE WHEN held = 0 AND gone_s IS NULL AND (seen_s, seen_n) < (:root_s, :root_n) THEN :root_s ELSE seen_s END,
     seen_n = CASE WHEN held = 0 AND gone_s IS NULL AND (seen_s, seen_n) < (:root_s, :root_n) THEN :root_n ELSE seen_n END";

/// Counts the row as changed since it was written into a manifest.
const CHANGED: &str = "unsaved = unsaved + 1";

/// The current observation of a location, as far as a new look at it must know.
struct Current {
    id: i64,
    folder: i64,
    blob: i64,
    fingerprint: Fingerprint,
    gone: bool,
    seen: Timestamp,
}

impl Current {
    const COLUMNS: &str = "id, folder, blob, size, mtime_s, mtime_n, ctime_s, ctime_n, inode, \
                           gone_s IS NOT NULL, seen_s, seen_n";

    fn read(row: &rusqlite::Row<'_>) -> Outcome<Self> {
        Ok(Self {
            id: row.get(0)?,
            folder: row.get(1)?,
            blob: row.get(2)?,
            fingerprint: rows::fingerprint(row, 3)?,
            gone: row.get(9)?,
            seen: rows::time(row, 10)?,
        })
    }
}

/// Which rows a proof of absence, or the lack of a look, concerns.
#[derive(Clone, Copy)]
enum Rows {
    One(i64),
    InFolder(i64),
}

/// Writes one batch within one transaction.
pub(super) struct Recorder<'a> {
    catalog: &'a Transaction<'a>,
    root: RootOfScan,
    at: Timestamp,
    folders: Folders<'a>,
    blobs: HashMap<BlobHash, i64>,
    /// Present files more or less, by folder.
    present: HashMap<i64, i64>,
    recorded: Recorded,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(catalog: &'a Transaction<'a>, scan: ScanId, at: Timestamp) -> Outcome<Self> {
        let root = RootOfScan::find(catalog, scan)?;
        let folders = Folders::new(catalog, root.id, root.root.clone());
        Ok(Self {
            catalog,
            root,
            at,
            folders,
            blobs: HashMap::new(),
            present: HashMap::new(),
            recorded: Recorded::default(),
        })
    }

    /// What is absent comes first: of two claims about one file, that it was seen is the safer one.
    pub(super) fn record(mut self, batch: &ScanBatch) -> Outcome<Recorded> {
        let ScanBatch {
            scan: _,
            at: _,
            blobs,
            sightings,
            confirmed,
            gone,
            gone_below,
            held,
            held_below,
            mounts,
            sidecars,
        } = batch;
        for id in gone {
            self.mark_gone(Rows::One(id.0))?;
        }
        for dir in gone_below {
            for folder in self.present_folders(dir)? {
                self.mark_gone(Rows::InFolder(folder))?;
            }
        }
        for id in held {
            self.mark_held(Rows::One(id.0))?;
        }
        for dir in held_below {
            for folder in self.present_folders(dir)? {
                self.mark_held(Rows::InFolder(folder))?;
            }
        }
        for blob in blobs {
            self.add_blob(blob)?;
        }
        for sighting in sightings {
            self.add_sighting(sighting)?;
        }
        for confirmation in confirmed {
            self.confirm_known(confirmation)?;
        }
        for mark in mounts {
            self.mark_volume(mark)?;
        }
        for folder in sidecars {
            self.link_sidecars(folder)?;
        }
        folders::count_present(self.catalog, &self.present)?;
        Ok(self.recorded)
    }

    fn mark_gone(&mut self, rows: Rows) -> Outcome<()> {
        let (column, key) = rows.condition();
        let mut statement = self.catalog.prepare_cached(&format!(
            "UPDATE observation SET {KEEP_SEEN}, held = 0, gone_s = :at_s, gone_n = :at_n, {CHANGED}
             WHERE {column} = :key AND current = 1 AND gone_s IS NULL RETURNING folder"
        ))?;
        let (root_s, root_n) = self.confirmed_by_root();
        let params = named_params! {
            ":root_s": root_s, ":root_n": root_n, ":at_s": self.at.secs, ":at_n": self.at.nanos, ":key": key,
        };
        for folder in rows::all(&mut statement, params, |row| Ok(row.get::<_, i64>(0)?))? {
            *self.present.entry(folder).or_default() -= 1;
            self.recorded.gone += 1;
        }
        Ok(())
    }

    fn mark_held(&self, rows: Rows) -> Outcome<()> {
        let (column, key) = rows.condition();
        let mut statement = self.catalog.prepare_cached(&format!(
            "UPDATE observation SET {KEEP_SEEN}, held = 1, {CHANGED}
             WHERE {column} = :key AND current = 1 AND gone_s IS NULL AND held = 0"
        ))?;
        let (root_s, root_n) = self.confirmed_by_root();
        statement.execute(named_params! { ":root_s": root_s, ":root_n": root_n, ":key": key })?;
        Ok(())
    }

    /// The folder and those below it, without subtrees where nothing is present.
    fn present_folders(&self, dir: &RelPath) -> Outcome<Vec<i64>> {
        let mut statement = self.catalog.prepare_cached(
            "WITH RECURSIVE within (id) AS (
                 SELECT id FROM folder WHERE place_key = ?1 AND root = ?2
                 UNION ALL
                 SELECT f.id FROM folder f JOIN within w ON f.parent = w.id WHERE f.present > 0
             ) SELECT id FROM within",
        )?;
        rows::all(&mut statement, params![self.root.key(dir), self.root.id], |row| Ok(row.get(0)?))
    }

    fn add_blob(&mut self, blob: &NewBlob) -> Outcome<()> {
        let mime = blob.mime.as_ref().map(Mime::as_str);
        let id = match self.find_blob(&blob.hash)? {
            Some(id) => {
                if mime.is_some() {
                    self.catalog
                        .prepare_cached(
                            "UPDATE blob SET mime = ?2, unsaved = unsaved + 1 WHERE id = ?1 AND mime IS NULL",
                        )?
                        .execute(params![id, mime])?;
                }
                id
            }
            None => {
                let size = rows::to_i64(blob.size)?;
                self.catalog
                    .prepare_cached(
                        "INSERT INTO blob (hash, size, first_seen_s, first_seen_n, mime) VALUES (?1, ?2, ?3, ?4, ?5)",
                    )?
                    .execute(params![blob.hash.as_bytes(), size, self.at.secs, self.at.nanos, mime])?;
                self.recorded.new_blobs += 1;
                self.catalog.last_insert_rowid()
            }
        };
        self.blobs.insert(blob.hash, id);
        match &blob.quick {
            Some(doc) => self.add_quick(id, doc),
            None => Ok(()),
        }
    }

    fn add_quick(&self, blob: i64, doc: &MetaDoc) -> Outcome<()> {
        self.catalog
            .prepare_cached(
                "INSERT INTO meta (blob, doc, numbers) SELECT id, ?2, ?3 FROM blob WHERE id = ?1 AND looked_by IS NULL
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![blob, doc.to_json(), codec::numbers(doc)])?;
        Ok(())
    }

    fn find_blob(&self, hash: &BlobHash) -> Outcome<Option<i64>> {
        let mut statement = self.catalog.prepare_cached("SELECT id FROM blob WHERE hash = ?1")?;
        rows::one(&mut statement, [hash.as_bytes()], |row| Ok(row.get(0)?))
    }

    fn blob_of(&mut self, hash: &BlobHash) -> Outcome<i64> {
        if let Some(&id) = self.blobs.get(hash) {
            return Ok(id);
        }
        let found = self.find_blob(hash)?;
        let id =
            found.ok_or_else(|| Failure::Misuse(format!("content {hash} was seen but never described")))?;
        self.blobs.insert(*hash, id);
        Ok(id)
    }

    fn add_sighting(&mut self, sighting: &Sighting) -> Outcome<()> {
        let folder = self.folders.know(&sighting.dir)?;
        let blob = self.blob_of(&sighting.hash)?;
        match self.current_at(folder, &sighting.name)? {
            Some(current) if current.blob == blob && current.fingerprint == sighting.fingerprint => {
                return self.confirm(&current, &sighting.fingerprint, sighting.racy);
            }
            Some(current) => {
                self.supersede(current.id)?;
                self.came_back(folder, current.gone);
            }
            None => self.came_back(folder, true),
        }
        let Fingerprint { size, mtime, ctime, inode } = sighting.fingerprint;
        let name = sighting.name.as_bytes();
        self.catalog
            .prepare_cached(
                "INSERT INTO observation (folder, name, name_shown, blob, size, mtime_s, mtime_n, ctime_s, ctime_n,
                                          inode, racy, seen_s, seen_n)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                folder,
                name,
                codec::shown(name),
                blob,
                rows::to_i64(size)?,
                mtime.secs,
                mtime.nanos,
                ctime.secs,
                ctime.nanos,
                codec::to_signed(inode),
                sighting.racy,
                self.at.secs,
                self.at.nanos,
            ])?;
        self.recorded.new_observations += 1;
        Ok(())
    }

    fn current_at(&self, folder: i64, name: &FileName) -> Outcome<Option<Current>> {
        let sql = format!(
            "SELECT {} FROM observation WHERE folder = ?1 AND name = ?2 AND current = 1",
            Current::COLUMNS
        );
        let mut statement = self.catalog.prepare_cached(&sql)?;
        rows::one(&mut statement, params![folder, name.as_bytes()], Current::read)
    }

    /// An observation that is history by now is not confirmed: its file has become another one.
    fn confirm_known(&mut self, confirmation: &Confirmation) -> Outcome<()> {
        let ObservationId(id) = confirmation.id;
        let sql = format!("SELECT {} FROM observation WHERE id = ?1 AND current = 1", Current::COLUMNS);
        let mut statement = self.catalog.prepare_cached(&sql)?;
        match rows::one(&mut statement, [id], Current::read)? {
            Some(current) => self.confirm(&current, &confirmation.fingerprint, confirmation.racy),
            None => Ok(()),
        }
    }

    fn confirm(&mut self, current: &Current, fingerprint: &Fingerprint, racy: bool) -> Outcome<()> {
        let seen = current.seen.max(self.at);
        self.catalog
            .prepare_cached(
                "UPDATE observation
                 SET size = ?2, mtime_s = ?3, mtime_n = ?4, ctime_s = ?5, ctime_n = ?6, inode = ?7, racy = ?8,
                     seen_s = ?9, seen_n = ?10, gone_s = NULL, gone_n = NULL, held = 0,
                     open = open OR gone_s IS NOT NULL OR placement = 'lost',
                     placement = iif(placement = 'lost', 'none', placement), unsaved = unsaved + 1
                 WHERE id = ?1",
            )?
            .execute(params![
                current.id,
                rows::to_i64(fingerprint.size)?,
                fingerprint.mtime.secs,
                fingerprint.mtime.nanos,
                fingerprint.ctime.secs,
                fingerprint.ctime.nanos,
                codec::to_signed(fingerprint.inode),
                racy,
                seen.secs,
                seen.nanos,
            ])?;
        self.came_back(current.folder, current.gone);
        Ok(())
    }

    fn supersede(&self, id: i64) -> Outcome<()> {
        let mut statement = self.catalog.prepare_cached(&format!(
            "UPDATE observation SET {KEEP_SEEN}, current = 0, open = 1, held = 0, {CHANGED} WHERE id = :id"
        ))?;
        let (root_s, root_n) = self.confirmed_by_root();
        statement.execute(named_params! { ":root_s": root_s, ":root_n": root_n, ":id": id })?;
        Ok(())
    }

    fn came_back(&mut self, folder: i64, was_absent: bool) {
        if was_absent {
            *self.present.entry(folder).or_default() += 1;
        }
    }

    fn mark_volume(&mut self, MountMark { dir, volume }: &MountMark) -> Outcome<()> {
        let folder = match volume {
            Some(_) => Some(self.folders.know(dir)?),
            None => self.root.folder(self.catalog, dir)?,
        };
        match folder {
            Some(folder) => folders::mark(self.catalog, folder, volume.as_ref()),
            None => Ok(()),
        }
    }

    fn link_sidecars(&mut self, FolderSidecars { dir, links }: &FolderSidecars) -> Outcome<()> {
        let folder = self.folders.know(dir)?;
        self.catalog
            .prepare_cached("UPDATE sidecar SET current = 0 WHERE folder = ?1 AND current = 1")?
            .execute([folder])?;
        let mut link = self.catalog.prepare_cached(
            "INSERT INTO sidecar (folder, name, sidecar) VALUES (?1, ?2, ?3)
             ON CONFLICT (folder, name, sidecar) DO UPDATE SET current = 1",
        )?;
        for it in links {
            link.execute(params![folder, it.of.as_bytes(), it.sidecar.as_bytes()])?;
        }
        Ok(())
    }

    fn confirmed_by_root(&self) -> (Option<i64>, Option<u32>) {
        let confirmed = self.root.confirmed;
        (confirmed.map(|time| time.secs), confirmed.map(|time| time.nanos))
    }
}

impl Rows {
    const fn condition(self) -> (&'static str, i64) {
        match self {
            Self::One(id) => ("id", id),
            Self::InFolder(folder) => ("folder", folder),
        }
    }
}
