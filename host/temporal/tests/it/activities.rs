//! Activities: retries, heartbeats, cancellation, panics.

use crate::support::script::{Deeds, Scripts, activity};
use crate::support::{World, within};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Activation, ActivityOptions, Backend, CancelReason, CancellationType, CommandKind, Job, Outcome,
    Resolution, RetryPolicy, Signal,
};
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::Notify;

/// Retries at once. Beats are passed on every four seconds, so that a busy machine has one more to send each.
fn quick() -> ActivityOptions {
    ActivityOptions {
        heartbeat: Some(Duration::from_secs(5)),
        retry: RetryPolicy { initial_interval: Duration::from_millis(10), ..RetryPolicy::default() },
        ..ActivityOptions::default()
    }
}

/// Runs one activity and ends as it does; the signal `stop` cancels it.
fn calls(name: &'static str, options: ActivityOptions) -> Scripts {
    Scripts::default().with("calls", move || {
        let options = options.clone();
        move |job: &Job, _: &Activation, out: &mut Vec<CommandKind>| match job {
            Job::Start(start) => out.push(activity(1, name, start.args.clone(), options.clone())),
            Job::Signal(_) => out.push(CommandKind::CancelActivity { seq: 1 }),
            Job::ResolveActivity { outcome: Resolution::Completed(value), .. } => {
                out.push(CommandKind::Complete(value.clone()));
            }
            Job::ResolveActivity { outcome: Resolution::Failed(failure), .. } => {
                out.push(CommandKind::Fail(failure.clone()));
            }
            Job::ResolveActivity { outcome: Resolution::Cancelled(failure), .. } => {
                out.push(CommandKind::Complete(
                    vec!["cancelled".into(), failure.message.as_str().into()].into(),
                ));
            }
            _ => {}
        }
    })
}

#[tokio::test]
async fn attempts_follow_each_other_and_hand_on_their_heartbeats() {
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    let deeds = Deeds::default().with("work", move |task, context| {
        let seen = Arc::clone(&seen);
        async move {
            seen.lock().unwrap().push(task.idempotency_key.clone());
            let last = task.heartbeat_details.as_ref().and_then(Value::as_integer).unwrap_or(0);
            context.heartbeat.beat((last + 10).into());
            match task.attempt {
                1 => Err(Failure::new(Kind::Unavailable, "not yet").with_retryable(true)),
                2 => panic!("a defect of the host"),
                attempt => Ok(vec![last.into(), i64::from(attempt).into(), task.args[0].clone()].into()),
            }
        }
    });
    // The panic is reported with its backtrace, which a busy machine may take seconds for: no beat must be missed by that.
    let options = ActivityOptions { heartbeat: Some(Duration::from_secs(60)), ..quick() };
    let Some(world) = World::new(calls("work", options), deeds).await else { return };
    world.start("calls", "c", vec!["x".into()]).await;
    let expected: Value = vec![20.into(), 3.into(), "x".into()].into();
    assert_eq!(world.result("c").await, Outcome::Completed(expected));
    let keys = keys.lock().unwrap().clone();
    assert!(keys.len() == 3 && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    world.end().await;
}

#[tokio::test]
async fn a_failure_that_is_final_is_not_tried_again() {
    let deeds = Deeds::default().with("work", |_, _| async { Err(Failure::new(Kind::Conflict, "never")) });
    let Some(world) = World::new(calls("work", quick()), deeds).await else { return };
    world.start("calls", "c", vec![]).await;
    assert_eq!(world.result("c").await, Outcome::Failed(Failure::new(Kind::Conflict, "never")));
    world.end().await;
}

#[tokio::test]
async fn an_activity_learns_that_it_is_cancelled() {
    let begun = Arc::new(Notify::new());
    let begins = Arc::clone(&begun);
    let deeds = Deeds::default().with("work", move |_, mut context| {
        let begins = Arc::clone(&begins);
        async move {
            begins.notify_one();
            loop {
                context.heartbeat.beat(Value::Nil);
                tokio::select! {
                    reason = context.cancellation.cancelled() => {
                        assert_eq!(reason, CancelReason::Requested);
                        return Err(Failure::new(Kind::Canceled, "put away"));
                    }
                    () = tokio::time::sleep(Duration::from_millis(100)) => {}
                }
            }
        }
    });
    let options = ActivityOptions { cancellation: CancellationType::WaitCancellationCompleted, ..quick() };
    let Some(world) = World::new(calls("work", options), deeds).await else { return };
    let target = world.start("calls", "c", vec![]).await;
    within(begun.notified()).await;
    world.backend.signal(target, Signal { name: "stop".to_owned(), ..Signal::default() }).await.unwrap();
    let Outcome::Completed(Value::Array(told)) = world.result("c").await else { panic!("not cancelled") };
    assert_eq!(told[0], "cancelled".into());
    world.end().await;
}

#[tokio::test]
async fn a_timeout_says_which_limit_was_reached() {
    let deeds = Deeds::default().with("work", |_, _| std::future::pending());
    let options = ActivityOptions {
        start_to_close: Some(Duration::from_secs(1)),
        retry: RetryPolicy::once(),
        ..ActivityOptions::default()
    };
    let Some(world) = World::new(calls("work", options), deeds).await else { return };
    world.start("calls", "c", vec![]).await;
    let Outcome::Failed(failure) = world.result("c").await else { panic!("it did not fail") };
    assert_eq!(failure.kind, Kind::Timeout);
    assert_eq!(failure.details.unwrap().get("timeout_type"), Some(&"start_to_close".into()));
    world.end().await;
}

#[tokio::test]
async fn shutting_down_waits_for_activities_no_longer_than_it_is_told() {
    let begun = Arc::new(Notify::new());
    let begins = Arc::clone(&begun);
    let deeds = Deeds::default().with("work", move |_, _| {
        begins.notify_one();
        std::future::pending()
    });
    let Some(world) = World::new(calls("work", quick()), deeds).await else { return };
    world.start("calls", "c", vec![]).await;
    within(begun.notified()).await;
    let began = std::time::Instant::now();
    world.worker.shutdown(Duration::from_secs(1)).await;
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}
