//! Workflows written in Rust: async code over an executor that polls it until it rests.

use futures_util::future::BoxFuture;
use perilune_value::{Failure, Value};
use perilune_workflow::{
    Activation, ActivityOptions, Answer, ChildOptions, Command, CommandKind, ContinueAsNew, ExternalTarget,
    Fields, Job, Machine, Machines, Resolution, ScheduleActivity, Signal, Start, StartChild, TaskFailure,
    Timestamp,
};
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How a program ends other than with a result.
#[derive(Clone, Debug)]
pub(crate) enum End {
    Fail(Failure),
    Cancelled(Option<Value>),
    Again(Box<ContinueAsNew>),
    /// Not the workflow's end: its machine breaks.
    Trap(TaskFailure),
    Panic,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        End::Fail(failure)
    }
}

pub(crate) type Program = Arc<dyn Fn(Flow) -> BoxFuture<'static, Result<Value, End>> + Send + Sync>;
type Handler =
    Arc<dyn Fn(Flow, String, Vec<Value>) -> BoxFuture<'static, Result<Value, Failure>> + Send + Sync>;

#[derive(Default)]
struct State {
    start: Option<Start>,
    now: Timestamp,
    replaying: bool,
    suggested: bool,
    length: u64,
    seq: u32,
    line: u32,
    commands: Vec<Command>,
    fired: BTreeMap<u32, ()>,
    activities: BTreeMap<u32, Resolution>,
    started: BTreeMap<u32, Result<String, Failure>>,
    children: BTreeMap<u32, Resolution>,
    answers: BTreeMap<u32, Option<Failure>>,
    signals: BTreeMap<String, VecDeque<Vec<Value>>>,
    cancelled: Option<String>,
    side_effects: BTreeMap<u32, Value>,
    versions: BTreeMap<String, i64>,
    shown: Value,
    handler: Option<Handler>,
    /// Counts everything that could let a task go on.
    progress: u64,
}

/// What a program has in its hands.
#[derive(Clone, Default)]
pub(crate) struct Flow(Arc<Mutex<State>>);

/// Waits until a piece of state is there.
struct Wait<F>(F);

impl<T, F: FnMut() -> Option<T> + Unpin> Future for Wait<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<T> {
        (self.0)().map_or(Poll::Pending, Poll::Ready)
    }
}

impl Flow {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn wait<T: Send + 'static>(
        &self,
        mut look: impl FnMut(&mut State) -> Option<T> + Send + Unpin + 'static,
    ) -> BoxFuture<'static, T> {
        let flow = self.clone();
        Box::pin(Wait(move || {
            let mut state = flow.state();
            let found = look(&mut state);
            state.progress += u64::from(found.is_some());
            found
        }))
    }

    pub(crate) fn command(&self, kind: CommandKind) {
        let mut state = self.state();
        state.line += 1;
        let position = Some(format!("app:script:{}", state.line));
        state.commands.push(Command { position, kind });
    }

    fn seq(&self) -> u32 {
        let mut state = self.state();
        state.seq += 1;
        state.seq
    }

    pub(crate) fn start(&self) -> Start {
        self.state().start.clone().unwrap()
    }

    pub(crate) fn args(&self) -> Vec<Value> {
        self.start().args
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.state().now
    }

    pub(crate) fn suggested(&self) -> bool {
        self.state().suggested
    }

    pub(crate) fn replaying(&self) -> bool {
        self.state().replaying
    }

    pub(crate) fn timer(&self, after: Duration) -> (u32, BoxFuture<'static, ()>) {
        let seq = self.seq();
        self.command(CommandKind::StartTimer { seq, after });
        (seq, self.wait(move |state| state.fired.remove(&seq)))
    }

    pub(crate) async fn sleep(&self, after: Duration) {
        self.timer(after).1.await;
    }

    pub(crate) fn cancel_timer(&self, seq: u32) {
        self.command(CommandKind::CancelTimer { seq });
    }

    pub(crate) fn activity(
        &self,
        name: &str,
        args: Vec<Value>,
        options: ActivityOptions,
    ) -> (u32, BoxFuture<'static, Resolution>) {
        let seq = self.seq();
        self.command(CommandKind::ScheduleActivity(Box::new(ScheduleActivity {
            seq,
            activity_type: name.to_owned(),
            args,
            headers: Fields::new(),
            activity_id: None,
            options,
        })));
        (seq, self.wait(move |state| state.activities.remove(&seq)))
    }

    pub(crate) async fn call(&self, name: &str, args: Vec<Value>) -> Result<Value, Failure> {
        outcome(self.activity(name, args, ActivityOptions::default()).1.await)
    }

    pub(crate) fn cancel_activity(&self, seq: u32) {
        self.command(CommandKind::CancelActivity { seq });
    }

    pub(crate) fn child(
        &self,
        name: &str,
        args: Vec<Value>,
        options: ChildOptions,
    ) -> (u32, BoxFuture<'static, Result<String, Failure>>, BoxFuture<'static, Resolution>) {
        let seq = self.seq();
        let child = StartChild { seq, workflow_type: name.to_owned(), args, options };
        self.command(CommandKind::StartChild(Box::new(child)));
        let started = self.wait(move |state| state.started.remove(&seq));
        (seq, started, self.wait(move |state| state.children.remove(&seq)))
    }

    pub(crate) fn cancel_child(&self, seq: u32) {
        self.command(CommandKind::CancelChild { seq, reason: "enough".to_owned() });
    }

    pub(crate) async fn signal(&self, workflow_id: &str, name: &str, args: Vec<Value>) -> Option<Failure> {
        let seq = self.seq();
        let target = ExternalTarget { workflow_id: workflow_id.to_owned(), run_id: None };
        let signal = Signal { name: name.to_owned(), args, ..Signal::default() };
        self.command(CommandKind::SignalExternal { seq, target, signal });
        self.wait(move |state| state.answers.remove(&seq)).await
    }

    pub(crate) async fn cancel_other(&self, workflow_id: &str) -> Option<Failure> {
        let seq = self.seq();
        let target = ExternalTarget { workflow_id: workflow_id.to_owned(), run_id: None };
        self.command(CommandKind::CancelExternal { seq, target, reason: "enough".to_owned() });
        self.wait(move |state| state.answers.remove(&seq)).await
    }

    pub(crate) fn receive(&self, name: &str) -> BoxFuture<'static, Vec<Value>> {
        let name = name.to_owned();
        self.wait(move |state| state.signals.get_mut(&name)?.pop_front())
    }

    pub(crate) fn cancelled(&self) -> BoxFuture<'static, String> {
        self.wait(|state| state.cancelled.clone())
    }

    pub(crate) fn side_effect(&self, make: impl FnOnce() -> Value) -> Value {
        let seq = self.seq();
        let recorded = self.state().side_effects.remove(&seq);
        let value = recorded.unwrap_or_else(make);
        self.command(CommandKind::RecordSideEffect { seq, value: value.clone() });
        value
    }

    /// -1 where the code ran before the change was made.
    pub(crate) fn version(&self, change_id: &str, newest: i64) -> i64 {
        let replaying = self.replaying();
        let recorded = self.state().versions.get(change_id).copied();
        if recorded.is_none() && replaying {
            return -1;
        }
        let version = recorded.unwrap_or(newest);
        self.command(CommandKind::RecordVersion { change_id: change_id.to_owned(), version });
        version
    }

    pub(crate) fn upsert(&self, search: bool, fields: Fields) {
        self.command(if search {
            CommandKind::UpsertSearchAttributes(fields)
        } else {
            CommandKind::UpsertMemo(fields)
        });
    }

    /// What the query `state` answers.
    pub(crate) fn show(&self, value: impl Into<Value>) {
        self.state().shown = value.into();
    }

    /// What updates call; those named `bad` are rejected.
    pub(crate) fn on_update<F: Future<Output = Result<Value, Failure>> + Send + 'static>(
        &self,
        handler: impl Fn(Flow, String, Vec<Value>) -> F + Send + Sync + 'static,
    ) {
        self.state().handler = Some(Arc::new(move |flow, name, args| Box::pin(handler(flow, name, args))));
    }
}

pub(crate) fn outcome(resolution: Resolution) -> Result<Value, Failure> {
    match resolution {
        Resolution::Completed(value) => Ok(value),
        Resolution::Failed(failure) | Resolution::Cancelled(failure) => Err(failure),
    }
}

/// A program as a machine.
struct Script {
    flow: Flow,
    program: Program,
    main: Option<BoxFuture<'static, Result<Value, End>>>,
    updates: Vec<(String, BoxFuture<'static, Result<Value, Failure>>)>,
}

impl Script {
    fn take_in(&mut self, job: Job) {
        let mut state = self.flow.state();
        match job {
            Job::Start(start) => {
                state.start = Some(*start);
                drop(state);
                self.main = Some((self.program)(self.flow.clone()));
            }
            Job::NotifyVersion { change_id, version } => drop(state.versions.insert(change_id, version)),
            Job::SideEffect { seq, value } => drop(state.side_effects.insert(seq, value)),
            Job::NewSeed(_) => {}
            Job::Signal(signal) => state.signals.entry(signal.name).or_default().push_back(signal.args),
            Job::Update { name, .. } if name == "ignored" => {}
            Job::Update { id, name, args, run_validator, .. } => {
                let handler = state.handler.clone();
                drop(state);
                match handler {
                    Some(handler) if name != "bad" || !run_validator => {
                        self.flow.command(CommandKind::AcceptUpdate { id: id.clone() });
                        self.updates.push((id, handler(self.flow.clone(), name, args)));
                    }
                    _ => {
                        let failure = Failure::invalid(format!("no update `{name}`"));
                        self.flow.command(CommandKind::RejectUpdate { id, failure });
                    }
                }
            }
            Job::FireTimer { seq } => drop(state.fired.insert(seq, ())),
            Job::ResolveActivity { seq, outcome } => drop(state.activities.insert(seq, outcome)),
            Job::ResolveChildStart { seq, outcome } => drop(state.started.insert(seq, outcome)),
            Job::ResolveChild { seq, outcome } => drop(state.children.insert(seq, outcome)),
            Job::ResolveSignal { seq, failure } | Job::ResolveCancelExternal { seq, failure } => {
                state.answers.insert(seq, failure);
            }
            Job::Cancel { reason } => state.cancelled = Some(reason),
            Job::Query { id, name, .. } => {
                let outcome = match name.as_str() {
                    "state" => Ok(state.shown.clone()),
                    _ => Err(Failure::not_found(format!("no query `{name}`"))),
                };
                state.commands.push(CommandKind::AnswerQuery(Answer { id, outcome }).into());
                if name == "naughty" {
                    state.commands.push(CommandKind::CancelTimer { seq: 99 }.into());
                }
            }
        }
    }

    fn run(&mut self) -> Result<(), TaskFailure> {
        let mut context = Context::from_waker(Waker::noop());
        loop {
            let before = self.flow.state().progress;
            if let Some(main) = &mut self.main
                && let Poll::Ready(end) = main.as_mut().poll(&mut context)
            {
                self.main = None;
                let kind = match end {
                    Ok(result) => CommandKind::Complete(result),
                    Err(End::Fail(failure)) => CommandKind::Fail(failure),
                    Err(End::Cancelled(details)) => CommandKind::Cancelled(details),
                    Err(End::Again(next)) => CommandKind::ContinueAsNew(next),
                    Err(End::Trap(failure)) => return Err(failure),
                    Err(End::Panic) => panic!("as the program wants"),
                };
                self.flow.command(kind);
            }
            let mut ended = Vec::new();
            self.updates.retain_mut(|(id, update)| match update.as_mut().poll(&mut context) {
                Poll::Ready(outcome) => {
                    ended.push(CommandKind::CompleteUpdate { id: id.clone(), outcome });
                    false
                }
                Poll::Pending => true,
            });
            ended.into_iter().for_each(|kind| self.flow.command(kind));
            if self.flow.state().progress == before {
                return Ok(());
            }
        }
    }
}

impl Machine for Script {
    fn activate(&mut self, activation: Activation) -> BoxFuture<'_, Result<Vec<Command>, TaskFailure>> {
        Box::pin(async move {
            {
                let mut state = self.flow.state();
                state.now = activation.timestamp;
                state.replaying = activation.is_replaying;
                state.suggested = activation.continue_as_new_suggested;
                state.length = activation.history_length;
            }
            let is_query = matches!(activation.jobs.first(), Some(Job::Query { .. }));
            // Handlers of updates are there only once the program has run.
            let (updates, others): (Vec<_>, Vec<_>) =
                activation.jobs.into_iter().partition(|job| matches!(job, Job::Update { .. }));
            others.into_iter().for_each(|job| self.take_in(job));
            if !is_query {
                self.run()?;
            }
            if !updates.is_empty() {
                updates.into_iter().for_each(|job| self.take_in(job));
                self.run()?;
            }
            Ok(std::mem::take(&mut self.flow.state().commands))
        })
    }
}

/// The programs that a host knows.
#[derive(Clone, Default)]
pub(crate) struct Programs(Arc<Mutex<BTreeMap<String, Program>>>);

impl Programs {
    pub(crate) fn put<F: Future<Output = Result<Value, End>> + Send + 'static>(
        &self,
        name: &str,
        program: impl Fn(Flow) -> F + Send + Sync + 'static,
    ) {
        let program: Program = Arc::new(move |flow| Box::pin(program(flow)));
        self.0.lock().unwrap().insert(name.to_owned(), program);
    }

    pub(crate) fn remove(&self, name: &str) {
        self.0.lock().unwrap().remove(name);
    }

    pub(crate) fn machine(&self, name: &str) -> Option<Box<dyn Machine>> {
        let program = self.0.lock().unwrap().get(name)?.clone();
        Some(Box::new(Script { flow: Flow::default(), program, main: None, updates: Vec::new() }))
    }
}

impl Machines for Programs {
    fn knows(&self, workflow_type: &str) -> bool {
        self.0.lock().unwrap().contains_key(workflow_type)
    }

    fn create<'a>(
        &'a self,
        workflow_type: &'a str,
        _run_id: &'a str,
    ) -> BoxFuture<'a, Result<Box<dyn Machine>, TaskFailure>> {
        let unknown = move || {
            let message = format!("there is no workflow `{workflow_type}`");
            TaskFailure::coded(perilune_workflow::Code::UnknownType, message)
        };
        Box::pin(async move { self.machine(workflow_type).ok_or_else(unknown) })
    }
}
