//! Many processes at once on one catalog.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mama_tests::postgres::Database;
use serde_json::Value;

use crate::hosts::{family, on};
use crate::world::{Run, World};

/// Files of one host, or of the folder that all of them scan.
const FILES: usize = 240;
const HOSTS: [&str; 3] = ["nas", "tablet", "desk"];
const ROUNDS: usize = 3;

/// What lies in `folder` as of `round`: half of it everybody has.
fn write_round(world: &World, folder: &str, round: usize) {
    let write = |n: usize, text: String| drop(world.write(file(folder, n), text));
    if round == 0 {
        for n in 0..FILES {
            write(n, if n % 2 == 0 { format!("everybody's {n}") } else { format!("{folder}'s {n}") });
        }
        return;
    }
    for n in (round..FILES).step_by(7) {
        match n % 3 {
            0 => fs::remove_file(world.path(file(folder, n))).unwrap_or_default(),
            1 => write(n, format!("everybody's {n} as of {round}")),
            _ => write(n, format!("{folder}'s {n} as of {round}")),
        }
    }
    let album = |name: String| world.path(format!("of {folder}/{name}"));
    fs::rename(album(format!("album {round}")), album(format!("renamed {round}"))).unwrap();
    write(FILES + round, "a new one".to_owned());
}

fn file(folder: &str, n: usize) -> String {
    format!("of {folder}/album {}/{n}.txt", n % 9)
}

fn edit(world: &World, round: usize) {
    HOSTS.iter().chain(&["common"]).for_each(|folder| write_round(world, folder, round));
}

fn scan(world: &World, host: &str) -> Value {
    let folder = format!("of {host}");
    on(world, host, &["scan", "--json", "--no-metadata", &folder, "of common"]).done().summary()
}

/// Two counters of some scans, added up.
fn news(scans: &[Value]) -> (u64, u64) {
    let sum = |key: &str| scans.iter().map(|summary| summary[key].as_u64().unwrap()).sum();
    (sum("new_observations"), sum("new_blobs"))
}

/// Five scans, two of them of a folder that another one is scanning; meanwhile applies, plans and sums, one after the other.
fn all_at_once(world: &World) -> Vec<Value> {
    let scanning = [HOSTS.as_slice(), &["nas", "tablet"]].concat();
    let left = AtomicUsize::new(scanning.len());
    thread::scope(|threads| {
        let meanwhile = |args: &'static [&str], fine: &'static [i32]| {
            let left = &left;
            threads.spawn(move || {
                while left.load(Ordering::Acquire) > 0 {
                    let run = on(world, "nas", args);
                    assert!(fine.contains(&run.status), "{args:?}: {}{}", run.stdout, run.stderr);
                }
            })
        };
        // Before its scan is through, an apply may find files that were edited or removed.
        meanwhile(&["apply", "-q"], &[0, 4]);
        meanwhile(&["plan", "-q"], &[0, 3, 4]);
        meanwhile(&["stats", "-q"], &[0]);
        let scans = scanning.iter().map(|host| {
            let left = &left;
            threads.spawn(move || {
                let run = std::panic::catch_unwind(|| scan(world, host));
                left.fetch_sub(1, Ordering::Release);
                run.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        });
        scans.collect::<Vec<_>>().into_iter().map(|scan| scan.join().unwrap()).collect()
    })
}

/// Everything that does not depend on time, ids and where the world lies.
fn dump(database: &Database) -> Vec<String> {
    let observations = "SELECT concat_ws('|', hostname, regexp_replace(basedir, '.*/', ''), relpath, filename, blob_hash, status,
            placement, current, open, held, gone_at IS NOT NULL, regexp_replace(view_path, '.*/of ', ''), count(*))
        FROM observations GROUP BY hostname, basedir, relpath, filename, blob_hash, status, placement, current, open, held,
            gone_at IS NOT NULL, view_path ORDER BY 1";
    let blobs = "SELECT concat_ws('|', hash, size, storage_path, mime, block_reason) FROM blobs ORDER BY 1";
    let folders = "SELECT concat_ws('|', r.host, regexp_replace(convert_from(r.basedir, 'UTF8'), '.*/', ''),
            convert_from(f.relpath, 'UTF8'), f.present) FROM folder f JOIN root r ON r.id = f.root ORDER BY 1";
    [observations, blobs, folders].iter().flat_map(|sql| database.select(sql)).collect()
}

fn assert_nothing_new(world: &World) {
    for host in HOSTS {
        let again = scan(world, host);
        for key in ["new_observations", "new_blobs", "gone", "changed", "errors"] {
            assert_eq!(again[key], 0, "{host}: {key}");
        }
    }
    let again = on(world, "nas", &["apply", "--json"]).done().summary();
    for key in [
        "blobs_stored",
        "blobs_verified",
        "views_created",
        "views_removed",
        "assigned",
        "conflicts",
        "missing",
    ] {
        assert_eq!(again[key], 0, "{key}");
    }
    on(world, "nas", &["plan"]).done();
}

/// As if one had come after the other: a twin of the world has the same edits, and one process at a time.
#[test]
fn many_processes_at_once_leave_what_one_at_a_time_leaves() {
    let (database, of_twin) = (Database::empty(), Database::empty());
    let (world, twin) = (family(&database, &HOSTS[1..]), family(&of_twin, &HOSTS[1..]));
    for round in 0..ROUNDS {
        [&world, &twin].iter().for_each(|world| edit(world, round));
        let found = news(&all_at_once(&world));
        let one_by_one: Vec<Value> = HOSTS.iter().map(|host| scan(&twin, host)).collect();
        assert_eq!(found, news(&one_by_one), "what is new is counted once, in round {round}");
        [&world, &twin].iter().for_each(|world| drop(on(world, "nas", &["apply"]).done()));
    }
    assert_nothing_new(&world);
    assert_eq!(dump(&database), dump(&of_twin));

    let none = |sql: &str| assert_eq!(database.select(sql), [""; 0], "{sql}");
    none("SELECT hash FROM blobs GROUP BY hash HAVING count(*) > 1");
    none(
        "SELECT min(filename) FROM observations WHERE current GROUP BY hostname, basedir, relpath, filename HAVING count(*) > 1",
    );
    none(
        "SELECT hash FROM blobs JOIN observations ON blob_hash = hash WHERE hostname = 'nas' AND storage_path IS NULL",
    );
    none("SELECT datname::text FROM pg_stat_database WHERE datname = current_database() AND deadlocks > 0");
    let stored = database.select("SELECT storage_path FROM blobs WHERE storage_path IS NOT NULL");
    assert!(stored.len() > FILES, "{} contents are stored", stored.len());
    stored.iter().for_each(|blob| assert!(world.path("archive").join(blob).is_file(), "{blob}"));
}

/// Whether somebody holds a lock on this file.
fn is_locked(file: &Path) -> bool {
    let Ok(inode) = fs::metadata(file).map(|facts| facts.ino()) else { return false };
    let held = fs::read_to_string("/proc/locks").expect("the kernel tells its locks");
    held.lines().any(|line| line.contains(&format!(":{inode} ")))
}

#[test]
fn of_two_applies_at_once_one_works_and_the_other_says_why_not() {
    let database = Database::empty();
    let world = family(&database, &[]);
    for n in 0..2000 {
        world.write(format!("photos/{n}.txt"), format!("{n}"));
    }
    on(&world, "nas", &["scan", "--no-metadata", "photos"]).done();
    let mut command = world.command();
    command.args(["apply", "--json"]).env("MAMA_CONFIG", "nas.toml").env_remove("MAMA_HOST");
    let mut first = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while !is_locked(&world.path("archive/.mama/lock")) {
        assert!(first.try_wait().unwrap().is_none(), "it was through before anybody looked");
        thread::sleep(Duration::from_millis(1));
    }
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &first.id().to_string()]).status().unwrap().success());
    };
    signal("-STOP");
    let second = on(&world, "nas", &["apply"]);
    signal("-CONT");
    second.refused(1, &["another mama is applying to this archive"]);
    let first: Run = first.wait_with_output().unwrap().into();
    assert_eq!(first.done().summary()["blobs_stored"], 2000);
    assert_eq!(on(&world, "nas", &["apply", "--json"]).done().summary()["observations"], 0);
}
