//! ISO base media files, told by their brands (ISO/IEC 14496-12, section 4.3; registered at mp4ra.org) and their tracks.

use super::streams::{boxes, only_sound_in_movie};

/// Brands, as far as they count, and types.
const BRANDS: [(&[u8], &str); 18] = [
    // AVIF specification, section 10
    (b"avif", "image/avif"),
    (b"avis", "image/avif"),
    // ISO/IEC 23008-12, annexes B and C
    (b"heic", "image/heic"),
    (b"heix", "image/heic"),
    (b"heim", "image/heic"),
    (b"heis", "image/heic"),
    (b"hevc", "image/heic-sequence"),
    (b"hevx", "image/heic-sequence"),
    // ExifTool: QuickTime.pm
    (b"crx ", "image/x-canon-cr3"),
    // RFC 3839, RFC 4393
    (b"3gp", "video/3gpp"),
    (b"3g2", "video/3gpp2"),
    // RFC 4337; M4A, MSNV (Sony) and XAVC as ExifTool: QuickTime.pm
    (b"M4A ", "audio/mp4"),
    (b"M4B ", "audio/mp4"),
    (b"MSNV", "video/mp4"),
    (b"XAVC", "video/mp4"),
    (b"mp4", "video/mp4"),
    (b"iso", "video/mp4"),
    (b"qt  ", "video/quicktime"),
];

/// What a type is called where there is nothing to look at: RFC 4337, RFC 3839, RFC 4393.
const SOUND: [(&str, &str); 3] =
    [("video/mp4", "audio/mp4"), ("video/3gpp", "audio/3gpp"), ("video/3gpp2", "audio/3gpp2")];

/// The type by the first brand that is known. One for pictures of any coding (`mif1`, `msf1`) is not; AVIF is told by its own beside it.
pub(super) fn by_brand(head: &[u8]) -> Option<&'static str> {
    let (_, body) = boxes(head).next().filter(|(kind, _)| kind == b"ftyp")?;
    let major = body.get(..4)?;
    let compatible = body.get(8..)?.chunks_exact(4);
    let is_general = major.starts_with(b"mi") || major.starts_with(b"ms");
    let known =
        |brand: &[u8]| BRANDS.iter().find(|(start, _)| brand.starts_with(start)).map(|(_, mime)| *mime);
    let mut brands =
        std::iter::once(major).chain(compatible).filter(|brand| !is_general || brand.starts_with(b"avi"));
    let found = brands.find_map(known)?;
    let sound = SOUND.iter().find(|(pictures, _)| *pictures == found).filter(|_| only_sound_in_movie(head));
    Some(sound.map_or(found, |(_, sound)| *sound))
}
