//! `mama` while its server is killed and its network cut, and where it finds a password.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use mama_tests::postgres::{Cluster, PASSWORD, encoded_password};
use mama_tests::proxy::Proxy;
use serde_json::Value;

use crate::world::{Run, World};

/// How often a run may be begun again.
const PERSEVERANCE: u32 = 60;

/// Everything that is to be remembered, but for ids, times and inodes.
const CONTENT: [&str; 2] = [
    "SELECT concat_ws('|', hash, size, storage_path, mime) FROM blobs ORDER BY hash",
    "SELECT concat_ws('|', relpath, filename, blob_hash, size, status, placement, current, open,
                      gone_at IS NULL, substring(view_path FROM '/photos/.*'))
     FROM observations ORDER BY relpath, filename, current, blob_hash",
];

fn with_password(address: &str) -> String {
    address.replacen('@', &format!(":{}@", encoded_password()), 1)
}

fn world_on(address: &str) -> World {
    let world = World::bare();
    fs::create_dir(world.path("photos")).unwrap();
    world.mama(["init", "archive", "--database", address]).done();
    world
}

/// Some hundred files, a third of them twice; in the second round some of them are changed and some gone.
fn edit(world: &World, round: u32) {
    for number in 0..400 {
        let path = format!("photos/{}/{}/{number}.txt", number % 7, number % 61);
        match (round, number % 5) {
            (0, _) => drop(world.write(path, format!("content {}", number % 270))),
            (_, 0) => drop(world.write(path, format!("another content {number}"))),
            (_, 1) => fs::remove_file(world.path(path)).unwrap(),
            _ => {}
        }
    }
}

/// Every file below a folder, by its path from there, with its content.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                found.insert(entry.strip_prefix(root).unwrap().to_owned(), fs::read(&entry).unwrap());
            }
        }
    }
    found
}

/// Runs a command until it succeeds; gives how often it failed.
fn persist(world: &World, args: &[&str]) -> u32 {
    for failures in 0..PERSEVERANCE {
        let run = world.mama(args);
        assert!(!(run.stdout.clone() + &run.stderr).contains(PASSWORD), "{}", run.stderr);
        match run.status {
            0 => return failures,
            _ => run.refused(1, &["catalog"]),
        }
    }
    panic!("{args:?} did not succeed in {PERSEVERANCE} runs");
}

/// Scans and applies, twice; gives how many runs failed.
fn history(world: &World) -> u32 {
    let mut failures = 0;
    for round in 0..2 {
        edit(world, round);
        failures += persist(world, &["scan", "photos", "--no-metadata"]);
        failures += persist(world, &["apply"]);
    }
    failures
}

/// The server is killed twice meanwhile, and no connection lasts.
fn disturbed(cluster: &mut Cluster, proxy: &Proxy, world: &World) -> u32 {
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for _ in 0..2 {
                std::thread::sleep(Duration::from_millis(500));
                cluster.crash();
                cluster.restart();
            }
        });
        let failures = history(world);
        proxy.cut_at_random(0);
        failures
    })
}

#[test]
fn what_is_cut_and_killed_at_random_points_comes_to_the_same_in_the_end() {
    let mut cluster = Cluster::start();
    cluster.create("calm");
    cluster.create("rough");
    let calm = world_on(&cluster.socket("calm"));
    assert_eq!(history(&calm), 0);
    let proxy = Proxy::before(cluster.port());
    let rough = world_on(&proxy.instead_of(&with_password(&cluster.loopback("rough"))));
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let seed = since.as_nanos() as u64 | 1;
    proxy.cut_at_random(seed);
    let failures = disturbed(&mut cluster, &proxy, &rough);
    println!("seed {seed}: {} connections were cut, {failures} runs failed", proxy.cuts());
    assert!(proxy.cuts() > 3, "seed {seed}: only {} connections were cut", proxy.cuts());
    for sql in CONTENT {
        let [rough, calm] = ["rough", "calm"].map(|database| cluster.select(database, sql));
        let differs = rough.iter().zip(&calm).find(|(rough, calm)| rough != calm);
        assert_eq!((differs, rough.len()), (None, calm.len()), "seed {seed}");
    }
    let blobs = |world: &World| files(&world.path("archive/blobs"));
    let views = |world: &World| {
        let photos = world.path("photos");
        files(&world.path("archive/views/existing").join(photos.strip_prefix("/").unwrap()))
    };
    assert!(blobs(&rough) == blobs(&calm), "seed {seed}: the contents in the archives differ");
    assert!(views(&rough) == views(&calm) && views(&calm).len() > 300, "seed {seed}: the views differ");
    let changes = rough.mama(["plan", "--json"]).done().summary();
    assert_eq!(changes["stores"], Value::from(0));
}

/// A server that nobody kills.
fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(Cluster::start)
}

#[test]
fn a_password_is_found_at_home_if_nobody_else_may_read_it() {
    cluster().create("home");
    let world = World::bare();
    let port = cluster().port();
    let file =
        world.write(".pgpass", format!("nonsense {PASSWORD}\n127.0.0.1:{port}:*:postgres:{PASSWORD}\n"));
    let address = cluster().loopback("home");
    let init = |mode| {
        fs::set_permissions(&file, Permissions::from_mode(mode)).unwrap();
        let run = world.mama(["-vv", "init", "archive", "--database", &address]);
        let said = run.stdout.clone() + &run.stderr;
        assert!(!said.contains(PASSWORD), "{said}");
        run
    };
    init(0o644).refused(1, &["~/.pgpass (which nobody else may read)"]);
    init(0o600).done();
}

#[test]
fn a_server_that_is_not_there_is_said_at_once_and_without_the_password() {
    let world = World::bare();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let init = |address: &str| -> Run { world.mama(["-vv", "init", "archive", "--database", address]) };
    let away = init(&format!("postgres://anna:geheim@127.0.0.1:{free}/mama"));
    away.refused(1, &["cannot be reached", "Connection refused"]);
    let unknown = init("postgres://anna@127.0.0.1/mama?passwort=geheim");
    unknown.refused(1, &["no parameter `passwort`"]);
    for run in [away, unknown] {
        assert!(!(run.stdout + &run.stderr).contains("geheim"), "{}", run.stderr);
    }
}
