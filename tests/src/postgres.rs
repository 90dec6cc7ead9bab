//! A real PostgreSQL for tests: one cluster for a test process, one database for a test.
//!
//! The cluster is made from the newest local install (Debian: `postgresql`), by the user `postgres` if the tests run as root.
//! It listens on a socket, where it trusts everybody, and on the loopback, where it wants [`PASSWORD`]. A shell that waits for
//! the end of its input holds it, so that nothing is left however the tests end. `MAMA_TEST_DATABASE_URL` names a
//! server to use instead; its user must be allowed to make databases.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use mama_adapters::postgres::Postgres;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, Row, raw_sql};

/// What the cluster wants to hear from its superuser `postgres` on the loopback.
pub const PASSWORD: &str = "correct horse/battery@staple";

/// Makes a cluster in a new folder, says where, and removes both when its input ends. $1: the programs, $2: the port, $3: the password.
const KEEPER: &str = r#"
set -eu
folder=$(mktemp -d "${TMPDIR:-/tmp}/mama-postgres.XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"
printf '%s' "$3" > password
"$1/initdb" -D data -U postgres -E UTF8 --no-locale --no-sync --wal-segsize=1 --pwfile=password \
    --auth-local=trust --auth-host=scram-sha-256 > log 2>&1 || { cat log >&2; exit 1; }
cat >> data/postgresql.conf <<END
port = $2
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
END
"$1/pg_ctl" -D data -s -w -l log start < /dev/null > /dev/null || { cat log >&2; exit 1; }
echo "$folder"
read -r end || true
"$1/pg_ctl" -D data -s -m immediate stop || true
"#;

/// A server that tests may make databases on.
struct Server {
    /// Its own database, for making others.
    admin: PgConnectOptions,
    /// Where the tests' databases are; `{}` stands for their name.
    address: String,
    /// Its loopback address; `None` on a server that the tests did not start.
    loopback: Option<String>,
    /// The end of its input is the cluster's end.
    keeper: Option<Child>,
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
        let is_ours = server().keeper.is_some();
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
        let options: PgConnectOptions = self.url().parse().expect("an address");
        on_a_runtime(async {
            let mut connection = options.connect().await?;
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await?;
            connection.close().await?;
            rows.iter().map(|row| row.try_get(0)).collect()
        })
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

fn execute(options: &PgConnectOptions, sql: &str) {
    on_a_runtime(async {
        let mut connection: PgConnection = options.connect().await?;
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        connection.close().await
    });
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
    Server { admin, address: format!("{server}/{{}}{query}"), loopback: None, keeper: None }
}

fn start() -> Server {
    let programs = programs();
    // Free now, and most likely still free in a second.
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
    let mut command = unprivileged();
    command.args(["sh", "-c", KEEPER, "sh"]).arg(&programs).arg(port.to_string()).arg(PASSWORD);
    // In a group of its own: whoever interrupts the tests does not interrupt the cleaning.
    command.process_group(0).current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut keeper = command.spawn().expect("a shell starts");
    let mut folder = String::new();
    let output = keeper.stdout.take().expect("its output is piped");
    BufReader::new(output).read_line(&mut folder).expect("its output is text");
    let folder = folder.trim_end();
    assert!(!folder.is_empty(), "PostgreSQL in {} did not start; see above", programs.display());
    let address = format!("postgres://postgres@{}:{port}/", folder.replace('/', "%2F"));
    Server {
        admin: format!("{address}postgres").parse().expect("an address"),
        address: format!("{address}{{}}"),
        loopback: Some(format!("postgres://postgres@127.0.0.1:{port}/{{}}")),
        keeper: Some(keeper),
    }
}

/// Where the newest installed server is.
fn programs() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions
        .filter_map(|version| {
            Some((version.file_name().to_str()?.parse::<u32>().ok()?, version.path().join("bin")))
        })
        .filter(|(_, programs)| programs.join("initdb").exists())
        .max();
    let (_, programs) = newest.expect(
        "these tests need PostgreSQL: install the Debian package `postgresql`, or set MAMA_TEST_DATABASE_URL",
    );
    programs
}

/// PostgreSQL refuses to run as root.
fn unprivileged() -> Command {
    let is_root =
        fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if !is_root {
        return Command::new("env");
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let user = if users.lines().any(|user| user.starts_with("postgres:")) { "postgres" } else { "nobody" };
    let mut command = Command::new("setpriv");
    command.args(["--reuid", user, "--clear-groups", "--"]);
    command.env_remove("TMPDIR").env("HOME", Path::new("/"));
    command
}
