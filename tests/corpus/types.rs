//! Media types, beside what libmagic, ExifTool and ffprobe say: `docs/types.md` has the reasons.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use mama_adapters::extract::Libmagic;
use mama_ports::content::MimeDetector;
use mama_tests::corpus::{corpus, documented};
use serde_json::Value;

use super::{made_with, text, unpacked};

/// Where mama says neither what `file` nor what ExifTool says.
const ALONE: [(&str, &str); 13] = [
    ("audio/The Artist/The Album/test.wv", "audio/wavpack"),
    ("audio/formats/adif.aac", "audio/aac"),
    ("audio/formats/bear-opus.mka", "audio/webm"),
    ("audio/formats/empty.tta", "audio/x-tta"),
    ("audio/formats/has-tags.m4a", "audio/mp4"),
    ("audio/formats/no-tags.3g2", "audio/3gpp2"),
    ("audio/formats/sine.aac", "audio/aac"),
    ("audio/full tags/full.wv", "audio/wavpack"),
    ("audio/minimal/full_test.aac", "audio/aac"),
    ("audio/taglib/has-tags.m4a", "audio/mp4"),
    ("audio/taglib/no-tags.3g2", "audio/3gpp2"),
    ("video/containers/sample_h264_mpeg_audio.ts", "video/mp2t"),
    ("video/headers only/M2TS.mts", "video/mp2t"),
];

/// How many files have ExifTool's type, and not that of `file`.
const AS_EXIFTOOL: usize = 39;

fn detector() -> Libmagic {
    Libmagic::new().expect("libmagic's database is needed (Debian: libmagic-mgc)")
}

fn detected(detector: &Libmagic, path: &Path) -> String {
    let mut head = Vec::new();
    File::open(path).unwrap().take(detector.wants() as u64).read_to_end(&mut head).unwrap();
    detector.detect(&head).unwrap().to_string()
}

#[test]
fn types_are_those_of_file_and_better_where_it_is_wrong() {
    let Some(corpus) = corpus() else { return };
    let detector = detector();
    let version = detector.version();
    if !made_with(&corpus, "file", &format!("file-{}.{}", version / 100, version % 100)) {
        return;
    }
    let table = text(corpus.join("expected/mime.tsv"));
    let (mut alone, mut as_exiftool) = (Vec::new(), Vec::new());
    for line in table.lines().skip(1) {
        let [path, file, exiftool] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let mime = detected(&detector, &corpus.join(path));
        if mime == exiftool && mime != file {
            as_exiftool.push(path);
        } else if mime != file {
            alone.push((path, mime));
        }
    }
    let alone: Vec<_> = alone.iter().map(|(path, mime)| (*path, mime.as_str())).collect();
    assert_eq!(alone, ALONE, "{alone:#?}");
    assert_eq!(as_exiftool.len(), AS_EXIFTOOL, "{as_exiftool:#?}");
    let files = table.lines().count() - 1;
    assert!(files > 400);
    let as_file = files - AS_EXIFTOOL - ALONE.len();
    let how = format!("{as_file} as `file` says, {AS_EXIFTOOL} as ExifTool, {} as neither", ALONE.len());
    documented(["Media types", "`file` and ExifTool", &format!("{files} files"), &how]);
}

/// Containers that have a type for pictures to look at, and one for sound alone.
const CONTAINERS: [&str; 7] = ["mp4", "3gpp", "3gpp2", "webm", "x-matroska", "x-ms-asf", "x-ms-wma"];

#[test]
fn what_only_has_sound_is_audio_as_ffprobe_sees_it() {
    let Some(corpus) = corpus() else { return };
    let detector = detector();
    let probed: BTreeMap<String, Value> =
        serde_json::from_slice(&unpacked(&corpus.join("expected/ffprobe.json.gz"))).unwrap();
    let (mut compared, mut wrong) = (0, Vec::new());
    for (path, probe) in &probed {
        let mime = detected(&detector, &corpus.join(path));
        let (kind, container) = mime.split_once('/').unwrap();
        let Some(streams) = probe["streams"].as_array().filter(|_| CONTAINERS.contains(&container)) else {
            continue;
        };
        let is = |stream: &Value, kind| stream["codec_type"] == kind;
        // the cover of an album is no moving picture
        let is_cover = |stream: &Value| ["mjpeg", "png"].iter().any(|codec| stream["codec_name"] == *codec);
        let moves = streams.iter().any(|stream| is(stream, "video") && !is_cover(stream));
        let sounds = streams.iter().any(|stream| is(stream, "audio"));
        compared += 1;
        if moves && kind != "video" || sounds && !moves && kind != "audio" {
            wrong.push((path.as_str(), mime));
        }
    }
    assert!(compared >= 40, "{compared}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
