//! Attempts of activities: when they begin, and what follows when they end.

use super::run::Pending;
use super::{After, Core, Wake};
use crate::size;
use crate::store::{AttemptState, Op};
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{CancelReason, CancellationType, Code, EventKind, TimeoutType, Timestamp};

/// How an attempt ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Completed(Value),
    Failed(Failure),
    TimedOut(TimeoutType),
}

impl Core {
    /// An activity was scheduled.
    pub(super) fn schedule(&mut self, key: i64, seq: u32) {
        let Some(pending) = self.pending(key, seq) else { return };
        let deadline = pending.deadline();
        let start_by =
            pending.command.options.schedule_to_start.map(|limit| pending.scheduled_at.after(limit));
        pending.state.running = false;
        if let Some(at) = deadline {
            self.wakes.insert((at, Wake::ScheduleToClose(key, seq)));
        }
        if let Some(at) = start_by {
            self.wakes.insert((at, Wake::ScheduleToStart(key, seq)));
        }
        self.begin(key, seq);
    }

    /// Takes up an activity that was found in the store. An attempt that ran is lost, and counts.
    pub(super) fn resume(&mut self, key: i64, seq: u32) {
        let Some(pending) = self.pending(key, seq) else { return };
        let (running, next_at, deadline) = (pending.state.running, pending.state.next_at, pending.deadline());
        if let Some(at) = deadline {
            self.wakes.insert((at, Wake::ScheduleToClose(key, seq)));
        }
        if !running {
            self.wakes.insert((next_at, Wake::Attempt(key, seq)));
            return;
        }
        let failure =
            Failure::new(Kind::Unavailable, "the host stopped while the attempt ran").with_retryable(true);
        // It is not among the attempts that this host runs.
        self.attempts += 1;
        self.attempt_ended(key, seq, None, Ended::Failed(failure));
    }

    /// Begins the next attempt, or lets it wait for a free place.
    pub(super) fn begin(&mut self, key: i64, seq: u32) {
        let now = self.now;
        let free = self.attempts < self.settings.concurrent_activities;
        let Some(pending) = self.pending(key, seq) else { return };
        if pending.state.running {
            return;
        }
        pending.state.next_at = now;
        if free {
            pending.state.running = true;
            pending.started_at = now;
        }
        // The first attempt of an activity runs, where the store knows no better.
        let body = if free && pending.state.attempt == 1 && !pending.stored {
            None
        } else {
            pending.stored = true;
            Some(pending.state.encode())
        };
        let start_by =
            pending.command.options.schedule_to_start.map(|limit| pending.scheduled_at.after(limit));
        if let Some(body) = body {
            self.out.ops.push(Op::Attempt { run: key, seq, body });
        }
        if free {
            if let Some(at) = start_by {
                self.wakes.remove(&(at, Wake::ScheduleToStart(key, seq)));
            }
            self.attempts += 1;
            self.out.after.push(After::Execute(key, seq));
        } else {
            self.waiting.push_back((key, seq));
        }
    }

    /// An attempt of this host ended, or was given up; `attempt` tells whether it is still the one that counts.
    pub(crate) fn attempt_ended(&mut self, key: i64, seq: u32, attempt: Option<u32>, ended: Ended) {
        self.attempts = self.attempts.saturating_sub(1);
        if let Some(pending) = self.pending(key, seq)
            && pending.state.running
            && attempt.is_none_or(|attempt| attempt == pending.state.attempt)
        {
            self.evaluate(key, seq, ended);
        }
        while self.attempts < self.settings.concurrent_activities
            && let Some((key, seq)) = self.waiting.pop_front()
        {
            self.begin(key, seq);
        }
    }

    /// Another attempt, or the end.
    fn evaluate(&mut self, key: i64, seq: u32, ended: Ended) {
        let (now, limit) = (self.now, self.settings.payload_limit);
        let Some(pending) = self.pending(key, seq) else { return };
        let ended = match ended {
            Ended::Completed(result) if size::value(&result) > limit => {
                Ended::Failed(too_large("result", limit))
            }
            Ended::Failed(failure) if size::failure(&failure) > limit => {
                Ended::Failed(too_large("failure", limit))
            }
            ended => ended,
        };
        let failure = match &ended {
            Ended::Failed(failure) => failure.clone(),
            // Whether there is time for another attempt is up to the policy; the last one's timeout is final.
            Ended::TimedOut(timeout) => Failure { retryable: None, ..timeout_failure(*timeout) },
            Ended::Completed(_) => return self.settle(key, seq, ended),
        };
        let delay = if pending.cancel_requested {
            None
        } else {
            pending.command.options.retry.next_delay(pending.state.attempt, &failure)
        };
        let next_at = delay.map(|delay| now.after(delay));
        let Some(next_at) = next_at.filter(|at| pending.deadline().is_none_or(|deadline| *at < deadline))
        else {
            return self.settle(key, seq, ended);
        };
        pending.state = AttemptState {
            attempt: pending.state.attempt.saturating_add(1),
            running: false,
            next_at,
            details: pending.state.details.take(),
            failure: Some(failure),
        };
        pending.stored = true;
        pending.cancel = None;
        let body = pending.state.encode();
        self.out.ops.push(Op::Attempt { run: key, seq, body });
        self.wakes.insert((next_at, Wake::Attempt(key, seq)));
    }

    /// The activity ended.
    pub(super) fn settle(&mut self, key: i64, seq: u32, ended: Ended) {
        let Some(run) = self.runs.get_mut(&key) else { return };
        let Some(mut pending) = run.activities.remove(&seq) else { return };
        self.disarm_activity(key, &pending);
        if pending.stored {
            self.out.ops.push(Op::Settle { run: key, seq });
        }
        if pending.state.running {
            let (attempt, started_at, last_failure) =
                (pending.state.attempt, pending.started_at, pending.state.failure.take());
            self.append(key, EventKind::ActivityTaskStarted { seq, attempt, started_at, last_failure }, None);
        }
        if let (Ended::TimedOut(_), Some(cancel)) = (&ended, pending.cancel.take()) {
            self.out.after.push(After::Cancel(cancel, CancelReason::TimedOut));
        }
        let kind = match ended {
            Ended::Completed(result) => EventKind::ActivityTaskCompleted { seq, result },
            Ended::Failed(failure) if pending.cancel_requested && failure.kind == Kind::Canceled => {
                EventKind::ActivityTaskCanceled { seq, failure }
            }
            Ended::Failed(failure) => EventKind::ActivityTaskFailed { seq, failure },
            Ended::TimedOut(timeout) => {
                EventKind::ActivityTaskTimedOut { seq, timeout, failure: timeout_failure(timeout) }
            }
        };
        self.append(key, kind, None);
        self.drive(key);
    }

    /// The machine wants an activity cancelled; the history says so already.
    pub(super) fn cancel_activity(&mut self, key: i64, seq: u32) {
        let Some(pending) = self.pending(key, seq) else { return };
        let (how, running) = (pending.command.options.cancellation, pending.state.running);
        let cancel = pending.cancel.clone();
        if how != CancellationType::Abandon
            && let Some(cancel) = cancel
        {
            self.out.after.push(After::Cancel(cancel, CancelReason::Requested));
        }
        // One that does not run has nobody who could make something of it.
        if how != CancellationType::WaitCancellationCompleted || !running {
            let failure = Failure::new(Kind::Canceled, "the activity was cancelled");
            self.settle(key, seq, Ended::Failed(failure));
        }
    }

    pub(super) fn disarm_activity(&mut self, key: i64, pending: &Pending) {
        let seq = pending.command.seq;
        if let Some(at) = pending.deadline() {
            self.wakes.remove(&(at, Wake::ScheduleToClose(key, seq)));
        }
        if let Some(limit) = pending.command.options.schedule_to_start {
            self.wakes.remove(&(pending.scheduled_at.after(limit), Wake::ScheduleToStart(key, seq)));
        }
        self.wakes.remove(&(pending.state.next_at, Wake::Attempt(key, seq)));
    }

    /// A running attempt said something.
    pub(crate) fn heartbeat(&mut self, key: i64, seq: u32, attempt: u32, details: Value, store: bool) {
        let Some(pending) = self.pending(key, seq) else { return };
        if pending.state.attempt != attempt || !pending.state.running {
            return;
        }
        pending.state.details = Some(details);
        if store {
            pending.stored = true;
            let body = pending.state.encode();
            self.out.ops.push(Op::Attempt { run: key, seq, body });
        }
    }

    pub(crate) fn pending(&mut self, key: i64, seq: u32) -> Option<&mut Pending> {
        self.runs.get_mut(&key)?.activities.get_mut(&seq)
    }
}

/// When the running attempt must have ended.
pub(crate) fn attempt_deadline(pending: &Pending) -> Option<Timestamp> {
    let own = pending.command.options.start_to_close.map(|limit| pending.started_at.after(limit));
    own.into_iter().chain(pending.deadline()).min()
}

fn timeout_failure(timeout: TimeoutType) -> Failure {
    let what = timeout.as_str();
    Failure::new(Kind::Timeout, format!("the activity took too long ({what})"))
        .with_detail("timeout_type", what)
}

fn too_large(what: &str, limit: usize) -> Failure {
    let message = format!(
        "the {what} of the activity is larger than {limit} bytes; keep it elsewhere, and return where"
    );
    perilune_workflow::WorkflowError::new(Code::PayloadTooLarge, message).into_failure()
}
