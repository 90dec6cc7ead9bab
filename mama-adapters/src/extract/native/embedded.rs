//! EXIF, wherever it is embedded, read by the crate kamadak-exif.

use exif::{Context, Exif, Field, In, Reader, Tag, Value};

use super::apple;
use super::print;
use super::tags::Tags;
use super::xmp;

/// Texts of the first directory; ExifTool cuts the blanks off that fill up the first two.
const MAIN: [(u16, &str); 4] =
    [(0x010f, "Make"), (0x0110, "Model"), (0x0132, "ModifyDate"), (0x9003, "DateTimeOriginal")];
const PADDED: [&str; 2] = ["Make", "Model"];
/// Texts of the EXIF directory.
const EXIF: [(u16, &str); 7] = [
    (0x9003, "DateTimeOriginal"),
    (0x9004, "CreateDate"),
    (0x9010, "OffsetTime"),
    (0x9011, "OffsetTimeOriginal"),
    (0x9012, "OffsetTimeDigitized"),
    (0xa433, "LensMake"),
    (0xa434, "LensModel"),
];
/// Its parts of a second, which may be filled up with blanks.
const SUBSECONDS: [(u16, &str); 3] =
    [(0x9290, "SubSecTime"), (0x9291, "SubSecTimeOriginal"), (0x9292, "SubSecTimeDigitized")];
const MAKER_NOTE: u16 = 0x927c;
/// A packet of XMP in a TIFF.
const XMP: u16 = 0x02bc;

const ORIENTATIONS: [&str; 8] = [
    "Horizontal (normal)",
    "Mirror horizontal",
    "Rotate 180",
    "Mirror vertical",
    "Mirror horizontal and rotate 270 CW",
    "Rotate 90 CW",
    "Mirror horizontal and rotate 90 CW",
    "Rotate 270 CW",
];

/// Reads the tags of a TIFF structure, as far as it is intact; if it is so in whole, gives it back for those who look for more.
pub(super) fn read(tiff: Vec<u8>, tags: &mut Tags) -> Option<Exif> {
    let (exif, is_whole) = parsed(tiff)?;
    tell(&exif, tags);
    is_whole.then_some(exif)
}

/// The tags of what was read.
pub(super) fn tell(exif: &Exif, tags: &mut Tags) {
    main(exif, Context::Tiff, tags);
    details(exif, Context::Exif, tags);
    position(exif, Context::Gps, tags);
}

/// Reads a TIFF structure that is the first directory alone.
pub(super) fn read_main(tiff: Vec<u8>, tags: &mut Tags) {
    if let Some((exif, _)) = parsed(tiff) {
        main(&exif, Context::Tiff, tags);
    }
}

/// One that is the EXIF directory alone.
pub(super) fn read_details(tiff: Vec<u8>, tags: &mut Tags) {
    if let Some((exif, _)) = parsed(tiff) {
        details(&exif, Context::Tiff, tags);
    }
}

/// One that is the GPS directory alone.
pub(super) fn read_position(tiff: Vec<u8>, tags: &mut Tags) {
    if let Some((exif, _)) = parsed(tiff) {
        position(&exif, Context::Tiff, tags);
    }
}

fn parsed(tiff: Vec<u8>) -> Option<(Exif, bool)> {
    let mut is_whole = true;
    let read = Reader::new().continue_on_error(true).read_raw(tiff);
    let exif = read.or_else(|error| error.distill_partial_result(|_| is_whole = false)).ok()?;
    Some((exif, is_whole))
}

fn main(exif: &Exif, context: Context, tags: &mut Tags) {
    for (number, name) in MAIN {
        let Some(text) = field(exif, context, number).and_then(text) else { continue };
        tags.put_bytes("IFD0", name, if PADDED.contains(&name) { text.trim_ascii_end() } else { text });
    }
    let orientation = uint(exif, context, 0x0112).and_then(|number| number.checked_sub(1));
    if let Some(text) = orientation.and_then(|at| ORIENTATIONS.get(at as usize)) {
        tags.put("IFD0", "Orientation", text);
    }
    if let Some(Value::Byte(packet) | Value::Undefined(packet, _)) =
        field(exif, context, XMP).map(|field| &field.value)
    {
        xmp::read(packet, tags);
    }
}

fn details(exif: &Exif, context: Context, tags: &mut Tags) {
    for (number, name) in EXIF {
        if let Some(text) = field(exif, context, number).and_then(text) {
            tags.put_bytes("ExifIFD", name, text);
        }
    }
    for (number, name) in SUBSECONDS {
        if let Some(text) = field(exif, context, number).and_then(text) {
            let end = text.iter().rposition(|&byte| byte != b' ').map_or(0, |last| last + 1);
            tags.put_bytes("ExifIFD", name, &text[..end]);
        }
    }
    if let Some(Value::Undefined(note, _)) = field(exif, context, MAKER_NOTE).map(|field| &field.value) {
        apple::read(note, tags);
    }
}

fn position(exif: &Exif, context: Context, tags: &mut Tags) {
    let of = |number| field(exif, context, number);
    let numbers = |number| of(number).and_then(rationals);
    for (number, name, sides) in [
        (1, "GPSLatitudeRef", [(b'N', "North"), (b'S', "South")]),
        (3, "GPSLongitudeRef", [(b'E', "East"), (b'W', "West")]),
    ] {
        let side = of(number).and_then(text).unwrap_or_default();
        if let Some((_, name_of_side)) = sides.iter().find(|(letter, _)| side == [*letter]) {
            tags.put("GPS", name, name_of_side);
        }
    }
    for (number, name) in [(2, "GPSLatitude"), (4, "GPSLongitude")] {
        if let Some([degrees, minutes, seconds]) = numbers(number).as_deref() {
            tags.put("GPS", name, &print::angle(degrees + (minutes + seconds / 60.0) / 60.0));
        }
    }
    let above = match uint(exif, context, 5) {
        Some(0) => Some("Above Sea Level"),
        Some(1) => Some("Below Sea Level"),
        Some(_) | None => None,
    };
    if let Some(above) = above {
        tags.put("GPS", "GPSAltitudeRef", above);
    }
    if let Some([metres]) = numbers(6).as_deref() {
        tags.put("GPS", "GPSAltitude", &format!("{} m", print::number(*metres)));
    }
    if let Some([hours, minutes, seconds]) = numbers(7).as_deref() {
        tags.put("GPS", "GPSTimeStamp", &time((hours * 60.0 + minutes) * 60.0 + seconds));
    }
    if let Some(day) = of(29).and_then(text).filter(|day| is_day(day)) {
        tags.put_bytes("GPS", "GPSDateStamp", day);
    }
}

fn field(exif: &Exif, context: Context, number: u16) -> Option<&Field> {
    exif.get_field(Tag(context, number), In::PRIMARY)
}

fn text(field: &Field) -> Option<&[u8]> {
    match &field.value {
        Value::Ascii(texts) => Some(texts.first().map_or(&[], Vec::as_slice)),
        _ => None,
    }
}

/// A number that is alone.
fn uint(exif: &Exif, context: Context, number: u16) -> Option<u32> {
    let value = &field(exif, context, number)?.value;
    value.get_uint(0).filter(|_| value.get_uint(1).is_none())
}

/// As ExifTool rounds them; `None` if one of them is no number.
fn rationals(field: &Field) -> Option<Vec<f64>> {
    let Value::Rational(rationals) = &field.value else { return None };
    let rounded = |number: f64| print::significant(number, 10).parse::<f64>().ok();
    rationals.iter().map(|one| rounded(one.to_f64()).filter(|number| number.is_finite())).collect()
}

/// Seconds of a day: `14:27:07.24`, to a microsecond.
fn time(seconds: f64) -> String {
    let (hours, rest) = ((seconds / 3600.0).trunc(), seconds % 3600.0);
    let (minutes, rest) = ((rest / 60.0).trunc(), rest % 60.0);
    let exact = format!("{:09.6}", (rest * 1e6).round() / 1e6);
    let seconds = exact.trim_end_matches('0').trim_end_matches('.');
    format!("{hours:02}:{minutes:02}:{seconds:0>2}")
}

/// `2008:10:23`; other spellings are left to ExifTool.
fn is_day(text: &[u8]) -> bool {
    text.len() == 10
        && text.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b':',
            _ => byte.is_ascii_digit(),
        })
}
