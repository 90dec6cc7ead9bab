//! Sums over the whole catalog.

use mama_ports::repository::{RootTotals, StandingCount, Totals};
use mama_ports::vocab::Mime;
use rusqlite::Transaction;

use super::rows::{self, Outcome};
use crate::sql::lacking::waits;

pub(super) fn totals(catalog: &Transaction<'_>) -> Outcome<Totals> {
    let mut totals = Totals::default();
    add_blobs(catalog, &mut totals)?;
    add_standings(catalog, &mut totals)?;
    totals.roots = roots(catalog)?;
    totals.present_bytes = totals.roots.iter().map(|root| root.bytes).sum();
    totals.mimes = mimes(catalog)?;
    Ok(totals)
}

fn add_blobs(catalog: &Transaction<'_>, totals: &mut Totals) -> Outcome<()> {
    let mut statement = catalog.prepare_cached(
        "SELECT count(*), coalesce(sum(size), 0), coalesce(sum(stored), 0), coalesce(sum(size * stored), 0),
                count(block_reason), count(mime), count(look_error)
         FROM blob",
    )?;
    rows::one(&mut statement, [], |row| {
        totals.blobs = rows::count(row, 0)?;
        totals.blob_bytes = rows::count(row, 1)?;
        totals.stored = rows::count(row, 2)?;
        totals.stored_bytes = rows::count(row, 3)?;
        totals.blocked = rows::count(row, 4)?;
        totals.with_mime = rows::count(row, 5)?;
        totals.meta_failed = rows::count(row, 6)?;
        Ok(())
    })?;
    // An empty document says that an extractor found nothing.
    let mut statement = catalog.prepare_cached("SELECT count(*) FROM meta WHERE doc <> '{}'")?;
    rows::one(&mut statement, [], |row| {
        totals.with_meta = rows::count(row, 0)?;
        Ok(())
    })?;
    let sql = format!(
        "SELECT count(*), count(m.blob) FROM blob b LEFT JOIN meta m ON m.blob = b.id WHERE {}",
        waits()
    );
    let mut statement = catalog.prepare_cached(&sql)?;
    rows::one(&mut statement, [], |row| {
        totals.unlooked = rows::count(row, 0)?;
        totals.preliminary = rows::count(row, 1)?;
        Ok(())
    })?;
    Ok(())
}

fn add_standings(catalog: &Transaction<'_>, totals: &mut Totals) -> Outcome<()> {
    let mut statement = catalog.prepare_cached(
        "SELECT status, placement, current, gone_s IS NOT NULL, count(*), sum(open)
         FROM observation GROUP BY 1, 2, 3, 4",
    )?;
    totals.standings = rows::all(&mut statement, [], |row| {
        let standing = rows::standing(row, 0)?;
        let count = rows::count(row, 4)?;
        totals.observations += count;
        totals.open += rows::count(row, 5)?;
        Ok(StandingCount {
            status: standing.status,
            placement: standing.placement,
            current: row.get(2)?,
            gone: row.get(3)?,
            count,
        })
    })?;
    totals.standings.sort_unstable();
    Ok(())
}

fn roots(catalog: &Transaction<'_>) -> Outcome<Vec<RootTotals>> {
    let mut statement = catalog.prepare_cached(
        "WITH by_folder AS (
             SELECT folder, count(*) AS files, sum(size) AS bytes FROM observation
             WHERE current = 1 AND gone_s IS NULL GROUP BY folder
         )
         SELECT r.host, r.basedir, r.kind, r.confirmed_s, r.confirmed_n,
                coalesce(sum(p.files), 0), coalesce(sum(p.bytes), 0)
         FROM root r LEFT JOIN (folder f JOIN by_folder p ON p.folder = f.id) ON f.root = r.id
         GROUP BY r.id",
    )?;
    let mut roots = rows::all(&mut statement, [], |row| {
        Ok(RootTotals {
            root: rows::root(row, 0)?,
            confirmed: rows::optional_time(row, 3)?,
            files: rows::count(row, 5)?,
            bytes: rows::count(row, 6)?,
        })
    })?;
    roots.sort_unstable_by(|a, b| a.root.cmp(&b.root));
    Ok(roots)
}

fn mimes(catalog: &Transaction<'_>) -> Outcome<Vec<(Mime, u64)>> {
    let mut statement = catalog.prepare_cached(
        "SELECT mime, count(*) FROM blob WHERE mime IS NOT NULL GROUP BY mime ORDER BY 2 DESC, 1 LIMIT 20",
    )?;
    rows::all(&mut statement, [], |row| Ok((Mime::new(rows::text(row, 0)?), rows::count(row, 1)?)))
}
