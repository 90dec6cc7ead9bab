//! How files come into the archive from where, tried.

use mama_domain::archive::{Archive, Transfer, Transfers};
use mama_ports::filesystem::{Cloned, Fs, FsErrorKind, ReadHandle, ReadTree};
use mama_ports::repository::Totals;
use mama_ports::vocab::{FileFacts, FileKind, RelPath, ScanRoot};

use super::{Check, staged};
use crate::compose::App;

/// A larger file is not tried: where it is copied, that would take too long (bytes).
const LARGEST: u64 = 16 << 20;
/// Folders that are looked through for a file to try.
const FOLDERS: usize = 100;

/// One for each root of this host that holds a file to try, by the first way of its kind that is open to it.
pub(super) fn checks(app: &App, archive: &Archive, totals: &Totals, transfers: &Transfers) -> Vec<Check> {
    let own = totals.roots.iter().map(|root| &root.root).filter(|root| root.host == app.host);
    let way = |root: &ScanRoot| {
        let ways = transfers.get(&root.kind).map_or(&[][..], Vec::as_slice);
        let tree = app.outside.fs.source(&root.basedir).ok()?;
        let source = some_file(&*tree)?;
        let (kind, basedir) = (root.kind, &root.basedir);
        Some(match how(archive, &*source, ways) {
            Ok(how) => Check::ok("way in", format!("files from {basedir} ({kind}) {how}")),
            Err(error) => Check::bad("way in", &error.into()),
        })
    };
    own.filter_map(way).collect()
}

fn how(archive: &Archive, source: &dyn ReadHandle, ways: &[Transfer]) -> Fs<&'static str> {
    let device = |id: Option<FileFacts>| id.map(|facts| facts.id.device);
    let is_on_its_disk = device(Some(source.facts()?)) == device(archive.tree().facts(&RelPath::root())?);
    for way in ways {
        match way {
            Transfer::Clone => match take(archive, source)? {
                Some(Cloned::Shared) => return Ok("come in instantly, sharing blocks"),
                Some(Cloned::MayBeCopied) => {
                    return Ok(
                        "are taken over by the kernel, which shares their blocks if the pool can; they count as copied",
                    );
                }
                None => {}
            },
            Transfer::Link if is_on_its_disk => {
                return Ok(
                    "are hard-linked, and read-only from then on, where nobody else may change them; else copied",
                );
            }
            Transfer::Link => {}
            Transfer::Copy => break,
        }
    }
    Ok("are copied")
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
