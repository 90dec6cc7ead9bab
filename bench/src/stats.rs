//! The few numbers that a series of runs comes to.

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sample {
    /// Seconds from start to end.
    pub wall: f64,
    /// Seconds of CPU, user and system, of the program and all it waited for.
    pub cpu: f64,
    /// Peak resident bytes of the largest of these processes.
    pub rss: u64,
}

impl Sample {
    /// Both, one after the other.
    #[must_use]
    pub fn then(self, next: Self) -> Self {
        Self { wall: self.wall + next.wall, cpu: self.cpu + next.cpu, rss: self.rss.max(next.rss) }
    }
}

/// Runs of one thing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Series {
    /// What ran.
    pub what: String,
    /// Each run that counts; not empty once it is reported.
    pub samples: Vec<Sample>,
}

impl Series {
    /// Median seconds.
    pub fn wall(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.wall))
    }

    /// Median CPU seconds.
    pub fn cpu(&self) -> f64 {
        median(self.samples.iter().map(|sample| sample.cpu))
    }

    /// The largest peak of memory, in bytes.
    pub fn rss(&self) -> u64 {
        self.samples.iter().map(|sample| sample.rss).max().unwrap_or_default()
    }

    /// How far the slowest and the fastest run are apart, as a share of the median.
    pub fn spread(&self) -> f64 {
        spread(self.samples.iter().map(|sample| sample.wall))
    }
}

/// The middle one, or the mean of the two in the middle; NaN of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (len, middle) if len % 2 == 1 => sorted[middle],
        (_, middle) => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

/// (largest - smallest) / median; NaN of nothing.
pub fn spread(values: impl IntoIterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.into_iter().collect();
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let smallest = values.iter().copied().fold(f64::INFINITY, f64::min);
    (largest - smallest) / median(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(walls: &[f64]) -> Series {
        let sample = |&wall| Sample { wall, cpu: wall * 2.0, rss: (wall * 100.0) as u64 };
        Series { what: "x".to_owned(), samples: walls.iter().map(sample).collect() }
    }

    #[test]
    fn a_median_does_not_care_about_order_and_outliers() {
        assert_eq!(median([3.0, 1.0, 900.0, 2.0, 2.5]), 2.5);
        assert_eq!(median([4.0, 1.0, 2.0, 900.0]), 3.0);
        assert_eq!(median([7.0]), 7.0);
        assert!(median([]).is_nan());
    }

    #[test]
    fn the_spread_is_a_share_of_the_median() {
        assert_eq!(spread([2.0, 1.0, 2.0]), 0.5);
        assert_eq!(spread([2.0, 2.0]), 0.0);
        assert!(spread([]).is_nan());
    }

    #[test]
    fn a_series_has_a_median_of_times_and_a_maximum_of_memory() {
        let series = series(&[1.0, 4.0, 2.0]);
        assert_eq!((series.wall(), series.cpu(), series.rss(), series.spread()), (2.0, 4.0, 400, 1.5));
    }

    #[test]
    fn one_after_the_other_takes_the_sum_of_times_and_the_larger_memory() {
        let (a, b) = (Sample { wall: 1.0, cpu: 2.0, rss: 30 }, Sample { wall: 0.5, cpu: 0.25, rss: 20 });
        assert_eq!(a.then(b), Sample { wall: 1.5, cpu: 2.25, rss: 30 });
    }
}
