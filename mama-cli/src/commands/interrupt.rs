//! Ctrl-C.

use std::future::Future;

use tokio::signal::unix::{SignalKind, signal};

use crate::exit::Fault;

/// Runs `work` until it is done or somebody presses Ctrl-C, ends the process or closes its terminal; `kept` says what stays.
///
/// Work is dropped where it waits: what was recorded or settled is complete, what was not is done again by the next run.
pub(super) async fn until_interrupted<T, E: Into<anyhow::Error>>(
    kept: &str,
    work: impl Future<Output = Result<T, E>>,
) -> anyhow::Result<T> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::select! {
        done = work => done.map_err(Into::into),
        _ = interrupt.recv() => Err(interrupted(kept).into()),
        _ = terminate.recv() => Err(interrupted(kept).into()),
        _ = hang_up.recv() => Err(interrupted(kept).into()),
    }
}

fn interrupted(kept: &str) -> Fault {
    Fault::failed(format!("interrupted; {kept}"))
        .hint("run the same command again; it goes on where it stopped")
}
