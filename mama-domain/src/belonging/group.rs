//! Files of one folder that are one thing: halves of a Live Photo, raw and JPEG, shots of a burst, a picture and its edit, parts.

use std::collections::BTreeMap;

use mama_ports::curation::Neighbour;
use mama_ports::vocab::{FileName, MetaDoc, Mime};
use serde_json::Value;

use super::clock::{ClockTime, shown};
use super::name::{Name, TAKEOUT_STEM};
use crate::facts::seconds;

/// Endings of raw pictures, whatever type their first bytes have: most are TIFF inside (dcraw's and ExifTool's lists).
const RAW: [&str; 30] = [
    "3fr", "arq", "arw", "cr2", "cr3", "crw", "dcr", "dng", "erf", "fff", "gpr", "iiq", "k25", "kdc", "mef",
    "mos", "mrw", "nef", "nrw", "orf", "ori", "pef", "raf", "raw", "rw2", "rwl", "sr2", "srf", "srw", "x3f",
];
/// What a camera writes beside a raw picture.
const DEVELOPED: [&str; 6] = ["jpg", "jpeg", "heic", "heif", "hif", "avif"];
/// The moving half of a Live Photo.
const MOVING: [&str; 3] = ["mov", "mp4", "m4v"];
/// A Live Photo moves for 3 s; longer videos only have a like name. In seconds.
const LONGEST: f64 = 6.0;
/// How far the clocks of two pictures of one shot may be apart, in seconds.
const MOMENT: i64 = 2;
/// How far the clock of a moving half may be from its picture's, in seconds: it is that of its beginning or of its end.
const MOVING_MOMENT: i64 = 5;

/// Where a file says which Live Photo it is a half of; the third is what ExifTool 12.57 calls the second.
const CONTENT_IDENTIFIERS: [&str; 3] =
    ["Keys:ContentIdentifier", "Apple:ContentIdentifier", "Apple:MediaGroupUUID"];
/// Where a picture says which burst it is of.
const BURST_IDENTIFIERS: [&str; 2] = ["Apple:BurstUUID", "XMP-GCamera:BurstID"];
/// Where a picture says that a video is in it, or behind it.
const MOTION: [&str; 4] = [
    "XMP-GCamera:MotionPhoto",
    "XMP-GCamera:MicroVideo",
    "QuickTime:MotionPhotoVideo",
    "Samsung:EmbeddedVideoFile",
];

/// How long a video plays.
const LENGTH: &str = "QuickTime:Duration";
/// When a camera took a picture, or a video, by its clock: what it writes beside it has the same.
const TAKEN: [&str; 2] = ["ExifIFD:DateTimeOriginal", "Keys:CreationDate"];
/// When a video was made, in UTC, if nothing better is known.
const CREATED: &str = "QuickTime:CreateDate";

/// Words before the number of a part, in folded form.
const PARTS: [&str; 12] =
    ["part", "teil", "partie", "parte", "seite", "page", "pagina", "blatt", "band", "cd", "disc", "disk"];

/// What is known of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct Member<'a> {
    /// Its name.
    pub name: &'a FileName,
    /// What its bytes say.
    pub traits: Traits,
}

impl<'a> Member<'a> {
    /// What the catalog knows of a file, if its tags are those of [`Traits::TAGS`].
    pub fn of(file: &'a Neighbour) -> Self {
        Self { name: &file.found.at.name, traits: Traits::of(file.mime.as_ref(), Some(&file.tags)) }
    }
}

/// What the bytes of a file say about what it belongs to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Traits {
    /// Whether it is a picture.
    pub is_picture: bool,
    /// The identifier that both halves of a Live Photo have.
    pub content_identifier: Option<String>,
    /// The identifier that all shots of a burst have.
    pub burst: Option<String>,
    /// Whether it is a picture with a video in it.
    pub is_motion_photo: bool,
    /// How long it plays, in seconds; more than 0.
    pub seconds: Option<f64>,
    /// When it was taken.
    pub taken: Option<ClockTime>,
}

impl Traits {
    /// The tags that say something about it.
    pub const TAGS: [&str; 13] = [
        CONTENT_IDENTIFIERS[0],
        CONTENT_IDENTIFIERS[1],
        CONTENT_IDENTIFIERS[2],
        BURST_IDENTIFIERS[0],
        BURST_IDENTIFIERS[1],
        MOTION[0],
        MOTION[1],
        MOTION[2],
        MOTION[3],
        LENGTH,
        TAKEN[0],
        TAKEN[1],
        CREATED,
    ];

    /// What type and metadata say.
    pub fn of(mime: Option<&Mime>, doc: Option<&MetaDoc>) -> Self {
        let is_picture = mime.is_some_and(|mime| mime.as_str().starts_with("image/"));
        let Some(doc) = doc else { return Self { is_picture, ..Self::default() } };
        let first = |keys: &[&str]| keys.iter().find_map(|key| doc.entries().get(*key));
        let text = |value: &Value| value.as_str().map(str::to_owned).filter(|text| !text.is_empty());
        let clock = |key: &str| doc.entries().get(key).and_then(Value::as_str).and_then(shown);
        let local = TAKEN.iter().find_map(|key| clock(key)).map(ClockTime::Local);
        let length = first(&[LENGTH]).and_then(Value::as_str).and_then(seconds);
        Self {
            is_picture,
            content_identifier: first(&CONTENT_IDENTIFIERS).and_then(text),
            burst: first(&BURST_IDENTIFIERS).and_then(text),
            is_motion_photo: first(&MOTION).is_some_and(|value| !matches!(value.as_i64(), Some(0))),
            seconds: length.filter(|seconds| *seconds > 0.0),
            taken: local.or_else(|| clock(CREATED).map(ClockTime::Utc)),
        }
    }
}

/// What some files are together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupKind {
    /// A picture and three seconds around it; the picture comes first.
    LivePhoto,
    /// The same with the video inside the picture, which may lie beside it, too.
    MotionPhoto,
    /// What the camera made of the sensor's data, and these.
    RawAndJpeg,
    /// Shots in quick succession.
    Burst,
    /// A picture that was edited, and the one before it.
    Edited,
    /// Parts of one document or recording, in order.
    Parts,
}

impl GroupKind {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LivePhoto => "live_photo",
            Self::MotionPhoto => "motion_photo",
            Self::RawAndJpeg => "raw_and_jpeg",
            Self::Burst => "burst",
            Self::Edited => "edited",
            Self::Parts => "parts",
        }
    }
}

/// What says that files belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Because {
    /// They have one identifier.
    Identifier,
    /// A tag in the picture.
    Tag,
    /// Their names, and nothing speaks against it.
    Names,
}

impl Because {
    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Tag => "tag",
            Self::Names => "names",
        }
    }
}

/// Files that are one thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    /// What they are.
    pub kind: GroupKind,
    /// What says so.
    pub because: Because,
    /// Their places among the members; what people look at comes first.
    pub members: Vec<usize>,
}

/// The groups among the files of one folder, whatever the order they are given in. A file may be in several.
pub fn groups(members: &[Member<'_>]) -> Vec<Group> {
    let files: Vec<File<'_>> = members.iter().map(File::new).collect();
    let mut by_stem: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        by_stem.entry(file.shot()).or_default().push(at);
    }
    by_stem.values_mut().for_each(|all| all.sort_by_key(|&at| files[at].bytes));
    let mut found = Vec::new();
    live_photos(&files, &by_stem, &mut found);
    motion_photos(&files, &mut found);
    for same in by_stem.values() {
        raw_and_jpeg(&files, same, &mut found);
        covers(&files, same, &mut found);
    }
    bursts(&files, &mut found);
    edited(&files, &by_stem, &mut found);
    parts(&files, &mut found);
    found.sort();
    found
}

struct File<'a> {
    bytes: &'a [u8],
    name: Name,
    traits: &'a Traits,
}

impl<'a> File<'a> {
    fn new(member: &'a Member<'_>) -> Self {
        let bytes = member.name.as_bytes();
        Self { bytes, name: Name::of(bytes), traits: &member.traits }
    }

    /// The stem without what a Pixel phone adds to the names of one shot: `PXL_1.RAW-01.COVER`, `PXL_1.LONG_EXPOSURE-02.ORIGINAL`.
    fn shot(&self) -> &[u8] {
        split_role(&self.name.stem).map_or(&self.name.stem, |(shot, _)| shot)
    }

    fn is_still(&self) -> bool {
        self.traits.is_picture && !self.name.ends_in(&RAW)
    }

    fn is_video(&self) -> bool {
        self.name.ends_in(&MOVING) && !self.traits.is_picture
    }

    fn is_short_video(&self) -> bool {
        self.is_video() && self.traits.seconds.is_some_and(|seconds| seconds <= LONGEST)
    }

    /// Whether nothing says that they were taken at different times, give or take `tolerance` seconds.
    fn is_of_one_moment(&self, other: &Self, tolerance: i64) -> bool {
        let both = self.traits.taken.zip(other.traits.taken);
        both.is_none_or(|(one, two)| one.agrees(two, tolerance))
    }
}

type Stems<'a> = BTreeMap<&'a [u8], Vec<usize>>;

/// By identifier; of the files without one on either side, by stem.
fn live_photos(files: &[File<'_>], by_stem: &Stems<'_>, found: &mut Vec<Group>) {
    let kind = GroupKind::LivePhoto;
    let mut by_identifier: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        let Some(identifier) = &file.traits.content_identifier else { continue };
        let (stills, moving) = by_identifier.entry(identifier).or_default();
        if file.is_still() {
            stills.push(at);
        } else if file.name.ends_in(&MOVING) {
            moving.push(at);
        }
    }
    for (stills, moving) in by_identifier.into_values().filter(|(a, b)| !a.is_empty() && !b.is_empty()) {
        let members = in_order(files, stills).into_iter().chain(in_order(files, moving)).collect();
        found.push(Group { kind, because: Because::Identifier, members });
    }
    let is_known = |at: &usize| files[*at].traits.content_identifier.is_some();
    for same in by_stem.values() {
        let Some(moving) = same.iter().copied().find(|&at| files[at].is_short_video()) else { continue };
        let is_half = |at: &usize| {
            files[*at].is_still()
                && !(is_known(at) && is_known(&moving))
                && files[*at].is_of_one_moment(&files[moving], MOVING_MOMENT)
        };
        let mut stills: Vec<usize> = same.iter().copied().filter(is_half).collect();
        // a camera may write HEIF and JPEG; of other pictures that merely have the name, one is enough
        match stills.iter().any(|&at| files[at].name.ends_in(&DEVELOPED)) {
            true => stills.retain(|&at| files[at].name.ends_in(&DEVELOPED)),
            false => stills.truncate(1),
        }
        if !stills.is_empty() {
            let members = stills.into_iter().chain([moving]).collect();
            found.push(Group { kind, because: Because::Names, members });
        }
    }
}

/// `PXL_1.MP.jpg`, and `PXL_1.MP` if it lies beside it.
fn motion_photos(files: &[File<'_>], found: &mut Vec<Group>) {
    let by_whole: BTreeMap<&[u8], usize> =
        files.iter().enumerate().map(|(at, file)| (file.name.whole.as_slice(), at)).collect();
    for (at, file) in files.iter().enumerate().filter(|(_, file)| file.traits.is_motion_photo) {
        let beside = file.name.stem.ends_with(b".mp").then(|| by_whole.get(file.name.stem.as_slice()));
        let members = [at].into_iter().chain(beside.flatten().copied()).collect();
        found.push(Group { kind: GroupKind::MotionPhoto, because: Because::Tag, members });
    }
}

/// All that was made of one shot: some cameras write JPEG and HEIF beside the raw picture.
fn raw_and_jpeg(files: &[File<'_>], same: &[usize], found: &mut Vec<Group>) {
    let Some(raw) = same.iter().copied().find(|&at| files[at].name.ends_in(&RAW)) else { return };
    let is_of_shot = |at: &usize| files[*at].is_of_one_moment(&files[raw], MOMENT);
    let (developed, raws): (Vec<usize>, Vec<usize>) = same
        .iter()
        .copied()
        .filter(is_of_shot)
        .filter(|&at| files[at].name.ends_in(&DEVELOPED) || files[at].name.ends_in(&RAW))
        .partition(|&at| files[at].name.ends_in(&DEVELOPED));
    if !developed.is_empty() {
        let members = developed.into_iter().chain(raws).collect();
        found.push(Group { kind: GroupKind::RawAndJpeg, because: Because::Names, members });
    }
}

/// By identifier, else by the word BURST in the names.
fn bursts(files: &[File<'_>], found: &mut Vec<Group>) {
    let mut shots: BTreeMap<(Because, Vec<u8>), Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate().filter(|(_, file)| file.is_still()) {
        let identified = file.traits.burst.as_ref().map(|id| (Because::Identifier, id.clone().into_bytes()));
        let named = || burst_of(&file.name.stem).map(|key| (Because::Names, key));
        if let Some(key) = identified.or_else(named) {
            shots.entry(key).or_default().push(at);
        }
    }
    for ((because, _), members) in shots.into_iter().filter(|(_, shots)| shots.len() > 1) {
        found.push(Group { kind: GroupKind::Burst, because, members: in_order(files, members) });
    }
}

/// `IMG_20161015_133412_BURST001`: what comes before; `00100lPORTRAIT_00100_BURST20190216172030`: what comes after; of a
/// Samsung phone's `20170826_120000_001` the time.
fn burst_of(stem: &[u8]) -> Option<Vec<u8>> {
    const WORD: &[u8] = b"_burst";
    if is_series_of_samsung(stem) {
        return Some(stem[..15].to_vec());
    }
    let at = stem.windows(WORD.len()).position(|part| part == WORD)?;
    let after = &stem[at + WORD.len()..];
    let digits = after.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match digits {
        0 => None,
        1..=5 => Some(stem[..at].to_vec()),
        _ => Some(after[..digits].to_vec()),
    }
}

fn is_series_of_samsung(stem: &[u8]) -> bool {
    let is_as = |(byte, sort): (&u8, &u8)| if *sort == b'0' { byte.is_ascii_digit() } else { byte == sort };
    let shape = b"00000000_000000_000";
    stem.len() == shape.len() && stem.iter().zip(shape).all(is_as)
}

/// `IMG_1-edited.jpg` of `IMG_1.jpg`, `IMG_E1.JPG` of `IMG_1.HEIC`, `IMG_1~2.jpg` and `IMG_1-01.jpeg` of `IMG_1.jpg`, and videos likewise.
fn edited(files: &[File<'_>], by_stem: &Stems<'_>, found: &mut Vec<Group>) {
    for (at, file) in files.iter().enumerate().filter(|(_, file)| file.is_still() || file.is_video()) {
        let Some(before) = before_edit(&file.name) else { continue };
        let shot = split_role(&before).map_or(before.as_slice(), |(shot, _)| shot);
        let same = by_stem.get(shot).into_iter().flatten().copied();
        let originals = same.filter(|&at| files[at].name.stem == before);
        let is_of_its_sort =
            |at: &usize| if file.is_video() { files[*at].is_video() } else { files[*at].traits.is_picture };
        // Snapseed makes `.jpeg` of `.jpg`; other numbers count something else
        let is_edited_from = |at: &usize| !is_numbered(&file.name) || files[*at].name.ends_in(&["jpg"]);
        let originals = originals.filter(is_edited_from);
        let originals: Vec<usize> =
            originals.filter(|at| is_of_its_sort(at) && files[*at].is_of_one_moment(file, MOMENT)).collect();
        if !originals.is_empty() {
            let members = [at].into_iter().chain(originals).collect();
            found.push(Group { kind: GroupKind::Edited, because: Because::Names, members });
        }
    }
}

/// What a Pixel phone says a file of a shot is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What it made of the shot, and shows.
    Cover,
    /// What it made that of.
    Original,
}

/// `PXL_1.PORTRAIT-01.COVER.jpg`, which the phone made of `PXL_1.PORTRAIT-02.ORIGINAL.jpg`.
fn covers(files: &[File<'_>], same: &[usize], found: &mut Vec<Group>) {
    let with_role = |role: Role| {
        let has = |at: &usize| split_role(&files[*at].name.stem).is_some_and(|(_, own)| own == role);
        same.iter().copied().filter(|&at| files[at].is_still()).filter(has).collect::<Vec<_>>()
    };
    let (covers, mut originals) = (with_role(Role::Cover), with_role(Role::Original));
    let is_of_cover =
        |at: &usize| covers.iter().all(|&cover| files[*at].is_of_one_moment(&files[cover], MOMENT));
    originals.retain(is_of_cover);
    if !covers.is_empty() && !originals.is_empty() {
        let members = covers.into_iter().chain(originals).collect();
        found.push(Group { kind: GroupKind::Edited, because: Because::Names, members });
    }
}

/// `pxl_1.portrait-01.cover` and `pxl_1.raw-01.mp.cover` as `pxl_1` and its role.
fn split_role(stem: &[u8]) -> Option<(&[u8], Role)> {
    let (before, word) = split_last(stem)?;
    let is_cut = |whole: &[u8]| stem.len() == TAKEOUT_STEM && !word.is_empty() && whole.starts_with(word);
    let role = [(Role::Cover, b"cover".as_slice()), (Role::Original, b"original")]
        .into_iter()
        .find_map(|(role, whole)| (word == whole || is_cut(whole)).then_some(role))?;
    let (shot, sort) = split_last(before.strip_suffix(b".mp").unwrap_or(before))?;
    let is_sort = sort.len() > 3
        && sort[..sort.len() - 3].iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
        && sort[sort.len() - 3] == b'-'
        && sort[sort.len() - 2..].iter().all(u8::is_ascii_digit);
    (is_sort && !shot.is_empty()).then_some((shot, role))
}

/// At the last dot.
fn split_last(stem: &[u8]) -> Option<(&[u8], &[u8])> {
    let dot = stem.iter().rposition(|&byte| byte == b'.')?;
    Some((&stem[..dot], &stem[dot + 1..]))
}

fn before_edit(name: &Name) -> Option<Vec<u8>> {
    if name.is_edited() {
        let number = name.number.as_ref().map(|number| [b"(", number.as_slice(), b")"].concat());
        return Some([name.plain.as_slice(), &number.unwrap_or_default()].concat());
    }
    if let Some(number) = name.stem.strip_prefix(b"img_e")
        && number.first().is_some_and(u8::is_ascii_digit)
    {
        return Some([b"img_", number].concat());
    }
    if is_numbered(name) {
        return Some(name.stem[..name.stem.len() - 3].to_vec());
    }
    let (before, number) = split_digits(&name.stem);
    before.strip_suffix(b"~").filter(|stem| number.is_some() && !stem.is_empty()).map(<[u8]>::to_vec)
}

/// `X-01.jpeg`, as Snapseed saves what it made of `X.jpg`.
fn is_numbered(name: &Name) -> bool {
    let is_number = |end: &[u8]| end[0] == b'-' && end[1..].iter().all(u8::is_ascii_digit);
    name.ends_in(&["jpeg"]) && name.stem.len() > 3 && is_number(&name.stem[name.stem.len() - 3..])
}

/// `Contract part 1.pdf`, `Contract part 2.pdf`: one stem, one ending, and numbers from 1 (or 0) without a gap.
fn parts(files: &[File<'_>], found: &mut Vec<Group>) {
    type Numbers = BTreeMap<u32, Vec<usize>>;
    let mut series: BTreeMap<(&[u8], &[u8]), Numbers> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        let (before, number) = split_digits(&file.name.stem);
        if let (Some(number), true) = (number, is_part(before)) {
            series.entry((before, &file.name.ending)).or_default().entry(number).or_default().push(at);
        }
    }
    for numbers in series.into_values().filter(|numbers| numbers.len() > 1) {
        let (first, last) = (numbers.keys().next(), numbers.keys().next_back());
        let is_whole = first.zip(last).is_some_and(|(&first, &last)| {
            first <= 1
                && (last - first + 1) as usize == numbers.len()
                && numbers.values().all(|at| at.len() == 1)
        });
        if is_whole {
            let members = numbers.into_values().flatten().collect();
            found.push(Group { kind: GroupKind::Parts, because: Because::Names, members });
        }
    }
}

/// Whether this ends in a word for a part, which is a word of its own.
fn is_part(before: &[u8]) -> bool {
    let is_gap = |byte: &u8| matches!(byte, b' ' | b'_' | b'-' | b'.' | b'(');
    let gap = before.iter().rev().take_while(|byte| is_gap(byte)).count();
    let word = &before[..before.len() - gap];
    let of = |part: &&str| word.strip_suffix(part.as_bytes());
    PARTS.iter().find_map(of).is_some_and(|rest| rest.last().is_none_or(is_gap))
}

/// `page 12` as `page ` and 12; a closing bracket may follow.
fn split_digits(stem: &[u8]) -> (&[u8], Option<u32>) {
    let stem = stem.strip_suffix(b")").unwrap_or(stem);
    let digits = stem.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, number) = stem.split_at(stem.len() - digits);
    let number =
        std::str::from_utf8(number).ok().filter(|text| text.len() <= 4).and_then(|text| text.parse().ok());
    (before, number)
}

fn in_order(files: &[File<'_>], mut members: Vec<usize>) -> Vec<usize> {
    members.sort_by_key(|&at| files[at].bytes);
    members
}

#[cfg(test)]
mod tests;
