//! Sources that change and swap while mama looks at them, and an archive whose folders turn into symbolic links.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use fastrand::Rng;
use rustix::fs::{CWD, RenameFlags};

use crate::check::{self, Views, When};
use crate::scale;
use crate::tree::{Lens, Photograph};
use crate::world::{World, scan_of};

const SOURCES: [(&str, &str); 2] = [("existing", "photos"), ("incoming", "inbox")];
const FILES: usize = 40;
const ALBUMS: usize = 4;
/// Threads that meddle with sources, each with albums of its own.
const OWNERS: usize = 2;

fn album(n: usize) -> String {
    format!("{}/album {}", if n % 8 < 4 { "photos" } else { "inbox" }, n % ALBUMS)
}

fn file(n: usize) -> String {
    format!("{}/{n}.jpg", album(n))
}

/// A content whose lines are all alike, so that a mixture shows; some are larger than what is read at once.
fn content(n: usize, dice: &mut Rng) -> Vec<u8> {
    let lines = if dice.u8(..8) == 0 { 20_000 } else { 20 };
    format!("{n} as of {}\n", dice.u32(..)).repeat(lines).into_bytes()
}

/// Puts a link to `target` where something lies, for a moment.
fn swap(world: &World, path: &Path, target: &Path, spare: &str, moment: Duration) {
    let link = world.path("aside").join(spare);
    symlink(target, &link).unwrap();
    let exchange = || rustix::fs::renameat_with(CWD, &link, CWD, path, RenameFlags::EXCHANGE);
    if exchange().is_ok() {
        thread::sleep(moment);
        exchange().unwrap();
    }
    fs::remove_file(link).unwrap();
}

/// One thing that an owner does to a file or an album, at any time.
fn meddle(world: &World, owner: usize, dice: &mut Rng) {
    let n = dice.usize(..FILES / OWNERS) * OWNERS + owner;
    let (path, moment) = (world.path(file(n)), Duration::from_micros(dice.u64(..3000)));
    let canary = world.path("outside").join(path.file_name().unwrap());
    let spare = format!("link {owner}");
    let edit = || File::options().write(true).open(&path);
    // What is handed over is only ever replaced as a whole.
    let in_place = file(n).starts_with("photos");
    match dice.u8(..10) {
        0 => swap(world, &path, &canary, &spare, moment),
        1 => swap(world, path.parent().unwrap(), &world.path("outside"), &spare, moment),
        2 | 3 if in_place => drop(edit().map(|file| file.write_all_at(&content(n, dice), 0))),
        4 if in_place => drop(edit().map(|file| file.set_len(dice.u64(..2000)))),
        6 if in_place => drop(edit().map(|file| rewrite_in_secret(&file, dice))),
        5 => fs::remove_file(&path).unwrap_or_default(),
        _ => {
            let new = world.path(format!("aside/new {owner}"));
            fs::write(&new, content(n, dice)).unwrap();
            fs::rename(new, &path).unwrap();
        }
    }
}

/// Other bytes of the same size, and the old time: only who reads them can tell.
fn rewrite_in_secret(file: &File, dice: &mut Rng) {
    let facts = file.metadata().unwrap();
    let mut bytes = vec![0; facts.len() as usize];
    dice.fill(&mut bytes);
    file.write_all_at(&bytes, 0).unwrap();
    file.set_modified(facts.modified().unwrap()).unwrap();
}

/// Folders and files of the archive that become links for a moment.
fn meddle_with_archive(world: &World, dice: &mut Rng) {
    let views = world.path("archive/views/existing").join(world.root().strip_prefix("/").unwrap());
    let n = dice.usize(..FILES);
    let targets =
        [world.path("archive/tmp"), views.join(album(n)), views.join(file(n)), views.join("photos")];
    let target = dice.choice(&targets).unwrap();
    let canary = world.path("outside").join(if target.ends_with(format!("{n}.jpg")) {
        format!("{n}.jpg")
    } else {
        String::new()
    });
    swap(world, target, &canary, "link into the archive", Duration::from_micros(dice.u64(..3000)));
}

/// So many deeds, with little pauses.
fn race(times: usize, mut dice: Rng, racing: &AtomicUsize, deed: impl Fn(&mut Rng)) {
    for _ in 0..times {
        deed(&mut dice);
        thread::sleep(Duration::from_micros(dice.u64(..4000)));
    }
    racing.fetch_sub(1, Ordering::Release);
}

#[test]
fn racing_writers_and_swapped_links_do_no_harm() {
    let mut dice = scale::dice("races");
    let (edits, swaps) = (scale::pick(240, 20_000), scale::pick(60, 5000));
    let world = World::new();
    for n in 0..FILES {
        world.write(file(n), content(n, &mut dice));
        world.write(format!("outside/{n}.jpg"), format!("canary {n}"));
    }
    fs::create_dir(world.path("aside")).unwrap();
    assert_eq!(world.unsettled(&SOURCES, &Views::new()), Vec::<String>::new());
    let outside = Photograph::of(&world.path("outside"), Lens::Contents);

    let (racing, mut runs, mut wrong) = (AtomicUsize::new(OWNERS + 1), 0, Vec::new());
    thread::scope(|threads| {
        let (world, racing) = (&world, &racing);
        for owner in 0..OWNERS {
            let dice = dice.fork();
            threads.spawn(move || race(edits / OWNERS, dice, racing, |dice| meddle(world, owner, dice)));
        }
        let dice = dice.fork();
        threads.spawn(move || race(swaps, dice, racing, |dice| meddle_with_archive(world, dice)));
        while racing.load(Ordering::Acquire) > 0 && wrong.is_empty() {
            for args in [
                scan_of("existing", "photos").as_slice(),
                &scan_of("incoming", "inbox"),
                &["apply", "--json"],
            ] {
                wrong.extend(world.mama(args).insanity(&[0, 1, 4]));
                runs += 1;
            }
        }
    });
    wrong.extend(check::faults(&world.archive(), When::Wrecked));
    wrong.extend(escapes(&world, &outside));
    // All that was shown once is shown for ever, so all of it comes back.
    for n in 0..FILES {
        fs::write(world.path(format!("aside/{n}")), content(n, &mut dice)).unwrap();
        fs::rename(world.path(format!("aside/{n}")), world.path(file(n))).unwrap();
    }
    wrong.extend(world.unsettled(&SOURCES, &Views::new()));
    wrong.extend(escapes(&world, &outside));
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!(
        "races: {edits} edits and swaps in sources, {swaps} swaps in the archive, {runs} runs, 0 bad, 0 escapes"
    );
}

/// What was touched outside, or came in from there; and what was handed over and is a mixture.
fn escapes(world: &World, outside: &Photograph) -> Vec<String> {
    let mut found = outside.differences(&Photograph::of(&world.path("outside"), Lens::Contents));
    let canaries = (0..FILES).map(|n| format!("canary {n}"));
    found.extend(canaries.filter(|canary| check::blob_of(&world.archive(), canary.as_bytes()).exists()));
    let incoming = world.path("archive/views/incoming");
    let shown = Photograph::of(&incoming, Lens::Contents);
    let is_mixture = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let mut lines = text.lines();
        let first = lines.next();
        lines.any(|line| Some(line) != first)
    };
    let mixtures = shown.files().map(|(path, _)| incoming.join(path)).filter(is_mixture);
    found.extend(mixtures.map(|path| format!("{path:?} is a mixture")));
    found
}

#[test]
fn the_check_for_escapes_notices_them() {
    let world = World::new();
    world.write("photos/1.jpg", "canary 1");
    world.write("inbox/2.jpg", "one\ntwo\n");
    world.write("outside/1.jpg", "canary 1");
    let outside = Photograph::of(&world.path("outside"), Lens::Contents);
    assert_eq!(world.unsettled(&SOURCES, &Views::new()), Vec::<String>::new());
    world.write("outside/1.jpg", "touched");
    assert_eq!(escapes(&world, &outside).len(), 3);
}
