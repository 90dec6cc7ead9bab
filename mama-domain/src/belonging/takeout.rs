//! The names of the JSON files in a Google Takeout.
//!
//! Each describes the file whose name it has, but names are cut off, numbers move, and some files share one. The rules are
//! those that immich-go and GooglePhotosTakeoutHelper found out; Google documents none.

use mama_ports::vocab::FileName;

use super::name::{Name, split_ending, split_number};
use super::sidecar::{Folder, Naming, SidecarKind, SidecarOf};
use crate::layout::folded;

/// What follows the name of a file since 2024, whole or cut off.
const SUPPLEMENT: &[u8] = b".supplemental-metadata";

/// Names of JSON files are cut off after 46 or 47 characters; a shorter one is whole.
const CUT_OFF_FROM: usize = 45;

/// The still half of a Live Photo, and its moving one, which shares its JSON.
const STILLS: [&str; 4] = ["heic", "jpg", "jpeg", "dng"];
const MOVING: [&str; 4] = ["mp4", "mov", "mp", "mv"];
/// What people upload without an ending, and gets one in the Takeout: other files have a JSON of their own kind beside them.
const UPLOADED: [&str; 11] =
    ["heic", "heif", "jpg", "jpeg", "dng", "png", "gif", "webp", "mp4", "mov", "3gp"];

/// What a JSON file says in its name.
struct Said {
    /// Without `.json`.
    text: Vec<u8>,
    /// Without a number at its end.
    unnumbered: Vec<u8>,
    number: Option<Vec<u8>>,
    may_be_cut_off: bool,
}

/// The files that a JSON file may describe, each with what in its name says so.
pub(super) fn described<'a>(json: &FileName, folder: &Folder<'a>) -> Vec<(&'a FileName, Naming)> {
    let (text, _) = split_ending(json.as_bytes());
    let (unnumbered, _) = split_number(text);
    let may_be_cut_off = String::from_utf8_lossy(unnumbered).chars().count() >= CUT_OFF_FROM;
    let text = folded(text);
    let (unnumbered, number) = split_number(&text);
    let said = Said {
        unnumbered: unnumbered.to_vec(),
        number: number.map(<[u8]>::to_vec),
        may_be_cut_off,
        text: text.clone(),
    };
    let mut found = Vec::new();
    for stem in stems(&said) {
        found.extend(folder.plain(&stem));
    }
    if may_be_cut_off {
        found.extend(folder.beginning(&said.unnumbered));
    }
    let mut links: Vec<_> =
        found.into_iter().filter_map(|(file, name)| Some((file, said.describes(name)?))).collect();
    links.sort_unstable();
    links.dedup();
    links
}

/// Leaves each file its surest JSON only: the others are of files with like names.
pub(super) fn keep_surest(links: &mut Vec<SidecarOf<'_>>) {
    let mut last: Option<&FileName> = None;
    links.retain(|link| {
        if link.kind != SidecarKind::Takeout {
            return true;
        }
        // they come in order, the surest first
        last.replace(link.of) != Some(link.of)
    });
}

/// Whether the JSON file of this name belongs to a picture or a film, which may lie in another part of the Takeout.
pub(super) fn is_of_media(json: &FileName) -> bool {
    let text = folded(split_ending(json.as_bytes()).0);
    let mut parts = text.split(|byte| *byte == b'.').skip(1);
    parts.any(|part| UPLOADED.iter().any(|ending| split_number(part).0 == ending.as_bytes()))
}

/// Whether a file with this name, which may be cut off, may be the one whose name was `title` before Google made a file of it.
pub(crate) fn may_have_title(of: &FileName, title: &str) -> bool {
    let (name, title) = (Name::of(of.as_bytes()).plain, folded(title.as_bytes()));
    let (name, title) = (String::from_utf8_lossy(&name), String::from_utf8_lossy(&title));
    let mut titled = title.chars();
    // Google writes `_` for what some file systems do not take
    name.chars().all(|own| titled.next().is_some_and(|one| own == one || own == '_'))
}

/// The plain stems that the described file may have: what comes before any of the dots.
fn stems(said: &Said) -> Vec<Vec<u8>> {
    let before_dots = |text: &[u8]| {
        let dots = text.iter().enumerate().filter(|(_, byte)| **byte == b'.').map(|(at, _)| at);
        dots.map(|at| text[..at].to_vec()).chain([text.to_vec()]).collect::<Vec<_>>()
    };
    let plain = |stem: &Vec<u8>| Name::of(&[stem, b".".as_slice()].concat()).plain;
    let whole: Vec<Vec<u8>> =
        before_dots(&said.unnumbered).into_iter().chain(before_dots(&said.text)).collect();
    // a name that had a number already, and got another one
    let mut stems: Vec<Vec<u8>> = whole.iter().map(plain).chain(whole.iter().cloned()).collect();
    stems.sort_unstable();
    stems.dedup();
    stems
}

impl Said {
    fn describes(&self, name: &Name) -> Option<Naming> {
        let directly = self.names(name, &name.whole, &name.with_stem(&name.unnumbered));
        let edited = || {
            let number = name.number.as_ref().map(|number| [b"(", number.as_slice(), b")"].concat());
            let stem = [name.plain.as_slice(), &number.unwrap_or_default()].concat();
            let same_type = self.names(name, &name.with_stem(&stem), &name.with_stem(&name.plain));
            match same_type {
                Some(_) => Some(Naming::Edited),
                None => self.is_of_still(name, &stem, &name.plain).then_some(Naming::EditedToOtherType),
            }
        };
        let still_half = || {
            // `PXL_1.MP` has its picture in `PXL_1.MP.jpg`
            self.is_of_still(name, &name.stem, &name.unnumbered)
                || self.is_of_still(name, &name.whole, &name.with_stem(&name.unnumbered))
        };
        directly
            .or_else(|| if name.is_edited() { edited() } else { None })
            .or_else(|| (name.ends_in(&MOVING) && still_half()).then_some(Naming::LivePhoto))
            // uploaded without an ending
            .or_else(|| (self.text == name.stem && name.ends_in(&UPLOADED)).then_some(Naming::Replaced))
    }

    /// `whole`: the file's name; `unnumbered`: the same without a number.
    fn names(&self, name: &Name, whole: &[u8], unnumbered: &[u8]) -> Option<Naming> {
        let same_number = self.number == name.number;
        let is_supplement = |text: &[u8], of: &[u8]| {
            text.strip_prefix(of).is_some_and(|rest| !rest.is_empty() && SUPPLEMENT.starts_with(rest))
        };
        let is_cut_off = |text: &[u8], of: &[u8]| self.may_be_cut_off && of.starts_with(text);
        if self.text == whole {
            Some(Naming::Appended)
        } else if same_number && self.unnumbered == unnumbered {
            Some(Naming::Numbered)
        } else if is_supplement(&self.text, whole)
            || (same_number && is_supplement(&self.unnumbered, unnumbered))
        {
            Some(Naming::Supplemental)
        } else if is_cut_off(&self.text, whole)
            || ((same_number || self.number.is_none()) && is_cut_off(&self.unnumbered, unnumbered))
        {
            Some(Naming::Truncated)
        } else {
            None
        }
    }

    /// Whether this is the JSON of a picture with this stem, which belongs to the file with this name.
    fn is_of_still(&self, name: &Name, stem: &[u8], unnumbered: &[u8]) -> bool {
        STILLS.iter().any(|ending| {
            let still = |stem: &[u8]| [stem, b".", ending.as_bytes()].concat();
            matches!(
                self.names(name, &still(stem), &still(unnumbered)),
                Some(Naming::Appended | Naming::Numbered | Naming::Supplemental)
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sidecar::sidecars;
    use super::*;

    fn jsons(all: &[&str]) -> Vec<String> {
        let all: Vec<FileName> = all.iter().map(|name| FileName::parse(*name).unwrap()).collect();
        let shown = |name: &FileName| String::from_utf8_lossy(name.as_bytes()).into_owned();
        let links = sidecars(all.iter());
        links.iter().map(|it| format!("{} < {} {:?}", shown(it.of), shown(it.sidecar), it.naming)).collect()
    }

    #[test]
    fn a_number_moves_behind_the_ending() {
        let all = ["a.JPG", "a(1).JPG", "a_1.JPG", "a.JPG.json", "a.JPG(1).json", "a_1.JPG.json"];
        assert_eq!(
            jsons(&all),
            [
                "a(1).JPG < a.JPG(1).json Numbered",
                "a.JPG < a.JPG.json Appended",
                "a_1.JPG < a_1.JPG.json Appended"
            ]
        );
        let supplemental =
            ["a.png", "a(2).png", "a.png.supplemental-metadata.json", "a.png.supplemental-metadata(2).json"];
        assert_eq!(
            jsons(&supplemental),
            [
                "a(2).png < a.png.supplemental-metadata(2).json Supplemental",
                "a.png < a.png.supplemental-metadata.json Supplemental"
            ]
        );
        assert_eq!(
            jsons(&["a(1).jpg", "a(1).jpg.suppl.json"]),
            ["a(1).jpg < a(1).jpg.suppl.json Supplemental"]
        );
    }

    #[test]
    fn the_supplement_is_cut_off_anywhere() {
        for cut in ["supplemental-metadata", "supplemental-me", "suppl", "s", ""] {
            let json = format!("IMG_1.jpg.{cut}.json");
            assert_eq!(jsons(&["IMG_1.jpg", &json]), [format!("IMG_1.jpg < {json} Supplemental")]);
        }
        assert_eq!(jsons(&["IMG_1.jpg", "IMG_1.jpg.other.json"]), [""; 0]);
    }

    #[test]
    fn a_long_name_is_cut_off_in_stem_or_ending() {
        let stem = "Backyard_ceremony_wedding_photography_xxxxxxx_";
        let numbered = [format!("{stem}m(494).jpg"), format!("{stem}(494).json")];
        let numbered: Vec<&str> = numbered.iter().map(String::as_str).collect();
        assert_eq!(jsons(&numbered), [format!("{stem}m(494).jpg < {stem}(494).json Truncated")]);
        let twice = "1556189729458-8d2e2d13-bca5-467e-a242-9e4cb238e";
        let twice = [format!("{twice}.jpg"), format!("{twice}(1).jpg"), format!("{twice}.json")];
        let twice: Vec<&str> = twice.iter().map(String::as_str).collect();
        assert_eq!(jsons(&twice).len(), 2, "Google forgets the second one");
        assert_eq!(jsons(&["short_name.jpg", "short.json"]), [""; 0], "a short name is whole");
    }

    #[test]
    fn an_edited_picture_and_the_moving_half_share_a_json() {
        let all = ["a.jpg", "a-bearbeitet.jpg", "a.jpg.json"];
        assert_eq!(jsons(&all), ["a-bearbeitet.jpg < a.jpg.json Edited", "a.jpg < a.jpg.json Appended"]);
        let own = ["a.jpg", "a-edited.jpg", "a.jpg.json", "a-edited.jpg.json"];
        assert_eq!(jsons(&own)[0], "a-edited.jpg < a-edited.jpg.json Appended", "it has its own");
        let live = ["IMG_2.HEIC", "IMG_2.MP4", "IMG_2.HEIC.supplemental-metad.json"];
        assert_eq!(
            jsons(&live),
            [
                "IMG_2.HEIC < IMG_2.HEIC.supplemental-metad.json Supplemental",
                "IMG_2.MP4 < IMG_2.HEIC.supplemental-metad.json LivePhoto"
            ]
        );
    }

    #[test]
    fn names_that_were_given_twice_or_to_other_types_are_found() {
        for (file, json, naming) in [
            ("a(1)(1).jpg", "a(1).jpg.supplemental-metadata(1).json", "Supplemental"),
            ("a(1)(1).jpg", "a(1).jpg(1).json", "Numbered"),
            ("a-edited.jpg", "a.HEIC.json", "EditedToOtherType"),
            ("a-bearbeitet(2).jpg", "a.HEIC.supplemental-metadata(2).json", "EditedToOtherType"),
            ("PXL_1.MP", "PXL_1.MP.jpg.supplemental-metadata.json", "LivePhoto"),
            ("scan.jpg", "scan.json", "Replaced"),
        ] {
            assert_eq!(jsons(&[file, json]), [format!("{file} < {json} {naming}")]);
        }
        let both = ["a.jpg", "a.mp4", "a.json", "a.jpg.json"];
        assert_eq!(jsons(&both), ["a.jpg < a.jpg.json Appended", "a.mp4 < a.json Replaced"]);
        assert_eq!(jsons(&["a(1).jpg", "a.json"]), [""; 0]);
        assert_eq!(jsons(&["report.pdf", "report.json"]), [""; 0]);
        let two = ["a.HEIC", "a.JPG", "a-edited.JPG", "a.HEIC.json", "a.JPG.json"];
        assert_eq!(jsons(&two)[0], "a-edited.JPG < a.JPG.json Edited", "its own type's");
    }

    #[test]
    fn what_describes_an_album_describes_no_file() {
        assert_eq!(jsons(&["a.jpg", "metadata.json", "métadonnées.json", "Metadaten.json"]), [""; 0]);
    }
}
