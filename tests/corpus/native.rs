//! The native reader on real files, beside what ExifTool says about the same files.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use mama_adapters::extract::Native;
use mama_domain::facts::{Context, Facts, facts};
use mama_ports::conformance::content::{InMemory, Opened, hint};
use mama_ports::content::MetadataExtractor;
use mama_ports::vocab::{MetaDoc, Timestamp};

use super::{corpus, is_noise, metadata_by_file, same, text};

/// When the corpus is taken to be first seen: 2026-06-01.
const FIRST_SEEN: Timestamp = Timestamp::new(1_780_272_000, 0);

/// What each file says, to the native reader and to ExifTool.
fn both(corpus: &Path) -> BTreeMap<String, (MetaDoc, MetaDoc)> {
    let files = metadata_by_file(corpus).into_iter();
    let read = |path: &str| {
        let mut content = Opened::new(File::open(corpus.join(path)).unwrap());
        Native.extract(&mut content, &hint("x")).unwrap_or_else(|error| panic!("{path}: {error}"))
    };
    files
        .map(|(path, mut tags)| {
            tags.retain(|key, _| !is_noise(key));
            let native = read(&path).unwrap_or_default();
            (path, (native, MetaDoc::new(tags)))
        })
        .collect()
}

#[test]
fn every_tag_is_exiftools_but_for_those_in_the_list() {
    let Some(corpus) = corpus() else { return };
    let (mut told, mut differ) = (0, String::new());
    for (path, (native, exiftool)) in both(&corpus) {
        for (key, value) in native.entries() {
            told += 1;
            let should = exiftool.entries().get(key);
            if !should.is_some_and(|should| same(value, should)) {
                let should = should.map_or_else(|| "-".to_owned(), ToString::to_string);
                differ += &format!("{path}\t{key}\t{value}\t{should}\n");
            }
        }
    }
    let list = include_str!("../expected/native_disagrees.tsv").lines();
    let list: String = list.filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    assert_eq!(differ, list);
    assert!(told >= 2500, "{told} tags are few");
}

/// What facts are counted by: a name, and what is to be equal, if it is there.
type Question = (&'static str, fn(&Facts) -> Option<String>);

const QUESTIONS: [Question; 7] = [
    ("time of capture", |facts| facts.capture.taken.as_ref().map(|taken| format!("{taken:?}"))),
    ("camera", |facts| facts.camera.name()),
    ("lens", |facts| facts.camera.lens.as_ref().map(|lens| lens.value.clone())),
    ("place", |facts| facts.place.as_ref().map(|place| format!("{:?}", place.value))),
    ("size", |facts| facts.size.as_ref().map(|size| format!("{:?}", size.value))),
    ("duration", |facts| facts.duration.as_ref().map(|seconds| seconds.value.to_string())),
    ("music", |facts| {
        let music = &facts.music;
        (*music != mama_domain::facts::Music::default()).then(|| format!("{music:?}"))
    }),
];

/// The table in docs/metadata.md: of how many files ExifTool's document tells a fact, and what the native one tells of them.
#[test]
fn facts_are_those_of_exiftool_in_as_many_files_as_the_documentation_says() {
    let Some(corpus) = corpus() else { return };
    let context = Context { first_seen: Some(FIRST_SEEN), ..Context::default() };
    let files: Vec<(Facts, Facts)> = both(&corpus)
        .values()
        .map(|(native, exiftool)| (facts(Some(native), &context), facts(Some(exiftool), &context)))
        .collect();
    let mut table = String::new();
    for (name, ask) in QUESTIONS {
        let answers = || files.iter().map(|(native, exiftool)| (ask(native), ask(exiftool)));
        let all = answers().filter(|(_, exiftool)| exiftool.is_some()).count();
        let equal = answers().filter(|(native, exiftool)| exiftool.is_some() && native == exiftool).count();
        let none = answers().filter(|(native, exiftool)| exiftool.is_some() && native.is_none()).count();
        let other = answers().filter(|(native, exiftool)| native.is_some() && native != exiftool).count();
        table += &format!("| {name} | {all} | {equal} | {none} | {other} |\n");
    }
    let documentation = text(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/metadata.md"));
    assert!(documentation.contains(&table), "should be in docs/metadata.md:\n{table}");
}

/// Numbers from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % end as u64).unwrap()
    }
}

#[test]
fn damaged_files_have_an_answer_and_no_parser_panics() {
    const SEED: u64 = 0x6d61_6d61;
    const FILES: usize = 1500;
    let Some(corpus) = corpus() else { return };
    println!("seed {SEED:#x}");
    let paths: Vec<String> = metadata_by_file(&corpus).into_keys().collect();
    let small = |path: &&String| std::fs::metadata(corpus.join(path.as_str())).unwrap().len() < 1 << 20;
    let contents: Vec<(&String, Vec<u8>)> =
        paths.iter().filter(small).map(|path| (path, std::fs::read(corpus.join(path)).unwrap())).collect();
    let mut dice = Dice(SEED);
    let mut failed = Vec::new();
    for round in 0..FILES {
        let (path, whole) = &contents[dice.below(contents.len())];
        let mut content = whole.clone();
        if dice.below(4) == 0 {
            content.truncate(dice.below(content.len() + 1));
        }
        // Where the tags are: mostly at the beginning.
        for _ in 0..dice.below(64) {
            let near = [256, 4096, content.len()][dice.below(3)].min(content.len());
            if near > 0 {
                content[dice.below(near)] = u8::try_from(dice.below(256)).unwrap();
            }
        }
        if let Err(error) = Native.extract(&mut InMemory::new(content), &hint("x")) {
            failed.push(format!("round {round}, {path}: {error:?}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
