//! The history behind a workflow's cell: what the cell asks for becomes commands, and jobs answer it.
//!
//! Everything here happens in an order that the activations alone decide. A future that a cell drops takes its command back.

use super::host::Whereabouts;
use super::updates::Updates;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_cell::Message;
use perilune_modules::durable::Durable;
use perilune_security::Authority;
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Activation, Answer, Code, Command, CommandKind, ContinueAsNew, ExternalTarget, Fields, Parent, Signal,
    Start, Timestamp,
};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// Bytes of the values that a run hands over at once. Hosts refuse more, each time that the run comes there; so the call fails that
/// hands them over, and the code can do something else.
const LARGEST: usize = 2 << 20;

/// # Errors
///
/// `Invalid` for values that are too large to be kept.
pub(super) fn check_size(what: &str, bytes: usize) -> Result<(), Failure> {
    if bytes <= LARGEST {
        return Ok(());
    }
    let message = format!(
        "{what}: {bytes} bytes are more than a history keeps of one event ({LARGEST}); keep them elsewhere, and hand over where"
    );
    Err(Failure::invalid(message).with_detail("code", Code::PayloadTooLarge.as_str()))
}

/// What a run gives away, or why it is too large for that.
fn fitting(what: &str, outcome: Result<Value, Failure>) -> Result<Value, Failure> {
    let value = outcome?;
    check_size(what, value.to_msgpack().len()).map(|()| value)
}

/// The history of one run.
pub(crate) struct Recorder {
    /// The host that the run belongs to.
    pub(super) at: Whereabouts,
    pub(super) authority: Authority,
    /// What module `ctx` reads.
    pub(super) values: Value,
    start: Begun,
    state: Mutex<State>,
}

/// What is known of the run for good.
struct Begun {
    workflow_type: String,
    workflow_id: String,
    run_id: String,
    attempt: u32,
    parent: Option<Parent>,
}

pub(super) struct State {
    commands: Vec<Command>,
    position: Option<String>,
    last_seq: u32,
    timers: HashMap<u32, oneshot::Sender<()>>,
    /// Activities, and children whose results are waited for.
    pub(super) results: HashMap<u32, oneshot::Sender<Result<Vec<u8>, Failure>>>,
    /// Pids of children whose ends are events.
    pub(super) children: HashMap<u32, String>,
    /// Children that are not known to run yet, and the messages that wait for that: a signal would find nobody.
    pub(super) starting: BTreeMap<u32, (String, Vec<(ExternalTarget, Signal)>)>,
    versions: HashMap<String, i64>,
    recorded: HashMap<String, i64>,
    random: ChaCha20Rng,
    pub(super) updates: Updates,
    /// Messages that are on their way: the run does not end before they are there, since a server drops what a closed run sends.
    pub(super) sends: BTreeSet<u32>,
    /// The run that follows this one, once that is decided.
    pub(super) next: Option<Box<ContinueAsNew>>,
    /// Messages of the run to itself.
    pub(super) to_self: VecDeque<Message>,
    /// Whether the run was asked to end.
    pub(super) is_cancelling: bool,
    /// Set while a query is answered: it must change nothing.
    pub(super) query: Option<String>,
    replaying: bool,
    now: Timestamp,
    history_length: u64,
    history_bytes: u64,
    continue_as_new_suggested: bool,
}

impl Recorder {
    pub(super) fn new(at: Whereabouts, authority: Authority, values: Value, start: &Start) -> Arc<Self> {
        let state = State {
            commands: Vec::new(),
            position: None,
            last_seq: 0,
            timers: HashMap::new(),
            results: HashMap::new(),
            children: HashMap::new(),
            starting: BTreeMap::new(),
            versions: HashMap::new(),
            recorded: HashMap::new(),
            random: generator(start.seed, &start.run_id),
            updates: Updates::default(),
            sends: BTreeSet::new(),
            next: None,
            to_self: VecDeque::new(),
            is_cancelling: false,
            query: None,
            replaying: false,
            now: Timestamp(0),
            history_length: 0,
            history_bytes: 0,
            continue_as_new_suggested: false,
        };
        let start = Begun {
            workflow_type: start.workflow_type.clone(),
            workflow_id: start.workflow_id.clone(),
            run_id: start.run_id.clone(),
            attempt: start.attempt,
            parent: start.parent.clone(),
        };
        Arc::new(Recorder { at, authority, values, start, state: Mutex::new(state) })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn workflow_id(&self) -> &str {
        &self.start.workflow_id
    }

    /// The run's name for itself.
    pub(super) fn pid(&self) -> String {
        format!("{{{}|{}}}", self.at.host, self.start.workflow_id)
    }

    /// The id of a child that is not named: the same whenever the run comes here.
    pub(super) fn child_id(&self, seq: u32) -> String {
        format!("{}/{seq}", self.start.run_id)
    }

    /// Takes over what an activation says about the run.
    pub(super) fn begin(&self, activation: &Activation) {
        let mut state = self.lock();
        if activation.continue_as_new_suggested
            && !state.continue_as_new_suggested
            && !activation.is_replaying
        {
            let (workflow, workflow_type) = (&self.start.workflow_id, &self.start.workflow_type);
            let (events, bytes) = (activation.history_length, activation.history_bytes);
            tracing::warn!(
                target: "perilune::workflow", code = %Code::HistoryLong, workflow, workflow_type, events, bytes,
                "a history is getting long: continue as new (`process.upgrade`) when `workflow.info().continue_as_new_suggested` says so"
            );
        }
        state.replaying = activation.is_replaying;
        state.now = activation.timestamp;
        state.history_length = activation.history_length;
        state.history_bytes = activation.history_bytes;
        state.continue_as_new_suggested = activation.continue_as_new_suggested;
    }

    pub(super) fn reseed(&self, seed: u64) {
        self.lock().random = generator(seed, &self.start.run_id);
    }

    pub(super) fn recorded_version(&self, change: String, version: i64) {
        self.lock().recorded.insert(change, version);
    }

    pub(super) fn fire(&self, seq: u32) {
        if let Some(timer) = self.lock().timers.remove(&seq) {
            let _ = timer.send(());
        }
    }

    /// Ends a wait for a result. False when nothing waits for it.
    pub(super) fn resolve(&self, seq: u32, result: Result<Vec<u8>, Failure>) -> bool {
        let waiting = self.lock().results.remove(&seq);
        waiting.is_some_and(|waiting| waiting.send(result).is_ok())
    }

    /// The run's time.
    pub(super) fn now(&self) -> Timestamp {
        self.lock().now
    }

    /// All commands since the last time.
    pub(super) fn take_commands(&self) -> Vec<Command> {
        std::mem::take(&mut self.lock().commands)
    }
}

impl State {
    pub(super) fn next_seq(&mut self) -> u32 {
        self.last_seq += 1;
        self.last_seq
    }

    pub(super) fn push(&mut self, kind: CommandKind) {
        self.commands.push(Command { position: self.position.clone(), kind });
    }

    /// Whether a query has its answer.
    pub(super) fn has_answered(&self, id: &str) -> bool {
        let answers =
            |command: &Command| matches!(&command.kind, CommandKind::AnswerQuery(answer) if answer.id == id);
        self.commands.iter().any(answers)
    }

    /// Leaves a message with the child that it is for, if that one is not known to run yet.
    pub(super) fn hold(&mut self, pid: &str, target: &ExternalTarget, signal: &Signal) -> bool {
        let waiting = self.starting.values_mut().find(|(child, _)| child == pid);
        if let Some((_, messages)) = waiting {
            messages.push((target.clone(), signal.clone()));
            return true;
        }
        false
    }

    /// A child runs: sends it what has waited for that. Or it never will.
    pub(super) fn child_started(&mut self, seq: u32, runs: bool) {
        let Some((_, messages)) = self.starting.remove(&seq) else { return };
        for (target, signal) in messages.into_iter().filter(|_| runs) {
            self.signal(target, signal);
        }
    }

    /// Sends a message to another workflow.
    pub(super) fn signal(&mut self, target: ExternalTarget, signal: Signal) {
        let seq = self.next_seq();
        self.sends.insert(seq);
        self.push(CommandKind::SignalExternal { seq, target, signal });
    }

    /// Whether messages of the run are on their way.
    pub(super) fn is_sending(&self) -> bool {
        !self.sends.is_empty() || self.starting.values().any(|(_, messages)| !messages.is_empty())
    }

    /// Lets something happen, unless a query is being answered.
    ///
    /// # Errors
    ///
    /// `Invalid` during a query.
    pub(super) fn may_act(&self, what: &str) -> Result<(), Failure> {
        match &self.query {
            None => Ok(()),
            Some(name) => Err(Failure::invalid(format!(
                "{what}: the handler of query `{name}` must change nothing, only answer"
            ))),
        }
    }
}

/// The seed alone has 64 bits, and a run's id as many again that nobody can guess.
fn generator(seed: u64, run_id: &str) -> ChaCha20Rng {
    let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(run_id).finalize();
    ChaCha20Rng::from_seed(digest.into())
}

/// Takes a command back when its future is dropped before it is over.
pub(super) struct Undo<F: FnMut(&mut State)> {
    pub(super) recorder: Arc<Recorder>,
    pub(super) is_over: bool,
    pub(super) undo: F,
}

impl<F: FnMut(&mut State)> Undo<F> {
    /// It is over: nothing is left to take back.
    pub(super) fn done(mut self) {
        self.is_over = true;
    }
}

impl<F: FnMut(&mut State)> Drop for Undo<F> {
    fn drop(&mut self) {
        if !self.is_over {
            (self.undo)(&mut self.recorder.lock());
        }
    }
}

/// The recorder as cells know it.
#[derive(Clone)]
pub(crate) struct History(pub(super) Arc<Recorder>);

impl Durable for History {
    fn mark(&self, position: String) {
        self.0.lock().position = Some(position).filter(|position| !position.is_empty());
    }

    fn info(&self) -> Value {
        let state = self.0.lock();
        let start = &self.0.start;
        let address = &self.0.at.address;
        let count = |count: u64| Value::Integer(i64::try_from(count).unwrap_or(i64::MAX));
        let text = |text: &str| Value::from(text);
        let parent = start.parent.as_ref().map_or(Value::Nil, |parent| {
            Value::from_iter([("workflow_id", text(&parent.workflow_id)), ("run_id", text(&parent.run_id))])
        });
        let mut fields = vec![
            ("workflow_id", text(&start.workflow_id)),
            ("run_id", text(&start.run_id)),
            ("workflow_type", text(&start.workflow_type)),
            ("task_queue", text(address.queue.as_deref().unwrap_or(&self.0.at.host))),
            ("namespace", text(address.namespace.as_deref().unwrap_or("default"))),
            ("attempt", Value::Integer(start.attempt.into())),
            ("history_length", count(state.history_length)),
            ("history_size", count(state.history_bytes)),
            ("continue_as_new_suggested", Value::Bool(state.continue_as_new_suggested)),
        ];
        if start.parent.is_some() {
            fields.push(("parent", parent));
        }
        Value::from_iter(fields)
    }

    fn is_replaying(&self) -> bool {
        self.0.lock().replaying
    }

    fn random(&self, bytes: &mut [u8]) {
        self.0.lock().random.fill_bytes(bytes);
    }

    fn sleep(&self, delay: Duration) -> BoxFuture<'static, ()> {
        let (fired, fires) = oneshot::channel();
        let mut state = self.0.lock();
        if state.query.is_some() {
            return std::future::pending().boxed();
        }
        let seq = state.next_seq();
        state.timers.insert(seq, fired);
        state.push(CommandKind::StartTimer { seq, after: delay });
        drop(state);
        let undo = Undo {
            recorder: self.0.clone(),
            is_over: false,
            undo: move |state: &mut State| {
                state.timers.remove(&seq);
                state.commands.push(CommandKind::CancelTimer { seq }.into());
            },
        };
        async move {
            if fires.await.is_err() {
                std::future::pending::<()>().await;
            }
            undo.done();
        }
        .boxed()
    }

    fn version(&self, change: &str, min: i64, max: i64) -> Result<i64, Failure> {
        let mut state = self.0.lock();
        state.may_act("workflow.version")?;
        if min > max {
            return Err(Failure::invalid(format!("workflow.version: {min} to {max} is no range")));
        }
        let version = match (state.versions.get(change), state.recorded.get(change)) {
            (Some(version), _) => *version,
            (None, Some(version)) => {
                let version = *version;
                state.push(CommandKind::RecordVersion { change_id: change.to_owned(), version });
                version
            }
            // The run passed here before the code asked: it goes on as it did.
            (None, None) if state.replaying => min,
            (None, None) => {
                state.push(CommandKind::RecordVersion { change_id: change.to_owned(), version: max });
                max
            }
        };
        state.versions.insert(change.to_owned(), version);
        if !(min..=max).contains(&version) {
            let message = format!(
                "workflow.version: this run uses version {version} of `{change}`, and the code supports {min} to {max} only: \
                 keep the old code until no run needs it"
            );
            return Err(Failure::invalid(message).with_detail("code", "WF_VERSION"));
        }
        Ok(version)
    }

    fn attrs(&self, fields: Value) -> Result<(), Failure> {
        let Value::Map(groups) = fields else {
            return Err(Failure::invalid("workflow.attrs: attributes are {search = {...}, memo = {...}}"));
        };
        check_size("workflow.attrs", groups.iter().map(|(_, fields)| fields.to_msgpack().len()).sum())?;
        let mut state = self.0.lock();
        state.may_act("workflow.attrs")?;
        for (group, fields) in groups {
            let fields = named(fields)?;
            match group.as_str() {
                Some("search" | "search_attributes") => {
                    state.push(CommandKind::UpsertSearchAttributes(fields));
                }
                Some("memo") => state.push(CommandKind::UpsertMemo(fields)),
                _ => {
                    let message = "workflow.attrs: attributes are in groups `search` and `memo`";
                    return Err(Failure::invalid(message));
                }
            }
        }
        Ok(())
    }

    fn answer_query(&self, id: &str, outcome: Result<Value, Failure>) {
        let outcome = fitting("the answer to a query", outcome);
        self.0.lock().push(CommandKind::AnswerQuery(Answer { id: id.to_owned(), outcome }));
    }

    fn accept_update(&self, id: &str) {
        let mut state = self.0.lock();
        if state.updates.accept(id) {
            state.push(CommandKind::AcceptUpdate { id: id.to_owned() });
        }
    }

    fn reject_update(&self, id: &str, failure: Failure) {
        let mut state = self.0.lock();
        if state.updates.reject(id) {
            state.push(CommandKind::RejectUpdate { id: id.to_owned(), failure });
        }
    }

    fn complete_update(&self, id: &str, outcome: Result<Value, Failure>) {
        let mut state = self.0.lock();
        if state.updates.complete(id) {
            let outcome = fitting("the result of an update", outcome);
            state.push(CommandKind::CompleteUpdate { id: id.to_owned(), outcome });
        }
    }
}

/// A table with names as keys.
///
/// # Errors
///
/// `Invalid` for anything else.
pub(super) fn named(value: Value) -> Result<Fields, Failure> {
    let refused = || Failure::new(Kind::Invalid, "named values are a table whose keys are texts");
    match value {
        Value::Map(fields) => fields
            .into_iter()
            .map(|(name, value)| Ok((name.as_str().ok_or_else(refused)?.to_owned(), value)))
            .collect(),
        Value::Array(items) if items.is_empty() => Ok(Fields::new()),
        _ => Err(refused()),
    }
}
