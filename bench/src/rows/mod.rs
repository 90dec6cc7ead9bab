//! The rows: for each, what mama does, what the peer does, and what comes before.

mod apply;
mod first_scan;
mod growth;
mod metadata;
mod rescan;

use crate::bench::Bench;
use crate::report::Report;
use crate::trees::Tree;

/// Measures every row that was asked for.
///
/// In this order: what links or changes the files of a tree comes after what must find them untouched.
pub fn all(bench: &Bench, report: &mut Report) {
    rescan::unchanged(bench, report);
    first_scan::rows(bench, report);
    metadata::rows(bench, report);
    growth::rows(bench, report);
    apply::rows(bench, report);
    rescan::changed(bench, report);
}

/// Files of the work sets at full size, and bytes of a big file.
const TINY: u64 = 1_000_000;
const MEDIA: u64 = 20_000;
const PHOTOS: u64 = 5_000;
const BIG: u64 = 1 << 30;

/// How many big files there are.
const BIG_FILES: u64 = 4;

/// The tree of tiny files, or one with this fraction of them.
fn tiny(bench: &Bench, fraction: u64) -> anyhow::Result<Tree> {
    bench.trees.tiny(bench.args.scale.of(TINY, 100) / fraction)
}

fn media(bench: &Bench) -> anyhow::Result<Tree> {
    bench.trees.media(bench.args.scale.of(MEDIA, 20))
}

fn photos(bench: &Bench) -> anyhow::Result<Tree> {
    bench.trees.photos(bench.args.scale.of(PHOTOS, 10))
}

fn big(bench: &Bench) -> anyhow::Result<Tree> {
    bench.trees.big(BIG_FILES, bench.args.scale.of(BIG, 1 << 20))
}
