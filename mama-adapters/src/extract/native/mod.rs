//! The tags that rules and views read, from the bytes of common formats, for a hundredth of what ExifTool costs.
//!
//! Keys and values are those that ExifTool prints, so that whoever reads them need not know who did. What cannot be given exactly so is left out:
//! ExifTool's document replaces this one anyway. Parsers of other people are given what a [`Window`] gives: so many bytes of one content.

mod apple;
mod audio;
mod boxes;
mod embedded;
mod heif;
mod mpeg;
mod print;
mod quicktime;
mod riff;
mod still;
mod tags;
mod window;
mod xmp;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mama_ports::content::{ExtractError, Hint, MetadataExtractor};
use mama_ports::filesystem::ReadHandle;
use mama_ports::vocab::{ExtractorId, MetaDoc};

use self::tags::Tags;
use self::window::Window;

/// Reads JPEG, PNG, GIF, BMP, PSD, WebP, TIFF and raw formats made of it, RAF, CR3, HEIF, AVIF, MP4, MOV, M4A, 3GP, MP3, AAC, FLAC, Ogg,
/// WAV, AVI, AIFF, APE and Musepack, in the process that asks, and in about a tenth of a millisecond.
#[derive(Debug, Clone, Copy, Default)]
pub struct Native;

/// Grows when the same content may give another document than before.
const REVISION: u32 = 2;

impl MetadataExtractor for Native {
    fn identity(&self) -> ExtractorId {
        ExtractorId::new("native", env!("CARGO_PKG_VERSION"), REVISION)
    }

    fn extract(&self, content: &mut dyn ReadHandle, _: &Hint) -> Result<Option<MetaDoc>, ExtractError> {
        let mut window = Window::new(content).map_err(ExtractError::Failed)?;
        let mut tags = Tags::default();
        // A parser that panics has seen a file that nobody thought of; the next one is another matter.
        let read = catch_unwind(AssertUnwindSafe(|| read(&mut window, &mut tags)));
        let is_known = read.map_err(|_| ExtractError::Failed(io::Error::other("the parser panicked")))?;
        match (window.failure(), is_known) {
            (Some(failure), _) => Err(ExtractError::Failed(failure)),
            (None, Ok(false)) => Ok(None),
            // What is cut off, or longer than the budget, says what it has said up to there.
            (None, Ok(true) | Err(_)) => Ok(Some(tags.into_doc())),
        }
    }
}

/// Whether it is of a kind that is known.
fn read(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<bool> {
    let head = window.bytes_at(0, 16)?;
    match head[..] {
        [0xff, 0xd8, 0xff, ..] => still::jpeg(window, 0, true, tags)?,
        [0x89, b'P', b'N', b'G', ..] => still::png(window, tags)?,
        [b'I', b'I', 42, 0, ..] | [b'M', b'M', 0, 42, ..] => still::tiff(window, tags)?,
        [b'G', b'I', b'F', b'8', ..] | [b'8', b'B', b'P', b'S', ..] => still::size(window, tags),
        [b'B', b'M', ..] => return still::bmp(window, tags),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => still::webp(window, tags)?,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => riff::avi(window, tags)?,
        [b'F', b'U', b'J', b'I', b'F', b'I', b'L', b'M', ..] => still::raf(window, tags)?,
        [_, _, _, _, b'f', b't', b'y', b'p', ref brand @ ..] => match brand.get(..4) {
            Some(b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" | b"avif" | b"avis") => {
                heif::picture(window, tags)?;
            }
            Some(b"crx ") => heif::canon(window, tags)?,
            _ => quicktime::film(window, tags)?,
        },
        [_, _, _, _, b'm', b'o', b'o', b'v', ..]
        | [_, _, _, _, b'm', b'd', b'a', b't', ..]
        | [_, _, _, _, b'w', b'i', b'd', b'e', ..]
        | [_, _, _, _, b'f', b'r', b'e', b'e', ..]
        | [_, _, _, _, b's', b'k', b'i', b'p', ..] => quicktime::film(window, tags)?,
        [b'I', b'D', b'3', ..]
        | [0xff, 0xe0..=0xff, ..]
        | [b'f', b'L', b'a', b'C', ..]
        | [b'O', b'g', b'g', b'S', ..]
        | [b'F', b'O', b'R', b'M', _, _, _, _, b'A', b'I', b'F', ..]
        | [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..]
        | [b'M', b'A', b'C', b' ', ..]
        | [b'M', b'P', b'C', b'K', ..]
        | [b'M', b'P', b'+', ..] => return audio::sound(window, tags),
        _ => return Ok(false),
    }
    Ok(true)
}

#[cfg(test)]
mod tests;
