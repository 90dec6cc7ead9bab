//! The promises of the file-system ports, one function each.

use std::io::{Read, Write};
use std::sync::Arc;

use crate::filesystem::{Cloned, Filesystem, Fs, FsErrorKind as Kind, Listing, ReadTree, WriteTree};
use crate::vocab::{AbsPath, FileFacts, FileKind, FileName, RelPath};

/// A file system to try, and what the port itself cannot do to it.
pub trait Bench {
    /// What is tried.
    fn filesystem(&self) -> Arc<dyn Filesystem>;
    /// An empty folder, for this bench alone.
    fn root(&self) -> AbsPath;
    /// Makes a symbolic link.
    fn symlink(&self, target: &[u8], at: &AbsPath);
    /// Makes a FIFO.
    fn fifo(&self, at: &AbsPath);
}

/// Makes a test of each promise. `$bench` is called for a new [`Bench`](conformance::tree::Bench) each time.
///
/// [`Bench`]: crate::conformance::tree::Bench
#[macro_export]
macro_rules! tree_conformance {
    ($bench:expr) => {
        $crate::tree_conformance! { @each $bench;
            a_file_holds_what_was_written
            a_new_file_is_closed_to_strangers
            creating_takes_a_name_that_is_free
            a_file_is_there_before_it_is_finished
            reading_starts_again_after_a_rewind
            linking_never_replaces
            hard_links_share_one_inode
            linking_and_unlinking_move_the_ctime
            unlinking_one_name_leaves_the_others
            an_open_file_outlives_its_name
            a_link_from_an_open_file_ignores_what_its_name_means_by_now
            a_file_that_somebody_writes_is_not_linked
            a_clone_has_the_content_and_an_inode_of_its_own_or_leaves_nothing
            a_device_from_which_one_file_cannot_be_cloned_gives_none
            renaming_replaces_a_file
            renaming_between_two_names_of_one_inode_does_nothing
            a_name_moves_to_a_new_one_and_replaces_nothing
            renaming_a_folder_moves_what_is_in_it
            a_folder_does_not_move_into_itself
            renaming_does_not_mix_files_and_folders
            renaming_does_not_replace_a_folder_that_holds_something
            unlinking_refuses_a_folder
            removing_refuses_what_is_not_an_empty_folder
            a_folder_needs_the_one_above_it_and_a_free_name
            a_new_folder_is_closed_to_strangers
            facts_of_what_is_missing_are_none
            the_root_has_facts
            a_symbolic_link_is_itself
            a_symbolic_link_in_the_middle_is_refused
            a_symbolic_link_to_the_outside_is_refused
            a_fifo_is_not_opened
            a_folder_is_not_opened
            a_listing_is_complete_and_keeps_odd_names
            a_listing_says_what_each_entry_is
            only_a_folder_is_listed
            paths_may_be_longer_than_the_kernel_takes_at_once
            sealing_makes_a_file_read_only_for_everybody
            what_is_sealed_is_what_was_opened
            a_lock_excludes_others_until_it_is_dropped
            what_is_there_can_be_synced
            what_is_missing_cannot_be_synced
            a_missing_root_is_made_with_those_above_it
            a_root_must_be_a_folder
            a_root_may_lead_through_links
        }
    };
    (@each $bench:expr; $($promise:ident)+) => {$(
        #[test]
        fn $promise() {
            $crate::conformance::tree::$promise(&$bench());
        }
    )+};
}

fn rel(path: impl Into<Vec<u8>>) -> RelPath {
    RelPath::parse(path).expect("the suite writes valid paths")
}

fn under(bench: &dyn Bench, path: &str) -> AbsPath {
    bench.root().join(&rel(path))
}

fn tree(bench: &dyn Bench) -> Arc<dyn WriteTree> {
    done(bench.filesystem().archive(&bench.root()))
}

#[track_caller]
pub(super) fn done<T>(outcome: Fs<T>) -> T {
    outcome.unwrap_or_else(|error| panic!("{error}: {}", error.source))
}

#[track_caller]
fn fails<T>(outcome: Fs<T>, expected: &[Kind]) {
    let kind = outcome.err().expect("this must fail").kind;
    assert!(expected.contains(&kind), "it failed as {kind:?}, and not as one of {expected:?}");
}

#[track_caller]
pub(super) fn store(tree: &dyn WriteTree, at: &RelPath, bytes: &[u8]) {
    let mut file = done(tree.create(at));
    file.write_all(bytes).expect("a few bytes can be written");
    done(file.finish());
}

#[track_caller]
fn content(tree: &dyn ReadTree, at: &RelPath) -> Vec<u8> {
    let mut bytes = Vec::new();
    done(tree.open(at)).read_to_end(&mut bytes).expect("what was opened can be read");
    bytes
}

#[track_caller]
fn facts(tree: &dyn ReadTree, at: &RelPath) -> FileFacts {
    done(tree.facts(at)).expect("it is there")
}

#[track_caller]
fn is_there(tree: &dyn ReadTree, at: &RelPath) -> bool {
    done(tree.facts(at)).is_some()
}

/// What was written is read again, however large the pieces.
pub fn a_file_holds_what_was_written(bench: &dyn Bench) {
    let tree = tree(bench);
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut file = done(tree.create(&rel("f")));
    for piece in bytes.chunks(70_001) {
        file.write_all(piece).expect("there is room");
    }
    let finished = done(file.finish());
    assert_eq!(finished, facts(&*tree, &rel("f")));
    assert_eq!((finished.size, finished.links, finished.owned), (1_200_000, 1, true));
    assert!(content(&*tree, &rel("f")) == bytes);
    store(&*tree, &rel("empty"), b"");
    assert_eq!(content(&*tree, &rel("empty")), b"");
}

/// Nobody but the owner gets at a file that is being made.
pub fn a_new_file_is_closed_to_strangers(bench: &dyn Bench) {
    let tree = tree(bench);
    let file = done(tree.create(&rel("f")));
    assert_eq!(facts(&*tree, &rel("f")).mode & 0o077, 0);
    done(file.finish());
}

/// Whatever has the name: it stays, and nothing is made.
pub fn creating_takes_a_name_that_is_free(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("file"), b"old");
    done(tree.make_dir(&rel("folder")));
    bench.symlink(b"nowhere", &under(bench, "link"));
    for taken in ["file", "folder", "link", ""] {
        fails(tree.create(&rel(taken)), &[Kind::AlreadyExists]);
    }
    assert_eq!(content(&*tree, &rel("file")), b"old");
    assert!(!is_there(&*tree, &rel("nowhere")));
    fails(tree.create(&rel("missing/f")), &[Kind::NotFound]);
    fails(tree.create(&rel("file/f")), &[Kind::NotDirectory]);
}

/// The name is there from the start: who wants all or nothing must link or rename.
pub fn a_file_is_there_before_it_is_finished(bench: &dyn Bench) {
    let tree = tree(bench);
    let mut file = done(tree.create(&rel("f")));
    file.write_all(b"half").expect("there is room");
    assert_eq!(content(&*tree, &rel("f")), b"half");
    drop(file);
    assert!(is_there(&*tree, &rel("f")));
}

/// A handle can be read more than once, and knows its file.
pub fn reading_starts_again_after_a_rewind(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("f"), b"content");
    let mut file = done(tree.open(&rel("f")));
    let mut first = [0; 3];
    file.read_exact(&mut first).expect("it has three bytes");
    file.rewind().expect("a file can be rewound");
    let mut all = String::new();
    file.read_to_string(&mut all).expect("it is text");
    assert_eq!((&first, all.as_str()), (b"con", "content"));
    assert_eq!(done(file.facts()), facts(&*tree, &rel("f")));
}

/// A name that is taken by anything stays what it is.
pub fn linking_never_replaces(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"a");
    store(&*tree, &rel("b"), b"b");
    done(tree.make_dir(&rel("folder")));
    let open = done(tree.open(&rel("a")));
    for taken in ["a", "b", "folder"] {
        fails(tree.link(&rel("a"), &rel(taken)), &[Kind::AlreadyExists]);
        fails(tree.link_from(&*open, &rel(taken)), &[Kind::AlreadyExists]);
    }
    assert_eq!(content(&*tree, &rel("b")), b"b");
    assert_eq!(facts(&*tree, &rel("a")).links, 1);
    fails(tree.link(&rel("missing"), &rel("c")), &[Kind::NotFound]);
    fails(tree.link(&rel("a"), &rel("missing/c")), &[Kind::NotFound]);
}

/// One inode, and it knows how many names it has.
pub fn hard_links_share_one_inode(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"a");
    done(tree.link(&rel("a"), &rel("b")));
    let (a, b) = (facts(&*tree, &rel("a")), facts(&*tree, &rel("b")));
    assert_eq!(a, b);
    assert_eq!(a.links, 2);
    store(&*tree, &rel("c"), b"a");
    assert_ne!(facts(&*tree, &rel("c")).id, a.id);
}

/// The ctime never goes back, and whoever relies on it sees that a name came or went.
pub fn linking_and_unlinking_move_the_ctime(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"a");
    let before = facts(&*tree, &rel("a"));
    wait_for_a_new_tick(&*tree);
    done(tree.link(&rel("a"), &rel("b")));
    let linked = facts(&*tree, &rel("a"));
    wait_for_a_new_tick(&*tree);
    done(tree.unlink(&rel("b")));
    let unlinked = facts(&*tree, &rel("a"));
    assert!(before.ctime < linked.ctime && linked.ctime < unlinked.ctime);
    assert_eq!(before.mtime, unlinked.mtime);
}

/// Makes files until the clock that stamps them has moved.
fn wait_for_a_new_tick(tree: &dyn WriteTree) {
    let stamp = || {
        store(tree, &rel("tick"), b"");
        let stamp = facts(tree, &rel("tick")).ctime;
        done(tree.unlink(&rel("tick")));
        stamp
    };
    let first = stamp();
    while stamp() == first {}
}

/// Taking one name away does nothing to the content.
pub fn unlinking_one_name_leaves_the_others(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"a");
    done(tree.link(&rel("a"), &rel("b")));
    done(tree.unlink(&rel("a")));
    assert!(!is_there(&*tree, &rel("a")));
    assert_eq!((content(&*tree, &rel("b")), facts(&*tree, &rel("b")).links), (b"a".to_vec(), 1));
    fails(tree.unlink(&rel("a")), &[Kind::NotFound]);
}

/// What is open is read to its end, whatever happens to the name.
pub fn an_open_file_outlives_its_name(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"content");
    let mut open = done(tree.open(&rel("a")));
    done(tree.unlink(&rel("a")));
    let mut bytes = Vec::new();
    open.read_to_end(&mut bytes).expect("it is open");
    assert_eq!((bytes.as_slice(), done(open.facts()).links), (b"content".as_slice(), 0));
    fails(tree.link_from(&*open, &rel("b")), &[Kind::NotFound]);
}

/// A swapped name is no way to have the wrong file linked.
pub fn a_link_from_an_open_file_ignores_what_its_name_means_by_now(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"opened");
    let open = done(tree.open(&rel("a")));
    done(tree.rename(&rel("a"), &rel("elsewhere")));
    store(&*tree, &rel("a"), b"swapped");
    done(tree.link_from(&*open, &rel("b")));
    assert_eq!(content(&*tree, &rel("b")), b"opened");
    assert_eq!(facts(&*tree, &rel("b")).id, facts(&*tree, &rel("elsewhere")).id);
}

/// Whoever has it open could change the content under its name.
pub fn a_file_that_somebody_writes_is_not_linked(bench: &dyn Bench) {
    let tree = tree(bench);
    let mut writer = done(tree.create(&rel("a")));
    writer.write_all(b"half").expect("there is room");
    let open = done(tree.open(&rel("a")));
    fails(tree.link_from(&*open, &rel("b")), &[Kind::Unsupported]);
    assert!(!is_there(&*tree, &rel("b")));
    done(writer.finish());
    done(tree.link_from(&*open, &rel("b")));
}

/// Either a copy that goes its own way, or a refusal without a trace; never a file that was there before.
pub fn a_clone_has_the_content_and_an_inode_of_its_own_or_leaves_nothing(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), &[7; 10_000]);
    store(&*tree, &rel("taken"), b"old");
    let open = done(tree.open(&rel("a")));
    fails(tree.reflink_from(&*open, &rel("taken")), &[Kind::AlreadyExists, Kind::Unsupported]);
    assert_eq!(content(&*tree, &rel("taken")), b"old");
    match tree.reflink_from(&*open, &rel("b")) {
        Ok(Cloned::Shared | Cloned::MayBeCopied) => {
            assert_eq!(content(&*tree, &rel("b")), [7; 10_000]);
            assert_ne!(facts(&*tree, &rel("b")).id, facts(&*tree, &rel("a")).id);
        }
        Err(error) => {
            assert!(matches!(error.kind, Kind::Unsupported | Kind::CrossDevice), "{error:?}");
            assert!(!is_there(&*tree, &rel("b")));
        }
    }
}

/// Whoever was told once that it cannot be need not ask for the next file.
pub fn a_device_from_which_one_file_cannot_be_cloned_gives_none(bench: &dyn Bench) {
    let tree = tree(bench);
    let kinds: Vec<Option<Kind>> = [b"".as_slice(), b"x", &[7; 100_000]]
        .iter()
        .enumerate()
        .map(|(nth, bytes)| {
            let (from, to) = (rel(format!("from {nth}")), rel(format!("to {nth}")));
            store(&*tree, &from, bytes);
            let cloned = tree.reflink_from(&*done(tree.open(&from)), &to);
            cloned.err().map(|error| error.kind)
        })
        .collect();
    assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{kinds:?}");
}

/// The old content is gone in one step, and the old name.
pub fn renaming_replaces_a_file(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"new");
    store(&*tree, &rel("b"), b"old");
    done(tree.rename(&rel("a"), &rel("b")));
    assert_eq!(content(&*tree, &rel("b")), b"new");
    assert!(!is_there(&*tree, &rel("a")));
    fails(tree.rename(&rel("a"), &rel("b")), &[Kind::NotFound]);
    fails(tree.rename(&rel("b"), &rel("missing/b")), &[Kind::NotFound]);
}

/// Both names stay: who wants one gone must unlink it.
pub fn renaming_between_two_names_of_one_inode_does_nothing(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"a");
    done(tree.link(&rel("a"), &rel("b")));
    done(tree.rename(&rel("a"), &rel("b")));
    done(tree.rename(&rel("a"), &rel("a")));
    assert_eq!((facts(&*tree, &rel("a")).links, facts(&*tree, &rel("b")).links), (2, 2));
}

/// Whatever has the name keeps it, and so does what should have got it.
pub fn a_name_moves_to_a_new_one_and_replaces_nothing(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"a");
    store(&*tree, &rel("b"), b"b");
    done(tree.link(&rel("a"), &rel("same")));
    done(tree.make_dir(&rel("folder")));
    bench.symlink(b"nowhere", &under(bench, "symlink"));
    for taken in ["a", "b", "same", "folder", "symlink"] {
        fails(tree.rename_new(&rel("a"), &rel(taken)), &[Kind::AlreadyExists]);
    }
    assert_eq!((content(&*tree, &rel("a")), content(&*tree, &rel("b"))), (b"a".to_vec(), b"b".to_vec()));
    let before = facts(&*tree, &rel("a"));
    done(tree.rename_new(&rel("a"), &rel("folder/new")));
    assert!(!is_there(&*tree, &rel("a")));
    let after = facts(&*tree, &rel("folder/new"));
    assert_eq!((after.id, after.links), (before.id, before.links));
    fails(tree.rename_new(&rel("a"), &rel("c")), &[Kind::NotFound]);
    fails(tree.rename_new(&rel("b"), &rel("missing/b")), &[Kind::NotFound]);
}

/// A folder moves as a whole.
pub fn renaming_a_folder_moves_what_is_in_it(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("a")));
    done(tree.make_dir(&rel("to")));
    done(tree.make_dir(&rel("to/empty")));
    store(&*tree, &rel("a/f"), b"x");
    done(tree.rename(&rel("a"), &rel("to/empty")));
    assert_eq!(content(&*tree, &rel("to/empty/f")), b"x");
    assert!(!is_there(&*tree, &rel("a")));
}

/// That would cut it off from the root.
pub fn a_folder_does_not_move_into_itself(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("a")));
    done(tree.make_dir(&rel("a/b")));
    fails(tree.rename(&rel("a"), &rel("a/b/c")), &[Kind::Other]);
    fails(tree.rename(&rel(""), &rel("a/c")), &[Kind::Other]);
    assert!(is_there(&*tree, &rel("a/b")));
}

/// A file does not replace a folder, nor a folder a file.
pub fn renaming_does_not_mix_files_and_folders(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("file"), b"x");
    done(tree.make_dir(&rel("folder")));
    fails(tree.rename(&rel("file"), &rel("folder")), &[Kind::IsDirectory]);
    fails(tree.rename(&rel("folder"), &rel("file")), &[Kind::NotDirectory]);
    assert_eq!(content(&*tree, &rel("file")), b"x");
    assert_eq!(facts(&*tree, &rel("folder")).kind, FileKind::Directory);
}

/// A full folder is never lost to a rename.
pub fn renaming_does_not_replace_a_folder_that_holds_something(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("a")));
    done(tree.make_dir(&rel("full")));
    store(&*tree, &rel("full/f"), b"x");
    fails(tree.rename(&rel("a"), &rel("full")), &[Kind::NotEmpty]);
    assert_eq!(content(&*tree, &rel("full/f")), b"x");
}

/// A folder is not a file's name.
pub fn unlinking_refuses_a_folder(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("d")));
    fails(tree.unlink(&rel("d")), &[Kind::IsDirectory]);
    fails(tree.unlink(&rel("")), &[Kind::IsDirectory]);
    assert!(is_there(&*tree, &rel("d")));
}

/// Only an empty folder goes.
pub fn removing_refuses_what_is_not_an_empty_folder(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("d")));
    store(&*tree, &rel("d/f"), b"x");
    fails(tree.remove_dir(&rel("d")), &[Kind::NotEmpty]);
    fails(tree.remove_dir(&rel("d/f")), &[Kind::NotDirectory]);
    fails(tree.remove_dir(&rel("missing")), &[Kind::NotFound]);
    done(tree.unlink(&rel("d/f")));
    done(tree.remove_dir(&rel("d")));
    assert!(!is_there(&*tree, &rel("d")));
}

/// Folders are made one at a time.
pub fn a_folder_needs_the_one_above_it_and_a_free_name(bench: &dyn Bench) {
    let tree = tree(bench);
    fails(tree.make_dir(&rel("a/b")), &[Kind::NotFound]);
    done(tree.make_dir(&rel("a")));
    done(tree.make_dir(&rel("a/b")));
    for taken in ["a", "a/b", ""] {
        fails(tree.make_dir(&rel(taken)), &[Kind::AlreadyExists]);
    }
}

/// 0750, or less if the user's umask says so.
pub fn a_new_folder_is_closed_to_strangers(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("d")));
    assert_eq!(facts(&*tree, &rel("d")).mode & !0o750, 0);
}

/// Nothing there is no error, also below what is no folder.
pub fn facts_of_what_is_missing_are_none(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("f"), b"x");
    for missing in ["missing", "missing/below", "f/below"] {
        assert!(!is_there(&*tree, &rel(missing)), "{missing}");
        assert!(tree.open(&rel(missing)).err().is_some_and(|error| error.is_not_found()), "{missing}");
    }
}

/// It is a folder like any other.
pub fn the_root_has_facts(bench: &dyn Bench) {
    let tree = tree(bench);
    assert_eq!(facts(&*tree, &RelPath::root()).kind, FileKind::Directory);
}

/// It is seen, renamed and removed as what it is, and never opened.
pub fn a_symbolic_link_is_itself(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("target"), b"x");
    bench.symlink(b"target", &under(bench, "link"));
    assert_eq!(facts(&*tree, &rel("link")).kind, FileKind::Symlink);
    fails(tree.open(&rel("link")), &[Kind::Escape, Kind::NotRegular]);
    fails(tree.list(&rel("link")), &[Kind::Escape, Kind::NotDirectory]);
    done(tree.rename(&rel("link"), &rel("moved")));
    done(tree.unlink(&rel("moved")));
    assert_eq!(content(&*tree, &rel("target")), b"x");
}

/// No call goes through it, whatever it points to.
pub fn a_symbolic_link_in_the_middle_is_refused(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("folder")));
    store(&*tree, &rel("folder/f"), b"x");
    bench.symlink(b"folder", &under(bench, "link"));
    let refused = [Kind::Escape, Kind::NotDirectory];
    let (through, new) = (rel("link/f"), rel("link/new"));
    fails(tree.open(&through), &refused);
    fails(tree.create(&new), &refused);
    fails(tree.make_dir(&new), &refused);
    fails(tree.link(&rel("folder/f"), &new), &refused);
    fails(tree.rename(&rel("folder/f"), &new), &refused);
    fails(tree.unlink(&through), &refused);
    fails(tree.lock(&new), &refused);
    fails(tree.sync_dir(&rel("link")), &refused);
    match tree.facts(&through) {
        Ok(facts) => assert_eq!(facts, None),
        Err(error) => assert_eq!(error.kind, Kind::Escape),
    }
    assert_eq!(done(tree.list(&rel("folder"))).len(), 1);
}

/// Neither upwards nor from `/`.
pub fn a_symbolic_link_to_the_outside_is_refused(bench: &dyn Bench) {
    let fs = bench.filesystem();
    done(fs.make_root(&under(bench, "outside")));
    done(fs.make_root(&under(bench, "inside")));
    store(&*tree(bench), &rel("outside/f"), b"x");
    bench.symlink(b"../outside", &under(bench, "inside/up"));
    bench.symlink(under(bench, "outside").as_bytes(), &under(bench, "inside/absolute"));
    let inside = done(fs.archive(&under(bench, "inside")));
    for way in ["up/f", "absolute/f"] {
        fails(inside.open(&rel(way)), &[Kind::Escape, Kind::NotDirectory]);
        fails(inside.unlink(&rel(way)), &[Kind::Escape, Kind::NotDirectory]);
    }
}

/// Opening one would wait for a writer for ever.
pub fn a_fifo_is_not_opened(bench: &dyn Bench) {
    let tree = tree(bench);
    bench.fifo(&under(bench, "fifo"));
    assert_eq!(facts(&*tree, &rel("fifo")).kind, FileKind::Special);
    fails(tree.open(&rel("fifo")), &[Kind::NotRegular]);
}

/// A folder is listed, and not read.
pub fn a_folder_is_not_opened(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("d")));
    fails(tree.open(&rel("d")), &[Kind::NotRegular]);
    fails(tree.open(&rel("")), &[Kind::NotRegular]);
}

/// Every name, byte for byte, and no `.` or `..`.
pub fn a_listing_is_complete_and_keeps_odd_names(bench: &dyn Bench) {
    let tree = tree(bench);
    assert!(done(tree.list(&RelPath::root())).is_empty());
    let mut names: Vec<Vec<u8>> =
        [b"\xff\xfe".as_slice(), b"new\nline", b" ", b"-rf", b".hidden", b"...", b"\x1b[2J", b"\\"]
            .into_iter()
            .map(<[u8]>::to_vec)
            .chain([vec![b'x'; 255], vec![0xff; 255]])
            .chain(
                (0..500)
                    .map(|number| format!("a name long enough to need several calls {number}").into_bytes()),
            )
            .collect();
    done(tree.make_dir(&rel("d")));
    for name in &names {
        store(&*tree, &rel("d").join(&FileName::parse(name.as_slice()).expect("a valid name")), name);
    }
    let mut listed: Vec<Vec<u8>> =
        done(tree.list(&rel("d"))).iter().map(|entry| entry.name.as_bytes().to_vec()).collect();
    listed.sort();
    names.sort();
    assert!(listed == names, "{} of {} names", listed.len(), names.len());
    assert_eq!(content(&*tree, &rel(b"d/\xff\xfe".as_slice())), b"\xff\xfe");
}

/// The facts are those that asking for each gives.
pub fn a_listing_says_what_each_entry_is(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("file"), b"xyz");
    done(tree.make_dir(&rel("folder")));
    bench.symlink(b"file", &under(bench, "link"));
    bench.fifo(&under(bench, "fifo"));
    let Listing { device, entries: listed } = done(tree.listing(&RelPath::root()));
    assert_eq!((listed.len(), device), (4, facts(&*tree, &RelPath::root()).id.device));
    for entry in listed {
        assert_eq!(done(entry.facts), facts(&*tree, &(&entry.name).into()));
    }
}

/// Anything else is an error, and no empty listing.
pub fn only_a_folder_is_listed(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("f"), b"x");
    fails(tree.list(&rel("f")), &[Kind::NotDirectory]);
    fails(tree.list(&rel("f/below")), &[Kind::NotDirectory]);
    fails(tree.list(&rel("missing")), &[Kind::NotFound]);
}

/// Every call takes a path of any length.
pub fn paths_may_be_longer_than_the_kernel_takes_at_once(bench: &dyn Bench) {
    let tree = tree(bench);
    let name = FileName::parse("d".repeat(250)).expect("a valid name");
    let mut deep = RelPath::root();
    for _ in 0..40 {
        deep = deep.join(&name);
        done(tree.make_dir(&deep));
    }
    let file = deep.join_path(&rel("f"));
    let other = deep.join_path(&rel("g"));
    store(&*tree, &file, b"deep");
    done(tree.link(&file, &other));
    done(tree.rename(&other, &rel("up")));
    done(tree.seal(&*done(tree.open(&file))));
    done(tree.sync_file(&file));
    done(tree.sync_dir(&deep));
    assert_eq!((content(&*tree, &file), content(&*tree, &rel("up"))), (b"deep".to_vec(), b"deep".to_vec()));
    assert_eq!(done(tree.list(&deep)).len(), 1);
    done(tree.unlink(&file));
    while !deep.is_root() {
        done(tree.remove_dir(&deep));
        deep = deep.parent().unwrap_or_default();
    }
}

/// 0444, with the same content and time.
pub fn sealing_makes_a_file_read_only_for_everybody(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("f"), b"x");
    let before = facts(&*tree, &rel("f"));
    let file = done(tree.open(&rel("f")));
    done(tree.seal(&*file));
    done(tree.seal(&*file));
    let sealed = facts(&*tree, &rel("f"));
    assert_eq!((sealed.mode, sealed.mtime, sealed.id), (0o444, before.mtime, before.id));
    assert_eq!(content(&*tree, &rel("f")), b"x");
    done(tree.unlink(&rel("f")));
}

/// A swapped name is no way to have the wrong file sealed.
pub fn what_is_sealed_is_what_was_opened(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("a"), b"opened");
    let open = done(tree.open(&rel("a")));
    done(tree.rename(&rel("a"), &rel("elsewhere")));
    store(&*tree, &rel("a"), b"swapped");
    let swapped = facts(&*tree, &rel("a"));
    done(tree.seal(&*open));
    assert_eq!(facts(&*tree, &rel("elsewhere")).mode, 0o444);
    assert_eq!(facts(&*tree, &rel("a")), swapped);
}

/// Also within one process, and through another tree.
pub fn a_lock_excludes_others_until_it_is_dropped(bench: &dyn Bench) {
    let (first, second) = (tree(bench), tree(bench));
    let held = done(first.lock(&rel("lock")));
    let elsewhere = done(second.lock(&rel("elsewhere")));
    fails(first.lock(&rel("lock")), &[Kind::Locked]);
    fails(second.lock(&rel("lock")), &[Kind::Locked]);
    drop(held);
    drop(done(second.lock(&rel("lock"))));
    drop(elsewhere);
    assert!(is_there(&*first, &rel("lock")));
}

/// A sync changes nothing that can be seen.
pub fn what_is_there_can_be_synced(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("d")));
    store(&*tree, &rel("d/f"), b"x");
    done(tree.seal(&*done(tree.open(&rel("d/f")))));
    let before = facts(&*tree, &rel("d/f"));
    done(tree.sync_file(&rel("d/f")));
    done(tree.sync_dir(&rel("d")));
    done(tree.sync_dir(&RelPath::root()));
    done(tree.sync_all());
    assert_eq!(facts(&*tree, &rel("d/f")), before);
}

/// A mistaken path is not taken for safety.
pub fn what_is_missing_cannot_be_synced(bench: &dyn Bench) {
    let tree = tree(bench);
    store(&*tree, &rel("f"), b"x");
    fails(tree.sync_file(&rel("missing")), &[Kind::NotFound]);
    fails(tree.sync_dir(&rel("missing")), &[Kind::NotFound]);
    fails(tree.sync_dir(&rel("f")), &[Kind::NotDirectory]);
}

/// And one that is there is left as it is.
pub fn a_missing_root_is_made_with_those_above_it(bench: &dyn Bench) {
    let fs = bench.filesystem();
    let root = under(bench, "new/er/root");
    fails(fs.archive(&root), &[Kind::NotFound]);
    done(fs.make_root(&root));
    let made = done(fs.archive(&root));
    assert_eq!(facts(&*made, &RelPath::root()).mode & !0o750, 0);
    store(&*made, &rel("f"), b"x");
    done(fs.make_root(&root));
    assert_eq!(content(&*done(fs.source(&root)), &rel("f")), b"x");
}

/// A file is no root, and nothing is made of it.
pub fn a_root_must_be_a_folder(bench: &dyn Bench) {
    let fs = bench.filesystem();
    store(&*tree(bench), &rel("f"), b"x");
    let file = under(bench, "f");
    fails(fs.source(&file).map(drop), &[Kind::NotDirectory]);
    fails(fs.archive(&file).map(drop), &[Kind::NotDirectory]);
    fails(fs.make_root(&file), &[Kind::NotDirectory, Kind::AlreadyExists]);
    fails(fs.source(&under(bench, "missing")).map(drop), &[Kind::NotFound]);
}

/// The user named it, so it is followed.
pub fn a_root_may_lead_through_links(bench: &dyn Bench) {
    let fs = bench.filesystem();
    done(fs.make_root(&under(bench, "real/folder")));
    store(&*tree(bench), &rel("real/folder/f"), b"x");
    bench.symlink(b"real", &under(bench, "link"));
    assert_eq!(content(&*done(fs.source(&under(bench, "link/folder"))), &rel("f")), b"x");
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_promise_is_in_its_macro() {
        for suite in [include_str!("tree.rs"), include_str!("walker.rs")] {
            let promises = suite.lines().filter_map(|line| line.strip_prefix("pub fn ")?.split('(').next());
            assert!(promises.clone().count() > 9);
            for promise in promises {
                assert!(suite.lines().any(|line| line.trim() == promise), "{promise} is in no macro");
            }
        }
    }
}
