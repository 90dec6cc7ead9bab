//! Random histories of a family's disk, against a reference model of a few lines.
//!
//! Files are written, edited in place, moved, removed and brought back, disks are unplugged, scans and applies run in
//! between, and some of them are interrupted. After each apply the archive is compared with what the model expects.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};

use mama_adapters::fs::memory::{Fault, Reboot};
use mama_ports::vocab::Timestamp;
use mama_tests::world::{World, blob_at, hash_of};
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
        2 => (file.clone(), file).prop_map(|(from, to)| Happening::Rename { from, to }),
        3 => Just(Happening::Scan),
        1 => (0..40usize).prop_map(|after| Happening::ScanInterrupted { after }),
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
        Happening::Apply => {
            let report = world.apply().map_err(|error| TestCaseError::fail(error.to_string()))?;
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
    let now = on_disk(world);
    for (&file, scanned) in &model.scanned {
        // what has changed since the scan may or may not be had from elsewhere
        if now.get(&file) == Some(scanned) {
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
