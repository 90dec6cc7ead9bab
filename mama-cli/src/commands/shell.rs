//! `mama completions` and `mama man`, made from the grammar.

use std::path::Path;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Cli;
use crate::exit::{Fault, Status};
use crate::render::Output;

/// Prints the script that completes mama's commands in `shell`.
pub(super) fn completions(shell: Shell, output: &Output) -> Status {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "mama", &mut script);
    output.raw(String::from_utf8_lossy(&script).trim_end());
    Status::Done
}

/// Writes a man page for each command into `dir`, which must be there.
pub(super) fn man(dir: &Path) -> anyhow::Result<Status> {
    clap_mangen::generate_to(Cli::command(), dir).map_err(|error| {
        Fault::failed(format!("cannot write man pages into {}", dir.display())).because(error)
    })?;
    Ok(Status::Done)
}
