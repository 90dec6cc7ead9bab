//! Time, and the one door for blocking work. The domain names no runtime.

use std::fmt;
use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::vocab::Timestamp;

/// Tells the time.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Clock: Send + Sync {
    /// Now, by the clock that also stamps files.
    fn now(&self) -> Timestamp;
}

/// A piece of work that may block.
pub type Job = Box<dyn FnOnce() + Send>;

/// Runs blocking work.
pub trait Workers: Send + Sync {
    /// How many jobs run at once, at the most. Who starts more only waits longer.
    fn width(&self) -> NonZeroUsize;

    /// Runs `job` soon, on some thread, in the order submitted. Returns without waiting for it, unless it runs it on the spot.
    fn submit(&self, job: Job);
}

impl dyn Workers {
    /// Starts `work` now; the result is there to be awaited, on any executor.
    pub fn start<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Pending<T> {
        let (promise, pending) = promise();
        self.submit(Box::new(move || promise.keep(work())));
        pending
    }
}

impl dyn Workers {
    /// Does something for each of these, on all workers at once; gives what came of them, in the same order.
    ///
    /// A worker takes the next one as soon as it is done with one: waking it for each would cost more than a small file.
    pub async fn for_each<T, D>(
        &self,
        items: Vec<T>,
        work: impl Fn(&T) -> D + Send + Sync + 'static,
    ) -> Vec<D>
    where
        T: Send + Sync + 'static,
        D: Send + 'static,
    {
        let width = self.width().get().min(items.len());
        let shared = Arc::new((items, work, AtomicUsize::new(0)));
        let lanes: Vec<_> = (0..width)
            .map(|_| {
                let shared = Arc::clone(&shared);
                self.start(move || {
                    let (items, work, next) = &*shared;
                    let take = || {
                        let nth = next.fetch_add(1, Ordering::Relaxed);
                        items.get(nth).map(|item| (nth, work(item)))
                    };
                    std::iter::from_fn(take).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut done = Vec::new();
        for lane in lanes {
            done.extend(lane.await);
        }
        done.sort_unstable_by_key(|(nth, _)| *nth);
        done.into_iter().map(|(_, done)| done).collect()
    }
}

/// Runs every job on the spot, in the caller's thread: a whole scan becomes deterministic.
#[derive(Debug, Clone, Copy)]
pub struct Inline;

impl Workers for Inline {
    fn width(&self) -> NonZeroUsize {
        NonZeroUsize::MIN
    }

    fn submit(&self, job: Job) {
        job();
    }
}

/// A result that is on its way.
///
/// Awaiting it panics if the work panicked: a broken promise is a bug of the worker, not a state to handle.
pub struct Pending<T>(Arc<Mutex<Slot<T>>>);

/// The other end of a [`Pending`].
pub struct Promise<T>(Arc<Mutex<Slot<T>>>);

enum Slot<T> {
    Empty(Option<Waker>),
    Full(T),
    Broken,
    Taken,
}

/// A result that somebody else will bring.
pub fn promise<T>() -> (Promise<T>, Pending<T>) {
    let slot = Arc::new(Mutex::new(Slot::Empty(None)));
    (Promise(Arc::clone(&slot)), Pending(slot))
}

impl<T> Promise<T> {
    /// Brings the result.
    pub fn keep(self, value: T) {
        settle(&self.0, Slot::Full(value));
    }
}

impl<T> Drop for Promise<T> {
    fn drop(&mut self) {
        settle(&self.0, Slot::Broken);
    }
}

fn locked<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

fn settle<T>(slot: &Mutex<Slot<T>>, outcome: Slot<T>) {
    let mut slot = locked(slot);
    if let Slot::Empty(waker) = &mut *slot {
        let waker = waker.take();
        *slot = outcome;
        drop(slot);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut slot = locked(&self.0);
        match std::mem::replace(&mut *slot, Slot::Taken) {
            Slot::Full(value) => Poll::Ready(value),
            Slot::Empty(_) => {
                *slot = Slot::Empty(Some(context.waker().clone()));
                Poll::Pending
            }
            Slot::Broken => panic!("a worker panicked; its message is above"),
            Slot::Taken => panic!("a result was awaited twice"),
        }
    }
}

impl<T> fmt::Debug for Pending<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

impl<T> fmt::Debug for Promise<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Promise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_arrives_whether_it_is_early_or_late() {
        let workers: &dyn Workers = &Inline;
        assert_eq!(pollster::block_on(workers.start(|| 7)), 7);
        let (promise, pending) = promise();
        let late = std::thread::scope(|scope| {
            scope.spawn(move || promise.keep(8));
            pollster::block_on(pending)
        });
        assert_eq!(late, 8);
    }

    #[test]
    #[should_panic(expected = "a worker panicked")]
    fn a_broken_promise_is_not_silent() {
        let (promise, pending) = promise::<()>();
        drop(promise);
        pollster::block_on(pending);
    }
}
