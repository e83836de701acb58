//! What the log says of services that end otherwise than they should.

use crate::support::{Started, service};
use perilune_test_log::Log;

#[tokio::test(start_paused = true)]
async fn a_member_of_a_group_that_is_not_started_again_is_named() {
    let log = Log::keep();
    let host = Started::of(&[
        ("g", "service.group", r#"{"services": ["a"], "lifecycle": {"auto_start": true}}"#),
        ("a", "service", r#"{"on_run": "exit 1s", "lifecycle": {"restart": {"policy": "never"}}}"#),
    ]);
    host.start().await.expect("started");
    host.within(2_000).await;
    assert_eq!(log.last(), "INFO perilune::service: ended, and stays so service=app:a ended=Exited");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_goes_on_when_it_is_stopped_is_ended() {
    let log = Log::keep();
    let host = Started::new(&[("a", service(r#""stop_timeout": "1s""#, r#""on_stop": "hang""#))]);
    host.start().await.expect("started");
    assert_eq!(host.stop().await, "stop a, terminate a");
    assert_eq!(log.last(), "WARN perilune::service: stopped before all that it ran had ended service=app:a");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_cannot_even_be_ended_is_named() {
    let log = Log::keep();
    for (on_terminate, error) in
        [("hang", "it goes on"), ("panic", "the host panicked while it ended this service: its end broke")]
    {
        let fields = format!(r#""on_stop": "hang", "on_terminate": "{on_terminate}""#);
        let host = Started::new(&[("a", service("", &fields))]);
        host.start().await.expect("started");
        host.stop().await;
        assert_eq!(
            log.last(),
            format!("ERROR perilune::service: could not be ended service=app:a error={error}")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_breaks_while_it_stops_or_goes_is_named() {
    let log = Log::keep();
    let host = Started::new(&[("a", service("", r#""on_stop": "panic""#))]);
    host.start().await.expect("started");
    host.stop().await;
    assert_eq!(
        log.last(),
        "ERROR perilune::service: stopped service=app:a error=the host panicked while it stopped this service: stop a broke"
    );
    let host = Started::new(&[("a", service("", r#""on_drop": "panic""#))]);
    host.start().await.expect("started");
    host.app.delete("a");
    host.app.resources.forget_outdated();
    host.reconcile().await;
    assert_eq!(
        log.last(),
        "ERROR perilune::service: stopped service=app:a error=the host panicked while it dropped this service: its last moment broke"
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_that_breaks_while_it_runs_has_failed() {
    let host = Started::new(&[("a", service(r#""restart": {"policy": "never"}"#, r#""on_run": "panic""#))]);
    assert_eq!(
        host.start().await.expect_err("it is required").message,
        "app:a: the host panicked while it waited for this service: ended a broke"
    );
}
