//! Hosts of processes and the services that keep processes alive.

use perilune::Value;
use perilune_tests::App;
use std::time::Duration;

/// Lets other tasks run until something is so; whoever waits longer waits for something that does not happen.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let settled = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), settled)
        .await
        .unwrap_or_else(|_| panic!("waited for: {what}"));
}

const COUNTER: &str = "return function()
  local count, inbox = 0, process.inbox()
  local kept, parked = { text = 'kept' }, channel.new(1)
  coroutine.spawn(function() parked:receive() count = count + 1000 end)
  while true do
    local message = inbox:receive()
    count = count + 1
    if message:topic() == 'wake' then parked:send(true) end
    process.send(message:from(), 'count', { count, kept.text })
  end
end";

const HIBERNATING: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host, hibernate_after: 1ms}
  - {name: counter, kind: process.lua, source: 'file://counter.lua', method: main}
  - {name: start, kind: function.lua, source: 'return function() return process.spawn(\"app:counter\", \"app:host\") end', method: main}
  - {name: many, kind: function.lua, source: 'return function(n) for i = 1, n do assert(process.spawn(\"app:counter\", \"app:host\")) end end', method: main}
  - {name: ask, kind: function.lua, source: 'file://ask.lua', method: main}
  - {name: stop, kind: function.lua, source: 'return function(pid) return process.terminate(pid) end', method: main}
";
const ASK: &str = "return function(pid, topic)
  local answers = process.listen('count')
  assert(process.send(pid, topic))
  return answers:receive()
end";

fn hibernating() -> App {
    App::new(&[("app.yaml", HIBERNATING), ("counter.lua", COUNTER), ("ask.lua", ASK)])
}

fn counted(count: i64) -> Value {
    Value::Array(vec![count.into(), "kept".into()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_waits_hibernates_and_goes_on_with_the_next_message() {
    let app = hibernating();
    let pid = app.call("app:start", &[]).await.expect("it starts");
    for round in 1..=5 {
        until("it hibernates", async || app.runtime.processes_at_rest(true) == 1).await;
        let answer = app.call("app:ask", &[pid.clone(), "ask".into()]).await;
        assert_eq!(answer, Ok(counted(round)));
    }
    until("it hibernates", async || app.runtime.processes_at_rest(true) == 1).await;
    assert_eq!(app.call("app:ask", &[pid.clone(), "wake".into()]).await, Ok(counted(6)));
    assert_eq!(
        app.call("app:ask", &[pid.clone(), "ask".into()]).await,
        Ok(counted(1007)),
        "a coroutine slept, too"
    );
    until("it hibernates", async || app.runtime.processes_at_rest(true) == 1).await;
    assert_eq!(app.call("app:stop", std::slice::from_ref(&pid)).await, Ok(Value::Bool(true)));
    until("it is gone", async || app.runtime.processes_at_rest(true) == 0).await;
}

/// The engine of a test has 64 places.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_are_more_processes_than_cells() {
    let app = hibernating();
    app.call("app:many", &[Value::Integer(500)]).await.expect("they start");
    until("all hibernate", async || app.runtime.processes_at_rest(true) == 500).await;
    let pid = app.call("app:start", &[]).await.expect("one more");
    assert_eq!(app.call("app:ask", &[pid, "ask".into()]).await, Ok(counted(1)));
}

const SERVICES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: process.host, lifecycle: {auto_start: true}}
  - {name: tries, kind: store.memory}
  - name: flaky
    kind: process.lua
    source: file://flaky.lua
    method: main
    modules: [store]
  - name: keeper
    kind: process.service
    process: flaky
    host: host
    input: [three]
    lifecycle: {auto_start: true, restart: {initial_delay: 1ms, max_delay: 5ms}}
  - {name: ask, kind: function.lua, source: 'file://ask.lua', method: main, modules: [store]}
";

/// Fails at its first two starts, and stays at the third.
const FLAKY: &str = "local store = require('store')
return function(word)
  local tries = assert(store.get('app:tries'))
  local count = (tries:get('count') or 0) + 1
  assert(tries:set('count', count))
  if count < 3 then error('not yet') end
  assert(word == 'three' and process.registry.register('flaky'))
  local event = process.events():receive()
  assert(tries:set('asked', event.reason))
  return 'done'
end";

const TRIES: &str = "local store = require('store')
return function(key) return assert(store.get('app:tries')):get(key), nil end";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_starts_its_process_again_and_asks_it_to_end() {
    let app = App::new(&[("app.yaml", SERVICES), ("flaky.lua", FLAKY), ("ask.lua", TRIES)]);
    app.runtime.start().await.expect("a process that fails after its start is started again");
    let count = async || app.call("app:ask", &["count".into()]).await.expect("an answer");
    until("the third start", async || {
        count().await == Value::Integer(3) && app.runtime.processes_at_rest(false) == 1
    })
    .await;
    app.runtime.stop().await;
    let asked = app.call("app:ask", &["asked".into()]).await.expect("an answer");
    assert!(asked.as_str().is_some_and(|reason| reason.contains("stopp")), "{asked:?}");
    assert_eq!(app.runtime.processes_at_rest(false), 0);
}
