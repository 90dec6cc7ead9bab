//! What the user sees: results on stdout; progress, troubles and errors on stderr.
//!
//! With `--json`, stdout holds one object a line: first the results and troubles as they come (`"type":"error"` or
//! `"warning"`), then `"type":"fatal"` with `reason` (the causes in one text) and `hint` (or null) if the run failed, and last
//! the summary of what was done, also of a run that failed half-way. A run that fails before it begins has no summary.
//! The error itself is on stderr in words in any case.

pub(crate) mod curation;
pub(crate) mod human;
pub(crate) mod json;
mod progress;
pub(crate) mod show;
mod stdout;
pub(crate) mod why;

use std::io::Write;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use mama_ports::events::{Event, EventSink, Severity, Trouble};
use mama_ports::vocab::Timestamp;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use self::json::Object;
use self::progress::Progress;
use self::stdout::Stdout;
use crate::args::{Color, Manners};
use crate::exit::{self, Status};

/// Everything that is said to the user goes through here.
pub(crate) struct Output {
    json: bool,
    quiet: bool,
    stdout: Stdout,
    progress: Progress,
    closing: Mutex<Option<String>>,
}

impl Output {
    /// Speaks in the manner asked for, from now on also for the log.
    pub(crate) fn new(manners: &Manners) -> Self {
        let color = match manners.color {
            Color::Auto => anstream::ColorChoice::Auto,
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        color.write_global();
        let progress = Progress::new(manners.quiet);
        let level = match (manners.quiet, manners.verbose) {
            (true, _) => LevelFilter::ERROR,
            (false, 0) => LevelFilter::WARN,
            (false, 1) => LevelFilter::DEBUG,
            (false, _) => LevelFilter::TRACE,
        };
        let aside = progress.clone();
        let log = tracing_subscriber::fmt::layer()
            .with_ansi(progress::colors_stderr())
            .without_time()
            .with_writer(move || aside.clone());
        // The database's driver logs what it does not understand, which may be a password.
        let targets = Targets::new().with_default(level).with_target("sqlx", LevelFilter::OFF);
        // Only a second call in one process could fail, and then the first one's log is as good.
        drop(tracing_subscriber::registry().with(log).with(targets).try_init());
        Self {
            json: manners.json,
            quiet: manners.quiet,
            stdout: Stdout::default(),
            progress,
            closing: Mutex::new(None),
        }
    }

    /// Whether results are JSON.
    pub(crate) const fn is_json(&self) -> bool {
        self.json
    }

    /// One result: an object with `--json`, else words, which `--quiet` leaves out.
    pub(crate) fn result(&self, object: impl FnOnce() -> Object, words: impl FnOnce() -> String) {
        if self.json {
            self.raw(&object().to_string());
        } else if !self.quiet {
            self.raw(&words());
        }
    }

    /// The summary, kept until the end of the run: it is the last thing on stdout. People are spared one that `is_empty`.
    pub(crate) fn summary(
        &self,
        is_empty: bool,
        object: impl FnOnce() -> Object,
        words: impl FnOnce() -> String,
    ) {
        let text = match (self.json, self.quiet || is_empty) {
            (true, _) => Some(object().to_string()),
            (false, is_silent) => (!is_silent).then(words),
        };
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    /// A text that is what it is in any manner, such as a completion script.
    pub(crate) fn raw(&self, text: &str) {
        self.progress.aside(|| self.stdout.line(text));
    }

    /// Something the user should know.
    pub(crate) fn warn(&self, message: &str) {
        if self.json {
            self.raw(&Object::new("warning").with("reason", message).to_string());
        }
        if !self.quiet {
            let style = human::WARNING;
            self.progress.stderr(&format!("{style}warning{style:#}: {message}"));
        }
    }

    /// An error that does not end the run.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        if self.json {
            self.raw(&json::fatal(error).to_string());
        }
        self.progress.stderr(&human::error(error));
    }

    /// A word to people that belongs to no result.
    pub(crate) fn note(&self, message: &str) {
        if !self.quiet {
            self.progress.stderr(message);
        }
    }

    /// Ends the run: progress away, the summary, the error, and the exit status.
    pub(crate) fn close(&self, outcome: anyhow::Result<Status>) -> ExitCode {
        self.progress.finish();
        let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Err(error), true) = (&outcome, self.json) {
            self.raw(&json::fatal(error).to_string());
        }
        if let Some(closing) = closing {
            self.raw(&closing);
        }
        let outcome = outcome.and_then(|status| self.stdout.close().map(|()| status));
        match outcome {
            Ok(status) => status.into(),
            Err(error) => {
                self.progress.stderr(&human::error(&error));
                exit::status(&error).into()
            }
        }
    }

    fn trouble(&self, trouble: &Trouble) {
        if self.json {
            self.raw(&json::trouble(trouble).to_string());
        } else if !self.quiet || trouble.severity == Severity::Error {
            self.progress.stderr(&human::trouble(trouble));
        }
    }
}

impl EventSink for Output {
    fn emit(&self, event: Event) {
        match event {
            Event::Trouble(trouble) => self.trouble(&trouble),
            Event::CatalogUnreachable { reason, patience_s } => {
                self.warn(&human::catalog_unreachable(&reason, patience_s));
            }
            event => self.progress.advance(&event),
        }
    }
}

impl Write for Progress {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.aside(|| std::io::stderr().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

fn instant(time: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::new(time.secs, time.nanos.cast_signed()).ok()
}
