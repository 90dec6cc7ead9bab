//! The command line, from outside: transcripts in `scripts/`, and what they cannot say.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "cli/at_once.rs"]
mod at_once;
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/curation.rs"]
mod curation;
#[path = "cli/disks.rs"]
mod disks;
#[path = "cli/enriching.rs"]
mod enriching;
#[path = "cli/find.rs"]
mod find;
#[path = "cli/hostile.rs"]
mod hostile;
#[path = "cli/hosts.rs"]
mod hosts;
#[path = "cli/manifests.rs"]
mod manifests;
#[path = "cli/outages.rs"]
mod outages;
#[path = "cli/plans.rs"]
mod plans;
#[path = "cli/postgres.rs"]
mod postgres;
#[path = "cli/pretender.rs"]
mod pretender;
#[path = "cli/runs.rs"]
mod runs;
#[path = "cli/sandbox.rs"]
mod sandbox;
#[path = "cli/show.rs"]
mod show;
#[path = "cli/why.rs"]
mod why;
#[path = "cli/world.rs"]
mod world;

/// `scripts/NAME.trycmd` runs in a copy of `NAME.in`, which afterwards must hold what `NAME.out` holds.
#[test]
fn the_transcripts_are_what_mama_says() {
    let cases = trycmd::TestCases::new();
    cases.env("MAMA_CONFIG", "mama.toml").env("MAMA_HOST", "laptop").env("NO_COLOR", "1");
    // One thread lists folders by name, so that ids, and with them the order of a plan, repeat.
    cases.env("MAMA_SCAN_THREADS", "1");
    cases.case("../tests/scripts/*.trycmd");
}
