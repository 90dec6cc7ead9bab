//! The catalog in a PostgreSQL database, for several hosts at once.
//!
//! Every change is one transaction, and takes its locks in one order: roots by id, then contents by hash. All that is
//! written below a root, or about its observations, is written under the root's lock; contents are all that the writers
//! of different roots have in common. So they never wait for each other in a circle, and a batch's statements see
//! what the batch itself left. The adapter brings its own threads: any executor will do.

mod browse;
mod catalog;
mod contents;
mod curation;
mod decide;
mod enrichment;
mod failure;
mod folders;
mod journal;
mod lease;
mod lines;
mod manifest;
mod open;
mod record;
mod restore;
mod roots;
mod rows;
mod session;
mod settle;
mod sightings;
mod totals;
mod watch;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use mama_ports::events::{EventSink, Silent};
use mama_ports::repository::Repo;
use mama_ports::vocab::ScanId;
use sqlx::{AssertSqlSafe, PgConnection, query_scalar, raw_sql};

use self::failure::{Failure, Outcome};
pub use self::open::{Migrated, OpenError, Server};
use self::roots::Root;
use self::session::{Frame, Session, Work};
pub use self::watch::Patience;
use crate::sql::codec;

/// Every table of the catalog's content, those first that refer to others.
const TABLES: [&str; 10] =
    ["act_item", "act", "sidecar", "observation", "meta", "blob", "folder", "scan", "root", "archive"];

/// A catalog on PostgreSQL. Dropping it closes the connections.
pub struct Postgres {
    session: Session,
    server: Server,
    /// Roots of scans, which never change; they spare each question a round trip.
    roots: Mutex<HashMap<ScanId, Arc<Root>>>,
}

/// What [`Postgres::inspect`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Each table with its rows.
    pub tables: Vec<(&'static str, u64)>,
    /// Bytes of the tables with their indexes.
    pub bytes: u64,
    /// The number of the last migration.
    pub schema_version: i64,
    /// The server's own version, such as `15.14`.
    pub server_version: String,
}

impl Postgres {
    /// Opens the catalog at `url` (`postgres://user@host/database?sslmode=…`) and applies the migrations it lacks.
    ///
    /// What the address does not say comes from `PGHOST`, `PGUSER`, `PGPASSWORD` and their like, and from `~/.pgpass`.
    pub async fn connect(url: &str) -> Result<Self, OpenError> {
        Self::connect_with(url, Patience::default(), Arc::new(Silent)).await
    }

    /// The same, with this patience once it is open; `events` hear of a server that stays away.
    pub async fn connect_with(
        url: &str,
        patience: Patience,
        events: Arc<dyn EventSink>,
    ) -> Result<Self, OpenError> {
        let options = open::options(url)?;
        let server = Server::of(&options);
        let session = Session::start(options.clone(), patience, events).map_err(OpenError::NoThread)?;
        session.run(open::migrate(options, server.clone(), patience)).await?;
        Ok(Self { session, server, roots: Mutex::default() })
    }

    /// Applies the migrations that the database at `url` lacks, which [`Postgres::connect`] does as well if its user may.
    pub async fn migrate(url: &str) -> Result<Migrated, OpenError> {
        let options = open::options(url)?;
        let server = Server::of(&options);
        let patience = Patience::default();
        let session =
            Session::start(options.clone(), patience, Arc::new(Silent)).map_err(OpenError::NoThread)?;
        session.run(open::migrate(options, server, patience)).await
    }

    /// Where the catalog is.
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// The number of the last migration that was applied.
    pub async fn schema_version(&self) -> Repo<i64> {
        self.read("read the schema's version", (), |(), catalog| Box::pin(schema_version(catalog))).await
    }

    /// Forgets everything but the archive that the catalog belongs to. Waits for whoever is writing.
    pub async fn reset(&self) -> Repo<()> {
        self.write("empty the catalog", (), |(), catalog| Box::pin(reset(catalog))).await?;
        self.roots().clear();
        Ok(())
    }

    /// Looks at the catalog itself: rows and bytes. Counts every row.
    pub async fn inspect(&self) -> Repo<Inspection> {
        self.read("inspect the catalog", (), |(), catalog| Box::pin(inspect(catalog))).await
    }

    /// Answers with one statement.
    async fn ask<A, T>(&self, doing: &'static str, about: A, work: Work<A, T>) -> Repo<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.session.call(doing, Frame::One, about, work).await
    }

    /// Answers from one consistent state.
    async fn read<A, T>(&self, doing: &'static str, about: A, work: Work<A, T>) -> Repo<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.session.call(doing, Frame::Snapshot, about, work).await
    }

    /// Changes all that `work` changes, or nothing.
    async fn write<A, T>(&self, doing: &'static str, about: A, work: Work<A, T>) -> Repo<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        self.session.call(doing, Frame::Change, about, work).await
    }
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("server", &self.server.to_string()).finish_non_exhaustive()
    }
}

async fn schema_version(catalog: &mut PgConnection) -> Outcome<i64> {
    let last = open::ledger(catalog).await?.pop();
    last.map(|row| row.number).ok_or_else(|| Failure::Misuse("the catalog has no schema".to_owned()))
}

async fn reset(catalog: &mut PgConnection) -> Outcome<()> {
    raw_sql(
        "TRUNCATE act_item, act, sidecar, observation, meta, blob, folder, scan, root;
         UPDATE manifest SET anew = true, rebuilding = false",
    )
    .execute(catalog)
    .await?;
    Ok(())
}

async fn inspect(catalog: &mut PgConnection) -> Outcome<Inspection> {
    totals::expect_whole_tables(catalog).await?;
    let mut tables = Vec::new();
    let mut bytes = 0;
    for table in TABLES {
        let rows = format!("SELECT count(*) FROM {table}");
        tables
            .push((table, codec::count(query_scalar(AssertSqlSafe(rows)).fetch_one(&mut *catalog).await?)?));
        let size = query_scalar("SELECT pg_total_relation_size($1::regclass)").bind(table);
        bytes += codec::count(size.fetch_one(&mut *catalog).await?)?;
    }
    let server_version =
        query_scalar("SELECT current_setting('server_version')").fetch_one(&mut *catalog).await?;
    Ok(Inspection { tables, bytes, schema_version: schema_version(catalog).await?, server_version })
}
