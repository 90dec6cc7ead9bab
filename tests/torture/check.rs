//! Is this archive what mama promises? Reads blobs, views and catalog by itself, and knows nothing of how mama works.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row};

use crate::scale;
use crate::tree::{Lens, Photograph};

/// When is it looked at?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Perhaps in the middle of something: rubbish may lie in `tmp/`, and contents may wait in quarantine.
    Wrecked,
    /// After a run that went through.
    Settled,
}

/// A content that the catalog believes to be stored: hash and size.
type Stored = BTreeMap<String, i64>;

/// What the catalog believes.
struct Beliefs {
    stored: Stored,
    /// View → hash, of what it believes to be placed.
    placed: BTreeMap<PathBuf, BTreeSet<String>>,
}

/// What is wrong with the archive by safety.md's invariants, in words; nothing if all is well.
pub(crate) fn faults(archive: &Path, when: When) -> Vec<String> {
    let mut wrong = Vec::new();
    let blobs = Photograph::of(&archive.join("blobs"), Lens::Contents);
    let views = Photograph::of(&archive.join("views"), Lens::Contents);
    let beliefs = beliefs(archive);

    let mut contents = BTreeMap::new();
    for (path, facts) in blobs.0.iter().filter(|(_, facts)| facts.kind != "folder") {
        let Some(hash) = facts.hash.map(|hash| hash.to_hex().to_string()) else {
            wrong.push(format!("blobs/{path:?} is a {}", facts.kind));
            continue;
        };
        if path.as_path() != Path::new(&format!("{}/{}/{hash}", &hash[..2], &hash[2..4])) {
            wrong.push(format!("I1: blobs/{} holds {} bytes of {hash}", path.display(), facts.size));
        }
        if facts.mode & 0o7777 != 0o444 || !facts.attributes.is_empty() {
            wrong.push(format!("{} is not sealed: {facts:?}", path.display()));
        }
        contents.insert(path.file_name().unwrap().to_string_lossy().into_owned(), facts.size);
    }
    for (hash, size) in &beliefs.stored {
        if contents.get(hash) != Some(size) {
            wrong.push(format!("I2: the catalog believes that {hash} is stored"));
        }
    }
    let shown: BTreeMap<&Path, String> =
        views.files().map(|(path, hash)| (path, hash.to_hex().to_string())).collect();
    for (path, hash) in &shown {
        if !contents.contains_key(hash) {
            wrong.push(format!("I3: views/{path:?} shows {hash}, which is not there"));
        }
    }
    for (view, hashes) in &beliefs.placed {
        let found = view.strip_prefix("views").ok().and_then(|view| shown.get(view));
        if !found.is_some_and(|found| hashes.contains(found)) {
            wrong.push(format!("I3: the catalog believes that {view:?} shows {hashes:?}, not {found:?}"));
        }
    }
    if when == When::Settled {
        for path in Photograph::of(&archive.join("tmp"), Lens::FactsOnly).0.keys() {
            wrong.push(format!("tmp/{path:?} was left behind"));
        }
        if fs::exists(archive.join("quarantine")).unwrap() {
            let aside = Photograph::of(&archive.join("quarantine"), Lens::FactsOnly);
            wrong.extend(aside.0.keys().map(|path| format!("{path:?} is in quarantine")));
        }
    }
    wrong
}

/// Reads a copy, because reading mends a catalog whose writer was killed.
fn beliefs(archive: &Path) -> Beliefs {
    let copy = tempfile::tempdir_in(scale::folder()).unwrap();
    for name in ["catalog.sqlite3", "catalog.sqlite3-wal"] {
        let original = archive.join(".mama").join(name);
        if original.exists() {
            fs::copy(original, copy.path().join(name)).unwrap();
        }
    }
    let catalog = Connection::open(copy.path().join("catalog.sqlite3")).unwrap();
    let problems: String = catalog.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(problems, "ok", "the catalog is damaged");
    let stored = all(&catalog, "SELECT hash, size FROM blobs WHERE storage_path IS NOT NULL", |row| {
        Ok((row.get(0)?, row.get(1)?))
    });
    let mut placed: BTreeMap<PathBuf, BTreeSet<String>> = BTreeMap::new();
    let placements = "SELECT view_path, lower(hex(hash)) FROM observation JOIN blob ON blob.id = blob WHERE placement = 'placed'";
    let view = |row: &Row<'_>| Ok((PathBuf::from(OsString::from_vec(row.get(0)?)), row.get::<_, String>(1)?));
    for (view, hash) in all(&catalog, placements, view) {
        placed.entry(view).or_default().insert(hash);
    }
    Beliefs { stored: stored.into_iter().collect(), placed }
}

fn all<T>(catalog: &Connection, sql: &str, row: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    catalog.prepare(sql).unwrap().query_map([], |found| row(found)).unwrap().map(Result::unwrap).collect()
}

/// What must be shown of a source folder: view below `views/` → hash.
pub(crate) type Views = BTreeMap<PathBuf, blake3::Hash>;

/// By product.md: `views/<source_kind>/<basedir>/<relpath>/<filename>`.
pub(crate) fn expected_views(kind: &str, folder: &Path) -> Views {
    let base = Path::new(kind).join(folder.strip_prefix("/").unwrap());
    let sources = Photograph::of(folder, Lens::Contents);
    sources.files().map(|(path, hash)| (base.join(path), hash)).collect()
}

/// In words, where the archive shows something else.
pub(crate) fn differing_views(archive: &Path, expected: &Views) -> Vec<String> {
    let shown: Views = Photograph::of(&archive.join("views"), Lens::Contents)
        .files()
        .map(|(path, hash)| (path.to_owned(), hash))
        .collect();
    let paths = expected.keys().chain(shown.keys().filter(|path| !expected.contains_key(*path)));
    paths
        .filter(|path| expected.get(*path) != shown.get(*path))
        .map(|path| format!("views/{path:?} shows {:?}, not {:?}", shown.get(path), expected.get(path)))
        .collect()
}

/// All that a quiet run leaves as it is.
pub(crate) fn contents_and_views(archive: &Path) -> Photograph {
    let mut both = Photograph::default();
    for folder in ["blobs", "views", "tmp"] {
        let tree = Photograph::of(&archive.join(folder), Lens::Contents);
        both.0.extend(tree.0.into_iter().map(|(path, facts)| (Path::new(folder).join(path), facts)));
    }
    both
}

/// Where a content lies.
pub(crate) fn blob_of(archive: &Path, content: &[u8]) -> PathBuf {
    let hash = blake3::hash(content).to_hex().to_string();
    archive.join("blobs").join(&hash[..2]).join(&hash[2..4]).join(hash)
}

mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::world::World;

    fn settled() -> World {
        let world = World::new();
        world.write("photos/a.jpg", "a photo");
        world.write("photos/b.jpg", "another photo");
        assert_eq!(world.unsettled(&[("existing", "photos")], &Views::new()), Vec::<String>::new());
        world
    }

    /// Damages an archive, and gives what the checker says.
    fn complaints(damage: impl Fn(&World)) -> Vec<String> {
        let world = settled();
        damage(&world);
        faults(&world.archive(), When::Settled)
    }

    fn rewrite(path: &Path, bytes: &[u8]) {
        fs::set_permissions(path, PermissionsExt::from_mode(0o644)).unwrap();
        fs::write(path, bytes).unwrap();
        fs::set_permissions(path, PermissionsExt::from_mode(0o444)).unwrap();
    }

    fn view_of(world: &World, name: &str) -> PathBuf {
        world
            .archive()
            .join("views/existing")
            .join(world.path("photos").strip_prefix("/").unwrap())
            .join(name)
    }

    /// A checker that cannot fail proves nothing.
    #[test]
    fn the_checker_notices_every_kind_of_damage() {
        let blob = |world: &World| blob_of(&world.archive(), b"a photo");
        type Damage<'a> = (&'a str, Box<dyn Fn(&World) + 'a>);
        let damages: Vec<Damage<'_>> = vec![
            ("holds 7 bytes", Box::new(|world| rewrite(&blob(world), b"a phot0"))),
            ("I2", Box::new(|world| fs::remove_file(blob(world)).unwrap())),
            (
                "is not sealed",
                Box::new(|world| fs::set_permissions(blob(world), PermissionsExt::from_mode(0o644)).unwrap()),
            ),
            ("I3", Box::new(|world| fs::remove_file(view_of(world, "a.jpg")).unwrap())),
            (
                "believes that",
                Box::new(|world| fs::rename(view_of(world, "a.jpg"), view_of(world, "b.jpg")).unwrap()),
            ),
            (
                "which is not there",
                Box::new(|world| fs::write(view_of(world, "c.jpg"), "not from mama").unwrap()),
            ),
            ("left behind", Box::new(|world| fs::write(world.path("archive/tmp/x"), "").unwrap())),
            (
                "quarantine",
                Box::new(|world| {
                    fs::create_dir(world.path("archive/quarantine")).unwrap();
                    fs::write(world.path("archive/quarantine/x"), "").unwrap();
                }),
            ),
        ];
        assert_eq!(complaints(|_| {}), Vec::<String>::new());
        for (word, damage) in damages {
            let complaints = complaints(damage);
            assert!(complaints.iter().any(|complaint| complaint.contains(word)), "{word}: {complaints:?}");
        }
    }

    #[test]
    fn the_checker_notices_what_is_shown_wrongly_and_what_is_not_quiet() {
        let world = settled();
        let views = expected_views("existing", &world.path("photos"));
        assert_eq!(differing_views(&world.archive(), &views), Vec::<String>::new());
        world.write("photos/a.jpg", "edited");
        assert_eq!(
            differing_views(&world.archive(), &expected_views("existing", &world.path("photos"))).len(),
            1
        );
        let before = contents_and_views(&world.archive());
        fs::remove_file(view_of(&world, "b.jpg")).unwrap();
        assert!(!before.differences(&contents_and_views(&world.archive())).is_empty());
    }

    #[test]
    fn a_photograph_shows_every_touch() {
        let world = World::new();
        let path = world.write("photos/a.jpg", "a photo");
        let photograph = || Photograph::of(&world.path("photos"), Lens::Contents);
        type Touch<'a> = Box<dyn Fn() + 'a>;
        let modified = fs::metadata(&path).unwrap().modified().unwrap();
        let touches: Vec<Touch<'_>> = vec![
            Box::new(|| fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap()),
            Box::new(|| fs::hard_link(&path, world.path("outside")).unwrap()),
            Box::new(|| {
                rustix::fs::setxattr(&path, "user.x", b"y", rustix::fs::XattrFlags::empty()).unwrap()
            }),
            Box::new(|| {
                fs::write(&path, "A photo").unwrap();
                fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
            }),
            Box::new(|| fs::rename(&path, path.with_extension("png")).unwrap()),
        ];
        for touch in touches {
            let before = photograph();
            touch();
            assert!(!before.differences(&photograph()).is_empty());
        }
        assert!(photograph().files().all(|(path, _)| path.as_os_str().as_bytes() == b"a.png"));
    }
}
