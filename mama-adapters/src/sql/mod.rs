//! What the catalog's dialects share: rows to vocabulary, keys, and the rules of migration.

pub(crate) mod codec;
pub(crate) mod keys;
pub(crate) mod migrate;
