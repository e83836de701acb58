//! Random workflows in Lua, on a simulated clock: run straight through, with every step replayed, and by replay of what was recorded,
//! they give the same commands. Killed at every commit, they give the same result.

use perilune::workflow::{Backend, Event, EventKind, Outcome, Signal, StartOptions, Target};
use perilune::{Replayed, Runtime, Value};
use perilune_durable::{Clock, Durable, Gate, Settings, SimulatedClock};
use perilune_tests::App;
use proptest::prelude::*;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const YAML: &str = "version: '1.0'
namespace: app
entries:
  - {name: host, kind: workflow.host}
  - {name: work, kind: workflow.lua, source: 'file://work.lua', modules: [workflow, funcs, time, uuid], meta: {temporal: {workflow: {worker: host}}}}
  - {name: flaky, kind: function.lua, source: 'file://flaky.lua', method: main, modules: [workflow]}
";

const FLAKY: &str = "return function(value, failures)
  if require('workflow').activity().attempt <= failures then error('not yet') end
  return value
end";

/// Does what a list of steps says. Each step is a list: its name, then what it needs.
const WORK: &str = "local workflow, funcs, time, uuid = require('workflow'), require('funcs'), require('time'), require('uuid')
local steps, perform = {}, nil

function steps.sleep(seconds) time.sleep(seconds .. 's') return 'slept' end
function steps.call(value, failures) return funcs.call('app:flaky', value, failures) end
function steps.calls(count)
  local calls, sum = {}, 0
  for i = 1, count do calls[i] = funcs.async('app:flaky', i, i % 2) end
  for _, call in ipairs(calls) do sum = sum + call:response():receive():data() end
  return sum
end
function steps.give_up(value)
  local call = funcs.async('app:flaky', value, 50)
  local picked = channel.select({ call:response():case_receive(), time.after('2s'):case_receive() })
  call:cancel()
  return picked.channel == call:response() and 'answered' or 'given up'
end
function steps.race(short, long)
  local first, second = time.after(short .. 's'), time.after((short + long) .. 's')
  local picked = channel.select({ second:case_receive(), first:case_receive() })
  return picked.channel == first
end
function steps.message(topic)
  local inbox = process.listen('t' .. topic)
  if not inbox then return 'taken' end
  local picked = channel.select({ inbox:case_receive(), time.after('100s'):case_receive() })
  process.unlisten(inbox)
  return picked.channel == inbox and picked.value or 'none'
end
function steps.to_self(topic, value) process.send(process.pid(), 't' .. topic, value) return true end
function steps.child(list) return (assert(process.exec('app:work', '', list))) end
-- Several may wait for the ends of children at once, and an event goes to one who takes it.
local ends, dispatching = {}, false
local function dispatch()
  local events = process.events()
  while true do
    local event = events:receive()
    ends[event.from]:send(event.result.value)
  end
end
function steps.spawn(list)
  local pid = assert(process.spawn('app:work', '', list))
  ends[pid] = channel.new(1)
  if not dispatching then
    dispatching = true
    coroutine.spawn(dispatch)
  end
  return (ends[pid]:receive())
end
function steps.both(one, two)
  local done = channel.new(2)
  coroutine.spawn(function() done:send({ 1, perform(one) }) end)
  coroutine.spawn(function() done:send({ 2, perform(two) }) end)
  local results = {}
  for _ = 1, 2 do
    local result = done:receive()
    results[result[1]] = result[2]
  end
  return results
end
function steps.version(name) return workflow.version('c' .. name, 1, 3) end
function steps.draw() return #uuid.v4() + (math.random(6) > 0 and 1 or 0) end
function steps.attrs(value) return workflow.attrs({ memo = { value = value } }) end
function steps.fail(message) return tostring(select(2, pcall(error, message, 0))) end

function perform(list)
  local results = {}
  for i, step in ipairs(list) do results[i] = steps[step[1]](table.unpack(step, 2)) end
  return results
end

return { main = function(list, rounds)
  local results = perform(list)
  if rounds and rounds > 0 then return process.upgrade(nil, list, rounds - 1) end
  return results
end }";

/// A step as the workflow reads it.
fn step(name: &str, parts: Vec<Value>) -> Value {
    Value::Array(std::iter::once(Value::from(name)).chain(parts).collect())
}

fn steps() -> impl Strategy<Value = Vec<Value>> {
    let small = || (0i64..9).prop_map(Value::Integer);
    let leaf = prop_oneof![
        small().prop_map(|time| step("sleep", vec![time])),
        (small(), 0i64..3).prop_map(|(value, failures)| step("call", vec![value, failures.into()])),
        small().prop_map(|count| step("calls", vec![count])),
        small().prop_map(|value| step("give_up", vec![value])),
        (1i64..9, 1i64..5).prop_map(|(short, long)| step("race", vec![short.into(), long.into()])),
        (0i64..3).prop_map(|topic| step("message", vec![topic.into()])),
        (0i64..3, small()).prop_map(|(topic, value)| step("to_self", vec![topic.into(), value])),
        (0i64..3).prop_map(|name| step("version", vec![name.into()])),
        Just(step("draw", vec![])),
        small().prop_map(|value| step("attrs", vec![value])),
        small().prop_map(|value| step("fail", vec![value])),
    ];
    let step = leaf.prop_recursive(2, 10, 3, |inner| {
        let some = prop::collection::vec(inner, 1..4).prop_map(Value::Array);
        prop_oneof![
            some.clone().prop_map(|list| step("child", vec![list])),
            some.clone().prop_map(|list| step("spawn", vec![list])),
            (some.clone(), some).prop_map(|(one, two)| step("both", vec![one, two])),
        ]
    });
    prop::collection::vec(step, 1..6)
}

/// What runs things at once does them in the order in which activities end, which is nobody's promise.
fn one_by_one(steps: &[Value]) -> bool {
    let Ok(text) = perilune::json::encode(&Value::Array(steps.to_vec())) else { return false };
    !["\"both\"", "\"calls\"", "\"give_up\"", "\"spawn\""].iter().any(|name| text.contains(name))
}

fn app() -> App {
    App::new(&[("app.yaml", YAML), ("work.lua", WORK), ("flaky.lua", FLAKY)])
}

/// Kills a host at one commit, before or after it.
struct Killer {
    at: u64,
    after: bool,
    killed: AtomicBool,
}

impl Killer {
    fn lives(&self, here: bool) -> bool {
        self.killed.fetch_or(here, Ordering::Relaxed);
        !here
    }
}

impl Gate for Killer {
    fn before(&self, commit: u64) -> bool {
        self.lives(!self.after && commit == self.at)
    }

    fn after(&self, commit: u64) -> bool {
        self.lives(self.after && commit == self.at)
    }
}

fn settings(path: &Path, clock: &SimulatedClock) -> Settings {
    Settings { clock: Arc::new(clock.clone()), ..Settings::new(path.join("workflows.db")) }
}

async fn open(runtime: &Runtime, settings: Settings) -> Durable {
    let machines = runtime.workflow_machines("app:host").expect("it is a host");
    let activities = runtime.workflow_activities("app:host").expect("it is a host");
    Durable::open(settings, machines, activities).await.expect("the store opens")
}

/// Three messages of each topic are there from the start.
fn options() -> StartOptions {
    let topics = (0..3).flat_map(|topic| (0..3).map(move |value| (topic, value)));
    let signals = topics.map(|(topic, value): (i64, i64)| Signal {
        name: format!("t{topic}"),
        args: vec![value.into()],
        ..Signal::default()
    });
    StartOptions { id: Some("one".to_owned()), signals: signals.collect(), ..StartOptions::default() }
}

/// Starts it, unless that is done, and waits for its end; none where the host was killed meanwhile.
async fn drive(host: &Durable, args: &[Value]) -> Option<Outcome> {
    let options = StartOptions { reuse: perilune::workflow::ReusePolicy::RejectDuplicate, ..options() };
    match host.start("app:work", args.to_vec(), options).await {
        Err(error) if error.code != perilune::workflow::Code::AlreadyStarted => return None,
        _ => {}
    }
    let end = host.result(Target::from("one"));
    match tokio::time::timeout(perilune_tests::PATIENCE, end).await {
        Ok(end) => end.ok(),
        Err(_) => panic!("it does not end: {}", state(host).await),
    }
}

/// Where all runs are.
async fn state(host: &Durable) -> String {
    let mut state = String::new();
    for run in host.list(Default::default()).await.expect("they are listed").runs {
        let target = Target { workflow_id: run.workflow_id, run_id: Some(run.run_id) };
        let description = host.describe(target.clone()).await.expect("it is there");
        let history = host.history(target).await.expect("it is kept");
        state.push_str(&format!("\n{description:?}\n"));
        history.iter().for_each(|event| state.push_str(&format!("  {event:?}\n")));
    }
    state
}

/// All runs do again what they did, and none had to be tried twice.
async fn replays(runtime: &Runtime, host: &Durable) {
    for run in host.list(Default::default()).await.expect("they are listed").runs {
        let target = Target { workflow_id: run.workflow_id, run_id: Some(run.run_id) };
        let history = host.history(target.clone()).await.expect("it is kept");
        let failed: Vec<_> = history
            .iter()
            .filter(|event| matches!(event.kind, EventKind::WorkflowTaskFailed { .. }))
            .collect();
        assert!(failed.is_empty(), "{failed:?}");
        let file = host.export(target).await.expect("it is kept");
        let replayed = runtime.replay_workflow(file.as_bytes()).await.expect("it is a history");
        assert!(matches!(replayed, Replayed::Same { .. }), "{replayed:?}");
    }
}

/// What the code wanted, without what is different each time.
fn commands(history: &[Event]) -> Vec<String> {
    let wanted = history.iter().filter_map(|event| match &event.kind {
        EventKind::TimerStarted { seq, after } => Some(format!("timer {seq} {after:?}")),
        EventKind::TimerCanceled { seq } => Some(format!("no timer {seq}")),
        EventKind::ActivityTaskScheduled(it) => {
            Some(format!("{} {} {:?}", it.seq, it.activity_type, it.args))
        }
        EventKind::ActivityTaskCancelRequested { seq } => Some(format!("no activity {seq}")),
        EventKind::StartChildWorkflowExecutionInitiated(child) => Some(format!("child {}", child.seq)),
        EventKind::MarkerRecorded(marker) => Some(format!("{marker:?}")),
        EventKind::WorkflowPropertiesModified(fields) => Some(format!("{fields:?}")),
        _ => None,
    });
    wanted.collect()
}

async fn run(app: &App, args: &[Value], cached: usize) -> (Outcome, Vec<String>) {
    let (folder, clock) = (tempfile::tempdir().expect("a temporary folder"), SimulatedClock::default());
    let hold = clock.hold();
    let host =
        open(&app.runtime, Settings { cached_machines: cached, ..settings(folder.path(), &clock) }).await;
    host.start("app:work", args.to_vec(), options()).await.expect("it starts");
    drop(hold);
    let end = drive(&host, args).await.expect("nobody kills it");
    replays(&app.runtime, &host).await;
    let history = host.history(Target::from("one")).await.expect("it is kept");
    host.shutdown(perilune_tests::PATIENCE).await;
    (end, commands(&history))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_do_the_same_kept_evicted_and_replayed(steps in steps(), rounds in 0i64..2) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let args = vec![Value::Array(steps.clone()), Value::Integer(rounds)];
        let (kept, evicted) = runtime.block_on(async {
            let app = app();
            (run(&app, &args, 500).await, run(&app, &args, 0).await)
        });
        prop_assert!(matches!(kept.0, Outcome::Completed(_)), "{:?}", kept.0);
        prop_assert!(matches!(evicted.0, Outcome::Completed(_)), "{:?}", evicted.0);
        if one_by_one(&steps) {
            prop_assert_eq!(&kept, &evicted);
        }
    }
}

/// Everything once.
fn kitchen_sink() -> Vec<Value> {
    let list = |steps: Vec<Value>| Value::Array(steps);
    let steps = vec![
        step("call", vec![7.into(), 1.into()]),
        step("sleep", vec![2.into()]),
        step("message", vec![1.into()]),
        step(
            "both",
            vec![list(vec![step("sleep", vec![1.into()])]), list(vec![step("calls", vec![3.into()])])],
        ),
        step(
            "child",
            vec![list(vec![step("call", vec![1.into(), 0.into()]), step("version", vec![1.into()])])],
        ),
        step("attrs", vec![5.into()]),
        step("to_self", vec![2.into(), 9.into()]),
        step("race", vec![1.into(), 1.into()]),
        step("draw", vec![]),
    ];
    vec![list(steps), Value::Integer(1)]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wherever_the_host_dies_the_result_is_the_same() {
    let app = app();
    let args = kitchen_sink();
    let (expected, _) = run(&app, &args, 500).await;
    assert!(matches!(expected, Outcome::Completed(_)), "{expected:?}");
    let mut commits = 0;
    loop {
        commits += 1;
        let mut killed = false;
        for after in [false, true] {
            let (folder, clock) =
                (tempfile::tempdir().expect("a temporary folder"), SimulatedClock::default());
            let killer = Arc::new(Killer { at: commits, after, killed: AtomicBool::new(false) });
            let gate: Arc<dyn Gate> = killer.clone();
            let dying = Settings { gate: Some(gate), ..settings(folder.path(), &clock) };
            let host = open(&app.runtime, dying).await;
            let mut end = drive(&host, &args).await;
            host.shutdown(perilune_tests::PATIENCE).await;
            if end.is_none() {
                // What the dead host held of the clock is never given back.
                let clock = SimulatedClock::new(clock.now());
                let host = open(&app.runtime, settings(folder.path(), &clock)).await;
                end = drive(&host, &args).await;
                replays(&app.runtime, &host).await;
                host.shutdown(perilune_tests::PATIENCE).await;
            }
            assert_eq!(end.as_ref(), Some(&expected), "killed at commit {commits}, after it: {after}");
            killed |= killer.killed.load(Ordering::Relaxed);
        }
        if !killed {
            break;
        }
    }
    assert!(commits > 15, "{commits}");
}
