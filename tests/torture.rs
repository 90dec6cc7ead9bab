//! Proof under fire: the real program on real file systems, killed, starved, raced and lied to.
//!
//! Quick by default; `MAMA_TORTURE=full` is the full form. Every test prints its seed, which `MAMA_TORTURE_SEED` repeats.
//! `MAMA_TORTURE_DIR` says on which file system; memory unless said. `MAMA_TORTURE_BINARY` is another `mama` to put under fire.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "helpers of tests are tests")]

#[cfg(target_arch = "x86_64")]
#[path = "torture/calls.rs"]
mod calls;
#[path = "torture/check.rs"]
mod check;
#[path = "torture/isolation.rs"]
mod isolation;
#[path = "torture/kills.rs"]
mod kills;
#[path = "torture/names.rs"]
mod names;
#[path = "torture/races.rs"]
mod races;
#[path = "torture/scale.rs"]
mod scale;
#[path = "torture/sources.rs"]
mod sources;
#[cfg(target_arch = "x86_64")]
#[path = "torture/tracer.rs"]
mod tracer;
#[path = "torture/tree.rs"]
mod tree;
#[path = "torture/world.rs"]
mod world;
