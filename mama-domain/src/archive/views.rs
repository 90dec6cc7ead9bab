//! Step 9 of the protocol: names for contents. Never replaces or removes what mama did not make.

use std::io;

use mama_ports::filesystem::{Fs, FsError, FsErrorKind};
use mama_ports::vocab::RelPath;

use super::{Archive, Stopped, stopped};
use crate::layout;
use crate::reconcile::{LinkView, Refusal, RemoveView};

/// What became of a view.
pub(super) enum Linked {
    /// It was made.
    Made,
    /// It was right already.
    AsItWas,
}

/// What became of a view that was to go.
pub(super) enum Removed {
    /// It is gone.
    Gone,
    /// Something else stands there, and stays.
    Foreign,
    /// It stays, because its folder may not be changed; said in words.
    Refused(String),
}

impl Archive {
    /// Makes one view; it survives a power cut after the next sync.
    pub(super) fn put_view(&self, link: &LinkView) -> Result<Result<Linked, Refusal>, Stopped> {
        let refuse = |error: FsError| match error.kind {
            FsErrorKind::AlreadyExists
            | FsErrorKind::NotDirectory
            | FsErrorKind::IsDirectory
            | FsErrorKind::Escape => Ok(Err(Refusal::Occupied)),
            FsErrorKind::TooManyLinks
            | FsErrorKind::NameTooLong
            | FsErrorKind::NameRefused
            | FsErrorKind::PermissionDenied
            // of a link, the kernel's word for a folder that may not be changed at all
            | FsErrorKind::Unsupported
            | FsErrorKind::CrossDevice => {
                Ok(Err(Refusal::Failed(format!("cannot be shown at {}: {}", link.view, error.source))))
            }
            FsErrorKind::NotFound
            | FsErrorKind::NotRegular
            | FsErrorKind::NotEmpty
            | FsErrorKind::ReadOnly
            | FsErrorKind::NoSpace
            | FsErrorKind::Locked
            | FsErrorKind::Corrupt
            | FsErrorKind::Other => Err(stopped("make a view")(error)),
        };
        let blob = layout::blob_path(&link.hash);
        let linked = match link.replacing {
            None => match self.link_making_folders(&blob, &link.view) {
                Err(error) if error.kind == FsErrorKind::TooManyLinks => self.copy_view(link, &blob),
                linked => linked.map(|()| Ok(Linked::Made)),
            },
            Some(_) => self.replace_view(link, &blob),
        };
        linked.or_else(refuse)
    }

    fn replace_view(&self, link: &LinkView, blob: &RelPath) -> Fs<Result<Linked, Refusal>> {
        let is = |at: &RelPath| Ok::<_, FsError>(self.tree.facts(at)?.map(|facts| facts.id));
        let (now, wanted) = (is(&link.view)?, is(blob)?);
        if now.is_some() && now == wanted {
            return Ok(Ok(Linked::AsItWas));
        }
        if now != link.replacing {
            return Ok(Err(Refusal::Occupied));
        }
        let staged = layout::staged_view_path(&link.hash);
        match self.tree.link(blob, &staged) {
            Err(error) if error.kind == FsErrorKind::TooManyLinks => self.copy_blob(blob, &staged)?,
            linked => linked?,
        }
        if let Err(error) = self.tree.rename(&staged, &link.view) {
            // the next view of this content needs the staged name; where even this fails, the next sweep takes it away
            drop(self.tree.unlink(&staged));
            return Err(error);
        }
        Ok(Ok(Linked::Made))
    }

    /// A view that is a file of its own, because the content's inode can take no more names.
    fn copy_view(&self, link: &LinkView, blob: &RelPath) -> Fs<Result<Linked, Refusal>> {
        let staged = layout::staged_view_path(&link.hash);
        self.copy_blob(blob, &staged)?;
        let linked = self.link_making_folders(&staged, &link.view);
        self.tree.unlink(&staged)?;
        linked.map(|()| Ok(Linked::Made))
    }

    fn copy_blob(&self, blob: &RelPath, to: &RelPath) -> Fs<()> {
        let copied = self.write_copy(blob, to);
        if copied.is_err() {
            // the next view of this content needs the staged name
            drop(self.tree.unlink(to));
        }
        copied
    }

    fn write_copy(&self, blob: &RelPath, to: &RelPath) -> Fs<()> {
        let mut source = self.tree.open(blob)?;
        let mut target = self.tree.create(to)?;
        io::copy(&mut source, &mut target)
            .map_err(|error| FsError::of_stream("copy", to.as_bytes(), error))?;
        target.finish()?;
        self.tree.seal(&*self.tree.open(to)?)?;
        self.tree.sync_file(to)
    }

    /// Takes one view away, and the folders that it leaves empty.
    pub(super) fn remove_view(&self, remove: &RemoveView) -> Result<Removed, Stopped> {
        let doing = "remove a view";
        if self.tree.facts(&remove.view).map_err(stopped(doing))?.map(|facts| facts.id)
            != Some(remove.expected)
        {
            return Ok(Removed::Foreign);
        }
        match self.tree.unlink(&remove.view) {
            Err(error) if error.kind == FsErrorKind::PermissionDenied => {
                return Ok(Removed::Refused(error.source.to_string()));
            }
            unlinked => unlinked.map_err(stopped(doing))?,
        }
        let folders = std::iter::successors(remove.view.parent(), RelPath::parent);
        for folder in folders.take_while(|folder| folder.names().count() > 2) {
            match self.tree.remove_dir(&folder) {
                Ok(()) => {}
                // an empty folder that one may not remove does no harm
                Err(error) if matches!(error.kind, FsErrorKind::NotEmpty | FsErrorKind::PermissionDenied) => {
                    break;
                }
                Err(error) => return Err(stopped(doing)(error)),
            }
        }
        Ok(Removed::Gone)
    }
}
