//! Rows 8, 9, 10 and 16.

use std::process::Command;

use crate::archive::{Archive, Way, remove};
use crate::bench::Bench;
use crate::report::{Measured, Report};
use crate::run::{Cache, Side, alternate};
use crate::trees::Tree;

/// All of them.
pub(super) fn rows(bench: &Bench, report: &mut Report) {
    bench.row(report, "8", || beside_restic(bench));
    bench.row(report, "9", || beside_cp(bench));
    bench.row(report, "10", || with_nothing_to_do(bench));
    bench.row(report, "16", || beside_itself_without_sync(bench));
}

fn beside_restic(bench: &Bench) -> anyhow::Result<Measured> {
    bench.machine.peers.need(&["restic"])?;
    let tree = super::media(bench)?;
    let archive = Archive::new(bench, "backup");
    let repository = bench.scratch().join("restic");
    let restic = |args: &[&str]| {
        let mut command = Command::new("restic");
        command.args(["--quiet", "--no-cache", "--repo"]).arg(&repository).args(args);
        command.env("RESTIC_PASSWORD", "bench");
        command
    };
    let sides = [
        Side::new("mama", || Ok(archive.scan(&tree)?.then(archive.apply()?))).after(|| archive.fresh()),
        Side::new("restic", || bench.peer(restic(&["backup", "--compression", "off"]).arg(&tree.dir))).after(
            || {
                remove(&repository)?;
                bench.peer(&mut restic(&["init"])).map(drop)
            },
        ),
    ];
    let series = alternate(bench.args.runs, Cache::Warm, sides)?;
    Ok(Measured::against(series))
}

fn beside_cp(bench: &Bench) -> anyhow::Result<Measured> {
    bench.machine.peers.need(&["cp"])?;
    let tree = super::tiny(bench, 1)?;
    let archive = Archive::new(bench, "links");
    let copy = bench.scratch().join("linked");
    let sides = [
        Side::new("mama", || archive.apply()).after(|| {
            // A file with another name is not taken by link.
            remove(&copy)?;
            scanned(&archive, &tree)
        }),
        Side::new("cp -al", || bench.peer(Command::new("cp").arg("-al").arg(&tree.dir).arg(&copy)))
            .after(|| remove(&copy)),
    ];
    let series = alternate(bench.args.runs, Cache::Warm, sides)?;
    Ok(Measured::against(series))
}

fn scanned(archive: &Archive<'_>, tree: &Tree) -> anyhow::Result<()> {
    archive.fresh()?;
    archive.scan(tree).map(drop)
}

fn with_nothing_to_do(bench: &Bench) -> anyhow::Result<Measured> {
    let tree = super::tiny(bench, 1)?;
    let archive = Archive::new(bench, "quiet");
    scanned(&archive, &tree)?;
    archive.apply()?;
    let [mama] = alternate(bench.args.runs, Cache::Warm, [Side::new("mama", || archive.quiet_apply())])?;
    Ok(Measured { value: mama.wall(), mama, peer: None })
}

fn beside_itself_without_sync(bench: &Bench) -> anyhow::Result<Measured> {
    bench.machine.peers.need(&["strace"])?;
    let tree = super::media(bench)?;
    let archive = Archive::new(bench, "durable").by(Way::Copy);
    let sides = [
        Side::new("mama", || archive.apply_watched(true)).after(|| scanned(&archive, &tree)),
        Side::new("mama without sync", || archive.apply_watched(false)).after(|| scanned(&archive, &tree)),
    ];
    let series = alternate(bench.args.runs, Cache::Warm, sides)?;
    Ok(Measured::against(series))
}
