//! Who tells a machine what happened, and has its commands carried out. One at a time for each run.

use super::machine::Guarded;
use super::{Inner, Reply, written};
use crate::batches::jobs;
use crate::core::{Applied, Core, Run, Told, Trouble, Update, Wake, child_id};
use crate::replay::{Difference, replay};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{
    Activation, Code, Command, CommandKind, Event, EventKind, Job, Machine, QueryRequest, RetryPolicy,
    ReusePolicy, RunStarted, Status, Target, TaskCompleted, TaskFailure, WorkflowError,
};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How long an activation may go on before what waits for its step goes to the disk without it: a step of usual length is far shorter,
/// and one wait for the disk of usual length is not much longer.
const PATIENCE: Duration = Duration::from_millis(5);
/// The longest wait before a machine that failed is tried again.
const LONGEST_BACKOFF: Duration = Duration::from_secs(600);

type Queries = Vec<(QueryRequest, Reply<Value>)>;
/// A run's machine, if it is kept; how it was started; what the machine was told of.
type Taken = (Option<Box<dyn Machine>>, Arc<RunStarted>, u64);

/// Whether a run takes a step now, or is about to.
pub(super) fn steps_now(core: &Core, key: i64) -> bool {
    core.runs.get(&key).is_some_and(|run| run.live.busy || (may_step(core, run) && run.has_work()))
}

fn may_step(core: &Core, run: &Run) -> bool {
    run.started.first_task_at <= core.now
        && run.live.trouble.as_ref().is_none_or(|trouble| trouble.retry_at <= core.now)
}

/// Drives a run that has something to be told, unless somebody does.
pub(super) fn poke(inner: &Arc<Inner>, key: i64) {
    let mut core = inner.core();
    let now = core.now;
    let Some(run) = core.runs.get_mut(&key) else { return };
    if run.live.busy {
        return;
    }
    if run.started.first_task_at > now {
        let message = "the run has not begun; ask later";
        return refuse(std::mem::take(&mut run.live.queries), &WorkflowError::new(Code::Invalid, message));
    }
    if let Some(trouble) = run.live.trouble.as_ref().filter(|trouble| trouble.retry_at > now) {
        let error =
            WorkflowError::new(Code::TaskFailed, format!("the workflow's code fails: {}", trouble.failure));
        return refuse(std::mem::take(&mut run.live.queries), &error);
    }
    if !run.has_work() && run.live.queries.is_empty() {
        return;
    }
    run.live.busy = true;
    drop(core);
    let (driver, hold) = (inner.clone(), inner.hold());
    inner.spawn(async move {
        drive(&driver, key).await;
        drop(hold);
    });
}

fn refuse(queries: Queries, error: &WorkflowError) {
    for (_, reply) in queries {
        reply.send(Err(error.clone()));
    }
}

async fn drive(inner: &Arc<Inner>, key: i64) {
    let permit = match inner.tasks.try_acquire() {
        Ok(permit) => permit,
        Err(_) => {
            drop(inner.flush());
            let Ok(permit) = inner.tasks.acquire().await else { return };
            permit
        }
    };
    while step(inner, key).await {}
    drop(permit);
}

/// What a machine is to be told.
enum Work {
    Tell(Activation, Told),
    Ask(Queries, perilune_workflow::Timestamp),
}

/// One activation; says whether there may be another.
async fn step(inner: &Arc<Inner>, key: i64) -> bool {
    if inner.core().is_too_long(key) {
        drop(inner.change(|core| core.ended_by_length(key)));
        return false;
    }
    let Some((machine, started, upto)) = take(&mut inner.core(), key) else { return false };
    let mut machine = match machine {
        Some(machine) => machine,
        None => match rebuild(inner, key, &started, upto).await {
            Ok(machine) => machine,
            Err(failure) => return failed(inner, key, failure),
        },
    };
    let work = work(inner, key);
    match work {
        None => true,
        Some(Work::Tell(activation, told)) => {
            let activated = {
                let activate = machine.activate(activation);
                tokio::pin!(activate);
                match tokio::time::timeout(PATIENCE, &mut activate).await {
                    Ok(activated) => activated,
                    Err(_) => {
                        drop(inner.flush());
                        activate.await
                    }
                }
            };
            match activated {
                Ok(commands) => carry_out(inner, key, machine, told, &commands).await,
                Err(failure) => failed(inner, key, failure),
            }
        }
        Some(Work::Ask(queries, timestamp)) => {
            let machine = ask(machine, &started.run_id, timestamp, queries).await;
            if let Some(machine) = machine {
                inner.core().keep(key, machine);
            }
            true
        }
    }
}

/// Takes a run's machine, if it is kept; lets go of a run that has nothing to be told.
fn take(core: &mut Core, key: i64) -> Option<Taken> {
    let run = core.runs.get(&key)?;
    if may_step(core, run) && (run.has_work() || !run.live.queries.is_empty()) {
        let (started, upto) = (run.started.clone(), run.upto);
        return Some((core.take_machine(key), started, upto));
    }
    core.runs.get_mut(&key)?.live.busy = false;
    None
}

fn work(inner: &Inner, key: i64) -> Option<Work> {
    let mut core = inner.core();
    core.now = core.now.max(inner.clock.now());
    let now = core.now;
    let (events, bytes) = (core.settings.suggested_events, core.settings.suggested_bytes);
    let run = core.runs.get_mut(&key)?;
    if !run.has_work() {
        return Some(Work::Ask(std::mem::take(&mut run.live.queries), run.task_at));
    }
    let upto = run.inbound.iter().last().map_or(run.upto, |event| event.id);
    let mut updates: Vec<_> = run
        .updates
        .iter()
        .filter_map(|(id, update)| match update {
            Update::Waiting { request, arrival } => Some((*arrival, id, request)),
            Update::Accepted | Update::Ended(_) => None,
        })
        .collect();
    updates.sort_by_key(|(arrival, ..)| *arrival);
    let task = TaskCompleted {
        upto,
        timestamp: run.task_at.max(now),
        history_length: run.length,
        history_bytes: run.bytes,
        continue_as_new_suggested: run.length >= events || run.bytes >= bytes,
        commands: 0,
    };
    let told = Told {
        updates: updates.iter().map(|(_, id, _)| (*id).clone()).collect(),
        inbound: !run.inbound.is_empty(),
        task: task.clone(),
    };
    let updates = updates
        .into_iter()
        .map(|(_, id, request)| Job::Update {
            id: id.clone(),
            name: request.name.clone(),
            args: request.args.clone(),
            headers: request.headers.clone(),
            run_validator: true,
        })
        .collect();
    let activation = Activation {
        run_id: run.started.run_id.clone(),
        timestamp: task.timestamp,
        is_replaying: false,
        history_length: task.history_length,
        history_bytes: task.history_bytes,
        continue_as_new_suggested: task.continue_as_new_suggested,
        jobs: jobs(run.inbound.iter(), &[], updates),
    };
    Some(Work::Tell(activation, told))
}

async fn carry_out(
    inner: &Arc<Inner>,
    key: i64,
    machine: Box<dyn Machine>,
    told: Told,
    commands: &[Command],
) -> bool {
    let closed = match closed_children(inner, key, commands).await {
        Ok(closed) => closed,
        Err(error) => return failed(inner, key, TaskFailure::coded(error.code, error.message)),
    };
    let (applied, committed) = inner.change(|core| {
        let applied = core.apply(key, told, commands, &closed);
        if applied.is_ok()
            && let Some(run) = core.runs.get_mut(&key)
        {
            run.live.trouble = None;
        }
        applied
    });
    match applied {
        // The step is to be on the disk before anything builds on it. Where it never will be, the run rests for good.
        Ok(Applied::Done) => {
            if written(committed).await.is_err() {
                return false;
            }
            inner.core().keep(key, machine);
            true
        }
        Ok(Applied::Hasty) => true,
        Err(failure) => failed(inner, key, failure),
    }
}

/// What the store says of workflows whose ids children are to have, where that matters.
async fn closed_children(
    inner: &Arc<Inner>,
    key: i64,
    commands: &[Command],
) -> Result<HashMap<String, Status>, WorkflowError> {
    let mut closed = HashMap::new();
    for command in commands {
        let CommandKind::StartChild(child) = &command.kind else { continue };
        if child.options.start.reuse == ReusePolicy::AllowDuplicate {
            continue;
        }
        let run_id = inner.core().runs.get(&key).map(|run| run.started.run_id.clone());
        let id = child_id(&run_id.unwrap_or_default(), child);
        written(inner.flush()).await?;
        let target = Target::from(id.as_str());
        if let Some(found) = inner.read(move |reader| reader.find(&target)).await? {
            closed.insert(id, found.summary.status);
        }
    }
    Ok(closed)
}

/// The machine could not do its part: it is thrown away, and another one tries later.
fn failed(inner: &Arc<Inner>, key: i64, failure: TaskFailure) -> bool {
    drop(inner.change(|core| {
        let now = core.now;
        let Some(run) = core.runs.get_mut(&key) else { return };
        let attempts = run.live.trouble.as_ref().map_or(0, |trouble| trouble.attempts).saturating_add(1);
        let policy = RetryPolicy { maximum_interval: Some(LONGEST_BACKOFF), ..RetryPolicy::default() };
        let delay = policy.next_delay(attempts, &Failure::default()).unwrap_or(LONGEST_BACKOFF);
        let retry_at = now.after(delay);
        let code = failure.code.as_str();
        tracing::warn!(
            workflow = run.started.workflow_id, run = run.started.run_id, attempts, failure = %failure.failure,
            "a workflow's code fails, and will be tried again"
        );
        let error = WorkflowError::new(failure.code, format!("the workflow's code fails: {}", failure.failure));
        refuse(std::mem::take(&mut run.live.queries), &error);
        run.live.trouble = Some(Trouble { code, failure: failure.failure.clone(), attempts, retry_at });
        run.live.busy = false;
        core.wakes.insert((retry_at, Wake::Task(key)));
        if attempts == 1 {
            let kind = EventKind::WorkflowTaskFailed { code: code.to_owned(), failure: failure.failure };
            core.append(key, kind, None);
        }
    }));
    false
}

/// Makes a machine, and brings it to where the run is.
async fn rebuild(
    inner: &Arc<Inner>,
    key: i64,
    started: &RunStarted,
    upto: u64,
) -> Result<Box<dyn Machine>, TaskFailure> {
    let unreadable = |error: WorkflowError| TaskFailure::coded(error.code, error.message);
    let history = if upto == 0 {
        Vec::new()
    } else {
        written(inner.flush()).await.map_err(unreadable)?;
        inner.read(move |reader| reader.history(key)).await.map_err(unreadable)?
    };
    replayed(inner, started, &history).await
}

async fn replayed(
    inner: &Arc<Inner>,
    started: &RunStarted,
    history: &[Event],
) -> Result<Box<dyn Machine>, TaskFailure> {
    let limit = started.task_timeout.unwrap_or(inner.settings.task_timeout);
    let machine = inner.machines.create(&started.workflow_type, &started.run_id).await?;
    let mut machine = Guarded { machine, limit };
    if !history.is_empty() {
        replay(history, &mut machine).await.map_err(|difference| match difference {
            Difference::Task { failure, .. } => *failure,
            Difference::Nondeterminism { event_id, ref position, .. } => {
                let mut failure = Failure::new(Kind::Internal, difference.to_string())
                    .with_detail("code", Code::Nondeterminism.as_str())
                    .with_detail("event_id", i64::try_from(event_id).unwrap_or(i64::MAX));
                if let Some(position) = position {
                    failure = failure.with_detail("position", position.as_str());
                }
                TaskFailure { code: Code::Nondeterminism, failure }
            }
            Difference::Malformed { .. } => TaskFailure::coded(Code::StoreCorrupt, difference.to_string()),
        })?;
    }
    Ok(Box::new(machine))
}

/// Asks a machine; gives it back unless it did more than answer.
async fn ask(
    mut machine: Box<dyn Machine>,
    run_id: &str,
    timestamp: perilune_workflow::Timestamp,
    queries: Queries,
) -> Option<Box<dyn Machine>> {
    let mut queries = queries.into_iter();
    while let Some((query, reply)) = queries.next() {
        let id = crate::core::new_id();
        let job = Job::Query { id: id.clone(), name: query.name, args: query.args };
        let activation = Activation {
            run_id: run_id.to_owned(),
            timestamp,
            is_replaying: false,
            history_length: 0,
            history_bytes: 0,
            continue_as_new_suggested: false,
            jobs: vec![job],
        };
        let answer = match machine.activate(activation).await {
            Err(failure) => Err(WorkflowError::new(failure.code, failure.failure.message.clone())),
            Ok(commands) => match <[Command; 1]>::try_from(commands).map(|[command]| command.kind) {
                Ok(CommandKind::AnswerQuery(answer)) if answer.id == id => {
                    let answer = answer.outcome.map_err(|failure| {
                        WorkflowError::new(Code::Invalid, failure.message.clone()).with_failure(failure)
                    });
                    reply.send(answer);
                    continue;
                }
                _ => Err(WorkflowError::new(
                    Code::QueryChangedState,
                    "a query may only answer; its changes were thrown away",
                )),
            },
        };
        let error =
            WorkflowError::new(Code::TaskFailed, "the query before this one broke the machine; ask again");
        reply.send(answer);
        refuse(queries.collect(), &error);
        return None;
    }
    Some(machine)
}

/// Asks a run that is over.
pub(super) async fn ask_closed(
    inner: &Arc<Inner>,
    key: i64,
    query: QueryRequest,
) -> Result<Value, WorkflowError> {
    let history = inner.read(move |reader| reader.history(key)).await?;
    let Some(EventKind::WorkflowExecutionStarted(started)) = history.first().map(|event| &event.kind) else {
        return Err(WorkflowError::new(Code::NotFound, "the history of the run is gone"));
    };
    let timestamp = history.last().map_or(started.first_task_at, |event| event.at);
    let Ok(_permit) = inner.tasks.acquire().await else { return Err(super::interrupted()) };
    let machine = replayed(inner, started, &history)
        .await
        .map_err(|failure| WorkflowError::new(failure.code, failure.failure.message))?;
    let (reply, answer) = Reply::new();
    ask(machine, &started.run_id, timestamp, vec![(query, reply)]).await;
    answer.await.map_err(|_| super::interrupted())?
}
