//! Read-only and full disks: each a tmpfs in a mount namespace of its own, which needs no privileges and leaves nothing behind.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::world::{Run, World};

/// Runs a shell script with `$MAMA` where `archive` is a small disk, in a world with a `photos` folder.
fn on_a_small_disk(world: &World, size: &str, script: &str) -> Run {
    let namespace = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
            .current_dir(world.path(""));
        command
            .env("MAMA", env!("CARGO_BIN_EXE_mama"))
            .env("MAMA_CONFIG", "mama.toml")
            .env("MAMA_HOST", "laptop");
        command.output().expect("unshare is needed (Debian: util-linux)")
    };
    fs::create_dir_all(world.path("photos")).unwrap();
    fs::create_dir_all(world.path("archive")).unwrap();
    let mount = format!("mount -t tmpfs -o size={size} tmpfs archive");
    let mounted = namespace(&mount);
    assert!(
        mounted.status.success(),
        "these tests mount a small disk in a user namespace, which this kernel refuses (see the sysctls kernel.unprivileged_userns_clone \
         and kernel.apparmor_restrict_unprivileged_userns): {}",
        String::from_utf8_lossy(&mounted.stderr)
    );
    namespace(&format!("set -e; {mount}; {script}")).into()
}

#[test]
fn on_a_read_only_disk_the_message_says_so_and_nothing_else_happens() {
    let world = World::bare();
    world.write("photos/a.txt", "a");
    for command in ["scan photos", "apply", "ignore --yes photos/a.txt"] {
        let script = format!(
            "$MAMA -q init archive || true; $MAMA -q scan photos; mount -o remount,ro archive; exec $MAMA {command}"
        );
        let run = on_a_small_disk(&world, "16m", &script);
        run.refused(1, &["read-only", "hint: mount it writable"]);
        fs::remove_file(world.path("mama.toml")).unwrap();
    }
    let script = "mount -o remount,ro archive; exec $MAMA init archive";
    let run = on_a_small_disk(&world, "16m", script);
    run.refused(1, &["archive", "read-only"]);
}

#[test]
fn on_a_read_only_disk_whatever_only_reads_works() {
    let world = World::bare();
    world.write("photos/a.txt", "a");
    let name = "snapshot of 100%? #1";
    let script = format!(
        "export MAMA_APPLY_RESERVE=0; $MAMA -q init archive; $MAMA -q scan photos; $MAMA -q apply; echo b > photos/b.txt; $MAMA -q scan photos;
        mkdir -p \"archive/{name}\"; mv archive/.mama archive/blobs archive/views archive/tmp \"archive/{name}\";
        mount -o remount,ro archive; export MAMA_ARCHIVE=\"archive/{name}\";
        $MAMA --json stats; $MAMA --json log; $MAMA --json show photos/a.txt; $MAMA --json why photos/b.txt; $MAMA --json plan || true; $MAMA --json doctor || true"
    );
    let run = on_a_small_disk(&world, "16m", &script);
    let said = run.objects();
    let of =
        |kind: &str| said.iter().find(|object| object["type"] == kind).unwrap_or_else(|| panic!("{run:?}"));
    assert_eq!((&of("stats_summary")["stored"], &of("stats_summary")["open"]), (&1.into(), &1.into()));
    assert_eq!((&of("show_summary")["contents"], &of("why_summary")["places"]), (&1.into(), &1.into()));
    assert_eq!(of("plan_summary")["stores"], 1);
    assert_eq!(said.iter().filter(|object| object["type"] == "act").count(), 3, "{run:?}");
    for name in ["disk", "folders", "catalog"] {
        let is_bad = |object: &Value| object["name"] == name && object["verdict"] == "bad";
        assert!(said.iter().any(is_bad), "{name}: {run:?}");
    }
}

/// What a snapshot has of a catalog that somebody was writing: the file, its log, and the index of that.
#[test]
fn a_catalog_that_was_in_use_is_read_with_its_log_or_not_at_all() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    world.mama(["scan", "photos"]).done();
    let file = world.path("archive/.mama/catalog.sqlite3");
    let in_use = rusqlite::Connection::open(&file).unwrap();
    in_use.query_row("SELECT count(*) FROM blob", [], |row| row.get::<_, i64>(0)).unwrap();
    world.write("photos/b.txt", "b");
    world.mama(["scan", "photos"]).done();
    assert!(fs::metadata(file.with_extension("sqlite3-wal")).unwrap().len() > 0);
    let copy = Command::new("cp").arg("-a").args([world.path("archive"), world.path("live")]).status();
    assert!(copy.unwrap().success());
    drop(in_use);
    let seen = |script: &str| {
        let script =
            format!("cp -a live/. archive; {script} mount -o remount,ro archive; exec $MAMA --json stats");
        on_a_small_disk(&world, "16m", &script)
    };
    assert_eq!(seen("").done().summary()["observations"], 2);
    seen("rm archive/.mama/catalog.sqlite3-shm;")
        .refused(1, &["was not closed", "name the copy with --database"]);
    seen("rm archive/.mama/catalog.sqlite3-shm archive/.mama/catalog.sqlite3-wal;").done();
}

#[test]
fn on_a_full_disk_apply_keeps_what_is_settled_and_goes_on_when_there_is_room() {
    let world = World::bare();
    for n in 0..12u8 {
        world.write(format!("photos/{n}.bin"), vec![n; 1 << 20]);
    }
    let script = "$MAMA -q init archive; $MAMA -q scan photos; export MAMA_APPLY_RESERVE=0; \
        $MAMA apply --json && exit 99; status=$?; mount -o remount,size=64m archive; $MAMA apply --json; exit $status";
    let run = on_a_small_disk(&world, "9m", script);
    run.refused(1, &["disk is full", "apply goes on where it stopped"]);
    let stored: Vec<u64> = run
        .objects()
        .iter()
        .filter(|object| object["type"] == "apply_summary")
        .map(|summary| summary["blobs_stored"].as_u64().unwrap())
        .collect();
    assert_eq!(stored.len(), 2, "{}", run.stdout);
    assert_eq!(stored.iter().sum::<u64>(), 12, "{}", run.stdout);
}

#[test]
fn on_a_full_disk_a_scan_keeps_what_is_recorded_and_goes_on_when_there_is_room() {
    let world = World::bare();
    for n in 0..12_000u32 {
        world.write(format!("photos/{}/{n}", n / 500), n.to_le_bytes());
    }
    let script = "$MAMA -q init archive; $MAMA scan --no-metadata --json photos && exit 99; status=$?; \
        mount -o remount,size=64m archive; $MAMA scan --no-metadata --json photos; exit $status";
    let run = on_a_small_disk(&world, "2m", script);
    run.refused(1, &["full", "hint: make room"]);
    let objects = run.objects();
    let summaries = objects.iter().filter(|object| object["type"] == "scan_summary");
    let new: Vec<u64> = summaries.map(|summary| summary["new_observations"].as_u64().unwrap()).collect();
    assert_eq!(new.iter().sum::<u64>(), 12_000, "{new:?}");
}

#[test]
fn a_reserve_stays_free() {
    let world = World::bare();
    world.write("photos/a.txt", "a");
    let script = "$MAMA -q init archive; $MAMA -q scan photos; MAMA_APPLY_RESERVE='1 GiB' exec $MAMA apply";
    let run = on_a_small_disk(&world, "16m", script);
    run.refused(1, &["disk is full", "apply.reserve"]);
}

/// What each of several runs in one script said last.
fn summaries(run: &Run) -> Vec<serde_json::Value> {
    run.objects().into_iter().filter(|object| object["type"] == "scan_summary").collect()
}

#[test]
fn a_disk_that_is_not_mounted_is_left_as_it_was_and_named() {
    let world = World::bare();
    world.write("photos/own.txt", "own");
    world.write("photos/usb/stray.txt", "in the bare mount point");
    let script = "$MAMA -q init archive; mount -t tmpfs stick photos/usb; echo a > photos/usb/a.txt; \
        $MAMA scan --json photos; umount photos/usb; $MAMA scan --json photos; $MAMA scan photos; \
        mount -t tmpfs another photos/usb; $MAMA scan --json photos; $MAMA scan --json --new-disk photos";
    let run = on_a_small_disk(&world, "16m", &script.replace("$MAMA scan photos;", "$MAMA scan photos >&2;"));
    let said = &run.stderr;
    assert_eq!(run.status, 0, "{said}");
    let seen: Vec<_> = summaries(&run)
        .iter()
        .map(|summary| ["files", "gone", "disks_held", "errors"].map(|key| summary[key].as_u64().unwrap()))
        .collect();
    assert_eq!(seen, [[2, 0, 0, 0], [1, 0, 1, 0], [1, 0, 1, 0], [1, 1, 0, 0]]);
    let warnings: Vec<_> = run.objects().into_iter().filter(|object| object["type"] == "warning").collect();
    assert_eq!(warnings.len(), 2, "{}", run.stdout);
    for (warning, words) in
        warnings.iter().zip(["the disk tmpfs:stick is not mounted", "tmpfs:another is mounted"])
    {
        assert!(warning["path"].as_str().unwrap().ends_with("/photos/usb"), "{warning}");
        assert!(warning["reason"].as_str().unwrap().contains(words), "{warning}");
    }
    assert!(said.contains("1 disks left as they were") && said.contains("--new-disk"), "{said}");
}

#[test]
fn a_root_on_another_disk_is_refused_with_a_hint() {
    let world = World::bare();
    world.write("disk/stray.txt", "in the bare mount point");
    let script = "$MAMA -q init archive; mount -t tmpfs stick disk; echo a > disk/a.txt; $MAMA scan --json disk; \
        umount disk; exec $MAMA scan --json disk";
    let run = on_a_small_disk(&world, "16m", script);
    run.refused(
        1,
        &["the catalog knows its files on tmpfs:stick", "Nothing was recorded", "mama scan --new-disk"],
    );
    let objects = run.objects();
    let fatal = objects.iter().find(|object| object["type"] == "fatal").unwrap();
    assert!(fatal["hint"].as_str().unwrap().contains("mount the disk and scan again"), "{fatal}");
}
