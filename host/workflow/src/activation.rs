//! What a machine is told.

use crate::{Fields, RetryPolicy, Signal, Timestamp};
use perilune_value::{Failure, Value};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What happened to a run since its machine's last activation.
///
/// A machine takes in all jobs in their order, then runs until everything in it waits, then answers. The order is: start, recorded
/// versions and side effects, a new seed, signals, updates, everything else. A query comes alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// The run.
    pub run_id: String,
    /// The machine's time: that of the first time this activation was given, and never before the last one's.
    pub timestamp: Timestamp,
    /// Whether the commands were carried out already, and are compared only. Logs are quiet meanwhile.
    pub is_replaying: bool,
    /// Events of the run so far.
    pub history_length: u64,
    /// Bytes that they take.
    pub history_bytes: u64,
    /// Whether the history has become so long that the run should continue as new.
    pub continue_as_new_suggested: bool,
    /// What happened. Can be empty on replay.
    pub jobs: Vec<Job>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Job {
    /// The run begins. The first job of a machine, and in no other activation.
    Start(Box<Start>),
    /// A replaying machine will want this version in this activation.
    NotifyVersion {
        /// The piece of code.
        change_id: String,
        /// The version that was recorded.
        version: i64,
    },
    /// A replaying machine will want this value in this activation.
    SideEffect {
        /// The side effect.
        seq: u32,
        /// The value that was recorded.
        value: Value,
    },
    /// Randomness begins anew: the run was reset.
    NewSeed(u64),
    /// A signal. One that nothing waits for yet is kept by the machine.
    Signal(Signal),
    /// An update: to be accepted or rejected in this activation.
    Update {
        /// The update.
        id: String,
        /// What is called.
        name: String,
        /// With what.
        args: Vec<Value>,
        /// What travels with the arguments.
        headers: Fields,
        /// Whether it may still be rejected; on replay it was accepted, and is to be accepted again.
        run_validator: bool,
    },
    /// A timer is over.
    FireTimer {
        /// The timer.
        seq: u32,
    },
    /// An activity ended.
    ResolveActivity {
        /// The activity.
        seq: u32,
        /// How.
        outcome: Resolution,
    },
    /// A child runs, or will not. After a failure nothing more comes of it.
    ResolveChildStart {
        /// The child.
        seq: u32,
        /// Its run id, or why there is none.
        outcome: Result<String, Failure>,
    },
    /// A child ended.
    ResolveChild {
        /// The child.
        seq: u32,
        /// How.
        outcome: Resolution,
    },
    /// A signal to another workflow was delivered, or not.
    ResolveSignal {
        /// The request.
        seq: u32,
        /// Why it was not.
        failure: Option<Failure>,
    },
    /// Another workflow was asked to cancel, or not.
    ResolveCancelExternal {
        /// The request.
        seq: u32,
        /// Why it was not.
        failure: Option<Failure>,
    },
    /// The run is asked to cancel. Comes once.
    Cancel {
        /// For people.
        reason: String,
    },
    /// A question, to be answered by [`CommandKind::AnswerQuery`](crate::CommandKind::AnswerQuery) without changing anything.
    Query {
        /// The query.
        id: String,
        /// What is asked.
        name: String,
        /// With what.
        args: Vec<Value>,
    },
}

/// How an activity or a child ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Resolution {
    /// With a result.
    Completed(Value),
    /// With a failure that is final.
    Failed(Failure),
    /// Cancelled.
    Cancelled(Failure),
}

/// [`Job::Start`].
#[derive(Clone, Debug, PartialEq)]
pub struct Start {
    /// What is run.
    pub workflow_type: String,
    /// The workflow.
    pub workflow_id: String,
    /// This run of it.
    pub run_id: String,
    /// The first run in the row of those that were retried, continued as new or repeated by cron.
    pub first_run_id: String,
    /// With what it is run.
    pub args: Vec<Value>,
    /// What travels with the arguments.
    pub headers: Fields,
    /// What the run's randomness begins with.
    pub seed: u64,
    /// Which attempt of a retried run this is, from 1.
    pub attempt: u32,
    /// The workflow that started this one.
    pub parent: Option<Parent>,
    /// What is shown of the workflow.
    pub memo: Fields,
    /// What the workflow is found by.
    pub search_attributes: Fields,
    /// How long all runs may take together.
    pub execution_timeout: Option<Duration>,
    /// How long this run may take.
    pub run_timeout: Option<Duration>,
    /// When a run that failed is tried again.
    pub retry: Option<RetryPolicy>,
    /// When runs begin.
    pub cron: Option<String>,
    /// The run before this one in the row.
    pub continued_from: Option<String>,
    /// What the last run of a cron workflow that completed gave.
    pub last_result: Option<Value>,
    /// What the run before this one failed with.
    pub last_failure: Option<Failure>,
}

/// The workflow that started a child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The workflow.
    pub workflow_id: String,
    /// Its run.
    pub run_id: String,
    /// The child's number in it.
    pub seq: u32,
}
