//! `mama enrich`, and what `mama scan` has of it.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use mama_domain::archive::SourceTrees;
use mama_domain::enrich::{Enrich, EnrichReport, LazyExtractor};
use mama_ports::browse::Sidecar;
use mama_ports::content::MimeDetector;
use mama_ports::enrichment::Enrichment;
use mama_ports::events::EventSink;
use mama_ports::vocab::{AbsPath, Claim, Place, SourceKind};

use super::interrupt::until_interrupted;
use super::selection::resolved;
use crate::compose::{self, App};
use crate::config::Config;
use crate::config::places::absolute;
use crate::exit::{Fault, Status, reasons};
use crate::render::{Output, human, json};

/// Looks into contents that lack metadata, or into all that another extractor has looked into.
pub(super) async fn run(
    paths: &[PathBuf],
    refresh: bool,
    config: &Config,
    app: &App,
    output: &Arc<Output>,
) -> anyhow::Result<Status> {
    app.check_agreement().await?;
    let below = paths.iter().map(|path| Ok(absolute(resolved(path)?)?));
    let mut below = below.collect::<anyhow::Result<Vec<AbsPath>>>()?;
    below.extend(sidecars_of(&below, app).await?);
    let (extractor, _) = compose::extractor(config).map_err(|missing| {
        Fault::failed("there is nothing to read metadata with")
            .because(missing)
            .hint("install it: apt install libimage-exiftool-perl")
    })?;
    let detector = detector(output);
    let extractor: LazyExtractor = LazyLock::new(Box::new(|| Some(extractor)));
    let enrich = use_case(detector, extractor, refresh, config, app, output);
    let mut report = EnrichReport::default();
    let started = app.outside.clock.now();
    let outcome =
        until_interrupted("everything recorded so far is kept", enrich.run(&below, &mut report)).await;
    if outcome.is_err() {
        report.pending = enrich.pending(&below, started).await.unwrap_or(report.pending);
    }
    let is_empty = outcome.is_err() && report.contents == 0;
    output.summary(is_empty, || json::enrich_summary(&report), || human::enrich_summary(&report));
    outcome?;
    let has_failures = report.metadata_failures > 0 || report.unavailable;
    Ok(if has_failures { Status::Partial } else { Status::Done })
}

/// The files that describe one of these, which may be files: who asks for a picture's metadata asks for those too.
async fn sidecars_of(files: &[AbsPath], app: &App) -> anyhow::Result<Vec<AbsPath>> {
    let of_kind = |kind: &SourceKind| {
        let kind = *kind;
        files.iter().map(move |file| Place { kind, path: file.clone() })
    };
    let places: Vec<Place> = SourceKind::ALL.iter().flat_map(of_kind).collect();
    let contests = app.catalog.claims(&places).await?;
    let claims = contests.iter().flat_map(|contest| &contest.claims);
    let mut sidecars = Vec::new();
    for Claim { at, hash, .. } in claims.filter(|claim| claim.current && claim.at.root.host == app.host) {
        let Some(content) = app.catalog.content(hash).await? else { continue };
        let path = at.full_path();
        let folder = path.split().map(|(folder, _)| folder);
        let is_its = |sidecar: &&Sidecar| {
            sidecar.of == at.name
                && sidecar.at.root.host == app.host
                && sidecar.at.full_path().split().map(|(folder, _)| folder) == folder
        };
        sidecars.extend(content.sidecars.iter().filter(is_its).map(|sidecar| sidecar.at.full_path()));
    }
    Ok(sidecars)
}

/// What tells media types, or a warning that it is missing.
pub(super) fn detector(output: &Output) -> Option<Arc<dyn MimeDetector>> {
    let without = "files are recorded WITHOUT their media types (Debian: libmagic-mgc)";
    found(compose::detector(), without, output)
}

/// What reads metadata once there is something to read, or then a warning that it is missing.
pub(super) fn extractor(config: &Config, output: &Arc<Output>) -> LazyExtractor {
    let (config, output) = (config.clone(), Arc::clone(output));
    let without = "files are recorded WITHOUT metadata (Debian: libimage-exiftool-perl); once it is there, the next scan or `mama enrich` reads it";
    LazyLock::new(Box::new(move || found(compose::extractor(&config), without, &output)))
}

fn found<T>(tool: anyhow::Result<(T, String)>, without: &str, output: &Output) -> Option<T> {
    tool.map_err(|missing| output.warn(&format!("{}; {without}", reasons(&missing).join(": "))))
        .ok()
        .map(|(tool, _)| tool)
}

pub(super) fn use_case(
    detector: Option<Arc<dyn MimeDetector>>,
    extractor: LazyExtractor,
    again: bool,
    config: &Config,
    app: &App,
    output: &Arc<Output>,
) -> Enrich {
    let outside = &app.outside;
    Enrich {
        enrichment: Arc::clone(&app.catalog) as Arc<dyn Enrichment>,
        sources: Arc::new(SourceTrees::new(Arc::clone(&outside.fs), app.host.clone())),
        archive: app.own_archive().cloned(),
        hasher: Arc::clone(&outside.hasher),
        detector,
        extractor: Arc::new(extractor),
        again,
        workers: compose::readers(config),
        clock: Arc::clone(&outside.clock),
        events: Arc::clone(output) as Arc<dyn EventSink>,
    }
}
