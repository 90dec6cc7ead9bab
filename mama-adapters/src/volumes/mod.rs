//! `Volumes`, from `statvfs` ([`PlainVolumes`]), and of the machine in memory ([`MemoryVolumes`]).

mod identity;
mod memory;
mod plain;

pub use memory::MemoryVolumes;
pub use plain::PlainVolumes;
