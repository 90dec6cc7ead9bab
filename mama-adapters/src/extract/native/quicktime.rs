//! MP4, MOV, M4A and 3GP: their times, durations, sizes and texts.
//!
//! mama's own: crates that read these merge boxes of different meaning into one value, and rules must know which it was.

use std::io;

use jiff::Timestamp;

use super::boxes::{self, Box};
use super::print;
use super::tags::Tags;
use super::window::Window;

/// From 1904, where QuickTime counts from, to 1970, in seconds.
const SINCE_1904: u64 = (66 * 365 + 17) * 86_400;
/// Tracks that are looked at.
const MOST_TRACKS: usize = 64;

/// Keys of Apple's, without `com.apple.quicktime.`.
const KEYS: [(&str, &str); 10] = [
    ("make", "Make"),
    ("model", "Model"),
    ("creationdate", "CreationDate"),
    ("location.ISO6709", "GPSCoordinates"),
    ("content.identifier", "ContentIdentifier"),
    ("title", "Title"),
    ("artist", "Artist"),
    ("album", "Album"),
    ("year", "Year"),
    ("author", "Author"),
];
/// What iTunes writes.
const ITEMS: [(&[u8; 4], &str); 8] = [
    (b"\xa9nam", "Title"),
    (b"\xa9ART", "Artist"),
    (b"\xa9alb", "Album"),
    (b"aART", "AlbumArtist"),
    (b"\xa9day", "ContentCreateDate"),
    (b"\xa9xyz", "GPSCoordinates"),
    (b"trkn", "TrackNumber"),
    (b"disk", "DiskNumber"),
];
/// What cameras write.
const USER_DATA: [(&[u8; 4], &str); 7] = [
    (b"\xa9nam", "Title"),
    (b"\xa9ART", "Artist"),
    (b"\xa9alb", "Album"),
    (b"\xa9day", "ContentCreateDate"),
    (b"\xa9xyz", "GPSCoordinates"),
    (b"\xa9mak", "Make"),
    (b"\xa9mod", "Model"),
];

/// A film or a sound.
pub(super) fn film(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    let Some(film) = boxes::first(&boxes::of_file(window)?, b"moov") else { return Ok(()) };
    let parts = film.inside(window)?;
    let scale = match boxes::first(&parts, b"mvhd") {
        Some(header) => movie_header(&header.content(window)?, tags),
        None => 0,
    };
    let tracks = parts.iter().filter(|part| part.kind == *b"trak").take(MOST_TRACKS);
    let mut seen = Seen::default();
    for (track, number) in tracks.zip(1..) {
        self::track(track.inside(window)?, number, scale, &mut seen, window, tags)?;
    }
    if let Some((width, height)) = seen.size {
        tags.put("Composite", "ImageSize", &format!("{width}x{height}"));
    }
    if let Some(rotation) = seen.rotation {
        tags.put("Composite", "Rotation", &print::number(rotation));
    }
    for part in parts {
        match &part.kind {
            b"meta" => metadata(part, window, tags)?,
            b"udta" => user_data(part, window, tags)?,
            _ => {}
        }
    }
    Ok(())
}

/// Numbers at places of a header of version 0, or of version 1, where times and lengths have eight bytes.
struct Header<'a>(&'a [u8]);

impl Header<'_> {
    fn is_long(&self) -> bool {
        self.0.first() == Some(&1)
    }

    fn number(&self, at: (usize, usize), widens: bool) -> Option<u64> {
        let at = if self.is_long() { at.1 } else { at.0 };
        if widens && self.is_long() {
            Some(u64::from_be_bytes(self.0.get(at..at + 8)?.try_into().ok()?))
        } else {
            Some(u32::from_be_bytes(self.0.get(at..at + 4)?.try_into().ok()?).into())
        }
    }
}

/// Gives the units a second.
fn movie_header(header: &[u8], tags: &mut Tags) -> u64 {
    let header = Header(header);
    if let Some(time) = header.number((4, 4), true).and_then(time) {
        tags.put("QuickTime", "CreateDate", &time);
    }
    let scale = header.number((12, 20), false).unwrap_or_default();
    if let Some(duration) = header.number((16, 24), true).and_then(|units| duration(units, scale)) {
        tags.put("QuickTime", "Duration", &duration);
    }
    scale
}

/// What the first track that has it says.
#[derive(Default)]
struct Seen {
    size: Option<(u64, u64)>,
    rotation: Option<f64>,
    video: bool,
}

fn track(
    parts: Vec<Box>,
    number: u32,
    scale: u64,
    seen: &mut Seen,
    window: &mut Window<'_>,
    tags: &mut Tags,
) -> io::Result<()> {
    let group = format!("Track{number}");
    let mut rotation = None;
    if let Some(header) = boxes::first(&parts, b"tkhd") {
        let header = header.content(window)?;
        let header = Header(&header);
        if let Some(duration) = header.number((20, 28), true).and_then(|units| duration(units, scale)) {
            tags.put(&group, "TrackDuration", &duration);
        }
        rotation = rotation_of(&header);
        let size = header.number((76, 88), false).zip(header.number((80, 92), false));
        if let Some((width, height)) = size.map(|(width, height)| (width >> 16, height >> 16))
            && width > 0
            && height > 0
            && seen.size.is_none()
        {
            seen.size = Some((width, height));
        }
    }
    let Some(media) = boxes::first(&parts, b"mdia") else { return Ok(()) };
    let parts = media.inside(window)?;
    if let Some(header) = boxes::first(&parts, b"mdhd") {
        let header = header.content(window)?;
        let header = Header(&header);
        if let Some(time) = header.number((4, 4), true).and_then(time) {
            tags.put(&group, "MediaCreateDate", &time);
        }
        let scale = header.number((12, 20), false).unwrap_or_default();
        if let Some(duration) = header.number((16, 24), true).and_then(|units| duration(units, scale)) {
            tags.put(&group, "MediaDuration", &duration);
        }
    }
    if let Some(handler) = boxes::first(&parts, b"hdlr")
        && handler.content(window)?.get(8..12) == Some(b"vide")
        && !seen.video
    {
        (seen.video, seen.rotation) = (true, rotation);
    }
    Ok(())
}

/// The angle of a track's matrix, in degrees.
fn rotation_of(header: &Header<'_>) -> Option<f64> {
    let fixed = |at: (usize, usize)| {
        let number = u32::try_from(header.number(at, false)?).ok()?;
        Some(f64::from(number.cast_signed()) / 65_536.0)
    };
    let (a, b) = (fixed((40, 52))?, fixed((44, 56))?);
    if a == 0.0 && b == 0.0 {
        return None;
    }
    #[expect(clippy::approx_constant, reason = "it is ExifTool's, and so are the angles")]
    const PI: f64 = 3.14159;
    let angle = b.atan2(a) * 180.0 / PI;
    let angle = if angle < 0.0 { angle + 360.0 } else { angle };
    Some((angle * 1000.0 + 0.5).trunc() / 1000.0)
}

/// A time as a header has it.
fn time(since_1904: u64) -> Option<String> {
    // Some programs count from 1970 instead.
    let seconds = since_1904.checked_sub(SINCE_1904).unwrap_or(since_1904);
    if seconds == 0 {
        return Some("0000:00:00 00:00:00".to_owned());
    }
    let at = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(at.strftime("%Y:%m:%d %H:%M:%S").to_string())
}

fn duration(units: u64, scale: u64) -> Option<String> {
    (scale > 0).then(|| print::duration(units as f64 / scale as f64))
}

/// A box `meta`: keys and their values, or items.
fn metadata(meta: Box, window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    // With a version in ISO files, without one in QuickTime's.
    let head = window.bytes_at(meta.from, 8)?;
    let parts =
        if head.get(4..8) == Some(b"hdlr") { meta.inside(window)? } else { meta.inside_full(window)? };
    let keys = match boxes::first(&parts, b"keys") {
        Some(keys) => names(&keys.content(window)?),
        None => Vec::new(),
    };
    let Some(list) = boxes::first(&parts, b"ilst") else { return Ok(()) };
    for item in list.inside(window)? {
        let by_key = (u32::from_be_bytes(item.kind) as usize).checked_sub(1).and_then(|at| keys.get(at));
        let by_kind =
            || ITEMS.iter().find(|(kind, _)| **kind == item.kind).map(|(_, tag)| ("ItemList", *tag));
        let named = match by_key {
            Some(key) => KEYS.iter().find(|(known, _)| known == key).map(|(_, tag)| ("Keys", *tag)),
            None => by_kind(),
        };
        let (Some((group, tag)), Some(data)) = (named, boxes::first(&item.inside(window)?, b"data")) else {
            continue;
        };
        // Its type, its language, and the value.
        if let [_, _, _, kind, 0, 0, 0, 0, ref value @ ..] = data.content(window)?[..] {
            match (tag, kind) {
                ("TrackNumber" | "DiskNumber", _) => position(group, tag, value, tags),
                (_, 1) => text(group, tag, value, tags),
                _ => {}
            }
        }
    }
    Ok(())
}

/// The names in a box `keys`, without Apple's prefix.
fn names(keys: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = keys.get(8..).unwrap_or_default();
    while let [a, b, c, d, ref tail @ ..] = *rest {
        let length = (u32::from_be_bytes([a, b, c, d]) as usize).checked_sub(4);
        let Some((name, behind)) = length.and_then(|length| tail.split_at_checked(length)) else { break };
        let name = String::from_utf8_lossy(name.get(4..).unwrap_or_default()).into_owned();
        names.push(name.strip_prefix("com.apple.quicktime.").map(str::to_owned).unwrap_or(name));
        rest = behind;
    }
    names
}

fn user_data(user: Box, window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    for item in user.inside(window)? {
        if item.kind == *b"meta" {
            metadata(item, window, tags)?;
            continue;
        }
        let Some((_, tag)) = USER_DATA.iter().find(|(kind, _)| **kind == item.kind) else { continue };
        // A length, a language (none, or the two that ExifTool takes for none), and the text.
        if let [l1, l2, 0, 0, ref value @ ..]
        | [l1, l2, 0x15, 0xc7, ref value @ ..]
        | [l1, l2, 0x55, 0xc4, ref value @ ..] = item.content(window)?[..]
            && let Some(value) = value.get(..usize::from(u16::from_be_bytes([l1, l2])))
        {
            text("UserData", tag, value, tags);
        }
    }
    Ok(())
}

/// `2 of 3`.
fn position(group: &str, tag: &str, value: &[u8], tags: &mut Tags) {
    if let [_, _, n1, n2, t1, t2, ..] = *value {
        let (number, total) = (u16::from_be_bytes([n1, n2]), u16::from_be_bytes([t1, t2]));
        let text = if total > 0 { format!("{number} of {total}") } else { number.to_string() };
        tags.put(group, tag, &text);
    }
}

fn text(group: &str, tag: &str, value: &[u8], tags: &mut Tags) {
    let Ok(value) = std::str::from_utf8(value) else { return };
    match tag {
        "CreationDate" | "ContentCreateDate" => tags.put(group, tag, &zoned(&print::date(value))),
        "GPSCoordinates" => {
            if let Some(place) = place(value) {
                tags.put(group, tag, &place);
            }
        }
        _ => tags.put_bytes(group, tag, value.as_bytes()),
    }
}

/// With a colon in the zone: `-0800` is `-08:00`.
fn zoned(date: &str) -> String {
    let zone = date.len().checked_sub(5).and_then(|at| date.split_at_checked(at));
    match zone {
        Some((time, zone))
            if zone.starts_with(['+', '-']) && zone[1..].bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            format!("{time}{}:{}", &zone[..3], &zone[3..])
        }
        _ => date.to_owned(),
    }
}

/// `+40.6892-074.0445+010/` (ISO 6709) in degrees; in minutes or seconds it is left to ExifTool.
fn place(text: &str) -> Option<String> {
    let mut numbers = Vec::new();
    let mut rest = text.trim_end_matches('/');
    while let Some(number) = rest.strip_prefix(['+', '-']) {
        let length = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let whole = number[..length].split('.').next().map_or(0, str::len);
        numbers.push((rest[..=length].parse::<f64>().ok()?, whole));
        rest = &number[length..];
    }
    match numbers[..] {
        [(latitude, 1..=2), (longitude, 1..=3)] => Some(print::place(latitude, longitude, None)),
        [(latitude, 1..=2), (longitude, 1..=3), (metres, 1..)] => {
            Some(print::place(latitude, longitude, Some(metres)))
        }
        _ => None,
    }
}
