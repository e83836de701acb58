//! One worker that is kept as it is.

use crate::support::{MS, S, rig, turn};
use perilune_pool::Kind;
use std::sync::atomic::Ordering::SeqCst;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn state_is_kept_between_calls() {
    let rig = rig(Kind::Inline, |_| {});
    for round in 0..5 {
        let met = rig.call(MS).await.unwrap();
        assert_eq!((met.id, met.marks), (1, round));
        sleep(100 * S).await;
    }
    assert_eq!(rig.books.cleaned(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_nested_call_gets_another_worker_which_is_not_kept() {
    let rig = rig(Kind::Inline, |_| {});
    let mut outer = rig.pool.lease(None).await.unwrap();
    outer.marks = 7;
    let nested = rig.call(MS).await.unwrap();
    assert_eq!((nested.id, nested.marks), (2, 0));
    assert_eq!(rig.books.live(), 1);
    outer.finish();
    assert_eq!(rig.call(MS).await.unwrap().marks, 7);
}

#[tokio::test(start_paused = true)]
async fn of_two_first_calls_at_once_one_is_kept() {
    let rig = rig(Kind::Inline, |_| {});
    rig.books.set(|manners| manners.creating = MS);
    for task in rig.spawn_many(2, S).await {
        task.await.unwrap().unwrap();
    }
    turn().await;
    assert_eq!((rig.books.made(), rig.books.live(), rig.pool.stats().ready), (2, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn concurrent_calls_are_bounded_and_then_wait() {
    let rig = rig(Kind::Inline, |s| s.max_size = 3);
    let tasks = rig.spawn_many(5, S).await;
    assert_eq!((rig.pool.stats().busy, rig.pool.stats().queued), (3, 2));
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!((rig.books.most.load(SeqCst), rig.books.live()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn after_its_death_the_next_call_begins_anew() {
    let rig = rig(Kind::Inline, |_| {});
    rig.call(MS).await.unwrap();
    drop(rig.pool.lease(None).await.unwrap());
    let met = rig.call(MS).await.unwrap();
    assert_eq!((met.id, met.marks), (2, 0));
    assert_eq!(rig.call(MS).await.unwrap().marks, 1);
}

#[tokio::test(start_paused = true)]
async fn its_state_is_neither_shed_nor_idle() {
    let rig = rig(Kind::Inline, |_| {});
    rig.call(MS).await.unwrap();
    sleep(1_000 * S).await;
    assert_eq!((rig.pool.shed(10), rig.books.live()), (0, 1));
}
