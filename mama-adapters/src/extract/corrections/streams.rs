//! Containers for moving pictures in which there is only sound.

/// An ASF header object, and the kinds of its streams: sections 3.1 and 10.3 of the specification.
const ASF_HEADER: [u8; 16] = 0x3026_b275_8e66_cf11_a6d9_00aa_0062_ce6c_u128.to_be_bytes();
const ASF_SOUND: [u8; 16] = 0x409e_69f8_4d5b_cf11_a8fd_0080_5f5c_442b_u128.to_be_bytes();
const ASF_PICTURES: [u8; 16] = 0xc0ef_19bc_4d5b_cf11_a8fd_0080_5f5c_442b_u128.to_be_bytes();

/// Elements of Matroska: RFC 9559, section 5.1; sound is a track of type 2.
const SEGMENT: u64 = 0x1853_8067;
const TRACKS: u64 = 0x1654_ae6b;
const TRACK: u64 = 0xae;
const TRACK_TYPE: u64 = 0x83;
const SOUND: &[u8] = &[2];

/// The boxes of an ISO base media file or of a box in it: kind and body, as long as they are whole. ISO/IEC 14496-12, section 4.2.
pub(super) fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (size, kind) = (number(bytes.get(..4)?), bytes.get(4..8)?.try_into().ok()?);
        let (start, size) = if size == 1 { (16, number(bytes.get(8..16)?)) } else { (8, size) };
        let (this, rest) = bytes.split_at_checked(usize::try_from(size).ok()?)?;
        bytes = rest;
        Some((kind, this.get(start..)?))
    })
}

/// Whether the movie, if it is there, has tracks of sound and none to look at. ISO/IEC 14496-12, section 8.4.3.
pub(super) fn only_sound_in_movie(head: &[u8]) -> bool {
    let within = |bytes, name: &'static [u8; 4]| {
        boxes(bytes).filter(move |(kind, _)| kind == name).map(|(_, body)| body)
    };
    let media = within(head, b"moov")
        .flat_map(|movie| within(movie, b"trak"))
        .flat_map(|track| within(track, b"mdia"));
    let kinds = media.flat_map(|media| within(media, b"hdlr")).filter_map(|handler| handler.get(8..12));
    only_sound(kinds, b"soun", &[b"soun", b"text", b"sbtl", b"hint"])
}

/// Whether the tracks, if they are there, are of sound.
pub(super) fn only_sound_in_matroska(head: &[u8]) -> bool {
    let within = |bytes, name| elements(bytes).filter(move |(id, ..)| *id == name);
    let tracks = within(head, SEGMENT)
        .flat_map(|(_, segment, _)| within(segment, TRACKS))
        .filter(|(.., whole)| *whole);
    let entries = tracks.flat_map(|(_, tracks, _)| within(tracks, TRACK));
    let kinds = entries.flat_map(|(_, entry, _)| within(entry, TRACK_TYPE)).map(|(_, kind, _)| kind);
    only_sound(kinds, SOUND, &[SOUND])
}

/// Whether the header, if all of it is there, speaks of sound and of no pictures.
pub(super) fn only_sound_in_asf(head: &[u8]) -> bool {
    let size = head
        .strip_prefix(&ASF_HEADER)
        .and_then(|rest| rest.first_chunk())
        .map(|size| u64::from_le_bytes(*size));
    let Some(header) = size.and_then(|size| head.get(..usize::try_from(size).ok()?)) else { return false };
    let has = |kind: &[u8; 16]| header.windows(16).any(|window| window == kind);
    has(&ASF_SOUND) && !has(&ASF_PICTURES)
}

fn only_sound<'a>(kinds: impl Iterator<Item = &'a [u8]>, sound: &[u8], harmless: &[&[u8]]) -> bool {
    let kinds: Vec<&[u8]> = kinds.collect();
    kinds.contains(&sound) && kinds.iter().all(|kind| harmless.contains(kind))
}

/// The elements of an EBML document or element (RFC 8794): id, body as far as it is there, and whether that is all of it.
fn elements(mut bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8], bool)> {
    std::iter::from_fn(move || {
        let id_length = bytes.first()?.leading_zeros() as usize + 1;
        let id = number(bytes.get(..id_length.min(8))?);
        let after = bytes.get(id_length..)?;
        let length = after.first()?.leading_zeros() as usize + 1;
        let size = number(after.get(..length.min(8))?) & ((1_u64 << (7 * length.min(8))) - 1);
        let body = after.get(length..)?;
        // a size of ones only is unknown: it goes on to the end
        let size = usize::try_from(size).ok()?;
        let (this, rest) = body.split_at(size.min(body.len()));
        bytes = rest;
        Some((id, this, this.len() == size))
    })
}

/// At most eight bytes, the highest first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
