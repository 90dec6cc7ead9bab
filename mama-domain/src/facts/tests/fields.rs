//! Camera, place, size and music on small documents.

use super::*;

#[test]
fn a_camera_is_not_called_by_its_make_twice() {
    for (make, model, name) in [
        ("Canon", "Canon EOS 40D", Some("Canon EOS 40D")),
        ("NIKON CORPORATION", "NIKON D70", Some("NIKON D70")),
        ("EASTMAN KODAK COMPANY", "KODAK DX4900", Some("KODAK DX4900")),
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

#[test]
fn what_stands_for_bytes_is_no_text() {
    let bytes = "(Binary data 10 bytes, use -b option to extract)";
    let tags = json!({
        "ID3v2_4:Title": bytes, "ID3v1:Title": "Song", "ID3v2_4:Artist": [bytes, "Artist"], "ID3v2_4:Album": bytes,
        "IFD0:Make": bytes, "IFD0:Model": "EOS", "ExifIFD:LensModel": bytes,
    });
    let Facts { music, camera, .. } = facts(Some(&doc(tags)), &Context::default());
    let text = |field: Option<Sourced<String>>| field.map(|field| field.value);
    assert_eq!(text(music.title).as_deref(), Some("Song"));
    assert_eq!(text(music.artist).as_deref(), Some("Artist"));
    assert_eq!((text(music.album), text(camera.lens.clone())), (None, None));
    assert_eq!(camera.name().as_deref(), Some("EOS"));
}
