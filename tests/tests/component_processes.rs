//! `process.wasm`: an actor among those in Lua.

use perilune::{Kind, ProcessInfo, Value};
use perilune_tests::components::{COMMAND, PROCESS, app};
use perilune_tests::{App, PATIENCE, eventually};

const HOST: &str = "{name: host, kind: process.host, lifecycle: {auto_start: true}}";
const ECHO: &str = "{name: echo, kind: process.wasm, component: 'file://echo.wasm'}";

/// An application in which `app:main`, in Lua, has this body, and `app:echo` answers messages.
fn talking(body: &str) -> App {
    let main = "{name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [time]}";
    let lua = format!("return {{main = function(...)\nlocal time = require('time')\n{body}\nend}}");
    app(&[HOST, ECHO, main], &[("echo", PROCESS)], &[("main.lua", &lua)])
}

async fn started(app: &App) -> ProcessInfo {
    let mut found = None;
    eventually("the process has registered and waits", async || {
        found = app.runtime.processes().into_iter().find(|run| run.entry == "app:echo");
        found.as_ref().is_some_and(|run| run.state == "waiting" && run.names == ["echo"])
    })
    .await;
    found.expect("it runs")
}

#[tokio::test]
async fn lua_and_components_send_each_other_messages() {
    let app = talking(
        "local answers = process.listen('echo')
         local pid = assert(process.spawn('app:echo', 'app:host'))
         assert(process.send(pid, 'hello', {name = 'ada', tags = {1, 2.5}}))
         local answer = answers:receive()
         assert(answer.name == 'ada' and answer.tags[1] == 1 and answer.tags[2] == 2.5)
         assert(process.registry.lookup('echo') == pid)
         return true",
    );
    app.runtime.start().await.unwrap();
    let done = tokio::time::timeout(PATIENCE, app.call("app:main", &[])).await.expect("it is answered");
    assert_eq!(done.unwrap(), Value::Bool(true));
}

#[tokio::test]
async fn whoever_monitors_a_component_learns_of_its_result() {
    let app = talking(
        "local events = process.events()
         local pid = assert(process.spawn_monitored('app:echo', 'app:host'))
         assert(process.send(pid, 'stop', 'bye'))
         local event = events:receive()
         assert(event.kind == 'pid.exit' and event.from == pid)
         return event.result.value[1]",
    );
    app.runtime.start().await.unwrap();
    assert_eq!(app.main().await, Value::from("bye"));
}

#[tokio::test]
async fn a_component_that_is_asked_to_end_hears_of_it() {
    let app = talking(
        "local events = process.events()
         local pid = assert(process.spawn_monitored('app:echo', 'app:host'))
         assert(process.cancel(pid, 'enough'))
         return events:receive().result.value[1].kind",
    );
    app.runtime.start().await.unwrap();
    assert_eq!(app.main().await, Value::from("pid.cancel"));
}

#[tokio::test]
async fn the_end_of_a_linked_run_ends_a_component() {
    let app = talking(
        "local pid = assert(process.spawn_linked('app:echo', 'app:host'))
         error('it fails')",
    );
    app.runtime.start().await.unwrap();
    app.main_fails().await;
    eventually("nothing runs", async || app.runtime.processes().is_empty()).await;
}

#[tokio::test]
async fn an_operator_sees_a_component_and_ends_it_although_it_spins() {
    let app = talking("return process.spawn('app:echo', 'app:host')");
    app.runtime.start().await.unwrap();
    app.main().await;
    let seen = started(&app).await;
    assert_eq!((seen.host.as_str(), seen.entry.as_str()), ("app:host", "app:echo"));
    assert!(seen.memory.is_some_and(|bytes| bytes >= 64 << 10) && seen.turns >= 1);
    assert_eq!(app.runtime.inspect("echo").unwrap().process.pid, seen.pid);

    app.runtime.send("echo", "spin", &[]).unwrap();
    eventually("it computes", async || {
        app.runtime.inspect("echo").is_ok_and(|details| details.process.state == "running")
    })
    .await;
    app.runtime.terminate("echo").unwrap();
    eventually("nothing runs", async || app.runtime.processes().is_empty()).await;
}

#[tokio::test]
async fn a_component_that_spins_ends_at_its_cpu_time() {
    let echo = "{name: echo, kind: process.wasm, component: 'file://echo.wasm', limits: {cpu: 50ms}}";
    let main = "{name: main, kind: function.lua, source: 'file://main.lua', method: main}";
    let lua = "return {main = function()
        local events = process.events()
        local pid = assert(process.spawn_monitored('app:echo', 'app:host'))
        assert(process.send(pid, 'spin'))
        return events:receive().result.error:kind()
    end}";
    let app = app(&[HOST, echo, main], &[("echo", PROCESS)], &[("main.lua", lua)]);
    app.runtime.start().await.unwrap();
    assert_eq!(app.main().await, Value::from("Timeout"));
}

#[tokio::test]
async fn its_mailbox_is_bounded() {
    let host = "{name: host, kind: process.host, mailbox: {messages: 4}, lifecycle: {auto_start: true}}";
    let main = "{name: main, kind: function.lua, source: 'file://main.lua', method: main}";
    let lua = "return {main = function()
        local pid = assert(process.spawn('app:echo', 'app:host'))
        process.send(pid, 'spin')
        for n = 1, 100 do
            local sent, err = process.send(pid, 'more', n)
            if not sent then return err:kind() end
        end
    end}";
    let echo = "{name: echo, kind: process.wasm, component: 'file://echo.wasm', limits: {cpu: 60s}}";
    let app = app(&[host, echo, main], &[("echo", PROCESS)], &[("main.lua", lua)]);
    app.runtime.start().await.unwrap();
    assert_eq!(app.main().await, Value::from("RateLimited"));
}

#[tokio::test]
async fn a_service_keeps_a_component_running() {
    let service = "{name: service, kind: process.service, process: echo, host: host, lifecycle: {auto_start: true, restart: {initial_delay: 1ms}}}";
    let app = app(&[HOST, ECHO, service], &[("echo", PROCESS)], &[]);
    app.runtime.start().await.unwrap();
    let first = started(&app).await;
    app.runtime.terminate("echo").unwrap();
    eventually("another one runs", async || {
        app.runtime.processes().iter().any(|run| run.entry == "app:echo" && run.pid != first.pid)
    })
    .await;
    app.runtime.stop().await;
    assert!(app.runtime.processes().is_empty());
}

#[tokio::test]
async fn a_component_may_be_a_command() {
    let command = "{name: tool, kind: process.wasm, component: 'file://tool.wasm', meta: {command: {name: tool, short: prints}}}";
    let app = app(&[command], &[("tool", COMMAND)], &[]);
    assert_eq!(app.runtime.commands()[0].name, "tool");
    assert_eq!(app.runtime.run_command("tool", &["a".to_owned()]).await.unwrap(), Value::Nil);
    assert!(app.printed().contains(&"reading".to_owned()));
}

#[tokio::test]
async fn a_process_in_lua_is_not_upgraded_to_a_component() {
    let main = "{name: main, kind: process.lua, source: 'file://main.lua'}";
    let lua = "return {main = function() process.upgrade('app:echo') end}";
    let caller = "{name: caller, kind: function.lua, source: 'file://caller.lua', method: main}";
    let calls = "return {main = function() return process.exec('app:main', 'app:host') end}";
    let app =
        app(&[HOST, ECHO, main, caller], &[("echo", PROCESS)], &[("main.lua", lua), ("caller.lua", calls)]);
    app.runtime.start().await.unwrap();
    let failure = app.call("app:caller", &[]).await.unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(
        failure.message.contains("app:echo is a process.wasm, which holds no Lua"),
        "{}",
        failure.message
    );
}
