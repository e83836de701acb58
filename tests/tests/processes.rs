//! Processes: how they are started, what they learn of each other, and how they end.

use perilune_tests::App;

/// Entries that each test has besides its own function `main`.
const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host}
  - {name: small, kind: process.host, max_processes: 2, mailbox: {messages: 4, bytes: 4KiB}}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [time, funcs, system, ctx], limits: {timeout: 20s}}
  - {name: echo, kind: process.lua, source: 'file://echo.lua', method: main, modules: [time]}
  - {name: work, kind: process.lua, source: 'file://work.lua', method: main, modules: [time, ctx]}
  - {name: next, kind: process.lua, source: 'file://next.lua', method: main}
  - {name: broken, kind: process.lua, source: 'file://broken.lua', method: main}
  - {name: spin, kind: process.lua, source: 'return function() while true do end end', method: main, limits: {cpu: 10s}}
  - {name: wait, kind: process.lua, source: 'return function() process.inbox():receive() end', method: main}
";

/// Answers each message with what it says, until it is told to stop.
const ECHO: &str = "return function(...)
  local inbox = process.inbox()
  while true do
    local message = inbox:receive()
    if message:topic() == 'stop' then return 'stopped' end
    if message:topic() == 'fail' then error('failed as told') end
    process.send(message:from(), 'answer', message:payload():data())
  end
end";

/// Does what its first argument says.
const WORK: &str = "
local time, ctx = require('time'), require('ctx')
local works = {}
function works.add(a, b) return a + b end
function works.fail(text) error(text) end
function works.refuse(text) return nil, errors.new(errors.INVALID, text) end
function works.context(key) return ctx.get(key) end
function works.first() local ch = process.listen('first') return ch:receive() end
function works.deadlock()
  coroutine.spawn(function() channel.new():receive() end)
  process.inbox()
  channel.new():receive()
end
function works.events(count)
  process.set_options({ trap_links = true })
  local seen = {}
  for i = 1, count do
    local event = process.events():receive()
    seen[i] = event.kind .. (event.reason and ':' .. event.reason or '')
  end
  return seen
end
function works.link(pid, to)
  assert(process.link(pid))
  process.send(to, 'linked')
  process.inbox():receive()
end
function works.upgrade(...) return process.upgrade('app:next', process.pid(), ...) end
function works.upgrade_to(id) return process.upgrade(id) end
function works.name(name) assert(process.registry.register(name)) process.inbox():receive() end
return function(work, ...) return works[work](...) end";

/// What comes after an upgrade: says who it is, and what it finds unread.
const NEXT: &str = "return function(pid, count, to)
  assert(pid == process.pid() and process.id() == 'app:next')
  local seen = {}
  for i = 1, count do
    local message = process.inbox():receive()
    seen[i] = message:topic() .. '=' .. tostring(message:payload():data())
  end
  return table.concat(seen, ' ')
end";

fn app(main: &str) -> App {
    let main = format!(
        "local time, funcs, system = require('time'), require('funcs'), require('system')\n\
         local function events() return process.events() end\n\
         local function expect(kind, pid)\n\
           local picked = channel.select({{ process.events():case_receive(), time.after('15s'):case_receive() }})\n\
           assert(type(picked.value) == 'table', 'no event came')\n\
           assert(picked.value.kind == kind, picked.value.kind)\n\
           assert(pid == nil or picked.value.from == pid, picked.value.from)\n\
           return picked.value\n\
         end\n\
         return function(...)\n{main}\nend"
    );
    App::new(&[
        ("app.yaml", ENTRIES),
        ("main.lua", &main),
        ("echo.lua", ECHO),
        ("work.lua", WORK),
        ("next.lua", NEXT),
        ("broken.lua", "error('it does not load')"),
    ])
}

/// Declares tests whose Lua checks itself.
macro_rules! process_tests {
    ($($name:ident $main:literal)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            app($main).main().await;
        })*
    };
}

process_tests! {
    a_process_has_a_pid_of_its_host_and_answers_messages r#"
        local pid = assert(process.spawn("app:echo", "app:host"))
        assert(pid:find("^{app:host|%x+}$"), pid)
        local answers = process.listen("answer")
        for i = 1, 10 do
            assert(process.send(pid, "say", i))
            assert(answers:receive() == i)
        end
    "#

    arguments_reach_main_and_exec_gives_its_result r#"
        assert(process.exec("app:work", "app:host", "add", 40, 2) == 42)
        local none, err = process.exec("app:work", "app:host", "fail", "gone wrong")
        assert(none == nil and err:message():find("gone wrong", 1, true), tostring(err))
        none, err = process.exec("app:work", "app:host", "refuse", "no")
        assert(none == nil and err:kind() == errors.INVALID and err:message() == "no")
    "#

    what_is_not_there_is_named r#"
        local none, err = process.spawn("app:nothing", "app:host")
        assert(none == nil and err:kind() == errors.NOT_FOUND and err:message():find("factory not found", 1, true), tostring(err))
        none, err = process.spawn("app:echo", "app:nowhere")
        assert(none == nil and err:kind() == errors.NOT_FOUND and err:message():find("host not found", 1, true), tostring(err))
        none, err = process.spawn("app:main", "app:host")
        assert(none == nil and err:kind() == errors.INVALID, tostring(err))
        none, err = process.spawn("app:echo", "app:main")
        assert(none == nil and err:kind() == errors.INVALID, tostring(err))
        none, err = process.spawn(5, "app:host")
        assert(none == nil and err:kind() == errors.INVALID, tostring(err))
        none, err = process.send("nobody", "topic", 1)
        assert(none == nil and err:kind() == errors.NOT_FOUND
            and err:message() == "could not resolve 'nobody' as PID or registered name", tostring(err))
        none, err = process.send("{app:host|fffff}", "topic", 1)
        assert(none == nil and err:kind() == errors.NOT_FOUND, tostring(err))
    "#

    a_monitored_process_tells_how_it_ended r#"
        local pid = process.spawn_monitored("app:work", "app:host", "add", 1, 2)
        local event = expect(process.event.EXIT, pid)
        assert(event.result.value == 3 and event.result.error == nil and event.at > 1.7e9)
        pid = process.spawn_monitored("app:work", "app:host", "fail", "gone wrong")
        event = expect(process.event.EXIT, pid)
        assert(event.result.value == nil and event.result.error:message():find("gone wrong", 1, true))
    "#

    monitoring_begins_and_ends_at_any_time r#"
        local pid = process.spawn("app:echo", "app:host")
        assert(process.monitor(pid) == true)
        local none, err = process.monitor(pid)
        assert(none == nil and err:kind() == errors.ALREADY_EXISTS, tostring(err))
        assert(process.unmonitor(pid) == true)
        none, err = process.unmonitor(pid)
        assert(none == nil and err:kind() == errors.NOT_FOUND)
        assert(process.monitor(pid) == true)
        process.send(pid, "stop")
        assert(expect(process.event.EXIT, pid).result.value == "stopped")
        none, err = process.monitor(pid)
        assert(none == nil and err:kind() == errors.NOT_FOUND)
        none, err = process.monitor(process.pid())
        assert(none == nil and err:kind() == errors.INVALID)
    "#

    a_failure_is_an_event_for_who_traps_links r#"
        assert(process.get_options().trap_links == false)
        assert(process.set_options({ trap_links = true }) and process.get_options().trap_links == true)
        local pid = process.spawn_linked("app:work", "app:host", "fail", "gone wrong")
        local event = expect(process.event.LINK_DOWN, pid)
        assert(event.result.error:message():find("gone wrong", 1, true))
        local fine, err = process.set_options({ upgradeable = true })
        assert(fine == false and err:kind() == errors.INVALID)
        fine, err = process.set_options({ trap_links = 1 })
        assert(fine == false and err:kind() == errors.INVALID)
    "#

    a_good_end_tells_linked_processes_nothing r#"
        process.set_options({ trap_links = true })
        local pid = process.spawn_linked_monitored("app:work", "app:host", "add", 1, 2)
        expect(process.event.EXIT, pid)
        local other = process.spawn_monitored("app:work", "app:host", "add", 1, 2)
        expect(process.event.EXIT, other)
    "#

    who_does_not_trap_links_fails_with_them r#"
        local one = process.spawn("app:echo", "app:host")
        local two = process.spawn_monitored("app:work", "app:host", "link", one, process.pid())
        process.send(one, "say", "hello")
        assert(process.listen("answer"):receive() == "hello")
        process.listen("linked"):receive()
        process.send(one, "fail")
        local event = expect(process.event.EXIT, two)
        assert(event.result.error:message():find("linked process failed", 1, true), tostring(event.result.error))
    "#

    terminate_ends_a_process_that_waits r#"
        local pid = process.spawn_monitored("app:wait", "app:host")
        assert(process.terminate(pid) == true)
        local event = expect(process.event.EXIT, pid)
        assert(event.result.error:message() == "process terminated", tostring(event.result.error))
        local none, err = process.terminate(pid)
        assert(none == nil and err:kind() == errors.NOT_FOUND)
    "#

    terminate_ends_a_process_that_spins r#"
        local pid = process.spawn_monitored("app:spin", "app:host")
        time.sleep("20ms")
        assert(process.terminate(pid) == true)
        assert(expect(process.event.EXIT, pid).result.error:message() == "process terminated")
    "#

    cancel_is_an_event_that_a_process_may_ignore r#"
        local pid = process.spawn_monitored("app:work", "app:host", "events", 2)
        assert(process.cancel(pid, "enough") == true)
        assert(process.cancel(pid) == true)
        local seen = expect(process.event.EXIT, pid).result.value
        assert(seen[1] == "pid.cancel:enough" and seen[2] == "pid.cancel", table.concat(seen, " "))
    "#

    names_stand_for_pids_and_go_with_their_process r#"
        local pid = process.spawn_monitored("app:echo", "app:host")
        assert(process.registry.register("echo", pid) == true)
        assert(process.registry.register("echo", pid) == true, "again is fine")
        assert(process.registry.lookup("echo") == pid)
        local none, err = process.registry.register("echo")
        assert(none == nil and err:kind() == errors.ALREADY_EXISTS)
        local answers = process.listen("answer")
        assert(process.send("echo", "say", "hello") and answers:receive() == "hello")
        process.send("echo", "stop")
        expect(process.event.EXIT, pid)
        none, err = process.registry.lookup("echo")
        assert(none == nil and err:kind() == errors.NOT_FOUND)
        assert(process.registry.register("mine") and process.registry.lookup("mine") == process.pid())
        assert(process.registry.unregister("mine") == true and process.registry.unregister("mine") == false)
        for _, bad in ipairs({ "", "{x|00001}" }) do
            none, err = process.registry.register(bad)
            assert(none == nil and err:kind() == errors.INVALID, bad)
        end
    "#

    a_spawner_gives_context_a_name_and_first_messages r#"
        local base = process.with_context({ tenant = "acme" })
        assert(base:exec("app:work", "app:host", "context", "tenant") == "acme")
        assert(base:with_context({ tenant = "other" }):exec("app:work", "app:host", "context", "tenant") == "other")
        assert(base:exec("app:work", "app:host", "context", "tenant") == "acme", "a builder does not change")
        local first = process.with_message("first", "one"):exec("app:work", "app:host", "first")
        assert(first == "one", tostring(first))
        local named = process.with_name("unique"):with_message("say", 7)
        local answers = process.listen("answer")
        local pid = assert(named:spawn("app:echo", "app:host"))
        assert(answers:receive() == 7)
        assert(named:spawn("app:echo", "app:host") == pid, "whoever has the name gets the messages")
        assert(answers:receive() == 7)
        assert(process.registry.lookup("unique") == pid)
    "#

    spawning_by_a_name_whose_holder_is_just_ending_starts_a_new_one r#"
        process.events()
        for i = 1, 2000 do
          local named = process.with_name("brief"):with_message("n", i)
          local pid, problem = named:spawn("app:work", "app:host", "add", 1, 2)
          assert(pid or problem:kind() ~= "NotFound", problem and problem:message())
        end
    "#

    whoever_has_the_name_already_is_related_as_a_new_one_would_be r#"
        local named = process.with_name("unique")
        local pid = assert(named:spawn("app:echo", "app:host"))
        assert(named:spawn_monitored("app:echo", "app:host") == pid)
        assert(named:spawn_monitored("app:echo", "app:host") == pid, "it is monitored already")
        process.send(pid, "stop")
        assert(expect("pid.exit", pid).result.value == "stopped")
        pid = assert(named:spawn("app:echo", "app:host"))
        assert(named:spawn_linked("app:echo", "app:host") == pid)
        process.set_options({ trap_links = true })
        process.send(pid, "fail")
        expect("pid.link.down", pid)
        assert(process.registry.register("me"))
        local me = process.with_name("me"):with_message("to me")
        local none, err = me:spawn_linked("app:echo", "app:host")
        assert(none == nil and err:kind() == errors.INVALID, tostring(err))
    "#

    an_upgrade_keeps_pid_name_mailbox_and_relations r#"
        local messages = process.with_context({})
        for i = 1, 5 do messages = messages:with_message("m" .. i, i) end
        local pid = messages:with_name("old"):spawn_monitored("app:work", "app:host", "upgrade", 6)
        process.send(pid, "m6", 6)
        local event = expect(process.event.EXIT, pid)
        assert(event.result.value == "m1=1 m2=2 m3=3 m4=4 m5=5 m6=6", tostring(event.result.value or event.result.error))
    "#

    an_upgrade_to_what_is_not_there_is_refused_and_to_what_is_broken_fails r#"
        local none, err = process.exec("app:work", "app:host", "upgrade_to", "app:nothing")
        assert(none == nil and err:kind() == errors.NOT_FOUND, tostring(err))
        none, err = process.exec("app:work", "app:host", "upgrade_to", "app:main")
        assert(none == nil and err:kind() == errors.INVALID, tostring(err))
        none, err = process.exec("app:work", "app:host", "upgrade_to", "app:broken")
        assert(none == nil and err:message():find("it does not load", 1, true), tostring(err))
        none, err = process.upgrade()
        assert(none == nil and err:kind() == errors.INVALID)
    "#

    a_host_runs_no_more_than_its_number r#"
        local one, two = process.spawn_monitored("app:echo", "app:small"), process.spawn("app:echo", "app:small")
        assert(one and two)
        local none, err = process.spawn("app:echo", "app:small")
        assert(none == nil and err:kind() == errors.RATE_LIMITED and err:details().limit == "max_processes", tostring(err))
        process.send(one, "stop")
        expect(process.event.EXIT, one)
        assert(process.spawn("app:echo", "app:small"))
    "#

    a_full_mailbox_refuses_by_number_and_by_bytes r#"
        local pid = process.spawn("app:wait", "app:small")
        local sleeper = process.spawn("app:work", "app:small", "first")
        local refused
        for i = 1, 100 do
            local sent, err = process.send(sleeper, "other", i)
            if not sent then refused = err break end
        end
        assert(refused and refused:kind() == errors.RATE_LIMITED and refused:details().limit == "mailbox", tostring(refused))
        local none, err = process.send(pid, "big", ("x"):rep(5000))
        assert(none == nil and err:kind() == errors.RATE_LIMITED, tostring(err))
    "#

    functions_cannot_be_sent r#"
        local pid = process.spawn("app:echo", "app:host")
        local none, err = process.send(pid, "say", print)
        assert(none == nil and err:kind() == errors.INVALID, tostring(err))
        assert(process.send(pid, "", 1) == nil and process.send(pid, "@pid/events", 1) == nil)
    "#

    a_deadlock_names_where_each_coroutine_waits r#"
        local none, err = process.exec("app:work", "app:host", "deadlock")
        assert(none == nil and err:message():find("deadlock", 1, true), tostring(err))
        assert(err:message():find("main at app:work:%d+"), err:message())
        assert(err:message():find("coroutine 2 at app:work:%d+"), err:message())
    "#

    a_process_that_does_not_load_ends_with_its_error r#"
        local pid = assert(process.spawn_monitored("app:broken", "app:host"))
        assert(expect(process.event.EXIT, pid).result.error:message():find("it does not load", 1, true))
    "#
}

#[tokio::test]
async fn a_process_finds_nothing_of_those_whose_cells_it_gets() {
    // Processes that end leave their cells to the next ones: twenty in a row share one or two.
    let app = App::new(&[
        (
            "app.yaml",
            "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main}
  - {name: keeps, kind: process.lua, source: 'file://keeps.lua', method: main}
",
        ),
        (
            "keeps.lua",
            "local kept, runs = {}, 0
             return { main = function(secret)
               runs = runs + 1
               local found = #kept
               kept[#kept + 1] = secret
               local before = process.listen('topic')
               process.send(process.pid(), 'topic', secret)
               return runs .. ' ' .. found .. ' ' .. before:receive()
             end }",
        ),
        (
            "main.lua",
            "return function()
               for i = 1, 20 do
                 local secret = 'secret' .. i
                 local result, problem = process.exec('app:keeps', 'app:host', secret)
                 assert(not problem, tostring(problem))
                 assert(result == '1 0 ' .. secret, result)
               end
               return true
             end",
        ),
    ]);
    assert_eq!(app.main().await, perilune::Value::Bool(true));
}
