//! Days, months and years in the names of folders.

use jiff::civil::DateTime;
use mama_ports::vocab::AbsPath;

use super::moment::Precision;
use super::{date, months};

/// Which years folders are named after.
const YEARS: std::ops::Range<u32> = 1826..2100;

/// The folder nearest to the file whose name is, or begins with, a day, a month or a year, or ends in a year; and what it says.
pub(super) fn read(path: &AbsPath) -> Option<(AbsPath, DateTime, Precision)> {
    let (mut folder, _) = path.split()?;
    loop {
        let (above, name) = folder.split()?;
        let numbers =
            beginning(name.as_bytes()).or_else(|| below_a_year(&folder)).or_else(|| end(name.as_bytes()));
        if let Some((civil, precision)) = numbers.and_then(|numbers| date::civil(&numbers)) {
            return Some((folder, civil, precision));
        }
        folder = above;
    }
}

/// `2008-10-22 Arezzo`, `2008-10 Arezzo`, `2008_10`, `20081022`, `2008 10 22 Arezzo`, `22.10.2008`, `2008`, `2008 Sommer`, `2008_Sommer`.
pub(super) fn beginning(name: &[u8]) -> Option<Vec<u32>> {
    let run = digits(name);
    let two = |at: usize| name.get(at..at + 2).and_then(number);
    let whole = |at: usize| two(at).filter(|_| digits(&name[at..]) == 2);
    if run <= 2 {
        return day_first(name);
    }
    let year = name.get(..4).and_then(number).filter(|year| YEARS.contains(year))?;
    let parts = match (run, name.get(4)) {
        (8, _) => vec![year, two(4)?, two(6)?],
        (4, Some(between)) if b"-_. ".contains(between) => {
            let day = if name.get(7) == Some(between) { whole(8) } else { None };
            let is_number = name.get(5).is_some_and(u8::is_ascii_digit);
            match (whole(5), day) {
                (Some(month), Some(day)) if *between != b' ' || is_day(&[year, month, day]) => {
                    vec![year, month, day]
                }
                // `2012 10 Tage Rom`
                (_, _) if *between == b' ' => vec![year],
                (Some(month), _) => vec![year, month],
                // `1998-2001`
                (None, _) if is_number => return None,
                (None, _) => vec![year],
            }
        }
        (4, None) => vec![year],
        _ => return None,
    };
    is_day(&parts).then_some(parts)
}

/// `22.10.2008 Arezzo`, `1.5.2008`.
fn day_first(name: &[u8]) -> Option<Vec<u32>> {
    let mut parts = name.splitn(3, |byte| *byte == b'.');
    let (day, month, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let year = rest.get(..4).filter(|_| digits(rest) == 4 && day.len() <= 2 && month.len() <= 2)?;
    let year = number(year).filter(|year| YEARS.contains(year))?;
    let parts = vec![year, number(month)?, number(day)?];
    is_day(&parts).then_some(parts)
}

/// Whether there is such a day, month or year.
fn is_day(numbers: &[u32]) -> bool {
    date::civil(numbers).is_some()
}

/// `Weihnachten 2012`, and what Takeout calls the folder of a year, in any language: `Photos from 2012`, `Fotos von 2012`.
fn end(name: &[u8]) -> Option<Vec<u32>> {
    let (before, year) = name.split_at_checked(name.len().checked_sub(4)?)?;
    let year = number(year).filter(|year| YEARS.contains(year))?;
    let (gap, words) = before.split_last()?;
    let has_words = words.iter().any(|byte| byte.is_ascii_alphabetic() || !byte.is_ascii());
    // `Reisen 1998-2001`
    let is_range = words.windows(4).any(|part| part.iter().all(u8::is_ascii_digit));
    (b" _-".contains(gap) && has_words && !is_range).then_some(vec![year])
}

/// `2015/06`, `2015/06 Juni` and `2015/06/12`, whose names say nothing alone.
fn below_a_year(folder: &AbsPath) -> Option<Vec<u32>> {
    let (above, name) = folder.split()?;
    let (last, word) = name.as_bytes().split_at(digits(name.as_bytes()));
    let last = number(last).filter(|_| last.len() <= 2)?;
    let is_month = months::is_called(last, word);
    if !word.is_empty() && !is_month {
        return None;
    }
    let (further, middle) = above.split()?;
    let middle = number(middle.as_bytes()).map(|number| (number, middle.as_bytes().len()))?;
    match middle {
        (year, 4) if YEARS.contains(&year) => Some(vec![year, last]),
        (month, 1 | 2) if word.is_empty() => {
            let (_, year) = further.split()?;
            let year = number(year.as_bytes()).filter(|year| YEARS.contains(year))?;
            Some(vec![year, month, last])
        }
        _ => None,
    }
}

/// How many digits there are at the beginning.
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn number(digits: &[u8]) -> Option<u32> {
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| is_number)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_folder_that_names_a_date_counts() {
        for (path, expected) in [
            ("/p/2008-10 Arezzo/x.jpg", Some("/p/2008-10 Arezzo 2008-10-01T00:00:00 month")),
            ("/p/2008-10-22/x.jpg", Some("/p/2008-10-22 2008-10-22T00:00:00 day")),
            ("/p/2008_10_22 Arezzo/raw/x.jpg", Some("/p/2008_10_22 Arezzo 2008-10-22T00:00:00 day")),
            ("/p/20081022/x.jpg", Some("/p/20081022 2008-10-22T00:00:00 day")),
            ("/p/2015/06/12/x.jpg", Some("/p/2015/06/12 2015-06-12T00:00:00 day")),
            ("/p/2015/6/x.jpg", Some("/p/2015/6 2015-06-01T00:00:00 month")),
            ("/p/2015/2015-06-12 Fest/x.jpg", Some("/p/2015/2015-06-12 Fest 2015-06-12T00:00:00 day")),
            ("/p/2015/Sommer/x.jpg", Some("/p/2015 2015-01-01T00:00:00 year")),
            ("/p/2015 Sommer/x.jpg", Some("/p/2015 Sommer 2015-01-01T00:00:00 year")),
            ("/p/Photos from 2023/x.jpg", Some("/p/Photos from 2023 2023-01-01T00:00:00 year")),
            ("/p/2015/13/x.jpg", Some("/p/2015 2015-01-01T00:00:00 year")),
            ("/p/Fotos von 2012/x.jpg", Some("/p/Fotos von 2012 2012-01-01T00:00:00 year")),
            ("/p/Photos de 2012/x.jpg", Some("/p/Photos de 2012 2012-01-01T00:00:00 year")),
            ("/p/Fotos de 2012/x.jpg", Some("/p/Fotos de 2012 2012-01-01T00:00:00 year")),
            ("/p/Foto dal 2012/x.jpg", Some("/p/Foto dal 2012 2012-01-01T00:00:00 year")),
            ("/p/Foto's uit 2012/x.jpg", Some("/p/Foto's uit 2012 2012-01-01T00:00:00 year")),
            ("/p/Zdjęcia z 2012/x.jpg", Some("/p/Zdjęcia z 2012 2012-01-01T00:00:00 year")),
            ("/p/Foton från 2012/x.jpg", Some("/p/Foton från 2012 2012-01-01T00:00:00 year")),
            ("/p/Weihnachten 2012/x.jpg", Some("/p/Weihnachten 2012 2012-01-01T00:00:00 year")),
            ("/p/Dias_1987/x.jpg", Some("/p/Dias_1987 1987-01-01T00:00:00 year")),
            ("/p/2012/Dias 1987/x.jpg", Some("/p/2012/Dias 1987 1987-01-01T00:00:00 year")),
            ("/p/2012_Sommer/x.jpg", Some("/p/2012_Sommer 2012-01-01T00:00:00 year")),
            ("/p/2012-Sommer/x.jpg", Some("/p/2012-Sommer 2012-01-01T00:00:00 year")),
            ("/p/15.06.2012/x.jpg", Some("/p/15.06.2012 2012-06-15T00:00:00 day")),
            ("/p/12.08.2012 Fest/x.jpg", Some("/p/12.08.2012 Fest 2012-08-12T00:00:00 day")),
            ("/p/1.5.2012/x.jpg", Some("/p/1.5.2012 2012-05-01T00:00:00 day")),
            ("/p/2012 06 15 Hochzeit/x.jpg", Some("/p/2012 06 15 Hochzeit 2012-06-15T00:00:00 day")),
            ("/p/2012 10 Tage Rom/x.jpg", Some("/p/2012 10 Tage Rom 2012-01-01T00:00:00 year")),
            ("/p/2012 13 40/x.jpg", Some("/p/2012 13 40 2012-01-01T00:00:00 year")),
            ("/p/2012/06 Juni/x.jpg", Some("/p/2012/06 Juni 2012-06-01T00:00:00 month")),
            ("/p/2012/6_june 2012/x.jpg", Some("/p/2012/6_june 2012 2012-06-01T00:00:00 month")),
            ("/p/2012/03 März/x.jpg", Some("/p/2012/03 März 2012-03-01T00:00:00 month")),
            ("/p/2012/03 Marokko/x.jpg", Some("/p/2012 2012-01-01T00:00:00 year")),
            ("/p/2012/01 Hochzeit/x.jpg", Some("/p/2012 2012-01-01T00:00:00 year")),
            ("/p/2012/05 Juni/x.jpg", Some("/p/2012 2012-01-01T00:00:00 year")),
            ("/p/2015/2.6.2012.1/x.jpg", Some("/p/2015/2.6.2012.1 2012-06-02T00:00:00 day")),
            ("/p/10.2.1/x.jpg", None),
            ("/p/31.02.2012/x.jpg", None),
            ("/p/1998-2001/x.jpg", None),
            ("/p/Reisen 1998-2001/x.jpg", None),
            ("/p/Reisen 1998 - 2001/x.jpg", None),
            ("/p/100_2010/x.jpg", None),
            ("/p/EOS2000/x.jpg", None),
            ("/p/Dias 1787/x.jpg", None),
            ("/p/ 2012/x.jpg", None),
            ("/p/Alter Laptop (2011)/x.jpg", None),
            ("/p/12345/06/x.jpg", None),
            ("/p/2008-10-22.jpg", None),
            ("/p/3000/x.jpg", None),
            ("/x.jpg", None),
        ] {
            let found = read(&AbsPath::parse(path).unwrap());
            let found =
                found.map(|(folder, civil, precision)| format!("{folder} {civil} {}", precision.as_str()));
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }
}
