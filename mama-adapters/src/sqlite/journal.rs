//! The journal of decisions and runs.

use async_trait::async_trait;
use mama_ports::curation::{Act, ActId, Decision, Item, ItemId, Journal, NewAct};
use mama_ports::repository::{PageSize, Repo};
use mama_ports::vocab::Location;
use rusqlite::{Row, Transaction, params};

use super::rows::{self, Outcome};
use super::{Sqlite, codec};
use crate::sql::decisions::{self, Columns};

#[async_trait]
impl Journal for Sqlite {
    async fn append(&self, act: &NewAct) -> Repo<ActId> {
        let act = act.clone();
        self.write("add to the journal", move |catalog| append(catalog, &act)).await
    }

    async fn acts(&self, before: Option<ActId>, limit: PageSize) -> Repo<Vec<Act>> {
        self.read("read the journal", move |catalog| acts(catalog, before, limit)).await
    }

    async fn items(&self, act: ActId, after: Option<ItemId>, limit: PageSize) -> Repo<Vec<Item>> {
        self.read("read what was decided", move |catalog| items(catalog, act, after, limit)).await
    }
}

fn append(catalog: &Transaction<'_>, act: &NewAct) -> Outcome<ActId> {
    catalog
        .prepare_cached(
            "INSERT INTO act (at_s, at_n, host, verb, words, undoes, summary) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            act.at.secs,
            act.at.nanos,
            act.host.as_str(),
            act.verb,
            act.words,
            act.undoes.map(|act| act.0),
            act.summary,
        ])?;
    Ok(ActId(catalog.last_insert_rowid()))
}

pub(super) fn add_item(catalog: &Transaction<'_>, act: ActId, decision: &Decision) -> Outcome<()> {
    let Columns { observation, hash, before, after } = decisions::columns(decision);
    catalog
        .prepare_cached(
            "INSERT INTO act_item (act, observation, hash, before, after) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![act.0, observation, hash, before, after])?;
    Ok(())
}

fn acts(catalog: &Transaction<'_>, before: Option<ActId>, limit: PageSize) -> Outcome<Vec<Act>> {
    let mut statement = catalog.prepare_cached(
        "SELECT a.id, a.at_s, a.at_n, a.host, a.verb, a.words, a.undoes, a.summary,
                (SELECT count(*) FROM act_item i WHERE i.act = a.id)
         FROM act a WHERE a.id < ?1 ORDER BY a.id DESC LIMIT ?2",
    )?;
    rows::all(&mut statement, params![before.map_or(i64::MAX, |act| act.0), limit.0], |row| {
        Ok(Act {
            id: ActId(row.get(0)?),
            asked: NewAct {
                at: rows::time(row, 1)?,
                host: codec::host(rows::text(row, 3)?)?,
                verb: row.get(4)?,
                words: row.get(5)?,
                undoes: row.get::<_, Option<i64>>(6)?.map(ActId),
                summary: row.get(7)?,
            },
            items: rows::count(row, 8)?,
        })
    })
}

fn items(
    catalog: &Transaction<'_>,
    act: ActId,
    after: Option<ItemId>,
    limit: PageSize,
) -> Outcome<Vec<Item>> {
    let mut statement = catalog.prepare_cached(
        "SELECT i.id, i.observation, i.hash, i.before, i.after, r.host, r.basedir, r.kind, f.relpath, o.name,
                b.hash, b.size, o.status, b.block_reason
         FROM act_item i
         CROSS JOIN observation o ON o.id = coalesce(i.observation,
             (SELECT min(m.id) FROM observation m WHERE m.blob = (SELECT id FROM blob WHERE hash = i.hash)))
         CROSS JOIN blob b ON b.id = o.blob CROSS JOIN folder f ON f.id = o.folder CROSS JOIN root r ON r.id = f.root
         WHERE i.act = ?1 AND i.id > ?2 ORDER BY i.id LIMIT ?3",
    )?;
    rows::all(&mut statement, params![act.0, after.map_or(i64::MIN, |item| item.0), limit.0], item)
}

fn item(row: &Row<'_>) -> Outcome<Item> {
    let hash = row.get_ref(2)?.as_blob_or_null().ok().flatten();
    let columns = Columns {
        observation: row.get(1)?,
        hash,
        before: rows::optional_text(row, 3)?,
        after: rows::optional_text(row, 4)?,
    };
    let decision = decisions::decision(&columns)?;
    Ok(Item {
        id: ItemId(row.get(0)?),
        decision,
        holds: decisions::holds(&decision, rows::text(row, 12)?, rows::optional_text(row, 13)?),
        at: Location { root: rows::root(row, 5)?, dir: rows::rel_path(row, 8)?, name: rows::name(row, 9)? },
        hash: rows::hash(row, 10)?,
        size: rows::count(row, 11)?,
    })
}
