//! Index keys for what is too long to index.

use mama_ports::vocab::{AbsPath, FileName, HostName, Place, SourceKind};

/// The key of a folder as a place in the views: equal for one kind and whole path, whatever the host and root.
pub(crate) fn place(kind: SourceKind, folder: &AbsPath) -> [u8; 32] {
    key(kind.as_str(), folder.as_bytes())
}

/// The key of the folder that holds a place, and the name there; `None` for `/`, where no file is.
pub(crate) fn of_place(place: &Place) -> Option<([u8; 32], FileName)> {
    place.path.split().map(|(folder, name)| (self::place(place.kind, &folder), name))
}

/// The key of a root.
pub(crate) fn root(host: &HostName, basedir: &AbsPath) -> [u8; 32] {
    key(host.as_str(), basedir.as_bytes())
}

fn key(word: &str, path: &[u8]) -> [u8; 32] {
    // neither a host nor a kind holds a slash, and every path starts with one
    *blake3::Hasher::new().update(word.as_bytes()).update(path).finalize().as_bytes()
}
