//! Standard output, to which a reader may stop listening.

use std::io::{self, ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use crate::exit::Fault;

/// Writes whole lines. The work goes on when nobody reads any more; what else goes wrong is told at the end.
#[derive(Debug, Default)]
pub(super) struct Stdout(Mutex<Option<io::Error>>);

impl Stdout {
    pub(super) fn line(&self, text: &str) {
        let mut broken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if broken.is_none() {
            let mut stdout = anstream::stdout().lock();
            *broken = writeln!(stdout, "{text}").and_then(|()| stdout.flush()).err();
        }
    }

    /// Whether everything was written that somebody wanted to read.
    pub(super) fn close(&self) -> anyhow::Result<()> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(Fault::failed("cannot write the results to standard output").because(error).into())
            }
            Some(_) | None => Ok(()),
        }
    }
}
