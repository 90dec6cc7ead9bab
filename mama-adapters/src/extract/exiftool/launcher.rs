//! Starts ExifTool processes that cannot outlive mama.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use super::Settings;

/// Starts processes from one thread that lives as long as this does: the kernel ends a process with the *thread* that started it.
#[derive(Debug)]
pub(super) struct Launcher {
    orders: Sender<Sender<io::Result<Child>>>,
    max_memory: u64,
}

impl Launcher {
    /// Finds the programs. `NotFound` if ExifTool is not there.
    pub(super) fn new(settings: &Settings) -> io::Result<Self> {
        let program = find(&settings.program, &settings.search_path).ok_or_else(|| {
            let why = format!("there is no program {:?} (Debian: libimage-exiftool-perl)", settings.program);
            io::Error::new(io::ErrorKind::NotFound, why)
        })?;
        let mut command = match find(OsStr::new("setpriv"), &settings.search_path) {
            Some(setpriv) => {
                let mut command = Command::new(setpriv);
                command.args(["--pdeathsig", "KILL", "--"]).arg(program);
                command
            }
            None => {
                tracing::warn!(
                    "no setpriv (Debian: util-linux): if mama is killed, ExifTool processes stay behind"
                );
                Command::new(program)
            }
        };
        // `-config` counts only as the first argument; an empty one means none.
        command.args(["-config", "", "-stay_open", "True", "-@", "-"]);
        // The order in which ExifTool meets repeated elements depends on Perl's hash seed.
        command.env_clear().env("PATH", &settings.search_path).env("PERL_HASH_SEED", "0");
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (orders, taken) = mpsc::channel::<Sender<io::Result<Child>>>();
        std::thread::Builder::new().name("exiftool-parent".into()).spawn(move || {
            for order in taken {
                if let Err(mpsc::SendError(Ok(mut unwanted))) = order.send(command.spawn()) {
                    drop(unwanted.kill().and_then(|()| unwanted.wait()));
                }
            }
        })?;
        Ok(Self { orders, max_memory: settings.max_memory })
    }

    /// A new process with its limits, before it has seen any file.
    pub(super) fn launch(&self) -> io::Result<Child> {
        let gone = || io::Error::other("the thread that starts ExifTool has ended");
        let (order, delivery) = mpsc::channel();
        self.orders.send(order).map_err(|_| gone())?;
        let mut child = delivery.recv().map_err(|_| gone())??;
        let limited = [(Resource::As, self.max_memory), (Resource::Fsize, 0), (Resource::Core, 0)]
            .into_iter()
            .try_for_each(|(resource, limit)| self::limit(&child, resource, limit));
        match limited {
            Ok(()) => Ok(child),
            Err(error) => {
                child.kill()?;
                child.wait()?;
                Err(error)
            }
        }
    }
}

fn limit(child: &Child, resource: Resource, limit: u64) -> io::Result<()> {
    let limit = Rlimit { current: Some(limit), maximum: Some(limit) };
    prlimit(Some(Pid::from_child(child)), resource, limit)?;
    Ok(())
}

/// The file that `program` stands for.
fn find(program: &OsStr, search_path: &OsStr) -> Option<PathBuf> {
    let candidates = if program.as_encoded_bytes().contains(&b'/') {
        vec![PathBuf::from(program)]
    } else {
        std::env::split_paths(search_path).map(|folder| folder.join(program)).collect()
    };
    candidates.into_iter().find(|candidate| candidate.is_file())
}
