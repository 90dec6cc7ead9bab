//! Rows 1, 2, 3 and 13.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::{Archive, Catalog, remove};
use crate::bench::Bench;
use crate::report::{Measured, Report};
use crate::run::{Cache, Side, alternate};
use crate::stats::median;
use crate::trees::{Tree, settle};

/// Bytes of a mebibyte.
const MIB: f64 = (1 << 20) as f64;

/// One file in so many is changed for row 13.
const UNCHANGED_A_CHANGED: usize = 100;

/// Rows 1 to 3.
pub(super) fn unchanged(bench: &Bench, report: &mut Report) {
    bench.row(report, "1", || beside_find(bench, Catalog::Sqlite, Cache::Warm));
    bench.row(report, "2", || beside_find(bench, Catalog::Postgres, Cache::Warm));
    bench.row(report, "2w", || log_of_a_rescan(bench));
    bench.row(report, "3", || beside_find(bench, Catalog::Sqlite, Cache::Cold));
}

fn beside_find(bench: &Bench, catalog: Catalog, cache: Cache) -> anyhow::Result<Measured> {
    bench.machine.peers.need(&["find"])?;
    if cache == Cache::Cold {
        bench.need_cold()?;
    }
    let archive = Archive::new(bench, "rescan").on(catalog);
    let tree = super::tiny(bench, 1)?;
    archive.knowing(&tree)?;
    let list = r#"find "$1" -type f -printf '%p\t%s\t%T@\n'"#;
    let series = alternate(
        bench.args.runs,
        cache,
        [Side::new("mama", || archive.rescan(&tree, 0)), Side::new("find", || bench.shell(list, &tree.dir))],
    )?;
    Ok(Measured::against(series))
}

fn log_of_a_rescan(bench: &Bench) -> anyhow::Result<Measured> {
    let archive = Archive::new(bench, "rescan").on(Catalog::Postgres);
    let tree = super::tiny(bench, 1)?;
    let server = bench.server()?;
    archive.knowing(&tree)?;
    let written = RefCell::new(Vec::new());
    let rescan = || {
        let before = server.log_bytes()?;
        let sample = archive.rescan(&tree, 0)?;
        written.borrow_mut().push((server.log_bytes()? - before) as f64 / MIB);
        Ok(sample)
    };
    let [mama] = alternate(bench.args.runs, Cache::Warm, [Side::new("mama", rescan)])?;
    let value = median(written.into_inner());
    Ok(Measured { value, mama, peer: None })
}

/// Row 13, which changes the tree.
pub(super) fn changed(bench: &Bench, report: &mut Report) {
    bench.row(report, "13", || beside_its_parts(bench));
}

fn beside_its_parts(bench: &Bench) -> anyhow::Result<Measured> {
    let tree = super::tiny(bench, 1)?;
    let [whole, part] = ["whole", "part"].map(|name| Archive::new(bench, name));
    whole.knowing(&tree)?;
    let mut chosen = Vec::new();
    every_so_many(&tree.dir, &mut 0, &mut chosen)?;
    let changed = Tree { dir: bench.scratch().join("changed"), files: chosen.len() as u64 };
    bench.trees.forget(&tree)?;
    let versions = Cell::new(0);
    let edit = || {
        remove(&changed.dir)?;
        fs::create_dir_all(&changed.dir)?;
        for (number, file) in chosen.iter().enumerate() {
            versions.set(versions.get() + 1);
            replace(file, versions.get(), &changed.dir.join(number.to_string()))?;
        }
        settle();
        Ok(())
    };
    let series = alternate(
        bench.args.runs,
        Cache::Warm,
        [
            Side::new("mama", || whole.rescan(&tree, changed.files)).after(edit),
            Side::new("its parts", || Ok(whole.rescan(&tree, 0)?.then(part.scan(&changed)?)))
                .after(|| part.fresh()),
        ],
    )?;
    Ok(Measured::against(series))
}

/// One in so many files below, in the order of names.
fn every_so_many(folder: &Path, seen: &mut usize, chosen: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_type()?.is_dir() {
            every_so_many(&entry.path(), seen, chosen)?;
            continue;
        }
        if seen.is_multiple_of(UNCHANGED_A_CHANGED) {
            chosen.push(entry.path());
        }
        *seen += 1;
    }
    Ok(())
}

/// Puts a file of the same size and another content in a file's place, as editors do, and once more at `also`.
fn replace(file: &Path, version: u64, also: &Path) -> anyhow::Result<()> {
    let mut bytes = fs::read(file)?;
    let end = bytes.len().saturating_sub(8);
    let mark = version.to_le_bytes();
    bytes[end..].iter_mut().zip(mark).for_each(|(byte, mark)| *byte = mark);
    fs::write(also, &bytes)?;
    let new = file.with_extension("new");
    fs::write(&new, &bytes)?;
    Ok(fs::rename(new, file)?)
}
