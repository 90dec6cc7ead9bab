//! Whether the server still works on a call. A network that swallows packets says nothing, and a statement may take its time:
//! so the server is asked on another connection.

use std::future::Future;
use std::io;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Error as SqlError, PgConnection, query, query_scalar};
use tokio::time::{sleep, timeout};

use super::failure::code;

/// Questions in a row that must stay without an answer before a server counts as gone.
const QUESTIONS: u32 = 3;

/// How long to wait for a server in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection, and for what a server answers at once.
    pub answer: Duration,
    /// Between two questions whether it still works on a call. It may rest half as long between two statements.
    pub question: Duration,
    /// For one that has gone to come back.
    pub outage: Duration,
}

impl Default for Patience {
    /// What a server needs to start again after a crash.
    fn default() -> Self {
        Self {
            answer: Duration::from_secs(5),
            question: Duration::from_secs(10),
            outage: Duration::from_secs(120),
        }
    }
}

/// The server's end of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Backend {
    pid: i32,
    /// Tells it from a later one with the same number.
    since: String,
}

impl Backend {
    pub(super) async fn of(connection: &mut PgConnection) -> Result<Self, SqlError> {
        let sql = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";
        let (pid, since) = sqlx::query_as(sql).fetch_one(connection).await?;
        Ok(Self { pid, since })
    }

    /// Ends these, which nobody listens to any more: their locks would be in the way of the next attempt.
    pub(super) async fn end(backends: &[Self], connection: &mut PgConnection) -> Result<(), SqlError> {
        let pids: Vec<i32> = backends.iter().map(|backend| backend.pid).collect();
        let since: Vec<&str> = backends.iter().map(|backend| backend.since.as_str()).collect();
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                   WHERE (pid, backend_start) IN (SELECT * FROM unnest($1::integer[], $2::timestamptz[]))";
        query(sql).bind(pids).bind(since).execute(connection).await.map(drop)
    }
}

/// Watches over a call.
pub(super) struct Watch<'b> {
    pub(super) options: &'b PgConnectOptions,
    pub(super) patience: Patience,
    pub(super) backend: &'b Backend,
}

impl Watch<'_> {
    /// The answer of `work`, unless the server does not work on it any more. The connection is useless then.
    pub(super) async fn over<T, E: From<SqlError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        tokio::select! {
            biased;
            outcome = work => outcome,
            () = self.loss() => Err(silence().into()),
        }
    }

    async fn loss(&self) {
        let mut unanswered = 0;
        while unanswered < QUESTIONS {
            sleep(self.patience.question).await;
            match timeout(self.patience.answer, self.is_at_work()).await {
                Ok(Ok(true)) => unanswered = 0,
                Ok(Ok(false)) => return,
                // a server without a connection to spare is one that works
                Ok(Err(error)) if code(&error).is_some_and(|code| code != "57P03") => unanswered = 0,
                Ok(Err(_)) | Err(_) => unanswered += 1,
            }
        }
    }

    async fn is_at_work(&self) -> Result<bool, SqlError> {
        let mut connection = PgConnection::connect_with(self.options).await?;
        // A server may be set not to know what its sessions do.
        let sql = "SELECT EXISTS (
                       SELECT FROM pg_stat_activity
                       WHERE pid = $1 AND backend_start = $2::timestamptz
                         AND (state IS NULL OR state NOT LIKE 'idle%'
                              OR state_change > clock_timestamp() - make_interval(secs => $3))
                   )";
        let is_at_work = query_scalar(sql)
            .bind(self.backend.pid)
            .bind(&self.backend.since)
            .bind(self.patience.question.as_secs_f64() / 2.0)
            .fetch_one(&mut connection)
            .await?;
        connection.close().await?;
        Ok(is_at_work)
    }
}

/// What is said of a server that says nothing.
pub(super) fn silence() -> SqlError {
    SqlError::Io(io::Error::new(io::ErrorKind::TimedOut, "the server does not answer"))
}
