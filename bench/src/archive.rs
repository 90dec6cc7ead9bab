//! An archive of its own, and `mama` to measure on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use serde_json::Value;

use crate::bench::Bench;
use crate::run::measure;
use crate::stats::Sample;
use crate::trees::{Tree, settle};

/// Where the catalog is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Catalog {
    /// In the archive.
    Sqlite,
    /// On a server.
    Postgres,
}

/// How contents come into the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// As another name of the scanned file.
    Link,
    /// As a copy, also where the file system could clone.
    Copy,
}

/// A place for an archive; nothing is there until [`Archive::fresh`].
#[derive(Clone, Copy)]
pub struct Archive<'a> {
    bench: &'a Bench,
    name: &'static str,
    catalog: Catalog,
    way: Way,
}

impl<'a> Archive<'a> {
    /// The place with this name, for an archive with an SQLite catalog that takes contents by link.
    pub const fn new(bench: &'a Bench, name: &'static str) -> Self {
        Self { bench, name, catalog: Catalog::Sqlite, way: Way::Link }
    }

    /// The same, with its catalog elsewhere.
    #[must_use]
    pub const fn on(self, catalog: Catalog) -> Self {
        Self { catalog, ..self }
    }

    /// The same, but contents come in another way.
    #[must_use]
    pub const fn by(self, way: Way) -> Self {
        Self { way, ..self }
    }

    fn dir(&self) -> PathBuf {
        self.bench.scratch().join(self.name)
    }

    fn database(&self) -> String {
        format!("mama_bench_{}_{}", std::process::id(), self.name)
    }

    /// Makes the archive anew, empty.
    pub fn fresh(&self) -> anyhow::Result<()> {
        self.give_up()?;
        let mut command = self.mama(&["init"]);
        command.arg(self.dir());
        if self.catalog == Catalog::Postgres {
            let server = self.bench.server()?;
            server.create(&self.database())?;
            command.args(["--database", &server.url(&self.database())]);
        }
        measure(&mut command, &self.log()).map(drop)
    }

    /// Removes the files that are there, so that those of the trees have one name again, and moves their folders aside.
    ///
    /// Removed ones would be paid for by the next run: ext4 leaves a freed inode alone for half a minute, and looks past all of them for each new folder.
    fn give_up(&self) -> anyhow::Result<()> {
        if self.dir().exists() {
            remove_files(&self.dir())?;
            let aside = tempfile::Builder::new().prefix(self.name).tempdir_in(self.bench.scratch())?;
            fs::rename(self.dir(), aside.keep().join("given up"))?;
        }
        remove(&self.config())
    }

    fn config(&self) -> PathBuf {
        self.dir().with_extension("toml")
    }

    fn log(&self) -> PathBuf {
        self.dir().with_extension("log")
    }

    /// A `mama` that knows this archive and no other setting of its user.
    fn mama(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.bench.mama);
        command.args(args);
        self.isolate(&mut command);
        command
    }

    /// Takes the user's settings from a command that ends with mama's arguments, and gives it this archive's.
    fn isolate(&self, command: &mut Command) {
        let own = std::env::vars_os().map(|(name, _)| name);
        own.filter(|name| name.as_encoded_bytes().starts_with(b"MAMA_")).for_each(|name| {
            command.env_remove(name);
        });
        let way = match self.way {
            Way::Link => "hardlink",
            Way::Copy => "copy",
        };
        command.env("MAMA_CONFIG", self.config()).env("MAMA_TRANSFER_IMPORT", way).arg("--json");
    }

    /// Runs `mama` and gives what it took and its summary.
    fn run(&self, command: &mut Command) -> anyhow::Result<(Sample, Value)> {
        let sample = measure(command, &self.log())?;
        let said = fs::read_to_string(self.log().with_extension("out"))?;
        let last = said.lines().last().context("mama printed nothing")?;
        Ok((sample, serde_json::from_str(last)?))
    }

    /// Makes the archive anew and scans a tree, whose files are left alone for long enough before.
    pub fn knowing(&self, tree: &Tree) -> anyhow::Result<()> {
        self.fresh()?;
        settle();
        self.scan(tree).map(drop)
    }

    /// A scan of files that the catalog does not know, without metadata.
    pub fn scan(&self, tree: &Tree) -> anyhow::Result<Sample> {
        self.scanned(&mut self.mama(&["scan", "--no-metadata"]), tree, tree.files).map(|(sample, _)| sample)
    }

    /// The same, with metadata, which every file must have.
    pub fn scan_with_metadata(&self, tree: &Tree) -> anyhow::Result<Sample> {
        let (sample, summary) = self.scanned(&mut self.mama(&["scan"]), tree, tree.files)?;
        expect(&summary, "with_metadata", tree.files)?;
        Ok(sample)
    }

    /// A scan that reads what it can of metadata by itself, which must be something of nearly every file: some are cut off.
    pub fn scan_quickly(&self, tree: &Tree) -> anyhow::Result<Sample> {
        let mut scan = self.mama(&["scan", "--quick-metadata"]);
        let (sample, summary) = self.scanned(&mut scan, tree, tree.files)?;
        let told = summary["with_metadata"].as_u64().unwrap_or_default();
        ensure!(told * 20 >= tree.files * 19, "metadata of only {told} of {} files", tree.files);
        Ok(sample)
    }

    /// A scan of what the catalog knows, but for `new` files that are new or changed.
    pub fn rescan(&self, tree: &Tree, new: u64) -> anyhow::Result<Sample> {
        self.scanned(&mut self.mama(&["scan", "--no-metadata"]), tree, new).map(|(sample, _)| sample)
    }

    fn scanned(&self, command: &mut Command, tree: &Tree, new: u64) -> anyhow::Result<(Sample, Value)> {
        let (sample, summary) = self.run(command.args(["--kind", "import"]).arg(&tree.dir))?;
        expect(&summary, "new_observations", new)?;
        expect(&summary, "unchanged", tree.files - new)?;
        Ok((sample, summary))
    }

    /// An apply of all that was scanned.
    pub fn apply(&self) -> anyhow::Result<Sample> {
        self.applied(&mut self.mama(&["apply"]))
    }

    /// The same under strace, which answers the syncs itself unless they are to be `real`.
    pub fn apply_watched(&self, real: bool) -> anyhow::Result<Sample> {
        let syncs = "fsync,fdatasync,syncfs,sync_file_range";
        let mut command = Command::new("strace");
        command.args(["--seccomp-bpf", "-f", "-qq", "-e", "signal=none", "-e", &format!("trace={syncs}")]);
        if !real {
            command.args(["-e", &format!("inject={syncs}:retval=0")]);
        }
        command.arg("-o").arg(self.dir().with_extension("trace")).arg(&self.bench.mama).arg("apply");
        self.isolate(&mut command);
        self.applied(&mut command)
    }

    fn applied(&self, command: &mut Command) -> anyhow::Result<Sample> {
        let (sample, summary) = self.run(command)?;
        let stored = summary["blobs_stored"].as_u64().context("no blobs_stored")?;
        ensure!(stored > 0, "nothing was stored: {summary}");
        let counter = match self.way {
            Way::Link => "hardlinked",
            Way::Copy => "copied",
        };
        expect(&summary, counter, stored)?;
        Ok(sample)
    }

    /// An apply that has nothing to do.
    pub fn quiet_apply(&self) -> anyhow::Result<Sample> {
        let (sample, summary) = self.run(&mut self.mama(&["apply"]))?;
        expect(&summary, "observations", 0)?;
        Ok(sample)
    }

    /// A plan, which ends with status 3 if it is not empty.
    pub fn plan(&self) -> anyhow::Result<Sample> {
        let mut command = Command::new("sh");
        command.args(["-c", r#""$@" || test $? = 3"#, "sh"]).arg(&self.bench.mama).arg("plan");
        self.isolate(&mut command);
        measure(&mut command, &self.log())
    }
}

/// What mama did must be what is to be measured.
fn expect(summary: &Value, counter: &str, expected: u64) -> anyhow::Result<()> {
    let counted = summary[counter].as_u64();
    ensure!(counted == Some(expected), "`{counter}` should be {expected} in {summary}");
    Ok(())
}

/// Removes a file or folder, if it is there.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    let done = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match done {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Removes everything but the folders.
fn remove_files(folder: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_files(&entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
