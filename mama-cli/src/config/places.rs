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

/// The archive's folder as the configuration names it, which must be there; `None` on a host without an archive.
pub(crate) fn archive_root(config: &Config) -> Result<Option<AbsPath>, Fault> {
    let Setting { value, origin } = &config.archive;
    let Some(dir) = value else { return Ok(None) };
    let root = std::fs::canonicalize(dir).map_err(|error| {
        Fault::failed(format!("the archive {} cannot be found ({origin})", dir.display()))
            .because(error)
            .hint("is its disk mounted? If there was never one, make it with `mama init DIR`")
    })?;
    absolute(root).map(Some)
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

/// The catalog that the settings name; the one in the archive at `root` unless they name another.
pub(crate) fn catalog_place(config: &Config, root: Option<&AbsPath>) -> Result<CatalogPlace, Fault> {
    let Setting { value, origin } = &config.database;
    let Some(url) = value else { return in_archive(root) };
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

fn in_archive(root: Option<&AbsPath>) -> Result<CatalogPlace, Fault> {
    let Some(root) = root else {
        return Err(Fault::failed("no archive is configured, and no database").hint(
            "run `mama init DIR` to make an archive, or `mama init --database postgres://…` to scan into the catalog of one on \
             another machine; what is there already is named with --config, or MAMA_ARCHIVE",
        ));
    };
    Ok(CatalogPlace::File(Path::new(OsStr::from_bytes(root.as_bytes())).join(".mama/catalog.sqlite3")))
}
