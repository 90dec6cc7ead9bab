//! The benchmark still finds in mama's summaries what it measures by.

use mama_bench::args::Args;

#[test]
fn the_benchmark_measures_what_mama_says_it_did() {
    let mut args: Args = clap::Parser::parse_from(["mama-bench", "--grow", "/none", "--scale", "0.0001"]);
    args.runs = 1;
    args.only = ["1", "9", "10", "12"].map(str::to_owned).to_vec();
    args.mama = Some(env!("CARGO_BIN_EXE_mama").into());
    let report = mama_bench::measure(&args).unwrap();
    let table = report.to_markdown();
    assert!(report.is_whole(), "{table}");
    for row in ["unchanged rescan", "apply by link", "apply again", "native reader"] {
        let line = table.lines().find(|line| line.contains(row)).unwrap();
        assert!(line.contains(" s "), "measured: {line}");
    }
}
