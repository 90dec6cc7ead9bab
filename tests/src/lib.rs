//! What the suites share: a world in memory in which whole scans and applies run, step by step the same each time; and a
//! real PostgreSQL, on a network that can be cut; a real ZFS; and the corpus.

pub mod catalogued;
mod cluster;
pub mod corpus;
pub mod postgres;
pub mod proxy;
pub mod sabotage;
pub mod world;
pub mod zfs;

#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;
