//! Consumers.

use crate::support::{App, entry, publish};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_queue::Delivery;
use perilune_registry::Entry;
use perilune_resource::Invocation;
use perilune_value::{Failure, Kind, Value};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

fn entries(consumer: &str) -> [Entry; 3] {
    [
        entry(
            "jobs",
            "queue.queue",
            r#"{"driver": "memory", "dead_letter": {"queue": "dead", "max_attempts": 3}}"#,
        ),
        entry("dead", "queue.queue", r#"{"driver": "memory"}"#),
        entry(
            "consumer",
            "queue.consumer",
            &format!(
                r#"{{"queue": "jobs", "func": "work", "lifecycle": {{"auto_start": true}} {consumer}}}"#
            ),
        ),
    ]
}

type Answer = Result<Value, Failure>;
type Answering = fn() -> Answer;
type Settling = fn(&Delivery);

/// The delivery that a call is for, as module `queue` finds it.
fn delivery(call: &Invocation) -> Arc<Delivery> {
    call.attachment.clone().expect("it is attached").downcast().expect("it is a delivery")
}

/// An application whose function answers each call as it is told to, and tells when it was called with what.
async fn answering(
    consumer: &str,
    answer: impl Fn(&Invocation) -> Answer + Send + Sync + 'static,
) -> (App, mpsc::UnboundedReceiver<(Duration, Value)>) {
    let (told, calls) = mpsc::unbounded_channel();
    let began = Instant::now();
    let app = App::new(entries(consumer), move |call| {
        told.send((began.elapsed(), call.args[0].clone())).expect("the test listens");
        let answer = answer(&call);
        async move { answer }.boxed()
    });
    app.services.start().await.expect("all starts");
    (app, calls)
}

/// Lets everything happen that happens within a minute.
async fn a_minute() {
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_settled_by_what_its_call_returns() {
    let error = || Err(Failure::internal("no"));
    let cases: [(&str, Answering, usize); 7] = [
        ("nil", || Ok(Value::Nil), 0),
        ("true", || Ok(true.into()), 0),
        ("a value", || Ok("done".into()), 0),
        ("false", || Ok(false.into()), 1),
        ("an error", error, 1),
        ("a limit", || Err(Failure::new(Kind::Timeout, "no").with_detail("limit", "timeout")), 1),
        (
            "an error that looks like no room",
            || Err(Failure::new(Kind::Unavailable, "no").with_retryable(true)),
            1,
        ),
    ];
    for (what, answer, dead) in cases {
        let (app, mut calls) = answering("", move |_| answer()).await;
        publish(&app.queue("jobs"), what).await.expect("it is published");
        a_minute().await;
        let times: Vec<Duration> = std::iter::from_fn(|| calls.try_recv().ok()).map(|(at, _)| at).collect();
        let expected: &[u64] = if dead == 1 { &[0, 100, 300] } else { &[0] };
        assert_eq!(times, expected.iter().map(|at| Duration::from_millis(*at)).collect::<Vec<_>>(), "{what}");
        assert_eq!(
            (app.queue("jobs").info().messages, app.queue("dead").info().messages),
            (0, dead),
            "{what}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_call_settled_itself_stays_so() {
    let cases: [(Settling, Answering, usize); 2] = [
        (|delivery| delivery.ack().expect("it is not settled yet"), || Err(Failure::internal("no")), 0),
        (|delivery| delivery.nack("no").expect("it is not settled yet"), || Ok(true.into()), 1),
    ];
    for (settle, answer, dead) in cases {
        let (app, _calls) = answering("", move |call| {
            settle(&delivery(call));
            answer()
        })
        .await;
        publish(&app.queue("jobs"), "job").await.expect("it is published");
        a_minute().await;
        assert_eq!((app.queue("jobs").info().messages, app.queue("dead").info().messages), (0, dead));
    }
}

#[tokio::test(start_paused = true)]
async fn with_auto_ack_each_message_is_delivered_once() {
    let (app, mut calls) = answering(r#", "auto_ack": true"#, |call| {
        assert_eq!(delivery(call).ack().expect_err("it is settled").kind, Kind::Invalid);
        Err(Failure::internal("no"))
    })
    .await;
    publish(&app.queue("jobs"), "job").await.expect("it is published");
    a_minute().await;
    assert!(calls.try_recv().is_ok() && calls.try_recv().is_err());
    assert_eq!((app.queue("jobs").info().messages, app.queue("dead").info().messages), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_call_without_room_is_no_attempt_and_costs_less_and_less() {
    let full = || {
        let failure = Failure::new(Kind::Unavailable, "full").with_detail("limit", "queue");
        failure.with_detail("entry", "app:work")
    };
    let (app, mut calls) = answering("", move |call| {
        assert_eq!(delivery(call).attempts(), 1);
        Err(full())
    })
    .await;
    publish(&app.queue("jobs"), "job").await.expect("it is published");
    a_minute().await;
    let count = std::iter::from_fn(|| calls.try_recv().ok()).count();
    // 0, 0.1, 0.3, 0.7, … 25.5, 51.1 s, and then every 30 s.
    assert_eq!((count, app.queue("jobs").info().messages, app.queue("dead").info().messages), (10, 1, 0));
}

/// A function that waits for permits, and how many of its calls run.
struct Held {
    app: App,
    permits: Arc<Semaphore>,
    running: Arc<Mutex<usize>>,
}

struct Running(Arc<Mutex<usize>>);

impl Drop for Running {
    fn drop(&mut self) {
        *self.0.lock().expect("no test panics here") -= 1;
    }
}

impl Held {
    async fn new(consumer: &str) -> Held {
        let (permits, running) = (Arc::new(Semaphore::new(0)), Arc::new(Mutex::new(0)));
        let (pass, count) = (permits.clone(), running.clone());
        let work = move |_| -> BoxFuture<'static, Answer> {
            let (pass, count) = (pass.clone(), count.clone());
            async move {
                *count.lock().expect("no test panics here") += 1;
                let _running = Running(count);
                pass.acquire().await.expect("it is never closed").forget();
                Ok(Value::Nil)
            }
            .boxed()
        };
        let app = App::new(entries(consumer), work);
        app.services.start().await.expect("all starts");
        Held { app, permits, running }
    }

    fn running(&self) -> usize {
        *self.running.lock().expect("no test panics here")
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_run_as_the_consumer_may_make() {
    for (consumer, most) in [
        ("", 1),
        (r#", "concurrency": 3"#, 3),
        (r#", "concurrency": 30"#, 10),
        (r#", "concurrency": 4, "prefetch": 2"#, 2),
    ] {
        let held = Held::new(consumer).await;
        for n in 0..12 {
            publish(&held.app.queue("jobs"), n).await.expect("it is published");
        }
        a_minute().await;
        assert_eq!(held.running(), most, "{consumer}");
        held.permits.add_permits(12);
        a_minute().await;
        assert_eq!((held.running(), held.app.queue("jobs").info().messages), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_waits_for_what_runs_and_takes_nothing_new() {
    let held = Held::new("").await;
    for n in 0..2 {
        publish(&held.app.queue("jobs"), n).await.expect("it is published");
    }
    a_minute().await;
    assert_eq!(held.app.queue("jobs").info().consumers, 1);
    let permits = held.permits.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        permits.add_permits(2);
    });
    let began = Instant::now();
    held.app.services.stop().await;
    assert_eq!((began.elapsed(), held.running()), (Duration::from_secs(5), 0));
    let info = held.app.queue("jobs").info();
    assert_eq!((info.messages, info.consumers), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_in_time_is_ended_and_its_message_put_back() {
    let held = Held::new("").await;
    publish(&held.app.queue("jobs"), "job").await.expect("it is published");
    a_minute().await;
    let began = Instant::now();
    held.app.services.stop().await;
    assert_eq!(began.elapsed(), Duration::from_secs(10));
    let delivery = held.app.queue("jobs").take().await;
    assert_eq!((held.running(), delivery.attempts()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_changed_consumer_goes_on_with_the_queue() {
    let held = Held::new("").await;
    for n in 0..4 {
        publish(&held.app.queue("jobs"), n).await.expect("it is published");
    }
    a_minute().await;
    let [_, _, consumer] = entries(r#", "concurrency": 4"#);
    held.app.update(consumer);
    held.app.services.reconcile().await;
    a_minute().await;
    assert_eq!(held.running(), 4);
    held.permits.add_permits(4);
    a_minute().await;
    assert_eq!(held.app.queue("jobs").info().messages, 0);
}
