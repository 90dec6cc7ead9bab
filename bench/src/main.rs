//! `mama-bench`: see [`mama_bench`].

use std::process::ExitCode;

use clap::Parser;

fn main() -> anyhow::Result<ExitCode> {
    let is_whole = mama_bench::run(&mama_bench::args::Args::parse())?;
    Ok(if is_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
