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
use sqlx::{AssertSqlSafe, PgConnection, query};

use super::failure::Outcome;
use super::rows::{BLOB, Cells, OBSERVATION, to_i64};
use super::sightings::numbered;
use super::{Postgres, folders, lease, restore};
use crate::sql::codec::{self, Damage};
use crate::sql::decisions::{self, Columns};

#[async_trait]
impl Manifests for Postgres {
    async fn generations(&self) -> Repo<Generations> {
        self.ask("read how far the manifests have come", (), |(), catalog| Box::pin(generations(catalog)))
            .await
    }

    async fn unsaved(&self, limit: PageSize) -> Repo<UnsavedRows> {
        self.read("read what the manifests lack", limit, |&limit, catalog| Box::pin(unsaved(catalog, limit)))
            .await
    }

    async fn intend(&self, under: Option<Epoch>, mark: &Mark) -> Repo<()> {
        self.write("announce a manifest", (under, *mark), |(under, mark), catalog| {
            Box::pin(async move {
                lease::check(catalog, *under).await?;
                query("UPDATE manifest SET intended = $1, intended_digest = $2")
                    .bind(to_i64(mark.generation)?)
                    .bind(mark.digest.as_bytes().as_slice())
                    .execute(catalog)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn saved(&self, under: Option<Epoch>, mark: &Mark, receipt: &Receipt) -> Repo<()> {
        let about = (under, *mark, receipt.clone());
        self.write("remember a manifest", about, |(under, mark, receipt), catalog| {
            Box::pin(async move {
                lease::check(catalog, *under).await?;
                saved(catalog, mark, receipt).await
            })
        })
        .await
    }

    async fn explain_anew(&self) -> Repo<()> {
        self.write("begin the manifests anew", (), |(), catalog| Box::pin(restore::explain_anew(catalog)))
            .await
    }

    async fn reopen(&self) -> Repo<()> {
        self.write("open every observation", (), |(), catalog| {
            Box::pin(async move {
                query("UPDATE observation SET open = true, unsaved = unsaved + 1 WHERE NOT open")
                    .execute(catalog)
                    .await?;
                Ok(())
            })
        })
        .await
    }

    async fn restore(&self, rows: &Rows) -> Repo<()> {
        self.write("restore rows from a manifest", rows.clone(), |rows, catalog| {
            Box::pin(restore::restore(catalog, rows))
        })
        .await
    }

    async fn restored(&self, last: Option<&Mark>) -> Repo<()> {
        self.write("end a rebuild", last.copied(), |last, catalog| {
            Box::pin(async move {
                query(
                    "UPDATE manifest SET saved = $1, saved_digest = $2, anew = false, rebuilding = false,
                                         intended = NULL, intended_digest = NULL",
                )
                .bind(last.map(|mark| to_i64(mark.generation)).transpose()?)
                .bind(last.as_ref().map(|mark| mark.digest.as_bytes().as_slice()))
                .execute(catalog)
                .await?;
                Ok(())
            })
        })
        .await
    }

    async fn stored(&self, after: Option<&BlobHash>, limit: PageSize) -> Repo<Vec<(BlobHash, u64)>> {
        let after = after.map_or_else(Vec::new, |hash| hash.as_bytes().to_vec());
        self.ask("list what the archive holds", (after, limit), |(after, limit), catalog| {
            Box::pin(stored(catalog, after, *limit))
        })
        .await
    }

    async fn placed(
        &self,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<(ObservationId, BlobHash, RelPath)>> {
        let after = after.map_or(i64::MIN, |id| id.0);
        self.ask("list what has a view", (after, limit), |(after, limit), catalog| {
            Box::pin(placed(catalog, *after, *limit))
        })
        .await
    }

    async fn last_seen(&self, hashes: &[BlobHash]) -> Repo<Vec<Option<LastSeen>>> {
        self.ask("look where contents were seen", hashes.to_vec(), |hashes, catalog| {
            Box::pin(last_seen(catalog, hashes))
        })
        .await
    }
}

async fn generations(catalog: &mut PgConnection) -> Outcome<Generations> {
    let row = query(
        "SELECT saved, saved_digest, intended, intended_digest, anew, rebuilding,
                EXISTS (SELECT FROM observation WHERE unsaved > 0) OR EXISTS (SELECT FROM blob WHERE unsaved > 0)
                OR EXISTS (SELECT FROM act WHERE unsaved > 0 AND summary IS NULL)
                OR EXISTS (SELECT FROM act_item WHERE unsaved > 0)
         FROM manifest",
    )
    .fetch_optional(catalog)
    .await?;
    let row = row.ok_or_else(|| Damage("table manifest is empty".to_owned()))?;
    let mut cells = Cells::of(&row);
    Ok(Generations {
        saved: mark(&mut cells)?,
        intended: mark(&mut cells)?,
        anew: cells.next()?,
        rebuilding: cells.next()?,
        is_unsaved: cells.next()?,
    })
}

/// Two columns: generation, digest; `None` for NULL.
fn mark(cells: &mut Cells<'_>) -> Outcome<Option<Mark>> {
    let (generation, digest): (Option<i64>, Option<&[u8]>) = (cells.next()?, cells.next()?);
    let mark = generation.zip(digest).map(|(generation, digest)| {
        Ok::<_, Damage>(Mark { generation: codec::count(generation)?, digest: codec::hash(digest)? })
    });
    Ok(mark.transpose()?)
}

async fn unsaved(catalog: &mut PgConnection, limit: PageSize) -> Outcome<UnsavedRows> {
    let (known, roots) = roots(catalog).await?;
    let mut receipt = Receipt::default();
    let observations = observations(catalog, &known, limit, &mut receipt).await?;
    let mut blobs = BTreeMap::new();
    add_blobs(catalog, OF_OBSERVATIONS, limit, &mut blobs).await?;
    let others = add_blobs(catalog, IN_ORDER, limit, &mut blobs).await?;
    receipt.blobs = blobs.iter().map(|(hash, (_, count))| (*hash, *count)).collect();
    let acts = acts(catalog, limit).await?;
    receipt.acts = acts.iter().map(|row| row.id).collect();
    // Where acts are left, the items of those are, too.
    let last = acts.last().filter(|_| acts.len() >= limit.0 as usize).map_or(i64::MAX, |row| row.id.0);
    let items = items(catalog, last, limit).await?;
    receipt.items = items.iter().map(|row| row.id).collect();
    let read = [observations.len(), others, acts.len(), items.len()];
    let has_more = read.iter().any(|&read| read >= limit.0 as usize);
    let blobs = blobs.into_values().map(|(row, _)| row).collect();
    Ok(UnsavedRows { rows: Rows { roots, blobs, observations, acts, items }, receipt, has_more })
}

async fn acts(catalog: &mut PgConnection, limit: PageSize) -> Outcome<Vec<ActRow>> {
    let sql = "SELECT id, at_s, at_n, host, verb, words, undoes, summary FROM act
               WHERE unsaved > 0 ORDER BY id LIMIT $1";
    let rows = query(sql).bind(i64::from(limit.0)).fetch_all(catalog).await?;
    let read = |row| {
        let mut cells = Cells::of(row);
        let id = ActId(cells.next()?);
        let asked = NewAct {
            at: cells.time()?,
            host: codec::host(cells.next()?)?,
            verb: cells.next()?,
            words: cells.next()?,
            undoes: cells.next::<Option<i64>>()?.map(ActId),
            summary: cells.next()?,
        };
        Ok(ActRow { id, asked })
    };
    rows.iter().map(read).collect()
}

/// Items of acts up to `last`.
async fn items(catalog: &mut PgConnection, last: i64, limit: PageSize) -> Outcome<Vec<ItemRow>> {
    let sql = "SELECT id, act, observation, hash, before, after FROM act_item
               WHERE unsaved > 0 AND act <= $1 ORDER BY id LIMIT $2";
    let rows = query(sql).bind(last).bind(i64::from(limit.0)).fetch_all(catalog).await?;
    let read = |row| {
        let mut cells = Cells::of(row);
        let (id, act) = (ItemId(cells.next()?), ActId(cells.next()?));
        let columns = Columns {
            observation: cells.next()?,
            hash: cells.next()?,
            before: cells.next()?,
            after: cells.next()?,
        };
        Ok(ItemRow { id, act, decision: decisions::decision(&columns)? })
    };
    rows.iter().map(read).collect()
}

async fn roots(catalog: &mut PgConnection) -> Outcome<(HashMap<i64, ScanRoot>, Vec<RootRow>)> {
    let sql = "SELECT id, host, basedir, kind, confirmed_s, confirmed_n FROM root ORDER BY id";
    let (mut known, mut roots) = (HashMap::new(), Vec::new());
    for row in &query(sql).fetch_all(&mut *catalog).await? {
        let mut cells = Cells::of(row);
        let id = cells.next()?;
        let (root, confirmed) = (cells.root()?, cells.optional_time()?);
        known.insert(id, root.clone());
        roots.push(RootRow { root, confirmed, mounts: folders::marks(&mut *catalog, id).await? });
    }
    Ok((known, roots))
}

async fn observations(
    catalog: &mut PgConnection,
    roots: &HashMap<i64, ScanRoot>,
    limit: PageSize,
    receipt: &mut Receipt,
) -> Outcome<Vec<ObservationRow>> {
    let sql = format!(
        "WITH chosen AS MATERIALIZED (
             SELECT * FROM observation WHERE unsaved > 0 ORDER BY id LIMIT $1
         )
         SELECT o.unsaved, f.root, {OBSERVATION}
         FROM chosen o JOIN folder f ON f.id = o.folder JOIN blob b ON b.id = o.blob ORDER BY o.id"
    );
    let rows = query(AssertSqlSafe(sql)).bind(i64::from(limit.0)).fetch_all(catalog).await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut cells = Cells::of(row);
        let count = cells.next::<i32>()?.into();
        let root: Option<&ScanRoot> = roots.get(&cells.next()?);
        let root = root.ok_or_else(|| Damage("the root of an observation is missing".to_owned()))?;
        let observation = cells.observation(root.clone())?;
        receipt.observations.push((observation.id, count));
        found.push(observation);
    }
    Ok(found)
}

/// The unsaved contents of the observations on the page.
const OF_OBSERVATIONS: &str = "SELECT DISTINCT o.blob AS id
    FROM (SELECT blob FROM observation WHERE unsaved > 0 ORDER BY id LIMIT $1) AS o";

/// Any unsaved contents.
const IN_ORDER: &str = "SELECT id FROM blob WHERE unsaved > 0 ORDER BY id LIMIT $1";

/// Adds contents with their counts; tells how many there were.
async fn add_blobs(
    catalog: &mut PgConnection,
    which: &str,
    limit: PageSize,
    blobs: &mut BTreeMap<BlobHash, (BlobRow, i64)>,
) -> Outcome<usize> {
    let sql = format!(
        "WITH chosen AS MATERIALIZED ({which})
         SELECT b.unsaved, {BLOB}
         FROM chosen JOIN blob b ON b.id = chosen.id LEFT JOIN meta m ON m.blob = b.id WHERE b.unsaved > 0"
    );
    let rows = query(AssertSqlSafe(sql)).bind(i64::from(limit.0)).fetch_all(catalog).await?;
    for row in &rows {
        let mut cells = Cells::of(row);
        let count = cells.next::<i32>()?.into();
        let blob = cells.blob()?;
        blobs.insert(blob.record.hash, (blob, count));
    }
    Ok(rows.len())
}

/// Takes the locks in the order of every change: roots, then contents.
async fn saved(catalog: &mut PgConnection, mark: &Mark, receipt: &Receipt) -> Outcome<()> {
    query("UPDATE manifest SET saved = $1, saved_digest = $2, anew = false")
        .bind(to_i64(mark.generation)?)
        .bind(mark.digest.as_bytes().as_slice())
        .execute(&mut *catalog)
        .await?;
    if receipt.is_empty() {
        return Ok(());
    }
    let (ids, counts): (Vec<i64>, Vec<i64>) =
        receipt.observations.iter().map(|(id, count)| (id.0, *count)).unzip();
    super::roots::lock(catalog, &ids, &[]).await?;
    query(
        "UPDATE observation o SET unsaved = 0 FROM unnest($1::bigint[], $2::bigint[]) AS read (id, unsaved)
         WHERE o.id = read.id AND o.unsaved = read.unsaved",
    )
    .bind(ids)
    .bind(counts)
    .execute(&mut *catalog)
    .await?;
    let (hashes, counts): (Vec<&[u8]>, Vec<i64>) =
        receipt.blobs.iter().map(|(hash, count)| (hash.as_bytes().as_slice(), *count)).unzip();
    query(
        "UPDATE blob SET unsaved = 0 FROM (
             SELECT b.id FROM unnest($1::bytea[], $2::bigint[]) AS read (hash, unsaved)
             JOIN blob b ON b.hash = read.hash AND b.unsaved = read.unsaved ORDER BY b.hash FOR NO KEY UPDATE OF b
         ) AS unchanged WHERE blob.id = unchanged.id",
    )
    .bind(hashes)
    .bind(counts)
    .execute(&mut *catalog)
    .await?;
    query("UPDATE act SET unsaved = 0 WHERE id = ANY($1)")
        .bind(receipt.acts.iter().map(|id| id.0).collect::<Vec<_>>())
        .execute(&mut *catalog)
        .await?;
    query("UPDATE act_item SET unsaved = 0 WHERE id = ANY($1)")
        .bind(receipt.items.iter().map(|id| id.0).collect::<Vec<_>>())
        .execute(catalog)
        .await?;
    Ok(())
}

async fn stored(catalog: &mut PgConnection, after: &[u8], limit: PageSize) -> Outcome<Vec<(BlobHash, u64)>> {
    let sql = "SELECT hash, size FROM blob WHERE hash > $1 AND stored ORDER BY hash LIMIT $2";
    let rows = query(sql).bind(after).bind(i64::from(limit.0)).fetch_all(catalog).await?;
    rows.iter()
        .map(|row| {
            let mut cells = Cells::of(row);
            Ok((cells.hash()?, cells.count()?))
        })
        .collect()
}

async fn placed(
    catalog: &mut PgConnection,
    after: i64,
    limit: PageSize,
) -> Outcome<Vec<(ObservationId, BlobHash, RelPath)>> {
    let rows = query(
        "SELECT o.id, b.hash, o.view_path FROM observation o JOIN blob b ON b.id = o.blob
         WHERE o.id > $1 AND o.placement = 'placed' ORDER BY o.id LIMIT $2",
    )
    .bind(after)
    .bind(i64::from(limit.0))
    .fetch_all(catalog)
    .await?;
    rows.iter()
        .map(|row| {
            let mut cells = Cells::of(row);
            Ok((ObservationId(cells.next()?), cells.hash()?, cells.rel_path()?))
        })
        .collect()
}

async fn last_seen(catalog: &mut PgConnection, hashes: &[BlobHash]) -> Outcome<Vec<Option<LastSeen>>> {
    let asked: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let rows = query(
        "SELECT h.number, r.host, r.basedir, r.kind, f.relpath, s.name, s.is_present
         FROM unnest($1::bytea[]) WITH ORDINALITY AS h (hash, number)
         JOIN blob b ON b.hash = h.hash
         CROSS JOIN LATERAL (
             SELECT o.folder, o.name, o.current AND o.gone_s IS NULL AS is_present FROM observation o
             WHERE o.blob = b.id ORDER BY is_present DESC, o.id DESC LIMIT 1
         ) AS s
         JOIN folder f ON f.id = s.folder JOIN root r ON r.id = f.root",
    )
    .bind(asked)
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![None; hashes.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        let at = Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? };
        *answer = Some(LastSeen { at, is_present: cells.next()? });
    }
    Ok(answers)
}
