//! `mama scan`.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mama_domain::enrich::{EnrichReport, LazyExtractor};
use mama_domain::scan::{Scan, ScanReport, ScanTarget};
use mama_ports::content::MimeDetector;
use mama_ports::events::EventSink;
use mama_ports::repository::Sightings;
use mama_ports::vocab::{AbsPath, RelPath, ScanRoot};

use super::enrich;
use super::interrupt::until_interrupted;
use super::journal::{self, Run};
use crate::args::ScanArgs;
use crate::compose::{self, App};
use crate::config::places::absolute;
use crate::config::{Config, ScanMetadata};
use crate::exit::{Fault, Status};
use crate::render::{Output, human, json};

/// Scans every folder. One that cannot be scanned now is told, and does not keep the others waiting.
pub(super) async fn run(
    args: &ScanArgs,
    config: &Config,
    app: &App,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    app.check_agreement().await?;
    let detector = enrich::detector(output);
    let metadata = match config.metadata.value {
        _ if args.no_metadata => ScanMetadata::Nothing,
        _ if args.quick_metadata => ScanMetadata::Quick,
        _ if args.refresh_metadata => ScanMetadata::Full,
        configured => configured,
    };
    let (reads, is_quick) = (metadata != ScanMetadata::Nothing, metadata == ScanMetadata::Quick);
    let enrich = reads.then(|| {
        let none = || LazyExtractor::new(Box::new(|| None));
        let extractor = if is_quick { none() } else { enrich::extractor(config, output) };
        enrich::use_case(detector.clone(), extractor, args.refresh_metadata, config, app, output)
    });
    let scan = use_case(detector, reads, app, output);
    let mut targets: Vec<ScanTarget> = Vec::new();
    let mut unusable: Vec<anyhow::Error> = Vec::new();
    for path in &args.paths {
        let folder = match whole(path) {
            Ok(folder) => folder,
            Err(fault) => {
                unusable.push(fault.into());
                continue;
            }
        };
        let target = target(&folder, args, config, app)?;
        match scan.check(&target) {
            Err(error) if error.is_of_its_folder() => unusable.push(error.into()),
            checked => {
                checked?;
                if !targets.contains(&target) {
                    targets.push(target);
                }
            }
        }
    }
    let last = if targets.is_empty() { unusable.pop() } else { None };
    unusable.iter().for_each(|error| output.error(error));
    if let Some(last) = last {
        return Err(last);
    }
    let is_alone = targets.len() + unusable.len() == 1;
    let mut failed = unusable.len();
    let started = app.outside.clock.now();
    let begun = enrich.as_ref().map(|_| EnrichReport::default());
    let mut reports = vec![(ScanReport::default(), begun); targets.len()];
    let outcome = until_interrupted("everything recorded so far is kept", async {
        for (target, (report, enriched)) in targets.iter().zip(&mut reports) {
            let scanned = match (&enrich, enriched) {
                (Some(enrich), Some(enriched)) if !is_quick => {
                    scan.run_beside(enrich, target, report, enriched).await
                }
                (_, _) => scan.run(target, report).await,
            };
            match scanned {
                Err(error) if error.is_of_its_folder() && !is_alone => {
                    output.error(&error.into());
                    failed += 1;
                }
                scanned => scanned?,
            }
        }
        anyhow::Ok(())
    })
    .await;
    let (mut report, mut enriched) = (ScanReport::default(), begun);
    for (target, (one, of_one)) in targets.iter().zip(&mut reports) {
        if let (Some(enrich), Some(of_one)) = (&enrich, of_one.as_mut())
            && (outcome.is_err() || is_quick)
        {
            let below = std::slice::from_ref(&target.root.basedir);
            of_one.pending = enrich.pending(below, started).await.unwrap_or(of_one.pending);
        }
        report += *one;
        if let (Some(enriched), Some(of_one)) = (&mut enriched, of_one) {
            *enriched += *of_one;
        }
    }
    if let (Some(enrich), Some(enriched)) = (&enrich, &mut enriched)
        && targets.len() > 1
    {
        // What several folders share waits once.
        let below: Vec<AbsPath> = targets.iter().map(|target| target.root.basedir.clone()).collect();
        enriched.pending = enrich.pending(&below, started).await.unwrap_or(enriched.pending);
    }
    report.seconds = app.outside.clock.now().seconds_since(started);
    let is_empty = outcome.is_err() && report.files == 0;
    let (report, enriched) = (&report, enriched.as_ref());
    output.summary(
        is_empty,
        || json::scan_summary(report, enriched),
        || human::scan_summary(report, enriched),
    );
    let changed = targets.iter().zip(&reports).filter(|(_, (report, _))| report.has_changed_something());
    let run = |(target, (report, enriched)): (&ScanTarget, &(ScanReport, Option<EnrichReport>))| Run {
        at: started,
        verb: "scan",
        words: target.root.basedir.to_string(),
        summary: json::scan_summary(report, enriched.as_ref()),
    };
    journal::record(changed.map(run).collect(), &outcome, app).await?;
    outcome?;
    Ok(match failed {
        _ if failed == targets.len() + unusable.len() => Status::Failed,
        0 if !report.has_failures() => Status::Done,
        _ => Status::Partial,
    })
}

fn use_case(
    detector: Option<Arc<dyn MimeDetector>>,
    reads_metadata: bool,
    app: &App,
    output: &Arc<Output>,
) -> Scan {
    let outside = app.outside.clone();
    Scan {
        sightings: Arc::clone(&app.catalog) as Arc<dyn Sightings>,
        fs: outside.fs,
        walker: outside.walker,
        volumes: outside.volumes,
        hasher: outside.hasher,
        detector,
        quick: reads_metadata.then(compose::quick_extractor),
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

/// The whole path of what is there.
fn whole(path: &Path) -> Result<PathBuf, Fault> {
    let shown = path.display();
    std::fs::canonicalize(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => Fault::failed(format!("there is no {shown}"))
            .hint("check the spelling, and whether its disk is mounted"),
        _ => Fault::failed(format!("cannot look at {shown}")).because(error),
    })
}

fn folder(whole: &Path) -> Result<AbsPath, Fault> {
    if !whole.is_dir() {
        let why = format!("{} is not a folder", whole.display());
        return Err(Fault::failed(why).hint("scan the folder that it is in"));
    }
    absolute(whole.to_owned())
}
