//! Names that a case-insensitive or normalising file system takes for one.

use mama_ports::vocab::RelPath;
use unicode_normalization::UnicodeNormalization;

/// Whether the archive takes names for equal that differ in case or Unicode form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Folding {
    /// Names are bytes.
    #[default]
    Exact,
    /// Some different names are one; which ones, only the file system knows exactly.
    Folds,
}

impl Folding {
    /// What two paths that may be one have in common.
    ///
    /// On a folding archive wider than any file system's own rule: a name too many gets a tag, none is lost.
    pub fn key(self, path: &RelPath) -> Vec<u8> {
        match self {
            Self::Exact => path.as_bytes().to_vec(),
            Self::Folds => folded(path.as_bytes()),
        }
    }
}

pub(crate) fn folded(bytes: &[u8]) -> Vec<u8> {
    if bytes.is_ascii() {
        return bytes.to_ascii_lowercase();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => {
            let upper: String = text.nfkd().flat_map(char::to_uppercase).collect();
            upper.chars().flat_map(char::to_lowercase).nfkd().collect::<String>().into_bytes()
        }
        Err(_) => bytes.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_file_systems_take_for_one_has_one_key() {
        let key = |folding: Folding, name: &str| folding.key(&RelPath::parse(name).unwrap());
        for (a, b) in [("A/b.JPG", "a/B.jpg"), ("\u{e9}", "e\u{301}"), ("Straße", "STRASSE"), ("ſ", "s")] {
            assert_eq!(key(Folding::Folds, a), key(Folding::Folds, b), "{a} {b}");
            assert_ne!(key(Folding::Exact, a), key(Folding::Exact, b), "{a} {b}");
        }
        let ascii: String = (0..128).map(char::from).filter(|c| !matches!(c, '\0' | '/')).collect();
        let with_more = key(Folding::Folds, &format!("{ascii}é"));
        assert!(
            with_more.starts_with(&key(Folding::Folds, &ascii)),
            "the short way gives what the long one does"
        );
        assert_ne!(key(Folding::Folds, "a"), key(Folding::Folds, "b"));
    }
}
