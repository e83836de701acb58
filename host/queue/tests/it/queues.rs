//! Queues without consumers.

use crate::support::{App, entry, publish, said};
use futures_util::FutureExt;
use perilune_queue::Headers;
use perilune_value::{Kind, Packed, Value, json};
use std::time::Duration;
use tokio::time::{Instant, advance};

const PLAIN: &str = r#"{"driver": "memory"}"#;

#[tokio::test(start_paused = true)]
async fn messages_are_delivered_in_the_order_of_publishing() {
    let app = App::queues(&[("jobs", PLAIN)]);
    let queue = app.queue("jobs");
    for n in 1..=3 {
        publish(&queue, n).await.expect("it is published");
    }
    for n in 1..=3 {
        let delivery = queue.take().await;
        assert_eq!((said(&delivery), delivery.attempts()), (Value::from(n), 1));
        delivery.ack().expect("it is not settled yet");
    }
    assert!(queue.try_take().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_message_is_settled_once() {
    let app = App::queues(&[("jobs", PLAIN)]);
    let queue = app.queue("jobs");
    for settle_first in [true, false] {
        publish(&queue, "job").await.expect("it is published");
        let delivery = queue.take().await;
        if settle_first { delivery.ack() } else { delivery.nack("no") }.expect("it is not settled yet");
        for settled in [delivery.ack(), delivery.nack("no")] {
            assert_eq!(settled.expect_err("it is settled").kind, Kind::Invalid);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_comes_back_later_each_time() {
    let delays = r#"{"driver": "memory", "driver_options": {"memory": {"retry_delay": "1s", "max_retry_delay": "3s"}}}"#;
    let app = App::queues(&[("jobs", delays)]);
    let queue = app.queue("jobs");
    publish(&queue, "poison").await.expect("it is published");
    for (attempt, waited) in [(1, 0), (2, 1), (3, 2), (4, 3), (5, 3)] {
        let began = Instant::now();
        let delivery = queue.take().await;
        assert_eq!((delivery.attempts(), began.elapsed()), (attempt, Duration::from_secs(waited)));
        assert_eq!(delivery.headers().get("attempts"), Some(&Value::from(i64::from(attempt))));
        delivery.nack("no").expect("it is not settled yet");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_back_has_the_place_it_had() {
    let app = App::queues(&[("jobs", PLAIN)]);
    let queue = app.queue("jobs");
    for job in ["older", "younger"] {
        publish(&queue, job).await.expect("it is published");
    }
    drop(queue.take().await);
    advance(Duration::from_millis(100)).await;
    assert_eq!(said(&queue.take().await), "older".into());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_gets_what_is_published_and_what_becomes_due() {
    let app = App::queues(&[("jobs", PLAIN)]);
    let queue = app.queue("jobs");
    let waiting = tokio::spawn({
        let queue = queue.clone();
        async move { queue.take().await }
    });
    tokio::task::yield_now().await;
    publish(&queue, "job").await.expect("it is published");
    let delivery = waiting.await.expect("it ends");
    let waiting = tokio::spawn(async move { said(&queue.take().await) });
    tokio::task::yield_now().await;
    drop(delivery);
    assert_eq!(waiting.await.expect("it ends"), "job".into());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_refuses_until_something_is_acknowledged() {
    let lengths = r#"{"driver": "memory", "driver_options": {"memory": {"max_length": 2}}}"#;
    let bytes = r#"{"driver": "memory", "driver_options": {"memory": {"max_bytes": "1KiB"}}}"#;
    for (fields, body) in [(lengths, "x".to_owned()), (bytes, "x".repeat(250))] {
        let app = App::queues(&[("jobs", fields)]);
        let queue = app.queue("jobs");
        publish(&queue, body.as_str()).await.expect("there is room");
        publish(&queue, body.as_str()).await.expect("there is room");
        let in_hand = queue.take().await;
        let full = publish(&queue, body.as_str()).await.expect_err("it is full");
        assert_eq!((full.kind, full.retryable), (Kind::Unavailable, Some(true)), "{}", full.message);
        in_hand.ack().expect("it is not settled yet");
        publish(&queue, body.as_str()).await.expect("there is room");
        assert_eq!(queue.info().messages, 2);
    }
}

#[tokio::test]
async fn a_message_larger_than_the_queue_is_not_worth_another_try() {
    let app = App::queues(&[(
        "jobs",
        r#"{"driver": "memory", "driver_options": {"memory": {"max_bytes": "1KiB"}}}"#,
    )]);
    let failure = publish(&app.queue("jobs"), "x".repeat(2_000)).await.expect_err("it is too large");
    assert_eq!((failure.kind, failure.retryable), (Kind::Invalid, Some(false)));
    assert!(failure.message.contains("max_bytes"), "{}", failure.message);
}

#[tokio::test]
async fn there_must_be_something_to_publish() {
    let app = App::queues(&[("jobs", PLAIN)]);
    for nothing in [Value::Nil, Value::Map(vec![]), Value::Array(vec![])] {
        let failure = publish(&app.queue("jobs"), nothing).await.expect_err("it is nothing");
        assert_eq!(failure.kind, Kind::Invalid);
    }
    for something in [Value::from(false), Value::from(0), Value::from(""), Value::Array(vec![Value::Nil])] {
        publish(&app.queue("jobs"), something).await.expect("it is something");
    }
}

#[tokio::test]
async fn the_codec_decides_what_a_body_may_be() {
    let app = App::queues(&[
        ("json", PLAIN),
        ("msgpack", r#"{"driver": "memory", "codec": "application/msgpack"}"#),
    ]);
    let binary = Value::String(vec![0xff, 0]);
    publish(&app.queue("msgpack"), binary.clone()).await.expect("MessagePack holds it");
    assert_eq!(said(&app.queue("msgpack").take().await), binary);
    let sparse = Value::from_iter([(Value::from(1), Value::from(1)), (Value::from(3), Value::from(3))]);
    let failure = publish(&app.queue("json"), sparse).await.expect_err("JSON cannot hold it");
    assert_eq!(failure.kind, Kind::Invalid);
}

#[test]
fn headers_are_few_small_and_nobody_elses() {
    let headers = |text: &str| Headers::new(json::decode(text.as_bytes()).expect("it is JSON"));
    let fine = headers(r#"{"priority": 5, "reply_to": "app:answers", "amqp.persistent": true}"#)
        .expect("they are fine");
    assert_eq!(fine.get("priority"), Some(&Value::from(5)));
    assert_eq!(Headers::new(Value::Nil), Ok(Headers::default()));
    let many = format!("{{{}}}", (0..65).map(|n| format!("\"h{n}\": 1")).collect::<Vec<_>>().join(","));
    let large = format!("{{\"h\": \"{}\"}}", "x".repeat(20_000));
    let long = format!("{{\"{}\": 1}}", "n".repeat(256));
    for wrong in [
        r#"{"attempts": 1}"#,
        r#"{"x_y": 1}"#,
        r#"{"": 1}"#,
        r#"{"h": [1]}"#,
        "[1]",
        "1",
        &many,
        &large,
        &long,
    ] {
        assert_eq!(headers(wrong).expect_err(wrong).kind, Kind::Invalid);
    }
}

#[tokio::test(start_paused = true)]
async fn what_failed_too_often_goes_to_the_dead_letters_with_the_reason() {
    let app = App::queues(&[
        ("jobs", r#"{"driver": "memory", "dead_letter": {"queue": "dead", "max_attempts": 2}}"#),
        ("dead", r#"{"driver": "memory", "codec": "application/msgpack"}"#),
    ]);
    let (jobs, dead) = (app.queue("jobs"), app.queue("dead"));
    let headers = Headers::new(Value::from_iter([("correlation_id", "7")])).expect("they are fine");
    let id = jobs.publish(Packed::from(&Value::from("poison")), headers).await.expect("it is published");
    jobs.take().await.nack("first").expect("it is not settled yet");
    assert_eq!(dead.info().messages, 0);
    jobs.take().await.nack("second").expect("it is not settled yet");
    assert_eq!(jobs.info().messages, 0);
    let letter = dead.take().await;
    assert_eq!((&*letter.message().id, said(&letter)), (id.as_str(), "poison".into()));
    let header = |name: &str| letter.headers().get(name).cloned();
    assert_eq!(header("correlation_id"), Some("7".into()));
    assert_eq!(header("x_dead_letter_queue"), Some("app:jobs".into()));
    assert_eq!(header("x_dead_letter_reason"), Some("second".into()));
    assert_eq!(header("x_dead_letter_attempts"), Some(2.into()));
    assert_eq!(header("attempts"), Some(1.into()));
}

#[tokio::test]
async fn dead_letters_cannot_go_in_a_circle() {
    let app = App::queues(&[
        ("one", r#"{"driver": "memory", "dead_letter": {"queue": "two"}}"#),
        ("two", r#"{"driver": "memory", "dead_letter": {"queue": "one"}}"#),
        ("alias", r#"{"driver": "memory", "queue_name": "other", "dead_letter": {"queue": "other"}}"#),
        ("other", PLAIN),
    ]);
    for name in ["one", "alias"] {
        assert_eq!(app.try_queue(name).err().expect("it is refused").kind, Kind::Invalid);
    }
}

#[tokio::test]
async fn messages_outlive_a_change_of_their_queue_and_its_driver() {
    let app = App::queues(&[("jobs", PLAIN)]);
    publish(&app.queue("jobs"), "job").await.expect("it is published");
    app.update(entry("jobs", "queue.queue", r#"{"driver": "memory", "codec": "application/msgpack"}"#));
    app.update(entry("memory", "queue.driver.memory", r#"{"lifecycle": {"auto_start": true}}"#));
    app.resources.forget_outdated();
    assert_eq!(said(&app.queue("jobs").take().await), "job".into());
}

#[tokio::test]
async fn queues_of_one_name_share_their_messages() {
    let app = App::queues(&[("jobs", PLAIN), ("alias", r#"{"driver": "memory", "queue_name": "jobs"}"#)]);
    publish(&app.queue("jobs"), "job").await.expect("it is published");
    assert_eq!(app.queue("alias").take().now_or_never().map(|delivery| said(&delivery)), Some("job".into()));
}
