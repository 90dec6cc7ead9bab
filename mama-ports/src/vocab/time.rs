//! Points in time, as file systems keep them.

/// A point in time: whole seconds since 1970 (negative before), and nanoseconds after that second.
///
/// Two numbers and never a calendar type, so that no file time is rounded or out of range (safety.md §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Seconds since 1970-01-01 00:00 UTC.
    pub secs: i64,
    /// 0 to 999,999,999, counted forward from `secs` also before 1970.
    pub nanos: u32,
}

impl Timestamp {
    /// This many seconds and nanoseconds since 1970.
    pub const fn new(secs: i64, nanos: u32) -> Self {
        Self { secs, nanos }
    }

    /// The time this many whole seconds later; stays at the end of the range.
    #[must_use]
    pub const fn plus_secs(self, secs: i64) -> Self {
        Self { secs: self.secs.saturating_add(secs), nanos: self.nanos }
    }

    /// Seconds from `earlier` to here, with fractions; negative if `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> f64 {
        (self.secs as f64 - earlier.secs as f64) + (f64::from(self.nanos) - f64::from(earlier.nanos)) / 1e9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_the_order_of_time_also_before_1970() {
        assert!(Timestamp::new(-2, 999_999_999) < Timestamp::new(-1, 0));
        assert!((Timestamp::new(0, 500_000_000).seconds_since(Timestamp::new(-1, 0)) - 1.5).abs() < 1e-9);
    }
}
