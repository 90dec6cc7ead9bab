//! Rows 11 and 12.

use std::process::Command;

use crate::archive::Archive;
use crate::bench::Bench;
use crate::peers::Skip;
use crate::report::{Measured, Report};
use crate::run::{Cache, Side, alternate};

/// Both.
pub(super) fn rows(bench: &Bench, report: &mut Report) {
    bench.row(report, "11", || beside_one_exiftool(bench));
    bench.row(report, "12", || Err(Skip("mama has no native reader yet".to_owned()).into()));
}

fn beside_one_exiftool(bench: &Bench) -> anyhow::Result<Measured> {
    bench.machine.peers.need(&["exiftool"])?;
    let tree = super::photos(bench)?;
    let archive = Archive::new(bench, "metadata");
    let mut exiftool = Command::new("exiftool");
    exiftool.args(["-q", "-q", "-r", "-json", "-G1", "-struct"]).arg(&tree.dir);
    let sides = [
        Side::new("mama", || archive.scan_with_metadata(&tree)).after(|| archive.fresh()),
        Side::new("exiftool", move || bench.peer(&mut exiftool)),
    ];
    let series = alternate(bench.args.runs, Cache::Warm, sides)?;
    Ok(Measured::against(series))
}
