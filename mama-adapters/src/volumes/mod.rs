//! `Volumes`, from `statvfs` ([`PlainVolumes`]).

mod plain;

pub use plain::PlainVolumes;
