//! An apply that is interrupted at every step, in every way, loses nothing and is finished by the next one.
//!
//! A safety test proves that it can fail: each protocol step is left out once, and then it must.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mama_adapters::fs::memory::{Fault, Reboot};
use mama_ports::filesystem::FsErrorKind;
use mama_ports::vocab::{SourceKind, Status};
use mama_tests::sabotage::{Credulous, Forgiving, Sabotage, SabotagedFs, unannounced};
use mama_tests::world::{ARCHIVE, World, blob_at, hash_of};

/// Of different lengths, so that [`Credulous`] can take one for what it should be.
const CONTENTS: [&[u8]; 6] = [
    b"a photo",
    b"another photo",
    b"an older version",
    b"a much newer version",
    b"a song handed over",
    b"to be ignored, later",
];

/// A machine whose next apply stores copies and a hard link, makes views, replaces one and removes one.
fn world() -> World {
    let world = World::new();
    let [photo, other, older, newer, song, ignored] = CONTENTS;
    world.write("/photos/edited.jpg", older);
    world.write("/photos/album/ignored.jpg", ignored);
    world.scan("/photos").expect("a first scan");
    world.apply().expect("a first apply");

    world.write("/photos/edited.jpg", newer);
    world.write("/photos/a.jpg", photo);
    world.write("/photos/album/copy of a.jpg", photo);
    world.write("/photos/album/b.jpg", other);
    world.write("/photos/empty", b"");
    world.write("/incoming/song.mp3", song);
    world.scan("/photos").expect("a second scan");
    world.scan_as("/incoming", SourceKind::Incoming, "anna").expect("a scan of what is handed over");
    let ignored = world.observation("/photos/album/ignored.jpg");
    world.retarget(ignored, Status::Assigned, Status::Ignored);
    world.wait(10);
    world
}

/// A tree as its owner sees it: path → content.
type Files = BTreeMap<String, Vec<u8>>;

fn originals(world: &World) -> Files {
    let mut files = world.files_below("/photos");
    files.extend(
        world.files_below("/incoming").into_iter().map(|(path, bytes)| (format!("incoming/{path}"), bytes)),
    );
    files
}

fn archived(world: &World) -> Files {
    let is_content =
        |path: &String| path.starts_with("blobs/") || path.starts_with("views/") || path.starts_with("tmp/");
    world.files_below(ARCHIVE).into_iter().filter(|(path, _)| is_content(path)).collect()
}

/// What must hold whatever happened, at once and after the next apply; in words, what does not.
struct Expected {
    originals: Files,
    archived: Files,
}

impl Expected {
    fn undisturbed() -> Self {
        let world = world();
        let originals = originals(&world);
        let report = world.apply().expect("an undisturbed apply");
        assert_eq!((report.hardlinked, report.views_removed, report.errors), (1, 1, 0), "{report:?}");
        assert_eq!(world.violations(), Vec::<String>::new());
        Self { originals, archived: archived(&world) }
    }

    fn violations(&self, world: &World) -> Vec<String> {
        let mut wrong = world.violations();
        wrong.extend(world.misplaced());
        if originals(world) != self.originals {
            wrong.push("an original changed".to_owned());
        }
        match world.apply() {
            Ok(_) => {}
            Err(error) => wrong.push(format!("the next apply fails: {error}: {:?}", error.source())),
        }
        wrong.extend(world.violations());
        wrong.extend(world.misplaced());
        wrong.extend(world.unexplained());
        let archived = archived(world);
        for path in self.archived.keys().chain(archived.keys()) {
            if self.archived.get(path) != archived.get(path) {
                wrong.push(format!("after the next apply {path} differs"));
            }
        }
        match world.apply() {
            Ok(report) if report.observations == 0 => {}
            other => wrong.push(format!("one more apply is not quiet: {other:?}")),
        }
        wrong
    }
}

/// The ways in which a power cut may leave the disk. One is here only if a sabotage needs it.
fn reboots() -> Vec<Reboot> {
    let mut reboots = vec![
        Reboot::LoseUnsynced,
        Reboot::KeepEverything,
        Reboot::NamesWithoutData,
        Reboot::DataWithoutNames,
    ];
    reboots.extend((0..6).map(Reboot::Subset));
    reboots
}

/// Runs the disturbed apply in a new world for each disturbance at each step; gives what is wrong, with where.
fn explore<'a>(
    make: impl Fn() -> World + Copy + 'a,
    expected: &'a Expected,
    disturbances: &'a [Disturbance],
) -> impl Iterator<Item = String> + 'a {
    let steps = steps_of(&make());
    let at_each_step = move |disturbance: &'a Disturbance| (0..steps).map(move |step| (disturbance, step));
    disturbances.iter().flat_map(at_each_step).filter_map(move |(disturbance, step)| {
        let world = make();
        world.disk.inject(world.disk.steps() + step, disturbance.fault());
        let outcome = world.apply().map_err(|error| error.to_string());
        let last = world.disk.trace().last().map(ToString::to_string);
        disturbance.afterwards(&world);
        let violations = expected.violations(&world);
        let is_fine = violations.is_empty();
        (!is_fine).then(|| {
            format!("{disturbance:?} at step {step} of {steps} ({last:?}, {outcome:?}): {violations:#?}")
        })
    })
}

/// How many steps an undisturbed apply takes.
fn steps_of(world: &World) -> usize {
    let before = world.disk.steps();
    drop(world.apply());
    world.disk.steps() - before
}

#[derive(Debug, Clone, Copy)]
enum Disturbance {
    PowerCut(Reboot),
    Kill,
    /// Killed, run again to its end, and then the power fails at once.
    KillThenPowerCut,
    Error(FsErrorKind),
    /// The same after an error.
    ErrorThenPowerCut,
    FlipBit,
    ShortRead,
    ShortWrite,
}

impl Disturbance {
    fn fault(self) -> Fault {
        match self {
            Self::PowerCut(_) | Self::Kill | Self::KillThenPowerCut => Fault::Crash,
            Self::Error(kind) => Fault::Error(kind),
            Self::ErrorThenPowerCut => Fault::Error(FsErrorKind::Other),
            Self::FlipBit => Fault::FlipBit,
            Self::ShortRead => Fault::ShortRead,
            Self::ShortWrite => Fault::ShortWrite,
        }
    }

    fn afterwards(self, world: &World) {
        match self {
            Self::PowerCut(reboot) => world.disk.reboot(reboot),
            Self::KillThenPowerCut | Self::ErrorThenPowerCut => {
                world.disk.kill();
                drop(world.apply());
                world.disk.reboot(Reboot::LoseUnsynced);
            }
            Self::Kill | Self::Error(_) | Self::FlipBit | Self::ShortRead | Self::ShortWrite => {
                world.disk.kill()
            }
        }
    }

    fn all() -> Vec<Self> {
        let errors =
            [FsErrorKind::Other, FsErrorKind::NoSpace, FsErrorKind::ReadOnly, FsErrorKind::PermissionDenied];
        let bent = [
            Self::Kill,
            Self::KillThenPowerCut,
            Self::ErrorThenPowerCut,
            Self::FlipBit,
            Self::ShortRead,
            Self::ShortWrite,
        ];
        reboots().into_iter().map(Self::PowerCut).chain(errors.map(Self::Error)).chain(bent).collect()
    }
}

#[test]
fn an_apply_that_is_disturbed_at_any_step_loses_nothing_and_is_finished_by_the_next() {
    let (expected, all) = (Expected::undisturbed(), Disturbance::all());
    let wrong: Vec<String> = explore(world, &expected, &all).take(3).collect();
    assert!(wrong.is_empty(), "disturbances that did harm; the first: {}", wrong.join("\n"));
}

/// Steps at the end of an apply, in which a manifest gets its name.
const LAST: usize = 6;

/// Steps at the beginning of the next one, in which it is found.
const FIRST: usize = 64;

/// The apply is killed late, and the power fails at some step of the next one; gives what is wrong.
fn cut_off_twice<'a>(
    make: impl Fn() -> World + Copy + 'a,
    expected: &'a Expected,
) -> impl Iterator<Item = String> + 'a {
    let steps = steps_of(&make());
    let both = (steps - LAST..steps).flat_map(|first| (0..FIRST).map(move |second| (first, second)));
    both.filter_map(move |(first, second)| {
        let world = make();
        world.disk.inject(world.disk.steps() + first, Fault::Crash);
        drop(world.apply());
        world.disk.kill();
        world.disk.inject(world.disk.steps() + second, Fault::Crash);
        drop(world.apply());
        world.disk.reboot(Reboot::LoseUnsynced);
        let violations = expected.violations(&world);
        (!violations.is_empty())
            .then(|| format!("killed at step {first} of {steps}, cut off at step {second}: {violations:#?}"))
    })
}

#[test]
fn an_apply_that_is_cut_off_twice_is_finished_by_the_next() {
    let wrong: Vec<String> = cut_off_twice(world, &Expected::undisturbed()).take(3).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_foreign_file_that_appears_at_any_step_is_never_replaced() {
    let lost: Vec<String> = foreign_files_lost(world).collect();
    assert!(lost.is_empty(), "{lost:#?}");
}

/// Another program puts a file where the apply wants a view, or under a content's name, before each step; gives where it was lost.
fn foreign_files_lost(make: impl Fn() -> World + Copy) -> impl Iterator<Item = String> {
    let targets = [format!("{ARCHIVE}/views/existing/photos/a.jpg"), blob_at(hash_of(CONTENTS[0]))];
    let steps = steps_of(&make());
    let at_each_step = move |target: String| (0..steps).map(move |step| (target.clone(), step));
    targets.into_iter().flat_map(at_each_step).filter_map(move |(target, step)| {
        let (world, was_put, at) = (make(), Arc::new(AtomicBool::new(false)), target.clone());
        let put = Arc::clone(&was_put);
        let meddle = Fault::Meddle(Box::new(move |disk| {
            if !disk.exists(&at) {
                disk.mkdirs(at.rsplit_once('/').expect("an absolute path").0);
                disk.write(&at, b"mine");
                put.store(true, Ordering::Relaxed);
            }
        }));
        world.disk.inject(world.disk.steps() + step, meddle);
        drop(world.apply());
        drop(world.apply());
        let is_kept = world.disk.all_files().values().any(|bytes| bytes == b"mine");
        (was_put.load(Ordering::Relaxed) && !is_kept)
            .then(|| format!("{target}, put there before step {step}"))
    })
}

#[test]
fn a_file_that_is_edited_while_it_is_read_never_gets_the_hash_of_a_mixture() {
    let mixtures: Vec<String> = mixtures(world).collect();
    assert!(mixtures.is_empty(), "{mixtures:#?}");
}

/// An owner overwrites a file before each step of a scan; gives where it got a hash that no version of it has.
fn mixtures(make: impl Fn() -> World + Copy) -> impl Iterator<Item = String> {
    let (path, versions) = ("/photos/large.raw", [b'a', b'b'].map(|byte| vec![byte; 300 << 10]));
    let prepared = move |first: &[u8]| {
        let world = make();
        world.write(path, first);
        world
    };
    let steps = {
        let world = prepared(&versions[0]);
        let before = world.disk.steps();
        world.scan("/photos").expect("an undisturbed scan");
        world.disk.steps() - before
    };
    (0..steps).filter_map(move |step| {
        let (world, second) = (prepared(&versions[0]), versions[1].clone());
        let overwrite = Fault::Meddle(Box::new(move |disk| {
            disk.clock().advance(1);
            disk.write(path, second);
        }));
        world.disk.inject(world.disk.steps() + step, overwrite);
        drop(world.scan("/photos"));
        let known = versions.each_ref().map(|bytes| hash_of(bytes));
        let claims = world.open_claims();
        let mixture =
            claims.iter().find(|claim| claim.fingerprint.size == 300 << 10 && !known.contains(&claim.hash));
        mixture.map(|claim| format!("{} of a mixture, overwritten before step {step}", claim.hash))
    })
}

#[test]
fn a_handed_over_file_that_is_edited_before_it_is_sealed_is_not_stored_wrong() {
    let stored: Vec<String> = edits_stored(world).collect();
    assert!(stored.is_empty(), "{stored:#?}");
}

/// An owner overwrites what is handed over, before each step of an apply up to the last look at it; gives where the archive has the edit under the old hash.
fn edits_stored(make: impl Fn() -> World + Copy) -> impl Iterator<Item = String> {
    let path = "/incoming/song.mp3";
    let honest = world();
    let before = honest.disk.steps();
    honest.apply().expect("an undisturbed apply");
    let is_look =
        |step: &mama_adapters::fs::memory::Step| step.op == "look at" && step.path == path.as_bytes();
    let staging = honest.disk.trace()[before..].to_vec();
    let staged = staging.iter().position(|step| step.op == "sync all of").expect("a sync");
    let last_look = staging[..staged].iter().rposition(is_look).expect("it is looked at");
    (0..=last_look).filter_map(move |step| {
        let world = make();
        let overwrite = Fault::Meddle(Box::new(move |disk| {
            disk.clock().advance(1);
            disk.write(path, b"A SONG HANDED OVER");
        }));
        world.disk.inject(world.disk.steps() + step, overwrite);
        drop(world.apply());
        let violations = world.violations();
        (!violations.is_empty()).then(|| format!("overwritten before step {step}: {violations:?}"))
    })
}

#[test]
fn only_one_may_apply_at_once() {
    assert!(is_refused_while_locked(world()));
}

fn is_refused_while_locked(world: World) -> bool {
    let honest = Arc::new(world.disk.clone());
    let archive = mama_ports::filesystem::Filesystem::archive(&*honest, &mama_tests::world::path(ARCHIVE))
        .expect("a tree");
    let _held = archive.lock(&mama_domain::layout::lock_path()).expect("the lock is free");
    world.apply().is_err()
}

fn sabotaged(mut world: World, sabotage: Sabotage) -> World {
    world.fs = Arc::new(SabotagedFs { inner: Arc::clone(&world.fs), sabotage });
    match sabotage {
        Sabotage::NoReadBack => {
            world.hasher = Arc::new(Credulous::new(CONTENTS, Arc::clone(&world.hasher)));
        }
        Sabotage::NoReadBackOfManifest => {
            world.hasher = Arc::new(Forgiving::new(Arc::clone(&world.hasher)));
        }
        Sabotage::NoAnnouncement => world.manifests = unannounced,
        _ => {}
    }
    world
}

#[test]
fn every_protocol_step_is_needed() {
    let (expected, all) = (Expected::undisturbed(), Disturbance::all());
    for sabotage in Sabotage::ALL {
        let make = || sabotaged(world(), sabotage);
        let harm = match sabotage {
            Sabotage::LinkReplaces => foreign_files_lost(make).next(),
            Sabotage::NoSecondLook => {
                assert!(mixtures(make).next().is_some(), "a scan that looks once goes unnoticed");
                edits_stored(make).next()
            }
            Sabotage::RetriedSync => explore(make, &expected, &[Disturbance::ErrorThenPowerCut]).next(),
            Sabotage::NoLock => (!is_refused_while_locked(make())).then(|| "two apply at once".to_owned()),
            Sabotage::NoSyncBeforeNames
            | Sabotage::NoSyncOfNames
            | Sabotage::NoSyncOfViews
            | Sabotage::NoReadBack
            | Sabotage::NoSeal
            | Sabotage::NoSweep
            | Sabotage::SettleBeforeSync
            | Sabotage::NoSyncBeforeManifest
            | Sabotage::NoSyncOfManifest
            | Sabotage::NoReadBackOfManifest
            | Sabotage::NoAnnouncement => explore(make, &expected, &all).next(),
            Sabotage::NoSyncOfFoundManifest => cut_off_twice(make, &expected).next(),
        };
        assert!(harm.is_some(), "{sabotage:?} goes unnoticed");
    }
}
