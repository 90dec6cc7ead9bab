//! What the facts of a ZFS dataset mean for an archive on it.

mod advice;
mod retention;

use mama_ports::vocab::PoolHealth;

pub use advice::{Advice, Weight, advice};
pub use retention::to_release;

/// Whether a pool in this state is not to be written to. A word that mama does not know is left to ZFS to judge.
pub const fn refuses_writes(health: &PoolHealth) -> bool {
    match health {
        PoolHealth::Online | PoolHealth::Degraded | PoolHealth::Other(_) => false,
        PoolHealth::Faulted
        | PoolHealth::Offline
        | PoolHealth::Unavailable
        | PoolHealth::Removed
        | PoolHealth::Suspended => true,
    }
}
