//! Folders of one root: which there are, and how many present files each has below it.

use std::collections::HashMap;

use mama_ports::vocab::{RelPath, ScanRoot, VolumeId};
use rusqlite::{Transaction, params};

use super::rows::{self, Outcome};
use crate::sql::{codec, keys};

/// The folders of one root, known so far.
pub(super) struct Folders<'a> {
    catalog: &'a Transaction<'a>,
    id: i64,
    root: ScanRoot,
    known: HashMap<RelPath, i64>,
}

impl<'a> Folders<'a> {
    /// Those of `root`, whose row is `id`.
    pub(super) fn new(catalog: &'a Transaction<'a>, id: i64, root: ScanRoot) -> Self {
        Self { catalog, id, root, known: HashMap::new() }
    }

    /// The id of a folder, which becomes known with all above it.
    pub(super) fn know(&mut self, dir: &RelPath) -> Outcome<i64> {
        if let Some(&id) = self.known.get(dir) {
            return Ok(id);
        }
        let key = keys::place(self.root.kind, &self.root.basedir.join(dir));
        let id = match find(self.catalog, self.id, &key)? {
            Some(id) => id,
            None => self.add(dir, &key)?,
        };
        self.known.insert(dir.clone(), id);
        Ok(id)
    }

    fn add(&mut self, dir: &RelPath, key: &[u8; 32]) -> Outcome<i64> {
        let (parent, name) = match dir.split() {
            Some((parent, name)) => (Some(self.know(&parent)?), name.as_bytes().to_vec()),
            None => (None, Vec::new()),
        };
        let path = dir.as_bytes();
        self.catalog
            .prepare_cached(
                "INSERT INTO folder (root, parent, name, relpath, relpath_shown, place_key)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![self.id, parent, name, path, codec::shown(path), key])?;
        Ok(self.catalog.last_insert_rowid())
    }
}

/// The folder of a root with this key, if it is known.
pub(super) fn find(catalog: &Transaction<'_>, root: i64, key: &[u8; 32]) -> Outcome<Option<i64>> {
    let mut statement = catalog.prepare_cached("SELECT id FROM folder WHERE place_key = ?1 AND root = ?2")?;
    rows::one(&mut statement, params![key, root], |row| Ok(row.get(0)?))
}

/// The folders of a root whose volume was recorded, in path order.
pub(super) fn mounts(catalog: &Transaction<'_>, root: i64) -> Outcome<Vec<(RelPath, VolumeId)>> {
    let mut statement = catalog.prepare_cached(
        "SELECT relpath, volume FROM folder WHERE root = ?1 AND volume IS NOT NULL ORDER BY relpath",
    )?;
    rows::all(&mut statement, [root], |row| Ok((rows::rel_path(row, 0)?, VolumeId::new(rows::text(row, 1)?))))
}

/// Records or forgets the volume of a folder.
pub(super) fn mark(catalog: &Transaction<'_>, folder: i64, volume: Option<&VolumeId>) -> Outcome<()> {
    catalog
        .prepare_cached("UPDATE folder SET volume = ?2 WHERE id = ?1")?
        .execute(params![folder, volume.map(VolumeId::as_str)])?;
    Ok(())
}

/// Adds what came and went to the folders and all above them, each written once.
pub(super) fn count_present(catalog: &Transaction<'_>, changes: &HashMap<i64, i64>) -> Outcome<()> {
    let mut parent_of = catalog.prepare_cached("SELECT parent FROM folder WHERE id = ?1")?;
    let mut parents: HashMap<i64, Option<i64>> = HashMap::new();
    let mut sums: HashMap<i64, i64> = HashMap::new();
    for (&folder, &change) in changes.iter().filter(|&(_, &change)| change != 0) {
        let mut next = Some(folder);
        while let Some(folder) = next {
            *sums.entry(folder).or_default() += change;
            next = match parents.get(&folder) {
                Some(&parent) => parent,
                None => {
                    let parent = parent_of.query_row([folder], |row| row.get(0))?;
                    parents.insert(folder, parent);
                    parent
                }
            };
        }
    }
    let mut update = catalog.prepare_cached("UPDATE folder SET present = present + ?2 WHERE id = ?1")?;
    for (folder, change) in sums.into_iter().filter(|&(_, change)| change != 0) {
        update.execute([folder, change])?;
    }
    Ok(())
}
