//! Patterns for paths.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use mama_ports::vocab::AbsPath;

/// A pattern as in a shell: `*` and `?` (one byte: an é has two) within a name, `**` across folders, `[a-z]`, `{jpg,png}`.
///
/// Without a slash it is about the file's name, with one at its beginning about the whole path, with one elsewhere about the
/// end of the path. Small and capital letters differ.
#[derive(Debug, Clone)]
pub struct Glob(GlobMatcher);

/// A pattern that is none.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BadGlob(#[from] globset::Error);

impl Glob {
    /// Reads a pattern.
    pub fn parse(pattern: &str) -> Result<Self, BadGlob> {
        let anchored = if pattern.starts_with('/') { pattern.to_owned() } else { format!("**/{pattern}") };
        let glob = GlobBuilder::new(&anchored).literal_separator(true).backslash_escape(true).build()?;
        Ok(Self(glob.compile_matcher()))
    }

    /// Whether a path matches.
    pub fn matches(&self, path: &AbsPath) -> bool {
        self.0.is_match(Path::new(OsStr::from_bytes(path.as_bytes())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_the_name_the_whole_path_or_its_end() {
        let matches = |pattern: &str, path: &[u8]| {
            Glob::parse(pattern).unwrap().matches(&AbsPath::parse(path).unwrap())
        };
        for (pattern, path, is_match) in [
            ("*.jpg", "/a/b.jpg", true),
            ("*.jpg", "/a.jpg/b", false),
            ("*.jpg", "/a/b.JPG", false),
            ("b/*.jpg", "/a/b/c.jpg", true),
            ("b/*.jpg", "/a/b/c/d.jpg", false),
            ("b/**", "/a/b/c/d.jpg", true),
            ("/a/*", "/a/b", true),
            ("/a/*", "/x/a/b", false),
            ("*.{jpg,png}", "/a.png", true),
            (r"\[1\].jpg", "/[1].jpg", true),
        ] {
            assert_eq!(matches(pattern, path.as_bytes()), is_match, "{pattern} {path}");
        }
        assert!(matches("caf*\n", b"/a/caf\xe8\n") && matches("caf??.jpg", "/café.jpg".as_bytes()));
        assert!(Glob::parse("[").is_err());
    }
}
