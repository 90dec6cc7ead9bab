//! Which clock a time is from.

use super::*;

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
fn a_position_that_is_older_than_a_name_and_all_zones_is_no_time_of_capture() {
    let gps = "GPS:GPSDateStamp";
    let name = "IMG_20191031_173558.jpg";
    let told = |day: &str| {
        let tags = json!({gps: day, "GPS:GPSTimeStamp": "16:34:31"});
        let capture = told(tags, &seen_at(&[&format!("/p/{name}")]));
        (words(&capture), against(&capture).len())
    };
    let fresh = format!(
        "2019-10-31T17:34:31+01:00 second, likely, by {gps}, zone difference by the file name {name}"
    );
    assert_eq!(told("2019:10:31"), (fresh, 0));
    let old = format!("2019-10-31T17:35:58 second, guess, by the file name {name}");
    assert_eq!(told("2019:10:28"), (old, 1));
    let wrong_clock = format!("2019-11-03T16:34:31+00:00 second, guess, by {gps}, zone utc by {gps}");
    assert_eq!(told("2019:11:03"), (wrong_clock, 1));
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
