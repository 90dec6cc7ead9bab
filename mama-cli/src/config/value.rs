//! How values are written, in the file and elsewhere.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use bytesize::ByteSize;
use mama_domain::archive::Transfer;

/// A value that can be read from the configuration file, and from an environment variable or flag.
pub(super) trait Parse: Sized {
    /// What is expected, as the end of "must be …".
    fn expected() -> String;
    /// Reads a value of the file.
    fn from_toml(value: &toml::Value) -> Option<Self>;
    /// Reads a text; a list is separated by commas.
    fn from_text(text: &OsStr) -> Option<Self>;
}

/// How folders are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WalkerKind {
    /// By mama's own walker.
    Tree,
    /// By jwalk.
    Jwalk,
}

impl WalkerKind {
    /// The word in the configuration.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Tree => "tree",
            Self::Jwalk => "jwalk",
        }
    }
}

/// How much metadata a scan reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanMetadata {
    /// All there is.
    Full,
    /// What is found in no time.
    Quick,
    /// None.
    Nothing,
}

impl fmt::Display for ScanMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "true",
            Self::Quick => "quick",
            Self::Nothing => "false",
        })
    }
}

/// Ways into the archive, best first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ways(pub(crate) Vec<Transfer>);

impl fmt::Display for Ways {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.0.iter().map(|way| way.as_str()).collect();
        f.write_str(&words.join(", "))
    }
}

impl Parse for String {
    fn expected() -> String {
        "a text".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        text.to_str().filter(|text| !text.is_empty()).map(str::to_owned)
    }
}

impl Parse for OsString {
    fn expected() -> String {
        "the name or path of a program".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        String::from_toml(value).map(Self::from)
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        Some(text.to_owned())
    }
}

impl Parse for PathBuf {
    fn expected() -> String {
        "the path of a folder".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        String::from_toml(value).map(Self::from)
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        Some(Self::from(text))
    }
}

impl Parse for bool {
    fn expected() -> String {
        "true or false".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_bool()
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        match text.to_str()? {
            "true" | "1" | "yes" | "on" => Some(true),
            "false" | "0" | "no" | "off" => Some(false),
            _ => None,
        }
    }
}

impl Parse for ScanMetadata {
    fn expected() -> String {
        "true or false, or \"quick\"".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        let all_or_nothing = |all| if all { Self::Full } else { Self::Nothing };
        value
            .as_bool()
            .map(all_or_nothing)
            .or_else(|| (value.as_str() == Some("quick")).then_some(Self::Quick))
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        match bool::from_text(text) {
            Some(true) => Some(Self::Full),
            Some(false) => Some(Self::Nothing),
            None => (text == "quick").then_some(Self::Quick),
        }
    }
}

impl Parse for u64 {
    fn expected() -> String {
        "a whole number of seconds, at least 1".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_integer().and_then(|number| number.try_into().ok()).filter(|&number| number > 0)
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        text.to_str()?.parse().ok().filter(|&number| number > 0)
    }
}

impl Parse for NonZeroUsize {
    fn expected() -> String {
        "a whole number from 1 to 1024".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        usize::try_from(value.as_integer()?).ok().filter(|&count| count <= 1024).and_then(Self::new)
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        text.to_str()?.parse().ok().filter(|count: &Self| count.get() <= 1024)
    }
}

impl Parse for ByteSize {
    fn expected() -> String {
        "a size such as \"1 GiB\"".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        match value {
            toml::Value::String(text) => text.parse().ok(),
            toml::Value::Integer(bytes) => (*bytes).try_into().ok().map(Self),
            _ => None,
        }
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        text.to_str()?.parse().ok()
    }
}

impl Parse for Vec<String> {
    fn expected() -> String {
        "a list of texts".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        value.as_array()?.iter().map(|word| word.as_str().map(str::to_owned)).collect()
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        Some(
            text.to_str()?
                .split(',')
                .map(|word| word.trim().to_owned())
                .filter(|word| !word.is_empty())
                .collect(),
        )
    }
}

impl Parse for WalkerKind {
    fn expected() -> String {
        "\"tree\" or \"jwalk\"".to_owned()
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        Self::from_text(value.as_str()?.as_ref())
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        [Self::Tree, Self::Jwalk].into_iter().find(|kind| text == kind.as_str())
    }
}

impl Parse for Ways {
    fn expected() -> String {
        let words = Transfer::ALL.map(|way| format!("\"{}\"", way.as_str()));
        format!("a list of at least one of {}", words.join(", "))
    }

    fn from_toml(value: &toml::Value) -> Option<Self> {
        ways(&Vec::from_toml(value)?)
    }

    fn from_text(text: &OsStr) -> Option<Self> {
        ways(&Vec::from_text(text)?)
    }
}

fn ways(words: &[String]) -> Option<Ways> {
    let way = |word: &String| Transfer::ALL.into_iter().find(|way| way.as_str() == word);
    let ways: Vec<Transfer> = words.iter().map(way).collect::<Option<_>>()?;
    (!ways.is_empty()).then_some(Ways(ways))
}
