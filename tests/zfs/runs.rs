//! `mama` on ZFS.

use std::fs;
use std::path::Path;

use mama_tests::zfs::{Dataset, Pool, ask, zfs};
use serde_json::Value;

use crate::world::{Run, World};

/// An archive in the dataset, with its catalog elsewhere, and a folder `photos` on another file system.
fn world(dataset: &Dataset) -> World {
    let world = World::bare();
    fs::create_dir(world.path("photos")).unwrap();
    let archive = dataset.folder.join("archive");
    world.mama(["init", archive.to_str().unwrap(), "--database", "sqlite:catalog.sqlite3"]).done();
    world
}

fn scan(world: &World, folder: impl AsRef<Path>, kind: &str) -> Value {
    let folder = folder.as_ref().to_str().unwrap();
    world.mama(["scan", "--json", "--no-metadata", "--kind", kind, folder]).done().summary()
}

fn apply(world: &World, settings: &[(&str, &str)]) -> Run {
    let mut command = world.command();
    command.args(["apply", "--json"]).env("MAMA_APPLY_RESERVE", "0").envs(settings.iter().copied());
    command.output().unwrap().into()
}

fn doctor(world: &World) -> Vec<(String, String)> {
    let word = |check: &Value, key: &str| check[key].as_str().unwrap_or_default().to_owned();
    let checks = world.mama(["doctor", "--json"]).objects();
    let said = |check: &Value| {
        (word(check, "verdict"), format!("{} → {}", word(check, "found"), word(check, "advice")))
    };
    checks.iter().filter(|check| check["type"] == "check").map(said).collect()
}

#[track_caller]
fn assert_said(checks: &[(String, String)], verdict: &str, words: &[&str]) {
    let is_it =
        |(judged, said): &(String, String)| judged == verdict && words.iter().all(|word| said.contains(word));
    assert!(checks.iter().any(is_it), "no {verdict} with {words:?} in {checks:#?}");
}

/// Whether blocks can be shared here.
fn clones(dataset: &Dataset) -> bool {
    let kind = ask("stat", ["-f", "-c", "%t", dataset.folder.to_str().unwrap()]);
    kind.trim() == "2fc12fc1"
}

#[test]
fn an_archive_is_filled_and_then_quiet() {
    let dataset = Pool::shared().dataset("whole", &[]);
    let world = world(&dataset);
    for n in 0..40u8 {
        world.write(format!("photos/{}/{n}.bin", n % 5), vec![n; 10_000]);
    }
    assert_eq!(scan(&world, "photos", "existing")["new_blobs"], 40);
    let summary = apply(&world, &[]).done().summary();
    assert_eq!(
        (&summary["copied"], &summary["views_created"], &summary["snapshot"]),
        (&40.into(), &40.into(), &Value::Null)
    );
    // What was hashed within the tick of a clock that counts seconds is read once more.
    scan(&world, "photos", "existing");
    assert_eq!(apply(&world, &[]).done().summary()["observations"], 0);
    let checks = doctor(&world);
    assert_said(&checks, "ok", &[&format!("dataset {}", dataset.name), "available"]);
    assert_said(&checks, "ok", &["ONLINE", "sharenfs=off", "casesensitivity=sensitive"]);
    assert_said(&checks, "warn", &["recordsize=128K", &format!("zfs set recordsize=1M {}", dataset.name)]);
    assert_said(&checks, "ok", &["photos", "are copied"]);
}

#[test]
fn an_edit_within_the_second_of_the_scan_is_noticed() {
    let dataset = Pool::shared().dataset("seconds", &[]);
    let world = World::new();
    let photo = dataset.folder.join("a.jpg");
    for content in ["aaaa", "bbbb", "cccc"] {
        fs::write(&photo, content).unwrap();
        assert_eq!(scan(&world, &dataset.folder, "existing")["new_observations"], 1, "{content}");
    }
}

#[test]
fn from_another_dataset_files_are_copied_and_within_one_they_are_not() {
    let (archive, sources) = (Pool::shared().dataset("here", &[]), Pool::shared().dataset("there", &[]));
    let world = world(&archive);
    for (folder, byte) in [(&sources.folder, b'x'), (&archive.folder.join("drop"), b'y')] {
        fs::create_dir_all(folder).unwrap();
        fs::write(folder.join("a.bin"), vec![byte; 300_000]).unwrap();
    }
    ask("sync", []);
    scan(&world, &sources.folder, "incoming");
    let summary = apply(&world, &[]).done().summary();
    assert_eq!((&summary["copied"], &summary["hardlinked"]), (&1.into(), &0.into()), "{summary}");
    scan(&world, archive.folder.join("drop"), "incoming");
    let summary = apply(&world, &[]).done().summary();
    let way = if clones(&archive) { "reflinked" } else { "hardlinked" };
    assert_eq!(summary[way], 1, "{summary}");
    let checks = doctor(&world);
    let word = if clones(&archive) { "taken over by the kernel" } else { "are copied" };
    assert_said(&checks, "ok", &[sources.folder.to_str().unwrap(), word]);
}

#[test]
fn a_snapshot_is_made_before_changes_and_the_newest_stay() {
    let dataset = Pool::shared().dataset("kept", &[]);
    let world = world(&dataset);
    let settings = [("MAMA_SNAPSHOTS_BEFORE_APPLY", "true"), ("MAMA_SNAPSHOTS_KEEP", "2")];
    dataset.snapshot("foreign");
    dataset.snapshot("mama-2020-01-01T00:00:00Z-1");
    zfs(["set", "mama:archive=07070707070707070707070707070707", &dataset.name]);
    let mut made = Vec::new();
    for n in 0..5u8 {
        world.write(format!("photos/{n}.bin"), [n; 100]);
        scan(&world, "photos", "existing");
        let run = apply(&world, &settings).done();
        let name = run.summary()["snapshot"].as_str().unwrap().to_owned();
        made.push(name.strip_prefix(&format!("{}@", dataset.name)).unwrap().to_owned());
        if n == 1 {
            zfs(["hold", "mine", &name]);
        }
        assert_eq!(apply(&world, &settings).done().summary()["snapshot"], Value::Null, "nothing changed");
    }
    let expected = ["foreign", "mama-2020-01-01T00:00:00Z-1", &made[1], &made[3], &made[4]];
    assert_eq!(dataset.snapshots(), expected);
    zfs(["release", "mine", &format!("{}@{}", dataset.name, made[1])]);
}

#[test]
fn without_the_snapshot_that_is_asked_for_nothing_is_written() {
    let world = World::new();
    world.write("photos/a.jpg", "a");
    world.mama(["scan", "--no-metadata", "photos"]).done();
    let run = apply(&world, &[("MAMA_SNAPSHOTS_BEFORE_APPLY", "true")]);
    run.refused(1, &["snapshot", "nothing was written", "hint: snapshots need the archive on ZFS"]);
    assert_eq!(fs::read_dir(world.path("archive/blobs")).unwrap().count(), 0);
}

#[test]
fn of_a_full_quota_apply_uses_what_is_left_and_goes_on_when_there_is_room() {
    let dataset = Pool::shared().dataset("full", &["quota=16M"]);
    let world = world(&dataset);
    let write = |range: std::ops::Range<u8>| {
        range.for_each(|n| drop(world.write(format!("photos/{n}.bin"), vec![n; 1 << 20])));
    };
    write(0..8);
    scan(&world, "photos", "existing");
    assert_eq!(apply(&world, &[]).done().summary()["blobs_stored"], 8);
    // Room is accounted for when the transaction ends.
    ask("sync", []);
    write(8..28);
    scan(&world, "photos", "existing");
    let full = apply(&world, &[]);
    full.refused(1, &["the archive's disk is full", "apply goes on where it stopped"]);
    let stored = |summary: &Value| summary["blobs_stored"].as_u64().unwrap();
    let is_summary = |object: &Value| object["type"] == "apply_summary";
    let fitted = full.objects().iter().find(|object| is_summary(object)).map_or(0, stored);
    assert!((1..20).contains(&fitted), "{}", full.stdout);
    dataset.set("quota=64M");
    let summary = apply(&world, &[]).done().summary();
    assert_eq!((fitted + stored(&summary), &summary["errors"]), (20, &0.into()), "{summary}");
    assert_eq!(apply(&world, &[]).done().summary()["observations"], 0);
}

#[test]
fn a_read_only_dataset_is_refused_before_anything_is_written() {
    let dataset = Pool::shared().dataset("closed", &[]);
    let world = world(&dataset);
    world.write("photos/a.jpg", "a");
    scan(&world, "photos", "existing");
    dataset.set("readonly=on");
    apply(&world, &[]).refused(1, &["read-only", "mount it writable"]);
    // zfs-fuse refuses writes, too, and goes on saying readonly=off.
    if ask("zfs", ["get", "-H", "-o", "value", "readonly", &dataset.name]).trim() == "on" {
        assert_said(
            &doctor(&world),
            "bad",
            &["readonly=on", &format!("zfs set readonly=off {}", dataset.name)],
        );
    }
    dataset.set("readonly=off");
    assert_eq!(apply(&world, &[]).done().summary()["blobs_stored"], 1);
}

#[test]
fn a_degraded_pool_is_warned_of_and_written_to() {
    let pool = Pool::mirror();
    let dataset = pool.dataset("archive", &[]);
    let world = world(&dataset);
    world.write("photos/a.jpg", "a");
    scan(&world, "photos", "existing");
    let lost = pool.folder.with_file_name("b");
    ask("zpool", ["offline", &pool.name, lost.to_str().unwrap()]);
    let run = apply(&world, &[]).done();
    assert_eq!(run.summary()["blobs_stored"], 1);
    let warned =
        |object: &Value| object["type"] == "warning" && object["reason"].to_string().contains("DEGRADED");
    assert!(run.objects().iter().any(warned), "{}", run.stdout);
    assert_said(&doctor(&world), "warn", &["DEGRADED", &format!("zpool status -v {}", pool.name)]);
}
