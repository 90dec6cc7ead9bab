//! The files that the archive takes its contents from.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use mama_ports::filesystem::{Filesystem, Fs, ReadTree};
use mama_ports::repository::Source;
use mama_ports::vocab::{AbsPath, FileFacts, FileKind, HostName, Location};

use crate::reconcile::{NoSource, SourceFact};

/// The source roots of this host, each opened once.
pub struct SourceTrees {
    fs: Arc<dyn Filesystem>,
    host: HostName,
    opened: Mutex<BTreeMap<AbsPath, Arc<dyn ReadTree>>>,
}

impl SourceTrees {
    /// The roots that `host`, this machine, can reach.
    pub fn new(fs: Arc<dyn Filesystem>, host: HostName) -> Self {
        Self { fs, host, opened: Mutex::default() }
    }

    /// This machine.
    pub const fn host(&self) -> &HostName {
        &self.host
    }

    /// The tree at `root`.
    pub(crate) fn tree(&self, root: &AbsPath) -> Fs<Arc<dyn ReadTree>> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = opened.get(root) {
            return Ok(Arc::clone(tree));
        }
        let tree = self.fs.source(root)?;
        opened.insert(root.clone(), Arc::clone(&tree));
        Ok(tree)
    }

    /// What is at this place now.
    pub(super) fn facts(&self, at: &Location) -> Fs<Option<FileFacts>> {
        self.tree(&at.root.basedir)?.facts(&at.path())
    }

    /// The sources that still are the version that was scanned. Whether they have its bytes is proven when they are staged.
    pub(super) fn find(&self, candidates: &[Source]) -> SourceFact {
        let is_elsewhere = candidates.iter().any(|source| source.at.root.host != self.host);
        let mut why = if is_elsewhere { NoSource::Elsewhere } else { NoSource::Missing };
        let mut ready = Vec::new();
        for source in candidates.iter().filter(|source| source.at.root.host == self.host) {
            match self.facts(&source.at) {
                Ok(Some(facts))
                    if facts.kind == FileKind::File
                        && facts.fingerprint().is_same_version(&source.fingerprint) =>
                {
                    ready.push(source.clone());
                }
                Ok(Some(_)) => why = why.max(NoSource::Changed),
                Ok(None) | Err(_) => why = why.max(NoSource::Missing),
            }
        }
        if ready.is_empty() { SourceFact::None(why) } else { SourceFact::Ready(ready) }
    }
}
