//! Opening a catalog: whose database it is, and which migrations it lacks.

use std::fmt;
use std::io;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Error as SqlError, PgConnection, query, query_as,
    query_scalar, raw_sql,
};

use super::failure::{code, is_of_connection};
use super::lines::{prepare, while_connecting};
use super::watch::{Backend, Patience, Watch, silence};
use crate::sql::migrate::{self, Applied, Refusal};
use crate::sql::migrations::POSTGRES;

/// How long to wait for the server's first answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The oldest server with every function that is called: 13.
const OLDEST: i32 = 130_000;

/// The advisory lock under which a database is migrated: "mama".
const MIGRATING: i64 = 0x6d61_6d61;

/// Why a catalog could not be opened. Never says a password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// This is no address of a database.
    #[error("this is not a postgres:// address; it looks like postgres://user@host/database")]
    BadAddress(#[source] SqlError),
    /// Something after the `?` is no parameter that has a meaning here.
    #[error("the address of the database has no parameter {0}; see `database` in docs/configuration.md")]
    Parameter(String),
    /// The server does not answer.
    #[error("the database server of {server} cannot be reached")]
    NotReachable {
        /// The address, without a password.
        server: Server,
        /// What went wrong.
        source: SqlError,
    },
    /// There is no encryption as the address asks for it.
    #[error(
        "no connection to {server} can be made as `sslmode` in its address asks for; for verify-ca and verify-full, \
         `sslrootcert` names the file of the authority that has signed the server's certificate"
    )]
    NotTrusted {
        /// The address, without a password.
        server: Server,
        /// What is missing.
        source: SqlError,
    },
    /// The server does not take this user or password.
    #[error(
        "{server} refuses this user or password; see PGPASSWORD, ~/.pgpass (which nobody else may read) and the \
         server's pg_hba.conf"
    )]
    Denied {
        /// The address, without a password.
        server: Server,
        /// What the server said.
        source: SqlError,
    },
    /// The server has no such database.
    #[error("there is no database at {server}; make it with: createdb --encoding UTF8 NAME")]
    NoDatabase {
        /// The address, without a password.
        server: Server,
    },
    /// The server or the database is of a kind that cannot hold a catalog.
    #[error("{server} cannot hold a catalog: {why}")]
    Unfit {
        /// The address, without a password.
        server: Server,
        /// What is missing.
        why: String,
    },
    /// Its tables belong to another program.
    #[error(
        "the database at {server} has other tables by the names of mama's; nothing in it was changed: use a database or schema of its own"
    )]
    Foreign {
        /// The address, without a password.
        server: Server,
    },
    /// A later version of mama has written it.
    #[error(
        "the catalog at {server} was written by a newer mama (its schema is {found}, this program knows {known}); \
         nothing was changed: use the newer program"
    )]
    Newer {
        /// The address, without a password.
        server: Server,
        /// Its schema's number.
        found: i64,
        /// The highest number that this program knows.
        known: i64,
    },
    /// Its schema did not come from this program's migrations.
    #[error(
        "the schema of the catalog at {server} differs from this program's at migration {number}; nothing was \
         changed: use the program that wrote it, or restore a backup"
    )]
    Altered {
        /// The address, without a password.
        server: Server,
        /// The first migration that differs.
        number: i64,
    },
    /// Migrations are missing, and this user may not change the schema.
    #[error(
        "the catalog at {server} lacks migration {number}, which this user may not apply; let the schema's owner run: mama migrate"
    )]
    MayNotMigrate {
        /// The address, without a password.
        server: Server,
        /// The first migration that is missing.
        number: i64,
        /// What the server said.
        source: SqlError,
    },
    /// The server refused.
    #[error("the catalog at {server} cannot be opened")]
    Refused {
        /// The address, without a password.
        server: Server,
        /// What the server said.
        source: SqlError,
    },
    /// No thread could be started for it.
    #[error("no thread could be started for the catalog")]
    NoThread(#[source] io::Error),
}

/// Whether the two could not agree on encryption. What a handshake refuses is called invalid data.
fn is_of_tls(error: &SqlError) -> bool {
    match error {
        SqlError::Tls(_) => true,
        SqlError::Io(error) => error.kind() == io::ErrorKind::InvalidData,
        _ => false,
    }
}

/// Where a catalog is: an address without a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server(Box<str>);

impl Server {
    pub(super) fn of(options: &PgConnectOptions) -> Self {
        let user = options.get_username();
        let place = match options.get_socket() {
            Some(socket) => socket.display().to_string(),
            None => options.get_host().to_owned(),
        };
        let port = match options.get_port() {
            5432 => String::new(),
            other => format!(":{other}"),
        };
        let database = options.get_database().unwrap_or(user);
        Self(format!("postgres://{user}@{place}{port}/{database}").into())
    }

    fn because(&self, source: SqlError) -> OpenError {
        let server = self.clone();
        match (code(&source).as_deref(), &source) {
            (Some("28000" | "28P01"), _) => OpenError::Denied { server, source },
            (Some("3D000"), _) => OpenError::NoDatabase { server },
            (Some("42P07" | "42703" | "42809"), _) => OpenError::Foreign { server },
            _ if is_of_tls(&source) => OpenError::NotTrusted { server, source },
            _ if is_of_connection(&source) => OpenError::NotReachable { server, source },
            _ => OpenError::Refused { server, source },
        }
    }

    fn refusal(&self, refusal: Refusal) -> OpenError {
        let server = self.clone();
        match refusal {
            Refusal::Newer { found, known } => OpenError::Newer { server, found, known },
            Refusal::Altered { number } | Refusal::Gap { number } => OpenError::Altered { server, number },
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an address says, completed from the environment and `~/.pgpass`.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    known_parameters(url)?;
    let options: PgConnectOptions = url.parse().map_err(OpenError::BadAddress)?;
    let options = match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("mama"),
    };
    // sqlx says so where neither the address nor the environment names anybody; libpq takes the user who runs the program
    let options = match options.get_username() {
        "anonymous" => own_name().map_or(options.clone(), |name| options.username(&name)),
        _ => options,
    };
    // sqlx would log every statement, and those that take a second as warnings
    Ok(options.disable_statement_logging())
}

/// Parameters of an address; `options[…]` is one, too.
const PARAMETERS: [&str; 18] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];

/// sqlx would pass over an unknown parameter, and log its value.
fn known_parameters(url: &str) -> Result<(), OpenError> {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let Some((_, query)) = url.split_once('?') else { return Ok(()) };
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let name = parameter.split_once('=').map_or("", |(name, _)| name);
        if PARAMETERS.contains(&name) || name.starts_with("options[") {
            continue;
        }
        // What is no word may be a piece of a password with a question mark in it.
        let is_word = !query.contains('@') && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        return Err(OpenError::Parameter(match name {
            name if is_word && !name.is_empty() => format!("`{name}`"),
            _ => "by the name of what follows the `?` (in a password, write %3F)".to_owned(),
        }));
    }
    Ok(())
}

fn own_name() -> Option<String> {
    nix::unistd::User::from_uid(nix::unistd::Uid::effective()).ok().flatten().map(|user| user.name)
}

/// What a migration run has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The number of the last migration before; 0 for an empty database.
    pub from: i64,
    /// The number of the last migration now.
    pub to: i64,
}

/// Brings the database up to date. One that is, is only read.
pub(super) async fn migrate(
    options: PgConnectOptions,
    server: Server,
    patience: Patience,
) -> Result<Migrated, OpenError> {
    let sql = |error| server.because(error);
    let greeting = tokio::time::timeout(PATIENCE, greet(&options, &server));
    let (mut connection, backend) = greeting.await.unwrap_or_else(|_| Err(sql(silence())))?;
    let watch = Watch { options: &options, patience, backend: &backend };
    let migrated = watch.over(async { Ok(bring_up_to_date(&mut connection, &server).await) });
    let migrated = migrated.await.map_err(sql)??;
    // The catalog is open; that the server did not hear the farewell changes nothing.
    drop(tokio::time::timeout(PATIENCE, connection.close()).await);
    Ok(migrated)
}

async fn bring_up_to_date(connection: &mut PgConnection, server: &Server) -> Result<Migrated, OpenError> {
    let sql = |error| server.because(error);
    let applied = ledger(connection).await.map_err(sql)?;
    let from = applied.last().map_or(0, |row| row.number);
    let mut to = from;
    // An up-to-date catalog is opened without waiting for whoever migrates another.
    if migrate::next(POSTGRES, &applied).map_err(|refusal| server.refusal(refusal))?.is_some() {
        while let Some(number) = migrate_once(connection, server).await? {
            to = number;
        }
    }
    Ok(Migrated { from, to })
}

/// A connection to a server that can hold a catalog.
async fn greet(options: &PgConnectOptions, server: &Server) -> Result<(PgConnection, Backend), OpenError> {
    let sql = |error| server.because(error);
    let connecting = PgConnection::connect_with(options).await;
    let mut connection = connecting.map_err(|error| sql(while_connecting(error)))?;
    prepare(&mut connection).await.map_err(sql)?;
    let (version, encoding): (i32, String) =
        query_as("SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')")
            .fetch_one(&mut connection)
            .await
            .map_err(sql)?;
    let unfit = |why: String| Err(OpenError::Unfit { server: server.clone(), why });
    if version < OLDEST {
        return unfit(format!("PostgreSQL 13 or later is needed, this is {}", version / 10_000));
    }
    if encoding != "UTF8" {
        return unfit(format!(
            "its encoding is {encoding}; make one with: createdb --encoding UTF8 --template template0 NAME"
        ));
    }
    let backend = Backend::of(&mut connection).await.map_err(sql)?;
    Ok((connection, backend))
}

/// What was applied, in the order of numbers.
pub(super) async fn ledger(connection: &mut PgConnection) -> Result<Vec<Applied>, SqlError> {
    // Asked of the table: `to_regclass` alone may answer what it knew before the transaction waited for another one.
    let exists =
        "SELECT EXISTS (SELECT FROM pg_class WHERE relname = 'migration' AND pg_table_is_visible(oid))";
    if !query_scalar(exists).fetch_one(&mut *connection).await? {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String)> =
        query_as("SELECT number, checksum FROM migration ORDER BY number").fetch_all(connection).await?;
    Ok(rows.into_iter().map(|(number, checksum)| Applied { number, checksum }).collect())
}

/// Applies the next migration, if there is one, and tells its number. Others who migrate wait; then they see what was applied.
async fn migrate_once(connection: &mut PgConnection, server: &Server) -> Result<Option<i64>, OpenError> {
    let sql = |error| server.because(error);
    let mut transaction = connection.begin().await.map_err(sql)?;
    query("SELECT pg_advisory_xact_lock($1)")
        .bind(MIGRATING)
        .execute(&mut *transaction)
        .await
        .map_err(sql)?;
    let applied = ledger(&mut transaction).await.map_err(sql)?;
    let Some(step) = migrate::next(POSTGRES, &applied).map_err(|refusal| server.refusal(refusal))? else {
        return Ok(None);
    };
    let apply = async {
        let ledger = "CREATE TABLE IF NOT EXISTS migration (
                          number bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL,
                          applied_s bigint NOT NULL
                      )";
        raw_sql(ledger).execute(&mut *transaction).await?;
        raw_sql(AssertSqlSafe(step.text)).execute(&mut *transaction).await?;
        query("INSERT INTO migration VALUES ($1, $2, $3, extract(epoch FROM now())::bigint)")
            .bind(step.number)
            .bind(step.name)
            .bind(step.checksum())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await
    };
    match apply.await {
        Ok(()) => Ok(Some(step.number)),
        Err(source) if code(&source).as_deref() == Some("42501") => {
            Err(OpenError::MayNotMigrate { server: server.clone(), number: step.number, source })
        }
        Err(error) => Err(sql(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_without_a_user_means_the_one_who_runs_the_program() {
        let named = options("postgres://anna@db/mama").unwrap();
        assert_eq!(named.get_username(), "anna");
        let unnamed = options("postgres:///mama?host=/run/postgresql").unwrap();
        assert_ne!(unnamed.get_username(), "anonymous");
    }
}
