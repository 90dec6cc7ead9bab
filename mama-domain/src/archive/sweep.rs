//! The staging area after an interrupted run.

use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::RelPath;

use super::{Archive, Stopped, stopped};
use crate::layout;

impl Archive {
    /// Takes away what an interrupted run left in the staging area. The caller holds the archive's lock.
    pub(crate) fn sweep(&self) -> Result<(), Stopped> {
        let Ok(staging) = RelPath::parse(layout::STAGING) else { unreachable!("a constant") };
        let failed = || stopped("clean the staging area");
        let entries = match self.tree.list(&staging) {
            Err(error) if error.kind == FsErrorKind::NotFound => {
                return self.tree.make_dir(&staging).map_err(failed());
            }
            entries => entries.map_err(failed())?,
        };
        for entry in entries {
            let path = staging.join(&entry.name);
            match self.tree.unlink(&path) {
                Err(error) if error.kind == FsErrorKind::IsDirectory => {}
                unlinked => unlinked.map_err(failed())?,
            }
        }
        Ok(())
    }
}
