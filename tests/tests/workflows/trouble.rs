//! Long histories, stores that cannot be used, servers that are away.

use super::support::{app_on, local, query, result, server, signal, started};
use perilune::workflow::{Outcome, StartOptions, Target};
use perilune::{Failure, Replayed, Runtime, Value};
use perilune_tests::App;

/// Takes so many steps, and then waits for a message.
const LONG: &str = "return { main = function(steps)
    for i = 1, steps do assert(funcs.call('app:add', i, 1) == i + 1) end
    process.inbox():receive()
    return workflow.history_length()
  end }";

/// Many more steps than a task of the host may take before it gives way to others.
#[tokio::test]
async fn a_long_history_is_run_again_when_its_host_comes_back() {
    let app = app_on("host", LONG, "return 1").await;
    let backend = app.runtime.workflows("app:host").expect("it runs");
    let target = started(&*backend, vec![1_000.into()], StartOptions::default()).await;
    backend.query(target.clone(), query("pid", vec![])).await.expect("it has come to where it waits");
    app.runtime.stop().await;

    let again = Runtime::builder().directory(app.path()).build().expect("the same application");
    again.start().await.expect("the host starts again");
    let backend = again.workflows("app:host").expect("it runs");
    backend.signal(target.clone(), signal("go", vec![])).await.expect("it is open");
    let Outcome::Completed(Value::Integer(length)) = result(&*backend, &target).await else { panic!() };
    assert!(length > 3_000, "{length} events");
    assert!(matches!(replayed(&again, &*backend, target).await, Replayed::Same { .. }));
    again.stop().await;
}

async fn replayed(runtime: &Runtime, backend: &dyn perilune::workflow::Backend, target: Target) -> Replayed {
    let file = backend.export(target).await.expect("it is there");
    runtime.replay_workflow(file.as_bytes()).await.expect("it is a history")
}

#[tokio::test]
async fn a_history_without_end_ends_its_run_with_the_way_out() {
    let app = app_on("host", LONG, "return 1").await;
    let backend = app.runtime.workflows("app:host").expect("it runs");
    let target = started(&*backend, vec![1_000_000.into()], StartOptions::default()).await;
    let Outcome::Failed(failure) = result(&*backend, &target).await else { panic!("it goes on for ever") };
    let code = failure.details.as_ref().and_then(|details| details.get("code")).cloned();
    assert_eq!(code, Some(Value::from("WF_HISTORY_TOO_LONG")), "{failure}");
    assert!(failure.message.contains("process.upgrade"), "{failure}");
    let Replayed::Same { events } = replayed(&app.runtime, &*backend, target).await else {
        panic!("it differs")
    };
    assert!(events >= 50_000, "{events} events");
    app.runtime.stop().await;
}

const STORE: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: workflow.host, path: flows.db, lifecycle: {auto_start: true, startup: required, restart: {max_attempts: 1}}}
  - {name: work, kind: workflow.lua, source: 'return function() process.inbox():receive() end', method: main, meta: {temporal: {workflow: {worker: host}}}}
";

/// An application whose store holds one open run.
async fn with_a_store() -> (App, Target) {
    let app = App::new(&[("app.yaml", STORE)]);
    app.runtime.start().await.expect("it starts");
    let backend = app.runtime.workflows("app:host").expect("it runs");
    let target = started(&*backend, vec![], StartOptions::default()).await;
    backend.query(target.clone(), query("pid", vec![])).await.expect("it waits");
    (app, target)
}

/// What the same application says when it starts now.
async fn refusal(app: &App) -> Failure {
    let again = Runtime::builder().directory(app.path()).build().expect("the same application");
    let refused = again.start().await.expect_err("its store cannot be used");
    again.stop().await;
    refused
}

fn shown(app: &App, failure: &Failure) -> String {
    failure.message.replace(&app.path().display().to_string(), "FOLDER")
}

#[tokio::test]
async fn a_store_that_another_host_uses_is_refused() {
    let (app, _) = with_a_store().await;
    insta::assert_snapshot!(shown(&app, &refusal(&app).await));
    app.runtime.stop().await;
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_left_alone() {
    let (app, target) = with_a_store().await;
    app.runtime.stop().await;
    let store = rusqlite::Connection::open(app.path().join("flows.db")).expect("it is a database");
    let version: i64 = store.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a number");
    store.pragma_update(None, "user_version", version + 1).expect("it is set");
    insta::assert_snapshot!(shown(&app, &refusal(&app).await));

    store.pragma_update(None, "user_version", version).expect("it is set");
    drop(store);
    let again = Runtime::builder().directory(app.path()).build().expect("the same application");
    again.start().await.expect("it is its own again");
    let backend = again.workflows("app:host").expect("it runs");
    backend.signal(target.clone(), signal("go", vec![])).await.expect("nothing was lost");
    assert_eq!(result(&*backend, &target).await, Outcome::Completed(Value::Nil));
    again.stop().await;
}

#[tokio::test]
async fn a_truncated_store_is_refused() {
    let (app, _) = with_a_store().await;
    app.runtime.stop().await;
    let path = app.path().join("flows.db");
    // What is in the log alone would be written back.
    let store = rusqlite::Connection::open(&path).expect("it is a database");
    store.pragma_update(None, "journal_mode", "DELETE").expect("nobody else uses it");
    drop(store);
    let bytes = std::fs::read(&path).expect("it is a file");
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("it is written");
    insta::assert_snapshot!(shown(&app, &refusal(&app).await));
}

const WORKER: &str = "version: '1.0'
namespace: app
entries:
  - {name: server, kind: temporal.client, address: '127.0.0.1:PORT', connection_timeout: 500ms MORE, lifecycle: {start_timeout: 2s, restart: {max_attempts: 1}}}
  - {name: worker, kind: temporal.worker, client: server, task_queue: q, lifecycle: {auto_start: true, startup: required}}
  - {name: work, kind: workflow.lua, source: 'return function() end', method: main, meta: {temporal: {workflow: {worker: worker}}}}
";

/// As its entry says, here after one attempt; without such an entry it goes on waiting, and the log says for what.
#[tokio::test]
async fn a_worker_whose_server_is_away_is_given_up_when_its_entry_says_so() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("it has one").port().to_string();
    drop(free);
    let app = App::with(&[("app.yaml", &WORKER.replace("PORT", &port).replace(" MORE", ""))], |builder| {
        builder.allow(local())
    });
    insta::assert_snapshot!(app.runtime.start().await.expect_err("nobody is there").message);
    let backend = app.runtime.workflows("app:worker").expect("it can be asked");
    let refused =
        backend.start("app:work", vec![], StartOptions::default()).await.expect_err("nobody is there");
    insta::assert_snapshot!(refused.message.replace(&port, "PORT"));
    app.runtime.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_know_the_credentials_is_named_with_what_it_said() {
    let Some(address) = server() else { return };
    let port = address.rsplit(':').next().expect("a port").to_owned();
    let more = ", auth: {type: api_key, api_key: wrong}, tls: {enabled: true}";
    let app = App::with(&[("app.yaml", &WORKER.replace("PORT", &port).replace(" MORE", more))], |builder| {
        builder.allow(local())
    });
    app.runtime.start().await.expect_err("it does not speak TLS");
    let backend = app.runtime.workflows("app:worker").expect("it can be asked");
    let refused = backend.start("app:work", vec![], StartOptions::default()).await.expect_err("not started");
    assert!(refused.message.contains(&address), "{refused}");
    assert!(!refused.message.contains("wrong"), "the key is a secret: {refused}");
    app.runtime.stop().await;
}
