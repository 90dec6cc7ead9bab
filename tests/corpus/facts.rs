//! What mama makes of the metadata, against lists that were written by hand from the files: when, with what, where, how large.

use std::collections::BTreeMap;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;

use mama_adapters::extract::{ExifTool, Settings};
use mama_domain::facts::{Context, Facts, Source, Sourced, facts};
use mama_ports::conformance::content::{Opened, hint};
use mama_ports::content::MetadataExtractor;
use mama_ports::vocab::{AbsPath, Timestamp};

use super::{corpus, documented};

/// When every file was first seen: 2026-06-01.
const FIRST_SEEN: Timestamp = Timestamp::new(1_780_272_000, 0);

/// The rows of a list: a path and its columns.
fn rows(list: &'static str) -> Vec<(&'static str, Vec<&'static str>)> {
    let lines = list.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once('\t').unwrap())
        .map(|(path, row)| (path, row.split('\t').collect()))
        .collect()
}

/// Compares what `tell` says of each file with its row.
fn compare(what: &str, list: &'static str, at_least: usize, tell: impl Fn(&Facts, &[&str]) -> Vec<String>) {
    let Some(corpus) = corpus() else { return };
    let settings = Settings { sessions: NonZeroUsize::MIN, ..Settings::default() };
    let exiftool = ExifTool::start(settings).expect("ExifTool is needed (Debian: libimage-exiftool-perl)");
    let rows = rows(list);
    assert!(rows.len() >= at_least, "{}", rows.len());
    let (count, mut wrong) = (rows.len(), BTreeMap::new());
    for (path, row) in rows {
        let mut content =
            Opened::new(File::open(corpus.join(path)).unwrap_or_else(|error| panic!("{path}: {error}")));
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        let meta =
            exiftool.extract(&mut content, &hint(name)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let context = Context {
            paths: vec![AbsPath::parse(format!("/corpus/{path}")).unwrap()],
            first_seen: Some(FIRST_SEEN),
            ..Context::default()
        };
        let told = tell(&facts(meta.as_ref(), &context), &row);
        if told != row {
            wrong.insert(path, (told, row));
        }
    }
    assert!(wrong.is_empty(), "is, and should be: {wrong:#?}");
    documented([what, "a list by hand", &format!("{count} files"), "all equal"]);
}

/// The key, or the name without the words around it.
fn bare(source: &Source) -> String {
    match source {
        Source::FileName(name) => String::from_utf8(name.as_bytes().to_vec()).unwrap(),
        Source::Tag { .. } | Source::Folder(_) | Source::Mtime => source.to_string(),
    }
}

#[test]
fn capture_times_are_those_that_a_person_read() {
    compare("Times of capture", include_str!("../expected/taken.tsv"), 100, |facts, _| {
        let Some(taken) = &facts.capture.taken else { return vec!["-".to_owned(); 4] };
        let zone = taken.moment.zone.as_ref().map_or_else(|| "-".to_owned(), |zone| bare(&zone.source));
        let certainty = taken.certainty.as_str().to_owned();
        vec![taken.moment.to_string(), zone, bare(&taken.source), certainty]
    });
}

#[test]
fn sources_that_contradict_are_named() {
    let Some(corpus) = corpus() else { return };
    let exiftool = ExifTool::start(Settings { sessions: NonZeroUsize::MIN, ..Settings::default() }).unwrap();
    let against = |path: &str| {
        let mut content = Opened::new(File::open(corpus.join(path)).unwrap());
        let meta = exiftool.extract(&mut content, &hint("x.jpg")).unwrap();
        let capture = facts(meta.as_ref(), &Context::default()).capture;
        capture.contradicted_by.iter().map(|said| bare(&said.source)).collect::<Vec<_>>()
    };
    assert_eq!(against("photos/2008-10 Arezzo/DSCN0010.jpg"), ["GPS:GPSDateStamp"]);
    assert_eq!(
        against("photos/xmp and iptc/MWG.jpg"),
        ["XMP-photoshop:DateCreated", "IPTC:DateCreated"],
        "and none of those that are later"
    );
    assert_eq!(against("photos/phones/tokyo.jpg"), Vec::<String>::new());
}

#[test]
fn cameras_places_sizes_and_durations_are_those_that_a_person_read() {
    let or_none = |told: Option<String>| told.unwrap_or_else(|| "-".to_owned());
    let what = "Cameras, lenses, places, sizes, lengths";
    compare(what, include_str!("../expected/facts.tsv"), 35, |facts, row| {
        // Equal in two units of the last digit of the list: ExifTool prints seconds of arc to hundredths.
        let rounded = |number: f64, like: &str| {
            let digits = like.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let (is, should): (f64, f64) = (number, like.parse().unwrap_or(f64::NAN));
            let is_near = (is - should).abs() <= 2.0 * 10_f64.powi(-i32::try_from(digits).unwrap());
            if is_near { like.to_owned() } else { number.to_string() }
        };
        let place = facts.place.as_ref().map(|place| {
            let (latitude, longitude) = row[2].split_once(", ").unwrap_or(("-", "-"));
            format!(
                "{}, {}",
                rounded(place.value.latitude, latitude),
                rounded(place.value.longitude, longitude)
            )
        });
        let metres = facts.place.as_ref().and_then(|place| place.value.altitude);
        let size = facts.size.as_ref().map(|size| format!("{}x{}", size.value.width, size.value.height));
        let value = |field: &Sourced<String>| field.value.clone();
        vec![
            or_none(facts.camera.name()),
            or_none(facts.camera.lens.as_ref().map(value)),
            or_none(place),
            or_none(metres.map(|metres| rounded(metres, row[3]))),
            or_none(size),
            or_none(facts.duration.as_ref().map(|seconds| rounded(seconds.value, row[5]))),
        ]
    });
}
