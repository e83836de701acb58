//! Servers that are away, refuse, or lack something.

use crate::support::script::{Deeds, Scripts};
use crate::support::server::Server;
use crate::support::{QUEUE, until};
use perilune_temporal::{
    Auth, Client, ClientSettings, Secret, TemporalBackend, TemporalError, TlsSettings, Worker, WorkerSettings,
};
use perilune_value::Kind;
use perilune_workflow::{Backend, Target};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test]
async fn a_server_that_is_away_is_named() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut settings = ClientSettings::new(format!("127.0.0.1:{port}"));
    settings.connection_timeout = Duration::from_millis(300);
    let backend = TemporalBackend::new(Client::new(settings).unwrap(), QUEUE);
    let error = backend.describe(Target::from("x")).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("[TEMPORAL_UNAVAILABLE]") && text.contains(&port.to_string()), "{text}");
    let failure = error.into_failure();
    assert_eq!((failure.kind, failure.retryable), (Kind::Unavailable, Some(true)));
}

#[tokio::test]
async fn a_server_whose_name_nobody_knows_is_named() {
    // Too long for a name, so that nobody is asked for it.
    let name = "x".repeat(64);
    let mut settings = ClientSettings::new(format!("{name}:7233"));
    settings.connection_timeout = Duration::from_millis(300);
    let begin =
        format!("[TEMPORAL_UNAVAILABLE] no Temporal server answers at {name}:7233: cannot find `{name}`: ");
    let client = Client::new(settings).unwrap();
    until(async || client.check().await.unwrap_err().to_string().starts_with(&begin).then_some(())).await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut settings = ClientSettings::new(silent.local_addr().unwrap().to_string());
    settings.connection_timeout = Duration::from_millis(300);
    let error = Client::new(settings).unwrap().check().await.unwrap_err();
    assert!(matches!(&error, TemporalError::Unavailable { .. }), "{error}");
}

#[tokio::test]
async fn a_namespace_that_is_missing_is_named() {
    let Some(server) = Server::start().await else { return };
    let settings =
        ClientSettings { namespace: "elsewhere".to_owned(), ..ClientSettings::new(server.address()) };
    let client = Client::new(settings).unwrap();
    let started = Worker::start(
        &client,
        &WorkerSettings::new(QUEUE),
        Arc::new(Scripts::default()),
        Arc::new(Deeds::default()),
    )
    .await;
    let error = started.unwrap_err();
    assert!(
        matches!(&error, TemporalError::Namespace { namespace, .. } if namespace == "elsewhere"),
        "{error}"
    );
    let refused = TemporalBackend::new(client, QUEUE).describe(Target::from("x")).await.unwrap_err();
    assert!(refused.message.contains("[TEMPORAL_NAMESPACE]"), "{refused}");
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let tls = TlsSettings {
        enabled: true,
        insecure_skip_verify: true,
        server_name: Some("x".to_owned()),
        ..TlsSettings::default()
    };
    let error = Client::new(ClientSettings { tls, ..ClientSettings::new("h:1") }).unwrap_err();
    assert!(error.to_string().starts_with("[TEMPORAL_SETTING] `tls.server_name`"), "{error}");
    let error = Client::new(ClientSettings::new("h:port")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "[TEMPORAL_SETTING] `address` is no `host:port`: `h:port` (invalid port number)"
    );
    let error = Client::new(ClientSettings::default()).unwrap_err();
    assert_eq!(error.to_string(), "[TEMPORAL_SETTING] `address` is required: `host:port`");
    let one = WorkerSettings { workflow_task_pollers: 1, ..WorkerSettings::new("q") };
    assert!(one.check().unwrap_err().to_string().contains("must be 2 or more"));
}

#[tokio::test]
async fn a_key_file_that_is_missing_is_named_and_never_waited_for() {
    let settings = ClientSettings {
        auth: Auth::ApiKey(Secret::File("/nowhere/key".into())),
        ..ClientSettings::new("127.0.0.1:1")
    };
    let error = Client::new(settings).unwrap().ready().await.unwrap_err();
    assert!(error.to_string().contains("`auth.api_key` names the file `/nowhere/key`"), "{error}");
}
