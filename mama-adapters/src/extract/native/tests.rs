//! The native reader on contents that are made here. On real files, beside ExifTool: `tests/corpus/native.rs`.

use exif::experimental::Writer;
use exif::{Context, Field, In, Rational, Tag, Value};
use mama_ports::conformance::content::{self, InMemory, hint};

use super::*;

mama_ports::conformance::content::extractor!(conformance, || Native);

fn told(content: impl Into<Vec<u8>>) -> String {
    let doc = Native.extract(&mut InMemory::new(content), &hint("x")).unwrap();
    doc.expect("a known kind").to_json()
}

fn ascii(context: Context, number: u16, text: &str) -> Field {
    let value = Value::Ascii(vec![text.as_bytes().to_vec()]);
    Field { tag: Tag(context, number), ifd_num: In::PRIMARY, value }
}

fn rationals(context: Context, number: u16, parts: &[(u32, u32)]) -> Field {
    let value = Value::Rational(parts.iter().map(|&part| Rational::from(part)).collect());
    Field { tag: Tag(context, number), ifd_num: In::PRIMARY, value }
}

fn tiff(fields: &[Field]) -> Vec<u8> {
    let mut writer = Writer::new();
    fields.iter().for_each(|field| writer.push_field(field));
    let mut tiff = io::Cursor::new(Vec::new());
    writer.write(&mut tiff, false).unwrap();
    tiff.into_inner()
}

/// A JPEG of 640 by 480 with this EXIF, and what would be its picture.
fn jpeg(tiff: &[u8]) -> Vec<u8> {
    let length = u16::try_from(tiff.len() + 8).unwrap().to_be_bytes();
    let frame = b"\xff\xc0\0\x0b\x08\x01\xe0\x02\x80\x01\x01\x11\0";
    [b"\xff\xd8\xff\xe1", &length[..], b"Exif\0\0", tiff, frame, b"\xff\xda\0\x02", &[0x55; 64]].concat()
}

fn camera() -> Vec<Field> {
    vec![
        ascii(Context::Tiff, 0x010f, "NIKON  "),
        ascii(Context::Exif, 0x9003, "2008:10:22 16:28:39"),
        ascii(Context::Exif, 0x9291, "07  "),
        ascii(Context::Gps, 1, "N"),
        rationals(Context::Gps, 2, &[(43, 1), (28, 1), (281_400_000, 100_000_000)]),
        rationals(Context::Gps, 6, &[(2_635_569, 611_901)]),
        rationals(Context::Gps, 7, &[(14, 1), (27, 1), (724, 100)]),
    ]
}

#[test]
fn exif_of_a_jpeg_is_told_as_exiftool_prints_it() {
    assert_eq!(
        told(jpeg(&tiff(&camera()))),
        r#"{"Composite:ImageSize":"640x480","ExifIFD:DateTimeOriginal":"2008:10:22 16:28:39","ExifIFD:SubSecTimeOriginal":"07","GPS:GPSAltitude":"4.307182044 m","GPS:GPSLatitude":"43 deg 28' 2.81\"","GPS:GPSLatitudeRef":"North","GPS:GPSTimeStamp":"14:27:07.24","IFD0:Make":"NIKON"}"#
    );
}

#[test]
fn a_jpeg_that_ends_before_its_picture_is_left_to_exiftool() {
    let whole = jpeg(&tiff(&camera()));
    let end = whole.windows(2).position(|marker| marker == b"\xff\xc0").unwrap();
    assert_eq!(told(&whole[..end]), "{}");
}

#[test]
fn a_live_photo_names_its_other_half() {
    let identifier = b"CD28D161-D5EC-4CDE-8B60-DACCC1363B6B\0";
    let length = u8::try_from(identifier.len()).unwrap();
    let entry = [0, 0x11, 0, 2, 0, 0, 0, length, 0, 0, 0, 32];
    let note = [b"Apple iOS\0\0\x01MM\0\x01".as_slice(), &entry, &[0; 4], identifier].concat();
    let field =
        Field { tag: Tag(Context::Exif, 0x927c), ifd_num: In::PRIMARY, value: Value::Undefined(note, 0) };
    let told = told(jpeg(&tiff(&[field])));
    assert!(told.contains(r#""Apple:MediaGroupUUID":"CD28D161-D5EC-4CDE-8B60-DACCC1363B6B""#), "{told}");
}

fn boxed(kind: &[u8; 4], content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let size = u32::try_from(content.len() + 8).unwrap().to_be_bytes();
    [&size, kind.as_slice(), &content].concat()
}

#[test]
fn a_film_says_when_it_was_made_where_and_how_long_it_plays() {
    let header = [0, 0xc44c_e95f_u32, 0, 600, 1722].map(u32::to_be_bytes).concat();
    let place = b"\0\x12\x15\xc7+40.6892-074.0445/";
    let key = b"\0\0\0\0\0\0\0\x01\0\0\0\x28mdtacom.apple.quicktime.creationdate";
    let value = boxed(b"data", &[b"\0\0\0\x01\0\0\0\0", b"2021-04-10T11:43:59+0100"]);
    let meta = boxed(
        b"meta",
        &[
            &boxed(b"hdlr", &[]),
            &boxed(b"keys", &[key]),
            &boxed(b"ilst", &[&boxed(b"\0\0\0\x01", &[&value])]),
        ],
    );
    let parts = [boxed(b"mvhd", &[&header]), boxed(b"udta", &[&boxed(b"\xa9xyz", &[place])]), meta];
    let film = [boxed(b"ftyp", &[b"qt  "]), boxed(b"mdat", &[&[7; 99]]), boxed(b"moov", &[&parts.concat()])];
    assert_eq!(
        told(film.concat()),
        r#"{"Keys:CreationDate":"2021:04:10 11:43:59+01:00","QuickTime:CreateDate":"2008:05:11 18:20:15","QuickTime:Duration":"2.87 s","UserData:GPSCoordinates":"40 deg 41' 21.12\" N, 74 deg 2' 40.20\" W"}"#
    );
}

/// A frame of ID3v2.4.
fn frame(id: &[u8; 4], text: &str) -> Vec<u8> {
    let size = u8::try_from(text.len() + 1).unwrap();
    [id.as_slice(), &[0, 0, 0, size, 0, 0, 3], text.as_bytes()].concat()
}

/// Forty frames of MP3.
fn sound() -> Vec<u8> {
    [b"\xff\xfb\x90\0".as_slice(), &[0; 413]].concat().repeat(40)
}

/// A sound behind a tag of these frames.
fn song(frames: &[Vec<u8>]) -> Vec<u8> {
    let frames = frames.concat();
    let size = [21, 14, 7, 0].map(|bits| u8::try_from(frames.len() >> bits & 0x7f).unwrap());
    [b"ID3\x04\0\0".as_slice(), &size, &frames, &sound()].concat()
}

/// The number in base 36, as four digits and capitals.
fn name(number: usize) -> [u8; 4] {
    let digit = |power: u32| b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number / 36_usize.pow(power) % 36];
    [digit(3), digit(2), digit(1), digit(0)]
}

#[test]
fn a_song_names_itself() {
    let frames = [
        frame(b"TIT2", "Grüße"),
        frame(b"TPE1", "a\0b"),
        frame(b"TRCK", "2/10"),
        frame(b"TDRC", "2014-05-21"),
    ];
    assert_eq!(
        told(song(&frames)),
        r#"{"Composite:Duration":"1.04 s (approx)","ID3v2_4:Artist":"a/b","ID3v2_4:RecordingTime":"2014:05:21","ID3v2_4:Title":"Grüße","ID3v2_4:Track":"2/10"}"#
    );
}

#[test]
fn every_beginning_of_a_content_has_an_answer() {
    for content in [jpeg(&tiff(&camera())), content::tiny_png("x"), content::tiny_jpeg("x")] {
        for end in 0..content.len() {
            let read = Native.extract(&mut InMemory::new(&content[..end]), &hint("x"));
            assert!(read.is_ok(), "{end}: {read:?}");
        }
    }
}

#[test]
fn a_packet_that_is_nested_as_deep_as_it_can_be_overflows_no_stack() {
    for deep in [100, 19_000, 200_000] {
        let packet = format!("{}{}", "<a>".repeat(deep), "</a>".repeat(deep));
        let mut tags = Tags::default();
        xmp::read(packet.as_bytes(), &mut tags);
        assert!(tags.into_doc().is_empty());
    }
}

// The next four would take minutes if parsers were given all: their time grows with the square of the bytes, or faster.

#[test]
fn a_song_with_too_many_frames_says_only_how_long_it_plays() {
    let with = |others: usize| {
        let mut frames = vec![frame(b"TIT2", "Prelude")];
        frames.extend((0..others).map(|number| frame(&name(number), "")));
        told(song(&frames))
    };
    let duration = r#""Composite:Duration":"1.04 s (approx)""#;
    assert_eq!(with(100), format!(r#"{{{duration},"ID3v2_4:Title":"Prelude"}}"#));
    assert_eq!(with(400_000), format!("{{{duration}}}"));
}

#[test]
fn a_song_with_too_many_items_says_nothing_of_them() {
    let item = |key: &[u8], value: &str| {
        let size = u32::try_from(value.len()).unwrap().to_le_bytes();
        [size.as_slice(), &[0; 4], key, b"\0", value.as_bytes()].concat()
    };
    let with = |others: usize| {
        let others: Vec<Vec<u8>> = (0..others).map(|number| item(&name(number), "x")).collect();
        let items = [item(b"Title", "Prelude"), others.concat()].concat();
        let numbers = [1000, items.len() + 32, others.len() + 1, 0].map(|n| u32::try_from(n).unwrap());
        let footer = [b"APETAGEX".as_slice(), &numbers.map(u32::to_le_bytes).concat(), &[0; 8]].concat();
        told([sound(), items, footer].concat())
    };
    assert!(with(100).contains(r#""APE:Title":"Prelude""#));
    assert!(!with(400_000).contains("APE:"));
}

#[test]
fn a_picture_whose_places_claim_extents_without_bytes_says_nothing() {
    const ITEMS: u32 = 1_000_000;
    let info = boxed(b"infe", &[b"\x02\0\0\0\0\x01\0\0Exif"]);
    let place = b"\0\0\0\x01\0\0\0\0\xff\xff".repeat(ITEMS as usize);
    let places = boxed(b"iloc", &[b"\x02\0\0\0\0\0", &ITEMS.to_be_bytes(), &place]);
    let meta = boxed(b"meta", &[&[0; 4], &boxed(b"iinf", &[b"\0\0\0\0\0\x01", &info]), &places]);
    assert_eq!(told([boxed(b"ftyp", &[b"heic\0\0\0\0mif1"]), meta].concat()), "{}");
}

/// A packet of XMP that has a time and these elements.
fn packet(inner: &str) -> String {
    format!(
        r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><rdf:Description xmp:CreateDate="2020-01-02T03:04:05">{inner}</rdf:Description></rdf:RDF>"#
    )
}

#[test]
fn a_packet_with_too_many_namespaces_or_attributes_says_nothing() {
    let spaces = |deep: usize| {
        let opened: Vec<String> = (0..deep).map(|number| format!("<a xmlns:n{number}='b'>")).collect();
        opened.concat() + &"</a>".repeat(deep)
    };
    let attributes = |many: usize| {
        let all: Vec<String> = (0..many).map(|number| format!(" n{number}=''")).collect();
        format!("<a{}/>", all.concat())
    };
    let told = |inner: &str| {
        let mut tags = Tags::default();
        xmp::read(packet(inner).as_bytes(), &mut tags);
        tags.into_doc().to_json()
    };
    let time = r#"{"XMP-xmp:CreateDate":"2020:01:02 03:04:05"}"#;
    assert_eq!([told(&spaces(100)), told(&attributes(1000))], [time, time]);
    assert_eq!([told(&spaces(10_000)), told(&attributes(400_000))], ["{}", "{}"]);
}

#[test]
fn of_several_packets_in_a_png_the_first_is_read() {
    let chunk = |packet: &str| {
        let content = [b"XML:com.adobe.xmp\0\0\0\0\0".as_slice(), packet.as_bytes()].concat();
        let size = u32::try_from(content.len()).unwrap().to_be_bytes();
        [size.as_slice(), b"iTXt", &content, &[0; 4]].concat()
    };
    let (first, second) = (packet(""), packet("").replace("CreateDate", "ModifyDate"));
    let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &chunk(&first), &chunk(&second)].concat();
    assert_eq!(told(png), r#"{"XMP-xmp:CreateDate":"2020:01:02 03:04:05"}"#);
}

#[test]
fn a_bitmap_has_a_size_and_a_text_that_begins_like_one_has_none() {
    let bitmap = |header: u32, height: i32| {
        let numbers = [header.to_le_bytes(), 640_u32.to_le_bytes(), height.to_le_bytes()].concat();
        [b"BM".as_slice(), &[0; 12], &numbers, &[0; 100]].concat()
    };
    let size = r#"{"Composite:ImageSize":"640x480"}"#;
    assert_eq!([told(bitmap(40, 480)), told(bitmap(124, -480))], [size, size]);
    let none = [bitmap(12, 480), bitmap(64, 480), b"BMW service book, of all that was mended".to_vec()];
    for content in none {
        assert_eq!(Native.extract(&mut InMemory::new(content), &hint("x")).unwrap(), None);
    }
}

#[test]
fn how_a_lossy_webp_is_to_be_scaled_is_not_its_size() {
    let head = b"RIFF\x1e\0\0\0WEBPVP8 \x12\0\0\0\0\0\0\x9d\x01\x2a";
    let size = [640 | 1 << 14, 480 | 3 << 14].map(u16::to_le_bytes).concat();
    let webp = [head.as_slice(), &size, &[0; 8]].concat();
    assert_eq!(told(webp), r#"{"Composite:ImageSize":"640x480"}"#);
}
