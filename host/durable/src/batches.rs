//! What a history says was told to its machine, in which batches.
//!
//! A live run and a replay both go through [`Inbound`] and [`jobs`], so that they cannot differ in what is told, nor in its order.

use perilune_workflow::{
    Activation, Event, EventKind, Job, Marker, Resolution, RunStarted, Start, TaskCompleted, UpdateAccepted,
};
use std::collections::VecDeque;

/// Whether an event is one of those that a machine is told of.
pub(crate) fn is_inbound(kind: &EventKind) -> bool {
    use EventKind as E;
    matches!(
        kind,
        E::WorkflowExecutionStarted(_)
            | E::WorkflowExecutionSignaled(_)
            | E::WorkflowExecutionCancelRequested { .. }
            | E::TimerFired { .. }
            | E::ActivityTaskCompleted { .. }
            | E::ActivityTaskFailed { .. }
            | E::ActivityTaskTimedOut { .. }
            | E::ActivityTaskCanceled { .. }
            | E::StartChildWorkflowExecutionFailed { .. }
            | E::ChildWorkflowExecutionStarted { .. }
            | E::ChildWorkflowExecutionCompleted { .. }
            | E::ChildWorkflowExecutionFailed { .. }
            | E::ChildWorkflowExecutionCanceled { .. }
            | E::ChildWorkflowExecutionTimedOut { .. }
            | E::ChildWorkflowExecutionTerminated { .. }
            | E::ExternalWorkflowExecutionSignaled { .. }
            | E::SignalExternalWorkflowExecutionFailed { .. }
            | E::ExternalWorkflowExecutionCancelRequested { .. }
            | E::RequestCancelExternalWorkflowExecutionFailed { .. }
    )
}

/// Whether an event is what a machine's command became.
fn is_command(kind: &EventKind) -> bool {
    !is_inbound(kind)
        && !matches!(
            kind,
            EventKind::WorkflowTaskCompleted(_)
                | EventKind::WorkflowTaskFailed { .. }
                | EventKind::ActivityTaskStarted { .. }
                | EventKind::WorkflowExecutionTimedOut { .. }
                | EventKind::WorkflowExecutionTerminated { .. }
        )
}

/// Events that the machine has not been told of.
#[derive(Debug, Default)]
pub(crate) struct Inbound(VecDeque<Event>);

impl Inbound {
    /// Adds an event, or takes one back: a timer that was stopped after it fired, and before its machine knew.
    pub(crate) fn see(&mut self, event: &Event) {
        if let EventKind::TimerCanceled { seq } = event.kind {
            self.0.retain(|known| known.kind != EventKind::TimerFired { seq });
        } else if is_inbound(&event.kind) {
            self.0.push_back(event.clone());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Event> {
        self.0.iter()
    }

    /// Forgets the events up to one.
    pub(crate) fn told(&mut self, upto: u64) {
        while self.0.front().is_some_and(|event| event.id <= upto) {
            self.0.pop_front();
        }
    }
}

/// The jobs of an activation, but for updates: inbound events, and, on replay, the markers that its machine will want.
pub(crate) fn jobs<'a>(
    inbound: impl Iterator<Item = &'a Event>,
    recorded: &[&Event],
    updates: Vec<Job>,
) -> Vec<Job> {
    let (mut first, mut signals, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for event in inbound {
        let Some(job) = job(&event.kind) else { continue };
        match job {
            Job::Start(_) => first.push(job),
            Job::Signal(_) => signals.push(job),
            job => rest.push(job),
        }
    }
    for event in recorded {
        match &event.kind {
            EventKind::MarkerRecorded(Marker::SideEffect { seq, value }) => {
                first.push(Job::SideEffect { seq: *seq, value: value.clone() });
            }
            EventKind::MarkerRecorded(Marker::Version { change_id, version }) => {
                first.push(Job::NotifyVersion { change_id: change_id.clone(), version: *version });
            }
            _ => {}
        }
    }
    first.extend(signals);
    first.extend(updates);
    first.extend(rest);
    first
}

fn job(kind: &EventKind) -> Option<Job> {
    use EventKind as E;
    Some(match kind {
        E::WorkflowExecutionStarted(started) => Job::Start(Box::new(start(started))),
        E::WorkflowExecutionSignaled(signal) => Job::Signal(signal.clone()),
        E::WorkflowExecutionCancelRequested { reason } => Job::Cancel { reason: reason.clone() },
        &E::TimerFired { seq } => Job::FireTimer { seq },
        E::ActivityTaskCompleted { seq, result } => {
            Job::ResolveActivity { seq: *seq, outcome: Resolution::Completed(result.clone()) }
        }
        E::ActivityTaskFailed { seq, failure } | E::ActivityTaskTimedOut { seq, failure, .. } => {
            Job::ResolveActivity { seq: *seq, outcome: Resolution::Failed(failure.clone()) }
        }
        E::ActivityTaskCanceled { seq, failure } => {
            Job::ResolveActivity { seq: *seq, outcome: Resolution::Cancelled(failure.clone()) }
        }
        E::StartChildWorkflowExecutionFailed { seq, failure } => {
            Job::ResolveChildStart { seq: *seq, outcome: Err(failure.clone()) }
        }
        E::ChildWorkflowExecutionStarted { seq, run_id, .. } => {
            Job::ResolveChildStart { seq: *seq, outcome: Ok(run_id.clone()) }
        }
        E::ChildWorkflowExecutionCompleted { seq, result } => {
            Job::ResolveChild { seq: *seq, outcome: Resolution::Completed(result.clone()) }
        }
        E::ChildWorkflowExecutionFailed { seq, failure }
        | E::ChildWorkflowExecutionTimedOut { seq, failure }
        | E::ChildWorkflowExecutionTerminated { seq, failure } => {
            Job::ResolveChild { seq: *seq, outcome: Resolution::Failed(failure.clone()) }
        }
        E::ChildWorkflowExecutionCanceled { seq, failure } => {
            Job::ResolveChild { seq: *seq, outcome: Resolution::Cancelled(failure.clone()) }
        }
        &E::ExternalWorkflowExecutionSignaled { seq } => Job::ResolveSignal { seq, failure: None },
        E::SignalExternalWorkflowExecutionFailed { seq, failure } => {
            Job::ResolveSignal { seq: *seq, failure: Some(failure.clone()) }
        }
        &E::ExternalWorkflowExecutionCancelRequested { seq } => {
            Job::ResolveCancelExternal { seq, failure: None }
        }
        E::RequestCancelExternalWorkflowExecutionFailed { seq, failure } => {
            Job::ResolveCancelExternal { seq: *seq, failure: Some(failure.clone()) }
        }
        _ => return None,
    })
}

fn start(started: &RunStarted) -> Start {
    Start {
        workflow_type: started.workflow_type.clone(),
        workflow_id: started.workflow_id.clone(),
        run_id: started.run_id.clone(),
        first_run_id: started.first_run_id.clone(),
        args: started.args.clone(),
        headers: started.headers.clone(),
        seed: started.seed,
        attempt: started.attempt,
        parent: started.parent.clone(),
        memo: started.memo.clone(),
        search_attributes: started.search_attributes.clone(),
        execution_timeout: started.execution_timeout,
        run_timeout: started.run_timeout,
        retry: started.retry.clone(),
        cron: started.cron.clone(),
        continued_from: started.continued_from.clone(),
        last_result: started.last_result.clone(),
        last_failure: started.last_failure.clone(),
    }
}

/// An activation that was given, with what came of it.
pub(crate) struct Batch<'a> {
    pub(crate) activation: Activation,
    /// The event that says so.
    pub(crate) event_id: u64,
    /// The commands, as events.
    pub(crate) commands: Vec<&'a Event>,
}

/// The activations of a history, one after the other.
pub(crate) struct Batches<'a> {
    run_id: &'a str,
    events: &'a [Event],
    next: usize,
    inbound: Inbound,
}

impl<'a> Batches<'a> {
    /// The activations of a history. None where it does not begin with its start.
    pub(crate) fn of(events: &'a [Event]) -> Option<Self> {
        match events.first().map(|event| &event.kind) {
            Some(EventKind::WorkflowExecutionStarted(started)) => {
                Some(Batches { run_id: &started.run_id, events, next: 0, inbound: Inbound::default() })
            }
            _ => None,
        }
    }

    fn batch(&mut self, event_id: u64, task: &TaskCompleted) -> Batch<'a> {
        let commands: Vec<&Event> = self.events[self.next..]
            .iter()
            .filter(|event| is_command(&event.kind))
            .take(task.commands as usize)
            .collect();
        let told = self.inbound.iter().take_while(|event| event.id <= task.upto);
        let jobs = jobs(told, &commands, updates(&commands));
        self.inbound.told(task.upto);
        let activation = Activation {
            run_id: self.run_id.to_owned(),
            timestamp: task.timestamp,
            is_replaying: true,
            history_length: task.history_length,
            history_bytes: task.history_bytes,
            continue_as_new_suggested: task.continue_as_new_suggested,
            jobs,
        };
        Batch { activation, event_id, commands }
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Batch<'a>;

    fn next(&mut self) -> Option<Batch<'a>> {
        loop {
            let event = self.events.get(self.next)?;
            self.next += 1;
            match &event.kind {
                EventKind::WorkflowTaskCompleted(task) => return Some(self.batch(event.id, task)),
                _ => self.inbound.see(event),
            }
        }
    }
}

/// The updates that were accepted in an activation, in the order in which they were told.
fn updates(commands: &[&Event]) -> Vec<Job> {
    let mut accepted: Vec<&UpdateAccepted> = commands
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::WorkflowExecutionUpdateAccepted(accepted) => Some(accepted),
            _ => None,
        })
        .collect();
    accepted.sort_by_key(|accepted| accepted.order);
    accepted
        .into_iter()
        .map(|accepted| Job::Update {
            id: accepted.update_id.clone(),
            name: accepted.name.clone(),
            args: accepted.args.clone(),
            headers: accepted.headers.clone(),
            run_validator: false,
        })
        .collect()
}
