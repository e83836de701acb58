//! What an entry grants to its component, and what policies allow of it.

use perilune::{Actor, Authority, Call, Kind, Runtime, RuntimeBuilder, Scope, Value};
use perilune_tests::components::{ENVIRONMENT, FILES, app, try_app};
use perilune_tests::{App, render};
use std::sync::Arc;

const STORAGE: &str = "{name: settings, kind: env.storage.static, values: {API_KEY: s3cret, OTHER: hidden}}";
const VARIABLE: &str = "{name: key, kind: env.variable, variable: API_KEY, storage: settings}";
const DATA: &str = "{name: data, kind: fs.directory, directory: data}";
const FOLDER: &[(&str, &str)] = &[("data/note.txt", "a note"), ("secret.txt", "a secret")];

fn files(method: &str, mount: &str) -> App {
    let entry = format!(
        "{{name: main, kind: function.wasm, component: 'file://main.wasm', method: {method}, mounts: [{mount}]}}"
    );
    app(&[DATA, &entry], &[("main", FILES)], FOLDER)
}

#[tokio::test]
async fn without_grants_it_finds_nothing() {
    let entries = [
        STORAGE,
        VARIABLE,
        DATA,
        "{name: variables, kind: function.wasm, component: 'file://environment.wasm', method: variables}",
        "{name: arguments, kind: function.wasm, component: 'file://environment.wasm', method: arguments}",
        "{name: directories, kind: function.wasm, component: 'file://files.wasm', method: count}",
    ];
    let app = app(&entries, &[("environment", ENVIRONMENT), ("files", FILES)], FOLDER);
    for target in ["app:variables", "app:arguments"] {
        assert_eq!(app.call(target, &[]).await.unwrap(), Value::Array(Vec::new()), "{target}");
    }
    assert_eq!(app.call("app:directories", &[]).await.unwrap(), Value::Integer(0));
}

#[tokio::test]
async fn a_variable_that_is_granted_is_in_its_environment_and_no_other() {
    let entry =
        "{name: main, kind: function.wasm, component: 'file://main.wasm', method: variables, env: [key]}";
    let app = app(&[STORAGE, VARIABLE, entry], &[("main", ENVIRONMENT)], &[]);
    let pair = Value::Array(vec![Value::from("API_KEY"), Value::from("s3cret")]);
    assert_eq!(app.main().await, Value::Array(vec![pair]));
}

#[tokio::test]
async fn a_directory_that_is_mounted_is_read() {
    let app = files("read", "{fs: data, path: /data}");
    assert_eq!(app.call("app:main", &[Value::from("note.txt")]).await.unwrap(), Value::from("a note"));
    for path in ["../secret.txt", "/etc/passwd", "./../../secret.txt"] {
        assert!(app.call("app:main", &[Value::from(path)]).await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn it_is_written_where_the_entry_says_so() {
    let args = [Value::from("new.txt"), Value::from("text")];
    let app = files("write", "{fs: data, path: /data}");
    assert!(app.call("app:main", &args).await.is_err());
    assert!(!app.path().join("data/new.txt").exists());

    let app = files("write", "{fs: data, path: /data, write: true}");
    assert_eq!(app.call("app:main", &args).await.unwrap(), Value::Integer(4));
    assert_eq!(std::fs::read_to_string(app.path().join("data/new.txt")).unwrap(), "text");
}

#[tokio::test]
async fn policies_are_asked_for_what_an_entry_grants() {
    let entries = [
        STORAGE,
        VARIABLE,
        DATA,
        "{name: variables, kind: function.wasm, component: 'file://environment.wasm', method: variables, env: [key]}",
        "{name: count, kind: function.wasm, component: 'file://files.wasm', method: count, mounts: [{fs: data, path: /data}]}",
    ];
    let app = app(&entries, &[("environment", ENVIRONMENT), ("files", FILES)], FOLDER);
    let authority = Authority { actor: Some(Arc::new(Actor::new("ada"))), scope: Some(Scope::default()) };
    for (target, action) in [("app:variables", "env.get `API_KEY`"), ("app:count", "fs.get `app:data`")] {
        let call = Call::new(target).authority(authority.clone());
        let failure = app.runtime.call_with(call).await.unwrap_err();
        assert_eq!(failure.kind, Kind::PermissionDenied);
        assert_eq!(
            failure.message,
            format!("actor `ada` may not {action}: no policy of its scope allows it")
        );
    }
}

#[tokio::test]
async fn a_change_of_the_component_reaches_the_next_call() {
    let entry = "{name: main, kind: function.wasm, component: 'file://main.wasm', method: count}";
    let app = app(&[entry], &[("main", FILES)], &[]);
    assert_eq!(app.main().await, Value::Integer(0));
    let snapshot = app.runtime.registry().snapshot();
    let id = perilune::EntryId::parse("app:main").unwrap();
    let before = snapshot.get(&id).unwrap();
    let functions = perilune_tests::components::component(perilune_tests::components::FUNCTIONS);
    let changed = perilune::Entry::new(id, "function.wasm")
        .with_field("component", Value::String(functions))
        .with_field("method", "count");
    assert_eq!(before.kind(), changed.kind());
    app.runtime.registry().apply(&[perilune::Operation::Update(changed.into())], None).unwrap();
    assert_eq!(app.main().await, Value::Integer(1));
}

#[test]
fn a_directory_with_limits_is_not_mounted_for_writing() {
    let entries = [
        "{name: data, kind: fs.directory, directory: data, limits: {size: 1MiB}}",
        "{name: main, kind: function.wasm, component: 'file://main.wasm', method: count, mounts: [{fs: data, path: /data, write: true}]}",
    ];
    insta::assert_snapshot!(refusal(&entries, FOLDER, |builder| builder));
}

#[test]
fn a_directory_that_is_missing_is_told_when_the_application_loads() {
    let entry = "{name: main, kind: function.wasm, component: 'file://main.wasm', method: count, mounts: [{fs: data, path: /data}]}";
    insta::assert_snapshot!(refusal(&[DATA, entry], &[], |builder| builder));
}

fn refusal(
    entries: &[&str],
    files: &[(&str, &str)],
    settings: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder,
) -> String {
    let refused = try_app(entries, &[("main", FILES)], files, settings);
    render(&refused.err().expect("the application is refused"))
}

#[test]
fn entries_made_in_memory_hold_the_bytes_themselves() {
    let bytes = perilune_tests::components::component(FILES);
    let entry = perilune::Entry::new(perilune::EntryId::parse("app:main").unwrap(), "function.wasm")
        .with_field("component", Value::String(bytes))
        .with_field("method", "count");
    assert!(Runtime::builder().entry(entry).build().is_ok());
}
