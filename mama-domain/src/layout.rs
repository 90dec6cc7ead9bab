//! Where a content or a view lies in the archive. Every path here is below the archive's root by construction.

mod fold;
mod variant;

use mama_ports::vocab::{AbsPath, BlobHash, FileName, HostName, MAX_NAME, Place, RelPath, Timestamp};

pub use fold::Folding;
pub(crate) use fold::folded;
pub use variant::{Spelling, is_spelling_of, is_tame, spelled};

/// The folder of all contents.
pub const BLOBS: &str = "blobs";
/// The folder of all views.
pub const VIEWS: &str = "views";
/// The staging area: what lies here when no apply runs is rubbish.
pub const STAGING: &str = "tmp";
/// Where contents go that are not what their name says.
pub const QUARANTINE: &str = "quarantine";
/// What belongs to mama itself: marker, lock, manifests, embedded catalog.
pub const HOUSEKEEPING: &str = ".mama";

/// `blobs/ab/cd/<hash>`.
pub fn blob_path(hash: &BlobHash) -> RelPath {
    let hex = hash.to_string();
    path(&format!("{BLOBS}/{}/{}/{hex}", &hex[..2], &hex[2..4]))
}

/// Where a content waits until it is known to be whole; one at a time for each hash.
pub fn staging_path(hash: &BlobHash) -> RelPath {
    path(&format!("{STAGING}/{hash}"))
}

/// Where a new link waits until it replaces the view of an older version.
pub fn staged_view_path(hash: &BlobHash) -> RelPath {
    path(&format!("{STAGING}/{hash}.view"))
}

/// The folder of all contents.
pub fn blobs() -> RelPath {
    path(BLOBS)
}

/// The folder of contents that are not what their name says; there from the first one on.
pub fn quarantine() -> RelPath {
    path(QUARANTINE)
}

/// Where a damaged content is kept, for the `nth` time.
pub fn quarantine_path(hash: &BlobHash, nth: u32) -> RelPath {
    path(&format!("{QUARANTINE}/{hash}.{nth}"))
}

/// The file that says which archive this is.
pub fn marker_path() -> RelPath {
    path(&format!("{HOUSEKEEPING}/archive"))
}

/// Where the marker waits until it is whole.
pub fn staged_marker_path() -> RelPath {
    path(&format!("{STAGING}/archive"))
}

/// The folder of all manifests; there from the first one on.
pub fn manifests() -> RelPath {
    path(&format!("{HOUSEKEEPING}/manifests"))
}

/// The manifest with this number.
pub fn manifest_path(generation: u64) -> RelPath {
    path(&format!("{HOUSEKEEPING}/manifests/{generation:010}.jsonl"))
}

/// The number of the manifest with this name, if it is one.
pub fn manifest_number(name: &FileName) -> Option<u64> {
    let number: u64 = std::str::from_utf8(name.as_bytes()).ok()?.strip_suffix(".jsonl")?.parse().ok()?;
    (manifest_path(number).name().as_ref() == Some(name)).then_some(number)
}

/// Where a manifest waits until it is whole.
pub fn staged_manifest_path() -> RelPath {
    path(&format!("{STAGING}/manifest"))
}

/// The file that an apply holds locked.
pub fn lock_path() -> RelPath {
    path(&format!("{HOUSEKEEPING}/lock"))
}

/// The folders that an archive has from the start.
pub fn folders() -> [RelPath; 4] {
    [BLOBS, VIEWS, STAGING, HOUSEKEEPING].map(path)
}

/// The plain view of a place: `views/<kind>/<basedir>/<relpath>/<filename>`.
///
/// Injective: kind and whole path are in it, byte for byte.
pub fn view_path(place: &Place) -> RelPath {
    path(&format!("{VIEWS}/{}", place.kind)).join_path(&AbsPath::from_slash(&place.path))
}

/// The place whose plain view that is; `None` if it cannot be one.
pub fn place_of_view(view: &RelPath) -> Option<Place> {
    let mut names = view.names();
    let views = names.next().filter(|name| name.as_bytes() == VIEWS.as_bytes());
    let kind = views.and(names.next())?;
    let kind = std::str::from_utf8(kind.as_bytes()).ok()?.parse().ok()?;
    let path = names.fold(RelPath::root(), |path, name| path.join(&name));
    Some(Place { kind, path: AbsPath::root().join(&path) })
}

/// The view of another host's content at the same place: `name (host).ext`.
///
/// A name that would get too long is cut, and marked with the content's hash.
pub fn view_path_of_host(place: &Place, host: &HostName, hash: &BlobHash) -> RelPath {
    let plain = view_path(place);
    with_note(&plain, host.as_str(), hash)
}

/// The views of a superseded version: `name (date).ext`, and with the time of day where another version has the day.
///
/// By its mtime, in UTC. Each as [`view_path_of_host`] where it would get too long.
pub fn view_paths_of_version(place: &Place, mtime: Timestamp, hash: &BlobHash) -> [RelPath; 2] {
    let plain = view_path(place);
    let (day, precise) = match jiff::Timestamp::from_second(mtime.secs) {
        Ok(time) => (time.strftime("%Y-%m-%d").to_string(), time.strftime("%Y-%m-%d %H.%M.%S").to_string()),
        // before the year -9999 or after 9999: damaged, or set by hand
        Err(_) => (mtime.secs.to_string(), mtime.secs.to_string()),
    };
    [with_note(&plain, &day, hash), with_note(&plain, &precise, hash)]
}

/// `name (note).ext`.
fn with_note(plain: &RelPath, note: &str, hash: &BlobHash) -> RelPath {
    let Some((dir, name)) = plain.split() else { return plain.clone() };
    let (stem, ending) = split_ending(name.as_bytes());
    let note = format!(" ({note})").into_bytes();
    let whole = [stem, &note, ending].concat();
    let fitting = if whole.len() <= MAX_NAME {
        whole
    } else {
        let tag = tag_of(hash);
        let ending = if ending.len() <= 16 { ending } else { b"" };
        let room = MAX_NAME - note.len() - tag.len() - ending.len();
        [cut(stem, room), &tag, &note, ending].concat()
    };
    match FileName::parse(fitting) {
        Ok(name) => dir.join(&name),
        Err(_) => unreachable!("a host name or date has at most 64 bytes and no slash"),
    }
}

/// `~` and the first 16 hex digits of a content's hash.
fn tag_of(hash: &BlobHash) -> Vec<u8> {
    format!("~{}", &hash.to_string()[..16]).into_bytes()
}

/// `IMG.jpg` → `IMG`, `.jpg`; a leading dot starts no ending.
fn split_ending(name: &[u8]) -> (&[u8], &[u8]) {
    match name.iter().rposition(|&byte| byte == b'.') {
        Some(dot) if dot > 0 => name.split_at(dot),
        Some(_) | None => (name, b""),
    }
}

/// At most `room` bytes of `stem`, not ending inside a UTF-8 character.
fn cut(stem: &[u8], room: usize) -> &[u8] {
    let mut end = room.min(stem.len());
    while end > 0 && end < stem.len() && stem[end] & 0xc0 == 0x80 {
        end -= 1;
    }
    &stem[..end]
}

fn path(text: &str) -> RelPath {
    match RelPath::parse(text) {
        Ok(path) => path,
        Err(_) => unreachable!("the layout's own names are valid"),
    }
}

#[cfg(test)]
mod tests {
    use mama_ports::vocab::SourceKind;
    use proptest::prelude::*;

    use super::*;

    fn place(kind: SourceKind, whole: &[u8]) -> Place {
        Place { kind, path: AbsPath::parse(whole).unwrap() }
    }

    #[test]
    fn paths_are_as_product_md_says() {
        let hash: BlobHash = "ab".repeat(32).parse().unwrap();
        assert_eq!(blob_path(&hash).to_string(), format!("blobs/ab/ab/{}", "ab".repeat(32)));
        let place = place(SourceKind::Existing, b"/home/anna/Pictures/2015/IMG.jpg");
        assert_eq!(view_path(&place).to_string(), "views/existing/home/anna/Pictures/2015/IMG.jpg");
        let host = HostName::parse("nas").unwrap();
        let of_host = view_path_of_host(&place, &host, &hash);
        assert_eq!(of_host.to_string(), "views/existing/home/anna/Pictures/2015/IMG (nas).jpg");
    }

    #[test]
    fn a_manifest_is_named_by_its_number_and_nothing_else_is_one() {
        assert_eq!(manifest_path(7).to_string(), ".mama/manifests/0000000007.jsonl");
        let number = |name: &str| manifest_number(&FileName::parse(name).unwrap());
        assert_eq!(number("0000000007.jsonl"), Some(7));
        assert_eq!(number("12345678901.jsonl"), Some(12_345_678_901));
        for name in ["7.jsonl", "0000000007.jsonl~", "+000000007.jsonl", "0000000007", "00000000071.jsonl"] {
            assert_eq!(number(name), None, "{name}");
        }
    }

    #[test]
    fn a_name_that_gets_too_long_is_cut_between_characters() {
        let place = place(SourceKind::Existing, format!("/{}.jpg", "ü".repeat(125)).as_bytes());
        let hash = BlobHash::from_bytes([0xab; 32]);
        let view = view_path_of_host(&place, &HostName::parse(&"h".repeat(64)).unwrap(), &hash);
        let name = view.name().unwrap();
        assert!(name.as_bytes().len() <= MAX_NAME);
        let text = std::str::from_utf8(name.as_bytes()).unwrap();
        assert!(text.ends_with(".jpg") && text.contains("~abababababababab"), "{text}");
    }

    #[test]
    fn a_version_is_named_by_the_day_and_time_it_was_written() {
        let place = place(SourceKind::Existing, b"/p/IMG.jpg");
        let hash = BlobHash::from_bytes([0xab; 32]);
        for (secs, expected) in [
            (0, "1970-01-01 00.00.00"),
            (-1, "1969-12-31 23.59.59"),
            (951_782_400, "2000-02-29 00.00.00"),
            (4_107_542_399, "2100-02-28 23.59.59"),
            (4_107_542_400, "2100-03-01 00.00.00"),
        ] {
            let [day, precise] = view_paths_of_version(&place, Timestamp::new(secs, 0), &hash);
            assert_eq!(day.to_string(), format!("views/existing/p/IMG ({}).jpg", &expected[..10]));
            assert_eq!(precise.to_string(), format!("views/existing/p/IMG ({expected}).jpg"));
        }
        for secs in [i64::MIN, i64::MAX] {
            view_paths_of_version(&place, Timestamp::new(secs, 0), &hash);
        }
    }

    fn arb_place() -> impl Strategy<Value = Place> {
        let name = prop_oneof![
            Just(b"a".to_vec()),
            Just(b"views".to_vec()),
            Just(b"a (h).b".to_vec()),
            Just(b"\xff".to_vec()),
            prop::collection::vec((1..=255u8).prop_map(|b| if b == b'/' { b'_' } else { b }), 1..20),
        ]
        .prop_filter("dots", |name| name != b"." && name != b"..");
        let kinds = prop::sample::select(SourceKind::ALL);
        (kinds, prop::collection::vec(name, 1..5)).prop_map(|(kind, names)| {
            place(kind, &names.iter().fold(Vec::new(), |path, name| [&path, b"/".as_slice(), name].concat()))
        })
    }

    proptest! {
        #[test]
        fn different_places_have_different_views(a in arb_place(), b in arb_place()) {
            prop_assert_eq!(a == b, view_path(&a) == view_path(&b));
        }

        #[test]
        fn a_view_tells_its_place(place in arb_place()) {
            prop_assert_eq!(place_of_view(&view_path(&place)), Some(place));
        }

        #[test]
        fn no_view_leaves_the_folder_of_views(place in arb_place(), hash: [u8; 32]) {
            let views = RelPath::parse(VIEWS).unwrap();
            let host = HostName::parse("h").unwrap();
            prop_assert!(view_path(&place).is_within(&views));
            let of_host = view_path_of_host(&place, &host, &BlobHash::from_bytes(hash));
            prop_assert!(of_host.is_within(&views) && of_host != view_path(&place));
        }
    }
}
