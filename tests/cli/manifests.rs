//! The archive explains itself: a lost catalog, an older archive, an older catalog.

use std::path::Path;
use std::process::Command;

use mama_tests::postgres::Database;
use rusqlite::Connection;
use serde_json::Value;

use crate::world::{Run, World};

const CATALOG: &str = "archive/.mama/catalog.sqlite3";

/// What must not go on while archive and catalog are not of one history.
const REFUSED: [&str; 10] = [
    "apply",
    "plan",
    "scan photos",
    "enrich",
    "init archive",
    "ignore --yes photos",
    "assign --yes photos",
    "block --yes photos",
    "unblock --yes photos",
    "undo --yes",
];

/// A world with a history: new, edited, removed, twice the same, in folders, and a name that is no text.
fn world(database: Option<&Database>) -> World {
    use std::os::unix::ffi::OsStrExt;
    let world = World::bare();
    std::fs::create_dir(world.path("photos")).unwrap();
    match database {
        Some(database) => world.mama(["init", "archive", "--database", &database.url()]).done(),
        None => world.mama(["init", "archive"]).done(),
    };
    for n in 0..30u8 {
        world.write(format!("photos/{}/{n}.txt", n % 4), format!("content {}", n / 2));
    }
    world.write(Path::new("photos").join(std::ffi::OsStr::from_bytes(b"\xff\n.jpg")), "odd");
    archive_all(&world);
    world.write("photos/1/1.txt", "edited");
    std::fs::remove_file(world.path("photos/2/2.txt")).unwrap();
    world.mama(["ignore", "--yes", "photos/3/3.txt"]).done();
    world.mama(["block", "--yes", "photos/3/7.txt"]).done();
    archive_all(&world);
    world
}

fn archive_all(world: &World) {
    world.mama(["scan", "photos"]).done();
    world.mama(["apply"]).done();
}

/// What a person with sqlite3 sees: every column of both views.
fn dump(file: &Path) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let decisions = "act WHERE summary IS NULL ORDER BY id";
    ["blobs ORDER BY hash", "observations ORDER BY id", decisions, "act_item ORDER BY id"]
        .into_iter()
        .flat_map(|view| {
            let mut statement = connection.prepare(&format!("SELECT * FROM {view}")).unwrap();
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| {
                (0..columns).map(|at| Ok(format!("{:?}", row.get_ref(at)?))).collect::<Result<Vec<_>, _>>()
            });
            rows.unwrap().map(|row| row.unwrap().join("|")).collect::<Vec<_>>()
        })
        .collect()
}

fn dump_of_server(database: &Database) -> Vec<String> {
    let rows =
        |view: &str| database.select(&format!("SELECT view::text FROM (SELECT * FROM {view}) AS view"));
    let decisions = [rows("act WHERE summary IS NULL ORDER BY id"), rows("act_item ORDER BY id")];
    [rows("blobs ORDER BY hash"), rows("observations ORDER BY id"), decisions.concat()].concat()
}

fn lose_catalog(world: &World) {
    for ending in ["", "-wal", "-shm", "-lease"] {
        std::fs::remove_file(world.path(format!("{CATALOG}{ending}"))).ok();
    }
}

fn copy(world: &World, from: &str, to: &str) {
    let copied = Command::new("cp").arg("-a").arg(world.path(from)).arg(world.path(to)).status().unwrap();
    assert!(copied.success());
}

fn nothing_to_do(world: &World) {
    let again = world.mama(["scan", "photos", "--json"]).done().summary();
    assert_eq!((&again["new_observations"], &again["gone"]), (&0.into(), &0.into()));
    assert_eq!(world.mama(["plan"]).status, 0);
    let apply = world.mama(["apply", "--json"]).done().summary();
    assert_eq!((&apply["observations"], &apply["blobs_stored"]), (&0.into(), &0.into()));
}

#[test]
fn a_lost_catalog_comes_back() {
    let world = world(None);
    let before = dump(&world.path(CATALOG));
    assert!(before.len() >= 17 + 32 + 2 + 2, "{before:#?}");
    lose_catalog(&world);
    world.mama(["scan", "photos"]).refused(1, &["no catalog"]);
    let said = world.mama(["rebuild", "--json"]).done().summary();
    assert_eq!((&said["type"], &said["observations"]), (&"rebuild_summary".into(), &32.into()));
    assert_eq!(dump(&world.path(CATALOG)), before);
    nothing_to_do(&world);
    world.mama(["rebuild"]).refused(1, &["begins with an empty one", "mama dev reset --yes"]);
    assert_eq!(world.mama(["doctor"]).status, 0);
}

#[test]
fn a_lost_catalog_comes_back_on_a_server_and_from_there() {
    let (first, second) = (Database::empty(), Database::empty());
    let world = world(Some(&first));
    let before = dump_of_server(&first);
    world.write("mama.toml", format!("archive = 'archive'\ndatabase = '{}'\n", second.url()));
    world.mama(["rebuild"]).done();
    assert_eq!(dump_of_server(&second), before);
    nothing_to_do(&world);
    world.write("mama.toml", "archive = 'archive'\n");
    world.mama(["rebuild"]).done();
    nothing_to_do(&world);
}

#[test]
fn a_marker_that_is_lost_with_the_catalog_comes_back_with_it() {
    let world = world(None);
    let marker = || std::fs::read(world.path("archive/.mama/archive")).unwrap();
    let (before, id) = (dump(&world.path(CATALOG)), marker());
    lose_catalog(&world);
    std::fs::remove_file(world.path("archive/.mama/archive")).unwrap();
    world.mama(["plan"]).refused(1, &["lost its marker", "`mama rebuild`"]);
    let rebuilt = world.mama(["rebuild"]).done();
    assert!(rebuilt.stderr.contains("it was made anew"), "{}", rebuilt.stderr);
    assert_eq!((dump(&world.path(CATALOG)), marker()), (before, id));
    nothing_to_do(&world);
}

#[test]
fn a_marker_is_not_made_for_another_archives_catalog() {
    let (mine, other) = (world(None), world(None));
    lose_catalog(&mine);
    std::fs::remove_file(mine.path("archive/.mama/archive")).unwrap();
    let database = format!("sqlite:{}", other.path(CATALOG).display());
    mine.mama(["rebuild", "--database", &database]).refused(1, &["the catalog belongs to archive"]);
    assert!(!mine.path("archive/.mama/archive").exists());
    mine.mama(["rebuild"]).done();
    nothing_to_do(&mine);
}

#[test]
fn of_an_archive_that_lost_all_but_its_contents_they_are_kept() {
    let world = world(None);
    std::fs::remove_dir_all(world.path("archive/.mama")).unwrap();
    world.mama(["scan", "photos"]).refused(1, &["lost its marker", "`mama rebuild`"]);
    world.mama(["rebuild"]).done();
    archive_all(&world);
    let again = world.mama(["apply", "--json"]).done().summary();
    assert_eq!((&again["blobs_stored"], &again["observations"]), (&Value::from(0), &Value::from(0)));
}

#[test]
fn contents_that_are_not_mounted_are_missed_before_anything_is_written() {
    let world = world(None);
    std::fs::rename(world.path("archive/blobs"), world.path("elsewhere")).unwrap();
    std::fs::create_dir(world.path("archive/blobs")).unwrap();
    world.write("photos/new.txt", "new");
    world.mama(["scan", "photos"]).done();
    for command in ["apply", "plan"] {
        world.mama([command]).refused(1, &["blobs holds nothing", "mounted?", "mama repair"]);
    }
    world.mama(["doctor"]).refused(3, &[]);
    let told = world.mama(["doctor"]).stdout;
    assert!(told.contains("blobs holds nothing, and the catalog knows"), "{told}");
    assert_eq!(std::fs::read_dir(world.path("archive/blobs")).unwrap().count(), 0);
}

#[test]
fn an_archive_from_a_backup_is_refused_and_repaired() {
    let database = Database::empty();
    let world = world(Some(&database));
    copy(&world, "archive", "backup");
    world.write("photos/later.txt", "later");
    world.write("photos/soon lost.txt", "soon lost");
    world.write("photos/another.txt", "edited");
    archive_all(&world);
    std::fs::remove_file(world.path("photos/soon lost.txt")).unwrap();
    archive_all(&world);
    std::fs::remove_dir_all(world.path("archive")).unwrap();
    copy(&world, "backup", "archive");

    for command in REFUSED {
        let refused = world.mama(command.split(' '));
        refused.refused(1, &["this archive is an older copy", "mama repair"]);
    }
    assert_eq!(world.mama(["doctor"]).status, 3);
    assert!(world.mama(["stats"]).done().stderr.contains("an older copy"));
    let preview = world.mama(["repair", "--json"]);
    assert_eq!(preview.status, 3, "{}", preview.stderr);
    let said = preview.summary();
    assert_eq!((&said["missing"], &said["lost"], &said["repaired"]), (&2.into(), &1.into(), &false.into()));
    assert_eq!(said["missing_views"], 1);
    let unshown: Vec<Value> =
        preview.objects().into_iter().filter(|it| it["type"] == "missing_view").collect();
    let view = unshown[0]["view"].as_str().unwrap().to_owned();
    assert!(view.ends_with("/photos/another.txt"), "{view}");
    let lost: Vec<Value> = preview.objects().into_iter().filter(|it| it["lost"] == true).collect();
    assert_eq!(lost[0]["last_seen"], world.path("photos/soon lost.txt").to_str().unwrap());
    world.mama(["apply"]).refused(1, &["an older copy"]);
    let repaired = world.mama(["repair", "--yes", "--json"]);
    assert_eq!((repaired.status, &repaired.summary()["lost"]), (4, &1.into()));
    let apply = world.mama(["apply", "--json"]).summary();
    assert_eq!(apply["blobs_stored"], 1);
    assert_eq!(std::fs::read(world.path("archive").join(view)).unwrap(), b"edited");
    assert_eq!(world.mama(["doctor"]).status, 0);
    assert_eq!(world.mama(["repair"]).done().status, 0);
}

#[test]
fn a_catalog_from_a_backup_is_refused_and_rebuilt() {
    let world = world(None);
    world.mama(["stats"]).done();
    let backup = world.path("backup.sqlite3");
    Connection::open(world.path(CATALOG))
        .unwrap()
        .execute("VACUUM INTO ?1", [backup.to_str().unwrap()])
        .unwrap();
    world.write("photos/later.txt", "later");
    archive_all(&world);
    let before = dump(&world.path(CATALOG));
    lose_catalog(&world);
    copy(&world, "backup.sqlite3", CATALOG);
    for command in REFUSED {
        let refused = world.mama(command.split(' '));
        refused.refused(1, &["this catalog is an older copy", "mama rebuild"]);
    }
    world.mama(["dev", "reset", "--yes"]).done();
    world.mama(["rebuild"]).done();
    assert_eq!(dump(&world.path(CATALOG)), before);
    nothing_to_do(&world);
}

#[test]
fn a_new_catalog_for_an_archive_that_has_manifests_is_refused() {
    let world = world(None);
    lose_catalog(&world);
    std::fs::remove_file(world.path("mama.toml")).unwrap();
    world
        .mama(["init", "archive"])
        .refused(1, &["this catalog is an older copy, or a new one", "mama rebuild"]);
    // without any configuration, as on a new machine
    let mut rebuild = world.command();
    rebuild.args(["rebuild", "--archive", "archive"]).env_remove("MAMA_CONFIG");
    Run::from(rebuild.output().unwrap()).done();
    world.mama(["init", "archive"]).done();
    nothing_to_do(&world);
}

#[test]
fn what_was_forgotten_on_purpose_does_not_come_back() {
    let world = world(None);
    world.mama(["dev", "reset", "--yes"]).done();
    std::fs::remove_file(world.path("photos/1/1.txt")).unwrap();
    archive_all(&world);
    let before = dump(&world.path(CATALOG));
    lose_catalog(&world);
    let said = world.mama(["rebuild", "--json"]).done().summary();
    assert_eq!(said["observations"], 29);
    let after = dump(&world.path(CATALOG));
    let sightings = |rows: &[String]| {
        rows.iter().filter(|row| row.matches('|').count() > 15).cloned().collect::<Vec<_>>()
    };
    assert_eq!(sightings(&after), sightings(&before));
}

#[test]
fn a_damaged_manifest_is_named() {
    let world = world(None);
    let file = world.path("archive/.mama/manifests/0000000001.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 100]).unwrap();
    lose_catalog(&world);
    let run = world.mama(["rebuild", "--json"]);
    assert_eq!(run.status, 4, "{}", run.stderr);
    assert_eq!(run.summary()["damaged_manifests"], 1);
    assert!(run.stderr.is_empty() && run.stdout.contains("0000000001.jsonl"), "{}", run.stdout);
    world.mama(["scan", "photos"]).done();
    assert_eq!(world.mama(["doctor"]).status, 0);
}

/// A world whose manifests 1 to 5 all count; the third says what was blocked.
fn with_five_manifests() -> World {
    let world = world(None);
    for n in 0..3 {
        world.write(format!("photos/later/{n}.txt"), format!("later {n}"));
        if n == 0 {
            world.mama(["block", "--yes", "photos/1/5.txt"]).done();
        }
        archive_all(&world);
    }
    world
}

fn manifest(world: &World, number: u64) -> std::path::PathBuf {
    world.path(format!("archive/.mama/manifests/{number:010}.jsonl"))
}

#[test]
fn an_older_manifest_that_rots_or_goes_is_noticed_while_the_catalog_can_write_it_anew() {
    for is_rot in [true, false] {
        let world = with_five_manifests();
        let before = dump(&world.path(CATALOG));
        if is_rot {
            let mut text = std::fs::read(manifest(&world, 3)).unwrap();
            *text.last_mut().unwrap() ^= 1;
            std::fs::write(manifest(&world, 3), text).unwrap();
        } else {
            std::fs::remove_file(manifest(&world, 3)).unwrap();
        }
        let doctor = world.mama(["doctor"]);
        let told =
            if is_rot { "the manifest 3 is damaged" } else { "what came before the manifest 4 is missing" };
        assert!(doctor.status == 3 && doctor.stdout.contains(told), "{}", doctor.stdout);
        assert_eq!(world.mama(["repair"]).status, 3);
        world.mama(["repair", "--yes"]).done();
        assert_eq!(world.mama(["doctor"]).status, 0);
        lose_catalog(&world);
        world.mama(["rebuild"]).done();
        assert_eq!(dump(&world.path(CATALOG)), before);
    }
}

#[test]
fn what_a_lost_manifest_may_have_said_is_looked_at_again() {
    let world = with_five_manifests();
    std::fs::write(manifest(&world, 3), "rot").unwrap();
    std::fs::remove_file(manifest(&world, 4)).unwrap();
    lose_catalog(&world);
    let rebuilt = world.mama(["rebuild", "--json"]);
    let said = rebuilt.summary();
    assert_eq!((&said["damaged_manifests"], &said["missing_manifests"]), (&1.into(), &1.into()), "{said}");
    assert!(rebuilt.stdout.contains("what came between 3 and it is missing"), "{}", rebuilt.stdout);
    archive_all(&world);
    let unshown = "SELECT count(*) FROM observation WHERE status = 'assigned' AND placement = 'none' AND current = 1 AND gone_s IS NULL
                     AND blob NOT IN (SELECT id FROM blob WHERE block_reason IS NOT NULL)";
    let count: i64 =
        Connection::open(world.path(CATALOG)).unwrap().query_row(unshown, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 0);
    nothing_to_do(&world);
}
