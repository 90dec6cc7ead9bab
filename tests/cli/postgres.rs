//! A catalog on a PostgreSQL server.

use mama_ports::repository::Catalog;
use mama_tests::postgres::{Database, PASSWORD};
use serde_json::{Map, Value};

use crate::world::World;

/// A summary without what differs from run to run.
fn counters(mut summary: Value) -> Map<String, Value> {
    let counters = summary.as_object_mut().expect("a summary");
    counters.remove("seconds");
    std::mem::take(counters)
}

/// Archives, edits, removes, scans and applies again; gives every summary.
fn history(world: &World) -> Vec<Map<String, Value>> {
    let run = |args: &[&str]| counters(world.mama(args.iter().copied().chain(["--json"])).summary());
    world.write("photos/a.jpg", "a");
    world.write("photos/album/b.jpg", "b");
    world.write("photos/album/copy of a.jpg", "a");
    let mut said = vec![run(&["scan", "photos"]), run(&["plan"]), run(&["apply"]), run(&["apply"])];
    world.write("photos/a.jpg", "a newer one");
    std::fs::remove_file(world.path("photos/album/b.jpg")).unwrap();
    said.extend([run(&["scan", "photos"]), run(&["apply"]), run(&["stats"]), run(&["doctor"])]);
    said
}

#[test]
fn a_catalog_on_a_server_is_as_one_in_a_file() {
    let in_file = World::new();
    let (database, on_server) = (Database::empty(), World::bare());
    std::fs::create_dir(on_server.path("photos")).unwrap();
    on_server.mama(["init", "archive", "--database", &database.url()]).done();
    assert_eq!(history(&on_server), history(&in_file));
    let catalog = on_server.mama(["dev", "stats", "--json"]).summary();
    assert!(catalog["engine"].as_str().unwrap().starts_with("PostgreSQL "), "{catalog}");
    let migrated = on_server.mama(["migrate", "--json"]).done().summary();
    assert_eq!(migrated["schema_version"], catalog["schema_version"]);
    let again = on_server.mama(["init", "archive"]).done();
    assert!(again.stdout.contains("was there already"));
    on_server.mama(["dev", "reset", "--yes"]).done();
    assert_eq!(on_server.mama(["stats", "--json"]).summary()["observations"], 0);
}

#[test]
fn each_host_brings_what_it_has_and_leaves_the_rest_to_the_others() {
    let (database, world) = (Database::empty(), World::bare());
    world.write("of laptop/a.jpg", "a");
    world.write("of nas/b.jpg", "b");
    world.mama(["init", "archive", "--database", &database.url()]).done();
    world.mama(["scan", "of laptop"]).done();
    world.mama(["scan", "of nas", "--host", "nas"]).done();
    let summary = world.mama(["apply", "--json"]).done().summary();
    assert_eq!((&summary["blobs_stored"], &summary["elsewhere"]), (&1.into(), &1.into()));
    let summary = world.mama(["apply", "--host", "nas", "--json"]).done().summary();
    assert_eq!((&summary["blobs_stored"], &summary["elsewhere"]), (&1.into(), &0.into()));
}

#[test]
fn whoever_applies_from_another_machine_is_left_alone() {
    let (database, world) = (Database::new(), World::bare());
    world.write("photos/a.jpg", "a");
    world.mama(["init", "archive", "--database", &database.url()]).done();
    world.mama(["scan", "photos"]).done();
    let lease = tokio::runtime::Runtime::new().unwrap().block_on(database.lease()).unwrap().unwrap();
    world.mama(["apply"]).refused(1, &["another mama is applying to this archive"]);
    world.mama(["dev", "reset", "--yes"]).refused(1, &["another mama is applying to this archive"]);
    drop(lease);
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["blobs_stored"], 1);
}

#[test]
fn a_password_works_and_is_never_said() {
    let (database, world) = (Database::empty(), World::bare());
    // a server that the tests did not start has a password of its own
    let Some(address) = database.loopback() else { return };
    let mama = |args: &[&str]| {
        let output = world.command().args(args).env("PGPASSWORD", PASSWORD).output().unwrap();
        crate::world::Run::from(output)
    };
    mama(&["init", "archive", "--database", &address]).done();
    let encoded: String = PASSWORD.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let whole = address.replacen('@', &format!(":{encoded}@"), 1);
    for run in [
        mama(&["stats", "-vv"]),
        mama(&["config", "show", "--database", &whole]),
        world.mama(["stats", "-vv", "--database", &whole]),
        world.mama(["doctor", "--database", &whole]),
    ] {
        let said = run.stdout.clone() + &run.stderr;
        assert!(!said.contains(PASSWORD) && !said.contains(&encoded), "{said}");
        assert_ne!(run.status, 1, "{said}");
    }
    let wrong = address.replacen('@', ":wrong@", 1);
    let refused = world.mama(["stats", "--database", &wrong]);
    refused.refused(1, &["refuses this user or password", "PGPASSWORD"]);
    assert!(!refused.stderr.contains(":wrong@"));
}
