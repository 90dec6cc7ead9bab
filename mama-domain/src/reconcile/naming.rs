//! Who gets which view path.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{BlobHash, FileId, Place, RelPath};

use super::action::{Action, LinkView, RemoveView};
use super::actual::{Actual, BlobFact, ViewFact};
use super::desired::{Role, Shown, Want, Wish};
use crate::layout::{self, Folding, Spelling};

/// What earlier pages do to the views, where the archive itself does not tell: a dry run, or names that only fold together.
#[derive(Debug, Clone, Default)]
pub struct Promised {
    /// Contents that are stored.
    pub contents: BTreeSet<BlobHash>,
    names: BTreeMap<Vec<u8>, (RelPath, BlobHash)>,
    removed: BTreeSet<RelPath>,
}

impl Promised {
    /// Remembers what a plan does to the views.
    pub fn keep_views(&mut self, actions: &[Action], folding: Folding) {
        for action in actions {
            match action {
                Action::Store(_) => {}
                Action::Link(LinkView { hash, view, .. }) => {
                    self.removed.remove(view);
                    self.names.insert(folding.key(view), (view.clone(), *hash));
                }
                Action::Remove(RemoveView { view, .. }) => {
                    self.names.remove(&folding.key(view));
                    self.removed.insert(view.clone());
                }
            }
        }
    }
}

/// A view path that was granted, and why it is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Where.
    pub view: RelPath,
    /// The rule that chose the name.
    pub role: Role,
    /// Why it is spelled otherwise than the rule says, if it is.
    pub departure: Option<Departure>,
}

/// Why a view is not spelled as its rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// It has this name already, whatever is free by now.
    Kept,
    /// Another content has the name, or a folder, or a name that is the same to the archive.
    Taken(RelPath),
    /// Another content's view stands where its folder would be.
    Below(RelPath),
    /// The archive's file system refuses the name.
    Refused(FsErrorKind),
}

impl Departure {
    /// Why, in words.
    pub fn reason(&self) -> String {
        match self {
            Self::Kept => "it has this name already".to_owned(),
            Self::Taken(view) => format!("{view} is taken"),
            Self::Below(file) => format!("{file} is a file"),
            Self::Refused(kind) => kind.to_string(),
        }
    }
}

/// Why a view path cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Denied {
    /// Something else has it.
    Occupied(RelPath),
    /// The file system refuses it.
    Unusable(RelPath, FsErrorKind),
    /// Nobody has looked.
    Unknown,
}

/// Grants view paths, first come first served, and knows the links and removals that follow.
pub(super) struct Naming<'a> {
    actual: &'a Actual,
    promised: &'a Promised,
    /// The inodes of the contents of this page.
    ours: BTreeMap<FileId, BlobHash>,
    /// What each place has shown, or may have.
    contents: BTreeMap<Place, BTreeSet<BlobHash>>,
    /// The views that each place has, as the catalog knows them.
    made: BTreeMap<Place, BTreeSet<RelPath>>,
    granted: BTreeMap<Vec<u8>, (RelPath, Place, BlobHash)>,
    /// The same, by place and content: equal sightings of one place share a view.
    shared: BTreeMap<(Place, BlobHash), Vec<RelPath>>,
    /// What is wanted, and not granted only because its content is not there.
    reserved: BTreeSet<RelPath>,
    links: BTreeMap<RelPath, LinkView>,
    /// Paths to be looked at before this can be decided, with the contents expected there.
    unknown: BTreeMap<RelPath, BTreeSet<BlobHash>>,
}

/// What a name is worth to somebody.
enum Stand {
    /// It can be had, replacing this link.
    Free(Option<FileId>),
    /// It is his.
    His,
    /// Something of ours has it.
    Taken,
    /// Something of ours stands where its folder would be: the path with so many names.
    Below(usize),
    Denied(Denied),
}

impl<'a> Naming<'a> {
    pub(super) fn new(wishes: &[&Wish], actual: &'a Actual, promised: &'a Promised) -> Self {
        let inode = |(hash, fact): (&BlobHash, &BlobFact)| match fact {
            BlobFact::Present(id) | BlobFact::Damaged(id) => Some((*id, *hash)),
            BlobFact::Absent => None,
        };
        let quarantined = actual.quarantined.iter().map(|(id, hash)| (*id, *hash));
        let ours = actual.blobs.iter().filter_map(inode).chain(quarantined).collect();
        let mut contents: BTreeMap<Place, BTreeSet<BlobHash>> = BTreeMap::new();
        let mut made: BTreeMap<Place, BTreeSet<RelPath>> = BTreeMap::new();
        for Wish { claim, .. } in wishes {
            contents.entry(claim.at.place()).or_default().insert(claim.hash);
            made.entry(claim.at.place()).or_default().extend(claim.view.clone());
        }
        Self {
            actual,
            promised,
            ours,
            contents,
            made,
            granted: BTreeMap::new(),
            shared: BTreeMap::new(),
            reserved: BTreeSet::new(),
            links: BTreeMap::new(),
            unknown: BTreeMap::new(),
        }
    }

    /// Whether a wish has a view already, by which it stays.
    pub(super) fn keeps(&self, wish: &Wish) -> bool {
        let (Want::View(shown), Some(view)) = (&wish.want, &wish.claim.view) else { return false };
        let hash = wish.claim.hash;
        let is_right = match self.actual.views.get(view) {
            Some(ViewFact::File(id)) => self.actual.blobs.get(&hash) == Some(&BlobFact::Present(*id)),
            Some(ViewFact::Copy(_, held)) => *held == hash,
            _ => false,
        };
        is_right && shown.names.iter().any(|name| layout::is_spelling_of(view, name, &hash))
    }

    /// Gives a name to what is to be shown, unless something foreign stands there or the file system takes none.
    pub(super) fn grant(&mut self, wish: &Wish, shown: &Shown) -> Result<Named, Denied> {
        let (place, hash) = (wish.claim.at.place(), wish.claim.hash);
        let named = |view, departure| Named { view, role: shown.role, departure };
        let fits = |view: &&RelPath| shown.names.iter().any(|name| layout::is_spelling_of(view, name, &hash));
        let shared = self.shared.get(&(place.clone(), hash)).into_iter().flatten().find(fits).cloned();
        let kept = shared.or_else(|| wish.claim.view.clone().filter(|_| self.keeps(wish)));
        if let Some(view) = kept {
            let departure = (!shown.names.contains(&view)).then_some(Departure::Kept);
            match self.stand(&view, &place, hash) {
                Stand::His => return Ok(named(view, departure)),
                Stand::Free(replacing) => {
                    self.take(&view, place, hash, replacing);
                    return Ok(named(view, departure));
                }
                Stand::Taken | Stand::Below(_) | Stand::Denied(_) => {}
            }
        }
        let Some(last) = shown.names.last() else { unreachable!("a view has a name") };
        let file = last.names().count() - 1;
        let plain = shown.names.iter().map(|name| (name, Spelling::default()));
        let tagged = Spelling { tagged: BTreeSet::from([file]), escaped: false };
        let escaped = Spelling { escaped: true, ..tagged.clone() };
        let mut departure = None;
        for (name, mut spelling) in plain.chain([(last, tagged), (last, escaped)]) {
            for _ in 0..=2 * file {
                let view = layout::spelled(name, &hash, &spelling);
                match self.stand(&view, &place, hash) {
                    Stand::His => return Ok(named(view, departure)),
                    Stand::Free(replacing) => {
                        self.take(&view, place, hash, replacing);
                        return Ok(named(view, departure));
                    }
                    Stand::Taken => {
                        departure.get_or_insert(Departure::Taken(view));
                        break;
                    }
                    Stand::Below(names) => {
                        departure.get_or_insert(Departure::Below(first(&view, names)));
                        if !spelling.tagged.insert(names - 1) {
                            break;
                        }
                    }
                    Stand::Denied(Denied::Unusable(
                        _,
                        kind @ (FsErrorKind::NameTooLong | FsErrorKind::NameRefused),
                    )) if !spelling.escaped => {
                        departure.get_or_insert(Departure::Refused(kind));
                        spelling.escaped = true;
                    }
                    Stand::Denied(Denied::Unknown) => {
                        self.unknown.entry(view).or_default().insert(hash);
                        return Err(Denied::Unknown);
                    }
                    Stand::Denied(denied) => return Err(denied),
                }
            }
        }
        Err(Denied::Occupied(last.clone()))
    }

    /// Leaves alone what stands where a view would be made if its content were there.
    pub(super) fn reserve(&mut self, wish: &Wish, shown: &Shown) {
        self.reserved.extend(wish.claim.view.iter().chain(&shown.names).cloned());
    }

    fn take(&mut self, view: &RelPath, place: Place, hash: BlobHash, replacing: Option<FileId>) {
        let key = self.actual.folding.key(view);
        let is_promised = self.promised.names.get(&key).is_some_and(|(_, held)| *held == hash);
        let is_there = match self.fact(view) {
            _ if is_promised => true,
            Some(ViewFact::File(id)) => self.actual.blobs.get(&hash) == Some(&BlobFact::Present(*id)),
            Some(ViewFact::Copy(_, held)) => *held == hash,
            _ => false,
        };
        self.shared.entry((place.clone(), hash)).or_default().push(view.clone());
        self.granted.insert(key, (view.clone(), place, hash));
        if !is_there {
            self.links.insert(view.clone(), LinkView { hash, view: view.clone(), replacing });
        }
    }

    fn fact(&self, view: &RelPath) -> Option<&ViewFact> {
        let spelling = self.actual.spellings.get(view).unwrap_or(view);
        if self.promised.removed.contains(spelling) {
            return Some(&ViewFact::Absent);
        }
        self.actual.views.get(view)
    }

    /// Whether what stands at a view has another name, and so is another place's, whatever it holds.
    fn is_namesake(&self, view: &RelPath, place: &Place) -> bool {
        self.actual.spellings.get(view).is_some_and(|spelling| !self.promised.removed.contains(spelling))
            && self.made.get(place).is_none_or(|made| !made.contains(view))
    }

    fn stand(&self, view: &RelPath, place: &Place, hash: BlobHash) -> Stand {
        if let Some(stand) = self.stand_among_granted(view, place, hash) {
            return stand;
        }
        let Some(fact) = self.fact(view) else { return Stand::Denied(Denied::Unknown) };
        if self.is_namesake(view, place) {
            return Stand::Taken;
        }
        let is_of_place = |hash| self.contents.get(place).is_some_and(|hashes| hashes.contains(hash));
        match fact {
            ViewFact::Absent => Stand::Free(None),
            ViewFact::File(id) if self.actual.blobs.get(&hash) == Some(&BlobFact::Present(*id)) => {
                Stand::Free(None)
            }
            ViewFact::Copy(_, held) if *held == hash => Stand::Free(None),
            ViewFact::Copy(id, _) => Stand::Free(Some(*id)),
            ViewFact::File(id) => match self.ours.get(id) {
                Some(other) if is_of_place(other) => Stand::Free(Some(*id)),
                Some(_) => Stand::Taken,
                None => Stand::Denied(Denied::Occupied(view.clone())),
            },
            ViewFact::Ours(_) | ViewFact::Folder => Stand::Taken,
            ViewFact::Below(folder) if self.promised.removed.contains(folder) => Stand::Free(None),
            ViewFact::Below(folder) => Stand::Below(folder.names().count()),
            ViewFact::Foreign => Stand::Denied(Denied::Occupied(view.clone())),
            ViewFact::Unusable(kind) => Stand::Denied(Denied::Unusable(view.clone(), *kind)),
        }
    }

    /// What this page and earlier ones have given away already.
    fn stand_among_granted(&self, view: &RelPath, place: &Place, hash: BlobHash) -> Option<Stand> {
        let key = self.actual.folding.key(view);
        if let Some((path, owner, held)) = self.granted.get(&key) {
            let is_his = path == view && owner == place && *held == hash;
            return Some(if is_his { Stand::His } else { Stand::Taken });
        }
        if let Some((path, held)) = self.promised.names.get(&key)
            && (path != view || *held != hash)
        {
            return Some(Stand::Taken);
        }
        let below = [key.as_slice(), b"/"].concat();
        let is_folder = |first: Option<&Vec<u8>>| first.is_some_and(|other| other.starts_with(&below));
        if is_folder(self.granted.range(below.clone()..).next().map(|(key, _)| key))
            || is_folder(self.promised.names.range(below.clone()..).next().map(|(key, _)| key))
        {
            return Some(Stand::Taken);
        }
        std::iter::successors(view.parent(), RelPath::parent)
            .find(|folder| {
                let key = self.actual.folding.key(folder);
                self.granted.contains_key(&key) || self.promised.names.contains_key(&key)
            })
            .map(|folder| Stand::Below(folder.names().count()))
    }

    /// Why nobody knows what stands at a view that was made; `None` if it is known.
    pub(super) fn unreadable(&self, view: &RelPath) -> Option<FsErrorKind> {
        match self.actual.views.get(view) {
            Some(ViewFact::Unusable(kind)) => Some(*kind),
            _ => None,
        }
    }

    /// The removals of our views that nobody wants, then the links that are still to be made; and what is to be looked at first.
    pub(super) fn into_actions(
        self,
        wishes: &[&Wish],
    ) -> (Vec<Action>, BTreeMap<RelPath, BTreeSet<BlobHash>>) {
        let mut removes: BTreeMap<RelPath, RemoveView> = BTreeMap::new();
        for Wish { claim, .. } in wishes {
            let place = claim.at.place();
            let made = claim.view.iter().cloned().chain([layout::view_path(&place)]);
            let is_wanted = |view: &RelPath| {
                self.reserved.contains(view) || self.granted.contains_key(&self.actual.folding.key(view))
            };
            for view in made.filter(|view| !is_wanted(view) && !self.is_namesake(view, &place)) {
                let is_of_place =
                    |id| self.ours.get(id).is_some_and(|hash| self.contents[&place].contains(hash));
                let expected = match self.fact(&view) {
                    Some(ViewFact::File(id)) if is_of_place(id) => *id,
                    Some(ViewFact::Copy(id, _)) => *id,
                    _ => continue,
                };
                removes.insert(view.clone(), RemoveView { view, expected });
            }
        }
        let links = self.links.into_values().map(Action::Link);
        (removes.into_values().map(Action::Remove).chain(links).collect(), self.unknown)
    }
}

/// The first so many names of a path.
fn first(path: &RelPath, names: usize) -> RelPath {
    path.names().take(names).fold(RelPath::root(), |path, name| path.join(&name))
}
