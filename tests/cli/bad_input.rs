//! Bad input: one clear message each, the right exit status, and nothing is lost.

use std::fs;

use mama_adapters::fs::posix::PosixFs;
use mama_ports::filesystem::Filesystem;
use mama_ports::vocab::{AbsPath, RelPath};

use crate::world::{Run, World};

#[test]
fn what_cannot_be_scanned_is_refused_before_anything_is_scanned() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    for (path, why) in [
        ("photos/a.txt", "is not a folder"),
        ("archive", "is the archive itself"),
        ("archive/views", "lies in the archive"),
    ] {
        let run = world.mama(["scan", "--json", "photos", path]);
        run.refused(1, &[why, "hint: "]);
        let fatal = run.summary();
        assert_eq!(fatal["type"], "fatal");
        assert!(fatal["reason"].as_str().unwrap().contains(why) && fatal["hint"].is_string(), "{fatal}");
    }
    assert_eq!(world.mama(["stats", "--json"]).done().summary()["observations"], 0);
    world.mama(["scan", "--exclude", "[z-a]", "photos"]).refused(2, &["[z-a]"]);
    world.mama(["scan", "--kind", "exsting", "photos"]).refused(2, &["exsting", "existing"]);
}

#[test]
fn a_folder_that_cannot_be_scanned_now_keeps_no_other_waiting() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    world.write("incoming/b.txt", "b");
    world.mama(["scan", "photos", "incoming"]).done();
    world.mama(["scan", "nowhere"]).refused(1, &["there is no nowhere", "hint: "]);
    world.mama(["scan", "nowhere", "neither"]).refused(1, &["there is no nowhere", "there is no neither"]);
    fs::remove_file(world.path("incoming/b.txt")).unwrap();
    world.write("photos/new.txt", "new");
    let run = world.mama(["scan", "--json", "nowhere", "incoming", "photos"]);
    run.refused(4, &["there is no nowhere", "is empty", "mama scan --new-disk"]);
    assert_eq!(run.summary()["new_observations"], 1);
    let run = world.mama(["scan", "--new-disk", "--json", "incoming"]).done();
    assert_eq!(run.summary()["gone"], 1);
    world.mama(["scan", "incoming"]).done();
}

#[test]
fn without_an_archive_the_next_step_is_named() {
    let world = World::bare();
    let mut command = world.command();
    let run: Run = command.arg("stats").env_remove("MAMA_CONFIG").output().unwrap().into();
    run.refused(1, &["no archive is configured", "mama init DIR"]);
    world.mama(["stats"]).refused(1, &["there is no configuration file", "mama.toml"]);
}

#[test]
fn an_archive_named_by_a_flag_needs_no_configuration() {
    let world = World::new();
    let mut command = world.command();
    command.args(["stats", "--json", "--archive", "archive"]).env_remove("MAMA_CONFIG");
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.done().summary()["type"], "stats_summary");
}

#[test]
fn an_archive_that_is_not_there_is_not_mistaken_for_a_new_one() {
    let world = World::new();
    fs::rename(world.path("archive"), world.path("unplugged")).unwrap();
    world.mama(["scan", "photos"]).refused(1, &["cannot be found", "is its disk mounted?"]);
    world.mama(["apply", "--archive", "photos"]).refused(1, &["is not a mama archive"]);
}

#[test]
fn a_typo_in_the_configuration_is_named_with_the_nearest_key() {
    let world = World::new();
    world.configure("[scan]\nmetdata = false");
    world
        .mama(["scan", "photos"])
        .refused(2, &["`scan.metdata`", "mama.toml", "did you mean `scan.metadata`?"]);
}

#[test]
fn a_setting_of_the_wrong_kind_is_named_with_what_is_expected() {
    let world = World::new();
    world.configure("[scan]\nmetadata = 'yes'");
    world.mama(["scan", "photos"]).refused(2, &["`scan.metadata` must be true or false", "mama.toml"]);
}

#[test]
fn a_catalog_of_a_newer_version_is_left_alone() {
    let world = World::new();
    let file = world.path("archive/.mama/catalog.sqlite3");
    let catalog = rusqlite::Connection::open(&file).unwrap();
    catalog.execute("INSERT INTO migration VALUES (99, 'later', 'x', 0)", []).unwrap();
    drop(catalog);
    let before = fs::read(&file).unwrap();
    for command in [["scan", "photos"].as_slice(), &["apply"], &["init", "archive"]] {
        world.mama(command).refused(1, &["newer mama", "99"]);
    }
    assert_eq!(world.mama(["doctor"]).status, 3);
    assert!(fs::read(&file).unwrap() == before, "the catalog was changed");
}

#[test]
fn a_catalog_of_another_archive_is_refused() {
    let world = World::new();
    world.mama(["init", "other", "--config", "other.toml"]).done();
    let database = format!("sqlite:{}", world.path("other/.mama/catalog.sqlite3").display());
    for command in [["scan", "photos"].as_slice(), &["apply"], &["plan"]] {
        let run = world.mama(command.iter().copied().chain(["--database", &database]));
        run.refused(1, &["the catalog belongs to archive", "mama config show --origin"]);
    }
}

#[test]
fn a_server_that_does_not_answer_is_named_without_the_password() {
    let world = World::new();
    let run = world.mama(["stats", "--database", "postgres://anna:secret@127.0.0.1:1/mama"]);
    run.refused(1, &["cannot be reached", "127.0.0.1"]);
    assert!(!run.stderr.contains("secret"));
}

#[test]
fn two_applies_at_once_are_one_too_many_and_a_scan_beside_one_is_fine() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    world.mama(["scan", "photos"]).done();
    let root = AbsPath::parse(
        fs::canonicalize(world.path("archive")).unwrap().into_os_string().into_encoded_bytes(),
    );
    let lock = PosixFs.archive(&root.unwrap()).unwrap().lock(&RelPath::parse(".mama/lock").unwrap()).unwrap();
    world.mama(["apply"]).refused(1, &["another mama is applying to this archive"]);
    world.mama(["dev", "reset", "--yes"]).refused(1, &["another mama is applying to this archive"]);
    world.mama(["scan", "photos"]).done();
    drop(lock);
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["blobs_stored"], 1);
}

#[test]
fn without_exiftool_a_scan_says_so_and_goes_on() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    world.configure("[exiftool]\nprogram = '/nonexistent/exiftool'");
    let run = world.mama(["scan", "--json", "photos"]).done();
    assert!(run.stderr.contains("libimage-exiftool-perl"), "{}", run.stderr);
    assert_eq!(run.objects()[0]["type"], "warning");
    let summary = run.summary();
    assert_eq!((&summary["new_blobs"], &summary["with_metadata"]), (&1.into(), &0.into()));
    assert!(world.mama(["scan", "--no-metadata", "photos"]).done().stderr.is_empty());
    let doctor = world.mama(["doctor"]).done();
    assert!(doctor.stdout.contains("apt install libimage-exiftool-perl"), "{}", doctor.stdout);
}

#[test]
fn an_existing_configuration_is_never_overwritten() {
    let world = World::new();
    let before = fs::read_to_string(world.path("mama.toml")).unwrap();
    world.mama(["init", "archive"]).done();
    world.mama(["init", "other"]).refused(1, &["names another archive", "--config FILE"]);
    world.mama(["init", "archive", "--host", "other"]).refused(1, &["names this machine laptop"]);
    world.mama(["init", "archive", "--database", "sqlite:/x"]).refused(1, &["names another catalog"]);
    assert_eq!(fs::read_to_string(world.path("mama.toml")).unwrap(), before);
    assert!(!world.path("other").exists());
}

#[test]
fn a_folder_with_files_does_not_become_an_archive() {
    let world = World::bare();
    world.write("full/a.txt", "a");
    world.mama(["init", "full"]).refused(1, &["holds files already"]);
    assert!(!world.path("mama.toml").exists());
}

#[test]
fn a_root_keeps_the_kind_it_was_first_scanned_with() {
    let world = World::new();
    world.mama(["scan", "photos"]).done();
    world.mama(["scan", "--kind", "import", "photos"]).refused(1, &["as `existing`", "--kind existing"]);
}

#[test]
fn the_catalog_is_not_emptied_by_accident() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    world.mama(["scan", "photos"]).done();
    world.mama(["dev", "reset"]).refused(2, &["would forget 1 observations", "--yes"]);
    assert_eq!(world.mama(["stats", "--json"]).done().summary()["observations"], 1);
    world.mama(["dev", "reset", "--yes"]).done();
    assert_eq!(world.mama(["stats", "--json"]).done().summary()["observations"], 0);
    world.mama(["scan", "photos"]).done();
}
