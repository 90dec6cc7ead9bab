//! A tree as a whole: its root, its locks, its syncs.

use super::{Bench, content, done, facts, fails, is_there, rel, store, tree, under};
use crate::filesystem::FsErrorKind as Kind;
use crate::vocab::RelPath;

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
