//! Services that end by themselves: whether and when they start again.

use crate::support::{Started, service};
use perilune_resource::supervision::restart::{Attempts, End, Next, Policy, Restart};
use perilune_value::Kind;
use proptest::prelude::*;
use std::time::Duration;
use tokio::time::{Instant, timeout};

fn millis(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// No chance in the delays.
fn steady(policy: Policy, max_attempts: u32) -> Restart {
    Restart { policy, jitter: 0.0, max_attempts: Some(max_attempts), ..Restart::default() }
}

#[test]
fn the_policy_says_after_which_ends_a_service_starts_again() {
    let again = Next::Again { after: Duration::from_secs(1) };
    for (policy, exited, failed) in [
        (Policy::Never, Next::Exited, Next::Failed),
        (Policy::OnFailure, Next::Exited, again),
        (Policy::Always, again, again),
    ] {
        let after = |end| Attempts::default().after(end, &steady(policy, 0), 0.0);
        assert_eq!((after(End::Exited), after(End::Failed)), (exited, failed), "{policy:?}");
        assert_eq!(after(End::Unstartable), Next::Failed, "{policy:?}");
    }
}

#[test]
fn delays_grow_up_to_a_limit_and_begin_anew_after_a_long_run() {
    let (restart, mut attempts) = (steady(Policy::OnFailure, 0), Attempts::default());
    let mut seconds = || match attempts.after(End::Failed, &restart, 0.0) {
        Next::Again { after } => after.as_secs(),
        other => panic!("{other:?}"),
    };
    let delays: Vec<u64> = (0..9).map(|_| seconds()).collect();
    assert_eq!(delays, [1, 2, 4, 8, 16, 32, 64, 90, 90]);
    attempts.was_stable();
    assert_eq!(attempts.after(End::Failed, &restart, 0.0), Next::Again { after: Duration::from_secs(1) });
}

#[test]
fn so_many_starts_in_a_row_and_no_more() {
    for most in 1..5 {
        let mut attempts = Attempts::default();
        let restart = steady(Policy::OnFailure, most);
        for start in 1..most {
            let next = attempts.after(End::Failed, &restart, 0.0);
            assert!(matches!(next, Next::Again { .. }), "start {start} of {most}");
        }
        assert_eq!(attempts.after(End::Failed, &restart, 0.0), Next::Failed);
    }
}

proptest! {
    #[test]
    fn a_delay_stays_within_its_jitter(
        initial in 1_u64..100_000, max in 1_u64..100_000, factor in 1.0_f64..100.0, jitter in 0.0_f64..=1.0,
        n in 1_u32.., luck in -1.0_f64..=1.0,
    ) {
        let restart = Restart {
            initial_delay: millis(initial), max_delay: millis(max), backoff_factor: factor, jitter, ..Restart::default()
        };
        let steady = Restart { jitter: 0.0, ..restart.clone() };
        let (delay, middle) = (restart.delay(n, luck).as_secs_f64(), steady.delay(n, luck).as_secs_f64());
        prop_assert!(middle <= max as f64 / 1000.0 + 1e-6);
        prop_assert!((delay - middle).abs() <= middle * jitter + 1e-6);
        prop_assert!(steady.delay(n, 0.0) <= steady.delay(n.saturating_add(1), 0.0));
    }

    #[test]
    fn ends_in_a_row_are_those_since_the_last_long_run(
        runs in proptest::collection::vec((any::<bool>(), any::<bool>()), 1..60), most in 0_u32..8, always in any::<bool>(),
    ) {
        let policy = if always { Policy::Always } else { Policy::OnFailure };
        let restart = steady(policy, most);
        let (mut attempts, mut row) = (Attempts::default(), 0);
        for (was_long, fails) in runs {
            if was_long {
                attempts.was_stable();
                row = 0;
            }
            let next = attempts.after(if fails { End::Failed } else { End::Exited }, &restart, 0.0);
            let expected = if !fails && !always {
                Next::Exited
            } else {
                row += 1;
                match most != 0 && row >= most {
                    true => Next::Failed,
                    false => Next::Again { after: restart.delay(row, 0.0) },
                }
            };
            prop_assert_eq!(next, expected);
            prop_assert_eq!(attempts.ends, row);
            if !matches!(next, Next::Again { .. }) {
                break;
            }
        }
    }
}

/// A service without chance in its delays.
fn restarted(restart: &str, fields: &str) -> Started {
    let comma = if restart.is_empty() { "" } else { ", " };
    Started::new(&[("a", service(&format!(r#""restart": {{"jitter": 0{comma}{restart}}}"#), fields))])
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_starts_again_each_time_later() {
    let host = restarted("", r#""on_run": "fail 1ms, fail 1ms, fail 1ms, on""#);
    assert_eq!(host.start().await.as_deref(), Ok("start a"));
    assert_eq!((host.within(990).await.as_str(), host.within(20).await.as_str()), ("", "start a"));
    assert_eq!((host.within(1_980).await.as_str(), host.within(40).await.as_str()), ("", "start a"));
    assert_eq!(host.state("a"), "waiting 3: a failed");
    assert_eq!((host.within(3_950).await.as_str(), host.within(100).await.as_str()), ("", "start a"));
    assert_eq!(host.state("a"), "running 3");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_ran_long_enough_has_its_failures_forgotten() {
    let host = restarted("", r#""on_run": "fail 1ms, fail 1ms, fail 5s, on""#);
    host.start().await.expect("started");
    host.within(8_050).await;
    assert_eq!(host.state("a"), "waiting 1: a failed");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_has_done_its_work_has_exited() {
    let host = restarted("", r#""on_run": "exit 1ms""#);
    host.start().await.expect("started");
    assert_eq!(host.within(3_600_000).await, "");
    assert_eq!((host.state("a").as_str(), host.running().await.as_str()), ("exited 0", ""));
    assert_eq!(host.reconcile().await, "", "a change elsewhere does not start it again");
    assert_eq!(host.stop().await, "");
    assert_eq!(host.state("a"), "exited 0, not wanted");
}

#[tokio::test(start_paused = true)]
async fn a_service_may_start_again_whenever_it_ends() {
    let host = restarted(r#""policy": "always""#, r#""on_run": "exit 1ms, on""#);
    host.start().await.expect("started");
    assert_eq!(host.within(1_100).await, "start a");
}

#[tokio::test(start_paused = true)]
async fn a_required_service_that_cannot_start_is_tried_until_it_runs() {
    let host = restarted("", r#""on_start": "fail, fail, ok""#);
    let began = Instant::now();
    assert_eq!(host.start().await.as_deref(), Ok("start a, start a, start a"));
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn with_its_attempts_used_up_the_start_fails() {
    let host = restarted(r#""max_attempts": 3"#, r#""on_start": "fail""#);
    let failure = host.start().await.expect_err("it never starts");
    assert_eq!(failure.message, "app:a ended 3 times in a row: start a failed");
    assert_eq!(host.log(), "start a, start a, start a");
    assert!(host.state("a").starts_with("failed 3"), "{}", host.state("a"));
}

#[tokio::test(start_paused = true)]
async fn what_can_never_start_is_not_tried_again() {
    let host = restarted("", r#""on_start": "not found""#);
    let failure = host.start().await.expect_err("it never starts");
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, "start a found nothing"));
    assert_eq!(host.log(), "start a");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_is_waited_for_by_those_who_say_so() {
    let host = restarted("", r#""on_start": "taken""#);
    let failure = host.start().await.expect_err("it does not wait");
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::AlreadyExists, "start a found it taken"));
    assert_eq!(host.log(), "start a");
    let waits = restarted(r#""max_attempts": 0"#, r#""on_start": "taken, taken, ok""#);
    assert_eq!(waits.start().await.as_deref(), Ok("start a, start a, start a"));
    let optional = Started::new(&[(
        "a",
        service(r#""startup": "optional", "restart": {"jitter": 0}"#, r#""on_start": "taken, ok""#),
    )]);
    optional.start().await.expect("it goes on without");
    assert_eq!(optional.state("a"), "waiting 1: start a found it taken");
    assert_eq!(optional.within(1_100).await, "start a");
}

#[tokio::test(start_paused = true)]
async fn a_required_service_that_is_given_up_ends_the_application() {
    let host = restarted(r#""max_attempts": 2"#, r#""on_run": "fail 10ms""#);
    host.start().await.expect("started");
    let failure = host.services.given_up().await;
    assert_eq!(failure.message, "app:a ended 2 times in a row: a failed");
}

#[tokio::test(start_paused = true)]
async fn so_does_one_that_a_required_service_needs() {
    let host = Started::new(&[
        ("a", service(r#""requires": ["b"]"#, "")),
        ("b", r#"{"on_run": "fail 10ms", "lifecycle": {"restart": {"policy": "never"}}}"#.to_owned()),
    ]);
    host.start().await.expect("started");
    assert_eq!(host.services.given_up().await.message, "b failed");
}

#[tokio::test(start_paused = true)]
async fn one_that_only_optional_services_need_does_not() {
    let host = Started::new(&[
        ("a", service(r#""requires": ["b"], "startup": "optional""#, "")),
        ("b", r#"{"on_run": "fail 10ms", "lifecycle": {"restart": {"policy": "never"}}}"#.to_owned()),
    ]);
    host.start().await.expect("started");
    assert!(timeout(Duration::from_secs(3600), host.services.given_up()).await.is_err());
    assert_eq!(host.state("b"), "failed 1: b failed");
}

#[tokio::test(start_paused = true)]
async fn what_a_change_broke_does_not_end_the_application() {
    let host = restarted("", "");
    host.start().await.expect("started");
    host.app.update(("a", "service", &service("", r#""on_start": "not found""#)));
    assert_eq!(host.reconcile().await, "stop a, stopped a, start a");
    assert!(timeout(Duration::from_secs(3600), host.services.given_up()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_waits_can_be_stopped_and_changed() {
    let host = restarted(r#""initial_delay": "1h""#, r#""on_run": "fail 1ms""#);
    host.start().await.expect("started");
    host.within(10).await;
    assert_eq!(host.state("a"), "waiting 1: a failed");
    host.app.update(("a", "service", &service("", r#""text": "better""#)));
    assert_eq!(host.reconcile().await, "start a");
    assert_eq!(host.state("a"), "running 0");
    assert_eq!(host.stop().await, "stop a, stopped a");
    assert_eq!(host.state("a"), "stopped 0, not wanted");
}

#[tokio::test(start_paused = true)]
async fn those_that_require_a_service_go_on_while_it_starts_again() {
    let host = Started::new(&[
        ("a", service(r#""requires": ["b"]"#, "")),
        ("b", service("", r#""on_run": "fail 10ms, on""#)),
    ]);
    assert_eq!(host.start().await.as_deref(), Ok("start b, start a"));
    assert_eq!(host.within(2_000).await, "start b");
}
