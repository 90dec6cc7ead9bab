//! The journal of decisions and runs.

use async_trait::async_trait;
use mama_ports::curation::{Act, ActId, Item, ItemId, Journal, NewAct};
use mama_ports::repository::{PageSize, Repo};
use mama_ports::vocab::Location;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, query, query_scalar};

use super::Postgres;
use super::failure::Outcome;
use super::rows::{Cells, nanos};
use crate::sql::codec;
use crate::sql::decisions::{self, Columns};

#[async_trait]
impl Journal for Postgres {
    async fn append(&self, act: &NewAct) -> Repo<ActId> {
        self.write("add to the journal", act.clone(), |act, catalog| Box::pin(append(catalog, act))).await
    }

    async fn acts(&self, before: Option<ActId>, limit: PageSize) -> Repo<Vec<Act>> {
        self.ask("read the journal", (before, limit), |&(before, limit), catalog| {
            Box::pin(acts(catalog, before, limit))
        })
        .await
    }

    async fn items(&self, act: ActId, after: Option<ItemId>, limit: PageSize) -> Repo<Vec<Item>> {
        self.ask("read what was decided", (act, after, limit), |&(act, after, limit), catalog| {
            Box::pin(items(catalog, act, after, limit))
        })
        .await
    }
}

async fn append(catalog: &mut PgConnection, act: &NewAct) -> Outcome<ActId> {
    let id = query_scalar(
        "INSERT INTO act (at_s, at_n, host, verb, words, undoes, summary)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
    )
    .bind(act.at.secs)
    .bind(nanos(act.at))
    .bind(act.host.as_str())
    .bind(&act.verb)
    .bind(&act.words)
    .bind(act.undoes.map(|act| act.0))
    .bind(&act.summary)
    .fetch_one(catalog)
    .await?;
    Ok(ActId(id))
}

async fn acts(catalog: &mut PgConnection, before: Option<ActId>, limit: PageSize) -> Outcome<Vec<Act>> {
    let rows = query(
        "SELECT a.id, a.at_s, a.at_n, a.host, a.verb, a.words, a.undoes, a.summary,
                (SELECT count(*) FROM act_item i WHERE i.act = a.id)
         FROM act a WHERE a.id < $1 ORDER BY a.id DESC LIMIT $2",
    )
    .bind(before.map_or(i64::MAX, |act| act.0))
    .bind(i64::from(limit.0))
    .fetch_all(catalog)
    .await?;
    rows.iter().map(act).collect()
}

fn act(row: &PgRow) -> Outcome<Act> {
    let mut cells = Cells::of(row);
    Ok(Act {
        id: ActId(cells.next()?),
        asked: NewAct {
            at: cells.time()?,
            host: codec::host(cells.next()?)?,
            verb: cells.next()?,
            words: cells.next()?,
            undoes: cells.next::<Option<i64>>()?.map(ActId),
            summary: cells.next()?,
        },
        items: cells.count()?,
    })
}

async fn items(
    catalog: &mut PgConnection,
    act: ActId,
    after: Option<ItemId>,
    limit: PageSize,
) -> Outcome<Vec<Item>> {
    let rows = query(
        "SELECT i.id, i.observation, i.hash, i.before, i.after, r.host, r.basedir, r.kind, f.relpath, o.name,
                b.hash, b.size, o.status, b.block_reason
         FROM (SELECT * FROM act_item WHERE act = $1 AND id > $2 ORDER BY id LIMIT $3) AS i
         JOIN observation o ON o.id = coalesce(i.observation,
             (SELECT min(m.id) FROM observation m WHERE m.blob = (SELECT id FROM blob WHERE hash = i.hash)))
         JOIN blob b ON b.id = o.blob JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
         ORDER BY i.id",
    )
    .bind(act.0)
    .bind(after.map_or(i64::MIN, |item| item.0))
    .bind(i64::from(limit.0))
    .fetch_all(catalog)
    .await?;
    rows.iter().map(item).collect()
}

fn item(row: &PgRow) -> Outcome<Item> {
    let mut cells = Cells::of(row);
    let id = ItemId(cells.next()?);
    let columns = Columns {
        observation: cells.next()?,
        hash: cells.next()?,
        before: cells.next()?,
        after: cells.next()?,
    };
    let decision = decisions::decision(&columns)?;
    let at = Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? };
    let (hash, size) = (cells.hash()?, cells.count()?);
    let holds = decisions::holds(&decision, cells.next()?, cells.next()?);
    Ok(Item { id, decision, holds, at, hash, size })
}
