//! Where the settings point to: the archive, the catalog's file, the machine.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use mama_ports::vocab::{AbsPath, HostName};

use super::{Config, Origin, Setting, masked};
use crate::exit::Fault;

/// The name under which this machine's files are remembered.
pub(crate) fn host(config: &Config) -> Result<HostName, Fault> {
    let Setting { value, origin } = &config.host;
    HostName::parse(value).ok_or_else(|| {
        Fault::usage(format!("`host` cannot be `{}` ({origin})", value.escape_debug()))
            .hint("it has 1 to 64 bytes, no slash and no control characters; choose one with --host")
    })
}

/// The archive's folder as the configuration names it; it must be there.
pub(crate) fn archive_root(config: &Config) -> Result<AbsPath, Fault> {
    let Setting { value, origin } = &config.archive;
    let Some(dir) = value else {
        return Err(Fault::failed("no archive is configured")
            .hint("run `mama init DIR`, or name one with --config or MAMA_ARCHIVE"));
    };
    let root = std::fs::canonicalize(dir).map_err(|error| {
        Fault::failed(format!("the archive {} cannot be found ({origin})", dir.display()))
            .because(error)
            .hint("is its disk mounted? If there was never one, make it with `mama init DIR`")
    })?;
    absolute(root)
}

/// A path without links and dots.
pub(crate) fn absolute(path: PathBuf) -> Result<AbsPath, Fault> {
    AbsPath::parse(path.into_os_string().into_vec())
        .map_err(|error| Fault::usage("this path cannot be used").because(error))
}

/// Where the catalog is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CatalogPlace {
    /// An SQLite file.
    File(PathBuf),
    /// A database of a PostgreSQL server: its URL, which may hold a password.
    Server(String),
}

impl fmt::Display for CatalogPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Server(url) => f.write_str(&masked(url)),
        }
    }
}

/// The catalog that the settings name; the one in the archive unless they name another.
pub(crate) fn catalog_place(config: &Config, root: &AbsPath) -> Result<CatalogPlace, Fault> {
    let root = Path::new(OsStr::from_bytes(root.as_bytes()));
    let Setting { value, origin } = &config.database;
    let Some(url) = value else { return Ok(CatalogPlace::File(root.join(".mama/catalog.sqlite3"))) };
    let refused = |why: &str| Fault::usage(format!("`database` cannot be {} ({origin}): {why}", masked(url)));
    match url.split_once(':') {
        Some(("sqlite", path)) => {
            let path = Path::new(path.strip_prefix("//").unwrap_or(path));
            let beside = match origin {
                Origin::File(file) => file.parent(),
                Origin::Flag(_) | Origin::Environment(_) | Origin::Default => None,
            };
            let path = beside.map_or_else(|| path.to_owned(), |folder| folder.join(path));
            std::path::absolute(path).map(CatalogPlace::File).map_err(|_| refused("it names no file"))
        }
        Some(("postgres" | "postgresql", _)) => Ok(CatalogPlace::Server(url.clone())),
        _ => Err(refused("a catalog is named by sqlite:PATH or postgres://USER@HOST/DATABASE")),
    }
}
