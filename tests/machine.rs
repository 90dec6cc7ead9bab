//! Random histories of a family's disk, against a reference model of a few lines.
//!
//! Files are written, edited in place, moved, removed and brought back, disks are unplugged, people decide and think better of it, scans and
//! applies run in between, and some of them are interrupted. After each apply the archive is compared with what the model expects.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use mama_adapters::fs::memory::{Fault, Reboot};
use mama_domain::curate::{CurationReport, Selection, UndoError, Verb};
use mama_ports::curation::{Filter, Found, Target};
use mama_ports::repository::PageSize;
use mama_ports::vocab::{BlobHash, ObservationId, Status, Timestamp};
use mama_tests::world::{World, blob_at, hash_of, host_name, path};
use pollster::block_on;
use proptest::prelude::*;

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    Write { file: usize, content: u8 },
    Touch { file: usize },
    Remove { file: usize },
    Rename { from: usize, to: usize },
    Scan,
    ScanInterrupted { after: usize },
    Ignore { file: usize },
    Assign { file: usize },
    Undo,
    Apply,
    ApplyInterrupted { after: usize, reboot: Option<u64> },
}

const FILES: [&str; 6] = [
    "/photos/a.jpg",
    "/photos/album/b.jpg",
    "/photos/album/deep/c.jpg",
    "/photos/\u{fffd}\n.jpg",
    "/photos/album/A.JPG",
    "/photos/stays.jpg",
];

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let file = 0..FILES.len() - 1;
    let one = prop_oneof![
        4 => (file.clone(), 0..6u8).prop_map(|(file, content)| Happening::Write { file, content }),
        1 => file.clone().prop_map(|file| Happening::Touch { file }),
        2 => file.clone().prop_map(|file| Happening::Remove { file }),
        2 => (file.clone(), file.clone()).prop_map(|(from, to)| Happening::Rename { from, to }),
        3 => Just(Happening::Scan),
        1 => (0..40usize).prop_map(|after| Happening::ScanInterrupted { after }),
        1 => file.clone().prop_map(|file| Happening::Ignore { file }),
        1 => file.prop_map(|file| Happening::Assign { file }),
        1 => Just(Happening::Undo),
        3 => Just(Happening::Apply),
        1 => (0..120usize, prop::option::of(any::<u64>()))
            .prop_map(|(after, reboot)| Happening::ApplyInterrupted { after, reboot }),
    ];
    prop::collection::vec(one, 1..25)
}

/// What a reader of product.md expects.
#[derive(Debug, Default)]
struct Model {
    /// What each path held when it was last scanned to the end, and its mtime.
    scanned: BTreeMap<usize, (Vec<u8>, Timestamp)>,
    /// Contents that an apply has stored.
    stored: BTreeSet<Vec<u8>>,
    /// Decisions that are not taken back, each with what it changed: from, to.
    decided: Vec<Vec<(ObservationId, Status, Status)>>,
}

fn content(n: u8) -> Vec<u8> {
    vec![b'a' + n; usize::from(n % 3)]
}

fn on_disk(world: &World) -> BTreeMap<usize, (Vec<u8>, Timestamp)> {
    let held = |(at, file): (usize, &&str)| {
        world.disk.facts(file).map(|facts| (at, (world.disk.read(file), facts.mtime)))
    };
    FILES.iter().enumerate().filter_map(held).collect()
}

/// Every sighting there is.
fn sightings(world: &World) -> Vec<Found> {
    block_on(world.catalog.find(&Filter::default(), None, PageSize(10_000))).unwrap()
}

/// What changed from one moment to the next.
fn changed(before: &[Found], after: &[Found]) -> Vec<(ObservationId, Status, Status)> {
    let pairs = before.iter().zip(after).filter(|(before, after)| before.status != after.status);
    pairs.map(|(before, after)| (before.id, before.status, after.status)).collect()
}

/// Somebody decides about a file, its older versions included.
fn decide(world: &World, model: &mut Model, verb: Verb, file: usize) -> Result<(), TestCaseError> {
    let before = sightings(world);
    let targets = vec![Target::Path { host: host_name("anna"), path: path(FILES[file]) }];
    let selection = Selection { filter: Filter { targets, ..Filter::default() }, ..Selection::default() };
    let curate = world.curator();
    let foreseen = block_on(curate.preview(verb, &selection, &mut |_| {})).unwrap();
    prop_assert_eq!(&sightings(world), &before, "a preview changes nothing");
    let mut report = CurationReport::default();
    block_on(curate.run(verb, &selection, String::new(), &mut report, &mut |_| {})).unwrap();
    let after = sightings(world);
    let to = if verb == Verb::Ignore { Status::Ignored } else { Status::Assigned };
    for (before, after) in before.iter().zip(&after) {
        let is_it = before.at.full_path() == path(FILES[file]);
        prop_assert_eq!(after.status, if is_it { to } else { before.status });
    }
    let changed = changed(&before, &after);
    prop_assert_eq!((foreseen.changes, report.changes), (changed.len() as u64, changed.len() as u64));
    if !changed.is_empty() {
        model.decided.push(changed);
    }
    Ok(())
}

/// Somebody takes the last decision back: what still is as it was decided becomes what it was.
fn undo(world: &World, model: &mut Model) -> Result<(), TestCaseError> {
    let curate = world.curator();
    let (last, before) = (block_on(curate.undoable(None)), sightings(world));
    let Some(decided) = model.decided.last() else {
        prop_assert!(matches!(last, Err(UndoError::Nothing)), "{:?}", last);
        return Ok(());
    };
    let holds = |(id, _, to): &&(ObservationId, Status, Status)| {
        before.iter().any(|found| found.id == *id && found.status == *to)
    };
    let expected: Vec<_> = decided.iter().filter(holds).map(|&(id, from, to)| (id, to, from)).collect();
    let mut report = CurationReport::default();
    block_on(curate.undo(&last.unwrap(), &mut report, &mut |_| {})).unwrap();
    prop_assert_eq!(&changed(&before, &sightings(world)), &expected);
    prop_assert_eq!(report.changed_since, (decided.len() - expected.len()) as u64);
    if !expected.is_empty() {
        model.decided.pop();
    }
    Ok(())
}

/// Contents that are ignored somewhere and assigned nowhere.
fn turned_down(sightings: &[Found]) -> BTreeSet<BlobHash> {
    let with = |status: Status| {
        let those = sightings.iter().filter(move |found| found.status == status);
        those.map(|found| found.hash).collect::<BTreeSet<BlobHash>>()
    };
    &with(Status::Ignored) - &with(Status::Assigned)
}

/// Apply promotes what nobody has decided, unless its content was turned down, and changes nothing that somebody decided.
fn check_targets(before: &[Found], after: &[Found]) -> Result<(), TestCaseError> {
    let turned_down = turned_down(before);
    for (before, after) in before.iter().zip(after).filter(|(before, after)| before.status != after.status) {
        prop_assert!(!turned_down.contains(&before.hash), "{:?}", before);
        prop_assert_eq!((before.status, after.status), (Status::Pending, Status::Assigned), "{:?}", before);
    }
    Ok(())
}

fn happen(world: &World, model: &mut Model, happening: &Happening) -> Result<(), TestCaseError> {
    match happening {
        Happening::Write { file, content: n } => world.write(FILES[*file], content(*n)),
        Happening::Touch { file } if world.disk.exists(FILES[*file]) => {
            world.disk.chmod(FILES[*file], 0o600);
            world.wait(10);
        }
        Happening::Remove { file } if world.disk.exists(FILES[*file]) => world.disk.remove(FILES[*file]),
        Happening::Rename { from, to } if world.disk.exists(FILES[*from]) && from != to => {
            world.disk.mkdirs(FILES[*to].rsplit_once('/').unwrap().0);
            world.disk.rename(FILES[*from], FILES[*to]);
            world.wait(10);
        }
        Happening::Touch { .. } | Happening::Remove { .. } | Happening::Rename { .. } => {}
        Happening::Scan => {
            let report = world.scan("/photos").map_err(|error| TestCaseError::fail(error.to_string()))?;
            let held = on_disk(world);
            prop_assert_eq!(report.files, held.len() as u64);
            prop_assert_eq!(report.new_observations + report.unchanged, report.files);
            model.scanned = held;
        }
        Happening::ScanInterrupted { after } => {
            world.disk.inject(world.disk.steps() + after, Fault::Crash);
            let interrupted = world.scan("/photos");
            world.disk.kill();
            if interrupted.is_ok_and(|report| report.errors == 0) {
                model.scanned = on_disk(world);
            }
        }
        Happening::Ignore { file } => decide(world, model, Verb::Ignore, *file)?,
        Happening::Assign { file } => decide(world, model, Verb::Assign, *file)?,
        Happening::Undo => undo(world, model)?,
        Happening::Apply => {
            let before = sightings(world);
            let report = world.apply().map_err(|error| TestCaseError::fail(error.to_string()))?;
            check_targets(&before, &sightings(world))?;
            check(world, model)?;
            prop_assert_eq!(report.conflicts + report.errors, 0, "{:?}", report);
        }
        Happening::ApplyInterrupted { after, reboot } => {
            world.disk.inject(world.disk.steps() + after, Fault::Crash);
            drop(world.apply());
            match reboot {
                Some(seed) => world.disk.reboot(Reboot::Subset(*seed)),
                None => world.disk.kill(),
            }
        }
    }
    Ok(())
}

/// After an apply that reached its end.
fn check(world: &World, model: &mut Model) -> Result<(), TestCaseError> {
    prop_assert_eq!(world.violations(), Vec::<String>::new());
    prop_assert_eq!(world.misplaced(), Vec::<String>::new());
    let now = on_disk(world);
    let seen = sightings(world);
    let turned_down = turned_down(&seen);
    let newest: BTreeMap<_, _> = seen.iter().map(|found| (found.at.full_path(), found)).collect();
    let is_ignored = |file: usize| {
        newest.get(&path(FILES[file])).is_some_and(|found| match found.status {
            Status::Ignored => true,
            Status::Pending => turned_down.contains(&found.hash),
            Status::Assigned => false,
        })
    };
    for file in (0..FILES.len()).filter(|file| is_ignored(*file)) {
        let view = format!("/archive/views/existing{}", FILES[file]);
        prop_assert!(!world.disk.exists(&view), "{} is ignored and shown", FILES[file]);
    }
    for (&file, scanned) in &model.scanned {
        // what has changed since the scan may or may not be had from elsewhere
        if now.get(&file) == Some(scanned) && !is_ignored(file) {
            let (bytes, _) = scanned;
            let view = format!("/archive/views/existing{}", FILES[file]);
            prop_assert!(world.disk.exists(&view), "{} is not shown", FILES[file]);
            prop_assert_eq!(&world.disk.read(&view), bytes, "{} shows something else", FILES[file]);
            model.stored.insert(bytes.clone());
        }
    }
    for bytes in &model.stored {
        prop_assert!(world.disk.exists(blob_at(hash_of(bytes))), "a stored content disappeared");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn the_archive_is_what_the_model_expects(happenings in happenings()) {
        let world = World::new();
        world.write(FILES[FILES.len() - 1], "stays");
        let mut model = Model::default();
        for happening in &happenings {
            let before = on_disk(&world);
            happen(&world, &mut model, happening)?;
            if matches!(happening, Happening::Scan | Happening::Apply | Happening::ApplyInterrupted { .. }) {
                prop_assert_eq!(on_disk(&world), before, "{:?} changed a source", happening);
            }
        }
        happen(&world, &mut model, &Happening::Scan)?;
        happen(&world, &mut model, &Happening::Apply)?;
        let again = world.apply().map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!((again.observations, again.views_created), (0, 0), "{:?}", again);
        let rescan = world.scan("/photos").map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!((rescan.unchanged, rescan.bytes_hashed), (rescan.files, 0), "{:?}", rescan);
    }
}
