//! Sources are never touched: random trees, whoever looks at them, also where nothing can be written.

use std::ffi::OsString;
use std::fs::{self, File, FileTimes};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use fastrand::Rng;
use rustix::fs::{CWD, Mode, XattrFlags};

use crate::check::{self, Views, When};
use crate::scale;
use crate::tree::{Lens, Photograph, handed_over};
use crate::world::{World, scan_of};

const KINDS: [&str; 4] = ["existing", "syncthing", "incoming", "import"];
/// A user who owns nothing.
const NOBODY: u32 = 65534;

/// Files, folders, links, a FIFO, a sparse file; with odd permissions, times and attributes.
fn grow(folder: &Path, dice: &mut Rng) {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    fs::create_dir_all(folder).unwrap();
    for n in 0..dice.usize(5..30) {
        let parent = dice.choice(&folders).unwrap().clone();
        let path = parent.join(format!("{n} {}", dice.char('!'..'/')));
        match dice.u8(..12) {
            0 | 1 => {
                fs::create_dir(&path).unwrap();
                folders.push(path);
                continue;
            }
            2 => symlink(dice.choice(&["/etc/hostname", "..", "nowhere"]).unwrap(), &path).unwrap(),
            3 => rustix::fs::mkfifoat(CWD, &path, Mode::RUSR).unwrap(),
            4 if !files.is_empty() => fs::hard_link(dice.choice(&files).unwrap(), &path).unwrap(),
            5 => File::create(&path).unwrap().set_len(1 << 20).unwrap(),
            _ => {
                let mut bytes = vec![0; dice.usize(..3000)];
                dice.fill(&mut bytes);
                fs::write(&path, bytes).unwrap();
                files.push(path);
            }
        }
    }
    for path in &files {
        if dice.bool() {
            // not every file system takes them
            rustix::fs::setxattr(path, "user.note", b"mine", XattrFlags::empty()).unwrap_or_default();
        }
        let age = Duration::from_secs(dice.u64(..4_000_000_000));
        let mtime = if dice.bool() { SystemTime::UNIX_EPOCH + age } else { SystemTime::UNIX_EPOCH - age / 2 };
        File::open(path).unwrap().set_times(FileTimes::new().set_modified(mtime)).unwrap();
        let mode = *dice.choice(&[0o644, 0o600, 0o444, 0o755, 0o640]).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
}

fn untouched(kind: &str, before: &Photograph, after: &Photograph) -> Vec<String> {
    match kind {
        // what has further names may be in use elsewhere, and is not handed over
        "incoming" | "import" => {
            before.differences_but(after, |before, after| before.links == 1 && handed_over(before, after))
        }
        _ => before.differences(after),
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Words before `mama` that make the world's `photos` a read-only mount for it.
fn read_only() -> Vec<&'static str> {
    let script = "mount --bind photos photos && mount -o remount,bind,ro photos && ! touch photos/x 2>&- && exec \"$@\"";
    let namespace = if is_root() {
        ["unshare", "--mount"].as_slice()
    } else {
        &["unshare", "--map-root-user", "--mount"]
    };
    [namespace, &["sh", "-c", script, "sh"]].concat()
}

/// Words before `mama` that make it run as somebody who owns none of the sources.
fn as_nobody() -> Vec<&'static str> {
    if is_root() { vec!["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] } else { vec!["env"] }
}

fn give_to_nobody(world: &World) {
    fs::set_permissions(world.root(), PermissionsExt::from_mode(0o755)).unwrap();
    fs::set_permissions(world.path("mama.toml"), PermissionsExt::from_mode(0o644)).unwrap();
    if is_root() {
        let own = |path: &Path| std::os::unix::fs::lchown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        own(&world.archive());
        for path in Photograph::of(&world.archive(), Lens::FactsOnly).0.keys() {
            own(&world.archive().join(path));
        }
    }
}

#[test]
fn sources_are_never_touched() {
    let mut dice = scale::dice("sources");
    let trees = scale::pick(10, 1000);
    for nth in 0..trees {
        let (world, kind) = (World::new(), *dice.choice(&KINDS).unwrap());
        grow(&world.path("photos"), &mut dice);
        let before = Photograph::of(&world.path("photos"), Lens::Contents);
        let wrong = match nth % 3 {
            0 => world.unsettled(&[(kind, "photos")], &Views::new()),
            1 => run_under(&world, &read_only(), kind, &[0]),
            _ => {
                give_to_nobody(&world);
                run_under(&world, &as_nobody(), kind, &[0, 4])
            }
        };
        let after = Photograph::of(&world.path("photos"), Lens::Contents);
        assert_eq!(wrong, Vec::<String>::new(), "tree {nth}, {kind}");
        assert_eq!(untouched(kind, &before, &after), Vec::<String>::new(), "tree {nth}, {kind}");
    }
    println!("sources: {trees} trees, 0 differences");
}

/// A scan and an apply, and what is wrong afterwards.
fn run_under(world: &World, words: &[&str], kind: &str, statuses: &[i32]) -> Vec<String> {
    let mut wrong = Vec::new();
    for args in [scan_of(kind, "photos").as_slice(), &["apply", "--json"]] {
        let words = words.iter().map(OsString::from).chain([scale::mama()]);
        let run: crate::world::Run = world.under(words, args).output().unwrap().into();
        wrong.extend(run.insanity(statuses));
    }
    wrong.extend(check::faults(&world.archive(), When::Settled));
    if statuses == [0] {
        wrong.extend(check::differing_views(
            &world.archive(),
            &check::expected_views(kind, &world.path("photos")),
        ));
    }
    wrong
}
