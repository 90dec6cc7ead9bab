//! What clocks showed when files were taken.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::facts::zone_between;

/// What a clock showed, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockTime {
    /// One of where it was, in whatever zone.
    Local(i64),
    /// One in UTC.
    Utc(i64),
}

impl ClockTime {
    /// Whether both may have shown it at one moment, give or take `tolerance` seconds: any zone in use may lie between.
    pub(super) fn agrees(self, other: Self, tolerance: i64) -> bool {
        match (self, other) {
            (Self::Local(one), Self::Local(two)) | (Self::Utc(one), Self::Utc(two)) => {
                (one - two).abs() <= tolerance
            }
            (Self::Local(local), Self::Utc(utc)) | (Self::Utc(utc), Self::Local(local)) => {
                zone_between(local, utc, tolerance).is_some()
            }
        }
    }
}

/// `2008:10:22 16:28:39` as seconds since 1970 of whatever clock it is by; what follows does not count.
pub(super) fn shown(text: &str) -> Option<i64> {
    let time = DateTime::strptime("%Y:%m:%d %H:%M:%S", text.get(..19)?).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}
