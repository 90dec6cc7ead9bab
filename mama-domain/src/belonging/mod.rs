//! What belongs together in one folder: sidecars and the files that they describe, and files that are one thing.
//!
//! Facts in, links out, each with its reason; docs/metadata.md has the rules and where they come from.

pub mod around;
pub mod clock;
pub mod companions;
pub mod group;
mod name;
pub mod sidecar;
pub(crate) mod takeout;
