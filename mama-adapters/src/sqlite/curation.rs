//! Decisions about targets and contents.

use async_trait::async_trait;
use mama_ports::repository::{Curation, Decision, Repo, Settled};
use mama_ports::vocab::BlockReason;
use rusqlite::{Transaction, params};

use super::Sqlite;
use super::rows::{self, Outcome};

#[async_trait]
impl Curation for Sqlite {
    async fn decide(&self, batch: &[Decision]) -> Repo<Vec<Settled>> {
        let batch = batch.to_vec();
        self.write("make decisions", move |catalog| {
            batch.iter().map(|&decision| decide(catalog, decision)).collect()
        })
        .await
    }
}

fn decide(catalog: &Transaction<'_>, decision: Decision) -> Outcome<Settled> {
    match decision {
        Decision::Retarget { id, from, to } => {
            let changed = catalog
                .prepare_cached("UPDATE observation SET status = ?3, open = 1, unsaved = unsaved + 1 WHERE id = ?1 AND status = ?2")?
                .execute(params![id.0, from.as_str(), to.as_str()])?;
            Ok(if changed == 0 { Settled::Stale } else { Settled::Done })
        }
        Decision::Block { hash, from, to } => {
            let mut statement = catalog.prepare_cached(
                "UPDATE blob SET block_reason = ?3, unsaved = unsaved + 1 WHERE hash = ?1 AND block_reason IS ?2 RETURNING id",
            )?;
            let word = |reason: Option<BlockReason>| reason.map(BlockReason::as_str);
            let changed: Option<i64> =
                rows::one(&mut statement, params![hash.as_bytes(), word(from), word(to)], |row| {
                    Ok(row.get(0)?)
                })?;
            let Some(blob) = changed else { return Ok(Settled::Stale) };
            catalog
                .prepare_cached("UPDATE observation SET open = 1, unsaved = unsaved + 1 WHERE blob = ?1 AND open = 0")?
                .execute([blob])?;
            Ok(Settled::Done)
        }
    }
}
