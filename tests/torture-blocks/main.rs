//! Power cuts on real file systems: what `make torture-blocks` runs, here and inside its machine.
//!
//! It knows nothing of mama's code: only the program, the names below an archive and the catalog's two views.

#![expect(clippy::print_stdout, reason = "a program")]

mod archive;
mod corpus;
mod images;
mod rerun;
mod writes;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use archive::Done;
use clap::Parser;

type Outcome<T> = Result<T, Box<dyn Error>>;

#[derive(Parser)]
enum Job {
    /// Make the files that are archived
    Corpus {
        /// A new folder
        dir: PathBuf,
        /// Names what is in them
        seed: u64,
    },
    /// Print how much the catalog says was done, each time that it is more, until killed
    Follow {
        /// The catalog's file
        catalog: PathBuf,
    },
    /// Check an archive after a power cut, and what mama makes of it
    Recover {
        /// How much `follow` had printed
        #[arg(long, default_value_t = 0)]
        acknowledged: usize,
        #[command(flatten)]
        mama: rerun::Mama,
    },
    /// The same for many points of a recorded stream of writes
    Images(images::Images),
}

fn main() -> Outcome<ExitCode> {
    let found = match Job::parse() {
        Job::Corpus { dir, seed } => return corpus::make(&dir, seed).map(|()| ExitCode::SUCCESS),
        Job::Follow { catalog } => return follow(&catalog),
        Job::Recover { acknowledged, mama } => {
            let found = mama.recover(acknowledged)?;
            found.iter().for_each(|bad| println!("  {bad}"));
            found.len()
        }
        Job::Images(images) => images.try_all()?,
    };
    Ok(if found == 0 { ExitCode::SUCCESS } else { ExitCode::from(3) })
}

/// Whatever this has printed must survive.
fn follow(catalog: &Path) -> Outcome<ExitCode> {
    let mut last = None;
    loop {
        // it is busy at times, which the next look makes good
        let now = Done::read(catalog).ok().map(|done| done.count()).max(last);
        if now != last {
            println!("{}", now.unwrap_or_default());
            std::io::stdout().flush()?;
            last = now;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
