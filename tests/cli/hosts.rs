//! Many hosts, one catalog, and an archive on one of them.

use std::fs;

use mama_tests::postgres::Database;
use serde_json::Value;

use crate::world::{Run, World};

/// A machine by its name: its configuration is NAME.toml, and nothing else tells it apart.
pub(crate) fn on(world: &World, host: &str, args: &[&str]) -> Run {
    let mut command = world.command();
    command.env("MAMA_CONFIG", format!("{host}.toml")).env_remove("MAMA_HOST");
    command.args(args).output().unwrap().into()
}

/// `nas` has the archive; the others have joined its catalog.
pub(crate) fn family(database: &Database, others: &[&str]) -> World {
    let (world, url) = (World::bare(), database.url());
    on(&world, "nas", &["init", "archive", "--database", &url, "--host", "nas"]).done();
    for host in others {
        on(&world, host, &["init", "--database", &url, "--host", host]).done();
    }
    world
}

#[test]
fn a_host_without_an_archive_scans_and_the_one_that_has_it_applies() {
    let database = Database::empty();
    let world = family(&database, &["tablet"]);
    world.write("of tablet/a.jpg", "a");
    world.write("of nas/copy of a.jpg", "a");
    let written = fs::read_to_string(world.path("tablet.toml")).unwrap();
    assert!(!written.contains("[apply]") && !written.contains("\narchive"), "{written}");

    let scanned = on(&world, "tablet", &["scan", "--json", "of tablet"]).done().summary();
    assert_eq!(scanned["new_observations"], 1);
    for command in
        [vec!["stats"], vec!["migrate"], vec!["doctor"], vec!["config", "show"], vec!["dev", "stats"]]
    {
        on(&world, "tablet", &command).done();
    }
    for command in [vec!["plan"], vec!["apply"], vec!["dev", "reset", "--yes"]] {
        let run = on(&world, "tablet", &command);
        run.refused(
            1,
            &["this host has no archive", "apply", "run on the machine that has it", "hint: ", "--archive"],
        );
        assert_eq!(run.stdout, "");
    }

    let applied = on(&world, "nas", &["apply", "--json"]).done().summary();
    assert_eq!((&applied["blobs_stored"], &applied["elsewhere"]), (&0.into(), &1.into()));
    on(&world, "nas", &["scan", "of nas"]).done();
    let applied = on(&world, "nas", &["apply", "--json"]).done().summary();
    assert_eq!((&applied["blobs_stored"], &applied["views_created"]), (&1.into(), &2.into()));
}

#[test]
fn a_host_says_in_doctor_what_it_reaches_and_who_else_scans() {
    let database = Database::empty();
    let world = family(&database, &["tablet"]);
    world.write("photos/a.jpg", "a");
    let found = |host: &str| {
        let run = on(&world, host, &["doctor", "--json"]).done();
        let checks = run.objects().into_iter().filter(|object| object["type"] == "check");
        checks.map(|check| (check["name"].clone(), check["found"].to_string())).collect::<Vec<_>>()
    };
    let all = |checks: &[(Value, String)], name: &str| {
        checks
            .iter()
            .filter(|(check, _)| check == name)
            .map(|(_, found)| &**found)
            .collect::<Vec<_>>()
            .join("; ")
    };
    let checks = found("tablet");
    let version = &database.select("SELECT current_setting('server_version')")[0];
    assert!(all(&checks, "catalog").contains(&format!("PostgreSQL {version}")), "{checks:?}");
    assert!(all(&checks, "catalog").contains("an archive on another machine"), "{checks:?}");
    assert!(all(&checks, "hosts").contains("nobody has scanned so far; this one is tablet"), "{checks:?}");
    for name in ["config", "libmagic", "ExifTool"] {
        assert_ne!(all(&checks, name), "", "{checks:?}");
    }
    for name in ["archive", "disk", "reflink", "lock"] {
        assert_eq!(all(&checks, name), "", "{checks:?}");
        assert_ne!(all(&found("nas"), name), "");
    }
    on(&world, "nas", &["scan", "photos"]).done();
    assert!(all(&found("tablet"), "hosts").contains("nas scan into it; this one, tablet, has not"));
    on(&world, "tablet", &["scan", "photos"]).done();
    assert!(all(&found("tablet"), "hosts").contains("tablet, which is this one, and nas scan into it"));
}

#[test]
fn who_joins_needs_the_catalog_of_an_archive() {
    let (database, world) = (Database::empty(), World::bare());
    let url = database.url();
    on(&world, "tablet", &["init"]).refused(2, &["mama init DIR", "mama init --database postgres://"]);
    on(&world, "tablet", &["init", "--database", "sqlite:/x"])
        .refused(2, &["on a PostgreSQL server", "mama init DIR"]);
    on(&world, "tablet", &["init", "--database", &url]).refused(
        1,
        &["belongs to no archive yet", "mama init DIR --database", "on the machine that has the archive"],
    );
    let mut command = world.command();
    command.arg("init").env("MAMA_ARCHIVE", "archive").env("MAMA_DATABASE", &url);
    Run::from(command.output().unwrap()).refused(2, &["not from environment MAMA_ARCHIVE", "mama init DIR"]);
    assert!(!world.path("tablet.toml").exists());
    world.write("tablet.toml", format!("database = '{url}'"));
    on(&world, "tablet", &["scan", "."]).refused(1, &["belongs to no archive yet"]);
    world.write("tablet.toml", "host = 'tablet'");
    for command in [["scan", "."].as_slice(), &["stats"], &["apply"], &["migrate"]] {
        on(&world, "tablet", command)
            .refused(1, &["no archive is configured, and no database", "mama init DIR", "--database"]);
    }
}

#[test]
fn a_catalog_has_one_archive_and_another_folder_takes_its_place_only_when_it_is_lost() {
    let database = Database::empty();
    let world = family(&database, &[]);
    let url = database.url();
    world.write("photos/a.jpg", "a");
    on(&world, "nas", &["scan", "photos"]).done();
    on(&world, "nas", &["apply"]).done();
    let second = ["init", "second", "--database", &url, "--host", "desk"];
    on(&world, "desk", &second).refused(1, &["is not that", "without a folder", "--archive-lost"]);
    assert!(!world.path("second").exists() && !world.path("desk.toml").exists());
    fs::remove_dir_all(world.path("archive")).unwrap();
    let lost = ["init", "second", "--database", &url, "--host", "nas", "--archive-lost"];
    assert!(on(&world, "new", &lost).done().stdout.contains("mama repair --yes"));
    on(&world, "new", &["repair", "--yes"]).done();
    assert_eq!(on(&world, "new", &["apply", "--json"]).done().summary()["blobs_stored"], 1);
}

#[test]
fn joining_again_changes_nothing_and_a_configuration_that_differs_is_kept() {
    let database = Database::empty();
    let world = family(&database, &["tablet"]);
    let (url, before) = (database.url(), fs::read_to_string(world.path("tablet.toml")).unwrap());
    for again in [vec!["init"], vec!["init", "--database", &url, "--host", "tablet"]] {
        assert!(on(&world, "tablet", &again).done().stdout.contains("was there already"));
    }
    on(&world, "tablet", &["init", "other"]).refused(1, &["names no archive"]);
    on(&world, "tablet", &["init", "--host", "desk"]).refused(1, &["names this machine tablet"]);
    on(&world, "nas", &["init", "--database", &url]).refused(1, &["names an archive", "--config FILE"]);
    assert_eq!(fs::read_to_string(world.path("tablet.toml")).unwrap(), before);
    assert!(!world.path("other").exists());
}

#[test]
fn a_name_that_another_host_has_is_warned_of() {
    let database = Database::empty();
    let world = family(&database, &["tablet"]);
    world.write("photos/a.jpg", "a");
    on(&world, "tablet", &["scan", "photos"]).done();
    let join = |config: &str, host: &str| {
        on(&world, config, &["init", "--json", "--database", &database.url(), "--host", host]).done()
    };
    let said = join("namesake", "tablet");
    assert!(
        said.stderr.contains("a machine named tablet scans into this catalog already"),
        "{}",
        said.stderr
    );
    assert!(said.stderr.contains("--host NAME") && said.stderr.contains("namesake.toml"), "{}", said.stderr);
    assert_eq!((&said.objects()[0]["type"], &said.summary()["archive"]), (&"warning".into(), &Value::Null));
    assert_eq!(join("desk", "desk").stderr, "");
}

#[test]
fn the_archive_of_another_host_is_left_out_of_a_scan() {
    let database = Database::empty();
    let world = family(&database, &["tablet"]);
    world.write("photos/a.jpg", "a");
    on(&world, "nas", &["scan", "photos"]).done();
    on(&world, "nas", &["apply"]).done();
    let scan = |host: &str, more: &[&str]| {
        on(&world, host, &[&["scan", "--json", "--exclude", "/*.toml"], more].concat())
    };
    let own = scan("nas", &["."]).done();
    assert_eq!((&own.summary()["files"], own.stderr.as_str()), (&1.into(), ""));
    for walker in ["tree", "jwalk"] {
        world.write(
            "tablet.toml",
            format!("database = '{}'\nhost = 'tablet'\nscan.walker = '{walker}'", database.url()),
        );
        let run = scan("tablet", &["."]).done();
        assert_eq!(run.summary()["files"], 1, "{walker}");
        let warning = &run.objects()[0];
        assert!(warning["path"].as_str().unwrap().ends_with("/archive"), "{warning}");
        assert!(warning["reason"].as_str().unwrap().contains("is a mama archive"), "{warning}");
    }
    scan("tablet", &["photos", "archive"]).refused(1, &["is the archive itself", "hint: "]);
    scan("tablet", &["photos", "archive/views/existing"]).refused(1, &["lies in the archive", "hint: "]);
}
