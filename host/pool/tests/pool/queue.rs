//! Who waits, for how long, and how waiting ends.

use crate::support::{MS, Met, S, call, rig, turn};
use insta::assert_snapshot;
use perilune_pool::{Kind, Settings};
use perilune_value::{Failure, Kind as FailureKind, Value};
use std::time::Duration;
use tokio::time::{Instant, advance, sleep};

fn one(settings: &mut Settings) {
    settings.size = 1;
}

fn detail(failure: &Failure, key: &str) -> Value {
    failure.details.as_ref().and_then(|details| details.get(key)).cloned().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served() {
    let rig = rig(Kind::Static, one);
    let mut waits = Vec::new();
    for task in rig.spawn_many(5, 10 * MS).await {
        waits.push(task.await.unwrap().unwrap().wait / 10);
    }
    assert_eq!(waits, [0, 1, 2, 3, 4].map(|n| n * MS));
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_never_overtakes_one_who_waits() {
    let rig = rig(Kind::Static, one);
    let lease = rig.pool.lease(None).await.unwrap();
    let first = rig.spawn(10 * MS).await;
    // The place is given to the first in the queue before it has had a chance to run.
    lease.finish();
    let newcomer = rig.spawn(10 * MS).await;
    assert_eq!(first.await.unwrap().unwrap().wait, Duration::ZERO);
    assert_eq!(newcomer.await.unwrap().unwrap().wait, 10 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_call_leaves_at_once_and_its_place_in_the_queue_is_free() {
    let rig = rig(Kind::Static, |s| (s.size, s.buffer) = (1, Some(1)));
    let running = rig.spawn(S).await;
    let waiting = rig.spawn(S).await;
    assert!(rig.call(S).await.is_err());
    waiting.abort();
    turn().await;
    assert_eq!((rig.pool.stats().queued, rig.pool.stats().cancelled), (0, 1));
    let next = rig.spawn(S).await;
    assert_eq!(running.await.unwrap().unwrap().wait, Duration::ZERO);
    assert_eq!(next.await.unwrap().unwrap().wait, S);
    assert_eq!(rig.pool.stats().calls, 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_cancelled_as_it_is_given_its_place_passes_it_on() {
    let rig = rig(Kind::Static, one);
    let lease = rig.pool.lease(None).await.unwrap();
    let first = rig.spawn(S).await;
    let second = rig.spawn(S).await;
    lease.finish();
    first.abort();
    let met = second.await.unwrap().unwrap();
    assert_eq!(met.wait, Duration::ZERO);
    let stats = rig.pool.stats();
    assert_eq!((stats.calls, stats.cancelled, stats.busy), (2, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_the_wait_and_names_it() {
    let rig = rig(Kind::Static, one);
    let _running = rig.spawn(10 * S).await;
    let _first = rig.spawn(10 * S).await;
    let begun = Instant::now();
    let failure = call(rig.pool.clone(), MS, Some(begun + 2500 * MS)).await.unwrap_err();
    assert_eq!(begun.elapsed(), 2500 * MS);
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_snapshot!(failure, @"app:handler: the call's time ran out after 2.5s in the queue; 1 call stood before it");
    assert_eq!(detail(&failure, "limit"), Value::from("timeout"));
    assert_eq!(detail(&failure, "entry"), Value::from("app:handler"));
    assert_eq!(detail(&failure, "waited_ms"), Value::from(2500));
    assert_eq!(detail(&failure, "position"), Value::from(2));
    assert_eq!((rig.pool.stats().timed_out, rig.pool.stats().queued), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn the_text_of_a_timeout_says_how_far_the_call_came() {
    let rig = rig(Kind::Static, |s| (s.size, s.buffer) = (1, Some(5_000)));
    let _running = rig.spawn(10_000 * S).await;
    let soon = Some(Instant::now() + S);
    assert_snapshot!(call(rig.pool.clone(), MS, soon).await.unwrap_err(),
        @"app:handler: the call's time ran out after 1s in the queue; it was the next to run");
    let _waiting = rig.spawn_many(1_200, S).await;
    let soon = Some(Instant::now() + S);
    assert_snapshot!(call(rig.pool.clone(), MS, soon).await.unwrap_err(),
        @"app:handler: the call's time ran out after 1s in the queue; more than 1000 calls stood before it");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_in_the_past_is_no_hindrance_while_nobody_waits() {
    let rig = rig(Kind::Static, one);
    rig.call(MS).await.unwrap();
    turn().await;
    let past = Some(Instant::now());
    sleep(S).await;
    assert!(call(rig.pool.clone(), S, past).await.is_ok());
    let _running = rig.spawn(S).await;
    assert!(call(rig.pool.clone(), S, past).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_place_given_at_the_deadline_is_used() {
    let rig = rig(Kind::Static, one);
    let lease = rig.pool.lease(None).await.unwrap();
    let waiting = tokio::spawn(call(rig.pool.clone(), S, Some(Instant::now() + S)));
    turn().await;
    lease.finish();
    advance(S).await;
    let ended = waiting.await.unwrap();
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(rig.pool.stats().busy, 0);
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_at_once_and_says_where_it_ends() {
    let cases = [Kind::Static, Kind::Lazy, Kind::Adaptive, Kind::Inline].map(|kind| {
        rig(kind, |s| {
            (s.size, s.max_size) = (1, 1);
            s.buffer = matches!(kind, Kind::Static | Kind::Adaptive).then_some(2);
        })
    });
    let mut messages = String::new();
    for rig in &cases {
        let _busy = rig.spawn_many(65, S).await;
        let failure = rig.call(S).await.unwrap_err();
        assert_eq!((&failure.kind, failure.retryable), (&FailureKind::Unavailable, Some(true)));
        assert_eq!(detail(&failure, "limit"), Value::from("queue"));
        assert_eq!(detail(&failure, "entry"), Value::from("app:handler"));
        assert_eq!(detail(&failure, "queued"), Value::from(rig.pool.stats().queued as i64));
        messages += &format!("{failure}\n");
    }
    assert_snapshot!(messages, @r"
    app:handler: 1 call is running and 2 waiting, as many as `pool.buffer` holds
    app:handler: 1 call is running and 64 waiting, as many as the queue holds
    app:handler: 1 call is running and 2 waiting, as many as `pool.buffer` holds
    app:handler: 1 call is running and 64 waiting, as many as the queue holds
    ");
    assert_eq!(cases[0].pool.stats().refused, 62 + 1);
}

#[tokio::test(start_paused = true)]
async fn every_call_knows_a_clean_worker_after_its_wait() {
    let rig = rig(Kind::Static, |s| s.size = 2);
    for task in rig.spawn_many(20, 10 * MS).await {
        let Met { marks, .. } = task.await.unwrap().unwrap();
        assert_eq!(marks, 0);
    }
}
