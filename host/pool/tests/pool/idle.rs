//! Workers that nobody uses are given back, each by its own time.

use crate::support::{MS, S, rig};
use perilune_pool::Kind;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn elastic_pools_have_no_workers_after_half_a_minute() {
    for kind in [Kind::Lazy, Kind::Adaptive] {
        let rig = rig(kind, |_| {});
        rig.call(MS).await.unwrap();
        sleep(29 * S).await;
        assert_eq!(rig.books.live(), 1);
        sleep(2 * S).await;
        assert_eq!((rig.books.live(), rig.pool.stats().reaped), (0, 1), "{kind}");
        assert_eq!(rig.call(MS).await.unwrap().id, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_now_and_then_does_not_keep_the_workers_of_a_burst() {
    let rig = rig(Kind::Lazy, |_| {});
    for task in rig.spawn_many(10, S).await {
        task.await.unwrap().unwrap();
    }
    for _ in 0..4 {
        sleep(15 * S).await;
        rig.call(MS).await.unwrap();
    }
    assert_eq!(rig.books.live(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_can_be_set_or_left_out() {
    let quick = rig(Kind::Lazy, |s| s.idle_timeout = Some(2 * S));
    let never = rig(Kind::Lazy, |s| s.idle_timeout = None);
    quick.call(MS).await.unwrap();
    never.call(MS).await.unwrap();
    sleep(3 * S).await;
    assert_eq!((quick.books.live(), never.books.live()), (0, 1));
    sleep(10_000 * S).await;
    assert_eq!(never.books.live(), 1);
}

#[tokio::test(start_paused = true)]
async fn static_pools_never_idle() {
    let rig = rig(Kind::Static, |_| {});
    rig.pool.warm().await.unwrap();
    rig.call(MS).await.unwrap();
    sleep(10_000 * S).await;
    assert_eq!(rig.books.live(), 8);
}

#[tokio::test(start_paused = true)]
async fn a_warm_adaptive_pool_keeps_its_size_and_a_warm_lazy_one_does_not() {
    let adaptive = rig(Kind::Adaptive, |s| (s.size, s.warm_start) = (3, true));
    let lazy = rig(Kind::Lazy, |s| (s.size, s.warm_start) = (3, true));
    adaptive.pool.warm().await.unwrap();
    lazy.pool.warm().await.unwrap();
    for task in adaptive.spawn_many(20, S).await {
        task.await.unwrap().unwrap();
    }
    sleep(1_000 * S).await;
    assert_eq!((adaptive.books.live(), lazy.books.live()), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn the_janitor_holds_no_pool_alive() {
    let rig = rig(Kind::Lazy, |_| {});
    rig.call(MS).await.unwrap();
    let (pool, books) = (std::sync::Arc::downgrade(&rig.pool), rig.books.clone());
    drop(rig);
    sleep(MS).await;
    assert!(pool.upgrade().is_none());
    assert_eq!(books.live(), 0);
}

#[tokio::test(start_paused = true)]
async fn clean_workers_can_be_visited_when_they_have_been_idle_for_long_enough() {
    for (kind, expected) in [(Kind::Static, 1), (Kind::Adaptive, 1), (Kind::Lazy, 1), (Kind::Inline, 0)] {
        let rig = rig(kind, |s| s.size = 1);
        rig.call(MS).await.unwrap();
        sleep(S).await;
        let visits = |idle_for| {
            let mut count = 0;
            rig.pool.visit_idle(idle_for, |_| count += 1);
            count
        };
        assert_eq!(visits(2 * S), 0, "{kind}");
        // The one that served the call; a spare may be there besides.
        assert!(visits(S) >= expected && (kind != Kind::Inline || visits(S) == 0), "{kind}");
    }
}
