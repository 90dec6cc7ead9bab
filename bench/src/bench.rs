//! What all rows share: the place, the programs, the trees.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Context;
use serde_json::{Value, json};

use crate::archive::remove;
use crate::args::Args;
use crate::peers::{Machine, Skip};
use crate::report::{Measured, Outcome, Report};
use crate::run::{DROP_CACHES, measure};
use crate::server::Server;
use crate::stats::Sample;
use crate::trees::Trees;

/// What all rows share.
#[derive(Debug)]
pub struct Bench {
    /// What was asked for.
    pub args: Args,
    /// The folder that everything happens in, on one file system.
    pub root: PathBuf,
    /// The mama to measure.
    pub mama: PathBuf,
    /// The machine and what it has.
    pub machine: Machine,
    /// The work sets.
    pub trees: Trees,
    server: OnceLock<Result<Server, String>>,
}

impl Bench {
    /// A bench in `root`, which is there.
    pub fn new(args: &Args, root: PathBuf, mama: PathBuf) -> anyhow::Result<Self> {
        let trees = Trees::new(root.join("trees"), &args.grow);
        fs::create_dir_all(root.join("trees"))?;
        Ok(Self {
            args: args.clone(),
            machine: Machine::here(&root),
            root,
            mama,
            trees,
            server: OnceLock::new(),
        })
    }

    /// The machine, the scale and the trees, in words.
    pub fn about(&self) -> String {
        let Args { scale, runs, .. } = &self.args;
        let missing = match self.machine.peers.missing() {
            missing if missing.is_empty() => String::new(),
            missing => format!(" Not on the PATH, and skipped: {}.", missing.join(", ")),
        };
        let (machine, scale, trees) = (self.machine.shown(), scale.shown(), self.trees.maker());
        format!("{machine}. Scale {scale}, {runs} runs of each side in turn, {trees}.{missing}")
    }

    /// The same, as a line of the results.
    pub fn to_json(&self) -> Value {
        let mut line = self.machine.to_json();
        line["scale"] = json!(self.args.scale.shown());
        line["runs"] = json!(self.args.runs);
        line["trees"] = json!(self.trees.maker());
        line
    }

    /// Measures a row, if it was asked for, and adds what came of it to the report.
    pub fn row(
        &self,
        report: &mut Report,
        row: &'static str,
        measure: impl FnOnce() -> anyhow::Result<Measured>,
    ) {
        if !self.args.wants(row) {
            return;
        }
        self.tell(&format!("row {row}"));
        let outcome = match self.afresh().and_then(|()| measure()) {
            Ok(measured) => Outcome::Measured(measured),
            Err(why) => match why.downcast::<Skip>() {
                Ok(skip) => Outcome::Skipped(skip.to_string()),
                Err(why) => Outcome::Failed(format!("{why:#}")),
            },
        };
        if let Outcome::Skipped(why) | Outcome::Failed(why) = &outcome {
            self.tell(&format!("row {row}: {why}"));
        }
        report.add(row, outcome);
    }

    /// The folder for what a row makes beside the trees.
    pub fn scratch(&self) -> PathBuf {
        self.root.join("scratch")
    }

    /// Clears away what an earlier row made: a file that has another name in its archive is not taken by link.
    pub fn afresh(&self) -> anyhow::Result<()> {
        remove(&self.scratch())?;
        Ok(fs::create_dir(self.scratch())?)
    }

    /// Says on stderr what happens.
    pub fn tell(&self, what: &str) {
        // Nobody may be listening.
        drop(writeln!(std::io::stderr(), "{what}"));
    }

    /// The PostgreSQL server, started when it is first asked for.
    pub fn server(&self) -> anyhow::Result<&Server> {
        self.machine.peers.need(&["psql"])?;
        let started = self
            .server
            .get_or_init(|| Server::start(&self.root.join("postgres")).map_err(|why| format!("{why:#}")));
        Ok(started.as_ref().map_err(|why| Skip(why.clone()))?)
    }

    /// A reason to skip a row where the caches cannot be emptied.
    pub fn need_cold(&self) -> anyhow::Result<()> {
        let file = fs::OpenOptions::new().write(true).open(DROP_CACHES);
        file.map(drop).map_err(|_| Skip("only root can empty the caches".to_owned()).into())
    }

    /// Runs a peer.
    pub fn peer(&self, command: &mut Command) -> anyhow::Result<Sample> {
        measure(command, &self.scratch().join("peer")).context("a peer failed")
    }

    /// Runs a line of shell in which `$1` is this.
    pub fn shell(&self, line: &str, first: &std::path::Path) -> anyhow::Result<Sample> {
        self.peer(Command::new("sh").args(["-c", line, "sh"]).arg(first))
    }
}
