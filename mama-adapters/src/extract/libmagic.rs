//! Media types from libmagic; where it knows none, from the crate file-format, which knows CR3, RW2 and WavPack.

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use file_format::FileFormat;
use magic::cookie::{Cookie, DatabasePaths, Flags, Load};
use mama_ports::content::MimeDetector;
use mama_ports::vocab::Mime;

/// On the sample corpus 1 MiB, what `file` reads, gives no other answers than this; see `tests/corpus.rs`.
const HEAD: usize = 256 * 1024;

/// What libmagic says when it knows nothing.
const UNKNOWN: &str = "application/octet-stream";

/// Detects as `file --mime-type` does, with the database of the system.
///
/// A cookie of libmagic belongs to one thread and takes some 14 MiB, so a thread for each core has one, and whoever asks waits
/// for one of them; any number of workers may ask.
#[derive(Debug)]
pub struct Libmagic {
    questions: Sender<Question>,
}

/// The first bytes of a content, and where the answer is awaited.
#[derive(Debug)]
struct Question {
    head: Vec<u8>,
    answer: SyncSender<Option<String>>,
}

/// libmagic does not find its database or cannot read it.
#[derive(Debug, thiserror::Error)]
#[error("libmagic cannot load its database (Debian: libmagic-mgc): {0}")]
pub struct NoDatabase(String);

impl Libmagic {
    /// A detector, if the database can be loaded.
    pub fn new() -> Result<Self, NoDatabase> {
        drop(open(&DatabasePaths::default())?);
        let (questions, asked) = mpsc::channel::<Question>();
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            let asked = Arc::clone(&asked);
            let started =
                thread::Builder::new().name("mama-libmagic".to_owned()).spawn(move || answer_all(&asked));
            started.map_err(|error| no_database(&error))?;
        }
        Ok(Self { questions })
    }

    /// The version of libmagic, such as 544 for 5.44.
    pub fn version(&self) -> i32 {
        magic::libmagic_version()
    }

    fn ask(&self, head: &[u8]) -> Option<String> {
        let (answer, awaited) = mpsc::sync_channel(1);
        self.questions.send(Question { head: head.to_vec(), answer }).ok()?;
        awaited.recv().ok()?
    }
}

/// Answers with a cookie of its own until the detector is dropped.
fn answer_all(asked: &Mutex<Receiver<Question>>) {
    let Ok(cookie) = open(&DatabasePaths::default()) else { return };
    loop {
        let next = asked.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Question { head, answer }) = next else { return };
        // who asked may have gone
        drop(answer.send(cookie.buffer(&head).ok()));
    }
}

impl MimeDetector for Libmagic {
    fn wants(&self) -> usize {
        HEAD
    }

    fn detect(&self, head: &[u8]) -> Option<Mime> {
        if head.is_empty() {
            // libmagic's name for an empty buffer is another than `file`'s for an empty file.
            return Some(Mime::new("inode/x-empty"));
        }
        let said = self.ask(head)?;
        match said.as_str() {
            "" | UNKNOWN => Some(Mime::new(FileFormat::from_bytes(head).media_type())),
            _ => Some(Mime::new(said)),
        }
    }
}

fn open(database: &DatabasePaths) -> Result<Cookie<Load>, NoDatabase> {
    let cookie = Cookie::open(Flags::MIME_TYPE | Flags::ERROR).map_err(|error| no_database(&error))?;
    cookie.load(database).map_err(|error| no_database(&error))
}

/// In words only: the error of a failed load holds the cookie, which cannot leave its thread.
fn no_database(error: &dyn Error) -> NoDatabase {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        text = deeper.to_string();
        cause = deeper.source();
    }
    NoDatabase(text)
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use proptest::prelude::*;

    use super::*;

    static LIBMAGIC: OnceLock<Libmagic> = OnceLock::new();

    mama_ports::conformance::content::detector!(conformance, || {
        Libmagic::new().expect("libmagic's database is needed (Debian: libmagic-mgc)")
    });

    proptest! {
        #[test]
        fn whatever_follows_a_signature_there_is_a_type(
            signature in prop::sample::select(vec![
                &b"PK\x03\x04"[..], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"RIFF", b"\x1aE\xdf\xa3", b"%PDF-", b"<?xml", b"II*\0", b"\0\0\0\x18ftyp", b"",
            ]),
            rest: Vec<u8>,
        ) {
            let libmagic = LIBMAGIC.get_or_init(|| Libmagic::new().expect("libmagic-mgc is needed"));
            prop_assert!(libmagic.detect(&[signature, &rest].concat()).is_some());
        }
    }

    #[test]
    fn a_missing_database_is_said_in_words() {
        let nowhere = DatabasePaths::new(["/nonexistent/magic.mgc"]).unwrap();
        let error = open(&nowhere).unwrap_err();
        let words = error.to_string();
        assert!(words.contains("libmagic-mgc") && words.contains("could not find"), "{words}");
    }
}
