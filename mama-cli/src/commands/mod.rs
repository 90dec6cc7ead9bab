//! The commands: each calls the domain and reports.

mod apply;
mod config;
mod curate;
mod dev;
mod doctor;
mod enrich;
mod find;
mod init;
mod interrupt;
mod journal;
mod log;
mod migrate;
mod plan;
mod rebuild;
mod repair;
mod scan;
mod selection;
mod shell;
mod show;
mod stats;
mod undo;
mod why;

use std::sync::Arc;

use mama_domain::curate::Verb;

use crate::args::{Cli, Command};
use crate::compose::App;
use crate::config::Config;
use crate::exit::{Fault, Status};
use crate::render::Output;

/// Runs the command that was asked for, on a runtime of its own.
pub(crate) fn run(cli: &Cli, output: &Arc<Output>) -> anyhow::Result<Status> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault::failed("cannot start threads").because(error))?;
    let outcome = runtime.block_on(dispatch(cli, output));
    // After an interruption, files may still be read on worker threads; nobody waits for them.
    runtime.shutdown_background();
    outcome
}

async fn dispatch(cli: &Cli, output: &Arc<Output>) -> anyhow::Result<Status> {
    match &cli.command {
        Command::Completions { shell } => return Ok(shell::completions(*shell, output)),
        Command::Man { dir } => return shell::man(dir),
        Command::Config(command) => return config::run(command, &cli.places, output),
        Command::Init { dir, archive_lost } => {
            return init::run(dir.as_deref(), *archive_lost, &cli.places, output).await;
        }
        Command::Ignore(which) => return curate::run(Verb::Ignore, which, &cli.places, output).await,
        Command::Assign(which) => return curate::run(Verb::Assign, which, &cli.places, output).await,
        Command::Block { which, reason } => {
            return curate::run(Verb::Block(*reason), which, &cli.places, output).await;
        }
        Command::Unblock(which) => return curate::run(Verb::Unblock, which, &cli.places, output).await,
        Command::Why { what } => return why::run(what, &cli.places, output).await,
        Command::Find(which) => return find::run(which, &cli.places, output).await,
        Command::Show { what, all } => return show::run(what, *all, &cli.places, output).await,
        Command::Scan(_)
        | Command::Enrich { .. }
        | Command::Apply { .. }
        | Command::Plan { .. }
        | Command::Log { .. }
        | Command::Undo { .. }
        | Command::Stats
        | Command::Rebuild
        | Command::Repair { .. }
        | Command::Doctor
        | Command::Migrate
        | Command::Dev(_) => {}
    }
    let config = Config::load(&cli.places)?;
    match &cli.command {
        Command::Doctor => doctor::run(&config, output).await,
        Command::Migrate => migrate::run(&config, output).await,
        Command::Scan(args) => scan::run(args, &config, &App::open(&config, output).await?, output).await,
        Command::Enrich { paths, refresh } => {
            enrich::run(paths, *refresh, &config, &App::open(&config, output).await?, output).await
        }
        Command::Apply { plan } => {
            apply::run(plan.as_deref(), &config, &App::open(&config, output).await?, output).await
        }
        Command::Plan { out } => {
            plan::run(out.as_deref(), &config, &App::open_to_read(&config, output).await?, output).await
        }
        Command::Rebuild => rebuild::run(&App::to_rebuild(&config, output).await?, output).await,
        Command::Repair { yes } => repair::run(*yes, &App::open(&config, output).await?, output).await,
        Command::Log { limit } => log::run(*limit, &App::open_to_read(&config, output).await?, output).await,
        Command::Undo { number, yes } => {
            undo::run(*number, *yes, &App::open(&config, output).await?, output).await
        }
        Command::Stats => stats::run(&App::open_to_read(&config, output).await?, output).await,
        Command::Dev(command) => dev::run(command, &App::open(&config, output).await?, output).await,
        Command::Completions { .. }
        | Command::Man { .. }
        | Command::Config(_)
        | Command::Init { .. }
        | Command::Ignore(_)
        | Command::Assign(_)
        | Command::Block { .. }
        | Command::Unblock(_)
        | Command::Find(_)
        | Command::Show { .. }
        | Command::Why { .. } => {
            unreachable!("answered above")
        }
    }
}
