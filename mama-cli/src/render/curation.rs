//! Decisions, as people and scripts see them.

use mama_domain::belonging::companions::Why;
use mama_domain::curate::{Concerned, CurationReport, Verb};
use mama_ports::curation::{Act, Decision};
use mama_ports::vocab::BlockReason;
use serde_json::Value;

use super::human;
use super::json::Object;

/// Copies of a content that an example names.
const COPIES: usize = 3;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    Ignore,
    Assign,
    Block,
    Unblock,
    Undo,
}

impl Doing {
    pub(crate) const fn of(verb: Verb) -> Self {
        match verb {
            Verb::Ignore => Self::Ignore,
            Verb::Assign => Self::Assign,
            Verb::Block(_) => Self::Block,
            Verb::Unblock => Self::Unblock,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ignore => "ignore",
            Self::Assign => "assign",
            Self::Block => "block",
            Self::Unblock => "unblock",
            Self::Undo => "undo",
        }
    }

    /// What would be done, of so many things.
    pub(crate) const fn would(self) -> (&'static str, &'static str) {
        match self {
            Self::Ignore => ("would ignore", "sightings"),
            Self::Assign => ("would assign", "sightings"),
            Self::Block => ("would block", "contents"),
            Self::Unblock => ("would unblock", "contents"),
            Self::Undo => ("would take back", "decisions"),
        }
    }

    /// What was done, to so many things.
    pub(crate) const fn done(self) -> (&'static str, &'static str) {
        match self {
            Self::Ignore => ("ignored", "sightings"),
            Self::Assign => ("assigned", "sightings"),
            Self::Block => ("blocked", "contents"),
            Self::Unblock => ("unblocked", "contents"),
            Self::Undo => ("took back", "decisions"),
        }
    }
}

/// One decision, as an object.
pub(crate) fn concerned(doing: Doing, is_done: bool, concerned: &Concerned) -> Object {
    let Concerned { at, hash, size, decision, along, copies } = concerned;
    let block = |reason: Option<BlockReason>| reason.map(BlockReason::as_str);
    let (observation, from, to) = match decision {
        Decision::Retarget { id, from, to } => (Some(id.0), Some(from.as_str()), Some(to.as_str())),
        Decision::Block { from, to, .. } => (None, block(*from), block(*to)),
    };
    let object = Object::new("decision").with("verb", doing.as_str()).with("done", is_done);
    let object = object.with("observation", observation).with("host", at.root.host.as_str());
    let object = object.path("path", at.full_path().as_bytes()).with("hash", hash.to_string());
    let object =
        object.with("size", *size).with("from", from).with("to", to).with("along", along.map(Why::as_str));
    let copies = copies.iter().map(|at| {
        let object = Object::part().with("host", at.root.host.as_str());
        Value::from(object.path("path", at.full_path().as_bytes()))
    });
    object.with("copies", copies.collect::<Vec<_>>())
}

/// The last line.
pub(crate) fn summary(doing: Doing, is_done: bool, report: &CurationReport) -> Object {
    Object::new("curation_summary")
        .with("verb", doing.as_str())
        .with("done", is_done)
        .with("observations", report.observations)
        .with("changes", report.changes)
        .with("contents", report.contents)
        .with("bytes", report.bytes)
        .with("unchanged", report.unchanged)
        .with("blocked", report.blocked)
        .with("changed_since", report.changed_since)
        .with("act", report.act.map(|act| act.0))
        .with("companions", report.companions)
        .with("copies", report.copies)
}

/// The act that an undo is about.
pub(crate) fn decision_undone(act: &Act) -> Object {
    let object = Object::new("undoes").with("number", act.id.0);
    object.with("verb", &*act.asked.verb).with("words", &*act.asked.words)
}

/// One decision of a preview.
pub(crate) fn example(Concerned { at, size, along, copies, .. }: &Concerned) -> String {
    let why = along.map(|why| format!("  goes along: {}", why.as_str().replace('_', " ")));
    let mut text = format!("  {at}  ({}){}", human::bytes(*size), why.unwrap_or_default());
    for copy in copies.iter().take(COPIES) {
        text.push_str(&format!("\n      also {copy}"));
    }
    if copies.len() > COPIES {
        text.push_str(&format!("\n      and {} more", copies.len() - COPIES));
    }
    text
}
