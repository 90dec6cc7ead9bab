//! Files: made, read, sealed.

use std::io::{Read, Write};

use super::{Bench, content, done, facts, fails, is_there, rel, store, tree, under};
use crate::filesystem::FsErrorKind as Kind;

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
