//! Sidecars and groups among the real files, against the pairs that were found by their contents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mama_domain::belonging::group::{GroupKind, Member, Traits, groups};
use mama_domain::belonging::sidecar::{SidecarKind, sidecars};
use mama_ports::vocab::{FileName, MetaDoc, Mime};
use serde_json::Value;

use super::{corpus, documented, metadata_by_file, text};

/// The names in each folder.
fn folders(files: impl Iterator<Item = String>) -> BTreeMap<String, Vec<FileName>> {
    let mut folders: BTreeMap<String, Vec<FileName>> = BTreeMap::new();
    for file in files {
        let (folder, name) = file.rsplit_once('/').unwrap_or(("", &file));
        folders.entry(folder.to_owned()).or_default().push(FileName::parse(name).unwrap());
    }
    folders
}

fn shown(name: &FileName) -> &str {
    std::str::from_utf8(name.as_bytes()).unwrap()
}

fn pairs(corpus: &Path) -> Value {
    serde_json::from_str(&text(corpus.join("expected/pairs.json"))).unwrap()
}

/// Each sidecar and what it describes, as the names say it.
fn linked(corpus: &Path) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (folder, names) in folders(metadata_by_file(corpus).into_keys()) {
        for link in sidecars(names.iter()) {
            found.insert((
                format!("{folder}/{}", shown(link.sidecar)),
                format!("{folder}/{}", shown(link.of)),
            ));
        }
    }
    found
}

#[test]
fn every_sidecar_and_no_other_is_linked() {
    let Some(corpus) = corpus() else { return };
    let pairs = pairs(&corpus);
    let mut expected = BTreeSet::new();
    for sidecar in pairs["sidecars"].as_array().unwrap() {
        let name = sidecar["sidecar"].as_str().unwrap();
        let of = sidecar["of"].as_array().unwrap().iter();
        expected.extend(of.map(|of| (name.to_owned(), of.as_str().unwrap().to_owned())));
    }
    for json in pairs["takeout"].as_array().unwrap() {
        let word = |key: &str| json[key].as_str().unwrap().to_owned();
        expected.insert((word("json"), word("media")));
    }
    assert_eq!(linked(&corpus), expected);
    assert!(expected.len() >= 17, "{} pairs are few", expected.len());
    let of = format!("{} pairs", expected.len());
    documented(["Sidecars", "the pairs that the corpus was made with", &of, "all found, no other"]);
}

#[test]
fn live_photos_and_motion_photos_are_told_apart_from_like_names() {
    let Some(corpus) = corpus() else { return };
    let metadata = metadata_by_file(&corpus);
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (folder, names) in folders(metadata.keys().cloned()) {
        let names: Vec<FileName> = names.into_iter().filter(|name| SidecarKind::of(name).is_none()).collect();
        let members: Vec<Member<'_>> = names
            .iter()
            .map(|name| {
                let tags = &metadata[format!("{folder}/{}", shown(name)).trim_start_matches('/')];
                let mime = tags.get("File:MIMEType").and_then(Value::as_str).map(Mime::new);
                let traits = Traits::of(mime.as_ref(), Some(&MetaDoc::new(tags.clone())));
                Member { name, traits }
            })
            .collect();
        for group in groups(&members) {
            let names: Vec<&str> = group.members.iter().map(|&at| shown(members[at].name)).collect();
            let told = format!("{folder}: {} ({})", names.join(" + "), group.because.as_str());
            found.entry(group.kind.as_str()).or_default().insert(told);
        }
    }
    let of = |kind: GroupKind| found.get(kind.as_str()).cloned().unwrap_or_default();
    let live = of(GroupKind::LivePhoto);
    assert_eq!(
        live,
        BTreeSet::from(["livephoto/iPhone 6s: IMG_0671.JPG + IMG_0671.MOV (identifier)".to_owned()])
    );
    assert_eq!(pairs(&corpus)["live_photos"].as_array().unwrap().len(), live.len());
    let motion = of(GroupKind::MotionPhoto);
    let expected = [
        "broken/jpg: google_motion_photo_broken.jpg (tag)",
        "photos/motion photos: motion_photo_pixel_synth.jpg (tag)",
        "photos/motion photos: pixel-motion-photo-shortened.jpg (tag)",
        "photos/motion photos: sample_MP.heic (tag)",
        "photos/motion photos: ss-motion-photo-shortened.jpg (tag)",
    ];
    assert_eq!(motion.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    let others: Vec<_> =
        found.iter().filter(|(kind, _)| !matches!(**kind, "live_photo" | "motion_photo")).collect();
    assert_eq!(others, Vec::new(), "no other group is in the corpus");
    let of = format!("{} and {}", live.len(), motion.len());
    documented(["Live Photos and motion photos", "a list by hand", &of, "all found, no other group"]);
}
