//! What the archive's manifests lack.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use mama_ports::curation::{ActId, ItemId, NewAct};
use mama_ports::manifest::{
    ActRow, BlobRow, Generations, ItemRow, LastSeen, Manifests, Mark, ObservationRow, Receipt, RootRow, Rows,
    UnsavedRows,
};
use mama_ports::repository::{Epoch, PageSize, Repo};
use mama_ports::vocab::{BlobHash, Location, ObservationId, RelPath, ScanRoot};
use rusqlite::{Row, Transaction, params};

use super::rows::{self, Outcome};
use super::{Sqlite, codec, folders, lease, restore};
use crate::sql::decisions::{self, Columns};

#[async_trait]
impl Manifests for Sqlite {
    async fn generations(&self) -> Repo<Generations> {
        self.read("read how far the manifests have come", generations).await
    }

    async fn unsaved(&self, limit: PageSize) -> Repo<UnsavedRows> {
        self.read("read what the manifests lack", move |catalog| unsaved(catalog, limit)).await
    }

    async fn intend(&self, under: Option<Epoch>, mark: &Mark) -> Repo<()> {
        let mark = *mark;
        self.write("announce a manifest", move |catalog| {
            lease::check(catalog, under)?;
            let (generation, digest) = (rows::to_i64(mark.generation)?, mark.digest);
            catalog
                .prepare_cached("UPDATE manifest SET intended = ?1, intended_digest = ?2")?
                .execute(params![generation, digest.as_bytes()])?;
            Ok(())
        })
        .await
    }

    async fn saved(&self, under: Option<Epoch>, mark: &Mark, receipt: &Receipt) -> Repo<()> {
        let (mark, receipt) = (*mark, receipt.clone());
        self.write("remember a manifest", move |catalog| {
            lease::check(catalog, under)?;
            saved(catalog, &mark, &receipt)
        })
        .await
    }

    async fn explain_anew(&self) -> Repo<()> {
        self.write("begin the manifests anew", |catalog| {
            catalog.execute_batch(
                "UPDATE manifest SET anew = 1;
                 UPDATE blob SET unsaved = unsaved + 1;
                 UPDATE observation SET unsaved = unsaved + 1;
                 UPDATE act SET unsaved = 1;
                 UPDATE act_item SET unsaved = 1;",
            )?;
            Ok(())
        })
        .await
    }

    async fn reopen(&self) -> Repo<()> {
        self.write("open every observation", |catalog| {
            catalog.execute("UPDATE observation SET open = 1, unsaved = unsaved + 1 WHERE open = 0", [])?;
            Ok(())
        })
        .await
    }

    async fn restore(&self, rows: &Rows) -> Repo<()> {
        let rows = rows.clone();
        self.write("restore rows from a manifest", move |catalog| restore::restore(catalog, &rows)).await
    }

    async fn restored(&self, last: Option<&Mark>) -> Repo<()> {
        let last = last.copied();
        self.write("end a rebuild", move |catalog| {
            let generation = last.map(|mark| rows::to_i64(mark.generation)).transpose()?;
            let digest = last.map(|mark| *mark.digest.as_bytes());
            catalog
                .prepare_cached(
                    "UPDATE manifest SET saved = ?1, saved_digest = ?2, anew = 0, rebuilding = 0,
                                         intended = NULL, intended_digest = NULL",
                )?
                .execute(params![generation, digest])?;
            Ok(())
        })
        .await
    }

    async fn stored(&self, after: Option<&BlobHash>, limit: PageSize) -> Repo<Vec<(BlobHash, u64)>> {
        let after = after.map_or_else(Vec::new, |hash| hash.as_bytes().to_vec());
        self.read("list what the archive holds", move |catalog| {
            let mut statement = catalog.prepare_cached(
                "SELECT hash, size FROM blob WHERE hash > ?1 AND stored = 1 ORDER BY hash LIMIT ?2",
            )?;
            rows::all(&mut statement, params![after, limit.0], |row| {
                Ok((rows::hash(row, 0)?, rows::count(row, 1)?))
            })
        })
        .await
    }

    async fn placed(
        &self,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<(ObservationId, BlobHash, RelPath)>> {
        let after = after.map_or(i64::MIN, |id| id.0);
        self.read("list what has a view", move |catalog| {
            let mut statement = catalog.prepare_cached(
                "SELECT o.id, b.hash, o.view_path FROM observation o JOIN blob b ON b.id = o.blob
                 WHERE o.id > ?1 AND o.placement = 'placed' ORDER BY o.id LIMIT ?2",
            )?;
            rows::all(&mut statement, params![after, limit.0], |row| {
                Ok((ObservationId(row.get(0)?), rows::hash(row, 1)?, rows::rel_path(row, 2)?))
            })
        })
        .await
    }

    async fn last_seen(&self, hashes: &[BlobHash]) -> Repo<Vec<Option<LastSeen>>> {
        let hashes = hashes.to_vec();
        self.read("look where contents were seen", move |catalog| {
            hashes.iter().map(|hash| last_seen(catalog, hash)).collect()
        })
        .await
    }
}

fn last_seen(catalog: &Transaction<'_>, hash: &BlobHash) -> Outcome<Option<LastSeen>> {
    let mut statement = catalog.prepare_cached(
        "SELECT r.host, r.basedir, r.kind, f.relpath, o.name, o.current = 1 AND o.gone_s IS NULL
         FROM observation o JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
         WHERE o.blob = (SELECT id FROM blob WHERE hash = ?1)
         ORDER BY o.current = 1 AND o.gone_s IS NULL DESC, o.id DESC LIMIT 1",
    )?;
    rows::one(&mut statement, [hash.as_bytes()], |row| {
        let root = rows::root(row, 0)?;
        let at = Location { root, dir: rows::rel_path(row, 3)?, name: rows::name(row, 4)? };
        Ok(LastSeen { at, is_present: row.get(5)? })
    })
}

fn generations(catalog: &Transaction<'_>) -> Outcome<Generations> {
    let mut statement = catalog.prepare_cached(
        "SELECT saved, saved_digest, intended, intended_digest, anew, rebuilding,
                EXISTS (SELECT 1 FROM observation INDEXED BY observation_unsaved WHERE unsaved > 0)
                OR EXISTS (SELECT 1 FROM blob INDEXED BY blob_unsaved WHERE unsaved > 0)
                OR EXISTS (SELECT 1 FROM act INDEXED BY act_unsaved WHERE unsaved > 0 AND summary IS NULL)
                OR EXISTS (SELECT 1 FROM act_item INDEXED BY act_item_unsaved WHERE unsaved > 0)
         FROM manifest",
    )?;
    let found = rows::one(&mut statement, [], |row| {
        Ok(Generations {
            saved: mark(row, 0)?,
            intended: mark(row, 2)?,
            anew: row.get(4)?,
            rebuilding: row.get(5)?,
            is_unsaved: row.get(6)?,
        })
    })?;
    Ok(found.ok_or_else(|| codec::Damage("table manifest is empty".to_owned()))?)
}

/// Two columns: generation, digest; `None` for NULL.
fn mark(row: &Row<'_>, first: usize) -> Outcome<Option<Mark>> {
    match row.get(first)? {
        Some(generation) => {
            let digest = rows::hash(row, first + 1)?;
            Ok(Some(Mark { generation: codec::count(generation)?, digest }))
        }
        None => Ok(None),
    }
}

fn unsaved(catalog: &Transaction<'_>, limit: PageSize) -> Outcome<UnsavedRows> {
    let (known, roots) = roots(catalog)?;
    let mut receipt = Receipt::default();
    let observations = observations(catalog, &known, limit, &mut receipt)?;
    let mut blobs = BTreeMap::new();
    add_blobs(catalog, OF_OBSERVATIONS, limit, &mut blobs)?;
    let others = add_blobs(catalog, IN_ORDER, limit, &mut blobs)?;
    receipt.blobs = blobs.iter().map(|(hash, (_, count))| (*hash, *count)).collect();
    let acts = acts(catalog, limit)?;
    receipt.acts = acts.iter().map(|row| row.id).collect();
    // Where acts are left, the items of those are, too.
    let last = acts.last().filter(|_| acts.len() >= limit.0 as usize).map_or(i64::MAX, |row| row.id.0);
    let items = items(catalog, last, limit)?;
    receipt.items = items.iter().map(|row| row.id).collect();
    let read = [observations.len(), others, acts.len(), items.len()];
    let has_more = read.iter().any(|&read| read >= limit.0 as usize);
    let blobs = blobs.into_values().map(|(row, _)| row).collect();
    Ok(UnsavedRows { rows: Rows { roots, blobs, observations, acts, items }, receipt, has_more })
}

fn acts(catalog: &Transaction<'_>, limit: PageSize) -> Outcome<Vec<ActRow>> {
    let mut statement = catalog.prepare_cached(
        "SELECT id, at_s, at_n, host, verb, words, undoes, summary FROM act INDEXED BY act_unsaved
         WHERE unsaved > 0 ORDER BY id LIMIT ?1",
    )?;
    rows::all(&mut statement, [limit.0], |row| {
        let asked = NewAct {
            at: rows::time(row, 1)?,
            host: codec::host(rows::text(row, 3)?)?,
            verb: row.get(4)?,
            words: row.get(5)?,
            undoes: row.get::<_, Option<i64>>(6)?.map(ActId),
            summary: row.get(7)?,
        };
        Ok(ActRow { id: ActId(row.get(0)?), asked })
    })
}

/// Items of acts up to `last`.
fn items(catalog: &Transaction<'_>, last: i64, limit: PageSize) -> Outcome<Vec<ItemRow>> {
    let mut statement = catalog.prepare_cached(
        "SELECT id, act, observation, hash, before, after FROM act_item INDEXED BY act_item_unsaved
         WHERE unsaved > 0 AND act <= ?1 ORDER BY id LIMIT ?2",
    )?;
    rows::all(&mut statement, params![last, limit.0], |row| {
        let columns = Columns {
            observation: row.get(2)?,
            hash: row.get_ref(3)?.as_blob_or_null().ok().flatten(),
            before: rows::optional_text(row, 4)?,
            after: rows::optional_text(row, 5)?,
        };
        let decision = decisions::decision(&columns)?;
        Ok(ItemRow { id: ItemId(row.get(0)?), act: ActId(row.get(1)?), decision })
    })
}

fn roots(catalog: &Transaction<'_>) -> Outcome<(HashMap<i64, ScanRoot>, Vec<RootRow>)> {
    let mut statement = catalog
        .prepare_cached("SELECT host, basedir, kind, confirmed_s, confirmed_n, id FROM root ORDER BY id")?;
    let found = rows::all(&mut statement, [], |row| {
        let id = row.get(5)?;
        let (confirmed, mounts) = (rows::optional_time(row, 3)?, folders::mounts(catalog, id)?);
        Ok((id, RootRow { root: rows::root(row, 0)?, confirmed, mounts }))
    })?;
    let known = found.iter().map(|(id, row)| (*id, row.root.clone())).collect();
    Ok((known, found.into_iter().map(|(_, row)| row).collect()))
}

fn observations(
    catalog: &Transaction<'_>,
    roots: &HashMap<i64, ScanRoot>,
    limit: PageSize,
    receipt: &mut Receipt,
) -> Outcome<Vec<ObservationRow>> {
    let sql = format!(
        "SELECT {}, o.unsaved, f.root FROM observation o INDEXED BY observation_unsaved
         CROSS JOIN folder f ON f.id = o.folder CROSS JOIN blob b ON b.id = o.blob
         WHERE o.unsaved > 0 ORDER BY o.id LIMIT (SELECT ?1)",
        rows::OBSERVATION
    );
    let mut statement = catalog.prepare_cached(&sql)?;
    rows::all(&mut statement, [limit.0], |row| {
        let id = ObservationId(row.get(0)?);
        let root: Option<&ScanRoot> = roots.get(&row.get(rows::OBSERVATION_COLUMNS + 1)?);
        let root =
            root.ok_or_else(|| codec::Damage(format!("the root of observation {} is missing", id.0)))?;
        receipt.observations.push((id, row.get(rows::OBSERVATION_COLUMNS)?));
        rows::observation(row, root.clone())
    })
}

/// The unsaved contents of the observations on the page.
const OF_OBSERVATIONS: &str = "b.id IN (SELECT blob FROM (
    SELECT o.blob FROM observation o INDEXED BY observation_unsaved WHERE o.unsaved > 0 ORDER BY o.id LIMIT (SELECT ?1)
)) AND b.unsaved > 0";

/// Any unsaved contents.
const IN_ORDER: &str =
    "b.id IN (SELECT id FROM blob INDEXED BY blob_unsaved WHERE unsaved > 0 ORDER BY id LIMIT (SELECT ?1))";

/// Adds contents with their counts; tells how many there were.
fn add_blobs(
    catalog: &Transaction<'_>,
    which: &str,
    limit: PageSize,
    blobs: &mut BTreeMap<BlobHash, (BlobRow, i64)>,
) -> Outcome<usize> {
    let sql = format!(
        "SELECT {}, b.unsaved FROM blob b LEFT JOIN meta m ON m.blob = b.id WHERE {which}",
        rows::BLOB
    );
    let mut statement = catalog.prepare_cached(&sql)?;
    let found = rows::all(&mut statement, [limit.0], |row| {
        let blob = rows::blob(row)?;
        Ok((blob.record.hash, (blob, row.get(rows::BLOB_COLUMNS)?)))
    })?;
    let count = found.len();
    blobs.extend(found);
    Ok(count)
}

fn saved(catalog: &Transaction<'_>, mark: &Mark, receipt: &Receipt) -> Outcome<()> {
    catalog
        .prepare_cached("UPDATE manifest SET saved = ?1, saved_digest = ?2, anew = 0")?
        .execute(params![rows::to_i64(mark.generation)?, mark.digest.as_bytes()])?;
    let mut clear =
        catalog.prepare_cached("UPDATE observation SET unsaved = 0 WHERE id = ?1 AND unsaved = ?2")?;
    for (id, count) in &receipt.observations {
        clear.execute([id.0, *count])?;
    }
    let mut clear = catalog.prepare_cached("UPDATE blob SET unsaved = 0 WHERE hash = ?1 AND unsaved = ?2")?;
    for (hash, count) in &receipt.blobs {
        clear.execute(params![hash.as_bytes(), count])?;
    }
    let mut clear = catalog.prepare_cached("UPDATE act SET unsaved = 0 WHERE id = ?1")?;
    for id in &receipt.acts {
        clear.execute([id.0])?;
    }
    let mut clear = catalog.prepare_cached("UPDATE act_item SET unsaved = 0 WHERE id = ?1")?;
    for id in &receipt.items {
        clear.execute([id.0])?;
    }
    Ok(())
}
