//! One ExifTool process and the conversation with it.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ChildStdin, ChildStdout};
use std::time::{Duration, Instant};

use mama_ports::content::ExtractError;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tempfile::TempDir;

use super::Settings;
use super::launcher::Launcher;

/// What a pipe that is ready for writing takes without blocking (`PIPE_BUF`).
const PIPE_BUF: usize = 4096;

/// A process that waits for a question. Killed when dropped.
#[derive(Debug)]
pub(super) struct Session {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    /// Says what went wrong, and takes the descriptors of what is to be read.
    stderr: UnixStream,
    /// Closed to others and to the process; holds an empty file, which stands for the content in question.
    folder: TempDir,
    served: u32,
    timeout: Duration,
    max_output: usize,
}

impl Session {
    pub(super) fn start(launcher: &Launcher, settings: &Settings) -> io::Result<Self> {
        let folder = launcher.part_of_folder()?;
        let (mut child, stderr) = launcher.launch()?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(io::Error::other("a process without pipes"));
        };
        let (timeout, max_output) = (settings.timeout, settings.max_output);
        Ok(Self { child, stdin, stdout, stderr, folder, served: 0, timeout, max_output })
    }

    pub(super) fn is_alive(&self) -> bool {
        // Without reaping it: as long as its number is taken, the group can be killed safely.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        matches!(waitid(WaitId::Pid(Pid::from_child(&self.child)), look), Ok(None))
    }

    /// How many questions it was asked.
    pub(super) const fn served(&self) -> u32 {
        self.served
    }

    #[cfg(test)]
    pub(super) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// What ExifTool prints about the content that is open as `descriptor`, which it is handed and reads from the start.
    pub(super) fn examine(
        &mut self,
        descriptor: BorrowedFd<'_>,
        ending: &str,
    ) -> Result<Vec<u8>, ExtractError> {
        let place = self.folder.path().join(format!("{}{ending}", self.served));
        let Some(name) = place.to_str() else {
            return Err(failed("the folder for temporary files has a name that is not UTF-8"));
        };
        if name.contains(['\n', '\r']) {
            return Err(failed("the folder for temporary files has a name that ExifTool would misread"));
        }
        drop(File::create_new(&place).map_err(ExtractError::Unavailable)?);
        hand_over(&self.stderr, descriptor).map_err(ExtractError::Failed)?;
        let answer = self.ask(&["-j", "-G1", "-struct", "-l", name])?;
        fs::remove_file(&place).map_err(ExtractError::Unavailable)?;
        match is_about(&answer, name) {
            true => Ok(answer),
            false => Err(failed("ExifTool's answer is about another file")),
        }
    }

    /// What ExifTool prints when given these arguments, one a line. After an error the process is of no more use.
    pub(super) fn ask(&mut self, arguments: &[&str]) -> Result<Vec<u8>, ExtractError> {
        self.served += 1;
        let number = self.served;
        let question = format!("{}\n-echo4\n{{done{number}}}\n-execute{number}\n", arguments.join("\n"));
        let (ready, done) = (format!("{{ready{number}}}\n"), format!("{{done{number}}}\n"));
        let mut question = question.as_bytes();
        let mut said = Voice { end: ready.as_bytes(), text: Vec::new(), ended: false };
        let mut complained = Voice { end: done.as_bytes(), text: Vec::new(), ended: false };
        let deadline = Instant::now() + self.timeout;
        while !(said.ended && complained.ended && question.is_empty()) {
            let turn = self.wait(deadline, !question.is_empty())?;
            let heard = (|| {
                if turn.stdin {
                    let piece = &question[..question.len().min(PIPE_BUF)];
                    question = &question[self.stdin.write(piece)?..];
                }
                if turn.stdout {
                    said.listen(&mut self.stdout)?;
                }
                if turn.stderr {
                    complained.listen(&mut self.stderr)?;
                }
                Ok(())
            })();
            if said.text.len() > self.max_output || complained.text.len() > self.max_output {
                return Err(ExtractError::TooLarge { limit: self.max_output });
            }
            heard.map_err(|error: io::Error| self.epitaph(&error, &mut complained))?;
        }
        if said.text.is_empty() {
            return Err(failed(&format!("ExifTool printed nothing but {:?}", complained.last_line())));
        }
        Ok(said.text)
    }

    /// Waits until the process can be talked to or has said something.
    fn wait(&self, deadline: Instant, asking: bool) -> Result<Turn, ExtractError> {
        let left = deadline.saturating_duration_since(Instant::now());
        let mut pipes = [
            PollFd::from_borrowed_fd(self.stdout.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.stderr.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.stdin.as_fd(), PollFlags::OUT),
        ];
        let pipes = if asking { &mut pipes[..] } else { &mut pipes[..2] };
        let left = Timespec {
            tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        match poll(pipes, Some(&left)) {
            Ok(0) => Err(ExtractError::TimedOut { seconds: self.timeout.as_secs() }),
            Ok(_) => {
                let ready = |pipe: usize| pipes.get(pipe).is_some_and(|pipe| !pipe.revents().is_empty());
                Ok(Turn { stdout: ready(0), stderr: ready(1), stdin: ready(2) })
            }
            Err(rustix::io::Errno::INTR) => Ok(Turn { stdout: false, stderr: false, stdin: false }),
            Err(error) => Err(ExtractError::Failed(error.into())),
        }
    }

    /// The error of a process that has ended: its own last words, if there are any.
    fn epitaph(&mut self, error: &io::Error, complained: &mut Voice<'_>) -> ExtractError {
        while complained.text.len() < self.max_output
            && self.wait(Instant::now(), false).is_ok_and(|turn| turn.stderr)
            && complained.listen(&mut self.stderr).is_ok()
        {}
        match complained.last_line().as_str() {
            "" => failed(&format!("ExifTool ended: {error}")),
            last => failed(&format!("ExifTool ended: {last}")),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let killed = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        if let Err(error) = killed.map_err(io::Error::from).and_then(|()| self.child.wait()) {
            tracing::warn!("an ExifTool process may have been left behind: {error}");
        }
    }
}

/// Sends a descriptor; does not wait for whoever does not take them.
fn hand_over(socket: &UnixStream, descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    let descriptors = [descriptor];
    message.push(SendAncillaryMessage::ScmRights(&descriptors));
    sendmsg(socket, &[IoSlice::new(&[0])], &mut message, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Whether an answer of JSON begins with the name that was asked about.
fn is_about(answer: &[u8], name: &str) -> bool {
    let name = serde_json::Value::from(name).to_string();
    let mut rest = Some(answer);
    for part in ["[", "{", "\"SourceFile\"", ":", &name] {
        rest = rest.and_then(|rest| rest.trim_ascii_start().strip_prefix(part.as_bytes()));
    }
    rest.is_some()
}

/// Which pipes are ready.
struct Turn {
    stdin: bool,
    stdout: bool,
    stderr: bool,
}

/// What comes out of one pipe, up to the mark at its end.
struct Voice<'a> {
    end: &'a [u8],
    text: Vec<u8>,
    ended: bool,
}

impl Voice<'_> {
    /// Hears what is there. The mark counts only as a line of its own, which ExifTool's JSON cannot contain.
    fn listen(&mut self, pipe: &mut dyn Read) -> io::Result<()> {
        let mut heard = [0; 16 * 1024];
        match pipe.read(&mut heard) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                self.text.extend_from_slice(&heard[..length]);
                if let Some(before) = self.text.strip_suffix(self.end)
                    && (before.is_empty() || before.ends_with(b"\n"))
                {
                    self.text.truncate(before.len());
                    self.ended = true;
                }
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn last_line(&self) -> String {
        let tail = &self.text[self.text.len().saturating_sub(300)..];
        String::from_utf8_lossy(tail)
            .lines()
            .rev()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("")
            .to_owned()
    }
}

fn failed(why: &str) -> ExtractError {
    ExtractError::Failed(io::Error::other(why))
}
