//! Camera JPEGs: real ones, each made different by a comment, or small ones with what a camera writes.

use std::fs;
use std::path::{Path, PathBuf};

use super::noise::{Noise, each};

/// Bytes of the application segment, of a kind that nobody reads, that gives a made picture some size.
const FILLING: usize = 60_000;

/// `files` JPEGs, no two alike: from the camera JPEGs below `real` if it has any.
pub(super) fn photos(dir: &Path, files: u64, seed: u64, real: Option<&Path>) -> anyhow::Result<()> {
    let mut templates = Vec::new();
    if let Some(real) = real {
        collect(real, &mut templates)?;
    }
    each(dir, files, |number| {
        let picture = match templates.get((number % templates.len().max(1) as u64) as usize) {
            Some((head, tail)) => [head, &*comment(number.to_string().as_bytes()), tail].concat(),
            None => made(number, &mut Noise::new(seed, number)),
        };
        ("jpg", picture)
    })
}

/// Every JPEG with Exif data, in the order of names, cut where a comment may stand.
fn collect(folder: &Path, found: &mut Vec<(Vec<u8>, Vec<u8>)>) -> anyhow::Result<()> {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            collect(&entry, found)?;
        } else if entry.extension().is_some_and(|ending| ending == "jpg") {
            let bytes = fs::read(&entry)?;
            if let Some(at) = after_applications(&bytes) {
                found.push((bytes[..at].to_vec(), bytes[at..].to_vec()));
            }
        }
    }
    Ok(())
}

/// Where the application segments of a JPEG with Exif data end; `None` of anything else.
fn after_applications(bytes: &[u8]) -> Option<usize> {
    let mut at = bytes.starts_with(b"\xff\xd8").then_some(2)?;
    let mut has_exif = false;
    while let [0xff, 0xe0..=0xef, high, low, rest @ ..] = bytes.get(at..)? {
        has_exif |= rest.starts_with(b"Exif\0\0");
        at += 2 + usize::from(u16::from_be_bytes([*high, *low]));
    }
    has_exif.then_some(at)
}

fn segment(marker: u8, body: &[u8]) -> Vec<u8> {
    let len = (body.len() + 2) as u16;
    [&[0xff, marker], &len.to_be_bytes()[..], body].concat()
}

fn comment(text: &[u8]) -> Vec<u8> {
    segment(0xfe, text)
}

/// A picture of its own, with what a camera writes about it.
fn made(number: u64, noise: &mut Noise) -> Vec<u8> {
    let exif = [b"Exif\0\0", &*tiff(number, noise)].concat();
    let mut filling = vec![0; FILLING];
    noise.fill(&mut filling);
    [b"\xff\xd8", &*segment(0xe1, &exif), &segment(0xef, &filling), &pixel()].concat()
}

/// A picture of one grey pixel: quantisation, frame, two codes, scan, end.
fn pixel() -> Vec<u8> {
    let code = |class: u8| segment(0xc4, &[&[class, 1][..], &[0; 16]].concat());
    [
        segment(0xdb, &[&[0][..], &[1; 64]].concat()),
        segment(0xc0, &[8, 0, 1, 0, 1, 1, 1, 0x11, 0]),
        code(0x00),
        code(0x10),
        segment(0xda, &[1, 1, 0, 0, 0x3f, 0]),
        b"\x3f\xff\xd9".to_vec(),
    ]
    .concat()
}

/// A little-endian TIFF of two directories.
fn tiff(number: u64, noise: &mut Noise) -> Vec<u8> {
    let [day, hour, minute, second] = [28, 24, 60, 60].map(|end| noise.below(end));
    let date = format!(
        "{}:{:02}:{:02} {hour:02}:{minute:02}:{second:02}",
        2000 + number % 25,
        1 + number % 12,
        1 + day
    );
    let model = format!("Camera {}", 100 + number % 40);
    let first = [
        (0x010f, Tag::Text("Mama Optics")),
        (0x0110, Tag::Text(&model)),
        (0x0112, Tag::Short(1)),
        (0x0132, Tag::Text(&date)),
    ];
    let second = [
        (0x829a, Tag::Rational(1, 60 + noise.below(940) as u32)),
        (0x829d, Tag::Rational(18 + noise.below(90) as u32, 10)),
        (0x8827, Tag::Short(100 << noise.below(6))),
        (0x9003, Tag::Text(&date)),
        (0x9004, Tag::Text(&date)),
        (0x920a, Tag::Rational(24 + noise.below(180) as u32, 1)),
        (0xa434, Tag::Text("24-200mm F1.8-8.0")),
    ];
    let mut out = b"II\x2a\0\x08\0\0\0".to_vec();
    directory(&mut out, &first, true);
    directory(&mut out, &second, false);
    out
}

enum Tag<'a> {
    Text(&'a str),
    Short(u16),
    Rational(u32, u32),
}

/// Appends a directory and its values; if `has_exif`, with a last entry that points to the directory that follows.
fn directory(out: &mut Vec<u8>, tags: &[(u16, Tag<'_>)], has_exif: bool) {
    let entries = tags.len() + usize::from(has_exif);
    let mut values = Vec::new();
    let values_at = out.len() + 2 + entries * 12 + 4;
    out.extend((entries as u16).to_le_bytes());
    let mut entry = |tag: u16, kind: u16, count: usize, value: [u8; 4]| {
        out.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        out.extend((count as u32).to_le_bytes());
        out.extend(value);
    };
    for (tag, value) in tags {
        let at = ((values_at + values.len()) as u32).to_le_bytes();
        match value {
            Tag::Short(value) => entry(*tag, 3, 1, u32::from(*value).to_le_bytes()),
            Tag::Text(text) => {
                entry(*tag, 2, text.len() + 1, at);
                values.extend(text.bytes().chain([0]));
            }
            Tag::Rational(over, under) => {
                entry(*tag, 5, 1, at);
                values.extend([over.to_le_bytes(), under.to_le_bytes()].concat());
            }
        }
        values.resize(values.len().next_multiple_of(2), 0);
    }
    if has_exif {
        entry(0x8769, 4, 1, ((values_at + values.len()) as u32).to_le_bytes());
    }
    out.extend([0; 4]);
    out.append(&mut values);
}
