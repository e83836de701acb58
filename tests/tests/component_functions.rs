//! `function.wasm`: called like any function, under the same limits and with the same failures.

use perilune::{Call, EngineOptions, Kind, Value};
use perilune_tests::components::{COMMAND, ENTRY, FUNCTIONS, WAITING, app, try_app};
use perilune_tests::{App, PATIENCE, eventually, limit};
use std::time::Duration;

/// One function, `app:main`, that calls this export, with further fields.
fn function(method: &str, fields: &str) -> App {
    let entry = format!(
        "{{name: main, kind: function.wasm, component: 'file://main.wasm', method: {method}{fields}}}"
    );
    app(&[&entry], &[("main", FUNCTIONS)], &[])
}

#[tokio::test]
async fn a_component_is_called_by_its_types() {
    let app = function("add", "");
    let sum = app.call("app:main", &[Value::Integer(2), Value::Integer(40)]).await;
    assert_eq!(sum.unwrap(), Value::Integer(42));
}

#[tokio::test]
async fn lua_calls_a_component_as_it_calls_lua() {
    let entries = [
        "{name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [funcs]}",
        "{name: add, kind: function.wasm, component: 'file://functions.wasm', method: add}",
        "{name: refuse, kind: function.wasm, component: 'file://functions.wasm', method: refuse}",
        "{name: echo, kind: function.wasm, component: 'file://entry.wasm'}",
        "{name: program, kind: function.wasm, component: 'file://command.wasm'}",
    ];
    let lua = "return {main = function()
        local funcs = require('funcs')
        assert(funcs.call('app:add', 2, 3) == 5)
        local result, err = funcs.call('app:refuse', 'out of stock')
        assert(result == nil and err:message() == 'out of stock' and err:kind() == 'Internal')
        local _, wrong = funcs.call('app:add', 'two', 3)
        assert(wrong:kind() == 'Invalid' and wrong:message():find('argument 1', 1, true), wrong:message())
        local echo = funcs.call('app:echo', {name = 'ada', tags = {'a', 'b'}}, 1.5)
        assert(echo[1].name == 'ada' and echo[1].tags[2] == 'b' and echo[2] == 1.5)
        assert(funcs.call('app:program', 7)[1] == 7)
        return true
    end}";
    let guests = [("functions", FUNCTIONS), ("entry", ENTRY), ("command", COMMAND)];
    let app = app(&entries, &guests, &[("main.lua", lua)]);
    assert_eq!(app.main().await, Value::Bool(true));
    // What programs say besides is printed.
    assert_eq!(app.printed(), ["reading", "half"]);
}

#[tokio::test]
async fn a_component_has_no_image() {
    let id = perilune::EntryId::new("app", "main").expect("an id");
    let failure = function("add", "").runtime.image(&id).await.expect_err("it is no Lua");
    assert_eq!(failure.message, "app:main is a component, which has no image");
}

#[tokio::test]
async fn a_call_starts_from_nothing_each_time() {
    let app = function("count", ", pool: {type: static, size: 1}");
    for _ in 0..3 {
        assert_eq!(app.main().await, Value::Integer(1));
    }
}

#[tokio::test]
async fn limits_end_a_call_as_they_do_in_lua() {
    for (method, kind, which) in [
        ("spin", Kind::Timeout, Some("cpu")),
        ("bomb", Kind::RateLimited, Some("memory")),
        ("deep", Kind::Internal, Some("stack")),
        ("trap", Kind::Internal, None),
    ] {
        let app = function(method, ", limits: {memory: 8MiB, cpu: 50ms, timeout: 20s}");
        let failure = app.main_fails().await;
        assert_eq!((failure.kind.clone(), limit(&failure)), (kind, which), "{failure:?}");
        assert!(failure.message.starts_with("app:main: "), "{}", failure.message);
        assert_eq!(failure.details.unwrap().get("entry"), Some(&Value::from("app:main")));
    }
}

#[tokio::test]
async fn the_callers_timeout_holds_besides_the_entrys() {
    let app = function("spin", ", limits: {cpu: 60s, timeout: 60s}");
    let call = Call::new("app:main").timeout(Duration::from_millis(50));
    let failure = app.runtime.call_with(call).await.unwrap_err();
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Timeout, Some("timeout")));
}

#[tokio::test]
async fn a_call_that_spins_leaves_others_their_time() {
    let entries = [
        "{name: spin, kind: function.wasm, component: 'file://main.wasm', method: spin, limits: {cpu: 60s, timeout: 60s}}",
        "{name: main, kind: function.wasm, component: 'file://main.wasm', method: add}",
    ];
    let app = app(&entries, &[("main", FUNCTIONS)], &[]);
    let spinning = app.spawn("app:spin", &[]);
    for n in 0..20 {
        let args = [Value::Integer(n), Value::Integer(1)];
        let sum =
            tokio::time::timeout(PATIENCE, app.call("app:main", &args)).await.expect("it is not held up");
        assert_eq!(sum.unwrap(), Value::Integer(n + 1));
    }
    spinning.abort();
}

#[tokio::test]
async fn a_pool_bounds_the_calls_at_the_same_time_and_those_that_wait() {
    let entry = "{name: main, kind: function.wasm, component: 'file://main.wasm', method: wait, \
                 pool: {type: static, size: 2, buffer: 1}, limits: {timeout: 60s}}";
    let app = app(&[entry], &[("main", WAITING)], &[]);
    app.runtime.warm().await;
    let calls: Vec<_> = (0..3).map(|_| app.spawn("app:main", &[])).collect();
    app.until("app:main", |stats| stats.busy == 2 && stats.queued == 1).await;
    let failure = app.main_fails().await;
    assert_eq!((failure.kind.clone(), limit(&failure)), (Kind::Unavailable, Some("queue")));
    for call in &calls {
        call.abort();
    }
    app.until("app:main", |stats| stats.busy == 0 && stats.queued == 0).await;
}

#[tokio::test]
async fn a_call_that_is_given_up_ends() {
    let entry = "{name: main, kind: function.wasm, component: 'file://main.wasm', method: wait, limits: {timeout: 60s}}";
    let app = app(&[entry], &[("main", WAITING)], &[]);
    let call = app.spawn("app:main", &[]);
    eventually("the call runs", async || !app.runtime.processes().is_empty()).await;
    call.abort();
    eventually("nothing runs", async || app.runtime.processes().is_empty()).await;
}

#[tokio::test]
async fn a_method_is_named_by_the_entry_and_not_by_the_caller() {
    let failure = function("add", "").call("app:main.same", &[]).await.unwrap_err();
    assert_eq!(failure.kind, Kind::NotFound);
    assert_eq!(
        failure.message,
        "app:main.same: only a module.lua has methods to call by name, and app:main is a function.wasm, whose `method` says which \
         export it is"
    );
}

#[tokio::test]
async fn a_host_without_a_cache_compiles_all_the_same() {
    let entry = "{name: main, kind: function.wasm, component: 'file://main.wasm', method: add}";
    let settings = |builder: perilune::RuntimeBuilder| {
        builder.engine(EngineOptions { max_cells: 8, cache: None, ..EngineOptions::default() })
    };
    let app = try_app(&[entry], &[("main", FUNCTIONS)], &[], settings).expect("it loads");
    let sum = app.call("app:main", &[Value::Integer(1), Value::Integer(1)]).await;
    assert_eq!(sum.unwrap(), Value::Integer(2));
}

#[tokio::test]
async fn the_example_is_made_from_its_text_and_adds_up() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/components");
    let text = std::fs::read_to_string(folder.join("checksum.wat")).expect("the text is there");
    let made = perilune_tests::components::component(&text);
    assert!(
        std::fs::read(folder.join("checksum.wasm")).expect("the component is there") == made,
        "make it anew"
    );
    let runtime = perilune::Runtime::builder().directory(folder).build().expect("it loads");
    let call = |target: &'static str| runtime.call(target, [Value::from("Wikipedia")]);
    assert_eq!(call("sums:adler32").await.unwrap(), Value::Integer(300_286_872));
    assert_eq!(call("sums:hex").await.unwrap(), Value::from("11e60398"));
}
