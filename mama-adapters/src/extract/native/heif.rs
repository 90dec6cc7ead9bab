//! HEIF and AVIF, and Canon's CR3, which is made of the same boxes.

use std::io::{self, BufReader, Seek};

use exif::Reader;

use super::boxes::{self, Box};
use super::embedded;
use super::tags::Tags;
use super::window::Window;

/// Properties of pictures that are looked at: a picture in tiles has one for each kind of tile, not for each tile.
const MOST_PROPERTIES: usize = 256;
/// The box in which Canon has its EXIF.
const CANON: &[u8] = b"\x85\xc0\xb6\x87\x82\x0f\x11\xe0\x81\x11\xf4\xce\x46\x2b\x6a\x48";

/// A picture: its EXIF, found by the crate kamadak-exif, its size, and how it is turned.
pub(super) fn picture(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    let Some(meta) = boxes::first(&boxes::of_file(window)?, b"meta") else { return Ok(()) };
    let parts = meta.inside_full(window)?;
    properties(&parts, window, tags)?;
    if !is_soon_read(meta, &parts, window)? {
        return Ok(());
    }
    window.rewind()?;
    let mut reader = BufReader::new(window);
    // Errors are told by the window; what is missing or broken is not there.
    let read = Reader::new().continue_on_error(true).read_from_container(&mut reader);
    if let Ok(found) = read.or_else(|error| error.distill_partial_result(|_| ())) {
        embedded::tell(&found, tags);
    }
    Ok(())
}

/// Whether kamadak-exif reads it in a time that grows with its bytes: extents that take none cost as much as others.
fn is_soon_read(meta: Box, parts: &[Box], window: &mut Window<'_>) -> io::Result<bool> {
    // That crate looks at all boxes.
    if parts.last().is_none_or(|last| last.to != meta.to) {
        return Ok(false);
    }
    for places in parts.iter().filter(|part| part.kind == *b"iloc") {
        // Half bytes: how wide the offsets are and the lengths.
        if !matches!(window.bytes_at(places.from, 5)?[..], [_, _, _, _, 1..=0xff]) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What belongs to the picture that is to be shown first.
fn properties(parts: &[Box], window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    let (Some(primary), Some(known)) = (boxes::first(parts, b"pitm"), boxes::first(parts, b"iprp")) else {
        return Ok(());
    };
    let primary = match primary.content(window)?[..] {
        [0, _, _, _, a, b, ..] => u16::from_be_bytes([a, b]).into(),
        [1, _, _, _, a, b, c, d, ..] => u32::from_be_bytes([a, b, c, d]),
        _ => return Ok(()),
    };
    let known = known.inside(window)?;
    let (Some(all), Some(whose)) = (boxes::first(&known, b"ipco"), boxes::first(&known, b"ipma")) else {
        return Ok(());
    };
    let all = all.inside(window)?;
    let own = associated(&whose.content(window)?, primary).unwrap_or_default();
    for property in own.iter().take(MOST_PROPERTIES).filter_map(|at| all.get(at.checked_sub(1)?)) {
        match (&property.kind, &property.content(window)?[..]) {
            (b"ispe", [0, 0, 0, 0, w1, w2, w3, w4, h1, h2, h3, h4, ..]) => {
                let (width, height) = ([*w1, *w2, *w3, *w4], [*h1, *h2, *h3, *h4]);
                tags.put_size(u32::from_be_bytes(width).into(), u32::from_be_bytes(height).into());
            }
            (b"irot", [quarters, ..]) => {
                tags.put("QuickTime", "Rotation", &(u32::from(*quarters) * 90).to_string());
            }
            _ => {}
        }
    }
    Ok(())
}

/// The numbers of the properties that an item has, from a box `ipma`.
fn associated(ipma: &[u8], item: u32) -> Option<Vec<usize>> {
    let (version, wide) = (*ipma.first()?, ipma.get(3)? & 1 == 1);
    let mut rest = ipma.get(8..)?;
    let mut take = |most: usize| {
        let (number, behind) = rest.split_at_checked(most)?;
        rest = behind;
        Some(number.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)))
    };
    loop {
        let is_item = take(if version == 0 { 2 } else { 4 })? == item;
        let mut own = Vec::new();
        for _ in 0..take(1)? {
            let number = if wide { take(2)? & 0x7fff } else { take(1)? & 0x7f };
            own.push(usize::try_from(number).ok()?);
        }
        if is_item {
            return Some(own);
        }
    }
}

/// A CR3: three TIFF structures, one for each directory of EXIF.
pub(super) fn canon(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    let Some(film) = boxes::first(&boxes::of_file(window)?, b"moov") else { return Ok(()) };
    for part in film.inside(window)?.iter().filter(|part| part.kind == *b"uuid") {
        if window.bytes_at(part.from, CANON.len())? != CANON {
            continue;
        }
        let inner = Box { from: part.from + CANON.len() as u64, ..*part };
        for one in inner.inside(window)? {
            match &one.kind {
                b"CMT1" => embedded::read_main(one.content(window)?, tags),
                b"CMT2" => embedded::read_details(one.content(window)?, tags),
                b"CMT4" => embedded::read_position(one.content(window)?, tags),
                _ => {}
            }
        }
    }
    Ok(())
}
