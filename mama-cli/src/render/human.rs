//! Words for people.

use anstyle::{AnsiColor, Style};
use bytesize::ByteSize;
use jiff::tz::TimeZone;
use mama_domain::apply::{ApplyReport, PlanReport};
use mama_domain::curate::CurationReport;
use mama_domain::enrich::EnrichReport;
use mama_domain::rebuild::RebuildReport;
use mama_domain::reconcile::{Action, Finding, LinkView, Named, RemoveView, Role, StoreBlob};
use mama_domain::repair::{Lack, Missing, RepairReport};
use mama_domain::scan::ScanReport;
use mama_ports::events::{Severity, Trouble};
use mama_ports::vocab::Timestamp;

use crate::exit;

/// How errors begin.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// How warnings begin.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// How good news begins.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What stands out.
pub(super) const STRONG: Style = Style::new().bold();

/// An error, its causes, and what to do.
pub(super) fn error(error: &anyhow::Error) -> String {
    let mut reasons = exit::reasons(error).into_iter();
    let mut text = format!("{ERROR}error{ERROR:#}: {}", reasons.next().unwrap_or_default());
    for cause in reasons {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    if let Some(hint) = exit::hint(error) {
        text.push_str(&format!("\n{GOOD}hint{GOOD:#}: {hint}"));
    }
    text
}

/// A file that could not be processed, or something worth knowing about one.
pub(super) fn trouble(Trouble { severity, path, reason }: &Trouble) -> String {
    match severity {
        Severity::Error => format!("{ERROR}error{ERROR:#}: {path}: {reason}"),
        Severity::Warning => format!("{WARNING}warning{WARNING:#}: {path}: {reason}"),
    }
}

/// The catalog's server has gone, and is waited for.
pub(super) fn catalog_unreachable(reason: &str, patience_s: u64) -> String {
    format!("the catalog cannot be reached ({reason}); trying again for {}", seconds(patience_s as f64))
}

/// What a scan came to.
pub(crate) fn scan_summary(report: &ScanReport, enriched: Option<&EnrichReport>) -> String {
    let counters = [
        ("files", report.files),
        ("new", report.new_observations),
        ("unchanged", report.unchanged),
        ("new blobs", report.new_blobs),
        ("duplicates", report.duplicates),
        ("with metadata", report.with_metadata),
        ("gone", report.gone),
        ("changed", report.changed),
        ("skipped", report.skipped),
        ("errors", report.errors),
    ];
    let mut text = line("scan", &counters);
    let extra = [
        ("ignored", report.ignored),
        // of a first scan, that goes without saying
        (
            "looked into",
            enriched.map_or(0, |it| if it.contents > report.new_blobs { it.contents } else { 0 }),
        ),
        ("metadata failures", enriched.map_or(0, |enriched| enriched.metadata_failures)),
        ("disks left as they were", report.disks_held),
        ("waiting for metadata", enriched.map_or(0, |enriched| enriched.pending)),
    ];
    text.push_str(&some_of(&extra));
    if report.stray_sidecars > 0 {
        text.push_str(&format!(
            "\n      {} files of a Google Takeout describe pictures that lie elsewhere: unpack all its parts into one folder, and scan again",
            report.stray_sidecars
        ));
    }
    text + &format!("\n      {} read in {}", bytes(report.bytes_hashed), seconds(report.seconds))
}

/// What an enrichment came to.
pub(crate) fn enrich_summary(report: &EnrichReport) -> String {
    let counters = [
        ("contents", report.contents),
        ("with metadata", report.with_metadata),
        ("failures", report.metadata_failures),
        ("pending", report.pending),
    ];
    let text = line("enrich", &counters);
    text + &some_of(&[("media types", report.types)]) + &format!("\n        in {}", seconds(report.seconds))
}

/// What an apply came to.
pub(crate) fn apply_summary(report: &ApplyReport) -> String {
    let counters = [
        ("observations", report.observations),
        ("stored", report.blobs_stored),
        ("views made", report.views_created),
        ("views removed", report.views_removed),
        ("assigned", report.assigned),
        ("blocked", report.blocked),
        ("missing", report.missing),
        ("changed", report.changed),
        ("conflicts", report.conflicts),
        ("errors", report.errors),
    ];
    let mut text = line("apply", &counters);
    text.push_str(&some_of(&[
        ("turned down", report.turned_down),
        ("verified", report.blobs_verified),
        ("lost", report.lost),
        ("elsewhere", report.elsewhere),
        ("stale", report.stale),
        ("without room", report.no_room),
    ]));
    let ways =
        [("reflinked", report.reflinked), ("hard-linked", report.hardlinked), ("copied", report.copied)];
    text + &format!(
        "\n       {} stored in {}{}",
        bytes(report.bytes_stored),
        seconds(report.seconds),
        some_of(&ways)
    ) + &report
        .snapshot
        .as_ref()
        .map_or_else(String::new, |name| format!("\n       as it was before: {name}"))
}

/// What a plan comes to.
pub(crate) fn plan_summary(report: &PlanReport) -> String {
    if !report.has_changes() && report.problems == 0 {
        return format!("{STRONG}plan{STRONG:#}  nothing to do: the archive is as the catalog wants it");
    }
    let verifies = match report.verifies {
        0 => String::new(),
        verifies => format!("{verifies} to verify, "),
    };
    let decisions = [("to assign", report.assigns), ("not shown, as ignored before", report.turned_down)];
    let text = format!(
        "{STRONG}plan{STRONG:#}  {} observations: {} contents to store ({}), {verifies}{} views to make, {} to remove, {} problems",
        report.observations,
        report.stores,
        bytes(report.store_bytes),
        report.links,
        report.removes,
        report.problems
    );
    let lacking = match report.no_room {
        0 => String::new(),
        contents => format!(
            "\n      no room for {contents} of these contents ({}): they will wait, and their views",
            bytes(report.no_room_bytes)
        ),
    };
    text + &some_of(&decisions) + &lacking
}

/// What a rebuild came to.
pub(crate) fn rebuild_summary(report: &RebuildReport) -> String {
    let counters = [
        ("manifests", report.manifests),
        ("blobs", report.blobs),
        ("observations", report.observations),
        ("adopted", report.adopted),
        ("missing", report.missing),
        ("damaged", report.damaged),
    ];
    let extra = [
        ("damaged manifests", report.damaged_manifests),
        ("gaps between manifests", report.missing_manifests),
    ];
    let text = line("rebuild", &counters) + &some_of(&extra);
    text + &format!(
        "\n         done in {}; now scan again: what was recorded since the last apply is not in the archive",
        seconds(report.seconds)
    )
}

/// What a repair came to, or would.
pub(crate) fn repair_summary(report: &RepairReport, is_confirmed: bool) -> String {
    let counters = [
        ("contents", report.contents),
        ("missing", report.missing),
        ("lost", report.lost),
        ("views", report.views),
        ("missing views", report.missing_views),
    ];
    let text = line("repair", &counters);
    let next = match (report.has_findings(), is_confirmed) {
        (false, _) => "nothing to repair: what the catalog calls stored is there, and shown",
        (true, false) => {
            "nothing was changed; with --yes the catalog learns what is missing, and the next apply stores and shows it again"
        }
        (true, true) => "now run `mama apply`: it stores and shows again what can be found",
    };
    format!("{text}\n        {next}")
}

/// A content or a view that the archive lacks.
pub(crate) fn lack(lack: &Lack) -> String {
    let missing = match lack {
        Lack::Content(missing) => missing,
        Lack::View(view) => return format!("{WARNING}missing{WARNING:#} {:>10}  {view}", "view"),
    };
    let Missing { hash, size, last_seen } = missing;
    let (style, word) = if missing.is_lost() { (ERROR, "lost   ") } else { (WARNING, "missing") };
    let place = last_seen.as_ref().map_or_else(|| "seen nowhere".to_owned(), |seen| seen.at.to_string());
    format!("{style}{word}{style:#} {:>10}  {hash}  {place}", bytes(*size))
}

/// One step of a plan, and why; `named`: why a view that is made has its name.
pub(crate) fn action(action: &Action, named: Option<&Named>) -> String {
    let role = named.map_or("", |named| match named.role {
        Role::Plain => "",
        Role::OtherHost => "  another host has the plain name",
        Role::Version => "  an older version",
    });
    let departure = named.and_then(|named| named.departure.as_ref());
    let why = departure.map_or_else(|| role.to_owned(), |why| format!("{role}  {}", why.reason()));
    match action {
        Action::Store(StoreBlob { hash, size, existing, sources }) => {
            let size = bytes(*size);
            let checked = if existing.is_some() { "; what has its name is checked first" } else { "" };
            match sources.first() {
                Some(source) => format!("store   {size:>10}  {}{checked}", source.at.full_path()),
                None => format!("verify  {size:>10}  {hash}, which is in the archive already"),
            }
        }
        Action::Link(LinkView { view, replacing: None, .. }) => format!("link    {view}{why}"),
        Action::Link(LinkView { view, replacing: Some(_), .. }) => {
            format!("relink  {view}{why}  to another content than it shows now")
        }
        Action::Remove(RemoveView { view, .. }) => format!("remove  {view}  nobody wants it any more"),
    }
}

/// What a plan knows about an observation.
pub(crate) fn finding(Finding { at, kind, .. }: &Finding) -> String {
    let style = match kind.severity() {
        Some(Severity::Error) => ERROR,
        Some(Severity::Warning) => WARNING,
        None => Style::new(),
    };
    format!("{style}skip{style:#}    {at}: {}", kind.reason())
}

/// What a curation would do; `more` decisions were not named.
pub(crate) fn curation_preview(report: &CurationReport, (would, things): (&str, &str), more: u64) -> String {
    if report.changes == 0 {
        return match (report.unchanged, report.changed_since) {
            (0, 0) => "nothing matches".to_owned(),
            (0, since) => format!("nothing to take back: {since} changed since"),
            (unchanged, _) if report.blocked > 0 => format!(
                "nothing to do: {unchanged} already are so, but what {} of them show is blocked; `mama unblock` lets it be shown",
                report.blocked
            ),
            (unchanged, _) => format!("nothing to do: {unchanged} already are so"),
        };
    }
    let more = if more > 0 { format!("  and {more} more\n") } else { String::new() };
    format!("{more}{STRONG}{would}{STRONG:#} {}", curation_counts(report, things))
}

/// What a curation did.
pub(crate) fn curation_done(report: &CurationReport, (did, things): (&str, &str)) -> String {
    let next = match report.act {
        Some(act) => {
            format!("\nNext: `mama apply` makes the archive follow, `mama undo {}` takes it back.", act.0)
        }
        None => String::new(),
    };
    format!("{STRONG}{did}{STRONG:#} {}{next}", curation_counts(report, things))
}

fn curation_counts(report: &CurationReport, things: &str) -> String {
    let contents = match things {
        "contents" => format!("({})", bytes(report.bytes)),
        _ => format!("of {} contents ({})", report.contents, bytes(report.bytes)),
    };
    let rest = [
        ("go along with them", report.companions),
        ("copies of them elsewhere", report.copies),
        ("already so", report.unchanged),
        ("of a blocked content, which is not shown", report.blocked),
        ("changed since", report.changed_since),
    ];
    format!("{} {things} {contents}{}", report.changes, some_of(&rest))
}

/// A number of bytes.
pub(crate) fn bytes(count: u64) -> String {
    ByteSize(count).display().iec().to_string()
}

/// A time, as the clocks of this machine show it.
pub(crate) fn when(time: Timestamp) -> String {
    super::instant(time).map_or_else(
        || time.secs.to_string(),
        |at| at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
    )
}

/// How long ago something was.
pub(crate) fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.secs.saturating_sub(then.secs).max(0);
    let (count, unit) = match seconds {
        0..60 => return "just now".to_owned(),
        60..3600 => (seconds / 60, "minute"),
        3600..86_400 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
}

fn seconds(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {:02} s", seconds as u64 / 60, seconds as u64 % 60)
    }
}

fn line(name: &str, counters: &[(&str, u64)]) -> String {
    let counters: Vec<String> = counters.iter().map(|(word, count)| format!("{count} {word}")).collect();
    format!("{STRONG}{name}{STRONG:#}  {}", counters.join(" | "))
}

/// Those that are not 0.
fn some_of(counters: &[(&str, u64)]) -> String {
    counters
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(word, count)| format!(" | {count} {word}"))
        .collect()
}
