//! The two identifiers in the note of an iPhone that join the halves of a Live Photo and the shots of a burst.
//!
//! No crate reads them. The note is a TIFF directory in big-endian order whose offsets count from the note's start.

use super::tags::Tags;

const MARK: &[u8] = b"Apple iOS\0\0\x01MM";
const ASCII: u16 = 2;
/// As ExifTool 12.57 calls them.
const IDENTIFIERS: [(u16, &str); 2] = [(0x000b, "BurstUUID"), (0x0011, "MediaGroupUUID")];

pub(super) fn read(note: &[u8], tags: &mut Tags) {
    if !note.starts_with(MARK) {
        return;
    }
    let entries = short(note, MARK.len()).unwrap_or_default();
    for entry in 0..usize::from(entries) {
        let at = MARK.len() + 2 + entry * 12;
        let (Some(number), Some(kind)) = (short(note, at), short(note, at + 2)) else { return };
        let named = IDENTIFIERS.iter().find(|(known, _)| *known == number);
        if let (Some((_, name)), ASCII, Some(text)) = (named, kind, text(note, at + 4)) {
            tags.put_bytes("Apple", name, text);
        }
    }
}

/// The text whose length and offset are at `at`.
fn text(note: &[u8], at: usize) -> Option<&[u8]> {
    let (length, from) = (long(note, at)?, long(note, at + 4)?);
    // Up to four bytes are where the offset would be, and no identifier is that short.
    (length > 4).then(|| note.get(from..from.checked_add(length)?))?
}

fn short(note: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(note.get(at..at + 2)?.try_into().ok()?))
}

fn long(note: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_be_bytes(note.get(at..at + 4)?.try_into().ok()?)).ok()
}
