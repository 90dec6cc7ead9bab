//! One batch of a scan, written.

use std::collections::{HashMap, HashSet};

use mama_ports::repository::{Confirmation, Recorded, ScanBatch, Sighting};
use mama_ports::vocab::{Fingerprint, ObservationId, RelPath, Timestamp};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, query, query_as};

use super::contents::Contents;
use super::failure::Outcome;
use super::folders;
use super::roots::LockedRoot;
use super::rows::{Cells, Fingerprints, nanos};
use crate::sql::codec;

/// Keeps in the row itself when it was last confirmed, before it stops following its root: $1 and $2.
const KEEP_SEEN: &str =
    "seen_s = CASE WHEN NOT held AND gone_s IS NULL AND (seen_s, seen_n) < ($1, $2) THEN $1 ELSE seen_s END,
     seen_n = CASE WHEN NOT held AND gone_s IS NULL AND (seen_s, seen_n) < ($1, $2) THEN $2 ELSE seen_n END";

/// Counts the row as changed since it was written into a manifest.
const CHANGED: &str = "unsaved = unsaved + 1";

/// The current observation of a location, as far as a new look at it must know.
struct Current {
    id: i64,
    folder: i64,
    blob: i64,
    gone: bool,
    seen: Timestamp,
    fingerprint: Fingerprint,
}

impl Current {
    const COLUMNS: &str = "o.id, o.folder, o.blob, o.gone_s IS NOT NULL, o.seen_s, o.seen_n, \
                           o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n, o.inode";

    fn read(cells: &mut Cells<'_>) -> Outcome<Self> {
        Ok(Self {
            id: cells.next()?,
            folder: cells.next()?,
            blob: cells.next()?,
            gone: cells.next()?,
            seen: cells.time()?,
            fingerprint: cells.fingerprint()?,
        })
    }
}

/// Which rows a proof of absence, or the lack of a look, concerns.
#[derive(Clone, Copy)]
enum Rows {
    These,
    InFolders,
}

impl Rows {
    const fn column(self) -> &'static str {
        match self {
            Self::These => "id",
            Self::InFolders => "folder",
        }
    }
}

/// Writes one batch within one transaction.
pub(super) struct Recorder<'a> {
    catalog: &'a mut PgConnection,
    batch: &'a ScanBatch,
    under: LockedRoot,
    /// Present files more or less, by folder.
    present: HashMap<i64, i64>,
    recorded: Recorded,
}

impl<'a> Recorder<'a> {
    pub(super) async fn new(catalog: &'a mut PgConnection, batch: &'a ScanBatch) -> Outcome<Self> {
        let under = LockedRoot::of_scan(catalog, batch.scan).await?;
        Ok(Self { catalog, batch, under, present: HashMap::new(), recorded: Recorded::default() })
    }

    /// What is absent comes first: of two claims about one file, that it was seen is the safer one.
    pub(super) async fn record(mut self) -> Outcome<Recorded> {
        let ScanBatch {
            scan: _,
            at: _,
            blobs,
            sightings,
            confirmed,
            gone,
            gone_below,
            held,
            held_below,
            mounts,
            sidecars,
        } = self.batch;
        self.mark_gone(Rows::These, &ids(gone)).await?;
        let folders = self.present_below(gone_below).await?;
        self.mark_gone(Rows::InFolders, &folders).await?;
        self.mark_held(Rows::These, &ids(held)).await?;
        let folders = self.present_below(held_below).await?;
        self.mark_held(Rows::InFolders, &folders).await?;
        if !(blobs.is_empty() && sightings.is_empty()) {
            let seen = sightings.iter().map(|sighting| sighting.hash);
            let contents = Contents::describe(self.catalog, blobs, seen, self.batch.at).await?;
            self.recorded.new_blobs = contents.new;
            self.add_sightings(sightings, &contents).await?;
        }
        self.confirm_known(confirmed).await?;
        folders::mark(self.catalog, &self.under.root, mounts).await?;
        folders::link_sidecars(self.catalog, &self.under.root, sidecars).await?;
        folders::count_present(self.catalog, &self.present).await?;
        Ok(self.recorded)
    }

    async fn present_below(&mut self, dirs: &[RelPath]) -> Outcome<Vec<i64>> {
        if dirs.is_empty() {
            return Ok(Vec::new());
        }
        folders::present_below(self.catalog, &self.under.root, dirs).await
    }

    async fn mark_gone(&mut self, rows: Rows, keys: &[i64]) -> Outcome<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let column = rows.column();
        let (root_s, root_n) = self.confirmed_by_root();
        let sql = format!(
            "WITH marked AS (
                 UPDATE observation SET {KEEP_SEEN}, held = false, gone_s = $3, gone_n = $4, {CHANGED}
                 WHERE {column} = ANY($5) AND current AND gone_s IS NULL RETURNING folder
             ) SELECT folder, count(*) FROM marked GROUP BY folder"
        );
        let counts: Vec<(i64, i64)> = query_as(AssertSqlSafe(sql))
            .bind(root_s)
            .bind(root_n)
            .bind(self.batch.at.secs)
            .bind(nanos(self.batch.at))
            .bind(keys)
            .fetch_all(&mut *self.catalog)
            .await?;
        for (folder, files) in counts {
            *self.present.entry(folder).or_default() -= files;
            self.recorded.gone += codec::count(files)?;
        }
        Ok(())
    }

    async fn mark_held(&mut self, rows: Rows, keys: &[i64]) -> Outcome<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let column = rows.column();
        let (root_s, root_n) = self.confirmed_by_root();
        let sql = format!(
            "UPDATE observation SET {KEEP_SEEN}, held = true, {CHANGED}
             WHERE {column} = ANY($3) AND current AND gone_s IS NULL AND NOT held"
        );
        query(AssertSqlSafe(sql)).bind(root_s).bind(root_n).bind(keys).execute(&mut *self.catalog).await?;
        Ok(())
    }

    /// Of several sightings of one location, each is compared with the one before it.
    async fn add_sightings(&mut self, sightings: &[Sighting], contents: &Contents) -> Outcome<()> {
        if sightings.is_empty() {
            return Ok(());
        }
        let dirs = sightings.iter().map(|sighting| &sighting.dir);
        let folders = folders::know(self.catalog, &self.under.root, dirs).await?;
        let mut rest = sightings;
        while !rest.is_empty() {
            let mut seen = HashSet::with_capacity(rest.len());
            let until = rest.iter().position(|sighting| !seen.insert((&sighting.dir, &sighting.name)));
            let (now, later) = rest.split_at(until.unwrap_or(rest.len()));
            self.add_distinct(now, &folders, contents).await?;
            rest = later;
        }
        Ok(())
    }

    /// Adds sightings of different locations.
    async fn add_distinct(
        &mut self,
        sightings: &[Sighting],
        folders: &HashMap<RelPath, i64>,
        contents: &Contents,
    ) -> Outcome<()> {
        let places: Vec<i64> = sightings.iter().map(|sighting| folders[&sighting.dir]).collect();
        let mut current = self.current_at(&places, sightings).await?;
        let (mut same, mut older, mut new) = (Vec::new(), Vec::new(), NewRows::default());
        for ((number, sighting), &folder) in (1..).zip(sightings).zip(&places) {
            let blob = contents.id(&sighting.hash)?;
            match current.remove(&number) {
                Some(known) if known.blob == blob && known.fingerprint == sighting.fingerprint => {
                    same.push((known, sighting.fingerprint, sighting.racy));
                    continue;
                }
                Some(known) => {
                    older.push(known.id);
                    self.came_back(folder, known.gone);
                }
                None => self.came_back(folder, true),
            }
            new.push(folder, blob, sighting)?;
        }
        self.confirm(&same).await?;
        self.supersede(&older).await?;
        self.recorded.new_observations += new.insert(self.catalog, self.batch.at).await?;
        Ok(())
    }

    /// What is current at each location, by its number from 1.
    async fn current_at(
        &mut self,
        folders: &[i64],
        sightings: &[Sighting],
    ) -> Outcome<HashMap<i64, Current>> {
        let names: Vec<&[u8]> = sightings.iter().map(|sighting| sighting.name.as_bytes()).collect();
        let sql = format!(
            "SELECT at.number, {} FROM unnest($1::bigint[], $2::bytea[]) WITH ORDINALITY AS at (folder, name, number)
             JOIN observation o ON o.folder = at.folder AND o.name = at.name AND o.current",
            Current::COLUMNS
        );
        let rows = query(AssertSqlSafe(sql)).bind(folders).bind(names).fetch_all(&mut *self.catalog).await?;
        let read = |row: &PgRow| {
            let mut cells = Cells::of(row);
            Ok((cells.next()?, Current::read(&mut cells)?))
        };
        rows.iter().map(read).collect()
    }

    /// An observation that is history by now is not confirmed: its file has become another one.
    async fn confirm_known(&mut self, confirmed: &[Confirmation]) -> Outcome<()> {
        if confirmed.is_empty() {
            return Ok(());
        }
        // Of several looks at one file, the last one counts.
        let latest: HashMap<i64, &Confirmation> = confirmed.iter().map(|look| (look.id.0, look)).collect();
        let sql =
            format!("SELECT {} FROM observation o WHERE o.id = ANY($1) AND o.current", Current::COLUMNS);
        let known: Vec<i64> = latest.keys().copied().collect();
        let rows = query(AssertSqlSafe(sql)).bind(known).fetch_all(&mut *self.catalog).await?;
        let mut same = Vec::with_capacity(rows.len());
        for row in &rows {
            let current = Current::read(&mut Cells::of(row))?;
            if let Some(look) = latest.get(&current.id) {
                same.push((current, look.fingerprint, look.racy));
            }
        }
        self.confirm(&same).await
    }

    async fn confirm(&mut self, same: &[(Current, Fingerprint, bool)]) -> Outcome<()> {
        if same.is_empty() {
            return Ok(());
        }
        let (mut ids, mut now, mut racy) = (Vec::new(), Fingerprints::default(), Vec::new());
        let (mut seen_s, mut seen_n) = (Vec::new(), Vec::new());
        for (current, fingerprint, is_racy) in same {
            let seen = current.seen.max(self.batch.at);
            ids.push(current.id);
            now.push(fingerprint)?;
            racy.push(*is_racy);
            seen_s.push(seen.secs);
            seen_n.push(nanos(seen));
            self.came_back(current.folder, current.gone);
        }
        query(
            "UPDATE observation o
             SET size = now.size, mtime_s = now.mtime_s, mtime_n = now.mtime_n, ctime_s = now.ctime_s,
                 ctime_n = now.ctime_n, inode = now.inode, racy = now.racy, seen_s = now.seen_s, seen_n = now.seen_n,
                 gone_s = NULL, gone_n = NULL, held = false,
                 open = o.open OR o.gone_s IS NOT NULL OR o.placement = 'lost',
                 placement = CASE o.placement WHEN 'lost' THEN 'none' ELSE o.placement END, unsaved = o.unsaved + 1
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::bigint[], $6::integer[],
                         $7::bigint[], $8::boolean[], $9::bigint[], $10::integer[])
                  AS now (id, size, mtime_s, mtime_n, ctime_s, ctime_n, inode, racy, seen_s, seen_n)
             WHERE o.id = now.id",
        )
        .bind(ids)
        .bind(now.size)
        .bind(now.mtime_s)
        .bind(now.mtime_n)
        .bind(now.ctime_s)
        .bind(now.ctime_n)
        .bind(now.inode)
        .bind(racy)
        .bind(seen_s)
        .bind(seen_n)
        .execute(&mut *self.catalog)
        .await?;
        Ok(())
    }

    async fn supersede(&mut self, older: &[i64]) -> Outcome<()> {
        if older.is_empty() {
            return Ok(());
        }
        let (root_s, root_n) = self.confirmed_by_root();
        let sql = format!(
            "UPDATE observation SET {KEEP_SEEN}, current = false, open = true, held = false, {CHANGED}
             WHERE id = ANY($3)"
        );
        query(AssertSqlSafe(sql)).bind(root_s).bind(root_n).bind(older).execute(&mut *self.catalog).await?;
        Ok(())
    }

    fn came_back(&mut self, folder: i64, was_absent: bool) {
        if was_absent {
            *self.present.entry(folder).or_default() += 1;
        }
    }

    fn confirmed_by_root(&self) -> (Option<i64>, Option<i32>) {
        let confirmed = self.under.confirmed;
        (confirmed.map(|time| time.secs), confirmed.map(nanos))
    }
}

fn ids(observations: &[ObservationId]) -> Vec<i64> {
    observations.iter().map(|id| id.0).collect()
}

/// Observations to add, as columns.
#[derive(Default)]
struct NewRows<'a> {
    folder: Vec<i64>,
    blob: Vec<i64>,
    name: Vec<&'a [u8]>,
    shown: Vec<Option<String>>,
    fingerprint: Fingerprints,
    racy: Vec<bool>,
}

impl<'a> NewRows<'a> {
    fn push(&mut self, folder: i64, blob: i64, sighting: &'a Sighting) -> Outcome<()> {
        let name = sighting.name.as_bytes();
        self.folder.push(folder);
        self.blob.push(blob);
        self.name.push(name);
        self.shown.push(codec::shown(name));
        self.racy.push(sighting.racy);
        self.fingerprint.push(&sighting.fingerprint)
    }

    async fn insert(self, catalog: &mut PgConnection, at: Timestamp) -> Outcome<u64> {
        if self.folder.is_empty() {
            return Ok(0);
        }
        let added = query(
            "INSERT INTO observation (folder, blob, name, name_shown, racy, size, mtime_s, mtime_n, ctime_s, ctime_n,
                                      inode, seen_s, seen_n)
             SELECT new.folder, new.blob, new.name, new.shown, new.racy, new.size, new.mtime_s, new.mtime_n,
                    new.ctime_s, new.ctime_n, new.inode, $12, $13
             FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::text[], $5::boolean[], $6::bigint[],
                         $7::bigint[], $8::integer[], $9::bigint[], $10::integer[], $11::bigint[])
                  WITH ORDINALITY AS new (folder, blob, name, shown, racy, size, mtime_s, mtime_n, ctime_s, ctime_n,
                                          inode, number)
             ORDER BY new.number",
        )
        .bind(self.folder)
        .bind(self.blob)
        .bind(self.name)
        .bind(self.shown)
        .bind(self.racy)
        .bind(self.fingerprint.size)
        .bind(self.fingerprint.mtime_s)
        .bind(self.fingerprint.mtime_n)
        .bind(self.fingerprint.ctime_s)
        .bind(self.fingerprint.ctime_n)
        .bind(self.fingerprint.inode)
        .bind(at.secs)
        .bind(nanos(at))
        .execute(catalog)
        .await?;
        Ok(added.rows_affected())
    }
}
