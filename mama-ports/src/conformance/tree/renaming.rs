//! Names that move.

use super::{Bench, content, done, facts, fails, is_there, rel, store, tree, under};
use crate::filesystem::FsErrorKind as Kind;
use crate::vocab::FileKind;

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
