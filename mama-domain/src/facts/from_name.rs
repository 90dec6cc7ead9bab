//! Times in the names that cameras, phones and programs give to files.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use mama_ports::vocab::FileName;

use super::date;
use super::moment::Precision;
use super::readings::Says;
use super::taken::Certainty;

/// A time that a name tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Named {
    pub(super) civil: DateTime,
    pub(super) precision: Precision,
    pub(super) is_utc: bool,
    pub(super) says: Says,
    pub(super) certainty: Certainty,
}

/// Beginnings of names of programs that name files by when they arrived or were saved.
const ARRIVED: [&str; 9] =
    ["FB_IMG_", "mmexport", "signal-", "WhatsApp ", "telegram-", "photo_", "received_", "PHOTO-", "VIDEO-"];
/// What stands between day and time; the words as macOS and WhatsApp have them in English, German, French, Spanish, Italian, Dutch, Portuguese and Swedish.
const BETWEEN: [&str; 19] = [
    " at ",
    "_at_",
    " um ",
    " à ",
    " a\u{300} ",
    " a las ",
    " alle ",
    " om ",
    " às ",
    " a\u{300}s ",
    " kl. ",
    " kl ",
    "_",
    "-",
    " ",
    "T",
    ".",
    ", ",
    "",
];
/// Pixel phones name in UTC; others by the clock on their screen.
const IN_UTC: &str = "PXL_";
/// 2001-09-09 to 2096-10-02, in milliseconds since 1970: thirteen digits that are hardly anything else.
const MILLIS: std::ops::Range<i64> = 1_000_000_000_000..4_000_000_000_000;

/// The time in a name, if there is one: the first that can be meant.
pub(super) fn read(name: &FileName) -> Option<Named> {
    let bytes = name.as_bytes();
    let begins = |with: &&str| bytes.starts_with(with.as_bytes());
    let says = if has_arrived(bytes) || is_whatsapp(bytes) { Says::NotAfter } else { Says::At };
    let starts = (0..bytes.len()).filter(|&at| at == 0 || !bytes[at - 1].is_ascii_digit());
    let mut days = None;
    for at in starts {
        let rest = &bytes[at..];
        if let Some((civil, precision, rest)) = day_and_time(rest) {
            let is_utc = begins(&IN_UTC) || ends_in_utc(rest);
            return Some(Named { civil, precision, is_utc, says, certainty: Certainty::Likely });
        }
        if let Some(civil) = millis(rest) {
            let precision = Precision::Subsecond;
            let (says, certainty) = (Says::NotAfter, Certainty::Likely);
            return Some(Named { civil, precision, is_utc: true, says, certainty });
        }
        if days.is_none() {
            days = day(rest).map(|(numbers, _)| numbers);
        }
    }
    let (civil, precision) = date::civil(&days?)?;
    let certainty = if is_whatsapp(bytes) { Certainty::Likely } else { Certainty::Guess };
    Some(Named { civil, precision, is_utc: false, says, certainty })
}

/// Also in an export of a chat, which numbers what it has: `00000012-PHOTO-2019-08-17-14-05-06.jpg`.
fn has_arrived(name: &[u8]) -> bool {
    let number = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let unnumbered = name[number..].strip_prefix(b"-").filter(|_| number > 0).unwrap_or(name);
    ARRIVED.iter().any(|with| unnumbered.starts_with(with.as_bytes()))
}

/// `IMG-20180219-WA0003.jpg`: the day on which it was sent or came.
fn is_whatsapp(name: &[u8]) -> bool {
    name.get(3) == Some(&b'-') && name.windows(3).any(|part| part == b"-WA")
}

/// `20191024_081301`, `20231006_063536303`, `2019-08-17 14.05.06`, `2020-01-02-03-04-05`, `2024-04-28 at 11.09.02 PM`.
fn day_and_time(text: &[u8]) -> Option<(DateTime, Precision, &[u8])> {
    let (mut numbers, rest) = match text.get(..14).filter(|digits| is_number(digits)) {
        // fourteen digits in one
        Some(digits) => (fixed(&digits[..8], &[4, 2, 2])?, &text[8..]),
        None => day(text)?,
    };
    let rest = BETWEEN.iter().find_map(|between| {
        rest.strip_prefix(between.as_bytes()).filter(|rest| starts_with_digits(rest, 2))
    })?;
    let run = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (time, fraction, rest) = match run {
        6 => (fixed(&rest[..6], &[2, 2, 2])?, "", &rest[6..]),
        // milliseconds without a point
        9 => (fixed(&rest[..6], &[2, 2, 2])?, std::str::from_utf8(&rest[6..9]).ok()?, &rest[9..]),
        2 => {
            let (between, parts) = (rest.get(2)?, rest.get(..8)?);
            let is_time = b"-_.:hH".contains(between) && is_number(&parts[3..5]) && is_number(&parts[6..8]);
            let is_time = is_time && b"-_.:mM".contains(&parts[5]) && !starts_with_digits(&rest[8..], 1);
            is_time.then_some(())?;
            (vec![number(&parts[..2])?, number(&parts[3..5])?, number(&parts[6..8])?], "", &rest[8..])
        }
        _ => return None,
    };
    numbers.extend(time);
    numbers[3] = on_24_hours(numbers[3], rest)?;
    let (civil, precision) = date::civil(&numbers)?;
    Some(match date::with_subseconds(civil, fraction) {
        Some(exact) => (exact, Precision::Subsecond, rest),
        None => (civil, precision, rest),
    })
}

/// `20190817T140506Z`, as ISO 8601 writes UTC; a fraction may come before the letter.
fn ends_in_utc(rest: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = match rest {
        [b'.' | b',', fraction @ ..] if digits(fraction) > 0 => &fraction[digits(fraction)..],
        rest => rest,
    };
    rest.first() == Some(&b'Z') && !rest.get(1).is_some_and(u8::is_ascii_alphanumeric)
}

/// macOS writes ` PM`, with a narrow blank since 2022.
fn on_24_hours(hour: u32, rest: &[u8]) -> Option<u32> {
    let rest =
        rest.strip_prefix("\u{202f}".as_bytes()).or_else(|| rest.strip_prefix(b" ")).unwrap_or_default();
    match (hour, rest.get(..2)) {
        (1..=11, Some(b"PM")) => Some(hour + 12),
        (12, Some(b"AM")) => Some(0),
        (13.., Some(b"PM" | b"AM")) => None,
        _ => Some(hour),
    }
}

/// `20180219` or `2019-08-17`, and what follows.
fn day(text: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let run = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (numbers, rest) = match run {
        8 => (fixed(&text[..8], &[4, 2, 2])?, &text[8..]),
        4 => {
            let (between, parts) = (*text.get(4)?, text.get(..10)?);
            let is_day =
                b"-_.".contains(&between) && parts[7] == between && !starts_with_digits(&text[10..], 1);
            let digits = [&parts[..4], &parts[5..7], &parts[8..10]];
            (is_day && digits.iter().all(|digits| is_number(digits))).then_some(())?;
            (digits.into_iter().map(number).collect::<Option<_>>()?, &text[10..])
        }
        _ => return None,
    };
    let is_meant = (1900..2100).contains(&numbers[0]) && date::civil(&numbers).is_some();
    is_meant.then_some((numbers, rest))
}

fn millis(text: &[u8]) -> Option<DateTime> {
    let digits = text.get(..13).filter(|digits| is_number(digits) && !starts_with_digits(&text[13..], 1))?;
    let millis: i64 = std::str::from_utf8(digits).ok()?.parse().ok()?;
    let at = jiff::Timestamp::from_millisecond(millis).ok().filter(|_| MILLIS.contains(&millis))?;
    Some(Offset::UTC.to_datetime(at))
}

/// Numbers of these lengths, one behind the other.
fn fixed(digits: &[u8], lengths: &[usize]) -> Option<Vec<u32>> {
    let mut rest = digits;
    lengths
        .iter()
        .map(|length| {
            let (own, others) = rest.split_at_checked(*length)?;
            rest = others;
            number(own)
        })
        .collect()
}

fn number(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok().filter(|_| is_number(digits))?.parse().ok()
}

fn is_number(digits: &[u8]) -> bool {
    digits.iter().all(u8::is_ascii_digit)
}

fn starts_with_digits(text: &[u8], how_many: usize) -> bool {
    text.get(..how_many).is_some_and(is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(name: &str) -> Option<String> {
        let named = read(&FileName::parse(name).unwrap())?;
        let Named { civil, precision, is_utc, says, certainty } = named;
        let zone = if is_utc { " utc" } else { "" };
        let says = if says == Says::At { "at" } else { "by" };
        Some(format!("{civil} {}{zone} {says} {}", precision.as_str(), certainty.as_str()))
    }

    #[test]
    fn names_of_cameras_phones_and_programs_are_understood() {
        for (name, expected) in [
            ("IMG_20191024_081301.jpg", "2019-10-24T08:13:01 second at likely"),
            ("VID_20191027_134014.mov", "2019-10-27T13:40:14 second at likely"),
            ("video_20240203_150538.mp4", "2024-02-03T15:05:38 second at likely"),
            ("20191024_081301(1).jpg", "2019-10-24T08:13:01 second at likely"),
            ("PXL_20231006_063536303.jpg", "2023-10-06T06:35:36.303 subsecond utc at likely"),
            ("PXL_20231006_063909898.LS.mp4", "2023-10-06T06:39:09.898 subsecond utc at likely"),
            ("IMG-20180219-WA0003.jpg", "2018-02-19T00:00:00 day by likely"),
            ("VID-20180219-WA0003.mp4", "2018-02-19T00:00:00 day by likely"),
            ("WhatsApp Image 2018-02-19 at 10.05.06.jpeg", "2018-02-19T10:05:06 second by likely"),
            ("Screenshot_2020-01-02-03-04-05.png", "2020-01-02T03:04:05 second at likely"),
            ("Screenshot_20200102-030405_Maps.jpg", "2020-01-02T03:04:05 second at likely"),
            ("Screenshot 2024-04-28 at 11.09.02 PM.png", "2024-04-28T23:09:02 second at likely"),
            ("Screenshot 2024-04-28 at 12.09.02\u{202f}AM.png", "2024-04-28T00:09:02 second at likely"),
            ("Bildschirmfoto 2019-08-17 um 14.05.06.png", "2019-08-17T14:05:06 second at likely"),
            ("Capture d’écran 2019-08-17 à 14.05.06.png", "2019-08-17T14:05:06 second at likely"),
            ("Capture d’écran 2019-08-17 a\u{300} 14.05.06.png", "2019-08-17T14:05:06 second at likely"),
            ("Captura de pantalla 2019-08-17 a las 14.05.06.png", "2019-08-17T14:05:06 second at likely"),
            ("Schermata 2019-08-17 alle 14.05.06.png", "2019-08-17T14:05:06 second at likely"),
            ("Skärmavbild 2019-08-17 kl. 14.05.06.png", "2019-08-17T14:05:06 second at likely"),
            ("WhatsApp Bild 2018-02-19 um 10.05.06.jpeg", "2018-02-19T10:05:06 second by likely"),
            ("photo_2021-03-04_05-06-07.jpg", "2021-03-04T05:06:07 second by likely"),
            ("PHOTO-2019-08-17-14-05-06.jpg", "2019-08-17T14:05:06 second by likely"),
            ("VIDEO-2019-08-17-14-05-06.mp4", "2019-08-17T14:05:06 second by likely"),
            ("00000012-PHOTO-2019-08-17-14-05-06.jpg", "2019-08-17T14:05:06 second by likely"),
            ("2019-08-17 14.05.06.jpg", "2019-08-17T14:05:06 second at likely"),
            ("Photo 2019-08-17 14h05m06.jpg", "2019-08-17T14:05:06 second at likely"),
            ("2019-08-17T14:05:06.jpg", "2019-08-17T14:05:06 second at likely"),
            ("2019-08-17T14:05:06Z.jpg", "2019-08-17T14:05:06 second utc at likely"),
            ("20190817T140506Z_front.jpg", "2019-08-17T14:05:06 second utc at likely"),
            ("2019-08-17T14-05-06.123Z.jpg", "2019-08-17T14:05:06 second utc at likely"),
            ("20190817_140506Zoo.jpg", "2019-08-17T14:05:06 second at likely"),
            ("20190817140506.jpg", "2019-08-17T14:05:06 second at likely"),
            ("signal-2021-03-04-050607.jpg", "2021-03-04T05:06:07 second by likely"),
            ("signal-2021-03-04-05-06-07-123.jpg", "2021-03-04T05:06:07 second by likely"),
            ("1540000000000.jpg", "2018-10-20T01:46:40 subsecond utc by likely"),
            ("FB_IMG_1540000000123.jpg", "2018-10-20T01:46:40.123 subsecond utc by likely"),
            ("mmexport1540000000123.jpg", "2018-10-20T01:46:40.123 subsecond utc by likely"),
            ("Rechnung 2010-03-04.pdf", "2010-03-04T00:00:00 day at guess"),
            ("2010_03_04 Ausflug.jpg", "2010-03-04T00:00:00 day at guess"),
            ("20180219.jpg", "2018-02-19T00:00:00 day at guess"),
            ("1_20180219.jpg", "2018-02-19T00:00:00 day at guess"),
            ("IMG_20191024_251301.jpg", "2019-10-24T00:00:00 day at guess"),
        ] {
            assert_eq!(told(name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn numbers_that_are_no_times_are_none() {
        for name in [
            "IMG_1234.JPG",
            "DSCN0010.jpg",
            "12345678.jpg",
            "20181332.jpg",
            "20180230_101112.jpg",
            "18991231.jpg",
            "0123456789012.jpg",
            "9780306406157.pdf",
            "2019.jpg",
            "2019-08.jpg",
            "2019-08-171.jpg",
            "192.168.10.12.txt",
            "2019.08-17.txt",
            "a",
            "-",
        ] {
            assert_eq!(told(name), None, "{name}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_in_nobodys_way() {
        let name = FileName::parse(b"\xff\xfe_20191024_081301\n.jpg".to_vec()).unwrap();
        assert_eq!(read(&name).unwrap().civil.to_string(), "2019-10-24T08:13:01");
    }
}
