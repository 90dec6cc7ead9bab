//! `Volumes`: of any file system ([`PlainVolumes`]), of ZFS too ([`SystemVolumes`]), and of the machine in memory ([`MemoryVolumes`]).

mod identity;
mod memory;
mod mounts;
mod plain;
mod system;
mod zfs;

pub use memory::MemoryVolumes;
pub use plain::PlainVolumes;
pub use system::SystemVolumes;
