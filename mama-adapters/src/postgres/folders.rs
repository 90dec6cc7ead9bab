//! Folders of one root, written under its lock: which there are, and how many present files each has below it.

use std::collections::{HashMap, HashSet};

use mama_ports::repository::{FolderSidecars, MountMark};
use mama_ports::vocab::{RelPath, VolumeId};
use sqlx::{PgConnection, query, query_as, query_scalar};

use super::failure::{Failure, Outcome};
use super::roots::Root;
use crate::sql::codec;

/// The ids of folders, which become known with all above them.
pub(super) async fn know<'a>(
    catalog: &mut PgConnection,
    root: &Root,
    dirs: impl Iterator<Item = &'a RelPath>,
) -> Outcome<HashMap<RelPath, i64>> {
    let mut wanted: Vec<RelPath> = with_ancestors(dirs).into_iter().collect();
    // Byte order puts a folder before those in it.
    wanted.sort_unstable();
    let keys: Vec<[u8; 32]> = wanted.iter().map(|dir| root.key(dir)).collect();
    let rows: Vec<(i64, i64)> = query_as(
        "SELECT d.number, f.id FROM unnest($1::bytea[]) WITH ORDINALITY AS d (key, number)
         JOIN folder f ON f.place_key = d.key AND f.root = $2",
    )
    .bind(&keys)
    .bind(root.id)
    .fetch_all(&mut *catalog)
    .await?;
    let known: HashMap<i64, i64> = rows.into_iter().collect();
    let mut ids = HashMap::with_capacity(wanted.len());
    let mut missing = Vec::new();
    for ((number, dir), key) in (1..).zip(wanted).zip(keys) {
        match known.get(&number) {
            Some(&id) => drop(ids.insert(dir, id)),
            None => missing.push((dir, key)),
        }
    }
    if !missing.is_empty() {
        add(catalog, root, missing, &mut ids).await?;
    }
    Ok(ids)
}

fn with_ancestors<'a>(dirs: impl Iterator<Item = &'a RelPath>) -> HashSet<RelPath> {
    let mut wanted = HashSet::new();
    for dir in dirs {
        let mut next = Some(dir.clone());
        while let Some(dir) = next.take_if(|dir| !wanted.contains(dir)) {
            next = dir.parent();
            wanted.insert(dir);
        }
    }
    wanted
}

/// Adds folders, parents before children.
async fn add(
    catalog: &mut PgConnection,
    root: &Root,
    missing: Vec<(RelPath, [u8; 32])>,
    ids: &mut HashMap<RelPath, i64>,
) -> Outcome<()> {
    let new: Vec<i64> =
        query_scalar("SELECT nextval(pg_get_serial_sequence('folder', 'id')) FROM generate_series(1, $1)")
            .bind(missing.len() as i64)
            .fetch_all(&mut *catalog)
            .await?;
    let (mut parents, mut names, mut paths, mut shown, mut keys) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (&id, (dir, key)) in new.iter().zip(&missing) {
        let (parent, name) = match dir.split() {
            Some((parent, name)) => (Some(parent), name.as_bytes().to_vec()),
            None => (None, Vec::new()),
        };
        let above = parent.map(|parent| ids.get(&parent).copied().ok_or(parent)).transpose();
        parents
            .push(above.map_err(|parent| Failure::Misuse(format!("{parent} comes after a folder in it")))?);
        names.push(name);
        paths.push(dir.as_bytes());
        shown.push(codec::shown(dir.as_bytes()));
        keys.push(*key);
        ids.insert(dir.clone(), id);
    }
    query(
        "INSERT INTO folder (id, root, parent, name, relpath, relpath_shown, place_key)
         SELECT new.id, $7, new.parent, new.name, new.relpath, new.shown, new.key
         FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[], $5::text[], $6::bytea[])
              AS new (id, parent, name, relpath, shown, key)",
    )
    .bind(new)
    .bind(parents)
    .bind(names)
    .bind(paths)
    .bind(shown)
    .bind(keys)
    .bind(root.id)
    .execute(catalog)
    .await?;
    Ok(())
}

/// The folders of a root whose volume was recorded, in path order.
pub(super) async fn marks(catalog: &mut PgConnection, root: i64) -> Outcome<Vec<(RelPath, VolumeId)>> {
    let sql = "SELECT relpath, volume FROM folder WHERE root = $1 AND volume IS NOT NULL ORDER BY relpath";
    let rows: Vec<(Vec<u8>, String)> = query_as(sql).bind(root).fetch_all(catalog).await?;
    rows.into_iter().map(|(dir, volume)| Ok((codec::rel_path(&dir)?, VolumeId::new(volume)))).collect()
}

/// Records volumes.
pub(super) async fn mark(catalog: &mut PgConnection, root: &Root, marks: &[MountMark]) -> Outcome<()> {
    if marks.is_empty() {
        return Ok(());
    }
    // Of several marks for one folder, the last one counts.
    let latest: HashMap<&RelPath, Option<&str>> =
        marks.iter().map(|mark| (&mark.dir, mark.volume.as_ref().map(VolumeId::as_str))).collect();
    let marked = marks.iter().filter(|mark| mark.volume.is_some());
    know(catalog, root, marked.map(|mark| &mark.dir)).await?;
    let (keys, volumes): (Vec<[u8; 32]>, Vec<Option<&str>>) =
        latest.into_iter().map(|(dir, volume)| (root.key(dir), volume)).unzip();
    query(
        "UPDATE folder SET volume = new.volume FROM unnest($1::bytea[], $2::text[]) AS new (key, volume)
         WHERE folder.place_key = new.key AND folder.root = $3",
    )
    .bind(keys)
    .bind(volumes)
    .bind(root.id)
    .execute(catalog)
    .await?;
    Ok(())
}

/// Replaces what is known of the sidecars in these folders, which become known.
pub(super) async fn link_sidecars(
    catalog: &mut PgConnection,
    root: &Root,
    folders: &[FolderSidecars],
) -> Outcome<()> {
    if folders.is_empty() {
        return Ok(());
    }
    let ids = know(catalog, root, folders.iter().map(|folder| &folder.dir)).await?;
    let concerned: Vec<i64> = ids_of(&ids, folders.iter().map(|folder| &folder.dir));
    query("UPDATE sidecar SET current = false WHERE folder = ANY($1) AND current")
        .bind(concerned)
        .execute(&mut *catalog)
        .await?;
    let links = || folders.iter().flat_map(|folder| folder.links.iter().map(move |link| (&folder.dir, link)));
    query(
        "INSERT INTO sidecar (folder, name, sidecar) SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bytea[])
         ON CONFLICT (folder, name, sidecar) DO UPDATE SET current = true",
    )
    .bind(ids_of(&ids, links().map(|(dir, _)| dir)))
    .bind(links().map(|(_, link)| link.of.as_bytes()).collect::<Vec<_>>())
    .bind(links().map(|(_, link)| link.sidecar.as_bytes()).collect::<Vec<_>>())
    .execute(catalog)
    .await?;
    Ok(())
}

fn ids_of<'a>(ids: &HashMap<RelPath, i64>, dirs: impl Iterator<Item = &'a RelPath>) -> Vec<i64> {
    dirs.filter_map(|dir| ids.get(dir).copied()).collect()
}

/// The folders and those below them, without subtrees where nothing is present.
pub(super) async fn present_below(
    catalog: &mut PgConnection,
    root: &Root,
    dirs: &[RelPath],
) -> Outcome<Vec<i64>> {
    let keys: Vec<[u8; 32]> = dirs.iter().map(|dir| root.key(dir)).collect();
    let ids = query_scalar(
        "WITH RECURSIVE within (id) AS (
             SELECT f.id FROM unnest($1::bytea[]) AS asked (key)
             JOIN folder f ON f.place_key = asked.key AND f.root = $2
             UNION
             SELECT f.id FROM within w JOIN folder f ON f.parent = w.id WHERE f.present > 0
         ) SELECT id FROM within",
    );
    Ok(ids.bind(keys).bind(root.id).fetch_all(catalog).await?)
}

/// Adds what came and went to the folders and all above them, each written once.
pub(super) async fn count_present(catalog: &mut PgConnection, changes: &HashMap<i64, i64>) -> Outcome<()> {
    let (folders, changes): (Vec<i64>, Vec<i64>) = changes.iter().filter(|&(_, &change)| change != 0).unzip();
    if folders.is_empty() {
        return Ok(());
    }
    query(
        "WITH RECURSIVE up (folder, change) AS (
             SELECT * FROM unnest($1::bigint[], $2::bigint[])
             UNION ALL
             SELECT f.parent, up.change FROM up JOIN folder f ON f.id = up.folder WHERE f.parent IS NOT NULL
         )
         UPDATE folder SET present = present + sums.change
         FROM (SELECT folder, sum(change)::bigint AS change FROM up GROUP BY folder) AS sums
         WHERE folder.id = sums.folder AND sums.change <> 0",
    )
    .bind(folders)
    .bind(changes)
    .execute(catalog)
    .await?;
    Ok(())
}
