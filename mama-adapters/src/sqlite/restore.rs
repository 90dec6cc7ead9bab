//! Rows that come back from manifests.

use std::collections::{BTreeMap, HashMap};

use mama_ports::curation::NewAct;
use mama_ports::manifest::{ActRow, BlobRow, ItemRow, ObservationRow, RootRow, Rows};
use mama_ports::vocab::{BlobHash, Fingerprint, Location, RelPath, ScanRoot};
use rusqlite::{Transaction, params};

use super::enrichment;
use super::folders::{self, Folders, count_present};
use super::rows::{self, Failure, Outcome};
use crate::sql::decisions::{self, Columns};
use crate::sql::{codec, keys};

pub(super) fn restore(catalog: &Transaction<'_>, given: &Rows) -> Outcome<()> {
    catalog.execute("UPDATE manifest SET saved = NULL, saved_digest = NULL, rebuilding = 1", [])?;
    let Rows { roots, blobs, observations, acts, items } = given;
    roots.iter().try_for_each(|row| restore_root(catalog, row))?;
    blobs.iter().try_for_each(|row| restore_blob(catalog, row))?;
    let mut restorer = Restorer { catalog, roots: HashMap::new(), present: HashMap::new() };
    // Of two current ones at one location the greater id counts, as it comes later.
    let observations: BTreeMap<i64, &ObservationRow> =
        observations.iter().map(|row| (row.id.0, row)).collect();
    observations.values().try_for_each(|row| restorer.restore(row))?;
    count_present(catalog, &restorer.present)?;
    acts.iter().try_for_each(|row| restore_act(catalog, row))?;
    items.iter().try_for_each(|row| restore_item(catalog, row))
}

fn restore_act(catalog: &Transaction<'_>, ActRow { id, asked }: &ActRow) -> Outcome<()> {
    let NewAct { at, host, verb, words, undoes, summary } = asked;
    catalog
        .prepare_cached(
            "INSERT INTO act (id, at_s, at_n, host, verb, words, undoes, summary, unsaved)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0)
             ON CONFLICT (id) DO UPDATE SET at_s = excluded.at_s, at_n = excluded.at_n, host = excluded.host,
                 verb = excluded.verb, words = excluded.words, undoes = excluded.undoes, summary = excluded.summary,
                 unsaved = 0",
        )?
        .execute(params![id.0, at.secs, at.nanos, host.as_str(), verb, words, undoes.map(|act| act.0), summary])?;
    Ok(())
}

fn restore_item(catalog: &Transaction<'_>, ItemRow { id, act, decision }: &ItemRow) -> Outcome<()> {
    let Columns { observation, hash, before, after } = decisions::columns(decision);
    catalog
        .prepare_cached(
            "INSERT OR REPLACE INTO act_item (id, act, observation, hash, before, after, unsaved)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
        )?
        .execute(params![id.0, act.0, observation, hash, before, after])?;
    Ok(())
}

fn restore_root(catalog: &Transaction<'_>, row: &RootRow) -> Outcome<()> {
    let RootRow { root, confirmed, mounts } = row;
    let basedir = root.basedir.as_bytes();
    let id: i64 = catalog
        .prepare_cached(
            "INSERT INTO root (key, host, basedir, basedir_shown, kind, confirmed_s, confirmed_n)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (key) DO UPDATE SET confirmed_s = excluded.confirmed_s, confirmed_n = excluded.confirmed_n
             RETURNING id",
        )?
        .query_row(
            params![
                keys::root(&root.host, &root.basedir),
                root.host.as_str(),
                basedir,
                codec::shown(basedir),
                root.kind.as_str(),
                confirmed.map(|time| time.secs),
                confirmed.map(|time| time.nanos),
            ],
            |row| row.get(0),
        )?;
    catalog
        .prepare_cached("UPDATE folder SET volume = NULL WHERE root = ?1 AND volume IS NOT NULL")?
        .execute([id])?;
    let mut folders = Folders::new(catalog, id, root.clone());
    mounts.iter().try_for_each(|(dir, volume)| folders::mark(catalog, folders.know(dir)?, Some(volume)))
}

fn restore_blob(catalog: &Transaction<'_>, BlobRow { record, first_seen }: &BlobRow) -> Outcome<()> {
    let look = record.look.as_ref();
    let id: i64 = catalog
        .prepare_cached(
            "INSERT INTO blob (hash, size, first_seen_s, first_seen_n, mime, stored, block_reason, looked_by,
                               looked_s, looked_n, look_error, unsaved)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)
             ON CONFLICT (hash) DO UPDATE SET size = excluded.size, first_seen_s = excluded.first_seen_s,
                 first_seen_n = excluded.first_seen_n, mime = excluded.mime, stored = excluded.stored,
                 block_reason = excluded.block_reason, looked_by = excluded.looked_by, looked_s = excluded.looked_s,
                 looked_n = excluded.looked_n, look_error = excluded.look_error, unsaved = 0
             RETURNING id",
        )?
        .query_row(
            params![
                record.hash.as_bytes(),
                rows::to_i64(record.size)?,
                first_seen.secs,
                first_seen.nanos,
                record.mime.as_ref().map(|mime| mime.as_str()),
                record.stored,
                record.block.map(|reason| reason.as_str()),
                look.map(|look| look.by.as_str()),
                look.map(|look| look.at.secs),
                look.map(|look| look.at.nanos),
                look.and_then(|look| look.error.as_deref()),
            ],
            |row| row.get(0),
        )?;
    match &record.meta {
        Some(doc) => enrichment::put(catalog, id, doc),
        None => Ok(()),
    }
}

/// Puts observations back, and finds out how many files that makes present in each folder.
struct Restorer<'a> {
    catalog: &'a Transaction<'a>,
    roots: HashMap<ScanRoot, Folders<'a>>,
    present: HashMap<i64, i64>,
}

impl Restorer<'_> {
    fn restore(&mut self, row: &ObservationRow) -> Outcome<()> {
        let ObservationRow {
            id,
            at,
            hash,
            fingerprint,
            racy,
            seen,
            gone,
            held,
            current,
            open,
            standing,
            view,
        } = row;
        let folder = self.folder(at)?;
        let blob = self.blob(hash)?;
        let name = at.name.as_bytes();
        let mut before = self.catalog.prepare_cached(
            "UPDATE observation SET current = 0
             WHERE current = 1 AND (id = ?1 OR (?4 AND folder = ?2 AND name = ?3)) RETURNING folder, gone_s IS NULL",
        )?;
        let absent = rows::all(&mut before, params![id.0, folder, name, current], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
        })?;
        for (folder, _) in absent.into_iter().filter(|(_, was_present)| *was_present) {
            *self.present.entry(folder).or_default() -= 1;
        }
        if *current && gone.is_none() {
            *self.present.entry(folder).or_default() += 1;
        }
        let Fingerprint { size, mtime, ctime, inode } = *fingerprint;
        let view = view.as_ref().map(RelPath::as_bytes);
        self.catalog
            .prepare_cached(
                "INSERT OR REPLACE INTO observation (id, folder, name, name_shown, blob, size, mtime_s, mtime_n, ctime_s,
                     ctime_n, inode, racy, seen_s, seen_n, gone_s, gone_n, held, current, open, status, placement,
                     view_path, view_shown, unsaved)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                         ?21, ?22, ?23, 0)",
            )?
            .execute(params![
                id.0,
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
                racy,
                seen.secs,
                seen.nanos,
                gone.map(|time| time.secs),
                gone.map(|time| time.nanos),
                held,
                current,
                open,
                standing.status.as_str(),
                standing.placement.as_str(),
                view,
                view.and_then(codec::shown),
            ])?;
        Ok(())
    }

    fn folder(&mut self, at: &Location) -> Outcome<i64> {
        if let Some(folders) = self.roots.get_mut(&at.root) {
            return folders.know(&at.dir);
        }
        let mut statement = self.catalog.prepare_cached("SELECT id FROM root WHERE key = ?1")?;
        let key = keys::root(&at.root.host, &at.root.basedir);
        let found: Option<i64> = rows::one(&mut statement, [key], |row| Ok(row.get(0)?))?;
        let id = found.ok_or_else(|| Failure::Misuse(format!("the root of {at} was not restored")))?;
        let folders =
            self.roots.entry(at.root.clone()).or_insert(Folders::new(self.catalog, id, at.root.clone()));
        folders.know(&at.dir)
    }

    fn blob(&self, hash: &BlobHash) -> Outcome<i64> {
        let mut statement = self.catalog.prepare_cached("SELECT id FROM blob WHERE hash = ?1")?;
        let found = rows::one(&mut statement, [hash.as_bytes()], |row| Ok(row.get(0)?))?;
        found.ok_or_else(|| Failure::Misuse(format!("content {hash} was not restored")))
    }
}
