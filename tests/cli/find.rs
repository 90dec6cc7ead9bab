//! Files are found by when they were taken, which no database column says.

use serde_json::Value;

use crate::world::World;

/// Two pictures whose names say when they were taken, one that says its year, and one that says nothing.
fn album() -> World {
    let world = World::new();
    for name in ["IMG_20150817_101010.jpg", "IMG_20160102_080000.jpg"] {
        world.write(format!("photos/{name}"), name);
    }
    world.write("photos/2015/beach.jpg", "2015");
    world.write("photos/notes.txt", "notes");
    world.mama(["scan", "photos"]).done();
    world
}

#[test]
fn what_was_taken_then_is_listed_with_all_that_is_known_about_it() {
    let world = album();
    let names = |args: &[&str]| {
        let run = world.mama(["find", "--json"].iter().chain(args));
        let files = run.objects().into_iter().filter(|object| object["type"] == "file");
        let name = |file: Value| file["path"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        (run.status, files.map(name).collect::<Vec<_>>())
    };
    let (summer, year) = ("IMG_20150817_101010.jpg".to_owned(), "beach.jpg".to_owned());
    let in_2015 = ["--taken-after", "2015-01-01", "--taken-before", "2016-01-01"];
    let (status, mut found) = names(&in_2015);
    found.sort();
    assert_eq!((status, found), (0, vec![summer.clone(), year]));
    assert_eq!(names(&["--taken-after", "2015-08-01", "--taken-before", "2015-09-01"]), (0, vec![summer]));
    assert_eq!(
        names(&["--taken-after", "2015-08-01", "--taken-before", "2015-09-01", "--mime", "video/*"]),
        (3, vec![])
    );
    let run =
        world.mama(["find", "--json", "--taken-after", "2016-01-01", "--taken-before", "2016-02-01"]).done();
    let file = &run.objects()[0];
    assert_eq!(
        (&file["taken"]["at"], &file["taken"]["source"]["file_name"]),
        (&"2016-01-02T08:00:00".into(), &"IMG_20160102_080000.jpg".into())
    );
    assert_eq!((&run.summary()["type"], &run.summary()["files"]), (&"find_summary".into(), &1.into()));
    let words = world.mama(["find", "photos"]).done().stdout;
    assert_eq!(words.lines().count(), 4, "{words}");
    assert!(words.contains("2015-08-17T10:10:10") && words.contains("photos/notes.txt"), "{words}");
}

#[test]
fn decisions_are_about_what_was_taken_then_too() {
    let world = album();
    let period = ["--taken-after", "2015-08-01", "--taken-before", "2015-09-01"];
    let run = world.mama(["ignore", "--yes", "--json"].iter().chain(&period)).done();
    assert_eq!((&run.summary()["observations"], &run.summary()["changes"]), (&1.into(), &1.into()));
    let log = world.mama(["log", "--json"]).done().objects()[0].clone();
    assert_eq!(log["words"], "--taken-after 2015-08-01T00:00:00 --taken-before 2015-09-01T00:00:00");
    std::fs::remove_file(world.path("photos/2015/beach.jpg")).unwrap();
    world.mama(["scan", "photos"]).done();
    world.mama(["find", "--taken-after", "2015-01-01", "--taken-before", "2015-02-01"]).refused(3, &[]);
    let found = world.mama(["find", "--json", "--status", "ignored"]).done();
    assert_eq!(found.summary()["files"], 1);
}
