//! What the catalog's dialects share: rows to vocabulary, keys, migrations, filters, decisions as columns, how a settlement is compared, and which contents lack what.

pub(crate) mod codec;
pub(crate) mod decisions;
pub(crate) mod filter;
pub(crate) mod keys;
pub(crate) mod lacking;
pub(crate) mod migrate;
pub(crate) mod migrations;
pub(crate) mod stands;
