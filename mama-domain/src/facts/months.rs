//! What months are called, in the languages whose screenshots are known: English, German, French, Spanish, Italian, Dutch, Portuguese and Swedish.

use std::sync::LazyLock;

use crate::layout::folded;

/// Their names and how they are shortened, from January on.
const NAMES: [&str; 12] = [
    "jan january januar jänner janvier janv enero ene gennaio gen januari janeiro",
    "feb february februar février févr febrero febbraio februari fevereiro fev",
    "mar march märz mär mrz mars marzo maart mrt março",
    "apr april avril avr abril abr aprile",
    "may mai mayo maggio mag mei maio maj",
    "jun june juni juin junio giugno giu junho",
    "jul july juli juillet juil julio luglio lug julho",
    "aug august août agosto ago augustus augusti",
    "sep sept september septembre septiembre settembre set setembro",
    "oct october oktober okt octobre octubre ottobre ott outubro out",
    "nov november novembre noviembre novembro",
    "dec december dezember dez décembre déc diciembre dic dicembre dezembro",
];

/// The same in folded form.
static FOLDED: LazyLock<[Vec<u8>; 12]> = LazyLock::new(|| NAMES.map(|names| folded(names.as_bytes())));

/// Whether the first word of this text, behind what separates it from a number, is a name of that month, counted from 1.
pub(super) fn is_called(month: u32, text: &[u8]) -> bool {
    let text = folded(text);
    let is_gap = |byte: &u8| b" _-.".contains(byte);
    let mut words = text.split(is_gap).filter(|word| !word.is_empty());
    let names = usize::try_from(month).ok().and_then(|month| FOLDED.get(month.checked_sub(1)?));
    let known = |word: &[u8]| names.is_some_and(|names| names.split(is_gap).any(|name| name == word));
    words.next().is_some_and(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_its_names_and_no_other() {
        for (month, text, expected) in [
            (6, " Juni", true),
            (6, "_JUNE 2012", true),
            (6, " - juin", true),
            (3, " Ma\u{308}rz", true),
            (12, ". Déc.", true),
            (3, " Marokko", false),
            (5, " Juni", false),
            (0, " Juni", false),
            (13, " Juni", false),
            (6, "", false),
        ] {
            assert_eq!(is_called(month, text.as_bytes()), expected, "{month}{text}");
        }
    }
}
