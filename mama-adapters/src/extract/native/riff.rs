//! RIFF: the chunks of WAV, AVI and WebP.

use std::io;

use super::print;
use super::tags::Tags;
use super::window::Window;

/// Chunks that are looked at on one level.
const MOST_CHUNKS: usize = 1024;
/// A list of texts is larger only by mistake. In bytes.
const LARGEST: usize = 64 * 1024;

const TEXTS: [(&[u8; 4], &str); 5] = [
    (b"INAM", "Title"),
    (b"IART", "Artist"),
    (b"IPRD", "Product"),
    (b"ITRK", "TrackNumber"),
    (b"ICRD", "DateCreated"),
];

/// A piece of the file.
pub(super) struct Chunk {
    pub(super) kind: [u8; 4],
    /// Where its content begins.
    pub(super) at: u64,
    /// Bytes of its content.
    pub(super) size: usize,
}

/// The chunks from `at` on.
pub(super) fn chunks(window: &mut Window<'_>, mut at: u64) -> io::Result<Vec<Chunk>> {
    let mut chunks = Vec::new();
    while chunks.len() < MOST_CHUNKS
        && let [a, b, c, d, s1, s2, s3, s4] = window.bytes_at(at, 8)?[..]
    {
        let size = u32::from_le_bytes([s1, s2, s3, s4]);
        chunks.push(Chunk { kind: [a, b, c, d], at: at + 8, size: size as usize });
        // To an even place.
        at += 8 + u64::from(size) + u64::from(size % 2);
    }
    Ok(chunks)
}

/// A WAV: its texts, and how long it plays, which ExifTool works out from the size of the whole file.
pub(super) fn wave(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    for chunk in chunks(window, 12)? {
        match &chunk.kind {
            b"fmt " => {
                if let [.., a, b, c, d] = window.bytes_at(chunk.at, 12)?[..]
                    && let bytes @ 1.. = u32::from_le_bytes([a, b, c, d])
                {
                    let seconds = window.size() as f64 / f64::from(bytes);
                    tags.put("Composite", "Duration", &print::duration(seconds));
                }
            }
            b"LIST" => info(&window.bytes_at(chunk.at, chunk.size.min(LARGEST))?, tags),
            _ => {}
        }
    }
    Ok(())
}

/// An AVI: the size of its picture. How long it plays is told by its streams, which are left to ExifTool.
pub(super) fn avi(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    for list in chunks(window, 12)?.iter().filter(|chunk| chunk.kind == *b"LIST") {
        match window.bytes_at(list.at, 68)?[..] {
            [b'h', b'd', b'r', b'l', b'a', b'v', b'i', b'h', _, _, _, _, ref header @ ..] => {
                let number = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
                if let (Some(width), Some(height)) = (number(32), number(36)) {
                    tags.put_size(width.into(), height.into());
                }
            }
            [b'I', b'N', b'F', b'O', ..] => info(&window.bytes_at(list.at, list.size.min(LARGEST))?, tags),
            _ => {}
        }
    }
    Ok(())
}

/// The texts of a list.
fn info(list: &[u8], tags: &mut Tags) {
    let Some(mut rest) = list.strip_prefix(b"INFO") else { return };
    while let Some((head, tail)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let Some(text) = tail.get(..length) else { return };
        if let Some((_, tag)) = TEXTS.iter().find(|(kind, _)| head.starts_with(*kind)) {
            let day = *tag == "DateCreated";
            let text: Vec<u8> =
                text.iter().map(|&byte| if day && byte == b'-' { b':' } else { byte }).collect();
            // What is beyond ASCII is in any encoding.
            if text.is_ascii() {
                tags.put_bytes("RIFF", tag, &text);
            }
        }
        rest = tail.get(length + length % 2..).unwrap_or_default();
    }
}
