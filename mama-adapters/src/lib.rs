//! mama's adapters: the outside world, one folder each.
//!
//! | folder | implements |
//! |---|---|
//! | [`sqlite`] | the three repository ports on SQLite |
//! | [`postgres`] | the same on PostgreSQL |
//! | [`fs`] | the file-system ports: on Linux, and in memory with faults and reboots |
//! | [`walk`] | `Walker`: over any `ReadTree`, and with jwalk |
//! | [`volumes`] | `Volumes`, from `statvfs` and the programs of ZFS |
//! | [`extract`] | libmagic, ExifTool, and a quick reader of few tags |
//! | [`hash`] | BLAKE3 |
//! | [`clock`], [`workers`] | time, and threads for blocking work |

pub mod clock;
pub mod extract;
pub mod fs;
pub mod hash;
pub mod postgres;
pub mod sqlite;
pub mod volumes;
pub mod walk;
pub mod workers;

mod sql;
