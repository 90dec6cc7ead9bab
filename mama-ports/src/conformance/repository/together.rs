//! Several writers at once.

use super::desk::{Desk, described, root, sighting, time};
use super::run;
use crate::repository::{Recorded, Repository, ScanBatch};

/// Two hosts scan overlapping contents: nobody waits for ever, nothing is counted twice.
pub async fn two_writers_add_one_content_once(repo: &dyn Repository) {
    const BATCHES: u8 = 25;
    let write = |host: &'static str| async move {
        let desk = Desk::begin(repo, &root(host, "/a"), time(1)).await;
        let mut sum = Recorded::default();
        for number in 1..=BATCHES {
            let batch = ScanBatch {
                blobs: vec![described(number), described(number + BATCHES)],
                sightings: vec![
                    sighting(&format!("{number}"), number, 1),
                    sighting("same", number + BATCHES, 1),
                ],
                ..desk.batch()
            };
            let recorded = desk.record(&batch).await;
            sum.new_blobs += recorded.new_blobs;
            sum.new_observations += recorded.new_observations;
        }
        sum
    };
    let sums = std::thread::scope(|threads| {
        ["anna", "bert"]
            .map(|host| threads.spawn(move || run(write(host))))
            .map(|thread| thread.join().unwrap())
    });
    let new_blobs: u64 = sums.iter().map(|sum| sum.new_blobs).sum();
    assert_eq!(new_blobs, 2 * u64::from(BATCHES));
    assert!(sums.iter().all(|sum| sum.new_observations == 2 * u64::from(BATCHES)));
    assert_eq!(repo.totals().await.unwrap().blobs, new_blobs);
}
