//! Which tags tell a time of capture, in the order in which they are believed, and what their times mean.

use super::readings::{Rank, Says};
use super::taken::Certainty;

/// What a time in a tag means that has no zone beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clock {
    /// Nobody says.
    Local,
    /// The format has its times in UTC.
    Utc,
    /// As [`Clock::Local`]; and a zone of zero says nothing either, as the format has no way to leave it out.
    LocalEvenIfZero,
}

/// Where the time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// Under one key; its parts of a second and its offset may be under two others.
    One { key: &'static str, subseconds: Option<&'static str>, offset: Option<&'static str> },
    /// Day and time of day under two keys.
    DayAndTime(&'static str, &'static str),
    /// In a part of a structure, as seconds since 1970.
    Seconds { key: &'static str, part: &'static str },
    /// Under this tag of every group that no other rule names.
    EveryGroup(&'static str),
}

/// What one tag, or a pair, is worth.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule {
    pub(super) keys: Keys,
    pub(super) rank: Rank,
    pub(super) says: Says,
    pub(super) certainty: Certainty,
    pub(super) clock: Clock,
}

const fn one(key: &'static str) -> Keys {
    Keys::One { key, subseconds: None, offset: None }
}

const fn exif(key: &'static str, subseconds: &'static str, offset: &'static str) -> Keys {
    Keys::One { key, subseconds: Some(subseconds), offset: Some(offset) }
}

const fn rule(keys: Keys, rank: Rank, says: Says, certainty: Certainty, clock: Clock) -> Rule {
    Rule { keys, rank, says, certainty, clock }
}

/// Groups whose tags of any name are left to rules of their own: standards with an order of their own, and what ExifTool makes of them.
pub(super) const KNOWN_GROUPS: [&str; 6] = ["ExifIFD", "XMP-", "IPTC", "Composite", "MWG", "Matroska"];

use Certainty::{Certain, Guess, Likely};
use Clock::{Local, LocalEvenIfZero, Utc};
use Says::{At, NotAfter};

/// In the order of docs/metadata.md, which has the reasons.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule(exif("ExifIFD:DateTimeOriginal", "ExifIFD:SubSecTimeOriginal", "ExifIFD:OffsetTimeOriginal"), Rank::Original, At, Certain, Local),
    rule(Keys::EveryGroup("DateTimeOriginal"), Rank::Maker, At, Certain, Local),
    rule(Keys::DayAndTime("DICOM:AcquisitionDate", "DICOM:AcquisitionTime"), Rank::Maker, At, Certain, Local),
    rule(Keys::One { key: "XMP-exif:DateTimeOriginal", subseconds: Some("XMP-exif:SubSecTimeOriginal"), offset: None }, Rank::Xmp, At, Certain, Local),
    rule(one("XMP-photoshop:DateCreated"), Rank::Xmp, At, Certain, Local),
    rule(Keys::DayAndTime("IPTC:DateCreated", "IPTC:TimeCreated"), Rank::Iptc, At, Certain, LocalEvenIfZero),
    rule(one("Keys:CreationDate"), Rank::Keys, At, Certain, Local),
    rule(one("UserData:ContentCreateDate"), Rank::Keys, At, Certain, Local),
    rule(one("ID3v2_4:RecordingTime"), Rank::Recording, At, Likely, Local),
    rule(one("ID3v2_3:Year"), Rank::Recording, At, Likely, Local),
    rule(one("ID3v2_2:Year"), Rank::Recording, At, Likely, Local),
    rule(one("Vorbis:Date"), Rank::Recording, At, Likely, Local),
    rule(one("ItemList:ContentCreateDate"), Rank::Recording, At, Likely, Local),
    rule(one("RIFF:DateCreated"), Rank::Recording, At, Likely, Local),
    rule(one("ID3v1:Year"), Rank::Recording, At, Likely, Local),
    rule(one("QuickTime:CreateDate"), Rank::QuickTime, NotAfter, Likely, Utc),
    rule(Keys::EveryGroup("MediaCreateDate"), Rank::QuickTime, NotAfter, Likely, Utc),
    rule(one("Matroska:DateTimeOriginal"), Rank::QuickTime, NotAfter, Likely, Utc),
    rule(exif("ExifIFD:CreateDate", "ExifIFD:SubSecTimeDigitized", "ExifIFD:OffsetTimeDigitized"), Rank::Digitized, NotAfter, Likely, Local),
    rule(one("XMP-exif:DateTimeDigitized"), Rank::Digitized, NotAfter, Likely, Local),
    rule(one("XMP-xmp:CreateDate"), Rank::Digitized, NotAfter, Likely, Local),
    rule(Keys::DayAndTime("IPTC:DigitalCreationDate", "IPTC:DigitalCreationTime"), Rank::Digitized, NotAfter, Likely, LocalEvenIfZero),
    rule(Keys::DayAndTime("GPS:GPSDateStamp", "GPS:GPSTimeStamp"), Rank::Gps, At, Likely, Utc),
    rule(one("XMP-exif:GPSDateTime"), Rank::Gps, At, Likely, Utc),
    rule(one("Olympus:DateTimeUTC"), Rank::Gps, At, Likely, Utc),
    rule(Keys::Seconds { key: "JSON:PhotoTakenTime", part: "timestamp" }, Rank::Gps, At, Likely, Utc),
    rule(one("PDF:CreateDate"), Rank::Document, NotAfter, Likely, Local),
    rule(one("XMP-pdf:CreationDate"), Rank::Document, NotAfter, Likely, Local),
    rule(one("XML:CreateDate"), Rank::Document, NotAfter, Likely, Local),
    rule(one("XMP-meta:Creation-date"), Rank::Document, NotAfter, Likely, Local),
    rule(one("FlashPix:CreateDate"), Rank::Document, NotAfter, Likely, Utc),
    rule(one("RTF:CreateDate"), Rank::Document, NotAfter, Likely, Local),
    rule(one("DjVu-Meta:CreateDate"), Rank::Document, NotAfter, Likely, Local),
    rule(one("Palm:CreateDate"), Rank::Document, NotAfter, Likely, Local),
    rule(one("ASF:CreationDate"), Rank::Document, NotAfter, Likely, Utc),
    rule(one("MXF:CreateDate"), Rank::Document, NotAfter, Likely, Local),
    rule(one("PNG:CreationTime"), Rank::Png, At, Likely, Local),
    rule(Keys::One { key: "IFD0:ModifyDate", subseconds: Some("ExifIFD:SubSecTime"), offset: Some("ExifIFD:OffsetTime") }, Rank::Saved, NotAfter, Guess, Local),
    rule(one("PNG:ModifyDate"), Rank::Saved, NotAfter, Guess, Utc),
    rule(one("XMP-xmp:ModifyDate"), Rank::Saved, NotAfter, Guess, Local),
];
