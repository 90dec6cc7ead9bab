//! Decisions about targets and contents.

use async_trait::async_trait;
use mama_ports::repository::{Curation, Decision, Repo, Settled};
use mama_ports::vocab::{BlobHash, BlockReason, ObservationId, Status};
use sqlx::{PgConnection, query, query_scalar};

use super::failure::Outcome;
use super::{Postgres, roots};

#[async_trait]
impl Curation for Postgres {
    async fn decide(&self, batch: &[Decision]) -> Repo<Vec<Settled>> {
        self.write("make decisions", batch.to_vec(), |batch, catalog| Box::pin(decide(catalog, batch))).await
    }
}

async fn decide(catalog: &mut PgConnection, batch: &[Decision]) -> Outcome<Vec<Settled>> {
    let (mut ids, mut hashes) = (Vec::new(), Vec::new());
    for decision in batch {
        match decision {
            Decision::Retarget { id, .. } => ids.push(id.0),
            Decision::Block { hash, .. } => hashes.push(*hash),
        }
    }
    roots::lock(catalog, &ids, &hashes).await?;
    lock_contents(catalog, &hashes).await?;
    let mut answers = Vec::with_capacity(batch.len());
    for decision in batch {
        let changed = match *decision {
            Decision::Retarget { id, from, to } => retarget(catalog, id, from, to).await?,
            Decision::Block { hash, from, to } => block(catalog, hash, from, to).await?,
        };
        answers.push(if changed { Settled::Done } else { Settled::Stale });
    }
    Ok(answers)
}

async fn lock_contents(catalog: &mut PgConnection, hashes: &[BlobHash]) -> Outcome<()> {
    if hashes.is_empty() {
        return Ok(());
    }
    let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let sql = "SELECT FROM blob WHERE hash = ANY($1) ORDER BY hash FOR NO KEY UPDATE";
    query(sql).bind(hashes).execute(catalog).await?;
    Ok(())
}

async fn retarget(catalog: &mut PgConnection, id: ObservationId, from: Status, to: Status) -> Outcome<bool> {
    let changed = query("UPDATE observation SET status = $3, open = true, unsaved = unsaved + 1 WHERE id = $1 AND status = $2")
        .bind(id.0)
        .bind(from.as_str())
        .bind(to.as_str())
        .execute(catalog)
        .await?;
    Ok(changed.rows_affected() > 0)
}

async fn block(
    catalog: &mut PgConnection,
    hash: BlobHash,
    from: Option<BlockReason>,
    to: Option<BlockReason>,
) -> Outcome<bool> {
    let sql = "UPDATE blob SET block_reason = $3, unsaved = unsaved + 1 WHERE hash = $1 AND block_reason IS NOT DISTINCT FROM $2 RETURNING id";
    let changed: Option<i64> = query_scalar(sql)
        .bind(hash.as_bytes().as_slice())
        .bind(from.map(BlockReason::as_str))
        .bind(to.map(BlockReason::as_str))
        .fetch_optional(&mut *catalog)
        .await?;
    let Some(blob) = changed else { return Ok(false) };
    query("UPDATE observation SET open = true, unsaved = unsaved + 1 WHERE blob = $1 AND NOT open")
        .bind(blob)
        .execute(catalog)
        .await?;
    Ok(true)
}
