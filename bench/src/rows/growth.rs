//! Rows 14 and 15: the same work on three sizes of tiny, in turn.

use anyhow::anyhow;

use crate::archive::Archive;
use crate::bench::Bench;
use crate::report::{Measured, Report, Size};
use crate::run::{Cache, Side, alternate};
use crate::stats::{Sample, Series};
use crate::trees::{Tree, settle};

/// The sizes, as fractions of tiny.
const FRACTIONS: [u64; 3] = [100, 10, 1];

/// Bytes of a mebibyte.
const MIB: f64 = (1 << 20) as f64;

const ROWS: [&str; 4] = ["14r", "14s", "15", "15g"];
const SCAN: &str = "first scan";
const RESCAN: &str = "rescan";

/// All of them; the table of sizes too.
pub(super) fn rows(bench: &Bench, report: &mut Report) {
    if !ROWS.iter().any(|row| bench.args.wants(row)) {
        return;
    }
    bench.tell("growth");
    let measured = bench.afresh().and_then(|()| measure(bench)).map_err(|why| format!("{why:#}"));
    if let Ok(sizes) = &measured {
        report.growth = sizes.to_vec();
    }
    for row in ROWS {
        bench.row(report, row, || match &measured {
            Ok([small, middle, large]) => result(row, small, middle, large),
            Err(why) => Err(anyhow!("{why}")),
        });
    }
}

fn result(row: &str, small: &Size, middle: &Size, large: &Size) -> anyhow::Result<Measured> {
    let operation = |size: &Size, what: &str| {
        size.operations.iter().find(|series| series.what == what).cloned().ok_or_else(|| anyhow!("no {what}"))
    };
    let bent = |what: &str| {
        let [mama, peer] = [operation(large, what)?, operation(middle, what)?];
        let value = (mama.wall() / large.files as f64) / (peer.wall() / middle.files as f64);
        let named = |series, size: &Size| Series { what: format!("{} files", size.files), ..series };
        Ok(Measured { value, mama, peer: Some(named(peer, middle)) })
    };
    let hungriest = large.operations.iter().max_by_key(|series| series.rss()).cloned().unwrap_or_default();
    let memory = |bytes: f64| Ok(Measured { value: bytes / MIB, mama: hungriest.clone(), peer: None });
    match row {
        "14r" => bent(RESCAN),
        "14s" => bent(SCAN),
        "15" => memory(large.rss() as f64),
        _ => memory(large.rss() as f64 - small.rss() as f64),
    }
}

/// Every operation on every size, the sizes in turn.
fn measure(bench: &Bench) -> anyhow::Result<[Size; 3]> {
    let archives = ["small", "middle", "large"].map(|name| Archive::new(bench, name));
    let mut trees = Vec::new();
    for fraction in FRACTIONS {
        trees.push(super::tiny(bench, fraction)?);
    }
    let trees: [Tree; 3] = trees.try_into().map_err(|_| anyhow!("three fractions are three trees"))?;
    let mut sizes = trees.each_ref().map(|tree| Size { files: tree.files, operations: Vec::new() });
    type Step = fn(&Archive<'_>, &Tree) -> anyhow::Result<Sample>;
    type Before = fn(&Archive<'_>, &Tree) -> anyhow::Result<()>;
    let nothing: Before = |_, _| Ok(());
    let operations: [(&'static str, Before, Step); 5] = [
        (SCAN, |archive, _| archive.fresh(), |archive, tree| archive.scan(tree)),
        (RESCAN, nothing, |archive, tree| archive.rescan(tree, 0)),
        ("plan", nothing, |archive, _| archive.plan()),
        (
            "apply by link",
            |archive, tree| {
                archive.fresh()?;
                archive.scan(tree).map(drop)
            },
            |archive, _| archive.apply(),
        ),
        ("quiet apply", nothing, |archive, _| archive.quiet_apply()),
    ];
    settle();
    for (what, before, step) in operations {
        let [a, b, c] = &archives;
        let [x, y, z] = &trees;
        let side =
            |archive, tree| Side::new(what, move || step(archive, tree)).after(move || before(archive, tree));
        let series = alternate(bench.args.runs, Cache::Warm, [side(a, x), side(b, y), side(c, z)])?;
        sizes.iter_mut().zip(series).for_each(|(size, series)| size.operations.push(series));
    }
    Ok(sizes)
}
