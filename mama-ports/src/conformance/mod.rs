//! The suites that every adapter of a port must pass: plain functions over the port, and a macro for each suite that
//! makes them tests of an adapter, so that no adapter can leave one out.

pub mod content;
pub mod repository;
pub mod tree;
pub mod walker;
