//! Sidecars: files that describe other files, by the names that they have in one folder.

use std::collections::HashSet;

use mama_ports::vocab::FileName;

use super::name::{Name, split_ending};
use super::takeout;

/// What sort of sidecar a file is, by its ending; the first counts most where two say different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SidecarKind {
    /// XMP, of Lightroom, darktable, digiKam and others.
    Xmp,
    /// The JSON beside each file of a Google Takeout.
    Takeout,
    /// The edits of a photo on an iPhone.
    Aae,
    /// The small picture beside a video of a camera, which has the metadata that the video lacks.
    Thm,
    /// The words of a song.
    Lrc,
    /// The tracks of a recording.
    Cue,
}

impl SidecarKind {
    /// The kind of a file with this name, if it may be a sidecar.
    pub fn of(name: &FileName) -> Option<Self> {
        let (_, ending) = split_ending(name.as_bytes());
        match ending.to_ascii_lowercase().as_slice() {
            b"xmp" => Some(Self::Xmp),
            b"json" => Some(Self::Takeout),
            b"aae" => Some(Self::Aae),
            b"thm" => Some(Self::Thm),
            b"lrc" => Some(Self::Lrc),
            b"cue" => Some(Self::Cue),
            _ => None,
        }
    }

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Xmp => "xmp",
            Self::Takeout => "takeout",
            Self::Aae => "aae",
            Self::Thm => "thm",
            Self::Lrc => "lrc",
            Self::Cue => "cue",
        }
    }
}

/// How the name of a sidecar says what it describes; the first is the surest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Naming {
    /// `IMG_1.JPG.xmp` of `IMG_1.JPG`.
    Appended,
    /// `IMG_1.JPG(2).json` of `IMG_1(2).JPG`.
    Numbered,
    /// `IMG_1.JPG.supplemental-metadata.json` of `IMG_1.JPG`; the long word may be cut off anywhere.
    Supplemental,
    /// `IMG_1.xmp` of `IMG_1.JPG`; `IMG_O1.AAE` of `IMG_1.HEIC`.
    Replaced,
    /// A name that was cut off, of the file whose name goes on from there.
    Truncated,
    /// `IMG_1.JPG.json` of `IMG_1-edited.JPG`, which has none of its own.
    Edited,
    /// `IMG_1.HEIC.json` of `IMG_1-edited.JPG`: the edit was saved as another type.
    EditedToOtherType,
    /// `IMG_1.HEIC.json` of `IMG_1.MP4`, the moving half of a Live Photo.
    LivePhoto,
}

impl Naming {
    /// In words.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Appended => "its name and an ending",
            Self::Numbered => "its name, with the number behind the ending",
            Self::Supplemental => "its name and `supplemental-metadata`",
            Self::Replaced => "its name with another ending",
            Self::Truncated => "the beginning of its name",
            Self::Edited | Self::EditedToOtherType => "the name of the picture that it was edited from",
            Self::LivePhoto => "the name of its still half",
        }
    }
}

/// One file describes another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SidecarOf<'a> {
    /// The file that is described.
    pub of: &'a FileName,
    /// What sort of sidecar it is.
    pub kind: SidecarKind,
    /// What says so.
    pub naming: Naming,
    /// The sidecar.
    pub sidecar: &'a FileName,
}

/// The names of one folder that may be described, by what their sidecars have of them.
pub(super) struct Folder<'a> {
    files: Vec<(&'a FileName, Name)>,
    by_whole: Order,
    by_stem: Order,
    by_plain: Order,
}

/// The places of files, in the order of one part of their names.
struct Order {
    part: fn(&Name) -> &[u8],
    places: Vec<usize>,
}

impl Order {
    fn new(files: &[(&FileName, Name)], part: fn(&Name) -> &[u8]) -> Self {
        let mut places: Vec<usize> = (0..files.len()).collect();
        places.sort_by(|&one, &two| part(&files[one].1).cmp(part(&files[two].1)));
        Self { part, places }
    }

    /// The places of the files whose part is not before `key`.
    fn starting_at(&self, files: &[(&FileName, Name)], key: &[u8]) -> &[usize] {
        &self.places[self.places.partition_point(|&at| (self.part)(&files[at].1) < key)..]
    }
}

impl<'a> Folder<'a> {
    pub(super) fn new(names: impl Iterator<Item = &'a FileName>) -> Self {
        let files: Vec<_> = names.map(|name| (name, Name::of(name.as_bytes()))).collect();
        let (by_whole, by_stem) =
            (Order::new(&files, |name| &name.whole), Order::new(&files, |name| &name.stem));
        let by_plain = Order::new(&files, |name| &name.plain);
        Self { files, by_whole, by_stem, by_plain }
    }

    /// The files whose plain stem is this.
    pub(super) fn plain(&self, stem: &[u8]) -> impl Iterator<Item = (&'a FileName, &Name)> {
        self.beginning(stem).take_while(move |(_, name)| name.plain == stem)
    }

    /// The files whose plain stem begins so.
    pub(super) fn beginning(&self, with: &[u8]) -> impl Iterator<Item = (&'a FileName, &Name)> {
        let from = self.by_plain.starting_at(&self.files, with).iter();
        from.map(|&at| (self.files[at].0, &self.files[at].1))
            .take_while(move |(_, name)| name.plain.starts_with(with))
    }

    /// The files that this key finds; where cases differ, those whose bytes agree, if any do.
    fn found(&self, order: &Order, key: &[u8], exact: impl Fn(&[u8]) -> bool) -> Vec<&'a FileName> {
        let from = order.starting_at(&self.files, key).iter().map(|&at| &self.files[at]);
        let all = from.take_while(|(_, name)| (order.part)(name) == key).map(|(file, _)| *file);
        let (agree, differ): (Vec<_>, Vec<_>) = all.partition(|name| exact(name.as_bytes()));
        if agree.is_empty() { differ } else { agree }
    }
}

/// Which files of one folder describe which, in the order of the described; for one file, what counts most comes first.
pub fn sidecars<'a>(names: impl Iterator<Item = &'a FileName> + Clone) -> Vec<SidecarOf<'a>> {
    let mut links = Vec::new();
    let sidecars: Vec<_> = names.clone().filter_map(|name| Some((name, SidecarKind::of(name)?))).collect();
    if sidecars.is_empty() {
        return links;
    }
    let folder = Folder::new(names.filter(|name| SidecarKind::of(name).is_none()));
    for (sidecar, kind) in sidecars {
        let mut link = |of, naming| links.push(SidecarOf { of, kind, naming, sidecar });
        if kind == SidecarKind::Takeout {
            takeout::described(sidecar, &folder).into_iter().for_each(|(of, naming)| link(of, naming));
            continue;
        }
        let (stem, _) = split_ending(sidecar.as_bytes());
        let key = Name::of(sidecar.as_bytes()).stem;
        let appended = folder.found(&folder.by_whole, &key, |name| name == stem);
        if !appended.is_empty() {
            appended.into_iter().for_each(|of| link(of, Naming::Appended));
            continue;
        }
        let original = (kind == SidecarKind::Aae).then(|| key.strip_prefix(b"img_o")).flatten();
        let key = original.map_or(key.clone(), |number| [b"img_", number].concat());
        let replaced = folder.found(&folder.by_stem, &key, |name| split_ending(name).0 == stem);
        replaced.into_iter().for_each(|of| link(of, Naming::Replaced));
    }
    links.sort_unstable();
    takeout::keep_surest(&mut links);
    links
}

/// How many of these names are of a Takeout's JSON files whose pictures are not there; `links` are those of the same folder.
pub fn strays<'a>(names: impl Iterator<Item = &'a FileName>, links: &[SidecarOf<'_>]) -> u64 {
    let is_json = |name: &&FileName| {
        name.as_bytes().last_chunk().is_some_and(|end: &[u8; 5]| end.eq_ignore_ascii_case(b".json"))
    };
    let linked: HashSet<&FileName> = links.iter().map(|link| link.sidecar).collect();
    let is_stray = |name: &&FileName| !linked.contains(*name) && takeout::is_of_media(name);
    names.filter(is_json).filter(is_stray).count() as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(names: &[&str]) -> Vec<FileName> {
        names.iter().map(|name| FileName::parse(*name).unwrap()).collect()
    }

    #[test]
    fn a_takeout_in_parts_leaves_strays() {
        let strays = |all: &[&str]| {
            let all = names(all);
            super::strays(all.iter(), &sidecars(all.iter()))
        };
        assert_eq!(strays(&["IMG_1.jpg", "IMG_1.jpg.json", "IMG_2.jpg.json", "IMG_3.JPG(1).json"]), 2);
        assert_eq!(strays(&["IMG_4.HEIC.supplemental-meta.json", "IMG_5(1).mp4.json"]), 2);
        assert_eq!(strays(&["metadata.json", "package.json", "a.b.json", "IMG_1.jpg"]), 0);
    }

    fn linked(all: &[&str]) -> Vec<String> {
        let all = names(all);
        let shown = |name: &FileName| String::from_utf8_lossy(name.as_bytes()).into_owned();
        let links = sidecars(all.iter());
        links.iter().map(|it| format!("{} < {} {:?}", shown(it.of), shown(it.sidecar), it.naming)).collect()
    }

    #[test]
    fn xmp_has_either_name() {
        assert_eq!(
            linked(&["IMG_1.CR2", "IMG_1.JPG", "IMG_1.CR2.xmp", "IMG_1.XMP", "other.xmp"]),
            [
                "IMG_1.CR2 < IMG_1.CR2.xmp Appended",
                "IMG_1.CR2 < IMG_1.XMP Replaced",
                "IMG_1.JPG < IMG_1.XMP Replaced"
            ]
        );
    }

    #[test]
    fn cases_may_differ_but_equal_ones_come_first() {
        assert_eq!(linked(&["img_1.jpg", "IMG_1.JPG.XMP"]), ["img_1.jpg < IMG_1.JPG.XMP Appended"]);
        assert_eq!(
            linked(&["case.jpg", "Case.jpg", "case.jpg.xmp", "Case.xmp"]),
            ["Case.jpg < Case.xmp Replaced", "case.jpg < case.jpg.xmp Appended"]
        );
    }

    #[test]
    fn edits_thumbnails_words_and_tracks_have_the_stem() {
        assert_eq!(
            linked(&[
                "IMG_7.HEIC",
                "IMG_7.AAE",
                "IMG_O7.AAE",
                "MVI_2.AVI",
                "MVI_2.THM",
                "a.flac",
                "a.cue",
                "a.lrc"
            ]),
            [
                "IMG_7.HEIC < IMG_7.AAE Replaced",
                "IMG_7.HEIC < IMG_O7.AAE Replaced",
                "MVI_2.AVI < MVI_2.THM Replaced",
                "a.flac < a.lrc Replaced",
                "a.flac < a.cue Replaced"
            ]
        );
    }

    #[test]
    fn a_sidecar_is_described_by_none() {
        assert_eq!(linked(&["a.xmp", "a.xmp.xmp", "a.json", "a.aae"]), [""; 0]);
    }

    fn some_name() -> impl Strategy<Value = FileName> {
        let stem =
            prop::sample::select(vec!["IMG_1", "img_1", "IMG_1(1)", "IMG_1-edited", "x", "é", "IMG_O1"]);
        let ending = prop::sample::select(vec![
            "",
            ".JPG",
            ".jpg",
            ".MP4",
            ".xmp",
            ".json",
            ".JPG.json",
            ".JPG(1).json",
            ".JPG.suppl.json",
            ".AAE",
        ]);
        prop_oneof![
            (stem, ending).prop_map(|(stem, ending)| FileName::parse(format!("{stem}{ending}")).unwrap()),
            prop::collection::vec(1..=255_u8, 1..8)
                .prop_filter_map("a name", |bytes| FileName::parse(bytes).ok()),
        ]
    }

    proptest! {
        #[test]
        fn the_order_of_a_listing_means_nothing(mut all in prop::collection::vec(some_name(), 0..12)) {
            let before: Vec<_> = sidecars(all.iter()).iter().map(|it| format!("{it:?}")).collect();
            all.reverse();
            let after: Vec<_> = sidecars(all.iter()).iter().map(|it| format!("{it:?}")).collect();
            prop_assert_eq!(before, after);
        }

        #[test]
        fn only_sidecars_describe_and_no_sidecar_is_described(all in prop::collection::vec(some_name(), 0..12)) {
            for link in sidecars(all.iter()) {
                prop_assert!(SidecarKind::of(link.sidecar) == Some(link.kind) && SidecarKind::of(link.of).is_none());
            }
        }
    }
}
