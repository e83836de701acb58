//! Where a call's worker comes from, and where it goes.

use crate::support::{MS, S, Workshop, call, rig, turn};
use insta::assert_snapshot;
use perilune_pool::{Janitor, Kind, Pool, Settings};
use std::sync::atomic::Ordering::SeqCst;
use tokio::time::{Instant, sleep};

const CLEANED: [Kind; 3] = [Kind::Lazy, Kind::Static, Kind::Adaptive];

#[tokio::test(start_paused = true)]
async fn every_call_finds_a_clean_worker() {
    for kind in CLEANED {
        let rig = rig(kind, |s| s.size = 1);
        for _ in 0..10 {
            assert_eq!(rig.call(MS).await.unwrap().marks, 0);
        }
        assert!(rig.books.made() <= 2, "workers are used again");
    }
}

#[tokio::test(start_paused = true)]
async fn workers_are_cleaned_off_the_callers_path() {
    let rig = rig(Kind::Lazy, |_| {});
    rig.books.set(|manners| manners.cleaning = 10 * MS);
    rig.call(MS).await.unwrap();
    sleep(20 * MS).await;
    assert_eq!((rig.pool.stats().ready, rig.books.cleaned()), (1, 1));
    let met = rig.call(MS).await.unwrap();
    assert_eq!((met.wait.as_millis(), met.id), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_comes_before_the_janitor_cleans_for_itself() {
    let rig = rig(Kind::Static, |s| s.size = 1);
    let lease = rig.pool.lease(None).await.unwrap();
    rig.books.set(|manners| manners.cleaning = 10 * MS);
    lease.finish();
    let met = rig.call(MS).await.unwrap();
    assert_eq!((met.id, met.marks, met.wait), (1, 0, 10 * MS));
}

#[tokio::test(start_paused = true)]
async fn a_janitor_that_pauses_leaves_a_pool_to_its_callers_while_they_follow_each_other() {
    let janitor = Janitor::on(tokio::runtime::Handle::current(), 1, 10 * MS);
    let workshop = Workshop::default();
    let books = workshop.0.clone();
    let pool = Pool::new(workshop, Settings::new("app:handler", Kind::Lazy), &janitor);
    for _ in 0..20 {
        assert_eq!(call(pool.clone(), 5 * MS, None).await.unwrap().marks, 0);
    }
    assert_eq!((books.made(), books.cleaned(), pool.stats().ready), (1, 19, 0));
    sleep(30 * MS).await;
    assert_eq!((books.cleaned(), pool.stats().ready), (20, pool.stats().workers));
}

#[tokio::test(start_paused = true)]
async fn who_had_to_clean_for_itself_leaves_a_spare_for_the_next() {
    let rig = rig(Kind::Adaptive, |_| {});
    rig.pool.lease(None).await.unwrap().finish();
    rig.pool.lease(None).await.unwrap().finish();
    turn().await;
    assert_eq!((rig.books.made(), rig.pool.stats().ready), (2, 2));
    rig.books.set(|manners| manners.cleaning = 3 * MS);
    // From now on one is cleaned while the other one works.
    for _ in 0..20 {
        assert!(rig.call(5 * MS).await.unwrap().wait.is_zero());
    }
    assert_eq!(rig.books.made(), 2);
}

#[tokio::test(start_paused = true)]
async fn there_is_at_most_one_worker_more_than_places() {
    for kind in CLEANED {
        let rig = rig(kind, |s| (s.size, s.max_size) = (3, 3));
        rig.books.set(|manners| manners.cleaning = 7 * MS);
        for _ in 0..20 {
            for task in rig.spawn_many(10, 5 * MS).await {
                task.await.unwrap().unwrap();
            }
        }
        sleep(S).await;
        assert!(rig.books.most.load(SeqCst) <= 4, "{kind}: {}", rig.books.most.load(SeqCst));
        assert_eq!(rig.pool.stats().workers, rig.books.live());
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_of_a_cancelled_call_is_given_up() {
    for kind in CLEANED {
        let rig = rig(kind, |_| {});
        drop(rig.pool.lease(None).await.unwrap());
        assert_eq!((rig.books.live(), rig.pool.stats().retired), (0, 1));
        assert_eq!(rig.call(MS).await.unwrap().id, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_cannot_be_cleaned_is_given_up() {
    let rig = rig(Kind::Static, |s| s.size = 1);
    rig.books.set(|manners| manners.gives_up = true);
    // By the janitor…
    rig.call(MS).await.unwrap();
    turn().await;
    assert_eq!((rig.books.live(), rig.pool.stats().workers), (0, 0));
    // …and on the caller's path.
    rig.pool.lease(None).await.unwrap().finish();
    assert_eq!(rig.call(MS).await.unwrap().id, 3);
    turn().await;
    assert_eq!((rig.pool.stats().retired, rig.pool.stats().reset), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn the_worker_used_last_is_used_next() {
    let rig = rig(Kind::Static, |s| s.size = 3);
    rig.pool.warm().await.unwrap();
    let last = rig.call(MS).await.unwrap().id;
    turn().await;
    assert_eq!(rig.call(MS).await.unwrap().id, last);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_holds_while_a_worker_is_made() {
    let rig = rig(Kind::Lazy, |_| {});
    rig.books.set(|manners| manners.creating = 10 * S);
    let begun = Instant::now();
    let failure = call(rig.pool.clone(), MS, Some(begun + S)).await.unwrap_err();
    assert_eq!(begun.elapsed(), S);
    assert_snapshot!(failure, @"app:handler: the call's time ran out before a worker was ready");
    assert_eq!((rig.pool.stats().busy, rig.pool.stats().failed), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn idle_workers_can_be_shed_and_busy_ones_cannot() {
    let rig = rig(Kind::Static, |s| s.size = 4);
    rig.pool.warm().await.unwrap();
    let running = rig.spawn(S).await;
    assert_eq!(rig.pool.shed(2), 2);
    assert_eq!(rig.books.live(), 2);
    assert_eq!(rig.pool.shed(100), 1);
    assert_eq!((rig.books.live(), rig.pool.stats().retired), (1, 3));
    running.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_janitor_serves_many_pools() {
    let janitor = perilune_pool::Janitor::new();
    let pools: Vec<_> = (0..100)
        .map(|n| {
            let settings = perilune_pool::Settings::new(format!("app:f{n}"), Kind::Lazy);
            perilune_pool::Pool::new(crate::support::Workshop::default(), settings, &janitor)
        })
        .collect();
    for pool in &pools {
        call(pool.clone(), MS, None).await.unwrap();
    }
    turn().await;
    sleep(MS).await;
    assert!(pools.iter().all(|pool| pool.stats().ready == 1));
}

#[test]
fn a_pool_outlives_the_runtime_that_its_janitor_began_on() {
    let rig = rig(Kind::Lazy, |_| {});
    for round in 1..=3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            rig.call(MS).await.unwrap();
            turn().await;
            assert_eq!((rig.pool.stats().ready, rig.books.cleaned()), (1, round));
        });
    }
}
