//! Durable workflows on a file, beside bare commits on the same disk; and on a Temporal server, beside steps in Rust.

use crate::entries::{block, threads};
use crate::run::micros;
use crate::{Group, Key, Run, Side, Unit};
use anyhow::{Context, ensure};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune::workflow::{
    Activation, Activities, ActivityContext, ActivityOptions, ActivityTask, Backend, Command, CommandKind,
    Fields, Job, Machine, Machines, Outcome, Resolution, ScheduleActivity, StartOptions, Target, TaskFailure,
};
use perilune::{Allowed, Entry, EntryId, Failure, Runtime, Value};
use perilune_temporal::{Client, ClientSettings, TemporalBackend, Worker, WorkerSettings};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) const GROUP: Group = Group { keys: KEYS, measure };
pub(super) const SERVER: Group = Group { keys: SERVER_KEYS, measure: measure_server };

const KEYS: &[Key] = &[
    Key::new(
        "floor.sqlite_commit_ms",
        Unit::Millis,
        "a commit of 900 bytes by rusqlite, in WAL mode with `synchronous=FULL`, p50",
    ),
    Key::new(
        "wf.step_p50_ms",
        Unit::Millis,
        "a step of a workflow on a `workflow.host`: an activity in Lua ends, the workflow's Lua runs and wants the next, p50",
    ),
    Key::new("wf.step_over_commit", Unit::Ratio, "the ratio of the two p50").at_most(2.0),
    Key::new("wf.steps_per_s", Unit::PerSecond, "such steps in a second, of 100 workflows at once"),
    Key::new(
        "wf.replay_events_per_s",
        Unit::PerSecond,
        "events of a long history, read from the file and run again by a new cell",
    )
    .at_least(100_000.0),
];

const SERVER_KEYS: &[Key] = &[
    Key::new(
        "wf.temporal_core_step_ms",
        Unit::Millis,
        "a step on a `temporal.worker` whose workflow and activity are Rust, p50",
    ),
    Key::new("wf.temporal_step_ms", Unit::Millis, "the same with both in Lua, p50"),
    Key::new("wf.temporal_step_over_core", Unit::Ratio, "the ratio of the two p50").at_most(1.3),
];

/// Tells where a Temporal server is.
const ADDRESS: &str = "PERILUNE_TEST_TEMPORAL";

/// Activities of a workflow; its start and its end are two more commits.
const STEPS: u32 = 18;
const CONCURRENT: u32 = 100;
/// Activities of the history that is run again; each leaves four events or so.
const LONG: u32 = 2_000;

const WORK: &str = "local funcs = require('funcs')
return { main = function(count)
  for i = 1, count do funcs.call('bench:echo', i) end
  return count
end }";
const ECHO: &str = "return { main = function(value) return value end }";

fn entry(name: &str, kind: &str) -> anyhow::Result<Entry> {
    Ok(Entry::new(EntryId::new("bench", name)?, kind))
}

/// The workflow, its activity, and hosts.
fn entries(worker: &str, hosts: Vec<Entry>) -> anyhow::Result<Vec<Entry>> {
    let temporal: Value = [("workflow", block([("worker", worker)]))].into_iter().collect();
    let work = entry("work", "workflow.lua")?
        .with_field("source", WORK)
        .with_field("modules", vec![Value::from("funcs")])
        .with_meta([("temporal", temporal)].into_iter().collect());
    let echo = entry("echo", "function.lua")?
        .with_field("source", ECHO)
        .with_field("method", "main")
        .with_field("pool", block([("type", "inline")]));
    Ok(hosts.into_iter().chain([work, echo]).collect())
}

fn started() -> Value {
    [("auto_start", Value::Bool(true))].into_iter().collect()
}

/// Runs workflows of so many steps, and gives what each took.
async fn run_all(backend: &dyn Backend, count: u32, steps: u32) -> anyhow::Result<Duration> {
    let began = Instant::now();
    let mut targets = Vec::new();
    for _ in 0..count {
        let args = vec![Value::Integer(steps.into())];
        let started = backend.start("bench:work", args, StartOptions::default()).await?;
        targets.push(Target::from(started.workflow_id.as_str()));
    }
    for target in targets {
        let end = backend.result(target).await?;
        ensure!(end == Outcome::Completed(Value::Integer(steps.into())), "{end:?}");
    }
    Ok(began.elapsed())
}

fn measure(run: &mut Run) -> anyhow::Result<()> {
    let folder = std::env::temp_dir().join(format!("perilune-bench-workflows-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let measured = on_a_file(run, &folder);
    std::fs::remove_dir_all(&folder)?;
    measured
}

fn on_a_file(run: &mut Run, folder: &Path) -> anyhow::Result<()> {
    let path = folder.join("workflows.db");
    let path = path.to_str().context("a path in UTF-8")?;
    let host = entry("host", "workflow.host")?.with_field("path", path).with_field("lifecycle", started());
    let allowed = Allowed { directories: vec![folder.to_owned()], ..Allowed::default() };
    let runtime = Runtime::builder().entries(entries("bench:host", vec![host])?).allow(allowed).build()?;
    let threads = threads(2)?;
    threads.block_on(runtime.start())?;
    let backend = runtime.workflows("bench:host")?;

    let mut commit = committer(folder)?;
    let commits = || (0..STEPS).map(|_| commit()).collect();
    let steps = || {
        let backend = backend.clone();
        let task = threads.spawn(async move { run_all(&*backend, 1, STEPS).await });
        let took = threads.block_on(task)??;
        Ok(vec![micros(took / (STEPS + 2)) / 1_000.0])
    };
    let together = || {
        let backend = backend.clone();
        let task = threads.spawn(async move { run_all(&*backend, CONCURRENT, STEPS).await });
        let took = threads.block_on(task)??;
        Ok(vec![f64::from(CONCURRENT * STEPS) / took.as_secs_f64()])
    };
    let sides = [Side::new("commit", commits), Side::new("step", steps), Side::new("steps/s", together)];
    let [commits, steps, together] = run.interleave("workflow", sides)?;
    run.record("floor.sqlite_commit_ms", commits.p50(), Some(commits.spread()))?;
    run.record("wf.step_p50_ms", steps.p50(), Some(steps.spread()))?;
    let ratio = steps.over(&commits, 0.5);
    run.record("wf.step_over_commit", ratio.value, Some(ratio.spread))?;
    run.record("wf.steps_per_s", together.p50(), Some(together.spread()))?;

    let replays = replays(&runtime, &threads, backend)?;
    let [replays] = run.interleave("replay", [Side::new("events/s", replays)])?;
    run.record("wf.replay_events_per_s", replays.p50(), Some(replays.spread()))?;
    threads.block_on(runtime.stop());
    Ok(())
}

/// What a step cannot be faster than.
fn committer(folder: &Path) -> anyhow::Result<impl FnMut() -> anyhow::Result<f64>> {
    let connection = Connection::open(folder.join("bare.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.execute_batch(
        "CREATE TABLE history (run INTEGER, first INTEGER, body BLOB, PRIMARY KEY (run, first)) WITHOUT ROWID",
    )?;
    let mut first = 0;
    Ok(move || {
        first += 1;
        let began = Instant::now();
        connection
            .prepare_cached("INSERT INTO history VALUES (1, ?1, ?2)")?
            .execute(rusqlite::params![first, vec![0u8; 900]])?;
        Ok(micros(began.elapsed()) / 1_000.0)
    })
}

fn replays<'a>(
    runtime: &'a Runtime,
    threads: &'a tokio::runtime::Runtime,
    backend: Arc<dyn Backend>,
) -> anyhow::Result<impl FnMut() -> anyhow::Result<Vec<f64>> + 'a> {
    let options = StartOptions { id: Some("long".to_owned()), ..StartOptions::default() };
    let args = vec![Value::Integer(LONG.into())];
    threads.block_on(backend.start("bench:work", args, options))?;
    threads.block_on(backend.result(Target::from("long")))?;
    let machines = runtime.workflow_machines("bench:host")?;
    Ok(move || {
        let (machines, backend) = (machines.clone(), backend.clone());
        let task = threads.spawn(async move {
            let began = Instant::now();
            let history = backend.history(Target::from("long")).await?;
            let mut machine = machines.create("bench:work", "replay").await?;
            perilune_durable::replay(&history, &mut *machine).await?;
            anyhow::Ok(history.len() as f64 / began.elapsed().as_secs_f64())
        });
        Ok(vec![threads.block_on(task)??])
    })
}

/// The same workflow in Rust.
#[derive(Clone, Copy)]
struct InRust;

struct Counting {
    done: u32,
    count: u32,
}

impl Machines for InRust {
    fn knows(&self, _: &str) -> bool {
        true
    }

    fn create<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Box<dyn Machine>, TaskFailure>> {
        async { Ok(Box::new(Counting { done: 0, count: 0 }) as Box<dyn Machine>) }.boxed()
    }
}

impl Machine for Counting {
    fn activate(&mut self, activation: Activation) -> BoxFuture<'_, Result<Vec<Command>, TaskFailure>> {
        let mut commands = Vec::new();
        for job in activation.jobs {
            match job {
                Job::Start(start) => {
                    let count = start.args.first().and_then(Value::as_integer).unwrap_or_default();
                    self.count = u32::try_from(count).unwrap_or_default();
                }
                Job::ResolveActivity { outcome: Resolution::Completed(_), .. } => self.done += 1,
                _ => continue,
            }
            let next = match self.done < self.count {
                true => CommandKind::ScheduleActivity(Box::new(ScheduleActivity {
                    seq: self.done + 1,
                    activity_type: "bench:echo".to_owned(),
                    args: vec![Value::Integer(i64::from(self.done) + 1)],
                    headers: Fields::new(),
                    activity_id: None,
                    options: ActivityOptions::default(),
                })),
                false => CommandKind::Complete(Value::Integer(self.count.into())),
            };
            commands.push(next.into());
        }
        async move { Ok(commands) }.boxed()
    }
}

impl Activities for InRust {
    fn execute(&self, task: ActivityTask, _: ActivityContext) -> BoxFuture<'static, Result<Value, Failure>> {
        async move { Ok(task.args.into_iter().next().unwrap_or_default()) }.boxed()
    }
}

fn measure_server(run: &mut Run) -> anyhow::Result<()> {
    let address =
        std::env::var(ADDRESS).with_context(|| format!("no Temporal server: {ADDRESS} is not set"))?;
    let threads = threads(2)?;
    let unique = std::process::id();
    let queue = format!("bench-rust-{unique}");
    let client = Client::new(ClientSettings::new(&address))?;
    let settings = WorkerSettings::new(&queue);
    let worker = threads.block_on(Worker::start(&client, &settings, Arc::new(InRust), Arc::new(InRust)))?;
    let rust: Arc<dyn Backend> = Arc::new(TemporalBackend::new(client, &queue).with_worker(worker));

    let server = entry("server", "temporal.client")?.with_field("address", address);
    let host = entry("host", "temporal.worker")?
        .with_field("client", "bench:server")
        .with_field("task_queue", format!("bench-lua-{unique}"))
        .with_field("lifecycle", started());
    let runtime = Runtime::builder()
        .entries(entries("bench:host", vec![server, host])?)
        .allow(Allowed { network: vec!["127.0.0.1".to_owned()], ..Allowed::default() })
        .build()?;
    threads.block_on(runtime.start())?;
    let lua = runtime.workflows("bench:host")?;

    let side = |backend: &Arc<dyn Backend>| {
        let (backend, threads) = (backend.clone(), &threads);
        move || {
            let backend = backend.clone();
            let task = threads.spawn(async move { run_all(&*backend, 1, STEPS).await });
            Ok(vec![micros(threads.block_on(task)?? / (STEPS + 2)) / 1_000.0])
        }
    };
    let [core, steps] =
        run.interleave("temporal", [Side::new("core", side(&rust)), Side::new("lua", side(&lua))])?;
    run.record("wf.temporal_core_step_ms", core.p50(), Some(core.spread()))?;
    run.record("wf.temporal_step_ms", steps.p50(), Some(steps.spread()))?;
    let ratio = steps.over(&core, 0.5);
    run.record("wf.temporal_step_over_core", ratio.value, Some(ratio.spread))?;
    threads.block_on(async {
        runtime.stop().await;
        rust.shutdown(Duration::from_secs(5)).await;
    });
    Ok(())
}
