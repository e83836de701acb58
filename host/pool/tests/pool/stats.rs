//! What is counted and measured.

use crate::support::{MS, S, rig, turn};
use perilune_pool::{Kind, WaitStats};
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_pool_that_saw_nothing() {
    let stats = rig(Kind::Adaptive, |_| {}).pool.stats();
    assert_eq!((stats.kind, stats.limit), (Kind::Adaptive, 1));
    assert_eq!((stats.workers, stats.busy, stats.ready, stats.queued, stats.calls), (0, 0, 0, 0, 0));
    assert_eq!(stats.waits, WaitStats::default());
}

#[tokio::test(start_paused = true)]
async fn every_wait_counts_also_that_of_calls_that_did_not_wait() {
    let rig = rig(Kind::Static, |s| s.size = 1);
    for _ in 0..97 {
        rig.call(MS).await.unwrap();
    }
    // Waits of 0, 1 s and 2 s.
    for task in rig.spawn_many(3, S).await {
        task.await.unwrap().unwrap();
    }
    let waits = rig.pool.stats().waits;
    assert_eq!((waits.p50, waits.longest), (Duration::ZERO, 2 * S));
    assert!(waits.p99 >= S && waits.p99 <= S * 11 / 10, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pool_at_work() {
    let rig = rig(Kind::Static, |s| (s.size, s.buffer) = (2, Some(1)));
    let _busy = rig.spawn_many(4, S).await;
    let stats = rig.pool.stats();
    assert_eq!((stats.workers, stats.busy, stats.ready, stats.queued), (2, 2, 0, 1));
    assert_eq!((stats.calls, stats.created, stats.refused), (2, 2, 1));
    tokio::time::sleep(10 * S).await;
    turn().await;
    let stats = rig.pool.stats();
    assert_eq!((stats.busy, stats.queued, stats.calls), (0, 0, 3));
    assert_eq!((stats.ready, stats.workers, stats.reset), (stats.workers, rig.books.live(), 3));
    assert_eq!(stats.retired, stats.created - u64::from(stats.workers));
}
