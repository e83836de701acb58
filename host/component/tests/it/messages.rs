//! Messages: a component receives, answers, and is ended by others.

use crate::support::{PROCESS, Setting, message, program};
use perilune_value::{Failure, Kind, Value};

#[tokio::test]
async fn it_receives_in_order_and_answers() {
    let mut setting = Setting::new();
    for (topic, value) in [("a", 1), ("b", 2), ("stop", 3)] {
        setting.sender.deliver(message(topic, &[Value::Integer(value)])).unwrap();
    }
    let result = setting.call(&program(PROCESS, None), &[]).await.unwrap();
    assert_eq!(result, Value::Array(vec![Value::Integer(3)]));
    assert_eq!(
        setting.sent(),
        ["registered as echo", "echo to {app:host|00007}: [1]", "echo to {app:host|00007}: [2]"]
    );
}

#[tokio::test]
async fn it_waits_for_a_message_without_using_its_cpu_time() {
    let mut setting = Setting::new();
    let running = tokio::spawn(setting.start(&program(PROCESS, None), &[]));
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    setting.sender.deliver(message("stop", &[])).unwrap();
    let result = running.await.unwrap().unwrap();
    assert_eq!(perilune_value::json::encode(&result).unwrap(), "[]");
}

#[tokio::test]
async fn whoever_waits_for_what_nobody_can_send_is_ended() {
    let mut setting = Setting::new();
    let program = program(PROCESS, None);
    let running = setting.start(&program, &[]);
    drop(setting);
    assert_eq!(
        running.await.unwrap_err().message,
        "app:main: the sandbox trapped: the component waits for a message that cannot come"
    );
}

#[tokio::test]
async fn values_that_are_no_array_are_not_sent() {
    // Sends a number in place of what it received, and fails with what it is told.
    let text = PROCESS
        .replace("(data (i32.const 520) \"spin\")", "(data (i32.const 520) \"spin17\")")
        .replace(
            "(i32.load (i32.const 116)) (i32.load (i32.const 120)) (i32.const 64))",
            "(i32.const 524) (i32.const 2) (i32.const 64)) (return (call $answer (i32.const 1) (i32.load (i32.const 68)) (i32.load (i32.const 72))))",
        );
    let mut setting = Setting::new();
    setting.sender.deliver(message("a", &[])).unwrap();
    let failure = setting.call(&program(&text, None), &[]).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
    assert_eq!(failure.message, "values are passed as a JSON array, even a single one");
}

#[tokio::test]
async fn whoever_waits_is_ended_at_once() {
    let mut setting = Setting::new();
    let running = tokio::spawn(setting.start(&program(PROCESS, None), &[]));
    tokio::task::yield_now().await;
    assert!(setting.sender.kill(Failure::new(Kind::Canceled, "process terminated")));
    let failure = running.await.unwrap().unwrap_err();
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Canceled, "process terminated"));
}

#[tokio::test]
async fn whoever_computes_is_ended_at_the_next_tick() {
    let mut setting = Setting::new();
    setting.limits.cpu = std::time::Duration::from_secs(3600);
    setting.limits.timeout = None;
    setting.sender.deliver(message("spin", &[])).unwrap();
    let running = tokio::spawn(setting.start(&program(PROCESS, None), &[]));
    while setting.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(setting.sender.kill(Failure::new(Kind::Canceled, "process terminated")));
    assert_eq!(running.await.unwrap().unwrap_err().message, "process terminated");
}
