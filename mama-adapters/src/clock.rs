//! Time: the system's, and one that stands still.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use mama_ports::runtime::Clock;
use mama_ports::vocab::Timestamp;

const NANOS: i128 = 1_000_000_000;

/// The clock of the machine, by which the kernel stamps files.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let now = SystemTime::now();
        match now.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => from_nanos(since.as_nanos().cast_signed()),
            Err(before) => from_nanos(-before.duration().as_nanos().cast_signed()),
        }
    }
}

/// A clock that moves only when told. Clones are the same clock.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<Mutex<Timestamp>>);

impl ManualClock {
    /// A clock that says `now`.
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    /// Moves on by `seconds`, back if negative.
    pub fn advance(&self, seconds: i64) {
        self.shift(i128::from(seconds) * NANOS);
    }

    /// Moves on by a nanosecond and says what it shows then.
    pub fn tick(&self) -> Timestamp {
        self.shift(1)
    }

    fn shift(&self, nanos: i128) -> Timestamp {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = from_nanos(i128::from(now.secs) * NANOS + i128::from(now.nanos) + nanos);
        *now
    }
}

impl Default for ManualClock {
    /// Shows the first second of 2020, UTC.
    fn default() -> Self {
        Self::new(Timestamp::new(1_577_836_800, 0))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn from_nanos(nanos: i128) -> Timestamp {
    let clamped = nanos.div_euclid(NANOS).clamp(i64::MIN.into(), i64::MAX.into());
    Timestamp::new(clamped as i64, nanos.rem_euclid(NANOS) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_when_told_and_for_all_who_share_it() {
        let clock = ManualClock::new(Timestamp::new(-1, 999_999_999));
        let shared = clock.clone();
        assert_eq!(clock.tick(), Timestamp::new(0, 0));
        clock.advance(-2);
        assert_eq!(shared.now(), Timestamp::new(-2, 0));
        assert_eq!(shared.now(), Timestamp::new(-2, 0));
    }

    #[test]
    fn the_system_clock_is_past_2020() {
        assert!(SystemClock.now() > ManualClock::default().now());
    }
}
