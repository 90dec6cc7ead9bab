//! `mama log`.

use mama_domain::curate::Undone;
use mama_ports::curation::Act;
use mama_ports::repository::PageSize;
use serde_json::Value;

use super::stats::table;
use crate::compose::App;
use crate::exit::Status;
use crate::render::json::{Object, instant};
use crate::render::{Output, human};

/// Acts that are read at once.
const PAGE: u32 = 256;

/// What is worth a word of the counters of a run.
const TOLD: [(&str, &str); 7] = [
    ("new_observations", "new"),
    ("gone", "gone"),
    ("blobs_stored", "stored"),
    ("views_created", "views made"),
    ("views_removed", "views removed"),
    ("assigned", "assigned"),
    ("turned_down", "turned down"),
];

/// Shows the journal, newest first.
pub(super) async fn run(limit: u32, app: &App, output: &Output) -> anyhow::Result<Status> {
    let mut undone = Undone::default();
    let mut before = None;
    let mut rows = table(["number", "when", "host", "what", "how many"]);
    let mut shown = 0;
    while shown < limit {
        let acts = app.catalog.acts(before, PageSize((limit - shown).min(PAGE))).await?;
        let Some(last) = acts.last() else { break };
        before = Some(last.id);
        shown += acts.len() as u32;
        for act in &acts {
            let is_undone = undone.is_undone(act);
            if output.is_json() {
                output.result(|| object(act, is_undone), String::new);
            } else {
                rows.add_row(cells(act, is_undone));
            }
        }
    }
    if shown == limit && !app.catalog.acts(before, PageSize(1)).await?.is_empty() {
        output.note("older acts are not shown; `mama log --limit N` shows more");
    }
    let words = || if shown == 0 { "nothing was done yet".to_owned() } else { rows.trim_fmt() };
    output.summary(false, || Object::new("log_summary").with("acts", shown), words);
    Ok(Status::Done)
}

fn object(act: &Act, is_undone: bool) -> Object {
    let asked = &act.asked;
    Object::new("act")
        .with("number", act.id.0)
        .with("at", instant(asked.at))
        .with("host", asked.host.as_str())
        .with("verb", &*asked.verb)
        .with("words", &*asked.words)
        .with("decisions", act.items)
        .with("undoes", asked.undoes.map(|act| act.0))
        .with("undone", is_undone)
        .with("summary", summary(act))
}

fn cells(act: &Act, is_undone: bool) -> [String; 5] {
    let asked = &act.asked;
    let undone = if is_undone { " (undone)" } else { "" };
    let what = format!("{} {}", asked.verb, asked.words);
    [
        act.id.0.to_string(),
        human::when(asked.at),
        asked.host.to_string(),
        format!("{}{undone}", what.trim_end()),
        how_many(act),
    ]
}

fn how_many(act: &Act) -> String {
    let Value::Object(counters) = summary(act) else {
        return format!("{} decisions", act.items);
    };
    let count = |key: &str| counters.get(key).and_then(Value::as_u64).filter(|count| *count > 0);
    let told = TOLD.iter().filter_map(|(key, word)| Some(format!("{} {word}", count(key)?)));
    let snapshot = counters.get("snapshot").and_then(Value::as_str).map(|name| format!("before: {name}"));
    told.chain(snapshot).collect::<Vec<_>>().join(", ")
}

/// The counters of a run; null for decisions.
fn summary(act: &Act) -> Value {
    act.asked.summary.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null)
}
