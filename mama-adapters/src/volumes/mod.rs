//! `Volumes`: of any file system ([`PlainVolumes`]), and of ZFS too ([`SystemVolumes`]).

mod mounts;
mod plain;
mod system;
mod zfs;

pub use plain::PlainVolumes;
pub use system::SystemVolumes;
