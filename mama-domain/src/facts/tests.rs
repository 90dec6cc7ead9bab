//! The rules on small documents: which source is believed, in which zone, how surely, and what is said about the others.

mod fields;
mod random;
mod zones;

use mama_ports::vocab::{AbsPath, MetaDoc, Timestamp};
use serde_json::{Value, json};

use super::*;

fn doc(tags: Value) -> MetaDoc {
    let Value::Object(tags) = tags else { panic!("{tags}") };
    MetaDoc::new(tags)
}

fn path(text: &str) -> AbsPath {
    AbsPath::parse(text).unwrap()
}

fn file(text: &str) -> SidecarFile {
    SidecarFile { path: path(text), host: None }
}

fn seen_at(paths: &[&str]) -> Context {
    let paths = paths.iter().map(|text| path(text)).collect();
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
    let mtimes = vec![Timestamp::new(1_500_007_201, 0)];
    let meta = doc(json!({"ExifIFD:DateTimeOriginal": "2017:07:14 02:40:00"}));
    let shot = facts(Some(&meta), &Context { mtimes, ..Context::default() }).capture;
    assert_eq!(
        words(&shot),
        "2017-07-14T02:40:00 second, certain, by ExifIFD:DateTimeOriginal",
        "and no zone"
    );
    assert_eq!(ignored(&capture), [format!("{source} 1970-01-01T00:00:00+00:00: a clock's zero")]);
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
fn a_long_video_begins_at_the_time_in_its_name() {
    let name = "20200701_003000.mp4";
    let told = |length: &str, closed: &str| {
        let tags = json!({"QuickTime:CreateDate": closed, "QuickTime:Duration": length});
        words(&told(tags, &seen_at(&[&format!("/p/{name}")])))
    };
    let quicktime = "QuickTime:CreateDate";
    for (length, closed, start, zone) in [
        ("0:10:30", "2020:06:30 22:40:30", "2020-07-01T00:30:00+02:00", true),
        ("0:10:28", "2020:06:30 22:41:40", "2020-07-01T00:30:00+02:00", true),
        ("1:00:05", "2020:06:30 23:30:06", "2020-07-01T00:30:00+02:00", true),
        ("1:00:00", "2020:06:30 23:30:00", "2020-07-01T00:30:00+02:00", true),
        ("0:01:30", "2020:06:30 22:31:31", "2020-07-01T00:30:00+02:00", true),
        // in UTC, or in local time where UTC belongs
        ("1:00:05", "2020:07:01 01:30:05", "2020-07-01T00:30:00", false),
    ] {
        let zone = if zone { format!(", zone difference by {quicktime}") } else { String::new() };
        let expected = format!("{start} second, likely, by the file name {name}{zone}");
        assert_eq!(told(length, closed), expected, "{length} {closed}");
    }
    // some devices note when it began
    let began = "2020-07-01T00:30:01+02:00 second, likely, by QuickTime:CreateDate, zone difference by the file name 20200701_003000.mp4";
    assert_eq!(told("1:00:05", "2020:06:30 22:30:01"), began);
    let unexplained = "second, likely, by QuickTime:CreateDate, zone utc by QuickTime:CreateDate";
    for length in ["0:04:00", "0 s", "30000 days 0:10:30"] {
        let closed = format!("2020-06-30T22:40:30+00:00 {unexplained}");
        assert_eq!(told(length, "2020:06:30 22:40:30"), closed, "{length}");
    }
}

#[test]
fn what_was_done_later_gives_way_to_when_it_was() {
    check(
        json!({"QuickTime:CreateDate": "2022:07:24 21:10:56"}),
        &["/p/PXL_20220724_210650210.NIGHT.mp4"],
        "2022-07-24T21:06:50.21+00:00 subsecond, likely, by the file name PXL_20220724_210650210.NIGHT.mp4, zone utc by the file name PXL_20220724_210650210.NIGHT.mp4",
    );
    check(
        json!({"QuickTime:CreateDate": "2019:07:24 21:10:56"}),
        &["/p/VID_20150102_030405.mp4"],
        "2015-01-02T03:04:05 second, likely, by the file name VID_20150102_030405.mp4",
    );
    // a day in a name is not enough
    let capture = told(json!({"PDF:CreateDate": "2019:07:24 21:10:56"}), &seen_at(&["/p/2015-01-02.pdf"]));
    assert_eq!(words(&capture), "2019-07-24T21:10:56 second, likely, by PDF:CreateDate");
    assert_eq!(against(&capture), ["the file name 2015-01-02.pdf 2015-01-02"]);
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
fn a_clock_that_began_again_and_went_on_is_believed_last() {
    let source = "ExifIFD:DateTimeOriginal";
    for shown in ["2000:01:01 00:05:12", "2000:01:01 12:00:00", "1980:01:01 00:02:00"] {
        let tags = || json!({source: shown});
        let guess = told(tags(), &Context::default());
        assert_eq!(guess.taken.unwrap().certainty, Certainty::Guess, "{shown}");
        for (path, expected) in [
            (
                "/p/IMG_20031024_081301.jpg",
                "2003-10-24T08:13:01 second, likely, by the file name IMG_20031024_081301.jpg",
            ),
            ("/p/2003-10 Arezzo/x.jpg", "2003-10 month, guess, by the folder /p/2003-10 Arezzo"),
        ] {
            let capture = told(tags(), &seen_at(&[path]));
            assert_eq!((words(&capture).as_str(), against(&capture).len()), (expected, 1), "{shown} {path}");
        }
        let takeout = doc(json!({"JSON:PhotoTakenTime": {"timestamp": "1066983181"}}));
        let context = Context { sidecars: vec![(file("/a/x.jpg.json"), takeout)], ..Context::default() };
        let by = "JSON:PhotoTakenTime of /a/x.jpg.json";
        let expected = format!("2003-10-24T08:13:01+00:00 second, likely, by {by}, zone utc by {by}");
        assert_eq!(words(&told(tags(), &context)), expected, "{shown}");
    }
    check(
        json!({source: "2000:01:01 00:05:12"}),
        &["/p/2000-01-01 Silvester/x.jpg"],
        "2000-01-01T00:05:12 second, guess, by ExifIFD:DateTimeOriginal",
    );
    check(
        json!({source: "2000:01:01 00:05:12"}),
        &["/p/2000/x.jpg"],
        "2000 year, guess, by the folder /p/2000",
    );
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
    check(
        json!({"Matroska:DateTimeOriginal": "2008:08:08 08:08:08Z"}),
        &[],
        "2008-08-08T08:08:08+00:00 second, likely, by Matroska:DateTimeOriginal, zone written by Matroska:DateTimeOriginal",
    );
    check(json!({"Vorbis:Date": 2014}), &[], "2014 year, likely, by Vorbis:Date");
}

#[test]
fn a_sidecar_corrects_the_camera() {
    let sidecar = doc(
        json!({"XMP-exif:DateTimeOriginal": "2018:08:11 17:38:25Z", "XMP-exif:GPSLatitude": "46 deg 53' 54.21\" N", "XMP-exif:GPSLongitude": "102 deg 46' 7.07\" E"}),
    );
    let context = Context { sidecars: vec![(file("/a/IMG_1.jpg.xmp"), sidecar)], ..Context::default() };
    let meta = doc(json!({"ExifIFD:DateTimeOriginal": "2000:05:05 00:00:01", "Composite:ImageSize": "4x3"}));
    let facts = facts(Some(&meta), &context);
    let source = "XMP-exif:DateTimeOriginal of /a/IMG_1.jpg.xmp";
    assert_eq!(
        words(&facts.capture),
        format!("2018-08-11T17:38:25+00:00 second, likely, by {source}, zone written by {source}")
    );
    assert_eq!(against(&facts.capture), ["ExifIFD:DateTimeOriginal 2000-05-05T00:00:01"]);
    assert_eq!(facts.place.unwrap().source.to_string(), "XMP-exif:GPSLatitude of /a/IMG_1.jpg.xmp");
    assert_eq!(facts.size.unwrap().value, Size { width: 4, height: 3 });
}

#[test]
fn sidecars_of_one_name_in_two_folders_contradict_each_other() {
    let says = |folder: &str, year: u16| {
        let tags = json!({"XMP-exif:DateTimeOriginal": format!("{year}:01:01 10:00:00")});
        (file(&format!("{folder}/k.jpg.xmp")), doc(tags))
    };
    let context = Context { sidecars: vec![says("/x", 2001), says("/y", 2015)], ..Context::default() };
    let capture = facts(None, &context).capture;
    let source = "XMP-exif:DateTimeOriginal of /x/k.jpg.xmp";
    assert_eq!(words(&capture), format!("2001-01-01T10:00:00 second, likely, by {source}"));
    assert_eq!(against(&capture), ["XMP-exif:DateTimeOriginal of /y/k.jpg.xmp 2015-01-01T10:00:00"]);
}

#[test]
fn while_a_sidecar_is_unread_nothing_but_a_sidecar_is_certain() {
    let own = || json!({"ExifIFD:DateTimeOriginal": "2019:05:05 00:00:01"});
    let context = Context { has_unread_sidecars: true, ..Context::default() };
    let source = "ExifIFD:DateTimeOriginal";
    assert_eq!(words(&told(own(), &context)), format!("2019-05-05T00:00:01 second, likely, by {source}"));
    let other = seen_at(&["/a/IMG_20030101_101010.jpg"]);
    let against_it = told(own(), &Context { has_unread_sidecars: true, ..other });
    assert_eq!(words(&against_it), format!("2019-05-05T00:00:01 second, guess, by {source}"));
    let sidecar = doc(json!({"XMP-exif:DateTimeOriginal": "2003:05:05 00:00:01"}));
    let corrected = Context { sidecars: vec![(file("/a/x.jpg.xmp"), sidecar)], ..context };
    let source = "XMP-exif:DateTimeOriginal of /a/x.jpg.xmp";
    let capture = facts(None, &corrected).capture;
    assert_eq!(words(&capture), format!("2003-05-05T00:00:01 second, certain, by {source}"));
}

#[test]
fn a_place_that_was_measured_counts_more_than_googles() {
    let takeout = |key: &str, latitude: f64| {
        let unset = json!({"latitude": 0.0, "longitude": 0.0, "altitude": 0.0});
        let mut tags = json!({"JSON:GeoData": unset.clone(), "JSON:GeoDataExif": unset});
        tags[key] = json!({"latitude": latitude, "longitude": 2.0, "altitude": 0.0});
        Context { sidecars: vec![(file("/a/x.json"), doc(tags))], ..Context::default() }
    };
    let place = |own: Value, context: &Context| facts(Some(&doc(own)), context).place.unwrap();
    let own = || json!({"GPS:GPSLatitude": "10.5", "GPS:GPSLatitudeRef": "North", "GPS:GPSLongitude": "20.5", "GPS:GPSLongitudeRef": "East"});
    assert_eq!(place(own(), &takeout("JSON:GeoData", 48.0)).value.latitude, 10.5);
    for key in ["JSON:GeoData", "JSON:GeoDataExif"] {
        let found = place(json!({}), &takeout(key, 48.0));
        assert_eq!((found.value.latitude, found.source.to_string()), (48.0, format!("{key} of /a/x.json")));
    }
}

#[test]
fn a_takeout_tells_what_a_picture_does_not() {
    let takeout = doc(json!({
        "JSON:PhotoTakenTime": {"formatted": "6 oct. 2023, 06:30:00 UTC", "timestamp": "1696573800"},
        "JSON:GeoData": {"altitude": 82.09, "latitude": 48.8583736, "longitude": 2.291901},
        "JSON:CreationTime": {"timestamp": "1697872351"},
    }));
    let context = Context { sidecars: vec![(file("/a/x.jpg.json"), takeout)], ..Context::default() };
    let bare = facts(Some(&doc(json!({}))), &context);
    let source = "JSON:PhotoTakenTime of /a/x.jpg.json";
    assert_eq!(
        words(&bare.capture),
        format!("2023-10-06T06:30:00+00:00 second, likely, by {source}, zone utc by {source}")
    );
    let place = Place { latitude: 48.858_373_6, longitude: 2.291_901, altitude: Some(82.09) };
    assert_eq!(bare.place.unwrap().value, place);
    let own = facts(Some(&doc(json!({"ExifIFD:DateTimeOriginal": "2023:10:06 08:30:00"}))), &context);
    assert_eq!(
        words(&own.capture),
        format!(
            "2023-10-06T08:30:00+02:00 second, certain, by ExifIFD:DateTimeOriginal, zone difference by {source}"
        )
    );
}
