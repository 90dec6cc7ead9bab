//! How large, and how long.

use super::Sourced;
use super::doc::{Doc, Docs};

/// Width and height of a picture or a video, turned as it is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Pixels from left to right.
    pub width: u64,
    /// Pixels from top to bottom.
    pub height: u64,
}

/// The content's own: a sidecar may be a small picture of it.
pub(super) fn size(docs: &Docs<'_>) -> Option<Sourced<Size>> {
    let doc = docs.own?;
    doc.read("Composite:ImageSize", |text| {
        let (width, height) = text.split_once(['x', ' '])?;
        let (width, height) = (width.parse().ok()?, height.parse().ok()?);
        let (width, height) = if is_turned(doc) { (height, width) } else { (width, height) };
        (width > 0 && height > 0).then_some(Size { width, height })
    })
}

/// Whether width and height change places. HEIF turns by its own property, and what EXIF says there was done already.
fn is_turned(doc: Doc<'_>) -> bool {
    let by = |key: &str| doc.number(key).map(|degrees| degrees.rem_euclid(180.0) == 90.0);
    let by_exif = || {
        let orientation = doc.text("IFD0:Orientation")?;
        Some(orientation.contains("90") || orientation.contains("270"))
    };
    by("QuickTime:Rotation").or_else(by_exif).or_else(|| by("Composite:Rotation")).unwrap_or_default()
}

/// Keys of durations, the container's own first; ExifTool works out what MP3 and FLAC do not write down.
const DURATIONS: [&str; 10] = [
    "QuickTime:Duration",
    "Matroska:Duration",
    "ASF:Duration",
    "Flash:Duration",
    "M2TS:Duration",
    "MXF:Duration",
    "GIF:Duration",
    "Composite:Duration",
    "Track1:MediaDuration",
    "Track1:TrackDuration",
];

pub(super) fn duration(docs: &Docs<'_>) -> Option<Sourced<f64>> {
    let doc = docs.own?;
    DURATIONS.iter().find_map(|key| doc.read(key, |text| seconds(text).filter(|seconds| *seconds > 0.0)))
}

/// `1.02 s (approx)`, `0:03:25`, `1 days 22:56:38`, or a number.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    let text = text.trim_end_matches("(approx)").trim().trim_end_matches('s').trim();
    let (days, clock) = match text.split_once(" days ") {
        Some((days, clock)) => (days.parse().ok()?, clock),
        None => (0.0, text),
    };
    let parts: Vec<f64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let is_clock = (1..=3).contains(&parts.len());
    let seconds = parts.iter().fold(0.0, |sum, part| sum * 60.0 + part) + days * 86_400.0;
    (is_clock && seconds.is_finite()).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_in_whatever_form() {
        for (text, expected) in [
            ("1.07 s", Some(1.07)),
            ("1.02 s (approx)", Some(1.02)),
            ("0:03:25", Some(205.0)),
            ("0:00:30 (approx)", Some(30.0)),
            ("1 days 22:56:38", Some(168_998.0)),
            ("12.5", Some(12.5)),
            ("0 s", Some(0.0)),
            ("", None),
            ("inf", None),
            ("1:2:3:4", None),
            ("a while", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }
}
