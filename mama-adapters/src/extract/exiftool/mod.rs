//! Metadata from ExifTool, by persistent processes.
//!
//! ExifTool parses hostile media, and so it learns nothing but the bytes: each file is a symbolic link `f.<ending>` in a private
//! folder to the descriptor that was hashed. Time, memory and output are limited; a process that breaks a limit is killed and
//! replaced, and processes are renewed now and then because ExifTool remembers things between files.
//!
//! Deliberately absent: `-n`, so that values read as ExifTool prints them; `-fast`, so that no tag is lost.

mod launcher;
mod pool;
mod session;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use mama_ports::content::{ExtractError, Hint, MetadataExtractor};
use mama_ports::filesystem::ReadHandle;
use mama_ports::vocab::MetaDoc;

use self::launcher::Launcher;
use self::pool::Pool;
use super::clean;

/// Older versions execute what they find in DjVu files (CVE-2021-22204) or in names that end in `|` (CVE-2022-23935).
const OLDEST: (u32, u32) = (12, 38);

/// Documents whose tags ExifTool learns as it meets them, so that its answer depends on the documents before.
const HISTORIC: [&str; 12] =
    [".epub", ".odb", ".odc", ".odf", ".odg", ".odi", ".odp", ".ods", ".odt", ".otg", ".ots", ".ott"];

/// The most that is copied of a content that has no descriptor, in bytes.
const MAX_SPOOL: u64 = 256 * 1024 * 1024;

/// How ExifTool is run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The program: a path, or a name to search for.
    pub program: OsString,
    /// Where programs are searched, as in `PATH`; ExifTool's own `PATH` too.
    pub search_path: OsString,
    /// Processes at once, at the most; a caller beyond that waits.
    pub sessions: NonZeroUsize,
    /// How long one file may take.
    pub timeout: Duration,
    /// Bytes that ExifTool may say about one file.
    pub max_output: usize,
    /// Bytes of address space that a process may have.
    pub max_memory: u64,
    /// Files after which a process is replaced.
    pub renew_after: u32,
}

impl Default for Settings {
    /// A process for each core, with the limits of safety.md: 30 s, 8 MiB, 1 GiB.
    fn default() -> Self {
        Self {
            program: "exiftool".into(),
            search_path: "/usr/local/bin:/usr/bin:/bin".into(),
            sessions: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            timeout: Duration::from_secs(30),
            max_output: 8 * 1024 * 1024,
            max_memory: 1024 * 1024 * 1024,
            renew_after: 500,
        }
    }
}

/// A pool of ExifTool processes, each started when it is first needed; all end with the pool, also when mama is killed.
#[derive(Debug)]
pub struct ExifTool {
    pool: Pool,
    version: String,
}

impl ExifTool {
    /// Starts the first process and asks for its version.
    ///
    /// [`ExtractError::Unavailable`] if there is no such program, if it does not answer, or if it is older than 12.38.
    pub fn start(settings: Settings) -> Result<Self, ExtractError> {
        let launcher = Launcher::new(&settings).map_err(ExtractError::Unavailable)?;
        let pool = Pool::new(launcher, settings);
        let version = ask_version(&pool).map_err(|error| match error {
            ExtractError::Unavailable(_) => error,
            ExtractError::Failed(why) => ExtractError::Unavailable(why),
            other => ExtractError::Unavailable(io::Error::other(other.to_string())),
        })?;
        Ok(Self { pool, version })
    }

    /// ExifTool's version, such as `12.57`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

fn ask_version(pool: &Pool) -> Result<String, ExtractError> {
    let answer = pool.with(|session| session.ask(&["-ver"]))?;
    let text = String::from_utf8_lossy(&answer).trim().to_owned();
    let number =
        text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match number {
        Some(version) if version >= OLDEST => Ok(text),
        Some(_) => Err(unavailable(format!(
            "ExifTool {text} has known security holes; mama needs {}.{} or newer",
            OLDEST.0, OLDEST.1
        ))),
        None => Err(unavailable(format!("ExifTool gives no version but {text:?}"))),
    }
}

fn unavailable(why: String) -> ExtractError {
    ExtractError::Unavailable(io::Error::other(why))
}

impl MetadataExtractor for ExifTool {
    fn extract(&self, content: &mut dyn ReadHandle, hint: &Hint) -> Result<Option<MetaDoc>, ExtractError> {
        let descriptor = content.fd().map(|fd| fd.as_raw_fd());
        match descriptor {
            Some(descriptor) => self.examine(descriptor, hint),
            None => self.examine(spool(content).map_err(ExtractError::Failed)?.as_raw_fd(), hint),
        }
    }
}

impl ExifTool {
    fn examine(&self, descriptor: RawFd, hint: &Hint) -> Result<Option<MetaDoc>, ExtractError> {
        let ending = ending(hint.name.as_bytes());
        let answer = if HISTORIC.contains(&ending.to_ascii_lowercase().as_str()) {
            self.pool.alone(|session| session.examine(descriptor, &ending))
        } else {
            self.pool.with(|session| session.examine(descriptor, &ending))
        }?;
        clean::document(&answer).map_err(ExtractError::Failed)
    }
}

/// A copy of the content in an unnamed file.
fn spool(content: &mut dyn ReadHandle) -> io::Result<File> {
    let mut copy = tempfile::tempfile()?;
    let copied = io::copy(&mut content.take(MAX_SPOOL + 1), &mut copy)?;
    if copied > MAX_SPOOL {
        return Err(io::Error::other("a content without a descriptor is too large to be copied"));
    }
    copy.flush()?;
    copy.rewind()?;
    Ok(copy)
}

/// The ending that the link gets: `.jpg`, or nothing. ExifTool needs it, as a NEF without it is a TIFF.
///
/// The one thing a stranger chooses that ExifTool gets to see: at most ten letters and digits.
fn ending(name: &[u8]) -> String {
    match name.iter().rposition(|&byte| byte == b'.').map(|dot| &name[dot + 1..]) {
        Some(ending @ [_, ..]) if ending.len() <= 10 && ending.iter().all(u8::is_ascii_alphanumeric) => {
            format!(".{}", String::from_utf8_lossy(ending))
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
