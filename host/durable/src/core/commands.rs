//! What a machine's commands do.

use super::external::update_answer;
use super::start::check_size;
use super::{Core, Update, Wake};
use crate::replay::ordered;
use crate::size;
use perilune_value::Failure;
use perilune_workflow::{
    Code, Command, CommandKind, EventKind, Marker, Status, TaskCompleted, TaskFailure, UpdateAccepted,
    WorkflowError,
};
use std::collections::{BTreeSet, HashMap};

/// What a machine was told in its activation.
pub(crate) struct Told {
    pub(crate) task: TaskCompleted,
    /// The updates, in order.
    pub(crate) updates: Vec<String>,
    /// Whether there was anything besides.
    pub(crate) inbound: bool,
}

/// Whether commands were carried out.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Applied {
    Done,
    /// The machine ended the run, and there is something that it has not been told: it must be asked again, with that.
    Hasty,
}

/// How often a machine is asked again that ends its run without knowing all: a flood of signals must not keep a run open for ever.
const HASTY: u32 = 100;

impl Core {
    /// Carries out what a machine answered. Nothing is done where anything about it is wrong.
    ///
    /// `closed` is what the store says of the workflows that children are to have the ids of.
    pub(crate) fn apply(
        &mut self,
        key: i64,
        told: Told,
        commands: &[Command],
        closed: &HashMap<String, Status>,
    ) -> Result<Applied, TaskFailure> {
        self.check(key, &told, commands)?;
        let ends = commands.iter().any(|command| command.kind.is_final());
        let Some(run) = self.runs.get_mut(&key) else { return Ok(Applied::Done) };
        if ends && run.live.hasty < HASTY && untold(run, &told) {
            run.live.hasty += 1;
            return Ok(Applied::Hasty);
        }
        let recorded: Vec<&Command> = ordered(commands).collect();
        if told.inbound || !recorded.is_empty() {
            // More commands than a number of 32 bits can count would not fit into the limits of a history.
            let count = u32::try_from(recorded.len()).unwrap_or(u32::MAX);
            let task = TaskCompleted { commands: count, ..told.task.clone() };
            self.append(key, EventKind::WorkflowTaskCompleted(task), None);
        }
        let (end, others) = match recorded.split_last() {
            Some((last, others)) if last.kind.is_final() => (Some(*last), others),
            _ => (None, &recorded[..]),
        };
        for command in others {
            if let Some(kind) = self.event(key, &told, &command.kind) {
                self.append(key, kind, command.position.clone());
            }
        }
        for command in others {
            self.effect(key, &command.kind, closed);
        }
        for command in commands {
            self.answer_update(key, &command.kind);
        }
        if let Some(end) = end {
            self.finish(key, end.kind.clone(), end.position.clone());
        }
        Ok(Applied::Done)
    }

    fn check(&self, key: i64, told: &Told, commands: &[Command]) -> Result<(), TaskFailure> {
        let Some(run) = self.runs.get(&key) else { return Ok(()) };
        let mut open: BTreeSet<&str> = told.updates.iter().map(String::as_str).collect();
        let mut seqs = BTreeSet::new();
        for command in commands {
            check_size("values of a command", size::command(&command.kind), self.settings.payload_limit)
                .map_err(|error| at(command, error))?;
            let duplicate = |is_pending: bool| {
                if is_pending { Err(invalid(command, "the number of a command is in use")) } else { Ok(()) }
            };
            match &command.kind {
                CommandKind::StartTimer { seq, .. } => {
                    duplicate(run.timers.contains_key(seq) || !seqs.insert((0, *seq)))?;
                }
                CommandKind::ScheduleActivity(activity) => {
                    duplicate(run.activities.contains_key(&activity.seq) || !seqs.insert((1, activity.seq)))?;
                }
                CommandKind::StartChild(child) => {
                    duplicate(run.children.contains_key(&child.seq) || !seqs.insert((2, child.seq)))?;
                }
                CommandKind::AcceptUpdate { id } | CommandKind::RejectUpdate { id, .. }
                    if !open.remove(id.as_str()) =>
                {
                    return Err(invalid(command, &format!("there is no update `{id}` to answer")));
                }
                CommandKind::CompleteUpdate { id, .. } => {
                    let accepted_now = told.updates.contains(id) && !open.contains(id.as_str());
                    if !accepted_now && !matches!(run.updates.get(id), Some(Update::Accepted)) {
                        return Err(invalid(command, &format!("no update `{id}` was accepted")));
                    }
                }
                CommandKind::AnswerQuery(_) => return Err(invalid(command, "nothing was asked")),
                _ => {}
            }
        }
        match open.first() {
            Some(id) => Err(TaskFailure::coded(
                Code::InvalidCommand,
                format!("update `{id}` was neither accepted nor rejected"),
            )),
            None => Ok(()),
        }
    }

    /// The event that a command becomes; none for those that leave no trace.
    fn event(&mut self, key: i64, told: &Told, command: &CommandKind) -> Option<EventKind> {
        use {CommandKind as C, EventKind as E};
        Some(match command.clone() {
            C::StartTimer { seq, after } => E::TimerStarted { seq, after },
            C::CancelTimer { seq } => {
                // The event takes the timer out of the run, and with it the moment it would have fired at.
                let at = self.runs.get(&key).and_then(|run| run.timers.get(&seq).copied());
                if let Some(at) = at {
                    self.wakes.remove(&(at, Wake::Timer(key, seq)));
                }
                E::TimerCanceled { seq }
            }
            C::ScheduleActivity(activity) => E::ActivityTaskScheduled(activity),
            C::CancelActivity { seq } => E::ActivityTaskCancelRequested { seq },
            C::StartChild(child) => E::StartChildWorkflowExecutionInitiated(child),
            C::CancelChild { seq, reason } => E::ChildWorkflowExecutionCancelRequested { seq, reason },
            C::SignalExternal { seq, target, signal } => {
                E::SignalExternalWorkflowExecutionInitiated { seq, target, signal }
            }
            C::CancelExternal { seq, target, reason } => {
                E::RequestCancelExternalWorkflowExecutionInitiated { seq, target, reason }
            }
            C::RecordSideEffect { seq, value } => E::MarkerRecorded(Marker::SideEffect { seq, value }),
            C::RecordVersion { change_id, version } => {
                E::MarkerRecorded(Marker::Version { change_id, version })
            }
            C::UpsertSearchAttributes(fields) => E::UpsertWorkflowSearchAttributes(fields),
            C::UpsertMemo(fields) => E::WorkflowPropertiesModified(fields),
            C::AcceptUpdate { id } => {
                let order = told.updates.iter().position(|told| *told == id)?;
                let Some(Update::Waiting { request, .. }) = self.runs.get(&key)?.updates.get(&id) else {
                    return None;
                };
                E::WorkflowExecutionUpdateAccepted(UpdateAccepted {
                    update_id: id,
                    name: request.name.clone(),
                    args: request.args.clone(),
                    headers: request.headers.clone(),
                    order: u32::try_from(order).unwrap_or(u32::MAX),
                })
            }
            C::CompleteUpdate { id, outcome } => {
                E::WorkflowExecutionUpdateCompleted { update_id: id, outcome }
            }
            C::RejectUpdate { .. }
            | C::AnswerQuery(_)
            | C::Complete(_)
            | C::Fail(_)
            | C::Cancelled(_)
            | C::ContinueAsNew(_) => return None,
        })
    }

    /// What follows from a command, once its event is there.
    fn effect(&mut self, key: i64, command: &CommandKind, closed: &HashMap<String, Status>) {
        match command {
            CommandKind::StartTimer { seq, .. } => {
                if let Some(at) = self.runs.get(&key).and_then(|run| run.timers.get(seq).copied()) {
                    self.wakes.insert((at, Wake::Timer(key, *seq)));
                }
            }
            CommandKind::ScheduleActivity(activity) => self.schedule(key, activity.seq),
            CommandKind::CancelActivity { seq } => self.cancel_activity(key, *seq),
            CommandKind::StartChild(child) => self.start_child(key, child, closed),
            CommandKind::CancelChild { seq, reason } => self.cancel_child(key, *seq, reason),
            CommandKind::SignalExternal { seq, target, signal } => {
                let seq = *seq;
                let kind = match self.find_open(&target.workflow_id, target.run_id.as_deref()) {
                    Some(other) => match self.signal_inside(key, other, signal.clone()) {
                        Ok(()) => EventKind::ExternalWorkflowExecutionSignaled { seq },
                        Err(failure) => EventKind::SignalExternalWorkflowExecutionFailed { seq, failure },
                    },
                    None => EventKind::SignalExternalWorkflowExecutionFailed {
                        seq,
                        failure: no_open_run(&target.workflow_id),
                    },
                };
                self.append(key, kind, None);
                self.drive(key);
            }
            CommandKind::CancelExternal { seq, target, reason } => {
                let seq = *seq;
                let kind = match self.find_open(&target.workflow_id, target.run_id.as_deref()) {
                    Some(other) => {
                        self.request_cancel(other, reason);
                        EventKind::ExternalWorkflowExecutionCancelRequested { seq }
                    }
                    None => EventKind::RequestCancelExternalWorkflowExecutionFailed {
                        seq,
                        failure: no_open_run(&target.workflow_id),
                    },
                };
                self.append(key, kind, None);
                self.drive(key);
            }
            CommandKind::UpsertSearchAttributes(_) | CommandKind::UpsertMemo(_) => {
                if let Some(run) = self.runs.get(&key) {
                    let fields = run.shown.encode();
                    self.out.ops.push(crate::store::Op::Show { run: key, fields });
                }
            }
            _ => {}
        }
    }

    /// A signal from one run to another, or to itself: its own length is looked at when it is driven.
    fn signal_inside(
        &mut self,
        from: i64,
        to: i64,
        signal: perilune_workflow::Signal,
    ) -> Result<(), Failure> {
        if from == to {
            self.append(to, EventKind::WorkflowExecutionSignaled(signal), None);
            return Ok(());
        }
        self.signal(to, signal).map_err(WorkflowError::into_failure)
    }

    fn answer_update(&mut self, key: i64, command: &CommandKind) {
        let (id, answer) = match command {
            CommandKind::RejectUpdate { id, failure } => (id, update_answer(Err(failure.clone()))),
            CommandKind::CompleteUpdate { id, outcome } => (id, update_answer(outcome.clone())),
            _ => return,
        };
        let Some(run) = self.runs.get_mut(&key) else { return };
        if matches!(command, CommandKind::RejectUpdate { .. }) {
            run.updates.remove(id);
        }
        for reply in run.live.callers.remove(id).unwrap_or_default() {
            let answer = answer.clone();
            self.call(move || reply.send(answer));
        }
    }

    /// The open run of a workflow, where it is the one that is meant.
    pub(crate) fn find_open(&self, workflow_id: &str, run_id: Option<&str>) -> Option<i64> {
        let key = *self.open.get(workflow_id)?;
        let run = self.runs.get(&key)?;
        run_id.is_none_or(|run_id| run.started.run_id == run_id).then_some(key)
    }
}

/// Whether something came that concerns the whole run, and that its machine was not told.
fn untold(run: &super::Run, told: &Told) -> bool {
    let events = run.inbound.iter().any(|event| {
        event.id > told.task.upto
            && matches!(
                event.kind,
                EventKind::WorkflowExecutionSignaled(_) | EventKind::WorkflowExecutionCancelRequested { .. }
            )
    });
    events
        || run
            .updates
            .iter()
            .any(|(id, update)| matches!(update, Update::Waiting { .. }) && !told.updates.contains(id))
}

pub(super) fn no_open_run(workflow_id: &str) -> Failure {
    let message = format!("no run of the workflow `{workflow_id}` is open");
    WorkflowError::new(Code::NotFound, message).into_failure()
}

fn invalid(command: &Command, message: &str) -> TaskFailure {
    at(command, WorkflowError::new(Code::InvalidCommand, message))
}

/// A failure that says where in the workflow's code the command was given.
fn at(command: &Command, error: WorkflowError) -> TaskFailure {
    let code = error.code;
    let mut failure = error.into_failure();
    if let Some(position) = &command.position {
        failure.message = format!("{position}: {}", failure.message);
    }
    TaskFailure { code, failure }
}
