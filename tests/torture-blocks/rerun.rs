//! mama, run again after a power cut.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;
use crate::archive::{listing, unseen, violations};

/// Which mama, and where everything is.
#[derive(clap::Args, Clone)]
pub(crate) struct Mama {
    /// The program
    #[arg(long)]
    pub(crate) mama: PathBuf,
    /// Its archive
    #[arg(long)]
    pub(crate) archive: PathBuf,
    /// Its catalog
    #[arg(long)]
    pub(crate) catalog: PathBuf,
    /// The folder of the corpus
    #[arg(long)]
    pub(crate) sources: PathBuf,
}

/// Kind → the folders of the corpus that came that way.
const SOURCES: [(&str, &[&str]); 2] = [("existing", &["first", "second"]), ("incoming", &["handed-over"])];

impl Mama {
    /// Checks what the power cut left, scans and applies, checks again, and applies once more, which must change nothing.
    pub(crate) fn recover(&self, acknowledged: usize) -> Outcome<Vec<String>> {
        let mut wrong = violations(&self.archive, &self.catalog, acknowledged)?;
        for (kind, folders) in SOURCES {
            let scan = ["scan", "--no-metadata", "--kind", kind].map(OsString::from);
            let folders = folders.iter().map(|folder| self.sources.join(folder).into());
            wrong.extend(self.run(scan.into_iter().chain(folders))?.err());
        }
        wrong.extend(self.run(["apply".into()])?.err());
        let again = violations(&self.archive, &self.catalog, acknowledged)?;
        wrong.extend(again.into_iter().map(|bad| format!("after the next apply, {bad}")));
        for (kind, folders) in SOURCES {
            for folder in folders {
                wrong.extend(unseen(&self.archive, kind, &self.sources.join(folder))?);
            }
        }
        let before = [listing(&self.archive.join("blobs"))?, listing(&self.archive.join("views"))?];
        match self.run(["apply".into()])? {
            Ok(summary) if summary["observations"] == 0 => {}
            other => wrong.push(format!("one more apply is not quiet: {other:?}")),
        }
        if before != [listing(&self.archive.join("blobs"))?, listing(&self.archive.join("views"))?] {
            wrong.push("one more apply changes files".to_owned());
        }
        Ok(wrong)
    }

    /// The summary, or why it failed.
    fn run(&self, words: impl IntoIterator<Item = OsString>) -> Outcome<Result<serde_json::Value, String>> {
        let mut command = Command::new(&self.mama);
        command.args(["--json", "--host", "torture", "--config"]).arg(self.archive.join("../mama.toml"));
        command.arg("--archive").arg(&self.archive);
        command.arg("--database").arg(format!("sqlite:{}", self.catalog.display())).args(words);
        let output = command.output()?;
        let (said, trouble) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        if output.status.success() {
            return Ok(Ok(serde_json::from_str(said.lines().last().unwrap_or_default())?));
        }
        Ok(Err(format!("{command:?} ends with {}: {said}{trouble}", output.status)))
    }
}
