//! Sums over the whole catalog.

use mama_ports::repository::{RootTotals, StandingCount, Totals};
use mama_ports::vocab::Mime;
use sqlx::{AssertSqlSafe, PgConnection, query, query_scalar, raw_sql};

use super::failure::Outcome;
use super::rows::Cells;
use crate::sql::codec;
use crate::sql::lacking::waits;

pub(super) async fn totals(catalog: &mut PgConnection) -> Outcome<Totals> {
    expect_whole_tables(catalog).await?;
    let mut totals = Totals::default();
    add_blobs(catalog, &mut totals).await?;
    add_standings(catalog, &mut totals).await?;
    totals.roots = roots(catalog).await?;
    totals.present_bytes = totals.roots.iter().map(|root| root.bytes).sum();
    totals.mimes = mimes(catalog).await?;
    Ok(totals)
}

/// Until the end of the transaction: tables are read from end to end, which the session is told to avoid.
pub(super) async fn expect_whole_tables(catalog: &mut PgConnection) -> Outcome<()> {
    raw_sql("SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on").execute(catalog).await?;
    Ok(())
}

async fn add_blobs(catalog: &mut PgConnection, totals: &mut Totals) -> Outcome<()> {
    let row = query(
        "SELECT count(*), coalesce(sum(size), 0)::bigint, count(*) FILTER (WHERE stored),
                coalesce(sum(size) FILTER (WHERE stored), 0)::bigint, count(block_reason), count(mime),
                count(look_error)
         FROM blob",
    )
    .fetch_one(&mut *catalog)
    .await?;
    let mut cells = Cells::of(&row);
    totals.blobs = cells.count()?;
    totals.blob_bytes = cells.count()?;
    totals.stored = cells.count()?;
    totals.stored_bytes = cells.count()?;
    totals.blocked = cells.count()?;
    totals.with_mime = cells.count()?;
    totals.meta_failed = cells.count()?;
    // An empty document says that an extractor found nothing.
    let with_meta =
        query_scalar("SELECT count(*) FROM meta WHERE doc <> '{}'").fetch_one(&mut *catalog).await?;
    totals.with_meta = codec::count(with_meta)?;
    let sql = format!(
        "SELECT count(*), count(m.blob) FROM blob b LEFT JOIN meta m ON m.blob = b.id WHERE {}",
        waits()
    );
    let waiting = query(AssertSqlSafe(sql)).fetch_one(catalog).await?;
    let mut cells = Cells::of(&waiting);
    totals.unlooked = cells.count()?;
    totals.preliminary = cells.count()?;
    Ok(())
}

async fn add_standings(catalog: &mut PgConnection, totals: &mut Totals) -> Outcome<()> {
    let rows = query(
        "SELECT status, placement, current, gone_s IS NOT NULL, count(*), count(*) FILTER (WHERE open)
         FROM observation GROUP BY 1, 2, 3, 4",
    )
    .fetch_all(catalog)
    .await?;
    for row in &rows {
        let mut cells = Cells::of(row);
        let standing = cells.standing()?;
        let (current, gone) = (cells.next()?, cells.next()?);
        let (count, open) = (cells.count()?, cells.count()?);
        totals.observations += count;
        totals.open += open;
        let (status, placement) = (standing.status, standing.placement);
        totals.standings.push(StandingCount { status, placement, current, gone, count });
    }
    totals.standings.sort_unstable();
    Ok(())
}

async fn roots(catalog: &mut PgConnection) -> Outcome<Vec<RootTotals>> {
    let rows = query(
        "WITH by_folder AS (
             SELECT folder, count(*) AS files, sum(size) AS bytes FROM observation
             WHERE current AND gone_s IS NULL GROUP BY folder
         )
         SELECT r.host, r.basedir, r.kind, r.confirmed_s, r.confirmed_n,
                coalesce(sum(p.files), 0)::bigint, coalesce(sum(p.bytes), 0)::bigint
         FROM root r LEFT JOIN (folder f JOIN by_folder p ON p.folder = f.id) ON f.root = r.id
         GROUP BY r.id",
    )
    .fetch_all(catalog)
    .await?;
    let mut roots = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut cells = Cells::of(row);
        let (root, confirmed) = (cells.root()?, cells.optional_time()?);
        roots.push(RootTotals { root, confirmed, files: cells.count()?, bytes: cells.count()? });
    }
    roots.sort_unstable_by(|a, b| a.root.cmp(&b.root));
    Ok(roots)
}

async fn mimes(catalog: &mut PgConnection) -> Outcome<Vec<(Mime, u64)>> {
    let rows = query(
        "SELECT mime, count(*) FROM blob WHERE mime IS NOT NULL
         GROUP BY mime ORDER BY count(*) DESC, mime COLLATE \"C\" LIMIT 20",
    )
    .fetch_all(catalog)
    .await?;
    let read = |row| {
        let mut cells = Cells::of(row);
        Ok((Mime::new(cells.next::<&str>()?), cells.count()?))
    };
    rows.iter().map(read).collect()
}
