//! The catalog on a real PostgreSQL: the suite of its port, and what only this adapter promises.

#![expect(clippy::unwrap_used, reason = "the helpers of a test are tests too")]

#[path = "postgres/growth.rs"]
mod growth;
#[path = "postgres/opening.rs"]
mod opening;
#[path = "postgres/outages.rs"]
mod outages;
#[path = "postgres/reading.rs"]
mod reading;
#[path = "postgres/roles.rs"]
mod roles;
#[path = "postgres/trouble.rs"]
mod trouble;

use mama_ports::enrichment::{Enriched, Enrichment, Looked};
use mama_ports::repository::{NewBlob, ScanBatch, Sighting};
use mama_ports::vocab::{
    AbsPath, BlobHash, ExtractorId, FileName, Fingerprint, HostName, MetaDoc, RelPath, ScanId, ScanRoot,
    SourceKind, Timestamp,
};

use pollster::block_on;

mod the_port {
    mama_ports::repository_conformance!(mama_tests::postgres::Database::new);
}

fn root(host: &str) -> ScanRoot {
    let host = HostName::parse(host).unwrap();
    ScanRoot { host, basedir: AbsPath::parse("/a").unwrap(), kind: SourceKind::Existing }
}

/// What was found in each of so many contents.
fn enrich(catalog: &dyn Enrichment, contents: u8) {
    let doc = |text| MetaDoc::from_json(text).unwrap();
    let found = doc(r#"{"a":1}"#).with_numbers(doc(r#"{"a":2}"#).entries().clone());
    let (by, at) = (ExtractorId::new("test", "1", 1), Timestamp::new(-1, 500_000_000));
    let looked = Some(Looked { by, at, found: Ok(found) });
    let one =
        |number| Enriched { hash: BlobHash::from_bytes([number; 32]), mime: None, looked: looked.clone() };
    block_on(catalog.enrich(&(1..=contents).map(one).collect::<Vec<_>>())).unwrap();
}

/// Files of one byte each, by folder, name and content.
fn batch(scan: ScanId, at: i64, files: &[(&str, &[u8], u8)]) -> ScanBatch {
    let mut batch = ScanBatch::new(scan, Timestamp::new(at, 0));
    for &(dir, name, content) in files {
        let hash = BlobHash::from_bytes([content; 32]);
        batch.blobs.push(NewBlob { hash, size: 1, mime: None, quick: None });
        let (mtime, ctime) = (Timestamp::new(-1, 999_999_999), Timestamp::new(12, 5));
        batch.sightings.push(Sighting {
            dir: RelPath::parse(dir).unwrap(),
            name: FileName::parse(name).unwrap(),
            hash,
            fingerprint: Fingerprint { size: 1, mtime, ctime, inode: u64::MAX },
            racy: false,
        });
    }
    batch
}
