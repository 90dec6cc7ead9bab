//! Rows 11 and 12.

use std::process::Command;

use crate::archive::Archive;
use crate::bench::Bench;
use crate::report::{Measured, Report};
use crate::run::{Cache, Side, alternate};
use crate::stats::Sample;
use crate::trees::Tree;

/// Both.
pub(super) fn rows(bench: &Bench, report: &mut Report) {
    bench.row(report, "11", || beside_one_exiftool(bench, Archive::scan_with_metadata));
    bench.row(report, "12", || beside_one_exiftool(bench, Archive::scan_quickly));
}

fn beside_one_exiftool<'a>(
    bench: &'a Bench,
    scan: fn(&Archive<'a>, &Tree) -> anyhow::Result<Sample>,
) -> anyhow::Result<Measured> {
    bench.machine.peers.need(&["exiftool"])?;
    let tree = super::photos(bench)?;
    let archive = Archive::new(bench, "metadata");
    let mut exiftool = Command::new("exiftool");
    exiftool.args(["-q", "-q", "-r", "-json", "-G1", "-struct"]).arg(&tree.dir);
    let sides = [
        Side::new("mama", || scan(&archive, &tree)).after(|| archive.fresh()),
        Side::new("exiftool", move || bench.peer(&mut exiftool)),
    ];
    let series = alternate(bench.args.runs, Cache::Warm, sides)?;
    Ok(Measured::against(series))
}
