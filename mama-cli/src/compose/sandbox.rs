//! mama as the launcher of its own extractors.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use mama_adapters::extract::sandbox::{self, Sandbox};

use crate::config::Config;
use crate::exit::Fault;

/// This very program, also after it was replaced or removed on disk.
const MYSELF: &str = "/proc/self/exe";

/// The argument by which it knows that it is to be a launcher.
const MARK: &str = "__sandbox";

/// What extractors are held to; `None` if that is switched off.
pub(crate) fn sandbox(config: &Config) -> anyhow::Result<Option<Sandbox>> {
    let failed = |error| {
        Fault::failed("ExifTool cannot be locked up")
            .because(error)
            .hint("`exiftool.sandbox = false` in the configuration runs it without")
    };
    Ok(config.sandbox.value.then(|| Sandbox::through(MYSELF, &[MARK])).transpose().map_err(failed)?)
}

/// What a launcher is told, if that is what this process was started for.
pub(crate) fn order(mut arguments: impl Iterator<Item = OsString>) -> Option<impl Iterator<Item = OsString>> {
    (arguments.nth(1)? == MARK).then_some(arguments)
}

/// Does it. Comes back if it cannot, or if there was nothing to become.
pub(crate) fn obey(order: impl Iterator<Item = OsString>) -> ExitCode {
    match sandbox::enter(order) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // there is nowhere left to report to if this fails
            drop(writeln!(io::stderr(), "mama: {error}"));
            ExitCode::FAILURE
        }
    }
}
