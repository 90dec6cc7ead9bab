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

#[test]
fn a_song_names_itself() {
    let frame = |id: &[u8; 4], text: &str| {
        let size = u8::try_from(text.len() + 1).unwrap();
        [id.as_slice(), &[0, 0, 0, size, 0, 0, 3], text.as_bytes()].concat()
    };
    let frames = [
        frame(b"TIT2", "Grüße"),
        frame(b"TPE1", "a\0b"),
        frame(b"TRCK", "2/10"),
        frame(b"TDRC", "2014-05-21"),
    ];
    let frames = frames.concat();
    let head = [b"ID3\x04\0\0\0\0\0".as_slice(), &[u8::try_from(frames.len()).unwrap()]].concat();
    let sound = [b"\xff\xfb\x90\0".as_slice(), &[0; 413]].concat().repeat(40);
    assert_eq!(
        told([head, frames, sound].concat()),
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
