//! mama on the command line: parse, wire, draw.

mod args;
mod commands;
mod compose;
mod config;
mod exit;
mod planfile;
mod render;

use std::process::ExitCode;
use std::sync::Arc;

use render::Output;

fn main() -> ExitCode {
    if let Some(order) = compose::sandbox::order(std::env::args_os()) {
        return compose::sandbox::obey(order);
    }
    let cli = args::parse(std::env::args_os());
    let output = Arc::new(Output::new(&cli.manners));
    let outcome = commands::run(&cli, &output);
    output.close(outcome)
}
