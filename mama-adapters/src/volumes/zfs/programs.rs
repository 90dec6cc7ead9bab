//! `zfs` and `zpool`, as processes that may hang.

use std::ffi::OsString;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Bytes of one answer: room for a hundred thousand snapshots.
const MOST: u64 = 64 << 20;

/// Where the programs are.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    pub(super) search_path: OsString,
}

impl Programs {
    /// Starts a program, without a shell, and gives what it printed.
    ///
    /// `Unsupported` if there is no such program, `TimedOut` if it does not end; else its words on stderr, by kind.
    pub(super) fn run(&self, program: &str, args: &[&str], patience: Duration) -> io::Result<String> {
        let file = self.find(program)?;
        let mut command = Command::new(file);
        command.args(args).env_clear().env("PATH", &self.search_path).env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let finished = finish(&mut child, Instant::now() + patience);
        if finished.is_err() {
            // A process that waits for a pool cannot be killed; it ends when the pool answers.
            child.kill().ok();
            std::thread::Builder::new().name("zfs-reaper".into()).spawn(move || child.wait().ok())?;
        }
        let (success, [stdout, stderr]) = finished?;
        if success { text(stdout) } else { Err(failure(program, &text(stderr)?)) }
    }

    fn find(&self, program: &str) -> io::Result<PathBuf> {
        let mut candidates = std::env::split_paths(&self.search_path).map(|folder| folder.join(program));
        candidates.find(|candidate| candidate.is_file()).ok_or_else(|| {
            let why = format!("there is no program `{program}` (Debian: zfsutils-linux)");
            io::Error::new(io::ErrorKind::Unsupported, why)
        })
    }
}

/// Whether it succeeded, and what it wrote on stdout and stderr.
fn finish(child: &mut Child, deadline: Instant) -> io::Result<(bool, [Vec<u8>; 2])> {
    let streams: [Option<Box<dyn Read + Send>>; 2] = [
        child.stdout.take().map(|stream| Box::new(stream) as _),
        child.stderr.take().map(|stream| Box::new(stream) as _),
    ];
    let (done, wait) = mpsc::channel();
    for (number, stream) in streams.into_iter().enumerate() {
        let done = done.clone();
        std::thread::Builder::new().name("zfs-reader".into()).spawn(move || {
            let mut bytes = Vec::new();
            let read = stream.map_or(Ok(0), |stream| stream.take(MOST + 1).read_to_end(&mut bytes));
            done.send((number, read.map(|_| bytes))).ok();
        })?;
    }
    drop(done);
    let left = || deadline.saturating_duration_since(Instant::now());
    let too_late = || io::Error::new(io::ErrorKind::TimedOut, "ZFS does not answer");
    let mut outputs = [Vec::new(), Vec::new()];
    for _ in 0..outputs.len() {
        let (number, bytes) = wait.recv_timeout(left()).map_err(|error| match error {
            RecvTimeoutError::Timeout => too_late(),
            RecvTimeoutError::Disconnected => io::Error::other("the answer of ZFS was lost"),
        })?;
        outputs[number] = bytes?;
        if outputs[number].len() as u64 > MOST {
            return Err(io::Error::other("the answer of ZFS is too long"));
        }
    }
    loop {
        match child.try_wait()? {
            Some(status) => return Ok((status.success(), outputs)),
            None if left().is_zero() => return Err(too_late()),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(|_| io::Error::other("the answer of ZFS is no UTF-8"))
}

/// What a program said, as an error of the kind that its words mean.
fn failure(program: &str, stderr: &str) -> io::Error {
    let said = stderr.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("failed without a word");
    let kinds = [
        ("dataset already exists", io::ErrorKind::AlreadyExists),
        ("does not exist", io::ErrorKind::NotFound),
        ("could not find any snapshots", io::ErrorKind::NotFound),
        ("permission denied", io::ErrorKind::PermissionDenied),
        ("must be superuser", io::ErrorKind::PermissionDenied),
        ("out of space", io::ErrorKind::StorageFull),
        ("Read-only file system", io::ErrorKind::ReadOnlyFilesystem),
    ];
    let kind = kinds.into_iter().find(|(words, _)| said.contains(words));
    io::Error::new(kind.map_or(io::ErrorKind::Other, |(_, kind)| kind), format!("{program}: {said}"))
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use tempfile::TempDir;

    use super::*;

    fn with(script: &str) -> (TempDir, Programs) {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("zfs");
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
        let search_path =
            std::env::join_paths([folder.path(), "/usr/bin".as_ref(), "/bin".as_ref()]).unwrap();
        (folder, Programs { search_path })
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_program_gets_its_arguments_and_nothing_of_the_environment() {
        let (_folder, zfs) = with(r#"echo "$#:$2:$LC_ALL:$HOME""#);
        assert_eq!(zfs.run("zfs", &["get", "a b'\n"], LONG).unwrap(), "2:a b'\n:C:\n");
    }

    #[test]
    fn a_program_that_is_missing_is_named_with_its_package() {
        let nowhere = Programs { search_path: "/nowhere".into() };
        let error = nowhere.run("zfs", &[], LONG).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("zfsutils-linux"), "{error}");
    }

    #[test]
    fn what_a_program_says_is_the_reason() {
        let (_folder, zfs) = with("echo \"cannot open 't': dataset does not exist\" >&2; exit 1");
        let error = zfs.run("zfs", &[], LONG).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.to_string(), "zfs: cannot open 't': dataset does not exist");
    }

    #[test]
    fn a_program_that_does_not_end_is_given_up() {
        for script in ["exec sleep 1000", "exec >&- 2>&-; sleep 1000"] {
            let (_folder, zfs) = with(script);
            let error = zfs.run("zfs", &[], Duration::from_millis(100)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{script}");
        }
    }

    #[test]
    fn an_endless_answer_is_cut_off() {
        let (_folder, zfs) = with("exec cat /dev/zero");
        assert!(zfs.run("zfs", &[], LONG).unwrap_err().to_string().contains("too long"));
    }
}
