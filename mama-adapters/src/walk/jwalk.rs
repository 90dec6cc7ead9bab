//! A walker on jwalk.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use jwalk::{Parallelism, WalkDir, rayon};
use mama_ports::filesystem::{Entry, Fs, FsError, FsErrorKind, Listing};
use mama_ports::vocab::{AbsPath, FileKind, FileName, RelPath};
use mama_ports::walker::{Prune, Visited, Walk, Walker};
use rustix::io::Errno;

use crate::fs::posix::{device_of_path, facts_of_path, failed, kind_of};

/// How many folders the threads may run ahead of the reader.
const AHEAD: usize = 64;

type Item = jwalk::DirEntry<((), ())>;
type Items = Vec<jwalk::Result<Item>>;

/// Walks the file systems of this machine with jwalk: portable, by whole paths.
///
/// What has a path of more than 4,095 bytes is reported as unreadable.
#[derive(Debug, Clone, Copy)]
pub struct JwalkWalker {
    threads: usize,
}

impl JwalkWalker {
    /// A walker that gets so many threads for each walk, at least two.
    pub fn new(threads: usize) -> Self {
        Self { threads: threads.max(2) }
    }
}

impl Walker for JwalkWalker {
    fn walk(&self, root: &AbsPath, prune: Arc<dyn Prune>) -> Fs<Walk> {
        let (sender, found) = sync_channel(AHEAD);
        let device = device_of_path(root).map_err(|errno| failed("list", root.as_bytes(), errno))?;
        let devices = Arc::new(Mutex::new(HashMap::from([(RelPath::root(), device)])));
        let visit = Visit { root: root.clone(), prune, devices, found: sender };
        let unavailable = |error: &dyn ToString| FsError {
            source: std::io::Error::other(error.to_string()),
            ..FsError::new("start threads to walk", root.as_bytes(), FsErrorKind::Other)
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build();
        let pool = Arc::new(pool.map_err(|error| unavailable(&error))?);
        let driver = thread::Builder::new().name("jwalk".into()).spawn(move || drive(visit, pool));
        let mut walk = Jwalked {
            first: None,
            found: Some(found),
            driver: Some(driver.map_err(|error| unavailable(&error))?),
        };
        let mut first = walk.next().ok_or_else(|| failed("list", root.as_bytes(), Errno::NOTDIR))?;
        std::mem::replace(&mut first.listing, Ok(()))?;
        walk.first = Some(first);
        Ok(Box::new(walk))
    }
}

/// What a thread has to say: a folder, or that it panicked.
type Said = thread::Result<Visited>;

/// How to look at a folder.
#[derive(Clone)]
struct Visit {
    root: AbsPath,
    prune: Arc<dyn Prune>,
    /// The devices of folders that are yet to be listed.
    devices: Arc<Mutex<HashMap<RelPath, u64>>>,
    found: SyncSender<Said>,
}

/// Runs jwalk to its end. Folders are reported from its callback, a parent before jwalk hears of its children; its own
/// iterator only tells of folders that could not be opened.
fn drive(visit: Visit, pool: Arc<rayon::ThreadPool>) {
    let visitor = visit.clone();
    let walk = WalkDir::new(Path::new(std::ffi::OsStr::from_bytes(visit.root.as_bytes())))
        .skip_hidden(false)
        .follow_links(false)
        .parallelism(Parallelism::RayonExistingPool { pool, busy_timeout: None })
        .process_read_dir(move |depth, path, _, entries| {
            // Without a depth, the only entry is the root itself.
            if depth.is_some() {
                visitor.folder(path, entries);
            }
        });
    for item in walk {
        let failure = match item {
            Err(error) => Some(error),
            Ok(entry) => entry.read_children_error,
        };
        if let Some(error) = failure
            && !visit.unlisted(error)
        {
            return;
        }
    }
}

impl Visit {
    fn relative(&self, path: &Path) -> Option<RelPath> {
        AbsPath::parse(path.as_os_str().as_bytes()).ok()?.below(&self.root)
    }

    /// Reports a folder, and leaves jwalk the folders in it that belong to the walk. Not one, if nobody listens any more.
    fn folder(&self, path: &Path, entries: &mut Items) {
        let listed = std::mem::take(entries);
        let said = catch_unwind(AssertUnwindSafe(|| self.sorted(path, listed)));
        let (said, folders) = match said {
            Ok((visited, folders)) => (Ok(visited), folders),
            Err(panic) => (Err(panic), Vec::new()),
        };
        if self.found.send(said).is_ok() {
            *entries = folders;
        }
    }

    fn devices(&self) -> MutexGuard<'_, HashMap<RelPath, u64>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The device of a folder that has been listed. A path may have led elsewhere meanwhile: then the listing proves nothing.
    fn device(&self, dir: &RelPath) -> Fs<u64> {
        let path = self.root.join(dir);
        let before = self.devices().remove(dir);
        let after = device_of_path(&path).map_err(|errno| failed("list", path.as_bytes(), errno))?;
        if before == Some(after) {
            Ok(after)
        } else {
            Err(FsError {
                source: std::io::Error::other("another disk was mounted there meanwhile"),
                ..FsError::new("list", path.as_bytes(), FsErrorKind::Other)
            })
        }
    }

    fn sorted(&self, path: &Path, listed: Items) -> (Visited, Items) {
        let dir = self.relative(path).unwrap_or_default();
        let mut listing = Ok(());
        let mut entries = Vec::with_capacity(listed.len());
        let mut of_jwalk = Vec::new();
        for item in listed {
            match item.map_err(|error| self.explained(error)).and_then(|item| self.entry(&dir, item)) {
                Ok(Some((entry, item))) => {
                    entries.push(entry);
                    of_jwalk.push(item);
                }
                Ok(None) => {}
                Err(error) => listing = Err(error),
            }
        }
        let device = self.device(&dir);
        let is_folder =
            |entry: &Entry| entry.facts.as_ref().is_ok_and(|facts| facts.kind == FileKind::Directory);
        for Entry { name, facts } in entries.iter().filter(|entry| is_folder(entry)) {
            self.devices().extend(facts.iter().map(|facts| (dir.join(name), facts.id.device)));
        }
        let listed = Listing { device: device.as_ref().copied().unwrap_or_default(), entries };
        let mut visited = Visited::sorted(dir, listed, &*self.prune);
        visited.device = device.as_ref().ok().copied();
        for pruned in &visited.pruned {
            self.devices().remove(&visited.dir.join(pruned));
        }
        if let Err(elsewhere) = device {
            visited.listing = Err(elsewhere);
            return (visited, Items::new());
        }
        visited.listing = listing;
        let mut folders = visited.folders.iter().peekable();
        of_jwalk.retain_mut(|item| {
            let wanted = folders.next_if(|name| name.as_bytes() == item.file_name.as_bytes()).is_some();
            // Set here, because jwalk may have taken it for something else before it was asked what it is.
            item.read_children_path = wanted.then(|| item.path().into());
            wanted
        });
        (visited, of_jwalk.into_iter().map(Ok).collect())
    }

    fn entry(&self, dir: &RelPath, item: Item) -> Fs<Option<(Entry, Item)>> {
        let name = FileName::parse(item.file_name.as_bytes()).map_err(|source| FsError {
            source: std::io::Error::other(source),
            ..FsError::new("list", self.root.join(dir).as_bytes(), FsErrorKind::NameTooLong)
        })?;
        let path = self.root.join(&dir.join(&name));
        let facts = match facts_of_path(&path) {
            Err(Errno::NOENT) => return Ok(None),
            asked => asked.map_err(|errno| failed("look at", path.as_bytes(), errno)),
        };
        Ok(Some((Entry { name, facts }, item)))
    }

    /// Reports a folder that could not be listed; whether anybody listened.
    fn unlisted(&self, error: jwalk::Error) -> bool {
        let dir = error.path().and_then(|path| self.relative(path)).unwrap_or_default();
        self.devices().remove(&dir);
        self.found.send(Ok(Visited::empty(dir, Err(self.explained(error))))).is_ok()
    }

    fn explained(&self, error: jwalk::Error) -> FsError {
        let path = error.path().map_or(self.root.as_bytes(), |path| path.as_os_str().as_bytes()).to_vec();
        let kind = error.io_error().and_then(Errno::from_io_error).map_or(FsErrorKind::Other, kind_of);
        FsError { op: "list", path, kind, source: error.into() }
    }
}

struct Jwalked {
    first: Option<Visited>,
    /// Taken only by dropping.
    found: Option<Receiver<Said>>,
    driver: Option<JoinHandle<()>>,
}

impl Iterator for Jwalked {
    type Item = Visited;

    fn next(&mut self) -> Option<Visited> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        match self.found.as_ref()?.recv() {
            Ok(Ok(visited)) => Some(visited),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => {
                let driver = self.driver.take()?;
                driver.join().unwrap_or_else(|panic| resume_unwind(panic));
                None
            }
        }
    }
}

impl Drop for Jwalked {
    fn drop(&mut self) {
        // Wakes those who wait for room, and leaves jwalk nothing to do.
        drop(self.found.take());
        if let Some(driver) = self.driver.take() {
            // A panic has been reported by its thread, and there is nobody left to tell.
            driver.join().ok();
        }
    }
}
