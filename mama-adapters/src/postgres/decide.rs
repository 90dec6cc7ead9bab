//! Decisions about targets and contents, many in one statement.

use std::collections::HashSet;

use mama_ports::curation::{ActId, Decision};
use mama_ports::repository::Settled;
use mama_ports::vocab::{BlobHash, BlockReason};
use sqlx::{PgConnection, query, query_scalar};

use super::failure::Outcome;
use super::roots;
use crate::sql::{codec, decisions};

pub(super) async fn decide(
    catalog: &mut PgConnection,
    act: ActId,
    batch: &[Decision],
) -> Outcome<Vec<Settled>> {
    let (mut ids, mut hashes) = (Vec::new(), Vec::new());
    for decision in batch {
        match decision {
            Decision::Retarget { id, .. } => ids.push(id.0),
            Decision::Block { hash, .. } => hashes.push(*hash),
        }
    }
    let seen = contents_of(catalog, &ids).await?;
    roots::lock(catalog, &[], &[hashes.as_slice(), &seen].concat()).await?;
    lock_contents(catalog, &hashes).await?;
    let mut answers = Vec::with_capacity(batch.len());
    // Of several decisions about one thing, each is compared with what the one before it made.
    let mut rest = batch;
    while !rest.is_empty() {
        let mut seen = HashSet::with_capacity(rest.len());
        let until = rest.iter().position(|decision| {
            let columns = decisions::columns(decision);
            !seen.insert((columns.observation, columns.hash))
        });
        let (now, later) = rest.split_at(until.unwrap_or(rest.len()));
        answers.extend(decide_distinct(catalog, now).await?);
        rest = later;
    }
    let made = batch.iter().zip(&answers).filter(|(_, settled)| **settled == Settled::Done);
    add_items(catalog, act, made.map(|(decision, _)| decision)).await?;
    Ok(answers)
}

/// What these observations saw.
async fn contents_of(catalog: &mut PgConnection, observations: &[i64]) -> Outcome<Vec<BlobHash>> {
    let hashes: Vec<Vec<u8>> = query_scalar(
        "SELECT DISTINCT b.hash FROM unnest($1::bigint[]) AS asked (id)
         JOIN observation o ON o.id = asked.id JOIN blob b ON b.id = o.blob",
    )
    .bind(observations)
    .fetch_all(catalog)
    .await?;
    hashes.iter().map(|hash| Ok(codec::hash(hash)?)).collect()
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

async fn decide_distinct(catalog: &mut PgConnection, batch: &[Decision]) -> Outcome<Vec<Settled>> {
    let (mut targets, mut blocks) = (Targets::default(), Blocks::default());
    for (number, decision) in (0..).zip(batch) {
        match decision {
            Decision::Retarget { id, from, to } => {
                targets.number.push(number);
                targets.id.push(id.0);
                targets.from.push(from.as_str());
                targets.to.push(to.as_str());
            }
            Decision::Block { hash, from, to } => {
                blocks.number.push(number);
                blocks.hash.push(hash.as_bytes());
                blocks.from.push(from.map(BlockReason::as_str));
                blocks.to.push(to.map(BlockReason::as_str));
            }
        }
    }
    let mut changed = targets.set(catalog).await?;
    changed.extend(blocks.set(catalog).await?);
    let answer = |number| if changed.contains(&number) { Settled::Done } else { Settled::Stale };
    Ok((0..).zip(batch).map(|(number, _)| answer(number)).collect())
}

/// Changes of observations, each with its number in the batch.
#[derive(Default)]
struct Targets<'a> {
    number: Vec<i64>,
    id: Vec<i64>,
    from: Vec<&'a str>,
    to: Vec<&'a str>,
}

impl Targets<'_> {
    /// The numbers of those that were changed. Pending ones follow what is decided about their content, and so are opened.
    async fn set(self, catalog: &mut PgConnection) -> Outcome<HashSet<i64>> {
        if self.number.is_empty() {
            return Ok(HashSet::new());
        }
        let changed: Vec<(i64, i64)> = sqlx::query_as(
            "UPDATE observation o SET status = d.after, open = true, unsaved = o.unsaved + 1
             FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[]) AS d (number, id, before, after)
             WHERE o.id = d.id AND o.status = d.before RETURNING d.number, o.blob",
        )
        .bind(self.number)
        .bind(self.id)
        .bind(self.from)
        .bind(self.to)
        .fetch_all(&mut *catalog)
        .await?;
        let (numbers, blobs): (HashSet<i64>, Vec<i64>) = changed.into_iter().unzip();
        query(
            "UPDATE observation SET open = true, unsaved = unsaved + 1
             WHERE blob = ANY($1) AND NOT open AND status = 'pending'",
        )
        .bind(blobs)
        .execute(catalog)
        .await?;
        Ok(numbers)
    }
}

/// Changes of contents, each with its number in the batch.
#[derive(Default)]
struct Blocks<'a> {
    number: Vec<i64>,
    hash: Vec<&'a [u8]>,
    from: Vec<Option<&'a str>>,
    to: Vec<Option<&'a str>>,
}

impl Blocks<'_> {
    /// The numbers of those that were changed.
    async fn set(self, catalog: &mut PgConnection) -> Outcome<HashSet<i64>> {
        if self.number.is_empty() {
            return Ok(HashSet::new());
        }
        let changed: Vec<(i64, i64)> = sqlx::query_as(
            "UPDATE blob b SET block_reason = d.after, unsaved = b.unsaved + 1
             FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[]) AS d (number, hash, before, after)
             WHERE b.hash = d.hash AND b.block_reason IS NOT DISTINCT FROM d.before RETURNING d.number, b.id",
        )
        .bind(self.number)
        .bind(self.hash)
        .bind(self.from)
        .bind(self.to)
        .fetch_all(&mut *catalog)
        .await?;
        let (numbers, blobs): (HashSet<i64>, Vec<i64>) = changed.into_iter().unzip();
        query("UPDATE observation SET open = true, unsaved = unsaved + 1 WHERE blob = ANY($1) AND NOT open")
            .bind(blobs)
            .execute(catalog)
            .await?;
        Ok(numbers)
    }
}

async fn add_items(
    catalog: &mut PgConnection,
    act: ActId,
    made: impl Iterator<Item = &Decision>,
) -> Outcome<()> {
    let (mut observation, mut hash) = (Vec::new(), Vec::new());
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for columns in made.map(decisions::columns) {
        observation.push(columns.observation);
        hash.push(columns.hash);
        before.push(columns.before);
        after.push(columns.after);
    }
    if observation.is_empty() {
        return Ok(());
    }
    query(
        "INSERT INTO act_item (act, observation, hash, before, after)
         SELECT $1, i.observation, i.hash, i.before, i.after
         FROM unnest($2::bigint[], $3::bytea[], $4::text[], $5::text[])
              WITH ORDINALITY AS i (observation, hash, before, after, number)
         ORDER BY i.number",
    )
    .bind(act.0)
    .bind(observation)
    .bind(hash)
    .bind(before)
    .bind(after)
    .execute(catalog)
    .await?;
    Ok(())
}
