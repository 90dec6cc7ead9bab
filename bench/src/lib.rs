//! `make bench`: mama beside the programs that are best at each of its jobs, on the same trees, in turn.
//!
//! It drives the binary and knows nothing of mama's crates; a row of the table is in [`rows`], what it should come to in
//! [`targets`]. How to run it and read it: `docs/performance.md`.

pub mod archive;
pub mod args;
pub mod bench;
pub mod peers;
pub mod report;
pub mod rows;
pub mod run;
pub mod server;
pub mod stats;
pub mod targets;
pub mod trees;

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use anyhow::Context;

use crate::args::Args;
use crate::bench::Bench;
use crate::report::Report;

/// Measures what was asked for, prints and writes the results, and says whether nothing failed.
pub fn run(args: &Args) -> anyhow::Result<bool> {
    for asked in &args.only {
        let is_known = targets::TARGETS
            .iter()
            .any(|target| target.row == asked || target.row.trim_end_matches(char::is_alphabetic) == asked);
        anyhow::ensure!(is_known, "there is no row {asked}; docs/performance.md lists them");
    }
    let mama = peers::mama(args.mama.as_deref())?;
    let (root, kept) = match &args.keep {
        Some(folder) => {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
            (fs::canonicalize(folder)?, None)
        }
        None => {
            // PostgreSQL's own user must get through.
            let mut builder = tempfile::Builder::new();
            let folder =
                builder.prefix("mama-bench.").permissions(Permissions::from_mode(0o755)).tempdir()?;
            (fs::canonicalize(folder.path())?, Some(folder))
        }
    };
    let bench = Bench::new(args, root, mama)?;
    bench.tell(&format!("working in {}", bench.root.display()));
    let mut report = Report::new(bench.about(), bench.to_json(), bench.machine.cores);
    rows::all(&bench, &mut report);
    drop(bench);
    drop(kept);
    fs::write(&args.results, report.to_json_lines())
        .with_context(|| format!("cannot write {}", args.results.display()))?;
    if let Some(repository) = &args.write_docs {
        report::docs::write(&report, repository)?;
    }
    write!(std::io::stdout(), "{}", report.to_markdown())?;
    Ok(report.is_whole())
}
