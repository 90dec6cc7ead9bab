//! The archive explains itself: random histories in which the catalog is lost, or it or the archive is an older copy.
//!
//! Whatever was settled comes back; what is not of one history is refused before anything is written.
//! `PROPTEST_CASES` sets how many histories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::sync::Arc;

use mama_adapters::fs::memory::{Fault, MemoryFs, Reboot};
use mama_domain::apply::ApplyError;
use mama_domain::explaining::Disagreement;
use mama_domain::manifest::Agreement;
use mama_domain::rebuild::RebuildError;
use mama_domain::repair::Lack;
use mama_ports::manifest::Rows;
use mama_ports::repository::Repository;
use mama_ports::vocab::{BlobHash, BlobRecord, Status, Timestamp};
use mama_tests::world::{ARCHIVE, World, blob_at, hash_of};
use proptest::prelude::*;

/// Histories that everybody runs, of each kind.
const HISTORIES: u32 = 200;

const FILES: [&str; 5] = [
    "/photos/a.jpg",
    "/photos/album/b.jpg",
    "/photos/album/deep/\n\u{fffd}.jpg",
    "/photos/A.JPG",
    "/photos/stays.jpg",
];

/// What happens next.
#[derive(Debug, Clone)]
enum Happening {
    Write { file: usize, content: u8 },
    Remove { file: usize },
    Ignore { file: usize },
    Block { content: u8 },
    Scan,
    Apply,
    ApplyInterrupted { after: usize, reboot: Option<u64> },
}

fn happenings() -> impl Strategy<Value = Vec<Happening>> {
    let file = 0..FILES.len() - 1;
    let one = prop_oneof![
        5 => (file.clone(), 0..6u8).prop_map(|(file, content)| Happening::Write { file, content }),
        2 => file.clone().prop_map(|file| Happening::Remove { file }),
        1 => file.prop_map(|file| Happening::Ignore { file }),
        1 => (0..6u8).prop_map(|content| Happening::Block { content }),
        4 => Just(Happening::Scan),
        4 => Just(Happening::Apply),
        2 => (0..160usize, prop::option::of(any::<u64>()))
            .prop_map(|(after, reboot)| Happening::ApplyInterrupted { after, reboot }),
    ];
    prop::collection::vec(one, 1..16)
}

fn content(n: u8) -> Vec<u8> {
    vec![b'a' + n; usize::from(n % 3) + 1]
}

fn happen(world: &World, happening: &Happening) {
    match happening {
        Happening::Write { file, content: n } => world.write(FILES[*file], content(*n)),
        Happening::Remove { file } if world.disk.exists(FILES[*file]) => world.disk.remove(FILES[*file]),
        Happening::Ignore { file } => {
            if let Some(id) = world.known(FILES[*file]) {
                world.retarget(id, Status::Assigned, Status::Ignored);
            }
        }
        Happening::Block { content: n } => drop(world.block(&content(*n))),
        Happening::Remove { .. } => {}
        Happening::Scan => drop(world.scan("/photos").unwrap()),
        Happening::Apply => drop(world.apply().unwrap()),
        Happening::ApplyInterrupted { after, reboot } => {
            world.disk.inject(world.disk.steps() + after, Fault::Crash);
            drop(world.apply());
            match reboot {
                Some(seed) => world.disk.reboot(Reboot::Subset(*seed)),
                None => world.disk.kill(),
            }
        }
    }
}

fn begun(history: &[Happening]) -> World {
    let world = World::new();
    world.write(FILES[FILES.len() - 1], "stays");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    history.iter().for_each(|happening| happen(&world, happening));
    world
}

/// Something is new, so that the last scan is in a manifest too.
fn settle(world: &World, news: &str) {
    world.write("/photos/news.txt", news);
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    assert_eq!(world.unexplained(), None);
}

/// Nothing is left to find or to do.
fn quiet(world: &World) -> Result<(), TestCaseError> {
    prop_assert_eq!(world.violations(), Vec::<String>::new());
    prop_assert_eq!(world.misplaced(), Vec::<String>::new());
    let apply = world.apply().map_err(|error| TestCaseError::fail(in_words(&*error)))?;
    prop_assert_eq!((apply.observations, apply.blobs_stored, apply.views_created), (0, 0, 0), "{:?}", apply);
    let scan = world.scan("/photos").unwrap();
    prop_assert_eq!((scan.new_observations, scan.gone), (0, 0), "{:?}", scan);
    Ok(())
}

fn in_words(error: &dyn Error) -> String {
    format!("{error}: {:?}", error.source())
}

fn disagreement(world: &World) -> Option<Agreement> {
    let refused = world.apply().unwrap_err();
    match refused.downcast_ref() {
        Some(ApplyError::Disagreement(Disagreement(position))) => Some(position.agreement),
        _ => None,
    }
}

fn sources(world: &World) -> BTreeMap<String, (Vec<u8>, Timestamp)> {
    let mtime = |path: &str| world.disk.facts(format!("/photos/{path}")).unwrap().mtime;
    world
        .files_below("/photos")
        .into_iter()
        .map(|(path, bytes)| (path.clone(), (bytes, mtime(&path))))
        .collect()
}

/// An older copy of the whole disk, with the sources as they are now.
fn with_older_archive(world: &mut World, older: &MemoryFs) {
    let now = sources(world);
    world.put_disk(older);
    for path in world.files_below("/photos").into_keys() {
        world.disk.remove(format!("/photos/{path}"));
    }
    for (path, (bytes, mtime)) in now {
        let file = format!("/photos/{path}");
        world.write(&file, bytes);
        world.disk.set_mtime(&file, mtime);
    }
    world.wait(10_000);
}

fn config() -> ProptestConfig {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = HISTORIES;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_lost_catalog_comes_back(history in happenings()) {
        let mut world = begun(&history);
        settle(&world, "news");
        let before = world.rows();
        world.forget();
        prop_assert_eq!(disagreement(&world), Some(Agreement::CatalogBehind));
        let report = world.rebuild().map_err(|error| TestCaseError::fail(in_words(&*error)))?;
        prop_assert!(!report.has_failures() && report.adopted == 0, "{:?}", report);
        prop_assert_eq!(world.unexplained(), None);
        quiet(&world)?;
        let after = world.rows();
        prop_assert_eq!(after.blobs, before.blobs);
        prop_assert_eq!(after.observations, before.observations);
    }

    #[test]
    fn what_was_stored_after_the_last_manifest_is_found(history in happenings()) {
        let mut world = begun(&history);
        let believed: BTreeSet<_> = stored(&world.rows());
        world.forget();
        let report = world.rebuild().map_err(|error| TestCaseError::fail(in_words(&*error)))?;
        prop_assert!(report.damaged_manifests + report.missing_manifests + report.damaged + report.missing == 0, "{:?}", report);
        prop_assert!(stored(&world.rows()).is_superset(&believed));
        prop_assert_eq!(world.violations(), Vec::<String>::new());
        settle(&world, "news");
        quiet(&world)?;
    }

    #[test]
    fn an_older_archive_is_refused_and_repaired(history in happenings(), later in happenings()) {
        let mut world = begun(&history);
        settle(&world, "older");
        let older = world.disk.fork();
        later.iter().for_each(|happening| happen(&world, happening));
        settle(&world, "newer");
        with_older_archive(&mut world, &older);
        let files = world.files_below(ARCHIVE);
        prop_assert_eq!(disagreement(&world), Some(Agreement::ArchiveBehind));
        prop_assert_eq!(world.files_below(ARCHIVE), files, "a refused apply changes nothing");

        let (seen, missing) = world.look_for_damage().map_err(|error| TestCaseError::fail(in_words(&*error)))?;
        prop_assert_eq!(disagreement(&world), Some(Agreement::ArchiveBehind));
        let (report, again) = world.repair().map_err(|error| TestCaseError::fail(in_words(&*error)))?;
        prop_assert_eq!(&again, &missing);
        prop_assert_eq!((report.missing, report.lost, report.missing_views), (seen.missing, seen.lost, seen.missing_views));
        prop_assert_eq!(world.misplaced(), Vec::<String>::new());
        prop_assert_eq!(world.violations(), Vec::<String>::new());
        prop_assert_eq!(world.unexplained(), None);
        world.scan("/photos").unwrap();
        world.apply().unwrap();
        let rows = world.rows();
        let contents = missing.iter().filter_map(|lack| match lack {
            Lack::Content(missing) => Some(missing),
            Lack::View(_) => None,
        });
        for missing in contents.filter(|it| !it.is_lost()) {
            let record = rows.blobs.iter().map(|row| &row.record).find(|record| record.hash == missing.hash).unwrap();
            prop_assert!(record.stored || !is_wanted(&rows, record), "{:?}", missing);
        }
        settle(&world, "repaired");
        quiet(&world)?;
        settle(&world, "at last");
        let before = world.rows();
        world.forget();
        world.rebuild().map_err(|error| TestCaseError::fail(in_words(&*error)))?;
        prop_assert_eq!(world.rows().observations, before.observations);
    }

    #[test]
    fn an_older_catalog_is_refused_and_rebuilt(history in happenings(), later in happenings()) {
        let mut world = begun(&history);
        settle(&world, "older");
        let older = copy(&mut world);
        later.iter().for_each(|happening| happen(&world, happening));
        settle(&world, "newer");
        let before = world.rows();
        world.catalog = older;
        prop_assert_eq!(disagreement(&world), Some(Agreement::CatalogBehind));
        let refused = world.rebuild().unwrap_err();
        prop_assert!(matches!(refused.downcast_ref(), Some(RebuildError::NotEmpty { .. })), "{:?}", refused);
        world.forget();
        world.rebuild().map_err(|error| TestCaseError::fail(in_words(&*error)))?;
        quiet(&world)?;
        prop_assert_eq!(world.rows().observations, before.observations);
    }
}

/// Whether any sighting of a content is to be shown: one about which nobody has decided follows what was decided about the others.
fn is_wanted(rows: &Rows, record: &BlobRecord) -> bool {
    let of_it: Vec<_> = rows.observations.iter().filter(|row| row.hash == record.hash).collect();
    let is_any = |status: Status| of_it.iter().any(|row| row.standing.status == status);
    let is_turned_down = is_any(Status::Ignored) && !is_any(Status::Assigned);
    let is_shown = |status: Status| match status {
        Status::Ignored => false,
        Status::Pending => !is_turned_down,
        Status::Assigned => true,
    };
    record.block.is_none() && of_it.iter().any(|row| row.current && is_shown(row.standing.status))
}

fn stored(rows: &Rows) -> BTreeSet<BlobHash> {
    rows.blobs.iter().filter(|row| row.record.stored).map(|row| row.record.hash).collect()
}

/// A copy of the catalog, as a backup has it.
fn copy(world: &mut World) -> Arc<dyn Repository> {
    let own = Arc::clone(&world.catalog);
    world.forget();
    world.rebuild().unwrap();
    std::mem::replace(&mut world.catalog, own)
}

fn world() -> World {
    let world = World::new();
    world.write("/photos/a.jpg", "a");
    world.write("/photos/b.jpg", "bb");
    settle(&world, "first");
    world.write("/photos/b.jpg", "bbb, newer");
    settle(&world, "second");
    world.write("/photos/c.jpg", "cccc");
    settle(&world, "third");
    world
}

fn manifest(number: u64) -> String {
    format!("{ARCHIVE}/.mama/manifests/{number:010}.jsonl")
}

#[test]
fn an_apply_that_learns_nothing_writes_no_manifest() {
    let world = world();
    let count = || world.files_below(&format!("{ARCHIVE}/.mama/manifests")).len();
    let before = count();
    assert_eq!(before, 3);
    world.scan("/photos").unwrap();
    let report = world.apply().unwrap();
    assert_eq!((report.explained, count()), (0, before));
}

#[test]
fn a_rebuild_may_be_interrupted_anywhere() {
    let before = world().rows();
    let steps = {
        let mut world = world();
        world.forget();
        let begun = world.disk.steps();
        world.rebuild().unwrap();
        world.disk.steps() - begun
    };
    for step in 0..steps {
        let mut world = world();
        world.forget();
        world.disk.inject(world.disk.steps() + step, Fault::Crash);
        drop(world.rebuild());
        world.disk.kill();
        if world.unexplained().is_some() {
            assert_eq!(disagreement(&world), Some(Agreement::CatalogBehind), "step {step}");
            world.rebuild().unwrap();
        }
        assert_eq!(world.unexplained(), None, "step {step}");
        assert_eq!(world.rows(), before, "step {step}");
    }
}

#[test]
fn a_repair_may_be_interrupted_anywhere() {
    let older = {
        let world = World::new();
        world.write("/photos/a.jpg", "a");
        settle(&world, "first");
        world.disk.fork()
    };
    let behind = || {
        let mut world = world();
        with_older_archive(&mut world, &older);
        world
    };
    let steps = {
        let world = behind();
        let begun = world.disk.steps();
        let (report, _) = world.repair().unwrap();
        assert!(report.is_split && report.missing > 0, "{report:?}");
        world.disk.steps() - begun
    };
    for step in 0..steps {
        let world = behind();
        world.disk.inject(world.disk.steps() + step, Fault::Crash);
        drop(world.repair());
        world.disk.reboot(Reboot::LoseUnsynced);
        world.repair().unwrap();
        assert_eq!(world.violations(), Vec::<String>::new(), "step {step}");
        settle(&world, "repaired");
        quiet(&world).unwrap();
    }
}

#[test]
fn a_damaged_manifest_is_named_and_the_rest_comes_back() {
    for damage in ["torn", "one bit", "missing"] {
        let mut world = world();
        let before = world.rows();
        let (file, bytes) = (manifest(2), world.disk.read(manifest(2)));
        world.disk.remove(&file);
        match damage {
            "torn" => world.disk.write(&file, &bytes[..bytes.len() - 20]),
            "one bit" => {
                let mut bytes = bytes;
                let at = bytes.len() - 30;
                bytes[at] ^= 1;
                world.disk.write(&file, bytes);
            }
            _ => {}
        }
        world.forget();
        world.troubles();
        let report = world.rebuild().unwrap();
        assert!(report.has_failures(), "{damage}");
        let named = world.troubles();
        let number = if damage == "missing" { "0000000003" } else { "0000000002" };
        assert!(named.iter().any(|it| it.path.to_string().contains(number)), "{damage}: {named:?}");
        assert_eq!(world.unexplained(), None, "{damage}");
        settle(&world, "rescanned");
        quiet(&world).unwrap();
        let hashes = |rows: &Rows| rows.blobs.iter().map(|row| row.record.hash).collect::<BTreeSet<_>>();
        let after = world.rows();
        assert!(hashes(&after).is_superset(&hashes(&before)), "{damage}");
        settle(&world, "all is said again");
        world.forget();
        assert!(!world.rebuild().unwrap().has_failures(), "{damage}: the manifests were written anew");
    }
}

#[test]
fn a_last_manifest_that_is_damaged_is_refused_and_written_anew() {
    for keep in [10, 400] {
        let mut world = world();
        let bytes = world.disk.read(manifest(3));
        world.disk.remove(manifest(3));
        world.disk.write(manifest(3), &bytes[..keep]);
        if keep == 10 {
            assert!(matches!(world.apply().unwrap_err().downcast_ref(), Some(ApplyError::Manifest(_))));
        }
        let (report, missing) = world.repair().unwrap();
        assert!(report.is_split && missing.is_empty(), "{report:?}");
        settle(&world, "repaired");
        let before = world.rows();
        settle(&world, "again");
        world.forget();
        assert!(!world.rebuild().unwrap().has_failures());
        assert!(world.rows().observations.len() > before.observations.len());
    }
}

#[test]
fn two_histories_of_one_archive_are_told_apart() {
    let mut world = world();
    let older = world.disk.fork();
    let backup = copy(&mut world);
    settle(&world, "one");
    let newer = Arc::clone(&world.catalog);
    with_older_archive(&mut world, &older);
    world.catalog = backup;
    world.write("/photos/another.txt", "another");
    world.scan("/photos").unwrap();
    world.apply().unwrap();
    world.catalog = newer;
    assert_eq!(disagreement(&world), Some(Agreement::Split));
    world.repair().unwrap();
    settle(&world, "one again");
    quiet(&world).unwrap();
}

#[test]
fn contents_that_the_manifests_call_stored_and_that_are_gone_are_stored_again() {
    let mut world = world();
    world.disk.remove(blob_at(hash_of(b"a")));
    let foreign = blob_at(hash_of(b"never seen"));
    world.disk.mkdirs(foreign.rsplit_once('/').unwrap().0);
    world.disk.write(&foreign, "never seen");
    world.disk.chmod(&foreign, 0o444);
    world.forget();
    let report = world.rebuild().unwrap();
    assert_eq!((report.missing, report.adopted), (1, 1), "{report:?}");
    assert_eq!(world.violations(), Vec::<String>::new());
    let apply = world.apply().unwrap();
    assert_eq!(apply.blobs_stored, 1, "{apply:?}");
    quiet(&world).unwrap();
    world.forget();
    assert_eq!(world.rebuild().unwrap().adopted, 0, "the next apply has explained what was adopted");
}
