//! The archive explains itself: what its manifests say, and whether archive and catalog are of one history.
//!
//! A manifest is a text of JSON lines. The first line is its *header*; the hash of that line is its digest. The header names
//! the hash of all lines after it, and the digest of the manifest before it, so that the last digest stands for all of them.

mod agreement;
pub(crate) mod chain;
mod header;
mod lines;

pub use agreement::{Agreement, agreement};
pub use header::{BadHeader, Header};
pub use lines::{decode, encode};
