//! What core tells a run, as a machine is told.

use super::failure::{from_failure, from_optional, from_retry};
use super::fields::{from_memo, from_search_attributes, signal};
use super::payload::{first, from_fields, from_list, from_payload};
use super::{time, version};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{Job, Parent, Resolution, Start};
use temporalio_common::protos::coresdk::activity_result::activity_resolution::Status as ActivityStatus;
use temporalio_common::protos::coresdk::child_workflow::{
    StartChildWorkflowExecutionFailedCause, child_workflow_result::Status as ChildStatus,
};
use temporalio_common::protos::coresdk::workflow_activation::{
    InitializeWorkflow, ResolveActivity, ResolveChildWorkflowExecution, ResolveChildWorkflowExecutionStart,
    resolve_child_workflow_execution_start::Status as ChildStart, workflow_activation_job::Variant,
};

/// A job, where machines know such a thing.
pub(crate) fn job(run_id: &str, variant: Variant) -> Option<Job> {
    Some(match variant {
        Variant::InitializeWorkflow(init) => Job::Start(Box::new(start(run_id, init))),
        Variant::FireTimer(timer) => Job::FireTimer { seq: timer.seq },
        Variant::UpdateRandomSeed(seed) => Job::NewSeed(seed.randomness_seed),
        Variant::QueryWorkflow(query) => {
            Job::Query { id: query.query_id, name: query.query_type, args: from_list(&query.arguments) }
        }
        Variant::CancelWorkflow(cancel) => Job::Cancel { reason: cancel.reason },
        Variant::SignalWorkflow(sent) => {
            Job::Signal(signal(sent.signal_name, from_list(&sent.input), &sent.headers))
        }
        Variant::ResolveActivity(resolved) => activity(resolved),
        Variant::NotifyHasPatch(patch) => {
            let (change_id, version) = version::from_patch(&patch.patch_id);
            Job::NotifyVersion { change_id, version }
        }
        Variant::ResolveChildWorkflowExecutionStart(resolved) => child_start(resolved)?,
        Variant::ResolveChildWorkflowExecution(resolved) => child(resolved),
        Variant::ResolveSignalExternalWorkflow(resolved) => Job::ResolveSignal {
            seq: resolved.seq,
            failure: resolved.failure.as_ref().map(|failure| unreachable_target(from_failure(failure))),
        },
        Variant::ResolveRequestCancelExternalWorkflow(resolved) => Job::ResolveCancelExternal {
            seq: resolved.seq,
            failure: resolved.failure.as_ref().map(|failure| unreachable_target(from_failure(failure))),
        },
        Variant::DoUpdate(update) => Job::Update {
            id: update.id,
            name: update.name,
            args: from_list(&update.input),
            headers: from_fields(&update.headers),
            run_validator: update.run_validator,
        },
        // Evictions never reach a machine, and nothing here starts Nexus operations.
        Variant::RemoveFromCache(_)
        | Variant::ResolveNexusOperationStart(_)
        | Variant::ResolveNexusOperation(_) => return None,
    })
}

fn start(run_id: &str, init: InitializeWorkflow) -> Start {
    let some = |text: String| (!text.is_empty()).then_some(text);
    Start {
        workflow_type: init.workflow_type,
        workflow_id: init.workflow_id,
        run_id: run_id.to_owned(),
        first_run_id: some(init.first_execution_run_id).unwrap_or_else(|| run_id.to_owned()),
        args: from_list(&init.arguments),
        headers: from_fields(&init.headers),
        seed: init.randomness_seed,
        attempt: u32::try_from(init.attempt).unwrap_or(1).max(1),
        parent: init
            .parent_workflow_info
            .filter(|parent| !parent.workflow_id.is_empty())
            .map(|parent| Parent { workflow_id: parent.workflow_id, run_id: parent.run_id, seq: 0 }),
        memo: from_memo(init.memo.as_ref()),
        search_attributes: from_search_attributes(init.search_attributes.as_ref()),
        execution_timeout: time::limit(init.workflow_execution_timeout.as_ref()),
        run_timeout: time::limit(init.workflow_run_timeout.as_ref()),
        retry: init.retry_policy.as_ref().map(from_retry),
        cron: some(init.cron_schedule),
        continued_from: some(init.continued_from_execution_run_id),
        last_result: first(init.last_completion_result.as_ref()),
        last_failure: init.continued_failure.as_ref().map(from_failure),
    }
}

fn activity(resolved: ResolveActivity) -> Job {
    let outcome = match resolved.result.and_then(|result| result.status) {
        Some(ActivityStatus::Completed(done)) => {
            Resolution::Completed(done.result.as_ref().map_or(Value::Nil, from_payload))
        }
        Some(ActivityStatus::Cancelled(cancelled)) => {
            Resolution::Cancelled(from_optional(cancelled.failure.as_ref(), "activity cancelled"))
        }
        Some(ActivityStatus::Failed(failed)) => {
            Resolution::Failed(from_optional(failed.failure.as_ref(), "activity failed"))
        }
        // Only local activities back off, and no machine asks for one.
        Some(ActivityStatus::Backoff(_)) | None => {
            Resolution::Failed(Failure::internal("the activity ended without a result"))
        }
    };
    Job::ResolveActivity { seq: resolved.seq, outcome }
}

fn child_start(resolved: ResolveChildWorkflowExecutionStart) -> Option<Job> {
    let outcome = match resolved.status? {
        ChildStart::Succeeded(started) => Ok(started.run_id),
        ChildStart::Cancelled(cancelled) => {
            Err(from_optional(cancelled.failure.as_ref(), "child workflow cancelled"))
        }
        ChildStart::Failed(failed) => Err(match failed.cause() {
            StartChildWorkflowExecutionFailedCause::WorkflowAlreadyExists => Failure::new(
                Kind::AlreadyExists,
                format!("a workflow with the id `{}` is open, or may not be followed", failed.workflow_id),
            ),
            cause => Failure::invalid(format!("cannot start the child `{}`: {cause:?}", failed.workflow_id)),
        }),
    };
    Some(Job::ResolveChildStart { seq: resolved.seq, outcome })
}

fn child(resolved: ResolveChildWorkflowExecution) -> Job {
    let outcome = match resolved.result.and_then(|result| result.status) {
        Some(ChildStatus::Completed(done)) => {
            Resolution::Completed(done.result.as_ref().map_or(Value::Nil, from_payload))
        }
        Some(ChildStatus::Cancelled(cancelled)) => {
            Resolution::Cancelled(from_optional(cancelled.failure.as_ref(), "child workflow cancelled"))
        }
        Some(ChildStatus::Failed(failed)) => {
            Resolution::Failed(from_optional(failed.failure.as_ref(), "child workflow failed"))
        }
        None => Resolution::Failed(Failure::internal("the child workflow ended without a result")),
    };
    Job::ResolveChild { seq: resolved.seq, outcome }
}

/// The server's one reason in practice, under a name of core's own.
fn unreachable_target(failure: Failure) -> Failure {
    match failure.kind {
        Kind::Canceled => failure,
        _ => Failure { kind: Kind::NotFound, retryable: Some(false), ..failure },
    }
}
