//! The promises of the content ports, one function each.

mod samples;

use std::io::{self, ErrorKind, Read};

pub use self::samples::{InMemory, Opened, Unreadable, hint, rubbish, tiny_jpeg, tiny_png};
use crate::content::{ContentHasher, ExtractError, Hint, MetadataExtractor, MimeDetector};
use crate::vocab::{FileName, MetaDoc, Mime};

/// Gives at most `piece` bytes a read, and an interruption before each.
struct Halting<R> {
    inner: R,
    piece: usize,
    interrupted: bool,
}

impl<R: Read> Read for Halting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.interrupted = !self.interrupted;
        if self.interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        let piece = self.piece.min(buffer.len());
        self.inner.read(&mut buffer[..piece])
    }
}

/// The bytes of the published BLAKE3 test vectors: 0 to 250, over and over.
fn vector(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 251) as u8).collect()
}

/// The hash is BLAKE3's: the published test vectors come out.
pub fn hashes_are_those_of_the_published_vectors(hasher: &dyn ContentHasher) {
    for (size, hash) in [
        (0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"),
        (1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"),
        (1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"),
        (1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"),
        (1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"),
        (31_744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"),
        (102_400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"),
    ] {
        let digest = hasher.digest(&mut vector(size).as_slice()).expect("memory can be read");
        assert_eq!((digest.hash.to_string().as_str(), digest.size), (hash, size as u64));
    }
}

/// Neither short nor interrupted reads change the answer, whatever size a buffer has.
pub fn how_the_bytes_arrive_does_not_matter(hasher: &dyn ContentHasher) {
    const KIB: usize = 1024;
    for size in [64 * KIB, 256 * KIB, 1024 * KIB, 8192 * KIB].into_iter().flat_map(|s| [s - 1, s, s + 1]) {
        let content = vector(size);
        let whole = hasher.digest(&mut content.as_slice()).expect("memory can be read");
        assert_eq!(whole.size, size as u64);
        for piece in [4093, 300 * KIB] {
            let mut halting = Halting { inner: content.as_slice(), piece, interrupted: false };
            assert_eq!(hasher.digest(&mut halting).expect("interruptions are no errors"), whole, "{size}");
        }
    }
}

/// The reader's error is the error, and the next content is hashed as if nothing had been.
pub fn a_reader_that_fails_gives_its_own_error(hasher: &dyn ContentHasher) {
    let before = hasher.digest(&mut b"next".as_slice()).expect("memory can be read");
    let error =
        hasher.digest(&mut vector(300_000).as_slice().chain(Unreadable)).expect_err("the reader failed");
    assert_eq!(error.to_string(), "a bad sector");
    assert_eq!(hasher.digest(&mut b"next".as_slice()).expect("memory can be read"), before);
}

/// Equal contents have equal digests, others have others, from any number of threads.
pub fn threads_do_not_disturb_each_other(hasher: &dyn ContentHasher) {
    let expected: Vec<_> = (0..8)
        .map(|n| hasher.digest(&mut vector(n * 50_000).as_slice()).expect("memory can be read"))
        .collect();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let expected = &expected;
            scope.spawn(move || {
                let digest = hasher.digest(&mut vector(n * 50_000).as_slice()).expect("memory can be read");
                assert_eq!(expected.iter().position(|known| *known == digest), Some(n));
            });
        }
    });
}

/// Makes tests of a [`ContentHasher`]: `hasher!(name_of_the_module, || Adapter)`.
#[macro_export]
macro_rules! content_hasher_suite {
    ($module:ident, $make:expr) => {
        $crate::conformance_suite!(
            $module,
            content,
            $make,
            [
                hashes_are_those_of_the_published_vectors,
                how_the_bytes_arrive_does_not_matter,
                a_reader_that_fails_gives_its_own_error,
                threads_do_not_disturb_each_other,
            ]
        );
    };
}

/// Common types are told by their first bytes.
pub fn common_types_are_known_by_their_first_bytes(detector: &dyn MimeDetector) {
    for (head, mime) in [
        (tiny_png("x"), "image/png"),
        (tiny_jpeg("x"), "image/jpeg"),
        (b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n".to_vec(), "application/pdf"),
        (b"just some words\n".to_vec(), "text/plain"),
    ] {
        assert_eq!(detector.detect(&head).as_ref().map(Mime::as_str), Some(mime));
    }
}

/// Unknown content has a type too, and so has every beginning of a known one, and nothing at all.
pub fn every_content_has_a_type(detector: &dyn MimeDetector) {
    assert!(detector.wants() > 0);
    let unknown = detector.detect(&rubbish());
    assert_eq!(unknown.as_ref().map(Mime::as_str), Some("application/octet-stream"));
    let png = tiny_png("x");
    for length in 0..png.len() {
        let mime = detector.detect(&png[..length]).expect("a type, whatever it is");
        assert!(mime.as_str().contains('/'), "{mime}");
    }
}

/// Equal heads give equal answers, whatever was seen in between, on any thread.
pub fn equal_heads_have_equal_types(detector: &dyn MimeDetector) {
    let heads = [tiny_png("x"), Vec::new(), rubbish(), tiny_jpeg("y"), vec![0; detector.wants()]];
    let first: Vec<_> = heads.iter().map(|head| detector.detect(head)).collect();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for (head, mime) in heads.iter().zip(&first).rev() {
                    assert_eq!(detector.detect(head), *mime);
                }
            });
        }
    });
}

/// Makes tests of a [`MimeDetector`]: `detector!(name_of_the_module, || Adapter)`.
#[macro_export]
macro_rules! mime_detector_suite {
    ($module:ident, $make:expr) => {
        $crate::conformance_suite!(
            $module,
            content,
            $make,
            [
                common_types_are_known_by_their_first_bytes,
                every_content_has_a_type,
                equal_heads_have_equal_types,
            ]
        );
    };
}

/// What a picture says about itself is found.
pub fn text_in_a_picture_is_found(extractor: &dyn MetadataExtractor) {
    for (name, content) in [("a.png", tiny_png("Grüße, 世界")), ("a.jpg", tiny_jpeg("Grüße, 世界"))] {
        let doc = extracted(extractor, name, &content).expect("pictures are known");
        assert!(doc.entries().values().any(|value| value.to_string().contains("Grüße, 世界")), "{doc:?}");
    }
}

/// What is nothing known is no error; neither is nothing.
pub fn unknown_content_has_no_document(extractor: &dyn MetadataExtractor) {
    assert_eq!(extracted(extractor, "a.bin", &rubbish()), None);
    assert_eq!(extracted(extractor, "a.jpg", b""), None);
}

/// A name is a hint and never more: it cannot say what is done.
pub fn names_do_no_harm(extractor: &dyn MetadataExtractor) {
    let content = tiny_png("harmless");
    let expected = extracted(extractor, "a.png", &content);
    assert!(expected.is_some());
    for name in [
        "-config",
        "-execute",
        "-stay_open\nFalse",
        "a\nb.jpg",
        "a\n-o\nc.png",
        "x.$(touch y)",
        "`touch y`.png",
        "| touch y",
        "touch y |",
        "@args",
        "%d%f.png",
        ".png",
        "png.",
        "a.p ng",
        "a.png\n-execute",
        "#",
        "-",
        "~",
        "a.ÿ",
    ] {
        assert_eq!(extracted(extractor, name, &content), expected, "{name:?}");
    }
    let name = FileName::parse(b"\xff\xfe.\xff".as_slice()).expect("a name");
    let mut handle = InMemory::new(content);
    assert_eq!(extractor.extract(&mut handle, &Hint { name, mime: None }).ok(), Some(expected));
    assert!(!std::path::Path::new("y").exists(), "a name was executed");
}

/// Equal contents have equal documents, whatever was looked at in between.
pub fn equal_contents_have_equal_documents(extractor: &dyn MetadataExtractor) {
    let first = extracted(extractor, "a.jpg", &tiny_jpeg("x"));
    extracted(extractor, "a.bin", &rubbish());
    extracted(extractor, "b.png", &tiny_png("y"));
    assert_eq!(extracted(extractor, "a.jpg", &tiny_jpeg("x")), first);
}

/// Whoever asks at the same time gets the answer to his own question.
pub fn answers_are_not_mixed_up(extractor: &dyn MetadataExtractor) {
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for round in 0..5 {
                    let text = format!("thread {thread} round {round}");
                    let doc = extracted(extractor, "a.png", &tiny_png(&text)).expect("pictures are known");
                    assert!(doc.to_json().contains(&text), "{doc:?}");
                }
            });
        }
    });
}

/// A content that cannot be read has no metadata; the next one has.
pub fn an_unreadable_content_fails_alone(extractor: &dyn MetadataExtractor) {
    let failed = extractor.extract(&mut Unreadable, &hint("a.png"));
    assert!(matches!(failed, Err(ExtractError::Failed(_))), "{failed:?}");
    assert!(extracted(extractor, "a.png", &tiny_png("x")).is_some());
}

/// Makes tests of a [`MetadataExtractor`]: `extractor!(name_of_the_module, || Adapter)`.
#[macro_export]
macro_rules! metadata_extractor_suite {
    ($module:ident, $make:expr) => {
        $crate::conformance_suite!(
            $module,
            content,
            $make,
            [
                text_in_a_picture_is_found,
                unknown_content_has_no_document,
                names_do_no_harm,
                equal_contents_have_equal_documents,
                answers_are_not_mixed_up,
                an_unreadable_content_fails_alone,
            ]
        );
    };
}

fn extracted(extractor: &dyn MetadataExtractor, name: &str, content: &[u8]) -> Option<MetaDoc> {
    extractor.extract(&mut InMemory::new(content), &hint(name)).expect("the extractor works")
}

/// Makes a module of tests, each one function of a suite on a fresh adapter.
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_suite {
    ($module:ident, $suite:ident, $make:expr, [$($promise:ident),+ $(,)?]) => {
        mod $module {
            use super::*;

            $(
                #[test]
                fn $promise() {
                    $crate::conformance::$suite::$promise(&($make)());
                }
            )+
        }
    };
}

pub use {
    content_hasher_suite as hasher, metadata_extractor_suite as extractor, mime_detector_suite as detector,
};
