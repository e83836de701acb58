//! What goes wrong between this host and a server.

use perilune_value::{Failure, Kind};
use perilune_workflow::{Code as WorkflowCode, WorkflowError};
use prost::Message;
use temporalio_common::protos::google::rpc::Status as RpcStatus;
use temporalio_common::protos::temporal::api::errordetails::v1::{
    NamespaceNotFoundFailure, QueryFailedFailure,
};
use tonic::{Code, Status};

/// Why there is no working connection to a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TemporalError {
    /// A setting is wrong in itself.
    #[error("[TEMPORAL_SETTING] `{field}` {message}")]
    Setting {
        /// The setting, as the entry names it.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        message: String,
    },
    /// A file or a variable that a setting names cannot be read.
    #[error("[TEMPORAL_SETTING] `{field}` names {source_name}, which cannot be read: {message}")]
    Unreadable {
        /// The setting.
        field: &'static str,
        /// What it names.
        source_name: String,
        /// Why it cannot be read.
        message: String,
    },
    /// Nobody answers.
    #[error("[TEMPORAL_UNAVAILABLE] no Temporal server answers at {address}: {message}")]
    Unavailable {
        /// Where.
        address: String,
        /// Why.
        message: String,
    },
    /// The server, or this host, refuses the other's credentials.
    #[error(
        "[TEMPORAL_CREDENTIALS] {address} refuses the connection: {message}; check `auth` and `tls` of the client"
    )]
    Credentials {
        /// Where.
        address: String,
        /// Why.
        message: String,
    },
    /// The server does not have the namespace.
    #[error(
        "[TEMPORAL_NAMESPACE] {address} has no namespace `{namespace}`; create it, or set `namespace` of the client"
    )]
    Namespace {
        /// Where.
        address: String,
        /// Which.
        namespace: String,
    },
    /// Core will not run the worker.
    #[error("[TEMPORAL_WORKER] the worker for `{task_queue}` cannot start: {message}")]
    Worker {
        /// For which queue.
        task_queue: String,
        /// Why.
        message: String,
    },
}

impl TemporalError {
    /// The stable name.
    pub fn code(&self) -> &'static str {
        match self {
            TemporalError::Setting { .. } | TemporalError::Unreadable { .. } => "TEMPORAL_SETTING",
            TemporalError::Unavailable { .. } => "TEMPORAL_UNAVAILABLE",
            TemporalError::Credentials { .. } => "TEMPORAL_CREDENTIALS",
            TemporalError::Namespace { .. } => "TEMPORAL_NAMESPACE",
            TemporalError::Worker { .. } => "TEMPORAL_WORKER",
        }
    }

    /// Whether waiting may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, TemporalError::Unavailable { .. })
    }

    fn kind(&self) -> Kind {
        match self {
            TemporalError::Setting { .. } | TemporalError::Unreadable { .. } => Kind::Invalid,
            TemporalError::Unavailable { .. } => Kind::Unavailable,
            TemporalError::Credentials { .. } => Kind::PermissionDenied,
            TemporalError::Namespace { .. } => Kind::NotFound,
            TemporalError::Worker { .. } => Kind::Internal,
        }
    }
}

impl From<TemporalError> for WorkflowError {
    fn from(error: TemporalError) -> Self {
        let failure = Failure::new(error.kind(), error.to_string())
            .with_detail("code", error.code())
            .with_retryable(error.is_temporary());
        WorkflowError::new(WorkflowCode::StoreUnavailable, error.to_string()).with_failure(failure)
    }
}

/// Where a request went, for messages.
pub(crate) struct Asked<'a> {
    pub(crate) address: &'a str,
    pub(crate) namespace: &'a str,
    /// What was asked for, as in `workflow "x"`.
    pub(crate) about: &'a str,
}

impl Asked<'_> {
    /// A refusal that has nothing to do with what was asked for.
    pub(crate) fn connection_error(&self, status: &Status) -> Option<TemporalError> {
        let address = self.address.to_owned();
        let message = status.message().to_owned();
        match status.code() {
            Code::Unauthenticated | Code::PermissionDenied => {
                Some(TemporalError::Credentials { address, message })
            }
            Code::NotFound if detail::<NamespaceNotFoundFailure>(status).is_some() => {
                Some(TemporalError::Namespace { address, namespace: self.namespace.to_owned() })
            }
            // A handshake that fails is told as a transport error, with the reason among its sources.
            _ if crate::tls::is_refusal(&sources(status)) => {
                Some(TemporalError::Credentials { address, message: sources(status) })
            }
            Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled => {
                Some(TemporalError::Unavailable { address, message })
            }
            _ => None,
        }
    }

    /// A refusal, as callers of a backend see it.
    pub(crate) fn error(&self, status: &Status) -> WorkflowError {
        if let Some(error) = self.connection_error(status) {
            return error.into();
        }
        let about = self.about;
        let said = status.message();
        let too_large = said.contains("exceeds size limit") || said.contains("message larger than max");
        let (code, message) = match status.code() {
            _ if too_large => (WorkflowCode::PayloadTooLarge, format!("{about}: {said}")),
            Code::NotFound if said.contains("already completed") => {
                (WorkflowCode::Closed, format!("{about} is over"))
            }
            Code::NotFound => (WorkflowCode::NotFound, format!("there is no {about}")),
            Code::AlreadyExists => {
                (WorkflowCode::AlreadyStarted, format!("{about} is open, or may not be started again"))
            }
            Code::DeadlineExceeded => (
                WorkflowCode::TaskTimeout,
                format!("{about} gave no answer in time; does a worker run for its task queue? ({said})"),
            ),
            Code::FailedPrecondition => (
                WorkflowCode::TaskTimeout,
                format!("{about} cannot answer now; does a worker run for its task queue? ({said})"),
            ),
            Code::InvalidArgument | Code::OutOfRange | Code::Unimplemented => {
                (WorkflowCode::Invalid, format!("{about}: {said}"))
            }
            _ => (WorkflowCode::StoreUnavailable, format!("{about}: {said} ({:?})", status.code())),
        };
        let error = WorkflowError::new(code, message);
        match detail::<QueryFailedFailure>(status).and_then(|query| query.failure) {
            Some(failure) => error.with_failure(crate::convert::failure::from_failure(&failure)),
            None => error,
        }
    }
}

/// One of the messages that explain a status.
fn detail<M: Message + Default + prost::Name>(status: &Status) -> Option<M> {
    let explained = RpcStatus::decode(status.details()).ok()?;
    let any = explained.details.into_iter().find(|any| any.type_url.ends_with(&M::full_name()))?;
    M::decode(any.value.as_slice()).ok()
}

/// What a status says, and what its sources say.
pub(crate) fn sources(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let said = inner.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = inner.source();
    }
    text
}
