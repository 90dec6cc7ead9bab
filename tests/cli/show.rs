//! `mama show`: what is known about a content, with the real ExifTool.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};

use crate::world::{Run, World};

/// A picture's XMP, which ExifTool reads as it would inside the picture.
const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 exif:DateTimeOriginal="2018-04-12T15:21:28-07:00" xmp:CreateDate="2017-04-12T15:21:28-07:00" tiff:Make="Apple" tiff:Model="iPhone 7&#10;x"
 exif:GPSLatitude="47,38.9763N" exif:GPSLongitude="122,21.0768W"/></rdf:RDF></x:xmpmeta>"#;

fn scanned(world: &World) {
    world.mama(["scan", "photos"]).done();
}

fn shown(world: &World, what: impl AsRef<OsStr>) -> Vec<Value> {
    let run = world.mama([OsStr::new("show"), what.as_ref(), OsStr::new("--json")]).done();
    run.objects().into_iter().filter(|object| object["type"] == "content").collect()
}

fn hash(world: &World, path: &str) -> String {
    shown(world, path)[0]["hash"].as_str().unwrap().to_owned()
}

#[test]
fn everything_is_told_with_its_source() {
    let world = World::new();
    world.write("photos/2018/IMG_1.xmp", XMP);
    scanned(&world);
    world.mama(["apply"]).done();
    let [content] = <[Value; 1]>::try_from(shown(&world, "photos/2018/IMG_1.xmp")).unwrap();
    let taken = &content["taken"];
    assert_eq!((&taken["at"], &taken["certainty"]), (&json!("2018-04-12T15:21:28-07:00"), &json!("likely")));
    assert_eq!(taken["source"], json!({"tag": "XMP-exif:DateTimeOriginal"}));
    assert_eq!(
        (&taken["zone"]["offset_seconds"], &taken["zone"]["basis"]),
        (&json!(-25200), &json!("written"))
    );
    assert_eq!(
        content["contradicted_by"],
        json!([{"at": "2017-04-12T15:21:28-07:00", "source": {"tag": "XMP-xmp:CreateDate"}}])
    );
    assert_eq!(content["camera"]["name"], "Apple iPhone 7\nx");
    assert_eq!(content["camera"]["make"], json!({"value": "Apple", "source": {"tag": "XMP-tiff:Make"}}));
    assert!((content["place"]["longitude"].as_f64().unwrap() + 122.35128).abs() < 1e-5, "{content}");
    let [seen] = content["observations"].as_array().unwrap().as_slice() else { panic!("{content}") };
    assert_eq!(
        (&seen["host"], &seen["status"], &seen["placement"]),
        (&json!("laptop"), &json!("assigned"), &json!("placed"))
    );
    assert!(content["blob"].as_str().unwrap().starts_with("blobs/"), "{content}");
    assert!(content.get("tags").is_none());
    let all = world.mama(["show", "photos/2018/IMG_1.xmp", "--all", "--json"]).done().objects().remove(0);
    assert_eq!(all["tags"]["XMP-tiff:Make"], "Apple");

    let words = world.mama(["show", "photos/2018/IMG_1.xmp", "--all"]).done().stdout;
    for word in [
        "2018-04-12T15:21:28-07:00  likely, by XMP-exif:DateTimeOriginal",
        "but XMP-xmp:CreateDate says 2017-04-12T15:21:28-07:00",
        "47.64961, -122.35128  by XMP-exif:GPSLatitude",
        r"Apple iPhone 7\nx  by XMP-tiff:Model",
        "assigned, placed, views/existing/",
        "tag          XMP-tiff:Make  Apple",
    ] {
        assert!(words.contains(word), "no {word:?} in {words}");
    }
}

#[test]
fn a_content_is_found_by_hash_view_folder_and_name() {
    let world = World::new();
    world.write("photos/a/IMG_20191024_081301.txt", "one");
    world.write("photos/a/copy.txt", "one");
    world.write("photos/b.txt", "two");
    scanned(&world);
    world.mama(["apply"]).done();
    let [one] = <[Value; 1]>::try_from(shown(&world, "photos/a")).unwrap();
    assert_eq!(one["observations"].as_array().unwrap().len(), 2);
    assert_eq!(one["taken"]["at"], "2019-10-24T08:13:01");
    assert_eq!(one["taken"]["source"], json!({"file_name": "IMG_20191024_081301.txt"}));
    let hash = hash(&world, "photos/b.txt");
    for what in [&hash, &hash[..10]] {
        assert_eq!(shown(&world, what)[0]["hash"], hash);
    }
    let view =
        world.path("archive/views/existing").join(world.path("photos/b.txt").strip_prefix("/").unwrap());
    assert_eq!(shown(&world, view)[0]["hash"], hash);
    assert_eq!(shown(&world, "photos").len(), 2);
}

#[test]
fn what_a_sidecar_says_goes_before_the_camera() {
    let world = World::new();
    world.write("photos/IMG_20150102_030405.txt", "a picture");
    world.write("photos/IMG_20150102_030405.txt.xmp", XMP);
    scanned(&world);
    let picture = &shown(&world, "photos/IMG_20150102_030405.txt")[0];
    let sidecar = world.path("photos/IMG_20150102_030405.txt.xmp").to_str().unwrap().to_owned();
    let source = json!({"tag": "XMP-exif:DateTimeOriginal", "sidecar": sidecar});
    assert_eq!(
        (&picture["taken"]["at"], &picture["taken"]["source"]),
        (&json!("2018-04-12T15:21:28-07:00"), &source)
    );
    let against = picture["contradicted_by"].to_string();
    assert!(against.contains(r#"{"file_name":"IMG_20150102_030405.txt"}"#), "{against}");
}

#[test]
fn what_is_blocked_gone_or_an_older_version_says_so() {
    let world = World::new();
    world.write("photos/a.txt", "one");
    world.write("photos/b.txt", "two");
    scanned(&world);
    let first = hash(&world, "photos/a.txt");
    world.write("photos/a.txt", "another");
    fs::remove_file(world.path("photos/b.txt")).unwrap();
    scanned(&world);
    assert_ne!(hash(&world, "photos/a.txt"), first, "the newest one");
    let older = &shown(&world, &first)[0];
    assert_eq!(older["observations"][0]["current"], false);
    let words = world.mama(["show", "photos/b.txt"]).done().stdout;
    assert!(words.contains("gone since") && words.contains("not in the archive"), "{words}");
    world.mama(["block", &first, "--yes", "--reason", "deleted"]).done();
    assert_eq!(shown(&world, &first)[0]["block"], "deleted");
    assert!(world.mama(["show", &first]).done().stdout.contains("deleted: never shown"));
}

#[test]
fn a_file_that_was_not_scanned_is_known_by_its_content() {
    let world = World::new();
    world.write("photos/a.txt", "one");
    scanned(&world);
    let elsewhere = world.write("card/b.txt", "one");
    let run = world.mama([OsStr::new("show"), elsewhere.as_os_str()]).done();
    assert!(
        run.stderr.contains("was never scanned") && run.stdout.contains("a.txt"),
        "{}{}",
        run.stdout,
        run.stderr
    );

    world.write("photos/a.txt", "another");
    let run = world.mama(["show", "photos/a.txt"]).done();
    assert!(run.stderr.contains("has changed since it was scanned"), "{}", run.stderr);
}

#[test]
fn what_nobody_has_seen_is_answered_with_no() {
    let world = World::new();
    world.write("photos/new.txt", "new");
    let no = |run: &Run, words: &str| {
        assert_eq!(run.status, 3, "{}", run.stderr);
        assert!(run.stdout.contains(words), "no {words:?} in {}", run.stdout);
    };
    for (what, words) in [
        ("photos/new.txt", "its content was never seen elsewhere"),
        ("photos/nothing.txt", "nothing was ever seen at"),
        ("photos", "nothing was ever seen at"),
        (&*"ab".repeat(32), "no content with the hash"),
    ] {
        no(&world.mama(["show", what]), words);
        let run = world.mama(["show", what, "--json"]);
        assert_eq!((run.status, &run.summary()["contents"]), (3, &json!(0)));
    }
    no(&world.mama(["show", "/elsewhere", "--host", "nas"]), "on nas");
    world.mama(["show"]).refused(2, &["PATH|HASH"]);
}

#[test]
fn names_that_are_no_text_are_shown_and_given_whole() {
    let world = World::new();
    let name = OsStr::from_bytes(b"\xff\n2019-08-17 14.05.06.txt");
    fs::write(world.path("photos").join(name), "x").unwrap();
    scanned(&world);
    let path = world.path("photos").join(name);
    let words = world.mama([OsStr::new("show"), path.as_os_str()]).done().stdout;
    assert!(words.contains(r"by the file name \xff\n2019-08-17 14.05.06.txt"), "{words}");
    let taken = &shown(&world, &path)[0]["taken"];
    let bytes = data_encoding::BASE64.encode(name.as_bytes());
    assert_eq!(
        (&taken["at"], &taken["source"]["file_name_bytes"]),
        (&json!("2019-08-17T14:05:06"), &json!(bytes))
    );
}

#[test]
fn what_belongs_together_is_shown_with_its_reason() {
    let world = World::new();
    for name in ["IMG_1.NEF", "IMG_1.JPG"] {
        world.write(format!("photos/{name}"), name);
    }
    world.write("photos/IMG_1.xmp", XMP);
    scanned(&world);
    let raw = &shown(&world, "photos/IMG_1.NEF")[0];
    let path = |name: &str| world.path(format!("photos/{name}")).to_str().unwrap().to_owned();
    let files = json!([{"path": path("IMG_1.JPG")}, {"path": path("IMG_1.NEF")}]);
    assert_eq!(raw["groups"], json!([{"kind": "raw_and_jpeg", "because": "names", "files": files}]));
    let why = "its name with another ending";
    let sidecar = json!({"path": path("IMG_1.xmp"), "kind": "xmp", "why": why, "extractor": raw["extractor"], "metadata_error": null});
    assert_eq!(raw["sidecars"], json!([sidecar]));
    let sidecar = &shown(&world, "photos/IMG_1.xmp")[0];
    assert_eq!((&sidecar["groups"], &sidecar["describes"]), (&json!([]), &files));
    let card = world.mama(["show", "photos/IMG_1.JPG"]).done().stdout;
    for part in ["IMG_1.JPG + IMG_1.NEF in", "raw and jpeg, by names", "described by IMG_1.xmp in"] {
        assert!(card.contains(part), "{part}: {card}");
    }
    fs::remove_file(world.path("photos/IMG_1.JPG")).unwrap();
    scanned(&world);
    let raw = &shown(&world, "photos/IMG_1.NEF")[0];
    assert_eq!((&raw["groups"], &raw["sidecars"][0]["kind"]), (&json!([]), &json!("xmp")), "it is alone now");
}

#[test]
fn a_sidecar_that_nobody_has_read_is_told_and_makes_all_else_unsure() {
    let world = World::new();
    world.write("photos/IMG_1.jpg", "a picture");
    world.write("photos/IMG_1.jpg.xmp", XMP);
    world.mama(["scan", "--no-metadata", "photos"]).done();
    let picture = &shown(&world, "photos/IMG_1.jpg")[0];
    assert_eq!(picture["sidecars"][0]["extractor"], json!(null));
    let card = world.mama(["show", "photos/IMG_1.jpg"]).done().stdout;
    assert!(
        card.contains("its name and an ending; nobody has looked into it yet: `mama enrich` does"),
        "{card}"
    );
    world.mama(["enrich", "photos/IMG_1.jpg.xmp"]).done();
    let card = world.mama(["show", "photos/IMG_1.jpg"]).done().stdout;
    assert!(
        card.contains("2018-04-12T15:21:28-07:00  likely, by XMP-exif") && !card.contains("looked into it"),
        "{card}"
    );
}
