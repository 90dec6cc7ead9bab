//! What is measured, and what it should come to.

/// In what a row's number is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Wall time of mama over that of the reference.
    Ratio,
    /// Seconds.
    Seconds,
    /// Mebibytes.
    MiB,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Target {
    /// Its number, and a letter where one number has several rows.
    pub row: &'static str,
    /// What is measured.
    pub operation: &'static str,
    /// In what.
    pub unit: Unit,
    /// The most that a release may come to; `None`: for information.
    pub must: Option<f64>,
    /// What the machine allows.
    pub goal: Option<f64>,
    /// Whether must and goal are divided by the number of cores.
    pub per_core: bool,
}

impl Target {
    /// Must and goal on this many cores.
    pub fn limits(&self, cores: usize) -> (Option<f64>, Option<f64>) {
        let share = if self.per_core { cores as f64 } else { 1.0 };
        (self.must.map(|limit| limit / share), self.goal.map(|limit| limit / share))
    }
}

const fn ratio(row: &'static str, operation: &'static str, must: f64, goal: f64) -> Target {
    Target { row, operation, unit: Unit::Ratio, must: Some(must), goal: Some(goal), per_core: false }
}

/// Every row, in the order in which they are shown.
pub const TARGETS: &[Target] = &[
    ratio("1", "unchanged rescan, tiny, SQLite", 1.2, 0.7),
    ratio("2", "unchanged rescan, tiny, Postgres", 1.5, 1.0),
    Target { unit: Unit::MiB, goal: None, ..ratio("2w", "its write-ahead log", 1.0, 1.0) },
    ratio("3", "unchanged rescan, tiny, SQLite, cold", 0.9, 0.6),
    ratio("4", "first scan, media", 1.5, 1.0),
    Target {
        must: None,
        goal: None,
        ..ratio("4f", "first scan, media; fclones reads only likely duplicates", 1.0, 1.0)
    },
    ratio("5", "first scan, media, cold", 0.9, 0.7),
    ratio("6", "first scan, a tenth of tiny, SQLite", 4.0, 2.0),
    ratio("6p", "first scan, a tenth of tiny, Postgres", 6.0, 3.0),
    ratio("7", "first scan, big files, cold", 1.15, 1.0),
    ratio("7b", "first scan, big files, warm", 2.0, 1.1),
    ratio("8", "first scan + apply by link, media", 0.5, 0.33),
    ratio("9", "apply by link, tiny", 3.0, 1.8),
    Target { unit: Unit::Seconds, ..ratio("10", "apply again, nothing pending", 0.2, 0.05) },
    Target { per_core: true, ..ratio("11", "metadata by ExifTool, photos", 1.25, 1.05) },
    ratio("12", "metadata by the native reader, photos", 1.0 / 20.0, 1.0 / 60.0),
    ratio("13", "rescan with 1 % changed, tiny", 1.5, 1.1),
    ratio("14r", "time a file, tiny over a tenth of it: rescan", 1.3, 1.1),
    ratio("14s", "time a file, tiny over a tenth of it: first scan", 1.3, 1.1),
    Target { unit: Unit::MiB, ..ratio("15", "peak memory, tiny, any operation", 128.0, 64.0) },
    Target { unit: Unit::MiB, ..ratio("15g", "and over that of a hundredth of tiny", 64.0, 32.0) },
    ratio("16", "durable apply by copy, media", 1.5, 1.2),
];

/// The row with this name.
pub fn target(row: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.row == row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_own_name() {
        for target in TARGETS {
            assert_eq!(super::target(target.row), Some(target), "{}", target.row);
        }
    }

    #[test]
    fn some_limits_depend_on_the_cores() {
        assert_eq!(target("11").unwrap().limits(2), (Some(0.625), Some(0.525)));
        assert_eq!(target("1").unwrap().limits(2), (Some(1.2), Some(0.7)));
    }
}
