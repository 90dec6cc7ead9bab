//! The settings: one value that knows every setting and where it came from. Flag beats environment beats file beats default.

mod layers;
pub(crate) mod places;
mod value;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use bytesize::ByteSize;
use etcetera::BaseStrategy;
use mama_domain::archive::{Transfer, Transfers};
use mama_ports::vocab::SourceKind;

use layers::{Layers, Raw};
pub(crate) use layers::{Origin, Setting};
use value::Ways;
pub(crate) use value::{ScanMetadata, WalkerKind};

use crate::args::Places;
use crate::exit::Fault;

/// Every key of mama.toml. Its environment variable is `MAMA_` and the key in capitals, with `_` for `.`.
const KEYS: [&str; 20] = [
    "archive",
    "database",
    "host",
    "scan.metadata",
    "scan.exclude",
    "scan.walker",
    "scan.threads",
    "apply.auto_assign",
    "apply.reserve",
    "views.history",
    "transfer.existing",
    "transfer.syncthing",
    "transfer.incoming",
    "transfer.import",
    "exiftool.program",
    "exiftool.sessions",
    "exiftool.timeout",
    "exiftool.sandbox",
    "snapshots.before_apply",
    "snapshots.keep",
];

/// Bytes that stay free on the archive's disk unless somebody says otherwise: room for the catalog to grow and for the system to breathe.
const RESERVE: ByteSize = ByteSize::mib(256);

/// Snapshots that stay unless somebody says otherwise: a week of daily applies, and one.
const KEEP: NonZeroUsize = NonZeroUsize::new(8).expect("not 0");

/// Every setting.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The configuration file, if one was read.
    pub(crate) file: Option<PathBuf>,
    /// The archive's folder.
    pub(crate) archive: Setting<Option<PathBuf>>,
    /// The catalog's URL; in the archive unless set.
    pub(crate) database: Setting<Option<String>>,
    /// The name under which this machine's files are remembered.
    pub(crate) host: Setting<String>,
    /// How much metadata scan reads.
    pub(crate) metadata: Setting<ScanMetadata>,
    /// Patterns of what every scan leaves out.
    pub(crate) exclude: Setting<Vec<String>>,
    /// How folders are listed.
    pub(crate) walker: Setting<WalkerKind>,
    /// How many files are worked on at once; by the number of cores unless set.
    pub(crate) threads: Setting<Option<NonZeroUsize>>,
    /// Whether apply promotes what is pending.
    pub(crate) auto_assign: Setting<bool>,
    /// Bytes that stay free on the archive's disk.
    pub(crate) reserve: Setting<ByteSize>,
    /// Whether superseded versions keep a view.
    pub(crate) history: Setting<bool>,
    /// The ways into the archive for each kind of source.
    pub(crate) transfer: [(SourceKind, Setting<Ways>); 4],
    /// The ExifTool program: a path, or a name to search for.
    pub(crate) exiftool: Setting<OsString>,
    /// ExifTool processes at once; by the number of cores unless set.
    pub(crate) sessions: Setting<Option<NonZeroUsize>>,
    /// Seconds that ExifTool may take for one file.
    pub(crate) timeout: Setting<u64>,
    /// Whether ExifTool is locked up.
    pub(crate) sandbox: Setting<bool>,
    /// Whether apply makes a snapshot of the archive's dataset before it changes anything.
    pub(crate) snapshot: Setting<bool>,
    /// How many of mama's snapshots stay.
    pub(crate) keep: Setting<NonZeroUsize>,
}

impl Config {
    /// The settings as flags, environment and the configuration file say; a file that was asked for must be there.
    pub(crate) fn load(places: &Places) -> Result<Self, Fault> {
        let (path, is_asked_for) = location(places)?;
        let file = match (path.try_exists(), is_asked_for) {
            (Ok(false), false) => None,
            _ => Some(path),
        };
        Self::resolve(places, file.as_deref(), &|name| std::env::var_os(name))
    }

    /// What flags and environment say, without any file.
    pub(crate) fn without_file(places: &Places) -> Result<Self, Fault> {
        Self::resolve(places, None, &|name| std::env::var_os(name))
    }

    /// What the configuration file alone says.
    pub(crate) fn of_file(file: &Path) -> Result<Self, Fault> {
        let nowhere = Places { config: None, archive: None, database: None, host: None };
        Self::resolve(&nowhere, Some(file), &|_| None)
    }

    fn resolve(
        places: &Places,
        file: Option<&Path>,
        environment: &dyn Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Fault> {
        let text = |text: &String| Raw::Text(text.into());
        let flags = [
            ("archive", places.archive.as_ref().map(|dir| Raw::Text(dir.into()))),
            ("database", places.database.as_ref().map(text)),
            ("host", places.host.as_ref().map(text)),
        ];
        let layers = Layers::new(flags, environment, file)?;
        let ways = |kind: SourceKind, key, default: &[Transfer]| -> Result<_, Fault> {
            Ok((kind, layers.get(key, || Ways(default.to_vec()))?))
        };
        const APART: &[Transfer] = &[Transfer::Clone, Transfer::Copy];
        const SHARED: &[Transfer] = &[Transfer::Clone, Transfer::Link, Transfer::Copy];
        Ok(Self {
            file: file.map(Path::to_owned),
            archive: layers.path("archive")?,
            database: layers.optional("database")?,
            host: layers.get("host", own_name)?,
            metadata: layers.get("scan.metadata", || ScanMetadata::Full)?,
            exclude: layers.get("scan.exclude", Vec::new)?,
            walker: layers.get("scan.walker", || WalkerKind::Tree)?,
            threads: layers.optional("scan.threads")?,
            auto_assign: layers.get("apply.auto_assign", || true)?,
            reserve: layers.get("apply.reserve", || RESERVE)?,
            history: layers.get("views.history", || false)?,
            transfer: [
                ways(SourceKind::Existing, "transfer.existing", APART)?,
                ways(SourceKind::Syncthing, "transfer.syncthing", APART)?,
                ways(SourceKind::Incoming, "transfer.incoming", SHARED)?,
                ways(SourceKind::Import, "transfer.import", SHARED)?,
            ],
            exiftool: layers.program("exiftool.program", "exiftool")?,
            sessions: layers.optional("exiftool.sessions")?,
            timeout: layers.get("exiftool.timeout", || 30)?,
            sandbox: layers.get("exiftool.sandbox", || true)?,
            snapshot: layers.get("snapshots.before_apply", || false)?,
            keep: layers.get("snapshots.keep", || KEEP)?,
        })
    }

    /// How bytes come into the archive.
    pub(crate) fn transfers(&self) -> Transfers {
        self.transfer.iter().map(|(kind, ways)| (*kind, ways.value.0.clone())).collect()
    }

    /// How many snapshots are kept, if they are made.
    pub(crate) fn snapshots(&self) -> Option<NonZeroUsize> {
        self.snapshot.value.then_some(self.keep.value)
    }

    /// Where what was chosen can do harm, in words.
    pub(crate) fn risks(&self) -> Vec<String> {
        let is_in_use = |kind: &SourceKind| matches!(kind, SourceKind::Existing | SourceKind::Syncthing);
        let chosen = self
            .transfer
            .iter()
            .filter(|(kind, ways)| is_in_use(kind) && ways.value.0.contains(&Transfer::Link));
        let risk = |(kind, ways): &(SourceKind, Setting<Ways>)| {
            format!(
                "transfer.{kind} allows hard links ({}): whoever edits such a file in place later also changes its copy in the archive, \
                 and makes it read-only at the source",
                ways.origin
            )
        };
        chosen.map(risk).collect()
    }

    /// Every setting in the order of [`KEYS`]: its key, its value in words, and where it came from. Passwords are masked.
    pub(crate) fn shown(&self) -> Vec<(&'static str, String, &Origin)> {
        let auto = |count: &Option<NonZeroUsize>| {
            count.map_or("by the number of cores".to_owned(), |n| n.to_string())
        };
        let [existing, syncthing, incoming, import] = &self.transfer;
        let archive =
            self.archive.value.as_ref().map_or("(not set)".to_owned(), |dir| dir.display().to_string());
        let database = self.database.value.as_deref().map_or("(in the archive)".to_owned(), masked);
        let values = [
            (archive, &self.archive.origin),
            (database, &self.database.origin),
            (self.host.value.clone(), &self.host.origin),
            (self.metadata.value.to_string(), &self.metadata.origin),
            (self.exclude.value.join(", "), &self.exclude.origin),
            (self.walker.value.as_str().to_owned(), &self.walker.origin),
            (auto(&self.threads.value), &self.threads.origin),
            (self.auto_assign.value.to_string(), &self.auto_assign.origin),
            (self.reserve.value.display().iec().to_string(), &self.reserve.origin),
            (self.history.value.to_string(), &self.history.origin),
            (existing.1.value.to_string(), &existing.1.origin),
            (syncthing.1.value.to_string(), &syncthing.1.origin),
            (incoming.1.value.to_string(), &incoming.1.origin),
            (import.1.value.to_string(), &import.1.origin),
            (self.exiftool.value.to_string_lossy().into_owned(), &self.exiftool.origin),
            (auto(&self.sessions.value), &self.sessions.origin),
            (format!("{} s", self.timeout.value), &self.timeout.origin),
            (self.sandbox.value.to_string(), &self.sandbox.origin),
            (self.snapshot.value.to_string(), &self.snapshot.origin),
            (self.keep.value.to_string(), &self.keep.origin),
        ];
        KEYS.into_iter().zip(values).map(|(key, (value, origin))| (key, value, origin)).collect()
    }
}

/// Where the configuration file is, or would be, and whether somebody named it.
pub(crate) fn location(places: &Places) -> Result<(PathBuf, bool), Fault> {
    let named = places
        .config
        .clone()
        .or_else(|| std::env::var_os("MAMA_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from));
    if let Some(path) = named {
        let whole = std::path::absolute(&path);
        return whole
            .map(|path| (path, true))
            .map_err(|error| Fault::usage("the name of the configuration file is empty").because(error));
    }
    let strategy = etcetera::choose_base_strategy().map_err(|error| {
        Fault::failed("there is no home directory to look for the configuration in")
            .because(error)
            .hint("name a file with --config")
    })?;
    Ok((strategy.config_dir().join("mama/mama.toml"), false))
}

/// A URL without its password.
fn masked(url: &str) -> String {
    let credentials = url.split_once("://").and_then(|(scheme, rest)| {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let at = rest[..end].rfind('@').or_else(|| rest.rfind('@'))?;
        let (user, _) = rest[..at].split_once(':')?;
        Some(format!("{scheme}://{user}:***{}", &rest[at..]))
    });
    let shown = credentials.unwrap_or_else(|| url.to_owned());
    match shown.split_once("password=") {
        Some((before, after)) => {
            let rest = after.find('&').map_or("", |end| &after[end..]);
            format!("{before}password=***{rest}")
        }
        None => shown,
    }
}

fn own_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests;
