//! A time as somebody wrote it down: perhaps only a year, perhaps without a zone.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::Offset;

use super::Source;

/// No zone is further east, in seconds.
pub(super) const EAST: i64 = 14 * 3600;
/// No zone is further west, in seconds.
pub(super) const WEST: i64 = 12 * 3600;
/// Zones differ from UTC by whole quarters of an hour.
pub(super) const QUARTER: i64 = 15 * 60;

/// How much of a time was written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Only the year.
    Year,
    /// The month.
    Month,
    /// The day.
    Day,
    /// The minute.
    Minute,
    /// The second.
    Second,
    /// Parts of a second.
    Subsecond,
}

impl Precision {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
            Self::Day => "day",
            Self::Minute => "minute",
            Self::Second => "second",
            Self::Subsecond => "subsecond",
        }
    }
}

/// By what a zone is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Basis {
    /// It is written beside the time.
    Written,
    /// The format has its times in UTC.
    Utc,
    /// Something else shows the same clock, with a zone.
    SameClock,
    /// Something else has the same moment in UTC or on a local clock: the zone is the difference.
    Difference,
    /// The device was set to it.
    Setting,
}

impl Basis {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Utc => "utc",
            Self::SameClock => "same_clock",
            Self::Difference => "difference",
            Self::Setting => "setting",
        }
    }
}

/// How far a clock was from UTC, and how that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Positive to the east.
    pub offset: Offset,
    /// By what.
    pub basis: Basis,
    /// From where.
    pub source: Source,
}

/// A time on some clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// What the clock showed; what is beyond the precision is the smallest there is.
    pub civil: DateTime,
    /// How much of it counts.
    pub precision: Precision,
    /// The clock's zone; `None`: nobody says.
    pub zone: Option<Zone>,
}

impl Moment {
    /// Seconds since 1970 on this clock, as if it showed UTC.
    pub(super) fn clock(&self) -> i64 {
        // In range: no text is read as a year before 1 or after 9998, and a file's time is a timestamp.
        Offset::UTC.to_timestamp(self.civil).map_or(0, |at| at.as_second())
    }

    /// Seconds since 1970 in UTC, where the zone is known.
    pub(super) fn instant(&self) -> Option<i64> {
        self.zone.as_ref().map(|zone| self.clock() - i64::from(zone.offset.seconds()))
    }

    /// The seconds on this clock that it may be: the first, and the one behind the last.
    pub(super) fn span(&self) -> (i64, i64) {
        let start = self.clock();
        let length = match self.precision {
            Precision::Year => i64::from(self.civil.days_in_year()) * 86_400,
            Precision::Month => i64::from(self.civil.days_in_month()) * 86_400,
            Precision::Day => 86_400,
            Precision::Minute => 60,
            Precision::Second | Precision::Subsecond => 1,
        };
        (start, start + length)
    }

    /// The times on this clock that it may be: the first, and the one behind the last.
    pub fn civil_span(&self) -> (DateTime, DateTime) {
        let (start, end) = self.span();
        let length = SignedDuration::from_secs(end - start);
        (self.civil, self.civil.checked_add(length).unwrap_or(DateTime::MAX))
    }

    /// The seconds between this and the other one as far as zones can be told: negative if this ends before the other begins,
    /// positive if it begins after the other ends, 0 if they may be one.
    ///
    /// Two clocks without a zone are taken for clocks of one zone.
    pub(super) fn gap(&self, other: &Self) -> i64 {
        let ((from, to), (other_from, other_to)) = match (&self.zone, &other.zone) {
            (None, None) => (self.span(), other.span()),
            (_, _) => (self.in_utc(), other.in_utc()),
        };
        if to <= other_from {
            to - 1 - other_from
        } else if other_to <= from {
            from - (other_to - 1)
        } else {
            0
        }
    }

    fn in_utc(&self) -> (i64, i64) {
        let (from, to) = self.span();
        match &self.zone {
            Some(zone) => {
                let offset = i64::from(zone.offset.seconds());
                (from - offset, to - offset)
            }
            None => (from - EAST, to + WEST),
        }
    }

    /// The same moment on a clock of this zone; only for a moment whose zone is known.
    pub(super) fn on_clock_of(&self, zone: Zone) -> Self {
        let shift = self.zone.as_ref().map_or(0, |own| zone.offset.seconds() - own.offset.seconds());
        let civil = self.civil.checked_add(SignedDuration::from_secs(shift.into())).unwrap_or(self.civil);
        Self { civil, zone: Some(zone), precision: self.precision }
    }

    /// Whether both clocks show the same second.
    pub(super) fn shows_the_same_as(&self, other: &Self) -> bool {
        self.precision >= Precision::Second
            && other.precision >= Precision::Second
            && self.clock() == other.clock()
    }
}

/// As RFC 3339, as far as it is known: `2008-10`, `2008-10-22T16:28:39`, `2018-04-12T15:21:28.905-07:00`.
impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = &self.civil;
        match self.precision {
            Precision::Year => write!(f, "{:04}", civil.year())?,
            Precision::Month => write!(f, "{:04}-{:02}", civil.year(), civil.month())?,
            Precision::Day => write!(f, "{}", civil.date())?,
            Precision::Minute => {
                write!(f, "{}T{:02}:{:02}", civil.date(), civil.hour(), civil.minute())?;
            }
            Precision::Second | Precision::Subsecond => write!(f, "{civil}")?,
        }
        match &self.zone {
            Some(zone) if self.precision > Precision::Day => {
                let seconds = zone.offset.seconds();
                let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
            Some(_) | None => Ok(()),
        }
    }
}
