//! A pool that closes serves whom it has let in, and nobody else.

use crate::support::{MS, S, rig, turn};
use insta::assert_snapshot;
use perilune_pool::Kind;
use perilune_value::Kind as FailureKind;
use tokio::time::{Instant, sleep};

#[tokio::test(start_paused = true)]
async fn new_calls_are_told() {
    let rig = rig(Kind::Static, |_| {});
    rig.pool.close().await;
    let failure = rig.call(MS).await.unwrap_err();
    assert_eq!((&failure.kind, failure.retryable), (&FailureKind::Unavailable, Some(true)));
    assert_snapshot!(failure, @"app:handler: pool is closed");
    assert!(rig.pool.is_closed());
}

#[tokio::test(start_paused = true)]
async fn calls_that_run_or_wait_end_first_and_then_every_worker_is_gone() {
    for kind in [Kind::Inline, Kind::Lazy, Kind::Static, Kind::Adaptive] {
        let rig = rig(kind, |s| (s.size, s.max_size) = (1, 1));
        rig.books.set(|manners| manners.cleaning = MS);
        let tasks = rig.spawn_many(3, S).await;
        let begun = Instant::now();
        rig.pool.close().await;
        assert!(begun.elapsed() >= 3 * S, "{kind}");
        assert_eq!((rig.books.live(), rig.pool.stats().workers), (0, 0), "{kind}");
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn closing_ends_when_the_last_in_the_queue_gives_up() {
    let rig = rig(Kind::Static, |s| s.size = 1);
    let running = rig.spawn(100 * S).await;
    let waiting = rig.spawn(S).await;
    let pool = rig.pool.clone();
    let closing = tokio::spawn(async move { pool.close().await });
    turn().await;
    waiting.abort();
    running.abort();
    closing.await.unwrap();
    assert_eq!(rig.books.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn several_may_close_and_a_closed_pool_stays_closed() {
    let rig = rig(Kind::Lazy, |_| {});
    let _running = rig.spawn(S).await;
    tokio::join!(rig.pool.close(), rig.pool.close());
    rig.pool.close().await;
    rig.pool.warm().await.unwrap();
    assert_eq!(rig.books.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn idle_workers_go_at_once_and_those_in_the_janitors_hands_as_well() {
    let rig = rig(Kind::Lazy, |_| {});
    rig.books.set(|manners| manners.cleaning = S);
    rig.call(MS).await.unwrap();
    turn().await;
    rig.pool.close().await;
    assert_eq!(rig.books.live(), 0);
    sleep(S).await;
    assert_eq!(rig.pool.stats().workers, 0);
}
