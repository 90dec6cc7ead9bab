//! Days, months and years in the names of folders.

use jiff::civil::DateTime;
use mama_ports::vocab::AbsPath;

use super::date;
use super::moment::Precision;

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

/// `2008-10-22 Arezzo`, `2008-10 Arezzo`, `2008_10`, `20081022`, `2008`, `2008 Sommer`.
fn beginning(name: &[u8]) -> Option<Vec<u32>> {
    let run = name.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let ends = |at: usize| !name.get(at).is_some_and(u8::is_ascii_digit);
    let two = |at: usize| name.get(at..at + 2).and_then(number);
    let year = name.get(..4).and_then(number).filter(|year| YEARS.contains(year))?;
    let parts = match (run, name.get(4)) {
        (8, _) => vec![year, two(4)?, two(6)?],
        (4, Some(between)) if b"-_.".contains(between) => {
            let month = two(5)?;
            match (ends(7), name.get(7) == Some(between), two(8)) {
                (true, true, Some(day)) if ends(10) => vec![year, month, day],
                (true, _, _) => vec![year, month],
                (false, _, _) => return None,
            }
        }
        (4, None | Some(b' ')) => vec![year],
        _ => return None,
    };
    date::civil(&parts).map(|_| parts)
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

/// `2015/06` and `2015/06/12`, whose names say nothing alone.
fn below_a_year(folder: &AbsPath) -> Option<Vec<u32>> {
    let (above, name) = folder.split()?;
    let last = number(name.as_bytes()).filter(|_| name.as_bytes().len() <= 2)?;
    let (further, middle) = above.split()?;
    let middle = number(middle.as_bytes()).map(|number| (number, middle.as_bytes().len()))?;
    match middle {
        (year, 4) if YEARS.contains(&year) => Some(vec![year, last]),
        (month, 1 | 2) => {
            let (_, year) = further.split()?;
            let year = number(year.as_bytes()).filter(|year| YEARS.contains(year))?;
            Some(vec![year, month, last])
        }
        _ => None,
    }
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
