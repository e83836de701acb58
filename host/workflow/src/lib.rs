//! Durable workflows: the vocabulary that a workflow's code and every backend share. It knows no store.
//!
//! A run of a workflow is a [`Machine`]. Its backend calls it with an [`Activation`], all that happened since the last one, and
//! it answers with [`Command`]s: what should happen next. Between two activations a machine waits, and may be thrown away: it is
//! made again by a second machine that is given the same activations, read from the run's history of [`Event`]s. So its commands
//! may depend on nothing but its activations.
//!
//! # Layout
//!
//! | file | holds |
//! |---|---|
//! | `activation.rs` | [`Activation`] and its [`Job`]s: what a machine is told |
//! | `command.rs` | [`Command`]: what a machine answers |
//! | `history.rs` | [`Event`]: what a run's history is made of |
//! | `options.rs` | [`StartOptions`], [`ActivityOptions`], [`ChildOptions`] and the policies in them |
//! | `retry.rs` | [`RetryPolicy`]: when something that failed is tried again |
//! | `machine.rs` | [`Machine`], [`Machines`], [`TaskFailure`] |
//! | `activity.rs` | [`Activities`]: the effects of workflows; [`Heartbeat`], [`Cancellation`] |
//! | `backend.rs` | [`Backend`]: what can be done with workflows from outside |
//! | `recording.rs` | [`Recording`]: one run as a file |
//! | `error.rs` | [`WorkflowError`] and its stable [`Code`]s |
//! | `timestamp.rs` | [`Timestamp`] |
//! | `wire.rs` | how values and failures are stored |

mod activation;
mod activity;
mod backend;
mod command;
mod error;
mod history;
mod machine;
mod options;
mod recording;
mod retry;
mod timestamp;
pub mod wire;

pub use activation::{Activation, Job, Parent, Resolution, Start};
pub use activity::{Activities, ActivityContext, ActivityTask, CancelReason, Cancellation, Heartbeat};
pub use backend::{
    Backend, Description, Filter, Outcome, Page, PendingActivity, QueryRequest, Started, Status, Summary,
    Target, TaskTrouble, UpdateRequest,
};
pub use command::{
    Answer, Command, CommandKind, ContinueAsNew, ExternalTarget, ScheduleActivity, StartChild,
};
pub use error::{Code, WorkflowError};
pub use history::{
    Carried, Event, EventKind, Marker, RunStarted, Signal, TaskCompleted, TimeoutType, UpdateAccepted,
};
pub use machine::{Machine, Machines, TaskFailure};
pub use options::{
    ActivityOptions, CancellationType, ChildCancellation, ChildOptions, ConflictPolicy, ParentClosePolicy,
    ReusePolicy, StartOptions,
};
pub use recording::{Recording, RecordingError};
pub use retry::RetryPolicy;
pub use timestamp::Timestamp;

/// Named values: headers, memo, search attributes. Ordered by name, so that machines see them in one order everywhere.
pub type Fields = std::collections::BTreeMap<String, perilune_value::Value>;
