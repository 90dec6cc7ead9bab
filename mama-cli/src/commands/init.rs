//! `mama init`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mama_ports::vocab::AbsPath;

use crate::args::Places;
use crate::compose::App;
use crate::config::places::{absolute, catalog_place, host};
use crate::config::{Config, Origin, location};
use crate::exit::{Fault, Status};
use crate::render::Output;
use crate::render::json::Object;

/// Makes an archive with its catalog, and writes the configuration. Doing it again changes nothing.
pub(super) async fn run(dir: &Path, places: &Places, output: &Arc<Output>) -> anyhow::Result<Status> {
    if places.archive.is_some() {
        let fault = Fault::usage("`init` takes the archive's folder as DIR, not from --archive");
        return Err(fault.hint("run `mama init DIR`").into());
    }
    let dir = resolved(dir)?;
    let root = absolute(dir.clone())?;
    let (file, _) = location(places)?;
    let is_configured = file.try_exists().unwrap_or(true);
    let own = Places {
        config: is_configured.then(|| file.clone()),
        archive: Some(dir.clone()),
        database: places.database.clone(),
        host: places.host.clone(),
    };
    let config = match is_configured {
        true => Config::load(&own)?,
        false => Config::without_file(&own)?,
    };
    let host = host(&config)?;
    let catalog = catalog_place(&config, &root)?;
    if is_configured {
        check_agrees(&file, &root, &config)?;
    }
    let app = App::create(&config, &root, output).await?;
    if !is_configured {
        write(&file, &dir, &config)?;
    }
    let object = || {
        Object::new("init")
            .path("archive", root.as_bytes())
            .with("archive_id", app.archive.id().as_str())
            .with("catalog", catalog.to_string())
            .with("config", file.to_string_lossy())
            .with("config_written", !is_configured)
            .with("host", host.as_str())
    };
    let words = || {
        let kept = if is_configured { " (was there already)" } else { "" };
        let lines = [
            format!("archive  {root}"),
            format!("catalog  {catalog}"),
            format!("config   {}{kept}", file.display()),
            format!("host     {host}"),
            "Next: `mama scan FOLDER` remembers what is there, `mama apply` archives it.".to_owned(),
        ];
        lines.join("\n")
    };
    output.result(object, words);
    Ok(Status::Done)
}

/// The whole path of a folder that need not be there yet, without links in the part that is.
fn resolved(dir: &Path) -> Result<PathBuf, Fault> {
    let whole = std::path::absolute(dir)
        .map_err(|error| Fault::usage("the archive needs a folder").because(error))?;
    for there in whole.ancestors() {
        match fs::canonicalize(there) {
            Ok(real) => {
                let missing = whole.strip_prefix(there).unwrap_or(Path::new(""));
                return match missing.as_os_str().is_empty() {
                    true => Ok(real),
                    false => Ok(real.join(missing)),
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(
                    Fault::failed(format!("cannot make an archive at {}", dir.display())).because(error)
                );
            }
        }
    }
    Ok(whole)
}

/// A configuration that is there is never overwritten, so it must say what was asked for.
fn check_agrees(file: &Path, root: &AbsPath, asked: &Config) -> anyhow::Result<()> {
    let written = Config::of_file(file)?;
    let differs = |what: String| {
        let fault =
            Fault::failed(format!("{} is there already, and {what}; it was not changed", file.display()));
        fault.hint("name another file with --config FILE, or edit this one")
    };
    match &written.archive.value {
        None => return Err(differs("names no archive".to_owned()).into()),
        Some(dir) => {
            if absolute(resolved(dir)?)? != *root {
                return Err(differs(format!("names another archive, {}", dir.display())).into());
            }
        }
    }
    let catalog = catalog_place(&written, root)?;
    if catalog != catalog_place(asked, root)? {
        return Err(differs(format!("names another catalog, {catalog}")).into());
    }
    if matches!(asked.host.origin, Origin::Flag(_)) && written.host.value != asked.host.value {
        return Err(differs(format!("names this machine {}", written.host.value)).into());
    }
    Ok(())
}

fn write(file: &Path, dir: &Path, config: &Config) -> anyhow::Result<()> {
    let unusable = |error: anyhow::Error| {
        Fault::failed(format!(
            "the archive is made, but the configuration {} cannot be written",
            file.display()
        ))
        .because(error)
        .hint("run the same command again with --config FILE")
    };
    let text = template(dir, config).map_err(|error| unusable(error.into()))?;
    let write = || {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        // For its owner only: a database's URL may hold a password.
        let mut target = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        target.write_all(text.as_bytes())?;
        target.sync_all()
    };
    write().map_err(|error| unusable(error.into()))?;
    Ok(())
}

fn template(dir: &Path, config: &Config) -> Result<String, Fault> {
    let text = |text: &str| toml::Value::from(text).to_string();
    let dir = dir.to_str().ok_or_else(|| {
        Fault::failed("the archive's path is not UTF-8, so it cannot stand in a configuration file")
            .hint("name it with --archive or MAMA_ARCHIVE")
    })?;
    let database = match &config.database.value {
        Some(url) => format!("database = {}", text(url)),
        None => "# database = \"sqlite:/path/to/catalog.sqlite3\"  # or postgres://user@host/database; in the archive unless set".to_owned(),
    };
    let host = text(&config.host.value);
    Ok(format!(
        "\
# mama's settings. A flag beats an environment variable MAMA_… beats this file; `mama config show --origin` tells which won.

archive = {}
{database}
# The name under which this machine's files are remembered. Keep it when the machine gets another one.
host = {host}

[scan]
# metadata = true       # read by ExifTool
# exclude = [\"*.tmp\"]   # gitignore-style, for every scan

[apply]
# auto_assign = true    # archive what nobody has decided about
# reserve = \"256 MiB\"   # stays free on the archive's disk

[transfer]
# How bytes come in, best first. A hard link shares the file with its source: only for folders that are handed over.
# existing = [\"reflink\", \"copy\"]
# syncthing = [\"reflink\", \"copy\"]
# incoming = [\"reflink\", \"hardlink\", \"copy\"]
# import = [\"reflink\", \"hardlink\", \"copy\"]
",
        text(dir)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_configuration_says_what_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/mama.toml");
        let asked = Places {
            config: None,
            archive: Some("/x \"y\"".into()),
            database: Some("sqlite:/tmp/c".to_owned()),
            host: Some("anna".to_owned()),
        };
        write(&file, Path::new("/x \"y\""), &Config::without_file(&asked).unwrap()).unwrap();
        let read = Config::of_file(&file).unwrap();
        assert_eq!(read.archive.value.as_deref(), Some(Path::new("/x \"y\"")));
        assert_eq!(read.database.value.as_deref(), Some("sqlite:/tmp/c"));
        assert_eq!(read.host.value, "anna");
        assert!(write(&file, Path::new("/z"), &read).is_err(), "an existing file is never overwritten");
    }
}
