//! Metadata that is read later, again, or not at all.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::Value;

use crate::pretender::pretender;
use crate::world::World;

/// The smallest picture that says something: a PNG with a comment.
fn picture(text: &str) -> Vec<u8> {
    mama_ports::conformance::content::tiny_png(text)
}

/// An answer after so many seconds.
fn after(seconds: f64) -> String {
    format!(
        r#"select undef, undef, undef, {seconds};
        $said = '"File:FileType":{{"val":"TXT"}},"Test:Words":{{"num":7,"val":"seven"}}';"#
    )
}

/// Has `world` use an ExifTool of its own.
fn pretend(world: &World, version: &str, answer: &str) {
    let beside = pretender(world.path("exiftool.new"), version, answer);
    let program = world.path("exiftool");
    fs::rename(beside, &program).unwrap();
    world.configure(&format!("[exiftool]\nprogram = '{}'\ntimeout = 1\nsessions = 1", program.display()));
}

fn stats(world: &World) -> Value {
    world.mama(["stats", "--json"]).done().summary()
}

/// What the catalog's view says of the only content.
fn view(world: &World) -> Vec<Option<String>> {
    let catalog = Connection::open(world.path("archive/.mama/catalog.sqlite3")).unwrap();
    let sql = "SELECT meta, numbers, extractor, metadata_error FROM blobs";
    catalog.query_row(sql, [], |row| (0..4).map(|column| row.get(column)).collect()).unwrap()
}

#[test]
fn what_a_scan_leaves_out_is_read_later() {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.write(format!("photos/{name}/{name}.png"), picture(name));
    }
    let scanned = world.mama(["scan", "--json", "--no-metadata", "photos"]).done().summary();
    assert_eq!((&scanned["new_blobs"], &scanned["metadata_pending"]), (&3.into(), &Value::Null));
    assert_eq!(stats(&world)["metadata_pending"], 3);
    assert!(world.mama(["doctor"]).done().stdout.contains("3 contents wait for `mama enrich`"));

    let enriched = world.mama(["enrich", "--json", "photos/b", "photos/gone"]).done().summary();
    assert_eq!((&enriched["type"], &enriched["contents"]), (&"enrich_summary".into(), &1.into()));
    let scanned = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!((&scanned["unchanged"], &scanned["metadata_pending"]), (&3.into(), &0.into()));
    assert_eq!(stats(&world)["with_metadata"], 3);
    let words = world.mama(["enrich"]).done().stdout;
    assert!(words.starts_with("enrich  0 contents"), "{words}");
}

#[test]
fn a_source_that_is_gone_is_read_in_the_archive() {
    let world = World::new();
    let file = world.write("photos/a.png", picture("a"));
    world.mama(["scan", "--no-metadata", "photos"]).done();
    world.mama(["apply"]).done();
    fs::remove_file(file).unwrap();
    let enriched = world.mama(["enrich", "--json"]).done().summary();
    assert_eq!((&enriched["with_metadata"], &enriched["metadata_pending"]), (&1.into(), &0.into()));
    assert!(view(&world)[0].as_ref().unwrap().contains("PNG:ImageWidth"));
}

#[test]
fn a_quick_scan_tells_at_once_what_mama_reads_by_itself_and_enrich_reads_the_rest() {
    let world = World::new();
    world.write("photos/a.png", picture("a"));
    pretend(&world, "12.90", &after(0.0));
    let scanned = world.mama(["scan", "--json", "--quick-metadata", "photos"]).done().summary();
    assert_eq!((&scanned["with_metadata"], &scanned["metadata_pending"]), (&1.into(), &1.into()));
    let quick = r#"{"Composite:ImageSize":"1x1","PNG:Comment":"a"}"#;
    assert_eq!(view(&world), [Some(quick.to_owned()), None, None, None]);
    let said = stats(&world);
    assert_eq!((&said["metadata_pending"], &said["metadata_preliminary"]), (&1.into(), &1.into()));
    assert!(
        world
            .mama(["doctor"])
            .done()
            .stdout
            .contains("1 contents wait for `mama enrich` (1 have preliminary")
    );
    assert_eq!(world.mama(["scan", "--json", "--quick-metadata", "photos"]).done().summary()["unchanged"], 1);

    let enriched = world.mama(["enrich", "--json"]).done().summary();
    assert_eq!((&enriched["contents"], &enriched["metadata_pending"]), (&1.into(), &0.into()));
    let found = r#"{"Test:Words":"seven"}"#;
    assert_eq!(view(&world)[0].as_deref(), Some(found), "where the two disagree, it is ExifTool's");
    assert_eq!(stats(&world)["metadata_preliminary"], 0);
    world.mama(["scan", "--quick-metadata", "photos"]).done();
    assert_eq!(view(&world)[0].as_deref(), Some(found));
}

#[test]
fn a_refresh_reads_all_whatever_the_configuration_says() {
    let world = World::new();
    world.write("photos/a.png", picture("a"));
    for configured in ["'quick'", "false"] {
        world.configure(&format!("[scan]\nmetadata = {configured}"));
        let scanned = world.mama(["scan", "--json", "--refresh-metadata", "photos"]).done().summary();
        assert_eq!(scanned["metadata_pending"], 0, "{configured}");
    }
}

#[test]
fn what_several_folders_share_waits_once() {
    let world = World::new();
    for folder in ["a", "b"] {
        world.write(format!("{folder}/x.png"), picture("x"));
    }
    let scanned = world.mama(["scan", "--json", "--quick-metadata", "a", "b"]).done().summary();
    assert_eq!((&scanned["new_observations"], &scanned["metadata_pending"]), (&2.into(), &1.into()));
}

#[test]
fn what_is_preliminary_is_said_to_be_and_is_not_in_the_manifests() {
    let world = World::new();
    world.write("photos/a.png", picture("a"));
    world.configure("[scan]\nmetadata = 'quick'");
    world.mama(["scan", "photos"]).done();
    assert_eq!(world.mama(["show", "--json", "photos/a.png"]).done().objects()[0]["preliminary"], true);
    assert!(world.mama(["show", "photos/a.png"]).done().stdout.contains("preliminary"));
    world.mama(["apply"]).done();
    world.mama(["dev", "reset", "--yes"]).done();
    world.mama(["rebuild"]).done();
    world.mama(["scan", "photos"]).done();
    let lost = "what is unchanged is not read again, but by ExifTool";
    assert_eq!(view(&world), [None, None, None, None], "{lost}");
    assert_eq!(world.mama(["enrich", "--json"]).done().summary()["with_metadata"], 1);
}

#[test]
fn a_killed_scan_leaves_what_was_found_quickly() {
    let world = World::new();
    for number in 0..100 {
        world.write(format!("photos/{number}.png"), picture(&number.to_string()));
    }
    pretend(&world, "12.90", &after(0.1));
    let mut scan = world.command().args(["scan", "photos"]).stdout(Stdio::null()).spawn().unwrap();
    while stats(&world)["observations"] != 100 {
        std::thread::sleep(Duration::from_millis(20));
    }
    scan.kill().unwrap();
    scan.wait().unwrap();
    let said = stats(&world);
    assert_eq!(said["with_metadata"], 100);
    let (pending, preliminary) = (&said["metadata_pending"], &said["metadata_preliminary"]);
    assert!(preliminary.as_u64() > Some(0) && pending == preliminary, "{said}");

    pretend(&world, "12.90", &after(0.0));
    world.mama(["scan", "photos"]).done();
    let said = stats(&world);
    assert_eq!((&said["metadata_pending"], &said["metadata_preliminary"]), (&0.into(), &0.into()));
    assert_eq!(said["metadata_failures"], 0);
}

#[test]
fn without_exiftool_the_contents_are_counted_and_read_once_it_is_there() {
    let world = World::new();
    world.write("photos/a.png", picture("a"));
    world.configure("[exiftool]\nprogram = '/nonexistent/exiftool'");
    let scanned = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!((&scanned["with_metadata"], &scanned["metadata_pending"]), (&1.into(), &1.into()));
    assert_eq!(stats(&world)["metadata_preliminary"], 1);
    world.mama(["enrich"]).refused(1, &["libimage-exiftool-perl"]);
    world.configure("");
    let scanned = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!((&scanned["unchanged"], &scanned["metadata_pending"]), (&1.into(), &0.into()));
    assert_eq!(stats(&world)["with_metadata"], 1);
}

#[test]
fn what_hangs_is_recorded_and_tried_again_only_on_request_or_by_another_version() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    pretend(&world, "12.90", "sleep 1000;");
    let scan = |world: &World, option: &str| {
        let run = world.mama(["scan", "--json", "photos", option]).done();
        (run.summary()["metadata_failures"].clone(), run.stdout.contains("longer than 1 s"))
    };
    assert_eq!(scan(&world, "--verbose"), (1.into(), true));
    let known = view(&world);
    assert_eq!((&known[0], known[2].as_deref()), (&None, Some("exiftool 12.90/2")));
    assert!(known[3].as_ref().unwrap().contains("longer than 1 s"));
    assert_eq!(scan(&world, "--verbose"), (0.into(), false));
    assert_eq!(stats(&world)["metadata_failures"], 1);
    assert_eq!(scan(&world, "--refresh-metadata"), (1.into(), true));
    let refreshed = world.mama(["enrich", "--refresh"]);
    refreshed.refused(4, &["longer than 1 s"]);

    pretend(&world, "12.91", &after(0.0));
    assert_eq!(scan(&world, "--verbose"), (0.into(), false));
    let known =
        [Some(r#"{"Test:Words":"seven"}"#), Some(r#"{"Test:Words":7}"#), Some("exiftool 12.91/2"), None];
    assert_eq!(view(&world), known.map(|text| text.map(str::to_owned)));
    pretend(&world, "12.92", &after(0.0));
    assert_eq!(world.mama(["enrich", "--json"]).done().summary()["contents"], 0);
    assert_eq!(world.mama(["enrich", "--json", "--refresh"]).done().summary()["contents"], 1);
    assert_eq!(view(&world)[2].as_deref(), Some("exiftool 12.92/2"));
}

#[test]
fn a_killed_scan_has_recorded_what_it_hashed_and_the_next_one_reads_the_rest() {
    let world = World::new();
    for number in 0..100 {
        world.write(format!("photos/{number}.txt"), format!("content {number}"));
    }
    pretend(&world, "12.90", &after(0.1));
    let mut scan = world.command().args(["scan", "photos"]).stdout(Stdio::null()).spawn().unwrap();
    let (mut hashed, mut done) = (0, 0);
    while hashed < 100 || done < 64 {
        std::thread::sleep(Duration::from_millis(20));
        let said = stats(&world);
        (hashed, done) = (said["observations"].as_u64().unwrap(), said["with_metadata"].as_u64().unwrap());
    }
    scan.kill().unwrap();
    scan.wait().unwrap();
    let done = stats(&world)["with_metadata"].as_u64().unwrap();
    assert!((64..100).contains(&done), "{done}");

    pretend(&world, "12.90", &after(0.0));
    let scanned = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!((&scanned["unchanged"], &scanned["new_observations"]), (&100.into(), &0.into()));
    let said = stats(&world);
    assert_eq!((&said["with_metadata"], &said["metadata_pending"]), (&100.into(), &0.into()));
}

#[test]
fn an_interrupted_scan_says_what_is_left() {
    let world = World::new();
    for number in 0..40 {
        world.write(format!("photos/{number}.txt"), format!("content {number}"));
    }
    pretend(&world, "12.90", &after(0.2));
    let mut scan = world.command();
    scan.args(["scan", "--json", "photos"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let scan = scan.spawn().unwrap();
    while stats(&world)["observations"] != 40 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let kill = std::process::Command::new("kill").args(["-INT", &scan.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let run: crate::world::Run = scan.wait_with_output().unwrap().into();
    run.refused(1, &["interrupted", "everything recorded so far is kept"]);
    let said = run.summary();
    assert_eq!((&said["new_observations"], &said["metadata_pending"]), (&40.into(), &40.into()));
}

#[test]
fn a_rebuilt_catalog_knows_who_looked() {
    let world = World::new();
    world.write("photos/a.txt", "a");
    pretend(&world, "12.90", &after(0.0));
    world.mama(["scan", "photos"]).done();
    world.mama(["apply"]).done();
    let before = view(&world);
    world.mama(["dev", "reset", "--yes"]).done();
    world.mama(["rebuild"]).done();
    assert_eq!(view(&world), before);
    assert_eq!(world.mama(["enrich", "--json"]).done().summary()["contents"], 0);
}
