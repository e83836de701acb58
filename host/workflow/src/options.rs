//! How workflows, activities and child workflows are started.

use crate::{Fields, RetryPolicy};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a start does that names the id of an open run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConflictPolicy {
    /// Refuse to start.
    #[default]
    Fail,
    /// Give back the open run; the new arguments are dropped, the new signals are delivered.
    UseExisting,
    /// Terminate the open run, and start.
    TerminateExisting,
}

/// What a start does that names the id of a closed run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReusePolicy {
    /// Start.
    #[default]
    AllowDuplicate,
    /// Start unless the last run completed.
    AllowDuplicateFailedOnly,
    /// Refuse to start.
    RejectDuplicate,
}

/// What becomes of a child when its parent closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParentClosePolicy {
    /// It is terminated.
    #[default]
    Terminate,
    /// Nothing.
    Abandon,
    /// It is asked to cancel.
    RequestCancel,
}

/// What a workflow gets that cancels an activity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancellationType {
    /// The activity is told; the workflow sees it cancelled at once.
    #[default]
    TryCancel,
    /// The activity is told; the workflow sees what it makes of that.
    WaitCancellationCompleted,
    /// The activity is not told; the workflow sees it cancelled at once.
    Abandon,
}

/// What a workflow gets that cancels a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChildCancellation {
    /// The child is asked; the parent sees it cancelled at once.
    TryCancel,
    /// The child is asked; the parent sees what it makes of that.
    #[default]
    WaitCancellationCompleted,
    /// The child is asked; the parent sees it cancelled once the child's history says so.
    WaitCancellationRequested,
    /// The child is not asked; the parent sees it cancelled at once.
    Abandon,
}

/// How a workflow is started.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StartOptions {
    /// The queue of another worker that runs it, by its name without a prefix; the backend's own without it.
    #[serde(default)]
    pub queue: Option<String>,
    /// The workflow's id; a new one without it. Of the runs with one id at most one is open.
    pub id: Option<String>,
    /// Where an open run has this id.
    pub conflict: ConflictPolicy,
    /// Where a closed run has this id.
    pub reuse: ReusePolicy,
    /// How long all runs may take together: those of retries, of cron, and those that continue as new.
    pub execution_timeout: Option<Duration>,
    /// How long one run may take.
    pub run_timeout: Option<Duration>,
    /// How long one activation of the machine may take; the backend's default without it.
    pub task_timeout: Option<Duration>,
    /// When a run that failed or timed out is tried again; never without it.
    pub retry: Option<RetryPolicy>,
    /// When runs begin, in UTC: five fields, or `@hourly` and the like. A run is followed by the next one until it is cancelled
    /// or terminated.
    pub cron: Option<String>,
    /// How long the first run waits.
    pub start_delay: Option<Duration>,
    /// What is shown of the workflow, and not searched.
    #[serde(with = "crate::wire::fields")]
    pub memo: Fields,
    /// What the workflow is found by.
    #[serde(with = "crate::wire::fields")]
    pub search_attributes: Fields,
    /// What travels with the arguments.
    #[serde(with = "crate::wire::fields")]
    pub headers: Fields,
    /// Signals that are in the run's first activation; with [`ConflictPolicy::UseExisting`], in the open run's next one.
    pub signals: Vec<crate::Signal>,
}

/// How an activity is run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActivityOptions {
    /// The queue of another worker that runs it, by its name without a prefix; the workflow's own without it.
    #[serde(default)]
    pub queue: Option<String>,
    /// From scheduling to the result, all attempts and the waits between them included.
    pub schedule_to_close: Option<Duration>,
    /// From scheduling to the start of an attempt.
    pub schedule_to_start: Option<Duration>,
    /// How long one attempt may take.
    pub start_to_close: Option<Duration>,
    /// How long an attempt may be silent.
    pub heartbeat: Option<Duration>,
    /// When an attempt that failed is followed by another.
    pub retry: RetryPolicy,
    /// What cancelling it means.
    pub cancellation: CancellationType,
}

impl ActivityOptions {
    /// How long an attempt may take where nothing is said: an attempt without an end would hold its workflow for ever.
    pub const DEFAULT_START_TO_CLOSE: Duration = Duration::from_secs(600);
}

impl Default for ActivityOptions {
    fn default() -> Self {
        ActivityOptions {
            queue: None,
            schedule_to_close: None,
            schedule_to_start: None,
            start_to_close: Some(Self::DEFAULT_START_TO_CLOSE),
            heartbeat: None,
            retry: RetryPolicy::default(),
            cancellation: CancellationType::default(),
        }
    }
}

/// How a child is bound to its parent, beside its [`StartOptions`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ChildOptions {
    /// How it is started.
    pub start: StartOptions,
    /// What becomes of it when the parent closes.
    pub parent_close: ParentClosePolicy,
    /// What cancelling it means.
    pub cancellation: ChildCancellation,
}
