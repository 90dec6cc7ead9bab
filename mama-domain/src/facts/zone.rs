//! In which zone a moment was, where the tag itself does not say.

use jiff::tz::Offset;

use super::Source;
use super::date;
use super::doc::Docs;
use super::moment::{Basis, EAST, Moment, Precision, QUARTER, WEST, Zone};
use super::readings::{Rank, Reading};

/// How far a position's time may be from the shutter's to tell the zone, in seconds: far from half an hour, so that an old
/// position is hardly ever taken for another zone.
const FRESH_FIX: i64 = 120;
/// How far two notes of one moment may be apart, in seconds.
const SAME_MOMENT: i64 = 2;
/// How far a video's name and its time of creation may be apart, in seconds: one is of the start, the other may be of the end.
const ONE_RECORDING: i64 = 120;
/// Zones of half and quarter hours that are or were in use since 1970, in minutes.
const BROKEN_HOURS: [i64; 13] = [-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825];

/// The best reading's moment, with a zone if anything tells it.
pub(super) fn resolved(best: &Reading, readings: &[Reading], docs: &Docs<'_>, length: Option<i64>) -> Moment {
    let moment = &best.moment;
    if moment.precision < Precision::Second {
        return moment.clone();
    }
    let others = || readings.iter().filter(|other| other.source != best.source);
    match &moment.zone {
        Some(zone) if zone.basis == Basis::Utc => local(best, others(), docs),
        Some(_) => moment.clone(),
        None => {
            let zone = same_clock(moment, others())
                .or_else(|| noted_in_utc(best, others(), length))
                .or_else(|| position(moment, others()))
                .or_else(|| setting(docs));
            Moment { zone, ..moment.clone() }
        }
    }
}

/// Another reading that shows the same clock and names its zone.
fn same_clock<'a>(moment: &Moment, mut others: impl Iterator<Item = &'a Reading>) -> Option<Zone> {
    others.find_map(|other| {
        let zone = other.moment.zone.as_ref().filter(|zone| zone.basis == Basis::Written)?;
        let zone = Zone { basis: Basis::SameClock, ..zone.clone() };
        moment.shows_the_same_as(&other.moment).then_some(zone)
    })
}

/// Another reading that notes the moment in UTC. Zero is no answer: there are cameras that write local time where UTC belongs.
/// Nor is a file's own time: cards keep it in local time, and whoever copied them took his own zone for the camera's.
fn noted_in_utc<'a>(
    best: &Reading,
    others: impl Iterator<Item = &'a Reading>,
    length: Option<i64>,
) -> Option<Zone> {
    let mut in_utc = others.filter(|other| match other.rank {
        Rank::Mtime => false,
        Rank::Gps => is_note(other),
        _ => true,
    });
    let noted =
        |other| ended(best, other, length).or_else(|| Some(difference(&best.moment, other, SAME_MOMENT)?.0));
    in_utc.find_map(|other| noted(other).filter(|zone| zone.offset != Offset::UTC))
}

/// The zone of the name that a video got when it began, by the note in UTC of when it ended: `length` seconds later.
pub(super) fn ended(start: &Reading, end: &Reading, length: Option<i64>) -> Option<Zone> {
    let is_recording = start.rank == Rank::FileName && start.moment.zone.is_none();
    let length = length.filter(|_| is_recording && end.rank == Rank::QuickTime)?;
    let (zone, off) = difference_after(&start.moment, length, end, ONE_RECORDING)?;
    // others note when it began: of an hour, both are a zone
    let began = difference(&start.moment, end, ONE_RECORDING);
    began.is_none_or(|(_, began_off)| off <= began_off).then_some(zone)
}

/// The time that came with the position.
fn position<'a>(moment: &Moment, mut others: impl Iterator<Item = &'a Reading>) -> Option<Zone> {
    others.find_map(|other| is_position(other).then(|| Some(difference(moment, other, FRESH_FIX)?.0))?)
}

/// What the device was set to.
fn setting(docs: &Docs<'_>) -> Option<Zone> {
    let doc = docs.own?;
    let summer = |key: &str| doc.text(key).is_some_and(|text| ["Yes", "On", "60"].contains(&text.as_str()));
    let of = |key: &str, summer: bool| {
        let offset = date::offset(&doc.text(key)?)?;
        let offset = Offset::from_seconds(offset.seconds() + if summer { 3600 } else { 0 }).ok()?;
        Some(Zone { offset, basis: Basis::Setting, source: doc.source(key) })
    };
    of("Nikon:TimeZone", summer("Nikon:DaylightSavings"))
        .or_else(|| of("Canon:TimeZone", summer("Canon:DaylightSavings")))
        .or_else(|| of("QuickTime:TimeZone", false))
}

/// A moment that is known in UTC, on the clock of where it was.
fn local<'a>(best: &Reading, others: impl Iterator<Item = &'a Reading>, docs: &Docs<'_>) -> Moment {
    let moment = &best.moment;
    if let Some(zone) = setting(docs) {
        return moment.on_clock_of(zone);
    }
    let mut names = others.filter(|other| other.rank == Rank::FileName && other.moment.zone.is_none());
    let named = names.find_map(|name| Some((name, difference(&name.moment, best, ONE_RECORDING)?.0)));
    match named {
        // Either it was in UTC, or the camera wrote local time where UTC belongs.
        Some((_, zone)) if zone.offset == Offset::UTC && best.rank == Rank::QuickTime => {
            Moment { zone: None, ..moment.clone() }
        }
        Some((name, zone)) => moment.on_clock_of(Zone { source: name.source.clone(), ..zone }),
        None => moment.clone(),
    }
}

/// The zone of a local clock, by another note of its moment in UTC, and the seconds that are left.
fn difference(local: &Moment, in_utc: &Reading, tolerance: i64) -> Option<(Zone, i64)> {
    difference_after(local, 0, in_utc, tolerance)
}

/// The same where the note was taken `later`, in seconds.
fn difference_after(local: &Moment, later: i64, in_utc: &Reading, tolerance: i64) -> Option<(Zone, i64)> {
    let zone = in_utc.moment.zone.as_ref().filter(|zone| zone.basis == Basis::Utc)?;
    if local.precision < Precision::Second || in_utc.moment.precision < Precision::Second {
        return None;
    }
    let utc = in_utc.moment.clock() - i64::from(zone.offset.seconds());
    let clock = local.clock() + later;
    let apart = zone_between(clock, utc, tolerance)?;
    let offset = Offset::from_seconds(i32::try_from(apart).ok()?).ok()?;
    let zone = Zone { offset, basis: Basis::Difference, source: in_utc.source.clone() };
    Some((zone, (clock - utc - apart).abs()))
}

/// The zone in use whose clock shows `local` when it is `utc`, give or take `tolerance`; all in seconds.
pub(crate) fn zone_between(local: i64, utc: i64, tolerance: i64) -> Option<i64> {
    let apart = local - utc;
    let offset = (apart + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    ((apart - offset).abs() <= tolerance && is_in_use(offset)).then_some(offset)
}

fn is_in_use(offset: i64) -> bool {
    (-WEST..=EAST).contains(&offset) && (offset % 3600 == 0 || BROKEN_HOURS.contains(&(offset / 60)))
}

/// Whether it came with the position, which may be older.
pub(super) fn is_position(reading: &Reading) -> bool {
    reading.rank == Rank::Gps && !is_note(reading)
}

/// Whether it was noted with the capture itself, and not with a position before.
fn is_note(reading: &Reading) -> bool {
    matches!(&reading.source, Source::Tag { key, .. } if ["Olympus:DateTimeUTC", "JSON:PhotoTakenTime"].contains(&key.as_str()))
}
