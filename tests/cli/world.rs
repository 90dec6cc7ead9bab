//! An archive of its own for each test, and `mama` to run on it.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder with a configuration, an archive `archive` and a source folder `photos`.
pub(crate) struct World {
    dir: TempDir,
}

/// What a run said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The objects on stdout; each line must be one, with a type.
    pub(crate) fn objects(&self) -> Vec<Value> {
        let object = |line: &str| {
            let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
            assert!(object["type"].is_string(), "{line}");
            object
        };
        self.stdout.lines().map(object).collect()
    }

    /// The last object on stdout.
    pub(crate) fn summary(&self) -> Value {
        self.objects().pop().unwrap_or_else(|| panic!("nothing on stdout; stderr: {}", self.stderr))
    }

    /// Panics unless it ended like this, said all of this on stderr, and nothing of a panic.
    #[track_caller]
    pub(crate) fn refused(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, status, "{}", self.stderr);
        for word in words {
            assert!(self.stderr.contains(word), "no {word:?} in: {}", self.stderr);
        }
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }

    /// Panics unless all was well.
    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, 0, "{}{}", self.stdout, self.stderr);
        self
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("mama prints UTF-8 only");
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl World {
    /// With an archive and an empty source folder.
    pub(crate) fn new() -> Self {
        let world = Self::bare();
        fs::create_dir(world.path("photos")).unwrap();
        world.mama(["init", "archive"]).done();
        world
    }

    /// With nothing.
    pub(crate) fn bare() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(below)
    }

    /// Writes a file below the world, with its folders.
    pub(crate) fn write(&self, below: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Replaces the configuration: the archive, and these lines.
    pub(crate) fn configure(&self, lines: &str) {
        self.write("mama.toml", format!("archive = 'archive'\n{lines}\n"));
    }

    /// A `mama` that is ready to run in the world's folder, and knows nothing of the machine it runs on.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mama"));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"MAMA_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.dir.path()).env("MAMA_CONFIG", "mama.toml").env("MAMA_HOST", "laptop");
        command.env("HOME", self.dir.path()).env_remove("XDG_CONFIG_HOME");
        command
    }

    /// Runs `mama` to its end.
    pub(crate) fn mama<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.command().args(args).output().unwrap().into()
    }
}

/// Writes a program: by another process, because a file that this one has open for writing cannot be executed when a test beside us
/// forks.
pub(crate) fn script(path: PathBuf, text: &str) -> PathBuf {
    let mut install = Command::new("install");
    let mut install =
        install.args(["-m", "755", "/dev/stdin"]).arg(&path).stdin(Stdio::piped()).spawn().unwrap();
    install.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(install.wait().unwrap().success());
    path
}
