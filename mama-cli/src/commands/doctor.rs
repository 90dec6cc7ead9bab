//! `mama doctor`.

mod folders;
mod ways;
mod zfs;

use std::collections::BTreeSet;
use std::io::Write;
use std::sync::Arc;

use mama_domain::archive::Archive;
use mama_domain::explaining::{self, Disagreement, ExplainError};
use mama_domain::layout;
use mama_domain::manifest::Agreement;
use mama_ports::filesystem::{Fs, FsErrorKind};
use mama_ports::manifest::Mark;
use mama_ports::repository::{RepositoryError, Totals};
use mama_ports::vocab::{AbsPath, HostName, Placement, RelPath};
use mama_ports::volumes::VolumeFacts;

use crate::compose::{self, App, Outside};
use crate::config::Config;
use crate::config::places::archive_root;
use crate::exit::{self, Status};
use crate::render::json::Object;
use crate::render::{Output, human};

/// How one thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    Warn,
    Bad,
}

/// What was looked at, and what to do about it.
#[derive(Debug)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    found: String,
    advice: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), advice: None }
    }

    fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    fn bad(name: &'static str, error: &anyhow::Error) -> Self {
        let (found, advice) = (exit::reasons(error).join(": "), exit::hint(error));
        Self { name, verdict: Verdict::Bad, found, advice }
    }
}

/// Looks at everything mama needs; the answer is no if something is bad.
pub(super) async fn run(config: &Config, output: &Arc<Output>) -> anyhow::Result<Status> {
    let mut checks = vec![configuration(config)];
    checks.extend(config.risks().into_iter().map(|risk| {
        Check::warn("transfer", risk, "leave `hardlink` to folders that are handed over (incoming, import)")
    }));
    let outside = Outside::new(config);
    match archive_root(config) {
        Ok(root) => {
            checks.extend(root.iter().flat_map(|root| volume(&outside, root, config)));
            checks.extend(root.iter().flat_map(|root| zfs::checks(&outside, root)));
            match App::open_to_read(config, output).await {
                Ok(app) => checks.extend(belongings(&app, config).await),
                Err(error) => {
                    checks.push(Check::bad(if root.is_some() { "archive" } else { "catalog" }, &error))
                }
            }
        }
        Err(fault) => checks.push(Check::bad("archive", &fault.into())),
    }
    checks.extend(programs(config));
    for check in &checks {
        output.result(|| object(check), || words(check));
    }
    let count = |verdict| checks.iter().filter(|check| check.verdict == verdict).count();
    let (warnings, bad) = (count(Verdict::Warn), count(Verdict::Bad));
    output.summary(
        false,
        || {
            Object::new("doctor_summary")
                .with("ok", count(Verdict::Ok))
                .with("warnings", warnings)
                .with("bad", bad)
        },
        || match (warnings, bad) {
            (0, 0) => "everything is fine".to_owned(),
            _ => format!("{bad} bad, {warnings} to look at"),
        },
    );
    Ok(if bad > 0 { Status::No } else { Status::Done })
}

fn configuration(config: &Config) -> Check {
    match &config.file {
        Some(file) => Check::ok("config", file.display().to_string()),
        None => Check::warn("config", "there is no configuration file", "`mama init` writes one"),
    }
}

fn volume(outside: &Outside, root: &AbsPath, config: &Config) -> Vec<Check> {
    let VolumeFacts { kind, total, available, available_files, read_only, identity: _, device: _ } =
        match outside.volumes.describe(root) {
            Ok(facts) => facts,
            Err(error) => return vec![Check::bad("disk", &error.into())],
        };
    let reserve = config.reserve.value.as_u64();
    let room = format!("{} of {} free on {kind}", human::bytes(available), human::bytes(total));
    let kept = format!("{room}; {} are kept in reserve", human::bytes(reserve));
    let mut checks = Vec::new();
    checks.push(match (read_only, available > reserve) {
        (true, _) => Check {
            verdict: Verdict::Bad,
            ..Check::warn("disk", format!("{room}, mounted read-only"), "mount it writable")
        },
        (false, true) => Check::ok("disk", kept),
        (false, false) => {
            Check { verdict: Verdict::Bad, ..Check::warn("disk", kept, "make room, or lower apply.reserve") }
        }
    });
    if let Some(files @ 0..10_000) = available_files {
        checks.push(Check::warn(
            "disk",
            format!("room for {files} more files only"),
            "use a file system with more inodes",
        ));
    }
    checks
}

fn quarantine(archive: &Archive) -> Option<Check> {
    let aside = match archive.tree().list(&layout::quarantine()) {
        Ok(aside) => aside,
        Err(error) if error.is_not_found() => return None,
        Err(error) => return Some(Check::bad("quarantine", &error.into())),
    };
    let advice = "look at them, and remove what is of no use; good copies were stored where there were any";
    let found = format!(
        "{} damaged contents were put aside in {}/{}",
        aside.len(),
        archive.root(),
        layout::QUARANTINE
    );
    (!aside.is_empty()).then(|| Check::warn("quarantine", found, advice))
}

async fn belongings(app: &App, config: &Config) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(archive) = app.own_archive() {
        checks.push(Check::ok("archive", format!("{} ({})", archive.root(), archive.id())));
    }
    let totals = app.catalog.totals().await;
    let ways = app
        .own_archive()
        .zip(totals.as_ref().ok())
        .map(|(archive, totals)| ways::checks(app, archive, totals, &config.transfers()));
    checks.extend(totals.as_ref().ok().map(metadata));
    checks.extend(totals.as_ref().ok().and_then(waiting));
    if let (Some(own), Ok(totals)) = (app.own_archive(), &totals) {
        checks.extend(folders::checks(own, totals.stored));
    }
    checks.extend(catalog(app, totals).await);
    if let Some(own) = app.own_archive() {
        checks.push(manifests(app, own).await);
        checks.extend(archive(own));
    }
    checks.extend(ways.into_iter().flatten());
    checks
}

/// What an apply could not do so far.
fn waiting(totals: &Totals) -> Option<Check> {
    let of = |wanted: Placement| {
        let standings = totals.standings.iter().filter(|standing| standing.placement == wanted);
        standings.map(|standing| standing.count).sum::<u64>()
    };
    let (conflicts, failed) = (of(Placement::Conflict), of(Placement::Failed));
    (conflicts + failed > 0).then(|| {
        let found = format!("{failed} files could not be stored or shown, {conflicts} have something else at their view's place");
        Check::warn("apply", found, "`mama apply` tries again, and names each with its reason")
    })
}

async fn catalog(app: &App, totals: Result<Totals, RepositoryError>) -> Vec<Check> {
    let whose = match app.own_archive() {
        Some(_) => "belongs to this archive",
        None => "belongs to an archive on another machine, where apply runs",
    };
    let inspected = match app.upkeep.inspect().await {
        Ok(found) => {
            let rows: u64 = found.tables.iter().map(|(_, rows)| rows).sum();
            let (engine, schema) = (found.engine, found.schema_version);
            Check::ok("catalog", format!("{engine}, schema {schema}, {rows} rows, {whose}"))
        }
        Err(error) => Check::bad("catalog", &error.into()),
    };
    let checked = match app.upkeep.check().await {
        Ok(wrong) if wrong.is_empty() => Check::ok("catalog", "whole"),
        Ok(wrong) => Check {
            verdict: Verdict::Bad,
            ..Check::warn(
                "catalog",
                format!("damaged: {}", wrong.join("; ")),
                "move it away and run `mama rebuild`, then scan again",
            )
        },
        Err(error) => Check::bad("catalog", &error.into()),
    };
    let writing = app.upkeep.check_writing().await.err().map(|error| Check {
        advice: Some(
            "look at the permissions of the file, of its -wal and -shm, and of their folder".to_owned(),
        ),
        ..Check::bad("catalog", &error.into())
    });
    let scanning = match totals {
        Ok(totals) => Check::ok("hosts", scanning(&app.host, &totals)),
        Err(error) => Check::bad("hosts", &error.into()),
    };
    [inspected, checked].into_iter().chain(writing).chain([scanning]).collect()
}

/// What ExifTool has yet to do, or could not do.
fn metadata(totals: &Totals) -> Check {
    let Totals { unlooked, preliminary, meta_failed, .. } = totals;
    let found = match (unlooked, meta_failed) {
        (0, 0) => "every content was looked into".to_owned(),
        _ => format!(
            "{unlooked} contents wait for `mama enrich` ({preliminary} have preliminary metadata), and on {meta_failed} ExifTool gave up"
        ),
    };
    Check::ok("metadata", found)
}

/// Who scans into the catalog, in words.
fn scanning(own: &HostName, totals: &Totals) -> String {
    let hosts: BTreeSet<&HostName> = totals.roots.iter().map(|root| &root.root.host).collect();
    let others: Vec<&str> = hosts.iter().filter(|host| **host != own).map(|host| host.as_str()).collect();
    match (hosts.contains(own), others.is_empty()) {
        (true, true) => format!("only {own}, which is this one, has scanned so far"),
        (true, false) => format!("{own}, which is this one, and {} scan into it", others.join(", ")),
        (false, true) => format!("nobody has scanned so far; this one is {own}"),
        (false, false) => format!("{} scan into it; this one, {own}, has not so far", others.join(", ")),
    }
}

/// Whether archive and catalog are of one history, and the archive's last manifest is whole.
async fn manifests(app: &App, archive: &Archive) -> Check {
    let failed = |error: ExplainError| Check::bad("manifests", &error.into());
    let position = match explaining::position(archive, &*app.catalog, &app.outside.workers).await {
        Ok(position) => position,
        Err(error) => return failed(error),
    };
    if !matches!(position.agreement, Agreement::Agree | Agreement::Interrupted) {
        return failed(Disagreement(position).into());
    }
    let number =
        |mark: Option<Mark>| mark.map_or_else(|| "none".to_owned(), |mark| mark.generation.to_string());
    let (has, knows) = (number(position.archive), number(position.catalog.saved));
    let found = format!("the archive's last is {has}, and the catalog knows of {knows}");
    if position.catalog.anew && position.archive.is_some() {
        return Check::warn(
            "manifests",
            format!("the catalog was emptied: what the archive's manifests say, up to {has}, is not in it"),
            "`mama rebuild` brings it back, if no apply comes before",
        );
    }
    match archive.faulty_manifest() {
        Ok(None) if position.catalog.is_unsaved => {
            Check::ok("manifests", format!("{found}; the next apply writes what the catalog learned since"))
        }
        Ok(None) => Check::ok("manifests", format!("{found}; they say all that the catalog knows")),
        Ok(Some(fault)) => Check {
            verdict: Verdict::Bad,
            ..Check::warn("manifests", fault.to_string(), "`mama repair --yes` writes them anew")
        },
        Err(error) => Check::bad("manifests", &error.into()),
    }
}

fn archive(archive: &Archive) -> Vec<Check> {
    let mut checks: Vec<Check> = quarantine(archive).into_iter().collect();
    checks.push(match can_reflink(archive) {
        Ok(true) => {
            Check::ok("reflink", "files come in instantly, sharing blocks, from the same file system")
        }
        Ok(false) => {
            Check::ok("reflink", "not possible here; files are copied, or hard-linked where that is allowed")
        }
        Err(error) => Check::warn(
            "reflink",
            format!("unknown: {error}: {}", error.source),
            "look at the archive's permissions",
        ),
    });
    checks.push(match archive.tree().lock(&layout::lock_path()) {
        Ok(_) => Check::ok("lock", "no apply is running"),
        Err(error) if error.kind == FsErrorKind::Locked => Check::ok("lock", "an apply is running"),
        Err(error) => Check::bad("lock", &error.into()),
    });
    checks
}

/// Tries it with a file in the staging area, where an apply would clear it away if this could not.
fn can_reflink(archive: &Archive) -> Fs<bool> {
    let (tree, from) = (archive.tree(), staged("doctor.from"));
    let probe = || {
        let mut file = tree.create(&from)?;
        // What cannot be written will not be cloned either.
        drop(file.write_all(&[0; 4096]));
        file.finish()?;
        Ok(ways::take(archive, &*tree.open(&from)?)?.is_some())
    };
    let answer = probe();
    match tree.unlink(&from) {
        Err(error) if !error.is_not_found() => Err(error),
        Ok(()) | Err(_) => answer,
    }
}

fn staged(name: &str) -> RelPath {
    match RelPath::parse(format!("{}/{name}", layout::STAGING)) {
        Ok(path) => path,
        Err(_) => unreachable!("both are names"),
    }
}

fn programs(config: &Config) -> [Check; 3] {
    let missing = |name, error: &anyhow::Error, package: &str| {
        let advice = format!("install it: apt install {package}");
        Check::warn(name, exit::reasons(error).join(": "), advice)
    };
    let detector = match compose::detector() {
        Ok((_, version)) => Check::ok("libmagic", version),
        Err(error) => missing("libmagic", &error, "libmagic-mgc"),
    };
    let extractor = match compose::extractor(config) {
        Ok((_, version)) => Check::ok("ExifTool", version),
        Err(error) => missing("ExifTool", &error, "libimage-exiftool-perl"),
    };
    [detector, extractor, sandbox(config)]
}

/// What a hostile file finds when it takes over the program that reads it.
fn sandbox(config: &Config) -> Check {
    let sandbox = match compose::sandbox::sandbox(config) {
        Ok(Some(sandbox)) => sandbox.confinement(),
        Ok(None) => {
            let found = format!("switched off by exiftool.sandbox ({})", config.sandbox.origin);
            return Check::warn("sandbox", found, "ExifTool may do what mama may; remove the setting");
        }
        Err(error) => return Check::bad("sandbox", &error),
    };
    let found = sandbox.to_string();
    match sandbox.is_any() {
        true => Check::ok("sandbox", found),
        false => Check::warn("sandbox", found, "boot a kernel with Landlock (Linux 5.13 or newer)"),
    }
}

fn object(check: &Check) -> Object {
    let word = match check.verdict {
        Verdict::Ok => "ok",
        Verdict::Warn => "warn",
        Verdict::Bad => "bad",
    };
    let object = Object::new("check").with("name", check.name).with("verdict", word);
    object.with("found", &*check.found).with("advice", check.advice.clone())
}

fn words(check: &Check) -> String {
    let (style, word) = match check.verdict {
        Verdict::Ok => (human::GOOD, "ok  "),
        Verdict::Warn => (human::WARNING, "warn"),
        Verdict::Bad => (human::ERROR, "bad "),
    };
    let advice =
        check.advice.as_ref().map_or_else(String::new, |advice| format!("\n               → {advice}"));
    format!("{style}{word}{style:#}  {:<9} {}{advice}", check.name, check.found)
}
