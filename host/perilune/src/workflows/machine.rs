//! A workflow's cell as a machine: activations in, commands out.
//!
//! | job | what the cell gets |
//! |---|---|
//! | start | its method is called |
//! | timer, end of an activity or a child that is waited for | the operation's completion |
//! | signal, end of another child, request to cancel | a message |
//! | query, update | a message that only the prelude sees |
//!
//! Each takes a turn of its own, and each operation that such a turn completes another one, in the order of the tickets: so the order in
//! which code runs depends on nothing but the jobs.

use super::headers;
use super::host::Whereabouts;
use super::past::Past;
use super::recorder::{History, Recorder, check_size};
use crate::heavy::Heavy;
use crate::program::Program;
use crate::runtime::Inner;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::{CallSpec, Cell, Death, Event, Identity, Message, Pid, Status};
use perilune_modules::CallContext;
use perilune_process::notice;
use perilune_value::{Failure, Kind, Value, args_to_msgpack};
use perilune_workflow::{
    Activation, Answer, Code, Command, CommandKind, Job, Machine, Resolution, Signal, Start, TaskFailure,
    Timestamp,
};
use std::sync::Arc;
use std::time::Instant;

const QUERY: &str = "@workflow/query";
const UPDATE: &str = "@workflow/update";

/// One run.
pub(super) struct LuaMachine {
    heavy: Arc<Heavy>,
    program: Arc<Program>,
    method: String,
    at: Whereabouts,
    run: Option<Begun>,
}

/// A run that has started.
struct Begun {
    cell: Option<Box<Cell>>,
    recorder: Arc<Recorder>,
    /// Whether its method has returned.
    is_over: bool,
    /// How the run ends, as long as messages of it are on their way.
    end: Option<CommandKind>,
}

/// What a turn does.
enum Turn {
    Start(Vec<u8>),
    Event(Event),
}

impl LuaMachine {
    pub(super) fn new(inner: &Arc<Inner>, program: Arc<Program>, at: Whereabouts) -> Self {
        let method = program.method.clone().unwrap_or_else(|| "main".to_owned());
        let heavy = inner.heavy.clone();
        LuaMachine { heavy, program, method, at, run: None }
    }

    async fn take_in(&mut self, activation: Activation) -> Result<Vec<Command>, TaskFailure> {
        let now = activation.timestamp;
        for job in activation.jobs.clone() {
            if let Job::Start(start) = job {
                self.begin(&start, &activation).await?;
                continue;
            }
            let run = self.run.as_mut().ok_or_else(|| failed(Failure::internal("the run has not begun")))?;
            run.recorder.begin(&activation);
            self.job(job, now).await?;
        }
        let run = self.run.as_mut().ok_or_else(|| failed(Failure::internal("the run has not begun")))?;
        // An update that the script only took note of is one that it works on.
        let mut state = run.recorder.lock();
        for id in state.updates.offered() {
            state.updates.accept(&id);
            state.push(CommandKind::AcceptUpdate { id });
        }
        if !state.is_sending() {
            let next = state.next.take().map(CommandKind::ContinueAsNew);
            if let Some(end) = next.or_else(|| run.end.take()) {
                state.push(end);
            }
        }
        drop(state);
        Ok(run.recorder.take_commands())
    }

    async fn begin(&mut self, start: &Start, activation: &Activation) -> Result<(), TaskFailure> {
        let gone = || failed(Failure::new(Kind::Unavailable, "the host is shutting down"));
        let inner = self.at.home.upgrade().ok_or_else(gone)?;
        let (values, authority) = headers::read(&inner, &start.headers).map_err(failed)?;
        let recorder = Recorder::new(self.at.clone(), authority.clone(), values.clone(), start);
        recorder.begin(activation);
        // They come after the start in the list, and its code asks for them.
        for job in &activation.jobs {
            if let Job::NotifyVersion { change_id, version } = job {
                recorder.recorded_version(change_id.clone(), *version);
            }
        }
        let history = Arc::new(History(recorder.clone()));
        let modules = perilune_modules::Host {
            functions: history.clone(),
            processes: history.clone(),
            ..inner.modules.as_ref().clone()
        };
        let mut cell = self.program.cell().await.map_err(failed)?;
        let name = self.program.name().clone();
        let context = CallContext {
            values,
            authority,
            entry: name.clone(),
            is_workflow: true,
            durable: Some(history.clone()),
            ..CallContext::new(Arc::new(modules))
        };
        cell.surround(Arc::new(Past { recorder: recorder.clone(), live: self.program.surroundings() }));
        cell.begin_call(CallSpec {
            identity: Identity { entry: name, pid: Pid::named(self.at.host.clone(), &start.workflow_id) },
            limits: self.program.limits(),
            context: Arc::new(context),
            began: Instant::now(),
        });
        let loaded = self.program.finish_loading(&mut cell).await;
        self.run = Some(Begun { cell: Some(Box::new(cell)), recorder, is_over: false, end: None });
        if let Err(failure) = loaded {
            // The code raised, as it would in its method.
            self.over(Err(failure));
            return Ok(());
        }
        self.turn(Turn::Start(args_to_msgpack(&start.args))).await?;
        // A start empties the mailbox, so they come after it, and before everything that is new.
        for unread in unread(&start.headers) {
            self.message(unread).await?;
        }
        Ok(())
    }

    /// A message to the run; to the one that follows it, where that is decided.
    async fn message(&mut self, message: Message) -> Result<(), TaskFailure> {
        match &self.run {
            Some(run) if run.is_over => {
                History(run.recorder.clone()).carry(message);
                Ok(())
            }
            _ => self.turn(Turn::Event(Event::Message(message))).await,
        }
    }

    async fn job(&mut self, job: Job, now: Timestamp) -> Result<(), TaskFailure> {
        let Some(run) = &self.run else { return Ok(()) };
        let recorder = run.recorder.clone();
        match job {
            Job::Start(_) => Ok(()),
            Job::NotifyVersion { change_id, version } => {
                recorder.recorded_version(change_id, version);
                Ok(())
            }
            // Randomness comes from the seed: nothing is recorded, so nothing comes.
            Job::SideEffect { .. } => Ok(()),
            Job::NewSeed(seed) => {
                recorder.reseed(seed);
                Ok(())
            }
            Job::FireTimer { seq } => {
                recorder.fire(seq);
                self.completions().await
            }
            Job::ResolveActivity { seq, outcome } => {
                recorder.lock().sends.remove(&seq);
                recorder.resolve(seq, result(outcome));
                self.completions().await
            }
            Job::ResolveChildStart { seq, outcome } => {
                recorder.lock().child_started(seq, outcome.is_ok());
                match outcome {
                    Ok(_) => Ok(()),
                    Err(failure) => self.child_ended(seq, Err(failure), now).await,
                }
            }
            Job::ResolveChild { seq, outcome } => self.child_ended(seq, result(outcome), now).await,
            Job::ResolveSignal { seq, failure } | Job::ResolveCancelExternal { seq, failure } => {
                recorder.lock().sends.remove(&seq);
                if let Some(failure) = failure {
                    let (workflow, pid) = (recorder.workflow_id(), recorder.pid());
                    tracing::warn!(target: "perilune::workflow", workflow, pid, %failure, "a message was not delivered");
                }
                Ok(())
            }
            Job::Signal(signal) => self.message(message(signal)).await,
            Job::Cancel { reason } => {
                recorder.lock().is_cancelling = true;
                let reason = Some(reason.as_str()).filter(|reason| !reason.is_empty());
                let event = notice::cancel_at(now.seconds(), "", reason);
                self.turn(Turn::Event(event)).await
            }
            Job::Query { id, name, args } => self.query(id, name, args).await,
            Job::Update { id, name, args, run_validator, .. } => {
                recorder.lock().updates.offer(&id);
                let mut payloads = vec![Value::from(id), Value::from(name), Value::Bool(run_validator)];
                payloads.extend(args);
                self.turn(Turn::Event(internal(UPDATE, &payloads))).await
            }
        }
    }

    async fn query(&mut self, id: String, name: String, args: Vec<Value>) -> Result<(), TaskFailure> {
        let Some(run) = &self.run else { return Ok(()) };
        let recorder = run.recorder.clone();
        recorder.lock().query = Some(name.clone());
        let mut payloads = vec![Value::from(id.as_str()), Value::from(name.as_str())];
        payloads.extend(args);
        let taken = self.turn(Turn::Event(internal(QUERY, &payloads))).await;
        let mut state = recorder.lock();
        state.query = None;
        if !state.has_answered(&id) {
            let failure = Failure::not_found(format!("the workflow gave no answer to the query `{name}`"));
            state.push(CommandKind::AnswerQuery(Answer { id, outcome: Err(failure) }));
        }
        drop(state);
        taken
    }

    /// Tells of a child's end: whoever waits for it, or else by an event.
    async fn child_ended(
        &mut self,
        seq: u32,
        result: Result<Vec<u8>, Failure>,
        now: Timestamp,
    ) -> Result<(), TaskFailure> {
        let Some(run) = &self.run else { return Ok(()) };
        let child = run.recorder.lock().children.remove(&seq);
        match child {
            Some(pid) => {
                let outcome = result.map(Into::into);
                self.turn(Turn::Event(notice::exit_at(now.seconds(), &pid, &outcome))).await
            }
            None => {
                run.recorder.resolve(seq, result);
                self.completions().await
            }
        }
    }

    /// One turn, and those that follow from it.
    async fn turn(&mut self, turn: Turn) -> Result<(), TaskFailure> {
        self.step(turn).await?;
        self.completions().await
    }

    /// A turn for each operation that is over, and for each message of the run to itself, until neither is left. What is computed on the
    /// host is waited for; what the history answers is not.
    async fn completions(&mut self) -> Result<(), TaskFailure> {
        loop {
            let Some(run) = &mut self.run else { return Ok(()) };
            if run.is_over {
                return Ok(());
            }
            let event = match run.cell.as_mut() {
                Some(cell) => cell.next_completion().await,
                None => return Ok(()),
            };
            let event = event.or_else(|| run.recorder.lock().to_self.pop_front().map(Event::Message));
            match event {
                Some(event) => self.step(Turn::Event(event)).await?,
                None => return Ok(()),
            }
        }
    }

    async fn step(&mut self, turn: Turn) -> Result<(), TaskFailure> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let Some(mut cell) = run.cell.take() else {
            return Err(failed(Failure::internal("the cell is gone")));
        };
        let ticked = cell.ticked();
        let method = self.method.clone();
        let work = async move {
            let status = match turn {
                Turn::Start(args) => cell.start(&method, &args).await,
                Turn::Event(event) => cell.turn(&[event]).await,
            };
            (cell, status)
        };
        let (cell, status) = self.heavy.run(work, ticked).await;
        run.cell = Some(cell);
        match status {
            Ok(Status::Waiting(_)) => {
                if run.recorder.lock().next.is_some() {
                    self.over(Ok(Vec::new()));
                }
                Ok(())
            }
            // Queries and updates may come after the end; what the prelude makes of it then is nobody's.
            Ok(Status::Done(_)) if run.is_over => Ok(()),
            Ok(Status::Done(result)) => {
                self.over(result);
                Ok(())
            }
            Err(death) => Err(self.dead(death)),
        }
    }

    /// The method has returned.
    fn over(&mut self, result: Result<Vec<u8>, Failure>) {
        let Some(run) = &mut self.run else { return };
        run.is_over = true;
        let mut state = run.recorder.lock();
        if state.next.is_some() {
            let to_self = std::mem::take(&mut state.to_self);
            drop(state);
            let history = History(run.recorder.clone());
            to_self.into_iter().for_each(|message| history.carry(message));
            return;
        }
        // Decided here, said once nothing is on its way.
        let decoded = result.and_then(|bytes| {
            check_size("the workflow's result", bytes.len())?;
            Value::from_msgpack(&bytes).map_err(|error| Failure::internal(error.to_string()))
        });
        let is_cancelling = state.is_cancelling;
        drop(state);
        run.end = Some(match decoded {
            Ok(result) => CommandKind::Complete(result),
            Err(failure) if failure.kind == Kind::Canceled && is_cancelling => CommandKind::Cancelled(None),
            Err(failure) => CommandKind::Fail(failure),
        });
    }

    fn dead(&self, death: Death) -> TaskFailure {
        failed(death.into_failure(self.program.name()))
    }
}

impl Machine for LuaMachine {
    fn activate(&mut self, activation: Activation) -> BoxFuture<'_, Result<Vec<Command>, TaskFailure>> {
        async move {
            // Thousands may follow each other without anything to wait for.
            tokio::task::coop::consume_budget().await;
            self.take_in(activation).await
        }
        .boxed()
    }
}

pub(super) fn failed(failure: Failure) -> TaskFailure {
    TaskFailure { code: Code::TaskFailed, failure }
}

fn result(outcome: Resolution) -> Result<Vec<u8>, Failure> {
    match outcome {
        Resolution::Completed(value) => Ok(value.to_msgpack()),
        Resolution::Failed(failure) | Resolution::Cancelled(failure) => Err(failure),
    }
}

fn message(signal: Signal) -> Message {
    let payloads = args_to_msgpack(&signal.args);
    // Topics of the host are not for signals, wherever those come from.
    let topic = signal.name.trim_start_matches('@').to_owned();
    Message { topic, sender: signal.sender.unwrap_or_default(), payloads }
}

fn internal(topic: &str, payloads: &[Value]) -> Event {
    let payloads = args_to_msgpack(payloads);
    Event::Message(Message { topic: topic.to_owned(), sender: String::new(), payloads })
}

/// What the run before this one had not read.
fn unread(headers: &perilune_workflow::Fields) -> Vec<Message> {
    let Some(Value::Array(all)) = headers.get(headers::UNREAD) else { return Vec::new() };
    let message = |described: &Value| match described {
        Value::Array(parts) => match parts.as_slice() {
            [topic, sender, payloads] => {
                let payloads = match payloads {
                    Value::Array(payloads) => payloads.as_slice(),
                    _ => &[],
                };
                Some(Message {
                    topic: topic.as_str()?.trim_start_matches('@').to_owned(),
                    sender: sender.as_str()?.to_owned(),
                    payloads: args_to_msgpack(payloads),
                })
            }
            _ => None,
        },
        _ => None,
    };
    all.iter().filter_map(message).collect()
}
