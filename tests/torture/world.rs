//! An archive of its own for each test, and the real `mama` to run on it.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use crate::check::Views;
use crate::{check, scale};

/// A folder with a configuration, an archive `archive` and whatever sources a test makes.
pub(crate) struct World {
    dir: TempDir,
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Run {
    /// `None` if a signal ended it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Run {
    /// Why this is no way to end; nothing if it is one of these statuses, and nothing panicked.
    pub(crate) fn insanity(&self, statuses: &[i32]) -> Option<String> {
        let is_sane = self.status.is_some_and(|status| statuses.contains(&status));
        let panicked =
            ["panicked", "stack backtrace", "RUST_BACKTRACE"].iter().any(|word| self.stderr.contains(word));
        (!is_sane || panicked).then(|| format!("status {:?}: {}{}", self.status, self.stdout, self.stderr))
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("mama torture ").tempdir_in(scale::folder()).unwrap();
        let world = Self { dir };
        world.done(["init", "archive"]);
        world
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join(below)
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.path("archive")
    }

    /// Writes a file below the world, with its folders.
    pub(crate) fn write(&self, below: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// `mama`, ready to run in the world's folder; knows nothing of the machine it runs on.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.under([scale::mama()], args)
    }

    /// The same, run by another program: words that end with `mama` itself.
    pub(crate) fn under<S: AsRef<OsStr>, T: AsRef<OsStr>>(
        &self,
        words: impl IntoIterator<Item = T>,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut words = words.into_iter();
        let mut command = Command::new(words.next().unwrap());
        command.args(words).args(args);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"MAMA_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.root()).env("MAMA_CONFIG", "mama.toml").env("MAMA_HOST", "laptop");
        command.env("MAMA_APPLY_RESERVE", "1 MiB").env("HOME", self.root()).env_remove("XDG_CONFIG_HOME");
        command
    }

    /// Runs `mama` to its end.
    pub(crate) fn mama<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.command(args).output().unwrap().into()
    }

    /// The same, and all must be well.
    #[track_caller]
    pub(crate) fn done<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        let run = self.mama(args);
        assert_eq!(run.status, Some(0), "{}{}", run.stdout, run.stderr);
        run
    }

    pub(crate) fn scan(&self, kind: &str, folder: &str) -> Run {
        self.mama(scan_of(kind, folder))
    }

    /// What is wrong once scans of these sources (kind, folder) and an apply went through undisturbed; nothing if all is well.
    ///
    /// The archive is whole, shows these sources, what is gone of them and nothing else, and one more run changes nothing.
    pub(crate) fn unsettled(&self, sources: &[(&str, &str)], gone: &Views) -> Vec<String> {
        let mut wrong = Vec::new();
        for run in self.everything(sources) {
            wrong.extend(run.insanity(&[0]));
        }
        wrong.extend(check::faults(&self.archive(), check::When::Settled));
        let mut expected = gone.clone();
        expected.extend(
            sources.iter().flat_map(|(kind, folder)| check::expected_views(kind, &self.path(folder))),
        );
        wrong.extend(check::differing_views(&self.archive(), &expected));

        let before = check::contents_and_views(&self.archive());
        for run in self.everything(sources) {
            wrong.extend(run.insanity(&[0]));
            let news = [
                "new_observations",
                "new_blobs",
                "gone",
                "blobs_stored",
                "views_created",
                "views_removed",
                "assigned",
            ];
            wrong.extend(
                run.stdout
                    .lines()
                    .last()
                    .filter(|summary| {
                        let summary: serde_json::Value = serde_json::from_str(summary).unwrap();
                        news.iter().any(|key| summary[key].as_u64().is_some_and(|count| count > 0))
                    })
                    .map(|summary| format!("one more run is not quiet: {summary}")),
            );
        }
        wrong.extend(
            before
                .differences(&check::contents_and_views(&self.archive()))
                .into_iter()
                .map(|difference| format!("one more run changes {difference}")),
        );
        wrong.extend(self.mama(["plan"]).insanity(&[0]));
        wrong
    }

    fn everything(&self, sources: &[(&str, &str)]) -> Vec<Run> {
        let mut runs: Vec<Run> = sources.iter().map(|(kind, folder)| self.scan(kind, folder)).collect();
        runs.push(self.mama(["apply", "--json"]));
        runs
    }
}

/// The words of a scan.
pub(crate) fn scan_of<'a>(kind: &'a str, folder: &'a str) -> [&'a str; 6] {
    ["scan", "--json", "--no-metadata", "--kind", kind, folder]
}
