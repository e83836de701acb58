//! Limits: each ends one cell, is named in the failure, and leaves the next call working.

use perilune::{Call, Failure, Kind, Limits, Value};
use perilune_tests::{App, TIGHT};
use std::time::{Duration, Instant};

/// An application with the body as `app:main`, a well-behaved neighbour, and tight limits.
fn tight(body: &str) -> App {
    let yaml = "
version: '1.0'
namespace: app
entries:
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [time, funcs]}
  - {name: fine, kind: function.lua, source: 'return function() return \"fine\" end', method: main}
";
    let files = [("app.yaml", yaml), ("main.lua", &format!("return function()\n{body}\nend"))];
    App::with(&files, |builder| builder.limits(TIGHT))
}

/// Runs the body until it is stopped, and calls the neighbour afterwards.
async fn stopped(body: &str) -> Failure {
    let app = tight(body);
    let failure = app.main_fails().await;
    let fine = app.call("app:fine", &[]).await;
    assert_eq!(fine.expect("the next call works"), Value::from("fine"));
    failure
}

fn limit(failure: &Failure) -> (Kind, String) {
    let details = failure.details.as_ref().expect("a limit has details");
    assert_eq!(details.get("entry"), Some(&Value::from("app:main")));
    let limit = details.get("limit").and_then(Value::as_str).expect("the limit is named");
    (failure.kind.clone(), limit.to_owned())
}

/// Endless work, wherever it hides, meets the CPU limit.
macro_rules! endless {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let failure = stopped($body).await;
            assert_eq!(limit(&failure), (Kind::Timeout, "cpu".to_owned()), "{failure}");
        })*
    };
}

endless! {
    a_loop_is_stopped "while true do end"
    a_loop_inside_pcall_is_stopped "while true do pcall(function() while true do end end) end"
    a_loop_in_a_coroutine_is_stopped "coroutine.wrap(function() while true do end end)()"
    a_loop_in_a_spawned_coroutine_is_stopped "coroutine.spawn(function() while true do end end)"
    a_pathological_pattern_is_stopped "return (('a'):rep(30000)):gsub(('a*'):rep(30) .. 'b', '')"
    a_loop_in_a_metamethod_is_stopped "return setmetatable({}, {__index = function() while true do end end}).x"
    a_loop_in_a_comparator_is_stopped "table.sort({3, 1, 2}, function() while true do end end)"
    a_loop_in_a_finalizer_is_stopped "for i = 1, 1e9 do setmetatable({}, {__gc = function() while true do end end}) end"
    a_loop_in_tostring_is_stopped "print(setmetatable({}, {__tostring = function() while true do end end}))"
    a_loop_that_yields_to_itself_is_stopped "while true do coroutine.yield() end"
    a_loop_of_channel_operations_is_stopped "local ch = channel.new(1) while true do ch:send(1) ch:receive() end"
}

/// Whatever takes memory meets the memory limit.
macro_rules! greedy {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test]
        async fn $name() {
            let failure = stopped($body).await;
            assert_eq!(limit(&failure), (Kind::RateLimited, "memory".to_owned()), "{failure}");
        })*
    };
}

greedy! {
    a_huge_string_is_refused "return #('x'):rep(1e9)"
    a_growing_table_is_stopped "local t = {} for i = 1, 1e9 do t[i] = i end"
    growing_concatenation_is_stopped "local s = 'x' while true do s = s .. s end"
    catching_the_error_does_not_help "while true do pcall(string.rep, 'x', 1e9) end"
    tables_of_tables_are_stopped "local t = {} while true do t = {t, {}, {}, {}, {}} end"
    many_coroutines_are_stopped "local t = {} while true do t[#t + 1] = coroutine.create(function() end) end"
    a_growing_buffer_is_stopped "local t = {} for i = 1, 100 do t[i] = ('x'):rep(1 << 20) end return #table.concat(t)"
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn time_spent_in_host_functions_counts() {
    let body = "local hash, data = require('hash'), ('x'):rep(4 << 20) while true do hash.sha512(data) end";
    let yaml = format!(
        "{{namespace: app, name: main, kind: function.lua, method: main, modules: [hash], limits: {{cpu: 100ms, timeout: 10s}}, \
         source: \"return function() {body} end\"}}"
    );
    let failure = App::new(&[("app.yaml", &yaml)]).main_fails().await;
    assert_eq!(limit(&failure), (Kind::Timeout, "cpu".to_owned()), "{failure}");
}

#[tokio::test]
async fn garbage_is_not_counted_as_use() {
    let source = "return function() local s for i = 1, 64 do s = ('x'):rep(1 << 20) .. i end return #s end";
    let yaml = format!(
        "{{namespace: app, name: main, kind: function.lua, method: main, source: \"{source}\", limits: {{memory: 16MiB, cpu: 10s}}}}"
    );
    assert_eq!(App::new(&[("app.yaml", &yaml)]).main().await, Value::from((1 << 20) + 2));
}

#[tokio::test]
async fn deep_recursion_in_lua_is_an_error_that_can_be_caught() {
    let app = App::lua(
        "",
        "local function dig() return 1 + dig() end\nlocal ok, m = pcall(dig)\nassert(not ok)\nreturn m",
    );
    let message = app.main().await;
    assert!(message.as_str().expect("a text").contains("stack overflow"), "{message:?}");
}

#[tokio::test]
async fn deep_recursion_through_c_is_an_error_that_can_be_caught() {
    let body = "
        local function dig(s) return (s:gsub('.', function() return dig(s) end)) end
        local ok, message = pcall(dig, 'x')
        assert(not ok and message:find('overflow'), message)
        local nested = ('('):rep(100000)
        local ok, message = pcall(string.find, 'x', nested)
        assert(not ok, message)
        local t = setmetatable({}, {})
        getmetatable(t).__index = function(_, k) return t[k] end
        local ok, message = pcall(function() return t.x end)
        assert(not ok and message:find('overflow'), message)
        return 'survived'";
    assert_eq!(App::lua("", body).main().await, Value::from("survived"));
}

#[tokio::test]
async fn waiting_too_long_meets_the_wall_clock() {
    let app = tight("require('time').sleep('1h')");
    let call = Call::new("app:main").timeout(Duration::from_millis(50));
    let failure = app.runtime.call_with(call).await.expect_err("the call is stopped");
    assert_eq!(limit(&failure), (Kind::Timeout, "timeout".to_owned()));
}

#[tokio::test]
async fn an_entry_sets_its_own_limits() {
    let yaml = "
namespace: app
entries:
  - {name: main, kind: function.lua, source: 'return function() while true do end end', method: main, limits: {cpu: 20ms}}
";
    let failure = App::new(&[("app.yaml", yaml)]).main_fails().await;
    assert_eq!(failure.message, "app:main: one turn used more CPU time than `limits.cpu` allows (20ms)");
}

#[tokio::test]
async fn an_entry_cannot_exceed_the_hosts_ceiling() {
    let yaml = "
namespace: app
entries:
  - name: main
    kind: function.lua
    source: return function() end
    method: main
    limits: {memory: 2GiB, cpu: 1h}
";
    let error = App::try_new(&[("app.yaml", yaml)]).err().expect("the application is refused");
    let text = perilune_tests::render(&error);
    assert!(text.contains("this host allows 1024 MiB at most"), "{text}");
    assert!(text.contains("this host allows 60s at most"), "{text}");
}

#[tokio::test]
async fn the_hosts_ceiling_holds_for_its_defaults_too() {
    let ceiling = Limits { cpu: Duration::from_millis(20), ..Limits::CEILING };
    let yaml = "{namespace: app, name: main, kind: function.lua, method: main, source: 'return function() while true do end end'}";
    let app = App::with(&[("app.yaml", yaml)], |builder| builder.ceiling(ceiling));
    assert!(app.main_fails().await.message.contains("(20ms)"));
}

#[tokio::test]
async fn starting_operations_without_end_is_stopped() {
    let failure = stopped("local time = require('time') while true do time.after('1h') end").await;
    assert_eq!(limit(&failure), (Kind::RateLimited, "tickets".to_owned()));
}

#[tokio::test]
async fn operations_that_ended_do_not_count() {
    let body = "
        local time, done = require('time'), channel.new(200)
        for _ = 1, 200 do
          coroutine.spawn(function() for _ = 1, 60 do time.sleep(1) end done:send(true) end)
        end
        for _ = 1, 200 do done:receive() end";
    perilune_tests::check("time", body).await;
}

#[tokio::test]
async fn calls_that_lead_to_each_other_for_ever_are_stopped() {
    let app = tight("local value, err = require('funcs').call('app:main') return value, err");
    let failure = app.main_fails().await;
    assert_eq!(failure.kind, Kind::RateLimited);
    assert!(failure.message.contains("calls lead from one to the next"), "{}", failure.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spinners_do_not_keep_others_from_running() {
    let app = tight("while true do end");
    let spinners: Vec<_> = (0..8)
        .map(|_| {
            let runtime = app.runtime.clone();
            tokio::spawn(async move { runtime.call("app:main", []).await })
        })
        .collect();
    // All threads are taken by spinners, and yet every one of these gets its turns.
    for _ in 0..20 {
        assert_eq!(app.call("app:fine", &[]).await.expect("a neighbour runs"), Value::from("fine"));
    }
    for spinner in spinners {
        assert!(spinner.await.expect("no panic").is_err());
    }
}

#[tokio::test]
async fn os_clock_advances() {
    let started = Instant::now();
    let app = App::lua("", "local t = os.clock() repeat until os.clock() - t > 0.01 return os.clock()");
    let Value::Float(seconds) = app.main().await else { panic!("os.clock returns a float") };
    assert!(seconds > 0.01 && seconds <= started.elapsed().as_secs_f64());
}
