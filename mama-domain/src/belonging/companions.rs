//! What goes along when a person decides about some files of a folder.

use std::collections::BTreeMap;

use mama_ports::vocab::FileName;

use super::group::{GroupKind, Member, groups};
use super::sidecar::{SidecarKind, sidecars};

/// Why a file goes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// It is one thing with a file that was chosen.
    Group(GroupKind),
    /// It describes only files that are chosen or go along.
    Sidecar,
}

impl Why {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group(kind) => kind.as_str(),
            Self::Sidecar => "sidecar",
        }
    }
}

/// The files of a folder that go along with the chosen ones, all by their places among `files`.
///
/// What is one thing with a companion goes along, too. A sidecar takes nothing along. What `may_go` denies stays, and keeps its
/// sidecars and what only it would take along.
pub fn companions(
    files: &[Member<'_>],
    chosen: &[usize],
    may_go: impl Fn(usize) -> bool,
) -> BTreeMap<usize, Why> {
    let is_sidecar = |file: &Member<'_>| SidecarKind::of(file.name).is_some();
    let things: Vec<usize> = (0..files.len()).filter(|&at| !is_sidecar(&files[at])).collect();
    let members: Vec<Member<'_>> = things.iter().map(|&at| files[at].clone()).collect();
    let mut taken: Vec<bool> = vec![false; files.len()];
    chosen.iter().for_each(|&at| taken[at] = true);

    let mut companions = BTreeMap::new();
    let mut groups = groups(&members);
    loop {
        let reaches = |members: &[usize]| members.iter().any(|&at| taken[things[at]]);
        let Some(at) = groups.iter().position(|group| reaches(&group.members)) else { break };
        let group = groups.swap_remove(at);
        for file in group.members.into_iter().map(|at| things[at]) {
            if may_go(file) && !std::mem::replace(&mut taken[file], true) {
                companions.insert(file, Why::Group(group.kind));
            }
        }
    }

    let by_name: BTreeMap<&FileName, usize> =
        files.iter().enumerate().map(|(at, file)| (file.name, at)).collect();
    let mut describes: BTreeMap<usize, bool> = BTreeMap::new();
    for link in sidecars(files.iter().map(|file| file.name)) {
        let only_chosen = describes.entry(by_name[link.sidecar]).or_insert(true);
        *only_chosen &= taken[by_name[link.of]];
    }
    let along = describes.into_iter().filter(|&(at, only_chosen)| only_chosen && !taken[at] && may_go(at));
    companions.extend(along.map(|(at, _)| (at, Why::Sidecar)));
    companions
}

#[cfg(test)]
mod tests {
    use super::super::group::Traits;
    use super::*;

    fn along(names: &[&str], chosen: &[&str], denied: &[&str]) -> Vec<String> {
        let parsed: Vec<FileName> = names.iter().map(|name| FileName::parse(*name).unwrap()).collect();
        let files: Vec<Member<'_>> = parsed
            .iter()
            .map(|name| {
                let is_picture = name.as_bytes().ends_with(b"G") || name.as_bytes().ends_with(b"C");
                let seconds = name.as_bytes().ends_with(b"V").then_some(2.8);
                Member { name, traits: Traits { is_picture, seconds, ..Traits::default() } }
            })
            .collect();
        let chosen: Vec<usize> =
            names.iter().enumerate().filter(|(_, name)| chosen.contains(name)).map(|(at, _)| at).collect();
        let companions = companions(&files, &chosen, |at| !denied.contains(&names[at]));
        companions.iter().map(|(&at, why)| format!("{} ({})", names[at], why.as_str())).collect()
    }

    #[test]
    fn a_group_goes_whole_and_its_sidecars_with_it() {
        let all = ["IMG_1.HEIC", "IMG_1.MOV", "IMG_1.AAE", "IMG_2.HEIC", "IMG_E1.JPG"];
        let others = ["IMG_1.HEIC (live_photo)", "IMG_1.AAE (sidecar)", "IMG_E1.JPG (edited)"];
        assert_eq!(along(&all, &["IMG_1.MOV"], &[]), others);
        assert_eq!(along(&all, &["IMG_2.HEIC"], &[]), [""; 0]);
    }

    #[test]
    fn a_sidecar_goes_only_when_nothing_else_needs_it_and_takes_nothing_along() {
        let all = ["a.JPG", "a.PDF", "a.xmp", "a.JPG.xmp"];
        assert_eq!(along(&all, &["a.JPG"], &[]), ["a.JPG.xmp (sidecar)"]);
        assert_eq!(along(&all, &["a.JPG", "a.PDF"], &[]), ["a.xmp (sidecar)", "a.JPG.xmp (sidecar)"]);
        assert_eq!(along(&all, &["a.xmp"], &[]), [""; 0]);
    }

    #[test]
    fn what_may_not_go_stays_with_what_only_it_needs() {
        let all = ["a.JPG", "a.NEF", "a.NEF.xmp", "a.xmp", "a.JPG.xmp"];
        let whole = ["a.NEF (raw_and_jpeg)", "a.NEF.xmp (sidecar)", "a.xmp (sidecar)", "a.JPG.xmp (sidecar)"];
        assert_eq!(along(&all, &["a.JPG"], &[]), whole);
        assert_eq!(along(&all, &["a.JPG"], &["a.NEF"]), ["a.JPG.xmp (sidecar)"]);
        assert_eq!(along(&all, &["a.JPG"], &["a.JPG.xmp"]), &whole[..3]);
    }
}
