//! Making an archive, and opening one.

use std::io::{BufRead, BufReader, Read, Write};
use std::sync::Arc;

use mama_ports::content::ContentHasher;
use mama_ports::filesystem::{Filesystem, FsError, FsErrorKind, ReadTree, WriteTree};
use mama_ports::vocab::{AbsPath, ArchiveId, FileKind, RelPath};

use super::Archive;
use super::manifests::HEADER_ROOM;
use crate::layout;
use crate::manifest::{BadHeader, Header};

/// The first line of the marker; it would change if the layout did.
const FORMAT: &str = "mama archive 1";

/// Why there is no archive to work with.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The folder is no archive.
    #[error("{0} is not a mama archive; make one with `mama init {0}`")]
    NotOne(AbsPath),
    /// It was made by a later version of mama.
    #[error("{root} is an archive of another version of mama (`{format}`); use that version, or a newer one")]
    OtherFormat {
        /// Where.
        root: AbsPath,
        /// The marker's first line.
        format: String,
    },
    /// Its marker makes no sense.
    #[error("{0}/.mama/archive is damaged: it names no archive id")]
    BadMarker(AbsPath),
    /// Files are in the folder.
    #[error("{0} holds files already; an archive starts in a new or empty folder")]
    NotEmpty(AbsPath),
    /// It holds contents, and nothing says which archive it is.
    #[error(
        "{0} holds the contents of an archive that lost its marker .mama/archive; is .mama a disk of its own that is not mounted? If it is lost, `mama rebuild` makes it anew, and the catalog if that is lost too; if the catalog is in a database, run `mama init` with that"
    )]
    MarkerLost(AbsPath),
    /// It would lie in another archive.
    #[error("{root} lies in the archive {outer}; an archive does not hold another one")]
    Inside {
        /// Where it would be.
        root: AbsPath,
        /// The other archive.
        outer: AbsPath,
    },
    /// The disk refuses.
    #[error("cannot use {root} as an archive")]
    Filesystem {
        /// Where.
        root: AbsPath,
        /// The cause.
        source: FsError,
    },
}

/// The id of an archive that is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A new one.
    New(ArchiveId),
    /// The one that its catalog or its manifests know: an archive that lost its marker gets it back.
    Known(ArchiveId),
}

/// What is left of an archive that lost its marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remains {
    /// Manifests, which know its id.
    Manifests(ArchiveId),
    /// Contents only.
    Contents,
}

/// Whether there is an archive at `root`, whoever's.
pub fn is_archive(fs: &dyn Filesystem, root: &AbsPath) -> Result<bool, ArchiveError> {
    let failed = |source| ArchiveError::Filesystem { root: root.clone(), source };
    match fs.source(root) {
        Err(error) if error.is_not_found() => Ok(false),
        tree => is_one(&*tree.map_err(failed)?, &RelPath::root()).map_err(failed),
    }
}

/// What is left at `root` of an archive without a marker; `None`: nothing, or its marker is there.
pub fn remains(fs: &dyn Filesystem, root: &AbsPath) -> Result<Option<Remains>, ArchiveError> {
    let failed = |source| ArchiveError::Filesystem { root: root.clone(), source };
    if is_archive(fs, root)? {
        return Ok(None);
    }
    let tree = match fs.source(root) {
        Err(error) if error.is_not_found() => return Ok(None),
        tree => tree.map_err(failed)?,
    };
    if let Some(id) = id_in_manifests(&*tree, root)? {
        return Ok(Some(Remains::Manifests(id)));
    }
    Ok(has_content_folders(&*tree).map_err(failed)?.then_some(Remains::Contents))
}

/// Whether anything in the folder of contents is named as mama names what is there: somebody else's folder may be called `blobs`, too.
fn has_content_folders(tree: &dyn ReadTree) -> Result<bool, FsError> {
    let entries = match tree.list(&layout::blobs()) {
        Err(error) if error.is_not_found() => return Ok(false),
        entries => entries?,
    };
    let is_ours = |name: &[u8]| name.len() == 2 && name.iter().all(u8::is_ascii_hexdigit);
    Ok(entries.iter().any(|entry| is_ours(entry.name.as_bytes())))
}

/// The id in the last manifest that is not damaged; one that cannot be read is an error, or the archive would be taken for another.
fn id_in_manifests(tree: &dyn ReadTree, root: &AbsPath) -> Result<Option<ArchiveId>, ArchiveError> {
    let failed = |source| ArchiveError::Filesystem { root: root.clone(), source };
    let entries = match tree.list(&layout::manifests()) {
        Err(error) if error.is_not_found() => return Ok(None),
        entries => entries.map_err(failed)?,
    };
    let mut generations: Vec<u64> =
        entries.iter().filter_map(|entry| layout::manifest_number(&entry.name)).collect();
    generations.sort_unstable();
    for generation in generations.into_iter().rev() {
        let path = layout::manifest_path(generation);
        let file = tree.open(&path).map_err(failed)?;
        let mut line = Vec::new();
        BufReader::new(file.take(HEADER_ROOM))
            .read_until(b'\n', &mut line)
            .map_err(|error| failed(FsError::of_stream("read", path.as_bytes(), error)))?;
        match Header::parse(&line) {
            Ok(header) => return Ok(Some(header.archive)),
            Err(BadHeader::Newer(format)) => {
                return Err(ArchiveError::OtherFormat { root: root.clone(), format });
            }
            Err(BadHeader::Damaged) => {}
        }
    }
    Ok(None)
}

/// Makes an archive in a new or empty folder; one that is there already is opened and keeps its id.
pub fn create(
    fs: &dyn Filesystem,
    root: &AbsPath,
    identity: Identity,
    hasher: Arc<dyn ContentHasher>,
) -> Result<Archive, ArchiveError> {
    let failed = |source| ArchiveError::Filesystem { root: root.clone(), source };
    let above = match parent(root) {
        Some(parent) => holding(fs, &parent).map_err(failed)?,
        None => None,
    };
    if let Some(outer) = above {
        return Err(ArchiveError::Inside { root: root.clone(), outer });
    }
    fs.make_root(root).map_err(failed)?;
    let tree = fs.archive(root).map_err(failed)?;
    if tree.facts(&layout::marker_path()).map_err(failed)?.is_none() {
        let is_foreign = |name: &[u8]| {
            let own = layout::folders()
                .iter()
                .chain([&layout::quarantine()])
                .any(|folder| folder.as_bytes() == name);
            !own && name != b"lost+found"
        };
        if tree.list(&RelPath::root()).map_err(failed)?.iter().any(|entry| is_foreign(entry.name.as_bytes()))
        {
            return Err(ArchiveError::NotEmpty(root.clone()));
        }
        let id = match identity {
            Identity::Known(id) => id,
            Identity::New(_) if has_content_folders(&*tree).map_err(failed)? => {
                return Err(ArchiveError::MarkerLost(root.clone()));
            }
            Identity::New(_) if holds_contents(&*tree).map_err(failed)? => {
                return Err(ArchiveError::NotEmpty(root.clone()));
            }
            Identity::New(id) => id,
        };
        lay_out(&*tree, &id).map_err(failed)?;
    }
    let archive = open(fs, root, hasher)?;
    archive.leave_probe().map_err(|stopped| failed(stopped.source))?;
    Ok(archive)
}

/// Whether `folder` is an archive, whoever's: its marker is there, and is a file.
pub(crate) fn is_one(tree: &dyn ReadTree, folder: &RelPath) -> Result<bool, FsError> {
    let marker = tree.facts(&folder.join_path(&layout::marker_path()))?;
    Ok(marker.is_some_and(|facts| facts.kind == FileKind::File))
}

/// The archive that `folder` is or lies in, whoever's it is.
pub(crate) fn holding(fs: &dyn Filesystem, folder: &AbsPath) -> Result<Option<AbsPath>, FsError> {
    let slash = AbsPath::root();
    let tree = fs.source(&slash)?;
    for folder in std::iter::successors(Some(folder.from_slash()), RelPath::parent) {
        // a folder that one may not look into, or that a link leads to, is nobody's archive
        if let Ok(true) = is_one(&*tree, &folder) {
            return Ok(Some(slash.join(&folder)));
        }
    }
    Ok(None)
}

fn parent(folder: &AbsPath) -> Option<AbsPath> {
    folder.from_slash().parent().map(|parent| AbsPath::root().join(&parent))
}

/// Whether anything is in the folder of contents.
pub(super) fn holds_contents(tree: &dyn ReadTree) -> Result<bool, FsError> {
    match tree.list(&layout::blobs()) {
        Ok(entries) => Ok(!entries.is_empty()),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// The marker comes last, and whole: an archive that is half made is none.
fn lay_out(tree: &dyn WriteTree, id: &ArchiveId) -> Result<(), FsError> {
    for folder in layout::folders() {
        existing_is_fine(tree.make_dir(&folder))?;
    }
    let staged = layout::staged_marker_path();
    match tree.unlink(&staged) {
        Err(error) if !error.is_not_found() => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut marker = tree.create(&staged)?;
    let written = marker.write_all(format!("{FORMAT}\n{id}\n").as_bytes());
    written.map_err(|error| FsError::of_stream("write", staged.as_bytes(), error))?;
    marker.finish()?;
    tree.sync_all()?;
    // whoever is first has made the archive
    existing_is_fine(tree.link(&staged, &layout::marker_path()))?;
    tree.unlink(&staged)?;
    tree.sync_all()
}

fn existing_is_fine(made: Result<(), FsError>) -> Result<(), FsError> {
    match made {
        Err(error) if error.kind == FsErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

/// Opens the archive at `root`.
pub fn open(
    fs: &dyn Filesystem,
    root: &AbsPath,
    hasher: Arc<dyn ContentHasher>,
) -> Result<Archive, ArchiveError> {
    let failed = |source: FsError| match source.is_not_found() {
        true if remains(fs, root).is_ok_and(|remains| remains.is_some()) => {
            ArchiveError::MarkerLost(root.clone())
        }
        true => ArchiveError::NotOne(root.clone()),
        false => ArchiveError::Filesystem { root: root.clone(), source },
    };
    let tree = fs.archive(root).map_err(failed)?;
    let mut text = String::new();
    let marker = tree.open(&layout::marker_path()).map_err(failed)?;
    marker.take(1024).read_to_string(&mut text).map_err(|_| ArchiveError::BadMarker(root.clone()))?;
    let mut lines = text.lines();
    match lines.next() {
        Some(FORMAT) => {}
        other => {
            return Err(ArchiveError::OtherFormat {
                root: root.clone(),
                format: other.unwrap_or_default().to_owned(),
            });
        }
    }
    let id = lines.next().and_then(ArchiveId::parse).ok_or_else(|| ArchiveError::BadMarker(root.clone()))?;
    Ok(Archive { root: root.clone(), id, tree, hasher })
}
