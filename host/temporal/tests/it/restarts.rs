//! Machines that are thrown away, workers and servers that end.

use crate::basics::{echo, mailbox};
use crate::support::script::{Deeds, Scripts, activity, answer};
use crate::support::server::Server;
use crate::support::{QUEUE, World, until, within, worker};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_temporal::{TemporalBackend, Worker, WorkerSettings};
use perilune_value::Value;
use perilune_workflow::{
    Activation, ActivityOptions, Backend, Code, Command, CommandKind, Fields, Job, Machine, Machines,
    Outcome, QueryRequest, Resolution, Signal, StartOptions, Target, TaskFailure,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

fn signal(name: &str) -> Signal {
    Signal { name: name.to_owned(), ..Signal::default() }
}

/// Two activities one after the other and a signal; draws from the seed; a version; memo and search attributes.
fn kitchen() -> impl FnMut(&Job, &Activation, &mut Vec<CommandKind>) + Send {
    let mut sum = 0;
    let mut seed = 0;
    let mut version = None;
    let mut replayed = false;
    move |job, activation, out| {
        replayed |= activation.is_replaying;
        match job {
            Job::Start(start) => {
                seed = start.seed;
                let version = *version.get_or_insert(2);
                if !activation.is_replaying {
                    assert_eq!(version, 2);
                }
                out.push(CommandKind::RecordVersion { change_id: "a@b".to_owned(), version });
                out.push(CommandKind::UpsertMemo(Fields::from([("step".to_owned(), 1.into())])));
                let customer = Fields::from([("Customer".to_owned(), "c9".into())]);
                out.push(CommandKind::UpsertSearchAttributes(customer));
                out.push(activity(1, "add", vec![1.into()], brief()));
            }
            Job::NotifyVersion { change_id, version: recorded } => {
                assert_eq!(change_id, "a@b");
                version = Some(*recorded);
            }
            Job::ResolveActivity { seq, outcome: Resolution::Completed(value) } => {
                sum += value.as_integer().unwrap();
                if *seq == 1 {
                    out.push(activity(2, "add", vec![10.into()], brief()));
                }
            }
            Job::Signal(signal) if signal.name == "end" => {
                out.push(CommandKind::StartTimer { seq: 3, after: Duration::from_millis(5) });
            }
            Job::FireTimer { .. } => {
                let result = vec![sum.into(), (seed != 0).into(), replayed.into(), version.unwrap().into()];
                out.push(CommandKind::Complete(result.into()));
            }
            Job::Query { id, .. } => out.push(answer(id, sum)),
            _ => {}
        }
    }
}

/// An attempt that a worker never heard of, since the server ended while it told, is soon tried again.
fn brief() -> ActivityOptions {
    ActivityOptions { start_to_close: Some(Duration::from_secs(5)), ..ActivityOptions::default() }
}

fn add() -> Deeds {
    Deeds::default().with("add", |task, _| async move { Ok((task.args[0].as_integer().unwrap() + 1).into()) })
}

async fn sum_is(world: &World, target: &Target, sum: i64) {
    let ask = || QueryRequest { name: "sum".to_owned(), args: vec![] };
    until(async || (world.backend.query(target.clone(), ask()).await == Ok(sum.into())).then_some(())).await;
}

#[tokio::test]
async fn without_a_cache_every_activation_replays() {
    let scripts = Scripts::default().with("kitchen", kitchen);
    let Some(server) = Server::start().await else { return };
    let settings = WorkerSettings { max_cached_workflows: 0, ..WorkerSettings::new(QUEUE) };
    let Some(world) = World::with(server, settings, scripts, add()).await else { return };
    let target = world.start("kitchen", "k", vec![]).await;
    sum_is(&world, &target, 13).await;
    world.backend.signal(target.clone(), signal("end")).await.unwrap();
    let expected: Value = vec![13.into(), true.into(), true.into(), 2.into()].into();
    assert_eq!(world.result("k").await, Outcome::Completed(expected));
    assert!(world.scripts.made() >= 4, "{} machines", world.scripts.made());
    let summary = world.backend.describe(target).await.unwrap().summary;
    assert_eq!((&summary.memo["step"], &summary.search_attributes["Customer"]), (&1.into(), &"c9".into()));
    world.end().await;
}

#[tokio::test]
async fn runs_that_wait_are_put_out_of_a_full_cache_and_come_back() {
    let scripts = Scripts::default().with("mailbox", mailbox);
    let Some(server) = Server::start().await else { return };
    let settings = WorkerSettings { max_cached_workflows: 2, ..WorkerSettings::new(QUEUE) };
    let Some(world) = World::with(server, settings, scripts, Deeds::default()).await else { return };
    let ids: Vec<String> = (0..6).map(|n| format!("m{n}")).collect();
    for id in &ids {
        world.start("mailbox", id, vec![]).await;
    }
    for id in &ids {
        world.backend.signal(Target::from(id.as_str()), signal("topic")).await.unwrap();
    }
    for id in &ids {
        world.backend.signal(Target::from(id.as_str()), signal("end")).await.unwrap();
        let Outcome::Completed(Value::Array(seen)) = world.result(id).await else { panic!("no list") };
        assert_eq!(seen.len(), 1);
    }
    assert!(world.worker.cached_runs() <= 2);
    assert!(world.scripts.made() > 6, "{} machines", world.scripts.made());
    world.end().await;
}

#[tokio::test]
async fn code_that_does_something_else_is_told_and_recovers() {
    let changed = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&changed);
    let scripts = Scripts::default().with("wf", move || {
        let flag = Arc::clone(&flag);
        move |job: &Job, _: &Activation, out: &mut Vec<CommandKind>| match job {
            Job::Start(_) if flag.load(Ordering::SeqCst) => {
                out.push(activity(1, "add", vec![], ActivityOptions::default()));
            }
            Job::Start(_) => out.push(CommandKind::StartTimer { seq: 1, after: Duration::from_secs(1000) }),
            Job::Signal(_) => out.push(CommandKind::Complete(Value::Nil)),
            _ => {}
        }
    });
    let Some(server) = Server::start().await else { return };
    let settings = WorkerSettings { max_cached_workflows: 0, ..WorkerSettings::new(QUEUE) };
    let Some(world) = World::with(server, settings, scripts, Deeds::default()).await else { return };
    let options = StartOptions {
        id: Some("w".to_owned()),
        task_timeout: Some(Duration::from_secs(1)),
        ..StartOptions::default()
    };
    world.backend.start("wf", vec![], options).await.unwrap();
    let target = Target::from("w");
    until(async || (world.backend.describe(target.clone()).await.unwrap().timers == 1).then_some(())).await;
    changed.store(true, Ordering::SeqCst);
    world.backend.signal(target.clone(), signal("go")).await.unwrap();
    let trouble = until(async || world.backend.describe(target.clone()).await.unwrap().trouble).await;
    assert_eq!(trouble.code, Code::Nondeterminism.as_str());
    assert!(trouble.failure.message.contains("TMPRL1100"), "{}", trouble.failure.message);
    changed.store(false, Ordering::SeqCst);
    assert_eq!(world.result("w").await, Outcome::Completed(Value::Nil));
    world.end().await;
}

#[tokio::test]
async fn a_panic_and_a_missing_type_are_troubles_that_pass() {
    let scripts = Scripts::default();
    let Some(world) = World::new(scripts.clone(), Deeds::default()).await else { return };
    for id in ["missing", "panics"] {
        let options = StartOptions {
            id: Some(id.to_owned()),
            task_timeout: Some(Duration::from_secs(1)),
            ..StartOptions::default()
        };
        if id == "panics" {
            scripts.set("panics", || |_: &Job, _: &Activation, _: &mut Vec<CommandKind>| panic!("a defect"));
        }
        world.backend.start(id, vec![], options).await.unwrap();
        let trouble = until(async || world.backend.describe(Target::from(id)).await.unwrap().trouble).await;
        let expected = if id == "missing" { "WF_UNKNOWN_TYPE" } else { "WF_TASK_FAILED" };
        assert_eq!(trouble.code, expected);
        scripts.set(id, echo);
        assert_eq!(world.result(id).await, Outcome::Completed(Value::Nil));
    }
    world.end().await;
}

#[tokio::test]
async fn a_side_effect_is_refused_with_what_to_do_instead() {
    let scripts = Scripts::default().with("wf", || {
        |job: &Job, _: &Activation, out: &mut Vec<CommandKind>| {
            if matches!(job, Job::Start(_)) {
                out.push(CommandKind::RecordSideEffect { seq: 1, value: Value::Nil });
            }
        }
    });
    let Some(world) = World::new(scripts, Deeds::default()).await else { return };
    world.start("wf", "w", vec![]).await;
    let trouble = until(async || world.backend.describe(Target::from("w")).await.unwrap().trouble).await;
    assert_eq!(trouble.code, "WF_INVALID_COMMAND");
    assert_eq!(
        trouble.failure.message,
        "a Temporal server keeps no side effects: draw the value from the run's seed, or let an activity make it"
    );
    world.end().await;
}

/// Workflows that never come to rest.
struct Endless;

impl Machine for Endless {
    fn activate(&mut self, _: Activation) -> BoxFuture<'_, Result<Vec<Command>, TaskFailure>> {
        std::future::pending().boxed()
    }
}

impl Machines for Endless {
    fn knows(&self, _: &str) -> bool {
        true
    }

    fn create<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Box<dyn Machine>, TaskFailure>> {
        async { Ok(Box::new(Endless) as Box<dyn Machine>) }.boxed()
    }
}

#[tokio::test]
async fn code_that_never_comes_to_rest_is_given_up() {
    let Some(server) = Server::start().await else { return };
    let limit = Duration::from_millis(10);
    let settings = WorkerSettings { deadlock_detection_timeout: limit, ..WorkerSettings::new(QUEUE) };
    let client = server.client();
    let started = Worker::start(&client, &settings, Arc::new(Endless), Arc::new(Deeds::default()));
    let worker = within(started).await.unwrap();
    let backend = TemporalBackend::new(client, QUEUE);
    let options = StartOptions { id: Some("w".to_owned()), ..StartOptions::default() };
    backend.start("wf", vec![], options).await.unwrap();
    let trouble = until(async || backend.describe(Target::from("w")).await.unwrap().trouble).await;
    assert_eq!(trouble.code, "WF_TASK_TIMEOUT");
    assert_eq!(trouble.failure.message, "the workflow's code did not come to rest within 10ms");
    within(worker.shutdown(Duration::from_secs(5))).await;
}

#[tokio::test]
async fn another_worker_goes_on_where_one_ended() {
    let scripts = Scripts::default().with("kitchen", kitchen);
    let Some(world) = World::new(scripts.clone(), add()).await else { return };
    let target = world.start("kitchen", "k", vec![]).await;
    sum_is(&world, &target, 13).await;
    let World { server, backend, worker: first, .. } = world;
    within(first.shutdown(Duration::from_secs(5))).await;
    backend.signal(target, signal("end")).await.unwrap();
    let second = worker(&server, &WorkerSettings::new(QUEUE), &scripts, &add()).await;
    let expected: Value = vec![13.into(), true.into(), true.into(), 2.into()].into();
    let outcome = within(backend.result(Target::from("k"))).await.unwrap();
    assert_eq!(outcome, Outcome::Completed(expected));
    within(second.shutdown(Duration::from_secs(5))).await;
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::with_data(folder.path().join("state.db")).await else { return };
    let scripts = Scripts::default().with("kitchen", kitchen);
    let Some(mut world) = World::with(server, WorkerSettings::new(QUEUE), scripts, add()).await else {
        return;
    };
    let target = world.start("kitchen", "k", vec![]).await;
    sum_is(&world, &target, 13).await;
    // Nothing is done meanwhile: the worker polls in vain.
    world.server.restart(async || {}).await;
    until(async || world.backend.signal(target.clone(), signal("end")).await.ok()).await;
    let Outcome::Completed(Value::Array(result)) = world.result("k").await else { panic!("no list") };
    assert_eq!(result[0], 13.into());
    world.end().await;
}

/// The server ends twice while forty workflows are under way, some of them in the middle of an activity.
#[tokio::test]
async fn a_server_that_dies_under_load_loses_no_workflow() {
    const RUNS: usize = 40;
    let folder = tempfile::tempdir().unwrap();
    let Some(server) = Server::with_data(folder.path().join("state.db")).await else { return };
    let done = Arc::new(AtomicUsize::new(0));
    let counted = done.clone();
    let deeds = Deeds::default().with("add", move |task, _| {
        let counted = counted.clone();
        async move {
            counted.fetch_add(1, Ordering::Relaxed);
            Ok((task.args[0].as_integer().unwrap() + 1).into())
        }
    });
    let scripts = Scripts::default().with("kitchen", kitchen);
    let Some(mut world) = World::with(server, WorkerSettings::new(QUEUE), scripts, deeds).await else {
        return;
    };
    let mut targets = Vec::new();
    for run in 0..RUNS {
        targets.push(world.start("kitchen", &format!("load-{run}"), vec![]).await);
    }
    for share in [RUNS / 2, RUNS * 3 / 2] {
        until(async || (done.load(Ordering::Relaxed) >= share).then_some(())).await;
        world.server.restart(async || {}).await;
    }
    for target in &targets {
        sum_is(&world, target, 13).await;
        until(async || world.backend.signal(target.clone(), signal("end")).await.ok()).await;
    }
    for run in 0..RUNS {
        let Outcome::Completed(Value::Array(result)) = world.result(&format!("load-{run}")).await else {
            panic!("no list")
        };
        assert_eq!(result[0], 13.into(), "run {run}");
    }
    // At least once each: one whose end the server never heard of is tried again.
    assert!(done.load(Ordering::Relaxed) >= 2 * RUNS);
    world.end().await;
}
