//! `kill -9` at random times: of one run after the other, and of four processes at once.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::check::{self, Views, When};
use crate::scale;
use crate::tree::{Lens, Photograph, handed_over};
use crate::world::{Run, World, scan_of};

const SOURCES: [(&str, &str); 2] = [("existing", "photos"), ("incoming", "inbox")];

/// Sources that an owner works on between runs.
struct Family {
    world: World,
    dice: Rng,
    files: usize,
    gone: Views,
}

impl Family {
    fn new(files: usize, mut dice: Rng) -> Self {
        let world = World::new();
        for n in 0..files {
            world.write(name(n), content(&mut dice));
        }
        Self { world, dice, files, gone: Views::new() }
    }

    /// Writes, replaces, adds and removes some files in a hundred. What is handed over is never written in place.
    fn edit(&mut self) {
        for _ in 0..(self.files / 50).max(3) {
            let n = self.dice.usize(..self.files);
            let path = self.world.path(name(n));
            let content = content(&mut self.dice);
            match self.dice.u8(..10) {
                0 if path.exists() => self.remove(n),
                1..5 => {
                    fs::write(path.with_extension("new"), content).unwrap();
                    fs::rename(path.with_extension("new"), &path).unwrap();
                }
                _ if is_handed_over(n) => {}
                _ => fs::write(&path, content).unwrap(),
            }
            if path.exists() {
                self.gone.remove(&self.view(n));
            }
        }
        self.files += 1;
        self.world.write(name(self.files - 1), content(&mut self.dice));
    }

    fn remove(&mut self, n: usize) {
        // Whether it keeps a view depends on whether an apply saw it: only what is shown for sure is removed.
        let (view, path) = (self.view(n), self.world.path(name(n)));
        let hash = blake3::hash(&fs::read(&path).unwrap());
        let shown = fs::read(self.world.archive().join("views").join(&view));
        if shown.is_ok_and(|bytes| blake3::hash(&bytes) == hash) {
            fs::remove_file(path).unwrap();
            self.gone.insert(view, hash);
        }
    }

    fn view(&self, n: usize) -> PathBuf {
        let kind = if is_handed_over(n) { "incoming" } else { "existing" };
        PathBuf::from(kind).join(self.world.path(name(n)).strip_prefix("/").unwrap())
    }

    fn photograph(&self, lens: Lens) -> [Photograph; 2] {
        SOURCES.map(|(_, folder)| Photograph::of(&self.world.path(folder), lens))
    }

    /// In words, what happened to the sources.
    fn touched(&self, before: &[Photograph; 2], lens: Lens) -> Vec<String> {
        let after = self.photograph(lens);
        let mut touched = before[0].differences(&after[0]);
        touched.extend(before[1].differences_but(&after[1], handed_over));
        touched
    }
}

fn is_handed_over(n: usize) -> bool {
    n % 7 == 3
}

fn name(n: usize) -> String {
    let folder = if is_handed_over(n) { "inbox" } else { "photos" };
    format!("{folder}/album {}/{n}.jpg", n % 23)
}

/// One in five is what many have; most are small.
fn content(dice: &mut Rng) -> Vec<u8> {
    if dice.u8(..5) == 0 {
        return format!("a copy of {}", dice.u8(..20)).into_bytes();
    }
    let size = if dice.u8(..50) == 0 { dice.usize(..200_000) } else { dice.usize(..4000) };
    let mut bytes = vec![0; size];
    dice.fill(&mut bytes);
    bytes
}

/// Runs, and kills after this long; gives whether the kill came before the end.
fn kill_after(mut command: Command, patience: Duration) -> (bool, Run) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    thread::sleep(patience);
    let was_running = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    let run: Run = child.wait_with_output().unwrap().into();
    (was_running && run.status.is_none(), run)
}

#[test]
fn kills_at_random_times_do_no_harm() {
    let (files, wanted) = (scale::pick(300, 10_000), scale::pick(20, 500));
    let mut family = Family::new(files, scale::dice("kills"));
    let commands: [Vec<&str>; 3] = [
        scan_of(SOURCES[0].0, SOURCES[0].1).to_vec(),
        scan_of(SOURCES[1].0, SOURCES[1].1).to_vec(),
        vec!["apply", "--json"],
    ];
    // How long each takes at most; it learns.
    let mut longest = [Duration::from_secs(1); 3];
    let (mut kills, mut runs) = (0, 0);
    while kills < wanted {
        if family.dice.bool() {
            family.edit();
        }
        let before = family.photograph(Lens::FactsOnly);
        let which = *family.dice.choice(&[0, 0, 1, 2, 2, 2]).unwrap();
        let patience = longest[which].mul_f64(family.dice.f64());
        let (killed, run) = kill_after(family.world.command(&commands[which]), patience);
        runs += 1;
        kills += usize::from(killed);
        longest[which] =
            if killed { longest[which].mul_f64(1.05) } else { patience.max(Duration::from_millis(4)) };
        let mut wrong = check::faults(&family.world.archive(), When::Wrecked);
        wrong.extend(family.touched(&before, Lens::FactsOnly));
        if !killed {
            wrong.extend(run.insanity(&[0, 4]));
        }
        assert!(
            wrong.is_empty(),
            "after kill {kills}, of {:?} after {patience:?}: {wrong:#?}",
            commands[which]
        );
    }
    let before = family.photograph(Lens::Contents);
    let mut wrong = family.world.unsettled(&SOURCES, &family.gone);
    wrong.extend(family.touched(&before, Lens::Contents));
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("kills: {kills} kills in {runs} runs, {} files at the end, 0 bad", family.files);
}

#[test]
fn four_processes_at_once_and_kills_do_no_harm() {
    let files = scale::pick(200, 3000);
    let until = Instant::now() + Duration::from_secs(scale::pick(10, 600) as u64);
    let mut family = Family::new(files, scale::dice("four at once"));
    let seeds: Vec<u64> = std::iter::repeat_with(|| family.dice.u64(..)).take(4).collect();
    let harm = Mutex::new(BTreeSet::new());
    let (runs, kills) = (Mutex::new(0), Mutex::new(0));
    let world = &family.world;
    let before = family.photograph(Lens::Contents).map(|mut photograph| {
        photograph.0.retain(|_, facts| facts.kind == "file");
        photograph
    });
    thread::scope(|threads| {
        for (nth, seed) in seeds.into_iter().enumerate() {
            let (harm, runs, kills) = (&harm, &runs, &kills);
            threads.spawn(move || {
                let mut dice = Rng::with_seed(seed);
                while Instant::now() < until {
                    let (kind, folder) = SOURCES[dice.usize(..2)];
                    let command = if nth < 2 {
                        world.command(scan_of(kind, folder))
                    } else {
                        world.command(["apply", "--json"])
                    };
                    let patience = if dice.u8(..3) == 0 {
                        Duration::from_secs(60)
                    } else {
                        Duration::from_millis(dice.u64(..300))
                    };
                    let (killed, run) = end_or_kill(command, patience);
                    *runs.lock().unwrap() += 1;
                    *kills.lock().unwrap() += usize::from(killed);
                    let waits = run.stderr.contains("another mama is applying");
                    if !killed && !waits {
                        harm.lock().unwrap().extend(run.insanity(&[0]));
                    }
                }
            });
        }
        // Whole files only, so that there is always something to do and never something that changed.
        let mut n = files;
        while Instant::now() < until {
            let path = world.path(name(n));
            let new = world.write("not yet", content(&mut family.dice));
            fs::rename(new, path).unwrap();
            n += 1;
            thread::sleep(Duration::from_millis(20));
        }
    });
    let mut wrong: Vec<String> = harm.into_inner().unwrap().into_iter().collect();
    wrong.extend(check::faults(&world.archive(), When::Wrecked));
    wrong.extend(world.unsettled(&SOURCES, &family.gone));
    let mut after = family.photograph(Lens::Contents);
    for (before, after) in before.iter().zip(&mut after) {
        after.0.retain(|path, _| before.0.contains_key(path));
        wrong.extend(before.differences_but(after, handed_over));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!(
        "four at once: {} runs, {} kills, 0 bad",
        runs.into_inner().unwrap(),
        kills.into_inner().unwrap()
    );
}

/// Waits for the end, and kills only when it takes longer.
fn end_or_kill(mut command: Command, patience: Duration) -> (bool, Run) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while started.elapsed() < patience && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_millis(2));
    }
    let killed = child.try_wait().unwrap().is_none();
    child.kill().unwrap();
    (killed, child.wait_with_output().unwrap().into())
}
