//! Who may use which process.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use mama_ports::content::ExtractError;

use super::Settings;
use super::launcher::Launcher;
use super::session::Session;

/// At most `sessions` processes, started one by one as callers come.
#[derive(Debug)]
pub(super) struct Pool {
    state: Mutex<State>,
    freed: Condvar,
    launcher: Launcher,
    settings: Settings,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Session>,
    lent: usize,
}

/// The right to use one process; given back however the use of it ends.
struct Slot<'a>(&'a Pool);

impl Pool {
    pub(super) fn new(launcher: Launcher, settings: Settings) -> Self {
        Self { state: Mutex::default(), freed: Condvar::new(), launcher, settings }
    }

    /// Does `work` with a process that lives, once one is free. One that fails, or has served enough, is not used again.
    pub(super) fn with<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, ExtractError>,
    ) -> Result<T, ExtractError> {
        let (_slot, idle) = self.take();
        let mut session = match idle {
            Some(session) if session.is_alive() => session,
            _ => Session::start(&self.launcher, &self.settings).map_err(ExtractError::Unavailable)?,
        };
        let outcome = work(&mut session);
        if outcome.is_ok() && session.served() < self.settings.renew_after {
            self.lock().idle.push(session);
        }
        outcome
    }

    /// Does `work` with a process of its own, which has seen nothing before and sees nothing after.
    pub(super) fn alone<T>(
        &self,
        work: impl FnOnce(&mut Session) -> Result<T, ExtractError>,
    ) -> Result<T, ExtractError> {
        let (_slot, idle) = self.take();
        self.lock().idle.extend(idle);
        let mut session =
            Session::start(&self.launcher, &self.settings).map_err(ExtractError::Unavailable)?;
        work(&mut session)
    }

    fn take(&self) -> (Slot<'_>, Option<Session>) {
        let full = |state: &mut State| state.lent >= self.settings.sessions.get();
        let mut state = self.freed.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        state.lent += 1;
        (Slot(self), state.idle.pop())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.lock().lent -= 1;
        self.0.freed.notify_one();
    }
}
