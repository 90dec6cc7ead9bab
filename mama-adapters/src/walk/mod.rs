//! `Walker`, twice: over the file-system port ([`TreeWalker`]), and with jwalk ([`JwalkWalker`]).

mod jwalk;
mod tree;

pub use jwalk::JwalkWalker;
pub use tree::TreeWalker;
