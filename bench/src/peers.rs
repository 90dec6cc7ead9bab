//! Programs on this machine, and the machine.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// Why a row cannot be measured here, which is no failure.
#[derive(Debug)]
pub struct Skip(pub String);

impl std::fmt::Display for Skip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

/// The programs that mama is measured against, and those that help.
const PEERS: [(&str, &str); 9] = [
    ("find", "--version"),
    ("xargs", "--version"),
    ("cp", "--version"),
    ("b3sum", "--version"),
    ("fclones", "--version"),
    ("restic", "version"),
    ("exiftool", "-ver"),
    ("strace", "--version"),
    ("psql", "--version"),
];

/// Those that are on the `PATH`, and what they call themselves.
#[derive(Debug, Clone, Default)]
pub struct Peers(BTreeMap<&'static str, String>);

impl Peers {
    /// Looks for them.
    pub fn find() -> Self {
        let there = PEERS.iter().filter_map(|&(name, argument)| {
            let said = Command::new(name).arg(argument).output().ok()?;
            let said = String::from_utf8_lossy(&said.stdout);
            Some((name, said.lines().next().unwrap_or_default().to_owned()))
        });
        Self(there.collect())
    }

    /// A reason to skip the row if one of these is not there.
    pub fn need(&self, names: &[&str]) -> Result<(), Skip> {
        match names.iter().find(|name| !self.0.contains_key(**name)) {
            Some(missing) => Err(Skip(format!("no {missing} on the PATH"))),
            None => Ok(()),
        }
    }

    /// The names of those that are not there.
    pub fn missing(&self) -> Vec<&'static str> {
        PEERS.iter().map(|&(name, _)| name).filter(|name| !self.0.contains_key(name)).collect()
    }
}

/// What a reader must know of the machine to make sense of the numbers, without saying which one it is.
#[derive(Debug, Clone)]
pub struct Machine {
    /// Cores that may be used.
    pub cores: usize,
    /// GiB of memory.
    pub memory: u64,
    /// The file system that the work is on.
    pub file_system: String,
    /// Linux' version.
    pub kernel: String,
    /// What the peers call themselves.
    pub peers: Peers,
}

impl Machine {
    /// This one, as it is at `folder`.
    pub fn here(folder: &Path) -> Self {
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let kib =
            |line: &str| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse::<u64>().ok();
        Self {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: (meminfo.lines().find_map(kib).unwrap_or_default() + (1 << 19)) >> 20,
            file_system: file_system(folder),
            // What follows the number is its builder's.
            kernel: release.trim().split('-').next().unwrap_or_default().to_owned(),
            peers: Peers::find(),
        }
    }

    /// In one line.
    pub fn shown(&self) -> String {
        let Self { cores, memory, file_system, kernel, .. } = self;
        format!("{cores} cores, {memory} GiB of memory, {file_system}, Linux {kernel}")
    }

    /// As a line of the results.
    pub fn to_json(&self) -> Value {
        json!({
            "type": "machine",
            "cores": self.cores,
            "memory_gib": self.memory,
            "file_system": self.file_system,
            "kernel": self.kernel,
            "peers": self.peers.0,
            "missing": self.peers.missing(),
        })
    }
}

/// The type of the file system with the longest mount point above `folder`.
fn file_system(folder: &Path) -> String {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let above = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        let (at, kind) = (words.next()?, words.next()?);
        folder.starts_with(at).then_some((at.len(), kind))
    });
    // The last one at a point covers those before it.
    above.max_by_key(|(len, _)| *len).map_or("an unknown file system", |(_, kind)| kind).to_owned()
}

/// The mama to measure: the one that was asked for, else the one beside this program.
pub fn mama(asked: Option<&Path>) -> anyhow::Result<PathBuf> {
    let mama = match asked {
        Some(program) => program.to_owned(),
        None => env::current_exe()?.with_file_name("mama"),
    };
    match fs::canonicalize(&mama) {
        Ok(mama) => Ok(mama),
        Err(_) => anyhow::bail!(
            "there is no {}; build it with `cargo build --release -p mama-cli`, or name one with --mama",
            mama.display()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_called_by_its_name() {
        let peers = Peers(BTreeMap::from([("find", "find 1".to_owned())]));
        assert!(peers.need(&["find"]).is_ok());
        assert_eq!(peers.need(&["find", "b3sum"]).unwrap_err().to_string(), "no b3sum on the PATH");
        assert!(peers.missing().contains(&"b3sum") && !peers.missing().contains(&"find"));
    }

    #[test]
    fn a_machine_is_told_by_what_matters() {
        let machine = Machine::here(Path::new("/proc"));
        assert_eq!(machine.file_system, "proc");
        assert!(machine.cores > 0 && machine.memory > 0 && !machine.kernel.is_empty());
    }
}
