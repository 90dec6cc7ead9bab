//! How long an MP3 plays, from its first frame, as ExifTool works it out: no crate comes to the same numbers.

use std::io;

use super::print;
use super::tags::Tags;
use super::window::Window;

/// How far behind the tags the first frame is looked for, in bytes.
const SEARCHED: usize = 8192;
/// In kilobits a second, of layer 3: MPEG 1, and the two that came later.
const RATES: [[u32; 14]; 2] = [
    [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
    [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
];
/// Samples a second of MPEG 2.5, of nothing, of MPEG 2 and of MPEG 1.
const SAMPLES: [[u32; 3]; 4] =
    [[11_025, 12_000, 8000], [0; 3], [22_050, 24_000, 16_000], [44_100, 48_000, 32_000]];
const MPEG_1: u32 = 3;

/// Of variable rate by the number of frames, else by the size of the file.
pub(super) fn duration(window: &mut Window<'_>, tags: &mut Tags) -> io::Result<()> {
    let front = front(window)?;
    let head = window.bytes_at(front, SEARCHED)?;
    let Some((at, word)) = first_frame(&head) else { return Ok(()) };
    let (version, one_channel) = (word >> 19 & 3, word >> 6 & 3 == 3);
    let older = usize::from(version != MPEG_1);
    let (Some(rate), Some(samples)) = (
        RATES[older].get((word >> 12 & 15) as usize - 1),
        SAMPLES[version as usize].get((word >> 10 & 3) as usize),
    ) else {
        return Ok(());
    };
    let behind = match (older, one_channel) {
        (0, false) => 32,
        (0, true) | (_, false) => 17,
        (_, true) => 9,
    };
    let seconds = match variable(head.get(at + 4 + behind..).unwrap_or_default()) {
        Some(frames) => {
            let per_frame = f64::from(*samples) / if version == MPEG_1 { 144.0 } else { 72.0 };
            8.0 * f64::from(frames) / per_frame
        }
        None => {
            let end = window.bytes_at(window.size().saturating_sub(128), 128)?;
            let back = if end.len() == 128 && end.starts_with(b"TAG") { 128 } else { 0 };
            let sound = window.size().saturating_sub(front + back);
            8.0 * sound as f64 / f64::from(rate * 1000)
        }
    };
    tags.put("Composite", "Duration", &format!("{} (approx)", print::duration(seconds)));
    Ok(())
}

/// Bytes of an ID3v2 tag at the beginning, without its footer.
fn front(window: &mut Window<'_>) -> io::Result<u64> {
    Ok(match window.bytes_at(0, 10)?[..] {
        [b'I', b'D', b'3', _, _, _, a, b, c, d] if (a | b | c | d) < 0x80 => {
            10 + [a, b, c, d].iter().fold(0, |sum, byte| sum << 7 | u64::from(*byte))
        }
        _ => 0,
    })
}

/// Where the first frame is, and its header.
fn first_frame(head: &[u8]) -> Option<(usize, u32)> {
    let words = head
        .windows(4)
        .enumerate()
        .map(|(at, word)| (at, u32::from_be_bytes([word[0], word[1], word[2], word[3]])));
    words.into_iter().find(|(_, word)| {
        word & 0xffe0_0000 == 0xffe0_0000
            && word & 0x0018_0000 != 0x0008_0000
            && word & 0x0006_0000 == 0x0002_0000
            && word & 0xf000 != 0
            && word & 0xf000 != 0xf000
            && word & 0x0c00 != 0x0c00
            && word & 3 != 2
    })
}

/// The number of frames that the header of a file of variable rate has.
fn variable(header: &[u8]) -> Option<u32> {
    match header {
        [b'X', b'i', b'n', b'g', _, _, _, flags, a, b, c, d, ..] if flags & 1 == 1 => {
            Some(u32::from_be_bytes([*a, *b, *c, *d])).filter(|frames| *frames > 0)
        }
        _ => None,
    }
}
