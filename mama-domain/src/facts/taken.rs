//! When a content was captured: one of the times that are told, and what speaks against it.

use jiff::SignedDuration;

use super::doc::Docs;
use super::moment::{Moment, Precision};
use super::readings::{OLD_FIX, Rank, Reading, Readings, SLACK, Says};
use super::{Context, Source, size, zone};

/// What plays for longer than a day was not recorded in one go, in seconds.
const LONGEST_RECORDING: i64 = 86_400;

/// How sure a time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// The best there is; it may be far off.
    Guess,
    /// Right as a rule.
    Likely,
    /// The device or a person wrote down just this, and nothing speaks against it.
    Certain,
}

impl Certainty {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guess => "guess",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }

    const fn less(self) -> Self {
        match self {
            Self::Certain => Self::Likely,
            Self::Likely | Self::Guess => Self::Guess,
        }
    }
}

/// When a content was captured, and all that was not believed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Capture {
    /// The time; `None`: nothing tells one.
    pub taken: Option<Taken>,
    /// Times that cannot be true if this one is, the most believed first.
    pub contradicted_by: Vec<Said>,
    /// Values that are no times, or cannot be meant.
    pub ignored: Vec<Ignored>,
}

/// A time of capture.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// When.
    pub moment: Moment,
    /// What says so.
    pub source: Source,
    /// How sure it is.
    pub certainty: Certainty,
}

/// What another source says.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// When.
    pub moment: Moment,
    /// Who.
    pub source: Source,
}

/// A value that does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Where it is.
    pub source: Source,
    /// The value.
    pub text: String,
    /// Why it does not count.
    pub why: &'static str,
}

/// When it was captured, by all that is known.
pub(super) fn capture(docs: &Docs<'_>, context: &Context) -> Capture {
    let Readings { counted, ignored, .. } = Readings::of(docs, context);
    let length = length(docs);
    let best = counted.first().map(|first| {
        let first = earlier(refined(first, &counted), &counted, length);
        later_than_position(first, &counted)
    });
    let Some(best) = best else {
        return Capture { ignored, ..Capture::default() };
    };
    let moment = zone::resolved(best, &counted, docs, length);
    let mut certainty = best.certainty;
    // a correction may be waiting there
    if context.has_unread_sidecars && best.rank != Rank::Sidecar {
        certainty = certainty.min(Certainty::Likely);
    }
    let believed = certainty;
    let mut contradicted_by: Vec<Said> = Vec::new();
    let against = counted.iter().filter(|other| other.source != best.source && other.contradicts(&moment));
    for other in against {
        if other.certainty >= Certainty::Likely && certainty == believed {
            certainty = certainty.less();
        }
        let is_new = !contradicted_by.iter().any(|said| said.moment.to_string() == other.moment.to_string());
        if is_new {
            contradicted_by.push(Said { moment: other.moment.clone(), source: other.source.clone() });
        }
    }
    let taken = Taken { moment, source: best.source.clone(), certainty };
    Capture { taken: Some(taken), contradicted_by, ignored }
}

/// Of a day, month or year, the first reading that tells more and lies within.
fn refined<'a>(best: &'a Reading, readings: &'a [Reading]) -> &'a Reading {
    if best.moment.precision >= Precision::Minute {
        return best;
    }
    let finer = readings.iter().find(|other| {
        other.moment.precision > best.moment.precision
            && other.certainty >= best.certainty.min(Certainty::Likely)
            // a clock that was never set tells no day, but counts the hours of one that somebody names
            && (other.rank != Rank::NeverSet || best.moment.precision == Precision::Day)
            && lies_within(&other.moment, &best.moment)
    });
    finer.unwrap_or(best)
}

/// Of a time of something that was done to it later, a time of capture that lies before: a video is closed minutes after it began,
/// and encoded again years after.
fn earlier<'a>(best: &'a Reading, readings: &'a [Reading], length: Option<i64>) -> &'a Reading {
    if best.says == Says::At {
        return best;
    }
    let is_before = |other: &&Reading| {
        other.says == Says::At
            && other.certainty >= Certainty::Likely
            && (best.moment.gap(&other.moment) > SLACK || zone::ended(other, best, length).is_some())
    };
    readings.iter().find(is_before).unwrap_or(best)
}

/// Of an old position's time, the time in a camera's name that no zone explains: a position is never younger than the picture.
fn later_than_position<'a>(best: &'a Reading, readings: &'a [Reading]) -> &'a Reading {
    if !zone::is_position(best) {
        return best;
    }
    let is_later = |other: &&Reading| {
        other.rank == Rank::FileName
            && other.says == Says::At
            && other.certainty >= Certainty::Likely
            && other.moment.gap(&best.moment) > OLD_FIX
    };
    readings.iter().find(is_later).unwrap_or(best)
}

/// How long it was recorded, in seconds, if that tells its beginning from its end.
fn length(docs: &Docs<'_>) -> Option<i64> {
    let length = SignedDuration::try_from_secs_f64(size::duration(docs)?.value).ok()?.as_secs();
    Some(length).filter(|length| (SLACK..LONGEST_RECORDING).contains(length))
}

fn lies_within(finer: &Moment, coarse: &Moment) -> bool {
    let (from, to) = coarse.span();
    let (finer_from, finer_to) = finer.span();
    from <= finer_from && finer_to <= to
}
