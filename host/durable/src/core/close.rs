//! How runs end, and which follow them.

use super::start::seed;
use super::{After, Core, Run, Wake, new_id};
use crate::cron::Schedule;
use crate::store::Op;
use perilune_value::{Failure, Kind};
use perilune_workflow::{
    CancelReason, Code, CommandKind, ContinueAsNew, EventKind, RunStarted, Status, Timestamp, WorkflowError,
};

impl Core {
    /// A machine ended its run.
    pub(super) fn finish(&mut self, key: i64, command: CommandKind, position: Option<String>) {
        let Some(run) = self.runs.get(&key) else { return };
        let mut next = None;
        let kind = match command {
            CommandKind::Complete(result) => {
                next = self.next_cron(run).map(|mut next| {
                    next.last_result = Some(result.clone());
                    next
                });
                EventKind::WorkflowExecutionCompleted { result, next_run_id: run_id(next.as_ref()) }
            }
            CommandKind::Fail(failure) => {
                next = self.next_attempt(run, &failure);
                EventKind::WorkflowExecutionFailed { failure, next_run_id: run_id(next.as_ref()) }
            }
            CommandKind::Cancelled(details) => EventKind::WorkflowExecutionCanceled { details },
            CommandKind::ContinueAsNew(wanted) => {
                let following = self.continued(run, &wanted);
                let kind = EventKind::WorkflowExecutionContinuedAsNew {
                    next_run_id: following.run_id.clone(),
                    next: wanted,
                };
                next = Some(following);
                kind
            }
            _ => return,
        };
        self.close_with(key, kind, position, next);
    }

    /// A run took too long.
    pub(super) fn time_out(&mut self, key: i64) {
        let Some(run) = self.runs.get(&key) else { return };
        let failure = Failure { retryable: None, ..Failure::new(Kind::Timeout, "the run took too long") };
        // Past the limit of the whole row this finds no further attempt.
        let next = self.next_attempt(run, &failure);
        let kind = EventKind::WorkflowExecutionTimedOut { next_run_id: run_id(next.as_ref()) };
        self.close_with(key, kind, None, next);
    }

    /// Ends a run that none follows.
    pub(super) fn close(&mut self, key: i64, kind: EventKind, position: Option<String>) {
        self.close_with(key, kind, position, None);
    }

    fn close_with(&mut self, key: i64, kind: EventKind, position: Option<String>, next: Option<RunStarted>) {
        self.append(key, kind.clone(), position);
        let Some(mut run) = self.runs.remove(&key) else { return };
        self.closes += 1;
        self.kept.pop(&key);
        self.open.remove(&run.started.workflow_id);
        self.disarm(&run);
        self.out.ops.push(Op::Close {
            run: key,
            status: status(&kind),
            closed_at: self.now,
            length: run.length,
            bytes: run.bytes,
            fields: run.shown.encode(),
        });
        for pending in run.activities.values_mut() {
            if let Some(cancel) = pending.cancel.take() {
                self.out.after.push(After::Cancel(cancel, CancelReason::RunClosed));
            }
        }
        for reply in std::mem::take(&mut run.live.callers).into_values().flatten() {
            let error = WorkflowError::new(Code::Closed, "the run closed before the update ended");
            self.call(move || reply.send(Err(error)));
        }
        for (_, reply) in std::mem::take(&mut run.live.queries) {
            let error =
                WorkflowError::new(Code::Closed, "the run closed before the query was answered; ask again");
            self.call(move || reply.send(Err(error)));
        }
        for waiter in std::mem::take(&mut run.live.waiters) {
            let kind = kind.clone();
            self.call(move || drop(waiter.send(kind)));
        }
        match next {
            Some(next) => {
                self.begin_run(next);
            }
            None => {
                self.tell_parent(&run, &kind);
                self.part(&run);
            }
        }
        if let Some(retention) = self.settings.retention
            && !self.swept
        {
            self.swept = true;
            self.wakes.insert((self.now.after(retention), Wake::Sweep));
        }
    }

    /// The run after one that failed: another attempt, or the next one by cron.
    fn next_attempt(&self, run: &Run, failure: &Failure) -> Option<RunStarted> {
        let delay =
            run.started.retry.as_ref().and_then(|retry| retry.next_delay(run.started.attempt, failure));
        let next = match delay {
            Some(delay) => {
                let next = self.following(run, self.now.after(delay));
                next.map(|next| RunStarted { attempt: run.started.attempt.saturating_add(1), ..next })
            }
            None => self.next_cron(run),
        };
        next.map(|next| RunStarted {
            last_failure: Some(failure.clone()),
            last_result: run.started.last_result.clone(),
            ..next
        })
    }

    fn next_cron(&self, run: &Run) -> Option<RunStarted> {
        let schedule = Schedule::parse(run.started.cron.as_ref()?).ok()?;
        self.following(run, schedule.next(self.now)?)
    }

    /// A further run of a row, from its beginning; none where the row's time is over by then.
    fn following(&self, run: &Run, first_task_at: Timestamp) -> Option<RunStarted> {
        if run.started.expires_at.is_some_and(|end| first_task_at >= end) {
            return None;
        }
        Some(RunStarted {
            run_id: new_id(),
            continued_from: Some(run.started.run_id.clone()),
            seed: seed(),
            attempt: 1,
            first_task_at,
            last_result: None,
            last_failure: None,
            carried: run.offspring(),
            ..(*run.started).clone()
        })
    }

    fn continued(&self, run: &Run, wanted: &ContinueAsNew) -> RunStarted {
        let old = &run.started;
        RunStarted {
            workflow_type: wanted.workflow_type.clone().unwrap_or_else(|| old.workflow_type.clone()),
            run_id: new_id(),
            continued_from: Some(old.run_id.clone()),
            args: wanted.args.clone(),
            headers: wanted.headers.clone().unwrap_or_else(|| old.headers.clone()),
            memo: wanted.memo.clone().unwrap_or_else(|| run.shown.memo.clone()),
            search_attributes: wanted
                .search_attributes
                .clone()
                .unwrap_or_else(|| run.shown.search_attributes.clone()),
            seed: seed(),
            attempt: 1,
            run_timeout: wanted.run_timeout.or(old.run_timeout),
            retry: wanted.retry.clone().or_else(|| old.retry.clone()),
            first_task_at: self.now,
            last_failure: None,
            carried: run.offspring(),
            ..(**old).clone()
        }
    }
}

fn run_id(next: Option<&RunStarted>) -> Option<String> {
    next.map(|next| next.run_id.clone())
}

/// Where a run is in its life that ended so.
pub(crate) fn status(end: &EventKind) -> Status {
    match end {
        EventKind::WorkflowExecutionCompleted { .. } => Status::Completed,
        EventKind::WorkflowExecutionFailed { .. } => Status::Failed,
        EventKind::WorkflowExecutionCanceled { .. } => Status::Canceled,
        EventKind::WorkflowExecutionTerminated { .. } => Status::Terminated,
        EventKind::WorkflowExecutionTimedOut { .. } => Status::TimedOut,
        EventKind::WorkflowExecutionContinuedAsNew { .. } => Status::ContinuedAsNew,
        _ => Status::Running,
    }
}
