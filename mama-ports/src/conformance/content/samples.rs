//! Contents to try adapters on.

use std::fs::File;
use std::io::{self, Cursor, Read, Seek};
use std::os::fd::{AsFd, BorrowedFd};

use crate::content::Hint;
use crate::filesystem::{Fs, FsError, FsErrorKind, ReadHandle};
use crate::vocab::{FileFacts, FileName};

/// A content without a descriptor.
#[derive(Debug, Clone)]
pub struct InMemory(Cursor<Vec<u8>>);

/// A content with a descriptor.
#[derive(Debug)]
pub struct Opened(File);

/// A content that cannot be read.
#[derive(Debug, Clone, Copy)]
pub struct Unreadable;

impl InMemory {
    /// The content with these bytes, at its start.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Cursor::new(bytes.into()))
    }
}

impl Opened {
    /// What `file` has open, from where it stands.
    pub const fn new(file: File) -> Self {
        Self(file)
    }
}

impl Read for InMemory {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Read for Unreadable {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("a bad sector"))
    }
}

/// The content ports ask no facts.
fn no_facts() -> Fs<FileFacts> {
    Err(FsError::new("stat", b"", FsErrorKind::Unsupported))
}

impl ReadHandle for InMemory {
    fn facts(&self) -> Fs<FileFacts> {
        no_facts()
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.0.rewind()
    }
}

impl ReadHandle for Opened {
    fn facts(&self) -> Fs<FileFacts> {
        no_facts()
    }

    fn rewind(&mut self) -> io::Result<()> {
        self.0.rewind()
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl ReadHandle for Unreadable {
    fn facts(&self) -> Fs<FileFacts> {
        no_facts()
    }

    fn rewind(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The hint that consists of this name.
pub fn hint(name: &str) -> Hint {
    Hint { name: FileName::parse(name).expect("a name"), mime: None }
}

/// Bytes of no known kind.
pub fn rubbish() -> Vec<u8> {
    (7..1024_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

/// A picture of one pixel whose iTXt comment is `text`.
pub fn tiny_png(text: &str) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let comment = [b"Comment\0\0\0\0\0", text.as_bytes()].concat();
    let pixel = b"\x78\x9c\x63\x60\x00\x00\x00\x02\x00\x01";
    let header = b"\0\0\0\x01\0\0\0\x01\x08\0\0\0\0";
    for (kind, data) in
        [(b"IHDR", header.as_slice()), (b"iTXt", &comment), (b"IDAT", pixel.as_slice()), (b"IEND", b"")]
    {
        let chunk = [kind.as_slice(), data].concat();
        png.extend(u32::try_from(data.len()).expect("small").to_be_bytes());
        png.extend(&chunk);
        png.extend(crc32(&chunk).to_be_bytes());
    }
    png
}

/// A JPEG without a picture whose XMP title is `text`.
pub fn tiny_jpeg(text: &str) -> Vec<u8> {
    let xmp = format!(
        "http://ns.adobe.com/xap/1.0/\0<x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title><rdf:Alt>\
         <rdf:li xml:lang='x-default'>{text}</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
    );
    let length = u16::try_from(xmp.len() + 2).expect("a short text").to_be_bytes();
    [b"\xff\xd8\xff\xe1".as_slice(), &length, xmp.as_bytes(), b"\xff\xd9"].concat()
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}
