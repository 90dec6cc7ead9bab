use proptest::prelude::*;

use super::*;

fn file(name: &str) -> (FileName, Traits) {
    let ending = name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase();
    let is_picture = !matches!(ending.as_str(), "mov" | "mp4" | "mp" | "pdf" | "avi" | "txt");
    let seconds = matches!(ending.as_str(), "mov" | "mp4").then_some(2.8);
    (FileName::parse(name).unwrap(), Traits { is_picture, seconds, ..Traits::default() })
}

fn doc(text: &str) -> MetaDoc {
    MetaDoc::from_json(text).unwrap()
}

fn found(files: &[(FileName, Traits)]) -> Vec<String> {
    let members: Vec<Member<'_>> =
        files.iter().map(|(name, traits)| Member { name, traits: traits.clone() }).collect();
    let shown = |at: &usize| String::from_utf8_lossy(members[*at].name.as_bytes()).into_owned();
    groups(&members)
        .iter()
        .map(|group| {
            let names: Vec<String> = group.members.iter().map(shown).collect();
            format!("{} by {}: {}", group.kind.as_str(), group.because.as_str(), names.join(" + "))
        })
        .collect()
}

fn by_name(names: &[&str]) -> Vec<String> {
    found(&names.iter().map(|name| file(name)).collect::<Vec<_>>())
}

#[test]
fn a_live_photo_has_one_identifier_or_one_stem() {
    let with = |name: &str, id: Option<&str>, seconds| {
        let (name, traits) = file(name);
        (name, Traits { content_identifier: id.map(str::to_owned), seconds, ..traits })
    };
    let pair = [with("IMG_1.HEIC", Some("A"), None), with("trailer.MOV", Some("A"), Some(2.8))];
    assert_eq!(found(&pair), ["live_photo by identifier: IMG_1.HEIC + trailer.MOV"]);
    assert_eq!(by_name(&["IMG_1.JPG", "img_1.mov"]), ["live_photo by names: IMG_1.JPG + img_1.mov"]);
    let differ = [with("IMG_1.HEIC", Some("A"), None), with("IMG_1.MOV", Some("B"), Some(2.8))];
    assert_eq!(found(&differ), [""; 0], "identifiers count more than names");
    let three = ["IMG_1.HEIC", "IMG_1.JPG", "IMG_1.MOV"];
    assert_eq!(by_name(&three), ["live_photo by names: IMG_1.HEIC + IMG_1.JPG + IMG_1.MOV"]);
    let like = ["clip.gif", "clip.jpg", "clip.mp4", "clip.png"];
    assert_eq!(by_name(&like), ["live_photo by names: clip.jpg + clip.mp4"]);
    assert_eq!(by_name(&["x.gif", "x.mp4", "x.png"]), ["live_photo by names: x.gif + x.mp4"]);
    let long = [with("P1.JPG", None, None), with("P1.MP4", None, Some(61.0))];
    assert_eq!(found(&long), [""; 0], "a film with a picture's number");
    let unknown = [with("P1.JPG", None, None), with("P1.MP4", None, None)];
    assert_eq!(found(&unknown), [""; 0], "nobody knows that it is short");
}

#[test]
fn a_length_is_known_however_it_is_written() {
    let seconds =
        |text: &str| Traits::of(None, Some(&doc(&format!(r#"{{"QuickTime:Duration":"{text}"}}"#)))).seconds;
    for (text, expected) in [
        ("2.87 s", Some(2.87)),
        ("0:01:05", Some(65.0)),
        ("1 days 0:00:01", Some(86_401.0)),
        ("0 s", None),
        ("long", None),
    ] {
        assert_eq!(seconds(text), expected, "{text}");
    }
}

#[test]
fn a_live_photo_by_its_name_is_of_one_moment_in_some_zone() {
    let still = doc(r#"{"ExifIFD:DateTimeOriginal":"2021:04:10 11:44:00"}"#);
    let still = Traits::of(Some(&Mime::new("image/jpeg")), Some(&still));
    let is_found = |local: &str, utc: &str| {
        let times = format!(r#""Keys:CreationDate":"{local}","QuickTime:CreateDate":"{utc}""#);
        let moving = doc(&format!(r#"{{"QuickTime:Duration":"1.23 s",{times}}}"#));
        let moving = Traits::of(Some(&Mime::new("video/quicktime")), Some(&moving));
        let name = |name: &str| FileName::parse(name).unwrap();
        !found(&[(name("IMG_1.JPG"), still.clone()), (name("IMG_1.MOV"), moving)]).is_empty()
    };
    for (local, utc, expected) in [
        ("2021:04:10 11:43:59+01:00", "2024:02:02 08:09:57", true),
        ("2021:04:10 10:43:59+01:00", "2021:04:10 10:44:00", false),
        ("", "2021:04:10 10:44:02", true),
        ("", "2021:04:10 05:58:57", true),
        ("", "2021:04:10 11:44:00", true),
        ("", "2021:04:10 10:37:00", false),
        ("", "2021:04:11 10:44:00", false),
        ("", "0000:00:00 00:00:00", true),
    ] {
        assert_eq!(is_found(local, utc), expected, "{local} {utc}");
    }
}

#[test]
fn a_picture_with_a_video_in_it_is_a_motion_photo() {
    let (name, traits) = file("PXL_1.MP.jpg");
    let motion = (name, Traits { is_motion_photo: true, ..traits });
    assert_eq!(found(&[motion.clone(), file("PXL_1.MP")]), ["motion_photo by tag: PXL_1.MP.jpg + PXL_1.MP"]);
    assert_eq!(found(&[motion]), ["motion_photo by tag: PXL_1.MP.jpg"]);
    assert!(Traits::of(None, Some(&doc(r#"{"XMP-GCamera:MicroVideo":1}"#))).is_motion_photo);
    assert!(!Traits::of(None, Some(&doc(r#"{"XMP-GCamera:MotionPhoto":0}"#))).is_motion_photo);
}

#[test]
fn raw_and_jpeg_have_one_stem_and_one_moment() {
    let expected = ["raw_and_jpeg by names: DSC_1.JPG + DSC_1.NEF"];
    assert_eq!(by_name(&["DSC_1.NEF", "DSC_1.JPG", "DSC_2.NEF"]), expected);
    let three = ["DSC_1.ARW", "DSC_1.HIF", "DSC_1.JPG"];
    assert_eq!(by_name(&three), ["raw_and_jpeg by names: DSC_1.HIF + DSC_1.JPG + DSC_1.ARW"]);
    let pixel = ["PXL_1.RAW-01.COVER.jpg", "PXL_1.RAW-02.ORIGINAL.dng", "PXL_1.jpg.txt"];
    assert_eq!(by_name(&pixel), [format!("raw_and_jpeg by names: {} + {}", pixel[0], pixel[1])]);
    let moving = ["PXL_1.RAW-01.MP.COVER.jpg", "PXL_1.RAW-02.ORIGINAL.dng"];
    assert_eq!(by_name(&moving), [format!("raw_and_jpeg by names: {} + {}", moving[0], moving[1])]);
    let at = |name: &str, taken| {
        let (name, traits) = file(name);
        (name, Traits { taken: Some(ClockTime::Local(taken)), ..traits })
    };
    assert_eq!(found(&[at("DSC_1.NEF", 100), at("DSC_1.JPG", 101)]), expected);
    assert_eq!(found(&[at("DSC_1.NEF", 100), at("DSC_1.JPG", 90_000)]), [""; 0], "the counter began again");
}

#[test]
fn shots_of_a_burst_have_one_identifier_or_one_name() {
    let shot = |name: &str| {
        let (name, traits) = file(name);
        (name, Traits { burst: Some("B".to_owned()), ..traits })
    };
    assert_eq!(
        found(&[shot("IMG_2.JPG"), shot("IMG_1.JPG"), file("IMG_3.JPG")]),
        ["burst by identifier: IMG_1.JPG + IMG_2.JPG"]
    );
    let google =
        ["IMG_20161015_1_BURST001_COVER.jpg", "IMG_20161015_1_BURST002.jpg", "IMG_20161015_2_BURST001.jpg"];
    assert_eq!(by_name(&google), [format!("burst by names: {} + {}", google[0], google[1])]);
    let later =
        ["00000PORTRAIT_00000_BURST20190216172030_COVER.jpg", "00001IMG_00001_BURST20190216172030.jpg"];
    assert_eq!(by_name(&later), [format!("burst by names: {} + {}", later[0], later[1])]);
    let samsung = ["20170826_120000_001.jpg", "20170826_120000_002.jpg", "20170826_120001_001.jpg"];
    assert_eq!(by_name(&samsung), [format!("burst by names: {} + {}", samsung[0], samsung[1])]);
    assert_eq!(by_name(&["20170826_120000.jpg", "20170826_120000_0011.jpg", "scan_001.jpg"]), [""; 0]);
}

#[test]
fn an_edit_comes_before_its_original() {
    for (edit, original) in [
        ("a-bearbeitet.jpg", "a.jpg"),
        ("DSC_1-Edit.tif", "DSC_1.NEF"),
        ("a_edited.jpg", "a.jpg"),
        ("a (bearbeitet).jpg", "a.jpg"),
        ("IMG_1-01.jpeg", "IMG_1.jpg"),
        ("IMG_E12.JPG", "IMG_12.HEIC"),
        ("b~2.jpg", "b.jpg"),
        ("c-edited(1).jpg", "c(1).jpg"),
        ("IMG_E3.MOV", "IMG_3.MOV"),
        ("d-edited.MP4", "d.MP4"),
        ("PXL_2.PORTRAIT-01.COVER~2.jpg", "PXL_2.PORTRAIT-01.COVER.jpg"),
        ("PXL_1.PORTRAIT-01.COVER.jpg", "PXL_1.PORTRAIT-02.ORIGINAL.jpg"),
        ("PXL_1.ACTION_PAN-01.COVER.jpg", "PXL_1.ACTION_PAN-02.ORIGINAL.jpg"),
        (
            "PXL_20231112_142424123.LONG_EXPOSURE-01.COVER.jpg",
            "PXL_20231112_142424123.LONG_EXPOSURE-02.ORIGINA.jpg",
        ),
        (
            "Urlaub in Italien, am Strand von Viareggio-edit.jpg",
            "Urlaub in Italien, am Strand von Viareggio.jpg",
        ),
    ] {
        assert_eq!(by_name(&[original, edit]), [format!("edited by names: {edit} + {original}")]);
    }
    let uncut = ["PXL_1.LONG_EXPOSURE-01.COVER.jpg", "PXL_1.LONG_EXPOSURE-02.ORIGINA.jpg"];
    assert_eq!(by_name(&uncut), [""; 0], "a name that was not cut is not cut");
    assert_eq!(by_name(&["a-edite.jpg", "a.jpg"]), [""; 0]);
    for no in
        [["a-01.jpeg", "a.png"], ["a-01.jpg", "a.jpg"], ["a-1.jpeg", "a.jpg"], ["a-01.jpeg", "a-02.jpeg"]]
    {
        assert_eq!(by_name(&no), [""; 0], "{no:?}");
    }
    assert_eq!(by_name(&["a-edited.jpg", "IMG_E12.JPG", "IMG_EARLY.JPG", "IMG_ARLY.JPG"]), [""; 0]);
    assert_eq!(by_name(&["IMG_E4.MOV", "IMG_4.JPG", "x.COVER.jpg", "x.ORIGINAL.jpg"]), [""; 0]);
    let at = |name: &str, taken| {
        let (name, traits) = file(name);
        (name, Traits { taken: Some(ClockTime::Local(taken)), ..traits })
    };
    let expected = ["edited by names: IMG_E1.JPG + IMG_1.HEIC"];
    assert_eq!(found(&[at("IMG_1.HEIC", 100), at("IMG_E1.JPG", 100)]), expected);
    assert_eq!(found(&[at("IMG_1.HEIC", 100), at("IMG_E1.JPG", 90_000)]), [""; 0], "the counter began again");
    let pixel = ["PXL_1.PORTRAIT-01.COVER.jpg", "PXL_1.PORTRAIT-02.ORIGINAL.jpg"];
    assert_eq!(found(&[at(pixel[0], 100), at(pixel[1], 101)]).len(), 1);
    assert_eq!(found(&[at(pixel[0], 100), at(pixel[1], 90_000)]), [""; 0]);
}

#[test]
fn parts_have_one_name_and_numbers_without_a_gap() {
    let parts = ["Vertrag Teil 2.pdf", "Vertrag Teil 1.pdf", "Vertrag Teil 3.pdf"];
    assert_eq!(by_name(&parts), [format!("parts by names: {} + {} + {}", parts[1], parts[0], parts[2])]);
    assert_eq!(by_name(&["film.cd1.avi", "film.cd2.avi"]), ["parts by names: film.cd1.avi + film.cd2.avi"]);
    assert_eq!(by_name(&["scan (page 1).pdf", "scan (page 2).pdf"]).len(), 1);
    for no in [
        ["a part 2.pdf", "a part 4.pdf"],
        ["a 1.pdf", "a 2.pdf"],
        ["counterpart 1.pdf", "counterpart 2.pdf"],
        ["a part 1.pdf", "a part 2.txt"],
    ] {
        assert_eq!(by_name(&no), [""; 0], "{no:?}");
    }
}

proptest! {
    #[test]
    fn nothing_is_in_a_group_twice_and_the_order_means_nothing(
        mut files in prop::collection::vec(
            prop::sample::select(vec![
                "IMG_1.JPG", "IMG_1.MOV", "IMG_1.NEF", "IMG_E1.JPG", "IMG_1~2.JPG", "IMG_1-edited.jpg", "a part 1.pdf",
                "a part 2.pdf", "x_BURST001.jpg", "x_BURST002.jpg", "img_1.jpg", "PXL.MP.jpg", "PXL.MP",
            ]).prop_map(file),
            0..13,
        )
    ) {
        files.sort_by(|one, two| one.0.cmp(&two.0));
        files.dedup_by(|one, two| one.0 == two.0);
        let members: Vec<_> =
            files.iter().map(|(name, traits)| Member { name, traits: traits.clone() }).collect();
        for group in groups(&members) {
            let mut all = group.members.clone();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), group.members.len());
        }
        let mut before = found(&files);
        files.reverse();
        let mut after = found(&files);
        before.sort();
        after.sort();
        prop_assert_eq!(before, after);
    }
}
