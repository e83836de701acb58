//! What reaches a run from outside.

use super::start::check_size;
use super::{Core, Run, Update, new_id};
use crate::engine::Reply;
use crate::size;
use perilune_value::Value;
use perilune_workflow::{Code, EventKind, Signal, UpdateRequest, WorkflowError};

impl Core {
    pub(crate) fn signal(&mut self, key: i64, signal: Signal) -> Result<(), WorkflowError> {
        check_size("signal", size::signal(&signal), self.settings.payload_limit)?;
        self.append(key, EventKind::WorkflowExecutionSignaled(signal), None);
        if !self.ended_by_length(key) {
            self.drive(key);
        }
        Ok(())
    }

    /// Asks a run to cancel. Once is enough.
    pub(crate) fn request_cancel(&mut self, key: i64, reason: &str) {
        if self.runs.get(&key).is_some_and(|run| !run.cancel_requested) {
            self.append(key, EventKind::WorkflowExecutionCancelRequested { reason: reason.to_owned() }, None);
            self.drive(key);
        }
    }

    /// Ends a run without asking it.
    pub(crate) fn terminate(&mut self, key: i64, reason: &str) {
        self.close(key, EventKind::WorkflowExecutionTerminated { reason: reason.to_owned() }, None);
    }

    /// Brings an update before the machine, or joins the one with its id.
    pub(crate) fn update(&mut self, key: i64, request: UpdateRequest, reply: Reply<Value>) {
        let bytes = size::values(&request.args) + size::fields(&request.headers);
        if let Err(error) = check_size("arguments", bytes, self.settings.payload_limit) {
            return self.call(move || reply.send(Err(error)));
        }
        let Some(run) = self.runs.get_mut(&key) else { return };
        let id = request.id.clone().unwrap_or_else(new_id);
        if let Some(Update::Ended(outcome)) = run.updates.get(&id) {
            let answer = update_answer(outcome.clone());
            return self.call(move || reply.send(answer));
        }
        run.live.callers.entry(id.clone()).or_default().push(reply);
        run.live.arrivals += 1;
        let arrival = run.live.arrivals;
        run.updates.entry(id).or_insert(Update::Waiting { request, arrival });
        self.drive(key);
    }

    /// Whether a history has become too long to go on.
    pub(crate) fn is_too_long(&self, key: i64) -> bool {
        let too_long =
            |run: &Run| run.length >= self.settings.most_events || run.bytes >= self.settings.most_bytes;
        self.runs.get(&key).is_some_and(too_long)
    }

    /// Ends a run whose history has become too long to go on.
    pub(crate) fn ended_by_length(&mut self, key: i64) -> bool {
        if !self.is_too_long(key) {
            return false;
        }
        let (events, bytes) = (self.settings.most_events, self.settings.most_bytes);
        let Some(run) = self.runs.get(&key) else { return true };
        let message = format!(
            "the history has {} events of {} bytes, and {events} events or {bytes} bytes are the most; continue as new earlier \
             (`process.upgrade`), when `workflow.history_length()` says so",
            run.length, run.bytes
        );
        let failure = WorkflowError::new(Code::HistoryTooLong, message).into_failure();
        self.close(key, EventKind::WorkflowExecutionFailed { failure, next_run_id: None }, None);
        true
    }
}

/// The end of an update as its caller sees it.
pub(super) fn update_answer(outcome: Result<Value, perilune_value::Failure>) -> Result<Value, WorkflowError> {
    outcome.map_err(|failure| {
        WorkflowError::new(Code::UpdateRejected, failure.message.clone()).with_failure(failure)
    })
}
