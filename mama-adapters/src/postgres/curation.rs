//! What decisions are about.

use async_trait::async_trait;
use mama_ports::curation::{ActId, Curation, Decision, Filter, Found, HashPrefix, Neighbour};
use mama_ports::repository::{PageSize, Repo, Settled};
use mama_ports::vocab::{BlobHash, Location, MetaDoc, Mime, ObservationId, RelPath, ScanRoot};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, query, query_as, query_scalar};

use super::failure::Outcome;
use super::rows::Cells;
use super::sightings::numbered;
use super::{Postgres, decide};
use crate::sql::codec;
use crate::sql::filter::{Condition, Value, condition};
use crate::sql::keys;

/// Observations that one statement looks at, so that each answers soon, however few match.
const WINDOW: i64 = 16_384;

#[async_trait]
impl Curation for Postgres {
    async fn find(&self, filter: &Filter, after: Option<ObservationId>, limit: PageSize) -> Repo<Vec<Found>> {
        let about = (filter.clone(), after, limit);
        self.read("look for observations", about, |(filter, after, limit), catalog| {
            Box::pin(find(catalog, filter, *after, *limit))
        })
        .await
    }

    async fn neighbours(&self, folders: &[(ScanRoot, RelPath)], tags: &[&str]) -> Repo<Vec<Vec<Neighbour>>> {
        let tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
        self.ask("look around in some folders", (folders.to_vec(), tags), |(folders, tags), catalog| {
            Box::pin(neighbours(catalog, folders, tags))
        })
        .await
    }

    async fn copies(&self, hashes: &[BlobHash], each: PageSize) -> Repo<Vec<Vec<Location>>> {
        self.ask("look for copies of contents", (hashes.to_vec(), each), |(hashes, each), catalog| {
            Box::pin(copies(catalog, hashes, *each))
        })
        .await
    }

    async fn contents(&self, prefix: &HashPrefix, limit: PageSize) -> Repo<Vec<BlobHash>> {
        self.ask("look for contents", (*prefix, limit), |(prefix, limit), catalog| {
            Box::pin(contents(catalog, prefix, *limit))
        })
        .await
    }

    async fn decide(&self, act: ActId, batch: &[Decision]) -> Repo<Vec<Settled>> {
        self.write("make decisions", (act, batch.to_vec()), |(act, batch), catalog| {
            Box::pin(decide::decide(catalog, *act, batch))
        })
        .await
    }
}

async fn contents(
    catalog: &mut PgConnection,
    prefix: &HashPrefix,
    limit: PageSize,
) -> Outcome<Vec<BlobHash>> {
    let sql = "SELECT hash FROM blob WHERE hash >= $1 AND hash <= $2 ORDER BY hash LIMIT $3";
    let found: Vec<Vec<u8>> = query_scalar(sql)
        .bind(prefix.first.as_bytes().as_slice())
        .bind(prefix.last.as_bytes().as_slice())
        .bind(i64::from(limit.0))
        .fetch_all(catalog)
        .await?;
    found.iter().map(|hash| Ok(codec::hash(hash)?)).collect()
}

async fn find(
    catalog: &mut PgConnection,
    filter: &Filter,
    after: Option<ObservationId>,
    limit: PageSize,
) -> Outcome<Vec<Found>> {
    let condition = condition(filter, &roots(catalog).await?, '$', 4);
    let mut after = after.map_or(i64::MIN, |id| id.0);
    let mut page = Vec::new();
    while page.len() < limit.0 as usize {
        let sql =
            "SELECT max(id) FROM (SELECT id FROM observation WHERE id > $1 ORDER BY id LIMIT $2) AS next";
        let last: Option<i64> = query_scalar(sql).bind(after).bind(WINDOW).fetch_one(&mut *catalog).await?;
        let Some(last) = last else { break };
        let wanted = i64::from(limit.0) - page.len() as i64;
        page.extend(within(catalog, &condition, after, last, wanted).await?);
        after = last;
    }
    Ok(page)
}

/// What matches from after `after` up to `last`, in order.
async fn within(
    catalog: &mut PgConnection,
    condition: &Condition,
    after: i64,
    last: i64,
    limit: i64,
) -> Outcome<Vec<Found>> {
    // OFFSET 0: by number before anything else.
    let sql = format!(
        "SELECT o.id, r.host, r.basedir, r.kind, f.relpath, o.name, b.hash, o.size, o.status, b.block_reason
         FROM (SELECT * FROM observation WHERE id > $1 AND id <= $2 OFFSET 0) AS o
         JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root JOIN blob b ON b.id = o.blob
         WHERE {} ORDER BY o.id LIMIT $3",
        condition.sql
    );
    let mut asked = query(AssertSqlSafe(sql)).bind(after).bind(last).bind(limit);
    for value in &condition.values {
        asked = match value {
            Value::Bytes(bytes) => asked.bind(bytes.as_slice()),
            Value::Text(text) => asked.bind(text.as_str()),
        };
    }
    asked.fetch_all(catalog).await?.iter().map(found).collect()
}

async fn copies(
    catalog: &mut PgConnection,
    hashes: &[BlobHash],
    each: PageSize,
) -> Outcome<Vec<Vec<Location>>> {
    let asked: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let rows = query(
        "SELECT h.number, s.host, s.basedir, s.kind, s.relpath, s.name
         FROM unnest($1::bytea[]) WITH ORDINALITY AS h (hash, number)
         JOIN blob b ON b.hash = h.hash
         CROSS JOIN LATERAL (
             SELECT o.id, r.host, r.basedir, r.kind, f.relpath, o.name
             FROM (SELECT * FROM observation c WHERE c.blob = b.id AND c.current AND c.gone_s IS NULL OFFSET 0) AS o
             JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root ORDER BY o.id LIMIT $2
         ) AS s
         ORDER BY h.number, s.id",
    )
    .bind(asked)
    .bind(i64::from(each.0))
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![Vec::new(); hashes.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        answer.push(Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? });
    }
    Ok(answers)
}

async fn neighbours(
    catalog: &mut PgConnection,
    folders: &[(ScanRoot, RelPath)],
    tags: &[String],
) -> Outcome<Vec<Vec<Neighbour>>> {
    let roots: Vec<[u8; 32]> =
        folders.iter().map(|(root, _)| keys::root(&root.host, &root.basedir)).collect();
    let places: Vec<[u8; 32]> =
        folders.iter().map(|(root, dir)| keys::place(root.kind, &root.basedir.join(dir))).collect();
    let rows = query(
        "SELECT a.number, o.id, r.host, r.basedir, r.kind, f.relpath, o.name, b.hash, o.size, o.status, b.block_reason,
                o.gone_s IS NOT NULL, b.mime,
                (SELECT jsonb_object_agg(t.tag, m.doc -> t.tag)::text FROM unnest($3::text[]) AS t (tag) WHERE m.doc ? t.tag)
         FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS a (root, place, number)
         JOIN root r ON r.key = a.root JOIN folder f ON f.root = r.id AND f.place_key = a.place
         JOIN observation o ON o.folder = f.id AND o.current
         JOIN blob b ON b.id = o.blob LEFT JOIN meta m ON m.blob = b.id ORDER BY a.number, o.name",
    )
    .bind(roots)
    .bind(places)
    .bind(tags)
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![Vec::new(); folders.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        let (found, gone) = (read(&mut cells)?, cells.next()?);
        let mime = cells.next::<Option<&str>>()?.map(Mime::new);
        let tags = cells.next::<Option<&str>>()?.and_then(MetaDoc::from_json).unwrap_or_default();
        answer.push(Neighbour { found, gone, mime, tags });
    }
    Ok(answers)
}

fn found(row: &PgRow) -> Outcome<Found> {
    read(&mut Cells::of(row))
}

fn read(cells: &mut Cells<'_>) -> Outcome<Found> {
    Ok(Found {
        id: ObservationId(cells.next()?),
        at: Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? },
        hash: cells.hash()?,
        size: cells.count()?,
        status: codec::word(cells.next()?)?,
        block: cells.next::<Option<&str>>()?.map(codec::block).transpose()?,
    })
}

/// Every root, with its id.
pub(super) async fn roots(catalog: &mut PgConnection) -> Outcome<Vec<(i64, ScanRoot)>> {
    let rows: Vec<(i64, String, Vec<u8>, String)> =
        query_as("SELECT id, host, basedir, kind FROM root ORDER BY id").fetch_all(catalog).await?;
    let root = |(id, host, basedir, kind): &(i64, String, Vec<u8>, String)| {
        let root = ScanRoot {
            host: codec::host(host)?,
            basedir: codec::abs_path(basedir)?,
            kind: codec::word(kind)?,
        };
        Ok((*id, root))
    };
    rows.iter().map(root).collect()
}
