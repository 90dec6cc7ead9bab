//! Pictures: where their EXIF and XMP are, and how large they are.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::mem::replace;

use exif::{Exif, In, Tag};

use super::embedded;
use super::tags::Tags;
use super::window::Window;
use super::xmp;

/// What is read ahead of a JPEG or PNG: most have all that is wanted in it.
const AHEAD: usize = 32 * 1024;
/// Chunks of a PNG that are looked at; more are pieces of the picture.
const MOST_CHUNKS: usize = 4096;
/// The beginning of a TIFF in which its first directories are, and most of what is in them. In bytes.
const HEAD: usize = 512 * 1024;
/// EXIF is larger only by mistake, or in TIFF. In bytes.
const LARGEST: usize = 128 * 1024;

const EXIF_MARK: &[u8] = b"Exif\0\0";
const XMP_MARK: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// The keyword of XMP in a PNG.
const XMP_KEYWORD: &[u8] = b"XML:com.adobe.xmp";

/// The segments of a JPEG that begins at `start`, up to the picture; `is_whole`: the picture is what the content is.
pub(super) fn jpeg(window: &mut Window<'_>, start: u64, is_whole: bool, tags: &mut Tags) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(AHEAD, window);
    reader.seek(SeekFrom::Start(start + 2))?;
    let (mut exif, mut xmp, mut size) = (None, None, None);
    loop {
        // What ends before its picture begins is left to ExifTool, which passes over some of it.
        let Some(next) = array(&mut reader)? else { return Ok(()) };
        let [0xff, marker] = next else { break };
        match marker {
            // A filler, and markers without a length.
            0xff => {
                reader.seek_relative(-1)?;
                continue;
            }
            0x01 | 0xd0..=0xd8 => continue,
            0xd9 | 0xda => break,
            _ => {}
        }
        let Some(length) = array(&mut reader)? else { return Ok(()) };
        let Some(length) = usize::from(u16::from_be_bytes(length)).checked_sub(2) else { break };
        match marker {
            0xe1 => {
                let segment = take(&mut reader, length)?;
                if let Some(tiff) = segment.strip_prefix(EXIF_MARK) {
                    exif = exif.or_else(|| Some(tiff.to_vec()));
                } else if let Some(packet) = segment.strip_prefix(XMP_MARK) {
                    xmp = xmp.or_else(|| Some(packet.to_vec()));
                }
            }
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf if is_whole => {
                let frame = take(&mut reader, length)?;
                if let [_, h1, h2, w1, w2, ..] = frame[..] {
                    size = size.or(Some((u16::from_be_bytes([w1, w2]), u16::from_be_bytes([h1, h2]))));
                }
            }
            _ => reader.seek_relative(i64::try_from(length).unwrap_or_default())?,
        }
    }
    if let Some((width, height)) = size {
        tags.put_size(width.into(), height.into());
    }
    if let Some(tiff) = exif {
        embedded::read(tiff, tags);
    }
    if let Some(packet) = xmp {
        self::xmp::read(&packet, tags);
    }
    Ok(())
}

/// The chunks of a PNG; of EXIF and XMP the first ones.
pub(super) fn png(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(AHEAD, window);
    reader.seek(SeekFrom::Start(8))?;
    let (mut has_exif, mut has_xmp) = (false, false);
    for _ in 0..MOST_CHUNKS {
        let Some([a, b, c, d, kind @ ..]) = array::<8>(&mut reader)? else { break };
        let length = u32::from_be_bytes([a, b, c, d]);
        let is_wanted = matches!(&kind, b"IHDR" | b"eXIf" | b"tEXt" | b"iTXt" | b"tIME");
        if !is_wanted || length as usize > LARGEST {
            reader.seek_relative(i64::from(length) + 4)?;
            continue;
        }
        let chunk = take(&mut reader, length as usize)?;
        reader.seek_relative(4)?;
        match (&kind, &chunk[..]) {
            (b"IHDR", [w1, w2, w3, w4, h1, h2, h3, h4, ..]) => {
                let (width, height) = ([*w1, *w2, *w3, *w4], [*h1, *h2, *h3, *h4]);
                tags.put_size(u32::from_be_bytes(width).into(), u32::from_be_bytes(height).into());
            }
            (b"eXIf", tiff) if !replace(&mut has_exif, true) => {
                embedded::read(tiff.strip_prefix(EXIF_MARK).unwrap_or(tiff).to_vec(), tags);
            }
            (b"tIME", [y1, y2, month, day, hour, minute, second]) => {
                let year = u16::from_be_bytes([*y1, *y2]);
                let time = format!("{year:04}:{month:02}:{day:02} {hour:02}:{minute:02}:{second:02}");
                tags.put("PNG", "ModifyDate", &time);
            }
            (b"tEXt", text) => plain_text(text, tags),
            (b"iTXt", text) => international_text(text, &mut has_xmp, tags),
            _ => {}
        }
    }
    Ok(())
}

fn plain_text(chunk: &[u8], tags: &mut Tags) {
    let mut parts = chunk.splitn(2, |&byte| byte == 0);
    if let (Some(keyword), Some(text)) = (parts.next(), parts.next())
        // Latin-1 by the standard, and what not in fact.
        && text.is_ascii()
    {
        put_text(keyword, text, tags);
    }
}

fn international_text(chunk: &[u8], has_xmp: &mut bool, tags: &mut Tags) {
    let mut parts = chunk.splitn(2, |&byte| byte == 0);
    let (Some(keyword), Some([0, 0, rest @ ..])) = (parts.next(), parts.next()) else { return };
    let mut parts = rest.splitn(3, |&byte| byte == 0);
    let (Some(language), Some(_), Some(text)) = (parts.next(), parts.next(), parts.next()) else { return };
    if keyword == XMP_KEYWORD {
        if !replace(has_xmp, true) {
            xmp::read(text, tags);
        }
    } else if language.is_empty() {
        put_text(keyword, text, tags);
    }
}

fn put_text(keyword: &[u8], text: &[u8], tags: &mut Tags) {
    let tag = match keyword {
        b"Comment" => "Comment",
        b"Title" => "Title",
        // Only in EXIF's form: from others ExifTool works out a time.
        b"Creation Time" if text.len() == 19 && text[4] == b':' => "CreationTime",
        _ => return,
    };
    tags.put_bytes("PNG", tag, text);
}

/// A TIFF, or a raw format that is one.
pub(super) fn tiff(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    if let Some(exif) = embedded::read(window.bytes_at(0, HEAD)?, tags) {
        plain_size(&exif, tags);
    }
    Ok(())
}

/// The size of a TIFF that is nothing but a picture: raw formats have small ones first.
fn plain_size(exif: &Exif, tags: &mut Tags) {
    const SUBFILE_TYPE: Tag = Tag(exif::Context::Tiff, 0x00fe);
    const SUB_DIRECTORIES: Tag = Tag(exif::Context::Tiff, 0x014a);
    let uint = |tag| exif.get_field(tag, In::PRIMARY).and_then(|field| field.value.get_uint(0));
    let is_plain = uint(SUBFILE_TYPE).unwrap_or_default() == 0
        && [SUB_DIRECTORIES, Tag::Make].iter().all(|tag| exif.get_field(*tag, In::PRIMARY).is_none());
    if let (true, Some(width), Some(height)) = (is_plain, uint(Tag::ImageWidth), uint(Tag::ImageLength)) {
        tags.put_size(width.into(), height.into());
    }
}

/// A raw picture of Fujifilm: what is known about it is in a JPEG inside.
pub(super) fn raf(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    match window.bytes_at(84, 4)?[..] {
        [a, b, c, d] => jpeg(window, u32::from_be_bytes([a, b, c, d]).into(), false, tags),
        _ => Ok(()),
    }
}

/// The chunks of a WebP; of EXIF and XMP the first ones.
pub(super) fn webp(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    let chunks = super::riff::chunks(window, 12)?;
    let (mut has_exif, mut has_xmp) = (false, false);
    for chunk in &chunks {
        match &chunk.kind {
            b"EXIF" if !replace(&mut has_exif, true) => {
                let tiff = window.bytes_at(chunk.at, chunk.size.min(LARGEST))?;
                embedded::read(tiff.strip_prefix(EXIF_MARK).unwrap_or(&tiff).to_vec(), tags);
            }
            b"XMP " if !replace(&mut has_xmp, true) => {
                xmp::read(&window.bytes_at(chunk.at, chunk.size.min(LARGEST))?, tags);
            }
            _ => {}
        }
    }
    // The two upper bits of a lossy picture's size say how it is to be scaled.
    let is_lossy = chunks.first().is_some_and(|chunk| chunk.kind == *b"VP8 ");
    let mask = if is_lossy { 0x3fff } else { u64::MAX };
    if let Some((width, height)) = found_size(window) {
        tags.put_size(width & mask, height & mask);
    }
    Ok(())
}

/// Only the size.
pub(super) fn size(window: &mut Window<'_>, tags: &mut Tags) {
    if let Some((width, height)) = found_size(window) {
        tags.put_size(width, height);
    }
}

/// Width and height, as the crate imagesize finds them.
fn found_size(window: &mut Window<'_>) -> Option<(u64, u64)> {
    window.rewind().ok()?;
    let size = imagesize::reader_size(BufReader::new(window)).ok()?;
    Some((size.width as u64, size.height as u64))
}

/// The size of a BMP; `false` if it is a text that begins with `BM`, or one of OS/2, which are left to ExifTool.
pub(super) fn bmp(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<bool> {
    const OS2: u32 = 64;
    let [s1, s2, s3, s4, w1, w2, w3, w4, h1, h2, h3, h4] = window.bytes_at(14, 12)?[..] else {
        return Ok(false);
    };
    let header = u32::from_le_bytes([s1, s2, s3, s4]);
    let is_bmp = (40..1_000_000).contains(&header) && header != OS2;
    if is_bmp {
        // Below zero if the first row is the top one.
        let height = i32::from_le_bytes([h1, h2, h3, h4]).unsigned_abs();
        tags.put_size(u32::from_le_bytes([w1, w2, w3, w4]).into(), height.into());
    }
    Ok(is_bmp)
}

/// The next bytes; `None` at the end of the content.
fn array<const N: usize>(reader: &mut impl Read) -> io::Result<Option<[u8; N]>> {
    let mut array = [0; N];
    match reader.read_exact(&mut array) {
        Ok(()) => Ok(Some(array)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

fn take(reader: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    reader.take(length as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}
