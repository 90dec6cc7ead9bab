//! Which names the archive takes for one: asked, not computed.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{FileName, RelPath, SourceKind};

use super::{Archive, Stopped, stopped};
use crate::layout::{self, Folding};

/// The probe's own name, the same in capitals, and the same in another Unicode form.
const PROBE: &str = "caf\u{e9}";
const OTHERS: [&str; 2] = ["CAF\u{c9}", "cafe\u{301}"];

impl Archive {
    /// Leaves a file by which [`Archive::folding`] can tell. A file system that takes no such name needs none.
    pub(crate) fn leave_probe(&self) -> Result<(), Stopped> {
        let probe = within(layout::HOUSEKEEPING, PROBE);
        let failed = || stopped("see which names the archive takes for one");
        if self.tree.facts(&probe).map_err(failed())?.is_some() {
            return Ok(());
        }
        match self.tree.create(&probe).and_then(|file| file.finish()) {
            Ok(_) => Ok(()),
            Err(error) if matches!(error.kind, FsErrorKind::AlreadyExists | FsErrorKind::NameRefused) => {
                Ok(())
            }
            Err(error) => Err(failed()(error)),
        }
    }

    /// Whether names that differ in case or Unicode form are one here. A few system calls, nothing is written.
    pub(crate) fn folding(&self) -> Result<Folding, Stopped> {
        let probes =
            OTHERS.map(|other| (within(layout::HOUSEKEEPING, PROBE), within(layout::HOUSEKEEPING, other)));
        let kinds = SourceKind::ALL.iter().map(|kind| {
            let kind = kind.as_str();
            (within(layout::VIEWS, kind), within(layout::VIEWS, &kind.to_uppercase()))
        });
        for (name, other) in probes.into_iter().chain(kinds) {
            let inode = |at: &RelPath| match self.tree.facts(at) {
                Ok(facts) => Ok(facts.map(|facts| facts.id)),
                Err(error) if error.kind == FsErrorKind::NameRefused => Ok(None),
                Err(error) => Err(stopped("see which names the archive takes for one")(error)),
            };
            if let Some(found) = inode(&other)?
                && inode(&name)? == Some(found)
            {
                return Ok(Folding::Folds);
            }
        }
        Ok(Folding::Exact)
    }

    /// How the names on the way to something that is there are spelled in their folders; `listings` are those read already.
    pub(super) fn spelling(&self, path: &RelPath, listings: &mut Listings) -> Result<RelPath, Stopped> {
        let failed = || stopped("see how a name is spelled");
        let mut spelled = RelPath::root();
        for name in path.names() {
            let wanted = spelled.join(&name);
            let names = match listings.entry(spelled.clone()) {
                Entry::Occupied(read) => read.into_mut(),
                Entry::Vacant(new) => {
                    let entries = self.tree.list(&spelled).map_err(failed())?;
                    new.insert(entries.into_iter().map(|entry| entry.name).collect())
                }
            };
            if names.contains(&name) {
                spelled = wanted;
                continue;
            }
            let id = |at: &RelPath| Ok(self.tree.facts(at).map_err(failed())?.map(|facts| facts.id));
            let (key, found) = (Folding::Folds.key(&wanted), id(&wanted)?);
            let mut alike =
                names.iter().map(|name| spelled.join(name)).filter(|it| Folding::Folds.key(it) == key);
            spelled = loop {
                match alike.next() {
                    Some(other) if id(&other)? == found => break other,
                    Some(_) => {}
                    None => break wanted,
                }
            };
        }
        Ok(spelled)
    }
}

/// The names in each folder that was read.
pub(super) type Listings = BTreeMap<RelPath, BTreeSet<FileName>>;

fn within(folder: &str, name: &str) -> RelPath {
    match RelPath::parse(format!("{folder}/{name}")) {
        Ok(path) => path,
        Err(_) => unreachable!("constants"),
    }
}
