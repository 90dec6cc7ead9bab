//! From arguments to a selection.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use mama_domain::curate::{Glob, Selection};
use mama_domain::layout;
use mama_domain::search::Period;
use mama_ports::curation::{Filter, HashPrefix, MimePattern, Target};
use mama_ports::repository::PageSize;
use mama_ports::vocab::{AbsPath, BlobHash, HostName, Timestamp, escaped};

use crate::args::Which;
use crate::compose::App;
use crate::config::places::absolute;
use crate::exit::Fault;
use crate::render::Output;

/// Digits that name a content among a million with certainty enough to try.
const SHORTEST_PREFIX: usize = 8;

/// What was asked, understood and in words.
pub(super) struct Asked {
    pub(super) selection: Selection,
    pub(super) words: String,
}

/// Understands the arguments. Paths are those of `host`, of this machine if none is named.
pub(super) async fn read(
    args: &Which,
    is_alone: bool,
    host: Option<&str>,
    app: &App,
    output: &Output,
) -> anyhow::Result<Asked> {
    let host = host.map(named_host).transpose()?;
    let mut targets = Vec::new();
    for argument in &args.what {
        let target = target(argument, host.as_ref(), app).await?;
        // alone, it is told at the end
        if args.what.len() > 1 {
            let filter = Filter { targets: vec![target.clone()], ..Filter::default() };
            if app.catalog.find(&filter, None, PageSize(1)).await?.is_empty() {
                output
                    .warn(&format!("nothing was ever seen at {}", escaped(argument.as_os_str().as_bytes())));
            }
        }
        targets.push(target);
    }
    let mime = args.mime.as_deref().map(|text| {
        MimePattern::parse(text).ok_or_else(|| {
            Fault::usage(format!("`{text}` is no media type")).hint("such as image/jpeg or image/*")
        })
    });
    let glob = args.glob.as_deref().map(|pattern| {
        Glob::parse(pattern)
            .map_err(|error| Fault::usage(format!("`{pattern}` is no pattern")).because(error))
    });
    let words = words(args, is_alone, host.as_ref());
    let filter = Filter {
        targets,
        kind: args.kind,
        host,
        mime: mime.transpose()?,
        larger: args.larger.map(|size| size.as_u64()),
        smaller: args.smaller.map(|size| size.as_u64()),
        since: args.after.map(local).transpose()?,
        until: args.before.map(local).transpose()?,
        status: args.status,
    };
    let picks_files = glob.is_some() || filter.mime.is_some() || filter.larger.or(filter.smaller).is_some();
    let (since, until) = (args.taken_after, args.taken_before);
    let taken = since.or(until).map(|_| Period { since, until });
    let alone = is_alone || picks_files;
    Ok(Asked { selection: Selection { filter, glob: glob.transpose()?, taken, alone }, words })
}

/// Understands one argument that stands alone. A path is one of `host`, of this machine if none is named.
pub(super) async fn one(argument: &Path, host: Option<&str>, app: &App) -> anyhow::Result<Target> {
    let host = host.map(named_host).transpose()?;
    target(argument, host.as_ref(), app).await
}

fn named_host(name: &str) -> Result<HostName, Fault> {
    HostName::parse(name).ok_or_else(|| Fault::usage(format!("no host is called `{}`", name.escape_debug())))
}

/// The moment when the clocks of this machine show that.
fn local(time: DateTime) -> Result<Timestamp, Fault> {
    let zoned = time
        .to_zoned(TimeZone::system())
        .map_err(|error| Fault::usage(format!("{time} is out of range")).because(error))?;
    Ok(Timestamp::new(zoned.timestamp().as_second(), 0))
}

/// A whole hash is a hash; what is there is a path; then the beginning of a hash that is known; and else a path that is not there any more.
async fn target(argument: &Path, host: Option<&HostName>, app: &App) -> anyhow::Result<Target> {
    if let Some(hash) = whole_hash(argument) {
        return Ok(Target::Content(hash));
    }
    let is_there = host.is_none() && argument.symlink_metadata().is_ok();
    if !is_there && let Some(hash) = beginning_of_hash(argument, app).await? {
        return Ok(Target::Content(hash));
    }
    let path = if host.is_some() { std::path::absolute(argument)? } else { resolved(argument)? };
    let path = absolute(without_dots(&path))?;
    match app.own_archive().and_then(|archive| path.below(archive.root())).filter(|_| host.is_none()) {
        Some(inside) => in_archive(&inside, &path),
        None => Ok(Target::Path { host: host.unwrap_or(&app.host).clone(), path }),
    }
}

fn whole_hash(argument: &Path) -> Option<BlobHash> {
    argument.to_str()?.parse().ok()
}

async fn beginning_of_hash(argument: &Path, app: &App) -> anyhow::Result<Option<BlobHash>> {
    let text = argument.to_str().filter(|text| text.len() >= SHORTEST_PREFIX);
    let Some(prefix) = text.and_then(HashPrefix::parse) else { return Ok(None) };
    let found = app.catalog.contents(&prefix, PageSize(2)).await?;
    match found.as_slice() {
        [] => Ok(None),
        [hash] => Ok(Some(*hash)),
        [one, other, ..] => Err(Fault::usage(format!("{} begins more than one hash", argument.display()))
            .hint(format!("say more digits, as of {one} or {other}"))
            .into()),
    }
}

fn in_archive(inside: &mama_ports::vocab::RelPath, path: &AbsPath) -> anyhow::Result<Target> {
    let views = inside.names().next().is_some_and(|name| name.as_bytes() == layout::VIEWS.as_bytes());
    let name = inside.name();
    let blob = name.as_ref().and_then(|name| std::str::from_utf8(name.as_bytes()).ok()?.parse().ok());
    match (views, blob) {
        (true, _) => Ok(Target::View(inside.clone())),
        (false, Some(hash)) => Ok(Target::Content(hash)),
        (false, None) => Err(Fault::usage(format!("{path} is in the archive, and not one of its views"))
            .hint("name a view, a file or folder that was scanned, or a hash")
            .into()),
    }
}

/// The path without links, as scan knows it, as far as it is there.
pub(super) fn resolved(path: &Path) -> std::io::Result<PathBuf> {
    let whole = std::path::absolute(path)?;
    let there = whole.ancestors().find_map(|folder| Some((folder, std::fs::canonicalize(folder).ok()?)));
    Ok(match there {
        Some((folder, real)) => match whole.strip_prefix(folder) {
            Ok(rest) if !rest.as_os_str().is_empty() => real.join(rest),
            Ok(_) | Err(_) => real,
        },
        None => whole,
    })
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    plain
}

/// The arguments again, for the journal.
fn words(args: &Which, is_alone: bool, host: Option<&HostName>) -> String {
    let Which { what, kind, glob, mime, larger, smaller, taken_before, taken_after, before, after, status } =
        args;
    let mut words: Vec<String> =
        what.iter().map(|path| escaped(path.as_os_str().as_bytes()).to_string()).collect();
    words.extend(is_alone.then(|| "--alone".to_owned()));
    let mut condition = |flag: &str, value: Option<String>| {
        words.extend(value.map(|value| format!("--{flag} {}", escaped(value.as_bytes()))));
    };
    condition("host", host.map(ToString::to_string));
    condition("kind", kind.map(|kind| kind.to_string()));
    condition("glob", glob.clone());
    condition("mime", mime.clone());
    condition("larger", larger.map(|size| size.display().iec().to_string()));
    condition("smaller", smaller.map(|size| size.display().iec().to_string()));
    condition("taken-after", taken_after.map(|time| time.to_string()));
    condition("taken-before", taken_before.map(|time| time.to_string()));
    condition("after", after.map(|time| time.to_string()));
    condition("before", before.map(|time| time.to_string()));
    condition("status", status.map(|status| status.to_string()));
    words.join(" ")
}
