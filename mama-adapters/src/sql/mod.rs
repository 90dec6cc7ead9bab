//! What the catalog's dialects share: rows to vocabulary, keys, migrations, and how a settlement is compared.

pub(crate) mod codec;
pub(crate) mod keys;
pub(crate) mod migrate;
pub(crate) mod migrations;
pub(crate) mod stands;
