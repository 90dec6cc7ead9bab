//! What apply remembers.

use std::collections::{HashMap, HashSet};

use mama_ports::repository::{SettleBatch, Settled, Settlement};
use mama_ports::vocab::{BlobHash, Footing, RelPath};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, query, query_scalar};

use super::failure::Outcome;
use super::rows::{Cells, Fingerprints};
use super::{lease, roots};
use crate::sql::codec;
use crate::sql::stands::{Stands, Verdict};

pub(super) async fn settle(catalog: &mut PgConnection, batch: &SettleBatch) -> Outcome<Vec<Settled>> {
    lease::check(catalog, batch.under).await?;
    let ids: Vec<i64> = batch.settlements.iter().map(|settlement| settlement.id.0).collect();
    let unplaced: Vec<i64> = batch.unplaced.iter().map(|id| id.0).collect();
    let concerned = [ids.as_slice(), &unplaced].concat();
    if !(concerned.is_empty() && batch.damaged.is_empty()) {
        roots::lock(catalog, &concerned, &batch.damaged).await?;
    }
    damage(catalog, &batch.damaged).await?;
    store(catalog, &batch.stored).await?;
    unplace(catalog, unplaced).await?;
    let mut answers = Vec::with_capacity(ids.len());
    // Of several settlements of one observation, each is compared with what the one before it made.
    let mut rest = batch.settlements.as_slice();
    while !rest.is_empty() {
        let mut seen = HashSet::with_capacity(rest.len());
        let until = rest.iter().position(|settlement| !seen.insert(settlement.id.0));
        let (now, later) = rest.split_at(until.unwrap_or(rest.len()));
        answers.extend(settle_distinct(catalog, now).await?);
        rest = later;
    }
    Ok(answers)
}

/// Under the locks of the roots concerned, as every change of their observations.
async fn damage(catalog: &mut PgConnection, damaged: &[BlobHash]) -> Outcome<()> {
    if damaged.is_empty() {
        return Ok(());
    }
    let hashes: Vec<&[u8]> = damaged.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let blobs: Vec<i64> = query_scalar(
        "UPDATE blob SET stored = false, unsaved = unsaved + 1 FROM (
             SELECT id FROM blob WHERE hash = ANY($1) ORDER BY hash FOR NO KEY UPDATE
         ) AS damaged WHERE blob.id = damaged.id RETURNING blob.id",
    )
    .bind(hashes)
    .fetch_all(&mut *catalog)
    .await?;
    query(
        "UPDATE observation SET open = true, placement = CASE placement WHEN 'placed' THEN 'none' ELSE placement END,
             unsaved = unsaved + 1
         WHERE blob = ANY($1) AND (NOT open OR placement = 'placed')",
    )
    .bind(blobs)
    .execute(catalog)
    .await?;
    Ok(())
}

async fn store(catalog: &mut PgConnection, stored: &[BlobHash]) -> Outcome<()> {
    if stored.is_empty() {
        return Ok(());
    }
    let hashes: Vec<&[u8]> = stored.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    query(
        "UPDATE blob SET stored = true, unsaved = unsaved + 1 FROM (
             SELECT id FROM blob WHERE hash = ANY($1) AND NOT stored ORDER BY hash FOR NO KEY UPDATE
         ) AS new WHERE blob.id = new.id",
    )
    .bind(hashes)
    .execute(catalog)
    .await?;
    Ok(())
}

/// Under the locks of the roots concerned.
async fn unplace(catalog: &mut PgConnection, ids: Vec<i64>) -> Outcome<()> {
    if ids.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE observation SET placement = 'none', open = true, unsaved = unsaved + 1
         WHERE id = ANY($1) AND placement = 'placed'",
    )
    .bind(ids)
    .execute(catalog)
    .await?;
    Ok(())
}

/// Settles different observations, under the locks of their roots.
async fn settle_distinct(catalog: &mut PgConnection, settlements: &[Settlement]) -> Outcome<Vec<Settled>> {
    let now = standing_now(catalog, settlements).await?;
    let mut changes = Changes::default();
    let mut answers = Vec::with_capacity(settlements.len());
    for settlement in settlements {
        let verdict = now.get(&settlement.id.0).map_or(Verdict::Stale, |now| now.settled_by(settlement));
        answers.push(match verdict {
            Verdict::Already => Settled::Done,
            Verdict::Stale => Settled::Stale,
            Verdict::Set(then) => {
                changes.push(settlement.id.0, then)?;
                Settled::Done
            }
        });
    }
    changes.write(catalog).await?;
    Ok(answers)
}

async fn standing_now(
    catalog: &mut PgConnection,
    settlements: &[Settlement],
) -> Outcome<HashMap<i64, Stands>> {
    let ids: Vec<i64> = settlements.iter().map(|settlement| settlement.id.0).collect();
    let rows = query(
        "SELECT o.id, o.status, o.placement, o.current, o.gone_s IS NOT NULL, b.block_reason, o.open, o.view_path,
                o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n, o.inode, o.racy
         FROM observation o JOIN blob b ON b.id = o.blob WHERE o.id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(catalog)
    .await?;
    let read = |row: &PgRow| {
        let mut cells = Cells::of(row);
        let id = cells.next()?;
        let standing = cells.standing()?;
        let (current, gone) = (cells.next()?, cells.next()?);
        let block: Option<&str> = cells.next()?;
        let block = block.map(codec::block).transpose()?;
        let stands = Stands {
            footing: Footing { standing, current, gone, block },
            open: cells.next()?,
            view: cells.optional_path()?,
            fingerprint: cells.fingerprint()?,
            racy: cells.next()?,
        };
        Ok((id, stands))
    };
    rows.iter().map(read).collect()
}

/// Rows to set, as columns.
#[derive(Default)]
struct Changes {
    id: Vec<i64>,
    status: Vec<&'static str>,
    placement: Vec<&'static str>,
    open: Vec<bool>,
    view: Vec<Option<RelPath>>,
    fingerprint: Fingerprints,
    racy: Vec<bool>,
}

impl Changes {
    fn push(&mut self, id: i64, then: Stands) -> Outcome<()> {
        self.id.push(id);
        self.status.push(then.footing.standing.status.as_str());
        self.placement.push(then.footing.standing.placement.as_str());
        self.racy.push(then.racy);
        self.open.push(then.open);
        self.view.push(then.view);
        self.fingerprint.push(&then.fingerprint)
    }

    async fn write(self, catalog: &mut PgConnection) -> Outcome<()> {
        if self.id.is_empty() {
            return Ok(());
        }
        let views: Vec<Option<&[u8]>> =
            self.view.iter().map(|view| view.as_ref().map(RelPath::as_bytes)).collect();
        let shown: Vec<Option<String>> = views.iter().map(|view| view.and_then(codec::shown)).collect();
        query(
            "UPDATE observation o
             SET status = now.status, placement = now.placement, open = now.open, view_path = now.view,
                 view_shown = now.shown, size = now.size, mtime_s = now.mtime_s, mtime_n = now.mtime_n,
                 ctime_s = now.ctime_s, ctime_n = now.ctime_n, inode = now.inode, racy = now.racy,
                 unsaved = o.unsaved + 1
             FROM unnest($1::bigint[], $2::text[], $3::text[], $4::boolean[], $5::bytea[], $6::text[], $7::bigint[],
                         $8::bigint[], $9::integer[], $10::bigint[], $11::integer[], $12::bigint[], $13::boolean[])
                  AS now (id, status, placement, open, view, shown, size, mtime_s, mtime_n, ctime_s, ctime_n, inode,
                          racy)
             WHERE o.id = now.id",
        )
        .bind(self.id)
        .bind(self.status)
        .bind(self.placement)
        .bind(self.open)
        .bind(views)
        .bind(shown)
        .bind(self.fingerprint.size)
        .bind(self.fingerprint.mtime_s)
        .bind(self.fingerprint.mtime_n)
        .bind(self.fingerprint.ctime_s)
        .bind(self.fingerprint.ctime_n)
        .bind(self.fingerprint.inode)
        .bind(self.racy)
        .execute(catalog)
        .await?;
        Ok(())
    }
}
