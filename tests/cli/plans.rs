//! Plans that are saved and applied later.

use std::fs;

use crate::world::World;

fn world() -> World {
    let world = World::new();
    for name in ["a", "b", "c"] {
        world.write(format!("photos/{name}.txt"), format!("content {name}"));
    }
    world.mama(["scan", "photos", "--no-metadata"]).done();
    world
}

#[test]
fn a_saved_plan_is_what_is_done() {
    let world = world();
    let planned = world.mama(["plan", "--out", "plan.jsonl"]);
    assert_eq!(planned.status, 3, "{}", planned.stderr);
    world.write("photos/later.txt", "not planned");
    world.mama(["scan", "photos", "--no-metadata"]).done();
    let applied = world.mama(["apply", "plan.jsonl", "--json"]).done().summary();
    assert_eq!((&applied["blobs_stored"], &applied["stale"]), (&3.into(), &0.into()));
    let again = world.mama(["apply", "plan.jsonl", "--json"]).done().summary();
    assert_eq!((&again["blobs_stored"], &again["stale"]), (&0.into(), &0.into()));
    let rest = world.mama(["apply", "--json"]).done().summary();
    assert_eq!(rest["blobs_stored"], 1);
}

#[test]
fn what_has_changed_since_is_refused_by_file() {
    let world = world();
    world.mama(["plan", "--out", "plan.jsonl"]);
    world.write("photos/b.txt", "another content");
    let run = world.mama(["apply", "plan.jsonl", "--json"]);
    assert_eq!(run.status, 4);
    assert_eq!((&run.summary()["blobs_stored"], &run.summary()["stale"]), (&2.into(), &1.into()));
    let errors = run.objects().into_iter().filter(|object| object["type"] == "error");
    let errors: Vec<_> = errors.collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert_eq!(errors[0]["path"], world.path("photos/b.txt").to_str().unwrap());
    assert!(errors[0]["reason"].as_str().unwrap().ends_with("scan again"), "{errors:?}");
}

#[test]
fn a_plan_that_is_not_whole_is_refused_before_anything_is_done() {
    let world = world();
    world.mama(["plan", "--out", "plan.jsonl"]);
    let plan = fs::read_to_string(world.path("plan.jsonl")).unwrap();
    let refused = |text: &[u8], words: &[&str]| {
        world.write("bad.jsonl", text);
        world.mama(["apply", "bad.jsonl"]).refused(1, words);
        assert!(!world.path("archive/views/existing").exists());
    };
    refused(b"", &["it is not complete", "mama plan --out"]);
    refused(&plan.as_bytes()[..plan.len() - 5], &["it is not complete"]);
    refused(plan.lines().next().unwrap().as_bytes(), &["not complete"]);
    refused(b"{\"type\":\"page\"}\n", &["its last line is missing"]);
    refused(plan.replacen("a.txt", "x.txt", 1).as_bytes(), &["it was changed after it was made"]);
    refused(&fs::read(world.path("photos/a.txt")).unwrap(), &["cannot be used"]);
    world.mama(["apply", "missing.jsonl"]).refused(1, &["missing.jsonl", "No such file"]);

    let other = World::new();
    other.write("plan.jsonl", &plan);
    other.mama(["apply", "plan.jsonl"]).refused(1, &["it was made for archive"]);
}

#[test]
fn a_plan_overwrites_nothing() {
    let world = world();
    let photo = world.path("photos/a.txt");
    world.mama(["plan", "--out", photo.to_str().unwrap()]).refused(1, &["is there already", "another name"]);
    assert_eq!(fs::read(photo).unwrap(), b"content a");
    world.mama(["plan", "--out", "no/such/folder"]).refused(1, &["cannot write the plan to no/such/folder"]);
}
