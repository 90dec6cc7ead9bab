//! What contents lack, and what was found in them.

use async_trait::async_trait;
use mama_ports::enrichment::{
    ContentCursor, Enriched, Enrichment, Lacking, Looked, MOST_FILES, SeenFile, Wanted,
};
use mama_ports::repository::{PageSize, Repo};
use mama_ports::vocab::{HostName, Location, MetaDoc, Mime, ObservationId, ScanId};
use rusqlite::{Row, Transaction, params, params_from_iter};

use super::curation::roots;
use super::rows::{self, Outcome};
use super::sightings::RootOfScan;
use super::{Sqlite, codec};
use crate::sql::lacking::{Lack, lack};

#[async_trait]
impl Enrichment for Sqlite {
    async fn lacking(
        &self,
        wanted: &Wanted,
        after: Option<ContentCursor>,
        limit: PageSize,
    ) -> Repo<Vec<Lacking>> {
        let wanted = wanted.clone();
        self.read("look for contents that lack something", move |catalog| {
            lacking(catalog, &wanted, after, limit)
        })
        .await
    }

    async fn count_lacking(&self, wanted: &Wanted) -> Repo<u64> {
        let wanted = wanted.clone();
        self.read("count the contents that lack something", move |catalog| {
            let Lack { anything, values, .. } = lack(&wanted, &roots(catalog)?, '?', 1);
            let mut statement = catalog.prepare(&format!("SELECT count(*) FROM blob b WHERE {anything}"))?;
            let count = statement.query_row(params_from_iter(values), |row| row.get(0))?;
            Ok(codec::count(count)?)
        })
        .await
    }

    async fn enrich(&self, batch: &[Enriched]) -> Repo<()> {
        let batch = batch.to_vec();
        self.write("remember what is in contents", move |catalog| {
            batch.iter().try_for_each(|enriched| enrich(catalog, enriched))
        })
        .await
    }

    async fn count_with_metadata(&self, scan: ScanId, after: Option<ObservationId>) -> Repo<u64> {
        self.read("count what has metadata", move |catalog| {
            let root = RootOfScan::find(catalog, scan)?;
            let mut statement = catalog.prepare_cached(
                "SELECT count(*) FROM observation o CROSS JOIN folder f ON f.id = o.folder
                 CROSS JOIN meta m ON m.blob = o.blob
                 WHERE o.id > ?1 AND f.root = (SELECT ?2) AND m.doc <> '{}'",
            )?;
            let after = after.map_or(i64::MIN, |id| id.0);
            Ok(codec::count(statement.query_row([after, root.id], |row| row.get(0))?)?)
        })
        .await
    }
}

fn lacking(
    catalog: &Transaction<'_>,
    wanted: &Wanted,
    after: Option<ContentCursor>,
    limit: PageSize,
) -> Outcome<Vec<Lacking>> {
    let Lack { metadata, anything, values } = lack(wanted, &roots(catalog)?, '?', 1);
    let sql = format!(
        "SELECT b.id, b.hash, b.size, b.mime, {metadata}, b.stored,
                (SELECT o.name FROM observation o WHERE o.blob = b.id ORDER BY o.id DESC LIMIT 1)
         FROM blob b WHERE b.id > {} AND {anything} ORDER BY b.id LIMIT {}",
        after.map_or(i64::MIN, |cursor| cursor.0),
        limit.0
    );
    let mut statement = catalog.prepare(&sql)?;
    let (mut page, mut rows) = (Vec::new(), statement.query(params_from_iter(values))?);
    while let Some(row) = rows.next()? {
        page.push(one(catalog, row, &wanted.host)?);
    }
    Ok(page)
}

fn one(catalog: &Transaction<'_>, row: &Row<'_>, host: &HostName) -> Outcome<Lacking> {
    let id = row.get(0)?;
    Ok(Lacking {
        cursor: ContentCursor(id),
        hash: rows::hash(row, 1)?,
        size: rows::count(row, 2)?,
        mime: rows::optional_text(row, 3)?.map(Mime::new),
        lacks_metadata: row.get(4)?,
        stored: row.get(5)?,
        name: row.get_ref(6)?.as_blob_or_null().ok().flatten().map(codec::name).transpose()?,
        files: files(catalog, id, host)?,
    })
}

fn files(catalog: &Transaction<'_>, blob: i64, host: &HostName) -> Outcome<Vec<SeenFile>> {
    let mut statement = catalog.prepare_cached(
        "SELECT r.host, r.basedir, r.kind, f.relpath, o.name, o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n,
                o.inode, o.racy
         FROM observation o JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
         WHERE o.blob = (SELECT ?1) AND o.current = 1 AND o.gone_s IS NULL AND r.host = (SELECT ?2)
         ORDER BY o.id LIMIT (SELECT ?3)",
    )?;
    rows::all(&mut statement, params![blob, host.as_str(), MOST_FILES], |row| {
        let at =
            Location { root: rows::root(row, 0)?, dir: rows::rel_path(row, 3)?, name: rows::name(row, 4)? };
        Ok(SeenFile { at, fingerprint: rows::fingerprint(row, 5)?, racy: row.get(11)? })
    })
}

fn enrich(catalog: &Transaction<'_>, Enriched { hash, mime, looked }: &Enriched) -> Outcome<()> {
    if let Some(mime) = mime {
        catalog
            .prepare_cached(
                "UPDATE blob SET mime = ?2, unsaved = unsaved + 1 WHERE hash = ?1 AND mime IS NULL",
            )?
            .execute(params![hash.as_bytes(), mime.as_str()])?;
    }
    let Some(Looked { by, at, found }) = looked else { return Ok(()) };
    let mut statement = catalog.prepare_cached(
        "UPDATE blob SET looked_by = ?2, looked_s = ?3, looked_n = ?4, look_error = ?5, unsaved = unsaved + 1
         WHERE hash = ?1 AND (looked_by, looked_s, looked_n, look_error) IS NOT (?2, ?3, ?4, ?5) RETURNING id",
    )?;
    let error = found.as_ref().err();
    let changed: Option<i64> =
        rows::one(&mut statement, params![hash.as_bytes(), by.as_str(), at.secs, at.nanos, error], |row| {
            Ok(row.get(0)?)
        })?;
    match (changed, found) {
        (Some(blob), Ok(doc)) => put(catalog, blob, doc),
        (Some(_), Err(_)) | (None, _) => Ok(()),
    }
}

/// Gives a content its document, in place of the one that it had.
pub(super) fn put(catalog: &Transaction<'_>, blob: i64, doc: &MetaDoc) -> Outcome<()> {
    catalog
        .prepare_cached(
            "INSERT INTO meta (blob, doc, numbers) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET doc = excluded.doc, numbers = excluded.numbers",
        )?
        .execute(params![blob, doc.to_json(), codec::numbers(doc)])?;
    Ok(())
}
