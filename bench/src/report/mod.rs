//! What came of it all, as a table, as JSON lines, and as a picture.

pub mod docs;
mod json;
mod plot;
mod table;

use serde_json::Value;

use crate::stats::Series;
use crate::targets::{TARGETS, Target, Unit};

/// What a row came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// In the unit of the row.
    pub value: f64,
    /// Mama's runs.
    pub mama: Series,
    /// The peer's; `None` where mama is measured against a number.
    pub peer: Option<Series>,
}

impl Measured {
    /// Mama beside a peer: the ratio of their medians.
    pub fn against([mama, peer]: [Series; 2]) -> Self {
        Self { value: mama.wall() / peer.wall(), mama, peer: Some(peer) }
    }
}

/// What came of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was measured.
    Measured(Measured),
    /// It cannot be measured here.
    Skipped(String),
    /// It should have been measured.
    Failed(String),
}

/// One size of the growth table: medians of seconds, and peak memory in bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Size {
    /// Files.
    pub files: u64,
    /// Of every operation, in the order of time.
    pub operations: Vec<Series>,
}

impl Size {
    /// The largest peak of memory of any operation, in bytes.
    pub fn rss(&self) -> u64 {
        self.operations.iter().map(Series::rss).max().unwrap_or_default()
    }
}

/// What came of all rows.
#[derive(Debug, Clone)]
pub struct Report {
    /// The machine, the scale and the trees, in words.
    pub about: String,
    /// The same, as a line of the results.
    pub machine: Value,
    cores: usize,
    rows: Vec<(&'static Target, Outcome)>,
    /// Measured for rows 14 and 15; empty if they were not asked for.
    pub growth: Vec<Size>,
}

impl Report {
    /// Nothing yet.
    pub const fn new(about: String, machine: Value, cores: usize) -> Self {
        Self { about, machine, cores, rows: Vec::new(), growth: Vec::new() }
    }

    /// Adds a row.
    pub fn add(&mut self, row: &'static str, outcome: Outcome) {
        let position = |target: &Target| TARGETS.iter().position(|other| other.row == target.row);
        let Some(target) = crate::targets::target(row) else { unreachable!("row {row} has no target") };
        self.rows.push((target, outcome));
        self.rows.sort_by_key(|(target, _)| position(target));
    }

    /// Whether nothing failed; a missed target is no failure of the benchmark.
    pub fn is_whole(&self) -> bool {
        !self.rows.iter().any(|(_, outcome)| matches!(outcome, Outcome::Failed(_)))
    }

    /// The results as JSON lines.
    pub fn to_json_lines(&self) -> String {
        json::lines(self)
    }

    /// The results as Markdown tables.
    pub fn to_markdown(&self) -> String {
        table::markdown(self)
    }

    /// The results as a picture: one bar a row, 1 being what it must come to.
    pub fn to_svg(&self) -> String {
        plot::svg(self)
    }
}

/// A number in its unit, short.
fn shown(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Ratio if value < 0.1 => format!("{value:.3}"),
        Unit::Ratio => format!("{value:.2}"),
        Unit::Seconds => format!("{value:.3} s"),
        Unit::MiB if value < 10.0 => format!("{value:.2} MiB"),
        Unit::MiB => format!("{value:.0} MiB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Sample;

    fn series(what: &str, walls: &[f64]) -> Series {
        let sample = |&wall| Sample { wall, cpu: wall, rss: 30 << 20 };
        Series { what: what.to_owned(), samples: walls.iter().map(sample).collect() }
    }

    pub(super) fn report() -> Report {
        let mut report = Report::new("2 cores".to_owned(), serde_json::json!({"type": "machine"}), 2);
        let slow = [series("mama", &[3.0, 2.0, 2.2]), series("find", &[1.0, 1.1, 0.9])];
        report.add("16", Outcome::Skipped("no strace on the PATH".to_owned()));
        report.add("1", Outcome::Measured(Measured::against(slow)));
        let quiet = Measured { value: 0.1, mama: series("mama", &[0.1]), peer: None };
        report.add("10", Outcome::Measured(quiet));
        report.add("9", Outcome::Failed("cp | ended".to_owned()));
        report.growth = vec![Size { files: 100, operations: vec![series("rescan", &[0.5])] }];
        report
    }

    #[test]
    fn a_ratio_is_that_of_the_medians() {
        let measured =
            Measured::against([series("mama", &[2.0, 9.0, 3.0]), series("find", &[1.0, 2.0, 2.0])]);
        assert_eq!(measured.value, 1.5);
    }

    #[test]
    fn the_table_says_what_is_met_and_what_is_missing() {
        let markdown = report().to_markdown();
        let line = |start: &str| {
            let line =
                markdown.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{markdown}"));
            line.split('|').map(str::trim).collect::<Vec<_>>().join("|")
        };
        assert_eq!(
            line("| 1 "),
            "|1|unchanged rescan, tiny, SQLite|2.200 s|find 1.000 s|2.20|≤ 1.20 ✗|≤ 0.70 ✗|45 % / 20 %|2.20 / 1.00|30 MiB|"
        );
        assert_eq!(
            line("| 10 "),
            "|10|apply again, nothing pending|0.100 s||0.100 s|≤ 0.200 s ✓|≤ 0.050 s ✗|0 %|0.10|30 MiB|"
        );
        assert!(line("| 16 ").contains("skipped: no strace on the PATH"));
        assert!(markdown.contains("failed: cp / ended"), "{markdown}");
        let order = ["| 1 ", "| 9 ", "| 10 ", "| 16 "].map(|row| markdown.find(row));
        assert!(order.is_sorted(), "{order:?}");
        assert!(!report().is_whole());
    }

    #[test]
    fn every_line_of_the_results_is_an_object_with_a_type() {
        let lines = report().to_json_lines();
        let objects: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let types: Vec<&str> = objects.iter().map(|object| object["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["machine", "row", "row", "row", "row", "growth"]);
        assert_eq!((objects[1]["row"].as_str(), objects[1]["value"].as_f64()), (Some("1"), Some(2.2)));
        assert_eq!(objects[1]["must_met"], false);
        assert_eq!(objects[1]["peer"]["wall"].as_array().unwrap().len(), 3);
        assert_eq!(objects[4]["skipped"], "no strace on the PATH");
    }

    #[test]
    fn the_picture_has_a_bar_for_each_measured_row() {
        let svg = report().to_svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert_eq!(svg.matches("class=\"bar").count(), 2, "{svg}");
    }
}
