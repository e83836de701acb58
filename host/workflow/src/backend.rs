//! What can be done with workflows from outside.

use crate::{Event, Fields, Signal, StartOptions, Timestamp, WorkflowError};
use futures_util::future::BoxFuture;
use perilune_value::{Failure, Value};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A workflow, or one run of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Target {
    /// The workflow.
    pub workflow_id: String,
    /// The run; without it the open one, or else the last one.
    pub run_id: Option<String>,
}

impl From<&str> for Target {
    fn from(workflow_id: &str) -> Self {
        Target { workflow_id: workflow_id.to_owned(), run_id: None }
    }
}

/// The answer to a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The workflow.
    pub workflow_id: String,
    /// Its run.
    pub run_id: String,
    /// Whether this start made the run; if not, it was open before.
    pub is_new: bool,
}

/// A question.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueryRequest {
    /// What is asked.
    pub name: String,
    /// With what.
    pub args: Vec<Value>,
}

/// A call into a running workflow.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UpdateRequest {
    /// Names the update: the same one twice is one update, and both callers get its end. A new one without it.
    pub id: Option<String>,
    /// What is called.
    pub name: String,
    /// With what.
    pub args: Vec<Value>,
    /// What travels with the arguments.
    pub headers: Fields,
}

/// Where a run is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Open.
    Running,
    /// Gave a result.
    Completed,
    /// Failed.
    Failed,
    /// Ended because it was asked to.
    Canceled,
    /// Was ended from outside.
    Terminated,
    /// Took too long.
    TimedOut,
    /// Ended in favour of another run.
    ContinuedAsNew,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 7] = [
        Status::Running,
        Status::Completed,
        Status::Failed,
        Status::Canceled,
        Status::Terminated,
        Status::TimedOut,
        Status::ContinuedAsNew,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Completed => "completed",
            Status::Failed => "failed",
            Status::Canceled => "canceled",
            Status::Terminated => "terminated",
            Status::TimedOut => "timed_out",
            Status::ContinuedAsNew => "continued_as_new",
        }
    }
}

/// How a workflow ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a result.
    Completed(Value),
    /// With a failure.
    Failed(Failure),
    /// It was asked to; with what it said to that.
    Canceled(Option<Value>),
    /// It was ended from outside, for this reason.
    Terminated(String),
    /// It took too long.
    TimedOut,
}

/// One run in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The workflow.
    pub workflow_id: String,
    /// The run.
    pub run_id: String,
    /// What is run.
    pub workflow_type: String,
    /// Where it is in its life.
    pub status: Status,
    /// When it was started.
    pub started_at: Timestamp,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// Events of its history.
    pub history_length: u64,
    /// Bytes that they take.
    pub history_bytes: u64,
    /// What is shown of it.
    #[serde(with = "crate::wire::fields")]
    pub memo: Fields,
    /// What it is found by.
    #[serde(with = "crate::wire::fields")]
    pub search_attributes: Fields,
}

/// All that is known of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// What lists show.
    pub summary: Summary,
    /// The run that followed it.
    pub next_run_id: Option<String>,
    /// Activities that have not ended.
    pub activities: Vec<PendingActivity>,
    /// Timers that run.
    pub timers: usize,
    /// Children that have not ended.
    pub children: usize,
    /// Why its code does not get on.
    pub trouble: Option<TaskTrouble>,
}

/// An activity that has not ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PendingActivity {
    /// Its name in the run.
    pub activity_id: String,
    /// What is run.
    pub activity_type: String,
    /// The attempt that runs, or comes next.
    pub attempt: u32,
    /// When the next attempt begins, where none runs and none waits for a free place.
    pub next_attempt_at: Option<Timestamp>,
    /// What the last attempt failed with.
    #[serde(with = "crate::wire::optional_failure")]
    pub last_failure: Option<Failure>,
}

/// Why a run's code does not get on. It is tried again by itself, with growing waits; changed code helps, or terminating the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskTrouble {
    /// What, for programs: the stable code.
    pub code: String,
    /// What, for people.
    #[serde(with = "crate::wire::failure")]
    pub failure: Failure,
    /// Attempts so far.
    pub attempts: u32,
    /// When it is tried again.
    pub next_attempt_at: Timestamp,
}

/// Which runs are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Only this type.
    pub workflow_type: Option<String>,
    /// Only this status.
    pub status: Option<Status>,
    /// Only workflows whose id begins so.
    pub id_prefix: Option<String>,
    /// How many at most; 100 where it is 0, and 1000 at most.
    pub limit: usize,
    /// Where the last page ended.
    pub after: Option<String>,
}

/// Part of a list, the newest runs first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// The runs.
    pub runs: Vec<Summary>,
    /// Where this page ends, for [`Filter::after`]; none on the last one.
    pub next: Option<String>,
}

/// What keeps workflows and runs them. What it accepted is safe once the call returns.
///
/// Errors carry a stable [`Code`](crate::Code).
pub trait Backend: Send + Sync {
    /// Starts a workflow.
    fn start(
        &self,
        workflow_type: &str,
        args: Vec<Value>,
        options: StartOptions,
    ) -> BoxFuture<'_, Result<Started, WorkflowError>>;

    /// Sends a signal to an open run.
    fn signal(&self, target: Target, signal: Signal) -> BoxFuture<'_, Result<(), WorkflowError>>;

    /// Asks a run something, an open or a closed one.
    fn query(&self, target: Target, query: QueryRequest) -> BoxFuture<'_, Result<Value, WorkflowError>>;

    /// Calls into an open run and waits for the end of the call. An update that ended in a failure gives an error with that
    /// failure.
    fn update(&self, target: Target, update: UpdateRequest) -> BoxFuture<'_, Result<Value, WorkflowError>>;

    /// Asks an open run to cancel.
    fn cancel(&self, target: Target, reason: &str) -> BoxFuture<'_, Result<(), WorkflowError>>;

    /// Ends an open run without asking its code.
    fn terminate(&self, target: Target, reason: &str) -> BoxFuture<'_, Result<(), WorkflowError>>;

    /// What is known of a run.
    fn describe(&self, target: Target) -> BoxFuture<'_, Result<Description, WorkflowError>>;

    /// Runs.
    fn list(&self, filter: Filter) -> BoxFuture<'_, Result<Page, WorkflowError>>;

    /// All events of a run.
    fn history(&self, target: Target) -> BoxFuture<'_, Result<Vec<Event>, WorkflowError>>;

    /// A run as a file that can be replayed, wherever its workflow's code is: a [`Recording`](crate::Recording), or what a server's
    /// own tools write.
    fn export(&self, target: Target) -> BoxFuture<'_, Result<String, WorkflowError>>;

    /// Waits until a workflow ends: the named run, and the runs that follow it.
    fn result(&self, target: Target) -> BoxFuture<'_, Result<Outcome, WorkflowError>>;

    /// Takes on nothing new, waits for running activities at most this long, and lets go of the store. Open runs go on when it is
    /// opened again.
    fn shutdown(&self, grace: Duration) -> BoxFuture<'_, ()>;
}
