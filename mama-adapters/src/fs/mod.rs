//! The file-system ports: on Linux ([`posix`]), and in memory ([`memory`]).

pub mod memory;
pub mod posix;
