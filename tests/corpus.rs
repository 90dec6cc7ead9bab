//! The content adapters on real files, against what independent programs say about the same files.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "the functions around the tests are tests too")]

#[path = "corpus/belonging.rs"]
mod belonging;
#[path = "corpus/facts.rs"]
mod facts;
#[path = "corpus/native.rs"]
mod native;
#[path = "corpus/types.rs"]
mod types;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use mama_adapters::extract::{ExifTool, Settings};
use mama_adapters::hash::Blake3;
use mama_ports::conformance::content::{Opened, hint};
use mama_ports::content::{ContentHasher, MetadataExtractor};
use mama_ports::vocab::MetaDoc;
use mama_tests::corpus::{corpus, documented};
use serde_json::{Map, Value};

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// Whether the expected results are from `version` of `tool`; says so if not, as answers change from version to version.
fn made_with(corpus: &Path, tool: &str, version: &str) -> bool {
    let versions: Value = serde_json::from_str(&text(corpus.join("expected/tool-versions.json"))).unwrap();
    let same = versions[tool].as_str() == Some(version);
    if !same {
        println!("skipped: the expected results are from {}, and here is {version}", versions[tool]);
    }
    same
}

/// What is in a compressed file of expected results.
fn unpacked(path: &Path) -> Vec<u8> {
    let unpacked = Command::new("gzip").arg("-dc").arg(path).output().unwrap();
    assert!(unpacked.status.success(), "gzip is needed (Debian: gzip)");
    unpacked.stdout
}

/// The metadata that ExifTool prints for each file.
fn metadata_by_file(corpus: &Path) -> BTreeMap<String, Map<String, Value>> {
    let files: Vec<Map<String, Value>> =
        serde_json::from_slice(&unpacked(&corpus.join("expected/exiftool.json.gz"))).unwrap();
    files.into_iter().map(|tags| (tags["SourceFile"].as_str().unwrap().to_owned(), tags)).collect()
}

#[test]
fn hashes_are_those_of_b3sum() {
    let Some(corpus) = corpus() else { return };
    let list = text(corpus.join("expected/b3sums.txt"));
    for line in list.lines() {
        // b3sum marks a name in which it escapes something with a backslash before the hash.
        let (hash, path) = line.split_once("  ").unwrap();
        let (hash, path) = match hash.strip_prefix('\\') {
            Some(hash) => (hash, path.replace("\\n", "\n").replace("\\\\", "\\")),
            None => (hash, path.to_owned()),
        };
        let mut file = File::open(corpus.join(&path)).unwrap();
        let size = file.metadata().unwrap().len();
        let digest = Blake3.digest(&mut file).unwrap();
        assert_eq!((digest.hash.to_string().as_str(), digest.size), (hash, size), "{path}");
    }
    assert!(list.lines().count() > 400);
}

/// The groups that mama drops: they speak of the file and of ExifTool.
fn is_noise(key: &str) -> bool {
    key == "SourceFile" || ["File:", "System:", "ExifTool:"].iter().any(|group| key.starts_with(group))
}

/// Bytes of a text that are kept.
const LONGEST_TEXT: usize = 64 * 1024;

/// Equal, where the expected results have been through a program that writes 0.50 as 0.5, and are not cut.
fn same(is: &Value, should: &Value) -> bool {
    match (is, should) {
        (Value::Number(is), Value::Number(should)) => is.as_f64() == should.as_f64(),
        (Value::Array(is), Value::Array(should)) => {
            is.len() == should.len() && is.iter().zip(should).all(|(is, should)| same(is, should))
        }
        (Value::Object(is), Value::Object(should)) => {
            is.len() == should.len()
                && is.iter().zip(should).all(|((key, is), (name, should))| key == name && same(is, should))
        }
        (Value::String(is), Value::String(should)) if should.len() > LONGEST_TEXT => {
            let end = format!("… (the first {LONGEST_TEXT} of {} bytes)", should.len());
            is.strip_suffix(&end).is_some_and(|kept| kept.len() == LONGEST_TEXT && should.starts_with(kept))
        }
        _ => is == should,
    }
}

/// The tags in which two documents differ: missing, invented or other.
fn differences(is: &Map<String, Value>, should: &Map<String, Value>) -> Vec<String> {
    let keys: BTreeSet<_> = is.keys().chain(should.keys()).filter(|key| !is_noise(key)).collect();
    let differ = |key: &&&String| match (is.get(**key), should.get(**key)) {
        (Some(is), Some(should)) => !same(is, should),
        _ => true,
    };
    keys.iter()
        .filter(differ)
        .map(|key| format!("{key}: {:?}, not {:?}", is.get(*key), should.get(*key)))
        .collect()
}

/// Documents that are ZIP archives inside: ExifTool reads them only with a Perl module of its own.
const ZIPPED: [&str; 10] = ["docx", "epub", "numbers", "odg", "odp", "ods", "odt", "pages", "pptx", "xlsx"];

fn is_zipped(path: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(_, ending)| ZIPPED.contains(&ending))
}

/// What ExifTool says of this document alone, and not where it has read another one before, as the run behind `expected/` had.
const SAID_WHEN_ALONE: (&str, &str) = ("documents/office/testOpenOffice2.odt", "XMP-meta:User-defined");

/// What ExifTool says with `-n` of each file.
fn numbers_by_file(corpus: &Path) -> BTreeMap<String, Map<String, Value>> {
    let mut exiftool = Command::new("exiftool");
    exiftool.args(["-q", "-q", "-r", "-j", "-G1", "-struct", "-n", "-ext", "*", "."]).current_dir(corpus);
    let said =
        exiftool.env("TZ", "UTC").env("LC_ALL", "C.UTF-8").env("PERL_HASH_SEED", "0").output().unwrap();
    let files: Vec<Map<String, Value>> = serde_json::from_slice(&said.stdout).unwrap();
    let path = |tags: &Map<String, Value>| tags["SourceFile"].as_str().unwrap().replacen("./", "", 1);
    files.into_iter().map(|tags| (path(&tags), tags)).collect()
}

/// A list that ExifTool prints, and that it calls binary data with `-n`.
const BINARY_AS_A_NUMBER: &str = "SubIFD:OpcodeList2";

/// The tags whose number is not what `-n` gives.
fn other_numbers(doc: &MetaDoc, should: &Map<String, Value>) -> Vec<String> {
    let numbers = doc.entries().keys().filter(|key| *key != BINARY_AS_A_NUMBER);
    let numbers = numbers.map(|key| (key, doc.number(key).unwrap(), should.get(key).unwrap_or(&Value::Null)));
    let other = numbers.filter(|(_, is, should)| !same(is, should));
    other.map(|(key, is, should)| format!("{key}: the number is {is}, not {should}")).collect()
}

/// Compares what the pool gives for every `chosen` file with what ExifTool gave for its path: no tag may be missing, invented or other.
fn compare_metadata(what: &str, chosen: impl Fn(&str) -> bool, at_least: usize) {
    let Some(corpus) = corpus() else { return };
    let settings = Settings { sessions: NonZeroUsize::new(2).unwrap(), ..Settings::default() };
    let exiftool = ExifTool::start(settings).expect("ExifTool is needed (Debian: libimage-exiftool-perl)");
    if !made_with(&corpus, "exiftool", exiftool.version()) {
        return;
    }
    let expected: Vec<_> = metadata_by_file(&corpus).into_iter().filter(|(path, _)| chosen(path)).collect();
    assert!(expected.len() >= at_least, "{}", expected.len());
    let numbers = numbers_by_file(&corpus);
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let compare = |path: &String, should: &Map<String, Value>| {
        let mut content = Opened::new(File::open(corpus.join(path)).unwrap());
        let name = Path::new(path).file_name().unwrap().to_str().unwrap();
        let doc =
            exiftool.extract(&mut content, &hint(name)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let known = doc.is_some();
        let doc = doc.unwrap_or_default();
        let mut tags = doc.entries().clone();
        if path == SAID_WHEN_ALONE.0 {
            assert!(tags.remove(SAID_WHEN_ALONE.1).is_some(), "a process of its own says it every time");
        }
        let mut wrong = differences(&tags, should);
        // The order in which a run over many files meets elements of a document is its own.
        if !is_zipped(path) {
            wrong.extend(other_numbers(&doc, numbers.get(path).unwrap_or(&Map::new())));
        }
        wrong.extend(tags.keys().filter(|key| is_noise(key)).map(|key| format!("{key} is noise")));
        if known != should.contains_key("File:FileType") {
            wrong.push(format!("known: {known}"));
        }
        wrong
    };
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((path, should)) = expected.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match compare(path, should) {
                        same if same.is_empty() => {}
                        differences => wrong.lock().unwrap().push((path, differences)),
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let tags: usize = expected.iter().map(|(_, tags)| tags.keys().filter(|key| !is_noise(key)).count()).sum();
    let of = format!("{tags} tags of {} files", expected.len());
    documented([what, "ExifTool itself, by path", &of, "all equal; none missing, none invented"]);
}

#[test]
fn metadata_is_what_exiftool_says_by_path() {
    compare_metadata("Metadata", |path| !is_zipped(path), 400);
}

#[test]
fn metadata_of_office_documents_is_what_exiftool_says_by_path() {
    let module = Command::new("perl").args(["-MArchive::Zip", "-e", "1"]).output();
    assert!(
        module.is_ok_and(|perl| perl.status.success()),
        "Perl's Archive::Zip is needed to look into documents (Debian: libarchive-zip-perl)"
    );
    compare_metadata("Metadata of office documents", is_zipped, 12);
}
