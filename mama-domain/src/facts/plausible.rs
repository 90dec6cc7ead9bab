//! Which times cannot be meant.

use mama_ports::vocab::Timestamp;

use super::moment::{Moment, Precision, QUARTER, WEST};

/// The oldest photograph that is left: what is said to be older was not taken.
const FIRST_PHOTOGRAPH: i16 = 1826;
/// Where clocks begin, in seconds since 1970: Windows (1601), OLE documents (1899-12-30), QuickTime (1904), Unix, FAT and ZIP (1980).
const ZEROS: [i64; 5] = [-11_644_473_600, -2_209_161_600, -2_082_844_800, 0, 315_532_800];
/// The years in which the clocks of cameras begin again when their battery was empty.
const RESET_YEARS: [i16; 3] = [1970, 1980, 2000];
/// How far clocks may be ahead of the catalog's.
const AHEAD: i64 = 86_400;

/// Why this time cannot be meant; `first_seen`: when the content was already there.
pub(super) fn objection(moment: &Moment, first_seen: Option<Timestamp>) -> Option<&'static str> {
    if is_zero(moment) {
        return Some("a clock's zero");
    }
    if moment.civil.year() < FIRST_PHOTOGRAPH {
        return Some("before there were photographs");
    }
    let (from, _) = moment.span();
    let from = moment.instant().unwrap_or(from - super::moment::EAST);
    let is_later = first_seen.is_some_and(|seen| from > seen.secs.saturating_add(AHEAD));
    is_later.then_some("later than it was first seen")
}

/// Whether it is the beginning of a clock's time, perhaps moved by a zone.
fn is_zero(moment: &Moment) -> bool {
    let clock = moment.clock();
    let is_at = |zero: i64| (clock - zero).abs() <= WEST && (clock - zero) % QUARTER == 0;
    moment.precision >= Precision::Minute && ZEROS.into_iter().any(is_at)
}

/// Whether it is what a camera shows whose clock was never set: the first moment of a year, or some time of the day on which
/// clocks begin, as it went on running.
pub(super) fn is_reset(moment: &Moment) -> bool {
    let civil = moment.civil;
    moment.precision >= Precision::Minute
        && (civil.month(), civil.day()) == (1, 1)
        && (RESET_YEARS.contains(&civil.year())
            || (civil.hour(), civil.minute(), civil.second()) == (0, 0, 0))
}

#[cfg(test)]
mod tests {
    use super::super::date::{self, Reading};
    use super::*;

    fn moment(text: &str) -> Moment {
        let Reading::Time(written) = date::read(text) else { panic!("{text}") };
        Moment { civil: written.civil, precision: written.precision, zone: None }
    }

    #[test]
    fn zeros_of_clocks_are_not_meant() {
        for (text, expected) in [
            ("1970:01:01 00:00:00", Some("a clock's zero")),
            ("1970:01:01 01:00:00", Some("a clock's zero")),
            ("1969:12:31 16:00:00", Some("a clock's zero")),
            ("1904:01:01 00:00:00", Some("a clock's zero")),
            ("1601:01:01 00:00:00", Some("a clock's zero")),
            ("1980:01:01 00:00:00", Some("a clock's zero")),
            ("1899:12:30 00:00:00", Some("a clock's zero")),
            ("1970:01:01 00:07:31", None),
            ("1970", None),
            ("1970:01:01", None),
            ("1904", None),
            ("1234:05:06 07:08:09", Some("before there were photographs")),
            ("1850", None),
        ] {
            assert_eq!(objection(&moment(text), None), expected, "{text}");
        }
    }

    #[test]
    fn nothing_was_taken_after_it_was_seen() {
        let seen = Some(Timestamp::new(1_600_000_000, 0)); // 2020-09-13 12:26:40 UTC
        assert_eq!(objection(&moment("2020:09:14 12:00:00"), seen), None, "a zone may explain it");
        assert_eq!(objection(&moment("2020:09:16 12:00:00"), seen), Some("later than it was first seen"));
        assert_eq!(objection(&moment("2020"), seen), None);
        assert_eq!(objection(&moment("2021"), seen), Some("later than it was first seen"));
    }

    #[test]
    fn the_first_moment_of_a_year_and_the_first_day_of_clocks_are_of_a_camera_that_was_never_set() {
        for (text, expected) in [
            ("1998:01:01 00:00:00", true),
            ("2000:01:01 00:00:00", true),
            ("2000:01:01 00:05:12", true),
            ("2000:01:01 12:00:00", true),
            ("1980:01:01 00:02:00", true),
            ("1970:01:01 23:59:59", true),
            ("2000:01:02 00:05:12", false),
            ("1998:01:01 00:05:12", false),
            ("2001:01:01 00:36:35", false),
            ("2000:01:01", false),
        ] {
            assert_eq!(is_reset(&moment(text)), expected, "{text}");
        }
    }
}
