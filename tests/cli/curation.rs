//! Decisions from the command line, and the journal.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use mama_tests::postgres::Database;
use serde_json::Value;

use crate::world::{Run, World};

/// Three files, two contents, scanned and applied.
fn archived() -> World {
    let world = World::new();
    world.write("photos/a.txt", "one");
    world.write("photos/b/c.txt", "one");
    world.write("photos/b/d.md", "other");
    world.mama(["scan", "--no-metadata", "photos"]).done();
    world.mama(["apply"]).done();
    world
}

/// The views there are, by name.
fn views(world: &World) -> Vec<String> {
    let all = ["a.txt", "b/c.txt", "b/d.md"];
    let folder = fs::canonicalize(world.path("photos")).unwrap();
    let view = |name: &&str| {
        let below = folder.strip_prefix("/").unwrap().join(name);
        world.path("archive/views/existing").join(below).exists()
    };
    all.iter().filter(|name| view(name)).map(|name| (*name).to_owned()).collect()
}

fn blobs(world: &World) -> Vec<Value> {
    let stats = world.mama(["stats", "--json"]).done().summary();
    vec![stats["stored"].clone(), stats["blobs"].clone()]
}

fn counts(run: &Run, keys: [&str; 4]) -> [u64; 4] {
    let summary = run.summary();
    keys.map(|key| summary[key].as_u64().unwrap_or_else(|| panic!("{key} in {summary}")))
}

const COUNTS: [&str; 4] = ["observations", "changes", "contents", "unchanged"];

#[test]
fn nothing_is_decided_without_a_yes() {
    let world = archived();
    let run = world.mama(["ignore", "photos/b"]);
    run.refused(3, &["nothing was changed", "--yes"]);
    assert!(
        run.stdout.contains("photos/b/c.txt") && run.stdout.contains("2 sightings of 2 contents"),
        "{}",
        run.stdout
    );
    let run = world.mama(["ignore", "--json", "photos/b"]);
    assert_eq!((run.status, counts(&run, COUNTS)), (3, [2, 2, 2, 0]));
    assert_eq!(run.summary()["done"], false);
    assert_eq!(world.mama(["plan"]).status, 0);
    assert_eq!(world.mama(["undo", "--yes"]).status, 3);
}

#[test]
fn what_is_ignored_loses_its_view_and_gets_it_back_by_undo() {
    let world = archived();
    let run = world.mama(["ignore", "--yes", "--json", "photos/b/c.txt", "photos/b/d.md"]).done();
    assert_eq!(counts(&run, COUNTS), [2, 2, 2, 0]);
    assert_eq!(run.objects().iter().filter(|object| object["type"] == "decision").count(), 2);
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["views_removed"], 2);
    assert_eq!((views(&world), blobs(&world)), (vec!["a.txt".to_owned()], vec![2.into(), 2.into()]));

    let run = world.mama(["ignore", "--yes", "photos/b"]).done();
    assert!(run.stdout.contains("2 already are so"), "{}", run.stdout);
    world.mama(["undo"]).refused(3, &["--yes"]);
    let run = world.mama(["undo", "--yes"]).done();
    assert!(run.stdout.contains("took back 2 decisions"), "{}", run.stdout);
    world.mama(["apply"]).done();
    assert_eq!(views(&world).len(), 3);
    assert_eq!(world.mama(["undo", "--yes"]).status, 3, "all is taken back");
    let undo = &world.mama(["log", "--json"]).done().objects()[1];
    assert_eq!((&undo["verb"], &undo["undoes"], &undo["decisions"]), (&"undo".into(), &3.into(), &2.into()));
    world.mama(["undo", "--yes", "5"]).done();
    world.mama(["apply"]).done();
    assert_eq!(views(&world), ["a.txt"], "an undo can be undone");
}

#[test]
fn what_is_blocked_is_gone_everywhere_and_stays_so() {
    let world = archived();
    let run = world.mama(["block", "--yes", "--json", "photos/a.txt"]).done();
    assert_eq!(counts(&run, COUNTS), [1, 1, 1, 0]);
    world.mama(["apply"]).done();
    assert_eq!((views(&world), blobs(&world)), (vec!["b/d.md".to_owned()], vec![2.into(), 2.into()]));
    world.write("photos/e.txt", "one");
    world.mama(["scan", "--no-metadata", "photos"]).done();
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["blocked"], 1);
    let hash = run.objects()[0]["hash"].as_str().unwrap().to_owned();
    let again = world.mama(["block", "--yes", "--json", "--reason", "deleted", &hash]).done();
    let decision = &again.objects()[0];
    assert_eq!((&decision["from"], &decision["to"]), (&"blocked".into(), &"deleted".into()));
    let assign = world.mama(["assign", "--yes", "photos/a.txt"]).done();
    assert!(assign.stdout.contains("1 of them show is blocked; `mama unblock`"), "{}", assign.stdout);
    let run = world.mama(["unblock", "--yes", "--json", &hash[..8]]).done();
    assert_eq!(counts(&run, COUNTS), [3, 1, 1, 0]);
    world.mama(["apply"]).done();
    assert_eq!(views(&world).len(), 3);
}

#[test]
fn who_blocks_a_content_sees_its_other_copies_first() {
    let world = World::new();
    for file in ["junk/a.txt", "good/a.txt"] {
        world.write(file, "same");
    }
    world.mama(["scan", "--no-metadata", "junk", "good"]).done();
    let preview = world.mama(["block", "--json", "junk"]);
    let copies = preview.objects()[0]["copies"].clone();
    assert!(
        copies[0]["path"].as_str().unwrap().ends_with("good/a.txt") && copies[0]["host"] == "laptop",
        "{copies}"
    );
    assert_eq!((preview.status, &preview.summary()["copies"]), (3, &1.into()));
    let words = world.mama(["block", "junk"]).stdout;
    assert!(words.contains("also laptop:") && words.contains("1 copies of them elsewhere"), "{words}");
    let ignore = world.mama(["ignore", "--json", "junk"]);
    assert_eq!(ignore.objects()[0]["copies"], serde_json::json!([]));
}

#[test]
fn ignoring_survives_moves_new_hosts_and_new_imports() {
    let world = archived();
    world.mama(["ignore", "--yes", "photos/a.txt", "photos/b/c.txt"]).done();
    fs::rename(world.path("photos/a.txt"), world.path("photos/moved.txt")).unwrap();
    world.write("import/again.txt", "one");
    world.mama(["scan", "--no-metadata", "photos"]).done();
    world.mama(["scan", "--no-metadata", "--kind", "import", "import"]).done();
    world.mama(["scan", "--no-metadata", "--host", "nas", "photos"]).done();
    let plan = world.mama(["plan", "--json"]);
    assert_eq!((plan.status, &plan.summary()["turned_down"]), (3, &4.into()), "{}", plan.stdout);
    let apply = world.mama(["apply", "--json"]).done().summary();
    assert_eq!(
        (&apply["turned_down"], &apply["assigned"], &apply["blobs_stored"]),
        (&4.into(), &1.into(), &0.into())
    );
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["observations"], 0);
    world.mama(["assign", "--yes", "import"]).done();
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["views_created"], 3, "and what followed it");
}

#[test]
fn a_decision_that_is_taken_back_frees_what_followed_it() {
    let world = World::new();
    world.write("phone/a.jpg", "one");
    world.mama(["scan", "--no-metadata", "phone"]).done();
    world.mama(["ignore", "--yes", "phone"]).done();
    world.write("usb/a.jpg", "one");
    world.mama(["scan", "--no-metadata", "usb"]).done();
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["turned_down"], 1);
    world.mama(["undo", "--yes"]).done();
    let apply = world.mama(["apply", "--json"]).done().summary();
    let counted = ["turned_down", "blobs_stored", "views_created"].map(|count| apply[count].clone());
    assert_eq!(counted, [0, 1, 2].map(serde_json::Value::from));
}

#[test]
fn without_automatic_assignment_somebody_reviews_what_is_pending() {
    let world = World::new();
    world.configure("[apply]\nauto_assign = false");
    world.write("photos/keep.txt", "keep");
    world.write("photos/drop.tmp", "drop");
    world.mama(["scan", "--no-metadata", "photos"]).done();
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["observations"], 0);
    world.mama(["ignore", "--yes", "--status", "pending", "--glob", "*.tmp"]).done();
    let rest = world.mama(["assign", "--yes", "--json", "--status", "pending"]).done();
    assert_eq!(counts(&rest, COUNTS), [1, 1, 1, 0]);
    let apply = world.mama(["apply", "--json"]).done().summary();
    assert_eq!((&apply["views_created"], &apply["blobs_stored"]), (&1.into(), &1.into()));
}

#[test]
fn a_selection_is_paths_hashes_views_and_conditions() {
    let world = archived();
    let matches = |args: &[&str]| {
        let run = world.mama(["ignore", "--json"].iter().chain(args));
        run.summary()["observations"].as_u64().unwrap_or_else(|| panic!("{}{}", run.stdout, run.stderr))
    };
    let hash = |args: &[&str]| {
        let run = world.mama(["ignore", "--json"].iter().chain(args));
        run.objects()[0]["hash"].as_str().unwrap().to_owned()
    };
    let other = hash(&["photos/b/d.md"]);
    let folder = fs::canonicalize(world.path("photos")).unwrap();
    let folder = folder.to_str().unwrap();
    let view = format!("archive/views/existing{folder}/b");
    let blob = format!("archive/blobs/{}/{}/{other}", &other[..2], &other[2..4]);
    let name = format!("{folder}/*.txt");
    for (args, expected) in [
        (vec!["photos"], 3),
        (vec!["photos/../photos/b/"], 2),
        (vec![folder], 3),
        (vec!["/"], 3),
        (vec![view.as_str()], 2),
        (vec![blob.as_str()], 1),
        (vec![other.as_str(), "photos/a.txt"], 2),
        (vec![&other[..8]], 1),
        (vec!["--host", "laptop"], 3),
        (vec!["--host", "nas"], 0),
        (vec!["--host", "nas", folder], 0),
        (vec!["--host", "laptop", folder], 3),
        (vec!["--kind", "existing"], 3),
        (vec!["--kind", "import"], 0),
        (vec!["--glob", "*.txt"], 2),
        (vec!["--glob", "b/*"], 2),
        (vec!["--glob", &name], 1),
        (vec!["--mime", "text/*"], 3),
        (vec!["--mime", "image/jpeg"], 0),
        (vec!["--larger", "3B"], 1),
        (vec!["--smaller", "5"], 2),
        (vec!["--after", "2001-01-01"], 3),
        (vec!["--before", "2001-01-01T12:00"], 0),
        (vec!["--status", "assigned", "photos/b", "--glob", "*.md"], 1),
        (vec!["--status", "pending"], 0),
    ] {
        assert_eq!(matches(&args), expected, "{args:?}");
    }
    fs::remove_file(world.path("photos/a.txt")).unwrap();
    assert_eq!(matches(&["photos/a.txt"]), 1, "a file that is gone has its path still");
}

#[test]
fn what_cannot_be_selected_is_refused() {
    let world = archived();
    world.mama(["ignore", "--yes"]).refused(2, &["has to be told what", "hint: "]);
    world.mama(["ignore", "--mime", "image"]).refused(2, &["`image` is no media type"]);
    world.mama(["ignore", "--glob", "["]).refused(2, &["`[` is no pattern"]);
    world.mama(["ignore", "--larger", "much"]).refused(2, &["much"]);
    world.mama(["ignore", "--before", "soon"]).refused(2, &["soon"]);
    world.mama(["ignore", "--status", "done"]).refused(2, &["pending, assigned, ignored"]);
    world.mama(["block", "--reason", "dull", "photos"]).refused(2, &["blocked, deleted"]);
    world.mama(["ignore", "archive/.mama"]).refused(2, &["is in the archive"]);
    let run = world.mama(["ignore", "--yes", "nowhere"]);
    assert_eq!((run.status, run.stdout.trim()), (3, "nothing matches"));
    world.mama(["undo", "99"]).refused(2, &["no number 99", "mama log"]);
    world.mama(["undo", "1"]).refused(2, &["is a run of scan"]);
    assert_eq!(world.mama(["undo"]).status, 3);
}

#[test]
fn the_log_names_decisions_and_runs_that_changed_something() {
    let world = archived();
    world.mama(["scan", "--no-metadata", "photos"]).done();
    world.mama(["apply"]).done();
    world.mama(["ignore", "--yes", "photos/b", "--glob", "*.md"]).done();
    let log = world.mama(["log", "--json"]).done();
    let verbs: Vec<Value> = log.objects().iter().map(|act| act["verb"].clone()).collect();
    assert_eq!(verbs, ["ignore".into(), "apply".into(), "scan".into(), Value::Null]);
    assert_eq!(log.objects()[0]["words"], "photos/b --glob *.md");
    assert_eq!(log.objects()[1]["summary"]["views_created"], 3);
    assert_eq!(log.objects()[2]["summary"]["new_observations"], 3);
    let shown = world.mama(["log", "--limit", "2"]).done().stdout;
    assert!(shown.contains("1 decisions") && shown.contains("2 stored, 3 views made"), "{shown}");
    assert!(shown.contains("ignore photos/b --glob *.md") && !shown.contains("scan"), "{shown}");
}

/// More than one transaction, on both catalogs.
#[test]
fn a_large_act_is_one_act() {
    const FILES: usize = 5_000;
    let database = Database::new();
    for url in [None, Some(database.url())] {
        let world = World::bare();
        let init = ["init", "archive"].map(str::to_owned).into_iter();
        let init = init.chain(url.iter().flat_map(|url| ["--database".to_owned(), url.clone()]));
        world.mama(init).done();
        for number in 0..FILES {
            world.write(format!("photos/{}/{number}", number % 7), number.to_string());
        }
        world.mama(["scan", "--no-metadata", "photos"]).done();
        let run = world.mama(["ignore", "--yes", "--json", "photos"]).done();
        assert_eq!(counts(&run, COUNTS), [FILES as u64, FILES as u64, FILES as u64, 0]);
        let act = &world.mama(["log", "--json", "--limit", "1"]).done().objects()[0];
        assert_eq!(act["decisions"], FILES);
        let run = world.mama(["undo", "--yes", "--json"]).done();
        assert_eq!(run.summary()["changes"], FILES);
        assert_eq!(counts(&world.mama(["ignore", "--json", "--status", "pending"]), COUNTS)[0], FILES as u64);
    }
}

#[test]
fn at_a_terminal_somebody_is_asked() {
    let world = archived();
    let answer = |words: &str| {
        let mama = world.command();
        let line = format!("{} ignore photos/b", mama.get_program().to_str().unwrap());
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).current_dir(world.path(""));
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        for (name, value) in mama.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        let mut child = script.spawn().expect("`script` is needed (Debian: bsdutils)");
        child.stdin.take().unwrap().write_all(words.as_bytes()).unwrap();
        Run::from(child.wait_with_output().unwrap())
    };
    let no = answer("n\n");
    assert_eq!(no.status, 3, "{}", no.stdout);
    assert!(no.stdout.contains("Do it? [y/N]") && no.stdout.contains("nothing was changed"), "{}", no.stdout);
    let yes = answer("y\n");
    assert_eq!(yes.status, 0, "{}", yes.stdout);
    assert!(yes.stdout.contains("ignored"), "{}", yes.stdout);
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["views_removed"], 2);
}

#[test]
fn what_belongs_together_is_decided_together_unless_told_otherwise() {
    let world = World::new();
    for name in ["IMG_1.NEF", "IMG_1.JPG", "IMG_1.xmp", "IMG_2.JPG"] {
        world.write(format!("photos/{name}"), name);
    }
    world.mama(["scan", "--no-metadata", "photos"]).done();
    let preview = world.mama(["ignore", "photos/IMG_1.NEF"]);
    assert_eq!(preview.status, 3);
    for part in [
        "IMG_1.JPG  (9 B)  goes along: raw and jpeg",
        "IMG_1.xmp  (9 B)  goes along: sidecar",
        "2 go along with them",
    ] {
        assert!(preview.stdout.contains(part), "{part}: {}", preview.stdout);
    }
    let decided = |args: &[&str]| {
        let run = world.mama([&["ignore", "--json", "--yes"], args].concat()).done();
        let summary = run.summary();
        (summary["observations"].clone(), summary["companions"].clone(), summary["changes"].clone())
    };
    assert_eq!(decided(&["--alone", "photos/IMG_1.NEF"]), (1.into(), 0.into(), 1.into()));
    assert_eq!(decided(&["--glob", "*.JPG", "--alone"]), (2.into(), 0.into(), 2.into()));
    world.mama(["undo", "--yes"]).done();
    world.mama(["undo", "--yes"]).done();
    assert_eq!(decided(&["photos/IMG_1.JPG"]), (1.into(), 2.into(), 3.into()));
    assert_eq!(decided(&["photos"]), (4.into(), 0.into(), 1.into()), "each is decided about once");
    world.mama(["undo", "--yes"]).done();
    let blocked = world.mama(["block", "--json", "--yes", "photos/IMG_1.JPG"]).done();
    let kinds: Vec<_> = blocked.objects().iter().map(|decision| decision["along"].clone()).collect();
    assert_eq!(
        kinds[..2],
        [serde_json::Value::Null, "raw_and_jpeg".into()],
        "the content of a sidecar may be that of many"
    );
    assert_eq!(blocked.summary()["changes"], 2);
}

#[test]
fn what_goes_along_has_the_status_that_was_asked_for() {
    let world = World::new();
    world.configure("[apply]\nauto_assign = false");
    for name in ["IMG_1.NEF", "IMG_1.JPG", "IMG_2.NEF", "IMG_2.JPG"] {
        world.write(format!("photos/{name}"), name);
    }
    world.mama(["scan", "--no-metadata", "photos"]).done();
    world.mama(["ignore", "--yes", "--status", "pending", "--glob", "*.NEF"]).done();
    let rest = world.mama(["assign", "--yes", "--json", "--status", "pending", "photos"]).done();
    assert_eq!((counts(&rest, COUNTS), &rest.summary()["companions"]), ([2, 2, 2, 0], &0.into()));
    let ignored = world.mama(["assign", "--json", "--status", "ignored"]);
    assert_eq!(counts(&ignored, COUNTS)[0], 2, "both raw pictures still are");
}

/// A card that was archived and emptied.
#[test]
fn what_is_gone_at_its_source_is_decided_together_still() {
    let world = World::new();
    for name in ["left.txt", "IMG_1.NEF", "IMG_1.JPG"] {
        world.write(format!("card/{name}"), name);
    }
    let scan = ["scan", "--no-metadata", "--json", "--kind", "incoming", "card"];
    let scan = || world.mama(scan).done().summary();
    scan();
    world.mama(["apply"]).done();
    for name in ["IMG_1.NEF", "IMG_1.JPG"] {
        fs::remove_file(world.path("card").join(name)).unwrap();
    }
    assert_eq!(scan()["gone"], 2);
    let run = world.mama(["ignore", "--yes", "--json", "card/IMG_1.JPG"]).done();
    assert_eq!((counts(&run, COUNTS), &run.summary()["companions"]), ([1, 2, 2, 0], &1.into()));
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["views_removed"], 2);
}
