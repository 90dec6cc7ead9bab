//! Folders and their listings.

use super::{Bench, content, done, facts, fails, is_there, rel, store, tree, under};
use crate::filesystem::{FsErrorKind as Kind, Listing};
use crate::vocab::{FileKind, FileName, RelPath};

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

/// It is asked of folders.
pub fn a_folder_of_ones_own_may_be_changed(bench: &dyn Bench) {
    let tree = tree(bench);
    done(tree.make_dir(&rel("d")));
    for folder in ["", "d"] {
        done(tree.check_changing(&rel(folder)));
    }
    store(&*tree, &rel("f"), b"x");
    fails(tree.check_changing(&rel("f")), &[Kind::NotDirectory]);
    fails(tree.check_changing(&rel("missing")), &[Kind::NotFound]);
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
