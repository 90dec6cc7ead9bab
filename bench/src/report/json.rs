//! The results for programs.

use serde_json::{Value, json};

use super::{Measured, Outcome, Report};
use crate::stats::Series;
use crate::targets::{Target, Unit};

pub(super) fn lines(report: &Report) -> String {
    let rows = report.rows.iter().map(|(target, outcome)| row(target, outcome, report.cores));
    let growth = report.growth.iter().map(|size| {
        let operations: Vec<Value> = size.operations.iter().map(series).collect();
        json!({"type": "growth", "files": size.files, "operations": operations})
    });
    let lines = std::iter::once(report.machine.clone()).chain(rows).chain(growth);
    lines.map(|line| format!("{line}\n")).collect()
}

fn row(target: &Target, outcome: &Outcome, cores: usize) -> Value {
    let (must, goal) = target.limits(cores);
    let unit = match target.unit {
        Unit::Ratio => "ratio",
        Unit::Seconds => "seconds",
        Unit::MiB => "MiB",
    };
    let mut line = json!({"type": "row", "row": target.row, "operation": target.operation, "unit": unit, "must": must, "goal": goal});
    match outcome {
        Outcome::Measured(Measured { value, mama, peer }) => {
            let met = |limit: Option<f64>| limit.map(|limit| *value <= limit);
            line["value"] = json!(value);
            line["must_met"] = json!(met(must));
            line["goal_met"] = json!(met(goal));
            line["mama"] = series(mama);
            line["peer"] = json!(peer.as_ref().map(series));
        }
        Outcome::Skipped(why) => line["skipped"] = json!(why),
        Outcome::Failed(why) => line["failed"] = json!(why),
    }
    line
}

fn series(series: &Series) -> Value {
    let walls: Vec<f64> = series.samples.iter().map(|sample| sample.wall).collect();
    json!({
        "what": series.what,
        "wall": walls,
        "wall_median": series.wall(),
        "spread": series.spread(),
        "cpu_median": series.cpu(),
        "peak_rss": series.rss(),
    })
}
