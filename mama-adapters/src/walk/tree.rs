//! A walker over any `ReadTree`.

use std::panic::resume_unwind;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use mama_ports::filesystem::{Filesystem, Fs, FsError, Listing, ReadTree};
use mama_ports::vocab::{AbsPath, RelPath};
use mama_ports::walker::{Prune, Visited, Walk, Walker};

/// How many folders the threads may run ahead of the reader.
const AHEAD: usize = 64;

/// Walks by [`ReadTree::listing`]. Folders on other devices belong to the walk.
pub struct TreeWalker {
    filesystem: Arc<dyn Filesystem>,
    threads: usize,
}

impl TreeWalker {
    /// A walker with so many threads. With 0 or 1 it lists in the reader's thread, only when asked for the next folder,
    /// depth first and by name: a walk that repeats exactly.
    pub fn new(filesystem: Arc<dyn Filesystem>, threads: usize) -> Self {
        Self { filesystem, threads }
    }
}

impl Walker for TreeWalker {
    fn walk(&self, root: &AbsPath, prune: Arc<dyn Prune>) -> Fs<Walk> {
        let visit = Visit { tree: self.filesystem.source(root)?, prune };
        let first = visit.sort(RelPath::root(), visit.tree.listing(&RelPath::root())?);
        Ok(if self.threads < 2 {
            Box::new(InPlace { stack: below(&first), first: Some(first), visit })
        } else {
            Box::new(Parallel::start(visit, first, self.threads)?)
        })
    }
}

/// How to look at a folder.
struct Visit {
    tree: Arc<dyn ReadTree>,
    prune: Arc<dyn Prune>,
}

impl Visit {
    fn sort(&self, dir: RelPath, mut listing: Listing) -> Visited {
        listing.entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Visited::sorted(dir, listing, &*self.prune)
    }

    fn folder(&self, dir: RelPath) -> Visited {
        match self.tree.listing(&dir) {
            Ok(listing) => self.sort(dir, listing),
            Err(error) => Visited::empty(dir, Err(error)),
        }
    }
}

/// The folders in a folder, the first one last.
fn below(visited: &Visited) -> Vec<RelPath> {
    visited.folders.iter().rev().map(|name| visited.dir.join(name)).collect()
}

struct InPlace {
    first: Option<Visited>,
    stack: Vec<RelPath>,
    visit: Visit,
}

impl Iterator for InPlace {
    type Item = Visited;

    fn next(&mut self) -> Option<Visited> {
        self.first.take().or_else(|| {
            let visited = self.visit.folder(self.stack.pop()?);
            self.stack.extend(below(&visited));
            Some(visited)
        })
    }
}

struct Parallel {
    first: Option<Visited>,
    /// Taken only by dropping.
    found: Option<Receiver<Visited>>,
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

/// Folders to visit, last in first out, which keeps the list short.
#[derive(Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Default)]
struct QueueState {
    stack: Vec<RelPath>,
    busy: usize,
    stopped: bool,
}

/// A folder in work; when it is dropped, the work is over.
struct Turn<'a> {
    queue: &'a Queue,
    more: Vec<RelPath>,
}

impl Parallel {
    fn start(visit: Visit, first: Visited, threads: usize) -> Fs<Self> {
        let state = QueueState { stack: below(&first), ..QueueState::default() };
        let queue = Arc::new(Queue { state: Mutex::new(state), changed: Condvar::new() });
        let (sender, found) = sync_channel(AHEAD);
        let visit = Arc::new(visit);
        let mut parallel = Self { first: Some(first), found: Some(found), queue, threads: Vec::new() };
        for number in 0..threads {
            let (queue, visit, sender) = (Arc::clone(&parallel.queue), Arc::clone(&visit), sender.clone());
            let started = thread::Builder::new()
                .name(format!("walk-{number}"))
                .spawn(move || work(&queue, &visit, &sender));
            let thread = started.map_err(|source| FsError {
                source,
                ..FsError::new("start a thread for", b"", mama_ports::filesystem::FsErrorKind::Other)
            })?;
            parallel.threads.push(thread);
        }
        Ok(parallel)
    }

    fn join(&mut self) -> thread::Result<()> {
        self.threads.drain(..).try_for_each(JoinHandle::join)
    }
}

impl Iterator for Parallel {
    type Item = Visited;

    fn next(&mut self) -> Option<Visited> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        let visited = self.found.as_ref()?.recv().ok();
        if visited.is_none()
            && let Err(panic) = self.join()
        {
            resume_unwind(panic);
        }
        visited
    }
}

impl Drop for Parallel {
    fn drop(&mut self) {
        self.queue.stop();
        // Wakes those who wait for room.
        drop(self.found.take());
        // A panic has been reported by its thread, and there is nobody left to tell.
        self.join().ok();
    }
}

impl Queue {
    fn locked(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stop(&self) {
        self.locked().stopped = true;
        self.changed.notify_all();
    }

    /// The next folder, as soon as there is one; `None` once there will be none.
    fn next(&self) -> Option<(RelPath, Turn<'_>)> {
        let mut state = self.locked();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(dir) = state.stack.pop() {
                state.busy += 1;
                return Some((dir, Turn { queue: self, more: Vec::new() }));
            }
            if state.busy == 0 {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.locked();
        state.busy -= 1;
        state.stopped |= thread::panicking();
        state.stack.append(&mut self.more);
        drop(state);
        self.queue.changed.notify_all();
    }
}

fn work(queue: &Queue, visit: &Visit, found: &SyncSender<Visited>) {
    while let Some((dir, mut turn)) = queue.next() {
        let visited = visit.folder(dir);
        let more = below(&visited);
        // Sent before those below it can be taken up: a folder comes before those in it.
        if found.send(visited).is_err() {
            queue.stop();
            return;
        }
        turn.more = more;
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::filesystem::Entry;
    use mama_ports::vocab::FileName;
    use mama_ports::walker::KeepAll;

    use super::*;
    use crate::fs::memory::MemoryFs;

    fn names(walk: Walk) -> Vec<String> {
        walk.map(|visited| visited.dir.to_string()).collect()
    }

    fn world() -> (MemoryFs, AbsPath) {
        let disk = MemoryFs::new();
        for at in ["/s/b/x/f", "/s/b/y/f", "/s/a/f", "/s/.hidden/f"] {
            disk.write(at, "");
        }
        (disk, AbsPath::parse("/s").unwrap())
    }

    #[test]
    fn one_thread_goes_depth_first_and_by_name_and_only_as_far_as_asked() {
        let (disk, root) = world();
        let mut walk = TreeWalker::new(Arc::new(disk.clone()), 1).walk(&root, Arc::new(KeepAll)).unwrap();
        assert!(walk.next().is_some());
        let steps = disk.steps();
        assert!(walk.next().is_some());
        assert_eq!(disk.steps(), steps + 1);
        assert_eq!(names(walk), ["a", "b", "b/x", "b/y"]);
    }

    #[test]
    fn what_may_not_be_read_is_reported_and_the_rest_is_walked() {
        let (disk, root) = world();
        disk.forbid_reading("/s/b");
        disk.forbid_asking("/s/a/f");
        for threads in [1, 3] {
            let walker = TreeWalker::new(Arc::new(disk.clone()), threads);
            let walk = walker.walk(&root, Arc::new(KeepAll)).unwrap();
            let (failed, listed): (Vec<_>, Vec<_>) = walk.partition(|visited| visited.listing.is_err());
            assert_eq!(failed.iter().map(|visited| visited.dir.to_string()).collect::<Vec<_>>(), ["b"]);
            let unreadable: usize = listed.iter().map(|visited| visited.unreadable.len()).sum();
            assert_eq!((listed.len(), unreadable), (3, 1));
        }
    }

    #[test]
    fn a_disk_below_the_root_has_a_device_of_its_own() {
        let (disk, root) = world();
        disk.plug("usb", "/s/b/x");
        disk.write("/s/b/x/deep/f", "");
        let walk = TreeWalker::new(Arc::new(disk), 1).walk(&root, Arc::new(KeepAll)).unwrap();
        let devices: Vec<_> = walk.map(|visited| (visited.dir.to_string(), visited.device)).collect();
        let of = |dir: &str| devices.iter().find(|(at, _)| at == dir).map(|(_, device)| device.unwrap());
        assert_eq!((of("a"), of("b"), of("b/y")), (of(""), of(""), of("")));
        assert_ne!(of("b/x"), of(""));
        assert_eq!(of("b/x/deep"), of("b/x"));
    }

    #[test]
    fn a_panic_in_a_thread_reaches_the_reader() {
        struct Bad;
        impl Prune for Bad {
            fn keep(&self, dir: &RelPath, entries: &[Entry]) -> Vec<bool> {
                assert!(*dir != RelPath::from(&FileName::parse("b").unwrap()), "on purpose");
                vec![true; entries.len()]
            }
        }
        let (disk, root) = world();
        let walk = TreeWalker::new(Arc::new(disk), 3).walk(&root, Arc::new(Bad)).unwrap();
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| names(walk))).is_err());
    }
}
