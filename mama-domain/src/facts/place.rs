//! Where.

use super::Sourced;
use super::doc::{Doc, Docs};

/// A point on Earth (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// Degrees, positive to the north.
    pub latitude: f64,
    /// Degrees, positive to the east.
    pub longitude: f64,
    /// Metres above the sea.
    pub altitude: Option<f64>,
}

impl Place {
    /// `None` if there is no such point, or if nobody set it: no family has a picture of 0° N 0° E, but many a program wrote it.
    fn new(latitude: f64, longitude: f64, altitude: Option<f64>) -> Option<Self> {
        let is_on_earth = latitude.abs() <= 90.0 && longitude.abs() <= 180.0;
        let is_set = latitude != 0.0 || longitude != 0.0;
        (is_on_earth && is_set).then_some(Self { latitude, longitude, altitude })
    }
}

/// QuickTime's one-line positions, in the order in which they are believed.
const LINES: [&str; 4] =
    ["Keys:GPSCoordinates", "UserData:GPSCoordinates", "ItemList:GPSCoordinates", "Keys:LocationInformation"];

/// What Google Photos has: as it shows it, which may be guessed from where a phone was, and as it read it from the picture.
const TAKEOUT: [&str; 2] = ["JSON:GeoData", "JSON:GeoDataExif"];

pub(super) fn place(docs: &Docs<'_>) -> Option<Sourced<Place>> {
    let measured = docs.all().find_map(|doc| {
        let groups = ["GPS", "XMP-exif"].into_iter().find_map(|group| of_group(doc, group));
        groups
            .or_else(|| LINES.iter().find_map(|key| doc.read(key, of_line)))
            .or_else(|| doc.read("Composite:GPSPosition", of_line))
    });
    measured.or_else(|| docs.all().find_map(|doc| TAKEOUT.iter().find_map(|key| of_takeout(doc, key))))
}

/// From tags of their own; where the side of the globe is missing, a number could be on either one.
fn of_group(doc: Doc<'_>, group: &str) -> Option<Sourced<Place>> {
    let angle = |tag: &str| {
        let key = format!("{group}:{tag}");
        degrees(&doc.text(&key)?, doc.text(&format!("{key}Ref")).as_deref())
    };
    let (latitude, longitude) = (angle("GPSLatitude")?, angle("GPSLongitude")?);
    let altitude = doc.number(&format!("{group}:GPSAltitude")).map(|metres| {
        let reference = doc.text(&format!("{group}:GPSAltitudeRef"));
        if reference.is_some_and(|reference| is_below_sea(&reference)) { -metres.abs() } else { metres }
    });
    doc.read(&format!("{group}:GPSLatitude"), |_| Place::new(latitude, longitude, altitude))
}

fn of_takeout(doc: Doc<'_>, key: &str) -> Option<Sourced<Place>> {
    let part = |part: &str| {
        let number: f64 = doc.part(key, part)?.parse().ok()?;
        number.is_finite().then_some(number)
    };
    let value = Place::new(part("latitude")?, part("longitude")?, part("altitude"))?;
    Some(Sourced { value, source: doc.source(key) })
}

/// `52 deg 12' 34.92" N, 0 deg 53' 43.80" W, 80.5 m Above Sea Level`.
fn of_line(line: &str) -> Option<Place> {
    let mut parts = line.split(',').map(str::trim);
    let (latitude, longitude) = (degrees(parts.next()?, None)?, degrees(parts.next()?, None)?);
    let altitude = parts.next().and_then(|part| {
        let metres: f64 = part.split_whitespace().next()?.parse().ok()?;
        Some(if is_below_sea(part) { -metres.abs() } else { metres })
    });
    Place::new(latitude, longitude, altitude.filter(|metres| metres.is_finite()))
}

fn is_below_sea(text: &str) -> bool {
    text.contains("Below") || text == "1"
}

/// `52 deg 12' 34.92" N` or `52.2097`; the side is at the end, in a tag of its own, or the sign.
fn degrees(text: &str, side: Option<&str>) -> Option<f64> {
    let numbers =
        text.split(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).filter(|part| !part.is_empty());
    let numbers: Vec<f64> = numbers.map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let (Some(&first), true) = (numbers.first(), numbers.len() <= 3) else { return None };
    let size = numbers.iter().rev().fold(0.0, |below, part| part.abs() + below / 60.0);
    let own = text.chars().last().filter(char::is_ascii_alphabetic);
    let is_signed = first.is_sign_negative();
    let is_negative = match own.or_else(|| side?.chars().next()) {
        Some('S' | 'W') => true,
        Some('N' | 'E') => false,
        _ if numbers.len() == 1 || is_signed => is_signed,
        _ => return None,
    };
    Some(if is_negative { -size } else { size }).filter(|degrees| degrees.is_finite())
}
