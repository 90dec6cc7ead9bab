//! Names and paths: bytes, valid by construction.
//!
//! A component has 1 to 255 bytes, no `/`, no NUL, and is not `.` or `..`: a path that leaves its root cannot be written down.

use std::fmt;

use super::escaped;

/// The longest name that Linux file systems take, in bytes.
pub const MAX_NAME: usize = 255;

/// The name of a file or folder in its folder.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileName(Box<[u8]>);

/// A path below some root; empty for the root itself.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RelPath(Box<[u8]>);

/// A path from `/`, without empty, `.` and `..` components.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AbsPath(Box<[u8]>);

/// Why some bytes are no such path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{:?} is not a valid path here: {why}", escaped(path).to_string())]
pub struct InvalidPath {
    path: Vec<u8>,
    why: &'static str,
}

fn check_name(name: &[u8]) -> Result<(), &'static str> {
    match name {
        b"" => Err("a name is empty"),
        b"." | b".." => Err("`.` and `..` are not names"),
        _ if name.len() > MAX_NAME => Err("a name has more than 255 bytes"),
        _ if name.contains(&b'/') => Err("a name holds a slash"),
        _ if name.contains(&0) => Err("a name holds a NUL byte"),
        _ => Ok(()),
    }
}

impl FileName {
    /// The name with these bytes.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidPath> {
        let path = bytes.into();
        match check_name(&path) {
            Ok(()) => Ok(Self(path.into())),
            Err(why) => Err(InvalidPath { path, why }),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl RelPath {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// The path with these bytes, such as `2015/Sommer`; no slash at either end.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidPath> {
        let path = bytes.into();
        if path.is_empty() {
            return Ok(Self::root());
        }
        match path.split(|&b| b == b'/').try_for_each(check_name) {
            Ok(()) => Ok(Self(path.into())),
            Err(why) => Err(InvalidPath { path, why }),
        }
    }

    /// Its bytes; empty for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the root itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// `self/name`.
    #[must_use]
    pub fn join(&self, name: &FileName) -> Self {
        Self(joined(&self.0, &name.0))
    }

    /// `self/below`.
    #[must_use]
    pub fn join_path(&self, below: &Self) -> Self {
        if below.is_root() { self.clone() } else { Self(joined(&self.0, &below.0)) }
    }

    /// The folder that holds it; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        self.split().map(|(folder, _)| folder)
    }

    /// Its last name; `None` for the root.
    pub fn name(&self) -> Option<FileName> {
        self.split().map(|(_, name)| name)
    }

    /// The folder that holds it, and its name there; `None` for the root.
    pub fn split(&self) -> Option<(Self, FileName)> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.iter().rposition(|&b| b == b'/') {
            Some(slash) => (Self(self.0[..slash].into()), FileName(self.0[slash + 1..].into())),
            None => (Self::root(), FileName(self.0.clone())),
        })
    }

    /// Its names, from the root down.
    pub fn names(&self) -> impl DoubleEndedIterator<Item = FileName> + '_ {
        self.0.split(|&b| b == b'/').filter(|name| !name.is_empty()).map(|name| FileName(name.into()))
    }

    /// Whether it is `folder` or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.is_root() || below(&self.0, &folder.0).is_some()
    }
}

impl From<&FileName> for RelPath {
    fn from(name: &FileName) -> Self {
        Self(name.0.clone())
    }
}

impl AbsPath {
    /// `/`.
    pub fn root() -> Self {
        Self(b"/".as_slice().into())
    }

    /// The path with these bytes, such as `/home/anna/Pictures`.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, InvalidPath> {
        let path = bytes.into();
        if path == b"/" {
            return Ok(Self(path.into()));
        }
        let checked = match path.strip_prefix(b"/") {
            Some(rest) => rest.split(|&b| b == b'/').try_for_each(check_name),
            None => Err("it does not start with a slash"),
        };
        match checked {
            Ok(()) => Ok(Self(path.into())),
            Err(why) => Err(InvalidPath { path, why }),
        }
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// `self/below`.
    #[must_use]
    pub fn join(&self, below: &RelPath) -> Self {
        match (below.is_root(), &*self.0) {
            (true, _) => self.clone(),
            (false, b"/") => Self([b"/", below.as_bytes()].concat().into()),
            (false, root) => Self(joined(root, below.as_bytes())),
        }
    }

    /// The same path, seen from `/`.
    pub fn from_slash(&self) -> RelPath {
        RelPath(self.0[1..].into())
    }

    /// The folder that holds it, and its name there; `None` for `/` itself.
    pub fn split(&self) -> Option<(Self, FileName)> {
        self.from_slash().split().map(|(folder, name)| (Self::root().join(&folder), name))
    }

    /// The way from `root` down to here; `None` if it does not lie within.
    pub fn below(&self, root: &Self) -> Option<RelPath> {
        if &*root.0 == b"/" {
            Some(self.from_slash())
        } else {
            below(&self.0, &root.0).map(|rest| RelPath(rest.into()))
        }
    }
}

fn joined(folder: &[u8], name: &[u8]) -> Box<[u8]> {
    if folder.is_empty() { name.into() } else { [folder, b"/", name].concat().into() }
}

/// What follows `folder` in `path`, without the slash; `None` if `path` is not within.
fn below<'a>(path: &'a [u8], folder: &[u8]) -> Option<&'a [u8]> {
    match path.strip_prefix(folder)? {
        b"" => Some(b""),
        rest => rest.strip_prefix(b"/"),
    }
}

macro_rules! shown_escaped {
    ($($path:ty),+) => {$(
        impl fmt::Display for $path {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&escaped(&self.0), f)
            }
        }
        impl fmt::Debug for $path {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "`{self}`")
            }
        }
    )+};
}
shown_escaped!(FileName, RelPath, AbsPath);

#[cfg(test)]
mod tests {
    use super::*;

    fn rel(path: &str) -> RelPath {
        RelPath::parse(path).unwrap()
    }

    #[test]
    fn a_path_that_leaves_its_root_cannot_be_written_down() {
        for bad in ["..", "a/..", "a/../b", "/a", "a/", "a//b", ".", "a/./b", "a\0b", &"x".repeat(256)] {
            assert!(RelPath::parse(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "a", "//", "/a/", "/a/../b", "/.."] {
            assert!(AbsPath::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn paths_come_apart_as_they_were_joined() {
        let name = FileName::parse(b"\xff\n".as_slice()).unwrap();
        let path = rel("a/b").join(&name);
        assert_eq!(path.split(), Some((rel("a/b"), name.clone())));
        assert_eq!(RelPath::root().join(&name).split(), Some((RelPath::root(), name)));
        assert_eq!(RelPath::root().split(), None);
        assert_eq!(rel("a/b/c").names().count(), 3);
    }

    #[test]
    fn within_goes_by_whole_names() {
        assert!(
            rel("a/b").is_within(&rel("a"))
                && rel("a").is_within(&rel("a"))
                && rel("a").is_within(&RelPath::root())
        );
        assert!(!rel("ab").is_within(&rel("a")));
        let abs = |path: &str| AbsPath::parse(path).unwrap();
        assert_eq!(abs("/a/b/c").below(&abs("/a")), Some(rel("b/c")));
        assert_eq!(abs("/a").below(&abs("/")), Some(rel("a")));
        assert_eq!(abs("/").below(&abs("/")), Some(RelPath::root()));
        assert_eq!(abs("/ab").below(&abs("/a")), None);
        assert_eq!(abs("/").join(&rel("x")), abs("/x"));
    }
}
