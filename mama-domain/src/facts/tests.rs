//! The rules on small documents: which source is believed, in which zone, how surely, and what is said about the others.

use mama_ports::vocab::{AbsPath, MetaDoc, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn doc(tags: Value) -> MetaDoc {
    let Value::Object(tags) = tags else { panic!("{tags}") };
    MetaDoc::new(tags)
}

fn seen_at(paths: &[&str]) -> Context {
    let paths = paths.iter().map(|path| AbsPath::parse(*path).unwrap()).collect();
    Context { paths, ..Context::default() }
}

fn told(tags: Value, context: &Context) -> Capture {
    facts(Some(&doc(tags)), context).capture
}

/// `2008-10-22T16:28:39 second, certain, by ExifIFD:DateTimeOriginal, zone by …`.
fn words(capture: &Capture) -> String {
    let Some(Taken { moment, source, certainty }) = &capture.taken else { return "nothing".to_owned() };
    let zone = match &moment.zone {
        Some(zone) => format!(", zone {} by {}", zone.basis.as_str(), zone.source),
        None => String::new(),
    };
    let (precision, certainty) = (moment.precision.as_str(), certainty.as_str());
    format!("{moment} {precision}, {certainty}, by {source}{zone}")
}

fn against(capture: &Capture) -> Vec<String> {
    capture.contradicted_by.iter().map(|said| format!("{} {}", said.source, said.moment)).collect()
}

fn ignored(capture: &Capture) -> Vec<String> {
    capture.ignored.iter().map(|one| format!("{} {}: {}", one.source, one.text, one.why)).collect()
}

#[track_caller]
fn check(tags: Value, paths: &[&str], expected: &str) {
    let capture = told(tags.clone(), &seen_at(paths));
    assert_eq!(words(&capture), expected, "{tags} {paths:?}");
    assert_eq!(against(&capture), Vec::<String>::new(), "{tags} {paths:?}");
}

/// Each source alone, and each before the next one.
#[test]
fn sources_are_believed_in_their_order() {
    let sources = [
        ("ExifIFD:DateTimeOriginal", "certain"),
        ("CanonRaw:DateTimeOriginal", "certain"),
        ("XMP-exif:DateTimeOriginal", "certain"),
        ("XMP-photoshop:DateCreated", "certain"),
        ("IPTC:DateCreated", "certain"),
        ("Keys:CreationDate", "certain"),
        ("ID3v2_4:RecordingTime", "likely"),
        ("ID3v2_3:Year", "likely"),
        ("Vorbis:Date", "likely"),
        ("ItemList:ContentCreateDate", "likely"),
        ("QuickTime:CreateDate", "likely"),
        ("Track1:MediaCreateDate", "likely"),
        ("ExifIFD:CreateDate", "likely"),
        ("XMP-xmp:CreateDate", "likely"),
        ("GPS:GPSDateStamp", "likely"),
        ("PDF:CreateDate", "likely"),
        ("XML:CreateDate", "likely"),
        ("ASF:CreationDate", "likely"),
        ("PNG:CreationTime", "likely"),
        ("IFD0:ModifyDate", "guess"),
        ("PNG:ModifyDate", "guess"),
        ("XMP-xmp:ModifyDate", "guess"),
    ];
    for (at, (key, certainty)) in sources.iter().enumerate() {
        let later = sources[at..].iter().map(|(key, _)| ((*key).to_owned(), json!("2010:05:06 07:08:09")));
        let taken = told(Value::Object(later.collect()), &Context::default()).taken.unwrap();
        assert_eq!((taken.source.to_string().as_str(), taken.certainty.as_str()), (*key, *certainty));
        assert_eq!(taken.moment.civil.to_string(), "2010-05-06T07:08:09", "{key}");
    }
}

#[test]
fn tags_go_before_names_and_names_before_what_was_saved_last() {
    let name = "/p/2019-10 Arezzo/IMG_20191024_081301.jpg";
    let tags = json!({"IFD0:ModifyDate": "2019:11:01 10:00:00"});
    check(
        tags.clone(),
        &[name],
        "2019-10-24T08:13:01 second, likely, by the file name IMG_20191024_081301.jpg",
    );
    let capture = told(tags.clone(), &seen_at(&["/p/2019-10 Arezzo/x.jpg"]));
    assert_eq!(words(&capture), "2019-10 month, guess, by the folder /p/2019-10 Arezzo");
    check(tags, &["/p/x.jpg"], "2019-11-01T10:00:00 second, guess, by IFD0:ModifyDate");
}

#[test]
fn the_file_system_is_asked_last_and_its_earliest_answer_counts() {
    let mtimes = [1_600_000_000, 0, 1_500_000_000].map(|secs| Timestamp::new(secs, 0)).to_vec();
    let capture = facts(None, &Context { mtimes, ..Context::default() }).capture;
    let source = "the file's time of last change";
    assert_eq!(
        words(&capture),
        format!("2017-07-14T02:40:00+00:00 second, guess, by {source}, zone utc by {source}")
    );
    assert_eq!(ignored(&capture), [format!("{source} 1970-01-01T00:00:00+00:00: a clock's zero")]);
}

#[test]
fn parts_of_seconds_and_offsets_come_from_tags_of_their_own() {
    check(
        json!({
            "ExifIFD:DateTimeOriginal": "2023:10:06 08:35:36", "ExifIFD:SubSecTimeOriginal": 303,
            "ExifIFD:OffsetTimeOriginal": "+02:00",
        }),
        &[],
        "2023-10-06T08:35:36.303+02:00 subsecond, certain, by ExifIFD:DateTimeOriginal, zone written by ExifIFD:OffsetTimeOriginal",
    );
    // leading zeros count, and an empty offset is none
    check(
        json!({
            "ExifIFD:DateTimeOriginal": "2019:10:27 13:40:15", "ExifIFD:SubSecTimeOriginal": "064376",
            "ExifIFD:OffsetTimeOriginal": "",
        }),
        &[],
        "2019-10-27T13:40:15.064376 subsecond, certain, by ExifIFD:DateTimeOriginal",
    );
}

#[test]
fn an_offset_belongs_to_its_own_time_or_to_one_that_shows_the_same() {
    let with = |modified: &str| {
        json!({
            "ExifIFD:DateTimeOriginal": "2020:01:02 03:04:05", "IFD0:ModifyDate": modified, "ExifIFD:OffsetTime": "+09:00",
        })
    };
    check(
        with("2020:01:02 03:04:05"),
        &[],
        "2020-01-02T03:04:05+09:00 second, certain, by ExifIFD:DateTimeOriginal, zone same_clock by ExifIFD:OffsetTime",
    );
    check(
        with("2020:02:03 04:05:06"),
        &[],
        "2020-01-02T03:04:05 second, certain, by ExifIFD:DateTimeOriginal",
    );
    check(
        json!({"ExifIFD:DateTimeOriginal": "2008:03:15 09:52:01", "XMP-exif:DateTimeOriginal": "2008:03:15 09:52:01-04:00"}),
        &[],
        "2008-03-15T09:52:01-04:00 second, certain, by ExifIFD:DateTimeOriginal, zone same_clock by XMP-exif:DateTimeOriginal",
    );
    // IIM has no way to leave the zone out
    check(
        json!({"ExifIFD:DateTimeOriginal": "2012:08:05 11:39:59", "IPTC:DateCreated": "2012:08:05", "IPTC:TimeCreated": "11:39:59+00:00"}),
        &[],
        "2012-08-05T11:39:59 second, certain, by ExifIFD:DateTimeOriginal",
    );
}

#[test]
fn the_time_of_a_position_tells_the_zone_if_it_is_fresh() {
    for (fix, zone) in [
        ("13:04:11", Some("-07:00")),
        ("06:04:11", Some("+00:00")),
        ("00:34:00", Some("+05:30")),
        ("00:19:00", Some("+05:45")),
        ("06:19:11", None),
        ("13:10:11", None),
    ] {
        let tags = json!({"ExifIFD:DateTimeOriginal": "2018:04:12 06:04:12", "GPS:GPSDateStamp": "2018:04:12", "GPS:GPSTimeStamp": fix});
        let written = zone.unwrap_or_default();
        let by = if zone.is_some() { ", zone difference by GPS:GPSDateStamp" } else { "" };
        check(
            tags,
            &[],
            &format!("2018-04-12T06:04:12{written} second, certain, by ExifIFD:DateTimeOriginal{by}"),
        );
    }
}

#[test]
fn a_position_of_another_day_contradicts() {
    let tags = json!({
        "ExifIFD:DateTimeOriginal": "2008:10:22 16:28:39", "GPS:GPSDateStamp": "2008:10:23", "GPS:GPSTimeStamp": "14:27:07.24",
    });
    let capture = told(tags, &Context::default());
    assert_eq!(words(&capture), "2008-10-22T16:28:39 second, likely, by ExifIFD:DateTimeOriginal");
    assert_eq!(against(&capture), ["GPS:GPSDateStamp 2008-10-23T14:27:07.24+00:00"]);
}

#[test]
fn what_a_device_was_set_to_is_the_last_word_on_the_zone() {
    check(
        json!({"ExifIFD:DateTimeOriginal": "2011:08:17 16:39:37", "Nikon:TimeZone": "+08:00", "Nikon:DaylightSavings": "Yes"}),
        &[],
        "2011-08-17T16:39:37+09:00 second, certain, by ExifIFD:DateTimeOriginal, zone setting by Nikon:TimeZone",
    );
    check(
        json!({"QuickTime:CreateDate": "2026:04:26 09:25:15", "QuickTime:TimeZone": "+01:00"}),
        &[],
        "2026-04-26T10:25:15+01:00 second, likely, by QuickTime:CreateDate, zone setting by QuickTime:TimeZone",
    );
}

#[test]
fn quicktime_is_in_utc_and_a_name_shows_the_clock_on_the_wall() {
    let tags = json!({"QuickTime:CreateDate": "2024:02:03 07:05:38", "Track1:MediaCreateDate": "0000:00:00 00:00:00"});
    let capture = told(tags.clone(), &Context::default());
    let quicktime = "QuickTime:CreateDate";
    assert_eq!(
        words(&capture),
        format!("2024-02-03T07:05:38+00:00 second, likely, by {quicktime}, zone utc by {quicktime}")
    );
    assert_eq!(ignored(&capture), ["Track1:MediaCreateDate 0000:00:00 00:00:00: not set"]);
    let local = told(tags.clone(), &seen_at(&["/p/video_20240203_150537.mp4"]));
    let name = "the file name video_20240203_150537.mp4";
    assert_eq!(
        words(&local),
        format!("2024-02-03T15:05:38+08:00 second, likely, by {quicktime}, zone difference by {name}")
    );
    // in UTC, or in local time where UTC belongs
    let open = told(tags, &seen_at(&["/p/video_20240203_070538.mp4"]));
    assert_eq!(words(&open), format!("2024-02-03T07:05:38 second, likely, by {quicktime}"));
}

#[test]
fn a_pixel_names_its_pictures_in_utc() {
    check(
        json!({"ExifIFD:DateTimeOriginal": "2023:10:06 08:35:36"}),
        &["/p/PXL_20231006_063536303.jpg"],
        "2023-10-06T08:35:36+02:00 second, certain, by ExifIFD:DateTimeOriginal, zone difference by the file name PXL_20231006_063536303.jpg",
    );
}

#[test]
fn an_iphone_video_has_its_own_date_and_a_later_export_does_not_matter() {
    check(
        json!({"Keys:CreationDate": "2019:02:12 15:27:12+08:00", "QuickTime:CreateDate": "2024:02:02 08:09:57"}),
        &[],
        "2019-02-12T15:27:12+08:00 second, certain, by Keys:CreationDate, zone written by Keys:CreationDate",
    );
    let capture = told(
        json!({"Keys:CreationDate": "2019:02:12 15:27:12+08:00", "QuickTime:CreateDate": "2018:02:02 08:09:57"}),
        &Context::default(),
    );
    assert_eq!(against(&capture), ["QuickTime:CreateDate 2018-02-02T08:09:57+00:00"]);
    assert_eq!(capture.taken.unwrap().certainty, Certainty::Likely);
}

#[test]
fn a_day_is_made_precise_by_what_lies_in_it() {
    check(
        json!({"XMP-photoshop:DateCreated": "2006:10:29", "IPTC:DateCreated": "2006:10:29", "IPTC:TimeCreated": "06:27:51-05:00"}),
        &[],
        "2006-10-29T06:27:51-05:00 second, certain, by IPTC:DateCreated, zone written by IPTC:DateCreated",
    );
    // a guess makes no day precise that is certain
    check(
        json!({"IPTC:DateCreated": "2004:02:26", "IFD0:ModifyDate": "2004:02:26 20:00:00"}),
        &[],
        "2004-02-26 day, certain, by IPTC:DateCreated",
    );
    check(
        json!({"IFD0:ModifyDate": "2008:10:22 20:00:00"}),
        &["/p/2008-10 Arezzo/x.jpg"],
        "2008-10-22T20:00:00 second, guess, by IFD0:ModifyDate",
    );
}

#[test]
fn what_a_messenger_names_is_when_it_came() {
    let name = "/p/IMG-20180219-WA0003.jpg";
    check(json!({}), &[name], "2018-02-19 day, likely, by the file name IMG-20180219-WA0003.jpg");
    check(
        json!({"ExifIFD:DateTimeOriginal": "2018:02:17 16:39:33"}),
        &[name],
        "2018-02-17T16:39:33 second, certain, by ExifIFD:DateTimeOriginal",
    );
    let later = told(json!({"ExifIFD:DateTimeOriginal": "2018:02:21 16:39:33"}), &seen_at(&[name]));
    assert_eq!(against(&later), ["the file name IMG-20180219-WA0003.jpg 2018-02-19"]);
}

#[test]
fn a_clock_that_was_never_set_is_believed_last() {
    let reset = json!({"ExifIFD:DateTimeOriginal": "1998:01:01 00:00:00"});
    check(reset.clone(), &[], "1998-01-01T00:00:00 second, guess, by ExifIFD:DateTimeOriginal");
    let named = told(reset, &seen_at(&["/p/IMG_20031024_081301.jpg"]));
    assert_eq!(words(&named), "2003-10-24T08:13:01 second, likely, by the file name IMG_20031024_081301.jpg");
    assert_eq!(against(&named), ["ExifIFD:DateTimeOriginal 1998-01-01T00:00:00"]);
}

#[test]
fn the_future_and_the_zeros_of_clocks_are_named_and_left_out() {
    let tags = json!({
        "ExifIFD:DateTimeOriginal": "2026:11:24 14:41:16", "QuickTime:CreateDate": "1904:01:01 00:00:00",
        "ID3v2_4:RecordingTime": "Oct 3, 1995", "ExifIFD:CreateDate": "0000:00:00 00:00:00",
        "IFD0:ModifyDate": "2008:07:31 17:32:06",
    });
    let first_seen = Some(Timestamp::new(1_600_000_000, 0));
    let capture = told(tags, &Context { first_seen, ..Context::default() });
    assert_eq!(words(&capture), "2008-07-31T17:32:06 second, guess, by IFD0:ModifyDate");
    assert_eq!(
        ignored(&capture),
        [
            "ExifIFD:DateTimeOriginal 2026:11:24 14:41:16: later than it was first seen",
            "ID3v2_4:RecordingTime Oct 3, 1995: no time that mama can read",
            "QuickTime:CreateDate 1904:01:01 00:00:00: a clock's zero",
            "ExifIFD:CreateDate 0000:00:00 00:00:00: not set",
        ]
    );
}

#[test]
fn the_release_of_an_album_is_not_its_recording() {
    check(json!({"ID3v2_4:ReleaseTime": "2020:12:31", "APE:Year": 2001, "ASF:Year": 2001}), &[], "nothing");
    check(json!({"Vorbis:Date": 2014}), &[], "2014 year, likely, by Vorbis:Date");
}

#[test]
fn a_sidecar_corrects_the_camera() {
    let sidecar = doc(
        json!({"XMP-exif:DateTimeOriginal": "2018:08:11 17:38:25Z", "XMP-exif:GPSLatitude": "46 deg 53' 54.21\" N", "XMP-exif:GPSLongitude": "102 deg 46' 7.07\" E"}),
    );
    let context = Context { sidecars: vec![("IMG_1.jpg.xmp".to_owned(), sidecar)], ..Context::default() };
    let meta = doc(json!({"ExifIFD:DateTimeOriginal": "2000:05:05 00:00:01", "Composite:ImageSize": "4x3"}));
    let facts = facts(Some(&meta), &context);
    let source = "XMP-exif:DateTimeOriginal of IMG_1.jpg.xmp";
    assert_eq!(
        words(&facts.capture),
        format!("2018-08-11T17:38:25+00:00 second, likely, by {source}, zone written by {source}")
    );
    assert_eq!(against(&facts.capture), ["ExifIFD:DateTimeOriginal 2000-05-05T00:00:01"]);
    assert_eq!(facts.place.unwrap().source.to_string(), "XMP-exif:GPSLatitude of IMG_1.jpg.xmp");
    assert_eq!(facts.size.unwrap().value, Size { width: 4, height: 3 });
}

#[test]
fn a_camera_is_not_called_by_its_make_twice() {
    for (make, model, name) in [
        ("Canon", "Canon EOS 40D", Some("Canon EOS 40D")),
        ("NIKON CORPORATION", "NIKON D70", Some("NIKON D70")),
        ("Apple", "iPhone 7", Some("Apple iPhone 7")),
        ("", "HERO6 Black", Some("HERO6 Black")),
        ("SONY ", "", Some("SONY")),
        (" ", "", None),
    ] {
        let camera =
            facts(Some(&doc(json!({"IFD0:Make": make, "IFD0:Model": model}))), &Context::default()).camera;
        assert_eq!(camera.name().as_deref(), name, "{make} {model}");
    }
    let lens = |tags: Value| facts(Some(&doc(tags)), &Context::default()).camera.lens.map(|lens| lens.value);
    assert_eq!(
        lens(json!({"Composite:LensID": "Unknown (12)", "XMP-aux:Lens": "100.0 mm f/2.8"})).as_deref(),
        Some("100.0 mm f/2.8")
    );
    assert_eq!(lens(json!({"ExifIFD:LensModel": "----"})), None);
}

#[test]
fn a_place_is_in_degrees_and_metres_with_their_signs() {
    let place = |tags: Value| {
        let place = facts(Some(&doc(tags)), &Context::default()).place?;
        let Place { latitude, longitude, altitude } = place.value;
        let altitude = altitude.map(|metres| format!(" {metres:.1} m")).unwrap_or_default();
        Some(format!("{latitude:.5} {longitude:.5}{altitude} {}", place.source))
    };
    let gps = |latitude: &str, north: &str, longitude: &str, east: &str| {
        json!({
            "GPS:GPSLatitude": latitude, "GPS:GPSLatitudeRef": north, "GPS:GPSLongitude": longitude, "GPS:GPSLongitudeRef": east,
            "GPS:GPSAltitude": "4.307 m", "GPS:GPSAltitudeRef": "Below Sea Level",
        })
    };
    for (tags, expected) in [
        (
            gps("33 deg 52' 4.00\"", "South", "151 deg 12' 36.00\"", "East"),
            Some("-33.86778 151.21000 -4.3 m GPS:GPSLatitude"),
        ),
        (gps("0 deg 0' 0.00\"", "North", "0 deg 0' 0.00\"", "East"), None),
        (gps("91 deg 0' 0.00\"", "North", "0 deg 0' 0.00\"", "East"), None),
        (gps("43 deg 28' 2.81\"", "", "11 deg 53' 6.46\"", "East"), None),
        (gps("43.5", "N", "11.25", "W"), Some("43.50000 -11.25000 -4.3 m GPS:GPSLatitude")),
        (
            json!({"GPS:GPSLatitude": -43.5, "GPS:GPSLongitude": 11.25}),
            Some("-43.50000 11.25000 GPS:GPSLatitude"),
        ),
        (json!({"GPS:GPSLatitude": "undef", "GPS:GPSLongitude": "inf"}), None),
        (
            json!({"Keys:GPSCoordinates": "52 deg 12' 34.92\" N, 0 deg 53' 43.80\" W, 80.5 m Above Sea Level"}),
            Some("52.20970 -0.89550 80.5 m Keys:GPSCoordinates"),
        ),
        (
            json!({"UserData:GPSCoordinates": "12 deg 20' 44.16\" N, 98 deg 45' 55.44\" W"}),
            Some("12.34560 -98.76540 UserData:GPSCoordinates"),
        ),
    ] {
        assert_eq!(place(tags.clone()).as_deref(), expected, "{tags}");
    }
}

#[test]
fn a_picture_is_as_wide_as_it_is_shown() {
    for (tags, size) in [
        (json!({"Composite:ImageSize": "4032x3024"}), Some((4032, 3024))),
        (json!({"Composite:ImageSize": "4032x3024", "IFD0:Orientation": "Rotate 90 CW"}), Some((3024, 4032))),
        (json!({"Composite:ImageSize": "4032x3024", "IFD0:Orientation": "Rotate 180"}), Some((4032, 3024))),
        (
            json!({"Composite:ImageSize": "4x3", "IFD0:Orientation": "Mirror horizontal and rotate 270 CW"}),
            Some((3, 4)),
        ),
        (
            json!({"Composite:ImageSize": "4x3", "IFD0:Orientation": "Rotate 90 CW", "QuickTime:Rotation": 0}),
            Some((4, 3)),
        ),
        (json!({"Composite:ImageSize": "1920x1080", "Composite:Rotation": 90}), Some((1080, 1920))),
        (json!({"Composite:ImageSize": "1920x1080", "Composite:Rotation": 180}), Some((1920, 1080))),
        (json!({"Composite:ImageSize": "1920 1080"}), Some((1920, 1080))),
        (json!({"Composite:ImageSize": "0x0"}), None),
        (json!({"Composite:ImageSize": "-1x99999999999999999999999"}), None),
    ] {
        let found = facts(Some(&doc(tags.clone())), &Context::default()).size;
        assert_eq!(found.map(|size| (size.value.width, size.value.height)), size, "{tags}");
    }
}

#[test]
fn music_is_told_by_the_tags_that_are_kept_up() {
    let tags = json!({
        "ID3v1:Title": "Song 30 chars", "ID3v2_4:Title": 311, "ID3v2_4:Artist": "Artist", "ID3v2_4:Album": "Album",
        "ID3v2_4:Band": "Album Artist", "ID3v2_4:Track": "2/10", "ID3v2_4:PartOfSet": 1, "ID3v2_4:RecordingTime": "2014:05:21",
        "XMP-dc:Title": "no music",
    });
    let Music { title, artist, album, album_artist, track, disc, year } =
        facts(Some(&doc(tags)), &Context::default()).music;
    let text =
        |field: Option<Sourced<String>>| field.map(|field| format!("{} by {}", field.value, field.source));
    assert_eq!(text(title).unwrap(), "311 by ID3v2_4:Title");
    assert_eq!(text(artist).unwrap(), "Artist by ID3v2_4:Artist");
    assert_eq!(text(album).unwrap(), "Album by ID3v2_4:Album");
    assert_eq!(text(album_artist).unwrap(), "Album Artist by ID3v2_4:Band");
    assert_eq!(track.unwrap().value, Position { number: 2, total: Some(10) });
    assert_eq!(disc.unwrap().value, Position { number: 1, total: None });
    assert_eq!(year.unwrap().value, 2014);

    let vorbis = json!({"Vorbis:TrackNumber": "3", "Vorbis:Tracktotal": 10, "Vorbis:Discnumber": 0, "Vorbis:Artist": ["a", "b"]});
    let music = facts(Some(&doc(vorbis)), &Context::default()).music;
    assert_eq!(music.track.unwrap().value, Position { number: 3, total: Some(10) });
    assert_eq!((text(music.artist).unwrap().as_str(), music.disc), ("a; b by Vorbis:Artist", None));
    assert_eq!(facts(Some(&doc(json!({"XMP-dc:Title": "t"}))), &Context::default()).music, Music::default());
}

/// Keys that rules look at, so that random documents are about something.
const KEYS: [&str; 24] = [
    "ExifIFD:DateTimeOriginal",
    "ExifIFD:SubSecTimeOriginal",
    "ExifIFD:OffsetTimeOriginal",
    "IFD0:ModifyDate",
    "ExifIFD:OffsetTime",
    "Nikon:TimeZone",
    "Any:DateTimeOriginal",
    "XMP-photoshop:DateCreated",
    "IPTC:DateCreated",
    "IPTC:TimeCreated",
    "Keys:CreationDate",
    "QuickTime:CreateDate",
    "Track1:MediaCreateDate",
    "GPS:GPSDateStamp",
    "GPS:GPSTimeStamp",
    "GPS:GPSLatitude",
    "GPS:GPSLatitudeRef",
    "GPS:GPSLongitude",
    "Keys:GPSCoordinates",
    "Composite:ImageSize",
    "Composite:Rotation",
    "QuickTime:Duration",
    "ID3v2_4:Track",
    "PNG:CreationTime",
];

fn arb_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[0-9]{1,5}[:/-][0-9]{1,3}[:/-][0-9]{1,3}[ T][0-9]{1,3}:[0-9]{1,3}(:[0-9]{1,3}(\\.[0-9]{0,12})?)?(Z|[+-][0-9]{1,4}(:[0-9]{1,3})?)?",
        "(19|20)[0-9]{2}:(0[1-9]|1[0-2]):(0[1-9]|2[0-8]) [01][0-9]:[0-5][0-9]:[0-5][0-9](\\+0[0-9]:[03]0)?",
        "[+-]?[0-9]{1,25}[ x.:'\"/degNSWE,-]{0,6}[0-9]{0,25}( s| m| of 3)?",
        ".{0,30}",
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((".{0,5}", inner), 0..3)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

fn arb_entries() -> impl Strategy<Value = Vec<(String, Value)>> {
    let key = prop_oneof![prop::sample::select(&KEYS[..]).prop_map(str::to_owned), ".{0,20}"];
    prop::collection::vec((key, arb_value()), 0..12)
}

fn arb_path() -> impl Strategy<Value = AbsPath> {
    let name = prop_oneof![
        "[A-Z]{0,4}[_-]?(19|20)[0-9]{2}[-_.]?[0-9]{2}[-_.]?[0-9]{2}([ _-]?[0-9]{2}[-.]?[0-9]{2}[-.]?[0-9]{0,5})?.{0,4}"
            .prop_map(String::into_bytes),
        "[0-9]{1,14}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 1..40),
    ];
    prop::collection::vec(name, 1..4).prop_filter_map("no path", |names| {
        AbsPath::parse([b"/", names.join(&b'/').as_slice()].concat()).ok()
    })
}

fn arb_context() -> impl Strategy<Value = Context> {
    let time = || {
        prop_oneof![any::<i64>(), 0..2_000_000_000i64]
            .prop_flat_map(|secs| (0..1_000_000_000u32).prop_map(move |nanos| Timestamp::new(secs, nanos)))
    };
    let sidecar =
        arb_entries().prop_map(|entries| ("x.xmp".to_owned(), MetaDoc::new(entries.into_iter().collect())));
    (
        prop::collection::vec(arb_path(), 0..4),
        prop::collection::vec(time(), 0..3),
        prop::option::of(time()),
        prop::collection::vec(sidecar, 0..2),
    )
        .prop_map(|(paths, mtimes, first_seen, sidecars)| Context {
            paths,
            mtimes,
            first_seen,
            sidecars,
        })
}

proptest! {
    #[test]
    fn nothing_that_strangers_write_is_too_much(entries in arb_entries(), context in arb_context()) {
        let meta = MetaDoc::new(entries.into_iter().collect());
        let known = facts(Some(&meta), &context);
        words(&known.capture);
        prop_assert!(known.place.is_none_or(|place| place.value.latitude.abs() <= 90.0));
        prop_assert!(known.duration.is_none_or(|seconds| seconds.value.is_finite()));
    }

    #[test]
    fn neither_the_order_of_keys_nor_of_sightings_matters(entries in arb_entries(), context in arb_context()) {
        let forward: Map<String, Value> = entries.iter().cloned().collect();
        let backward: Map<String, Value> = forward.clone().into_iter().rev().collect();
        let mut turned = context.clone();
        turned.paths.reverse();
        turned.mtimes.reverse();
        let known = facts(Some(&MetaDoc::new(forward)), &context);
        prop_assert_eq!(&known, &facts(Some(&MetaDoc::new(backward)), &turned));
    }
}
