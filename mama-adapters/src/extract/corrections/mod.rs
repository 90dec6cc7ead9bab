//! What libmagic and file-format are known to get wrong about media, put right by the content's own first bytes.
//!
//! No name is asked: equal contents have equal types. Each line names who says so; `docs/types.md` compares the answers.

mod brands;
mod streams;
mod tiff;

/// A name that is right but not the registered or the usual one, and that one.
const NAMES: [(&str, &str); 5] = [
    // RFC 4337
    ("audio/x-m4a", "audio/mp4"),
    // IANA: audio/aac, for ISO/IEC 13818-7
    ("audio/x-hx-aac-adts", "audio/aac"),
    ("audio/x-hx-aac-adif", "audio/aac"),
    // IANA: video/mp2t, RFC 3555; types are written small
    ("video/MP2T", "video/mp2t"),
    // ExifTool, shared-mime-info
    ("image/x-x3f", "image/x-sigma-x3f"),
];

/// Signatures that neither knows: where, what, and the type.
const SIGNATURES: [(usize, &[u8], &str); 4] = [
    // ExifTool: MinoltaRaw.pm
    (0, b"\0MRM", "image/x-minolta-mrw"),
    // shared-mime-info
    (0, b"TTA1", "audio/x-tta"),
    // ExifTool: Audible.pm
    (4, b"\x57\x90\x75\x36", "audio/audible"),
    // ExifTool: PhaseOne in Exif.pm
    (8, b"IIII", "image/x-raw"),
];

/// What an XMP packet begins with when it is a file of its own: XMP specification, part 3, which also names the type.
const XMP: [&[u8]; 2] = [b"<?xpacket begin=", b"<x:xmpmeta"];

/// The type of the content that starts with `head`, if what the detectors `said` about it is wrong.
pub(super) fn correction(said: &str, head: &[u8]) -> Option<&'static str> {
    let better = match said {
        "application/octet-stream" => signature(head).or_else(|| brands::by_brand(head)),
        "image/tiff" => tiff::raw(head).or_else(|| signature(head)),
        "text/plain" | "text/xml" => is_xmp(head).then_some("application/rdf+xml"),
        "video/x-ms-asf" => streams::only_sound_in_asf(head).then_some("audio/x-ms-wma"),
        "video/webm" => streams::only_sound_in_matroska(head).then_some("audio/webm"),
        "video/x-matroska" => streams::only_sound_in_matroska(head).then_some("audio/x-matroska"),
        "video/mp4" | "audio/mp4" | "video/3gpp" | "video/3gpp2" | "image/heif" => brands::by_brand(head),
        _ => None,
    };
    better.or_else(|| NAMES.iter().find(|(name, _)| *name == said).map(|(_, better)| *better))
}

fn signature(head: &[u8]) -> Option<&'static str> {
    let begins = |at: usize, what: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(what));
    SIGNATURES.iter().find(|(at, what, _)| begins(*at, what)).map(|(_, _, mime)| *mime)
}

/// In any encoding of Unicode: without the mark, and without the zeros of its letters.
fn is_xmp(head: &[u8]) -> bool {
    let start = &head[..head.len().min(512)];
    let letters: Vec<u8> = start.iter().copied().filter(|byte| byte.is_ascii() && *byte != 0).collect();
    let mut text = letters.trim_ascii_start();
    if text.starts_with(b"<?xml ") {
        let end = text.windows(2).position(|pair| pair == b"?>").map_or(text.len(), |at| at + 2);
        text = text[end..].trim_ascii_start();
    }
    XMP.iter().any(|start| text.starts_with(start))
}

#[cfg(test)]
mod tests;
