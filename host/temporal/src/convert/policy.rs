//! The policies that are words.

use perilune_workflow::{
    CancellationType, ChildCancellation, ConflictPolicy, ParentClosePolicy, ReusePolicy, Status,
};
use temporalio_common::protos::coresdk::child_workflow::{
    ChildWorkflowCancellationType, ParentClosePolicy as CoreParentClose,
};
use temporalio_common::protos::coresdk::workflow_commands::ActivityCancellationType;
use temporalio_common::protos::temporal::api::enums::v1 as enums;

pub(crate) fn conflict(policy: ConflictPolicy) -> i32 {
    (match policy {
        ConflictPolicy::Fail => enums::WorkflowIdConflictPolicy::Fail,
        ConflictPolicy::UseExisting => enums::WorkflowIdConflictPolicy::UseExisting,
        ConflictPolicy::TerminateExisting => enums::WorkflowIdConflictPolicy::TerminateExisting,
    }) as i32
}

pub(crate) fn reuse(policy: ReusePolicy) -> i32 {
    (match policy {
        ReusePolicy::AllowDuplicate => enums::WorkflowIdReusePolicy::AllowDuplicate,
        ReusePolicy::AllowDuplicateFailedOnly => enums::WorkflowIdReusePolicy::AllowDuplicateFailedOnly,
        ReusePolicy::RejectDuplicate => enums::WorkflowIdReusePolicy::RejectDuplicate,
    }) as i32
}

pub(crate) fn parent_close(policy: ParentClosePolicy) -> i32 {
    (match policy {
        ParentClosePolicy::Terminate => CoreParentClose::Terminate,
        ParentClosePolicy::Abandon => CoreParentClose::Abandon,
        ParentClosePolicy::RequestCancel => CoreParentClose::RequestCancel,
    }) as i32
}

pub(crate) fn from_parent_close(policy: i32) -> ParentClosePolicy {
    match enums::ParentClosePolicy::try_from(policy) {
        Ok(enums::ParentClosePolicy::Abandon) => ParentClosePolicy::Abandon,
        Ok(enums::ParentClosePolicy::RequestCancel) => ParentClosePolicy::RequestCancel,
        _ => ParentClosePolicy::Terminate,
    }
}

pub(crate) fn activity_cancellation(kind: CancellationType) -> i32 {
    (match kind {
        CancellationType::TryCancel => ActivityCancellationType::TryCancel,
        CancellationType::WaitCancellationCompleted => ActivityCancellationType::WaitCancellationCompleted,
        CancellationType::Abandon => ActivityCancellationType::Abandon,
    }) as i32
}

pub(crate) fn child_cancellation(kind: ChildCancellation) -> i32 {
    (match kind {
        ChildCancellation::TryCancel => ChildWorkflowCancellationType::TryCancel,
        ChildCancellation::WaitCancellationCompleted => {
            ChildWorkflowCancellationType::WaitCancellationCompleted
        }
        ChildCancellation::WaitCancellationRequested => {
            ChildWorkflowCancellationType::WaitCancellationRequested
        }
        ChildCancellation::Abandon => ChildWorkflowCancellationType::Abandon,
    }) as i32
}

pub(crate) fn status(of: i32) -> Status {
    use enums::WorkflowExecutionStatus as S;
    match S::try_from(of) {
        Ok(S::Completed) => Status::Completed,
        Ok(S::Failed) => Status::Failed,
        Ok(S::Canceled) => Status::Canceled,
        Ok(S::Terminated) => Status::Terminated,
        Ok(S::ContinuedAsNew) => Status::ContinuedAsNew,
        Ok(S::TimedOut) => Status::TimedOut,
        _ => Status::Running,
    }
}

/// As queries of lists name it.
pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Running => "Running",
        Status::Completed => "Completed",
        Status::Failed => "Failed",
        Status::Canceled => "Canceled",
        Status::Terminated => "Terminated",
        Status::TimedOut => "TimedOut",
        Status::ContinuedAsNew => "ContinuedAsNew",
    }
}
