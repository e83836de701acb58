//! The library `perilune`: modules in Rust, typed calls, limits, places for cells, and what the guest imports.

use futures_util::FutureExt;
use perilune::{
    BuildError, CallError, EngineOptions, Entry, EntryId, Extension, Failure, Kind, Limits, Runtime, Value,
};
use perilune_tests::App;
use perilune_tests::gate::Gate;
use std::time::Duration;

const YAML: &str = "
namespace: app
entries:
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [weather]}
  - {name: fine, kind: function.lua, source: 'return function(...) return ... end', method: main}
";

fn weather() -> Extension {
    Extension::new("weather")
        .function("double", |args| match args.first().and_then(Value::as_integer) {
            Some(number) => Ok(Value::from(number * 2)),
            None => Err(Failure::invalid("double takes an integer").with_detail("got", args.len() as i64)),
        })
        .slow_function("later", |args| async move {
            tokio::task::yield_now().await;
            Ok(Value::Array(args))
        })
        .slow_function("fails", |_| async {
            Err(Failure::new(Kind::Unavailable, "no sun").with_retryable(true))
        })
        .function("panics", |_| panic!("quick trouble"))
        .slow_function("panics_later", |_| async { panic!("slow trouble") })
}

/// `app:main` with this body and module `weather`.
fn app(body: &str) -> App {
    let main = format!("local weather = require('weather')\nreturn function()\n{body}\nend");
    App::with(&[("app.yaml", YAML), ("main.lua", &main)], |builder| builder.module(weather()))
}

// Modules written in Rust.

#[tokio::test]
async fn a_quick_function_answers_at_once() {
    assert_eq!(app("return weather.double(21)").main().await, 42.into());
}

#[tokio::test]
async fn a_functions_failure_is_an_error_object() {
    let body = "
        local value, err = weather.double('x')
        assert(value == nil and err:kind() == 'Invalid' and err:message() == 'double takes an integer' and err:details().got == 1)
        local value, err = weather.fails()
        assert(value == nil and err:kind() == 'Unavailable' and err:message() == 'no sun' and err:retryable() == true)";
    app(body).main().await;
}

/// A call that computes for long goes on where all others come first; a process that it starts does not.
#[tokio::test]
async fn what_a_long_call_starts_runs_where_the_call_began() {
    let threads = Extension::new("threads")
        .function("name", |_| Ok(std::thread::current().name().unwrap_or_default().into()));
    let yaml = "
namespace: app
entries:
  - {name: host, kind: process.host}
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [threads], limits: {cpu: 20s, timeout: 60s}}
  - {name: child, kind: process.lua, source: file://child.lua, method: main, modules: [threads]}
";
    let main = "local threads = require('threads')
        return function()
          while threads.name() ~= 'perilune-heavy' do end
          return assert(process.exec('app:child', 'app:host'))
        end";
    let child = "local threads = require('threads') return function() return threads.name() end";
    let files = [("app.yaml", yaml), ("main.lua", main), ("child.lua", child)];
    let app = App::with(&files, |builder| builder.module(threads));
    let began = std::thread::current().name().unwrap_or_default().to_owned();
    assert_eq!(app.main().await, began.as_str().into());
}

#[tokio::test]
async fn what_cannot_cross_is_refused_before_the_function_runs() {
    let body = "
        for _, call in ipairs({weather.double, weather.later}) do
          local value, err = call({print})
          assert(value == nil and err:kind() == 'Invalid', tostring(err))
        end";
    app(body).main().await;
}

#[tokio::test]
async fn an_unknown_function_is_nil() {
    app("assert(weather.tomorrow == nil) assert(not pcall(function() weather.tomorrow() end))").main().await;
}

#[tokio::test]
async fn a_module_is_shared_and_read_only() {
    app("assert(require('weather') == weather and not pcall(function() weather.double = 1 end))")
        .main()
        .await;
}

#[tokio::test]
async fn a_module_is_there_only_where_it_is_listed() {
    let yaml = YAML.replace("[weather]", "[]");
    let main =
        "return function() assert(weather == nil) local weather = require('weather') return weather end";
    let app = App::with(&[("app.yaml", &yaml), ("main.lua", main)], |builder| builder.module(weather()));
    let failure = app.main_fails().await;
    let expected =
        "app:main:1: module 'weather' not found: app:main lists it neither in modules nor in imports";
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn a_module_that_the_host_lacks_cannot_be_listed() {
    let error = App::try_new(&[("app.yaml", YAML), ("main.lua", "return {}")]).err().expect("it is refused");
    assert!(perilune_tests::render(&error).contains("weather"));
}

#[tokio::test]
async fn a_panic_in_a_quick_function_ends_that_cell_alone() {
    let app = app("pcall(weather.panics) return 'survived'");
    let failure = app.main_fails().await;
    assert_eq!(failure.kind, Kind::Internal);
    assert_eq!(failure.details.as_ref().and_then(|details| details.get("entry")), Some(&"app:main".into()));
    assert!(
        failure.message.contains("app:main") && failure.message.contains("quick trouble"),
        "{}",
        failure.message
    );
    assert_eq!(app.call("app:fine", &[1.into()]).await, Ok(1.into()));
}

#[tokio::test]
async fn a_panic_in_a_slow_function_ends_that_cell_alone() {
    let app = app("pcall(weather.panics_later) return 'survived'");
    let failure = app.main_fails().await;
    assert_eq!(failure.kind, Kind::Internal);
    assert_eq!(failure.details.as_ref().and_then(|details| details.get("entry")), Some(&"app:main".into()));
    assert!(
        failure.message.contains("app:main") && failure.message.contains("slow trouble"),
        "{}",
        failure.message
    );
    assert_eq!(app.call("app:fine", &[1.into()]).await, Ok(1.into()));
}

// Calls from Rust.

#[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
struct Order {
    id: String,
    items: Vec<u32>,
    note: Option<String>,
}

#[tokio::test]
async fn typed_calls_take_and_give_rust_types() {
    let runtime = app("").runtime;
    let order = Order { id: "A-1".to_owned(), items: vec![1, 2], note: None };
    assert_eq!(runtime.call_typed::<_, Order>("app:fine", (&order,)).await.expect("it fits"), order);
    assert_eq!(runtime.call_typed::<_, i64>("app:fine", 7).await.expect("it fits"), 7);
    assert_eq!(runtime.call_typed::<_, Option<i64>>("app:fine", ()).await.expect("it fits"), None);
}

#[tokio::test]
async fn a_result_of_another_type_is_an_error() {
    let called = app("").runtime.call_typed::<_, i64>("app:fine", ("text",)).await;
    assert!(matches!(called, Err(CallError::Type(_))), "{called:?}");
    let called = app("").runtime.call_typed::<_, i64>("app:nothing", ()).await;
    assert!(matches!(called, Err(CallError::Failure(failure)) if failure.kind == Kind::NotFound));
}

#[tokio::test]
async fn entries_may_come_from_memory() {
    let entry = Entry::new(EntryId::parse("app:hello").expect("a valid id"), "function.lua")
        .with_field("source", "return function(name) return 'hello ' .. name end")
        .with_field("method", "main");
    let runtime = Runtime::builder().entry(entry).build().expect("it is valid");
    assert_eq!(runtime.call("app:hello", ["moon".into()]).await, Ok("hello moon".into()));
}

#[tokio::test]
async fn a_host_sets_limits_for_entries_that_set_none() {
    let limits = Limits { cpu: Duration::from_millis(20), ..Limits::DEFAULT };
    let main = "return function() while true do end end";
    let app = App::with(&[("app.yaml", YAML), ("main.lua", main)], |builder| {
        builder.limits(limits).module(weather())
    });
    assert!(app.main_fails().await.message.contains("(20ms)"));
}

#[tokio::test]
async fn dropping_a_call_ends_its_cell() {
    let gate = Gate::default();
    let app = gated(&gate, EngineOptions { max_cells: 1, ..EngineOptions::default() });
    let runtime = app.runtime.clone();
    let running = tokio::spawn(async move { runtime.call("app:wait", []).await });
    gate.entered().await;
    running.abort();
    gate.left().await;
    assert_eq!(app.call("app:fine", &[]).await, Ok("fine".into()), "its place is free again");
}

// Places for cells.

fn gated(gate: &Gate, engine: EngineOptions) -> App {
    let yaml = "
namespace: app
entries:
  - {name: wait, kind: function.lua, source: \"return function() require('gate').wait() return 'waited' end\", method: main, modules: [gate]}
  - {name: fine, kind: function.lua, source: 'return function() return \"fine\" end', method: main}
";
    App::with(&[("app.yaml", yaml)], |builder| builder.engine(engine).module(gate.module()))
}

#[tokio::test]
async fn callers_wait_for_a_place() {
    let gate = Gate::default();
    let app = gated(&gate, EngineOptions { max_cells: 1, ..EngineOptions::default() });
    let runtime = app.runtime.clone();
    let running = tokio::spawn(async move { runtime.call("app:wait", []).await });
    gate.entered().await;
    let second = app.call("app:fine", &[]);
    tokio::pin!(second);
    assert!(second.as_mut().now_or_never().is_none(), "all places are taken");
    gate.open();
    assert_eq!(running.await.expect("no panic"), Ok("waited".into()));
    assert_eq!(second.await, Ok("fine".into()));
}

#[tokio::test]
async fn a_caller_that_waits_too_long_is_told_so() {
    let gate = Gate::default();
    let options =
        EngineOptions { max_cells: 1, max_wait: Duration::from_millis(10), ..EngineOptions::default() };
    let app = gated(&gate, options);
    let runtime = app.runtime.clone();
    let running = tokio::spawn(async move { runtime.call("app:wait", []).await });
    gate.entered().await;
    let failure = app.call("app:fine", &[]).await.expect_err("there is no place");
    assert_eq!((failure.kind.clone(), failure.retryable), (Kind::Unavailable, Some(true)));
    assert_eq!(failure.message, "all 1 cells were in use for 10ms");
    assert_eq!(failure.details.and_then(|details| details.get("limit").cloned()), Some("cells".into()));
    gate.open();
    assert_eq!(running.await.expect("no panic"), Ok("waited".into()));
    assert_eq!(app.call("app:fine", &[]).await, Ok("fine".into()));
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_at_once() {
    let gate = Gate::default();
    let app = gated(&gate, EngineOptions { max_cells: 1, max_waiting: 0, ..EngineOptions::default() });
    let runtime = app.runtime.clone();
    let running = tokio::spawn(async move { runtime.call("app:wait", []).await });
    gate.entered().await;
    let failure = app.call("app:fine", &[]).await.expect_err("there is no place");
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (Kind::Unavailable, "all 1 cells are in use and 0 callers wait already")
    );
    gate.open();
    assert_eq!(running.await.expect("no panic"), Ok("waited".into()));
}

// The contract.

#[test]
fn the_guest_imports_exactly_what_wit_says_and_no_wasi() {
    let engine = perilune_cell::Engine::new(EngineOptions { max_cells: 1, ..EngineOptions::default() })
        .expect("it starts");
    let guest = perilune_cell::Guest::new(
        &engine,
        perilune_guest_lua::COMPONENT,
        perilune_modules::ALWAYS,
        perilune::MODULES,
    )
    .expect("it compiles");
    let imports = guest.imports();
    assert!(!imports.iter().any(|import| import.contains("wasi")), "{imports:#?}");
    insta::assert_snapshot!(imports.join("\n"));
}

#[tokio::test]
async fn a_slow_function_suspends_only_its_coroutine() {
    let body = "
        local done = channel.new()
        coroutine.spawn(function() done:send(weather.later(1, 'two', nil, {3})[2]) end)
        assert(weather.later('main')[1] == 'main')
        assert(done:receive() == 'two')";
    app(body).main().await;
}

#[test]
fn names_that_lua_has_already_are_refused() {
    for name in
        ["json", "funcs", "string", "process", "channel", "subscribe", "print", "require", "_G", "pairs", ""]
    {
        let built = Runtime::builder().module(Extension::new(name)).build();
        assert!(matches!(built, Err(BuildError::ModuleName(refused)) if refused == name), "{name}");
    }
    let refused = Runtime::builder().module(Extension::new("json")).build().err().expect("it is taken");
    assert_eq!(
        refused.to_string(),
        "a module cannot be named `json`: a name is not empty, holds no colon, and is not taken by Lua or another module"
    );
    let twice = Runtime::builder().module(weather()).module(weather()).build();
    assert!(matches!(twice, Err(BuildError::ModuleName(refused)) if refused == "weather"));
}
