//! What a scan leaves out: archives, the litter of systems and programs, `--exclude`, and `.mamaignore` files.
//!
//! Its own archive is known by what it is, under any name; somebody else's, such as one that is mounted over a network, by
//! its marker.
//!
//! Patterns are gitignore's. `--exclude` beats the `.mamaignore` of a deeper folder, which beats that of a higher one, which
//! beats the built-in list; `!pattern` takes a file in again that a weaker pattern leaves out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use mama_ports::events::{Event, EventSink, Trouble};
use mama_ports::filesystem::{Entry, ReadTree};
use mama_ports::vocab::{AbsPath, FileId, FileKind, FileName, RelPath};
use mama_ports::walker::Prune;

use crate::{archive, layout};

/// The file whose lines say what to leave out in its folder and below.
pub const IGNORE_FILE: &str = ".mamaignore";

/// A `.mamaignore` beyond this many bytes is not read on.
const LONGEST_IGNORE_FILE: u64 = 1 << 20;

/// What no family calls media.
pub const BUILT_IN: &[&str] = &[
    IGNORE_FILE,
    // Syncthing
    ".stfolder/",
    ".stversions/",
    ".stignore",
    ".stfolder.removed-*/",
    "~syncthing~*.tmp",
    ".syncthing.*.tmp",
    // thumbnail caches
    ".thumbnails/",
    ".thumbs/",
    "@eaDir/",
    ".@__thumb/",
    "Thumbs.db",
    "Thumbs.db:encryptable",
    "ehthumbs.db",
    // trash
    ".Trash/",
    ".Trash-*/",
    ".Trashes/",
    "$RECYCLE.BIN/",
    ".dtrash/",
    "#recycle/",
    "@Recycle/",
    // litter of systems
    ".DS_Store",
    "._*",
    ".Spotlight-V100/",
    ".fseventsd/",
    ".TemporaryItems/",
    ".DocumentRevisions-V100/",
    ".AppleDouble/",
    "desktop.ini",
    "System Volume Information/",
    "lost+found/",
    ".directory",
    // snapshots of file systems: the same files again
    ".zfs/",
    ".snapshots/",
    ".btrfs/",
];

/// A pattern that is none.
#[derive(Debug, thiserror::Error)]
#[error("`{pattern}` is not a pattern")]
pub struct InvalidPattern {
    pattern: String,
    source: ignore::Error,
}

/// Decides for one scan what belongs to it.
pub struct Ignoring {
    root: AbsPath,
    tree: Arc<dyn ReadTree>,
    archive: Option<FileId>,
    excluded: Gitignore,
    built_in: Gitignore,
    by_folder: RwLock<BTreeMap<RelPath, Gitignore>>,
    events: Arc<dyn EventSink>,
}

impl Ignoring {
    /// Rules for the scan of `tree` at `root`; the folder that is `archive` is left out by what it is, and not worth a word.
    pub fn new(
        root: AbsPath,
        tree: Arc<dyn ReadTree>,
        archive: Option<FileId>,
        excludes: &[String],
        events: Arc<dyn EventSink>,
    ) -> Result<Self, InvalidPattern> {
        let excluded = patterns(excludes.iter().map(String::as_str))?;
        let built_in = patterns(BUILT_IN.iter().copied())?;
        Ok(Self { root, tree, archive, excluded, built_in, by_folder: RwLock::default(), events })
    }

    fn is_ignored(&self, dir: &RelPath, name: &FileName, is_dir: bool) -> bool {
        let path = dir.join(name);
        let rules = self.by_folder.read().unwrap_or_else(PoisonError::into_inner);
        let folders = std::iter::successors(Some(dir.clone()), RelPath::parent);
        let own = folders.filter_map(|folder| {
            let below = if folder.is_root() {
                path.as_bytes()
            } else {
                &path.as_bytes()[folder.as_bytes().len() + 1..]
            };
            rules.get(&folder).map(|rules| matched(rules, below, is_dir))
        });
        let verdicts = std::iter::once(matched(&self.excluded, path.as_bytes(), is_dir))
            .chain(own)
            .chain(std::iter::once_with(|| matched(&self.built_in, path.as_bytes(), is_dir)));
        verdicts.flatten().next().unwrap_or(false)
    }

    /// Reads a folder's own `.mamaignore`, and says so if something in it cannot be read.
    fn learn(&self, dir: &RelPath, file: &RelPath) {
        let mut text = Vec::new();
        let read = self
            .tree
            .open(file)
            .map_err(|error| error.source)
            .and_then(|handle| handle.take(LONGEST_IGNORE_FILE).read_to_end(&mut text));
        if let Err(error) = read {
            self.warn(file, format!("cannot be read, so nothing is ignored because of it: {error}"));
            return;
        }
        let mut builder = GitignoreBuilder::new("");
        for line in String::from_utf8_lossy(&text).lines() {
            if let Err(error) = builder.add_line(None, line) {
                self.warn(file, format!("the line `{line}` is not a pattern: {error}"));
            }
        }
        match builder.build() {
            Ok(rules) => {
                self.by_folder.write().unwrap_or_else(PoisonError::into_inner).insert(dir.clone(), rules);
            }
            Err(error) => self.warn(file, format!("its patterns cannot be used: {error}")),
        }
    }

    /// Whether the folder holds the marker of an archive; asks only where there is a folder for it. Says so if it does, or if nobody can tell.
    fn is_archive(&self, dir: &RelPath, entries: &[Entry]) -> bool {
        let is_housekeeping = |Entry { name, facts }: &Entry| {
            name.as_bytes() == layout::HOUSEKEEPING.as_bytes()
                && facts.as_ref().is_ok_and(|facts| facts.kind == FileKind::Directory)
        };
        if !entries.iter().any(is_housekeeping) {
            return false;
        }
        let reason = match archive::is_one(&*self.tree, dir) {
            Ok(false) => return false,
            Ok(true) => "is a mama archive, so nothing in it was scanned".to_owned(),
            Err(error) => {
                format!("may be a mama archive, so nothing in it was scanned: {}", error.source)
            }
        };
        self.warn(dir, reason);
        true
    }

    fn warn(&self, file: &RelPath, reason: String) {
        self.events.emit(Event::Trouble(Trouble::warning(&self.root, file, reason)));
    }
}

impl Prune for Ignoring {
    fn keep(&self, dir: &RelPath, entries: &[Entry]) -> Vec<bool> {
        if self.is_archive(dir, entries) {
            return vec![false; entries.len()];
        }
        let is_file = |entry: &Entry| entry.facts.as_ref().is_ok_and(|facts| facts.kind == FileKind::File);
        let own =
            entries.iter().find(|entry| entry.name.as_bytes() == IGNORE_FILE.as_bytes() && is_file(entry));
        if let Some(own) = own {
            self.learn(dir, &dir.join(&own.name));
        }
        entries
            .iter()
            .map(|Entry { name, facts }| {
                let is_dir = facts.as_ref().is_ok_and(|facts| facts.kind == FileKind::Directory);
                let is_archive = facts.as_ref().is_ok_and(|facts| Some(facts.id) == self.archive);
                !is_archive && !self.is_ignored(dir, name, is_dir)
            })
            .collect()
    }
}

fn patterns<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Gitignore, InvalidPattern> {
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        let invalid = |source| InvalidPattern { pattern: line.to_owned(), source };
        builder.add_line(None, line).map_err(invalid)?;
    }
    builder.build().map_err(|source| InvalidPattern { pattern: String::new(), source })
}

/// `None`: no pattern speaks of it.
fn matched(rules: &Gitignore, path: &[u8], is_dir: bool) -> Option<bool> {
    match rules.matched(Path::new(OsStr::from_bytes(path)), is_dir) {
        Match::None => None,
        Match::Ignore(_) => Some(true),
        Match::Whitelist(_) => Some(false),
    }
}
