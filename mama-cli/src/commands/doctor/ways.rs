//! How files come into the archive from where, tried.

use mama_domain::archive::Archive;
use mama_ports::filesystem::{Cloned, Fs, FsErrorKind, ReadHandle, ReadTree};
use mama_ports::repository::Totals;
use mama_ports::vocab::{AbsPath, FileKind, RelPath};

use super::{Check, staged};
use crate::compose::App;

/// A larger file is not tried: where it is copied, that would take too long (bytes).
const LARGEST: u64 = 16 << 20;
/// Folders that are looked through for a file to try.
const FOLDERS: usize = 100;

/// One for each root of this host that holds a file to try.
pub(super) fn checks(app: &App, archive: &Archive, totals: &Totals) -> Vec<Check> {
    let own = totals.roots.iter().map(|root| &root.root).filter(|root| root.host == app.host);
    own.filter_map(|root| way(app, archive, &root.basedir)).collect()
}

fn way(app: &App, archive: &Archive, root: &AbsPath) -> Option<Check> {
    let tree = app.outside.fs.source(root).ok()?;
    let source = some_file(&*tree)?;
    let how = match take(archive, &*source) {
        Ok(Some(Cloned::Shared)) => "come in instantly, sharing blocks",
        Ok(Some(Cloned::MayBeCopied)) => {
            "are taken over by the kernel, which shares their blocks if the pool can; they count as copied"
        }
        Ok(None) => "are copied, or hard-linked where that is allowed and they are on the archive's disk",
        Err(error) => {
            return Some(Check::bad("way in", &error.into()));
        }
    };
    Some(Check::ok("way in", format!("files from {root} {how}")))
}

/// Clones a file into the staging area, and takes it away again.
pub(super) fn take(archive: &Archive, source: &dyn ReadHandle) -> Fs<Option<Cloned>> {
    let (tree, to) = (archive.tree(), staged("doctor.to"));
    let taken = match tree.reflink_from(source, &to) {
        Ok(cloned) => Ok(Some(cloned)),
        Err(error) if matches!(error.kind, FsErrorKind::Unsupported | FsErrorKind::CrossDevice) => Ok(None),
        Err(error) => Err(error),
    };
    match tree.unlink(&to) {
        Err(error) if !error.is_not_found() => Err(error),
        Ok(()) | Err(_) => taken,
    }
}

/// A file that has content and can be read, not far below the root.
fn some_file(tree: &dyn ReadTree) -> Option<Box<dyn ReadHandle>> {
    let mut folders = vec![RelPath::root()];
    for _ in 0..FOLDERS {
        let folder = folders.pop()?;
        for entry in tree.list(&folder).unwrap_or_default() {
            let (path, Ok(facts)) = (folder.join(&entry.name), entry.facts) else { continue };
            match facts.kind {
                FileKind::Directory => folders.push(path),
                FileKind::File if (1..=LARGEST).contains(&facts.size) => {
                    if let Ok(file) = tree.open(&path) {
                        return Some(file);
                    }
                }
                FileKind::File | FileKind::Symlink | FileKind::Special => {}
            }
        }
    }
    None
}
