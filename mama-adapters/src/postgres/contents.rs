//! Contents, which the writers of different roots have in common: each is added once, in the order of hashes.

use std::collections::{BTreeMap, HashMap};

use mama_ports::repository::NewBlob;
use mama_ports::vocab::{BlobHash, MetaDoc, Mime, Timestamp};
use sqlx::{PgConnection, query, query_as};

use super::enrichment::put_quick;
use super::failure::{Failure, Outcome};
use super::rows::{nanos, to_i64};
use crate::sql::codec;

/// What a batch says about one content: the first word on each point counts.
struct Described<'a> {
    size: u64,
    mime: Option<&'a Mime>,
    quick: Option<&'a MetaDoc>,
}

/// Contents that are known by now, and how many of them are new.
pub(super) struct Contents {
    ids: HashMap<BlobHash, i64>,
    pub(super) new: u64,
}

impl Contents {
    /// Describes contents, and looks up those that were `seen`.
    pub(super) async fn describe(
        catalog: &mut PgConnection,
        blobs: &[NewBlob],
        seen: impl Iterator<Item = BlobHash>,
        at: Timestamp,
    ) -> Outcome<Self> {
        let described = merged(blobs);
        let added = add(catalog, &described, at).await?;
        let asked = described.keys().copied().chain(seen);
        let mut others: Vec<BlobHash> = asked.filter(|hash| !added.contains_key(hash)).collect();
        others.sort_unstable();
        others.dedup();
        let found = find(catalog, &others).await?;
        complete(catalog, &described, &found).await?;
        let quick = described.iter().filter_map(|(hash, it)| Some((*hash, it.quick?)));
        put_quick(catalog, quick).await?;
        let new = added.len() as u64;
        Ok(Self { ids: added.into_iter().chain(found).collect(), new })
    }

    pub(super) fn id(&self, hash: &BlobHash) -> Outcome<i64> {
        let id = self.ids.get(hash).copied();
        id.ok_or_else(|| Failure::Misuse(format!("content {hash} was seen but never described")))
    }
}

/// Gives contents that were there before the type that they lack, and counts those that get one as changed.
async fn complete(
    catalog: &mut PgConnection,
    described: &BTreeMap<BlobHash, Described<'_>>,
    found: &HashMap<BlobHash, i64>,
) -> Outcome<()> {
    let (mut told, mut mimes) = (Vec::new(), Vec::new());
    for (hash, it) in described {
        if let (Some(mime), Some(&id)) = (it.mime, found.get(hash)) {
            told.push(id);
            mimes.push(mime.as_str());
        }
    }
    if told.is_empty() {
        return Ok(());
    }
    query(
        "UPDATE blob SET mime = lacking.mime, unsaved = unsaved + 1 FROM (
             SELECT b.id, given.mime
             FROM unnest($1::bigint[], $2::text[]) AS given (id, mime) JOIN blob b ON b.id = given.id
             WHERE b.mime IS NULL
             ORDER BY b.hash FOR NO KEY UPDATE OF b
         ) AS lacking WHERE blob.id = lacking.id",
    )
    .bind(told)
    .bind(mimes)
    .execute(catalog)
    .await?;
    Ok(())
}

fn merged(blobs: &[NewBlob]) -> BTreeMap<BlobHash, Described<'_>> {
    let mut described: BTreeMap<BlobHash, Described<'_>> = BTreeMap::new();
    for NewBlob { hash, size, mime, quick } in blobs {
        let known = described.entry(*hash).or_insert(Described { size: *size, mime: None, quick: None });
        known.mime = known.mime.or(mime.as_ref());
        known.quick = known.quick.or(quick.as_ref());
    }
    described
}

/// Adds the contents that nobody knows, and tells their ids.
async fn add(
    catalog: &mut PgConnection,
    described: &BTreeMap<BlobHash, Described<'_>>,
    at: Timestamp,
) -> Outcome<HashMap<BlobHash, i64>> {
    if described.is_empty() {
        return Ok(HashMap::new());
    }
    let hashes: Vec<&[u8]> = described.keys().map(|hash| hash.as_bytes().as_slice()).collect();
    let sizes: Vec<i64> = described.values().map(|it| to_i64(it.size)).collect::<Outcome<_>>()?;
    let mimes: Vec<Option<&str>> = described.values().map(|it| it.mime.map(Mime::as_str)).collect();
    let added: Vec<(Vec<u8>, i64)> = query_as(
        "INSERT INTO blob (hash, size, mime, first_seen_s, first_seen_n)
         SELECT given.hash, given.size, given.mime, $4, $5
         FROM unnest($1::bytea[], $2::bigint[], $3::text[]) WITH ORDINALITY AS given (hash, size, mime, number)
         WHERE NOT EXISTS (SELECT FROM blob b WHERE b.hash = given.hash)
         ORDER BY given.number ON CONFLICT (hash) DO NOTHING RETURNING hash, id",
    )
    .bind(hashes)
    .bind(sizes)
    .bind(mimes)
    .bind(at.secs)
    .bind(nanos(at))
    .fetch_all(catalog)
    .await?;
    by_hash(added)
}

async fn find(catalog: &mut PgConnection, hashes: &[BlobHash]) -> Outcome<HashMap<BlobHash, i64>> {
    if hashes.is_empty() {
        return Ok(HashMap::new());
    }
    let asked: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let sql =
        "SELECT b.hash, b.id FROM unnest($1::bytea[]) AS asked (hash) JOIN blob b ON b.hash = asked.hash";
    let rows: Vec<(Vec<u8>, i64)> = query_as(sql).bind(asked).fetch_all(catalog).await?;
    by_hash(rows)
}

fn by_hash(rows: Vec<(Vec<u8>, i64)>) -> Outcome<HashMap<BlobHash, i64>> {
    rows.into_iter().map(|(hash, id)| Ok((codec::hash(&hash)?, id))).collect()
}
