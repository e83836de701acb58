//! Children, and what parents and children learn of each other.

use super::start::Begin;
use super::{Core, Run};
use perilune_value::{Failure, Kind};
use perilune_workflow::{
    ChildCancellation, EventKind, Parent, ParentClosePolicy, StartChild, Status, WorkflowError,
};
use std::collections::HashMap;

impl Core {
    /// Starts a child in the same step in which its parent wants it.
    pub(super) fn start_child(&mut self, key: i64, child: &StartChild, closed: &HashMap<String, Status>) {
        let Some(run) = self.runs.get(&key) else { return };
        let seq = child.seq;
        let parent =
            Parent { workflow_id: run.started.workflow_id.clone(), run_id: run.started.run_id.clone(), seq };
        let mut options = child.options.start.clone();
        let id = child_id(&parent.run_id, child);
        let last = closed.get(&id).copied();
        options.id = Some(id);
        let begin = Begin {
            workflow_type: child.workflow_type.clone(),
            args: child.args.clone(),
            options,
            parent: Some(parent),
            parent_close: child.options.parent_close,
        };
        // A run that is open already has another parent, or none: it cannot become this one's child.
        let started = match self.start(begin, last) {
            Ok(started) if !started.is_new => {
                let message = format!("an open run has the workflow id `{}`", started.workflow_id);
                Err(WorkflowError::new(perilune_workflow::Code::AlreadyStarted, message))
            }
            other => other,
        };
        let kind = match started {
            Ok(started) => EventKind::ChildWorkflowExecutionStarted {
                seq,
                workflow_id: started.workflow_id,
                run_id: started.run_id,
            },
            Err(error) => EventKind::StartChildWorkflowExecutionFailed { seq, failure: error.into_failure() },
        };
        self.append(key, kind, None);
        self.drive(key);
    }

    /// The parent wants a child cancelled; its history says so already.
    pub(super) fn cancel_child(&mut self, key: i64, seq: u32, reason: &str) {
        let Some(child) = self.runs.get(&key).and_then(|run| run.children.get(&seq)) else { return };
        let how = child.command.options.cancellation;
        let other = child.place.as_ref().and_then(|(workflow_id, first)| self.row(workflow_id, first));
        if how != ChildCancellation::WaitCancellationCompleted {
            let failure = Failure::new(Kind::Canceled, "the child was cancelled");
            self.append(key, EventKind::ChildWorkflowExecutionCanceled { seq, failure }, None);
            self.drive(key);
        }
        if how != ChildCancellation::Abandon
            && let Some(other) = other
        {
            self.request_cancel(other, reason);
        }
    }

    /// The open run of a row.
    fn row(&self, workflow_id: &str, first_run_id: &str) -> Option<i64> {
        let key = *self.open.get(workflow_id)?;
        (self.runs.get(&key)?.started.first_run_id == first_run_id).then_some(key)
    }

    /// Tells the parent of a run how it ended.
    pub(super) fn tell_parent(&mut self, run: &Run, end: &EventKind) {
        let Some(parent) = &run.started.parent else { return };
        let Some(key) = self.find_open(&parent.workflow_id, Some(&parent.run_id)) else { return };
        let seq = parent.seq;
        let is_child = |child: &super::run::Child| {
            child.place.as_ref().is_some_and(|(_, first)| *first == run.started.first_run_id)
        };
        if !self.runs.get(&key).and_then(|run| run.children.get(&seq)).is_some_and(is_child) {
            return;
        }
        let id = &run.started.workflow_id;
        let failed = |kind: Kind, what: &str| Failure::new(kind, format!("the child `{id}` {what}"));
        let kind = match end {
            EventKind::WorkflowExecutionCompleted { result, .. } => {
                EventKind::ChildWorkflowExecutionCompleted { seq, result: result.clone() }
            }
            EventKind::WorkflowExecutionFailed { failure, .. } => {
                EventKind::ChildWorkflowExecutionFailed { seq, failure: failure.clone() }
            }
            EventKind::WorkflowExecutionCanceled { .. } => EventKind::ChildWorkflowExecutionCanceled {
                seq,
                failure: failed(Kind::Canceled, "was cancelled"),
            },
            EventKind::WorkflowExecutionTimedOut { .. } => EventKind::ChildWorkflowExecutionTimedOut {
                seq,
                failure: failed(Kind::Timeout, "took too long"),
            },
            EventKind::WorkflowExecutionTerminated { reason } => {
                EventKind::ChildWorkflowExecutionTerminated {
                    seq,
                    failure: failed(Kind::Canceled, "was terminated").with_detail("reason", reason.as_str()),
                }
            }
            _ => return,
        };
        self.append(key, kind, None);
        self.drive(key);
    }

    /// Does with the children of a run what they were started with.
    pub(super) fn part(&mut self, run: &Run) {
        for child in run.offspring() {
            let Some(key) = self.row(&child.workflow_id, &child.first_run_id) else { continue };
            match child.parent_close {
                ParentClosePolicy::Abandon => {}
                ParentClosePolicy::Terminate => self.terminate(key, "its parent closed"),
                ParentClosePolicy::RequestCancel => self.request_cancel(key, "its parent closed"),
            }
        }
    }
}

/// The workflow id of a child.
pub(crate) fn child_id(parent_run_id: &str, child: &StartChild) -> String {
    child.options.start.id.clone().unwrap_or_else(|| format!("{parent_run_id}/{}", child.seq))
}
