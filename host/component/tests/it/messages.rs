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
