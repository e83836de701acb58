//! Each limit ends the instance that reaches it, and nothing else.

use crate::support::{ENGINE, FUNCTIONS, PROCESS, Setting, call, component, limit, program};
use perilune_cell::Limits;
use perilune_component::{Engine, Options, Program};
use perilune_value::{Failure, Kind, Value};
use std::sync::Arc;
use std::time::Duration;

async fn ends(method: &str, limits: Limits) -> Failure {
    let mut setting = Setting::new();
    setting.limits = limits;
    setting.call(&program(FUNCTIONS, Some(method)), &[]).await.unwrap_err()
}

#[tokio::test]
async fn an_endless_loop_uses_up_its_cpu_time() {
    let failure = ends("spin", crate::support::TIGHT).await;
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Timeout, Some("cpu")));
    assert_eq!(failure.message, "app:main: one turn used more CPU time than `limits.cpu` allows (100ms)");
}

#[tokio::test]
async fn a_call_ends_at_its_timeout_whether_it_computes_or_waits() {
    let timeout = Some(Duration::from_millis(50));
    let limits = Limits { cpu: Duration::from_secs(60), timeout, ..crate::support::TIGHT };
    let failure = ends("spin", limits).await;
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Timeout, Some("timeout")));

    let mut setting = Setting::new();
    setting.limits = limits;
    let failure = setting.call(&program(PROCESS, None), &[]).await.unwrap_err();
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Timeout, Some("timeout")));
}

#[tokio::test]
async fn a_memory_bomb_ends_at_its_memory() {
    let failure = ends("bomb", crate::support::TIGHT).await;
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::RateLimited, Some("memory")));
    assert_eq!(failure.message, "app:main: used more memory than `limits.memory` allows (16 MiB)");
}

#[tokio::test]
async fn a_component_that_begins_with_more_memory_than_it_may_use_does_not_begin() {
    let text = r#"(component
      (core module $m (memory 1024) (func (export "f")))
      (core instance $i (instantiate $m))
      (func (export "f") (canon lift (core func $i "f"))))"#;
    let failure = call(text, "f", &[]).await.unwrap_err();
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::RateLimited, Some("memory")));
}

#[tokio::test]
async fn all_memories_of_a_component_count() {
    let text = r#"(component
      (core module $m (memory 100) (func (export "f")))
      (core instance $a (instantiate $m)) (core instance $b (instantiate $m)) (core instance $c (instantiate $m))
      (func (export "f") (canon lift (core func $c "f"))))"#;
    assert_eq!(limit(&call(text, "f", &[]).await.unwrap_err()), Some("memory"));
}

#[tokio::test]
async fn endless_recursion_ends_at_the_stack() {
    let failure = ends("deep", crate::support::TIGHT).await;
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Internal, Some("stack")));
    assert_eq!(failure.message, "app:main: nested calls deeper than the sandbox's stack");
}

#[tokio::test]
async fn a_call_without_a_free_instance_is_refused_after_the_longest_wait() {
    let options = Options { max_instances: 1, max_wait: Duration::from_millis(10), cache: None };
    let engine = Engine::new(options).unwrap();
    let program = Arc::new(Program::new(&engine, &component(PROCESS), None, &[]).unwrap());
    let mut setting = Setting::new();
    setting.limits.timeout = None;
    let waits = tokio::spawn(setting.start(&program, &[]));
    while engine.live_instances() == 0 {
        tokio::task::yield_now().await;
    }
    let failure = Setting::new().call(&program, &[]).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Unavailable);
    assert_eq!(failure.message, "all 1 instances of components were in use for 10ms");
    waits.abort();
}

#[tokio::test]
async fn a_trap_is_a_failure_that_names_the_entry() {
    let failure = ends("trap", crate::support::TIGHT).await;
    assert_eq!(failure.kind, Kind::Internal);
    assert!(failure.message.starts_with("app:main: the sandbox trapped: "), "{}", failure.message);
    assert_eq!(failure.details.unwrap().get("entry"), Some(&Value::from("app:main")));
}

#[tokio::test]
async fn whoever_ended_badly_leaves_no_instance_behind() {
    for method in ["spin", "bomb", "deep", "trap"] {
        ends(method, crate::support::TIGHT).await;
    }
    let settled = async {
        while ENGINE.live_instances() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), settled).await.expect("no instance is left");
}
