//! Rows that come back from manifests.

use std::collections::{BTreeMap, HashMap};

use mama_ports::manifest::{ActRow, BlobRow, ItemRow, ObservationRow, RootRow, Rows};
use mama_ports::repository::MountMark;
use mama_ports::vocab::{BlobHash, Mime, RelPath, ScanRoot, VolumeId};
use sqlx::{AssertSqlSafe, PgConnection, query, query_as, query_scalar, raw_sql};

use super::failure::{Failure, Outcome};
use super::roots::Root;
use super::rows::{Fingerprints, nanos, to_i64};
use super::totals::expect_whole_tables;
use super::{enrichment, folders};
use crate::sql::{codec, decisions, keys};

/// Takes the locks in the order of every change: roots, then contents.
pub(super) async fn explain_anew(catalog: &mut PgConnection) -> Outcome<()> {
    expect_whole_tables(catalog).await?;
    raw_sql(
        "SELECT FROM root ORDER BY id FOR NO KEY UPDATE;
         SELECT FROM blob ORDER BY hash FOR NO KEY UPDATE;
         UPDATE manifest SET anew = true;
         UPDATE blob SET unsaved = unsaved + 1;
         UPDATE observation SET unsaved = unsaved + 1;
         UPDATE act SET unsaved = 1;
         UPDATE act_item SET unsaved = 1",
    )
    .execute(catalog)
    .await?;
    Ok(())
}

pub(super) async fn restore(catalog: &mut PgConnection, rows: &Rows) -> Outcome<()> {
    query("UPDATE manifest SET saved = NULL, saved_digest = NULL, rebuilding = true")
        .execute(&mut *catalog)
        .await?;
    for row in &rows.roots {
        restore_root(catalog, row).await?;
    }
    let blobs: BTreeMap<BlobHash, &BlobRow> = rows.blobs.iter().map(|row| (row.record.hash, row)).collect();
    restore_blobs(catalog, &blobs).await?;
    let observations: BTreeMap<i64, &ObservationRow> =
        rows.observations.iter().map(|row| (row.id.0, row)).collect();
    restore_observations(catalog, &observations).await?;
    for row in &rows.acts {
        restore_act(catalog, row).await?;
    }
    restore_items(catalog, &rows.items).await
}

async fn restore_act(catalog: &mut PgConnection, ActRow { id, asked }: &ActRow) -> Outcome<()> {
    query(
        "INSERT INTO act (id, at_s, at_n, host, verb, words, undoes, summary, unsaved)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)
         ON CONFLICT (id) DO UPDATE SET at_s = excluded.at_s, at_n = excluded.at_n, host = excluded.host,
             verb = excluded.verb, words = excluded.words, undoes = excluded.undoes, summary = excluded.summary,
             unsaved = 0",
    )
    .bind(id.0)
    .bind(asked.at.secs)
    .bind(nanos(asked.at))
    .bind(asked.host.as_str())
    .bind(&asked.verb)
    .bind(&asked.words)
    .bind(asked.undoes.map(|act| act.0))
    .bind(&asked.summary)
    .execute(&mut *catalog)
    .await?;
    go_on_after(catalog, "act").await
}

async fn restore_items(catalog: &mut PgConnection, items: &[ItemRow]) -> Outcome<()> {
    let rows: BTreeMap<i64, &ItemRow> = items.iter().map(|row| (row.id.0, row)).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let columns: Vec<decisions::Columns<'_>> =
        rows.values().map(|row| decisions::columns(&row.decision)).collect();
    query(
        "INSERT INTO act_item (id, act, observation, hash, before, after, unsaved)
         SELECT given.*, 0 FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::text[], $6::text[]) AS given
         ON CONFLICT (id) DO UPDATE SET act = excluded.act, observation = excluded.observation, hash = excluded.hash,
             before = excluded.before, after = excluded.after, unsaved = 0",
    )
    .bind(rows.keys().copied().collect::<Vec<_>>())
    .bind(rows.values().map(|row| row.act.0).collect::<Vec<_>>())
    .bind(columns.iter().map(|it| it.observation).collect::<Vec<_>>())
    .bind(columns.iter().map(|it| it.hash).collect::<Vec<_>>())
    .bind(columns.iter().map(|it| it.before).collect::<Vec<_>>())
    .bind(columns.iter().map(|it| it.after).collect::<Vec<_>>())
    .execute(&mut *catalog)
    .await?;
    go_on_after(catalog, "act_item").await
}

/// New rows of a table get numbers after those that were restored.
async fn go_on_after(catalog: &mut PgConnection, table: &str) -> Outcome<()> {
    let sql = format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}");
    query(AssertSqlSafe(sql)).execute(catalog).await?;
    Ok(())
}

async fn restore_root(catalog: &mut PgConnection, row: &RootRow) -> Outcome<()> {
    let RootRow { root, confirmed, mounts } = row;
    let basedir = root.basedir.as_bytes();
    let id: i64 = query_scalar(
        "INSERT INTO root (key, host, basedir, basedir_shown, kind, confirmed_s, confirmed_n)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (key) DO UPDATE SET confirmed_s = excluded.confirmed_s, confirmed_n = excluded.confirmed_n
         RETURNING id",
    )
    .bind(keys::root(&root.host, &root.basedir))
    .bind(root.host.as_str())
    .bind(basedir)
    .bind(codec::shown(basedir))
    .bind(root.kind.as_str())
    .bind(confirmed.map(|time| time.secs))
    .bind(confirmed.map(nanos))
    .fetch_one(&mut *catalog)
    .await?;
    query("UPDATE folder SET volume = NULL WHERE root = $1 AND volume IS NOT NULL")
        .bind(id)
        .execute(&mut *catalog)
        .await?;
    let mark =
        |(dir, volume): &(RelPath, VolumeId)| MountMark { dir: dir.clone(), volume: Some(volume.clone()) };
    let marks: Vec<MountMark> = mounts.iter().map(mark).collect();
    folders::mark(catalog, &Root { id, root: root.clone() }, &marks).await
}

async fn restore_blobs(catalog: &mut PgConnection, blobs: &BTreeMap<BlobHash, &BlobRow>) -> Outcome<()> {
    let records = || blobs.values().map(|row| &row.record);
    let looks = || records().map(|record| record.look.as_ref());
    query(
        "INSERT INTO blob (hash, size, first_seen_s, first_seen_n, mime, stored, block_reason, looked_by, looked_s,
                           looked_n, look_error, unsaved)
         SELECT given.*, 0 FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::integer[], $5::text[],
                                       $6::boolean[], $7::text[], $8::text[], $9::bigint[], $10::integer[],
                                       $11::text[]) AS given
         ON CONFLICT (hash) DO UPDATE SET size = excluded.size, first_seen_s = excluded.first_seen_s,
             first_seen_n = excluded.first_seen_n, mime = excluded.mime, stored = excluded.stored,
             block_reason = excluded.block_reason, looked_by = excluded.looked_by, looked_s = excluded.looked_s,
             looked_n = excluded.looked_n, look_error = excluded.look_error, unsaved = 0",
    )
    .bind(blobs.keys().map(|hash| hash.as_bytes().as_slice()).collect::<Vec<_>>())
    .bind(records().map(|record| to_i64(record.size)).collect::<Outcome<Vec<_>>>()?)
    .bind(blobs.values().map(|row| row.first_seen.secs).collect::<Vec<_>>())
    .bind(blobs.values().map(|row| nanos(row.first_seen)).collect::<Vec<_>>())
    .bind(records().map(|record| record.mime.as_ref().map(Mime::as_str)).collect::<Vec<_>>())
    .bind(records().map(|record| record.stored).collect::<Vec<_>>())
    .bind(records().map(|record| record.block.map(|reason| reason.as_str())).collect::<Vec<_>>())
    .bind(looks().map(|look| Some(look?.by.as_str())).collect::<Vec<_>>())
    .bind(looks().map(|look| Some(look?.at.secs)).collect::<Vec<_>>())
    .bind(looks().map(|look| Some(nanos(look?.at))).collect::<Vec<_>>())
    .bind(looks().map(|look| look?.error.as_deref()).collect::<Vec<_>>())
    .execute(&mut *catalog)
    .await?;
    let docs = records().filter_map(|record| Some((record.hash, record.meta.as_ref()?)));
    enrichment::put(catalog, docs).await
}

async fn restore_observations(
    catalog: &mut PgConnection,
    rows: &BTreeMap<i64, &ObservationRow>,
) -> Outcome<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let folders = folders_of(catalog, rows).await?;
    let mut columns = Columns::default();
    let mut present: HashMap<i64, i64> = HashMap::new();
    // Of two current ones at one location the greater id counts, as it comes later.
    let mut newest: HashMap<(i64, &[u8]), i64> = HashMap::new();
    for (&id, row) in rows {
        let folder = folders[&(&row.at.root, &row.at.dir)];
        if row.current {
            newest.insert((folder, row.at.name.as_bytes()), id);
        }
        columns.push(id, folder, row)?;
    }
    for (current, (&id, row)) in columns.current.iter_mut().zip(rows) {
        let folder = folders[&(&row.at.root, &row.at.dir)];
        *current = *current && newest.get(&(folder, row.at.name.as_bytes())) == Some(&id);
        if *current && row.gone.is_none() {
            *present.entry(folder).or_default() += 1;
        }
    }
    for folder in columns.demote(catalog).await? {
        *present.entry(folder).or_default() -= 1;
    }
    columns.write(catalog).await?;
    go_on_after(catalog, "observation").await?;
    folders::count_present(catalog, &present).await
}

/// The folders of all rows, which become known.
async fn folders_of<'r>(
    catalog: &mut PgConnection,
    rows: &BTreeMap<i64, &'r ObservationRow>,
) -> Outcome<HashMap<(&'r ScanRoot, &'r RelPath), i64>> {
    let mut by_root: BTreeMap<&ScanRoot, Vec<&RelPath>> = BTreeMap::new();
    for row in rows.values() {
        by_root.entry(&row.at.root).or_default().push(&row.at.dir);
    }
    let mut found = HashMap::new();
    for (root, dirs) in by_root {
        let id: Option<i64> = query_scalar("SELECT id FROM root WHERE key = $1")
            .bind(keys::root(&root.host, &root.basedir))
            .fetch_optional(&mut *catalog)
            .await?;
        let id = id.ok_or_else(|| Failure::Misuse(format!("the root {} was not restored", root.basedir)))?;
        let known = folders::know(catalog, &Root { id, root: root.clone() }, dirs.iter().copied()).await?;
        found.extend(dirs.into_iter().map(|dir| ((root, dir), known[dir])));
    }
    Ok(found)
}

/// Observations to put back, as columns.
#[derive(Default)]
struct Columns<'a> {
    id: Vec<i64>,
    folder: Vec<i64>,
    name: Vec<&'a [u8]>,
    shown: Vec<Option<String>>,
    hash: Vec<&'a [u8]>,
    fingerprint: Fingerprints,
    racy: Vec<bool>,
    seen_s: Vec<i64>,
    seen_n: Vec<i32>,
    gone_s: Vec<Option<i64>>,
    gone_n: Vec<Option<i32>>,
    held: Vec<bool>,
    current: Vec<bool>,
    open: Vec<bool>,
    status: Vec<&'static str>,
    placement: Vec<&'static str>,
    view: Vec<Option<&'a [u8]>>,
    view_shown: Vec<Option<String>>,
}

impl<'a> Columns<'a> {
    fn push(&mut self, id: i64, folder: i64, row: &'a ObservationRow) -> Outcome<()> {
        let (name, view) = (row.at.name.as_bytes(), row.view.as_ref().map(RelPath::as_bytes));
        self.id.push(id);
        self.folder.push(folder);
        self.name.push(name);
        self.shown.push(codec::shown(name));
        self.hash.push(row.hash.as_bytes());
        self.fingerprint.push(&row.fingerprint)?;
        self.racy.push(row.racy);
        self.seen_s.push(row.seen.secs);
        self.seen_n.push(nanos(row.seen));
        self.gone_s.push(row.gone.map(|time| time.secs));
        self.gone_n.push(row.gone.map(nanos));
        self.held.push(row.held);
        self.current.push(row.current);
        self.open.push(row.open);
        self.status.push(row.standing.status.as_str());
        self.placement.push(row.standing.placement.as_str());
        self.view.push(view);
        self.view_shown.push(view.and_then(codec::shown));
        Ok(())
    }

    /// Makes history of what is current in these rows' stead, and of the rows themselves; gives the folder of each file that was present.
    async fn demote(&self, catalog: &mut PgConnection) -> Outcome<Vec<i64>> {
        let demoted: Vec<(i64, bool)> = query_as(
            "UPDATE observation o SET current = false
             FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::boolean[]) AS given (id, folder, name, current)
             WHERE o.current AND (o.id = given.id OR (given.current AND o.folder = given.folder AND o.name = given.name))
             RETURNING o.folder, o.gone_s IS NULL",
        )
        .bind(&self.id)
        .bind(&self.folder)
        .bind(&self.name)
        .bind(&self.current)
        .fetch_all(catalog)
        .await?;
        Ok(demoted.into_iter().filter(|(_, was_present)| *was_present).map(|(folder, _)| folder).collect())
    }

    async fn write(self, catalog: &mut PgConnection) -> Outcome<()> {
        let written = query(
            "INSERT INTO observation (id, folder, name, name_shown, blob, size, mtime_s, mtime_n, ctime_s, ctime_n, inode,
                                      racy, seen_s, seen_n, gone_s, gone_n, held, current, open, status, placement,
                                      view_path, view_shown, unsaved)
             SELECT given.id, given.folder, given.name, given.shown, b.id, given.size, given.mtime_s, given.mtime_n,
                    given.ctime_s, given.ctime_n, given.inode, given.racy, given.seen_s, given.seen_n, given.gone_s,
                    given.gone_n, given.held, given.current, given.open, given.status, given.placement, given.view,
                    given.view_shown, 0
             FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[], $5::bytea[], $6::bigint[], $7::bigint[],
                         $8::integer[], $9::bigint[], $10::integer[], $11::bigint[], $12::boolean[], $13::bigint[],
                         $14::integer[], $15::bigint[], $16::integer[], $17::boolean[], $18::boolean[], $19::boolean[],
                         $20::text[], $21::text[], $22::bytea[], $23::text[])
                  AS given (id, folder, name, shown, hash, size, mtime_s, mtime_n, ctime_s, ctime_n, inode, racy, seen_s,
                            seen_n, gone_s, gone_n, held, current, open, status, placement, view, view_shown)
             JOIN blob b ON b.hash = given.hash
             ON CONFLICT (id) DO UPDATE SET folder = excluded.folder, name = excluded.name,
                 name_shown = excluded.name_shown, blob = excluded.blob, size = excluded.size,
                 mtime_s = excluded.mtime_s, mtime_n = excluded.mtime_n, ctime_s = excluded.ctime_s,
                 ctime_n = excluded.ctime_n, inode = excluded.inode, racy = excluded.racy, seen_s = excluded.seen_s,
                 seen_n = excluded.seen_n, gone_s = excluded.gone_s, gone_n = excluded.gone_n, held = excluded.held,
                 current = excluded.current, open = excluded.open, status = excluded.status,
                 placement = excluded.placement, view_path = excluded.view_path, view_shown = excluded.view_shown,
                 unsaved = 0",
        )
        .bind(&self.id)
        .bind(self.folder)
        .bind(self.name)
        .bind(self.shown)
        .bind(self.hash)
        .bind(self.fingerprint.size)
        .bind(self.fingerprint.mtime_s)
        .bind(self.fingerprint.mtime_n)
        .bind(self.fingerprint.ctime_s)
        .bind(self.fingerprint.ctime_n)
        .bind(self.fingerprint.inode)
        .bind(self.racy)
        .bind(self.seen_s)
        .bind(self.seen_n)
        .bind(self.gone_s)
        .bind(self.gone_n)
        .bind(self.held)
        .bind(self.current)
        .bind(self.open)
        .bind(self.status)
        .bind(self.placement)
        .bind(self.view)
        .bind(self.view_shown)
        .execute(catalog)
        .await?;
        match written.rows_affected() == self.id.len() as u64 {
            true => Ok(()),
            false => Err(Failure::Misuse("the content of an observation was not restored".to_owned())),
        }
    }
}
