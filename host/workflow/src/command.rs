//! What a machine answers.

use crate::{ActivityOptions, ChildOptions, Fields, RetryPolicy};
use perilune_value::{Failure, Value};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Something a machine wants to happen, or says about itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Where in the workflow's code it was given, as `entry:line`. Kept with the event, and shown; never compared.
    pub position: Option<String>,
    /// What.
    pub kind: CommandKind,
}

impl From<CommandKind> for Command {
    fn from(kind: CommandKind) -> Self {
        Command { position: None, kind }
    }
}

/// What a [`Command`] is.
///
/// A `seq` is a number that the machine chooses and never uses again in the run: it names what the command starts in later
/// commands and jobs. It is durable, so the same code must choose the same numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum CommandKind {
    /// Answered by [`Job::FireTimer`](crate::Job::FireTimer).
    StartTimer {
        /// The timer.
        seq: u32,
        /// From the time of the activation.
        after: Duration,
    },
    /// The timer will not fire, even where it is over already.
    CancelTimer {
        /// The timer.
        seq: u32,
    },
    /// Answered by [`Job::ResolveActivity`](crate::Job::ResolveActivity).
    ScheduleActivity(Box<ScheduleActivity>),
    /// Answered as [`CancellationType`](crate::CancellationType) says. Too late for one that has ended.
    CancelActivity {
        /// The activity.
        seq: u32,
    },
    /// Answered by [`Job::ResolveChildStart`](crate::Job::ResolveChildStart), then by
    /// [`Job::ResolveChild`](crate::Job::ResolveChild).
    StartChild(Box<StartChild>),
    /// Answered as [`ChildCancellation`](crate::ChildCancellation) says.
    CancelChild {
        /// The child.
        seq: u32,
        /// For people.
        reason: String,
    },
    /// Answered by [`Job::ResolveSignal`](crate::Job::ResolveSignal).
    SignalExternal {
        /// The request.
        seq: u32,
        /// To whom.
        target: ExternalTarget,
        /// What.
        signal: crate::Signal,
    },
    /// Answered by [`Job::ResolveCancelExternal`](crate::Job::ResolveCancelExternal).
    CancelExternal {
        /// The request.
        seq: u32,
        /// Whom.
        target: ExternalTarget,
        /// For people.
        reason: String,
    },
    /// A value that the machine made by other means than its activations; a replaying machine is given it by
    /// [`Job::SideEffect`](crate::Job::SideEffect), and records it again.
    RecordSideEffect {
        /// The side effect.
        seq: u32,
        /// The value.
        value: Value,
    },
    /// The version of a piece of code that this run uses; a replaying machine is given it by
    /// [`Job::NotifyVersion`](crate::Job::NotifyVersion), and records it again.
    RecordVersion {
        /// The piece of code.
        change_id: String,
        /// The version.
        version: i64,
    },
    /// Sets search attributes; `Nil` removes one.
    UpsertSearchAttributes(Fields),
    /// Sets fields of the memo; `Nil` removes one.
    UpsertMemo(Fields),
    /// An update passed its validator. Comes in the activation that brought the update.
    AcceptUpdate {
        /// The update.
        id: String,
    },
    /// An update did not. Leaves no trace in the history.
    RejectUpdate {
        /// The update.
        id: String,
        /// Why.
        failure: Failure,
    },
    /// The end of an update that was accepted.
    CompleteUpdate {
        /// The update.
        id: String,
        /// What the caller gets.
        outcome: Result<Value, Failure>,
    },
    /// The answer to a query, the only command in its activation.
    AnswerQuery(Answer),
    /// The run ends with a result. Of several commands that end a run the first counts.
    Complete(Value),
    /// The run ends with a failure.
    Fail(Failure),
    /// The run ends because it was asked to.
    Cancelled(Option<Value>),
    /// The run ends, and another one of the same workflow begins.
    ContinueAsNew(Box<ContinueAsNew>),
}

impl CommandKind {
    /// Whether it ends the run.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            CommandKind::Complete(_)
                | CommandKind::Fail(_)
                | CommandKind::Cancelled(_)
                | CommandKind::ContinueAsNew(_)
        )
    }
}

/// [`CommandKind::AnswerQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The query.
    pub id: String,
    /// What the caller gets.
    pub outcome: Result<Value, Failure>,
}

/// [`CommandKind::ScheduleActivity`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScheduleActivity {
    /// The activity.
    pub seq: u32,
    /// What is run.
    pub activity_type: String,
    /// With what.
    #[serde(with = "crate::wire::values")]
    pub args: Vec<Value>,
    /// What travels with the arguments.
    #[serde(with = "crate::wire::fields")]
    pub headers: Fields,
    /// How it is named outside; the number as text without it.
    pub activity_id: Option<String>,
    /// How it is run.
    pub options: ActivityOptions,
}

/// [`CommandKind::StartChild`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StartChild {
    /// The child.
    pub seq: u32,
    /// What is run.
    pub workflow_type: String,
    /// With what.
    #[serde(with = "crate::wire::values")]
    pub args: Vec<Value>,
    /// How. Without an id in them, the child's id is the parent's run and the number.
    pub options: ChildOptions,
}

/// [`CommandKind::ContinueAsNew`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContinueAsNew {
    /// What is run next; the same type without it.
    pub workflow_type: Option<String>,
    /// With what.
    #[serde(with = "crate::wire::values")]
    pub args: Vec<Value>,
    /// The old run's without it.
    #[serde(with = "optional_fields")]
    pub memo: Option<Fields>,
    /// The old run's without it.
    #[serde(with = "optional_fields")]
    pub search_attributes: Option<Fields>,
    /// The old run's without it.
    #[serde(with = "optional_fields")]
    pub headers: Option<Fields>,
    /// The old run's without it.
    pub run_timeout: Option<Duration>,
    /// The old run's without it.
    pub retry: Option<RetryPolicy>,
}

impl ContinueAsNew {
    /// The same type with other arguments.
    pub fn new(args: Vec<Value>) -> Self {
        ContinueAsNew {
            workflow_type: None,
            args,
            memo: None,
            search_attributes: None,
            headers: None,
            run_timeout: None,
            retry: None,
        }
    }
}

/// Another workflow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalTarget {
    /// The workflow.
    pub workflow_id: String,
    /// The run; whichever is open without it.
    pub run_id: Option<String>,
}

mod optional_fields {
    use crate::Fields;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Stored(#[serde(with = "crate::wire::fields")] Fields);

    pub(super) fn serialize<S: Serializer>(fields: &Option<Fields>, to: S) -> Result<S::Ok, S::Error> {
        fields.clone().map(Stored).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Fields>, D::Error> {
        Ok(Option::<Stored>::deserialize(from)?.map(|stored| stored.0))
    }
}
