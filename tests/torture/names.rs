//! Hostile names: every byte comes through from the source to the catalog to the view, and none leads out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;

use fastrand::Rng;
use rusqlite::Connection;
use rustix::fs::{CWD, Mode, OFlags};

use crate::check;
use crate::scale;
use crate::tree::{Lens, Photograph};
use crate::world::World;

/// What a file may be called, and what a program may trip over.
const AWKWARD: &[&[u8]] = &[
    b"...",
    b".. ",
    b"..\\..\\etc",
    b"%2e%2e%2f",
    b"..\xe2\x80\xae",
    b" leading and trailing ",
    b"-rf",
    b"--json",
    b"-",
    b"~",
    b"$(touch x)",
    b"`touch x`",
    b"a;b|c&d>e",
    b"'\"",
    b"*?[a-z]{b,c}",
    b"#comment",
    b"!negated",
    b"\\",
    b"\\x41",
    b"line\nfeed",
    b"\n",
    b"\r\n",
    b"\t",
    b"\x1b[2J\x1b]0;title\x07",
    b"\x7f",
    b"\xff\xfe",
    b"\xc0\xaf..",
    b"\xed\xa0\x80",
    b"caf\xc3\xa9",
    b"cafe\xcc\x81",
    b"CAFE",
    b"cafe",
    "עברית.jpg".as_bytes(),
    "\u{202e}gpj.exe".as_bytes(),
    "👩‍👩‍👧‍👦.jpg".as_bytes(),
    "ﬁ".as_bytes(),
    "ſ".as_bytes(),
    "İi̇ıI".as_bytes(),
    "\u{feff}bom".as_bytes(),
    "nul\u{2400}".as_bytes(),
    b"CON",
    b"aux.txt",
    b"file:stream",
    b"trailing.",
    b".mama",
    b"tmp",
    b"blobs",
    b"views",
    b"quarantine",
    b"catalog.sqlite3",
    b"a.jpg",
    b"a (laptop).jpg",
    b"a (host).jpg",
    b"a (laptop) (laptop).jpg",
    b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

fn any_name(dice: &mut Rng) -> Vec<u8> {
    let mut name = match dice.u8(..4) {
        0 => dice.choice(AWKWARD).unwrap().to_vec(),
        1 => [*dice.choice(AWKWARD).unwrap(), *dice.choice(AWKWARD).unwrap()].concat(),
        _ => {
            let length = if dice.u8(..6) == 0 { 255 } else { dice.usize(1..40) };
            std::iter::repeat_with(|| *dice.choice(&BYTES).unwrap()).take(length).collect()
        }
    };
    name.truncate(255);
    name
}

/// All bytes but NUL and the slash.
const BYTES: [u8; 254] = {
    let mut bytes = [0; 254];
    let (mut byte, mut at) = (1u8, 0);
    while at < 254 {
        if byte != b'/' {
            bytes[at] = byte;
            at += 1;
        }
        byte = byte.wrapping_add(1);
    }
    bytes
};

/// Whether a scan leaves it out: litter, of which mama's documents say so.
fn is_litter(name: &[u8]) -> bool {
    name == b"." || name == b".." || name.starts_with(b"._") || name.is_empty()
}

fn any_path(dice: &mut Rng) -> Vec<Vec<u8>> {
    let depth = if dice.u8(..40) == 0 { dice.usize(10..60) } else { dice.usize(1..4) };
    std::iter::repeat_with(|| any_name(dice)).filter(|name| !is_litter(name)).take(depth).collect()
}

/// A path of so many bytes whose last name has one, so that its view's folder is too long to be opened as one.
fn path_of(bytes: usize) -> Vec<Vec<u8>> {
    let (mut path, mut rest) = (Vec::new(), bytes - 2);
    while rest > 0 {
        let name = if rest > 255 { 200 } else { rest };
        path.push(vec![b'd'; name]);
        rest -= (name + 1).min(rest);
    }
    path.push(b"x".to_vec());
    path
}

/// Makes the file and its folders, one step at a time, so that no path is too long; not if another name is in the way.
fn put(root: &Path, path: &[Vec<u8>], content: &[u8]) -> bool {
    let folder_flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut folder: OwnedFd = rustix::fs::openat(CWD, root, folder_flags, Mode::empty()).unwrap();
    let (name, above) = path.split_last().unwrap();
    for step in above {
        rustix::fs::mkdirat(&folder, &**step, Mode::RWXU).unwrap_or_default();
        match rustix::fs::openat(&folder, &**step, folder_flags, Mode::empty()) {
            Ok(below) => folder = below,
            Err(_) => return false,
        }
    }
    let new = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folder, &**name, new, Mode::RUSR | Mode::WUSR);
    file.is_ok_and(|file| File::from(file).write_all(content).is_ok())
}

#[test]
fn hostile_names_come_through_byte_for_byte_and_never_lead_out() {
    let mut dice = scale::dice("names");
    let wanted = scale::pick(300, 3000);
    let world = World::new();
    std::fs::create_dir(world.path("photos")).unwrap();
    let mut expected = BTreeMap::new();
    let mut paths: Vec<Vec<Vec<u8>>> = AWKWARD.iter().map(|name| vec![name.to_vec()]).collect();
    // As deep as the kernel lets a path be that is opened as one.
    let deepest = 4090 - world.path("photos").as_os_str().len();
    paths.push(path_of(deepest - 1));
    paths.push(vec![vec![b'x']; 400]);
    while expected.len() < wanted {
        let path = paths.pop().unwrap_or_else(|| any_path(&mut dice));
        let path = if path.iter().map(|name| name.len() + 1).sum::<usize>() > deepest {
            vec![any_name(&mut dice)]
        } else {
            path
        };
        let content = expected.len().to_string();
        if !path.iter().any(|name| is_litter(name)) && put(&world.path("photos"), &path, content.as_bytes()) {
            expected.insert(path.join(&b'/'), blake3::hash(content.as_bytes()).to_hex().to_string());
        }
    }
    let before = Photograph::of(&world.path("photos"), Lens::Contents);
    assert_eq!(before.files().count(), wanted);

    assert_eq!(world.unsettled(&[("existing", "photos")], &check::Views::new()), Vec::<String>::new());
    assert_eq!(sightings(&world.archive()), expected);
    assert_eq!(
        before.differences(&Photograph::of(&world.path("photos"), Lens::Contents)),
        Vec::<String>::new()
    );
    let around: BTreeSet<_> =
        std::fs::read_dir(world.root()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(around, ["archive", "mama.toml", "photos"].map(Into::into).into());
    println!("names: {wanted} names, 0 differences, 0 escapes");
}

/// Every current file that the catalog knows below a root: its path there, in bytes, and its hash.
fn sightings(archive: &Path) -> BTreeMap<Vec<u8>, String> {
    let catalog = Connection::open(archive.join(".mama/catalog.sqlite3")).unwrap();
    let sql = "SELECT f.relpath, o.name, lower(hex(b.hash)) FROM observation o
        JOIN folder f ON f.id = o.folder JOIN blob b ON b.id = o.blob WHERE o.current AND o.gone_s IS NULL";
    let mut rows = catalog.prepare(sql).unwrap();
    let sighting = rows.query_map([], |row| {
        let (folder, name): (Vec<u8>, Vec<u8>) = (row.get(0)?, row.get(1)?);
        let path = if folder.is_empty() { name } else { [folder, name].join(&b'/') };
        Ok((path, row.get(2)?))
    });
    sighting.unwrap().map(Result::unwrap).collect()
}
