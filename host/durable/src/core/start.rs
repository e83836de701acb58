//! How runs begin.

use super::{Core, Run, new_id};
use crate::cron::Schedule;
use crate::size;
use crate::store::{Op, Shown};
use perilune_value::Value;
use perilune_workflow::{
    Code, ConflictPolicy, EventKind, Parent, ParentClosePolicy, ReusePolicy, RunStarted, StartOptions,
    Started, Status, WorkflowError,
};
use std::sync::Arc;

/// A workflow that is to begin.
pub(crate) struct Begin {
    pub(crate) workflow_type: String,
    pub(crate) args: Vec<Value>,
    pub(crate) options: StartOptions,
    pub(crate) parent: Option<Parent>,
    pub(crate) parent_close: ParentClosePolicy,
}

impl Core {
    /// Starts a workflow, as far as its policies allow. `last` is how the last closed run with its id ended.
    pub(crate) fn start(&mut self, begin: Begin, last: Option<Status>) -> Result<Started, WorkflowError> {
        let Begin { workflow_type, args, options, parent, parent_close } = begin;
        let limit = self.settings.payload_limit;
        let bytes = size::values(&args)
            + size::fields(&options.headers)
            + size::fields(&options.memo)
            + size::fields(&options.search_attributes);
        check_size("arguments", bytes, limit)?;
        for signal in &options.signals {
            check_size("signal", size::signal(signal), limit)?;
        }
        let workflow_id = options.id.clone().unwrap_or_else(new_id);
        if let Some(&key) = self.open.get(&workflow_id) {
            match options.conflict {
                ConflictPolicy::Fail => return Err(already(&workflow_id, "an open run")),
                ConflictPolicy::UseExisting => {
                    let run_id =
                        self.runs.get(&key).map_or_else(String::new, |run| run.started.run_id.clone());
                    for signal in options.signals {
                        self.append(key, EventKind::WorkflowExecutionSignaled(signal), None);
                    }
                    self.drive(key);
                    return Ok(Started { workflow_id, run_id, is_new: false });
                }
                ConflictPolicy::TerminateExisting => {}
            }
        } else {
            let refused = match options.reuse {
                ReusePolicy::AllowDuplicate => false,
                ReusePolicy::AllowDuplicateFailedOnly => last == Some(Status::Completed),
                ReusePolicy::RejectDuplicate => last.is_some(),
            };
            if refused {
                return Err(already(&workflow_id, "a closed run"));
            }
        }
        if !self.knows(&workflow_type) {
            let message =
                format!("there is no workflow `{workflow_type}`; check the entry's id and its worker");
            return Err(WorkflowError::new(Code::UnknownType, message));
        }
        let mut first_task_at = self.now.after(options.start_delay.unwrap_or_default());
        if let Some(cron) = &options.cron {
            let schedule = Schedule::parse(cron).map_err(|why| WorkflowError::new(Code::Invalid, why))?;
            first_task_at = schedule.next(first_task_at).ok_or_else(|| {
                WorkflowError::new(Code::Invalid, format!("the cron schedule `{cron}` names no time"))
            })?;
        }
        if let Some(&key) = self.open.get(&workflow_id) {
            self.terminate(key, "another run took its id");
        }
        let run_id = new_id();
        let started = RunStarted {
            workflow_type,
            workflow_id: workflow_id.clone(),
            run_id: run_id.clone(),
            first_run_id: run_id.clone(),
            continued_from: None,
            args,
            headers: options.headers,
            memo: options.memo,
            search_attributes: options.search_attributes,
            seed: seed(),
            attempt: 1,
            parent,
            parent_close,
            execution_timeout: options.execution_timeout,
            expires_at: options.execution_timeout.map(|limit| first_task_at.after(limit)),
            run_timeout: options.run_timeout,
            task_timeout: options.task_timeout,
            retry: options.retry,
            cron: options.cron,
            first_task_at,
            last_result: None,
            last_failure: None,
            carried: Vec::new(),
        };
        let key = self.begin_run(started);
        for signal in options.signals {
            self.append(key, EventKind::WorkflowExecutionSignaled(signal), None);
        }
        Ok(Started { workflow_id, run_id, is_new: true })
    }

    /// Makes a run.
    pub(super) fn begin_run(&mut self, started: RunStarted) -> i64 {
        let key = self.next_key();
        let started = Arc::new(started);
        self.open.insert(started.workflow_id.clone(), key);
        self.runs.insert(key, Run::new(key, started.clone(), self.now));
        let shown =
            Shown { memo: started.memo.clone(), search_attributes: started.search_attributes.clone() };
        self.out.ops.push(Op::Insert {
            run: key,
            run_id: started.run_id.clone(),
            workflow_id: started.workflow_id.clone(),
            workflow_type: started.workflow_type.clone(),
            started_at: self.now,
            fields: shown.encode(),
        });
        self.append(key, EventKind::WorkflowExecutionStarted(Box::new((*started).clone())), None);
        self.arm_run(key, &started);
        self.drive(key);
        key
    }
}

/// What a run's randomness begins with.
pub(super) fn seed() -> u64 {
    uuid::Uuid::new_v4().as_u64_pair().0
}

pub(crate) fn check_size(what: &str, bytes: usize, limit: usize) -> Result<(), WorkflowError> {
    if bytes <= limit {
        return Ok(());
    }
    let message = format!(
        "the {what} take about {bytes} bytes, and {limit} are kept at most; keep the data elsewhere, and pass where"
    );
    Err(WorkflowError::new(Code::PayloadTooLarge, message))
}

fn already(workflow_id: &str, what: &str) -> WorkflowError {
    let message = format!("{what} has the workflow id `{workflow_id}`; choose another id, or another policy");
    WorkflowError::new(Code::AlreadyStarted, message)
}
