//! What goes wrong between a caller and a backend.

use perilune_value::{Failure, Kind};
use std::fmt;

/// The stable name of what went wrong. Texts may change, these do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Code {
    /// No workflow or run has this id.
    NotFound,
    /// The run is over.
    Closed,
    /// An open run has the id, or a closed one that may not be followed.
    AlreadyStarted,
    /// No code has this name.
    UnknownType,
    /// The request is wrong in itself.
    Invalid,
    /// A value is too large to be kept.
    PayloadTooLarge,
    /// A history is long enough for the workflow to continue as new. A warning: nothing has failed.
    HistoryLong,
    /// A history is too long to go on; the workflow should continue as new earlier.
    HistoryTooLong,
    /// The code did something else than its history says.
    Nondeterminism,
    /// The code trapped, or reached a limit, and will be tried again.
    TaskFailed,
    /// An activation took too long.
    TaskTimeout,
    /// A machine gave commands that make no sense.
    InvalidCommand,
    /// A query changed something.
    QueryChangedState,
    /// An update was not accepted.
    UpdateRejected,
    /// Another host works on the store.
    StoreLocked,
    /// A newer version made the store.
    StoreNewer,
    /// The file is something else than a store.
    StoreForeign,
    /// The store is damaged.
    StoreCorrupt,
    /// The store cannot be read or written.
    StoreUnavailable,
    /// The backend is shutting down.
    ShuttingDown,
}

impl Code {
    /// The name, as it stands in messages and in a failure's detail `code`.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::NotFound => "WF_NOT_FOUND",
            Code::Closed => "WF_CLOSED",
            Code::AlreadyStarted => "WF_ALREADY_STARTED",
            Code::UnknownType => "WF_UNKNOWN_TYPE",
            Code::Invalid => "WF_INVALID",
            Code::PayloadTooLarge => "WF_PAYLOAD_TOO_LARGE",
            Code::HistoryLong => "WF_HISTORY_LONG",
            Code::HistoryTooLong => "WF_HISTORY_TOO_LONG",
            Code::Nondeterminism => "WF_NONDETERMINISM",
            Code::TaskFailed => "WF_TASK_FAILED",
            Code::TaskTimeout => "WF_TASK_TIMEOUT",
            Code::InvalidCommand => "WF_INVALID_COMMAND",
            Code::QueryChangedState => "WF_QUERY_CHANGED_STATE",
            Code::UpdateRejected => "WF_UPDATE_REJECTED",
            Code::StoreLocked => "WF_STORE_LOCKED",
            Code::StoreNewer => "WF_STORE_NEWER",
            Code::StoreForeign => "WF_STORE_FOREIGN",
            Code::StoreCorrupt => "WF_STORE_CORRUPT",
            Code::StoreUnavailable => "WF_STORE_UNAVAILABLE",
            Code::ShuttingDown => "WF_SHUTTING_DOWN",
        }
    }

    /// How Lua sees it.
    fn kind(self) -> Kind {
        match self {
            Code::NotFound | Code::Closed | Code::UnknownType => Kind::NotFound,
            Code::AlreadyStarted => Kind::AlreadyExists,
            Code::Invalid | Code::PayloadTooLarge | Code::InvalidCommand | Code::UpdateRejected => {
                Kind::Invalid
            }
            Code::HistoryLong | Code::HistoryTooLong => Kind::RateLimited,
            Code::TaskTimeout => Kind::Timeout,
            Code::Nondeterminism | Code::TaskFailed | Code::QueryChangedState => Kind::Internal,
            Code::StoreNewer | Code::StoreForeign | Code::StoreCorrupt => Kind::Internal,
            Code::StoreLocked | Code::StoreUnavailable | Code::ShuttingDown => Kind::Unavailable,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why something could not be done with a workflow.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("[{code}] {message}")]
pub struct WorkflowError {
    /// What, for programs.
    pub code: Code,
    /// What, for people, with the way out.
    pub message: String,
    /// The failure that the workflow's own code gave, where it did.
    pub failure: Option<Box<Failure>>,
}

impl WorkflowError {
    /// An error of the backend.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        WorkflowError { code, message: message.into(), failure: None }
    }

    /// An error that the workflow's own code gave.
    #[must_use]
    pub fn with_failure(mut self, failure: Failure) -> Self {
        self.failure = Some(Box::new(failure));
        self
    }

    /// The same as Lua sees it: the workflow's own failure where there is one.
    pub fn into_failure(self) -> Failure {
        match self.failure {
            Some(failure) => *failure,
            None => Failure::new(self.code.kind(), self.message.clone())
                .with_detail("code", self.code.as_str())
                .with_retryable(self.code.kind() == Kind::Unavailable),
        }
    }
}
