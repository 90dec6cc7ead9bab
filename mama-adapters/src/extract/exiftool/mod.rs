//! Metadata from ExifTool, by persistent processes.
//!
//! ExifTool parses hostile media, and so it learns nothing but the bytes: it is handed the descriptor of an open file, which its caller
//! has checked, and a name made of a number and the ending. It can be confined to a [`Sandbox`]. Time, memory and output are limited;
//! a process that breaks a limit is killed and replaced, and processes are renewed now and then because ExifTool remembers things
//! between files.
//!
//! `-l` gives each value as ExifTool prints it, the same as without, and as it is where that is something else: one pass for both.
//! Deliberately absent: `-fast`, so that no tag is lost.

mod folder;
mod launcher;
mod pool;
mod session;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use mama_ports::content::{ExtractError, Hint, MetadataExtractor};
use mama_ports::filesystem::ReadHandle;
use mama_ports::vocab::{ExtractorId, MetaDoc};
use serde_json::{Map, Value};

use self::launcher::Launcher;
use self::pool::Pool;
use super::clean;
use super::sandbox::Sandbox;

/// Older versions execute what they find in DjVu files (CVE-2021-22204) or in names that end in `|` (CVE-2022-23935).
const OLDEST: (u32, u32) = (12, 38);

/// Grows with every change of the options, or of what is made of the answer: what is known by a lower one may be looked for again.
const REVISION: u32 = 2;

/// Documents whose tags ExifTool learns as it meets them, so that its answer depends on the documents before.
const HISTORIC: [&str; 12] =
    [".epub", ".odb", ".odc", ".odf", ".odg", ".odi", ".odp", ".ods", ".odt", ".otg", ".ots", ".ott"];

/// The most that is copied of a content that has no descriptor, in bytes.
const MAX_SPOOL: u64 = 256 * 1024 * 1024;

/// A picture of one pixel.
const TRIAL: [u8; 14] = *b"GIF89a\x01\0\x01\0\0\0\0;";

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
    /// What keeps the processes from everything but their work; without it they may do what mama may.
    pub sandbox: Option<Sandbox>,
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
            sandbox: None,
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
    /// Starts the first process and has it read a picture.
    ///
    /// [`ExtractError::Unavailable`] if there is no such program, if it cannot do that, or if it is older than 12.38.
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

/// Has a content read that is known, because an ExifTool that does not take descriptors would find nothing, and ever without an error.
fn ask_version(pool: &Pool) -> Result<String, ExtractError> {
    let trial = spool(&mut &TRIAL[..])?;
    let answer = pool.with(|session| session.examine(trial.as_fd(), ".gif"))?;
    let tags: Vec<Map<String, Value>> =
        serde_json::from_slice(&answer).map_err(|error| ExtractError::Failed(error.into()))?;
    let said = |key: &str| {
        let tag = tags.first().and_then(|tags| tags.get(key)?.get("val"));
        tag.map_or_else(String::new, Value::to_string)
    };
    let text = said("ExifTool:ExifToolVersion");
    let number =
        text.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
    match number {
        Some(version) if version < OLDEST => Err(unavailable(format!(
            "ExifTool {text} has known security holes; mama needs {}.{} or newer",
            OLDEST.0, OLDEST.1
        ))),
        Some(_) if said("GIF:ImageWidth") == "1" => Ok(text),
        Some(_) => Err(unavailable(format!("ExifTool {text} does not read what it is handed"))),
        None => Err(unavailable(format!("ExifTool gives no version but {text:?}"))),
    }
}

fn unavailable(why: String) -> ExtractError {
    ExtractError::Unavailable(io::Error::other(why))
}

impl MetadataExtractor for ExifTool {
    fn identity(&self) -> ExtractorId {
        ExtractorId::new("exiftool", &self.version, REVISION)
    }

    fn extract(&self, content: &mut dyn ReadHandle, hint: &Hint) -> Result<Option<MetaDoc>, ExtractError> {
        if let Some(descriptor) = content.fd() {
            return self.examine(descriptor, hint);
        }
        self.examine(spool(content)?.as_fd(), hint)
    }
}

impl ExifTool {
    fn examine(&self, descriptor: BorrowedFd<'_>, hint: &Hint) -> Result<Option<MetaDoc>, ExtractError> {
        let ending = ending(hint.name.as_bytes());
        let answer = if HISTORIC.contains(&ending.to_ascii_lowercase().as_str()) {
            self.pool.alone(|session| session.examine(descriptor, &ending))
        } else {
            self.pool.with(|session| session.examine(descriptor, &ending))
        }?;
        clean::document(&answer).map_err(ExtractError::Failed)
    }
}

/// A copy of the content in an unnamed file. That there is no room for it is not the content's fault.
fn spool(content: &mut dyn Read) -> Result<File, ExtractError> {
    let mut copy = tempfile::tempfile().map_err(ExtractError::Unavailable)?;
    let copied = io::copy(&mut content.take(MAX_SPOOL + 1), &mut copy);
    let copied = copied.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ExtractError::Unavailable(error),
        _ => ExtractError::Failed(error),
    })?;
    if copied > MAX_SPOOL {
        let why = io::Error::other("a content without a descriptor is too large to be copied");
        return Err(ExtractError::Failed(why));
    }
    copy.flush().and_then(|()| copy.rewind()).map_err(ExtractError::Unavailable)?;
    Ok(copy)
}

/// The ending that the name gets: `.jpg`, or nothing. ExifTool needs it, as a NEF without it is a TIFF.
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
