//! Whole runs: what scripts rely on.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::world::{Run, World};

const SCAN_KEYS: [&str; 13] = [
    "type",
    "files",
    "new_observations",
    "unchanged",
    "new_blobs",
    "duplicates",
    "with_metadata",
    "gone",
    "changed",
    "skipped",
    "errors",
    "bytes_hashed",
    "seconds",
];
const APPLY_KEYS: [&str; 16] = [
    "type",
    "observations",
    "blobs_stored",
    "bytes_stored",
    "reflinked",
    "hardlinked",
    "copied",
    "views_created",
    "views_removed",
    "assigned",
    "blocked",
    "missing",
    "changed",
    "conflicts",
    "errors",
    "seconds",
];

/// The keys of a flat object, in the order printed.
fn keys(line: &str) -> Vec<String> {
    let pairs = line.trim_start_matches('{').trim_end_matches('}').split(',');
    pairs.map(|pair| pair.split(':').next().unwrap().trim_matches('"').to_owned()).collect()
}

fn world_with_photos() -> World {
    let world = World::new();
    for n in 0..20u8 {
        world.write(format!("photos/{}/{n}.txt", n % 3), format!("content {}", n / 2));
    }
    world
}

#[test]
fn summaries_have_every_key_in_the_documented_order() {
    let world = world_with_photos();
    let scan = world.mama(["scan", "--json", "photos"]).done();
    assert_eq!(keys(scan.stdout.lines().last().unwrap())[..SCAN_KEYS.len()], SCAN_KEYS);
    let apply = world.mama(["apply", "--json"]).done();
    assert_eq!(keys(apply.stdout.lines().last().unwrap())[..APPLY_KEYS.len()], APPLY_KEYS);
}

#[test]
fn a_second_scan_finds_everything_unchanged_and_a_second_apply_does_nothing() {
    let world = world_with_photos();
    let first = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!(
        (&first["new_observations"], &first["new_blobs"], &first["duplicates"]),
        (&20.into(), &10.into(), &10.into())
    );
    let second = world.mama(["scan", "--json", "photos"]).done().summary();
    assert_eq!((&second["unchanged"], &second["new_observations"]), (&20.into(), &0.into()));
    assert_eq!(world.mama(["apply", "--json"]).done().summary()["views_created"], 20);
    let again = world.mama(["apply", "--json"]).done().summary();
    for key in &APPLY_KEYS[1..APPLY_KEYS.len() - 1] {
        assert_eq!(again[*key], 0, "{key}");
    }
    assert_eq!(world.mama(["plan"]).status, 0);
}

#[test]
fn several_roots_are_scanned_in_one_run_with_one_summary() {
    let world = world_with_photos();
    world.write("music/a.txt", "content 0");
    let run = world.mama(["scan", "--json", "photos", "music", "photos/../music"]).done();
    let summaries = run.objects().iter().filter(|object| object["type"] == "scan_summary").count();
    assert_eq!(
        (summaries, &run.summary()["files"], &run.summary()["duplicates"]),
        (1, &21.into(), &11.into())
    );
}

#[test]
fn a_root_that_holds_the_archive_is_scanned_without_it() {
    let world = world_with_photos();
    world.mama(["scan", "photos"]).done();
    world.mama(["apply"]).done();
    let all = world.mama(["scan", "--json", "--exclude", "/mama.toml", "."]).done().summary();
    assert_eq!(all["files"], 20);
}

#[test]
fn a_plan_promises_what_apply_then_does_and_changes_nothing() {
    let world = world_with_photos();
    world.mama(["scan", "photos"]).done();
    let plan = world.mama(["plan", "--json"]);
    assert_eq!(plan.status, 3, "{}", plan.stderr);
    assert_eq!(fs::read_dir(world.path("archive/views")).unwrap().count(), 0);
    let steps = |word: &str| plan.objects().iter().filter(|object| object["action"] == word).count();
    let apply = world.mama(["apply", "--json"]).done().summary();
    for (promised, word, done) in [
        ("stores", "store", "blobs_stored"),
        ("links", "link", "views_created"),
        ("removes", "remove", "views_removed"),
    ] {
        assert_eq!(plan.summary()[promised], apply[done], "{promised}");
        assert_eq!(apply[done], steps(word), "{word}");
    }
    assert_eq!(
        (&plan.summary()["store_bytes"], &plan.summary()["observations"]),
        (&apply["bytes_stored"], &apply["observations"])
    );
}

#[test]
fn a_file_that_cannot_be_processed_is_named_even_if_its_name_is_not_utf_8() {
    let world = World::new();
    let name = Path::new(std::ffi::OsStr::from_bytes(b"photos/caf\xe8\n.txt"));
    let lost = world.write(name, "a");
    world.mama(["scan", "photos"]).done();
    fs::remove_file(&lost).unwrap();
    let run = world.mama(["apply", "--json"]);
    assert_eq!((run.status, &run.summary()["missing"]), (4, &1.into()));
    let error = &run.objects()[0];
    assert_eq!(error["type"], "error");
    assert!(error["path"].as_str().unwrap().ends_with(r"photos/caf\xe8\n.txt"), "{error}");
    let bytes = data_encoding::BASE64.decode(error["path_bytes"].as_str().unwrap().as_bytes()).unwrap();
    assert_eq!(
        bytes,
        fs::canonicalize(world.path("photos"))
            .unwrap()
            .join("caf")
            .as_os_str()
            .as_bytes()
            .iter()
            .chain(b"\xe8\n.txt")
            .copied()
            .collect::<Vec<u8>>()
    );
    let human = world.mama(["apply"]);
    assert!(human.stderr.contains(r"caf\xe8\n.txt: not there"), "{}", human.stderr);
}

#[test]
fn an_interrupted_scan_keeps_what_it_says_and_the_next_one_does_the_rest() {
    let world = world_with_photos();
    // Reading this takes longer than it takes us to send a signal; it holds no disk space.
    let big = world.write("photos/big.bin", "");
    fs::File::options().write(true).open(&big).unwrap().set_len(1 << 40).unwrap();
    let mut command = world.command();
    command.args(["scan", "--json", "--no-metadata", "photos"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let inode = fs::metadata(&big).unwrap().ino();
    let is_open = || {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().flatten();
        descriptors
            .filter_map(|descriptor| fs::metadata(descriptor.path()).ok())
            .any(|file| file.ino() == inode)
    };
    while !is_open() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let run: Run = child.wait_with_output().unwrap().into();
    run.refused(1, &["interrupted", "everything recorded so far is kept"]);
    let said = run.summary();
    assert_eq!(said["type"], "scan_summary");
    let kept = world.mama(["stats", "--json"]).done().summary();
    assert_eq!(said["new_observations"], kept["observations"]);

    fs::remove_file(&big).unwrap();
    let rest = world.mama(["scan", "--json", "photos"]).done().summary();
    let sum = |a: &Value, b: &Value| a.as_u64().unwrap() + b.as_u64().unwrap();
    assert_eq!(sum(&rest["unchanged"], &rest["new_observations"]), 20);
    assert_eq!(world.mama(["stats", "--json"]).done().summary()["observations"], 20);
}

#[test]
fn nobody_listening_is_no_reason_to_stop() {
    let world = world_with_photos();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let run: Run = world.command().args(["scan", "--json", "photos"]).stdout(writer).output().unwrap().into();
    assert_eq!(run.done().stderr, "");
    assert_eq!(world.mama(["stats", "--json"]).done().summary()["observations"], 20);
}

#[test]
fn results_that_cannot_be_written_are_an_error() {
    let world = World::new();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let run: Run = world.command().args(["stats"]).stdout(full).output().unwrap().into();
    run.refused(1, &["standard output"]);
}

#[test]
fn every_command_speaks_json() {
    let world = world_with_photos();
    for (command, last) in [
        ("init archive", "init"),
        ("scan photos", "scan_summary"),
        ("plan", "plan_summary"),
        ("apply", "apply_summary"),
        ("ignore photos/0 --yes", "curation_summary"),
        ("block photos/1 --yes", "curation_summary"),
        ("log", "log_summary"),
        ("undo --yes", "curation_summary"),
        ("stats", "stats_summary"),
        ("config show", "setting"),
        ("config path", "config_path"),
        ("doctor", "doctor_summary"),
        ("dev stats", "catalog"),
        ("dev reset --yes", "reset"),
    ] {
        let run = world.mama(command.split(' ').chain(["--json"]));
        assert_eq!(run.summary()["type"], last, "{command}");
        assert_eq!(run.stderr, "", "{command}");
    }
}

#[test]
fn quiet_is_quiet() {
    let world = world_with_photos();
    for command in
        ["scan photos", "plan", "apply", "ignore photos --yes", "log", "undo --yes", "stats", "doctor"]
    {
        let run = world.mama(command.split(' ').chain(["-q"]));
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""), "{command}");
    }
}

#[test]
fn a_program_name_may_say_the_command() {
    let world = world_with_photos();
    let alias = world.path("mama-scan");
    symlink(env!("CARGO_BIN_EXE_mama"), &alias).unwrap();
    let mut command = Command::new(alias);
    command.args(["--json", "photos"]).current_dir(world.path("")).env("MAMA_CONFIG", "mama.toml");
    let run: Run = command.output().unwrap().into();
    assert_eq!(run.done().summary()["files"], 20);
}

#[test]
fn completions_and_man_pages_know_the_commands() {
    let world = World::bare();
    for shell in ["bash", "zsh", "fish"] {
        assert!(world.mama(["completions", shell]).done().stdout.contains("no-metadata"), "{shell}");
    }
    fs::create_dir(world.path("man")).unwrap();
    world.mama(["man", "man"]).done();
    assert!(fs::read_to_string(world.path("man/mama-scan.1")).unwrap().contains("metadata"));
}

#[test]
fn sharing_with_files_in_use_is_possible_and_called_a_risk() {
    let world = world_with_photos();
    world.configure("[transfer]\nexisting = ['hardlink', 'copy']");
    world.mama(["scan", "photos"]).done();
    let run = world.mama(["apply", "--json"]).done();
    assert!(
        run.stderr.contains("transfer.existing") && run.stderr.contains("edits such a file"),
        "{}",
        run.stderr
    );
    assert_eq!(run.summary()["hardlinked"], 10);
}

/// The last file is so large that nobody waits for it: nothing but holes, which are read like any other bytes.
#[test]
fn the_counters_of_an_interrupted_scan_add_up() {
    let world = World::new();
    for n in 0..3_000 {
        world.write(format!("photos/{}/{n}.txt", n / 100), n.to_string());
    }
    let large = fs::File::create(world.write("photos/zz/z.bin", "")).unwrap();
    large.set_len(1 << 40).unwrap();
    let mut scan = world.command();
    scan.args(["scan", "--json", "--no-metadata", "photos"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let scan = scan.spawn().unwrap();
    let observations = || world.mama(["stats", "--json"]).done().summary()["observations"].as_u64().unwrap();
    // what is not recorded by then waits for the last file
    let mut recorded = 0;
    while recorded < 1_000 || recorded != observations() {
        recorded = observations();
        std::thread::sleep(Duration::from_millis(300));
    }
    let kill = Command::new("kill").args(["-INT", &scan.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let run: Run = scan.wait_with_output().unwrap().into();
    run.refused(1, &["interrupted", "everything recorded so far is kept"]);
    let said = run.summary();
    let count = |key: &str| said[key].as_u64().unwrap();
    assert_eq!((count("files"), count("new_observations")), (recorded, recorded), "{said}");
}
