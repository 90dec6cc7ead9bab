//! Where values come from: four layers, of which the uppermost that has a key wins.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::KEYS;
use super::value::Parse;
use crate::exit::Fault;

/// A value, and who said so.
#[derive(Debug, Clone)]
pub(crate) struct Setting<T> {
    /// The value.
    pub(crate) value: T,
    /// Who said so.
    pub(crate) origin: Origin,
}

/// Who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag of this name.
    Flag(&'static str),
    /// An environment variable of this name.
    Environment(String),
    /// The configuration file.
    File(PathBuf),
    /// Nobody.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(key) => write!(f, "flag --{key}"),
            Self::Environment(name) => write!(f, "environment {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A value as it was written down.
#[derive(Debug, Clone)]
pub(super) enum Raw {
    Text(OsString),
    Toml(toml::Value),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "`{}`", text.display()),
            Self::Toml(value) => write!(f, "`{value}`"),
        }
    }
}

/// The flags, the environment and the file.
pub(super) struct Layers<'a> {
    flags: [(&'static str, Option<Raw>); 3],
    environment: &'a dyn Fn(&str) -> Option<OsString>,
    file: Option<(&'a Path, toml::Table)>,
}

impl<'a> Layers<'a> {
    pub(super) fn new(
        flags: [(&'static str, Option<Raw>); 3],
        environment: &'a dyn Fn(&str) -> Option<OsString>,
        file: Option<&'a Path>,
    ) -> Result<Self, Fault> {
        let file = file.map(|path| read(path).map(|table| (path, table))).transpose()?;
        Ok(Self { flags, environment, file })
    }

    /// The value of `key`, or the default.
    pub(super) fn get<T: Parse>(
        &self,
        key: &'static str,
        default: impl FnOnce() -> T,
    ) -> Result<Setting<T>, Fault> {
        let Setting { value, origin } = self.optional(key)?;
        Ok(Setting { value: value.unwrap_or_else(default), origin })
    }

    /// The value of `key`, if anybody gives one.
    pub(super) fn optional<T: Parse>(&self, key: &'static str) -> Result<Setting<Option<T>>, Fault> {
        let Some((raw, origin)) = self.find(key) else {
            return Ok(Setting { value: None, origin: Origin::Default });
        };
        let parsed = match &raw {
            Raw::Text(text) => T::from_text(text),
            Raw::Toml(value) => T::from_toml(value),
        };
        match parsed {
            Some(value) => Ok(Setting { value: Some(value), origin }),
            None => Err(Fault::usage(format!("`{key}` must be {}, not {raw} ({origin})", T::expected()))),
        }
    }

    /// A folder.
    pub(super) fn path(&self, key: &'static str) -> Result<Setting<Option<PathBuf>>, Fault> {
        let Setting { value, origin } = self.optional::<PathBuf>(key)?;
        let whole = value.map(|path| whole(&path, &origin)).transpose();
        let value = whole
            .map_err(|error| Fault::usage(format!("`{key}` names no folder ({origin})")).because(error))?;
        Ok(Setting { value, origin })
    }

    /// A program: a path, or a name to search for, which has no slash.
    pub(super) fn program(&self, key: &'static str, default: &str) -> Result<Setting<OsString>, Fault> {
        let Setting { value, origin } = self.get(key, || OsString::from(default))?;
        if !value.as_encoded_bytes().contains(&b'/') {
            return Ok(Setting { value, origin });
        }
        let path = whole(Path::new(&value), &origin)
            .map_err(|error| Fault::usage(format!("`{key}` names no program ({origin})")).because(error))?;
        Ok(Setting { value: path.into_os_string(), origin })
    }

    fn find(&self, key: &'static str) -> Option<(Raw, Origin)> {
        let flag = self.flags.iter().find(|(flag, _)| *flag == key).and_then(|(_, raw)| raw.clone());
        if let Some(raw) = flag {
            return Some((raw, Origin::Flag(key)));
        }
        let name = format!("MAMA_{}", key.to_uppercase().replace('.', "_"));
        if let Some(text) = (self.environment)(&name).filter(|text| !text.is_empty()) {
            return Some((Raw::Text(text), Origin::Environment(name)));
        }
        let (path, table) = self.file.as_ref()?;
        let value = match key.split_once('.') {
            Some((section, key)) => table.get(section)?.as_table()?.get(key)?,
            None => table.get(key)?,
        };
        Some((Raw::Toml(value.clone()), Origin::File(path.to_path_buf())))
    }
}

/// A path that does not start with `/` or `~/` leads on from the configuration file's folder, or from where mama was started.
fn whole(path: &Path, origin: &Origin) -> anyhow::Result<PathBuf> {
    Ok(match (path.strip_prefix("~"), origin) {
        (Ok(below), Origin::File(_) | Origin::Environment(_)) => etcetera::home_dir()?.join(below),
        (Err(_), Origin::File(file)) => file.parent().unwrap_or(file).join(path),
        _ => std::path::absolute(path)?,
    })
}

/// Reads the configuration file; every key in it must be a known one.
fn read(path: &Path) -> Result<toml::Table, Fault> {
    let text = std::fs::read_to_string(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Fault::failed(format!("there is no configuration file {}", path.display()))
                .hint("make one with `mama init DIR`, or leave --config and MAMA_CONFIG away")
        }
        _ => Fault::failed(format!("cannot read the configuration file {}", path.display())).because(error),
    })?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        Fault::usage(format!("{} is not valid TOML: {}", path.display(), error.to_string().trim_end()))
    })?;
    for (name, value) in &table {
        let is_section =
            KEYS.iter().any(|key| key.split_once('.').is_some_and(|(section, _)| section == name));
        match value {
            toml::Value::Table(section) => {
                for name in section.keys().map(|key| format!("{name}.{key}")) {
                    check_known(&name, path)?;
                }
                if !is_section && section.is_empty() {
                    check_known(name, path)?;
                }
            }
            _ if is_section => {
                return Err(Fault::usage(format!(
                    "`{name}` must be a section, written [{name}], in {}",
                    path.display()
                )));
            }
            _ => check_known(name, path)?,
        }
    }
    Ok(table)
}

fn check_known(name: &str, path: &Path) -> Result<(), Fault> {
    if KEYS.contains(&name) {
        return Ok(());
    }
    let fault = Fault::usage(format!("there is no setting `{name}` (in {})", path.display()));
    // A key in the wrong section is near too: compare last words as well as whole names.
    let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |key: &&str| {
        let whole = strsim::damerau_levenshtein(name, key);
        whole.min(strsim::damerau_levenshtein(&last(name), &last(key)) + 1)
    };
    match KEYS.iter().min_by_key(|key| likeness(key)) {
        Some(nearest) if likeness(nearest) <= 1 + name.len() / 3 => {
            Err(fault.hint(format!("did you mean `{nearest}`?")))
        }
        _ => Err(fault.hint("`mama config show` lists every setting")),
    }
}
