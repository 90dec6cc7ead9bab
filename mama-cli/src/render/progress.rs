//! The progress line: on stderr, on a terminal only.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anstream::AutoStream;
use bytesize::ByteSize;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use mama_ports::events::Event;

/// A line that says how far things are, or nothing.
#[derive(Debug, Clone)]
pub(super) struct Progress(Option<Arc<Line>>);

#[derive(Debug)]
struct Line {
    bar: ProgressBar,
    expected: AtomicU64,
    found: AtomicU64,
    bytes: AtomicU64,
}

impl Progress {
    pub(super) fn new(is_quiet: bool) -> Self {
        let is_wanted = !is_quiet && std::io::stderr().is_terminal();
        let line = || {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
            Arc::new(Line { bar, expected: 0.into(), found: 0.into(), bytes: 0.into() })
        };
        Self(is_wanted.then(line))
    }

    pub(super) fn advance(&self, event: &Event) {
        let Some(line) = &self.0 else { return };
        match event {
            Event::ScanStarted { root, known } => {
                line.expected.fetch_add(*known, Ordering::Relaxed);
                line.show("files");
                line.bar.set_prefix(format!("scan {root}"));
                line.grow();
            }
            Event::Found { files } => {
                line.found.fetch_add(*files, Ordering::Relaxed);
                line.grow();
            }
            Event::ApplyStarted { open } => {
                line.expected.fetch_add(*open, Ordering::Relaxed);
                line.show("observations");
                line.bar.set_prefix("apply");
                line.grow();
            }
            Event::Began { what, unit, expected } => {
                line.expected.fetch_add(*expected, Ordering::Relaxed);
                line.show(unit);
                line.bar.set_prefix(*what);
                line.grow();
            }
            Event::Scanned { files: done }
            | Event::Applied { observations: done }
            | Event::Advanced { count: done } => line.bar.inc(*done),
            Event::Hashed { bytes } | Event::Stored { bytes } => {
                let bytes = line.bytes.fetch_add(*bytes, Ordering::Relaxed) + bytes;
                let seconds = line.bar.elapsed().as_secs_f64().max(0.1);
                let rate = ByteSize((bytes as f64 / seconds) as u64);
                line.bar.set_message(format!(
                    ", {} at {}/s",
                    ByteSize(bytes).display().iec(),
                    rate.display().iec()
                ));
            }
            Event::Trouble(_) | Event::CatalogUnreachable { .. } => {}
        }
    }

    /// Does something that writes to the terminal, with the line out of the way.
    pub(super) fn aside<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(line) => line.bar.suspend(work),
            None => work(),
        }
    }

    /// Writes one message to stderr.
    pub(super) fn stderr(&self, message: &str) {
        // Nobody can be told that stderr is gone.
        self.aside(|| drop(writeln!(anstream::stderr(), "{message}")));
    }

    pub(super) fn finish(&self) {
        if let Some(line) = &self.0 {
            line.bar.finish_and_clear();
        }
    }
}

impl Line {
    fn show(&self, unit: &str) {
        let template = format!(
            "{{prefix:.bold}} {{wide_bar}} {{human_pos}}/{{human_len}} {unit}, {{per_sec}}{{msg}}, ETA {{eta}}"
        );
        if let Ok(style) = ProgressStyle::with_template(&template) {
            self.bar.set_style(style);
        }
        self.bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        self.bar.enable_steady_tick(Duration::from_millis(250));
    }

    /// What the catalog knows is a first guess; what the walk has found is certain.
    fn grow(&self) {
        let all = self.expected.load(Ordering::Relaxed).max(self.found.load(Ordering::Relaxed));
        self.bar.set_length(all);
    }
}

/// Whether stderr shows colours.
pub(super) fn colors_stderr() -> bool {
    AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}
