//! Runs a program and meddles with exactly one of its calls to the file system, counted over all of its threads.
//!
//! `strace` counts by thread, and so never reaches some calls of a program with several. Knows the call numbers of x86-64.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{PTRACE_SYSCALL_INFO_ENTRY, user_regs_struct};
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::world::Run;

/// What is done to the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meddling {
    /// The program is killed instead of the call.
    Kill,
    /// The call fails with this number, and does nothing.
    Fail(Errno),
    /// A read or a write moves one byte only; any other call is left alone.
    Short,
    /// Every call of this name does nothing and says that it worked, whichever is counted.
    Pretend(&'static str),
}

/// What came of it.
pub(crate) struct Traced {
    pub(crate) run: Run,
    /// How many calls to the file system it made.
    pub(crate) calls: usize,
    /// The call that was meddled with, in words.
    pub(crate) met: Option<String>,
}

/// Where a call names a file.
#[derive(Clone, Copy)]
enum Names {
    Descriptor,
    /// A descriptor, in the fifth argument.
    Mapped,
    Path,
    PathAt,
}

const CALLS: &[(u64, &str, Names)] = &[
    (0, "read", Names::Descriptor),
    (1, "write", Names::Descriptor),
    (2, "open", Names::Path),
    (3, "close", Names::Descriptor),
    (4, "stat", Names::Path),
    (5, "fstat", Names::Descriptor),
    (6, "lstat", Names::Path),
    (8, "lseek", Names::Descriptor),
    (9, "mmap", Names::Mapped),
    (16, "ioctl", Names::Descriptor),
    (17, "pread64", Names::Descriptor),
    (18, "pwrite64", Names::Descriptor),
    (21, "access", Names::Path),
    (40, "sendfile", Names::Descriptor),
    (72, "fcntl", Names::Descriptor),
    (73, "flock", Names::Descriptor),
    (74, "fsync", Names::Descriptor),
    (75, "fdatasync", Names::Descriptor),
    (76, "truncate", Names::Path),
    (77, "ftruncate", Names::Descriptor),
    (82, "rename", Names::Path),
    (83, "mkdir", Names::Path),
    (84, "rmdir", Names::Path),
    (86, "link", Names::Path),
    (87, "unlink", Names::Path),
    (89, "readlink", Names::Path),
    (90, "chmod", Names::Path),
    (91, "fchmod", Names::Descriptor),
    (93, "fchown", Names::Descriptor),
    (137, "statfs", Names::Path),
    (138, "fstatfs", Names::Descriptor),
    (193, "fgetxattr", Names::Descriptor),
    (196, "flistxattr", Names::Descriptor),
    (199, "fremovexattr", Names::Descriptor),
    (217, "getdents64", Names::Descriptor),
    (221, "fadvise64", Names::Descriptor),
    (257, "openat", Names::PathAt),
    (258, "mkdirat", Names::PathAt),
    (262, "newfstatat", Names::PathAt),
    (263, "unlinkat", Names::PathAt),
    (264, "renameat", Names::PathAt),
    (265, "linkat", Names::PathAt),
    (267, "readlinkat", Names::PathAt),
    (268, "fchmodat", Names::PathAt),
    (269, "faccessat", Names::PathAt),
    (285, "fallocate", Names::Descriptor),
    (306, "syncfs", Names::Descriptor),
    (316, "renameat2", Names::PathAt),
    (326, "copy_file_range", Names::Descriptor),
    (332, "statx", Names::PathAt),
    (437, "openat2", Names::PathAt),
    (439, "faccessat2", Names::PathAt),
];
/// The runtime of Rust makes this call first: what comes before is the loader's.
const POLL: u64 = 7;
const MOVES_BYTES: [u64; 4] = [0, 1, 17, 18];

/// Longer than any run of these tests takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// The words before a program that wait to be traced.
pub(crate) const WAITING: [&str; 4] = ["sh", "-c", "kill -STOP $$; exec \"$@\"", "sh"];

/// Runs what begins with [`WAITING`], and meddles with its `nth` call to the file system.
#[expect(clippy::zombie_processes, reason = "the tracer waits for it")]
pub(crate) fn run(mut command: Command, nth: usize, meddling: Meddling) -> Traced {
    let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdin(Stdio::null()).stdout(stdout.try_clone().unwrap()).stderr(stderr.try_clone().unwrap());
    let child = command.spawn().unwrap();
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
    let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).unwrap();
    assert!(matches!(stopped, WaitStatus::Stopped(_, Signal::SIGSTOP)), "{stopped:?}");
    let follow = Options::PTRACE_O_TRACECLONE | Options::PTRACE_O_TRACEFORK | Options::PTRACE_O_TRACEVFORK;
    let options =
        follow | Options::PTRACE_O_TRACESYSGOOD | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).unwrap();
    kill(pid, Signal::SIGCONT).unwrap();

    let (done, is_done) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let hangs = is_done.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            kill(pid, Signal::SIGKILL).unwrap();
        }
        hangs
    });
    let mut tracer =
        Tracer { pid, nth, meddling, started: false, calls: 0, met: None, unmade: BTreeMap::new() };
    let status = tracer.follow();
    drop(done);
    assert!(!watchdog.join().unwrap(), "it hangs after {:?}", tracer.met);

    let run = Run { status, stdout: text(stdout), stderr: text(stderr) };
    Traced { run, calls: tracer.calls, met: tracer.met }
}

fn text(mut file: File) -> String {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

struct Tracer {
    pid: Pid,
    nth: usize,
    meddling: Meddling,
    started: bool,
    calls: usize,
    met: Option<String>,
    /// Threads in a call that is not made, and what it is to give.
    unmade: BTreeMap<Pid, i64>,
}

impl Tracer {
    /// Until the program ends; gives its status, `None` if it was killed.
    fn follow(&mut self) -> Option<i32> {
        loop {
            // Only of this thread: others have programs of their own.
            let mine = WaitPidFlag::__WALL | WaitPidFlag::__WNOTHREAD;
            match waitpid(None, Some(mine)).unwrap() {
                WaitStatus::Exited(pid, status) if pid == self.pid => return Some(status),
                WaitStatus::Signaled(pid, ..) if pid == self.pid => return None,
                // Any of them may be dying by now, which the next wait tells.
                WaitStatus::PtraceSyscall(pid) => {
                    self.call(pid).and_then(|()| ptrace::syscall(pid, None)).unwrap_or_default();
                }
                WaitStatus::PtraceEvent(pid, ..) => ptrace::syscall(pid, None).unwrap_or_default(),
                WaitStatus::Stopped(pid, signal) => ptrace::syscall(pid, signal).unwrap_or_default(),
                _ => {}
            }
        }
    }

    fn call(&mut self, pid: Pid) -> nix::Result<()> {
        let mut regs = ptrace::getregs(pid)?;
        let enters = ptrace::syscall_info(pid)?.op == PTRACE_SYSCALL_INFO_ENTRY;
        if !enters {
            if let Some(result) = self.unmade.remove(&pid) {
                regs.rax = result.cast_unsigned();
                ptrace::setregs(pid, regs)?;
            }
            return Ok(());
        }
        self.started |= regs.orig_rax == POLL;
        let Some(words) = self.started.then(|| describe(pid, &regs)).flatten() else { return Ok(()) };
        self.calls += 1;
        let is_meant = match self.meddling {
            Meddling::Pretend(name) => words.split(' ').next() == Some(name),
            Meddling::Kill | Meddling::Fail(_) | Meddling::Short => self.calls - 1 == self.nth,
        };
        if !is_meant {
            return Ok(());
        }
        self.met = Some(words);
        match self.meddling {
            Meddling::Kill => kill(self.pid, Signal::SIGKILL),
            Meddling::Fail(errno) => self.unmake(pid, regs, -i64::from(errno as i32)),
            Meddling::Pretend(_) => self.unmake(pid, regs, 0),
            Meddling::Short if MOVES_BYTES.contains(&regs.orig_rax) => {
                regs.rdx = regs.rdx.min(1);
                ptrace::setregs(pid, regs)
            }
            Meddling::Short => Ok(()),
        }
    }

    fn unmake(&mut self, pid: Pid, mut regs: user_regs_struct, result: i64) -> nix::Result<()> {
        regs.orig_rax = u64::MAX;
        self.unmade.insert(pid, result);
        ptrace::setregs(pid, regs)
    }
}

/// A call to the file system in words; `None` if it is none, or one to what is no file.
fn describe(pid: Pid, regs: &user_regs_struct) -> Option<String> {
    let (_, name, names) = CALLS.iter().find(|(number, ..)| *number == regs.orig_rax)?;
    let file = match names {
        Names::Descriptor => descriptor(pid, regs.rdi)?,
        Names::Mapped => descriptor(pid, regs.r8)?,
        Names::Path => path_at(pid, regs.rdi),
        Names::PathAt => {
            let path = path_at(pid, regs.rsi);
            if path.is_absolute() { path } else { descriptor(pid, regs.rdi).unwrap_or_default().join(path) }
        }
    };
    let is_of_the_kernel = ["/proc", "/sys", "/dev/null"].iter().any(|folder| file.starts_with(folder));
    (!is_of_the_kernel || *name == "linkat").then(|| format!("{name} {}", file.display()))
}

/// What a descriptor of a file is open on; not the standard streams, and nothing that is no file.
fn descriptor(pid: Pid, number: u64) -> Option<PathBuf> {
    let path = fs::read_link(format!("/proc/{pid}/fd/{}", i32::try_from(number).ok()?)).ok()?;
    (number > 2 && path.is_absolute()).then_some(path)
}

fn path_at(pid: Pid, address: u64) -> PathBuf {
    let mut bytes = [0; 256];
    let length = File::open(format!("/proc/{pid}/mem"))
        .and_then(|memory| memory.read_at(&mut bytes, address))
        .unwrap_or(0);
    let end = bytes[..length].iter().position(|&byte| byte == 0).unwrap_or(length);
    String::from_utf8_lossy(&bytes[..end]).into_owned().into()
}
