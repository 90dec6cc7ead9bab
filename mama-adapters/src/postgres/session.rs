//! Calls to the server: on threads of their own, again if the connection was lost, and each change exactly once.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::mpsc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use mama_ports::repository::Repo;
use mama_ports::runtime::promise;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Connection, Error as SqlError, PgConnection, query_scalar, raw_sql};
use tokio::runtime::{Builder, Runtime};

use super::failure::{Failure, Hope, Outcome};

/// Connections at the most: one that writes and one that reads are enough for a scan, and an apply may run beside it.
const CONNECTIONS: u32 = 4;

/// How long one attempt waits for a connection.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long closing waits for the server.
const FAREWELL: Duration = Duration::from_secs(2);

/// The rest of a call, on a connection.
pub(super) type Answering<'c, T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send + 'c>>;

/// A call: what it is about, and a connection.
pub(super) type Work<A, T> = for<'c> fn(&'c A, &'c mut PgConnection) -> Answering<'c, T>;

/// What a call needs around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// Nothing: it is one statement.
    One,
    /// One state of the catalog for all its statements.
    Snapshot,
    /// A transaction that changes all or nothing.
    Change,
}

/// Connections, and the threads that talk to them. Any executor may await the answers.
pub(super) struct Session {
    pool: PgPool,
    runtime: Option<Runtime>,
}

impl Session {
    /// Threads for connections that are made when they are needed.
    pub(super) fn start(options: PgConnectOptions) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("mama-catalog").enable_all().build()?;
        let pool = {
            let _within = runtime.enter();
            PgPoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(PATIENCE)
                // a lost connection is noticed by its next statement, and replaced
                .test_before_acquire(false)
                .after_connect(|connection, _| Box::pin(prepare(connection)))
                .connect_lazy_with(options)
        };
        Ok(Self { pool, runtime: Some(runtime) })
    }

    /// Runs `work` on the session's threads.
    pub(super) async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> T {
        let (promise, pending) = promise();
        if let Some(runtime) = &self.runtime {
            drop(runtime.spawn(async move { promise.keep(work.await) }));
        }
        pending.await
    }

    /// Makes a call, again and again while there is hope.
    pub(super) async fn call<A, T>(
        &self,
        doing: &'static str,
        frame: Frame,
        about: A,
        work: Work<A, T>,
    ) -> Repo<T>
    where
        A: Send + Sync + 'static,
        T: Send + 'static,
    {
        let pool = self.pool.clone();
        let answer = self.run(async move { persistent(&pool, frame, &about, work).await });
        answer.await.map_err(|failure| failure.during(doing))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let (closed, farewell) = mpsc::channel();
        let pool = self.pool.clone();
        drop(runtime.spawn(async move {
            pool.close().await;
            // nobody waits any more if it took too long
            closed.send(()).ok();
        }));
        farewell.recv_timeout(FAREWELL).ok();
        runtime.shutdown_background();
    }
}

/// What every connection is told first.
pub(super) async fn prepare(connection: &mut PgConnection) -> Result<(), SqlError> {
    // Compiling a statement takes longer than running it; and what a batch asks for is found by index, whatever the disk.
    raw_sql("SET jit = off; SET random_page_cost = 1.1").execute(connection).await.map(drop)
}

/// A change whose commit was not answered.
struct Doubt<T> {
    transaction: i64,
    answer: T,
}

/// One attempt at a call.
enum Attempt<T> {
    Done(T),
    Doubtful(Doubt<T>, SqlError),
}

/// Every change may be made twice without harm; if the first attempt did reach the server, its answer is the true one.
async fn persistent<A: Sync, T: Send>(
    pool: &PgPool,
    frame: Frame,
    about: &A,
    work: Work<A, T>,
) -> Outcome<T> {
    let mut doubts: Vec<Doubt<T>> = Vec::new();
    let mut conflicts = ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(Duration::from_millis(5))
        .with_max_delay(Duration::from_secs(1))
        .with_max_times(12)
        .build();
    let mut outages = ExponentialBuilder::new()
        .with_jitter()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(6)
        .build();
    loop {
        let failure = match attempt(pool, frame, about, work).await {
            Ok(Attempt::Done(answer)) if doubts.is_empty() => return Ok(answer),
            Ok(Attempt::Done(answer)) => return Ok(first_answer(pool, doubts).await?.unwrap_or(answer)),
            Ok(Attempt::Doubtful(doubt, error)) => {
                doubts.push(doubt);
                Failure::Sql(error)
            }
            Err(failure) => failure,
        };
        let delay = match failure.hope() {
            Hope::AtOnce => conflicts.next(),
            Hope::Later => outages.next(),
            Hope::None => None,
        };
        match delay {
            Some(delay) => tokio::time::sleep(delay).await,
            None => return Err(explained(pool, failure).await),
        }
    }
}

async fn attempt<A: Sync, T: Send>(
    pool: &PgPool,
    frame: Frame,
    about: &A,
    work: Work<A, T>,
) -> Outcome<Attempt<T>> {
    let mut transaction = match frame {
        Frame::One => return work(about, &mut *pool.acquire().await?).await.map(Attempt::Done),
        Frame::Snapshot => pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?,
        Frame::Change => pool.begin().await?,
    };
    let answer = work(about, &mut transaction).await?;
    if frame == Frame::Snapshot {
        transaction.commit().await?;
        return Ok(Attempt::Done(answer));
    }
    let id: Option<i64> = query_scalar("SELECT pg_current_xact_id_if_assigned()::text::bigint")
        .fetch_one(&mut *transaction)
        .await?;
    match (transaction.commit().await.map_err(Failure::Sql), id) {
        (Ok(()), _) => Ok(Attempt::Done(answer)),
        (Err(failure), Some(transaction)) if failure.hope() == Hope::Later => match failure {
            Failure::Sql(error) => Ok(Attempt::Doubtful(Doubt { transaction, answer }, error)),
            other => Err(other),
        },
        (Err(failure), _) => Err(failure),
    }
}

/// The answer of the first attempt that was committed after all.
async fn first_answer<T: Send>(pool: &PgPool, doubts: Vec<Doubt<T>>) -> Outcome<Option<T>> {
    for Doubt { transaction, answer } in doubts {
        let sql = "SELECT pg_xact_status($1::text::xid8) = 'committed'";
        let committed: Option<bool> = query_scalar(sql).bind(transaction.to_string()).fetch_one(pool).await?;
        if committed == Some(true) {
            return Ok(Some(answer));
        }
    }
    Ok(None)
}

/// A pool that waited in vain does not say what for; one more attempt without it does.
async fn explained(pool: &PgPool, failure: Failure) -> Failure {
    if !matches!(failure, Failure::Sql(SqlError::PoolTimedOut)) {
        return failure;
    }
    let options = pool.connect_options();
    match tokio::time::timeout(PATIENCE, PgConnection::connect_with(&options)).await {
        Ok(Err(error)) => Failure::Sql(error),
        _ => failure,
    }
}
