//! How many calls run at once, and what waits, by type and field.

use crate::support::{MS, S, rig, turn};
use perilune_pool::{Kind, Settings};

/// How many of many simultaneous calls run, and how many of the rest may wait.
async fn capacity(kind: Kind, change: impl FnOnce(&mut Settings)) -> (u32, usize) {
    let rig = rig(kind, change);
    rig.spawn_many(2_000, 1_000 * S).await;
    let stats = rig.pool.stats();
    assert_eq!(stats.calls + stats.queued as u64 + stats.refused, 2_000);
    (stats.busy, stats.queued)
}

#[tokio::test(start_paused = true)]
async fn the_defaults_of_each_type() {
    assert_eq!(capacity(Kind::Inline, |_| {}).await, (16, 1024));
    assert_eq!(capacity(Kind::Lazy, |_| {}).await, (16, 1024));
    assert_eq!(capacity(Kind::Static, |_| {}).await, (8, 512));
    assert_eq!(capacity(Kind::Adaptive, |_| {}).await, (1, 1024));
}

#[tokio::test(start_paused = true)]
async fn size_is_what_static_has_and_adaptive_begins_with() {
    assert_eq!(capacity(Kind::Static, |s| s.size = 3).await, (3, 192));
    assert_eq!(capacity(Kind::Adaptive, |s| s.size = 3).await, (3, 1024));
    assert_eq!(capacity(Kind::Lazy, |s| s.size = 3).await.0, 16);
}

#[tokio::test(start_paused = true)]
async fn max_size_bounds_all_but_static() {
    assert_eq!(capacity(Kind::Lazy, |s| s.max_size = 2).await, (2, 128));
    assert_eq!(capacity(Kind::Inline, |s| s.max_size = 2).await, (2, 128));
    assert_eq!(capacity(Kind::Static, |s| s.max_size = 2).await.0, 8);
    let rig = rig(Kind::Adaptive, |s| s.max_size = 2);
    rig.spawn_many(50, 1_000 * S).await;
    tokio::time::sleep(10 * S).await;
    assert_eq!(rig.pool.stats().busy, 2);
}

#[tokio::test(start_paused = true)]
async fn buffer_bounds_the_queue() {
    assert_eq!(capacity(Kind::Static, |s| s.buffer = Some(5)).await, (8, 5));
    assert_eq!(capacity(Kind::Adaptive, |s| s.buffer = Some(5)).await, (1, 5));
}

#[tokio::test(start_paused = true)]
async fn absurd_settings_are_brought_into_range() {
    let (mut absurd, none) = (Settings::new("a:b", Kind::Adaptive), 0);
    (absurd.size, absurd.max_size) = (none, none);
    assert_eq!(capacity(Kind::Adaptive, |s| *s = absurd.clone()).await, (1, 64));
    assert_eq!(capacity(Kind::Static, |s| s.size = 0).await, (1, 64));
    (absurd.size, absurd.max_size) = (u32::MAX, u32::MAX);
    assert_eq!(capacity(Kind::Lazy, |s| *s = absurd).await.0, 2_000);
}

#[tokio::test(start_paused = true)]
async fn warming_makes_what_static_is_and_what_warm_start_asks_for() {
    for (kind, size, warm_start, made) in [
        (Kind::Static, 3, false, 3),
        (Kind::Static, 3, true, 3),
        (Kind::Adaptive, 3, false, 0),
        (Kind::Adaptive, 3, true, 3),
        (Kind::Lazy, 3, false, 0),
        (Kind::Lazy, 3, true, 3),
        (Kind::Lazy, 0, true, 0),
        (Kind::Inline, 1, true, 1),
    ] {
        let rig = rig(kind, |s| (s.size, s.warm_start) = (size, warm_start));
        rig.pool.warm().await.unwrap();
        rig.pool.warm().await.unwrap();
        assert_eq!((rig.books.made(), rig.pool.stats().ready), (made, made), "{kind} {size} {warm_start}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_made_before_the_first_call() {
    for kind in [Kind::Inline, Kind::Lazy, Kind::Static, Kind::Adaptive] {
        let rig = rig(kind, |_| {});
        turn().await;
        assert_eq!(rig.books.made(), 0);
        rig.call(MS).await.unwrap();
        assert_eq!(rig.books.made(), 1);
    }
}

#[test]
fn an_idle_pool_is_small() {
    let size = std::mem::size_of::<perilune_pool::Pool<crate::support::Workshop>>();
    assert!(size < 700, "{size} bytes, of which a host may have 10,000 times");
}
