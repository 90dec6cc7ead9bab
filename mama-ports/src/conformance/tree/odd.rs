//! What is neither a file nor a folder, or not the one that is wanted.

use super::{Bench, content, done, facts, fails, rel, store, tree, under};
use crate::filesystem::FsErrorKind as Kind;
use crate::vocab::FileKind;

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
