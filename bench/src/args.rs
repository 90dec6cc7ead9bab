//! The command line of `mama-bench`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Parser;

use crate::targets::TARGETS;

/// Runs mama beside the programs that are best at each of its jobs, in turn, and prints the ratios
#[derive(Debug, Clone, Parser)]
#[command(name = "mama-bench", max_term_width = 100)]
pub struct Args {
    /// Size of the work sets, as a share of the full ones: `full`, or a number above 0 and up to 1
    #[arg(long, value_name = "SCALE", default_value = "0.02")]
    pub scale: Scale,
    /// Counted runs of each side of a row
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub runs: u32,
    /// Only these rows, such as 1,7b; a number also means its letters [default: all]
    #[arg(long, value_name = "ROWS", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Work in this folder, keep it, and use the trees that are already there [default: a folder in $TMPDIR, removed at the end]
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Write the results here as JSON lines
    #[arg(long, value_name = "FILE", default_value = "bench-results.jsonl")]
    pub results: PathBuf,
    /// Put the results into docs/performance.md and docs/performance.svg of the repository in this folder
    #[arg(long, value_name = "REPOSITORY")]
    pub write_docs: Option<PathBuf>,
    /// The mama to measure [default: the one beside this program]
    #[arg(long, value_name = "PROGRAM")]
    pub mama: Option<PathBuf>,
    /// The program that makes realistic trees; without it, mama-bench makes trees of noise
    #[arg(long, value_name = "PROGRAM", default_value = "../shared/corpus/grow")]
    pub grow: PathBuf,
}

/// How large the work sets are, as a share of the full ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale(f64);

impl Scale {
    /// This many at full size, here; at least `least`.
    pub fn of(self, full: u64, least: u64) -> u64 {
        ((full as f64 * self.0).round() as u64).max(least)
    }

    /// How it is written.
    pub fn shown(self) -> String {
        if self.0 == 1.0 { "full".to_owned() } else { self.0.to_string() }
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            _ if text == "full" => Ok(Self(1.0)),
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(Self(share)),
            Ok(_) | Err(_) => Err("`full`, or a number above 0 and up to 1".to_owned()),
        }
    }
}

impl Args {
    /// Whether this row was asked for: by its name, or by its number.
    pub fn wants(&self, row: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|asked| means(asked, row))
    }

    /// Refuses rows that are not there.
    pub fn check(&self) -> anyhow::Result<()> {
        for asked in &self.only {
            let is_known = TARGETS.iter().any(|target| means(asked, target.row));
            anyhow::ensure!(is_known, "there is no row {asked}; docs/performance.md lists them");
        }
        Ok(())
    }
}

fn means(asked: &str, row: &str) -> bool {
    asked == row || asked == row.trim_end_matches(char::is_alphabetic)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn args(args: &[&str]) -> Result<Args, clap::Error> {
        Args::try_parse_from(["mama-bench"].iter().chain(args))
    }

    #[test]
    fn the_grammar_does_not_contradict_itself() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_scale_is_a_share_of_the_full_sizes() {
        assert_eq!(args(&["--scale", "full"]).unwrap().scale.of(1_000_000, 10), 1_000_000);
        assert_eq!(args(&["--scale", "0.05"]).unwrap().scale.of(1_000_000, 10), 50_000);
        assert_eq!(args(&["--scale", "0.000001"]).unwrap().scale.of(1000, 10), 10);
        for bad in ["0", "-1", "1.5", "half", "nan", ""] {
            assert!(args(&["--scale", bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_means_all_its_letters_and_a_letter_only_itself() {
        assert!(args(&[]).unwrap().wants("7b"));
        let asked = args(&["--only", "7,14r"]).unwrap();
        assert!(asked.wants("7") && asked.wants("7b") && asked.wants("14r"));
        assert!(!asked.wants("14s") && !asked.wants("1") && !asked.wants("17"));
    }

    #[test]
    fn no_runs_are_no_benchmark() {
        assert!(args(&["--runs", "0"]).is_err());
    }
}
