//! Everything that says when a content was captured.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use mama_ports::vocab::Timestamp;

use super::date::{self, Written};
use super::doc::{Doc, Docs};
use super::moment::{Basis, Moment, Precision, Zone};
use super::tags::{Clock, KNOWN_GROUPS, Keys, RULES, Rule};
use super::taken::{Certainty, Ignored};
use super::{Context, Source, from_folder, from_name, plausible};

/// How much different sources of one moment may differ, in seconds: a file gets its name after the shutter.
pub(super) const SLACK: i64 = 60;
/// How old a position may be that a camera still writes down, in seconds.
pub(super) const OLD_FIX: i64 = 600;

/// Who is believed first. A clock that was never set by anybody comes after all that people wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Sidecar,
    Original,
    Maker,
    Xmp,
    Iptc,
    Keys,
    Recording,
    QuickTime,
    Digitized,
    Gps,
    Document,
    Png,
    FileName,
    Folder,
    NeverSet,
    Saved,
    Mtime,
}

/// What a source claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Says {
    /// It was then.
    At,
    /// It was then or before: this is when something was done to what was there.
    NotAfter,
}

/// What one source says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    pub(super) rank: Rank,
    pub(super) moment: Moment,
    pub(super) source: Source,
    pub(super) says: Says,
    pub(super) certainty: Certainty,
}

impl Reading {
    /// Whether it and `moment` cannot both be true, whatever the zones are that nobody names.
    pub(super) fn contradicts(&self, moment: &Moment) -> bool {
        let gap = moment.gap(&self.moment);
        let slack = if self.rank == Rank::Gps { OLD_FIX } else { SLACK };
        match self.says {
            Says::At => gap.abs() > slack,
            Says::NotAfter => gap > slack,
        }
    }
}

/// What everybody says, the most believed first, and what was not counted.
#[derive(Debug, Default)]
pub(super) struct Readings {
    pub(super) counted: Vec<Reading>,
    pub(super) ignored: Vec<Ignored>,
    first_seen: Option<Timestamp>,
}

impl Readings {
    pub(super) fn of(docs: &Docs<'_>, context: &Context) -> Self {
        let mut readings = Self { first_seen: context.first_seen, ..Self::default() };
        for doc in docs.all() {
            for rule in RULES {
                readings.add_rule(doc, rule);
            }
        }
        readings.add_names(context);
        readings.add_mtime(context);
        readings.counted.sort_by_key(|reading| reading.rank);
        readings
    }

    fn add_rule(&mut self, doc: Doc<'_>, rule: &Rule) {
        match rule.keys {
            Keys::One { key, subseconds, offset } => {
                let Some(text) = doc.text(key) else { return };
                let subseconds = subseconds.and_then(|key| doc.text(key));
                let zone = offset.and_then(|key| {
                    let offset = date::offset(&doc.text(key)?)?;
                    Some(Zone { offset, basis: Basis::Written, source: doc.source(key) })
                });
                self.add(doc, rule, key, &text, subseconds.as_deref(), zone);
            }
            Keys::DayAndTime(day, time) => {
                let Some(text) = doc.text(day) else { return };
                // Some write the time into the day, too.
                let text = match doc.text(time).filter(|_| !text.contains(' ')) {
                    Some(time) => format!("{text} {time}"),
                    None => text,
                };
                self.add(doc, rule, day, &text, None, None);
            }
            Keys::Seconds { key, part } => {
                let Some(text) = doc.part(key, part) else { return };
                let at = text.parse().ok().map(|secs| Timestamp::new(secs, 0)).and_then(civil_of);
                let text = at.map_or(text, |(civil, _)| civil.to_string());
                self.add(doc, rule, key, &text, None, None);
            }
            Keys::EveryGroup(tag) => {
                for key in doc.keys_of(tag) {
                    let is_known = KNOWN_GROUPS.iter().any(|group| key.starts_with(group));
                    if let (false, Some(text)) = (is_known, doc.text(key)) {
                        self.add(doc, rule, key, &text, None, None);
                    }
                }
            }
        }
    }

    fn add(
        &mut self,
        doc: Doc<'_>,
        rule: &Rule,
        key: &str,
        text: &str,
        subseconds: Option<&str>,
        zone: Option<Zone>,
    ) {
        let source = doc.source(key);
        let Written { mut civil, mut precision, offset } = match date::read(text) {
            date::Reading::Time(written) => written,
            date::Reading::Unset => return self.ignore(source, text, "not set"),
            date::Reading::Unknown => return self.ignore(source, text, "no time that mama can read"),
        };
        if precision == Precision::Second
            && let Some(exact) = subseconds.and_then(|digits| date::with_subseconds(civil, digits))
        {
            (civil, precision) = (exact, Precision::Subsecond);
        }
        let zone = match (rule.clock, offset, zone) {
            _ if precision <= Precision::Day => None,
            (Clock::LocalEvenIfZero, Some(Offset::UTC), zone) => zone,
            (_, Some(offset), _) => Some(Zone { offset, basis: Basis::Written, source: source.clone() }),
            (Clock::Utc, None, None) => Some(utc(&source)),
            (_, None, zone) => zone,
        };
        let is_correction = doc.is_sidecar() && rule.certainty == Certainty::Certain;
        let rank = if is_correction { Rank::Sidecar } else { rule.rank };
        let moment = Moment { civil, precision, zone };
        self.count(Reading { rank, moment, source, says: rule.says, certainty: rule.certainty }, text);
    }

    fn add_names(&mut self, context: &Context) {
        let names: BTreeSet<_> = context.paths.iter().filter_map(|path| Some(path.split()?.1)).collect();
        for name in names {
            let Some(found) = from_name::read(&name) else { continue };
            let source = Source::FileName(name);
            let zone = (found.is_utc && found.precision > Precision::Day).then(|| utc(&source));
            let moment = Moment { civil: found.civil, precision: found.precision, zone };
            let text = moment.to_string();
            let (says, certainty) = (found.says, found.certainty);
            self.count(Reading { rank: Rank::FileName, moment, source, says, certainty }, &text);
        }
        let folders: BTreeSet<_> = context.paths.iter().filter_map(from_folder::read).collect();
        for (folder, civil, precision) in folders {
            let moment = Moment { civil, precision, zone: None };
            let (text, source) = (moment.to_string(), Source::Folder(folder));
            let (rank, says, certainty) = (Rank::Folder, Says::At, Certainty::Guess);
            self.count(Reading { rank, moment, source, says, certainty }, &text);
        }
    }

    /// The earliest: copying makes a file younger, and hardly anything makes it older.
    fn add_mtime(&mut self, context: &Context) {
        let mut times: Vec<Timestamp> = context.mtimes.clone();
        times.sort_unstable();
        for time in times {
            let source = Source::Mtime;
            let Some((civil, precision)) = civil_of(time) else {
                self.ignore(source, &format!("{} s", time.secs), "out of range");
                continue;
            };
            let moment = Moment { civil, precision, zone: Some(utc(&source)) };
            let (text, says, certainty) = (moment.to_string(), Says::NotAfter, Certainty::Guess);
            let counted = self.counted.len();
            self.count(Reading { rank: Rank::Mtime, moment, source, says, certainty }, &text);
            if self.counted.len() > counted {
                break;
            }
        }
    }

    fn count(&mut self, mut reading: Reading, text: &str) {
        if let Some(why) = plausible::objection(&reading.moment, self.first_seen) {
            return self.ignore(reading.source, text, why);
        }
        if plausible::is_reset(&reading.moment) {
            reading.rank = reading.rank.max(Rank::NeverSet);
            reading.certainty = Certainty::Guess;
        }
        self.counted.push(reading);
    }

    /// Takes note of a value that does not count; the same one only once.
    fn ignore(&mut self, source: Source, text: &str, why: &'static str) {
        if !self.ignored.iter().any(|known| known.text == text && known.why == why) {
            self.ignored.push(Ignored { source, text: text.to_owned(), why });
        }
    }
}

fn utc(source: &Source) -> Zone {
    Zone { offset: Offset::UTC, basis: Basis::Utc, source: source.clone() }
}

fn civil_of(time: Timestamp) -> Option<(DateTime, Precision)> {
    let at = jiff::Timestamp::new(time.secs, time.nanos.cast_signed()).ok()?;
    let precision = if time.nanos == 0 { Precision::Second } else { Precision::Subsecond };
    let civil = Offset::UTC.to_datetime(at);
    (1..=9999).contains(&civil.year()).then_some((civil, precision))
}
