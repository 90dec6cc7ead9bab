//! Dates and times as metadata writes them: `2008:10:22 16:28:39`, ISO 8601 and what lies between, and RFC 2822.

use std::ops::RangeInclusive;

use jiff::civil::DateTime;
use jiff::fmt::rfc2822;
use jiff::tz::Offset;

use super::moment::Precision;

/// A time that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) civil: DateTime,
    pub(super) precision: Precision,
    /// The zone written beside it.
    pub(super) offset: Option<Offset>,
}

/// What a text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Only zeros and blanks: there is room for a time, and nobody filled it in.
    Unset,
    /// Something else.
    Unknown,
    /// A time.
    Time(Written),
}

/// Reads a time.
pub(super) fn read(text: &str) -> Reading {
    if !text.chars().any(|c| c.is_alphanumeric() && c != '0') {
        return Reading::Unset;
    }
    let mut rest = Rest(text.as_bytes());
    match time(&mut rest) {
        Some(Parsed::Unset) => Reading::Unset,
        Some(Parsed::Time(written)) => Reading::Time(written),
        None => mail(text).map_or(Reading::Unknown, Reading::Time),
    }
}

/// Reads an offset such as `+02:00`, `-0700`, `+1:00` or `Z`.
pub(super) fn offset(text: &str) -> Option<Offset> {
    let mut rest = Rest(text.trim().as_bytes());
    let offset = rest.offset()?;
    rest.0.is_empty().then_some(offset)
}

/// The years that are read: 9999 is nobody's, and has days that are no timestamps.
const YEARS: RangeInclusive<i16> = 1..=9998;

/// A day or time from its numbers; `None` if there is no such day.
pub(super) fn civil(numbers: &[u32]) -> Option<(DateTime, Precision)> {
    let small = |at: usize, default: i8| match numbers.get(at) {
        Some(number) => i8::try_from(*number).ok(),
        None => Some(default),
    };
    let precision = match numbers.len() {
        1 => Precision::Year,
        2 => Precision::Month,
        3 => Precision::Day,
        5 => Precision::Minute,
        6 => Precision::Second,
        _ => return None,
    };
    let year = i16::try_from(numbers[0]).ok().filter(|year| YEARS.contains(year))?;
    // A leap second is the last one that calendars know.
    let second = small(5, 0)?;
    let second = if second == 60 { 59 } else { second };
    let civil =
        DateTime::new(year, small(1, 1)?, small(2, 1)?, small(3, 0)?, small(4, 0)?, second, 0).ok()?;
    Some((civil, precision))
}

/// The nanoseconds of decimal digits after the point.
pub(super) fn nanos(digits: &str) -> Option<i32> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let nine = || digits.chars().chain("000000000".chars()).take(9).collect::<String>().parse().ok();
    is_number.then(nine).flatten()
}

/// With the parts of a second in these digits.
pub(super) fn with_subseconds(civil: DateTime, digits: &str) -> Option<DateTime> {
    civil.with().subsec_nanosecond(nanos(digits)?).build().ok()
}

enum Parsed {
    Unset,
    Time(Written),
}

fn time(rest: &mut Rest<'_>) -> Option<Parsed> {
    let mut numbers = vec![rest.digits(4, 4)?];
    for _ in 0..2 {
        if !rest.skip(b":-/.") {
            break;
        }
        numbers.push(rest.digits(1, 2)?);
    }
    // `2014:00:00` is a year: ID3 and IPTC fill up what they do not know.
    if let Some(zero) = numbers.iter().position(|number| *number == 0) {
        if zero == 0 {
            return Some(Parsed::Unset);
        }
        let (civil, precision) = civil(&numbers[..zero])?;
        return Some(Parsed::Time(Written { civil, precision, offset: None }));
    }
    if numbers.len() < 3 || rest.0.is_empty() {
        let (civil, precision) = civil(&numbers)?;
        return rest.0.is_empty().then_some(Parsed::Time(Written { civil, precision, offset: None }));
    }
    rest.skip(b" T").then_some(())?;
    numbers.push(rest.digits(1, 2)?);
    rest.skip(b":").then_some(())?;
    numbers.push(rest.digits(2, 2)?);
    let mut fraction = "";
    if rest.skip(b":") {
        numbers.push(rest.digits(2, 2)?);
        if rest.skip(b".,") {
            fraction = rest.run();
        }
    }
    let (mut civil, mut precision) = civil(&numbers)?;
    if let Some(exact) = with_subseconds(civil, fraction) {
        (civil, precision) = (exact, Precision::Subsecond);
    }
    rest.skip(b" ");
    let offset = if rest.0.is_empty() { None } else { Some(rest.offset()?) };
    rest.0.is_empty().then_some(Parsed::Time(Written { civil, precision, offset }))
}

/// `Thu, 01 Jan 2004 00:00:00 +0000`: what the PNG specification recommends.
fn mail(text: &str) -> Option<Written> {
    let zoned = rfc2822::DateTimeParser::new().parse_zoned(text).ok()?;
    let (civil, offset) = (zoned.datetime(), Some(zoned.offset()));
    YEARS.contains(&civil.year()).then_some(Written { civil, precision: Precision::Second, offset })
}

/// What is still to be read.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Skips one byte if it is one of these.
    fn skip(&mut self, any: &[u8]) -> bool {
        let skips = self.0.first().is_some_and(|byte| any.contains(byte));
        if skips {
            self.0 = &self.0[1..];
        }
        skips
    }

    /// Takes all digits there are.
    fn run(&mut self) -> &'a str {
        let length = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        std::str::from_utf8(digits).unwrap_or_default()
    }

    /// Takes a number of that many digits, not followed by another one.
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let run = self.run();
        (least..=most).contains(&run.len()).then(|| run.parse().ok())?
    }

    fn offset(&mut self) -> Option<Offset> {
        if self.skip(b"Zz") {
            return Some(Offset::UTC);
        }
        let is_west = self.0.first() == Some(&b'-');
        self.skip(b"+-").then_some(())?;
        let run = self.run();
        let (hours, minutes): (u32, u32) = match (run.len(), self.skip(b":")) {
            (1 | 2, true) => (run.parse().ok()?, self.digits(2, 2)?),
            (1 | 2, false) => (run.parse().ok()?, 0),
            (4, false) => (run[..2].parse().ok()?, run[2..].parse().ok()?),
            _ => return None,
        };
        let seconds: i32 = i32::try_from(hours * 3600 + minutes * 60).ok()?;
        let is_possible = minutes < 60 && i64::from(seconds) <= super::moment::EAST;
        is_possible.then(|| Offset::from_seconds(if is_west { -seconds } else { seconds }).ok())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match read(text) {
            Reading::Unset => "unset".to_owned(),
            Reading::Unknown => "unknown".to_owned(),
            Reading::Time(Written { civil, precision, offset }) => {
                let offset = offset.map(|offset| format!(" {}", offset.seconds() / 60)).unwrap_or_default();
                format!("{civil} {}{offset}", precision.as_str())
            }
        }
    }

    #[test]
    fn times_are_read_as_far_as_they_are_written() {
        for (text, expected) in [
            ("2008:10:22 16:28:39", "2008-10-22T16:28:39 second"),
            ("2021:07:10 20:39:25.77+01:00", "2021-07-10T20:39:25.77 subsecond 60"),
            ("2008:05:25 19:31:26.0+1:00", "2008-05-25T19:31:26 subsecond 60"),
            ("2014:07:15 06:57:34.000000Z", "2014-07-15T06:57:34 subsecond 0"),
            ("2023-09-27T14:32:53+02:00", "2023-09-27T14:32:53 second 120"),
            ("2012:06:15 19:51-07:00", "2012-06-15T19:51:00 minute -420"),
            ("2014:05:21", "2014-05-21T00:00:00 day"),
            ("2005/06/05", "2005-06-05T00:00:00 day"),
            ("2010-01", "2010-01-01T00:00:00 month"),
            ("2001", "2001-01-01T00:00:00 year"),
            ("2014:00:00", "2014-01-01T00:00:00 year"),
            ("2016:12:31 23:59:60", "2016-12-31T23:59:59 second"),
            ("Thu, 01 Jan 2004 00:00:00 +0100", "2004-01-01T00:00:00 second 60"),
            ("0000:00:00 00:00:00", "unset"),
            ("    :  :     :  :  ", "unset"),
            ("0000", "unset"),
            ("0000:00:00 00:00:00Z", "unset"),
            ("0000:01:01 12:00:00", "unset"),
            ("", "unset"),
            ("Oct 3, 1995", "unknown"),
            ("Sun 28 Apr 2024 11:09:02 PM CEST", "unknown"),
            ("2008:02:30 10:00:00", "unknown"),
            ("2008:10:22 25:00:00", "unknown"),
            ("2008:10:22 16:28:39 +25:00", "unknown"),
            ("38353", "unknown"),
            ("20081022", "unknown"),
            ("9998:12:31 23:59:59", "9998-12-31T23:59:59 second"),
            ("9999:12:31 23:59:59", "unknown"),
            ("9999", "unknown"),
            ("Fri, 31 Dec 9999 00:30:00 +1400", "unknown"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn offsets_are_read_in_all_their_spellings() {
        let seconds = |text: &str| offset(text).map(Offset::seconds);
        assert_eq!(seconds("+02:00"), Some(7200));
        assert_eq!(seconds("-0330"), Some(-12600));
        assert_eq!(seconds("+1:00"), Some(3600));
        assert_eq!(seconds("-8"), Some(-28800));
        assert_eq!(seconds("Z"), Some(0));
        for text in ["", "02:00", "+15:00", "+02:60", "+2:00x", "Unknown (0)"] {
            assert_eq!(seconds(text), None, "{text:?}");
        }
    }
}
