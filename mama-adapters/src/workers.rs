//! `Workers`, on the threads that tokio keeps for blocking work.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mama_ports::runtime::{Job, Workers};
use tokio::runtime::Handle;

/// At most `width` blocking threads of a tokio runtime; jobs start in the order submitted.
///
/// A job that panics breaks only its own promise. When the runtime shuts down, jobs that have not started are dropped.
#[derive(Debug)]
pub struct TokioWorkers {
    handle: Handle,
    width: NonZeroUsize,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line(Mutex<Queue>);

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    lanes: usize,
}

impl TokioWorkers {
    /// Workers on the runtime of `handle`, `width` at once.
    pub fn new(handle: Handle, width: NonZeroUsize) -> Self {
        Self { handle, width, line: Arc::default() }
    }
}

impl Workers for TokioWorkers {
    fn width(&self) -> NonZeroUsize {
        self.width
    }

    fn submit(&self, job: Job) {
        let mut queue = self.line.lock();
        queue.waiting.push_back(job);
        if queue.lanes < self.width.get() {
            queue.lanes += 1;
            drop(queue);
            let lane = Lane { line: Arc::clone(&self.line), open: true };
            drop(self.handle.spawn_blocking(move || lane.run()));
        }
    }
}

impl Line {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let queue = self.lock();
        f.debug_struct("Line").field("waiting", &queue.waiting.len()).field("lanes", &queue.lanes).finish()
    }
}

/// One thread's worth of work; it ends when nobody waits.
struct Lane {
    line: Arc<Line>,
    open: bool,
}

impl Lane {
    fn run(mut self) {
        while let Some(job) = self.next() {
            // The panic hook has printed the message, and the job's promise is broken: nothing is hidden.
            drop(catch_unwind(AssertUnwindSafe(job)));
        }
    }

    /// The next job. Finding none and leaving is one step, or a job submitted in between would wait for ever.
    fn next(&mut self) -> Option<Job> {
        let mut queue = self.line.lock();
        let job = queue.waiting.pop_front();
        if job.is_none() {
            queue.lanes -= 1;
            self.open = false;
        }
        job
    }
}

impl Drop for Lane {
    /// A lane that a closing runtime threw away: nobody else may be left to run, so the jobs must not wait in silence.
    fn drop(&mut self) {
        if self.open {
            let mut queue = self.line.lock();
            queue.lanes -= 1;
            let forsaken =
                if queue.lanes == 0 { std::mem::take(&mut queue.waiting) } else { VecDeque::new() };
            drop(queue);
            drop(forsaken);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap()
    }

    fn workers(runtime: &tokio::runtime::Runtime, width: usize) -> Arc<dyn Workers> {
        Arc::new(TokioWorkers::new(runtime.handle().clone(), NonZeroUsize::new(width).unwrap()))
    }

    #[test]
    fn never_more_than_width_jobs_run_at_once_and_width_do() {
        let runtime = runtime();
        let workers = workers(&runtime, 3);
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        // The first three wait for each other: fewer than three lanes would never finish.
        let together = Arc::new(std::sync::Barrier::new(3));
        let pending: Vec<_> = (0..60)
            .map(|job| {
                let (running, most, together) = (running.clone(), most.clone(), together.clone());
                workers.start(move || {
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    if job < 3 {
                        together.wait();
                    }
                    std::thread::yield_now();
                    running.fetch_sub(1, Ordering::SeqCst);
                })
            })
            .collect();
        pending.into_iter().for_each(pollster::block_on);
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }

    #[test]
    fn what_is_done_for_each_comes_in_order_and_once() {
        let runtime = runtime();
        for width in [1, 3, 64] {
            let workers = workers(&runtime, width);
            for count in [0, 1, 7, 200] {
                let done = Arc::new(AtomicUsize::new(0));
                let counter = Arc::clone(&done);
                let double = move |item: &usize| {
                    counter.fetch_add(1, Ordering::SeqCst);
                    item * 2
                };
                let results = pollster::block_on(workers.for_each((0..count).collect(), double));
                assert_eq!(results, (0..count).map(|item| item * 2).collect::<Vec<_>>());
                assert_eq!(done.load(Ordering::SeqCst), count);
            }
        }
    }

    #[test]
    fn jobs_start_in_the_order_submitted() {
        let runtime = runtime();
        let workers = workers(&runtime, 1);
        let (hold, held) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let first = workers.start(move || held.recv());
        for job in 0..100 {
            let tell = tell.clone();
            workers.submit(Box::new(move || tell.send(job).unwrap()));
        }
        drop((hold, tell));
        assert!(pollster::block_on(first).is_err());
        assert_eq!(told.iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_reaches_who_awaits_it_and_nobody_else() {
        let runtime = runtime();
        let workers = workers(&runtime, 1);
        for round in 0..5 {
            let broken = workers.start(|| panic!("on purpose"));
            let after = workers.start(move || round);
            let outcome: std::thread::Result<()> =
                catch_unwind(AssertUnwindSafe(|| pollster::block_on(broken)));
            assert!(outcome.is_err());
            assert_eq!(pollster::block_on(after), round);
        }
    }

    #[test]
    fn a_job_that_a_closed_runtime_cannot_start_breaks_its_promise() {
        let runtime = runtime();
        let workers = workers(&runtime, 1);
        runtime.shutdown_background();
        let pending = workers.start(|| ());
        assert!(catch_unwind(AssertUnwindSafe(|| pollster::block_on(pending))).is_err());
    }
}
