//! A kill, an error or a short transfer at any single call to the file system, SQLite's own included.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use nix::errno::Errno;

use crate::check::{self, Views, When};
use crate::scale;
use crate::tracer::{self, Meddling, Traced, WAITING};
use crate::tree::{Lens, Photograph, handed_over};
use crate::world::{World, scan_of};

const ERRNOS: [Errno; 14] = [
    Errno::EIO,
    Errno::ENOSPC,
    Errno::EDQUOT,
    Errno::EACCES,
    Errno::EPERM,
    Errno::EROFS,
    Errno::ENOENT,
    Errno::EEXIST,
    Errno::EMFILE,
    Errno::ENOMEM,
    Errno::EINTR,
    Errno::EAGAIN,
    Errno::EXDEV,
    Errno::EMLINK,
];

const SOURCES: [(&str, &str); 2] = [("existing", "photos"), ("incoming", "inbox")];

/// Which run is meddled with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Scan,
    Apply,
}

/// A world before a run that has something of everything to do, made anew at the same place as often as needed.
struct Stand {
    world: World,
    template: tempfile::TempDir,
    gone: Views,
}

impl Stand {
    /// Twelve files: new ones, copies, an empty one, an edited, a removed and a large one, and two that are handed over.
    fn new() -> Self {
        let world = World::new();
        world.write("photos/edited.jpg", "an older version");
        world.write("photos/album/same.jpg", "as it was");
        world.write("photos/album/removed.jpg", "to be removed");
        world.write("inbox/first song.mp3", "a song handed over");
        assert_eq!(world.unsettled(&SOURCES, &Views::new()), Vec::<String>::new());
        let mut gone = check::expected_views("existing", &world.path("photos"));
        gone.retain(|view, _| view.ends_with("removed.jpg"));
        world.write("photos/edited.jpg", "a much newer version");
        fs::remove_file(world.path("photos/album/removed.jpg")).unwrap();
        for (name, content) in
            [("a", "a photo"), ("album/copy of a", "a photo"), ("b", "another"), ("empty", "")]
        {
            world.write(format!("photos/{name}.jpg"), content);
        }
        world.write("photos/large.raw", vec![7; 300 << 10]);
        world.write("photos/film/reel.mp4", vec![8; 5000]);
        world.write("photos/film/2nd/reel.mp4", "a short one");
        world.write("inbox/second song.mp3", "another song handed over");
        let template = tempfile::tempdir_in(scale::folder()).unwrap();
        copy(world.root().to_owned(), template.path().to_owned());
        Self { world, template, gone }
    }

    /// As it was, and ready for this stage.
    fn reset(&self, stage: Stage) {
        for entry in fs::read_dir(self.world.root()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { fs::remove_dir_all(path).unwrap() } else { fs::remove_file(path).unwrap() }
        }
        copy(self.template.path().to_owned(), self.world.root().to_owned());
        if stage == Stage::Apply {
            for (kind, folder) in SOURCES {
                assert_eq!(self.world.scan(kind, folder).status, Some(0));
            }
        }
    }

    fn run(&self, stage: Stage, nth: usize, meddling: Meddling) -> Traced {
        let words = WAITING.into_iter().map(OsString::from).chain([scale::mama()]);
        let command = match stage {
            Stage::Scan => self.world.under(words, scan_of("existing", "photos")),
            Stage::Apply => self.world.under(words, ["apply", "--json"]),
        };
        tracer::run(command, nth, meddling)
    }

    /// How many calls there are to meddle with.
    fn calls(&self, stage: Stage) -> usize {
        self.reset(stage);
        let traced = self.run(stage, usize::MAX, Meddling::Kill);
        assert_eq!(traced.run.status, Some(0), "{}", traced.run.stderr);
        traced.calls
    }

    /// Meddles, and says what is wrong at once or after the next runs; `None` for the call if it was not reached.
    fn try_it(&self, stage: Stage, nth: usize, meddling: Meddling) -> (Option<String>, Vec<String>) {
        self.reset(stage);
        let photograph = |folder: &str| Photograph::of(&self.world.path(folder), Lens::Contents);
        let before = SOURCES.map(|(_, folder)| photograph(folder));
        let traced = self.run(stage, nth, meddling);
        let mut wrong: Vec<String> = match meddling {
            Meddling::Kill => Vec::new(),
            Meddling::Fail(_) | Meddling::Short | Meddling::Pretend(_) => {
                traced.run.insanity(&[0, 1, 4]).into_iter().collect()
            }
        };
        wrong.extend(check::faults(&self.world.archive(), When::Wrecked));
        wrong.extend(self.world.unsettled(&SOURCES, &self.gone));
        let [photos, inbox] = SOURCES.map(|(_, folder)| photograph(folder));
        wrong.extend(before[0].differences(&photos));
        wrong.extend(before[1].differences_but(&inbox, handed_over));
        (traced.met, wrong)
    }
}

fn copy(from: PathBuf, to: PathBuf) {
    assert!(Command::new("cp").arg("-a").arg(from.join(".")).arg(to).status().unwrap().success());
}

/// Meddles in all these ways at all calls of both stages, or at some of them; gives how often, and what went wrong.
fn meddle(test: &str, meddlings: &[Meddling], quick: usize) {
    let mut dice = scale::dice(test);
    let stand = Stand::new();
    let mut sites = Vec::new();
    for stage in [Stage::Scan, Stage::Apply] {
        let calls = stand.calls(stage);
        println!("{test}: {calls} calls of {stage:?}");
        assert!(calls > 100, "only {calls} calls are seen");
        sites
            .extend((0..calls).flat_map(|nth| meddlings.iter().map(move |meddling| (stage, nth, *meddling))));
    }
    dice.shuffle(&mut sites);
    sites.truncate(scale::pick(quick, usize::MAX));

    let (next, reached) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = |stand: Stand| {
        let mut harm = Vec::new();
        while let Some((stage, nth, meddling)) = sites.get(next.fetch_add(1, Ordering::Relaxed)) {
            let so_far = reached.load(Ordering::Relaxed);
            if so_far > 0 && so_far.is_multiple_of(1000) {
                println!("{test}: {so_far} of {}", sites.len());
            }
            let (met, wrong) = stand.try_it(*stage, *nth, *meddling);
            reached.fetch_add(usize::from(met.is_some()), Ordering::Relaxed);
            if !wrong.is_empty() {
                let harmed = format!("{meddling:?} at call {nth} of {stage:?} ({met:?}): {wrong:#?}");
                println!("{harmed}");
                harm.push(harmed);
            }
        }
        harm
    };
    let harm: Vec<String> = thread::scope(|threads| {
        let second = threads.spawn(|| work(Stand::new()));
        let mut harm = work(stand);
        harm.extend(second.join().unwrap());
        harm
    });
    println!("{test}: {} of {} calls met, {} did harm", reached.into_inner(), sites.len(), harm.len());
    assert!(harm.is_empty(), "{} did harm; the first: {}", harm.len(), harm[0]);
}

#[test]
fn a_kill_at_any_call_to_the_file_system_does_no_harm() {
    meddle("a kill at any call", &[Meddling::Kill], 24);
}

#[test]
fn an_error_from_any_call_to_the_file_system_does_no_harm() {
    meddle("an error from any call", &ERRNOS.map(Meddling::Fail), 24);
}

#[test]
fn a_short_transfer_at_any_call_does_no_harm() {
    meddle("a short transfer", &[Meddling::Short], 8);
}

/// The same checks, on a program that leaves out a step and does not know it.
#[test]
fn each_step_that_the_program_leaves_out_is_noticed() {
    let stand = Stand::new();
    let complaints = |step: &'static str| {
        stand.reset(Stage::Apply);
        let traced = stand.run(Stage::Apply, 0, Meddling::Pretend(step));
        (traced.met, check::faults(&stand.world.archive(), When::Settled))
    };
    assert_eq!(complaints("nothing"), (None, Vec::new()));
    for (step, complaint) in
        [("fchmod", "is not sealed"), ("renameat2", "I2"), ("renameat", "I3"), ("unlinkat", "left behind")]
    {
        let (met, complaints) = complaints(step);
        assert!(met.is_some(), "there is no {step}");
        assert!(complaints.iter().any(|said| said.contains(complaint)), "{step}: {complaints:?}");
    }
}
