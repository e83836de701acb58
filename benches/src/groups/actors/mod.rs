//! Processes beside actors of a library in Rust, which have no memory of their own.

mod native;

use crate::entries::{block, function, threads};
use crate::groups::idle::resident;
use crate::run::micros;
use crate::{Group, Key, Run, Side, Unit};
use anyhow::{Context, bail, ensure};
use perilune::{EngineOptions, Entry, EntryId, Runtime, Value};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

pub(super) const GROUP: Group = Group { keys: KEYS, measure };

const KEYS: &[Key] = &[
    Key::new(
        "actor.spawn_per_s_per_core",
        Unit::PerSecond,
        "processes in a second that start, with clean memory, and end; one core",
    ),
    Key::new(
        "actor.spawn_over_native",
        Unit::Ratio,
        "the rate of ractor, where a supervisor is told of each end, over it",
    )
    .at_most(5.0),
    Key::new("actor.pingpong_us", Unit::Micros, "a message to a process and its answer, p50, one core"),
    Key::new("actor.pingpong_over_native", Unit::Ratio, "over ractor's"),
    Key::new(
        "actor.messages_per_s_per_core",
        Unit::PerSecond,
        "messages in a second from one process to another, sending and receiving; one core",
    )
    .at_least(300_000.0),
    Key::new("actor.many_to_one_per_s_per_core", Unit::PerSecond, "the same from 1,000 processes to one"),
    Key::new("actor.messages_over_native", Unit::Ratio, "ractor's rate over that from one to another"),
    Key::new(
        "actor.idle_kib",
        Unit::KiB,
        "anonymous resident memory for each of 10,000 processes that wait in their inbox",
    ),
    Key::new("actor.hibernated_kib", Unit::KiB, "the same for each of 100,000 that hibernate").at_most(20.0),
    Key::new(
        "actor.spinner_neighbour_p99_ratio",
        Unit::Ratio,
        "p99 of a message and its answer beside one spinning process per core, over the same alone",
    ),
];

/// Processes of one sample, rounds of messages, and messages.
const SPAWNS: u32 = 200;
const ROUNDS: u32 = 500;
const MESSAGES: u32 = 20_000;
const SENDERS: u32 = 1_000;
/// Of all senders together: starting them is not what is measured.
const MANY: u32 = 100_000;

const IDLE: u32 = 10_000;
const HIBERNATED: u32 = 100_000;

/// For the driver, and whatever is loaded.
const SPARE_CELLS: u32 = 16;

/// Milliseconds of one burst beside spinners.
const WINDOW: i64 = 300;

const BRIEF: &str = "return { main = function() end }";

const ECHO: &str = "return { main = function()
  local inbox = process.inbox()
  while true do
    local message = inbox:receive()
    process.send(message:from(), 'answer', message:payload():data())
  end
end }";

/// Sends so many messages to a process; what the mailbox refuses is sent again once others have run.
const SENDER: &str = "return { main = function(to, count)
  for i = 1, count do
    while not process.send(to, 'n', i) do coroutine.yield() end
  end
end }";

const WAITING: &str = "return { main = function() process.inbox():receive() end }";

const SPIN: &str = "return { main = function(to) process.send(to, 'spinning') while true do end end }";

const DRIVER: &str = "
local time = require('time')
local methods = {}
-- Microseconds that each message and its answer took, for so many milliseconds, beside so many processes that spin.
function methods.beside(spinners, window)
  local answers, echo = process.listen('answer'), assert(process.spawn('bench:echo', 'bench:host'))
  local spinning, spun = process.listen('spinning'), {}
  for i = 1, spinners do spun[i] = assert(process.spawn('bench:spin', 'bench:host', process.pid())) end
  for _ = 1, spinners do spinning:receive() end
  local took, began = {}, time.now()
  repeat
    local asked = time.now()
    process.send(echo, 'say', 1)
    answers:receive()
    local answered = time.now()
    took[#took + 1] = answered:sub(asked):microseconds()
  until answered:sub(began):milliseconds() >= window
  for _, pid in ipairs(spun) do assert(process.terminate(pid)) end
  process.terminate(echo)
  return took
end
function methods.spawn(count)
  local events = process.events()
  for _ = 1, count do assert(process.spawn_monitored('bench:brief', 'bench:host')) end
  for _ = 1, count do assert(events:receive().result.error == nil) end
end
function methods.pingpong(count)
  local answers, echo = process.listen('answer'), assert(process.spawn('bench:echo', 'bench:host'))
  for i = 1, count do
    process.send(echo, 'say', i)
    assert(answers:receive() == i)
  end
  process.terminate(echo)
end
function methods.receive(senders, count)
  local ch = process.listen('n')
  local me = process.pid()
  for _ = 1, senders do assert(process.spawn('bench:sender', 'bench:host', me, count // senders)) end
  for _ = 1, count do ch:receive() end
end
function methods.wait(count)
  for _ = 1, count do assert(process.spawn('bench:waiting', 'bench:host')) end
end
return methods";

fn entries(hibernate: bool) -> anyhow::Result<Vec<Entry>> {
    let process = |name: &str, source: &str| -> anyhow::Result<Entry> {
        let entry = Entry::new(EntryId::new("bench", name)?, "process.lua");
        Ok(entry.with_field("source", source).with_field("method", "main"))
    };
    let host = Entry::new(EntryId::new("bench", "host")?, "process.host")
        .with_field("max_processes", Value::Integer(i64::from(HIBERNATED)))
        .with_field("hibernate", Value::Bool(hibernate))
        .with_field("hibernate_after", "50ms")
        .with_field("mailbox", Value::from_iter([("messages", Value::Integer(100_000))]));
    let methods = ["spawn", "pingpong", "wait", "beside"].map(Value::from).to_vec();
    let driver = Entry::new(EntryId::new("bench", "driver")?, "module.lua")
        .with_field("source", DRIVER)
        .with_field("methods", methods)
        .with_field("modules", vec![Value::from("time")])
        .with_field("pool", block([("type", "inline")]))
        .with_field("limits", block([("cpu", "60s"), ("timeout", "10m")]));
    Ok(vec![
        host,
        driver,
        function(
            "exec",
            "return { main = function(...) return assert(process.exec('bench:receive', 'bench:host', ...)) end }",
        )?,
        process(
            "receive",
            &DRIVER.replace(
                "return methods",
                "return { main = function(...) methods.receive(...) return true end }",
            ),
        )?
        .with_field("modules", vec![Value::from("time")])
        .with_field("limits", block([("cpu", "60s")])),
        process("spin", SPIN)?.with_field("limits", block([("cpu", "60s")])),
        process("brief", BRIEF)?,
        process("echo", ECHO)?,
        process("sender", SENDER)?,
        process("waiting", WAITING)?,
    ])
}

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let runtime = Runtime::builder().entries(entries(false)?).build()?;
    let core = OneCore { threads: threads(1)?, runtime: runtime.clone() };
    if run.wants("actor.spawn_") {
        spawn(run, &core)?;
    }
    if run.wants("actor.pingpong_") {
        pingpong(run, &core)?;
    }
    if run.wants("actor.messages_") || run.wants("actor.many_") {
        messages(run, &core)?;
    }
    if run.wants("actor.spinner_") {
        beside_spinners(run, &runtime)?;
    }
    drop((runtime, core));
    if run.wants("actor.idle_kib") {
        run.record("actor.idle_kib", each_of_many(IDLE, false)?, None)?;
    }
    if run.wants("actor.hibernated_kib") {
        run.record("actor.hibernated_kib", each_of_many(HIBERNATED, true)?, None)?;
    }
    Ok(())
}

/// Where both sides run.
struct OneCore {
    threads: tokio::runtime::Runtime,
    runtime: Runtime,
}

impl OneCore {
    /// How long a call takes.
    fn call(&self, target: &str, args: &[u32]) -> anyhow::Result<Duration> {
        let (runtime, target) = (self.runtime.clone(), target.to_owned());
        let args: Vec<Value> = args.iter().map(|arg| Value::Integer((*arg).into())).collect();
        let task = self.threads.spawn(async move {
            let began = Instant::now();
            runtime.call(&target, args).await?;
            anyhow::Ok(began.elapsed())
        });
        self.threads.block_on(task)?
    }
}

fn per_second(count: u32, took: Duration) -> Vec<f64> {
    vec![f64::from(count) / took.as_secs_f64()]
}

fn spawn(run: &mut Run, core: &OneCore) -> anyhow::Result<()> {
    let threads = &core.threads;
    let [native, ours] = run.interleave(
        "actor.spawn",
        [
            Side::new("ractor/s", || Ok(per_second(SPAWNS, native::timed(threads, native::spawn(SPAWNS))?))),
            Side::new("perilune/s", || Ok(per_second(SPAWNS, core.call("bench:driver.spawn", &[SPAWNS])?))),
        ],
    )?;
    run.record("actor.spawn_per_s_per_core", ours.p50(), Some(ours.spread()))?;
    let ratio = native.over(&ours, 0.5);
    run.record("actor.spawn_over_native", ratio.value, Some(ratio.spread))
}

fn pingpong(run: &mut Run, core: &OneCore) -> anyhow::Result<()> {
    let threads = &core.threads;
    let each = |took: Duration| vec![micros(took / ROUNDS)];
    let [native, ours] = run.interleave(
        "actor.pingpong",
        [
            Side::new("ractor", || Ok(each(native::timed(threads, native::pingpong(ROUNDS))?))),
            Side::new("perilune", || Ok(each(core.call("bench:driver.pingpong", &[ROUNDS])?))),
        ],
    )?;
    run.record("actor.pingpong_us", ours.p50(), Some(ours.spread()))?;
    let ratio = ours.over(&native, 0.5);
    run.record("actor.pingpong_over_native", ratio.value, Some(ratio.spread))
}

fn messages(run: &mut Run, core: &OneCore) -> anyhow::Result<()> {
    let threads = &core.threads;
    let [native, one, many] = run.interleave(
        "actor.messages",
        [
            Side::new("ractor/s", || {
                Ok(per_second(MESSAGES, native::timed(threads, native::messages(MESSAGES))?))
            }),
            Side::new("one to one/s", || Ok(per_second(MESSAGES, core.call("bench:exec", &[1, MESSAGES])?))),
            Side::new("many to one/s", || Ok(per_second(MANY, core.call("bench:exec", &[SENDERS, MANY])?))),
        ],
    )?;
    run.record("actor.messages_per_s_per_core", one.p50(), Some(one.spread()))?;
    run.record("actor.many_to_one_per_s_per_core", many.p50(), Some(many.spread()))?;
    let ratio = native.over(&one, 0.5);
    run.record("actor.messages_over_native", ratio.value, Some(ratio.spread))
}

fn beside_spinners(run: &mut Run, runtime: &Runtime) -> anyhow::Result<()> {
    let cores = available_parallelism()?.get();
    let all = threads(cores)?;
    let beside = |spinners: usize| -> anyhow::Result<Vec<f64>> {
        let runtime = runtime.clone();
        let args = [spinners as i64, WINDOW].map(Value::Integer);
        let took =
            all.block_on(all.spawn(async move { runtime.call("bench:driver.beside", args).await }))??;
        let Value::Array(took) = took else { bail!("the driver gave {took:?}") };
        took.iter().map(|took| took.as_float().context("a number")).collect()
    };
    let [alone, spun] = run.interleave(
        "actor.spinner",
        [Side::new("alone", || beside(0)), Side::new("beside spinners", || beside(cores))],
    )?;
    let ratio = spun.over(&alone, 0.99);
    run.record("actor.spinner_neighbour_p99_ratio", ratio.value, Some(ratio.spread))
}

/// KiB that each of many processes takes which wait.
fn each_of_many(count: u32, hibernate: bool) -> anyhow::Result<f64> {
    let thread = threads(1)?;
    let cells = if hibernate { EngineOptions::default().max_cells } else { count + SPARE_CELLS };
    let engine = EngineOptions { max_cells: cells, ..EngineOptions::default() };
    let runtime = Runtime::builder().engine(engine).entries(entries(hibernate)?).build()?;
    let before = resident()?;
    let begun = thread.block_on(async {
        runtime.call("bench:driver.wait", [Value::Integer(count.into())]).await?;
        let all = u64::from(count);
        loop {
            let quiet = runtime.processes_at_rest(hibernate);
            ensure!(quiet <= all, "more processes than were started");
            if quiet == all {
                return anyhow::Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    begun.context("processes that wait")?;
    let after = resident()?;
    drop(runtime);
    Ok(after.saturating_sub(before) as f64 / f64::from(count))
}
