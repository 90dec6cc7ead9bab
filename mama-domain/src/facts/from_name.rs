//! Times in the names that cameras, phones and programs give to files.

use jiff::civil::DateTime;
use jiff::tz::Offset;
use mama_ports::vocab::FileName;

use super::moment::Precision;
use super::readings::Says;
use super::taken::Certainty;
use super::{date, from_folder};

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
/// A program that writes the month first, and no seconds.
const MONTH_FIRST: &str = "CamScanner ";
/// What an iPhone calls a film of its screen, before the seconds since 1970 when that ended.
const SCREEN_FILM: &str = "RPReplay_Final";
/// Pixel phones name in UTC; others by the clock on their screen.
const IN_UTC: &str = "PXL_";
/// 2001-09-09 to 2096-10-02, in milliseconds since 1970: thirteen digits that are hardly anything else.
const MILLIS: std::ops::Range<i64> = 1_000_000_000_000..4_000_000_000_000;

/// The time in a name, if there is one: the first that can be meant.
pub(super) fn read(name: &FileName) -> Option<Named> {
    let bytes = name.as_bytes();
    let begins = |with: &&str| bytes.starts_with(with.as_bytes());
    let says = if has_arrived(bytes) || is_whatsapp(bytes) { Says::NotAfter } else { Says::At };
    let is_american = begins(&MONTH_FIRST);
    if let Some(civil) = screen_film(bytes) {
        let (precision, says, certainty) = (Precision::Second, Says::NotAfter, Certainty::Likely);
        return Some(Named { civil, precision, is_utc: true, says, certainty });
    }
    let starts = (0..bytes.len()).filter(|&at| at == 0 || !bytes[at - 1].is_ascii_digit());
    let mut days = None;
    for at in starts {
        let rest = &bytes[at..];
        if let Some((civil, precision, rest)) = day_and_time(rest, is_american) {
            let is_utc = begins(&IN_UTC) || ends_in_utc(rest);
            return Some(Named { civil, precision, is_utc, says, certainty: Certainty::Likely });
        }
        if let Some(civil) = millis(rest) {
            let precision = Precision::Subsecond;
            let (says, certainty) = (Says::NotAfter, Certainty::Likely);
            return Some(Named { civil, precision, is_utc: true, says, certainty });
        }
        if days.is_none() {
            let turned = || turned(rest, 4, is_american).map(|(numbers, ..)| numbers);
            days = day(rest).map(|(numbers, _)| numbers).or_else(turned);
        }
    }
    let (civil, precision) = date::civil(&days.or_else(|| before_words(bytes))?)?;
    let certainty = if is_whatsapp(bytes) { Certainty::Likely } else { Certainty::Guess };
    Some(Named { civil, precision, is_utc: false, says, certainty })
}

/// Whether it is named by when it came; an export of a chat numbers it, too: `00000012-PHOTO-2019-08-17-14-05-06.jpg`.
fn has_arrived(name: &[u8]) -> bool {
    let number = run(name);
    let unnumbered = name[number..].strip_prefix(b"-").filter(|_| number > 0).unwrap_or(name);
    ARRIVED.iter().any(|with| unnumbered.starts_with(with.as_bytes()))
}

/// `IMG-20180219-WA0003.jpg`: the day on which it was sent or came.
fn is_whatsapp(name: &[u8]) -> bool {
    name.get(3) == Some(&b'-') && name.windows(3).any(|part| part == b"-WA")
}

/// `20191024_081301`, `20231006_063536303`, `2019-08-17 14.05.06`, `2020-01-02-03-04-05`, `2024-04-28 at 1.09.02 PM`,
/// `2019_0817_140506`, `17.08.19, 14 05 06`.
fn day_and_time(text: &[u8], is_american: bool) -> Option<(DateTime, Precision, &[u8])> {
    let sure = |length: usize| {
        let (numbers, rest, is_sure) = turned(text, length, is_american)?;
        is_sure.then_some((numbers, rest))
    };
    let (mut numbers, rest) = match text.get(..14).filter(|digits| is_number(digits)) {
        // fourteen digits in one
        Some(digits) => (fixed(&digits[..8], &[4, 2, 2])?, &text[8..]),
        None => day(text).or_else(|| sure(4)).or_else(|| sure(2)).or_else(|| of_dashcam(text))?,
    };
    let (between, rest) = BETWEEN.iter().find_map(|between| {
        let rest = rest.strip_prefix(between.as_bytes()).filter(|rest| starts_with_digits(rest, 1))?;
        Some((between, rest))
    })?;
    let is_word = between.len() > 2;
    let (time, fraction, rest) = match run(rest) {
        6 => (fixed(&rest[..6], &[2, 2, 2])?, "", &rest[6..]),
        // milliseconds without a point
        9 => (fixed(&rest[..6], &[2, 2, 2])?, std::str::from_utf8(&rest[6..9]).ok()?, &rest[9..]),
        hour @ (1 | 2) if hour == 2 || is_word => {
            let (numbers, rest) = clock(rest, hour, !is_american)?;
            (numbers, "", rest)
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

/// `14.05.06`, `14h05m06`, `14 05 06`, or `14.05` without seconds, after an hour of so many digits; and what follows.
fn clock(text: &[u8], hour: usize, has_seconds: bool) -> Option<(Vec<u32>, &[u8])> {
    let (between, minute) = (*text.get(hour)?, text.get(hour + 1..hour + 3).filter(|part| is_number(part))?);
    let mut numbers = vec![number(&text[..hour])?, number(minute)?];
    let mut rest = &text[hour + 3..];
    if has_seconds {
        let second = rest.get(1..3).filter(|part| is_number(part))?;
        let is_like = b"-_.:mM ".contains(&rest[0]) && (rest[0] == b' ') == (between == b' ');
        is_like.then_some(())?;
        numbers.push(number(second)?);
        rest = &rest[3..];
    }
    (b"-_.:hH ".contains(&between) && !starts_with_digits(rest, 1)).then_some((numbers, rest))
}

/// `20190817T140506Z`, as ISO 8601 writes UTC; a fraction may come before the letter.
fn ends_in_utc(rest: &[u8]) -> bool {
    let rest = match rest {
        [b'.' | b',', fraction @ ..] if run(fraction) > 0 => &fraction[run(fraction)..],
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
    let (numbers, rest) = match run(text) {
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
    is_meant(&numbers).then_some((numbers, rest))
}

/// `17.08.2019`, `17-08-2019`, and `08-17-2019`, where it cannot be otherwise or the program is known for it, with a year of so
/// many digits; what follows; and whether it is sure which is the day.
fn turned(text: &[u8], length: usize, is_american: bool) -> Option<(Vec<u32>, &[u8], bool)> {
    let (parts, rest) = text.split_at_checked(6)?;
    let between = parts[2];
    let is_german = between == b'.';
    let has_form = b"-_.".contains(&between) && parts[5] == between && run(rest) == length;
    (has_form && (length == 4 || is_german)).then_some(())?;
    let (one, two) = (fixed(&parts[..2], &[2])?[0], fixed(&parts[3..5], &[2])?[0]);
    let (day, month) = if is_american || (two > 12 && !is_german) { (two, one) } else { (one, two) };
    let (year, rest) = rest.split_at(length);
    let century = if length == 2 { 2000 } else { 0 };
    let numbers = vec![century + number(year)?, month, day];
    let is_sure = is_american || is_german || one > 12 || two > 12;
    is_meant(&numbers).then_some((numbers, rest, is_sure))
}

/// `2019_0817` before a time of day, and what follows.
fn of_dashcam(text: &[u8]) -> Option<(Vec<u32>, &[u8])> {
    let (parts, rest) = text.split_at_checked(9)?;
    let has_form =
        run(parts) == 4 && parts[4] == b'_' && run(&parts[5..]) == 4 && rest.first() == Some(&b'_');
    let numbers = vec![number(&parts[..4])?, number(&parts[5..7])?, number(&parts[7..])?];
    (has_form && is_meant(&numbers)).then_some((numbers, rest))
}

/// `1965 Oma`, `1965-07 Oma`: as a folder of this name says it, where a word follows a blank: `1920 x 1080` is none.
fn before_words(name: &[u8]) -> Option<Vec<u32>> {
    let is_letter = |byte: &u8| byte.is_ascii_alphabetic() || !byte.is_ascii();
    let word = name.iter().position(is_letter)?;
    let is_word =
        name[..word].ends_with(b" ") && name[word..].iter().take_while(|byte| is_letter(byte)).count() > 2;
    is_word.then(|| from_folder::beginning(name))?
}

/// Whether people have photographs of that day in files.
fn is_meant(numbers: &[u32]) -> bool {
    (1900..2100).contains(&numbers[0]) && date::civil(numbers).is_some()
}

/// `RPReplay_Final1612345678`.
fn screen_film(name: &[u8]) -> Option<DateTime> {
    let digits = name.strip_prefix(SCREEN_FILM.as_bytes())?;
    let digits = digits.get(..10).filter(|_| run(digits) == 10)?;
    let secs = std::str::from_utf8(digits).ok()?.parse().ok()?;
    Some(Offset::UTC.to_datetime(jiff::Timestamp::from_second(secs).ok()?))
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

/// How many digits there are at the beginning.
fn run(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
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
            ("Screenshot 2024-04-28 at 1.09.02 PM.png", "2024-04-28T13:09:02 second at likely"),
            ("Screenshot 2024-04-28 at 9.09.02\u{202f}AM.png", "2024-04-28T09:09:02 second at likely"),
            ("WhatsApp Image 2018-02-19 at 2.05.06 PM.jpeg", "2018-02-19T14:05:06 second by likely"),
            ("Scan 17.08.2019.pdf", "2019-08-17T00:00:00 day at guess"),
            ("Foto 17.08.19, 14 05 06.jpg", "2019-08-17T14:05:06 second at likely"),
            ("17-08-2019 14.05.06.jpg", "2019-08-17T14:05:06 second at likely"),
            ("08-17-2019 14.05.06.jpg", "2019-08-17T14:05:06 second at likely"),
            ("05-08-2019 14.05.06.jpg", "2019-08-05T00:00:00 day at guess"),
            ("CamScanner 08-17-2019 14.05.jpg", "2019-08-17T14:05:00 minute at likely"),
            ("CamScanner 05-08-2019 14.05_12.jpg", "2019-05-08T14:05:00 minute at likely"),
            ("RPReplay_Final1612345678.MP4", "2021-02-03T09:47:58 second utc by likely"),
            ("2019_0817_140506_001.MP4", "2019-08-17T14:05:06 second at likely"),
            ("1965-07 Oma.jpg", "1965-07-01T00:00:00 month at guess"),
            ("1965 Oma.jpg", "1965-01-01T00:00:00 year at guess"),
            ("1965 Ömchen.jpg", "1965-01-01T00:00:00 year at guess"),
            ("2019-08-17 1.5.6.zip", "2019-08-17T00:00:00 day at guess"),
            ("2019-08-17 1.05.06.zip", "2019-08-17T00:00:00 day at guess"),
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
            "31.02.2019.txt",
            "13-13-2019.txt",
            "17.08.19.jpg",
            "RPReplay_Final161234567.MP4",
            "2019_0817.jpg",
            "2019_1317_140506.jpg",
            "1920 x 1080.jpg",
            "1965_Oma.jpg",
            "Oma 1965.jpg",
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
