//! What contents lack, and what was found in them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mama_ports::enrichment::{
    ContentCursor, Enriched, Enrichment, Lacking, Looked, MOST_FILES, SeenFile, Wanted,
};
use mama_ports::repository::{PageSize, Repo};
use mama_ports::vocab::{BlobHash, HostName, Location, MetaDoc, Mime, ObservationId, ScanId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, PgConnection, Postgres as Dialect, query, query_as, query_scalar};

use super::Postgres;
use super::curation::roots;
use super::failure::Outcome;
use super::rows::{Cells, nanos};
use super::sightings::numbered;
use crate::sql::codec;
use crate::sql::filter::Value;
use crate::sql::lacking::{Lack, lack};

#[async_trait]
impl Enrichment for Postgres {
    async fn lacking(
        &self,
        wanted: &Wanted,
        after: Option<ContentCursor>,
        limit: PageSize,
    ) -> Repo<Vec<Lacking>> {
        let about = (wanted.clone(), after, limit);
        self.read("look for contents that lack something", about, |(wanted, after, limit), catalog| {
            Box::pin(lacking(catalog, wanted, *after, *limit))
        })
        .await
    }

    async fn count_lacking(&self, wanted: &Wanted) -> Repo<u64> {
        self.read("count the contents that lack something", wanted.clone(), |wanted, catalog| {
            Box::pin(count_lacking(catalog, wanted))
        })
        .await
    }

    async fn enrich(&self, batch: &[Enriched]) -> Repo<()> {
        self.write("remember what is in contents", batch.to_vec(), |batch, catalog| {
            Box::pin(enrich(catalog, batch))
        })
        .await
    }

    async fn count_with_metadata(&self, scan: ScanId, after: Option<ObservationId>) -> Repo<u64> {
        let about = (self.root_of(scan).await?.id, after.map_or(i64::MIN, |id| id.0));
        self.ask("count what has metadata", about, |&(root, after), catalog| {
            Box::pin(count_with_metadata(catalog, root, after))
        })
        .await
    }
}

async fn lacking(
    catalog: &mut PgConnection,
    wanted: &Wanted,
    after: Option<ContentCursor>,
    limit: PageSize,
) -> Outcome<Vec<Lacking>> {
    let Lack { metadata, anything, values } = lack(wanted, &roots(catalog).await?, '$', 3);
    let sql = format!(
        "SELECT b.id, b.hash, b.size, b.mime, {metadata}, b.stored,
                (SELECT o.name FROM observation o WHERE o.blob = b.id ORDER BY o.id DESC LIMIT 1)
         FROM blob b WHERE b.id > $1 AND {anything} ORDER BY b.id LIMIT $2"
    );
    let asked =
        query(AssertSqlSafe(sql)).bind(after.map_or(i64::MIN, |cursor| cursor.0)).bind(i64::from(limit.0));
    let rows = with(asked, &values).fetch_all(&mut *catalog).await?;
    let mut page: Vec<Lacking> = rows.iter().map(one).collect::<Outcome<_>>()?;
    add_files(catalog, &mut page, &wanted.host).await?;
    Ok(page)
}

fn one(row: &PgRow) -> Outcome<Lacking> {
    let mut cells = Cells::of(row);
    Ok(Lacking {
        cursor: ContentCursor(cells.next()?),
        hash: cells.hash()?,
        size: cells.count()?,
        mime: cells.next::<Option<&str>>()?.map(Mime::new),
        lacks_metadata: cells.next()?,
        stored: cells.next()?,
        name: cells.next::<Option<&[u8]>>()?.map(codec::name).transpose()?,
        files: Vec::new(),
    })
}

async fn add_files(catalog: &mut PgConnection, page: &mut [Lacking], host: &HostName) -> Outcome<()> {
    let blobs: Vec<i64> = page.iter().map(|it| it.cursor.0).collect();
    let rows = query(
        "SELECT asked.number, file.* FROM unnest($1::bigint[]) WITH ORDINALITY AS asked (blob, number)
         CROSS JOIN LATERAL (
             SELECT r.host, r.basedir, r.kind, f.relpath, o.name, o.size, o.mtime_s, o.mtime_n, o.ctime_s,
                    o.ctime_n, o.inode, o.racy
             FROM observation o JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
             WHERE o.blob = asked.blob AND o.current AND o.gone_s IS NULL AND r.host = $2
             ORDER BY o.id LIMIT $3
         ) AS file",
    )
    .bind(blobs)
    .bind(host.as_str())
    .bind(i64::from(MOST_FILES))
    .fetch_all(catalog)
    .await?;
    for row in &rows {
        let mut cells = Cells::of(row);
        let content = numbered(page, cells.next()?)?;
        let at = Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? };
        content.files.push(SeenFile { at, fingerprint: cells.fingerprint()?, racy: cells.next()? });
    }
    Ok(())
}

async fn count_lacking(catalog: &mut PgConnection, wanted: &Wanted) -> Outcome<u64> {
    let Lack { anything, values, .. } = lack(wanted, &roots(catalog).await?, '$', 1);
    let sql = format!("SELECT count(*) FROM blob b WHERE {anything}");
    let row = with(query(AssertSqlSafe(sql)), &values).fetch_one(catalog).await?;
    Cells::of(&row).count()
}

fn with<'q>(
    mut asked: Query<'q, Dialect, PgArguments>,
    values: &'q [Value],
) -> Query<'q, Dialect, PgArguments> {
    for value in values {
        asked = match value {
            Value::Bytes(bytes) => asked.bind(bytes.as_slice()),
            Value::Text(text) => asked.bind(text.as_str()),
        };
    }
    asked
}

async fn count_with_metadata(catalog: &mut PgConnection, root: i64, after: i64) -> Outcome<u64> {
    let count = query_scalar(
        "SELECT count(*) FROM observation o JOIN folder f ON f.id = o.folder JOIN meta m ON m.blob = o.blob
         WHERE o.id > $1 AND f.root = $2 AND m.doc <> '{}'",
    );
    Ok(codec::count(count.bind(after).bind(root).fetch_one(catalog).await?)?)
}

/// Contents in the order of hashes, as every change takes them.
async fn enrich(catalog: &mut PgConnection, batch: &[Enriched]) -> Outcome<()> {
    let batch: BTreeMap<BlobHash, &Enriched> = batch.iter().map(|it| (it.hash, it)).collect();
    let looks = || batch.values().map(|it| it.looked.as_ref());
    let changed: Vec<(Option<Vec<u8>>,)> = query_as(
        "UPDATE blob SET mime = coalesce(blob.mime, told.mime), looked_by = coalesce(told.looked_by, blob.looked_by),
             looked_s = coalesce(told.looked_s, blob.looked_s), looked_n = coalesce(told.looked_n, blob.looked_n),
             look_error = CASE WHEN told.looked_by IS NULL THEN blob.look_error ELSE told.error END,
             unsaved = unsaved + 1
         FROM (
             SELECT b.id, given.*, given.looked_by IS NOT NULL
                    AND (b.looked_by, b.looked_s, b.looked_n, b.look_error)
                        IS DISTINCT FROM (given.looked_by, given.looked_s, given.looked_n, given.error) AS is_new
             FROM unnest($1::bytea[], $2::text[], $3::text[], $4::bigint[], $5::integer[], $6::text[])
                  AS given (hash, mime, looked_by, looked_s, looked_n, error)
             JOIN blob b ON b.hash = given.hash ORDER BY b.hash FOR NO KEY UPDATE OF b
         ) AS told
         WHERE blob.id = told.id AND (told.is_new OR (blob.mime IS NULL AND told.mime IS NOT NULL))
         RETURNING CASE WHEN told.is_new THEN blob.hash END",
    )
    .bind(batch.keys().map(|hash| hash.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(batch.values().map(|it| it.mime.as_ref().map(Mime::as_str)).collect::<Vec<_>>())
    .bind(looks().map(|looked| Some(looked?.by.as_str())).collect::<Vec<_>>())
    .bind(looks().map(|looked| Some(looked?.at.secs)).collect::<Vec<_>>())
    .bind(looks().map(|looked| Some(nanos(looked?.at))).collect::<Vec<_>>())
    .bind(looks().map(|looked| looked?.found.as_ref().err().map(String::as_str)).collect::<Vec<_>>())
    .fetch_all(&mut *catalog)
    .await?;
    let mut docs = Vec::with_capacity(changed.len());
    for hash in changed.iter().filter_map(|(hash,)| hash.as_ref()) {
        let hash = codec::hash(hash)?;
        if let Some(Looked { found: Ok(doc), .. }) = batch.get(&hash).and_then(|it| it.looked.as_ref()) {
            docs.push((hash, doc));
        }
    }
    put(catalog, docs.into_iter()).await
}

/// Documents of those contents of which the condition holds, always in the order of their hashes.
macro_rules! insert_of_those {
    ($condition:literal) => {
        concat!(
            "INSERT INTO meta (blob, doc, exact, numbers, numbers_exact)
             SELECT b.id, given.doc::jsonb, given.exact, given.numbers::jsonb, given.numbers_exact
             FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[])
                  AS given (hash, doc, exact, numbers, numbers_exact)
             JOIN blob b ON b.hash = given.hash ",
            $condition,
            " ORDER BY b.hash "
        )
    };
}

/// Gives contents their documents, in place of those that they had.
pub(super) async fn put(
    catalog: &mut PgConnection,
    docs: impl Iterator<Item = (BlobHash, &MetaDoc)> + Send,
) -> Outcome<()> {
    const REPLACING: &str = concat!(
        insert_of_those!(""),
        "ON CONFLICT (blob) DO UPDATE SET doc = excluded.doc, exact = excluded.exact, numbers = excluded.numbers,
             numbers_exact = excluded.numbers_exact"
    );
    insert(catalog, docs, REPLACING).await
}

/// Gives documents to contents that have none and that nobody has looked into.
pub(super) async fn put_quick(
    catalog: &mut PgConnection,
    docs: impl Iterator<Item = (BlobHash, &MetaDoc)> + Send,
) -> Outcome<()> {
    const KEEPING: &str =
        concat!(insert_of_those!("WHERE b.looked_by IS NULL"), "ON CONFLICT (blob) DO NOTHING");
    insert(catalog, docs, KEEPING).await
}

async fn insert(
    catalog: &mut PgConnection,
    docs: impl Iterator<Item = (BlobHash, &MetaDoc)> + Send,
    sql: &'static str,
) -> Outcome<()> {
    let (mut hashes, mut texts, mut exacts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut numbers, mut exact_numbers) = (Vec::new(), Vec::new());
    for (hash, doc) in docs {
        let (text, exact) = codec::jsonb(doc.entries());
        let (number, exact_number) = match doc.numbers() {
            none if none.is_empty() => (None, None),
            some => {
                let (number, exact) = codec::jsonb(some);
                (Some(number), exact)
            }
        };
        hashes.push(hash.as_bytes().to_vec());
        texts.push(text);
        exacts.push(exact);
        numbers.push(number);
        exact_numbers.push(exact_number);
    }
    if hashes.is_empty() {
        return Ok(());
    }
    query(sql)
        .bind(hashes)
        .bind(texts)
        .bind(exacts)
        .bind(numbers)
        .bind(exact_numbers)
        .execute(catalog)
        .await?;
    Ok(())
}
