//! Sidecars feed the metadata of what they describe.

use mama_tests::postgres::Database;
use rusqlite::Connection;
use serde_json::Value;

use crate::world::World;

const CATALOG: &str = "archive/.mama/catalog.sqlite3";

fn xmp(title: &str) -> String {
    format!(
        "<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>\
         <rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'><dc:title><rdf:Alt>\
         <rdf:li xml:lang='x-default'>{title}</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
}

/// What a person sees as the metadata of `a.jpg`.
fn meta(world: &World, server: Option<&Database>) -> Value {
    let sql = "SELECT coalesce(CAST(meta AS TEXT), 'null') FROM observations WHERE filename = 'a.jpg'";
    let text = match server {
        Some(database) => database.select(sql).concat(),
        None => Connection::open(world.path(CATALOG)).unwrap().query_row(sql, [], |row| row.get(0)).unwrap(),
    };
    serde_json::from_str(&text).unwrap()
}

#[test]
fn whoever_asks_for_one_file_gets_what_describes_it_too() {
    let world = World::new();
    world.write("photos/a.jpg", "no picture");
    world.write("photos/a.jpg.xmp", xmp("Sommer"));
    world.write("photos/b.jpg", "another one");
    let scanned = world.mama(["scan", "--no-metadata", "--json", "photos"]).done().summary();
    assert_eq!(scanned["metadata_read"], 0);
    let enriched = world.mama(["enrich", "--json", "photos/a.jpg"]).done().summary();
    assert_eq!(enriched["contents"], 2, "{enriched}");
    assert_eq!(meta(&world, None)["Sidecar"]["a.jpg.xmp"]["XMP-dc:Title"], "Sommer");
    let again = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!((&again["metadata_read"], &again["unchanged"]), (&1.into(), &3.into()), "{again}");
    let again = world.mama(["scan", "--json", "--refresh-metadata", "photos"]).done().summary();
    assert_eq!((&again["metadata_read"], &again["unchanged"]), (&0.into(), &3.into()), "nothing is older: {again}");
}

fn sidecars_come_and_go(server: Option<&Database>) {
    let world = World::bare();
    std::fs::create_dir(world.path("photos")).unwrap();
    match server {
        Some(database) => world.mama(["init", "archive", "--database", &database.url()]).done(),
        None => world.mama(["init", "archive"]).done(),
    };
    let scan = || drop(world.mama(["scan", "photos"]).done());
    world.write("photos/a.jpg", "no picture");
    world.write("photos/b.jpg", "no picture");
    scan();
    let alone = meta(&world, server);
    assert_eq!(alone.get("Sidecar"), None);

    world.write("photos/a.jpg.xmp", xmp("Sommer"));
    scan();
    assert_eq!(meta(&world, server)["Sidecar"]["a.jpg.xmp"]["XMP-dc:Title"], "Sommer");
    world.write("photos/a.jpg.xmp", xmp("Herbst"));
    world.write("photos/a.xmp", xmp("Winter"));
    scan();
    let both = meta(&world, server);
    assert_eq!(both["Sidecar"]["a.jpg.xmp"]["XMP-dc:Title"], "Herbst", "a changed sidecar counts at once");
    assert_eq!(both["Sidecar"]["a.xmp"]["XMP-dc:Title"], "Winter");
    let again = world.mama(["scan", "photos", "--json"]).done().summary();
    assert_eq!((&again["new_observations"], &again["unchanged"]), (&0.into(), &4.into()));

    for sidecar in ["a.jpg.xmp", "a.xmp"] {
        std::fs::remove_file(world.path(format!("photos/{sidecar}"))).unwrap();
    }
    scan();
    assert_eq!(meta(&world, server), alone);
}

#[test]
fn on_a_laptop() {
    sidecars_come_and_go(None);
}

#[test]
fn on_a_server() {
    sidecars_come_and_go(Some(&Database::empty()));
}

#[test]
fn a_rebuilt_catalog_knows_them_after_the_next_scan() {
    let world = World::bare();
    std::fs::create_dir(world.path("photos")).unwrap();
    world.mama(["init", "archive"]).done();
    world.write("photos/a.jpg", "no picture");
    world.write("photos/a.jpg.xmp", xmp("Sommer"));
    world.mama(["scan", "photos"]).done();
    world.mama(["apply"]).done();
    let before = meta(&world, None);
    for ending in ["", "-wal", "-shm", "-lease"] {
        std::fs::remove_file(world.path(format!("{CATALOG}{ending}"))).ok();
    }
    world.mama(["rebuild"]).done();
    world.mama(["scan", "photos"]).done();
    assert_eq!(meta(&world, None), before);
    assert_eq!(before["Sidecar"]["a.jpg.xmp"]["XMP-dc:Title"], "Sommer");
}
