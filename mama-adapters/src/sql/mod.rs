//! What the catalog's dialects share: rows to vocabulary, keys, migrations, filters, decisions as columns, and how a settlement is compared.

pub(crate) mod codec;
pub(crate) mod decisions;
pub(crate) mod filter;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod migrations;
pub(crate) mod stands;
