//! Components that call other entries, by `perilune:component/funcs`.

use perilune::{Actor, Authority, Call, Failure, Kind, Scope, Value};
use perilune_tests::components::{CALLS, app};
use perilune_tests::{App, PATIENCE, eventually};
use std::sync::Arc;

const MAIN: &str = "{name: main, kind: function.wasm, component: 'file://main.wasm', method: call, modules: [funcs], pool: {type: static, size: 1}}";
const LUA: &str = "{name: lua, kind: module.lua, source: 'file://lua.lua', modules: [ctx, funcs, time]}";

const METHODS: &str = "
local M = {}
function M.echo(...) return {...} end
function M.fail() error(errors.new({kind = errors.NOT_FOUND, message = 'no such order', details = {order = 7}})) end
function M.nothing() end
function M.tenant() return (require('ctx').get('tenant')) end
function M.wait() process.inbox():receive() end
function M.again() return require('funcs').call('app:main', 'app:lua.again', '[]') end
function M.large(size) return ('x'):rep(size) end
return M";

/// An application in which `app:main` calls what it is told to: a target, JSON, and perhaps milliseconds.
fn calling(entries: &[&str]) -> App {
    let entries: Vec<&str> = [MAIN, LUA].iter().chain(entries).copied().collect();
    app(&entries, &[("main", CALLS)], &[("lua.lua", METHODS)])
}

fn args(target: &str, arguments: &str) -> [Value; 2] {
    [Value::from(target), Value::from(arguments)]
}

/// The JSON that a component gets as its result, or as an error.
async fn called(app: &App, target: &str, arguments: &str) -> Result<String, String> {
    match app.call("app:main", &args(target, arguments)).await {
        Ok(Value::String(text)) => Ok(String::from_utf8(text).expect("JSON is UTF-8")),
        Ok(other) => panic!("the result is a text, not {other:?}"),
        Err(Failure { message, .. }) => Err(message),
    }
}

#[tokio::test]
async fn values_come_back_as_one_value() {
    let app = calling(&[]);
    let cases = [
        ("app:lua.echo", r#"[1,2.5,"é",[true],{"a":{}}]"#, r#"[1,2.5,"é",[true],{"a":{}}]"#),
        ("app:lua.nothing", "[]", "null"),
        ("app:main", r#"["app:lua.echo","[1]"]"#, r#""[1]""#),
    ];
    for (target, arguments, result) in cases {
        assert_eq!(called(&app, target, arguments).await.as_deref(), Ok(result), "{target}");
    }
}

#[tokio::test]
async fn a_failure_is_an_error_with_its_kind_and_details() {
    let told = called(&calling(&[]), "app:lua.fail", "[]").await.unwrap_err();
    let told = perilune::json::decode(told.as_bytes()).expect("an error is JSON");
    let text = |name: &str| told.get(name).and_then(Value::as_str).map(str::to_owned);
    assert_eq!(
        (text("kind").as_deref(), text("message").as_deref()),
        (Some("NotFound"), Some("no such order"))
    );
    let order = told.get("details").and_then(|details| details.get("order"));
    assert_eq!(order, Some(&Value::Integer(7)));
}

#[tokio::test]
async fn what_cannot_be_called_is_told_and_ends_nothing() {
    let app = calling(&[]);
    let cases = [
        ("app:missing", "[]", "app:missing"),
        ("missing", "[]", "is no entry id"),
        ("", "[]", "is no entry id"),
        ("app:lua", "[]", "app:lua"),
        ("app:lua.echo", "1", "values are passed as a JSON array"),
        ("app:lua.echo", "[", "JSON"),
    ];
    for (target, arguments, part) in cases {
        let told = called(&app, target, arguments).await.unwrap_err();
        assert!(told.contains(part), "{target:?} {arguments}: {told}");
    }
    assert!(called(&app, "app:lua.echo", "[]").await.is_ok());
}

#[tokio::test]
async fn the_callers_context_and_permissions_go_along() {
    let app = calling(&[]);
    let call = || Call::new("app:main").args(args("app:lua.tenant", "[]"));
    let tenant = app.runtime.call_with(call().context("tenant", "acme")).await.unwrap();
    assert_eq!(tenant, Value::from("\"acme\""));

    let authority = Authority { actor: Some(Arc::new(Actor::new("ada"))), scope: Some(Scope::default()) };
    let failure = app.runtime.call_with(call().authority(authority)).await.unwrap_err();
    assert!(
        failure.message.contains("actor `ada` may not funcs.call `app:lua.tenant`"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_call_that_takes_too_long_ends_with_its_callee() {
    let app = calling(&[]);
    let [target, arguments] = args("app:lua.wait", "[]");
    let late = app.call("app:main", &[target, arguments, Value::Integer(20)]).await.unwrap_err();
    assert!(late.message.contains("\"kind\":\"Timeout\""), "{}", late.message);
    eventually("nothing runs", async || app.runtime.processes().is_empty()).await;
}

#[tokio::test]
async fn a_time_that_is_none_is_refused() {
    let app = calling(&[]);
    let [target, arguments] = args("app:lua.echo", "[]");
    for millis in [0, i64::MAX] {
        let given = [target.clone(), arguments.clone(), Value::Integer(millis)];
        let failure = app.call("app:main", &given).await.unwrap_err();
        assert!(failure.message.contains("option `timeout`"), "{}", failure.message);
    }
}

#[tokio::test]
async fn callers_that_are_ended_take_their_callees_along() {
    let app = calling(&[]);
    let waiting = app.spawn("app:main", &args("app:lua.wait", "[]"));
    let all = || app.runtime.processes();
    eventually("both run", async || all().iter().any(|run| run.entry == "app:lua")).await;
    let caller = all().into_iter().find(|run| run.entry == "app:main").expect("it waits");
    app.runtime.terminate(&caller.pid.to_string()).unwrap();
    let failure = waiting.await.unwrap().unwrap_err();
    assert_eq!(failure.kind, Kind::Canceled, "{}", failure.message);
    eventually("nothing runs", async || all().is_empty()).await;
}

#[tokio::test]
async fn an_entry_that_is_called_back_does_not_wait_for_itself_and_calls_do_not_go_on_for_ever() {
    let app = calling(&[]);
    let deep = tokio::time::timeout(PATIENCE, called(&app, "app:lua.again", "[]")).await.expect("it ends");
    let told = deep.unwrap_err();
    assert!(told.contains("more than 32 times"), "{told}");
}

#[tokio::test]
async fn a_result_larger_than_the_callers_memory_is_an_error() {
    let app = calling(&[]);
    let told = called(&app, "app:lua.large", "[3000000]").await;
    assert_eq!(told.map(|text| text.len()), Ok(3_000_002));
    let small = MAIN.replace("name: main", "name: small").replace("pool:", "limits: {memory: 2MiB}, pool:");
    let app = calling(&[&small]);
    let failure = app.call("app:small", &args("app:lua.large", "[3000000]")).await.unwrap_err();
    assert!(
        failure.message.contains("app:lua.large: its result exceeds the caller's `limits.memory`"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn a_process_gives_its_worker_to_others_while_it_waits_for_a_result() {
    let entries = [
        "{name: host, kind: process.host, host: {workers: 1}, lifecycle: {auto_start: true}}",
        "{name: caller, kind: process.wasm, component: 'file://main.wasm', method: call, modules: [funcs]}",
        "{name: other, kind: process.lua, source: 'return function() return 7 end', method: main}",
        "{name: exec, kind: function.lua, source: 'return function() return process.exec(\"app:other\", \"app:host\") end', method: main}",
        "{name: begin, kind: function.lua, source: 'return function() return process.exec(\"app:caller\", \"app:host\", \"app:exec\", \"[]\") end', method: main}",
    ];
    let app = calling(&entries);
    app.runtime.start().await.unwrap();
    let done =
        tokio::time::timeout(PATIENCE, app.call("app:begin", &[])).await.expect("nobody waits for ever");
    assert_eq!(done.unwrap(), Value::from("7"));
}
