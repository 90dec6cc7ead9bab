//! Starts ExifTool processes that have few rights and cannot outlive mama.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tempfile::TempDir;

use super::Settings;
use super::folder::PrivateFolder;
use crate::extract::sandbox::find;

/// What ExifTool does instead of opening files.
const HANDOVER: &str = include_str!("handover.pl");

/// A new process, and the socket that is its standard error.
pub(super) type Launched = (Child, UnixStream);

/// Starts processes from one thread that lives as long as this does: the kernel ends a process with the *thread* that started it.
#[derive(Debug)]
pub(super) struct Launcher {
    orders: Sender<Sender<io::Result<Launched>>>,
    limits: Vec<(Resource, u64)>,
    /// Holds [`HANDOVER`], and what stands for the contents in question.
    folder: PrivateFolder,
}

impl Launcher {
    /// Finds the programs. `NotFound` if ExifTool is not there.
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        let program = find(&settings.program, &settings.search_path).ok_or_else(|| {
            let why = format!("there is no program {:?} (Debian: libimage-exiftool-perl)", settings.program);
            io::Error::new(io::ErrorKind::NotFound, why)
        })?;
        let folder = PrivateFolder::new()?;
        let handover = folder.path().join("handover.pl");
        std::fs::write(&handover, in_numbers(HANDOVER))?;
        let mut command = command(settings, &program, &handover);
        // `-config` counts only as the first argument.
        command.arg("-config").arg(&handover).args(["-stay_open", "True", "-@", "-"]);
        // The order in which ExifTool meets repeated elements depends on Perl's hash seed.
        command.env_clear().env("PATH", &settings.search_path).env("PERL_HASH_SEED", "0");
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let (orders, taken) = mpsc::channel::<Sender<io::Result<Launched>>>();
        std::thread::Builder::new().name("exiftool-parent".into()).spawn(move || {
            for order in taken {
                if let Err(mpsc::SendError(Ok((mut unwanted, _)))) = order.send(launched(&mut command)) {
                    drop(unwanted.kill().and_then(|()| unwanted.wait()));
                }
            }
        })?;
        Ok(Self { orders, limits: limits(settings), folder })
    }

    /// A folder for one process.
    pub(super) fn part_of_folder(&self) -> io::Result<TempDir> {
        self.folder.part()
    }

    /// A new process with its limits, before it has seen any file.
    pub(super) fn launch(&self) -> io::Result<Launched> {
        let gone = || io::Error::other("the thread that starts ExifTool has ended");
        let (order, delivery) = mpsc::channel();
        self.orders.send(order).map_err(|_| gone())?;
        let (mut child, voice) = delivery.recv().map_err(|_| gone())??;
        match self.limits.iter().try_for_each(|&(resource, limit)| self::limit(&child, resource, limit)) {
            Ok(()) => Ok((child, voice)),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }
}

/// The handover with this system's number of the call.
fn in_numbers(handover: &str) -> String {
    let flags = libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC;
    handover.replace("RECVMSG_FLAGS", &flags.to_string()).replace("RECVMSG", &libc::SYS_recvmsg.to_string())
}

/// What becomes `program`, and ends with mama if this system has the means.
fn command(settings: &Settings, program: &Path, handover: &Path) -> Command {
    if let Some(sandbox) = &settings.sandbox {
        return sandbox.command(program, handover);
    }
    match find(OsStr::new("setpriv"), &settings.search_path) {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", "KILL", "--no-new-privs", "--"]).arg(program);
            command
        }
        None => {
            tracing::warn!(
                "no setpriv (Debian: util-linux): if mama is killed, ExifTool processes stay behind"
            );
            Command::new(program)
        }
    }
}

fn launched(command: &mut Command) -> io::Result<Launched> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = command.stderr(OwnedFd::from(theirs)).spawn();
    // what the command holds is closed, or the end of the process would not be heard
    command.stderr(Stdio::null());
    Ok((child?, ours))
}

/// The most of everything that a process may use in its life.
fn limits(settings: &Settings) -> Vec<(Resource, u64)> {
    let seconds = settings.timeout.as_secs().saturating_mul(settings.renew_after.into()).max(1);
    let mut limits = vec![
        (Resource::As, settings.max_memory),
        (Resource::Cpu, seconds),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
    ];
    if settings.sandbox.is_some() {
        limits.push((Resource::Nproc, 0));
    }
    limits
}

fn limit(child: &Child, resource: Resource, limit: u64) -> io::Result<()> {
    let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
    prlimit(Some(Pid::from_child(child)), resource, limit)?;
    Ok(())
}
