//! Rows 4 to 7.

use std::process::Command;

use crate::archive::{Archive, Catalog};
use crate::bench::Bench;
use crate::report::{Measured, Report};
use crate::run::{Cache, Side, alternate};
use crate::stats::Sample;
use crate::trees::Tree;

/// Hashes on all cores, one core, and by memory map on all cores.
const MANY: &str = r#"find "$1" -type f -print0 | xargs -0 -n 64 -P "$(nproc)" b3sum --no-mmap"#;
const ONE: &str = r#"find "$1" -type f -print0 | xargs -0 b3sum --no-mmap"#;
const BIG: &str = r#"b3sum --no-mmap "$1"/*"#;
const MAPPED: &str = r#"b3sum "$1"/*"#;

/// All of them.
pub(super) fn rows(bench: &Bench, report: &mut Report) {
    let b3sum = |line: &'static str| move |tree: &Tree| bench.shell(line, &tree.dir);
    let beside = |cache, catalog, tree: anyhow::Result<Tree>, line: &'static str| {
        bench.machine.peers.need(&["b3sum", "find", "xargs"])?;
        beside(bench, cache, catalog, &tree?, "b3sum", b3sum(line))
    };
    let (sqlite, postgres) = (Catalog::Sqlite, Catalog::Postgres);
    bench.row(report, "4", || beside(Cache::Warm, sqlite, super::media(bench), MANY));
    bench.row(report, "4f", || beside_fclones(bench));
    bench.row(report, "5", || beside(Cache::Cold, sqlite, super::media(bench), MANY));
    bench.row(report, "6", || beside(Cache::Warm, sqlite, super::tiny(bench, 10), ONE));
    bench.row(report, "6p", || beside(Cache::Warm, postgres, super::tiny(bench, 10), ONE));
    bench.row(report, "7", || beside(Cache::Cold, sqlite, super::big(bench), BIG));
    bench.row(report, "7b", || beside(Cache::Warm, sqlite, super::big(bench), MAPPED));
}

fn beside_fclones(bench: &Bench) -> anyhow::Result<Measured> {
    bench.machine.peers.need(&["fclones"])?;
    let group = |tree: &Tree| bench.peer(Command::new("fclones").arg("group").arg(&tree.dir));
    beside(bench, Cache::Warm, Catalog::Sqlite, &super::media(bench)?, "fclones", group)
}

fn beside(
    bench: &Bench,
    cache: Cache,
    catalog: Catalog,
    tree: &Tree,
    name: &'static str,
    peer: impl Fn(&Tree) -> anyhow::Result<Sample>,
) -> anyhow::Result<Measured> {
    if cache == Cache::Cold {
        bench.need_cold()?;
    }
    let archive = Archive::new(bench, "first").on(catalog);
    let sides =
        [Side::new("mama", || archive.scan(tree)).after(|| archive.fresh()), Side::new(name, || peer(tree))];
    let series = alternate(bench.args.runs, cache, sides)?;
    Ok(Measured::against(series))
}
