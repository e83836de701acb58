//! Effects of workflows: attempts, limits of time, heartbeats, cancellation.

use crate::world::{World, completed, seconds};
use perilune_durable::{Clock, Settings};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    ActivityOptions, Backend, CancelReason, CancellationType, EventKind, Outcome, Resolution, RetryPolicy,
    Target,
};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn unavailable() -> Failure {
    Failure { kind: Kind::Unavailable, message: "not now".into(), ..Failure::default() }
}

fn once() -> ActivityOptions {
    ActivityOptions { retry: RetryPolicy::once(), ..ActivityOptions::default() }
}

/// A workflow that gives what its one activity `work` gives.
fn one(options: ActivityOptions) -> World {
    World::with(move |flow| {
        let options = options.clone();
        async move { Ok(crate::script::outcome(flow.activity("work", vec![], options).1.await)?) }
    })
}

async fn failure(world: &World) -> Failure {
    let host = world.host().await;
    host.begin("a", vec![]).await;
    match host.end("a").await {
        Outcome::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn attempts_follow_the_policy_with_one_key() {
    let world = one(ActivityOptions::default());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, clock) = (seen.clone(), world.clock.clone());
    world.works.put("work", move |task, _| {
        log.lock().unwrap().push((task.attempt, clock.now().seconds(), task.idempotency_key.clone()));
        async move { if task.attempt < 4 { Err(unavailable()) } else { Ok(Value::Integer(4)) } }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Integer(4)));
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let begin = seen[0].1;
    assert_eq!(
        seen.iter().map(|(n, at, _)| (*n, at - begin)).collect::<Vec<_>>(),
        [(1, 0), (2, 1), (3, 3), (4, 7)]
    );
    assert!(seen.iter().all(|(.., key)| *key == seen[0].2));
    let started = host.events("a").await.into_iter().find_map(|kind| match kind {
        EventKind::ActivityTaskStarted { attempt, last_failure, .. } => Some((attempt, last_failure)),
        _ => None,
    });
    assert_eq!(started, Some((4, Some(unavailable()))));
}

#[tokio::test]
async fn a_failure_that_is_final_is_not_retried() {
    let world = one(ActivityOptions::default());
    world.works.put("work", |_, _| async { Err(Failure::invalid("never")) });
    assert_eq!(failure(&world).await, Failure::invalid("never"));
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let world = one(once());
    world.works.put("work", |_, _| async { panic!("ouch") });
    assert_eq!(failure(&world).await.message, "the activity panicked: ouch");
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_is_dropped() {
    let world = one(ActivityOptions { start_to_close: Some(seconds(10)), ..once() });
    let clock = world.clock.clone();
    world.works.put("work", move |_, _| {
        let clock = clock.clone();
        async move {
            clock.sleep(seconds(11)).await;
            Ok(Value::Nil)
        }
    });
    let failure = failure(&world).await;
    assert_eq!(failure.kind, Kind::Timeout);
    assert_eq!(failure.details.unwrap().get("timeout_type"), Some(&"start_to_close".into()));
}

#[tokio::test]
async fn all_attempts_together_have_a_limit() {
    let world = one(ActivityOptions { schedule_to_close: Some(seconds(5)), ..ActivityOptions::default() });
    world.works.put("work", |_, _| async { Err(unavailable()) });
    // The third attempt, after 3 seconds, would be followed by one after 7.
    assert_eq!(failure(&world).await, unavailable());
}

#[tokio::test]
async fn an_activity_that_finds_no_place_in_time_fails() {
    let world = World::with(|flow| async move {
        let (_, slow) = flow.activity("work", vec![], ActivityOptions::default());
        let options = ActivityOptions { schedule_to_start: Some(seconds(3)), ..ActivityOptions::default() };
        let waits = flow.activity("work", vec![], options).1.await;
        slow.await;
        match waits {
            Resolution::Failed(failure) => Ok(failure.details.unwrap().get("timeout_type").cloned().unwrap()),
            other => panic!("{other:?}"),
        }
    });
    let clock = world.clock.clone();
    world.works.put("work", move |_, _| {
        let clock = clock.clone();
        async move {
            clock.sleep(seconds(10)).await;
            Ok(Value::Nil)
        }
    });
    let host = world.host_with(Settings { concurrent_activities: 1, ..world.settings() }).await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed("schedule_to_start"));
}

#[tokio::test]
async fn activities_wait_for_a_free_place() {
    let world = World::with(|flow| async move {
        let all: Vec<_> =
            (0..10).map(|_| flow.activity("work", vec![], ActivityOptions::default()).1).collect();
        for one in all {
            one.await;
        }
        Ok(Value::Nil)
    });
    let (running, most) = (Arc::new(AtomicI64::new(0)), Arc::new(AtomicI64::new(0)));
    let (clock, peak) = (world.clock.clone(), most.clone());
    world.works.put("work", move |_, _| {
        let (clock, running, most) = (clock.clone(), running.clone(), peak.clone());
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            clock.sleep(seconds(1)).await;
            running.fetch_sub(1, Ordering::Relaxed);
            Ok(Value::Nil)
        }
    });
    let host = world.host_with(Settings { concurrent_activities: 3, ..world.settings() }).await;
    host.begin("a", vec![]).await;
    host.end("a").await;
    assert_eq!(most.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn heartbeats_keep_an_attempt_and_inform_the_next_one() {
    let world = one(ActivityOptions { heartbeat: Some(seconds(5)), ..ActivityOptions::default() });
    let clock = world.clock.clone();
    world.works.put("work", move |task, context| {
        let clock = clock.clone();
        async move {
            if let Some(details) = task.heartbeat_details {
                return Ok(details);
            }
            for beat in 0..4 {
                clock.sleep(seconds(4)).await;
                context.heartbeat.beat(Value::Integer(beat));
            }
            clock.sleep(seconds(6)).await;
            Ok(Value::from("never"))
        }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    assert_eq!(host.end("a").await, completed(Value::Integer(3)));
}

#[tokio::test]
async fn heartbeats_reach_the_attempt_of_the_next_host() {
    let world = one(ActivityOptions::default());
    let beaten = Arc::new(tokio::sync::Notify::new());
    let (heard, clock) = (beaten.clone(), world.clock.clone());
    world.works.put("work", move |task, context| {
        let (heard, clock) = (heard.clone(), clock.clone());
        async move {
            if let Some(details) = task.heartbeat_details {
                return Ok(Value::Array(vec![details, Value::Integer(task.attempt.into())]));
            }
            context.heartbeat.beat("half".into());
            heard.notify_one();
            clock.sleep(Duration::from_secs(300)).await;
            Ok(Value::Nil)
        }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    beaten.notified().await;
    host.stop().await;
    let host = world.host().await;
    assert_eq!(host.end("a").await, completed(vec!["half".into(), Value::Integer(2)]));
}

#[tokio::test]
async fn an_attempt_that_the_host_took_along_counts() {
    let world = one(once());
    let begun = Arc::new(tokio::sync::Notify::new());
    let (began, clock) = (begun.clone(), world.clock.clone());
    world.works.put("work", move |_, _| {
        let (began, clock) = (began.clone(), clock.clone());
        async move {
            began.notify_one();
            clock.sleep(Duration::from_secs(300)).await;
            Ok(Value::Nil)
        }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    begun.notified().await;
    host.stop().await;
    let Outcome::Failed(failure) = world.host().await.end("a").await else { panic!() };
    assert_eq!(failure.kind, Kind::Unavailable);
    assert_eq!(failure.message, "the host stopped while the attempt ran");
}

/// A workflow that cancels its activity after a second, and says how that ended and when.
async fn cancelled(cancellation: CancellationType) -> (String, i64, Vec<CancelReason>) {
    let world = World::with(move |flow| async move {
        let begin = flow.now();
        let options = ActivityOptions { cancellation, ..ActivityOptions::default() };
        let (seq, end) = flow.activity("work", vec![], options);
        flow.sleep(seconds(1)).await;
        flow.cancel_activity(seq);
        let text = match end.await {
            Resolution::Cancelled(failure) => failure.message,
            other => format!("{other:?}"),
        };
        let took = i64::try_from(flow.now().since(begin).as_secs()).unwrap();
        flow.sleep(seconds(100)).await;
        Ok(Value::Array(vec![text.into(), Value::Integer(took)]))
    });
    let (clock, reasons) = (world.clock.clone(), Arc::new(Mutex::new(Vec::new())));
    let told = reasons.clone();
    world.works.put("work", move |_, mut context| {
        let (clock, told) = (clock.clone(), told.clone());
        async move {
            tokio::select! {
                reason = context.cancellation.cancelled() => told.lock().unwrap().push(reason),
                () = clock.sleep(seconds(50)) => return Ok(Value::Nil),
            }
            clock.sleep(seconds(5)).await;
            Err(Failure::new(Kind::Canceled, "tidied up"))
        }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    let Outcome::Completed(Value::Array(end)) = host.end("a").await else { panic!() };
    let reasons = reasons.lock().unwrap().clone();
    (end[0].as_str().unwrap().to_owned(), end[1].as_integer().unwrap(), reasons)
}

#[tokio::test]
async fn cancellation_is_seen_as_its_type_says() {
    let told = vec![CancelReason::Requested];
    assert_eq!(
        cancelled(CancellationType::TryCancel).await,
        ("the activity was cancelled".to_owned(), 1, told.clone())
    );
    assert_eq!(
        cancelled(CancellationType::WaitCancellationCompleted).await,
        ("tidied up".to_owned(), 6, told)
    );
    assert_eq!(
        cancelled(CancellationType::Abandon).await,
        ("the activity was cancelled".to_owned(), 1, vec![])
    );
}

#[tokio::test]
async fn the_end_of_a_run_reaches_its_activities() {
    let world = World::with(|flow| async move {
        let _ = flow.activity("work", vec![], ActivityOptions::default());
        flow.sleep(seconds(1)).await;
        Ok(Value::Nil)
    });
    let (sender, mut told) = tokio::sync::mpsc::unbounded_channel();
    let clock = world.clock.clone();
    world.works.put("work", move |_, mut context| {
        let (sender, clock) = (sender.clone(), clock.clone());
        async move {
            tokio::select! {
                reason = context.cancellation.cancelled() => sender.send(reason).unwrap(),
                () = clock.sleep(seconds(100)) => {}
            }
            Ok(Value::Nil)
        }
    });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.end("a").await;
    assert_eq!(told.recv().await, Some(CancelReason::RunClosed));
}

#[tokio::test]
async fn pending_activities_are_described() {
    let world = one(ActivityOptions::default());
    world.works.put("work", |_, _| async { Err(unavailable()) });
    let host = world.host().await;
    host.begin("a", vec![]).await;
    host.pass(seconds(2)).await;
    let description = host.describe(Target::from("a")).await.unwrap();
    let activity = &description.activities[0];
    assert_eq!((activity.activity_type.as_str(), activity.attempt), ("work", 3));
    assert_eq!(activity.last_failure, Some(unavailable()));
    assert!(activity.next_attempt_at.is_some());
}
