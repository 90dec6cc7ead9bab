//! What earlier pages do, where the archive itself does not tell: a dry run, or names that only fold together.
//!
//! Kept as hashes, some 40 bytes a view. Two that are equal by chance cost a tagged name, or a line in a dry run; what an
//! apply replaces or removes rests on the survey and the catalog.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

use mama_ports::vocab::{BlobHash, Place, RelPath};

use super::action::{Action, RemoveView};
use super::naming::Granted;
use super::plan::Plan;
use crate::layout::Folding;

type Build = BuildHasherDefault<DefaultHasher>;

/// What the plans of earlier pages do.
#[derive(Debug, Clone, Default)]
pub struct Promised {
    /// Whether nothing of it is done, so that no survey sees it.
    is_dry: bool,
    /// Contents that are stored.
    contents: HashSet<u64, Build>,
    /// Who has which view, by what the archive takes for one name.
    names: HashMap<u64, Holder, Build>,
    /// How many of those views lie below each folder.
    folders: HashMap<u64, u32, Build>,
    /// Views that are taken away.
    removed: HashSet<u64, Build>,
    /// How many of those lie below each folder.
    cleared: HashMap<u64, u32, Build>,
    /// Views that the catalog knows a place to have, and that it gives up.
    released: HashSet<u64, Build>,
}

/// Which place has which view of which content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder {
    view: u32,
    whose: u32,
}

impl Holder {
    pub(super) fn new(view: &RelPath, place: &Place, hash: &BlobHash) -> Self {
        Self { view: short(&view.as_bytes()), whose: short(&(place, hash)) }
    }

    /// Whether it has the view at exactly this path.
    pub(super) fn is_at(self, view: &RelPath) -> bool {
        self.view == short(&view.as_bytes())
    }
}

impl Promised {
    /// Remembers which names a plan gives and takes away.
    pub fn keep_views(&mut self, plan: &Plan, folding: Folding) {
        for action in &plan.actions {
            if let Action::Remove(RemoveView { view, .. }) = action {
                let key = folding.key(view);
                if self.removed.insert(digest(&view.as_bytes())) {
                    count_below(&mut self.cleared, &key);
                }
                self.forget(&key);
            }
        }
        for Granted { view, place, hash } in &plan.granted {
            let key = folding.key(view);
            if self.removed.remove(&digest(&view.as_bytes())) {
                discount_below(&mut self.cleared, &key);
            }
            if self.names.insert(digest(&key.as_slice()), Holder::new(view, place, hash)).is_none() {
                count_below(&mut self.folders, &key);
            }
        }
    }

    /// Remembers what the catalog would learn from a plan if it were performed: what is stored, and who gives up a view.
    pub fn foresee(&mut self, plan: &Plan) {
        self.is_dry = true;
        self.contents.extend(plan.stores().map(|store| digest(&store.hash)));
        let kept: HashSet<u64, Build> =
            plan.granted.iter().map(|granted| digest(&(&granted.place, &granted.view))).collect();
        let given_up = plan.prospects.iter().filter_map(|prospect| {
            let it = digest(&(&prospect.at.place(), prospect.was.as_ref()?));
            (!kept.contains(&it)).then_some(it)
        });
        self.released.extend(given_up);
    }

    fn forget(&mut self, key: &[u8]) {
        if self.names.remove(&digest(&key)).is_some() {
            discount_below(&mut self.folders, key);
        }
    }

    pub(super) fn has_content(&self, hash: &BlobHash) -> bool {
        self.contents.contains(&digest(hash))
    }

    /// Whether a view would be there if the dry run were none.
    pub(super) fn would_make(&self, key: &[u8], view: Holder) -> bool {
        self.is_dry && self.holder(key) == Some(view)
    }

    /// Who has the name with this key.
    pub(super) fn holder(&self, key: &[u8]) -> Option<Holder> {
        self.names.get(&digest(&key)).copied()
    }

    /// Whether a view lies below the name with this key.
    pub(super) fn is_folder(&self, key: &[u8]) -> bool {
        self.folders.contains_key(&digest(&key))
    }

    /// How many views below the name with this key are still there only because the run is dry.
    pub(crate) fn cleared_below(&self, key: &[u8]) -> u32 {
        if self.is_dry { self.cleared.get(&digest(&key)).copied().unwrap_or(0) } else { 0 }
    }

    /// Whether the view at this path is taken away.
    pub(super) fn removes(&self, view: &RelPath) -> bool {
        self.removed.contains(&digest(&view.as_bytes()))
    }

    /// Whether a place gives up this view.
    pub(super) fn releases(&self, place: &Place, view: &RelPath) -> bool {
        self.released.contains(&digest(&(place, view)))
    }
}

fn count_below(folders: &mut HashMap<u64, u32, Build>, key: &[u8]) {
    folders_of(key).for_each(|folder| *folders.entry(folder).or_default() += 1);
}

fn discount_below(folders: &mut HashMap<u64, u32, Build>, key: &[u8]) {
    for folder in folders_of(key) {
        if let Some(count) = folders.get_mut(&folder) {
            *count -= 1;
            if *count == 0 {
                folders.remove(&folder);
            }
        }
    }
}

/// The digests of all that ends before a slash of a key.
fn folders_of(key: &[u8]) -> impl Iterator<Item = u64> {
    let slashes = key.iter().enumerate().filter(|(_, byte)| **byte == b'/');
    slashes.map(|(at, _)| digest(&&key[..at]))
}

fn digest(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn short(what: &impl Hash) -> u32 {
    (digest(what) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use mama_ports::vocab::{AbsPath, FileId, SourceKind};
    use proptest::prelude::*;

    use super::*;

    const PATHS: [&str; 7] = ["a", "a/b", "a/b/c", "a/d", "e", "e/f", "A/b"];

    fn page(path: &str, gives: bool) -> Plan {
        let view = RelPath::parse(path).unwrap();
        if !gives {
            let expected = FileId { device: 1, inode: 1 };
            return Plan { actions: vec![Action::Remove(RemoveView { view, expected })], ..Plan::default() };
        }
        let path = AbsPath::parse(format!("/{path}").as_str()).unwrap();
        let place = Place { kind: SourceKind::Existing, path };
        Plan {
            granted: vec![Granted { view, place, hash: BlobHash::from_bytes([1; 32]) }],
            ..Plan::default()
        }
    }

    proptest! {
        #[test]
        fn a_folder_is_what_has_a_view_below(
            steps in prop::collection::vec((prop::sample::select(PATHS.to_vec()), any::<bool>()), 0..20),
            folds: bool,
        ) {
            let folding = if folds { Folding::Folds } else { Folding::Exact };
            let (mut promised, mut there) = (Promised::default(), BTreeSet::new());
            for (path, gives) in steps {
                promised.keep_views(&page(path, gives), folding);
                let key = folding.key(&RelPath::parse(path).unwrap());
                if gives { there.insert(key); } else { there.remove(&key); }
            }
            for path in PATHS {
                let key = folding.key(&RelPath::parse(path).unwrap());
                let below = [key.as_slice(), b"/"].concat();
                prop_assert_eq!(promised.is_folder(&key), there.iter().any(|it| it.starts_with(&below)), "{}", path);
                prop_assert_eq!(promised.holder(&key).is_some(), there.contains(&key), "{}", path);
            }
        }
    }
}
