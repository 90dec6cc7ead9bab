//! Connections that answer, and what is to be said about a server that does not.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use mama_ports::events::{Event, EventSink};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Error as SqlError, PgConnection, raw_sql};
use tokio::time::timeout;

use super::failure::{Failure, is_of_connection};
use super::open::Server;
use super::watch::{Backend, Patience, Watch, silence};

/// Connections at the most: one that writes and one that reads are enough for a scan, and an apply may run beside it.
const CONNECTIONS: u32 = 4;

/// An outage is worth a word when it has lasted this part of the patience with it.
const WORTH_A_WORD: u32 = 40;

/// The connections to one server.
pub(super) struct Lines {
    pool: PgPool,
    options: PgConnectOptions,
    patience: Patience,
    events: Arc<dyn EventSink>,
    /// Whether the outage that lasts was told of.
    told: AtomicBool,
    /// Sessions whose connection was given up.
    left: Mutex<Vec<Backend>>,
}

/// A connection that has answered just now.
pub(super) struct Line {
    pub(super) connection: PoolConnection<sqlx::Postgres>,
    pub(super) backend: Backend,
}

impl Lines {
    /// Connections that are made when they are needed. To be called on the threads that are to use them.
    pub(super) fn new(options: PgConnectOptions, patience: Patience, events: Arc<dyn EventSink>) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(patience.answer)
            // each is greeted when it is taken
            .test_before_acquire(false)
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .connect_lazy_with(options.clone());
        Self { pool, options, patience, events, told: AtomicBool::new(false), left: Mutex::default() }
    }

    /// Closes every connection.
    pub(super) async fn close(&self) {
        self.pool.close().await;
    }

    /// A connection beside the others, which nobody else uses.
    pub(super) async fn dial(&self) -> Result<PgConnection, SqlError> {
        let mut connection = PgConnection::connect_with(&self.options).await.map_err(while_connecting)?;
        prepare(&mut connection).await?;
        Ok(connection)
    }

    /// What a server does at once, or it is silent.
    pub(super) async fn promptly<T>(
        &self,
        work: impl Future<Output = Result<T, SqlError>>,
    ) -> Result<T, SqlError> {
        timeout(self.patience.answer, work).await.unwrap_or_else(|_| Err(silence()))
    }

    /// A connection to a server that answers.
    pub(super) async fn take(&self) -> Result<Line, SqlError> {
        let mut connection = self.pool.acquire().await.map_err(while_connecting)?;
        match self.promptly(self.greet(&mut connection)).await {
            Ok(backend) => Ok(Line { connection, backend }),
            Err(error) => {
                drop(connection.detach());
                Err(error)
            }
        }
    }

    async fn greet(&self, connection: &mut PgConnection) -> Result<Backend, SqlError> {
        let left = self.left().clone();
        if !left.is_empty() {
            match Backend::end(&left, connection).await {
                Err(error) if is_of_connection(&error) => return Err(error),
                // who may not end them has to wait until the server does
                _ => self.left().retain(|backend| !left.contains(backend)),
            }
        }
        Backend::of(connection).await
    }

    /// Watches over what is done on a line.
    pub(super) const fn watch<'b>(&'b self, backend: &'b Backend) -> Watch<'b> {
        Watch { options: &self.options, patience: self.patience, backend }
    }

    /// Gives up a line that is lost. In the pool it would be waited for.
    pub(super) fn leave(&self, Line { connection, backend }: Line) {
        drop(connection.detach());
        self.left().push(backend);
    }

    /// What is said of an outage is said once.
    pub(super) fn is_well(&self) {
        self.told.store(false, Ordering::Relaxed);
    }

    /// The server has gone; how long to wait before the next attempt. `Err` if that was long enough.
    pub(super) async fn bear(&self, outage: &mut Outage, error: SqlError) -> Result<Duration, Failure> {
        let lasts = outage.since.elapsed();
        if lasts >= self.patience.outage {
            return Err(Failure::Gone(Gone {
                server: Server::of(&self.options),
                lasts,
                source: self.explained(error).await,
            }));
        }
        if lasts >= self.patience.outage / WORTH_A_WORD && !self.told.swap(true, Ordering::Relaxed) {
            let reason = format!("{}: {}", Server::of(&self.options), self.explained(error).await);
            self.events
                .emit(Event::CatalogUnreachable { reason, patience_s: self.patience.outage.as_secs() });
        }
        Ok(outage.delays.next().unwrap_or_default())
    }

    /// A pool that waited in vain does not say what for; one more attempt without it does.
    async fn explained(&self, error: SqlError) -> SqlError {
        if !matches!(error, SqlError::PoolTimedOut) {
            return error;
        }
        match timeout(self.patience.answer, PgConnection::connect_with(&self.options)).await {
            Ok(Err(cause)) => while_connecting(cause),
            Ok(Ok(_)) => error,
            Err(_) => silence(),
        }
    }

    fn left(&self) -> MutexGuard<'_, Vec<Backend>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A time without the server.
pub(super) struct Outage {
    since: Instant,
    delays: ExponentialBackoff,
}

impl Outage {
    /// One that has just begun.
    pub(super) fn new() -> Self {
        let delays = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .without_max_times()
            .build();
        Self { since: Instant::now(), delays }
    }
}

/// The server did not come back in time.
#[derive(Debug, thiserror::Error)]
#[error("{server} has not come back for {} s", lasts.as_secs())]
pub(super) struct Gone {
    server: Server,
    lasts: Duration,
    source: SqlError,
}

/// What every connection is told first.
pub(super) async fn prepare(connection: &mut PgConnection) -> Result<(), SqlError> {
    // Compiling a statement takes longer than running it; and what a batch asks for is found by index, whatever the disk.
    // A plan is kept for the connection's life, those of foreign keys as well: one that was made while a table had one page
    // would read all of it for each row ever after.
    // A server that hears nothing of this machine for a minute frees what its session has locked.
    raw_sql(
        "SET jit = off; SET random_page_cost = 1.1;
         SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
         SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3",
    )
    .execute(connection)
    .await
    .map(drop)
}

/// A server that goes away during the first words is no server that speaks another language.
pub(super) fn while_connecting(error: SqlError) -> SqlError {
    match error {
        SqlError::Protocol(_) => {
            let words = "the connection ended, or it is not to a PostgreSQL server";
            SqlError::Io(io::Error::new(io::ErrorKind::ConnectionAborted, words))
        }
        other => other,
    }
}
