//! Which piece of music.

use super::Sourced;
use super::date::{self, Reading};
use super::doc::Docs;

/// A piece of music, as far as its tags name it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Music {
    /// Its title.
    pub title: Option<Sourced<String>>,
    /// Who plays it.
    pub artist: Option<Sourced<String>>,
    /// The album it is on.
    pub album: Option<Sourced<String>>,
    /// Whose album that is.
    pub album_artist: Option<Sourced<String>>,
    /// Which piece on its disc.
    pub track: Option<Sourced<Position>>,
    /// Which disc of the album.
    pub disc: Option<Sourced<Position>>,
    /// The year that is written on it: of the recording or of the release, as its owner had it.
    pub year: Option<Sourced<i16>>,
}

/// A number, and of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Counted from 1.
    pub number: u32,
    /// How many there are.
    pub total: Option<u32>,
}

/// Kinds of tags, the richest first; of several in one file the younger is the one that is kept up.
const GROUPS: [&str; 9] =
    ["ID3v2_4", "ID3v2_3", "ID3v2_2", "Vorbis", "ItemList", "APE", "ASF", "RIFF", "ID3v1"];

pub(super) fn music(docs: &Docs<'_>) -> Music {
    let text = |tags: &[&str]| docs.first_text(&keys(tags));
    let position = |numbers: &[&str], totals: &[&str]| {
        let found = text(numbers)?;
        let mut value = position(&found.value)?;
        value.total = value.total.or_else(|| whole(&text(totals)?.value));
        Some(Sourced { value, source: found.source })
    };
    Music {
        title: text(&["Title"]),
        artist: text(&["Artist", "Author"]),
        album: text(&["Album", "AlbumTitle", "Product"]),
        album_artist: text(&["AlbumArtist", "Albumartist", "Band"]),
        track: position(&["TrackNumber", "Track"], &["Tracktotal", "Totaltracks"]),
        disc: position(
            &["DiskNumber", "Discnumber", "PartOfSet", "Disc"],
            &["Disctotal", "Totaldiscs", "Discc"],
        ),
        year: keys(&["RecordingTime", "Date", "ContentCreateDate", "Year", "DateCreated"]).iter().find_map(
            |key| {
                let found = docs.first_text(&[key])?;
                let Reading::Time(written) = date::read(&found.value) else { return None };
                Some(Sourced { value: written.civil.year(), source: found.source })
            },
        ),
    }
}

/// These tags of every group, group by group.
fn keys(tags: &[&str]) -> Vec<String> {
    GROUPS.iter().flat_map(|group| tags.iter().map(move |tag| format!("{group}:{tag}"))).collect()
}

/// `2`, `02/10`, `4 of 5`.
fn position(text: &str) -> Option<Position> {
    let (number, total) = text.split_once('/').or_else(|| text.split_once(" of ")).unwrap_or((text, ""));
    Some(Position { number: whole(number)?, total: whole(total) })
}

fn whole(text: &str) -> Option<u32> {
    text.trim().parse().ok().filter(|number| *number > 0)
}
