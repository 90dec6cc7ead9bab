//! Writing through every name of a content: what the archive promises, exactly.
//!
//! - Through a source that was copied, nobody reaches a content, whatever they do.
//! - Through a view, nobody but root writes without first changing the permissions on purpose.
//! - A file that was handed over shares its inode: it is read-only, and who edits it nevertheless changes the content too.
//!   The next scan and apply put that content aside, keep the edit under its own hash, and leave nothing wrong.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::XattrFlags;

use crate::check::{self, When};
use crate::scale;
use crate::tree::{Lens, Photograph};
use crate::world::World;

const EXISTING: (&str, &str) = ("existing", "photos");
const INCOMING: (&str, &str) = ("incoming", "inbox");

/// What somebody does to a file, as a shell says it.
const DEEDS: [(&str, &str); 6] = [
    ("append", "echo more >> \"$1\""),
    ("truncate", ": > \"$1\""),
    ("overwrite in place", "printf X | dd of=\"$1\" conv=notrunc status=none"),
    ("open for both and write", "exec 3<>\"$1\" && printf Y >&3"),
    ("set an attribute", "setfattr -n user.x -v y \"$1\""),
    ("make writable", "chmod u+w,go+w \"$1\""),
];

fn settled() -> World {
    let world = World::new();
    for n in 0..scale::pick(2, 40) {
        for folder in ["photos", "inbox"] {
            world.write(format!("{folder}/{n}.jpg"), format!("{folder}'s {n}"));
        }
    }
    assert_eq!(world.unsettled(&[EXISTING, INCOMING], &check::Views::new()), Vec::<String>::new());
    world
}

fn files(folder: &Path) -> Vec<PathBuf> {
    Photograph::of(folder, Lens::Contents).files().map(|(path, _)| folder.join(path)).collect()
}

fn blobs(world: &World) -> Photograph {
    Photograph::of(&world.path("archive/blobs"), Lens::Contents)
}

/// Does it as the one who runs the tests, or as a user who owns nothing; whether it was allowed.
fn do_it(deed: &str, path: &Path, as_user: bool) -> bool {
    let user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    let words = if as_user { user.as_slice() } else { &["env"] };
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).args(["sh", "-c", deed, "sh"]).arg(path);
    command.output().unwrap().status.success()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[test]
fn nothing_done_to_a_copied_source_reaches_a_content() {
    let world = settled();
    let before = blobs(&world);
    let mut deeds = 0;
    for path in files(&world.path(EXISTING.1)) {
        for (name, deed) in DEEDS {
            assert!(do_it(deed, &path, false) || name == "set an attribute", "{name} {path:?}");
            assert_eq!(before.differences(&blobs(&world)), Vec::<String>::new(), "{name} {path:?}");
            deeds += 1;
        }
    }
    println!("isolation: {deeds} deeds to copied sources, 0 contents touched");
    assert_eq!(world.unsettled(&[EXISTING, INCOMING], &check::Views::new()), Vec::<String>::new());
}

#[test]
fn a_user_reaches_no_content_through_a_view_or_a_file_that_was_handed_over() {
    let world = settled();
    fs::set_permissions(world.root(), PermissionsExt::from_mode(0o755)).unwrap();
    // even where the archive was opened to everybody
    for folder in ["archive", "archive/views", "archive/views/existing", "archive/views/incoming"] {
        fs::set_permissions(world.path(folder), PermissionsExt::from_mode(0o755)).unwrap();
    }
    let before = blobs(&world);
    let names = [files(&world.path("archive/views")), files(&world.path(INCOMING.1))].concat();
    let mut refused = 0;
    for path in &names {
        for (name, deed) in DEEDS {
            // who owns a file may make it writable, and root needs not even that
            if is_root() || name != "make writable" {
                assert!(!do_it(deed, path, is_root()), "{name} {path:?}");
                refused += 1;
            }
        }
    }
    assert_eq!(before.differences(&blobs(&world)), Vec::<String>::new());
    println!("isolation: {refused} deeds through views and handed-over files, all refused");
}

#[test]
fn a_handed_over_file_that_its_owner_edits_is_noticed_by_the_next_scan_and_apply() {
    type Edit = fn(&Path);
    let edits: [(&str, Edit); 4] = [
        ("append", |path| writable(path).write_all_at(b"more", 6).unwrap()),
        ("truncate", |path| writable(path).set_len(0).unwrap()),
        ("overwrite", |path| writable(path).write_all_at(b"X", 0).unwrap()),
        ("set an attribute", |path| {
            drop(writable(path));
            rustix::fs::setxattr(path, "user.x", b"y", XattrFlags::empty()).unwrap_or_default();
        }),
    ];
    for (name, edit) in edits {
        let world = World::new();
        let path = world.write("inbox/song.mp3", "a song");
        assert_eq!(world.unsettled(&[INCOMING], &check::Views::new()), Vec::<String>::new());
        edit(&path);
        world.scan(INCOMING.0, INCOMING.1);
        world.mama(["apply"]);
        let wrong = check::faults(&world.archive(), When::Wrecked);
        let is_content_lost: Vec<&String> =
            wrong.iter().filter(|fault| !fault.contains("not sealed")).collect();
        assert_eq!(is_content_lost, Vec::<&String>::new(), "{name}");
        let expected = check::expected_views(INCOMING.0, &world.path(INCOMING.1));
        assert_eq!(check::differing_views(&world.archive(), &expected), Vec::<String>::new(), "{name}");
        let is_edited = name != "set an attribute";
        assert_eq!(world.path("archive/quarantine").exists(), is_edited, "{name}");
    }
}

#[test]
fn a_program_that_goes_on_writing_to_a_file_that_is_handed_over_reaches_no_content() {
    let world = World::new();
    let contents = ["a download", "a second one"];
    let writers: Vec<File> = contents
        .iter()
        .enumerate()
        .map(|(nth, content)| {
            let path = world.write(format!("inbox/{nth}.part"), content);
            File::options().append(true).open(path).unwrap()
        })
        .collect();
    assert_eq!(world.unsettled(&[INCOMING], &check::Views::new()), Vec::<String>::new());
    let before = blobs(&world);
    assert_eq!(before.files().count(), contents.len());
    for mut writer in &writers {
        writer.write_all(b" goes on").unwrap();
    }
    assert_eq!(before.differences(&blobs(&world)), Vec::<String>::new());
    assert_eq!(check::faults(&world.archive(), When::Settled), Vec::<String>::new());
    drop(writers);
    assert_eq!(world.unsettled(&[INCOMING], &check::Views::new()), Vec::<String>::new());
}

/// A file that was sealed, made writable again by its owner.
fn writable(path: &Path) -> File {
    fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
    File::options().write(true).open(path).unwrap()
}
