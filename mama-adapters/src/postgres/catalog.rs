//! What apply knows.

use std::collections::BTreeSet;

use async_trait::async_trait;
use mama_ports::repository::{Catalog, Lease, PageSize, Repo, Scope, SettleBatch, Settled, Source, Totals};
use mama_ports::vocab::{
    ArchiveId, BlobHash, Claim, Contest, HostName, Location, ObservationId, Place, RelPath, Status,
};
use sqlx::{AssertSqlSafe, PgConnection, query, query_scalar};

use super::failure::{Failure, Outcome};
use super::rows::Cells;
use super::sightings::numbered;
use super::{Postgres, lease, settle, totals};
use crate::sql::stands::is_in_scope;
use crate::sql::{codec, keys};

#[async_trait]
impl Catalog for Postgres {
    async fn archive(&self) -> Repo<Option<ArchiveId>> {
        self.ask("read which archive the catalog belongs to", (), |(), catalog| Box::pin(archive(catalog)))
            .await
    }

    async fn bind(&self, archive: &ArchiveId) -> Repo<ArchiveId> {
        self.write("bind the catalog to its archive", archive.clone(), |archive, catalog| {
            Box::pin(bind(catalog, archive))
        })
        .await
    }

    async fn open(&self, scope: Scope) -> Repo<u64> {
        self.ask("count what waits for apply", scope, |&scope, catalog| Box::pin(open(catalog, scope))).await
    }

    async fn contests(
        &self,
        scope: Scope,
        after: Option<ObservationId>,
        limit: PageSize,
    ) -> Repo<Vec<Contest>> {
        self.read("read what waits for apply", (scope, after, limit), |&(scope, after, limit), catalog| {
            Box::pin(contests(catalog, scope, after, limit))
        })
        .await
    }

    async fn claims(&self, places: &[Place]) -> Repo<Vec<Contest>> {
        self.read("read the claims to some places", places.to_vec(), |places, catalog| {
            Box::pin(claims(catalog, places))
        })
        .await
    }

    async fn sources(&self, host: &HostName, hashes: &[BlobHash], each: PageSize) -> Repo<Vec<Vec<Source>>> {
        let about = (host.clone(), hashes.to_vec(), each);
        self.ask("look for sources of contents", about, |(host, hashes, each), catalog| {
            Box::pin(sources(catalog, host, hashes, *each))
        })
        .await
    }

    async fn holders(&self, views: &[(BlobHash, RelPath)]) -> Repo<Vec<Vec<Place>>> {
        self.ask("look whose some views are", views.to_vec(), |views, catalog| {
            Box::pin(holders(catalog, views))
        })
        .await
    }

    async fn lease(&self) -> Repo<Option<Lease>> {
        let doing = "take the right to apply";
        let lines = self.session.lines();
        let locked = self.session.run(async move { lease::lock(&lines).await }).await;
        let Some(held) = locked.map_err(|failure| failure.during(doing))? else { return Ok(None) };
        // Of two attempts the later number counts: not a change whose first answer is the true one.
        let epoch = self.ask(doing, (), |(), catalog| Box::pin(lease::next(catalog))).await?;
        Ok(Some(Lease { epoch, held }))
    }

    async fn settle(&self, batch: &SettleBatch) -> Repo<Vec<Settled>> {
        self.write("remember what apply has done", batch.clone(), |batch, catalog| {
            Box::pin(settle::settle(catalog, batch))
        })
        .await
    }

    async fn totals(&self) -> Repo<Totals> {
        self.read("sum up the catalog", (), |(), catalog| Box::pin(totals::totals(catalog))).await
    }
}

async fn archive(catalog: &mut PgConnection) -> Outcome<Option<ArchiveId>> {
    let found: Option<String> = query_scalar("SELECT id FROM archive").fetch_optional(catalog).await?;
    Ok(found.map(|id| codec::archive(&id)).transpose()?)
}

async fn bind(catalog: &mut PgConnection, wanted: &ArchiveId) -> Outcome<ArchiveId> {
    query("INSERT INTO archive (id) VALUES ($1) ON CONFLICT DO NOTHING")
        .bind(wanted.as_str())
        .execute(&mut *catalog)
        .await?;
    archive(catalog).await?.ok_or_else(|| Failure::Misuse("the catalog keeps no archive".to_owned()))
}

/// The condition of a scope's own index, word for word, on the observation `o`.
const fn condition(scope: Scope) -> &'static str {
    match scope {
        Scope::WithPending => "o.open",
        Scope::Decided => "o.open AND o.status <> 'pending'",
    }
}

async fn open(catalog: &mut PgConnection, scope: Scope) -> Outcome<u64> {
    let sql = format!("SELECT count(*) FROM observation o WHERE {}", condition(scope));
    Ok(codec::count(query_scalar(AssertSqlSafe(sql)).fetch_one(catalog).await?)?)
}

async fn contests(
    catalog: &mut PgConnection,
    scope: Scope,
    after: Option<ObservationId>,
    limit: PageSize,
) -> Outcome<Vec<Contest>> {
    let mut page = Vec::new();
    let mut after = after.map_or(i64::MIN, |id| id.0);
    loop {
        let wanted = limit.0 as usize - page.len();
        if wanted == 0 {
            break;
        }
        let open = candidates(catalog, scope, after, wanted).await?;
        let last = open.last().map(|&(id, _)| id);
        // A place stands at its first open observation only.
        let is_first = |id, claims: &[Claim]| {
            claims.iter().find(|claim| is_in_scope(claim, scope)).is_some_and(|first| first.id.0 == id)
        };
        let exhausted = open.len() < wanted;
        let firsts = open.into_iter().filter(|(id, claims)| is_first(*id, claims));
        page.extend(firsts.map(|(_, claims)| Contest { place: claims[0].at.place(), claims }));
        match last.filter(|_| !exhausted) {
            Some(last) => after = last,
            None => break,
        }
    }
    turn_down(catalog, &mut page).await?;
    Ok(page)
}

/// Marks the pending claims whose content is ignored somewhere and assigned nowhere.
async fn turn_down(catalog: &mut PgConnection, page: &mut [Contest]) -> Outcome<()> {
    let claims = page.iter_mut().flat_map(|contest| &mut contest.claims);
    let mut pending: Vec<&mut Claim> =
        claims.filter(|claim| claim.standing.status == Status::Pending).collect();
    if pending.is_empty() {
        return Ok(());
    }
    let hashes: BTreeSet<BlobHash> = pending.iter().map(|claim| claim.hash).collect();
    let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    let turned_down: Vec<Vec<u8>> = query_scalar(
        "SELECT b.hash FROM unnest($1::bytea[]) AS asked (hash) JOIN blob b ON b.hash = asked.hash
         CROSS JOIN LATERAL
             (SELECT o.id FROM observation o WHERE o.blob = b.id AND o.status = 'ignored' LIMIT 1) AS ignored
         LEFT JOIN LATERAL
             (SELECT o.id FROM observation o WHERE o.blob = b.id AND o.status = 'assigned' LIMIT 1) AS assigned ON true
         WHERE assigned.id IS NULL",
    )
    .bind(hashes)
    .fetch_all(catalog)
    .await?;
    let turned_down: BTreeSet<&[u8]> = turned_down.iter().map(Vec::as_slice).collect();
    for claim in &mut pending {
        claim.turned_down = turned_down.contains(claim.hash.as_bytes().as_slice());
    }
    Ok(())
}

/// The next open observations in scope, each with every claim to its place.
async fn candidates(
    catalog: &mut PgConnection,
    scope: Scope,
    after: i64,
    limit: usize,
) -> Outcome<Vec<(i64, Vec<Claim>)>> {
    // Open observations first, in the order of their own index.
    let sql = format!(
        "WITH candidate AS MATERIALIZED (
             SELECT o.id, o.name, o.folder FROM observation o WHERE {} AND o.id > $1 ORDER BY o.id LIMIT $2
         )
         SELECT candidate.id, {CLAIM}
         FROM candidate JOIN folder seen ON seen.id = candidate.folder JOIN folder f ON f.place_key = seen.place_key
         {CLAIMS_OF_CANDIDATE}
         ORDER BY candidate.id, o.id",
        condition(scope)
    );
    let rows = query(AssertSqlSafe(sql)).bind(after).bind(limit as i64).fetch_all(catalog).await?;
    let mut found: Vec<(i64, Vec<Claim>)> = Vec::new();
    for row in &rows {
        let mut cells = Cells::of(row);
        let (id, claim) = (cells.next()?, claim(&mut cells)?);
        match found.last_mut() {
            Some((last, claims)) if *last == id => claims.push(claim),
            _ => found.push((id, vec![claim])),
        }
    }
    Ok(found)
}

async fn claims(catalog: &mut PgConnection, places: &[Place]) -> Outcome<Vec<Contest>> {
    let (mut numbers, mut keys, mut names) = (Vec::new(), Vec::new(), Vec::new());
    for (number, place) in (1_i64..).zip(places) {
        if let Some((key, name)) = keys::of_place(place) {
            numbers.push(number);
            keys.push(key.to_vec());
            names.push(name.as_bytes().to_vec());
        }
    }
    let sql = format!(
        "SELECT candidate.number, {CLAIM}
         FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS candidate (number, place_key, name)
         JOIN folder f ON f.place_key = candidate.place_key
         {CLAIMS_OF_CANDIDATE}
         ORDER BY candidate.number, o.id"
    );
    let rows = query(AssertSqlSafe(sql)).bind(numbers).bind(keys).bind(names).fetch_all(catalog).await?;
    let mut claims = vec![Vec::new(); places.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut claims, cells.next()?)?;
        answer.push(claim(&mut cells)?);
    }
    let contest = |(place, claims): (&Place, _)| Contest { place: place.clone(), claims };
    Ok(places.iter().zip(claims).map(contest).collect())
}

/// The columns of a claim.
const CLAIM: &str = "o.id, r.host, r.basedir, r.kind, f.relpath, o.name, b.hash,
                o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n, o.inode,
                o.current, o.gone_s IS NOT NULL, o.status, o.placement, o.open, o.view_path, b.stored, b.block_reason";

/// Every observation in the folder `f` with the candidate's name: history and what is current each by an index of their own.
const CLAIMS_OF_CANDIDATE: &str = "CROSS JOIN LATERAL (
             SELECT * FROM observation c WHERE c.folder = f.id AND c.name = candidate.name AND c.current
             UNION ALL
             SELECT * FROM observation c WHERE c.folder = f.id AND c.name = candidate.name AND NOT c.current
         ) AS o
         JOIN blob b ON b.id = o.blob JOIN root r ON r.id = f.root";

fn claim(cells: &mut Cells<'_>) -> Outcome<Claim> {
    Ok(Claim {
        id: ObservationId(cells.next()?),
        at: Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? },
        hash: cells.hash()?,
        fingerprint: cells.fingerprint()?,
        current: cells.next()?,
        gone: cells.next()?,
        standing: cells.standing()?,
        open: cells.next()?,
        view: cells.optional_path()?,
        stored: cells.next()?,
        block: cells.next::<Option<&str>>()?.map(codec::block).transpose()?,
        turned_down: false,
    })
}

async fn sources(
    catalog: &mut PgConnection,
    host: &HostName,
    hashes: &[BlobHash],
    each: PageSize,
) -> Outcome<Vec<Vec<Source>>> {
    let asked: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    // OFFSET 0: sightings are found by content before anything else; a planner without statistics would begin with the host.
    let rows = query(
        "SELECT h.number, s.* FROM unnest($1::bytea[]) WITH ORDINALITY AS h (hash, number)
         JOIN blob b ON b.hash = h.hash
         CROSS JOIN LATERAL (
             SELECT o.id, r.host, r.basedir, r.kind, f.relpath, o.name,
                    o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n, o.inode
             FROM (SELECT * FROM observation c WHERE c.blob = b.id AND c.current AND c.gone_s IS NULL OFFSET 0) AS o
             JOIN folder f ON f.id = o.folder JOIN root r ON r.id = f.root
             WHERE r.host = $2 ORDER BY o.id LIMIT $3
         ) AS s
         ORDER BY h.number, s.id",
    )
    .bind(asked)
    .bind(host.as_str())
    .bind(i64::from(each.0))
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![Vec::new(); hashes.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        let id = ObservationId(cells.next()?);
        let at = Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? };
        answer.push(Source { id, at, fingerprint: cells.fingerprint()? });
    }
    Ok(answers)
}

async fn holders(catalog: &mut PgConnection, views: &[(BlobHash, RelPath)]) -> Outcome<Vec<Vec<Place>>> {
    let hashes: Vec<&[u8]> = views.iter().map(|(hash, _)| hash.as_bytes().as_slice()).collect();
    let paths: Vec<&[u8]> = views.iter().map(|(_, view)| view.as_bytes()).collect();
    // OFFSET 0: the observations of each content are read once, by their index, and nothing is read from end to end.
    let rows = query(
        "WITH asked AS MATERIALIZED (
             SELECT h.number, h.view, b.id AS blob
             FROM unnest($1::bytea[], $2::bytea[]) WITH ORDINALITY AS h (hash, view, number) JOIN blob b ON b.hash = h.hash
         ), held AS MATERIALIZED (
             SELECT o.* FROM (SELECT DISTINCT blob FROM asked) AS content
             CROSS JOIN LATERAL
                 (SELECT c.blob, c.view_path, c.folder, c.name FROM observation c
                  WHERE c.blob = content.blob AND c.view_path IS NOT NULL OFFSET 0) AS o
         ), matching AS MATERIALIZED (
             SELECT asked.number, held.folder, held.name
             FROM asked JOIN held ON held.blob = asked.blob AND held.view_path = asked.view
         )
         SELECT m.number, r.host, r.basedir, r.kind, f.relpath, m.name
         FROM matching m
         CROSS JOIN LATERAL (SELECT * FROM folder WHERE id = m.folder OFFSET 0) AS f
         CROSS JOIN LATERAL (SELECT * FROM root WHERE id = f.root OFFSET 0) AS r",
    )
    .bind(hashes)
    .bind(paths)
    .fetch_all(catalog)
    .await?;
    let mut answers = vec![BTreeSet::new(); views.len()];
    for row in &rows {
        let mut cells = Cells::of(row);
        let answer = numbered(&mut answers, cells.next()?)?;
        let at = Location { root: cells.root()?, dir: cells.rel_path()?, name: cells.name()? };
        answer.insert(at.place());
    }
    Ok(answers.into_iter().map(|places| places.into_iter().collect()).collect())
}
