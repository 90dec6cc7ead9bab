//! Further names of an inode, and clones.

use std::io::Write;

use super::{Bench, content, done, facts, fails, is_there, rel, store, tree};
use crate::filesystem::{Cloned, FsErrorKind as Kind, WriteTree};

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
