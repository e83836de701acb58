//! What processes may do wrong, by mistake or on purpose: each gets the documented error, and others notice nothing.

use perilune::{Actor, Call, Failure, Kind, Value};
use perilune_tests::App;

const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host, mailbox: {messages: 100, bytes: 64KiB}}
  - {name: full, kind: process.host, max_processes: 10}
  - {name: good, kind: process.host}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [time, security], limits: {timeout: 25s, memory: 1GiB, cpu: 20s}}
  - {name: echo, kind: process.lua, source: 'file://echo.lua', method: main}
  - {name: idle, kind: process.lua, source: 'return function() channel.new():receive() process.inbox() end', method: main}
  - {name: wait, kind: process.lua, source: 'return function() process.listen(\"end\"):receive() end', method: main}
  - {name: link, kind: process.lua, source: 'file://link.lua', method: main}
  - {name: fails, kind: process.lua, source: 'return function() error(\"at once\") end', method: main}
  - {name: large, kind: process.lua, source: 'return function(n) return (\"x\"):rep(n) end', method: main}
  - {name: upgrades, kind: process.lua, source: 'return function(id) return process.upgrade(id) end', method: main}
  - {name: broken, kind: process.lua, source: 'local x = nil + 1 return function() end', method: main}
  - {name: loops, kind: process.lua, source: 'file://loops.lua', method: main}
";

/// With it, whatever is guarded needs a permission.
const POLICY: &str = "  - {name: spawn, kind: security.policy, policy: {actions: ['process.spawn*', 'process.host', 'process.registry.*', 'process.context'], resources: '*', effect: allow}}
  - {name: call, kind: security.policy, policy: {actions: 'process.*', resources: '*', effect: allow}}
";

const ECHO: &str = "return function(name)
  assert(process.registry.register(name))
  local count = 0
  while true do
    local message = process.inbox():receive()
    count = count + 1
    process.send(message:from(), 'pong', count)
  end
end";

/// Links itself with who is named, and fails when it is told.
const LINK: &str = "return function(parent)
  local inbox = process.inbox()
  process.send(parent, 'up', process.pid())
  while true do
    local message = inbox:receive()
    if message:topic() == 'fail' then error('the first') end
    assert(process.link(message:payload():data()))
    process.send(parent, 'linked')
  end
end";

/// Sends to itself for ever.
const LOOPS: &str = "return function()
  local inbox = process.inbox()
  process.send(process.pid(), 'again')
  while true do
    inbox:receive()
    assert(process.send(process.pid(), 'again'))
  end
end";

fn app(body: &str) -> App {
    app_with("", body)
}

fn app_with(entries: &str, body: &str) -> App {
    let yaml = format!("{ENTRIES}{entries}");
    let main = format!(
        "local time, security = require('time'), require('security')
         -- Fails unless an error has this kind and this limit in its details.
         local function refused(kind, limit, value, err)
           assert(not value and err and err:kind() == kind, tostring(value) .. ' ' .. tostring(err))
           assert(limit == nil or err:details().limit == limit, tostring(err))
           return err:message()
         end
         local function ended(pid)
           while true do
             local event = process.events():receive()
             if event.kind == 'pid.exit' and event.from == pid then return event.result end
           end
         end
         return function(...)\n{body}\nend"
    );
    let files = [("main.lua", main.as_str()), ("echo.lua", ECHO), ("link.lua", LINK), ("loops.lua", LOOPS)];
    let files: Vec<_> = files.into_iter().chain([("app.yaml", yaml.as_str())]).collect();
    App::new(&files)
}

/// Runs the body beside a process that answers before and after it.
async fn beside(body: &str) {
    let body = format!(
        "local pongs = process.listen('pong')
         local neighbour = assert(process.spawn('app:echo', 'app:good', 'neighbour'))
         process.send(neighbour, 'ping')
         assert(pongs:receive() == 1)
         do {body} end
         process.send(neighbour, 'ping')
         assert(pongs:receive() == 2)"
    );
    app(&body).main().await;
}

macro_rules! refusals {
    ($($name:ident $body:literal)*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            beside($body).await;
        })*
    };
}

refusals! {
    spawning_in_a_loop_ends_at_the_hosts_limit r#"
        local pids = {}
        while true do
            local pid, err = process.spawn_monitored("app:wait", "app:full")
            if not pid then refused(errors.RATE_LIMITED, "max_processes", pid, err) break end
            pids[#pids + 1] = pid
        end
        assert(#pids == 10)
        process.terminate(pids[1])
        ended(pids[1])
        assert(process.spawn("app:wait", "app:full"), "there is room again")
    "#

    a_message_of_100_megabytes_is_refused r#"
        local pid = process.spawn("app:wait", "app:host")
        local huge = ("x"):rep(100000000)
        refused(errors.RATE_LIMITED, "mailbox", process.send(pid, "topic", huge))
        refused(errors.RATE_LIMITED, "mailbox", process.send(pid, huge, 1))
        refused(errors.RATE_LIMITED, "mailbox", process.send("neighbour", "topic", huge))
        refused(errors.RATE_LIMITED, "mailbox", process.with_context({}):with_message("topic", huge):spawn("app:wait", "app:host"))
        refused(errors.INVALID, nil, process.cancel("neighbour", huge))
        refused(errors.INVALID, nil, process.registry.register(huge))
        refused(errors.NOT_FOUND, nil, process.send(huge, "topic"))
        assert(process.send(pid, "end"))
    "#

    what_cannot_cross_is_not_sent r#"
        local pid = process.spawn("app:wait", "app:host")
        local loop = {}
        loop.loop = loop
        for _, bad in ipairs({ print, coroutine.create(print), channel.new(), loop, { [{}] = 1 }, { deep = { print } } }) do
            refused(errors.INVALID, nil, process.send(pid, "topic", bad))
            refused(errors.INVALID, nil, process.spawn("app:wait", "app:host", bad))
            refused(errors.INVALID, nil, process.exec("app:wait", "app:host", bad))
        end
    "#

    the_dead_are_not_found r#"
        local pid = process.spawn_monitored("app:fails", "app:host")
        ended(pid)
        for _, name in ipairs({ "terminate", "cancel", "monitor", "link", "unmonitor", "unlink" }) do
            refused(errors.NOT_FOUND, nil, process[name](pid))
        end
        refused(errors.NOT_FOUND, nil, process.send(pid, "topic", 1))
        refused(errors.NOT_FOUND, nil, process.registry.register("late", pid))
    "#

    who_sends_to_itself_in_a_loop_slows_nobody_and_can_be_ended r#"
        local pid = process.spawn_monitored("app:loops", "app:host")
        for i = 1, 10 do
            process.send("neighbour", "ping")
            pongs:receive()
        end
        process.terminate(pid)
        ended(pid)
        local own = process.pid()
        for i = 1, 100000 do
            local sent, err = process.send(own, "again")
            if not sent then
                refused(errors.RATE_LIMITED, "mailbox", sent, err)
                -- A mailbox that is full has no room for answers either.
                local inbox = process.inbox()
                for _ = 1, 1024 do inbox:receive() end
                break
            end
            assert(i < 100000)
        end
        neighbour = process.spawn("app:echo", "app:good", "third")
        process.send(neighbour, "ping")
        while pongs:receive() ~= 1 do end
    "#

    a_cycle_of_links_falls_together_once r#"
        local ups, linked, pids = process.listen("up"), process.listen("linked"), {}
        for i = 1, 10 do
            process.spawn_monitored("app:link", "app:host", process.pid())
            pids[i] = ups:receive()
        end
        for i = 1, 10 do
            process.send(pids[i], "link", pids[i % 10 + 1])
            linked:receive()
        end
        process.send(pids[1], "fail")
        local seen = {}
        for i = 1, 10 do
            local event = process.events():receive()
            assert(event.kind == "pid.exit" and not seen[event.from])
            assert(event.result.error:message():find("the first", 1, true), event.result.error:message())
            seen[event.from] = true
        end
    "#

    a_name_that_is_taken_stays_where_it_is r#"
        refused(errors.ALREADY_EXISTS, nil, process.registry.register("neighbour"))
        refused(errors.ALREADY_EXISTS, nil, process.registry.register("neighbour", process.spawn("app:wait", "app:host")))
        assert(process.registry.unregister("neighbour") == false, "it is somebody else's")
        local named = process.with_context({}):with_name("neighbour")
        refused(errors.ALREADY_EXISTS, nil, named:exec("app:large", "app:host", 1))
        assert(named:spawn("app:fails", "app:host") == neighbour)
        local pid = process.spawn_monitored("app:echo", "app:host", "neighbour")
        assert(ended(pid).error:message():find("already registered", 1, true))
    "#

    an_upgrade_to_code_that_does_not_load_ends_the_process_with_its_error r#"
        local none, err = process.exec("app:upgrades", "app:host", "app:broken")
        assert(none == nil and err:message():find("app:broken:1", 1, true), tostring(err))
        local pid = process.spawn_monitored("app:upgrades", "app:host", "app:broken")
        assert(ended(pid).error:message():find("app:broken:1", 1, true))
        refused(errors.NOT_FOUND, nil, process.exec("app:upgrades", "app:host", "app:nothing"))
    "#

    a_deadlock_is_its_own_processs r#"
        local none, err = process.exec("app:idle", "app:host")
        assert(none == nil and err:message():find("deadlock", 1, true), tostring(err))
    "#

    exec_waits_no_longer_than_it_is_told r#"
        local quick = process.with_options({ timeout = "20ms" })
        refused(errors.TIMEOUT, "timeout", quick:exec("app:wait", "app:full"))
        assert(#quick:with_options({ timeout = 20000 }):exec("app:large", "app:full", 5) == 5)
        for i = 1, 9 do assert(process.spawn("app:wait", "app:full")) end
        refused(errors.INVALID, nil, quick:spawn("app:wait", "app:host"))
        refused(errors.INVALID, nil, process.with_options({ timeout = "soon" }):exec("app:wait", "app:host"))
        local fine, err = pcall(process.with_options, { network = "x" })
        assert(not fine and err:find("option network is not supported; there is timeout, for exec", 1, true), tostring(err))
    "#

    requests_to_end_do_not_fill_a_mailbox_that_nobody_reads r#"
        local pid = process.spawn("app:wait", "app:host")
        -- The refusal itself: a smaller request, or one after a turn of the other, may find room again.
        local count, fine, err = 0, true, nil
        while fine and count < 100000 do
            fine, err = process.cancel(pid, ("x"):rep(1024))
            count = count + 1
        end
        refused(errors.RATE_LIMITED, "mailbox", fine, err)
        assert(process.terminate(pid))
    "#

    ends_that_nobody_reads_do_not_fill_the_mailbox r#"
        -- Their results are larger than the mailbox of this call holds, which then learns of the end alone.
        local pids, without = {}, 0
        for i = 1, 12 do pids[i] = process.spawn_monitored("app:large", "app:good", 4000000) end
        time.sleep("1ms")
        for i = 1, 12 do
            local event = process.events():receive()
            local err = event.result.error
            assert(err == nil or err:kind() == errors.RATE_LIMITED and err:message():find("does not fit", 1, true), tostring(err))
            assert(err or #event.result.value == 4000000)
        end
    "#

    relations_and_names_have_an_end r#"
        local pid = process.spawn("app:wait", "app:host")
        for i = 1, 1000 do
            assert(process.monitor(pid) and process.link(pid))
            refused(errors.ALREADY_EXISTS, nil, process.monitor(pid))
            assert(process.unmonitor(pid) and process.unlink(pid))
            refused(errors.NOT_FOUND, nil, process.unlink(pid))
        end
        for i = 1, 1000 do assert(process.registry.register("name " .. i)) end
        refused(errors.RATE_LIMITED, "names", process.registry.register("one more"))
        assert(process.registry.unregister("name 1") and process.registry.register("one more"))
    "#

    a_context_has_a_largest_size r#"
        local large = process.with_context({ text = ("x"):rep(2000000) })
        refused(errors.RATE_LIMITED, "context", large:spawn("app:wait", "app:host"))
        assert(process.with_context({ text = ("x"):rep(1000000) }):spawn("app:wait", "app:host"))
    "#
}

#[tokio::test]
async fn who_may_not_send_cannot_do_so_through_a_name() {
    let app = app_with(
        POLICY,
        "local way, name = ...
      local builder = process.with_context({}):with_name(name)
      if way == 'message' then builder = builder:with_message('ping', 1) end
      local pid, err = builder:spawn('app:wait', 'app:host')
      return pid and 'fine' or err:kind()",
    );
    let call = async |way: &str, name: &str| call_as(&app, "app:spawn", way, name).await;
    assert_eq!(call_as(&app, "app:call", "plain", "taken").await, Ok("fine".into()));
    assert_eq!(call("message", "taken").await, Ok("PermissionDenied".into()));
    assert_eq!(call("message", "free").await, Ok("fine".into()), "one's own processes are another matter");
    assert_eq!(call("plain", "taken").await, Ok("fine".into()));
}

async fn call_as(app: &App, policy: &str, way: &str, name: &str) -> Result<Value, Failure> {
    let authority = app.runtime.authority(Actor::new("ann"), &[policy], &[]).expect("it is there");
    app.runtime.call_with(Call::new("app:main").arg(way).arg(name).authority(authority)).await
}

/// The failure of an application whose services are these.
async fn given_up(services: &str) -> Failure {
    let app = app_with(services, "");
    let failure = match app.runtime.start().await {
        Err(failure) => failure,
        Ok(()) => app.runtime.service_given_up().await,
    };
    app.runtime.stop().await;
    assert_eq!(app.call("app:large", &[Value::from(1)]).await, Ok("x".into()), "calls go on");
    failure
}

#[tokio::test]
async fn a_service_that_crashes_at_once_is_given_up_after_its_attempts() {
    let failure = given_up(
        "  - {name: keeper, kind: process.service, process: fails, host: good, lifecycle: {auto_start: true, restart: {initial_delay: 1ms, max_attempts: 3}}}\n",
    )
    .await;
    assert_eq!(failure.message, "app:keeper ended 3 times in a row: app:fails:1: at once");
}

#[tokio::test]
async fn services_that_need_each_other_are_refused() {
    let service = |name: &str, needs: &str| {
        format!(
            "  - {{name: {name}, kind: process.service, process: wait, host: good, lifecycle: {{auto_start: true, requires: ['app:{needs}']}}}}\n"
        )
    };
    let failure = given_up(&format!("{}{}{}", service("a", "b"), service("b", "c"), service("c", "a"))).await;
    assert_eq!(failure.kind, Kind::Invalid);
    for id in ["app:a", "app:b", "app:c"] {
        assert!(failure.message.contains(id), "{}", failure.message);
    }
}
