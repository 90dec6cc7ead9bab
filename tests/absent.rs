//! Random histories of disks that come and go: whatever happens, nothing is called gone that still lies on its disk.
//!
//! Disks are plugged in and out, also at another place and during a scan, lie within each other, become unreadable, leave
//! stray files behind in their mount points or take these along; files on them are written and removed; scans are
//! interrupted. Each content is written once, so that the catalog's hash tells on which disk a file was seen.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use mama_adapters::fs::memory::{Fault, MemoryFs, Reboot};
use mama_adapters::volumes::MemoryVolumes;
use mama_domain::scan::ScanError;
use mama_ports::repository::{Known, Remembered};
use mama_ports::vocab::{BlobHash, ObservationId, RelPath};
use mama_ports::volumes::Volumes;
use mama_tests::catalogued;
use mama_tests::sabotage::Nameless;
use mama_tests::world::{World, hash_of, path};
use pollster::block_on;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

/// What is scanned; the first disk is mounted here, the others below.
const ROOT: &str = "/media";
const DISKS: [&str; 4] = ["home", "usb", "nas", "card"];
const PLACES: [&str; 4] = ["/media", "/media/usb", "/media/net/nas", "/media/usb/card"];
const NAMES: [&str; 3] = ["a.jpg", "d/b.jpg", "usb/c.jpg"];
/// Every folder that a file may be in, below the root.
const DIRS: [&str; 13] = [
    "",
    "d",
    "usb",
    "usb/d",
    "usb/usb",
    "net/nas",
    "net/nas/d",
    "net/nas/usb",
    "usb/card",
    "usb/card/d",
    "usb/card/usb",
    "net",
    "usb/usb/d",
];

#[derive(Debug, Clone)]
enum Happening {
    Plug {
        disk: usize,
        place: usize,
    },
    Unplug {
        disk: usize,
    },
    /// Writes a file at a place, on whatever is there.
    Write {
        place: usize,
        name: usize,
    },
    Remove {
        place: usize,
        name: usize,
    },
    /// The mount point goes with its disk.
    RemovePlace {
        place: usize,
    },
    Unreadable {
        place: usize,
    },
    Reboot,
    Scan,
    ScanInterrupted {
        after: usize,
    },
    /// A disk is plugged in or out in the middle of a scan.
    ScanDisturbed {
        after: usize,
        disk: usize,
        place: usize,
    },
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let (disk, place, name) = (0..DISKS.len(), 0..PLACES.len(), 0..NAMES.len());
    // mostly at its own place
    let plug = (disk.clone(), prop::option::weighted(0.2, place.clone()));
    let plug = plug.prop_map(|(disk, place)| (disk, place.unwrap_or(disk)));
    let one = prop_oneof![
        4 => plug.clone().prop_map(|(disk, place)| Happening::Plug { disk, place }),
        4 => disk.prop_map(|disk| Happening::Unplug { disk }),
        5 => (place.clone(), name.clone()).prop_map(|(place, name)| Happening::Write { place, name }),
        2 => (place.clone(), name).prop_map(|(place, name)| Happening::Remove { place, name }),
        1 => place.clone().prop_map(|place| Happening::RemovePlace { place }),
        1 => place.prop_map(|place| Happening::Unreadable { place }),
        1 => Just(Happening::Reboot),
        6 => Just(Happening::Scan),
        2 => (0..40usize).prop_map(|after| Happening::ScanInterrupted { after }),
        2 => (0..30usize, plug)
            .prop_map(|(after, (disk, place))| Happening::ScanDisturbed { after, disk, place }),
    ];
    prop::collection::vec(one, 1..40)
}

/// A file on a disk: which disk, and where on it.
type Spot = (String, String);

/// What lies on the disks, plugged in or not.
#[derive(Debug, Default)]
struct Model {
    files: BTreeSet<Spot>,
    /// Where each content was written.
    written: BTreeMap<BlobHash, Spot>,
    /// What the catalog calls gone already: a file that comes back waits for the next scan.
    gone: BTreeSet<ObservationId>,
}

impl Model {
    /// The disk that is seen at a place, if it is whole; `None` if there is no such folder or it belongs to none.
    fn seen(world: &World, place: &str) -> Option<String> {
        let volume = MemoryVolumes::new(world.disk.clone()).describe(&path(place)).ok()?;
        volume.identity.as_str().strip_prefix("memory:").map(str::to_owned)
    }

    /// The spot of a path: the disk there, and the way from where that begins.
    fn spot(world: &World, at: &str) -> Option<Spot> {
        let folder = at.rsplit_once('/')?.0;
        let disk = Self::seen(world, folder)?;
        let mut top = folder;
        while let Some((above, _)) = top.rsplit_once('/').filter(|(above, _)| !above.is_empty())
            && Self::seen(world, above)? == disk
        {
            top = above;
        }
        Some((disk, at.strip_prefix(top)?.to_owned()))
    }
}

/// Whether a disk can be plugged in there: it is free, and so is the place, and what is there is a folder.
fn can_plug(disk: &MemoryFs, name: &str, place: &str) -> bool {
    let volumes = MemoryVolumes::new(disk.clone());
    let at = |path_: &str| volumes.describe(&path(path_)).ok().map(|volume| volume.identity);
    let above = place.rsplit_once('/').map_or("/", |(above, _)| if above.is_empty() { "/" } else { above });
    let is_free = !disk.exists(place) || at(place) == at(above);
    !disk.is_plugged(name) && is_free
}

fn toggle(disk: &MemoryFs, name: &str, place: &str) {
    if disk.is_plugged(name) {
        disk.unplug(name);
    } else if can_plug(disk, name, place) {
        disk.plug(name, place);
    }
}

fn happen(
    world: &World,
    model: &mut Model,
    happening: &Happening,
    number: usize,
) -> Result<(), TestCaseError> {
    let disk = &world.disk;
    match *happening {
        Happening::Plug { disk: which, place } if can_plug(disk, DISKS[which], PLACES[place]) => {
            disk.plug(DISKS[which], PLACES[place]);
        }
        Happening::Unplug { disk: which } if disk.is_plugged(DISKS[which]) => disk.unplug(DISKS[which]),
        Happening::Plug { .. } | Happening::Unplug { .. } => {}
        Happening::Write { place, name } => {
            let (at, content) = (format!("{}/{}", PLACES[place], NAMES[name]), format!("content {number}"));
            world.write(&at, &content);
            let spot = Model::spot(world, &at).unwrap();
            model.written.insert(hash_of(content.as_bytes()), spot.clone());
            model.files.insert(spot);
        }
        Happening::Remove { place, name } => {
            let at = format!("{}/{}", PLACES[place], NAMES[name]);
            if disk.exists(&at) {
                model.files.remove(&Model::spot(world, &at).unwrap());
                disk.remove(&at);
            }
        }
        Happening::RemovePlace { place } => {
            let at = PLACES[place];
            let is_bare = disk.exists(at) && can_plug(disk, "a disk that nobody has", at);
            let is_empty = disk.all_facts().keys().all(|path| !path.starts_with(format!("{at}/").as_bytes()));
            if is_bare && is_empty && at != ROOT {
                disk.remove(at);
            }
        }
        Happening::Unreadable { place } if disk.exists(PLACES[place]) => {
            disk.forbid_reading(PLACES[place]);
            scan(world)?;
            check(world, model)?;
            disk.allow(PLACES[place]);
        }
        Happening::Unreadable { .. } => {}
        Happening::Reboot => disk.reboot(Reboot::KeepEverything),
        Happening::Scan => scan(world)?,
        Happening::ScanInterrupted { after } => {
            disk.inject(disk.steps() + after, Fault::Crash);
            drop(world.scan(ROOT));
            disk.kill();
        }
        Happening::ScanDisturbed { after, disk: which, place } => {
            let (name, place) = (DISKS[which], PLACES[place]);
            disk.inject(disk.steps() + after, Fault::Meddle(Box::new(move |disk| toggle(disk, name, place))));
            scan(world)?;
            disk.kill();
        }
    }
    check(world, model)
}

/// A scan may refuse a root that is not the one that it knows, and nothing else.
fn scan(world: &World) -> Result<(), TestCaseError> {
    match world.scan(ROOT) {
        Ok(_)
        | Err(
            ScanError::OtherVolume { .. }
            | ScanError::SuddenlyEmpty(_)
            | ScanError::Remounted(_)
            | ScanError::Root { .. },
        ) => Ok(()),
        Err(error) => Err(TestCaseError::fail(format!("{error:?}"))),
    }
}

fn known(world: &World) -> Vec<(RelPath, Known)> {
    let scan = catalogued::begin(world, ROOT).scan;
    let dirs = DIRS.map(|dir| RelPath::parse(dir).unwrap());
    let answers = block_on(world.catalog.remembered(scan, &dirs)).unwrap();
    let files = |(dir, Remembered { files, .. }): (RelPath, Remembered)| {
        files.into_iter().map(move |known| (dir.clone(), known)).collect::<Vec<_>>()
    };
    dirs.into_iter().zip(answers).flat_map(files).collect()
}

/// What the catalog now calls gone, and did not before, does not lie on its disk.
fn check(world: &World, model: &mut Model) -> Result<(), TestCaseError> {
    let gone: Vec<_> = known(world).into_iter().filter(|(_, known)| known.gone).collect();
    for (dir, known) in gone.iter().filter(|(_, known)| !model.gone.contains(&known.id)) {
        let content = block_on(world.catalog.contents_of(&[known.id])).unwrap()[0].unwrap();
        let spot = &model.written[&content];
        let lies_there = model.files.contains(spot);
        prop_assert!(!lies_there, "{dir}/{} is on {} and called gone", known.name, spot.0);
    }
    model.gone = gone.iter().map(|(_, known)| known.id).collect();
    Ok(())
}

fn history(world: &World, happenings: &[Happening], at_first: usize) -> Result<(), TestCaseError> {
    world.disk.mkdirs(ROOT);
    let mut model = Model::default();
    for disk in (0..DISKS.len()).filter(|disk| at_first & (1 << disk) != 0) {
        happen(world, &mut model, &Happening::Plug { disk, place: disk }, 0)?;
    }
    for (number, happening) in happenings.iter().enumerate() {
        happen(world, &mut model, happening, number)?;
    }
    Ok(())
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 300;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_is_gone_that_lies_on_its_disk(happenings in happenings(), at_first in 0..16usize) {
        let world = World::new();
        history(&world, &happenings, at_first)?;
        // However it was, the owner can always say that it is meant to be so.
        world.scan_new_disk(ROOT).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        let report = world.scan(ROOT).map_err(|error| TestCaseError::fail(format!("{error:?}")))?;
        prop_assert_eq!((report.disks_held, report.gone, report.new_observations), (0, 0, 0));
        prop_assert_eq!((report.unchanged, report.errors), (report.files, 0));
    }
}

#[test]
fn where_volumes_have_no_names_this_test_fails() {
    let config = ProptestConfig { failure_persistence: None, max_shrink_iters: 0, ..config() };
    let outcome = TestRunner::new(config).run(&(happenings(), 0..16usize), |(happenings, at_first)| {
        let mut world = World::new();
        world.volumes = Arc::new(Nameless(Arc::clone(&world.volumes)));
        history(&world, &happenings, at_first)
    });
    let failure = outcome.expect_err("files are gone with their disks");
    assert!(failure.to_string().contains("called gone"), "{failure}");
}
