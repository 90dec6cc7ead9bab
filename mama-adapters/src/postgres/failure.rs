//! What can go wrong on the way to the server, and what may be done about it.

use mama_ports::repository::RepositoryError;
use sqlx::Error as SqlError;

use super::lines::Gone;
use crate::sql::codec::Damage;

/// Why a transaction was given up.
#[derive(Debug)]
pub(super) enum Failure {
    Sql(SqlError),
    Damage(Damage),
    /// The caller asked for something that cannot be done.
    Misuse(String),
    /// The port has its own word for it.
    Refused(RepositoryError),
    /// The server was waited for, in vain.
    Gone(Gone),
}

pub(super) type Outcome<T> = Result<T, Failure>;

/// What a failure says about the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hope {
    /// Two transactions were in each other's way, and this one gave in.
    AtOnce,
    /// The connection is lost, or the server takes none at the moment.
    Later,
    /// The same call would fail again.
    None,
}

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
    pub(super) fn hope(&self) -> Hope {
        let Self::Sql(error) = self else { return Hope::None };
        match (error, code(error).as_deref()) {
            (_, Some("40001" | "40P01")) => Hope::AtOnce,
            _ if is_of_connection(error) => Hope::Later,
            _ => Hope::None,
        }
    }

    /// The port's error for a failed attempt to do `doing`.
    pub(super) fn during(self, doing: &'static str) -> RepositoryError {
        let hope = self.hope();
        let error = match self {
            Self::Refused(error) => return error,
            Self::Damage(Damage(what)) => return RepositoryError::Corrupt { what },
            Self::Misuse(what) => return RepositoryError::Other { doing, source: what.into() },
            Self::Gone(gone) => return RepositoryError::Unavailable { doing, source: gone.into() },
            Self::Sql(error) => error,
        };
        if hope != Hope::None {
            return RepositoryError::Unavailable { doing, source: Box::new(error) };
        }
        match (&error, code(&error).as_deref()) {
            (SqlError::ColumnDecode { .. } | SqlError::Decode(_), _)
            // data or an index is corrupted; a path in a view that is no UTF-8 although it was marked as such
            | (_, Some("XX001" | "XX002" | "22021")) => {
                RepositoryError::Corrupt { what: error.to_string() }
            }
            (_, Some("53100")) => RepositoryError::Full { doing, source: Box::new(error) },
            _ => RepositoryError::Other { doing, source: Box::new(error) },
        }
    }
}

/// The five characters by which Postgres names a failure.
pub(super) fn code(error: &SqlError) -> Option<String> {
    error.as_database_error().and_then(|error| error.code()).map(Into::into)
}

/// Whether the connection ended, or the server is starting, stopping or has no connection left.
pub(super) fn is_of_connection(error: &SqlError) -> bool {
    match code(error).as_deref() {
        Some("57P01" | "57P02" | "57P03" | "57P05" | "53300") => true,
        Some(code) => code.starts_with("08"),
        None => matches!(error, SqlError::Io(_) | SqlError::PoolTimedOut | SqlError::WorkerCrashed),
    }
}
