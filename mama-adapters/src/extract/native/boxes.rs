//! The boxes of ISO base media and QuickTime files.

use std::io;

use super::window::Window;

/// Boxes that are looked at on one level: a long video in fragments has many, and none of them is wanted.
const MOST_BOXES: usize = 1024;
/// The most that is read of the content of one box, in bytes.
const LARGEST: usize = 64 * 1024;

/// A box: its kind, and where its content is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Box {
    pub(super) kind: [u8; 4],
    pub(super) from: u64,
    pub(super) to: u64,
}

impl Box {
    /// The content, or the beginning of a long one.
    pub(super) fn content(&self, window: &mut Window<'_>) -> io::Result<Vec<u8>> {
        let most = usize::try_from(self.to - self.from).unwrap_or(usize::MAX).min(LARGEST);
        window.bytes_at(self.from, most)
    }

    /// The boxes inside.
    pub(super) fn inside(&self, window: &mut Window<'_>) -> io::Result<Vec<Self>> {
        within(window, self.from, self.to)
    }

    /// The boxes inside, behind a version and flags.
    pub(super) fn inside_full(&self, window: &mut Window<'_>) -> io::Result<Vec<Self>> {
        within(window, self.from + 4, self.to)
    }
}

/// The boxes of a file.
pub(super) fn of_file(window: &mut Window<'_>) -> io::Result<Vec<Box>> {
    let size = window.size();
    within(window, 0, size)
}

/// The first box of a kind.
pub(super) fn first(boxes: &[Box], kind: &[u8; 4]) -> Option<Box> {
    boxes.iter().find(|one| one.kind == *kind).copied()
}

fn within(window: &mut Window<'_>, mut at: u64, end: u64) -> io::Result<Vec<Box>> {
    let mut boxes = Vec::new();
    while boxes.len() < MOST_BOXES && at < end {
        let head = window.bytes_at(at, 16)?;
        let [s1, s2, s3, s4, a, b, c, d, ref long @ ..] = head[..] else { break };
        let long = <[u8; 8]>::try_from(long).ok().map(u64::from_be_bytes);
        let (header, size) = match (u32::from_be_bytes([s1, s2, s3, s4]), long) {
            (0, _) => (8, end - at),
            (1, Some(size)) => (16, size),
            (1, None) => break,
            (size, _) => (8, size.into()),
        };
        let next = at.checked_add(size).filter(|next| *next <= end && size >= header);
        let Some(next) = next else { break };
        boxes.push(Box { kind: [a, b, c, d], from: at + header, to: next });
        at = next;
    }
    Ok(boxes)
}
