//! A real PostgreSQL for tests: one cluster for a test process, one database for a test.
//!
//! The cluster is a [`Cluster`] that stays until the tests end. `MAMA_TEST_DATABASE_URL` names a server to use instead;
//! its user must be allowed to make databases.

use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use mama_adapters::postgres::Postgres;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, raw_sql};

pub use crate::cluster::{Cluster, PASSWORD, encoded_password};

/// A server that tests may make databases on.
struct Server {
    /// Its own database, for making others.
    admin: PgConnectOptions,
    /// Where the tests' databases are; `{}` stands for their name.
    address: String,
    /// Its loopback address; `None` on a server that the tests did not start.
    loopback: Option<String>,
    /// Whether the tests started it.
    is_ours: bool,
    /// Held until the process ends.
    _cluster: Option<Cluster>,
}

/// An empty catalog in a database of its own, which is dropped with it.
#[derive(Debug)]
pub struct Database {
    catalog: Option<Postgres>,
    name: String,
}

impl Database {
    /// A new, empty catalog, opened.
    pub fn new() -> Self {
        // A server that stays would keep the template.
        let is_ours = server().is_ours;
        let mut database = Self::made_from(if is_ours { template() } else { "template0" });
        let catalog = pollster::block_on(Postgres::connect(&database.url()));
        database.catalog = Some(catalog.expect("a new catalog opens"));
        database
    }

    /// A database without anything in it, not opened.
    pub fn empty() -> Self {
        Self::made_from("template0")
    }

    fn made_from(template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("mama_test_{}_{number}", std::process::id());
        administer(&format!("CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'"));
        Self { catalog: None, name }
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    pub fn url(&self) -> String {
        server().address.replace("{}", &self.name)
    }

    /// Its address on the loopback, without a password; `None` on a server that the tests did not start.
    pub fn loopback(&self) -> Option<String> {
        server().loopback.as_ref().map(|address| address.replace("{}", &self.name))
    }

    /// Runs statements, as a person with psql would.
    pub fn execute(&self, sql: &str) {
        execute(&self.url().parse().expect("an address"), sql);
    }

    /// The first column of every row, which must be text.
    pub fn select(&self, sql: &str) -> Vec<String> {
        select(&self.url().parse().expect("an address"), sql)
    }
}

impl Default for Database {
    fn default() -> Self {
        Self::new()
    }
}

impl Deref for Database {
    type Target = Postgres;

    fn deref(&self) -> &Postgres {
        self.catalog.as_ref().expect("the database was opened")
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(self.catalog.take());
        administer(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn administer(sql: &str) {
    execute(&server().admin, sql);
}

pub(crate) fn execute(options: &PgConnectOptions, sql: &str) {
    on_a_runtime(async {
        let mut connection: PgConnection = options.connect().await?;
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        connection.close().await
    });
}

/// The first column of every row, which must be text.
pub(crate) fn select(options: &PgConnectOptions, sql: &str) -> Vec<String> {
    on_a_runtime(async {
        let mut connection = options.connect().await?;
        let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await?;
        connection.close().await?;
        rows.iter().map(|row| row.try_get(0)).collect()
    })
}

fn on_a_runtime<T>(work: impl Future<Output = sqlx::Result<T>>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work).expect("the test's server does what it is told")
}

/// The name of a database with the schema and nothing else.
fn template() -> &'static str {
    static TEMPLATE: OnceLock<Database> = OnceLock::new();
    let made = TEMPLATE.get_or_init(|| {
        let database = Database::empty();
        pollster::block_on(Postgres::migrate(&database.url())).expect("an empty database takes the schema");
        database
    });
    &made.name
}

fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(|| match std::env::var("MAMA_TEST_DATABASE_URL") {
        Ok(url) => given(&url),
        Err(_) => start(),
    })
}

fn given(url: &str) -> Server {
    let admin: PgConnectOptions =
        url.parse().expect("MAMA_TEST_DATABASE_URL is postgres://user@host/database");
    let (before, query) =
        url.split_once('?').map_or((url, String::new()), |(url, query)| (url, format!("?{query}")));
    let (server, _) = before.rsplit_once('/').expect("MAMA_TEST_DATABASE_URL names a database");
    Server { admin, address: format!("{server}/{{}}{query}"), loopback: None, is_ours: false, _cluster: None }
}

fn start() -> Server {
    let cluster = Cluster::start();
    Server {
        admin: cluster.socket("postgres").parse().expect("an address"),
        address: cluster.socket("{}"),
        loopback: Some(cluster.loopback("{}")),
        is_ours: true,
        _cluster: Some(cluster),
    }
}
