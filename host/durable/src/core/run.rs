//! One open run: what its history amounts to, and what is going on about it.

use crate::batches::Inbound;
use crate::engine::Reply;
use crate::store::{AttemptState, Shown};
use perilune_value::{Failure, Value};
use perilune_workflow::{
    CancelReason, Carried, Event, EventKind, Fields, Machine, QueryRequest, RunStarted, ScheduleActivity,
    StartChild, Timestamp, UpdateRequest,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{oneshot, watch};

/// An open run.
pub(crate) struct Run {
    pub(crate) key: i64,
    pub(crate) started: Arc<RunStarted>,
    pub(crate) started_at: Timestamp,
    /// Events of the history.
    pub(crate) length: u64,
    /// Bytes that they take.
    pub(crate) bytes: u64,
    pub(crate) inbound: Inbound,
    /// The machine was told of events up to this one.
    pub(crate) upto: u64,
    /// The machine's time.
    pub(crate) task_at: Timestamp,
    /// When running timers fire.
    pub(crate) timers: BTreeMap<u32, Timestamp>,
    pub(crate) activities: BTreeMap<u32, Pending>,
    pub(crate) children: BTreeMap<u32, Child>,
    pub(crate) updates: BTreeMap<String, Update>,
    pub(crate) cancel_requested: bool,
    pub(crate) shown: Shown,
    /// What is known while the host lives.
    pub(crate) live: Live,
}

/// What is going on about a run, and forgotten with the host.
#[derive(Default)]
pub(crate) struct Live {
    /// The machine, where it is kept and not active.
    pub(crate) machine: Option<Box<dyn Machine>>,
    /// Whether somebody drives the run.
    pub(crate) busy: bool,
    /// Why its machine does not get on.
    pub(crate) trouble: Option<Trouble>,
    pub(crate) queries: Vec<(QueryRequest, Reply<Value>)>,
    /// Who waits for the end of updates.
    pub(crate) callers: BTreeMap<String, Vec<Reply<Value>>>,
    /// Who waits for the end of the run.
    pub(crate) waiters: Vec<oneshot::Sender<EventKind>>,
    /// How often the machine ended the run without knowing of something that had come.
    pub(crate) hasty: u32,
    /// Counts updates that came.
    pub(crate) arrivals: u64,
}

/// Why a machine does not get on.
pub(crate) struct Trouble {
    pub(crate) code: &'static str,
    pub(crate) failure: Failure,
    pub(crate) attempts: u32,
    pub(crate) retry_at: Timestamp,
}

/// An activity that has not ended.
pub(crate) struct Pending {
    pub(crate) command: Arc<ScheduleActivity>,
    pub(crate) scheduled_at: Timestamp,
    pub(crate) state: AttemptState,
    /// When the running attempt began.
    pub(crate) started_at: Timestamp,
    /// Whether the store knows more than that the first attempt runs.
    pub(crate) stored: bool,
    pub(crate) cancel_requested: bool,
    /// Reaches the running attempt.
    pub(crate) cancel: Option<watch::Sender<Option<CancelReason>>>,
}

impl Pending {
    /// The moment by which the activity must have ended.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.command.options.schedule_to_close.map(|limit| self.scheduled_at.after(limit))
    }

    pub(crate) fn activity_id(&self) -> String {
        self.command.activity_id.clone().unwrap_or_else(|| self.command.seq.to_string())
    }
}

/// A child that has not ended.
pub(crate) struct Child {
    pub(crate) command: Arc<StartChild>,
    /// Its workflow, and the first run of its row, once there is one.
    pub(crate) place: Option<(String, String)>,
}

/// An update.
pub(crate) enum Update {
    /// The machine has not seen it, or not answered.
    Waiting {
        request: UpdateRequest,
        arrival: u64,
    },
    Accepted,
    Ended(Result<Value, Failure>),
}

impl Run {
    pub(crate) fn new(key: i64, started: Arc<RunStarted>, started_at: Timestamp) -> Self {
        let shown =
            Shown { memo: started.memo.clone(), search_attributes: started.search_attributes.clone() };
        Run {
            key,
            started,
            started_at,
            length: 0,
            bytes: 0,
            inbound: Inbound::default(),
            upto: 0,
            task_at: started_at,
            timers: BTreeMap::new(),
            activities: BTreeMap::new(),
            children: BTreeMap::new(),
            updates: BTreeMap::new(),
            cancel_requested: false,
            shown,
            live: Live::default(),
        }
    }

    /// The run that a history amounts to. The history begins with its start.
    pub(crate) fn of(key: i64, history: &[Event], bytes: u64) -> Option<Self> {
        let first = history.first()?;
        let EventKind::WorkflowExecutionStarted(started) = &first.kind else { return None };
        let mut run = Run::new(key, Arc::new((**started).clone()), first.at);
        for event in history {
            run.see(event);
        }
        run.bytes = bytes;
        Some(run)
    }

    /// Takes in one event.
    pub(crate) fn see(&mut self, event: &Event) {
        use EventKind as E;
        self.length = event.id;
        self.inbound.see(event);
        match &event.kind {
            E::WorkflowTaskCompleted(task) => {
                self.upto = task.upto;
                self.task_at = task.timestamp;
                self.inbound.told(task.upto);
            }
            E::TimerStarted { seq, after } => {
                self.timers.insert(*seq, self.task_at.after(*after));
            }
            E::TimerFired { seq } | E::TimerCanceled { seq } => {
                self.timers.remove(seq);
            }
            E::ActivityTaskScheduled(command) => {
                let pending = Pending {
                    command: Arc::new((**command).clone()),
                    scheduled_at: event.at,
                    state: AttemptState {
                        attempt: 1,
                        running: true,
                        next_at: event.at,
                        details: None,
                        failure: None,
                    },
                    started_at: event.at,
                    stored: false,
                    cancel_requested: false,
                    cancel: None,
                };
                self.activities.insert(command.seq, pending);
            }
            E::ActivityTaskCancelRequested { seq } => {
                if let Some(pending) = self.activities.get_mut(seq) {
                    pending.cancel_requested = true;
                }
            }
            E::ActivityTaskCompleted { seq, .. }
            | E::ActivityTaskFailed { seq, .. }
            | E::ActivityTaskTimedOut { seq, .. }
            | E::ActivityTaskCanceled { seq, .. } => {
                self.activities.remove(seq);
            }
            E::StartChildWorkflowExecutionInitiated(command) => {
                let child = Child { command: Arc::new((**command).clone()), place: None };
                self.children.insert(command.seq, child);
            }
            E::ChildWorkflowExecutionStarted { seq, workflow_id, run_id } => {
                if let Some(child) = self.children.get_mut(seq) {
                    child.place = Some((workflow_id.clone(), run_id.clone()));
                }
            }
            E::StartChildWorkflowExecutionFailed { seq, .. }
            | E::ChildWorkflowExecutionCompleted { seq, .. }
            | E::ChildWorkflowExecutionFailed { seq, .. }
            | E::ChildWorkflowExecutionCanceled { seq, .. }
            | E::ChildWorkflowExecutionTimedOut { seq, .. }
            | E::ChildWorkflowExecutionTerminated { seq, .. } => {
                self.children.remove(seq);
            }
            E::WorkflowExecutionCancelRequested { .. } => self.cancel_requested = true,
            E::WorkflowExecutionUpdateAccepted(accepted) => {
                self.updates.insert(accepted.update_id.clone(), Update::Accepted);
            }
            E::WorkflowExecutionUpdateCompleted { update_id, outcome } => {
                self.updates.insert(update_id.clone(), Update::Ended(outcome.clone()));
            }
            E::UpsertWorkflowSearchAttributes(changes) => {
                upsert(&mut self.shown.search_attributes, changes);
            }
            E::WorkflowPropertiesModified(changes) => upsert(&mut self.shown.memo, changes),
            _ => {}
        }
    }

    /// Children that the end of this run must reach, its own and those of earlier runs of the row.
    pub(crate) fn offspring(&self) -> Vec<Carried> {
        let own = self.children.values().filter_map(|child| {
            let (workflow_id, first_run_id) = child.place.clone()?;
            Some(Carried { workflow_id, first_run_id, parent_close: child.command.options.parent_close })
        });
        self.started.carried.iter().cloned().chain(own).collect()
    }

    /// Whether the machine has something to be told.
    pub(crate) fn has_work(&self) -> bool {
        !self.inbound.is_empty() || self.has_updates()
    }

    fn has_updates(&self) -> bool {
        self.updates.values().any(|update| matches!(update, Update::Waiting { .. }))
    }
}

/// Sets fields; `Nil` removes one.
fn upsert(fields: &mut Fields, changes: &Fields) {
    for (name, value) in changes {
        if *value == Value::Nil {
            fields.remove(name);
        } else {
            fields.insert(name.clone(), value.clone());
        }
    }
}
