//! Values as ExifTool prints them: what `sprintf` of C and ExifTool's own conversions make of numbers.

use serde_json::{Number, Value};

/// A text as ExifTool's JSON has it: a number where it looks like one, and a truth where it says so.
pub(super) fn json(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false") {
        return Value::Bool(text.eq_ignore_ascii_case("true"));
    }
    match text.parse::<Number>() {
        Ok(number) if is_plain(text) => Value::Number(number),
        Ok(_) | Err(_) => Value::String(text.to_owned()),
    }
}

/// Whether a JSON number is short enough for ExifTool: at most 15 digits before the point, 16 after it, 3 of an exponent.
fn is_plain(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    whole.trim_start_matches('-').len() <= 15
        && fraction.len() <= 16
        && exponent.trim_start_matches(['-', '+']).len() <= 3
}

/// As `%.{digits}g`.
pub(super) fn significant(number: f64, digits: usize) -> String {
    let scientific = format!("{number:.*e}", digits.saturating_sub(1));
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i64 = exponent.parse().unwrap_or_default();
    let places = i64::try_from(digits).unwrap_or(i64::MAX) - 1 - exponent;
    if exponent < -4 || places < 0 {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
    } else {
        let fixed = format!("{number:.*}", usize::try_from(places).unwrap_or_default());
        without_zeros(&fixed).to_owned()
    }
}

/// As Perl prints a number.
pub(super) fn number(number: f64) -> String {
    significant(number, 15)
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Seconds: `1.07 s`, `0:03:25`, `1 days 22:56:38`; not of negative ones.
pub(super) fn duration(seconds: f64) -> String {
    if seconds == 0.0 {
        return "0 s".to_owned();
    }
    if seconds < 30.0 {
        return format!("{seconds:.2} s");
    }
    let whole = (seconds + 0.5) as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    // 24 hours are no day yet.
    let (days, hours) = if hours > 24 { (hours / 24, hours % 24) } else { (0, hours) };
    let days = if days > 0 { format!("{days} days ") } else { String::new() };
    format!("{days}{hours}:{minutes:02}:{seconds:02}")
}

/// Degrees without their side of the globe: `43 deg 28' 2.81"`.
pub(super) fn angle(degrees: f64) -> String {
    let degrees = degrees.abs();
    let mut whole = degrees.trunc();
    let mut minutes = ((degrees - whole) * 60.0).trunc();
    let mut seconds = format!("{:.2}", (degrees - whole - minutes / 60.0) * 3600.0);
    if seconds == "60.00" {
        seconds = "0.00".to_owned();
        minutes += 1.0;
        if minutes >= 60.0 {
            minutes -= 60.0;
            whole += 1.0;
        }
    }
    format!("{whole} deg {minutes}' {seconds}\"")
}

/// A place on one line: `40 deg 41' 21.12" N, 74 deg 2' 40.20" W, 10 m Above Sea Level`.
pub(super) fn place(latitude: f64, longitude: f64, metres: Option<f64>) -> String {
    let side = |degrees: f64, sides: [char; 2]| if degrees < 0.0 { sides[1] } else { sides[0] };
    let (north, east) = (side(latitude, ['N', 'S']), side(longitude, ['E', 'W']));
    let mut line = format!("{} {north}, {} {east}", angle(latitude), angle(longitude));
    if let Some(metres) = metres {
        let side = if metres < 0.0 { "Below" } else { "Above" };
        line += &format!(", {} m {side} Sea Level", number(metres.abs()));
    }
    line
}

/// A time of XMP or ISO 8601 in EXIF's way: `2010-08-13T21:00:01Z` is `2010:08:13 21:00:01Z`, and `2010-08` is `2010:08`.
pub(super) fn date(text: &str) -> String {
    let digits = |from: usize, to: usize| {
        text.get(from..to).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let is = |at: usize, any: &[u8]| text.as_bytes().get(at).is_some_and(|byte| any.contains(byte));
    let day = digits(0, 4) && is(4, b"-") && digits(5, 7) && is(7, b"-") && digits(8, 10);
    if day && is(10, b" T") && digits(11, 13) && is(13, b":") && digits(14, 16) {
        let rest = text[16..].trim_start();
        return format!("{} {}{rest}", text[..10].replace('-', ":"), &text[11..16]);
    }
    if digits(0, 4) { text.replace('-', ":") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_number_is_one() {
        for (text, printed) in [
            ("45", "45"),
            ("0", "0"),
            ("00", "\"00\""),
            ("-1.50", "-1.50"),
            ("1.", "\"1.\""),
            (".5", "\".5\""),
            ("+5", "\"+5\""),
            ("1e5", "1e+5"),
            ("123456789012345", "123456789012345"),
            ("1234567890123456", "\"1234567890123456\""),
            ("True", "true"),
            ("", "\"\""),
            ("4.3 m", "\"4.3 m\""),
        ] {
            assert_eq!(json(text).to_string(), printed, "{text}");
        }
    }

    #[test]
    fn numbers_are_those_of_sprintf() {
        for (number, digits, printed) in [
            (4.307_189_542_483_66, 10, "4.307189542"),
            (0.0, 10, "0"),
            (100.0, 10, "100"),
            (12_345_678_901.0, 10, "1.23456789e+10"),
            (0.000_012_345, 10, "1.2345e-05"),
            (0.000_123_45, 10, "0.00012345"),
            (9_999_999_999.9, 10, "1e+10"),
            (-0.5, 10, "-0.5"),
        ] {
            assert_eq!(significant(number, digits), printed);
        }
    }

    #[test]
    fn durations_angles_and_dates_are_exiftools() {
        for (seconds, printed) in [
            (0.0, "0 s"),
            (1.07, "1.07 s"),
            (29.999, "30.00 s"),
            (205.4, "0:03:25"),
            (89_999.0, "24:59:59"),
            (168_998.0, "1 days 22:56:38"),
        ] {
            assert_eq!(duration(seconds), printed);
        }
        assert_eq!(angle(43.467_447_222_222), "43 deg 28' 2.81\"");
        assert_eq!(angle(72.999_999_999), "73 deg 0' 0.00\"");
        assert_eq!(
            place(40.6892, -74.0445, Some(-10.5)),
            "40 deg 41' 21.12\" N, 74 deg 2' 40.20\" W, 10.5 m Below Sea Level"
        );
        for (text, printed) in [
            ("2010-08-13T21:00:01.85-07:00", "2010:08:13 21:00:01.85-07:00"),
            ("2010-08-13 21:00 Z", "2010:08:13 21:00Z"),
            ("2010-08", "2010:08"),
            ("20190107", "20190107"),
            ("Oct 3, 1995", "Oct 3, 1995"),
        ] {
            assert_eq!(date(text), printed);
        }
    }
}
