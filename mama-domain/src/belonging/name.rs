//! The parts of a file name that say what it belongs to.

use std::sync::LazyLock;

use crate::layout::folded;

/// What programs append to the name of a picture that was edited, in their languages.
///
/// Google Photos (as its Takeout has them; the list of GooglePhotosTakeoutHelper), Lightroom's `-Edit`, and `edited` otherwise.
const EDITED: [&str; 17] = [
    "-edited",
    "-effects",
    "-smile",
    "-mix",
    "-bearbeitet",
    "-bewerkt",
    "-edytowane",
    "-modificato",
    "-modifié",
    "-ha editado",
    "-editado",
    "-editat",
    "-編集済み",
    "-edit",
    "_edited",
    " (edited)",
    " (bearbeitet)",
];

/// Takeout cuts the stems of longer names to this length, in bytes of a name in ASCII.
pub(super) const TAKEOUT_STEM: usize = 47;

/// The same in folded form.
static EDITED_FOLDED: LazyLock<[Vec<u8>; 17]> = LazyLock::new(|| EDITED.map(|mark| folded(mark.as_bytes())));

/// A name without regard to case and Unicode form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    /// All of it.
    pub(super) whole: Vec<u8>,
    /// Before the ending.
    pub(super) stem: Vec<u8>,
    /// Without the dot; empty if there is none.
    pub(super) ending: Vec<u8>,
    /// The stem without `(1)`.
    pub(super) unnumbered: Vec<u8>,
    /// What stands in the brackets.
    pub(super) number: Option<Vec<u8>>,
    /// The stem without a number, without the mark of an edited picture.
    pub(super) plain: Vec<u8>,
}

impl Name {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let whole = folded(bytes);
        let (stem, ending) = split_ending(&whole);
        let (unnumbered, number) = split_number(stem);
        let plain = without_edit(unnumbered).unwrap_or(unnumbered);
        Self {
            stem: stem.to_vec(),
            ending: ending.to_vec(),
            unnumbered: unnumbered.to_vec(),
            number: number.map(<[u8]>::to_vec),
            plain: plain.to_vec(),
            whole: whole.clone(),
        }
    }

    /// Whether it has the mark of an edited picture.
    pub(super) fn is_edited(&self) -> bool {
        self.plain != self.unnumbered
    }

    /// `stem.ending`, with another stem.
    pub(super) fn with_stem(&self, stem: &[u8]) -> Vec<u8> {
        if self.ending.is_empty() { stem.to_vec() } else { [stem, b".", &self.ending].concat() }
    }

    /// Whether it ends in one of these.
    pub(super) fn ends_in(&self, endings: &[&str]) -> bool {
        endings.iter().any(|ending| ending.as_bytes() == self.ending)
    }
}

/// What comes before the last dot, and after it; a dot at the beginning counts as no ending.
pub(super) fn split_ending(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => (&name[..dot], &name[dot + 1..]),
        Some(_) | None => (name, b""),
    }
}

/// `IMG_1(2)` as `IMG_1` and `2`.
pub(super) fn split_number(stem: &[u8]) -> (&[u8], Option<&[u8]>) {
    let inside = stem.strip_suffix(b")").and_then(|rest| {
        let open = rest.iter().rposition(|&byte| byte == b'(')?;
        let digits = &rest[open + 1..];
        let is_number = (1..=5).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
        (open > 0 && is_number).then_some((&rest[..open], digits))
    });
    inside.map_or((stem, None), |(before, digits)| (before, Some(digits)))
}

/// `IMG_1-edited` as `IMG_1`, also where Takeout has cut the mark off after its first letter.
fn without_edit(stem: &[u8]) -> Option<&[u8]> {
    let is_cut = |mark: &&[u8]| mark.len() > 1 && stem.ends_with(mark);
    let cut = |mark: &&'static [u8]| {
        let beginnings = (2..mark.len()).rev().map(|length| &mark[..length]);
        beginnings.into_iter().find(is_cut)
    };
    let mut marks = EDITED_FOLDED.iter().map(Vec::as_slice);
    let mark = marks
        .clone()
        .find(|mark| stem.ends_with(mark))
        .or_else(|| marks.find_map(|mark| cut(&mark).filter(|_| stem.len() == TAKEOUT_STEM)))?;
    Some(&stem[..stem.len() - mark.len()]).filter(|before| !before.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> (String, String, Option<String>, String) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let name = Name::of(name.as_bytes());
        (text(&name.stem), text(&name.ending), name.number.as_deref().map(text), text(&name.plain))
    }

    #[test]
    fn a_name_has_a_stem_an_ending_a_number_and_marks() {
        let expect = |name, stem: &str, ending: &str, number: Option<&str>, plain: &str| {
            let expected = (stem.to_owned(), ending.to_owned(), number.map(str::to_owned), plain.to_owned());
            assert_eq!(parts(name), expected, "{name}");
        };
        expect("IMG_1.JPG", "img_1", "jpg", None, "img_1");
        expect("a(12).b.png", "a(12).b", "png", None, "a(12).b");
        expect("a(12).png", "a(12)", "png", Some("12"), "a");
        expect("a-ha editado.png", "a-ha editado", "png", None, "a");
        expect("a-bearbeitet(1).png", "a-bearbeitet(1)", "png", Some("1"), "a");
        expect("a-Edit.tif", "a-edit", "tif", None, "a");
        expect("a_edited.png", "a_edited", "png", None, "a");
        expect("a (bearbeitet).png", "a (bearbeitet)", "png", None, "a");
        expect("a (edited).png", "a (edited)", "png", None, "a");
        expect(".hidden", ".hidden", "", None, ".hidden");
        expect("(1).png", "(1)", "png", None, "(1)");
        expect("-edited.png", "-edited", "png", None, "-edited");
        assert_eq!(parts("x-modifie\u{301}.jpg").3, "x");
    }
}
