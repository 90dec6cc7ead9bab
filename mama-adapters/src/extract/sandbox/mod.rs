//! Programs that parse what strangers wrote, locked up before they see any of it.
//!
//! A launcher, which may be mama itself, gives up every right that the program does not need, and becomes it: [`enter`]. Landlock
//! leaves it the libraries to read and nothing to write, seccomp the system calls of a program that only reads and answers. What
//! the kernel does not offer is left out; [`Sandbox::through`] asks what is left.

mod calls;
mod places;

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display};
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, parent_id};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{Signal, set_parent_process_death_signal};
use rustix::thread::set_no_new_privs;

/// The newest Landlock whose restrictions are asked for; an older kernel gives those that it knows.
const NEWEST: ABI = ABI::V7;

/// A way to start programs with few rights.
#[derive(Debug, Clone)]
pub struct Sandbox {
    launcher: OsString,
    arguments: Vec<OsString>,
    confinement: Confinement,
}

impl Sandbox {
    /// Starts programs through `launcher`, which must call [`enter`] with whatever follows `arguments`.
    ///
    /// Runs it once, to learn what this kernel gives; the error says why that failed.
    pub fn through(launcher: impl Into<OsString>, arguments: &[&str]) -> io::Result<Self> {
        let launcher = launcher.into();
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let trial = Command::new(&launcher).args(&arguments).output()?;
        let (said, complained) =
            (String::from_utf8_lossy(&trial.stdout), String::from_utf8_lossy(&trial.stderr));
        let confinement = said
            .trim()
            .parse()
            .map_err(|()| io::Error::other(format!("{launcher:?} is no launcher: {}", complained.trim())))?;
        Ok(Self { launcher, arguments, confinement })
    }

    /// What its programs are held to.
    pub fn confinement(&self) -> Confinement {
        self.confinement
    }

    /// A command that becomes `program`, which may read `file` too; arguments for it may be added. It ends with this process.
    ///
    /// Who spawns it has to be this process, from a thread that lives as long as the program may.
    pub(super) fn command(&self, program: &Path, file: &Path) -> Command {
        let mut command = Command::new(&self.launcher);
        command.args(&self.arguments).arg(std::process::id().to_string()).arg(file).arg(program);
        command
    }
}

/// What a program in the sandbox is held to. Displayed in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confinement {
    /// The version of Landlock that keeps it from files; 0 if the kernel has none.
    pub landlock: u32,
    /// Whether seccomp keeps it from other system calls than it needs.
    pub seccomp: bool,
}

impl Confinement {
    /// Whether it is held to anything.
    pub fn is_any(self) -> bool {
        self.landlock > 0 || self.seccomp
    }
}

impl Display for Confinement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CALLS: &str = "seccomp: writes nothing, no network, no other process";
        match (self.landlock, self.seccomp) {
            (0, false) => f.write_str("neither Landlock nor seccomp: it may do what mama may"),
            (0, true) => write!(f, "no Landlock: it may read what mama may; {CALLS}"),
            (version, true) => write!(f, "Landlock {version}: reads libraries only; {CALLS}"),
            (version @ 1..4, false) => {
                write!(
                    f,
                    "Landlock {version}: reads libraries only, writes nothing; no seccomp: it may use the network"
                )
            }
            (version, false) => {
                write!(f, "Landlock {version}: reads libraries only, writes nothing, no TCP; no seccomp")
            }
        }
    }
}

/// What a launcher prints about the sandbox when it has no program to become.
impl FromStr for Confinement {
    type Err = ();

    fn from_str(report: &str) -> Result<Self, ()> {
        let (landlock, seccomp) =
            report.strip_prefix("landlock ").and_then(|rest| rest.split_once(" seccomp ")).ok_or(())?;
        Ok(Self { landlock: landlock.parse().map_err(|_| ())?, seccomp: seccomp.parse().map_err(|_| ())? })
    }
}

/// What the `main` of a launcher does with the arguments that follow its own: gives up rights, and becomes the program they name.
///
/// Comes back only with the reason why it could not, or after it was asked what the sandbox is and said so on its standard output.
/// The calling thread has lost its rights then, so that nothing is left to do but to end.
pub fn enter(mut arguments: impl Iterator<Item = OsString>) -> io::Result<()> {
    let (parent, file, program) = (arguments.next(), arguments.next(), arguments.next());
    if let Some(parent) = &parent {
        set_parent_process_death_signal(Some(Signal::KILL))?;
        if parent.to_str() != Some(parent_id().to_string().as_str()) {
            return Err(io::Error::other("who asked for the sandbox has ended"));
        }
    }
    let program = program.unwrap_or_default();
    let confinement = confine(Path::new(&program), file.map(PathBuf::from))?;
    if parent.is_none() {
        let Confinement { landlock, seccomp } = confinement;
        return writeln!(io::stdout(), "landlock {landlock} seccomp {seccomp}");
    }
    let error = Command::new(&program).args(arguments).exec();
    let why = format!("{} does not start in the sandbox: {error}", program.display());
    Err(io::Error::new(error.kind(), why))
}

/// Gives up all that `program` does not need, as far as the kernel allows.
fn confine(program: &Path, file: Option<PathBuf>) -> io::Result<Confinement> {
    set_no_new_privs(true)?;
    let landlock = restrict_files(program, file).map_err(io::Error::other)?;
    Ok(Confinement { landlock, seccomp: calls::restrict().is_ok() })
}

/// The version of Landlock that is in force then.
fn restrict_files(program: &Path, file: Option<PathBuf>) -> Result<u32, RulesetError> {
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    let programs = places::programs(program, &search_path);
    let readable = places::libraries(&programs).into_iter().chain(file);
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?
        .add_rules(path_beneath_rules(readable, AccessFs::ReadFile | AccessFs::ReadDir))?
        .add_rules(path_beneath_rules(
            programs.into_iter().chain(places::loaders()),
            AccessFs::ReadFile | AccessFs::Execute,
        ))?
        .restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => 0,
        (_, LandlockStatus::Available { effective_abi, .. }) => effective_abi as u32,
        _ => 0,
    })
}

/// The file that `program` stands for.
pub(super) fn find(program: &OsStr, search_path: &OsStr) -> Option<PathBuf> {
    let candidates = if program.as_encoded_bytes().contains(&b'/') {
        vec![PathBuf::from(program)]
    } else {
        std::env::split_paths(search_path).map(|folder| folder.join(program)).collect()
    };
    candidates.into_iter().find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_launcher_reports_is_understood() {
        for (report, expected) in [
            ("landlock 7 seccomp true", Ok(Confinement { landlock: 7, seccomp: true })),
            ("landlock 0 seccomp false", Ok(Confinement { landlock: 0, seccomp: false })),
            ("landlock 7", Err(())),
            ("landlock -1 seccomp true", Err(())),
            ("", Err(())),
        ] {
            assert_eq!(report.parse(), expected, "{report}");
        }
    }

    #[test]
    fn what_is_missing_is_said() {
        let words = |landlock, seccomp| Confinement { landlock, seccomp }.to_string();
        assert!(words(7, true).starts_with("Landlock 7:") && words(7, true).contains("no network"));
        assert!(words(0, true).contains("no Landlock") && words(0, true).contains("may read"));
        assert!(words(3, false).contains("may use the network") && words(4, false).contains("no TCP"));
        assert!(words(0, false).contains("may do what mama may"));
        assert!(!Confinement { landlock: 0, seccomp: false }.is_any());
    }
}
