//! Other names for a view whose name cannot be had: tagged where something has it, escaped where the file system refuses it.
//!
//! The file is tagged with its content's hash, a folder with a hash of its path. So a variant is a function of the wanted
//! path and the content, and different ones stay different.

use std::collections::BTreeSet;

use mama_ports::vocab::{BlobHash, FileName, MAX_NAME, RelPath};

use super::{cut, split_ending, tag_of};

/// The longest name that every file system takes, eCryptfs too, in bytes.
const SHORT_NAME: usize = 140;
/// The longest path of escaped names, in bytes; the archive's own path comes before it.
const SHORT_PATH: usize = 1800;
/// `views` and the kind keep their names.
const OWN_NAMES: usize = 2;

/// How a view is spelled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spelling {
    /// The names of the path, counted from the archive's root, that are tagged.
    pub tagged: BTreeSet<usize>,
    /// Whether only short names in printable UTF-8 are used.
    pub escaped: bool,
}

/// `wanted`, spelled like this for a view of `hash`.
pub fn spelled(wanted: &RelPath, hash: &BlobHash, spelling: &Spelling) -> RelPath {
    if *spelling == Spelling::default() {
        return wanted.clone();
    }
    let names: Vec<FileName> = wanted.names().collect();
    let mut prefix = RelPath::root();
    let mut path = RelPath::root();
    for (at, name) in names.iter().enumerate() {
        prefix = prefix.join(name);
        let is_file = at + 1 == names.len();
        let is_tagged = spelling.tagged.contains(&at);
        if is_file && spelling.escaped && path.as_bytes().len() > SHORT_PATH {
            path = shortened(&names, wanted);
        }
        path = path.join(&match (at < OWN_NAMES, spelling.escaped) {
            (true, _) => name.clone(),
            (false, false) if !is_tagged => name.clone(),
            (false, false) if is_file => tagged(name, &tag_of(hash), MAX_NAME),
            (false, false) => tagged(name, &path_tag(&prefix, None), MAX_NAME),
            (false, true) if !is_tagged && is_tame(name) => name.clone(),
            (false, true) => tagged(&escaped(name), &path_tag(&prefix, is_file.then_some(hash)), SHORT_NAME),
        });
    }
    path
}

/// Whether `view` is a spelling of `wanted`.
pub fn is_spelling_of(view: &RelPath, wanted: &RelPath, hash: &BlobHash) -> bool {
    if view == wanted {
        return true;
    }
    let all: BTreeSet<usize> = (OWN_NAMES..wanted.names().count()).collect();
    [false, true].into_iter().any(|escaped| {
        let plain = spelled(wanted, hash, &Spelling { tagged: BTreeSet::new(), escaped });
        let tagged = spelled(wanted, hash, &Spelling { tagged: all.clone(), escaped });
        let pairs = plain.names().zip(tagged.names()).zip(view.names());
        *view == plain
            || *view == tagged
            || (view.names().count() == plain.names().count()
                && tagged.names().count() == plain.names().count()
                && pairs.into_iter().all(|((plain, tagged), name)| name == plain || name == tagged))
    })
}

/// The folder of a path that would get too long.
fn shortened(names: &[FileName], wanted: &RelPath) -> RelPath {
    let own = names.iter().take(OWN_NAMES).fold(RelPath::root(), |path, name| path.join(name));
    own.join(&name_of(path_tag(&wanted.parent().unwrap_or_default(), None)))
}

fn tagged(name: &FileName, tag: &[u8], longest: usize) -> FileName {
    let (stem, ending) = split_ending(name.as_bytes());
    let ending = if ending.len() <= 16 { ending } else { b"" };
    name_of([cut(stem, longest - tag.len() - ending.len()), tag, ending].concat())
}

fn name_of(bytes: Vec<u8>) -> FileName {
    match FileName::parse(bytes) {
        Ok(name) => name,
        Err(_) => unreachable!("it ends in a tag or an ending, is short, and holds no slash"),
    }
}

/// Whether every file system takes this name.
pub fn is_tame(name: &FileName) -> bool {
    name.as_bytes().len() <= SHORT_NAME && escaped(name) == *name
}

/// What no file system takes becomes `_`; the tag keeps different names apart.
fn escaped(name: &FileName) -> FileName {
    let tame = |c: char| match c {
        '\u{fffd}' | '"' | '*' | ':' | '<' | '>' | '?' | '\\' | '|' => '_',
        c if c.is_control() => '_',
        c => c,
    };
    let text: String = String::from_utf8_lossy(name.as_bytes()).chars().map(tame).collect();
    let text = text.trim_end_matches([' ', '.']);
    name_of(if text.is_empty() { b"_".to_vec() } else { cut(text.as_bytes(), MAX_NAME).to_vec() })
}

/// `~` and the first 16 hex digits of the BLAKE3 hash of the path, and of the content if one is given.
fn path_tag(path: &RelPath, hash: Option<&BlobHash>) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(path.as_bytes()).update(&[0]);
    if let Some(hash) = hash {
        hasher.update(hash.as_bytes());
    }
    format!("~{}", &hasher.finalize().to_hex()[..16]).into_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn view(path: &[u8]) -> RelPath {
        RelPath::parse([b"views/existing/", path].concat()).unwrap()
    }

    fn spelling(tagged: &[usize], escaped: bool) -> Spelling {
        Spelling { tagged: tagged.iter().copied().collect(), escaped }
    }

    #[test]
    fn a_tag_says_which_content_or_which_folder() {
        let hash = BlobHash::from_bytes([0xab; 32]);
        let wanted = view(b"a.d/b.jpg");
        let with = |tagged: &[usize]| spelled(&wanted, &hash, &spelling(tagged, false)).to_string();
        assert_eq!(with(&[]), "views/existing/a.d/b.jpg");
        assert_eq!(with(&[3]), "views/existing/a.d/b~abababababababab.jpg");
        assert!(with(&[2]).starts_with("views/existing/a~") && with(&[2]).ends_with(".d/b.jpg"));
        let refused = spelled(&view(b"caf\xe9/x"), &hash, &spelling(&[], true)).to_string();
        assert!(refused.starts_with("views/existing/caf_~"), "{refused}");
    }

    #[test]
    fn escaped_names_are_short_and_so_are_their_paths() {
        let hash = BlobHash::from_bytes([1; 32]);
        let deep = view(["ä".repeat(120).as_str(); 40].join("/").as_bytes());
        let short = spelled(&deep, &hash, &spelling(&[], true));
        assert!(short.names().all(|name| name.as_bytes().len() <= SHORT_NAME), "{short}");
        assert!(short.as_bytes().len() <= SHORT_PATH + SHORT_NAME && is_spelling_of(&short, &deep, &hash));
    }

    fn arb_path() -> impl Strategy<Value = RelPath> {
        let name = prop_oneof![
            Just(b"a".to_vec()),
            Just(b"a.jpg".to_vec()),
            Just(b"a~abababababababab.jpg".to_vec()),
            Just(vec![b'x'; 255]),
            Just([vec![b'x'; 254], vec![b'y']].concat()),
            Just(b"\xff".to_vec()),
            Just(b"\xfe.".to_vec()),
            prop::collection::vec((1..=255u8).prop_map(|b| if b == b'/' { b'_' } else { b }), 1..8),
        ]
        .prop_filter("dots", |name| name != b"." && name != b"..");
        prop::collection::vec(name, 1..5).prop_map(|names| view(&names.join(&b'/')))
    }

    fn arb_spelling() -> impl Strategy<Value = Spelling> {
        (prop::collection::btree_set(2..7usize, 0..3), any::<bool>())
            .prop_map(|(tagged, escaped)| Spelling { tagged, escaped })
    }

    proptest! {
        #[test]
        fn a_spelling_is_known_as_one(path in arb_path(), how in arb_spelling(), hash: [u8; 32]) {
            let hash = BlobHash::from_bytes(hash);
            let spelled = spelled(&path, &hash, &how);
            prop_assert!(is_spelling_of(&spelled, &path, &hash), "{}", spelled);
            prop_assert!(spelled.is_within(&view(b"x").parent().unwrap()));
        }

        #[test]
        fn escaping_is_injective(a in arb_path(), b in arb_path(), hash: [u8; 32]) {
            let (hash, how) = (BlobHash::from_bytes(hash), spelling(&[], true));
            prop_assert_eq!(a == b, spelled(&a, &hash, &how) == spelled(&b, &hash, &how));
        }

        #[test]
        fn tagging_tells_contents_apart(path in arb_path(), a: [u8; 32], b: [u8; 32]) {
            let how = spelling(&[path.names().count() - 1], false);
            let tagged = |hash| spelled(&path, &BlobHash::from_bytes(hash), &how);
            prop_assert_eq!(a[..8] == b[..8], tagged(a) == tagged(b));
        }
    }
}
