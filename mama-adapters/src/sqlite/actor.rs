//! One thread that owns a connection and runs what it is sent, in order.

use std::io;
use std::sync::mpsc::{Sender, channel};
use std::thread::{Builder, JoinHandle};

use mama_ports::runtime::{Pending, promise};
use rusqlite::Connection;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The thread's other end. Dropping it waits for the work that was sent, and closes the connection.
#[derive(Debug)]
pub(super) struct Actor {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Actor {
    pub(super) fn start(name: &str, mut connection: Connection) -> io::Result<Self> {
        let (jobs, inbox) = channel::<Job>();
        let thread = Builder::new().name(name.to_owned()).spawn(move || {
            for job in inbox {
                job(&mut connection);
            }
        })?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` after all that was sent before.
    pub(super) fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Pending<T> {
        let (promise, pending) = promise();
        let job: Job = Box::new(move |connection| promise.keep(work(connection)));
        if let Some(jobs) = &self.jobs {
            // A thread that panicked takes no more jobs; the dropped promise tells whoever awaits it.
            drop(jobs.send(job));
        }
        pending
    }
}

impl Drop for Actor {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // Its panic was reported where it happened.
            drop(thread.join());
        }
    }
}
