//! What a run's history is made of.

use crate::{
    ContinueAsNew, ExternalTarget, Fields, Parent, ParentClosePolicy, RetryPolicy, ScheduleActivity,
    StartChild, Timestamp,
};
use perilune_value::{Failure, Value};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One event of a run's history. Names are those of Temporal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Counts from 1, without gaps.
    #[serde(rename = "i")]
    pub id: u64,
    /// When.
    #[serde(rename = "t")]
    pub at: Timestamp,
    /// Where in the workflow's code the command was given that became this event.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// What.
    #[serde(rename = "e")]
    pub kind: EventKind,
}

/// What an [`Event`] is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum EventKind {
    /// The first event.
    WorkflowExecutionStarted(Box<RunStarted>),
    /// The run gave a result.
    WorkflowExecutionCompleted {
        /// The result.
        #[serde(with = "crate::wire::value")]
        result: Value,
        /// The next run of a cron workflow.
        next_run_id: Option<String>,
    },
    /// The run failed.
    WorkflowExecutionFailed {
        /// With what.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
        /// The next attempt, or the next run of a cron workflow.
        next_run_id: Option<String>,
    },
    /// The run took too long.
    WorkflowExecutionTimedOut {
        /// The next attempt, or the next run of a cron workflow.
        next_run_id: Option<String>,
    },
    /// The run ended because it was asked to.
    WorkflowExecutionCanceled {
        /// What it said to that.
        #[serde(with = "crate::wire::optional_value")]
        details: Option<Value>,
    },
    /// The run was ended from outside.
    WorkflowExecutionTerminated {
        /// For people.
        reason: String,
    },
    /// The run ended in favour of another one.
    WorkflowExecutionContinuedAsNew {
        /// The other one.
        next_run_id: String,
        /// How it was started.
        next: Box<ContinueAsNew>,
    },
    /// A signal came.
    WorkflowExecutionSignaled(Signal),
    /// The run was asked to cancel.
    WorkflowExecutionCancelRequested {
        /// For people.
        reason: String,
    },
    /// The machine accepted an update.
    WorkflowExecutionUpdateAccepted(UpdateAccepted),
    /// The machine ended an update.
    WorkflowExecutionUpdateCompleted {
        /// The update.
        update_id: String,
        /// How.
        #[serde(with = "crate::wire::outcome")]
        outcome: Result<Value, Failure>,
    },
    /// The machine was activated; its commands follow.
    WorkflowTaskCompleted(TaskCompleted),
    /// The machine could not be activated. Written for the first attempt of several.
    WorkflowTaskFailed {
        /// The stable code.
        code: String,
        /// Why.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// A timer began.
    TimerStarted {
        /// The timer.
        seq: u32,
        /// How long it runs.
        after: Duration,
    },
    /// A timer is over.
    TimerFired {
        /// The timer.
        seq: u32,
    },
    /// A timer was stopped.
    TimerCanceled {
        /// The timer.
        seq: u32,
    },
    /// An activity is to be run.
    ActivityTaskScheduled(Box<ScheduleActivity>),
    /// The last attempt of an activity began. Written when it ends.
    ActivityTaskStarted {
        /// The activity.
        seq: u32,
        /// Which attempt, from 1.
        attempt: u32,
        /// When it began.
        started_at: Timestamp,
        /// What the attempt before failed with.
        #[serde(with = "crate::wire::optional_failure")]
        last_failure: Option<Failure>,
    },
    /// An activity gave a result.
    ActivityTaskCompleted {
        /// The activity.
        seq: u32,
        /// The result.
        #[serde(with = "crate::wire::value")]
        result: Value,
    },
    /// An activity failed for good.
    ActivityTaskFailed {
        /// The activity.
        seq: u32,
        /// With what.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// An activity took too long for good.
    ActivityTaskTimedOut {
        /// The activity.
        seq: u32,
        /// Which limit was reached.
        timeout: TimeoutType,
        /// The same as a failure.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// The machine wants an activity cancelled.
    ActivityTaskCancelRequested {
        /// The activity.
        seq: u32,
    },
    /// An activity counts as cancelled.
    ActivityTaskCanceled {
        /// The activity.
        seq: u32,
        /// What it said to that.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// The machine wants a child.
    StartChildWorkflowExecutionInitiated(Box<StartChild>),
    /// There is no child.
    StartChildWorkflowExecutionFailed {
        /// The child.
        seq: u32,
        /// Why.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// There is a child.
    ChildWorkflowExecutionStarted {
        /// The child.
        seq: u32,
        /// Its workflow.
        workflow_id: String,
        /// Its first run.
        run_id: String,
    },
    /// A child gave a result.
    ChildWorkflowExecutionCompleted {
        /// The child.
        seq: u32,
        /// The result.
        #[serde(with = "crate::wire::value")]
        result: Value,
    },
    /// A child failed.
    ChildWorkflowExecutionFailed {
        /// The child.
        seq: u32,
        /// With what.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// A child counts as cancelled.
    ChildWorkflowExecutionCanceled {
        /// The child.
        seq: u32,
        /// The same as a failure.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// A child took too long.
    ChildWorkflowExecutionTimedOut {
        /// The child.
        seq: u32,
        /// The same as a failure.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// A child was ended from outside.
    ChildWorkflowExecutionTerminated {
        /// The child.
        seq: u32,
        /// The same as a failure.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// The machine wants a child cancelled.
    ChildWorkflowExecutionCancelRequested {
        /// The child.
        seq: u32,
        /// For people.
        reason: String,
    },
    /// The machine signals another workflow.
    SignalExternalWorkflowExecutionInitiated {
        /// The request.
        seq: u32,
        /// To whom.
        target: ExternalTarget,
        /// What.
        signal: Signal,
    },
    /// The other workflow's history has the signal.
    ExternalWorkflowExecutionSignaled {
        /// The request.
        seq: u32,
    },
    /// There is no such workflow.
    SignalExternalWorkflowExecutionFailed {
        /// The request.
        seq: u32,
        /// Why.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// The machine asks another workflow to cancel.
    RequestCancelExternalWorkflowExecutionInitiated {
        /// The request.
        seq: u32,
        /// Whom.
        target: ExternalTarget,
        /// For people.
        reason: String,
    },
    /// The other workflow's history has the request.
    ExternalWorkflowExecutionCancelRequested {
        /// The request.
        seq: u32,
    },
    /// There is no such workflow.
    RequestCancelExternalWorkflowExecutionFailed {
        /// The request.
        seq: u32,
        /// Why.
        #[serde(with = "crate::wire::failure")]
        failure: Failure,
    },
    /// The machine notes something for its next replay.
    MarkerRecorded(Marker),
    /// Search attributes changed.
    UpsertWorkflowSearchAttributes(#[serde(with = "crate::wire::fields")] Fields),
    /// The memo changed.
    WorkflowPropertiesModified(#[serde(with = "crate::wire::fields")] Fields),
}

impl EventKind {
    /// The event's name, as Temporal has it.
    pub fn name(&self) -> &'static str {
        use EventKind as E;
        match self {
            E::WorkflowExecutionStarted(_) => "WorkflowExecutionStarted",
            E::WorkflowExecutionCompleted { .. } => "WorkflowExecutionCompleted",
            E::WorkflowExecutionFailed { .. } => "WorkflowExecutionFailed",
            E::WorkflowExecutionTimedOut { .. } => "WorkflowExecutionTimedOut",
            E::WorkflowExecutionCanceled { .. } => "WorkflowExecutionCanceled",
            E::WorkflowExecutionTerminated { .. } => "WorkflowExecutionTerminated",
            E::WorkflowExecutionContinuedAsNew { .. } => "WorkflowExecutionContinuedAsNew",
            E::WorkflowExecutionSignaled(_) => "WorkflowExecutionSignaled",
            E::WorkflowExecutionCancelRequested { .. } => "WorkflowExecutionCancelRequested",
            E::WorkflowExecutionUpdateAccepted(_) => "WorkflowExecutionUpdateAccepted",
            E::WorkflowExecutionUpdateCompleted { .. } => "WorkflowExecutionUpdateCompleted",
            E::WorkflowTaskCompleted(_) => "WorkflowTaskCompleted",
            E::WorkflowTaskFailed { .. } => "WorkflowTaskFailed",
            E::TimerStarted { .. } => "TimerStarted",
            E::TimerFired { .. } => "TimerFired",
            E::TimerCanceled { .. } => "TimerCanceled",
            E::ActivityTaskScheduled(_) => "ActivityTaskScheduled",
            E::ActivityTaskStarted { .. } => "ActivityTaskStarted",
            E::ActivityTaskCompleted { .. } => "ActivityTaskCompleted",
            E::ActivityTaskFailed { .. } => "ActivityTaskFailed",
            E::ActivityTaskTimedOut { .. } => "ActivityTaskTimedOut",
            E::ActivityTaskCancelRequested { .. } => "ActivityTaskCancelRequested",
            E::ActivityTaskCanceled { .. } => "ActivityTaskCanceled",
            E::StartChildWorkflowExecutionInitiated(_) => "StartChildWorkflowExecutionInitiated",
            E::StartChildWorkflowExecutionFailed { .. } => "StartChildWorkflowExecutionFailed",
            E::ChildWorkflowExecutionStarted { .. } => "ChildWorkflowExecutionStarted",
            E::ChildWorkflowExecutionCompleted { .. } => "ChildWorkflowExecutionCompleted",
            E::ChildWorkflowExecutionFailed { .. } => "ChildWorkflowExecutionFailed",
            E::ChildWorkflowExecutionCanceled { .. } => "ChildWorkflowExecutionCanceled",
            E::ChildWorkflowExecutionTimedOut { .. } => "ChildWorkflowExecutionTimedOut",
            E::ChildWorkflowExecutionTerminated { .. } => "ChildWorkflowExecutionTerminated",
            E::ChildWorkflowExecutionCancelRequested { .. } => "ChildWorkflowExecutionCancelRequested",
            E::SignalExternalWorkflowExecutionInitiated { .. } => "SignalExternalWorkflowExecutionInitiated",
            E::ExternalWorkflowExecutionSignaled { .. } => "ExternalWorkflowExecutionSignaled",
            E::SignalExternalWorkflowExecutionFailed { .. } => "SignalExternalWorkflowExecutionFailed",
            E::RequestCancelExternalWorkflowExecutionInitiated { .. } => {
                "RequestCancelExternalWorkflowExecutionInitiated"
            }
            E::ExternalWorkflowExecutionCancelRequested { .. } => "ExternalWorkflowExecutionCancelRequested",
            E::RequestCancelExternalWorkflowExecutionFailed { .. } => {
                "RequestCancelExternalWorkflowExecutionFailed"
            }
            E::MarkerRecorded(_) => "MarkerRecorded",
            E::UpsertWorkflowSearchAttributes(_) => "UpsertWorkflowSearchAttributes",
            E::WorkflowPropertiesModified(_) => "WorkflowPropertiesModified",
        }
    }
}

/// [`EventKind::WorkflowExecutionStarted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// What is run.
    pub workflow_type: String,
    /// The workflow.
    pub workflow_id: String,
    /// This run of it.
    pub run_id: String,
    /// The first run of the row.
    pub first_run_id: String,
    /// The run before this one in the row.
    pub continued_from: Option<String>,
    /// With what it is run.
    #[serde(with = "crate::wire::values")]
    pub args: Vec<Value>,
    /// What travels with the arguments.
    #[serde(with = "crate::wire::fields")]
    pub headers: Fields,
    /// What is shown of the workflow.
    #[serde(with = "crate::wire::fields")]
    pub memo: Fields,
    /// What the workflow is found by.
    #[serde(with = "crate::wire::fields")]
    pub search_attributes: Fields,
    /// What the run's randomness begins with.
    pub seed: u64,
    /// Which attempt of a retried run this is, from 1.
    pub attempt: u32,
    /// The workflow that started this one.
    pub parent: Option<Parent>,
    /// What becomes of this run when the parent closes.
    pub parent_close: ParentClosePolicy,
    /// How long all runs of the row may take together.
    pub execution_timeout: Option<Duration>,
    /// When that time is over.
    pub expires_at: Option<Timestamp>,
    /// How long this run may take, counted from its first task.
    pub run_timeout: Option<Duration>,
    /// How long one activation may take.
    pub task_timeout: Option<Duration>,
    /// When a run that failed is tried again.
    pub retry: Option<RetryPolicy>,
    /// When runs begin.
    pub cron: Option<String>,
    /// When the first task may come.
    pub first_task_at: Timestamp,
    /// What the last run of a cron workflow that completed gave.
    #[serde(with = "crate::wire::optional_value")]
    pub last_result: Option<Value>,
    /// What the run before this one failed with.
    #[serde(with = "crate::wire::optional_failure")]
    pub last_failure: Option<Failure>,
    /// Children of earlier runs of the row that were open when this run began.
    pub carried: Vec<Carried>,
}

/// A child of an earlier run of the row: nobody waits for it, but the end of the row still reaches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// The child.
    pub workflow_id: String,
    /// The first run of the child's row.
    pub first_run_id: String,
    /// What becomes of it.
    pub parent_close: ParentClosePolicy,
}

/// A message to a workflow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The topic.
    pub name: String,
    /// The content.
    #[serde(with = "crate::wire::values")]
    pub args: Vec<Value>,
    /// What travels with the content.
    #[serde(with = "crate::wire::fields")]
    pub headers: Fields,
    /// Who sent it, as the sender names itself.
    pub sender: Option<String>,
}

/// [`EventKind::WorkflowExecutionUpdateAccepted`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateAccepted {
    /// The update.
    pub update_id: String,
    /// What was called.
    pub name: String,
    /// With what.
    #[serde(with = "crate::wire::values")]
    pub args: Vec<Value>,
    /// What travels with the arguments.
    #[serde(with = "crate::wire::fields")]
    pub headers: Fields,
    /// The update's place among those of its activation.
    pub order: u32,
}

/// [`EventKind::WorkflowTaskCompleted`]: enough to give the same activation again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskCompleted {
    /// The activation held what had come up to this event, and had not been in an earlier one.
    pub upto: u64,
    /// The activation's time.
    pub timestamp: Timestamp,
    /// Events at that time.
    pub history_length: u64,
    /// Bytes that they took.
    pub history_bytes: u64,
    /// Whether the run was told to continue as new.
    pub continue_as_new_suggested: bool,
    /// How many of the events that follow are the machine's commands.
    pub commands: u32,
}

/// [`EventKind::MarkerRecorded`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Marker {
    /// [`CommandKind::RecordSideEffect`](crate::CommandKind::RecordSideEffect).
    SideEffect {
        /// The side effect.
        seq: u32,
        /// Its value.
        #[serde(with = "crate::wire::value")]
        value: Value,
    },
    /// [`CommandKind::RecordVersion`](crate::CommandKind::RecordVersion).
    Version {
        /// The piece of code.
        change_id: String,
        /// The version.
        version: i64,
    },
}

/// Which limit an activity reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimeoutType {
    /// No attempt began in time.
    ScheduleToStart,
    /// An attempt took too long.
    StartToClose,
    /// All attempts together took too long.
    ScheduleToClose,
    /// An attempt was silent for too long.
    Heartbeat,
}

impl TimeoutType {
    /// As it stands in a failure's detail `timeout_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            TimeoutType::ScheduleToStart => "schedule_to_start",
            TimeoutType::StartToClose => "start_to_close",
            TimeoutType::ScheduleToClose => "schedule_to_close",
            TimeoutType::Heartbeat => "heartbeat",
        }
    }
}
