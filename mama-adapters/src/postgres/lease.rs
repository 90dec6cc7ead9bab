//! The right to apply, given to one at a time: an advisory lock on a connection of its own, and a number that fences off whoever lost that connection.

use std::sync::mpsc;
use std::time::Duration;

use mama_ports::filesystem::Held;
use mama_ports::repository::{Epoch, RepositoryError};
use sqlx::{AssertSqlSafe, Connection, Error as SqlError, PgConnection, query_scalar};
use tokio::runtime::Handle;

use super::failure::{Failure, Outcome, is_of_connection};
use super::lines::{Lines, Outage};

/// How long giving it back waits for the server, which takes it back anyway once it misses the connection.
const FAREWELL: Duration = Duration::from_secs(2);

/// The lock's key: "mamb", and which of the database's catalogs.
const KEY: &str = "(1835101538::bigint << 32) | 'lease'::regclass::oid::bigint";

/// A session that has the advisory lock, and the threads that talk to it.
struct Locked {
    connection: Option<PgConnection>,
    threads: Handle,
}

impl Held for Locked {}

impl Drop for Locked {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let (released, farewell) = mpsc::channel();
        drop(self.threads.spawn(async move {
            // Without an answer the server finds the connection closed.
            drop(release(connection).await);
            released.send(()).ok();
        }));
        farewell.recv_timeout(FAREWELL).ok();
    }
}

async fn release(mut connection: PgConnection) -> Result<(), SqlError> {
    let sql = format!("SELECT pg_advisory_unlock({KEY})");
    let _: bool = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
    connection.close().await
}

/// Takes the lock, if nobody has it; waits for a server that is away. To be called on the threads that are to talk to it.
pub(super) async fn lock(lines: &Lines) -> Outcome<Option<Box<dyn Held>>> {
    let mut outage = Outage::new();
    let connection = loop {
        match lines.promptly(try_lock(lines)).await {
            Ok(connection) => break connection,
            Err(error) if is_of_connection(&error) => {
                let delay = lines.bear(&mut outage, error).await?;
                tokio::time::sleep(delay).await;
            }
            Err(error) => return Err(error.into()),
        }
    };
    lines.is_well();
    let held = |connection| -> Box<dyn Held> {
        Box::new(Locked { connection: Some(connection), threads: Handle::current() })
    };
    Ok(connection.map(held))
}

async fn try_lock(lines: &Lines) -> Result<Option<PgConnection>, SqlError> {
    let mut connection = lines.dial().await?;
    let sql = format!("SELECT pg_try_advisory_lock({KEY})");
    let is_ours: bool = query_scalar(AssertSqlSafe(sql)).fetch_one(&mut connection).await?;
    Ok(is_ours.then_some(connection))
}

/// The number of a new lease. Waits for a batch under the older one, which then is the last.
pub(super) async fn next(catalog: &mut PgConnection) -> Outcome<Epoch> {
    let sql = "INSERT INTO lease (epoch) VALUES (1)
               ON CONFLICT (singleton) DO UPDATE SET epoch = lease.epoch + 1 RETURNING epoch";
    Ok(Epoch(query_scalar(sql).fetch_one(catalog).await?))
}

/// Refuses whoever held an older lease; until the transaction ends, no newer one is given.
pub(super) async fn check(catalog: &mut PgConnection, under: Option<Epoch>) -> Outcome<()> {
    let Some(Epoch(epoch)) = under else { return Ok(()) };
    let last: Option<i64> = query_scalar("SELECT epoch FROM lease FOR SHARE").fetch_optional(catalog).await?;
    if last == Some(epoch) { Ok(()) } else { Err(Failure::Refused(RepositoryError::Superseded)) }
}
