//! Running programs, in turn, and what they took.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, bail};
use wait4::Wait4;

use crate::stats::{Sample, Series};

/// One of those that run in turn.
pub struct Side<'a> {
    /// What it is called in the results.
    pub what: &'static str,
    /// What comes before each run and is not measured.
    pub prepare: Box<dyn FnMut() -> anyhow::Result<()> + 'a>,
    /// The run.
    pub work: Box<dyn FnMut() -> anyhow::Result<Sample> + 'a>,
}

impl<'a> Side<'a> {
    /// One that needs no preparation.
    pub fn new(what: &'static str, work: impl FnMut() -> anyhow::Result<Sample> + 'a) -> Self {
        Self { what, prepare: Box::new(|| Ok(())), work: Box::new(work) }
    }

    /// The same, but with this before each run.
    #[must_use]
    pub fn after(self, prepare: impl FnMut() -> anyhow::Result<()> + 'a) -> Self {
        Self { prepare: Box::new(prepare), ..self }
    }
}

/// What the kernel remembers of the disk when a run begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// What earlier runs left; the first run of each side does not count.
    Warm,
    /// Nothing.
    Cold,
}

/// Runs the sides in turn, one round after the other, and gives each side's counted runs.
pub fn alternate<const N: usize>(
    runs: u32,
    cache: Cache,
    mut sides: [Side<'_>; N],
) -> anyhow::Result<[Series; N]> {
    let mut series = sides.each_ref().map(|side| Series { what: side.what.to_owned(), samples: Vec::new() });
    let warm_ups = u32::from(cache == Cache::Warm);
    for round in 0..runs + warm_ups {
        for (side, series) in sides.iter_mut().zip(&mut series) {
            (side.prepare)()?;
            // What preparing wrote is not to be written while the clock runs.
            rustix::fs::sync();
            if cache == Cache::Cold {
                fs::write(DROP_CACHES, "3").context("the caches cannot be emptied")?;
            }
            let sample = (side.work)()?;
            if round >= warm_ups {
                series.samples.push(sample);
            }
        }
    }
    Ok(series)
}

/// Writing `3` here empties the kernel's caches.
pub const DROP_CACHES: &str = "/proc/sys/vm/drop_caches";

/// Runs a program to its end, which must be status 0; its output goes to the plain files `<log>.out` and `<log>.err`.
pub fn measure(command: &mut Command, log: &Path) -> anyhow::Result<Sample> {
    let (out, err) = (log.with_extension("out"), log.with_extension("err"));
    command.stdin(std::process::Stdio::null()).stdout(File::create(&out)?).stderr(File::create(&err)?);
    let started = Instant::now();
    let child = command.spawn().with_context(|| format!("{} does not start", shown(command)))?;
    let used = child.wait4()?;
    let wall = started.elapsed().as_secs_f64();
    if !used.status.success() {
        let said = String::from_utf8_lossy(&fs::read(&err)?).trim().to_owned();
        let end = said.char_indices().rev().nth(2000).map_or(0, |(at, _)| at);
        bail!("{} ended with {}: {}", shown(command), used.status, &said[end..]);
    }
    let cpu = (used.rusage.utime + used.rusage.stime).as_secs_f64();
    Ok(Sample { wall, cpu, rss: used.rusage.maxrss })
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn sides_take_turns_and_the_first_warm_round_does_not_count() {
        let said = RefCell::new(String::new());
        let side = |what: &'static str| {
            let said = &said;
            Side::new(what, move || {
                said.borrow_mut().push_str(what);
                Ok(Sample { wall: said.borrow().len() as f64, ..Sample::default() })
            })
            .after(|| {
                said.borrow_mut().push('.');
                Ok(())
            })
        };
        let [a, b] = alternate(2, Cache::Warm, [side("a"), side("b")]).unwrap();
        assert_eq!(*said.borrow(), ".a.b.a.b.a.b");
        let walls = |series: &Series| series.samples.iter().map(|sample| sample.wall).collect::<Vec<_>>();
        assert_eq!((walls(&a), walls(&b)), (vec![6.0, 10.0], vec![8.0, 12.0]));
    }

    #[test]
    fn a_program_is_measured_with_what_it_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        let busy = "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done";
        let sample =
            measure(Command::new("sh").args(["-c", &format!("(:); sh -c '{busy}'; :")]), &log).unwrap();
        assert!(sample.wall > 0.0 && sample.cpu > 0.0 && sample.rss > 0, "{sample:?}");
        assert_eq!(fs::read_to_string(folder.path().join("log.out")).unwrap(), "done\n");
    }

    #[test]
    fn a_program_that_fails_is_no_result() {
        let folder = tempfile::tempdir().unwrap();
        let failed = measure(
            Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]),
            &folder.path().join("log"),
        );
        let why = failed.unwrap_err().to_string();
        assert!(why.contains("exit status: 3") && why.contains("no such thing"), "{why}");
    }
}
