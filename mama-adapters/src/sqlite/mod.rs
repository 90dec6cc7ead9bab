//! The catalog in one SQLite file, or in memory.
//!
//! One thread owns the connection that writes, another one that reads, so that a scan may ask while a batch is
//! written; what was written is seen by every later question. Any executor will do. Several processes may share a file.

mod actor;
mod browse;
mod catalog;
mod curation;
mod enrichment;
mod folders;
mod journal;
mod lease;
mod manifest;
mod open;
mod record;
mod restore;
mod rows;
mod sightings;
mod totals;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use mama_ports::repository::Repo;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use self::actor::Actor;
pub use self::open::OpenError;
use self::rows::{Failure, Outcome};
use crate::sql::codec;

/// Every table of the catalog's content, those first that refer to others.
const TABLES: [&str; 10] =
    ["act_item", "act", "sidecar", "observation", "meta", "blob", "folder", "scan", "root", "archive"];

/// A catalog on SQLite. Dropping it waits for what was asked, and closes the file.
#[derive(Debug)]
pub struct Sqlite {
    writer: Actor,
    /// `None` in memory and where nothing can be written: there the writer answers questions too.
    reader: Option<Actor>,
    file: Option<PathBuf>,
    leases: lease::Leases,
}

/// What [`Sqlite::inspect`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Each table with its rows.
    pub tables: Vec<(&'static str, u64)>,
    /// Bytes of the file; in memory, of the pages.
    pub bytes: u64,
    /// Bytes of the log that is not in the file yet.
    pub log_bytes: u64,
    /// Bytes of a page.
    pub page_size: u64,
    /// The number of the last migration.
    pub schema_version: i64,
    /// SQLite's own version, such as `3.54.0`.
    pub sqlite_version: String,
}

impl Sqlite {
    /// Opens the catalog in `file`, makes it if it is not there, and applies the migrations it lacks.
    pub fn open(file: &Path) -> Result<Self, OpenError> {
        Self::open_file(file, true)
    }

    /// Opens the catalog in `file`, which must be there, and applies the migrations it lacks.
    pub fn open_existing(file: &Path) -> Result<Self, OpenError> {
        Self::open_file(file, false)
    }

    /// Opens the catalog in `file`, which must be there and up to date, where it cannot be written: every change is refused.
    pub fn open_to_read(file: &Path) -> Result<Self, OpenError> {
        let writer = start("mama-catalog", open::only_reader(file)?)?;
        Ok(Self { writer, reader: None, file: Some(file.to_owned()), leases: lease::Leases::default() })
    }

    /// A new, empty catalog that is forgotten when dropped.
    pub fn in_memory() -> Result<Self, OpenError> {
        let writer = start("mama-catalog", open::in_memory()?)?;
        Ok(Self { writer, reader: None, file: None, leases: lease::Leases::default() })
    }

    fn open_file(file: &Path, create: bool) -> Result<Self, OpenError> {
        let writer = start("mama-catalog", open::writer(file, create)?)?;
        let reader = start("mama-catalog-read", open::reader(file)?)?;
        Ok(Self {
            writer,
            reader: Some(reader),
            file: Some(file.to_owned()),
            leases: lease::Leases::default(),
        })
    }

    /// The number of the last migration that was applied.
    pub async fn schema_version(&self) -> Repo<i64> {
        self.read("read the schema's version", |catalog| schema_version(catalog)).await
    }

    /// Forgets everything but the archive that the catalog belongs to.
    pub async fn reset(&self) -> Repo<()> {
        self.write("empty the catalog", |catalog| {
            for table in TABLES.iter().filter(|&&table| table != "archive") {
                if *table == "folder" {
                    // A folder refers to its parent; this spares the deletion from looking for children.
                    catalog.execute("UPDATE folder SET parent = NULL", [])?;
                }
                catalog.execute(&format!("DELETE FROM {table}"), [])?;
            }
            // What the manifests say of the rows that were here is forgotten, too.
            catalog.execute("UPDATE manifest SET anew = 1, rebuilding = 0", [])?;
            Ok(())
        })
        .await
    }

    /// Has SQLite check every page and row of the file; what is wrong, in its words. Reads the whole file.
    pub async fn check(&self) -> Repo<Vec<String>> {
        self.read("check the catalog", |catalog| {
            let mut check = catalog.prepare("PRAGMA quick_check")?;
            let found = check.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
            Ok(found.into_iter().filter(|line| line != "ok").collect())
        })
        .await
    }

    /// Makes sure that it can be written; waits for whoever else writes it.
    pub async fn check_writing(&self) -> Repo<()> {
        self.write("write to the catalog", |_| Ok(())).await
    }

    /// Looks at the catalog itself: rows and bytes. Counts every row.
    pub async fn inspect(&self) -> Repo<Inspection> {
        let log = self.file.as_ref().map(|file| open::beside(file, "-wal"));
        self.read("inspect the catalog", move |catalog| {
            let number = |sql: &str| -> Outcome<u64> {
                Ok(codec::count(catalog.query_row(sql, [], |row| row.get(0))?)?)
            };
            let tables = TABLES
                .iter()
                .map(|&table| number(&format!("SELECT count(*) FROM {table}")).map(|rows| (table, rows)));
            let page_size = number("PRAGMA page_size")?;
            // No log: nothing was written since the last one was copied.
            let log_bytes = log.and_then(|log| log.metadata().ok()).map_or(0, |log| log.len());
            Ok(Inspection {
                tables: tables.collect::<Outcome<_>>()?,
                bytes: number("PRAGMA page_count")? * page_size,
                log_bytes,
                page_size,
                schema_version: schema_version(catalog)?,
                sqlite_version: rusqlite::version().to_owned(),
            })
        })
        .await
    }

    /// Answers from one consistent state.
    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    ) -> Repo<T> {
        let actor = self.reader.as_ref().unwrap_or(&self.writer);
        let answer = actor.ask(|connection| within(connection, TransactionBehavior::Deferred, work));
        answer.await.map_err(|failure| failure.during(doing))
    }

    /// Changes all that `work` changes, or nothing.
    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Outcome<T> + Send + 'static,
    ) -> Repo<T> {
        let answer = self.writer.ask(|connection| within(connection, TransactionBehavior::Immediate, work));
        answer.await.map_err(|failure| failure.during(doing))
    }
}

fn start(name: &str, connection: Connection) -> Result<Actor, OpenError> {
    Actor::start(name, connection).map_err(OpenError::NoThread)
}

fn within<T>(
    connection: &mut Connection,
    behavior: TransactionBehavior,
    work: impl FnOnce(&Transaction<'_>) -> Outcome<T>,
) -> Outcome<T> {
    let transaction = connection.transaction_with_behavior(behavior)?;
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

fn schema_version(catalog: &Connection) -> Outcome<i64> {
    let last = open::ledger(catalog)?.pop();
    last.map(|row| row.number).ok_or_else(|| Failure::Misuse("the catalog has no schema".to_owned()))
}
