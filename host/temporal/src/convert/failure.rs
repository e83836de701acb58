//! Failures.
//!
//! A failure is an application failure: its kind is the type, the Lua stack the stack trace, the details the first detail. A second
//! detail is there where nobody said whether the failure is retryable: the protocol has only yes and no.

use super::payload::{from_payloads, to_payload};
use super::time;
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::TimeoutType;
use temporalio_common::protos::temporal::api::common::v1::Payloads;
use temporalio_common::protos::temporal::api::enums::v1 as enums;
use temporalio_common::protos::temporal::api::failure::v1 as proto;
use temporalio_common::protos::temporal::api::failure::v1::failure::FailureInfo;

/// Which SDK made a failure.
const SOURCE: &str = "perilune";
/// Causes nest as deep as other people's code likes.
const MAX_CAUSES: usize = 32;

/// A failure as the protocol has it.
pub fn to_failure(failure: &Failure) -> proto::Failure {
    let mut details = Vec::new();
    if failure.details.is_some() || failure.retryable.is_none() {
        details.push(to_payload(failure.details.as_ref().unwrap_or(&Value::Nil)));
    }
    if failure.retryable.is_none() {
        details.push(to_payload(&[("retryable", "unknown")].into_iter().collect()));
    }
    proto::Failure {
        message: failure.message.clone(),
        source: SOURCE.to_owned(),
        stack_trace: failure.stack.clone().unwrap_or_default(),
        failure_info: Some(FailureInfo::ApplicationFailureInfo(proto::ApplicationFailureInfo {
            r#type: failure.kind.as_str().to_owned(),
            non_retryable: failure.retryable == Some(false),
            details: (!details.is_empty()).then_some(Payloads { payloads: details }),
            ..proto::ApplicationFailureInfo::default()
        })),
        ..proto::Failure::default()
    }
}

/// The answer of an activity that followed a request to cancel.
pub(crate) fn to_cancelled(failure: &Failure) -> proto::Failure {
    proto::Failure {
        message: failure.message.clone(),
        source: SOURCE.to_owned(),
        failure_info: Some(FailureInfo::CanceledFailureInfo(proto::CanceledFailureInfo {
            details: failure.details.as_ref().map(|details| Payloads { payloads: vec![to_payload(details)] }),
            ..proto::CanceledFailureInfo::default()
        })),
        ..proto::Failure::default()
    }
}

/// A failure of the protocol. What an activity or a child failed with stands for their failure.
pub fn from_failure(failure: &proto::Failure) -> Failure {
    convert(failure, 0)
}

/// The answer to a query that could not be answered. Core passes on its message and nothing else, so the kind goes into that.
pub(crate) fn to_query_failure(failure: &Failure) -> proto::Failure {
    let message = match failure.kind.as_str() {
        "" => failure.message.clone(),
        kind => format!("[{kind}] {}", failure.message),
    };
    proto::Failure { message, ..to_failure(failure) }
}

/// The same, from its message; none where a message has no kind in it.
pub(crate) fn from_query_failure(message: &str) -> Option<Failure> {
    let (kind, message) = message.strip_prefix('[')?.split_once("] ")?;
    Some(Failure::new(Kind::from(kind), message))
}

pub(crate) fn from_optional(failure: Option<&proto::Failure>, otherwise: &str) -> Failure {
    failure.map_or_else(|| Failure::internal(otherwise), from_failure)
}

fn convert(failure: &proto::Failure, depth: usize) -> Failure {
    let cause = failure.cause.as_deref().filter(|_| depth < MAX_CAUSES);
    let plain = |kind, retryable| Failure {
        kind,
        message: failure.message.clone(),
        retryable: Some(retryable),
        details: None,
        stack: (!failure.stack_trace.is_empty()).then(|| failure.stack_trace.clone()),
    };
    match (&failure.failure_info, cause) {
        (
            Some(FailureInfo::ActivityFailureInfo(_) | FailureInfo::ChildWorkflowExecutionFailureInfo(_)),
            Some(cause),
        ) => convert(cause, depth + 1),
        (Some(FailureInfo::ApplicationFailureInfo(info)), cause) => {
            let mut details = from_payloads(info.details.as_ref());
            let unsaid = failure.source == SOURCE && details.len() == 2;
            let mut converted = plain(Kind::from(info.r#type.as_str()), !info.non_retryable);
            if unsaid {
                details.truncate(1);
                converted.retryable = None;
            }
            converted.details = match details.len() {
                0 => None,
                1 => details.pop().filter(|details| *details != Value::Nil),
                _ => Some(Value::Array(details)),
            };
            match cause {
                Some(cause) if matches!(converted.details, None | Some(Value::Map(_))) => {
                    converted.with_detail("cause", convert(cause, depth + 1).message)
                }
                _ => converted,
            }
        }
        (Some(FailureInfo::TimeoutFailureInfo(info)), _) => {
            let kind = timeout_type(info.timeout_type);
            plain(Kind::Timeout, false)
                .with_detail("timeout_type", kind.map_or("unspecified", TimeoutType::as_str))
        }
        (Some(FailureInfo::CanceledFailureInfo(info)), _) => {
            let mut converted = plain(Kind::Canceled, false);
            converted.details = from_payloads(info.details.as_ref()).into_iter().next();
            converted
        }
        (Some(FailureInfo::TerminatedFailureInfo(_)), _) => {
            Failure { message: "workflow terminated".to_owned(), ..plain(Kind::Canceled, false) }
        }
        (Some(FailureInfo::ServerFailureInfo(info)), _) => plain(Kind::Internal, !info.non_retryable),
        (_, Some(cause)) => convert(cause, depth + 1),
        (_, None) => plain(Kind::Unknown, false),
    }
}

/// The failure of an activity that took too long, by its limit.
pub(crate) fn timeout_type(of: i32) -> Option<TimeoutType> {
    match enums::TimeoutType::try_from(of) {
        Ok(enums::TimeoutType::StartToClose) => Some(TimeoutType::StartToClose),
        Ok(enums::TimeoutType::ScheduleToStart) => Some(TimeoutType::ScheduleToStart),
        Ok(enums::TimeoutType::ScheduleToClose) => Some(TimeoutType::ScheduleToClose),
        Ok(enums::TimeoutType::Heartbeat) => Some(TimeoutType::Heartbeat),
        Ok(enums::TimeoutType::Unspecified) | Err(_) => None,
    }
}

/// A policy as the protocol has it.
pub(crate) fn to_retry(
    policy: &perilune_workflow::RetryPolicy,
) -> temporalio_common::protos::temporal::api::common::v1::RetryPolicy {
    temporalio_common::protos::temporal::api::common::v1::RetryPolicy {
        initial_interval: Some(time::duration(policy.initial_interval)),
        backoff_coefficient: policy.backoff_coefficient.max(1.0),
        maximum_interval: policy.maximum_interval.map(time::duration),
        maximum_attempts: i32::try_from(policy.maximum_attempts).unwrap_or(i32::MAX),
        non_retryable_error_types: policy
            .non_retryable_kinds
            .iter()
            .map(|kind| kind.as_str().to_owned())
            .collect(),
    }
}

pub(crate) fn from_retry(
    policy: &temporalio_common::protos::temporal::api::common::v1::RetryPolicy,
) -> perilune_workflow::RetryPolicy {
    let default = perilune_workflow::RetryPolicy::default();
    perilune_workflow::RetryPolicy {
        initial_interval: time::limit(policy.initial_interval.as_ref()).unwrap_or(default.initial_interval),
        backoff_coefficient: policy.backoff_coefficient,
        maximum_interval: time::limit(policy.maximum_interval.as_ref()),
        maximum_attempts: u32::try_from(policy.maximum_attempts).unwrap_or(0),
        non_retryable_kinds: policy
            .non_retryable_error_types
            .iter()
            .map(|kind| Kind::from(kind.as_str()))
            .collect(),
    }
}
