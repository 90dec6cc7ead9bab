//! `mama init`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mama_ports::vocab::{AbsPath, ArchiveId};

use crate::args::Places;
use crate::compose::App;
use crate::config::places::{CatalogPlace, absolute, catalog_place, host};
use crate::config::{Config, Origin, location};
use crate::exit::{Fault, Status};
use crate::render::Output;
use crate::render::json::Object;

/// Makes an archive in `dir` with its catalog, or joins the catalog of an archive on another machine; writes the configuration. Doing it
/// again changes nothing.
///
/// `is_lost`: the catalog's archive is lost, and `dir` takes its place.
pub(super) async fn run(
    dir: Option<&Path>,
    is_lost: bool,
    places: &Places,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    if places.archive.is_some() {
        return Err(dir_expected("--archive").into());
    }
    let dir = dir.map(resolved).transpose()?;
    let root = dir.clone().map(absolute).transpose()?;
    let (file, _) = location(places)?;
    let is_configured = file.try_exists().unwrap_or(true);
    let own = Places {
        config: is_configured.then(|| file.clone()),
        archive: dir.clone(),
        database: places.database.clone(),
        host: places.host.clone(),
    };
    let config = match is_configured {
        true => Config::load(&own)?,
        false => Config::without_file(&own)?,
    };
    if root.is_none() {
        check_names_a_server(&config)?;
    }
    let host = host(&config)?;
    let catalog = catalog_place(&config, root.as_ref())?;
    if is_configured {
        check_agrees(&file, root.as_ref(), &config)?;
    }
    let app = match &root {
        Some(root) => App::create(&config, root, is_lost, output).await?,
        None => App::open(&config, output).await?,
    };
    if !is_lost {
        app.check_agreement().await?;
    }
    if !is_configured {
        write(&file, dir.as_deref(), &config)?;
        if root.is_none() {
            warn_of_namesake(&app, &file, output).await?;
        }
    }
    let archive_id = app.catalog.archive().await?;
    let object = || {
        let object = Object::new("init");
        let object = match &root {
            Some(root) => object.path("archive", root.as_bytes()),
            None => object.with("archive", None::<&str>),
        };
        object
            .with("archive_id", archive_id.as_ref().map(ArchiveId::as_str))
            .with("catalog", catalog.to_string())
            .with("config", file.to_string_lossy())
            .with("config_written", !is_configured)
            .with("host", host.as_str())
    };
    let words = || {
        let kept = if is_configured { " (was there already)" } else { "" };
        let (archive, next) = match &root {
            Some(root) if is_lost => (
                root.to_string(),
                "`mama repair --yes` tells the catalog what is lost, `mama apply` stores again what is still somewhere.",
            ),
            Some(root) => {
                (root.to_string(), "`mama scan FOLDER` remembers what is there, `mama apply` archives it.")
            }
            None => (
                "on another machine".to_owned(),
                "`mama scan FOLDER` remembers what is there, `mama apply` is for the machine with the archive.",
            ),
        };
        let lines = [
            format!("archive  {archive}"),
            format!("catalog  {catalog}"),
            format!("config   {}{kept}", file.display()),
            format!("host     {host}"),
            format!("Next: {next}"),
        ];
        lines.join("\n")
    };
    output.result(object, words);
    Ok(Status::Done)
}

fn dir_expected(instead: &str) -> Fault {
    Fault::usage(format!("`init` takes the archive's folder as DIR, not from {instead}"))
        .hint("run `mama init DIR`")
}

/// A host without an archive needs a catalog that it can reach.
fn check_names_a_server(config: &Config) -> Result<(), Fault> {
    const FORMS: &str = "`mama init DIR` makes an archive there; `mama init --database postgres://USER@HOST/DATABASE` joins the catalog of \
                         one on another machine";
    if let Origin::Environment(name) = &config.archive.origin {
        return Err(dir_expected(&format!("environment {name}")));
    }
    match &config.database.value {
        None => Err(Fault::usage("`init` needs the folder of an archive, or a database").hint(FORMS)),
        Some(_) => match catalog_place(config, None)? {
            CatalogPlace::Server(_) => Ok(()),
            CatalogPlace::File(_) => {
                Err(Fault::usage("a catalog that several machines share is on a PostgreSQL server")
                    .hint(FORMS))
            }
        },
    }
}

/// Two machines of one name would take each other's files for gone.
async fn warn_of_namesake(app: &App, file: &Path, output: &Output) -> anyhow::Result<()> {
    let host = &app.host;
    if app.catalog.totals().await?.roots.iter().any(|known| known.root.host == *host) {
        output.warn(&format!(
            "a machine named {host} scans into this catalog already; unless that is this one, choose another name before the first scan, \
             or each takes the other's files for its own: set `host` in {}, or remove it and say --host NAME",
            file.display()
        ));
    }
    Ok(())
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
fn check_agrees(file: &Path, root: Option<&AbsPath>, asked: &Config) -> anyhow::Result<()> {
    let written = Config::of_file(file)?;
    let differs = |what: String| {
        let fault =
            Fault::failed(format!("{} is there already, and {what}; it was not changed", file.display()));
        fault.hint("name another file with --config FILE, or edit this one")
    };
    match (&written.archive.value, root) {
        (None, None) => {}
        (None, Some(_)) => return Err(differs("names no archive".to_owned()).into()),
        (Some(dir), None) => return Err(differs(format!("names an archive, {}", dir.display())).into()),
        (Some(dir), Some(root)) => {
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

fn write(file: &Path, dir: Option<&Path>, config: &Config) -> anyhow::Result<()> {
    let unusable = |error: anyhow::Error| {
        Fault::failed(format!(
            "the configuration {} cannot be written; everything else is done",
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

fn template(dir: Option<&Path>, config: &Config) -> Result<String, Fault> {
    let text = |text: &str| toml::Value::from(text).to_string();
    let archive = match dir {
        Some(dir) => {
            let dir = dir.to_str().ok_or_else(|| {
                Fault::failed("the archive's path is not UTF-8, so it cannot stand in a configuration file")
                    .hint("name it with --archive or MAMA_ARCHIVE")
            })?;
            format!("archive = {}", text(dir))
        }
        None => "# archive = \"/path/to/archive\"  # on the machine that has it; apply runs there".to_owned(),
    };
    let database = match &config.database.value {
        Some(url) => format!("database = {}", text(url)),
        None => "# database = \"sqlite:/path/to/catalog.sqlite3\"  # or postgres://user@host/database; in the archive unless set".to_owned(),
    };
    let host = text(&config.host.value);
    let of_the_archive = if dir.is_some() { OF_THE_ARCHIVE } else { "" };
    Ok(format!(
        "\
# mama's settings. A flag beats an environment variable MAMA_… beats this file; `mama config show --origin` tells which won.

{archive}
{database}
# The name under which this machine's files are remembered. Keep it when the machine gets another one.
host = {host}

[scan]
# metadata = true       # all, by ExifTool; \"quick\": only what mama reads by itself; false: none
# exclude = [\"*.tmp\"]   # gitignore-style, for every scan
{of_the_archive}"
    ))
}

/// The settings of apply, as comments.
const OF_THE_ARCHIVE: &str = "
[apply]
# auto_assign = true    # archive what nobody has decided about
# reserve = \"256 MiB\"   # stays free on the archive's disk

[transfer]
# How bytes come in, best first. A hard link shares the file with its source: only for folders that are handed over.
# existing = [\"reflink\", \"copy\"]
# syncthing = [\"reflink\", \"copy\"]
# incoming = [\"reflink\", \"hardlink\", \"copy\"]
# import = [\"reflink\", \"hardlink\", \"copy\"]
";

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
        write(&file, Some(Path::new("/x \"y\"")), &Config::without_file(&asked).unwrap()).unwrap();
        let read = Config::of_file(&file).unwrap();
        assert_eq!(read.archive.value.as_deref(), Some(Path::new("/x \"y\"")));
        assert_eq!(read.database.value.as_deref(), Some("sqlite:/tmp/c"));
        assert_eq!(read.host.value, "anna");
        assert!(write(&file, Some(Path::new("/z")), &read).is_err(), "an existing file is never overwritten");
    }
}
