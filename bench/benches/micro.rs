//! What is hot and pure: `cargo bench -p mama-bench`, or `cargo bench -p mama-bench -- classify`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mama_adapters::fs::memory::MemoryFs;
use mama_adapters::hash::Blake3;
use mama_domain::change::classify;
use mama_domain::ignoring::Ignoring;
use mama_domain::layout;
use mama_domain::reconcile::{
    Actual, BlobFact, Promised, Rules, SourceFact, ViewFact, Want, Wish, desired, plan,
};
use mama_ports::content::ContentHasher;
use mama_ports::events::Silent;
use mama_ports::filesystem::{Entry, Filesystem, ReadTree};
use mama_ports::repository::{Known, Source};
use mama_ports::vocab::{
    AbsPath, BlobHash, Claim, Contest, FileFacts, FileId, FileKind, FileName, HostName, Location, MetaDoc,
    ObservationId, Placement, RelPath, ScanRoot, SourceKind, Standing, Status, Timestamp, escaped,
};
use mama_ports::walker::Prune;

/// What apply looks at together.
const PAGE: u64 = 1024;

fn hash(number: u64) -> BlobHash {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    BlobHash::from_bytes(bytes)
}

fn facts(number: u64) -> FileFacts {
    FileFacts {
        kind: FileKind::File,
        id: FileId { device: 1, inode: number },
        size: 250_000 + number,
        mtime: Timestamp::new(1_000_000_000, 5),
        ctime: Timestamp::new(1_500_000_000, 5),
        mode: 0o644,
        links: 1,
        owned: true,
    }
}

fn location(host: &str, number: u64) -> Location {
    Location {
        root: ScanRoot {
            host: HostName::parse(host).unwrap(),
            basedir: AbsPath::parse("/home/anna/Pictures").unwrap(),
            kind: SourceKind::Existing,
        },
        dir: RelPath::parse("2015/2015-07-04 Sommer Österreich").unwrap(),
        name: FileName::parse(format!("IMG_{number:05}.jpg")).unwrap(),
    }
}

fn hashing(c: &mut Criterion) {
    let mut group = c.benchmark_group("BLAKE3");
    for (name, len) in [("200 B", 200), ("250 KiB", 250 << 10), ("64 MiB", 64 << 20)] {
        let bytes = vec![0x5a; len];
        group.throughput(Throughput::Bytes(len as u64));
        group.bench_function(name, |b| b.iter(|| Blake3.digest(&mut black_box(bytes.as_slice()))));
    }
}

fn rescan(c: &mut Criterion) {
    let seen = facts(1);
    let known = Known {
        id: ObservationId(1),
        name: FileName::parse("IMG_00001.jpg").unwrap(),
        fingerprint: seen.fingerprint(),
        racy: false,
        gone: false,
        held: false,
    };
    c.bench_function("change::classify, unchanged", |b| {
        b.iter(|| classify(black_box(&seen), black_box(Some(&known))));
    });
}

fn claim(host: &str, number: u64, content: u64) -> Claim {
    Claim {
        id: ObservationId(number as i64 + 1),
        at: location(host, number % PAGE),
        hash: hash(content),
        fingerprint: facts(number).fingerprint(),
        current: true,
        gone: false,
        standing: Standing { status: Status::Pending, placement: Placement::None },
        open: true,
        view: None,
        stored: false,
        block: None,
        turned_down: false,
    }
}

/// A page of places, each tenth with another content on another host.
fn contests() -> Vec<Contest> {
    let contest = |number| {
        let mut claims = vec![claim("laptop", number, number)];
        if number % 10 == 0 {
            claims.push(claim("nas", number + PAGE, number + PAGE));
        }
        Contest { place: claims[0].at.place(), claims }
    };
    (0..PAGE).map(contest).collect()
}

fn reconciling(c: &mut Criterion) {
    let (contests, rules) = (contests(), Rules { auto_assign: true, history: false });
    let wished = || contests.iter().flat_map(|contest| desired(contest, &rules)).collect::<Vec<Wish>>();
    let wishes = wished();
    let source = |claim: &Claim| {
        let source = Source { id: claim.id, at: claim.at.clone(), fingerprint: claim.fingerprint };
        (claim.hash, SourceFact::Ready(vec![source]))
    };
    let names = |wish: &Wish| match &wish.want {
        Want::View(shown) => shown.names.clone(),
        Want::Content | Want::Nothing(_) => Vec::new(),
    };
    let actual = Actual {
        blobs: wishes.iter().map(|wish| (wish.claim.hash, BlobFact::Absent)).collect(),
        views: wishes.iter().flat_map(names).map(|name| (name, ViewFact::Absent)).collect(),
        sources: wishes.iter().map(|wish| source(&wish.claim)).collect(),
        ..Actual::default()
    };
    let promised = Promised::default();
    let mut group = c.benchmark_group("reconcile, a page of 1,024 places");
    group.throughput(Throughput::Elements(PAGE));
    group.bench_function("desired", |b| b.iter(wished));
    group.bench_function("plan", |b| b.iter(|| plan(black_box(&wishes), &actual, &promised)));
}

fn names(c: &mut Criterion) {
    let place = location("laptop", 1).place();
    let (host, content) = (HostName::parse("laptop").unwrap(), hash(1));
    c.bench_function("layout::view_path", |b| b.iter(|| layout::view_path(black_box(&place))));
    c.bench_function("layout::view_path_of_host", |b| {
        b.iter(|| layout::view_path_of_host(black_box(&place), &host, &content));
    });
    let path = b"/home/anna/Pictures/2015/2015-07-04 Sommer \xc3\x96sterreich/IMG\xff_00001\n.jpg";
    c.bench_function("escaped", |b| b.iter(|| escaped(black_box(path)).to_string()));
}

fn metadata(c: &mut Criterion) {
    let tag = |number: usize| match number % 3 {
        0 => format!(r#""ExifIFD:Tag{number:03}":"2015:07:04 12:30:{:02}""#, number % 60),
        1 => format!(r#""MakerNotes:Tag{number:03}":{number}.25"#),
        _ => format!(r#""XMP-dc:Tag{number:03}":["Sommer","Österreich",{number}]"#),
    };
    let text = format!("{{{}}}", (0..150).map(tag).collect::<Vec<_>>().join(","));
    let doc = MetaDoc::from_json(&text).unwrap();
    let mut group = c.benchmark_group("MetaDoc, 150 tags");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("from_json", |b| b.iter(|| MetaDoc::from_json(black_box(&text))));
    group.bench_function("to_json", |b| b.iter(|| black_box(&doc).to_json()));
}

fn ignoring(c: &mut Criterion) {
    let disk = MemoryFs::new();
    disk.write("/photos/2015/.mamaignore", "*.tmp\n/export/\n!keep.tmp\n");
    let root = AbsPath::parse("/photos").unwrap();
    let tree: Arc<dyn ReadTree> = disk.source(&root).unwrap();
    let excludes = ["*.part".to_owned(), "cache/**".to_owned()];
    let rules = Ignoring::new(root, tree, None, &excludes, Arc::new(Silent)).unwrap();
    let dir = RelPath::parse("2015").unwrap();
    let entry = |name: String| Entry { name: FileName::parse(name).unwrap(), facts: Ok(facts(1)) };
    let entries: Vec<Entry> = (0..100).map(|number| entry(format!("IMG_{number:05}.jpg"))).collect();
    // The folder's own patterns are learned from its listing.
    rules.keep(&dir, &[entry(".mamaignore".to_owned())]);
    let mut group = c.benchmark_group("Ignoring, a folder of 100 files");
    group.throughput(Throughput::Elements(100));
    group.bench_function("keep", |b| b.iter(|| rules.keep(&dir, black_box(&entries))));
}

criterion_group!(benches, hashing, rescan, reconciling, names, metadata, ignoring);
criterion_main!(benches);
