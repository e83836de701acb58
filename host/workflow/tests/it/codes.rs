//! Every code of a workflow error is pinned: its name, which never changes, and what Lua and callers see of it.

use perilune_value::{Kind, Value};
use perilune_workflow::{Code, WorkflowError};
use std::collections::BTreeSet;

/// Code, name, kind in Lua.
const TABLE: [(Code, &str, Kind); 20] = [
    (Code::NotFound, "WF_NOT_FOUND", Kind::NotFound),
    (Code::Closed, "WF_CLOSED", Kind::NotFound),
    (Code::AlreadyStarted, "WF_ALREADY_STARTED", Kind::AlreadyExists),
    (Code::UnknownType, "WF_UNKNOWN_TYPE", Kind::NotFound),
    (Code::Invalid, "WF_INVALID", Kind::Invalid),
    (Code::PayloadTooLarge, "WF_PAYLOAD_TOO_LARGE", Kind::Invalid),
    (Code::HistoryLong, "WF_HISTORY_LONG", Kind::RateLimited),
    (Code::HistoryTooLong, "WF_HISTORY_TOO_LONG", Kind::RateLimited),
    (Code::Nondeterminism, "WF_NONDETERMINISM", Kind::Internal),
    (Code::TaskFailed, "WF_TASK_FAILED", Kind::Internal),
    (Code::TaskTimeout, "WF_TASK_TIMEOUT", Kind::Timeout),
    (Code::InvalidCommand, "WF_INVALID_COMMAND", Kind::Invalid),
    (Code::QueryChangedState, "WF_QUERY_CHANGED_STATE", Kind::Internal),
    (Code::UpdateRejected, "WF_UPDATE_REJECTED", Kind::Invalid),
    (Code::StoreLocked, "WF_STORE_LOCKED", Kind::Unavailable),
    (Code::StoreNewer, "WF_STORE_NEWER", Kind::Internal),
    (Code::StoreForeign, "WF_STORE_FOREIGN", Kind::Internal),
    (Code::StoreCorrupt, "WF_STORE_CORRUPT", Kind::Internal),
    (Code::StoreUnavailable, "WF_STORE_UNAVAILABLE", Kind::Unavailable),
    (Code::ShuttingDown, "WF_SHUTTING_DOWN", Kind::Unavailable),
];

#[test]
fn names_kinds_and_texts_stay() {
    for (code, name, kind) in TABLE {
        let error = WorkflowError::new(code, "what to do");
        assert_eq!(error.to_string(), format!("[{name}] what to do"));
        let failure = error.into_failure();
        assert_eq!((failure.message.as_str(), &failure.kind), ("what to do", &kind), "{name}");
        assert_eq!(
            failure.details.as_ref().and_then(|details| details.get("code")),
            Some(&Value::from(name))
        );
        assert_eq!(failure.retryable, Some(kind == Kind::Unavailable), "{name}");
    }
}

#[test]
fn no_code_is_missing_here() {
    let source = include_str!("../../src/error.rs");
    let there: BTreeSet<&str> =
        source.split('"').filter(|text| text.starts_with("WF_") && !text.contains(' ')).collect();
    assert_eq!(there, TABLE.iter().map(|(_, name, _)| *name).collect());
}
