//! Sound: its tags, read by the crate lofty, and how long it plays, where ExifTool works that out from a few bytes.

use std::borrow::Cow;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use lofty::aac::AacFile;
use lofty::ape::{ApeFile, ApeTag};
use lofty::config::{GlobalOptions, ParseOptions, apply_global_options};
use lofty::file::{AudioFile, FileType};
use lofty::flac::FlacFile;
use lofty::id3::v1::Id3v1Tag;
use lofty::id3::v2::{Frame, Id3v2Tag, Id3v2Version};
use lofty::iff::aiff::AiffFile;
use lofty::mpeg::MpegFile;
use lofty::musepack::MpcFile;
use lofty::ogg::{OpusFile, SpeexFile, VorbisComments, VorbisFile};
use lofty::probe::Probe;
use lofty::tag::ItemValue;

use super::tags::Tags;
use super::window::Window;
use super::{mpeg, print, riff};

/// The most that lofty may ask memory for at once: no text is that long, and covers are not read. In bytes.
const LARGEST: usize = 1024 * 1024;
/// Frames of ID3v2 and items of APE that lofty may see: it compares all with all. A tag has some dozen.
const MOST_ENTRIES: usize = 8192;

/// Texts of ID3v2. Version 2.2 has other names for them, which lofty turns into these.
const FRAMES: [(&str, &str); 7] = [
    ("TIT2", "Title"),
    ("TPE1", "Artist"),
    ("TALB", "Album"),
    ("TPE2", "Band"),
    ("TRCK", "Track"),
    ("TPOS", "PartOfSet"),
    ("TYER", "Year"),
];
/// Comments of Ogg and FLAC.
const COMMENTS: [(&str, &str); 16] = [
    ("TITLE", "Title"),
    ("ARTIST", "Artist"),
    ("AUTHOR", "Author"),
    ("ALBUM", "Album"),
    ("ALBUMARTIST", "Albumartist"),
    ("TRACKNUMBER", "TrackNumber"),
    ("TRACK", "Track"),
    ("TRACKTOTAL", "Tracktotal"),
    ("TOTALTRACKS", "Totaltracks"),
    ("DISCNUMBER", "Discnumber"),
    ("DISC", "Disc"),
    ("DISCTOTAL", "Disctotal"),
    ("TOTALDISCS", "Totaldiscs"),
    ("DISCC", "Discc"),
    ("DATE", "Date"),
    ("YEAR", "Year"),
];
/// The comment of which a piece may have several in a list; of others the last counts.
const LISTED: &str = "ARTIST";
/// Items of APE, whose names are written in any case.
const ITEMS: [(&str, &str); 15] = [
    ("title", "Title"),
    ("artist", "Artist"),
    ("album", "Album"),
    ("albumartist", "Albumartist"),
    ("album artist", "AlbumArtist"),
    ("track", "Track"),
    ("tracktotal", "Tracktotal"),
    ("totaltracks", "Totaltracks"),
    ("disc", "Disc"),
    ("discnumber", "Discnumber"),
    ("disctotal", "Disctotal"),
    ("totaldiscs", "Totaldiscs"),
    ("discc", "Discc"),
    ("date", "Date"),
    ("year", "Year"),
];

/// A sound; `false` if it is of no known kind.
pub(super) fn sound(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<bool> {
    apply_global_options(GlobalOptions::new().allocation_limit(LARGEST));
    let options =
        ParseOptions::new().read_properties(false).read_cover_art(false).implicit_conversions(false);
    window.rewind()?;
    let kind = Probe::new(BufReader::new(&mut *window)).options(options).guess_file_type()?.file_type();
    let Some(kind) = kind else { return Ok(false) };
    duration(kind, window, tags)?;
    window.rewind()?;
    let mut reader = BufReader::new(Counted { window, left: MOST_ENTRIES });
    macro_rules! read {
        ($file:ty, $($tag:ident: $tell:expr),+) => {
            if let Ok(file) = <$file>::read_from(&mut reader, options) {
                $(if let Some(tag) = file.$tag() { $tell(tag, tags); })+
            }
        };
    }
    match kind {
        FileType::Aac => read!(AacFile, id3v2: id3v2, id3v1: id3v1),
        FileType::Aiff => read!(AiffFile, id3v2: id3v2),
        FileType::Ape => read!(ApeFile, ape: ape, id3v2: id3v2, id3v1: id3v1),
        FileType::Flac => read!(FlacFile, vorbis_comments: comments, id3v2: id3v2),
        FileType::Mpeg => read!(MpegFile, id3v2: id3v2, ape: ape, id3v1: id3v1),
        FileType::Mpc => read!(MpcFile, ape: ape, id3v2: id3v2, id3v1: id3v1),
        FileType::Wav => {}
        FileType::Opus => {
            if let Ok(file) = OpusFile::read_from(&mut reader, options) {
                comments(file.vorbis_comments(), tags);
            }
        }
        FileType::Speex => {
            if let Ok(file) = SpeexFile::read_from(&mut reader, options) {
                comments(file.vorbis_comments(), tags);
            }
        }
        FileType::Vorbis => {
            if let Ok(file) = VorbisFile::read_from(&mut reader, options) {
                comments(file.vorbis_comments(), tags);
            }
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// What ends with an error when it has had so many bytes that look like entries of tags, wherever and in whatever tag they are.
struct Counted<'a, 'b> {
    window: &'a mut Window<'b>,
    left: usize,
}

impl Read for Counted<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.window.read(buffer)?;
        // One that lies across two reads is not seen: of 8 KiB at least, so they are few.
        let entries = buffer[..read].windows(10).filter(|bytes| is_entry(bytes)).count();
        self.left = self.left.checked_sub(entries).ok_or_else(|| io::Error::other("enough was read"))?;
        Ok(read)
    }
}

impl Seek for Counted<'_, '_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.window.seek(to)
    }
}

/// Whether these ten bytes may begin a frame of ID3v2 or an item of APE. Larger ones than 64 KiB do not count: a budget has few.
fn is_entry(bytes: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_printable = |byte: u8| matches!(byte, b' '..=b'~');
    match *bytes {
        // A name of three and a size of as many; of four and four, of which ID3v2.4 leaves the upper bits out.
        [a, b, c, 0, ..] if [a, b, c].iter().all(is_name) => true,
        [a, b, c, d, s1, s2, ..] if [a, b, c, d].iter().all(is_name) => s1 & 0x7f == 0 && s2 & 0x7f < 4,
        // A size, flags and a name.
        [_, _, 0, 0, _, _, _, _, k1, k2] => is_printable(k1) && is_printable(k2),
        _ => false,
    }
}

/// How long it plays, as ExifTool works it out.
fn duration(kind: FileType, window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    match kind {
        FileType::Wav => riff::wave(window, tags),
        FileType::Mpeg => mpeg::duration(window, tags),
        FileType::Flac => {
            // The first block is always about the stream: 20 bits of rate and 36 of samples.
            if let [b'f', b'L', b'a', b'C', _, _, _, _, ref stream @ ..] = window.bytes_at(0, 8 + 18)?[..]
                && let Some(numbers) = stream.get(10..18).and_then(|numbers| numbers.try_into().ok())
            {
                let numbers = u64::from_be_bytes(numbers);
                let (rate, samples) = (numbers >> 44, numbers & ((1 << 36) - 1));
                if rate > 0 && samples > 0 {
                    let seconds = samples as f64 / rate as f64;
                    tags.put("Composite", "Duration", &print::duration(seconds));
                }
            }
            Ok(())
        }
        FileType::Vorbis => {
            let head = window.bytes_at(0, 512)?;
            let packet = head.get(26).map_or(0, |segments| 27 + usize::from(*segments));
            if let Some([1, b'v', b'o', b'r', b'b', b'i', b's', stream @ ..]) = head.get(packet..)
                && let Some(rate) = stream.get(13..17).and_then(|rate| rate.try_into().ok())
                && let rate @ 1.. = u32::from_le_bytes(rate)
            {
                let seconds = window.size() as f64 * 8.0 / f64::from(rate);
                tags.put("Composite", "Duration", &format!("{} (approx)", print::duration(seconds)));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn id3v2(tag: &Id3v2Tag, tags: &mut Tags) {
    let (group, time) = match tag.original_version() {
        Id3v2Version::V2 => ("ID3v2_2", "Year"),
        Id3v2Version::V3 => ("ID3v2_3", "RecordingTime"),
        Id3v2Version::V4 => ("ID3v2_4", "RecordingTime"),
    };
    for frame in tag {
        match frame {
            Frame::Text(text) => {
                if let Some((_, name)) = FRAMES.iter().find(|(id, _)| *id == frame.id().as_str()) {
                    tags.put(group, name, &text.value.trim_end_matches('\0').replace('\0', "/"));
                }
            }
            Frame::Timestamp(text) if frame.id().as_str() == "TDRC" => {
                tags.put(group, time, &print::date(&text.timestamp.to_string()));
            }
            _ => {}
        }
    }
}

fn id3v1(tag: &Id3v1Tag, tags: &mut Tags) {
    let number = |number: Option<u32>| number.map(|number| Cow::Owned(number.to_string()));
    for (name, text) in [
        ("Title", tag.title.as_deref().map(Cow::Borrowed)),
        ("Artist", tag.artist.as_deref().map(Cow::Borrowed)),
        ("Album", tag.album.as_deref().map(Cow::Borrowed)),
        ("Year", number(tag.year.map(u32::from))),
        ("Track", number(tag.track_number.map(u32::from))),
    ] {
        if let Some(text) = text {
            tags.put("ID3v1", name, &text);
        }
    }
}

fn comments(all: &VorbisComments, tags: &mut Tags) {
    for (key, name) in COMMENTS {
        let texts: Vec<&str> = all.get_all(key).collect();
        match texts.last() {
            Some(_) if key == LISTED => tags.put_list("Vorbis", name, &texts),
            Some(text) => tags.put("Vorbis", name, text),
            None => {}
        }
    }
}

fn ape(tag: &ApeTag, tags: &mut Tags) {
    for item in tag {
        let named = ITEMS.iter().find(|(key, _)| item.key().eq_ignore_ascii_case(key));
        if let (Some((_, name)), ItemValue::Text(text)) = (named, item.value())
            && !text.contains('\0')
        {
            tags.put("APE", name, text);
        }
    }
}
