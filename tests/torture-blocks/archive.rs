//! What must be true of an archive at any moment, told from its files and the catalog's views.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use crate::Outcome;

fn open(catalog: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(catalog, flags)
}

/// What the catalog says was done.
pub(crate) struct Done {
    /// Where a content is stored.
    stored: Vec<String>,
    /// Which view shows which content.
    placed: Vec<(String, String)>,
    /// How many sightings were dealt with; a view that is replaced takes none back.
    assigned: u32,
}

impl Done {
    /// Only what a commit has made durable can be read.
    pub(crate) fn read(catalog: &Path) -> rusqlite::Result<Self> {
        let mut catalog = open(catalog)?;
        let catalog = catalog.transaction()?;
        let mut stored = catalog.prepare("SELECT storage_path FROM blobs WHERE storage_path IS NOT NULL")?;
        let mut placed =
            catalog.prepare("SELECT view_path, blob_hash FROM observations WHERE placement = 'placed'")?;
        let placed = placed.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let assigned = "SELECT count(*) FROM observations WHERE status = 'assigned'";
        Ok(Self {
            stored: stored.query_map((), |row| row.get(0))?.collect::<Result<_, _>>()?,
            placed: placed.collect::<Result<_, _>>()?,
            assigned: catalog.query_row(assigned, (), |row| row.get(0))?,
        })
    }

    /// It only grows, with this corpus.
    pub(crate) fn count(&self) -> usize {
        self.stored.len() + self.assigned as usize
    }
}

/// Everything that is wrong, in words; the catalog had said that `acknowledged` things were done.
pub(crate) fn violations(archive: &Path, catalog: &Path, acknowledged: usize) -> Outcome<Vec<String>> {
    let (mut wrong, mut inodes) = (Vec::new(), BTreeMap::new());
    for path in files(&archive.join("blobs"))? {
        let name = path.strip_prefix(archive)?.display().to_string();
        let content = fs::read(&path)?;
        let hash = blake3::hash(&content).to_hex();
        if name != format!("blobs/{}/{}/{hash}", &hash[..2], &hash[2..4]) {
            wrong.push(format!("{name} has {} bytes of another content", content.len()));
        }
        let facts = fs::metadata(&path)?;
        if facts.mode() & 0o777 != 0o444 {
            wrong.push(format!("{name} has mode {:o}", facts.mode()));
        }
        inodes.insert(facts.ino(), name);
    }
    for view in files(&archive.join("views"))? {
        if !inodes.contains_key(&fs::metadata(&view)?.ino()) {
            wrong.push(format!("{} is no name of a content", view.display()));
        }
    }

    let named: BTreeSet<&String> = inodes.values().collect();
    let done = Done::read(catalog)?;
    for path in done.stored.iter().filter(|path| !named.contains(path)) {
        wrong.push(format!("{path} is stored, says the catalog, and is not there"));
    }
    for (view, hash) in &done.placed {
        let shown = fs::metadata(archive.join(view)).ok().and_then(|facts| inodes.get(&facts.ino()));
        if !shown.is_some_and(|blob| blob.ends_with(hash)) {
            wrong.push(format!("{view} shows {hash}, says the catalog, and shows {shown:?}"));
        }
    }
    if done.count() < acknowledged {
        wrong.push(format!("{acknowledged} things were done, and the catalog knows of {}", done.count()));
    }
    let catalog = open(catalog)?;
    let sound: String = catalog.query_row("PRAGMA quick_check", (), |row| row.get(0))?;
    if sound != "ok" {
        wrong.push(format!("the catalog is damaged: {sound}"));
    }
    Ok(wrong)
}

/// What is wrong once everything below `source` was scanned and applied: a file without a view that shows it.
pub(crate) fn unseen(archive: &Path, kind: &str, source: &Path) -> Outcome<Vec<String>> {
    let mut wrong = Vec::new();
    for file in files(source)? {
        let view = archive.join("views").join(kind).join(file.strip_prefix("/")?);
        match fs::read(&view) {
            Ok(shown) if shown == fs::read(&file)? => {}
            shown => {
                wrong.push(format!("{} is shown as {:?}", file.display(), shown.map(|bytes| bytes.len())))
            }
        }
    }
    Ok(wrong)
}

/// Every file below a folder: path, inode and time of change, so that nothing can be done to one unnoticed.
pub(crate) fn listing(folder: &Path) -> Outcome<BTreeMap<PathBuf, (u64, i64, i64)>> {
    let facts = |path: PathBuf| fs::metadata(&path).map(|f| (path, (f.ino(), f.ctime(), f.ctime_nsec())));
    Ok(files(folder)?.into_iter().map(facts).collect::<io::Result<_>>()?)
}

fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { folders.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    Ok(found)
}
