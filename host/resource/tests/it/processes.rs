//! Processes as services, with processes that a test plays.

use crate::support::{App, Started};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_resource::{Child, Spawn, SpawnOrder, Spawner};
use perilune_value::{Failure, Kind, Value};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// A process that runs: what it was told, and its end.
struct Process {
    order: SpawnOrder,
    told: Arc<Mutex<Vec<String>>>,
    ended: watch::Sender<Option<Result<Value, Failure>>>,
    /// Whether it ends when it is cancelled.
    obeys: bool,
}

impl Process {
    fn ends(&self, how: Result<Value, Failure>) {
        self.ended.send_replace(Some(how));
    }
}

struct Played(Arc<Process>, usize);

impl Child for Played {
    fn pid(&self) -> String {
        format!("{{app:host|0x{:05x}}}", self.1)
    }

    fn cancel(&self, reason: &str) {
        self.0.told.lock().expect("no test panics here").push(format!("cancel: {reason}"));
        if self.0.obeys {
            self.0.ends(Ok(Value::Nil));
        }
    }

    fn terminate(&self) {
        self.0.told.lock().expect("no test panics here").push("terminate".to_owned());
        self.0.ends(Err(Failure::new(Kind::Canceled, "process terminated")));
    }

    fn ended(&self) -> BoxFuture<'static, Result<Value, Failure>> {
        let mut ended = self.0.ended.subscribe();
        async move { ended.wait_for(Option::is_some).await.expect("it is played").clone().expect("it has ended") }.boxed()
    }
}

/// The processes of a host, in the order of their start.
#[derive(Clone, Default)]
struct Stage {
    processes: Arc<Mutex<Vec<Arc<Process>>>>,
    told: Arc<Mutex<Vec<String>>>,
    /// Why the next ones do not start.
    refusals: Arc<Mutex<Vec<Failure>>>,
    disobeys: bool,
}

impl Spawn for Stage {
    fn spawn(&self, order: SpawnOrder) -> BoxFuture<'static, Result<Box<dyn Child>, Failure>> {
        if let Some(refusal) = self.refusals.lock().expect("no test panics here").pop() {
            return async move { Err(refusal) }.boxed();
        }
        let (told, obeys) = (self.told.clone(), !self.disobeys);
        let process = Arc::new(Process { order, told, ended: watch::Sender::new(None), obeys });
        let mut processes = self.processes.lock().expect("no test panics here");
        processes.push(process.clone());
        let number = processes.len();
        async move { Ok(Box::new(Played(process, number)) as Box<dyn Child>) }.boxed()
    }
}

impl Stage {
    fn last(&self) -> Arc<Process> {
        self.processes.lock().expect("no test panics here").last().expect("one has started").clone()
    }

    fn count(&self) -> usize {
        self.processes.lock().expect("no test panics here").len()
    }

    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.told.lock().expect("no test panics here"))
    }
}

/// `app:a`, a service of process `app:p` on `app:host`, with more fields.
fn played(stage: &Stage, fields: &str) -> Started {
    let data = format!(
        r#"{{"process": "p", "host": "host", "lifecycle": {{"auto_start": true, "restart": {{"jitter": 0}}}}{fields}}}"#
    );
    let host = Started::of(&[
        ("a", "process.service", &data),
        ("host", "process.host", "{}"),
        ("p", "process.lua", "{}"),
    ]);
    let stage = stage.clone();
    host.app.resources.host().shared.get_or(|| Spawner::new(stage));
    host
}

#[tokio::test(start_paused = true)]
async fn the_process_starts_after_its_host_with_its_input() {
    let stage = Stage::default();
    let host = played(&stage, r#", "input": [1, "two"]"#);
    assert_eq!(host.start().await.as_deref(), Ok("start host"));
    let process = stage.last();
    assert_eq!(
        (process.order.process.to_string(), process.order.host.to_string()),
        ("app:p".into(), "app:host".into())
    );
    assert_eq!(process.order.input, [Value::Integer(1), Value::from("two")]);
    assert_eq!(host.state("a"), "running 0: {app:host|0x00001}");
}

#[tokio::test(start_paused = true)]
async fn how_the_process_ended_decides_what_follows() {
    for (ended, state, processes) in [
        (Ok(Value::from("done")), "exited 0", 1),
        (Err(Failure::internal("it returned this")), "running 1: {app:host|0x00002}", 2),
        (Err(Failure::not_found("also without a hope")), "running 1: {app:host|0x00002}", 2),
        (Err(Failure::new(Kind::Canceled, "process terminated")), "running 1: {app:host|0x00002}", 2),
    ] {
        let stage = Stage::default();
        let host = played(&stage, "");
        host.start().await.expect("started");
        stage.last().ends(ended);
        host.within(1_100).await;
        assert_eq!((host.state("a").as_str(), stage.count()), (state, processes));
    }
}

#[tokio::test(start_paused = true)]
async fn stopping_cancels_the_process_and_then_the_host_stops() {
    let stage = Stage::default();
    let host = played(&stage, "");
    host.start().await.expect("started");
    assert_eq!(host.stop().await, "stop host, stopped host");
    assert_eq!(
        (stage.told(), host.state("a").as_str()),
        (vec!["cancel: service stopping".to_owned()], "stopped 0, not wanted")
    );
}

#[tokio::test(start_paused = true)]
async fn when_the_host_changes_the_process_stops_before_and_starts_after() {
    let stage = Stage::default();
    let host = played(&stage, "");
    host.start().await.expect("started");
    host.app.update(("host", "process.host", r#"{"text": "new"}"#));
    assert_eq!(host.reconcile().await, "stop host, stopped host, start host");
    assert_eq!((stage.told(), stage.count()), (vec!["cancel: service stopping".to_owned()], 2));
    assert_eq!(host.state("a"), "running 0: {app:host|0x00002}");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_does_not_end_in_time_is_terminated() {
    let stage = Stage { disobeys: true, ..Stage::default() };
    let host = played(&stage, "");
    host.start().await.expect("started");
    let began = tokio::time::Instant::now();
    host.stop().await;
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(stage.told(), ["cancel: service stopping", "terminate"]);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_cannot_be_started_is_given_up_or_tried_again() {
    let stage = Stage::default();
    stage.refusals.lock().expect("no test panics here").push(Failure::not_found("host not found"));
    let failure = played(&stage, "").start().await.expect_err("never");
    assert_eq!(failure.message, "host not found");

    let stage = Stage::default();
    stage
        .refusals
        .lock()
        .expect("no test panics here")
        .push(Failure::new(Kind::RateLimited, "the host is full"));
    let host = played(&stage, "");
    host.start().await.expect("at the second try");
    assert_eq!(stage.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_host_without_processes_says_so() {
    let data = r#"{"process": "p", "host": "host", "lifecycle": {"auto_start": true, "restart": {"max_attempts": 1}}}"#;
    let host = Started::of(&[
        ("a", "process.service", data),
        ("host", "process.host", "{}"),
        ("p", "process.lua", "{}"),
    ]);
    let failure = host.start().await.expect_err("no spawner");
    assert_eq!((failure.kind, failure.message.as_str()), (Kind::Unavailable, "this host has no processes"));
}

#[test]
fn fields_that_are_missing_or_wrong_are_refused_at_load() {
    for (data, expected) in [
        (r#"{"host": "host"}"#, "field `process`: it is missing"),
        (r#"{"process": "p"}"#, "field `host`: it is missing"),
        (r#"{"process": "p", "host": "none"}"#, "field `host`"),
        (r#"{"process": "host", "host": "host"}"#, "field `process`"),
        (r#"{"process": "p", "host": "host", "input": 1}"#, "field `input`"),
        (
            r#"{"process": "p", "host": "host", "lifecycle": {"restart": {"policy": "maybe"}}}"#,
            "restart.policy",
        ),
    ] {
        let entries =
            [("a", "process.service", data), ("host", "process.host", "{}"), ("p", "process.lua", "{}")];
        let report = App::load(&entries).err().expect("refused").to_string();
        assert!(report.contains(expected), "{report}");
    }
}
