//! Calls to the server: on threads of their own, again if the connection was lost, and each change exactly once.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use mama_ports::events::EventSink;
use mama_ports::repository::Repo;
use mama_ports::runtime::promise;
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Error as SqlError, PgConnection, query_scalar};
use tokio::runtime::{Builder, Runtime};

use super::failure::{Failure, Hope, Outcome, is_of_connection};
use super::lines::{Lines, Outage};
use super::watch::{Patience, Watch};

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
    lines: Arc<Lines>,
    runtime: Option<Runtime>,
}

impl Session {
    /// Threads for connections that are made when they are needed.
    pub(super) fn start(
        options: PgConnectOptions,
        patience: Patience,
        events: Arc<dyn EventSink>,
    ) -> io::Result<Self> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("mama-catalog").enable_all().build()?;
        let lines = {
            let _within = runtime.enter();
            Arc::new(Lines::new(options, patience, events))
        };
        Ok(Self { lines, runtime: Some(runtime) })
    }

    /// The connections that its threads talk to.
    pub(super) fn lines(&self) -> Arc<Lines> {
        Arc::clone(&self.lines)
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
        let lines = Arc::clone(&self.lines);
        let answer = self.run(async move {
            let call = Call { lines: &lines, frame, about: &about, work, doubts: Vec::new(), done: None };
            call.persist().await
        });
        answer.await.map_err(|failure| failure.during(doing))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let (closed, farewell) = mpsc::channel();
        let lines = Arc::clone(&self.lines);
        drop(runtime.spawn(async move {
            lines.close().await;
            // nobody waits any more if it took too long
            closed.send(()).ok();
        }));
        farewell.recv_timeout(FAREWELL).ok();
        runtime.shutdown_background();
    }
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

impl<T> Attempt<T> {
    /// Whether the connection was lost.
    fn is_lost(outcome: &Outcome<Self>) -> bool {
        match outcome {
            Ok(Self::Done(_)) => false,
            Ok(Self::Doubtful(..)) => true,
            Err(failure) => failure.hope() == Hope::Later,
        }
    }
}

/// A call, and what its attempts have come to.
struct Call<'a, A, T> {
    lines: &'a Lines,
    frame: Frame,
    about: &'a A,
    work: Work<A, T>,
    doubts: Vec<Doubt<T>>,
    /// The answer of the attempt that succeeded, while it is asked whether an earlier one did.
    done: Option<T>,
}

impl<A: Sync, T: Send> Call<'_, A, T> {
    /// Every change may be made twice without harm; if the first attempt did reach the server, its answer is the true one.
    async fn persist(mut self) -> Outcome<T> {
        let mut conflicts = ExponentialBuilder::new()
            .with_jitter()
            .with_min_delay(Duration::from_millis(5))
            .with_max_delay(Duration::from_secs(1))
            .with_max_times(12)
            .build();
        let mut outage = None;
        loop {
            let failure = match self.step().await {
                Ok(answer) => {
                    self.lines.is_well();
                    return Ok(answer);
                }
                Err(failure) => failure,
            };
            let delay = match (failure.hope(), failure) {
                (Hope::Later, Failure::Sql(error)) => {
                    self.lines.bear(outage.get_or_insert_with(Outage::new), error).await?
                }
                (Hope::AtOnce, failure) => conflicts.next().ok_or(failure)?,
                (_, failure) => return Err(failure),
            };
            tokio::time::sleep(delay).await;
        }
    }

    async fn step(&mut self) -> Outcome<T> {
        let done = match self.done.take() {
            Some(done) => done,
            None => match self.attempt().await? {
                Attempt::Done(answer) => answer,
                Attempt::Doubtful(doubt, error) => {
                    self.doubts.push(doubt);
                    return Err(error.into());
                }
            },
        };
        match self.first_committed().await {
            Ok(Some(first)) => Ok(self.doubts.swap_remove(first).answer),
            Ok(None) => Ok(done),
            Err(failure) => {
                self.done = Some(done);
                Err(failure)
            }
        }
    }

    async fn attempt(&mut self) -> Outcome<Attempt<T>> {
        let lines = self.lines;
        let mut line = lines.take().await?;
        let watch = lines.watch(&line.backend);
        let outcome = self.attempt_on(&mut line.connection, &watch).await;
        if Attempt::is_lost(&outcome) {
            lines.leave(line);
        }
        outcome
    }

    async fn attempt_on(&mut self, connection: &mut PgConnection, watch: &Watch<'_>) -> Outcome<Attempt<T>> {
        let work = self.work;
        let mut transaction = match self.frame {
            Frame::One => return watch.over(work(self.about, connection)).await.map(Attempt::Done),
            Frame::Snapshot => {
                watch.over(connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await?
            }
            Frame::Change => watch.over(connection.begin()).await?,
        };
        let answer = watch.over(work(self.about, &mut transaction)).await?;
        if self.frame == Frame::Snapshot {
            watch.over(transaction.commit()).await?;
            return Ok(Attempt::Done(answer));
        }
        let id = query_scalar("SELECT pg_current_xact_id_if_assigned()::text::bigint");
        let id: Option<i64> = watch.over(id.fetch_one(&mut *transaction)).await?;
        match (watch.over(transaction.commit()).await, id) {
            (Ok(()), _) => Ok(Attempt::Done(answer)),
            (Err(error), Some(transaction)) if is_of_connection(&error) => {
                Ok(Attempt::Doubtful(Doubt { transaction, answer }, error))
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// The first attempt that was committed although nothing was heard of it.
    async fn first_committed(&mut self) -> Outcome<Option<usize>> {
        if self.doubts.is_empty() {
            return Ok(None);
        }
        let mut line = self.lines.take().await?;
        let ids: Vec<String> = self.doubts.iter().map(|doubt| doubt.transaction.to_string()).collect();
        // A server that was killed may not know that it ever gave out the id, and must not be asked for it.
        let sql = "SELECT number - 1 FROM unnest($1::text[]) WITH ORDINALITY AS doubt (id, number)
                   WHERE CASE WHEN id::xid8 < pg_snapshot_xmax(pg_current_snapshot())
                              THEN pg_xact_status(id::xid8) = 'committed' END
                   ORDER BY number LIMIT 1";
        let watch = self.lines.watch(&line.backend);
        let asked: Result<Option<i64>, SqlError> =
            watch.over(query_scalar(sql).bind(ids).fetch_optional(&mut *line.connection)).await;
        if asked.as_ref().is_err_and(is_of_connection) {
            self.lines.leave(line);
        }
        Ok(asked?.and_then(|number| usize::try_from(number).ok()))
    }
}
