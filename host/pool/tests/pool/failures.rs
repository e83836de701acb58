//! Supplies that fail: nobody hangs, and nobody pays for another's failure.

use crate::support::{MS, S, rig, turn};
use perilune_pool::Kind;
use perilune_value::Failure;
use tokio::time::{Instant, sleep};

const ALL: [Kind; 4] = [Kind::Inline, Kind::Lazy, Kind::Static, Kind::Adaptive];

#[tokio::test(start_paused = true)]
async fn an_entry_that_cannot_be_loaded_answers_every_call_at_once() {
    for kind in ALL {
        let rig = rig(kind, |_| {});
        rig.books.set(|manners| manners.fails = Some(Failure::invalid("syntax error")));
        let begun = Instant::now();
        for task in rig.spawn_many(100, S).await {
            assert_eq!(task.await.unwrap().unwrap_err(), Failure::invalid("syntax error"));
        }
        assert_eq!(begun.elapsed().as_millis(), 0);
        assert_eq!((rig.pool.stats().failed, rig.pool.stats().busy), (100, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_the_next_in_the_queue_tries_itself() {
    for kind in ALL {
        let rig = rig(kind, |s| (s.size, s.max_size) = (1, 1));
        rig.books.set(|manners| {
            (manners.creating, manners.fails) = (S, Some(Failure::internal("no memory")));
        });
        let first = rig.spawn(MS).await;
        let second = rig.spawn(MS).await;
        sleep(S / 2).await;
        assert_eq!(rig.pool.stats().queued, 1);
        first.await.unwrap().unwrap_err();
        rig.books.set(|manners| manners.fails = None);
        // It may have begun before the mend, and fails then as well; a third finds all well.
        let _ = second.await.unwrap();
        assert!(rig.call(MS).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_supply_that_panics_takes_no_place_with_it() {
    for kind in ALL {
        let rig = rig(kind, |s| (s.size, s.max_size) = (1, 1));
        rig.books.set(|manners| manners.panics = true);
        let tasks = rig.spawn_many(3, S).await;
        for task in tasks {
            assert!(task.await.unwrap_err().is_panic());
        }
        rig.books.set(|manners| manners.panics = false);
        assert!(rig.call(MS).await.is_ok());
        assert_eq!(rig.pool.stats().busy, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_cleaning_costs_one_worker_and_not_the_janitor() {
    let rig = rig(Kind::Static, |s| s.size = 2);
    let (one, two) = (rig.pool.lease(None).await.unwrap(), rig.pool.lease(None).await.unwrap());
    rig.books.set(|manners| manners.panics = true);
    one.finish();
    turn().await;
    assert_eq!((rig.books.live(), rig.pool.stats().workers), (1, 1));
    rig.books.set(|manners| manners.panics = false);
    two.finish();
    turn().await;
    assert_eq!((rig.pool.stats().ready, rig.books.cleaned()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_failure_while_warming_is_reported_and_what_was_made_stays() {
    let rig = rig(Kind::Static, |s| s.size = 3);
    let lease = rig.pool.lease(None).await.unwrap();
    rig.books.set(|manners| manners.fails = Some(Failure::internal("no room")));
    assert_eq!(rig.pool.warm().await.unwrap_err().message, "no room");
    lease.finish();
    turn().await;
    assert_eq!(rig.pool.stats().ready, 1);
    rig.books.set(|manners| manners.fails = None);
    rig.pool.warm().await.unwrap();
    assert_eq!(rig.books.live(), 3);
}
