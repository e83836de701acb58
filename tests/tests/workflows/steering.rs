//! What may be asked of a workflow and done to it from outside.

use super::support::{everywhere, local, on_each, query, result, server, signal, started, unique, update};
use perilune::Value;
use perilune::workflow::{Fields, Outcome, StartOptions};
use perilune_tests::App;

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
async fn what_cannot_leave_a_workflow_fails_its_handler_and_not_the_workflow() {
    let work = "return { main = function()
        local function odd() return { odd = print } end
        workflow.query('odd', odd)
        workflow.update('odd', odd)
        workflow.update('refused', odd, function() return false, errors.new({ message = 'no', details = odd() }) end)
        return process.inbox():receive():payload():data()
      end }";
    on_each(work, async |_, backend| {
        let target = started(&*backend, vec![], StartOptions::default()).await;
        let asked = backend.query(target.clone(), query("odd", vec![])).await;
        let mut refusals = vec![asked.expect_err("it is a function").into_failure().message];
        for name in ["odd", "refused"] {
            let updated = backend.update(target.clone(), update(name, vec![])).await;
            refusals.push(updated.expect_err("it is a function").into_failure().message);
        }
        for refusal in refusals {
            assert!(refusal.starts_with("the outcome"), "{refusal}");
            assert!(refusal.ends_with(".odd: a function cannot cross the sandbox boundary"), "{refusal}");
        }
        backend.signal(target.clone(), signal("end", vec![1.into()])).await.expect("it is open");
        assert_eq!(result(&*backend, &target).await, Outcome::Completed(1.into()));
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
async fn what_a_run_sends_just_before_it_continues_as_new_arrives() {
    let value = everywhere(
        "return { main = function(role, to)
           if role == 'hear' then return process.listen('word'):receive() end
           if role == 'say' then
             for i = 1, 3 do process.send(to, 'word', 'heard') end
             return process.upgrade(nil, 'rest', to)
           end
           return 'rested'
         end }",
        "local hearer = start('hear')
         start('say', hearer)
         local results = {}
         for _ = 1, 2 do
           local event = process.events():receive()
           results[#results + 1] = event.result.value
         end
         table.sort(results)
         return results",
    )
    .await;
    assert_eq!(value, Value::Array(vec!["heard".into(), "rested".into()]));
}

#[tokio::test]
async fn a_start_can_be_put_off() {
    let value = everywhere(
        "return { main = function(asked) return (time.now():unix_nano() - asked) / 1e6 >= 300 end }",
        "return process.with_options({ ['workflow.start_delay'] = '300ms' }):exec('app:work', '', time.now():unix_nano())",
    )
    .await;
    assert_eq!(value, Value::Bool(true));
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

/// Whoever reaches a shared queue has nothing run there but what is offered.
#[tokio::test]
async fn a_queue_runs_no_function_that_its_host_does_not_offer() {
    let Some(address) = server() else { return };
    let yaml = "version: '1.0'
namespace: app
entries:
  - {name: server, kind: temporal.client, address: ADDRESS, tq_prefix: 'UNIQUE-'}
  - {name: one, kind: temporal.worker, client: server, task_queue: one, lifecycle: {auto_start: true, start_timeout: 60s}}
  - {name: other, kind: temporal.worker, client: server, task_queue: other, lifecycle: {auto_start: true, start_timeout: 60s}}
  - {name: work, kind: workflow.lua, source: 'file://work.lua', modules: [funcs], meta: {temporal: {workflow: {worker: one}}}}
  - {name: add, kind: function.lua, source: 'return function(a, b) return a + b end', method: main}
  - {name: main, kind: function.lua, source: 'return function() return process.exec(\"app:work\", \"app:one\") end', method: main, limits: {timeout: 1m}}
";
    let yaml = yaml.replace("ADDRESS", &address).replace("UNIQUE", &unique());
    let work = "return { main = function()
        local once = { maximum_attempts = 1 }
        local there = require('funcs').new():with_options({ ['activity.task_queue'] = 'other', ['activity.retry_policy'] = once })
        local _, problem = there:call('app:add', 1, 2)
        return problem:message()
      end }";
    let app = App::with(&[("app.yaml", &yaml), ("work.lua", work)], |builder| builder.allow(local()));
    app.runtime.start().await.expect("the hosts start");
    assert_eq!(
        app.main().await,
        "there is no activity `app:add` on app:other: name app:other in the entry's `meta.temporal.activity.worker`".into()
    );
    app.runtime.stop().await;
}
