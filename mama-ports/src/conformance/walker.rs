//! The promises of the walker port, one function each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use super::tree::{Bench, done, store};
use crate::filesystem::{Entry, FsErrorKind as Kind, WriteTree};
use crate::vocab::{FileKind, FileName, RelPath};
use crate::walker::{KeepAll, Prune, Visited, Walker};

/// Makes a test of each promise. `$bench` is called for a new [`Bench`] each time, and `$walker` with it for the walker to try.
///
/// [`Bench`]: crate::conformance::tree::Bench
#[macro_export]
macro_rules! walker_conformance {
    ($bench:expr, $walker:expr) => {
        $crate::walker_conformance! { @each $bench, $walker;
            every_folder_is_visited_once_and_after_its_parent
            every_entry_is_in_exactly_one_list
            every_folder_says_which_device_it_is_on
            an_empty_root_is_one_folder
            hidden_files_belong_to_the_walk
            symbolic_links_are_not_followed
            a_root_may_be_a_symbolic_link
            awkward_names_come_back_byte_for_byte
            what_is_pruned_is_not_entered
            pruning_is_asked_once_a_folder_about_all_that_is_in_it
            a_folder_that_vanishes_is_reported_and_not_silently_empty
            a_missing_root_is_an_error
            a_file_is_no_root
            a_dropped_walk_stops
            two_walks_at_once_do_not_disturb_each_other
        }
    };
    (@each $bench:expr, $walker:expr; $($promise:ident)+) => {$(
        #[test]
        fn $promise() {
            let bench = $bench();
            $crate::conformance::walker::$promise(&bench, &$walker(&bench));
        }
    )+};
}

fn rel(path: impl Into<Vec<u8>>) -> RelPath {
    RelPath::parse(path).expect("the suite writes valid paths")
}

fn archive(bench: &dyn Bench) -> Arc<dyn WriteTree> {
    done(bench.filesystem().archive(&bench.root()))
}

/// Makes empty files with the folders they need.
fn grow(bench: &dyn Bench, files: &[&str]) {
    let tree = archive(bench);
    for file in files {
        let file = rel(*file);
        let folder = file.parent().unwrap_or_default();
        done(bench.filesystem().make_root(&bench.root().join(&folder)));
        store(&*tree, &file, b"");
    }
}

fn visits(bench: &dyn Bench, walker: &dyn Walker, prune: impl Prune + 'static) -> Vec<Visited> {
    done(walker.walk(&bench.root(), Arc::new(prune))).collect()
}

fn folders(visits: &[Visited]) -> BTreeSet<String> {
    visits.iter().map(|visited| visited.dir.to_string()).collect()
}

fn files(visits: &[Visited]) -> BTreeSet<RelPath> {
    visits.iter().flat_map(|visited| visited.files.iter().map(|(name, _)| visited.dir.join(name))).collect()
}

fn set<T: Ord>(items: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    items.into_iter().collect()
}

/// Leaves out whatever has this name.
struct Without(&'static [u8]);

impl Prune for Without {
    fn keep(&self, _: &RelPath, entries: &[Entry]) -> Vec<bool> {
        entries.iter().map(|entry| entry.name.as_bytes() != self.0).collect()
    }
}

/// In a tree that is wider and deeper than what a walk may run ahead.
pub fn every_folder_is_visited_once_and_after_its_parent(bench: &dyn Bench, walker: &dyn Walker) {
    let paths: Vec<String> = (0..300).map(|n| format!("{}/{}/{n}/f", n % 7, n % 13)).collect();
    let deep = format!("{}f", "d/".repeat(100));
    grow(bench, &paths.iter().map(String::as_str).chain([deep.as_str()]).collect::<Vec<_>>());
    let visits = visits(bench, walker, KeepAll);
    let expected: BTreeSet<RelPath> = paths
        .iter()
        .chain([&deep])
        .flat_map(|path| std::iter::successors(rel(path.as_str()).parent(), RelPath::parent))
        .collect();
    assert_eq!(set(visits.iter().map(|visited| visited.dir.clone())), expected);
    assert_eq!(visits.len(), expected.len());
    let mut seen = BTreeSet::new();
    for visited in &visits {
        assert!(visited.listing.is_ok());
        assert!(visited.dir.parent().is_none_or(|parent| seen.contains(&parent)), "{:?}", visited.dir);
        seen.insert(visited.dir.clone());
    }
    assert_eq!(files(&visits), set(paths.iter().chain([&deep]).map(|path| rel(path.as_str()))));
}

/// Whatever it is, and with its facts if it is a file.
pub fn every_entry_is_in_exactly_one_list(bench: &dyn Bench, walker: &dyn Walker) {
    grow(bench, &["folder/f", "out", "file"]);
    bench.symlink(b"file", &bench.root().join(&rel("link")));
    bench.fifo(&bench.root().join(&rel("fifo")));
    let visits = visits(bench, walker, Without(b"out"));
    let root = visits.iter().find(|visited| visited.dir.is_root()).expect("the root is visited");
    let name = |name: &str| FileName::parse(name).expect("a valid name");
    let facts = done(archive(bench).facts(&rel("file"))).expect("it is there");
    assert_eq!(root.files, [(name("file"), facts)]);
    assert_eq!(root.folders, [name("folder")]);
    assert_eq!(
        BTreeMap::from_iter(root.skipped.iter().cloned()),
        BTreeMap::from([(name("link"), FileKind::Symlink), (name("fifo"), FileKind::Special)])
    );
    assert_eq!(root.pruned, [name("out")]);
    assert!(root.unreadable.is_empty());
}

/// The one that its facts have.
pub fn every_folder_says_which_device_it_is_on(bench: &dyn Bench, walker: &dyn Walker) {
    grow(bench, &["a/b/f", "c/f"]);
    let tree = archive(bench);
    for Visited { dir, device, .. } in visits(bench, walker, KeepAll) {
        assert_eq!(device, done(tree.facts(&dir)).map(|facts| facts.id.device), "{dir}");
    }
}

/// It has a visit like any other.
pub fn an_empty_root_is_one_folder(bench: &dyn Bench, walker: &dyn Walker) {
    let visits = visits(bench, walker, KeepAll);
    assert_eq!((visits.len(), visits[0].dir.is_root(), visits[0].listing.is_ok()), (1, true, true));
}

/// A dot says nothing about whether somebody wants to keep a file.
pub fn hidden_files_belong_to_the_walk(bench: &dyn Bench, walker: &dyn Walker) {
    grow(bench, &[".hidden/.f", ".g"]);
    assert_eq!(files(&visits(bench, walker, KeepAll)), set([rel(".hidden/.f"), rel(".g")]));
}

/// Not even those to folders of the tree itself.
pub fn symbolic_links_are_not_followed(bench: &dyn Bench, walker: &dyn Walker) {
    grow(bench, &["a/f"]);
    bench.symlink(b"..", &bench.root().join(&rel("a/loop")));
    bench.symlink(b"a", &bench.root().join(&rel("b")));
    let visits = visits(bench, walker, KeepAll);
    assert_eq!(folders(&visits), set(["".to_owned(), "a".to_owned()]));
    assert_eq!(visits.iter().map(|visited| visited.skipped.len()).sum::<usize>(), 2);
}

/// The user named it, so it is followed.
pub fn a_root_may_be_a_symbolic_link(bench: &dyn Bench, walker: &dyn Walker) {
    grow(bench, &["real/d/f"]);
    let link = bench.root().join(&rel("link"));
    bench.symlink(b"real", &link);
    let visits: Vec<Visited> = done(walker.walk(&link, Arc::new(KeepAll))).collect();
    assert_eq!(files(&visits), set([rel("d/f")]));
}

/// Of folders and of files.
pub fn awkward_names_come_back_byte_for_byte(bench: &dyn Bench, walker: &dyn Walker) {
    let tree = archive(bench);
    let mut expected = BTreeSet::new();
    for name in [
        b"\xff\xfe".as_slice(),
        b"new\nline",
        b" ",
        b"-rf",
        b"...",
        b"\x1b[2J",
        b"\\",
        &[b'x'; 255],
        &[0xff; 255],
    ] {
        let name = FileName::parse(name).expect("a valid name");
        let folder = RelPath::from(&name);
        done(tree.make_dir(&folder));
        store(&*tree, &folder.join(&name), b"");
        expected.insert(folder.join(&name));
    }
    assert_eq!(files(&visits(bench, walker, KeepAll)), expected);
}

/// Neither a folder nor, because of it, anything below.
pub fn what_is_pruned_is_not_entered(bench: &dyn Bench, walker: &dyn Walker) {
    grow(bench, &["a/no/deep/f", "a/yes/no/f", "no/f", "a/yes/f"]);
    let visits = visits(bench, walker, Without(b"no"));
    assert_eq!(folders(&visits), set(["", "a", "a/yes"].map(str::to_owned)));
    assert_eq!(visits.iter().map(|visited| visited.pruned.len()).sum::<usize>(), 3);
}

/// Each question has every entry of the folder, with its facts, and comes before those about what is below.
pub fn pruning_is_asked_once_a_folder_about_all_that_is_in_it(bench: &dyn Bench, walker: &dyn Walker) {
    #[derive(Clone, Default)]
    struct Asked(Arc<Mutex<Vec<(RelPath, usize)>>>);
    impl Prune for Asked {
        fn keep(&self, dir: &RelPath, entries: &[Entry]) -> Vec<bool> {
            assert!(entries.iter().all(|entry| entry.facts.is_ok()));
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((dir.clone(), entries.len()));
            vec![true; entries.len()]
        }
    }
    grow(bench, &["a/b/f", "a/b/g", "a/f", "c/f"]);
    let asked = Asked::default();
    visits(bench, walker, asked.clone());
    let asked = asked.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    assert_eq!(set(asked.clone()), set([(rel(""), 2), (rel("a"), 2), (rel("a/b"), 2), (rel("c"), 1)]));
    assert_eq!(asked.len(), 4);
    let when = |dir: &str| asked.iter().position(|(asked, _)| *asked == rel(dir));
    assert!(when("") < when("a") && when("a") < when("a/b") && when("") < when("c"));
}

/// A folder that was seen in its parent's listing and cannot be listed itself has a visit that says so.
pub fn a_folder_that_vanishes_is_reported_and_not_silently_empty(bench: &dyn Bench, walker: &dyn Walker) {
    struct Remover(Arc<dyn WriteTree>);
    impl Prune for Remover {
        fn keep(&self, dir: &RelPath, entries: &[Entry]) -> Vec<bool> {
            if dir.is_root() {
                done(self.0.remove_dir(&rel("gone")));
            }
            vec![true; entries.len()]
        }
    }
    grow(bench, &["stays/f"]);
    done(archive(bench).make_dir(&rel("gone")));
    let visits = visits(bench, walker, Remover(archive(bench)));
    let gone = visits.iter().find(|visited| visited.dir == rel("gone")).expect("it is reported");
    assert_eq!(gone.listing.as_ref().map_err(|error| error.kind), Err(Kind::NotFound));
    assert_eq!(gone.device, None);
    assert_eq!((visits.len(), files(&visits)), (3, set([rel("stays/f")])));
}

/// And not an empty walk.
pub fn a_missing_root_is_an_error(bench: &dyn Bench, walker: &dyn Walker) {
    let outcome = walker.walk(&bench.root().join(&rel("missing")), Arc::new(KeepAll));
    assert_eq!(outcome.err().map(|error| error.kind), Some(Kind::NotFound));
}

/// Nor a walk of one.
pub fn a_file_is_no_root(bench: &dyn Bench, walker: &dyn Walker) {
    grow(bench, &["f"]);
    let outcome = walker.walk(&bench.root().join(&rel("f")), Arc::new(KeepAll));
    assert_eq!(outcome.err().map(|error| error.kind), Some(Kind::NotDirectory));
}

/// It asks about no folder afterwards, though there are far more than it may run ahead.
pub fn a_dropped_walk_stops(bench: &dyn Bench, walker: &dyn Walker) {
    #[derive(Clone, Default)]
    struct Counted(Arc<Mutex<usize>>);
    impl Prune for Counted {
        fn keep(&self, _: &RelPath, entries: &[Entry]) -> Vec<bool> {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
            vec![true; entries.len()]
        }
    }
    let paths: Vec<String> = (0..1000).map(|n| format!("{}/{n}/f", n % 10)).collect();
    grow(bench, &paths.iter().map(String::as_str).collect::<Vec<_>>());
    let counted = Counted::default();
    let mut walk = done(walker.walk(&bench.root(), Arc::new(counted.clone())));
    assert!(walk.next().is_some() && walk.next().is_some());
    drop(walk);
    let at_once = *counted.0.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(at_once < 1000, "{at_once} of 1011 folders");
}

/// Each is complete.
pub fn two_walks_at_once_do_not_disturb_each_other(bench: &dyn Bench, walker: &dyn Walker) {
    let paths: Vec<String> = (0..200).map(|n| format!("{n}/f")).collect();
    grow(bench, &paths.iter().map(String::as_str).collect::<Vec<_>>());
    let one = done(walker.walk(&bench.root(), Arc::new(KeepAll)));
    let other = done(walker.walk(&bench.root(), Arc::new(KeepAll)));
    let both: Vec<(Visited, Visited)> = one.zip(other).collect();
    let (one, other): (Vec<Visited>, Vec<Visited>) = both.into_iter().unzip();
    assert_eq!((files(&one).len(), files(&other).len()), (200, 200));
}
