//! The JSON that scripts rely on.

use std::fmt;

use mama_domain::apply::{ApplyReport, PlanReport};
use mama_domain::enrich::EnrichReport;
use mama_domain::rebuild::RebuildReport;
use mama_domain::reconcile::{
    Action, Departure, Finding, FindingKind, LinkView, Named, RemoveView, Role, StoreBlob,
};
use mama_domain::repair::{Lack, Missing, RepairReport};
use mama_domain::scan::ScanReport;
use mama_ports::events::{Severity, Trouble};
use mama_ports::vocab::{Timestamp, escaped};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::exit;

/// One line of output: an object whose keys stay in the order in which they were put.
#[derive(Debug, Clone)]
pub(crate) struct Object(Vec<(String, Value)>);

impl Object {
    /// An object of this type.
    pub(crate) fn new(kind: &str) -> Self {
        Self(vec![("type".to_owned(), kind.into())])
    }

    /// An object inside another one, whose key says what it is.
    pub(crate) const fn part() -> Self {
        Self(Vec::new())
    }

    /// With one key more.
    #[must_use]
    pub(crate) fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.push((key.to_owned(), value.into()));
        self
    }

    /// With a path: as text, and in base64 too where it is not UTF-8.
    #[must_use]
    pub(crate) fn path(self, key: &str, path: &[u8]) -> Self {
        match std::str::from_utf8(path) {
            Ok(text) => self.with(key, text),
            Err(_) => {
                let bytes = data_encoding::BASE64.encode(path);
                self.with(key, escaped(path).to_string()).with(&format!("{key}_bytes"), bytes)
            }
        }
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object.0.into_iter().collect())
    }
}

impl Serialize for Object {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| fmt::Error)?)
    }
}

/// A file that could not be processed, or something worth knowing about one.
pub(super) fn trouble(trouble: &Trouble) -> Object {
    let word = match trouble.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    Object::new(word).path("path", trouble.path.as_bytes()).with("reason", &*trouble.reason)
}

/// The error that ended a run.
pub(super) fn fatal(error: &anyhow::Error) -> Object {
    Object::new("fatal").with("reason", exit::reasons(error).join(": ")).with("hint", exit::hint(error))
}

/// The last line of a scan.
pub(crate) fn scan_summary(report: &ScanReport, enriched: Option<&EnrichReport>) -> Object {
    Object::new("scan_summary")
        .with("files", report.files)
        .with("new_observations", report.new_observations)
        .with("unchanged", report.unchanged)
        .with("new_blobs", report.new_blobs)
        .with("duplicates", report.duplicates)
        .with("with_metadata", report.with_metadata)
        .with("gone", report.gone)
        .with("changed", report.changed)
        .with("skipped", report.skipped)
        .with("errors", report.errors)
        .with("bytes_hashed", report.bytes_hashed)
        .with("seconds", millis(report.seconds))
        .with("ignored", report.ignored)
        .with("metadata_failures", enriched.map_or(0, |enriched| enriched.metadata_failures))
        .with("disks_held", report.disks_held)
        .with("metadata_pending", enriched.map(|enriched| enriched.pending))
        .with("metadata_read", enriched.map_or(0, |enriched| enriched.contents))
        .with("stray_sidecars", report.stray_sidecars)
}

/// The last line of an enrichment.
pub(crate) fn enrich_summary(report: &EnrichReport) -> Object {
    Object::new("enrich_summary")
        .with("contents", report.contents)
        .with("with_metadata", report.with_metadata)
        .with("metadata_failures", report.metadata_failures)
        .with("types", report.types)
        .with("metadata_pending", report.pending)
        .with("seconds", millis(report.seconds))
}

/// The last line of an apply.
pub(crate) fn apply_summary(report: &ApplyReport) -> Object {
    Object::new("apply_summary")
        .with("observations", report.observations)
        .with("blobs_stored", report.blobs_stored)
        .with("bytes_stored", report.bytes_stored)
        .with("reflinked", report.reflinked)
        .with("hardlinked", report.hardlinked)
        .with("copied", report.copied)
        .with("views_created", report.views_created)
        .with("views_removed", report.views_removed)
        .with("assigned", report.assigned)
        .with("blocked", report.blocked)
        .with("missing", report.missing)
        .with("changed", report.changed)
        .with("conflicts", report.conflicts)
        .with("errors", report.errors)
        .with("seconds", millis(report.seconds))
        .with("lost", report.lost)
        .with("elsewhere", report.elsewhere)
        .with("blobs_verified", report.blobs_verified)
        .with("explained", report.explained)
        .with("turned_down", report.turned_down)
        .with("snapshot", report.snapshot.clone())
        .with("stale", report.stale)
        .with("no_room", report.no_room)
        .with("no_room_bytes", report.no_room_bytes)
}

/// The last line of a plan.
pub(crate) fn plan_summary(report: &PlanReport) -> Object {
    Object::new("plan_summary")
        .with("observations", report.observations)
        .with("stores", report.stores)
        .with("store_bytes", report.store_bytes)
        .with("verifies", report.verifies)
        .with("links", report.links)
        .with("removes", report.removes)
        .with("assigns", report.assigns)
        .with("problems", report.problems)
        .with("turned_down", report.turned_down)
        .with("no_room", report.no_room)
        .with("no_room_bytes", report.no_room_bytes)
}

/// The last line of a rebuild.
pub(crate) fn rebuild_summary(report: &RebuildReport) -> Object {
    Object::new("rebuild_summary")
        .with("manifests", report.manifests)
        .with("blobs", report.blobs)
        .with("observations", report.observations)
        .with("adopted", report.adopted)
        .with("missing", report.missing)
        .with("damaged", report.damaged)
        .with("damaged_manifests", report.damaged_manifests)
        .with("missing_manifests", report.missing_manifests)
        .with("seconds", millis(report.seconds))
}

/// The last line of a repair.
pub(crate) fn repair_summary(report: &RepairReport, is_confirmed: bool) -> Object {
    Object::new("repair_summary")
        .with("contents", report.contents)
        .with("missing", report.missing)
        .with("missing_bytes", report.missing_bytes)
        .with("lost", report.lost)
        .with("views", report.views)
        .with("missing_views", report.missing_views)
        .with("split", report.is_split)
        .with("repaired", is_confirmed)
        .with("explained", report.explained)
        .with("seconds", millis(report.seconds))
}

/// A content or a view that the archive lacks.
pub(crate) fn lack(lack: &Lack) -> Object {
    match lack {
        Lack::Content(content) => missing(content),
        Lack::View(view) => Object::new("missing_view").path("view", view.as_bytes()),
    }
}

fn missing(missing: &Missing) -> Object {
    let object = Object::new("missing").with("hash", missing.hash.to_string()).with("size", missing.size);
    let object = object.with("lost", missing.is_lost());
    match &missing.last_seen {
        Some(seen) => {
            object.with("host", seen.at.root.host.as_str()).path("last_seen", seen.at.full_path().as_bytes())
        }
        None => object.with("host", None::<&str>).with("last_seen", None::<&str>),
    }
}

/// One step of a plan; `named`: why a view that is made has its name.
pub(crate) fn action(action: &Action, named: Option<&Named>) -> Object {
    let object = Object::new("action");
    match action {
        Action::Store(StoreBlob { hash, size, existing, sources }) => {
            let object = object.with("action", "store").with("hash", hash.to_string());
            let object = object.with("size", *size).with("verify_existing", existing.is_some());
            match sources.first() {
                Some(source) => object.path("from", source.at.full_path().as_bytes()),
                None => object,
            }
        }
        Action::Link(LinkView { hash, view, replacing }) => {
            let object = object.with("action", "link").path("view", view.as_bytes());
            let object = object.with("hash", hash.to_string()).with("replaces", replacing.is_some());
            let rule = named.map(|named| match named.role {
                Role::Plain => "plain",
                Role::OtherHost => "other_host",
                Role::Version => "version",
            });
            let departure = named.and_then(|named| named.departure.as_ref()).map(Departure::reason);
            object.with("rule", rule).with("departure", departure)
        }
        Action::Remove(RemoveView { view, expected: _ }) => {
            object.with("action", "remove").path("view", view.as_bytes())
        }
    }
}

/// What a plan knows about an observation.
pub(crate) fn finding(Finding { id, at, kind }: &Finding) -> Object {
    let word = match kind {
        FindingKind::Blocked => "blocked",
        FindingKind::TurnedDown => "turned_down",
        FindingKind::Elsewhere => "elsewhere",
        FindingKind::Missing => "missing",
        FindingKind::Changed => "changed",
        FindingKind::Lost => "lost",
        FindingKind::Occupied(_) => "conflict",
        FindingKind::Damaged => "damaged",
        FindingKind::Failed(_) => "failed",
    };
    let object = Object::new("finding").with("finding", word).with("observation", id.0);
    let object = object.with("host", at.root.host.as_str()).path("path", at.full_path().as_bytes());
    object.with("reason", kind.reason())
}

/// A time in RFC 3339; null for one of a year that this cannot write.
pub(crate) fn instant(time: Timestamp) -> Option<String> {
    super::instant(time).map(|at| at.to_string())
}

fn millis(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
