//! What apply knows and remembers.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use mama_ports::repository::{
    Catalog, Lease, PageSize, Repo, RepositoryError, Scope, SettleBatch, Settled, Settlement, Source, Totals,
};
use mama_ports::vocab::{
    ArchiveId, BlobHash, Claim, Contest, FileName, Fingerprint, Footing, HostName, Location, ObservationId,
    Place, RelPath, ScanRoot, Status,
};
use rusqlite::{Row, Transaction, params};

use super::rows::{self, Failure, Outcome};
use super::{Sqlite, codec, lease, totals};
use crate::sql::keys;
use crate::sql::stands::{Stands, Verdict, is_in_scope};

#[async_trait]
impl Catalog for Sqlite {
    async fn archive(&self) -> Repo<Option<ArchiveId>> {
        self.read("read which archive the catalog belongs to", archive).await
    }

    async fn bind(&self, archive: &ArchiveId) -> Repo<ArchiveId> {
        let wanted = archive.clone();
        self.write("bind the catalog to its archive", move |catalog| bind(catalog, &wanted)).await
    }

    async fn open(&self, scope: Scope) -> Repo<u64> {
        self.read("count what waits for apply", move |catalog| {
            let sql = format!("SELECT count(*) FROM {} WHERE {}", in_scope(scope), condition(scope));
            Ok(codec::count(catalog.prepare_cached(&sql)?.query_row([], |row| row.get(0))?)?)
        })
        .await
    }

    async fn contests(
        &self,
        scope: Scope,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<Contest>> {
        self.read("read what waits for apply", move |catalog| contests(catalog, scope, after, limit)).await
    }

    async fn claims(&self, places: &[Place]) -> Repo<Vec<Contest>> {
        let places = places.to_vec();
        self.read("read the claims to some places", move |catalog| {
            let mut known = Known::default();
            places.into_iter().map(|place| contest(catalog, place, &mut known)).collect()
        })
        .await
    }

    async fn sources(&self, host: &HostName, hashes: &[BlobHash], each: PageSize) -> Repo<Vec<Vec<Source>>> {
        let (host, hashes) = (host.clone(), hashes.to_vec());
        self.read("look for sources of contents", move |catalog| {
            hashes.iter().map(|hash| sources(catalog, &host, hash, each)).collect()
        })
        .await
    }

    async fn holders(&self, views: &[(BlobHash, RelPath)]) -> Repo<Vec<Vec<Place>>> {
        let views = views.to_vec();
        self.read("look whose some views are", move |catalog| holders(catalog, &views)).await
    }

    async fn lease(&self) -> Repo<Option<Lease>> {
        let doing = "take the right to apply";
        let locked = self.leases.lock(self.file.as_deref());
        let other = |error| RepositoryError::Other { doing, source: Box::new(error) };
        let Some(held) = locked.map_err(other)? else { return Ok(None) };
        let epoch = self.write(doing, lease::next).await?;
        Ok(Some(Lease { epoch, held }))
    }

    async fn settle(&self, batch: &SettleBatch) -> Repo<Vec<Settled>> {
        let batch = batch.clone();
        self.write("remember what apply has done", move |catalog| {
            lease::check(catalog, batch.under)?;
            batch.damaged.iter().try_for_each(|hash| damage(catalog, hash))?;
            let mut store = catalog.prepare_cached(
                "UPDATE blob SET stored = 1, unsaved = unsaved + 1 WHERE hash = ?1 AND stored = 0",
            )?;
            for hash in &batch.stored {
                store.execute([hash.as_bytes()])?;
            }
            let mut unplace = catalog.prepare_cached(
                "UPDATE observation SET placement = 'none', open = 1, unsaved = unsaved + 1
                 WHERE id = ?1 AND placement = 'placed'",
            )?;
            for id in &batch.unplaced {
                unplace.execute([id.0])?;
            }
            batch.settlements.iter().map(|settlement| settle(catalog, settlement)).collect()
        })
        .await
    }

    async fn totals(&self) -> Repo<Totals> {
        self.read("sum up the catalog", totals::totals).await
    }
}

fn archive(catalog: &Transaction<'_>) -> Outcome<Option<ArchiveId>> {
    let mut statement = catalog.prepare_cached("SELECT id FROM archive")?;
    rows::one(&mut statement, [], |row| Ok(codec::archive(rows::text(row, 0)?)?))
}

fn bind(catalog: &Transaction<'_>, wanted: &ArchiveId) -> Outcome<ArchiveId> {
    catalog
        .prepare_cached("INSERT INTO archive (only, id) VALUES (1, ?1) ON CONFLICT DO NOTHING")?
        .execute([wanted.as_str()])?;
    archive(catalog)?.ok_or_else(|| Failure::Misuse("the catalog keeps no archive".to_owned()))
}

/// The observations of a scope, by its own index: whatever the statistics say, nothing settled is read.
const fn in_scope(scope: Scope) -> &'static str {
    match scope {
        Scope::WithPending => "observation o INDEXED BY observation_open",
        Scope::Decided => "observation o INDEXED BY observation_decided",
    }
}

/// The condition of that index, word for word.
const fn condition(scope: Scope) -> &'static str {
    match scope {
        Scope::WithPending => "o.open = 1",
        Scope::Decided => "o.open = 1 AND o.status <> 'pending'",
    }
}

fn contests(
    catalog: &Transaction<'_>,
    scope: Scope,
    after: Option<ObservationId>,
    limit: PageSize,
) -> Outcome<Vec<Contest>> {
    let sql = format!(
        "SELECT o.id, f.place_key, o.name FROM {} CROSS JOIN folder f ON f.id = o.folder
         WHERE {} AND o.id > ?1 ORDER BY o.id",
        in_scope(scope),
        condition(scope)
    );
    let mut statement = catalog.prepare_cached(&sql)?;
    let mut open = statement.query([after.map_or(i64::MIN, |id| id.0)])?;
    let mut known = Known::default();
    let mut page = Vec::new();
    while page.len() < limit.0 as usize {
        let Some(row) = open.next()? else { break };
        let id = ObservationId(row.get(0)?);
        let claims = claims(catalog, rows::bytes(row, 1)?, &rows::name(row, 2)?, &mut known)?;
        // A place stands at its first open observation only.
        let first = claims.iter().find(|claim| is_in_scope(claim, scope));
        if let Some(first) = first.filter(|first| first.id == id) {
            page.push(Contest { place: first.at.place(), claims });
        }
    }
    Ok(page)
}

fn contest(catalog: &Transaction<'_>, place: Place, known: &mut Known) -> Outcome<Contest> {
    let claims = match keys::of_place(&place) {
        Some((key, name)) => claims(catalog, &key, &name, known)?,
        None => Vec::new(),
    };
    Ok(Contest { place, claims })
}

/// What was read so far: there are few roots, and some contents have many claims.
#[derive(Default)]
struct Known {
    roots: HashMap<i64, ScanRoot>,
    turned_down: HashMap<i64, bool>,
}

impl Known {
    fn root(&mut self, catalog: &Transaction<'_>, id: i64) -> Outcome<ScanRoot> {
        if let Some(root) = self.roots.get(&id) {
            return Ok(root.clone());
        }
        let mut statement = catalog.prepare_cached("SELECT host, basedir, kind FROM root WHERE id = ?1")?;
        let found = rows::one(&mut statement, [id], |row| rows::root(row, 0))?;
        let root = found.ok_or_else(|| codec::Damage(format!("root {id} is missing")))?;
        self.roots.insert(id, root.clone());
        Ok(root)
    }

    /// Whether a content is ignored somewhere and assigned nowhere.
    fn is_turned_down(&mut self, catalog: &Transaction<'_>, blob: i64) -> Outcome<bool> {
        if let Some(&known) = self.turned_down.get(&blob) {
            return Ok(known);
        }
        let mut statement = catalog.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM observation INDEXED BY observation_ignored WHERE blob = ?1 AND status = 'ignored')
                AND NOT EXISTS (SELECT 1 FROM observation INDEXED BY observation_blob WHERE blob = ?1 AND status = 'assigned')",
        )?;
        let is_so = statement.query_row([blob], |row| row.get(0))?;
        self.turned_down.insert(blob, is_so);
        Ok(is_so)
    }
}

/// Every observation at a place, in id order.
fn claims(
    catalog: &Transaction<'_>,
    place_key: &[u8],
    name: &FileName,
    known: &mut Known,
) -> Outcome<Vec<Claim>> {
    let mut found = Vec::new();
    // Each half uses its own partial index.
    for current in ["o.current = 1", "o.current = 0"] {
        let sql = format!(
            "SELECT o.id, f.root, f.relpath, b.hash, o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n, o.inode,
                    o.current, o.gone_s IS NOT NULL, o.status, o.placement, o.open, o.view_path, b.stored,
                    b.block_reason, o.blob
             FROM folder f CROSS JOIN observation o ON o.folder = f.id AND o.name = (SELECT ?2) AND {current}
             JOIN blob b ON b.id = o.blob
             WHERE f.place_key = (SELECT ?1)"
        );
        let mut statement = catalog.prepare_cached(&sql)?;
        let mut rows = statement.query(params![place_key, name.as_bytes()])?;
        while let Some(row) = rows.next()? {
            let root = known.root(catalog, row.get(1)?)?;
            let claim = claim(row, root, name)?;
            let is_undecided = claim.standing.status == Status::Pending;
            let turned_down = is_undecided && known.is_turned_down(catalog, row.get(18)?)?;
            found.push(Claim { turned_down, ..claim });
        }
    }
    found.sort_unstable_by_key(|claim| claim.id);
    Ok(found)
}

fn claim(row: &Row<'_>, root: ScanRoot, name: &FileName) -> Outcome<Claim> {
    Ok(Claim {
        id: ObservationId(row.get(0)?),
        at: Location { root, dir: rows::rel_path(row, 2)?, name: name.clone() },
        hash: rows::hash(row, 3)?,
        fingerprint: rows::fingerprint(row, 4)?,
        current: row.get(10)?,
        gone: row.get(11)?,
        standing: rows::standing(row, 12)?,
        open: row.get(14)?,
        view: rows::optional_path(row, 15)?,
        stored: row.get(16)?,
        block: rows::optional_text(row, 17)?.map(codec::block).transpose()?,
        turned_down: false,
    })
}

fn sources(
    catalog: &Transaction<'_>,
    host: &HostName,
    hash: &BlobHash,
    each: PageSize,
) -> Outcome<Vec<Source>> {
    let mut statement = catalog.prepare_cached(
        "SELECT o.id, r.host, r.basedir, r.kind, f.relpath, o.name,
                o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n, o.inode
         FROM observation o JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
         WHERE o.blob = (SELECT id FROM blob WHERE hash = ?1) AND o.current = 1 AND o.gone_s IS NULL
           AND r.host = (SELECT ?2)
         ORDER BY o.id LIMIT (SELECT ?3)",
    )?;
    rows::all(&mut statement, params![hash.as_bytes(), host.as_str(), each.0], |row| {
        let at =
            Location { root: rows::root(row, 1)?, dir: rows::rel_path(row, 4)?, name: rows::name(row, 5)? };
        Ok(Source { id: ObservationId(row.get(0)?), at, fingerprint: rows::fingerprint(row, 6)? })
    })
}

fn holders(catalog: &Transaction<'_>, views: &[(BlobHash, RelPath)]) -> Outcome<Vec<Vec<Place>>> {
    let mut asked: HashMap<BlobHash, HashMap<&[u8], BTreeSet<Place>>> = HashMap::new();
    for (hash, view) in views {
        asked.entry(*hash).or_default().entry(view.as_bytes()).or_default();
    }
    let mut statement = catalog.prepare_cached(
        "SELECT o.view_path, r.host, r.basedir, r.kind, f.relpath, o.name
         FROM observation o INDEXED BY observation_blob
         CROSS JOIN folder f ON f.id = o.folder CROSS JOIN root r ON r.id = f.root
         WHERE o.blob = (SELECT id FROM blob WHERE hash = ?1) AND o.view_path IS NOT NULL",
    )?;
    for (hash, asked) in &mut asked {
        let mut rows = statement.query([hash.as_bytes()])?;
        while let Some(row) = rows.next()? {
            if let Some(places) = asked.get_mut(rows::bytes(row, 0)?) {
                let (root, dir) = (rows::root(row, 1)?, rows::rel_path(row, 4)?);
                places.insert(Location { root, dir, name: rows::name(row, 5)? }.place());
            }
        }
    }
    let answer = |(hash, view): &(BlobHash, RelPath)| asked[hash][view.as_bytes()].iter().cloned().collect();
    Ok(views.iter().map(answer).collect())
}

fn settle(catalog: &Transaction<'_>, settlement: &Settlement) -> Outcome<Settled> {
    let id = settlement.id;
    let mut statement = catalog.prepare_cached(
        "SELECT o.status, o.placement, o.open, o.view_path, o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n,
                o.inode, o.racy, o.current, o.gone_s IS NOT NULL, b.block_reason
         FROM observation o JOIN blob b ON b.id = o.blob WHERE o.id = (SELECT ?1)",
    )?;
    let found = rows::one(&mut statement, [id.0], |row| {
        let block = rows::optional_text(row, 13)?.map(codec::block).transpose()?;
        let standing = rows::standing(row, 0)?;
        Ok(Stands {
            footing: Footing { standing, current: row.get(11)?, gone: row.get(12)?, block },
            open: row.get(2)?,
            view: rows::optional_path(row, 3)?,
            fingerprint: rows::fingerprint(row, 4)?,
            racy: row.get(10)?,
        })
    })?;
    let then = match found.map(|now| now.settled_by(settlement)) {
        Some(Verdict::Set(then)) => then,
        Some(Verdict::Already) => return Ok(Settled::Done),
        Some(Verdict::Stale) | None => return Ok(Settled::Stale),
    };
    let view = then.view.as_ref().map(RelPath::as_bytes);
    let Fingerprint { size, mtime, ctime, inode } = then.fingerprint;
    catalog
        .prepare_cached(
            "UPDATE observation
             SET status = ?2, placement = ?3, open = ?4, view_path = ?5, view_shown = ?6,
                 size = ?7, mtime_s = ?8, mtime_n = ?9, ctime_s = ?10, ctime_n = ?11, inode = ?12, racy = ?13,
                 unsaved = unsaved + 1
             WHERE id = ?1",
        )?
        .execute(params![
            id.0,
            then.footing.standing.status.as_str(),
            then.footing.standing.placement.as_str(),
            then.open,
            view,
            view.and_then(codec::shown),
            rows::to_i64(size)?,
            mtime.secs,
            mtime.nanos,
            ctime.secs,
            ctime.nanos,
            codec::to_signed(inode),
            then.racy,
        ])?;
    Ok(Settled::Done)
}

fn damage(catalog: &Transaction<'_>, hash: &BlobHash) -> Outcome<()> {
    let mut statement = catalog
        .prepare_cached("UPDATE blob SET stored = 0, unsaved = unsaved + 1 WHERE hash = ?1 RETURNING id")?;
    let blob: Option<i64> = rows::one(&mut statement, [hash.as_bytes()], |row| Ok(row.get(0)?))?;
    catalog
        .prepare_cached(
            "UPDATE observation SET open = 1, placement = CASE placement WHEN 'placed' THEN 'none' ELSE placement END,
                 unsaved = unsaved + 1
             WHERE blob = ?1 AND (open = 0 OR placement = 'placed')",
        )?
        .execute([blob])?;
    Ok(())
}
