//! `mama why`: the rule that decided about each sighting, however one asks.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::world::{Run, World};

/// One file, scanned; `host`: on this one.
fn seen_by(world: &World, host: &str, content: &str) -> PathBuf {
    let path = world.write("photos/a.txt", content);
    world.mama(["scan", "photos", "--no-metadata", "--host", host]).done();
    path
}

fn shown() -> World {
    let world = World::new();
    seen_by(&world, "laptop", "one");
    world.mama(["apply"]).done();
    world
}

/// Where the plain view of the file is, below the archive.
fn view(world: &World) -> String {
    let folder = fs::canonicalize(world.path("photos")).unwrap();
    format!("views/existing{}/a.txt", folder.to_str().unwrap())
}

#[track_caller]
fn why(world: &World, what: &str) -> Run {
    world.mama(["why", what, "--json"]).done()
}

fn of_type(run: &Run, kind: &str) -> Vec<Value> {
    run.objects().into_iter().filter(|object| object["type"] == kind).collect()
}

/// Rule, the other sighting, and placement of each sighting.
fn rules(run: &Run) -> Vec<(String, Option<i64>, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rule = |claim: &Value| (text(&claim["rule"]), claim["by"].as_i64(), text(&claim["placement"]));
    of_type(run, "claim").iter().map(rule).collect()
}

fn rule(word: &str, by: Option<i64>, placement: &str) -> (String, Option<i64>, String) {
    (word.to_owned(), by, placement.to_owned())
}

#[test]
fn what_is_shown_is_found_by_path_view_folder_and_hash() {
    let world = shown();
    let claims = of_type(&why(&world, "photos/a.txt"), "claim");
    let [claim] = claims.as_slice() else { panic!("{claims:?}") };
    let hash = claim["hash"].as_str().unwrap().to_owned();
    let view = view(&world);
    let blob = format!("blobs/{}/{}/{hash}", &hash[..2], &hash[2..4]);
    assert_eq!((&claim["rule"], &claim["view"]), (&"first".into(), &view.clone().into()));
    assert_eq!((&claim["blob"], &claim["host"]), (&blob.clone().into(), &"laptop".into()));
    for what in [
        format!("archive/{view}"),
        "photos".to_owned(),
        format!("archive/{blob}"),
        hash[..8].to_owned(),
        hash,
    ] {
        assert_eq!(of_type(&why(&world, &what), "claim"), claims, "{what}");
    }
    let run = why(&world, "photos/a.txt");
    assert_eq!(of_type(&run, "place")[0]["settled"], true);
    let summary = run.summary();
    assert_eq!((&summary["type"], &summary["places"]), (&"why_summary".into(), &1.into()));
    assert_eq!((&summary["observations"], &summary["actions"]), (&1.into(), &0.into()));
    let words = world.mama(["why", "photos/a.txt"]).done().stdout;
    for word in
        ["laptop had this path first", "assigned, placed at views/", "stored at blobs/", "does nothing here"]
    {
        assert!(words.contains(word), "no {word:?} in {words}");
    }
}

#[test]
fn another_host_with_other_bytes_has_its_name_in_brackets() {
    let world = shown();
    let path = seen_by(&world, "nas", "two");
    world.mama(["apply"]).done();
    let run = why(&world, "photos/a.txt");
    // this machine cannot bring the file of another one
    assert_eq!(rules(&run), [rule("first", None, "placed"), rule("other_host", Some(1), "none")]);
    assert_eq!(of_type(&run, "finding")[0]["finding"], "elsewhere");
    assert_eq!(
        rules(&world.mama(["why", path.to_str().unwrap(), "--json", "--host", "nas"]).done()),
        rules(&run)
    );
    world.mama(["why", path.to_str().unwrap(), "--host", "tablet"]).refused(3, &[]);
    let words = world.mama(["why", "photos/a.txt"]).done().stdout;
    assert!(words.contains("sighting 1 of laptop has the plain one, with other bytes"), "{words}");

    let world = shown();
    seen_by(&world, "nas", "one");
    world.mama(["apply"]).done();
    let run = why(&world, "photos/a.txt");
    assert_eq!(rules(&run), [rule("first", None, "placed"), rule("same_bytes", Some(1), "placed")]);
}

#[test]
fn an_older_version_is_superseded_and_kept_or_lost() {
    let world = shown();
    seen_by(&world, "laptop", "second");
    let before = why(&world, "photos/a.txt");
    assert_eq!(rules(&before)[0], rule("superseded", Some(2), "placed"));
    let actions = of_type(&before, "action");
    assert_eq!(
        actions.iter().map(|action| action["action"].as_str()).collect::<Vec<_>>(),
        [Some("store"), Some("link")]
    );
    assert_eq!(of_type(&before, "place")[0]["settled"], false);
    seen_by(&world, "laptop", "the third one");
    world.mama(["apply"]);
    let after = why(&world, "photos/a.txt");
    assert_eq!(
        rules(&after),
        [
            rule("superseded", Some(3), "stored"),
            rule("superseded", Some(3), "lost"),
            rule("first", None, "placed"),
        ]
    );
    assert_eq!(of_type(&after, "place")[0]["settled"], true);
    let words = world.mama(["why", "photos/a.txt"]).done().stdout;
    assert!(words.contains("lost: it was never stored") && words.contains("older version"), "{words}");
}

#[test]
fn decisions_are_named() {
    let world = shown();
    world.mama(["ignore", "photos/a.txt", "--yes"]).done();
    let run = why(&world, "photos/a.txt");
    assert_eq!(rules(&run), [rule("ignored", None, "placed")]);
    assert_eq!(of_type(&run, "action")[0]["action"], "remove");
    fs::copy(world.path("photos/a.txt"), world.path("photos/b.txt")).unwrap();
    world.mama(["scan", "photos", "--no-metadata"]).done();
    assert_eq!(rules(&why(&world, "photos/b.txt")), [rule("turned_down", None, "none")]);

    world.mama(["block", "photos/a.txt", "--yes", "--reason", "deleted"]).done();
    world.mama(["apply"]).done();
    let run = why(&world, "photos/a.txt");
    assert_eq!(rules(&run), [rule("blocked", None, "none")]);
    assert_eq!(of_type(&run, "claim")[0]["block"], "deleted");
    let words = world.mama(["why", "photos/a.txt"]).done().stdout;
    assert!(words.contains("its content is deleted, wherever it is seen"), "{words}");
}

#[test]
fn what_waits_for_a_decision_says_so() {
    let world = World::new();
    world.configure("[apply]\nauto_assign = false");
    seen_by(&world, "laptop", "one");
    let run = why(&world, "photos/a.txt");
    assert_eq!(rules(&run), [rule("awaiting", None, "none")]);
    assert_eq!(of_type(&run, "place")[0]["settled"], true);
}

#[test]
fn a_foreign_file_in_the_way_is_the_reason_also_if_one_asks_for_it() {
    let world = World::new();
    seen_by(&world, "laptop", "one");
    let view = format!("archive/{}", view(&world));
    world.write(&view, "foreign");
    assert_eq!(world.mama(["apply"]).status, 4);
    for what in ["photos/a.txt", view.as_str()] {
        let run = why(&world, what);
        assert_eq!(rules(&run), [rule("first", None, "conflict")]);
        assert_eq!(of_type(&run, "finding")[0]["finding"], "conflict", "{what}");
    }
}

#[test]
fn what_nobody_has_seen_is_not_explained() {
    let world = shown();
    world.write("photos/new.txt", "new");
    world.write("archive/views/existing/foreign.txt", "foreign");
    for (what, words) in [
        ("photos/new.txt", "nothing was ever seen at"),
        ("archive/views/existing/foreign.txt", "is no view of anything"),
        (&*"ab".repeat(32), "no content with the hash"),
    ] {
        let run = world.mama(["why", what]);
        assert_eq!(run.status, 3, "{what}: {}", run.stderr);
        assert!(run.stdout.contains(words), "{}", run.stdout);
        let run = world.mama(["why", what, "--json"]);
        assert_eq!((run.status, &run.summary()["places"]), (3, &0.into()));
    }
    world.mama(["why"]).refused(2, &["PATH|HASH"]);
}

#[test]
fn it_foretells_what_apply_does_and_no_more() {
    let world = shown();
    // nothing is open, so apply does not look, and does not see that the view is gone
    fs::remove_file(world.path("archive").join(view(&world))).unwrap();
    assert_eq!(world.mama(["plan"]).status, 0);
    let run = why(&world, "photos/a.txt");
    assert_eq!((&of_type(&run, "place")[0]["settled"], of_type(&run, "action").len()), (&true.into(), 0));
}

#[test]
fn asking_changes_nothing() {
    let world = World::new();
    seen_by(&world, "laptop", "one");
    let plan = world.mama(["plan", "--json"]).stdout;
    why(&world, "photos");
    assert_eq!(world.mama(["plan", "--json"]).stdout, plan);
    assert!(!world.path("archive/views/existing").exists());
}

#[test]
fn names_that_are_taken_and_names_of_older_versions_are_explained() {
    let world = World::new();
    world.configure("[views]\nhistory = true");
    let claims = |what: &str| of_type(&why(&world, what), "claim");
    let name = |claim: &Value| PathBuf::from(claim["name"].as_str().unwrap()).file_name().unwrap().to_owned();
    seen_by(&world, "laptop", "one");
    world.mama(["apply"]).done();
    seen_by(&world, "laptop", "second");
    let before = claims("photos/a.txt");
    assert_eq!((&before[0]["rule"], &before[0]["by"]), (&"superseded".into(), &2.into()));
    world.mama(["apply"]).done();
    let [older, newer] = <[Value; 2]>::try_from(claims("photos/a.txt")).unwrap();
    assert_eq!((&older["placement"], &older["name"]), (&"placed".into(), &older["view"]));
    assert_eq!((name(&newer), name(&older) == *"a.txt"), ("a.txt".into(), false));
    assert_eq!(name(&older), name(&before[0]), "as it was foretold");

    let dated = name(&older);
    world.write("photos/b.txt", "b");
    world.mama(["scan", "photos", "--no-metadata"]).done();
    fs::rename(world.path("photos/b.txt"), world.path("photos").join(&dated)).unwrap();
    world.mama(["scan", "photos", "--no-metadata"]).done();
    world.mama(["apply"]).done();
    let path = world.path("photos").join(dated);
    let taken = claims(path.to_str().unwrap());
    assert_eq!(taken[0]["rule"], "first");
    assert_eq!(taken[0]["placement"], "placed");
    let departure = taken[0]["departure"].as_str().unwrap();
    assert!(departure.ends_with(" is taken"), "by another file's older version: {departure}");
    let words = world.mama(["why", path.to_str().unwrap()]).done().stdout;
    assert!(words.contains("    name     views/"), "{words}");
}
