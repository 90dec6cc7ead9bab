//! Which contents lack what is wanted, as SQL that both dialects understand alike.

use mama_ports::curation::{Filter, Target};
use mama_ports::enrichment::{Wanted, WantedMetadata};
use mama_ports::vocab::ScanRoot;

use super::filter::{Condition, Value, condition};

/// The condition of its own index, word for word.
const INDEXED: &str = "(looked_by IS NULL OR look_error IS NOT NULL OR mime IS NULL)";

/// Conditions on a `blob b`, with their parameters.
#[derive(Debug, Clone)]
pub(crate) struct Lack {
    /// Whether it lacks metadata that is wanted.
    pub(crate) metadata: String,
    /// Whether it lacks anything that is wanted and can be read.
    pub(crate) anything: String,
    /// The parameters of both.
    pub(crate) values: Vec<Value>,
}

/// What is wanted of a catalog with these roots. Parameters are `mark` and a number, from `first` on.
pub(crate) fn lack(wanted: &Wanted, roots: &[(i64, ScanRoot)], mark: char, first: usize) -> Lack {
    let target = |path| Target::Path { host: wanted.host.clone(), path };
    let targets = wanted.below.iter().cloned().map(target).collect();
    let Condition { sql: below, mut values } =
        condition(&Filter { targets, ..Filter::default() }, roots, mark, first);
    let mut parameter = |value| {
        values.push(value);
        format!("{mark}{}", first + values.len() - 1)
    };
    let host = parameter(Value::Text(wanted.host.as_str().to_owned()));
    let metadata = match &wanted.metadata {
        None => "1 = 0".to_owned(),
        Some(WantedMetadata::Unlooked) => "b.looked_by IS NULL".to_owned(),
        Some(WantedMetadata::Any) => "(b.looked_by IS NULL OR b.look_error IS NOT NULL)".to_owned(),
        Some(WantedMetadata::By { extractor, again_before }) => {
            let by = parameter(Value::Text(extractor.as_str().to_owned()));
            match again_before {
                None => {
                    format!("(b.looked_by IS NULL OR (b.look_error IS NOT NULL AND b.looked_by <> {by}))")
                }
                Some(moment) => format!(
                    "(b.looked_by IS NULL OR b.looked_by <> {by}
                      OR (b.look_error IS NOT NULL AND (b.looked_s, b.looked_n) < ({}, {})))",
                    moment.secs, moment.nanos
                ),
            }
        }
    };
    let again = matches!(wanted.metadata, Some(WantedMetadata::By { again_before: Some(_), .. }));
    let lacks = match (again, wanted.mime) {
        (false, false) => format!("{INDEXED} AND {metadata}"),
        (false, true) => format!("{INDEXED} AND ({metadata} OR b.mime IS NULL)"),
        (true, false) => metadata.clone(),
        (true, true) => format!("({metadata} OR b.mime IS NULL)"),
    };
    let seen = |which: &str| {
        format!(
            "EXISTS (SELECT 1 FROM observation o CROSS JOIN folder f CROSS JOIN root r
                     WHERE o.blob = b.id AND f.id = o.folder AND r.id = f.root AND {which} AND {below})"
        )
    };
    // A truth is 0 or 1 in one dialect and not in the other: each says it in a way that both know.
    let present = seen(&format!("NOT NOT o.current AND o.gone_s IS NULL AND r.host = {host}"));
    let readable = match (wanted.has_archive, wanted.below.is_empty()) {
        (false, _) => present,
        (true, true) => format!("(NOT NOT b.stored OR {present})"),
        (true, false) => format!("({present} OR (NOT NOT b.stored AND {}))", seen("1 = 1")),
    };
    Lack { metadata, anything: format!("{lacks} AND {readable}"), values }
}

/// Whether a content `b` waits for an extractor, as it is stored or has a file somewhere.
pub(crate) fn waits() -> String {
    format!(
        "{INDEXED} AND b.looked_by IS NULL AND (NOT NOT b.stored OR EXISTS (
             SELECT 1 FROM observation o WHERE o.blob = b.id AND NOT NOT o.current AND o.gone_s IS NULL))"
    )
}
