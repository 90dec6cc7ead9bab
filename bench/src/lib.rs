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
    let report = measure(args)?;
    fs::write(&args.results, report.to_json_lines())
        .with_context(|| format!("cannot write {}", args.results.display()))?;
    if let Some(repository) = &args.write_docs {
        report::docs::write(&report, repository)?;
    }
    write!(std::io::stdout(), "{}", report.to_markdown())?;
    Ok(report.is_whole())
}

/// Measures what was asked for, in a folder that is gone afterwards unless it was to be kept.
pub fn measure(args: &Args) -> anyhow::Result<Report> {
    args.check()?;
    let mama = peers::mama(args.mama.as_deref())?;
    let (root, passing) = match &args.keep {
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
    let made = ["scratch", "postgres"].map(|name| bench.root.join(name));
    // Its server has files there.
    drop(bench);
    made.iter().try_for_each(|folder| archive::remove(folder))?;
    drop(passing);
    Ok(report)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn a_mama_that_does_nothing_is_no_result() {
        let args =
            ["mama-bench", "--mama", "/bin/true", "--scale", "0.0001", "--only", "10", "--grow", "/none"];
        let report = measure(&Args::parse_from(args)).unwrap();
        assert!(!report.is_whole());
        assert!(report.to_markdown().contains("failed: mama printed nothing"), "{}", report.to_markdown());
    }

    #[test]
    fn a_row_that_is_not_there_cannot_be_asked_for() {
        let asked = measure(&Args::parse_from(["mama-bench", "--mama", "/bin/true", "--only", "1,99"]));
        assert!(asked.unwrap_err().to_string().contains("no row 99"));
    }
}
