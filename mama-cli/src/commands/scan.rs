//! `mama scan`.

use std::path::Path;
use std::sync::Arc;

use mama_domain::scan::{Scan, ScanReport, ScanTarget};
use mama_ports::events::EventSink;
use mama_ports::repository::Sightings;
use mama_ports::vocab::{AbsPath, RelPath, ScanRoot};

use super::interrupt::until_interrupted;
use super::journal::{self, Run};
use crate::args::ScanArgs;
use crate::compose::{self, App};
use crate::config::Config;
use crate::config::places::absolute;
use crate::exit::{Fault, Status};
use crate::render::{Output, human, json};

/// Scans every folder; all of them are looked at before the first one is scanned.
pub(super) async fn run(
    args: &ScanArgs,
    config: &Config,
    app: &App,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    let mut targets: Vec<ScanTarget> = Vec::new();
    for path in &args.paths {
        let target = target(path, args, config, app)?;
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let scan = use_case(args, config, app, output);
    targets.iter().try_for_each(|target| scan.check(target))?;
    let started = app.outside.clock.now();
    let mut reports = vec![ScanReport::default(); targets.len()];
    let outcome = until_interrupted("everything recorded so far is kept", async {
        for (target, report) in targets.iter().zip(&mut reports) {
            scan.run(target, report).await?;
        }
        anyhow::Ok(())
    })
    .await;
    let mut report = ScanReport::default();
    reports.iter().for_each(|one| report += *one);
    report.seconds = app.outside.clock.now().seconds_since(started);
    let is_empty = outcome.is_err() && report.files == 0;
    output.summary(is_empty, || json::scan_summary(&report), || human::scan_summary(&report));
    let changed = targets.iter().zip(&reports).filter(|(_, report)| report.has_changed_something());
    let run = |(target, report): (&ScanTarget, &ScanReport)| Run {
        at: started,
        verb: "scan",
        words: target.root.basedir.to_string(),
        summary: json::scan_summary(report),
    };
    journal::record(changed.map(run).collect(), &outcome, app).await?;
    outcome?;
    Ok(if report.has_failures() { Status::Partial } else { Status::Done })
}

fn use_case(args: &ScanArgs, config: &Config, app: &App, output: &Arc<Output>) -> Scan {
    let outside = app.outside.clone();
    let told = |missing: anyhow::Error, without: &str| {
        output.warn(&format!("{}; {without}", crate::exit::reasons(&missing).join(": ")));
    };
    let detector = compose::detector()
        .map_err(|missing| {
            told(missing, "new files are recorded WITHOUT their media types (Debian: libmagic-mgc)")
        })
        .ok();
    let extractor = (config.metadata.value && !args.no_metadata)
        .then(|| compose::extractor(config))
        .and_then(|extractor| {
            let without = "new files are recorded WITHOUT metadata (Debian: libimage-exiftool-perl); stop this with Ctrl-C to install it first";
            extractor.map_err(|missing| told(missing, without)).ok()
        });
    Scan {
        sightings: Arc::clone(&app.catalog) as Arc<dyn Sightings>,
        fs: outside.fs,
        walker: outside.walker,
        volumes: outside.volumes,
        hasher: outside.hasher,
        detector: detector.map(|(detector, _)| detector),
        extractor: extractor.map(|(extractor, _)| extractor),
        workers: outside.workers,
        clock: outside.clock,
        events: Arc::clone(output) as Arc<dyn EventSink>,
    }
}

fn target(path: &Path, args: &ScanArgs, config: &Config, app: &App) -> anyhow::Result<ScanTarget> {
    let basedir = folder(path)?;
    let facts = match app.own_archive() {
        Some(archive) => archive.tree().facts(&RelPath::root())?,
        None => None,
    };
    let excludes = config.exclude.value.iter().chain(&args.exclude).cloned().collect();
    let root = ScanRoot { host: app.host.clone(), basedir, kind: args.kind };
    Ok(ScanTarget { root, excludes, archive: facts.map(|facts| facts.id), new_disk: args.new_disk })
}

fn folder(path: &Path) -> Result<AbsPath, Fault> {
    let shown = path.display();
    let whole = std::fs::canonicalize(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Fault::failed(format!("there is no {shown}"))
            .hint("check the spelling, and whether its disk is mounted"),
        _ => Fault::failed(format!("cannot look at {shown}")).because(error),
    })?;
    if !whole.is_dir() {
        return Err(Fault::failed(format!("{shown} is not a folder")).hint("scan the folder that it is in"));
    }
    absolute(whole)
}
