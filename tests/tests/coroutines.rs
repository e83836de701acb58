//! Coroutines: the language's own, the scheduler's, and waiting for the host inside them.

use perilune::Kind;
use perilune_tests::{App, failure, lua_tests};

lua_tests! {
    spawned_coroutines_run_beside_main("time") r#"
        local time = require("time")
        local log = {}
        coroutine.spawn(function()
          time.sleep("1ms")
          log[#log + 1] = "child"
        end)
        log[#log + 1] = "main"
        time.sleep("20ms")
        assert(table.concat(log, ",") == "main,child", table.concat(log, ","))
    "#

    a_spawned_coroutine_runs_up_to_its_first_wait_before_its_parent_goes_on("") r#"
        local log = {}
        local ch = channel.new()
        coroutine.spawn(function()
          log[#log + 1] = "child"
          ch:receive()
          log[#log + 1] = "child again"
        end)
        log[#log + 1] = "main"
        ch:send(1)
        coroutine.yield()
        assert(table.concat(log, ",") == "child,main,child again", table.concat(log, ","))
    "#

    the_languages_own_coroutines_work("") r#"
        local co = coroutine.create(function(a)
          local b = coroutine.yield(a + 1)
          return b * 2
        end)
        local ok, first = coroutine.resume(co, 1)
        assert(ok and first == 2 and coroutine.status(co) == "suspended")
        local ok, second = coroutine.resume(co, 10)
        assert(ok and second == 20 and coroutine.status(co) == "dead")
        local ok, message = coroutine.resume(co)
        assert(not ok and message == "cannot resume dead coroutine", message)
        local wrapped = coroutine.wrap(function() error("boom") end)
        local ok, message = pcall(wrapped)
        assert(not ok and message:find("boom"), message)
    "#

    waiting_inside_an_inner_coroutine_suspends_the_complete_task("time") r#"
        local time = require("time")
        local log = {}
        coroutine.spawn(function() log[#log + 1] = "other" end)
        local values = {}
        for value in coroutine.wrap(function()
          for i = 1, 3 do
            time.sleep("1ms")
            coroutine.yield(i)
          end
        end) do
          values[#values + 1] = value
        end
        assert(table.concat(values, ",") == "1,2,3")
        assert(log[1] == "other")
    "#

    waiting_passes_through_pcall_metamethods_and_iterators("time") r#"
        local time = require("time")
        local ok, value = pcall(function() time.sleep("1ms") return 7 end)
        assert(ok and value == 7)
        local ok, message = xpcall(function() time.sleep("1ms") error("late") end, function(m) return "handled " .. m end)
        assert(not ok and message:find("handled .*late"))
        local object = setmetatable({}, {
          __index = function(_, key) time.sleep("1ms") return key .. "!" end,
          __add = function() time.sleep("1ms") return 42 end,
          __call = function(_, x) time.sleep("1ms") return x end,
        })
        assert(object.field == "field!")
        assert(object + 1 == 42)
        assert(object(5) == 5)
        local sum = 0
        for i in (function(_, i) i = (i or 0) + 1 time.sleep("1ms") if i <= 3 then return i end end) do sum = sum + i end
        assert(sum == 6)
    "#

    waiting_where_lua_cannot_suspend_is_a_clear_error("time") r#"
        local time = require("time")
        local function refused(f)
          local ok, message = pcall(f)
          assert(not ok and tostring(message):find("cannot wait here"), tostring(message))
        end
        refused(function() table.sort({3, 1, 2}, function(a, b) time.sleep("1ms") return a < b end) end)
        refused(function() return ("abc"):gsub(".", function() time.sleep("1ms") end) end)
        refused(function() return tostring(setmetatable({}, {__tostring = function() time.sleep("1ms") return "" end})) end)
        refused(function() table.sort({3, 1, 2}, function(a, b)
          coroutine.wrap(function() time.sleep("1ms") end)()
          return a < b
        end) end)
        local ch = channel.new()
        refused(function() table.sort({3, 1, 2}, function(a, b) ch:receive() return a < b end) end)
        time.sleep("1ms")
    "#

    a_parked_coroutine_cannot_be_resumed_by_others("time") r#"
        local time = require("time")
        local inner = coroutine.create(function() time.sleep("10ms") return "done" end)
        local result
        local finished = channel.new()
        coroutine.spawn(function()
          result = select(2, coroutine.resume(inner))
          finished:send(true)
        end)
        local ok, message = coroutine.resume(inner)
        assert(not ok and message:find("waits for the host"), message)
        assert(coroutine.status(inner) == "normal")
        finished:receive()
        assert(result == "done")
    "#

    a_bare_yield_in_a_task_lets_others_run("") r#"
        local log = {}
        coroutine.spawn(function()
          for i = 1, 2 do log[#log + 1] = "a" .. i coroutine.yield() end
        end)
        for i = 1, 2 do log[#log + 1] = "b" .. i coroutine.yield() end
        assert(table.concat(log, " ") == "a1 b1 a2 b2", table.concat(log, " "))
    "#

    running_is_nil_in_main_only("") r#"
        assert(coroutine.running() == nil)
        local inside
        coroutine.spawn(function() inside = coroutine.running() end)
        assert(type(inside) == "thread")
    "#
}

#[tokio::test]
async fn an_error_in_any_coroutine_fails_the_call() {
    let failure =
        failure("time", "coroutine.spawn(function() error('child') end)\nrequire('time').sleep('1h')").await;
    assert_eq!(failure.kind, Kind::Internal);
    assert_eq!(failure.message, "app:main:2: child");
}

#[tokio::test]
async fn returning_from_main_ends_the_others() {
    let app = App::lua(
        "time",
        "coroutine.spawn(function() require('time').sleep('1h') print('never') end)\nreturn 1",
    );
    assert_eq!(app.main().await, 1.into());
    assert!(app.printed().is_empty());
}

#[tokio::test]
async fn a_deadlock_is_named_with_the_places() {
    let failure =
        failure("", "local ch = channel.new()\ncoroutine.spawn(function()\nch:receive() end)\nch:receive()")
            .await;
    assert_eq!(failure.kind, Kind::Internal);
    let expected = "deadlock: all coroutines blocked with no pending operations (threads=2): main at app:main:5, \
                    coroutine 2 at app:main:4";
    assert_eq!(failure.message, expected);
}

#[tokio::test]
async fn a_chunk_cannot_wait_while_it_loads() {
    let files = [
        (
            "app.yaml",
            "namespace: app\nname: main\nkind: function.lua\nsource: file://m.lua\nmethod: main\nmodules: [time]\n",
        ),
        ("m.lua", "require('time').sleep('1ms')\nreturn function() end\n"),
    ];
    let failure = App::new(&files).main_fails().await;
    assert!(failure.message.contains("cannot wait here"), "{}", failure.message);
}
