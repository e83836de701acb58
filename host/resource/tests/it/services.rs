//! Services: in which order they start and stop, and what the failure of one means for others.

use crate::support::{Started, Values, entry, service};
use perilune_registry::Operation;
use perilune_value::Kind;
use std::time::Duration;
use tokio::time::{Instant, timeout};

#[tokio::test]
async fn those_required_start_first_and_stop_last() {
    let host = Started::new(&[
        ("a", service(r#""requires": ["b"], "depends_on": ["app:c"]"#, "")),
        ("b", service(r#""depends_on": ["d"]"#, "")),
        ("c", service("", r#""uses": ["d"]"#)),
        ("d", "{}".to_owned()),
        ("by_hand", "{}".to_owned()),
    ]);
    assert_eq!(host.start().await.as_deref(), Ok("start d, start b, start c, start a"));
    assert_eq!(host.running().await, "d b c a");
    assert_eq!(host.start().await.as_deref(), Ok(""));
    assert_eq!(
        host.stop().await,
        "stop a, stopped a, stop c, stopped c, stop b, stopped b, stop d, stopped d"
    );
    assert_eq!(host.stop().await, "");
    assert_eq!(host.start().await.as_deref(), Ok("start d, start b, start c, start a"));
}

#[tokio::test]
async fn without_a_required_service_nothing_runs() {
    for (on_start, kind, message) in [
        ("fail", Kind::Internal, "start b failed"),
        ("panic", Kind::Internal, "app:b: the host panicked while it started this service: start b broke"),
        (
            "panic at once",
            Kind::Internal,
            "app:b: the host panicked while it started this service: start b broke at once",
        ),
        ("not open", Kind::Invalid, "app:b: it cannot be opened"),
    ] {
        let host = Started::new(&[
            ("a", service("", "")),
            (
                "b",
                service(
                    r#""requires": ["a"], "restart": {"max_attempts": 1}"#,
                    &format!(r#""on_start": "{on_start}""#),
                ),
            ),
            ("c", service(r#""requires": ["b"]"#, "")),
        ]);
        let failure = host.start().await.expect_err(on_start);
        assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
        // What cannot be opened needs no other to fail.
        let log = host.log();
        assert!(
            log.is_empty() || (log.starts_with("start a") && log.ends_with("stop a, stopped a")),
            "{log}"
        );
        assert!(!log.contains("start c"), "{log}");
        assert_eq!(host.running().await, "");
        assert_eq!(host.reconcile().await, "");
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_optional_service_those_run_that_do_not_require_it() {
    let host = Started::new(&[
        ("a", service(r#""startup": "optional", "requires": ["broken"]"#, "")),
        ("b", service(r#""startup": "optional""#, r#""on_start": "panic""#)),
        ("broken", r#"{"on_start": "not found"}"#.to_owned()),
        ("c", service("", "")),
    ]);
    assert_eq!(host.start().await.as_deref(), Ok("start broken, start b, stop b, stopped b, start c"));
    assert_eq!(host.running().await, "b c");
    assert_eq!(
        host.state("a"),
        "failed 0: app:a requires app:broken, which did not start: start broken found nothing"
    );
    let given_up = timeout(Duration::from_secs(3600), host.services.given_up()).await;
    assert!(given_up.is_err(), "the application goes on");
}

#[tokio::test(start_paused = true)]
async fn what_requires_a_service_waits_until_that_runs() {
    let host = Started::new(&[
        ("a", service(r#""startup": "optional", "requires": ["b"]"#, "")),
        ("b", service(r#""startup": "optional""#, r#""on_start": "fail, fail, ok""#)),
        ("c", service("", "")),
    ]);
    assert_eq!(host.start().await.as_deref(), Ok("start b, start c"));
    assert_eq!(
        (host.state("a"), host.state("b")),
        ("unknown 0: waits for app:b".into(), "waiting 1: start b failed".into())
    );
    assert_eq!(host.within(5_000).await, "start b, start b, start a");
}

#[tokio::test(start_paused = true)]
async fn services_start_at_the_same_time_unless_one_requires_the_other() {
    let slow = r#""on_start": "slow""#;
    let host = Started::new(&[
        ("a", service("", slow)),
        ("b", service("", slow)),
        ("c", service(r#""requires": ["a", "b"]"#, slow)),
    ]);
    let began = Instant::now();
    host.start().await.expect("started");
    assert_eq!(began.elapsed(), Duration::from_secs(4));
}

#[tokio::test(start_paused = true)]
async fn services_stop_at_the_same_time_unless_one_requires_the_other() {
    let slow = r#""on_stop": "slow""#;
    let host = Started::new(&[
        ("a", service("", slow)),
        ("b", service(r#""requires": ["a"]"#, slow)),
        ("c", service(r#""requires": ["a"]"#, slow)),
    ]);
    host.start().await.expect("started");
    let began = Instant::now();
    assert_eq!(host.stop().await, "stop c, stop b, stopped c, stopped b, stop a, stopped a");
    assert_eq!(began.elapsed(), Duration::from_secs(4));
}

#[tokio::test]
async fn a_failure_says_who_required_what_failed() {
    let host = Started::new(&[
        ("a", service(r#""requires": ["b"]"#, "")),
        ("b", r#"{"uses": ["c"]}"#.to_owned()),
        ("c", r#"{"on_start": "not found"}"#.to_owned()),
    ]);
    let failure = host.start().await.expect_err("c fails");
    assert_eq!(
        failure.message,
        "app:a requires app:b, which did not start: app:b requires app:c, which did not start: start c found nothing"
    );
}

#[tokio::test]
async fn services_that_require_each_other_are_named() {
    let host = Started::new(&[
        ("a", service(r#""requires": ["b"]"#, "")),
        ("b", r#"{"uses": ["c"]}"#.to_owned()),
        ("c", r#"{"uses": ["b"]}"#.to_owned()),
    ]);
    let failure = host.start().await.expect_err("a circle");
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.message.ends_with("services require each other: app:b → app:c → app:b"), "{failure}");
    assert_eq!(host.app.log(), [""; 0]);
}

#[tokio::test]
async fn a_lifecycle_that_cannot_be_read_is_an_error_and_not_passed_over() {
    let host = Started::new(&[("a", r#"{"lifecycle": {"auto_start": "${env:X|true}"}}"#.to_owned())]);
    let failure = host.start().await.expect_err("no placeholders here");
    assert!(failure.message.starts_with("app:a: field `lifecycle`: "), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn starting_and_stopping_take_no_longer_than_they_may() {
    let host = Started::new(&[(
        "a",
        service(r#""start_timeout": "20ms", "restart": {"max_attempts": 1}"#, r#""on_start": "hang""#),
    )]);
    let failure = host.start().await.expect_err("it hangs");
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Timeout, "app:a was not ready within 20ms"));
    // It may have begun something.
    assert_eq!(host.log(), "start a, stop a, stopped a");

    let host = Started::new(&[
        ("a", service("", "")),
        ("b", service(r#""stop_timeout": "20ms""#, r#""on_stop": "hang""#)),
        ("c", service("", r#""on_stop": "panic""#)),
        ("d", service("", r#""on_stop": "panic at once""#)),
    ]);
    assert_eq!(host.start().await.as_deref(), Ok("start a, start b, start c, start d"));
    assert_eq!(host.stop().await, "stop d, stop c, stop b, stop a, stopped a, terminate b");
}

#[tokio::test]
async fn a_change_reaches_the_services_that_it_concerns() {
    let host = Started::new(&[("a", service("", "")), ("b", service("", "")), ("c", service("", ""))]);
    host.start().await.expect("started");
    assert_eq!(host.reconcile().await, "");
    let new = service("", r#""text": "new""#);
    host.app.update(("b", "service", &new));
    host.app.delete("c");
    host.app.apply(&[Operation::Create(entry(("d", "service", &new)))]);
    assert_eq!(host.reconcile().await, "stop c, stopped c, stop b, stopped b, start b, start d");
    assert_eq!(host.running().await, "a b d");
    host.app.update(("d", "service", r#"{"text": "by hand"}"#));
    assert_eq!(host.reconcile().await, "stop d, stopped d");
}

#[tokio::test]
async fn a_variable_that_changes_restarts_the_services_made_with_it() {
    let host = Started::new(&[
        ("a", service("", r#""text": "${env:X|none}""#)),
        ("b", service("", r#""text": "${env:Y|x}""#)),
    ]);
    let values = host.app.shared::<Values>();
    values.set("X", "one");
    host.start().await.expect("started");
    values.set("X", "two");
    assert_eq!(host.reconcile().await, "stop a, stopped a, start a");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_after_a_change_does_not_hold_others_up() {
    let host = Started::new(&[("a", service("", "")), ("z", service("", ""))]);
    host.start().await.expect("started");
    let new = service("", r#""text": "new""#);
    host.app.update(("z", "service", &new));
    host.app.apply(&[
        Operation::Create(entry(("b", "service", &service("", r#""on_start": "fail""#)))),
        Operation::Create(entry(("c", "service", &service("", r#""on_start": "panic""#)))),
        Operation::Create(entry(("d", "service", &service("", r#""on_start": "not open""#)))),
        Operation::Create(entry(("e", "service", &service(r#""requires": ["b"]"#, "")))),
    ]);
    host.app.update(("a", "service", &service("", r#""on_start": "not open""#)));
    let log = host.reconcile().await;
    assert_eq!(log, "stop z, stopped z, stop a, stopped a, start b, start c, stop c, stopped c, start z");
    assert_eq!(host.state("e"), "unknown 0: waits for app:b");
    // What is made right starts; others are tried again in their own time.
    host.app.update(("b", "service", &new));
    assert_eq!(host.reconcile().await, "start b, start e");
    assert_eq!(host.running().await, "b c e z");
}

#[tokio::test]
async fn nothing_starts_before_the_start_or_after_the_stop() {
    let host = Started::new(&[("a", service("", ""))]);
    assert_eq!(host.reconcile().await, "");
    host.start().await.expect("started");
    host.stop().await;
    host.app.update(("a", "service", &service("", r#""text": "new""#)));
    assert_eq!(host.reconcile().await, "");
}

#[tokio::test]
async fn a_service_that_is_just_starting_is_given_up_by_the_stop() {
    let host = Started::new(&[
        ("a", service("", "")),
        ("b", service("", r#""on_start": "hang""#)),
        ("c", service("", "")),
    ]);
    let services = host.services.clone();
    let starting = tokio::spawn(async move { services.start().await });
    let mut log = Vec::new();
    while log.len() < 3 {
        log.extend(host.app.log());
        tokio::task::yield_now().await;
    }
    assert_eq!(log.join(", "), "start a, start b, start c");
    assert_eq!(host.stop().await, "stop c, stopped c, stop b, stopped b, stop a, stopped a");
    assert_eq!(starting.await.expect("it ends").expect_err("given up").kind, Kind::Canceled);
    assert_eq!(host.running().await, "");
}

#[tokio::test]
async fn long_chains_and_diamonds_of_requirements_are_no_trouble() {
    let chain: Vec<(String, String)> = (0..20_000)
        .map(|number| match number {
            0 => ("n0".to_owned(), "{}".to_owned()),
            _ => (
                format!("n{number}"),
                format!(r#"{{"lifecycle": {{"requires": ["n{}"], "depends_on": []}}}}"#, number - 1),
            ),
        })
        .collect();
    let top = service(r#""requires": ["n19999"]"#, "");
    let mut definitions: Vec<(&str, String)> =
        chain.iter().map(|(name, data)| (name.as_str(), data.clone())).collect();
    definitions.push(("top", top));
    let host = Started::new(&definitions);
    host.services.start().await.expect("started");
    assert_eq!(host.services.running().await.len(), 20_001);

    let diamonds: Vec<(String, String)> = (0..60)
        .map(|number| match number {
            0 => ("n0".to_owned(), "{}".to_owned()),
            _ => (
                format!("n{number}"),
                service(&format!(r#""requires": ["n{0}", "app:n{0}"]"#, number - 1), ""),
            ),
        })
        .collect();
    let definitions: Vec<(&str, String)> =
        diamonds.iter().map(|(name, data)| (name.as_str(), data.clone())).collect();
    let host = Started::new(&definitions);
    host.services.start().await.expect("started");
    assert_eq!(host.services.running().await.len(), 60);
}
