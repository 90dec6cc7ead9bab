//! Media types from libmagic; where it knows none, from the crate file-format, which knows CR3, RW2 and WavPack; corrected where
//! both are known to be wrong.

use std::error::Error;
use std::num::NonZeroUsize;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use file_format::FileFormat;
use magic::cookie::{Cookie, DatabasePaths, Flags, Load};
use mama_ports::content::MimeDetector;
use mama_ports::vocab::Mime;

use super::corrections::correction;

/// On the sample corpus 1 MiB, what `file` reads, gives no other answers than this; see `tests/corpus.rs`.
const HEAD: usize = 256 * 1024;

/// What libmagic says when it knows nothing.
const UNKNOWN: &str = "application/octet-stream";

/// How `file --mime-type` asks.
const IN_FULL: Flags = Flags::MIME_TYPE.union(Flags::ERROR);

/// The same without a search for a text encoding, which takes longer than all the rest for a photo and finds none in binary data.
const AS_BINARY: Flags = IN_FULL.union(Flags::NO_CHECK_ENCODING);

/// How much of a content libmagic searches for a text encoding.
const SEARCHED: usize = 64 * 1024;

/// Detects as `file --mime-type` does, with the database of the system, but for what is corrected.
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
        drop(answer.send(detected(&cookie, &head)));
    }
}

fn detected(cookie: &Cookie<Load>, head: &[u8]) -> Option<String> {
    let ask = |flags| cookie.set_flags(flags).ok().and_then(|()| cookie.buffer(head).ok());
    match is_binary(head).then(|| ask(AS_BINARY)).flatten() {
        Some(known) if known != UNKNOWN => Some(known),
        _ => ask(IN_FULL),
    }
}

/// Whether this is text in no encoding at all: none has NUL among its bytes, but for UTF-16 and UTF-32, which begin with a mark.
///
/// NULs at the very end prove nothing, because libmagic cuts them off.
fn is_binary(head: &[u8]) -> bool {
    const MARKS: [&[u8]; 3] = [b"\xfe\xff", b"\xff\xfe", b"\0\0\xfe\xff"];
    let searched = &head[..head.len().min(SEARCHED)];
    let from_nul = searched.iter().position(|&byte| byte == 0).map(|at| &searched[at..]);
    from_nul.is_some_and(|rest| rest.iter().any(|&byte| byte != 0))
        && !MARKS.iter().any(|mark| head.starts_with(mark))
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
        let said = match said.as_str() {
            "" | UNKNOWN => FileFormat::from_bytes(head).media_type().to_owned(),
            _ => said,
        };
        Some(correction(&said, head).map_or_else(|| Mime::new(&*said), Mime::new))
    }
}

fn open(database: &DatabasePaths) -> Result<Cookie<Load>, NoDatabase> {
    let cookie = Cookie::open(IN_FULL).map_err(|error| no_database(&error))?;
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

    /// What comes before noise: the beginnings of media, of texts in every encoding, and of nothing.
    const BEGINNINGS: [&[u8]; 14] = [
        b"\xff\xd8\xff\xe0\0\x10JFIF\0",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\0\0\0\x18ftypheic",
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b"MM\0*",
        b"ID3\x03\0",
        b"\xff\xfea\0",
        b"\xfe\xff\0a",
        b"\0\0\xfe\xff\0\0\0a",
        b"a\0b\0",
        b"name,size\na,1\n",
        b"{\"a\":\"",
        b"<?xml version=\"1.0\"?>",
        b"",
    ];

    proptest! {
        #[test]
        fn binary_contents_have_the_type_that_they_have_in_full(
            beginning in prop::sample::select(&BEGINNINGS[..]),
            middle in prop_oneof!["[a-z0-9 ,\\n]{0,40}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..40)],
            nuls in 0..3_usize,
            end in prop_oneof![Just(Vec::new()), "[a-z,\\n]{0,40}".prop_map(String::into_bytes), prop::collection::vec(any::<u8>(), 0..40)],
        ) {
            thread_local! {
                static COOKIE: Cookie<Load> =
                    open(&DatabasePaths::default()).expect("libmagic-mgc is needed");
            }
            let head = [beginning, &middle, &vec![0; nuls], &end].concat();
            let (quick, full) = COOKIE.with(|cookie| {
                let quick = detected(cookie, &head);
                cookie.set_flags(IN_FULL).unwrap();
                (quick, cookie.buffer(&head).ok())
            });
            prop_assert_eq!(quick, full);
        }

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
