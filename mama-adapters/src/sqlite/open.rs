//! Opening a catalog: whose file it is, how SQLite is set, and which migrations it lacks.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, Error as SqlError, ErrorCode, OpenFlags, TransactionBehavior, params};
use rustix::fs::StatVfsMountFlags;

use crate::sql::migrate::{self, Applied, Refusal};
use crate::sql::migrations::SQLITE;

/// What `PRAGMA application_id` says in a catalog: "mama".
const APPLICATION_ID: i64 = 0x6d61_6d61;

/// How long to wait for another process that writes.
const BUSY: Duration = Duration::from_secs(30);

/// Prepared statements that each connection keeps; more than the adapter has.
const STATEMENTS: usize = 96;

/// Why a catalog could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no file, and none was to be made.
    #[error("there is no catalog at {}", .path.display())]
    NotFound {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("{} is not a catalog of mama; nothing in it was changed. If it was one, move it away and run `mama rebuild`", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A later version of mama has written it.
    #[error(
        "the catalog {} was written by a newer mama (its schema is {found}, this program knows {known}); \
         nothing was changed: use the newer program",
        .path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema's number.
        found: i64,
        /// The highest number that this program knows.
        known: i64,
    },
    /// Its schema did not come from this program's migrations.
    #[error(
        "the schema of {} differs from this program's at migration {number}; nothing was changed: \
         use the program that wrote it, or restore a backup",
        .path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
        /// The first migration that differs.
        number: i64,
    },
    /// It is damaged.
    #[error("the catalog {} is damaged; put it back from a backup, or move it away and run `mama rebuild`, which recreates it from the archive", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        source: SqlError,
    },
    /// An older version of mama has written it, and it cannot be migrated.
    #[error("the catalog {} is of an older mama, and cannot be written, so not migrated either; copy it to where it can, and name the copy with --database", .path.display())]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// It was not closed, and its log cannot be read where nothing can be written.
    #[error("the catalog {} was not closed, and has a log that can only be read where it can be written; copy the file and its -wal there, and name the copy with --database", .path.display())]
    Unclosed {
        /// The file.
        path: PathBuf,
    },
    /// It may be read but not written.
    #[error("the catalog {} cannot be written; look at the permissions of the file, of its -wal and -shm, and of its folder", .path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
    },
    /// The file system or SQLite refused.
    #[error("the catalog {} cannot be opened; is its disk full or mounted read-only, or may nothing be written into its folder? A copy in a folder of your own can be named with --database", .path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: SqlError,
    },
    /// No thread could be started for it.
    #[error("no thread could be started for the catalog")]
    NoThread(#[source] io::Error),
}

/// What SQLite's own messages do not say: which file.
struct At<'a>(&'a Path);

impl At<'_> {
    fn sql(&self, source: SqlError) -> OpenError {
        let path = self.0.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => OpenError::Foreign { path },
            Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path, source },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => OpenError::NotWritable { path },
            _ => OpenError::Refused { path, source },
        }
    }

    fn refusal(&self, refusal: Refusal) -> OpenError {
        let path = self.0.to_owned();
        match refusal {
            Refusal::Newer { found, known } => OpenError::Newer { path, found, known },
            Refusal::Altered { number } | Refusal::Gap { number } => OpenError::Altered { path, number },
        }
    }
}

/// A connection that may write, to a catalog that is up to date.
pub(super) fn writer(path: &Path, create: bool) -> Result<Connection, OpenError> {
    let at = At(path);
    if !create && !path.exists() {
        return Err(OpenError::NotFound { path: path.to_owned() });
    }
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    flags.set(OpenFlags::SQLITE_OPEN_CREATE, create);
    let mut connection = Connection::open_with_flags(path, flags).map_err(|error| at.sql(error))?;
    connection.busy_timeout(BUSY).map_err(|error| at.sql(error))?;
    if !is_ours(&connection).map_err(|error| at.sql(error))? {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let applied = ledger(&connection).map_err(|error| at.sql(error))?;
    let lacking = migrate::next(SQLITE, &applied).map_err(|refusal| at.refusal(refusal))?.is_some();
    if connection.is_readonly("main").map_err(|error| at.sql(error))? {
        return Err(OpenError::NotWritable { path: path.to_owned() });
    }
    (|| {
        enter_wal(&connection)?;
        settings(&connection)
    })()
    .map_err(|error| at.sql(error))?;
    // An up-to-date catalog is opened without waiting for whoever writes it.
    while lacking && migrate_once(&mut connection, &at)? {}
    Ok(connection)
}

/// A second connection to a file that [`writer`] has opened.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        settings(&connection)?;
        // Pages of the file are walked through once; the kernel has them for a second time.
        connection.pragma_update(None, "cache_size", -8_192)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    };
    open().map_err(|error| At(path).sql(error))
}

/// A connection that only reads, to a catalog that cannot be written: a snapshot, a backup, somebody else's.
///
/// SQLite reads one on a disk that is mounted read-only if its log has its index beside it, or if there is no log, and
/// it may take the file for unchanging (<https://sqlite.org/wal.html#readonly>).
pub(super) fn only_reader(path: &Path) -> Result<Connection, OpenError> {
    // as SQLite does: its log lies beside the file itself, not beside a link to it
    let resolved = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let path = resolved.as_path();
    let at = At(path);
    let is_fixed = is_mounted_read_only(path);
    let (has_log, has_index) = (is_there(&beside(path, "-wal")), is_there(&beside(path, "-shm")));
    if is_fixed && has_log && !has_index {
        return Err(OpenError::Unclosed { path: path.to_owned() });
    }
    // whoever has it open, perhaps on another machine, has both
    let is_unchanging = is_fixed && !has_log && !has_index;
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || match is_unchanging {
        true => {
            let uri =
                format!("file:{}?immutable=1", percent_encode(path.as_os_str().as_bytes(), NON_ALPHANUMERIC));
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)
        }
        false => Connection::open_with_flags(path, flags),
    };
    let connection = open().map_err(|error| at.sql(error))?;
    connection.busy_timeout(BUSY).map_err(|error| at.sql(error))?;
    // also what makes `BEGIN IMMEDIATE` fail here, which SQLite would begin
    connection.pragma_update(None, "query_only", true).map_err(|error| at.sql(error))?;
    if !is_ours(&connection).map_err(|error| at.sql(error))? {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let applied = ledger(&connection).map_err(|error| at.sql(error))?;
    match migrate::next(SQLITE, &applied).map_err(|refusal| at.refusal(refusal))? {
        None => Ok(connection),
        Some(_) => Err(OpenError::Older { path: path.to_owned() }),
    }
}

/// A file that SQLite keeps next to the catalog.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Whether a file is there, as far as nobody can say that it is not.
fn is_there(file: &Path) -> bool {
    file.try_exists().unwrap_or(true)
}

fn is_mounted_read_only(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|volume| volume.f_flag.contains(StatVfsMountFlags::RDONLY))
}

/// A new catalog that lives as long as the connection.
pub(super) fn in_memory() -> Result<Connection, OpenError> {
    let at = At(Path::new(":memory:"));
    let mut connection = Connection::open_in_memory().map_err(|error| at.sql(error))?;
    settings(&connection).map_err(|error| at.sql(error))?;
    while migrate_once(&mut connection, &at)? {}
    Ok(connection)
}

/// Switches the file to a write-ahead log, for good.
///
/// While several open a new file at once, SQLite refuses this without waiting for the others, so the waiting is here.
fn enter_wal(connection: &Connection) -> rusqlite::Result<()> {
    let begun = Instant::now();
    loop {
        match connection.pragma_update(None, "journal_mode", "WAL") {
            Err(error) if is_busy(&error) && begun.elapsed() < BUSY => sleep(Duration::from_millis(5)),
            done => return done,
        }
    }
}

fn is_busy(error: &SqlError) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // A checkpoint for each 256 MiB of log halves the time of a first scan against SQLite's own 4 MiB.
    connection.pragma_update(None, "wal_autocheckpoint", 65_536)?;
    connection.pragma_update(None, "journal_size_limit", 64 << 20)?;
    connection.pragma_update(None, "cache_size", -24_576) // KiB
}

/// Whether the file is empty or says that it is mama's; one statement, so that it is not asked while it is being made.
fn is_ours(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id";
    let (id, things): (i64, i64) = connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(id == APPLICATION_ID || (id == 0 && things == 0))
}

/// What was applied, in the order of numbers.
pub(super) fn ledger(connection: &Connection) -> rusqlite::Result<Vec<Applied>> {
    // Asked by a statement: `table_exists` would answer from what this connection has read before.
    let exists = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration')";
    if !connection.query_row(exists, [], |row| row.get::<_, bool>(0))? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT number, checksum FROM migration ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok(Applied { number: row.get(0)?, checksum: row.get(1)? }))?;
    rows.collect()
}

/// Applies the next migration, if there is one; the transaction sees what another process has applied meanwhile.
fn migrate_once(connection: &mut Connection, at: &At<'_>) -> Result<bool, OpenError> {
    let sql = |error| at.sql(error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    let applied = ledger(&transaction).map_err(sql)?;
    let Some(step) = migrate::next(SQLITE, &applied).map_err(|refusal| at.refusal(refusal))? else {
        return Ok(false);
    };
    let apply = || {
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS migration (
                 number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_s INTEGER NOT NULL
             ) STRICT",
        )?;
        transaction.execute_batch(step.text)?;
        let row = params![step.number, step.name, step.checksum()];
        transaction.execute("INSERT INTO migration VALUES (?1, ?2, ?3, unixepoch())", row)?;
        transaction.commit()
    };
    apply().map_err(sql)?;
    Ok(true)
}
