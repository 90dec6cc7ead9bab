//! Rows to vocabulary, and what can go wrong on the way.
//!
//! Statements that join and are run for every row write `(SELECT ?1)` for `?1`: SQLite (with STAT4) plans a join for the value
//! of a bare parameter, and so prepares it anew for every value, which takes ten times as long as the answer.

use mama_ports::manifest::{BlobRow, ObservationRow};
use mama_ports::repository::RepositoryError;
use mama_ports::vocab::{
    BlobHash, BlobRecord, FileName, Fingerprint, Location, Mime, ObservationId, RelPath, ScanRoot, Standing,
    Timestamp,
};
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Error as SqlError, ErrorCode, Params, Row};

use crate::sql::codec::{self, Damage};

/// Why a transaction was given up.
#[derive(Debug)]
pub(super) enum Failure {
    Sql(SqlError),
    Damage(Damage),
    /// The caller asked for something that cannot be done.
    Misuse(String),
    /// The port has its own word for it.
    Refused(RepositoryError),
}

pub(super) type Outcome<T> = Result<T, Failure>;

impl From<SqlError> for Failure {
    fn from(error: SqlError) -> Self {
        Self::Sql(error)
    }
}

impl From<Damage> for Failure {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl Failure {
    /// The port's error for a failed attempt to do `doing`.
    pub(super) fn during(self, doing: &'static str) -> RepositoryError {
        let error = match self {
            Self::Refused(error) => return error,
            Self::Damage(Damage(what)) => return RepositoryError::Corrupt { what },
            Self::Misuse(what) => return RepositoryError::Other { doing, source: what.into() },
            Self::Sql(error) => error,
        };
        if matches!(
            error,
            SqlError::InvalidColumnType(..)
                | SqlError::FromSqlConversionFailure(..)
                | SqlError::IntegralValueOutOfRange(..)
                | SqlError::Utf8Error(..)
        ) {
            return RepositoryError::Corrupt { what: error.to_string() };
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked | ErrorCode::CannotOpen) => {
                RepositoryError::Unavailable { doing, source: Box::new(error) }
            }
            Some(ErrorCode::DiskFull) => RepositoryError::Full { doing, source: Box::new(error) },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                RepositoryError::Corrupt { what: error.to_string() }
            }
            _ => RepositoryError::Other { doing, source: Box::new(error) },
        }
    }
}

/// Every row, in the statement's order.
pub(super) fn all<T>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Outcome<T>,
) -> Outcome<Vec<T>> {
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first row, if there is one.
pub(super) fn one<T>(
    statement: &mut CachedStatement<'_>,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Outcome<T>,
) -> Outcome<Option<T>> {
    let mut rows = statement.query(params)?;
    let row = rows.next()?;
    row.map(read).transpose()
}

fn wrong_type(row: &Row<'_>, column: usize, found: Type) -> SqlError {
    let name = row.as_ref().column_name(column).unwrap_or("?").to_owned();
    SqlError::InvalidColumnType(column, name, found)
}

pub(super) fn bytes<'a>(row: &'a Row<'_>, column: usize) -> Outcome<&'a [u8]> {
    let value = row.get_ref(column)?;
    Ok(value.as_blob().map_err(|_| wrong_type(row, column, value.data_type()))?)
}

pub(super) fn text<'a>(row: &'a Row<'_>, column: usize) -> Outcome<&'a str> {
    let value = row.get_ref(column)?;
    Ok(value.as_str().map_err(|_| wrong_type(row, column, value.data_type()))?)
}

/// `None` for NULL.
pub(super) fn optional_text<'a>(row: &'a Row<'_>, column: usize) -> Outcome<Option<&'a str>> {
    if row.get_ref(column)?.data_type() == Type::Null { Ok(None) } else { text(row, column).map(Some) }
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> Outcome<BlobHash> {
    Ok(codec::hash(bytes(row, column)?)?)
}

pub(super) fn name(row: &Row<'_>, column: usize) -> Outcome<FileName> {
    Ok(codec::name(bytes(row, column)?)?)
}

pub(super) fn rel_path(row: &Row<'_>, column: usize) -> Outcome<RelPath> {
    Ok(codec::rel_path(bytes(row, column)?)?)
}

/// `None` for NULL.
pub(super) fn optional_path(row: &Row<'_>, column: usize) -> Outcome<Option<RelPath>> {
    if row.get_ref(column)?.data_type() == Type::Null { Ok(None) } else { rel_path(row, column).map(Some) }
}

pub(super) fn count(row: &Row<'_>, column: usize) -> Outcome<u64> {
    Ok(codec::count(row.get(column)?)?)
}

/// Two columns: seconds, nanoseconds.
pub(super) fn time(row: &Row<'_>, first: usize) -> Outcome<Timestamp> {
    Ok(codec::time(row.get(first)?, row.get(first + 1)?)?)
}

/// As [`time`]; `None` for NULL.
pub(super) fn optional_time(row: &Row<'_>, first: usize) -> Outcome<Option<Timestamp>> {
    match row.get(first)? {
        Some(secs) => Ok(Some(codec::time(secs, row.get(first + 1)?)?)),
        None => Ok(None),
    }
}

/// Six columns: size, mtime, ctime, inode.
pub(super) fn fingerprint(row: &Row<'_>, first: usize) -> Outcome<Fingerprint> {
    Ok(Fingerprint {
        size: count(row, first)?,
        mtime: time(row, first + 1)?,
        ctime: time(row, first + 3)?,
        inode: codec::from_signed(row.get(first + 5)?),
    })
}

/// Three columns: host, basedir, kind.
pub(super) fn root(row: &Row<'_>, first: usize) -> Outcome<ScanRoot> {
    Ok(ScanRoot {
        host: codec::host(text(row, first)?)?,
        basedir: codec::abs_path(bytes(row, first + 1)?)?,
        kind: codec::word(text(row, first + 2)?)?,
    })
}

/// Two columns: status, placement.
pub(super) fn standing(row: &Row<'_>, first: usize) -> Outcome<Standing> {
    Ok(Standing { status: codec::word(text(row, first)?)?, placement: codec::word(text(row, first + 1)?)? })
}

/// The columns of [`observation`].
pub(super) const OBSERVATION: &str = "o.id, f.relpath, o.name, b.hash, o.size, o.mtime_s, o.mtime_n, o.ctime_s, o.ctime_n,
    o.inode, o.racy, o.seen_s, o.seen_n, o.gone_s, o.gone_n, o.held, o.current, o.open, o.status, o.placement, o.view_path";
/// How many they are.
pub(super) const OBSERVATION_COLUMNS: usize = 21;

/// The first columns of the row: an observation below this root.
pub(super) fn observation(row: &Row<'_>, root: ScanRoot) -> Outcome<ObservationRow> {
    Ok(ObservationRow {
        id: ObservationId(row.get(0)?),
        at: Location { root, dir: rel_path(row, 1)?, name: name(row, 2)? },
        hash: hash(row, 3)?,
        fingerprint: fingerprint(row, 4)?,
        racy: row.get(10)?,
        seen: time(row, 11)?,
        gone: optional_time(row, 13)?,
        held: row.get(15)?,
        current: row.get(16)?,
        open: row.get(17)?,
        standing: standing(row, 18)?,
        view: optional_path(row, 20)?,
    })
}

/// The columns of [`blob`].
pub(super) const BLOB: &str =
    "b.hash, b.size, b.mime, m.doc, b.stored, b.block_reason, b.first_seen_s, b.first_seen_n, m.numbers, b.looked_by, b.looked_s,
     b.looked_n, b.look_error";
/// How many they are.
pub(super) const BLOB_COLUMNS: usize = 13;

/// The first columns of the row: a content.
pub(super) fn blob(row: &Row<'_>) -> Outcome<BlobRow> {
    let numbers = optional_text(row, 8)?;
    let record = BlobRecord {
        hash: hash(row, 0)?,
        size: count(row, 1)?,
        mime: optional_text(row, 2)?.map(Mime::new),
        meta: optional_text(row, 3)?.map(|doc| codec::meta(doc, numbers)).transpose()?,
        look: codec::look(optional_text(row, 9)?, optional_time(row, 10)?, row.get(12)?)?,
        stored: row.get(4)?,
        block: optional_text(row, 5)?.map(codec::block).transpose()?,
    };
    Ok(BlobRow { record, first_seen: time(row, 6)? })
}

/// A number of bytes as a column holds it.
pub(super) fn to_i64(bytes: u64) -> Outcome<i64> {
    i64::try_from(bytes).map_err(|_| Failure::Misuse(format!("no file has {bytes} bytes")))
}
