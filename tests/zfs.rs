//! A real ZFS: zfs-fuse, or the OpenZFS whose pool `MAMA_ZFS_POOL` names.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

#[path = "zfs/adapters.rs"]
mod adapters;
#[path = "zfs/runs.rs"]
mod runs;
#[path = "cli/world.rs"]
#[expect(dead_code, reason = "the suite of the command line uses the rest")]
mod world;
