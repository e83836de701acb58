//! Durable workflows: on a file of this machine, and on a Temporal server where `PERILUNE_TEST_TEMPORAL` names one. The same code
//! must do the same on both, whether cells are kept between two steps or every step runs the whole history again.

use perilune::workflow::{
    Activation, Backend, Code, Fields, Job, Outcome, QueryRequest, Resolution, Signal, Start, StartOptions,
    Status, Target, Timestamp, UpdateRequest,
};
use perilune::{BuildError, EngineOptions, Replayed, Runtime, Value};
use perilune_tests::App;
use std::io::Write;
use std::sync::Arc;

/// What each test has besides its own workflow `work` and its function `main`. The hosts of each pair differ in one thing: the second
/// keeps no cell between two steps, so that every step runs the whole history again, and any difference fails.
const ENTRIES: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: workflow.host, lifecycle: {auto_start: true}}
  - {name: forgetful, kind: workflow.host, max_cached_workflows: 0, lifecycle: {auto_start: true}}
SERVER  - {name: work, kind: workflow.lua, source: 'file://work.lua', modules: [workflow, funcs, time, uuid, crypto, ctx, json], meta: {temporal: {workflow: {worker: HOST}}}}
  - {name: child, kind: workflow.lua, source: 'file://child.lua', modules: [time], meta: {temporal: {workflow: {worker: HOST}}}}
  - {name: main, kind: function.lua, source: 'file://main.lua', method: main, modules: [time, funcs, workflow], limits: {timeout: 30s}}
  - {name: add, kind: function.lua, source: 'return function(a, b) return a + b end', method: main}
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

fn files<'a>(yaml: &'a str, work: &'a str, main: &'a str) -> [(&'a str, &'a str); 6] {
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
const FILES: [&str; 2] = ["host", "forgetful"];
/// Hosts on a server.
const SERVERS: [&str; 2] = ["worker", "careless"];

/// The server, where there is one. In CI there must be.
fn server() -> Option<String> {
    let address = std::env::var("PERILUNE_TEST_TEMPORAL").ok();
    if address.is_none() {
        assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "no Temporal server for the tests");
        let line = "SKIPPED: workflows on a Temporal server; PERILUNE_TEST_TEMPORAL names none\n";
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
    address
}

async fn app_on(host: &str, work: &str, main: &str) -> App {
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
    let app = App::new(&files(&yaml, &work, &main));
    app.runtime.start().await.expect("the hosts start");
    app
}

/// Names of one test are no other's, also on a server that tests share.
fn unique() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// Runs a workflow's code with a function that drives it, on each kind of host, with cells kept and without: all must give the same.
async fn everywhere(work: &str, main: &str) -> Value {
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

#[tokio::test]
async fn a_workflow_gives_its_result() {
    let result = everywhere(
        "return { main = function(a, b) time.sleep('5ms') return funcs.call('app:add', a, b) end }",
        "return workflow.exec('app:work', 2, 3)",
    )
    .await;
    assert_eq!(result, Value::Integer(5));
}

#[tokio::test]
async fn a_workflow_can_be_called_like_a_function() {
    let app = app_on("host", "return { main = function(a) return a * 2 end }", "return 1").await;
    assert_eq!(app.call("app:work", &[Value::Integer(21)]).await, Ok(Value::Integer(42)));
}

#[tokio::test]
async fn whoever_watches_a_workflow_learns_of_its_end() {
    let result = everywhere(
        "return { main = function() error(errors.new(errors.CONFLICT, 'no more')) end }",
        "local value, problem = ended(start()) return { value == nil, problem:kind(), problem:message() }",
    )
    .await;
    let expected = vec![Value::Bool(true), "Conflict".into(), "no more".into()];
    assert_eq!(result, Value::Array(expected));
}

#[tokio::test]
async fn activities_are_tried_again_and_find_their_last_heartbeat() {
    let result = everywhere(
        "return { main = function()
           local quick = funcs.new():with_options({ ['activity.retry_policy'] = { initial_interval = 1 } })
           return quick:call('app:flaky')
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(result, "3 after 2".into());
}

#[tokio::test]
async fn a_failure_that_is_not_to_be_retried_comes_at_once() {
    let result = everywhere(
        "return { main = function()
           local value, problem = funcs.call('app:refuse')
           return { problem:kind(), problem:message() }
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(result, Value::Array(vec!["Invalid".into(), "never".into()]));
}

#[tokio::test]
async fn signals_come_as_messages_in_their_order() {
    let result = everywhere(
        "return { main = function(count)
           local seen = {}
           for i = 1, count do
             local message = process.inbox():receive()
             seen[i] = message:topic() .. '=' .. message:payload():data()
           end
           return table.concat(seen, ' ')
         end }",
        "local pid = start(3)
         assert(process.send(pid, 'a', 1)) assert(process.send(pid, 'b', 2)) assert(process.send(pid, 'a', 3))
         return ended(pid)",
    )
    .await;
    assert_eq!(result, "a=1 b=2 a=3".into());
}

#[tokio::test]
async fn a_workflow_answers_whoever_sent_it_a_message() {
    let result = everywhere(
        "return { main = function()
           local message = process.inbox():receive()
           process.send(message:from(), 'answer', 'hello ' .. message:payload():data())
           return true
         end }",
        "local answers = process.listen('answer')
         process.send(start(), 'ask', 'moon')
         return answers:receive()",
    )
    .await;
    assert_eq!(result, "hello moon".into());
}

#[tokio::test]
async fn selects_hold_over_timers_messages_and_calls() {
    let result = everywhere(
        "return { main = function()
           local seen = {}
           local timer, inbox = time.after('20ms'), process.inbox()
           local slow = funcs.async('app:slow')
           while #seen < 2 do
             local picked = channel.select({ timer:case_receive(), inbox:case_receive(), slow:response():case_receive() })
             seen[#seen + 1] = picked.channel == timer and 'timer' or picked.channel == inbox and 'message' or 'call'
           end
           slow:cancel()
           return table.concat(seen, ' ')
         end }",
        "local pid = start() process.send(pid, 'now') return ended(pid)",
    )
    .await;
    assert_eq!(result, "message timer".into());
}

#[tokio::test]
async fn time_randomness_and_identifiers_are_the_histories() {
    // Arguments of activities are compared when a history runs again: what differs would not get past the first of these calls.
    let result = everywhere(
        "return { main = function()
           local drawn = {}
           for i = 1, 3 do
             drawn[i] = { uuid.v4(), uuid.v7(), math.random(1 << 40), crypto.random.string(8), time.now():unix_nano(), os.time() }
             funcs.call('app:add', 1, i)
             time.sleep('1ms')
           end
           local seen = {}
           for _, draws in ipairs(drawn) do
             for _, draw in ipairs(draws) do seen[tostring(draw)] = true end
           end
           local names = {}
           for name in pairs({ alpha = 1, beta = 2, gamma = 3, [print] = 4 }) do names[#names + 1] = tostring(name) end
           funcs.new():with_options({ ['activity.retry_policy'] = { maximum_attempts = 1 } }):call('app:add', names, drawn)
           return true
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(result, Value::Bool(true));
}

#[tokio::test]
async fn children_are_waited_for_or_announce_their_end() {
    let result = everywhere(
        "return { main = function()
           local value = process.exec('app:child', '', 'value')
           local pid = assert(process.spawn('app:child', '', 'fail'))
           local event = process.events():receive()
           assert(event.kind == process.event.EXIT and event.from == pid)
           return value .. ' ' .. event.result.error:message():match('as told')
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(result, "value as told".into());
}

#[tokio::test]
async fn a_workflow_that_is_cancelled_decides_itself() {
    let result = everywhere(
        "return { main = function()
           local pid = assert(process.spawn('app:child', '', 'wait'))
           time.sleep('5ms')
           assert(process.cancel(pid))
           return process.events():receive().result.error:kind()
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(result, "Canceled".into());
}

#[tokio::test]
async fn continuing_as_new_keeps_the_id_and_what_is_unread() {
    let result = everywhere(
        "return { main = function(round, id)
           local info = workflow.info()
           if round < 3 then
             process.inbox():receive()
             return process.upgrade(nil, round + 1, info.workflow_id)
           end
           assert(info.workflow_id == id)
           return process.inbox():receive():payload():data()
         end }",
        "local pid = start(1)
         for i = 1, 3 do assert(process.send(pid, 'next', i)) end
         return ended(pid)",
    )
    .await;
    assert_eq!(result, Value::Integer(3));
}

#[tokio::test]
async fn context_travels_with_a_workflow_and_its_activities() {
    let result = everywhere(
        "return { main = function() return ctx.get('user') .. ' ' .. funcs.call('app:context') end }",
        "return process.with_context({ user = 'ada' }):exec('app:work', '')",
    )
    .await;
    assert_eq!(result, "ada ada".into());
}

#[tokio::test]
async fn versions_stay_as_they_were_when_the_run_came_to_them() {
    let result = everywhere(
        "return { main = function()
           local before = workflow.version('change', 1, 2)
           time.sleep('1ms')
           return before == workflow.version('change', 1, 2) and before
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(result, Value::Integer(2));
}

#[tokio::test]
async fn a_name_belongs_to_one_workflow() {
    let result = everywhere(
        "return { main = function() return process.inbox():receive():payload():data() end }",
        "local named = process.with_context({}):with_name('order-UNIQUE')
         local first, second = assert(named:spawn('app:work', 'app:HOST')), assert(named:spawn('app:work', 'app:HOST'))
         return first == second and first == '{app:HOST|order-UNIQUE}'",
    );
    assert_eq!(result.await, Value::Bool(true));
}

#[tokio::test]
async fn workflows_go_on_when_their_host_comes_back() {
    let yaml = ENTRIES.replace("HOST", "host").replace("SERVER", "");
    let work = "local funcs, time = require('funcs'), require('time')
        return { main = function()
          local first = funcs.call('app:add', 1, 2)
          local message = process.inbox():receive()
          return first + message:payload():data()
        end }";
    let main = "return function(what)
          if what == 'start' then
            return process.with_options({ ['workflow.id'] = 'kept' }):spawn('app:work', 'app:host')
          end
          assert(process.monitor('{app:host|kept}'))
          assert(process.send('{app:host|kept}', 'go', 39))
          return process.events():receive().result.value
        end";
    let app = App::new(&files(&yaml, work, main));
    app.runtime.start().await.expect("the host starts");
    assert_eq!(app.call("app:main", &["start".into()]).await, Ok("{app:host|kept}".into()));
    app.runtime.stop().await;

    let again = Runtime::builder().directory(app.path()).build().expect("the same application");
    again.start().await.expect("the host starts again");
    assert_eq!(again.call("app:main", ["finish".into()]).await, Ok(Value::Integer(42)));
    again.stop().await;
}

#[tokio::test]
async fn modules_without_a_place_in_the_history_are_refused_with_the_way_to_them() {
    let refused = App::try_new(&[(
        "app.yaml",
        "version: '1.0'
namespace: app
entries:
  - {name: host, kind: workflow.host, lifecycle: {auto_start: true}}
  - {name: work, kind: workflow.lua, source: 'return function() end', imports: {lib: 'app:lib'}, meta: {temporal: {workflow: {worker: host}}}}
  - {name: lib, kind: library.lua, source: 'return {}', imports: {net: 'app:net'}}
  - {name: net, kind: library.lua, source: 'return {}', modules: [http_client]}
  - {name: lost, kind: workflow.lua, source: 'return function() end', modules: [http_client], meta: {temporal: {workflow: {worker: nobody}}}}
",
    )]);
    let Err(BuildError::Entries(report)) = refused else { panic!("it is refused") };
    insta::assert_snapshot!(report.render(false));
}

#[tokio::test]
async fn a_workflow_that_computes_without_end_is_parked_not_lost() {
    for host in FILES {
        let app = app_on(host, "return { main = function() while true do end end }", "return 1").await;
        let backend = app.runtime.workflows(&format!("app:{host}")).expect("it runs");
        let target = started(&*backend, vec![], StartOptions::default()).await;
        let refused = backend.query(target.clone(), query("pid", vec![])).await.expect_err("it computes");
        assert_eq!(refused.code, Code::TaskFailed, "{refused}");
        let description = backend.describe(target.clone()).await.expect("it is there");
        let trouble = description.trouble.expect("it does not get on");
        assert_eq!((trouble.code.as_str(), description.summary.status), ("WF_TASK_FAILED", Status::Running));
        insta::allow_duplicates! {
            insta::assert_snapshot!(trouble.failure.message);
        }
        backend.terminate(target.clone(), "enough").await.expect("it is open");
        assert_eq!(result(&*backend, &target).await, Outcome::Terminated("enough".to_owned()));
        app.runtime.stop().await;
    }
}

/// Shows a test each kind of host with a workflow on it.
async fn on_each(work: &str, test: impl AsyncFn(&App, Arc<dyn Backend>)) {
    let servers = server().map(|_| SERVERS);
    for host in FILES.into_iter().chain(servers.into_iter().flatten()) {
        let app = app_on(host, work, "return start()").await;
        let backend = app.runtime.workflows(&format!("app:{host}")).expect("it runs");
        test(&app, backend).await;
        app.runtime.stop().await;
    }
}

/// Starts the workflow, and says which one it is.
async fn started(backend: &dyn Backend, args: Vec<Value>, options: StartOptions) -> Target {
    let started = backend.start("app:work", args, options).await.expect("it starts");
    Target::from(started.workflow_id.as_str())
}

async fn result(backend: &dyn Backend, target: &Target) -> Outcome {
    backend.result(target.clone()).await.expect("it ends")
}

fn query(name: &str, args: Vec<Value>) -> QueryRequest {
    QueryRequest { name: name.to_owned(), args }
}

fn update(name: &str, args: Vec<Value>) -> UpdateRequest {
    UpdateRequest { name: name.to_owned(), args, ..UpdateRequest::default() }
}

fn signal(name: &str, args: Vec<Value>) -> Signal {
    Signal { name: name.to_owned(), args, headers: Fields::new(), sender: None }
}

#[tokio::test]
async fn queries_are_answered_while_the_workflow_waits_and_after_its_end() {
    let work = "return { main = function()
        local total = 0
        workflow.query('total', function(factor) return total * factor end)
        workflow.query('greedy', function() funcs.call('app:add', 1, 2) return true end)
        workflow.query('broken', function() error('no idea') end)
        local inbox = process.inbox()
        while total < 10 do total = total + inbox:receive():payload():data() end
        return total
      end }";
    on_each(work, async |_, backend| {
        let target = started(&*backend, vec![], StartOptions::default()).await;
        let ask = |name: &str, args| backend.query(target.clone(), query(name, args));
        assert_eq!(ask("total", vec![2.into()]).await, Ok(0.into()));
        backend.signal(target.clone(), signal("add", vec![4.into()])).await.expect("it is open");
        // A signal that was taken comes before a query that is asked after it.
        assert_eq!(ask("total", vec![2.into()]).await, Ok(8.into()));
        for name in ["greedy", "broken", "unknown"] {
            ask(name, vec![]).await.expect_err(name);
        }
        assert_eq!(ask("state", vec![]).await, Ok(Value::Array(vec![])));
        backend.signal(target.clone(), signal("add", vec![6.into()])).await.expect("it is open");
        assert_eq!(result(&*backend, &target).await, Outcome::Completed(10.into()));
        assert_eq!(ask("total", vec![1.into()]).await, Ok(10.into()));
    })
    .await;
}

#[tokio::test]
async fn updates_are_checked_first_and_give_their_result() {
    let work = "return { main = function()
        local stock = 5
        workflow.update('take', function(count)
          time.sleep('1ms')
          stock = stock - count
          return stock
        end, function(count)
          if count > stock then return false, 'only ' .. stock .. ' are left' end
          return true
        end)
        workflow.update('fail', function() return nil, errors.new(errors.CONFLICT, 'not now') end)
        while stock > 0 do time.sleep('10ms') end
        return 'sold out'
      end }";
    on_each(work, async |_, backend| {
        let target = started(&*backend, vec![], StartOptions::default()).await;
        let call = |name: &str, args| backend.update(target.clone(), update(name, args));
        assert_eq!(call("take", vec![2.into()]).await, Ok(3.into()));
        let refused = call("take", vec![4.into()]).await.expect_err("there are not so many").into_failure();
        assert!(refused.message.contains("only 3 are left"), "{refused}");
        let failed = call("fail", vec![]).await.expect_err("it fails").into_failure();
        assert!(failed.message.contains("not now"), "{failed}");
        call("unknown", vec![]).await.expect_err("there is no such update");
        assert_eq!(call("take", vec![3.into()]).await, Ok(0.into()));
        assert_eq!(result(&*backend, &target).await, Outcome::Completed("sold out".into()));
    })
    .await;
}

#[tokio::test]
async fn updates_can_be_taken_as_messages() {
    let work = "return { main = function()
        local price = process.listen('price', { message = true })
        while true do
          local message = price:receive()
          local to = message:from()
          if message:payload():data() < 0 then
            process.send(to, 'nak', 'a price is positive')
          else
            process.send(to, 'ack')
            time.sleep('1ms')
            process.send(to, 'ok', 'set')
            return true
          end
        end
      end }";
    on_each(work, async |_, backend| {
        let target = started(&*backend, vec![], StartOptions::default()).await;
        let refused = backend.update(target.clone(), update("price", vec![(-1).into()])).await;
        let refused = refused.expect_err("it is negative").into_failure();
        assert!(refused.message.contains("a price is positive"), "{refused}");
        assert_eq!(backend.update(target.clone(), update("price", vec![7.into()])).await, Ok("set".into()));
        assert_eq!(result(&*backend, &target).await, Outcome::Completed(true.into()));
    })
    .await;
}

#[tokio::test]
async fn memo_and_search_attributes_are_shown() {
    let work = "return { main = function()
        assert(workflow.attrs({ memo = { step = 'one', round = 1 }, search = { Customer = 'ada' } }))
        process.inbox():receive()
      end }";
    on_each(work, async |_, backend| {
        let memo = Fields::from([("origin".to_owned(), Value::from("shop"))]);
        let options = StartOptions { memo, ..StartOptions::default() };
        let target = started(&*backend, vec![], options).await;
        // Its answer says that the workflow has come to where it waits.
        backend.query(target.clone(), query("pid", vec![])).await.expect("it answers");
        let summary = backend.describe(target.clone()).await.expect("it is there").summary;
        assert_eq!(summary.memo.get("origin"), Some(&Value::from("shop")));
        assert_eq!(summary.memo.get("step"), Some(&Value::from("one")));
        assert_eq!(summary.search_attributes.get("Customer"), Some(&Value::from("ada")));
        backend.signal(target.clone(), signal("end", vec![])).await.expect("it is open");
        assert_eq!(result(&*backend, &target).await, Outcome::Completed(Value::Nil));
    })
    .await;
}

#[tokio::test]
async fn a_workflow_that_fails_is_run_again_as_its_policy_says() {
    let value = everywhere(
        "return { main = function()
           local attempt = workflow.info().attempt
           if attempt < 3 then error('attempt ' .. attempt) end
           return attempt
         end }",
        "return process.with_options({ ['workflow.retry_policy'] = { initial_interval = 1, maximum_attempts = 5 } })
           :exec('app:work', '')",
    )
    .await;
    assert_eq!(value, Value::Integer(3));
}

#[tokio::test]
async fn a_name_that_is_taken_is_met_as_the_policies_say() {
    let value = everywhere(
        "return { main = function(which)
           if which == 'quick' then return which end
           process.inbox():receive()
           return which
         end }",
        "local function as(policy, value)
           return process.with_options({ ['workflow.id'] = 'one-UNIQUE', ['workflow.' .. policy] = value })
         end
         local first = assert(as('id_conflict_policy', 'fail'):spawn_monitored('app:work', 'app:HOST', 'first'))
         local _, refused = as('id_conflict_policy', 'fail'):spawn('app:work', 'app:HOST', 'second')
         assert(as('id_conflict_policy', 'use_existing'):spawn('app:work', 'app:HOST', 'third') == first)
         local second = assert(as('id_conflict_policy', 'terminate_existing'):spawn_monitored('app:work', 'app:HOST', 'quick'))
         local ends = {}
         for i = 1, 2 do
           local result = process.events():receive().result
           ends[#ends + 1] = result.error and result.error:kind() or result.value
         end
         table.sort(ends)
         local _, again = as('id_reuse_policy', 'reject_duplicate'):spawn('app:work', 'app:HOST', 'fourth')
         return { refused:kind(), ends, again:kind() }",
    )
    .await;
    let ends = Value::Array(vec!["Canceled".into(), "quick".into()]);
    assert_eq!(value, Value::Array(vec!["AlreadyExists".into(), ends, "AlreadyExists".into()]));
}

#[tokio::test]
async fn a_workflow_that_takes_too_long_times_out() {
    let value = everywhere(
        "return { main = function() time.sleep('1h') end }",
        "local _, problem = process.with_options({ ['workflow.run_timeout'] = '1s' }):exec('app:work', '')
         return problem:kind()",
    )
    .await;
    assert_eq!(value, "Timeout".into());
}

#[tokio::test]
async fn an_activity_that_is_given_up_is_told_so() {
    let value = everywhere(
        "return { main = function()
           local patient = funcs.new():with_options({ ['activity.wait_for_cancellation'] = true, ['activity.heartbeat_timeout'] = '5s' })
           local call = patient:async('app:beating')
           time.sleep('300ms')
           call:cancel()
           local picked = channel.select({ call:response():case_receive(), time.after('20s'):case_receive() })
           return picked.channel == call:response()
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(value, Value::Bool(true));
}

#[tokio::test]
async fn workflows_signal_each_other_and_themselves() {
    let value = everywhere(
        "return { main = function(role)
           local pid = process.pid()
           if role == 'answerer' then
             local message = process.inbox():receive()
             process.send(message:from(), 'answer', message:payload():data() + 1)
             return true
           end
           process.send(pid, 'note', 'to myself')
           local inbox = process.inbox()
           local note = inbox:receive():payload():data()
           local other = assert(process.spawn('app:work', '', 'answerer'))
           time.sleep('20ms')
           process.send(other, 'ask', 41)
           return note .. ' ' .. inbox:receive():payload():data()
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(value, "to myself 42".into());
}

#[tokio::test]
async fn a_workflow_can_be_terminated_from_outside() {
    let value = everywhere(
        "return { main = function() time.sleep('1h') end }",
        "local pid = start()
         assert(process.terminate(pid))
         local _, problem = ended(pid)
         return { problem:kind(), problem:message():match('workflow terminated') }",
    )
    .await;
    assert_eq!(value, Value::Array(vec!["Canceled".into(), "workflow terminated".into()]));
}

#[tokio::test]
async fn values_that_no_history_keeps_fail_the_call_and_not_the_run() {
    let value = everywhere(
        "return { main = function()
           local large = string.rep('x', 3 << 20)
           local _, problem = funcs.call('app:add', large, 1)
           local sent, why = process.send(process.pid(), 'large', large)
           return { problem:kind(), problem:details().code, funcs.call('app:add', 1, 2) }
         end }",
        "return workflow.exec('app:work')",
    )
    .await;
    assert_eq!(value, Value::Array(vec!["Invalid".into(), "WF_PAYLOAD_TOO_LARGE".into(), 3.into()]));
}

/// Runs `old` to where it waits, puts `new` in its place, and shows what became of the run.
async fn with_code_changed(old: &str, new: &str, test: impl AsyncFn(&Runtime, Arc<dyn Backend>, Target)) {
    for host in FILES {
        let app = app_on(host, old, "return 1").await;
        let id = format!("app:{host}");
        let backend = app.runtime.workflows(&id).expect("it runs");
        let target = started(&*backend, vec![], StartOptions::default()).await;
        backend.query(target.clone(), query("pid", vec![])).await.expect("it has come to where it waits");
        app.runtime.stop().await;

        let prefix = "local workflow, funcs, time = require('workflow'), require('funcs'), require('time')\n";
        std::fs::write(app.path().join("work.lua"), format!("{prefix}{new}")).expect("a file is written");
        let again = Runtime::builder().directory(app.path()).build().expect("the same application");
        again.start().await.expect("the host starts again");
        let backend = again.workflows(&id).expect("it runs");
        test(&again, backend, target).await;
        again.stop().await;
    }
}

const WAITS: &str = "return { main = function()
    funcs.call('app:add', 1, 2)
    process.inbox():receive()
    return 'old'
  end }";

#[tokio::test]
async fn code_that_changed_behind_a_version_serves_old_runs_and_new_ones() {
    let new = "return { main = function()
        local version = workflow.version('sum', 1, 2)
        if version == 2 then funcs.call('app:add', 3, 4) else funcs.call('app:add', 1, 2) end
        process.inbox():receive()
        return version
      end }";
    with_code_changed(WAITS, new, async |_, backend, old| {
        let new = started(&*backend, vec![], StartOptions::default()).await;
        for (target, version) in [(old, 1), (new, 2)] {
            backend.signal(target.clone(), signal("go", vec![])).await.expect("it is open");
            assert_eq!(result(&*backend, &target).await, Outcome::Completed(version.into()));
        }
    })
    .await;
}

#[tokio::test]
async fn code_that_does_something_else_parks_the_run_and_names_the_line() {
    let new = "return { main = function()
        time.sleep('1ms')
        process.inbox():receive()
      end }";
    with_code_changed(WAITS, new, async |runtime, backend, target| {
        let refused = backend.query(target.clone(), query("pid", vec![])).await.expect_err("it differs");
        assert_eq!(refused.code, Code::Nondeterminism, "{refused}");
        backend.signal(target.clone(), signal("go", vec![])).await.expect("nothing is lost meanwhile");
        let described = backend.describe(target.clone()).await.expect("it is there");
        assert_eq!(described.summary.status, Status::Running);
        let file = backend.export(target).await.expect("it is there");
        let replayed = runtime.replay_workflow(file.as_bytes()).await.expect("it is a history");
        let Replayed::Differs(difference) = replayed else { panic!("{replayed:?}") };
        insta::allow_duplicates! {
            insta::assert_snapshot!(format!("{difference:#?}"));
        }
    })
    .await;
}

#[tokio::test]
async fn two_hosts_give_the_same_commands_byte_for_byte() {
    let work = "return { main = function(name)
        local drawn = { uuid.v4(), uuid.v7(), math.random(), crypto.random.string(8), time.now():unix_nano(), os.time(), os.date() }
        local keys = {}
        for key in pairs({ alpha = 1, beta = 2, gamma = 3, [print] = 4, [{}] = 5 }) do keys[#keys + 1] = type(key) end
        local calls = {}
        for i = 1, 3 do calls[i] = funcs.async('app:add', name, drawn, keys, 0 / 0, i) end
        coroutine.spawn(function() time.sleep('5ms') funcs.call('app:add', 'later', tostring({}):match('^table') or 0) end)
        local picked = channel.select({ time.after('10ms'):case_receive(), calls[1]:response():case_receive() })
        process.spawn('app:child', '', 'value')
        return picked.ok
      end }";
    let app = app_on("host", work, "return 1").await;
    let busy = EngineOptions { max_cells: 64, ..EngineOptions::default() };
    let other = Runtime::builder().directory(app.path()).engine(busy).build().expect("the same application");
    // The other host's pools have been used in another order before.
    for i in 0..5 {
        assert_eq!(other.call("app:add", [i.into(), 1.into()]).await, Ok((i + 1).into()));
    }
    let jobs = [
        vec![Job::Start(Box::new(start("app:work", vec!["ada".into()])))],
        vec![Job::FireTimer { seq: 5 }],
        vec![Job::Signal(signal("note", vec![1.5.into()])), Job::FireTimer { seq: 4 }],
        vec![Job::ResolveActivity { seq: 1, outcome: Resolution::Completed(Value::Float(f64::NAN)) }],
    ];
    let mut said = Vec::new();
    for runtime in [&app.runtime, &other] {
        let machines = runtime.workflow_machines("app:host").expect("it is a host");
        let mut machine = machines.create("app:work", "run-1").await.expect("there is such a workflow");
        let mut all = String::new();
        for (at, jobs) in jobs.iter().enumerate() {
            let commands = machine.activate(activation(at, jobs.clone())).await.expect("it runs");
            all.push_str(&format!("{commands:#?}\n"));
        }
        said.push(all);
    }
    assert!(said[0].contains("ScheduleActivity") && said[0].contains("StartChild"), "{}", said[0]);
    assert_eq!(said[0], said[1]);
    app.runtime.stop().await;
}

fn start(workflow_type: &str, args: Vec<Value>) -> Start {
    Start {
        workflow_type: workflow_type.to_owned(),
        workflow_id: "the-one".to_owned(),
        run_id: "run-1".to_owned(),
        first_run_id: "run-1".to_owned(),
        args,
        seed: 42,
        attempt: 1,
        headers: Fields::new(),
        parent: None,
        memo: Fields::new(),
        search_attributes: Fields::new(),
        execution_timeout: None,
        run_timeout: None,
        retry: None,
        cron: None,
        continued_from: None,
        last_result: None,
        last_failure: None,
    }
}

fn activation(at: usize, jobs: Vec<Job>) -> Activation {
    Activation {
        run_id: "run-1".to_owned(),
        timestamp: Timestamp::from_seconds(1_700_000_000 + i64::try_from(at).unwrap_or_default()),
        is_replaying: false,
        history_length: 1,
        history_bytes: 100,
        continue_as_new_suggested: false,
        jobs,
    }
}
