//! `function.lua`: what its source returns, what a call gives back, and module `funcs`.

use perilune::{Call, Extension, Failure, Kind, Value};
use perilune_tests::App;
use perilune_tests::gate::Gate;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const MAIN: &str = "{namespace: app, name: main, kind: function.lua, source: file://main.lua, method: main}";

/// One function of this source.
fn function(source: &str) -> App {
    App::new(&[("app.yaml", MAIN), ("main.lua", source)])
}

/// What calls reach in the tests of `funcs`.
const SERVICES: &str = r#"
version: "1.0"
namespace: app
entries:
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [funcs, ctx, gate, time]}
  - {name: double, kind: function.lua, source: "return function(x) return x * 2 end", method: main}
  - {name: echo, kind: function.lua, source: "return function(...) return {n = select('#', ...), ...} end", method: main}
  - {name: blocked, kind: function.lua, source: "return function() require('gate').wait() end", method: main, modules: [gate]}
  - {name: tax, kind: module.lua, source: "return {rate = function(country) return country == 'DE' and 19 or 0 end, VERSION = 2}"}
  - {name: job, kind: process.lua, source: "return function(name) return name .. ' done' end", method: main}
  - {name: helpers, kind: library.lua, source: "return {}"}
  - {name: settings, kind: registry.entry, value: 7}
  - {name: raises, kind: function.lua, source: "return function() error('boom') end", method: main}
  - name: refuses
    kind: function.lua
    method: main
    source: |
      return function()
        return nil, errors.new({message = "no such order", kind = "NotFound", retryable = true, details = {order = 7}})
      end
  - name: user
    kind: function.lua
    method: main
    modules: [ctx]
    source: return function() return require("ctx").get("user") end
  - name: nested
    kind: function.lua
    method: main
    modules: [ctx, funcs]
    source: |
      return function()
        local funcs = require("funcs")
        return {
          inherited = funcs.call("app:user"),
          changed = funcs.new():with_context({user = "grace"}):call("app:user"),
          own = require("ctx").get("user"),
        }
      end
  - name: deep
    kind: function.lua
    method: main
    modules: [funcs]
    source: |
      return function(depth)
        local result, err = require("funcs").call("app:deep", depth + 1)
        if err then
          return {depth = depth, kind = err:kind(), message = err:message()}
        end
        return result
      end
"#;

fn services(body: &str) -> (App, Gate) {
    let gate = Gate::default();
    let main = format!(
        "local funcs, ctx, gate, time = require('funcs'), require('ctx'), require('gate'), require('time')
         return function(...)\n{body}\nend"
    );
    let app =
        App::with(&[("app.yaml", SERVICES), ("main.lua", &main)], |builder| builder.module(gate.module()));
    (app, gate)
}

/// Tests whose Lua checks itself, beside [`SERVICES`].
macro_rules! callers {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            services($body).0.main().await;
        })*
    };
}

// What a source returns, and which method a call runs.

#[tokio::test]
async fn a_returned_function_serves_any_method() {
    assert_eq!(function("return function() return 'served' end").main().await, "served".into());
}

#[tokio::test]
async fn a_returned_table_is_indexed_by_the_method() {
    let app = function("return {main = function() return 'main' end, other = function() return 'other' end}");
    assert_eq!(app.main().await, "main".into());
}

#[tokio::test]
async fn a_method_is_looked_up_raw() {
    let failure =
        function("return setmetatable({}, {__index = function() return print end})").main_fails().await;
    assert_eq!(failure.kind, Kind::NotFound);
    assert_eq!(failure.message, r#"app:main: method "main" not found in module"#);
}

#[tokio::test]
async fn a_method_that_is_missing_is_named() {
    let failure = function("return {mian = function() end}").main_fails().await;
    assert_eq!(failure.kind, Kind::NotFound);
    assert_eq!(failure.message, r#"app:main: method "main" not found in module"#);
}

#[tokio::test]
async fn a_method_that_is_no_function_is_named() {
    let failure = function("return {main = 42}").main_fails().await;
    assert_eq!(failure.kind, Kind::NotFound);
    assert_eq!(failure.message, r#"app:main: method "main" is a number, not a function"#);
}

#[tokio::test]
async fn a_source_that_returns_nothing_to_call_is_named() {
    let failure = function("local function main() end").main_fails().await;
    let expected = r#"app:main: method "main" not found in module: its source must return a function or a table of functions, not a nil"#;
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::NotFound, expected));
}

#[tokio::test]
async fn each_invocation_is_independent() {
    let app = function(
        "counter, shared = 0, {}
         local upvalue = 0
         return function()
           counter, upvalue, shared[#shared + 1] = counter + 1, upvalue + 1, true
           return counter + upvalue + #shared
         end",
    );
    for _ in 0..3 {
        assert_eq!(app.main().await, 3.into());
    }
}

// What a call gives back.

#[tokio::test]
async fn only_the_first_result_counts() {
    for returned in ["1", "1, 2", "1, nil, 'ignored'", "1, {}", "1, false"] {
        let app = function(&format!("return function() return {returned} end"));
        assert_eq!(app.main().await, 1.into(), "return {returned}");
    }
    assert_eq!(function("return function() end").main().await, Value::Nil);
}

#[tokio::test]
async fn a_text_as_second_result_is_a_failure() {
    let failure = function("return function() return nil, 'out of stock' end").main_fails().await;
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Internal, "out of stock"));
    assert_eq!(failure.retryable, Some(false));
}

#[tokio::test]
async fn an_error_object_keeps_what_it_says_returned_or_raised() {
    let object = "errors.new({message = 'gone', kind = 'Conflict', retryable = true, details = {id = 7}})";
    for ending in [format!("return nil, {object}"), format!("error({object})")] {
        let failure = function(&format!("return function() {ending} end")).main_fails().await;
        let Failure { kind, message, retryable, details, .. } = failure;
        assert_eq!((kind, message.as_str(), retryable), (Kind::Conflict, "gone", Some(true)), "{ending}");
        assert_eq!(details, Some(Value::from_iter([("id", 7)])), "{ending}");
    }
}

#[tokio::test]
async fn a_raised_text_names_entry_and_line() {
    let failure = function("return function()\n  error('boom')\nend").main_fails().await;
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Internal, "app:main:2: boom"));
    assert!(failure.stack.is_some_and(|stack| stack.contains("app:main:2")));
}

// `funcs.call`.

callers! {
    funcs_call_calls_a_function r#"
        assert(funcs.call("app:double", 21) == 42)
        local got = funcs.call("app:echo", 1, nil, "three", nil)
        assert(got.n == 4 and got[1] == 1 and got[2] == nil and got[3] == "three")
    "#

    funcs_call_calls_a_modules_method r#"
        assert(funcs.call("app:tax.rate", "DE") == 19)
    "#

    funcs_call_runs_a_process_to_its_end r#"
        assert(funcs.call("app:job", "backup") == "backup done")
    "#

    funcs_call_gives_back_the_callees_error r#"
        local value, err = funcs.call("app:refuses")
        assert(value == nil and err:kind() == "NotFound" and err:message() == "no such order")
        assert(err:retryable() == true and err:details().order == 7)
        local value, err = funcs.call("app:raises")
        assert(value == nil and err:kind() == "Internal" and err:message():find("app:raises:1: boom", 1, true), err:message())
    "#

    a_malformed_id_is_invalid r#"
        for _, id in ipairs({"", "double", ":double", "app:", 7, false}) do
          local value, err = funcs.call(id)
          assert(value == nil and err:kind() == "Invalid", tostring(id) .. ": " .. tostring(err))
          local future, err = funcs.async(id)
          if future then
            future:channel():receive()
            err = future:error()
          end
          assert(err:kind() == "Invalid", tostring(id) .. ": " .. tostring(err))
        end
        local _, err = funcs.call("double")
        assert(err:message() == "`double` is no entry id: write `namespace:name` or `namespace:name.method`", err:message())
    "#

    an_unknown_entry_is_not_found r#"
        local value, err = funcs.call("app:nothing")
        assert(value == nil and err:kind() == "NotFound" and err:message() == "no entry app:nothing", err:message())
        local value, err = funcs.call("app:double.half")
        assert(value == nil and err:kind() == "NotFound", err:message())
    "#

    a_library_cannot_be_called r#"
        local value, err = funcs.call("app:helpers")
        assert(value == nil and err:kind() == "Invalid")
        assert(err:message() == "app:helpers is a library.lua, which cannot be called: import it", err:message())
    "#

    an_entry_without_code_cannot_be_called r#"
        local value, err = funcs.call("app:settings")
        assert(value == nil and err:kind() == "Invalid")
        assert(err:message() == "app:settings is a registry.entry, which holds no code", err:message())
    "#

    a_module_is_not_called_without_a_method r#"
        local value, err = funcs.call("app:tax")
        assert(value == nil and err:kind() == "Invalid")
        assert(err:message() == "app:tax is a module.lua and has no method of its own: call `app:tax.<method>`", err:message())
    "#

    arguments_that_cannot_cross_are_refused_with_their_path r#"
        local value, err = funcs.call("app:echo", 1, {list = {1, print}})
        assert(value == nil and err:kind() == "Invalid", tostring(err))
        assert(err:message():find("list", 1, true), err:message())
        local future, err = funcs.async("app:echo", coroutine.create(print))
        assert(future == nil and err:kind() == "Invalid", tostring(err))
    "#
}

// `funcs.async`: futures.

callers! {
    a_future_answers_on_its_channel_once_and_closes r#"
        local future = funcs.async("app:double", 21)
        assert(future:response() == future:channel() and future:channel() == future:channel())
        local payload, ok = future:response():receive()
        assert(ok and payload:data() == 42)
        local again, ok = future:response():receive()
        assert(again == nil and not ok)
    "#

    a_pending_future_has_neither_result_nor_error r#"
        local future = funcs.async("app:blocked")
        gate.entered()
        assert(not future:is_complete() and not future:is_canceled())
        local result, err = future:result()
        assert(result == nil and err == nil)
        local err, failed = future:error()
        assert(err == nil and failed == false)
    "#

    a_future_that_succeeded r#"
        local future = funcs.async("app:double", 4)
        future:channel():receive()
        assert(future:is_complete() and not future:is_canceled())
        local result, err = future:result()
        assert(result:data() == 8 and err == nil)
        assert(future:result():data() == 8)
        local err, failed = future:error()
        assert(err == nil and failed == false)
    "#

    a_future_that_failed_keeps_the_kind r#"
        local future = funcs.async("app:refuses")
        local received = future:channel():receive()
        assert(received:kind() == "NotFound")
        assert(future:is_complete() and not future:is_canceled())
        local result, err = future:result()
        assert(result == nil and err:kind() == "NotFound" and err:details().order == 7)
        local err, failed = future:error()
        assert(failed == true and err:kind() == "NotFound")
    "#

    a_future_that_was_canceled r#"
        local future = funcs.async("app:blocked")
        gate.entered()
        assert(future:cancel() == true)
        assert(future:is_complete() and future:is_canceled())
        local result, err = future:result()
        assert(result == nil and err:kind() == "Canceled")
        local err, failed = future:error()
        assert(failed == true and err:kind() == "Canceled")
        local received = future:channel():receive()
        assert(received:kind() == "Canceled")
        assert(future:cancel() == true)
    "#

    canceling_a_future_ends_the_callee r#"
        local future = funcs.async("app:blocked")
        gate.entered()
        future:cancel()
        gate.left()
    "#

    canceling_what_is_complete_changes_nothing r#"
        local future = funcs.async("app:double", 4)
        future:channel():receive()
        assert(future:cancel() == true)
        assert(not future:is_canceled() and future:result():data() == 8)
    "#

    select_takes_the_future_that_is_ready r#"
        local slow, quick = funcs.async("app:blocked"), funcs.async("app:double", 21)
        local result = channel.select({slow:channel():case_receive(), quick:channel():case_receive()})
        assert(result.channel == quick:channel() and result.value:data() == 42)
        assert(not slow:is_complete())
    "#

    many_futures_answer_each_for_itself r#"
        local futures = {}
        for i = 1, 20 do futures[i] = funcs.async("app:double", i) end
        for i = 20, 1, -1 do assert(futures[i]:response():receive():data() == 2 * i) end
    "#
}

#[tokio::test]
async fn a_call_that_ends_ends_its_futures_callees() {
    let (app, gate) = services("funcs.async('app:blocked') gate.entered() return 'over'");
    assert_eq!(app.main().await, "over".into());
    gate.left().await;
}

#[tokio::test]
async fn asynchronous_calls_run_at_the_same_time() {
    let body = "
        local one, other = funcs.async('app:blocked'), funcs.async('app:blocked')
        gate.entered()
        gate.entered()
        gate.open()
        gate.open()
        one:channel():receive()
        other:channel():receive()
        return one:is_complete() and other:is_complete()";
    assert_eq!(services(body).0.main().await, Value::Bool(true));
}

/// Each call computes until it sees the other one do so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asynchronous_calls_that_compute_do_not_hold_each_other_up() {
    let arrived = Arc::new(AtomicUsize::new(0));
    let together = arrived.clone();
    let meeting = Extension::new("meeting").function("is_complete", move |args| {
        if args.first() == Some(&Value::Bool(true)) {
            together.fetch_add(1, Ordering::SeqCst);
        }
        Ok(Value::Bool(together.load(Ordering::SeqCst) == 2))
    });
    let meet = "local meeting = require('meeting')
        return function()
          local complete = meeting.is_complete(true)
          while not complete do complete = meeting.is_complete() end
          return true
        end";
    let main = "local funcs = require('funcs')
        return function()
          local one, other = funcs.async('app:meet'), funcs.async('app:meet')
          return one:channel():receive():data() and other:channel():receive():data()
        end";
    let entries = [
        ("main", "function", "modules: [funcs]", main),
        ("meet", "function", "modules: [meeting], limits: {cpu: 30s}", meet),
    ];
    let app = App::entries_with(&entries, |builder| builder.module(meeting));
    assert_eq!(app.main().await, Value::Bool(true));
    assert_eq!(arrived.load(Ordering::SeqCst), 2);
}

// Executors.

callers! {
    an_executors_context_reaches_the_callee r#"
        local executor = funcs.new():with_context({user = "ada"})
        assert(executor:call("app:user") == "ada")
        assert(executor:async("app:user"):channel():receive():data() == "ada")
    "#

    with_context_returns_another_executor r#"
        local plain = funcs.new()
        local ada = plain:with_context({user = "ada"})
        local _, err = plain:call("app:user")
        assert(err and err:kind() == "NotFound", tostring(err))
        assert(ada:with_context({other = 1}):call("app:user") == "ada")
        assert(ada:with_context({user = "grace"}):call("app:user") == "grace")
        assert(ada:call("app:user") == "ada")
    "#

    nested_calls_inherit_the_context r#"
        local seen = funcs.new():with_context({user = "ada"}):call("app:nested")
        assert(seen.own == "ada" and seen.inherited == "ada" and seen.changed == "grace")
    "#

    an_executors_timeout_ends_the_callee r#"
        for _, timeout in ipairs({20, 20.5, "20ms"}) do
          local value, err = funcs.new():with_options({timeout = timeout}):call("app:blocked")
          assert(value == nil and err:kind() == "Timeout", tostring(err))
          assert(err:details().limit == "timeout" and err:details().entry == "app:blocked")
          gate.entered()
          gate.left()
        end
    "#

    an_executors_timeout_does_not_touch_quick_calls r#"
        local executor = funcs.new():with_options({timeout = "1m"}):with_context({user = "ada"})
        assert(executor:call("app:double", 2) == 4 and executor:call("app:user") == "ada")
    "#

    a_timeout_that_is_no_time_is_refused r#"
        for _, timeout in ipairs({0, -1, "soon", "", true, 0/0, -math.huge, {}}) do
          local value, err = funcs.new():with_options({timeout = timeout}):call("app:double", 1)
          assert(value == nil and err:kind() == "Invalid", tostring(timeout) .. ": " .. tostring(err))
        end
    "#
}

#[tokio::test]
async fn the_hosts_context_reaches_nested_calls_too() {
    let (app, _gate) = services("return funcs.call('app:user')");
    let called = app.runtime.call_with(Call::new("app:main").context("user", "ada")).await;
    assert_eq!(called.expect("it succeeds"), "ada".into());
}

#[tokio::test]
async fn calls_nested_too_deep_are_refused() {
    let (app, _gate) = services("return funcs.call('app:deep', 1)");
    let refused = app.main().await;
    assert_eq!(refused.get("kind"), Some(&"RateLimited".into()));
    assert_eq!(refused.get("depth"), Some(&32.into()));
    assert_eq!(
        refused.get("message"),
        Some(&"app:deep: calls lead from one to the next more than 32 times".into())
    );
}
