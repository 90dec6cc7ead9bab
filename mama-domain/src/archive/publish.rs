//! Steps 5 to 7 of the protocol: staged contents become durable, get their names, and the names become durable.

use mama_ports::filesystem::{Fs, FsErrorKind};
use mama_ports::vocab::{BlobHash, RelPath};

use super::{Archive, Locked, Stopped, stopped};
use crate::layout;

impl Locked {
    /// Publishes a batch of staged contents: when it returns, bytes and names survive a power cut. Gives those for whose name the disk had no room; they are staged no more, which makes some.
    ///
    /// A failed sync is never asked again: the names are taken back, and the next apply stages everything anew.
    pub(crate) async fn publish(&self, staged: Vec<BlobHash>) -> Result<Vec<(BlobHash, Stopped)>, Stopped> {
        self.on_worker(|archive| archive.tree.sync_all().map_err(stopped("make contents durable"))).await?;
        let name = |archive: &Archive, hash: &BlobHash| {
            let named = archive.give_name(hash).map_err(stopped("give a content its name"));
            if named.as_ref().is_err_and(Stopped::is_for_want_of_room) {
                archive.discard(&layout::staging_path(hash))?;
            }
            named
        };
        let is_named = self.for_each(staged.clone(), name).await;
        let (mut named, mut nameless) = (Vec::with_capacity(staged.len()), Vec::new());
        for (hash, is_named) in staged.into_iter().zip(is_named) {
            match is_named {
                Ok(true) => named.push(hash),
                Ok(false) => {}
                Err(stopped) if stopped.is_for_want_of_room() => nameless.push((hash, stopped)),
                Err(stopped) => return Err(stopped),
            }
        }
        self.on_worker(move |archive| archive.sync_names(&named)).await?;
        Ok(nameless)
    }
}

impl Archive {
    fn sync_names(&self, named: &[BlobHash]) -> Result<(), Stopped> {
        self.tree.sync_all().map_err(|error| {
            self.take_back(named);
            stopped("make the names of contents durable")(error)
        })
    }

    /// Whether the staged file got the name; if not, a whole one had it.
    fn give_name(&self, hash: &BlobHash) -> Fs<bool> {
        let (staged, blob) = (layout::staging_path(hash), layout::blob_path(hash));
        let is_taken =
            |named: &Fs<()>| named.as_ref().is_err_and(|error| error.kind == FsErrorKind::AlreadyExists);
        let name = || self.making_folders(&blob, || self.tree.rename_new(&staged, &blob));
        let mut named = name();
        if is_taken(&named) && !self.holds(&blob, hash)? {
            self.quarantine(hash)?;
            named = name();
        }
        if is_taken(&named) {
            self.tree.unlink(&staged)?;
            return Ok(false);
        }
        named.map(|()| true)
    }

    /// Names of which nobody knows whether they are durable become staged names again, which the next sweep removes.
    fn take_back(&self, named: &[BlobHash]) {
        for hash in named {
            // where even this fails, the next apply finds a name that the catalog does not know, and verifies it
            drop(self.tree.rename(&layout::blob_path(hash), &layout::staging_path(hash)));
        }
    }

    /// Puts aside what stands under a content's name and is not that content, if anything does.
    pub(crate) fn put_aside(&self, hash: &BlobHash) -> Result<(), Stopped> {
        match self.quarantine(hash) {
            Err(error) if error.is_not_found() => Ok(()),
            aside => aside.map_err(stopped("put a damaged content aside")),
        }
    }

    fn quarantine(&self, hash: &BlobHash) -> Fs<()> {
        for nth in 0.. {
            let aside = layout::quarantine_path(hash, nth);
            if self.tree.facts(&aside)?.is_none() {
                self.make_folders_of(&aside)?;
                return self.tree.rename(&layout::blob_path(hash), &aside);
            }
        }
        unreachable!("a number is always free")
    }

    pub(super) fn link_making_folders(&self, from: &RelPath, to: &RelPath) -> Fs<()> {
        self.making_folders(to, || self.tree.link(from, to))
    }

    /// Makes the folders only if they prove to be missing: most are there.
    fn making_folders(&self, to: &RelPath, name: impl Fn() -> Fs<()>) -> Fs<()> {
        match name() {
            Err(error) if error.kind == FsErrorKind::NotFound => {
                self.make_folders_of(to)?;
                name()
            }
            named => named,
        }
    }

    pub(super) fn make_folders_of(&self, path: &RelPath) -> Fs<()> {
        let Some(folder) = path.parent().filter(|folder| !folder.is_root()) else { return Ok(()) };
        match self.tree.make_dir(&folder) {
            Err(error) if error.kind == FsErrorKind::NotFound => {
                self.make_folders_of(&folder)?;
                match self.tree.make_dir(&folder) {
                    Err(error) if error.kind == FsErrorKind::AlreadyExists => Ok(()),
                    made => made,
                }
            }
            Err(error) if error.kind == FsErrorKind::AlreadyExists => Ok(()),
            made => made,
        }
    }
}
