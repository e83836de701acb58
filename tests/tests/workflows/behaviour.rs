//! What a workflow may do, by what its own code sees.

use super::support::{ENTRIES, FILES, app_on, everywhere, files, query, result, started};
use perilune::workflow::{Code, Outcome, StartOptions, Status};
use perilune::{BuildError, Runtime, Value};
use perilune_tests::App;

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
