//! Hosts of every kind, with the same application on each.

use perilune::workflow::{
    Backend, Fields, Outcome, QueryRequest, Signal, StartOptions, Target, UpdateRequest,
};
use perilune::{Allowed, Value};
use perilune_tests::App;
use std::io::Write;
use std::sync::Arc;

/// What each test has besides its own workflow `work` and its function `main`. The hosts of each pair differ in one thing: the second
/// keeps no cell between two steps, so that every step runs the whole history again, and any difference fails.
pub(super) const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: workflow.host, lifecycle: {auto_start: true}}
  - {name: forgetful, kind: workflow.host, max_cached_workflows: 0, lifecycle: {auto_start: true}}
SERVER  - {name: work, kind: workflow.lua, source: 'file://work.lua', modules: [workflow, funcs, time, uuid, crypto, ctx, json], meta: {temporal: {workflow: {worker: HOST}}}}
  - {name: child, kind: workflow.lua, source: 'file://child.lua', modules: [time], meta: {temporal: {workflow: {worker: HOST}}}}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [time, funcs, workflow], limits: {timeout: 30s}}
  - {name: add, kind: function.lua, source: 'return function(a, b) return a + b end', method: main}
  - {name: sum, kind: function.lua, source: 'return function(a, b) return a + b end', method: main, meta: {temporal: {activity: {worker: HOST}}}}
  - {name: flaky, kind: function.lua, source: 'file://flaky.lua', method: main, modules: [workflow]}
  - {name: refuse, kind: function.lua, source: 'return function() return nil, errors.new({kind = errors.INVALID, message = \"never\", retryable = false}) end', method: main}
  - {name: beating, kind: function.lua, source: 'file://beating.lua', method: main, modules: [workflow, time], limits: {timeout: 1m}}
  - {name: context, kind: function.lua, source: 'return function() return require(\"ctx\").get(\"user\") end', method: main, modules: [ctx]}
  - {name: slow, kind: function.lua, source: 'return function() require(\"time\").sleep(\"1h\") end', method: main, modules: [time], limits: {timeout: 1h}}
";

const FLAKY: &str = "return function()
  local activity = require('workflow').activity()
  if activity.attempt < 3 then
    require('workflow').heartbeat(activity.attempt)
    error('not yet')
  end
  return activity.attempt .. ' after ' .. tostring(activity.heartbeat_details)
end";

/// Says that it lives until it is told to end.
const BEATING: &str = "return function()
  for i = 1, 1000 do
    local _, told = require('workflow').heartbeat(i)
    if told then return nil, told end
    require('time').sleep('20ms')
  end
end";

const CHILD: &str = "local time = require('time') return { main = function(what, ...)
  if what == 'fail' then error('as told') end
  if what == 'wait' then
    local event = process.events():receive()
    return nil, errors.new(errors.CANCELED, event.kind)
  end
  time.sleep('10ms')
  return what, ...
end }";

pub(super) fn files<'a>(yaml: &'a str, work: &'a str, main: &'a str) -> [(&'a str, &'a str); 6] {
    [
        ("beating.lua", BEATING),
        ("app.yaml", yaml),
        ("work.lua", work),
        ("main.lua", main),
        ("flaky.lua", FLAKY),
        ("child.lua", CHILD),
    ]
}

/// What else there is where a server is.
const SERVER: &str = "  - {name: server, kind: temporal.client, address: ADDRESS, tq_prefix: 'UNIQUE-'}
  - {name: worker, kind: temporal.worker, client: server, task_queue: worker, lifecycle: {auto_start: true, start_timeout: 60s}}
  - {name: careless, kind: temporal.worker, client: server, task_queue: careless, worker_options: {max_cached_workflows: 0}, lifecycle: {auto_start: true, start_timeout: 60s}}
";

/// Hosts on a file.
pub(super) const FILES: [&str; 2] = ["host", "forgetful"];
/// Hosts on a server.
pub(super) const SERVERS: [&str; 2] = ["worker", "careless"];

/// The server, where there is one. In CI there must be.
pub(super) fn server() -> Option<String> {
    let address = std::env::var("PERILUNE_TEST_TEMPORAL").ok();
    if address.is_none() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "no Temporal server for the tests");
        let line = "SKIPPED: workflows on a Temporal server; PERILUNE_TEST_TEMPORAL names none\n";
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    address
}

pub(super) async fn app_on(host: &str, work: &str, main: &str) -> App {
    let unique = unique();
    let address = if SERVERS.contains(&host) { server() } else { None };
    let entries = address.map(|address| SERVER.replace("ADDRESS", &address)).unwrap_or_default();
    // One host alone: the others would wait for the server for nothing.
    let entries: String = entries
        .lines()
        .filter(|line| {
            !SERVERS.iter().any(|other| *other != host && line.contains(&format!("name: {other},")))
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let yaml = ENTRIES.replace("SERVER", &entries).replace("HOST", host).replace("UNIQUE", &unique);
    let work = format!(
        "local workflow, funcs, time, uuid = require('workflow'), require('funcs'), require('time'), require('uuid')\n\
         local crypto, ctx = require('crypto'), require('ctx')\n{work}"
    );
    let main = format!(
        "local time, funcs, workflow = require('time'), require('funcs'), require('workflow')\n\
         local function start(...) return assert(process.spawn_monitored('app:work', 'app:{host}', ...)) end\n\
         local function ended(pid)\n\
           local event = process.events():receive()\n\
           assert(event.kind == process.event.EXIT and event.from == pid, event.kind)\n\
           return event.result.value, event.result.error\n\
         end\n\
         return function()\n{main}\nend"
    );
    let (work, main) =
        (work.replace("UNIQUE", &unique), main.replace("UNIQUE", &unique).replace("HOST", host));
    let app = App::with(&files(&yaml, &work, &main), |builder| builder.allow(local()));
    app.runtime.start().await.expect("the hosts start");
    app
}

/// Servers of tests are on this machine.
pub(super) fn local() -> Allowed {
    Allowed { network: vec!["127.0.0.1".to_owned()], ..Allowed::default() }
}

/// Names of one test are no other's, also on a server that tests share.
pub(super) fn unique() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Runs a workflow's code with a function that drives it, on each kind of host, with cells kept and without: all must give the same.
pub(super) async fn everywhere(work: &str, main: &str) -> Value {
    let servers = server().map(|_| SERVERS);
    let mut first = None;
    for host in FILES.into_iter().chain(servers.into_iter().flatten()) {
        let app = app_on(host, work, main).await;
        let result = app.call("app:main", &[]).await.unwrap_or_else(|failure| panic!("on {host}: {failure}"));
        app.runtime.stop().await;
        match &first {
            None => first = Some(result),
            Some(first) => assert_eq!(result, *first, "on {host}"),
        }
    }
    first.expect("there are hosts")
}

/// Shows a test each kind of host with a workflow on it.
pub(super) async fn on_each(work: &str, test: impl AsyncFn(&App, Arc<dyn Backend>)) {
    let servers = server().map(|_| SERVERS);
    for host in FILES.into_iter().chain(servers.into_iter().flatten()) {
        let app = app_on(host, work, "return start()").await;
        let backend = app.runtime.workflows(&format!("app:{host}")).expect("it runs");
        test(&app, backend).await;
        app.runtime.stop().await;
    }
}

/// Starts the workflow, and says which one it is.
pub(super) async fn started(backend: &dyn Backend, args: Vec<Value>, options: StartOptions) -> Target {
    let started = backend.start("app:work", args, options).await.expect("it starts");
    Target::from(started.workflow_id.as_str())
}

pub(super) async fn result(backend: &dyn Backend, target: &Target) -> Outcome {
    backend.result(target.clone()).await.expect("it ends")
}

pub(super) fn query(name: &str, args: Vec<Value>) -> QueryRequest {
    QueryRequest { name: name.to_owned(), args }
}

pub(super) fn update(name: &str, args: Vec<Value>) -> UpdateRequest {
    UpdateRequest { name: name.to_owned(), args, ..UpdateRequest::default() }
}

pub(super) fn signal(name: &str, args: Vec<Value>) -> Signal {
    Signal { name: name.to_owned(), args, headers: Fields::new(), sender: None }
}
