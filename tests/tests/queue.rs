//! Module `queue` and consumers, from publishing to the dead letters. Orders, delays and bounds have their own tests beside crate
//! `perilune-queue`.

use perilune::{Actor, Authority, Call, Entry, EntryId, Operation, Policy, Scope, Value};
use perilune_queue::{Delivery, Queue};
use perilune_security::{Decision, Question, Rule};
use perilune_tests::App;
use perilune_tests::gate::Gate;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const YAML: &str = r#"
version: "1.0"
namespace: app
entries:
  - {name: memory, kind: queue.driver.memory}
  - name: jobs
    kind: queue.queue
    driver: memory
    driver_options: {memory: {max_length: 100, max_bytes: 1MiB, retry_delay: 1ms, max_retry_delay: 2ms}}
    dead_letter: {queue: dead, max_attempts: 3}
  - {name: dead, kind: queue.queue, driver: memory}
  - {name: answers, kind: queue.queue, driver: memory, codec: application/msgpack}
  - {name: main, kind: function.lua, source: file://main.lua, method: main, modules: [queue, time]}
  - name: work
    kind: function.lua
    source: file://work.lua
    method: main
    modules: [queue, funcs, gate]
    limits: {memory: 16MiB, cpu: 500ms, timeout: 5s}
    FIELDS
"#;

const CONSUMER: &str =
    "  - {name: consumer, kind: queue.consumer, queue: jobs, func: work, lifecycle: {auto_start: true}}\n";

/// `app:main` and `app:work`, which a consumer calls with what is in the queue `app:jobs`, with these bodies.
async fn app(main: &str, work: &str) -> App {
    with(main, work, "", CONSUMER, &Gate::default()).await
}

async fn with(main: &str, work: &str, fields: &str, consumer: &str, gate: &Gate) -> App {
    let function = |body: &str| {
        format!("local queue = require('queue')\nlocal kept\nreturn function(...)\n{body}\nend\n")
    };
    let yaml = YAML.replace("FIELDS", fields) + consumer;
    let files = [("app.yaml", yaml.as_str()), ("main.lua", &function(main)), ("work.lua", &function(work))];
    let app = App::with(&files, |builder| builder.module(gate.module()));
    app.runtime.start().await.expect("all starts");
    app
}

fn queue(app: &App, name: &str) -> Arc<Queue> {
    app.runtime.resource(&format!("app:{name}")).expect("there is such a queue")
}

/// The next message of a queue, acknowledged.
async fn next(app: &App, name: &str) -> Delivery {
    let queue = queue(app, name);
    let delivery =
        tokio::time::timeout(Duration::from_secs(30), queue.take()).await.expect("a message comes");
    delivery.ack().expect("it is not settled yet");
    delivery
}

async fn next_value(app: &App, name: &str) -> Value {
    next(app, name).await.message().value().expect("the body is well-formed")
}

/// Why a message went to the dead letters.
fn reason(letter: &Delivery) -> String {
    let headers = letter.headers();
    headers.get("x_dead_letter_reason").and_then(Value::as_str).expect("there is a reason").to_owned()
}

#[tokio::test]
async fn a_consumer_calls_its_function_with_each_message() {
    let app = app(
        "assert(queue.publish('app:jobs', { order = 7, items = { 'a', 'b' } }, { correlation_id = 'c-1', priority = 5 }) == true)",
        "local order = ...
        local message = assert(queue.message())
        assert(#message:id() == 36 and message:header('priority') == 5 and message:header('none') == nil)
        assert(message:headers().correlation_id == 'c-1' and message:header('attempts') == 1)
        queue.publish('app:answers', order.order .. order.items[2])",
    )
    .await;
    app.main().await;
    assert_eq!(next_value(&app, "answers").await, "7b".into());
}

#[tokio::test]
async fn messages_are_worked_on_in_order() {
    let app = app(
        "for n = 1, 20 do queue.publish('app:jobs', n) end",
        "local n = ... queue.publish('app:answers', n)",
    )
    .await;
    app.main().await;
    for n in 1..=20 {
        assert_eq!(next_value(&app, "answers").await, n.into());
    }
}

#[tokio::test]
async fn what_fails_is_delivered_again_and_then_goes_to_the_dead_letters() {
    for (what, work) in [
        ("the function returned false", "return false"),
        ("broken", "error('broken')"),
        ("refused", "return nil, errors.new({ message = 'refused', kind = errors.INVALID })"),
        ("the function refused it", "assert(queue.message():nack()) return true"),
    ] {
        let app = app(
            "queue.publish('app:jobs', 'poison')",
            &format!("queue.publish('app:answers', queue.message():header('attempts')) {work}"),
        )
        .await;
        app.main().await;
        let letter = next(&app, "dead").await;
        assert!(reason(&letter).contains(what), "{}", reason(&letter));
        for attempt in 1..=3 {
            assert_eq!(next_value(&app, "answers").await, attempt.into(), "{what}");
        }
        assert!(queue(&app, "answers").try_take().is_none());
    }
}

#[tokio::test]
async fn what_is_acknowledged_stays_so_whatever_comes_after() {
    let app = app(
        "queue.publish('app:jobs', 1) queue.publish('app:jobs', 'last')",
        "local body = ...
        local message = queue.message()
        assert(message:ack() == true)
        for _, settle in ipairs({ message.ack, message.nack }) do
          local again, err = settle(message)
          assert(again == nil and err:kind() == errors.INVALID)
        end
        queue.publish('app:answers', body)
        error('too late')",
    )
    .await;
    app.main().await;
    assert_eq!(next_value(&app, "answers").await, 1.into());
    assert_eq!(next_value(&app, "answers").await, "last".into());
}

#[tokio::test]
async fn a_message_belongs_to_its_call() {
    // An inline entry keeps its variables from one call to the next.
    let app = with(
        "local none, err = queue.message()
        assert(none == nil and err:kind() == errors.INVALID)
        queue.publish('app:jobs', 'first') queue.publish('app:jobs', 'second')",
        "local body = ...
        if body == 'first' then
          kept = queue.message()
          error('it comes back later')
        end
        local settled, err = kept:ack()
        queue.publish('app:answers', settled == nil and err:kind() .. ' ' .. kept:id())",
        "pool: {type: inline}",
        CONSUMER,
        &Gate::default(),
    )
    .await;
    app.main().await;
    let letter = next(&app, "dead").await;
    assert_eq!(next_value(&app, "answers").await, format!("Invalid {}", letter.message().id).into());
}

#[tokio::test]
async fn those_that_a_handler_calls_have_no_message() {
    let app = app(
        "local inner = ...
        if inner then
          local none, err = queue.message()
          return none == nil and err:kind()
        end
        queue.publish('app:jobs', 1)",
        "queue.publish('app:answers', require('funcs').call('app:main', true))",
    )
    .await;
    app.main().await;
    assert_eq!(next_value(&app, "answers").await, "Invalid".into());
}

#[tokio::test]
async fn a_handler_that_reaches_a_limit_has_failed() {
    for (work, limit) in [
        ("while true do end", "limits.cpu"),
        ("local t = {} while true do t[#t + 1] = ('x'):rep(4000000) .. #t end", "limits.memory"),
        ("channel.new():receive()", "deadlock"),
    ] {
        let app = app("queue.publish('app:jobs', 'poison')", work).await;
        app.main().await;
        let letter = next(&app, "dead").await;
        assert!(reason(&letter).contains(limit), "{}", reason(&letter));
    }
}

#[tokio::test]
async fn a_handler_that_never_ends_holds_its_message_until_it_is_ended() {
    let gate = Gate::default();
    let consumer = CONSUMER.replace("lifecycle: {", "lifecycle: {stop_timeout: 1ms, ");
    let app = with("queue.publish('app:jobs', 'job')", "require('gate').wait()", "", &consumer, &gate).await;
    app.main().await;
    gate.entered().await;
    assert!(queue(&app, "jobs").try_take().is_none());
    assert_eq!(queue(&app, "jobs").info().messages, 1);
    app.runtime.stop().await;
    gate.left().await;
    let delivery = next(&app, "jobs").await;
    assert_eq!((delivery.message().value(), delivery.attempts()), (Ok("job".into()), 1));
}

#[tokio::test]
async fn stopping_lets_handlers_finish() {
    let gate = Gate::default();
    let app = with("queue.publish('app:jobs', 1)", "require('gate').wait()", "", CONSUMER, &gate).await;
    app.main().await;
    gate.entered().await;
    let runtime = app.runtime.clone();
    let stopping = tokio::spawn(async move { runtime.stop().await });
    gate.open();
    stopping.await.expect("it stops");
    assert_eq!(queue(&app, "jobs").info().messages, 0);
}

#[tokio::test]
async fn a_handler_whose_pool_is_full_is_tried_later_without_an_attempt() {
    let gate = Gate::default();
    let consumer = CONSUMER.replace("func: work", "func: work, concurrency: 8");
    let app = with(
        "for n = 1, 8 do queue.publish('app:jobs', n) end",
        "local n = ...
        require('gate').wait()
        queue.publish('app:answers', queue.message():header('attempts'))",
        "pool: {type: static, size: 1, buffer: 1}",
        &consumer,
        &gate,
    )
    .await;
    app.main().await;
    (0..8).for_each(|_| gate.open());
    for _ in 0..8 {
        assert_eq!(next_value(&app, "answers").await, 1.into());
    }
    assert_eq!(queue(&app, "dead").info().messages, 0);
}

#[tokio::test]
async fn publishing_in_a_loop_ends_at_the_bound() {
    for (body, most) in [("'x'", 100), ("('x'):rep(100000)", 10)] {
        let main = format!(
            "local n = 0
            while true do
              local ok, err = queue.publish('app:jobs', {body})
              if not ok then
                local info = queue.info('app:jobs')
                return {{ n, err:kind(), err:retryable(), info.message_count, info.consumer_count, info.ready }}
              end
              n = n + 1
            end"
        );
        let app = with(&main, "", "", "", &Gate::default()).await;
        let Value::Array(seen) = app.main().await else { panic!("it returns a list") };
        assert_eq!(seen[..5], [most.into(), "Unavailable".into(), true.into(), most.into(), 0.into()]);
        // One of the small ones is refused by the count, while of the large ones a smaller one might still fit.
        assert_eq!(seen[5], (most == 10).into());
    }
}

#[tokio::test]
async fn what_cannot_be_published_is_invalid_and_leaves_nothing_behind() {
    let app = app(
        "local loop = {}
        loop.loop = loop
        local cases = {
          { 'app:jobs' }, { 'app:jobs', {} }, { 'app:jobs', print }, { 'app:jobs', loop }, { 'app:jobs', { 1, nil, 3 } },
          { 'app:jobs', ('x'):rep(8 * 1024 * 1024) }, { 'app:jobs', 1, 'headers' }, { 'app:jobs', 1, { attempts = 1 } },
          { 'app:jobs', 1, { x_mine = 1 } }, { 'app:jobs', 1, { nested = {} } }, { 'app:jobs', 1, { long = ('x'):rep(1000000) } },
          { 'app:work', 1 }, { 'app:memory', 1 }, { '', 1 }, { 'jobs', 1 }, { 5, 1 }, { nil, 1 },
        }
        for i = 1, 17 do
          local case = cases[i]
          local ok, err = queue.publish(case[1], case[2], case[3])
          assert(ok == nil and err:kind() == errors.INVALID, i .. ': ' .. tostring(err))
        end
        local ok, err = queue.publish('app:none', 1)
        assert(ok == nil and err:kind() == errors.NOT_FOUND)
        assert(select(2, queue.info('app:none')):kind() == errors.NOT_FOUND and select(2, queue.info(5)):kind() == errors.INVALID)
        return queue.info('app:jobs').message_count",
        "",
    )
    .await;
    assert_eq!(app.main().await, 0.into());
}

/// Allows publishing to `app:jobs`.
struct Jobs;

impl Rule for Jobs {
    fn evaluate(&self, question: &Question<'_>) -> Decision {
        match (question.action, question.resource) {
            ("queue.publish", "") | ("queue.publish.queue" | "queue.info", "app:jobs") => Decision::Allow,
            _ => Decision::Undefined,
        }
    }
}

#[tokio::test]
async fn policies_decide_who_publishes_where() {
    let app = with(
        "assert(queue.publish('app:jobs', 1) and queue.info('app:jobs').message_count == 1)
        for _, result in ipairs({ { queue.publish('app:answers', 1) }, { queue.info('app:answers') }, { queue.publish('app:none', 1) } }) do
          assert(result[1] == nil and result[2]:kind() == errors.PERMISSION_DENIED)
        end",
        "",
        "",
        "",
        &Gate::default(),
    )
    .await;
    let authority = Authority {
        actor: Some(Actor::new("user:1").into()),
        scope: Some(Scope::new([Policy::new("app:jobs", Jobs)])),
    };
    assert_eq!(app.runtime.call_with(Call::new("app:main").authority(authority)).await, Ok(Value::Nil));
}

#[tokio::test]
async fn a_consumers_calls_act_with_its_security() {
    let policy = "  - {name: publishing, kind: security.policy, policy: {actions: queue.publish, resources: '*', effect: allow}}\n  \
                  - name: answering\n    kind: security.policy\n    policy: {actions: queue.publish.queue, \
                  resources: ['app:answers', 'app:jobs'], effect: allow}\n";
    let security = "lifecycle: {security: {actor: {id: worker}, policies: [publishing, answering]}, ";
    let consumer = policy.to_owned() + &CONSUMER.replace("lifecycle: {", security);
    let app = with(
        "queue.publish('app:jobs', 1)",
        "local done, err = queue.publish('app:dead', 1)
        queue.publish('app:answers', done == nil and err:kind())",
        "",
        &consumer,
        &Gate::default(),
    )
    .await;
    let publisher = Actor::new("publisher");
    let authority = app.runtime.authority(publisher, &["app:publishing", "app:answering"], &[]);
    let call = Call::new("app:main").authority(authority.expect("the policies are there"));
    app.runtime.call_with(call).await.expect("the publisher may publish");
    assert_eq!(next_value(&app, "answers").await, "PermissionDenied".into());
}

#[tokio::test]
async fn nothing_is_lost_while_handlers_die_and_consumers_come_and_go() {
    const MESSAGES: i64 = 60;
    let consumer = CONSUMER.replace("func: work", "func: work, concurrency: 4");
    let app = with(
        "for n = 1, 60 do queue.publish('app:jobs', n) end",
        "local n = ...
        -- Every third dies twice before it succeeds.
        if n % 3 == 0 and queue.message():header('attempts') < 3 then
          if n % 2 == 0 then while true do end end
          error('not yet')
        end
        queue.publish('app:answers', n)",
        "",
        &consumer,
        &Gate::default(),
    )
    .await;
    app.main().await;
    let mut seen = BTreeSet::new();
    let mut change = 0_i64;
    while seen.len() < MESSAGES as usize {
        let answer = next_value(&app, "answers").await;
        seen.insert(answer.as_integer().expect("it is a number"));
        if seen.len() % 20 == 10 {
            change += 1;
            let consumer = Entry::new(EntryId::new("app", "consumer").expect("an id"), "queue.consumer")
                .with_field("queue", "jobs")
                .with_field("func", "work")
                .with_field("concurrency", 1 + change % 4)
                .with_field("lifecycle", Value::from_iter([("auto_start", true)]));
            app.runtime.registry().apply(&[Operation::Update(consumer.into())], None).expect("it is applied");
        }
    }
    assert_eq!(seen, (1..=MESSAGES).collect());
    assert_eq!(queue(&app, "dead").info().messages, 0);
}

#[tokio::test]
async fn the_fields_of_queues_are_checked_when_entries_load() {
    let driver = "  - {name: memory, kind: queue.driver.memory}\n";
    for (entry, message) in [
        ("{name: jobs, kind: queue.queue}", "driver"),
        ("{name: jobs, kind: queue.queue, driver: none}", "none"),
        ("{name: jobs, kind: queue.queue, driver: jobs}", "queue.driver.memory"),
        ("{name: jobs, kind: queue.queue, driver: memory, codec: xml}", "json/plain"),
        ("{name: jobs, kind: queue.queue, driver: memory, dead_letter: {max_attempts: 3}}", "dead_letter"),
        (
            "{name: jobs, kind: queue.queue, driver: memory, dead_letter: {queue: jobs}}",
            "its own dead-letter queue",
        ),
        (
            "{name: jobs, kind: queue.queue, driver: memory, driver_options: {memory: {max_length: 0}}}",
            "out of range",
        ),
        ("{name: consumer, kind: queue.consumer, queue: memory, func: memory}", "function.lua"),
        ("{name: amqp, kind: queue.driver.amqp}", "queue.driver.memory"),
    ] {
        let yaml = format!("version: '1.0'\nnamespace: app\nentries:\n{driver}  - {entry}\n");
        let text =
            perilune_tests::render(&App::try_new(&[("app.yaml", &yaml)]).err().expect("it is refused"));
        assert!(text.contains(message), "{entry}: {text}");
    }
}
