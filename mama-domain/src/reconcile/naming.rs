//! Who gets which view path.

use std::collections::{BTreeMap, BTreeSet};

use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{BlobHash, FileId, Place, RelPath};

use super::action::{Action, LinkView, RemoveView};
use super::actual::{Actual, BlobFact, ViewFact};
use super::desired::{Reason, Role, Shown, Want, Wish};
use super::plan::Plan;
use super::promised::{Holder, Promised};
use crate::layout::{self, Spelling};

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

/// Whose a view is: it belongs to one place, however often that was seen with these bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// Where.
    pub view: RelPath,
    /// Whose.
    pub place: Place,
    /// What it shows.
    pub hash: BlobHash,
}

/// Why a view is not spelled as its rule says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Departure {
    /// It has this name already, whatever is free by now.
    Kept,
    /// Another place or a folder has the name, or a name that is the same to the archive.
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
    /// Something else has it, or stands in the way there, at this path.
    Occupied(RelPath),
    /// The file system refuses it.
    Unusable(RelPath, FsErrorKind),
    /// Nobody has looked, or asked whose it is.
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
    /// The views that each place has, and what they show, as the catalog knows them.
    made: BTreeMap<Place, BTreeSet<(RelPath, BlobHash)>>,
    granted: BTreeMap<Vec<u8>, Granted>,
    /// The same, by place and content: equal sightings of one place share a view.
    shared: BTreeMap<(Place, BlobHash), Vec<RelPath>>,
    /// What is wanted, and not granted only because its content is not there.
    reserved: BTreeSet<RelPath>,
    links: BTreeMap<RelPath, LinkView>,
    /// Paths to be looked at before this can be decided, with the contents expected there.
    unknown: BTreeMap<RelPath, BTreeSet<BlobHash>>,
    /// Views that stand, of which nobody has asked whose they are.
    unasked: BTreeSet<(BlobHash, RelPath)>,
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
    /// It shows this content, and nobody has asked whose it is.
    Unasked(BlobHash),
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
        let mut made: BTreeMap<Place, BTreeSet<(RelPath, BlobHash)>> = BTreeMap::new();
        for Wish { claim, .. } in wishes {
            contents.entry(claim.at.place()).or_default().insert(claim.hash);
            let view = claim.view.clone().map(|view| (view, claim.hash));
            made.entry(claim.at.place()).or_default().extend(view);
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
            unasked: BTreeSet::new(),
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
        let kept = kept.filter(|view| !self.may_return(shown, view, &place, hash));
        if let Some(view) = kept {
            let departure = (!shown.names.contains(&view)).then(|| self.departure(shown, &place, hash));
            match self.stand(&view, &place, hash) {
                Stand::His => return Ok(named(view, departure)),
                Stand::Free(replacing) => {
                    self.take(&view, place, hash, replacing);
                    return Ok(named(view, departure));
                }
                Stand::Taken | Stand::Below(_) | Stand::Unasked(_) | Stand::Denied(_) => {}
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
                    Stand::Unasked(held) => {
                        self.unasked.insert((held, view));
                        return Err(Denied::Unknown);
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

    /// Why a view that was made keeps another name than the one its rule says.
    fn departure(&self, shown: &Shown, place: &Place, hash: BlobHash) -> Departure {
        let Some(wanted) = shown.names.last() else { unreachable!("a view has a name") };
        match self.stand(wanted, place, hash) {
            Stand::Taken | Stand::Unasked(_) => Departure::Taken(wanted.clone()),
            Stand::Below(names) => Departure::Below(first(wanted, names)),
            Stand::Denied(Denied::Unusable(
                _,
                kind @ (FsErrorKind::NameTooLong | FsErrorKind::NameRefused),
            )) => Departure::Refused(kind),
            Stand::Free(_) | Stand::His | Stand::Denied(_) => Departure::Kept,
        }
    }

    /// Whether only older bytes of the same place stand at the plain name that a view could not have, as far as is known.
    fn may_return(&self, shown: &Shown, view: &RelPath, place: &Place, hash: BlobHash) -> bool {
        let plain = shown.names.first().filter(|plain| shown.role == Role::Plain && *plain != view);
        plain.is_some_and(|plain| {
            matches!(self.stand(plain, place, hash), Stand::Free(Some(_)) | Stand::Unasked(_))
        })
    }

    /// Leaves alone what stands where a view would be made if its content were there.
    pub(super) fn reserve(&mut self, wish: &Wish, shown: &Shown) {
        self.reserved.extend(wish.claim.view.iter().chain(&shown.names).cloned());
    }

    fn take(&mut self, view: &RelPath, place: Place, hash: BlobHash, replacing: Option<FileId>) {
        let key = self.actual.folding.key(view);
        let is_promised = self.promised.would_make(&key, Holder::new(view, &place, &hash));
        let is_there = match self.fact(view) {
            _ if is_promised => true,
            Some(ViewFact::File(id)) => self.actual.blobs.get(&hash) == Some(&BlobFact::Present(*id)),
            Some(ViewFact::Copy(_, held)) => *held == hash,
            _ => false,
        };
        self.shared.entry((place.clone(), hash)).or_default().push(view.clone());
        self.granted.insert(key, Granted { view: view.clone(), place, hash });
        if !is_there {
            self.links.insert(view.clone(), LinkView { hash, view: view.clone(), replacing });
        }
    }

    /// How the archive spells what stands there.
    fn spelling<'b>(&'b self, path: &'b RelPath) -> &'b RelPath {
        self.actual.spellings.get(path).unwrap_or(path)
    }

    fn fact(&self, view: &RelPath) -> Option<&ViewFact> {
        if self.promised.removes(self.spelling(view)) {
            return Some(&ViewFact::Absent);
        }
        self.actual.views.get(view)
    }

    /// Whether what stands at a view has another name, and so is another place's, whatever it holds.
    fn is_namesake(&self, view: &RelPath, place: &Place) -> bool {
        self.actual.spellings.get(view).is_some_and(|spelling| !self.promised.removes(spelling))
            && !self.made.get(place).into_iter().flatten().any(|(made, _)| made == view)
    }

    /// The places that have what stands at a view, as the catalog knows them, but for what earlier pages change; `None`: nobody has asked.
    fn holders(&self, view: &RelPath, held: BlobHash) -> Option<impl Iterator<Item = &Place>> {
        let holders = self.actual.holders.get(&(held, view.clone()))?;
        Some(holders.iter().filter(|place| !self.promised.releases(place, view)))
    }

    /// What a view that shows `held` is worth to a place that wants it to show `hash`.
    fn stand_at(
        &self,
        view: &RelPath,
        held: BlobHash,
        place: &Place,
        hash: BlobHash,
        replacing: Option<FileId>,
    ) -> Stand {
        let made = (view.clone(), held);
        if held == hash && self.made.get(place).is_some_and(|mine| mine.contains(&made)) {
            return Stand::Free(replacing);
        }
        match self.holders(view, held).map(|mut holders| holders.all(|holder| holder == place)) {
            Some(true) => Stand::Free(replacing),
            Some(false) => Stand::Taken,
            None => Stand::Unasked(held),
        }
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
                self.stand_at(view, hash, place, hash, None)
            }
            ViewFact::Copy(_, held) if *held == hash => self.stand_at(view, hash, place, hash, None),
            ViewFact::Copy(id, held) => self.stand_at(view, *held, place, hash, Some(*id)),
            ViewFact::File(id) => match self.ours.get(id) {
                Some(other) if is_of_place(other) => self.stand_at(view, *other, place, hash, Some(*id)),
                Some(_) => Stand::Taken,
                None => Stand::Denied(Denied::Occupied(view.clone())),
            },
            ViewFact::Ours(_) | ViewFact::Folder => Stand::Taken,
            ViewFact::Below(folder) if self.promised.removes(self.spelling(folder)) => Stand::Free(None),
            ViewFact::Below(folder) => Stand::Below(folder.names().count()),
            ViewFact::Foreign(at) => Stand::Denied(Denied::Occupied(at.clone())),
            ViewFact::Unusable(kind) => Stand::Denied(Denied::Unusable(view.clone(), *kind)),
        }
    }

    /// What this page and earlier ones have given away already.
    fn stand_among_granted(&self, view: &RelPath, place: &Place, hash: BlobHash) -> Option<Stand> {
        let key = self.actual.folding.key(view);
        if let Some(granted) = self.granted.get(&key) {
            let is_his = granted.view == *view && granted.place == *place && granted.hash == hash;
            return Some(if is_his { Stand::His } else { Stand::Taken });
        }
        if self.promised.holder(&key).is_some_and(|holder| holder != Holder::new(view, place, &hash)) {
            return Some(Stand::Taken);
        }
        let below = [key.as_slice(), b"/"].concat();
        let is_folder =
            self.granted.range(below.clone()..).next().is_some_and(|(key, _)| key.starts_with(&below));
        if is_folder || self.promised.is_folder(&key) {
            return Some(Stand::Taken);
        }
        std::iter::successors(view.parent(), RelPath::parent)
            .find(|folder| {
                let key = self.actual.folding.key(folder);
                self.granted.contains_key(&key) || self.promised.holder(&key).is_some()
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

    /// Adds the removals of our views that nobody wants, then the links that are still to be made; and what is to be found out first.
    pub(super) fn finish(self, wishes: &[&Wish], plan: &mut Plan) {
        let mut removes: BTreeMap<RelPath, RemoveView> = BTreeMap::new();
        let mut unasked = BTreeSet::new();
        for Wish { claim, leftovers, .. } in wishes {
            let place = claim.at.place();
            let made = claim.view.iter().chain(leftovers).cloned().chain([layout::view_path(&place)]);
            let is_granted = |view: &RelPath| {
                // a key is wider than what the file system takes for one
                let granted = self.granted.get(&self.actual.folding.key(view));
                granted.is_some_and(|granted| self.spelling(&granted.view) == self.spelling(view))
            };
            for view in made.filter(|view| !is_granted(view) && !self.is_namesake(view, &place)) {
                let is_of_place = |hash: &&BlobHash| self.contents[&place].contains(*hash);
                let (expected, held) = match self.fact(&view) {
                    Some(ViewFact::File(id)) => match self.ours.get(id).filter(is_of_place) {
                        Some(held) => (*id, *held),
                        None => continue,
                    },
                    Some(ViewFact::Copy(id, held)) => (*id, *held),
                    _ => continue,
                };
                if self.reserved.contains(&view) && is_welcome(wishes, &place, held) {
                    continue;
                }
                match self.is_held_elsewhere(&view, held, &place) {
                    Some(false) => drop(removes.insert(view.clone(), RemoveView { view, expected })),
                    Some(true) => {}
                    None => drop(unasked.insert((held, view))),
                }
            }
        }
        plan.reserved = self.reserved;
        plan.reserved.retain(|view| !removes.contains_key(view));
        let links = self.links.into_values().map(Action::Link);
        plan.actions.extend(removes.into_values().map(Action::Remove).chain(links));
        plan.granted.extend(self.granted.into_values());
        unasked.extend(self.unasked);
        (plan.unknown, plan.unasked) = (self.unknown, unasked);
    }

    /// Whether a place of another page has what stands at a view; those of this page have said what they want.
    fn is_held_elsewhere(&self, view: &RelPath, held: BlobHash, place: &Place) -> Option<bool> {
        let promised = self.promised.holder(&self.actual.folding.key(view));
        if promised.is_some_and(|holder| holder.is_at(view) && holder != Holder::new(view, place, &held)) {
            return Some(true);
        }
        Some(self.holders(view, held)?.any(|holder| !self.contents.contains_key(holder)))
    }
}

/// Whether somebody may still want to see a content at a place.
fn is_welcome(wishes: &[&Wish], place: &Place, hash: BlobHash) -> bool {
    let mut wants = wishes.iter().filter(|wish| wish.claim.hash == hash && wish.claim.at.place() == *place);
    wants.any(|wish| matches!(wish.want, Want::View(_) | Want::Content | Want::Nothing(Reason::Awaiting)))
}

/// The first so many names of a path.
fn first(path: &RelPath, names: usize) -> RelPath {
    path.names().take(names).fold(RelPath::root(), |path, name| path.join(&name))
}
