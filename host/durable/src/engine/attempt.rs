//! Who runs attempts of activities.

use super::Inner;
use super::machine::text;
use crate::clock::Hold;
use crate::core::{Core, Ended, attempt_deadline};
use futures_util::FutureExt;
use perilune_value::{Failure, Value};
use perilune_workflow::{
    ActivityContext, ActivityTask, CancelReason, Cancellation, Heartbeat, TimeoutType, Timestamp,
};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// What an attempt said last.
struct Pulse {
    last: Mutex<(Timestamp, Option<Timestamp>)>,
    beaten: Notify,
}

/// Begins an attempt that the store knows of.
pub(super) fn spawn(inner: &Arc<Inner>, key: i64, seq: u32) {
    let (runner, hold) = (inner.clone(), inner.hold());
    let stop = inner.stop.clone();
    let work = async move {
        tokio::select! {
            () = stop.cancelled() => {}
            () = run(&runner, key, seq, hold) => {}
        }
    };
    inner.attempts.spawn_on(work, &inner.handle);
}

async fn run(inner: &Arc<Inner>, key: i64, seq: u32, hold: Hold) {
    let (sender, cancellation) = Cancellation::new();
    let begun = {
        let mut core = inner.core();
        task(&mut core, key, seq).inspect(|_| {
            if let Some(pending) = core.pending(key, seq) {
                pending.cancel = Some(sender.clone());
            }
        })
    };
    let Some((task, schedule_bound)) = begun else {
        // Cancelled or closed before it began.
        inner.note(|core| core.attempt_ended(key, seq, Some(0), Ended::Failed(Failure::default())));
        return;
    };
    let (attempt, deadline, silence) = (task.attempt, task.deadline, task.heartbeat_timeout);
    let pulse = Arc::new(Pulse { last: Mutex::new((task.started_at, None)), beaten: Notify::new() });
    let context = ActivityContext { heartbeat: heartbeat(inner, &pulse, key, seq, attempt), cancellation };
    let work = AssertUnwindSafe(inner.activities.execute(task, context)).catch_unwind();
    tokio::pin!(work);
    let mut left = false;
    let ended = loop {
        let silent_at = silence.map(|limit| pulse.last().after(limit));
        let until = deadline.into_iter().chain(silent_at).min();
        tokio::select! {
            biased;
            ended = &mut work => break match ended {
                Ok(Ok(result)) => Ended::Completed(result),
                Ok(Err(failure)) => Ended::Failed(failure),
                Err(panic) => Ended::Failed(Failure::internal(format!("the activity panicked: {}", text(&*panic)))),
            },
            () = inner.leaving.cancelled(), if !left => {
                left = true;
                sender.send_replace(Some(CancelReason::Shutdown));
            }
            () = pulse.beaten.notified() => {}
            _hold = wait(inner, until) => {
                let now = inner.clock.now();
                if deadline.is_some_and(|at| at <= now) {
                    let timeout = if schedule_bound { TimeoutType::ScheduleToClose } else { TimeoutType::StartToClose };
                    break Ended::TimedOut(timeout);
                }
                // It may have said something since.
                if silence.is_some_and(|limit| pulse.last().after(limit) <= now) {
                    break Ended::TimedOut(TimeoutType::Heartbeat);
                }
            }
        }
    };
    if left && !matches!(ended, Ended::Completed(_)) {
        // It ended because the host does: the next host tries again.
        return;
    }
    sender.send_replace(Some(CancelReason::TimedOut));
    inner.note(|core| core.attempt_ended(key, seq, Some(attempt), ended));
    drop(hold);
}

async fn wait(inner: &Inner, until: Option<Timestamp>) -> Hold {
    match until {
        Some(at) => inner.clock.wait_until(at).await,
        None => std::future::pending().await,
    }
}

/// What is to be done, and whether the limit of all attempts together comes first.
fn task(core: &mut Core, key: i64, seq: u32) -> Option<(ActivityTask, bool)> {
    let started = core.runs.get(&key)?.started.clone();
    let pending = core.pending(key, seq).filter(|pending| pending.state.running)?;
    let deadline = attempt_deadline(pending);
    let activity_id = pending.activity_id();
    let task = ActivityTask {
        workflow_type: started.workflow_type.clone(),
        workflow_id: started.workflow_id.clone(),
        run_id: started.run_id.clone(),
        idempotency_key: format!("{}/{activity_id}", started.run_id),
        activity_id,
        activity_type: pending.command.activity_type.clone(),
        args: pending.command.args.clone(),
        headers: pending.command.headers.clone(),
        attempt: pending.state.attempt,
        heartbeat_details: pending.state.details.clone(),
        scheduled_at: pending.scheduled_at,
        started_at: pending.started_at,
        deadline,
        heartbeat_timeout: pending.command.options.heartbeat,
    };
    Some((task, deadline.is_some() && deadline == pending.deadline()))
}

fn heartbeat(inner: &Arc<Inner>, pulse: &Arc<Pulse>, key: i64, seq: u32, attempt: u32) -> Heartbeat {
    let (inner, pulse) = (Arc::downgrade(inner), pulse.clone());
    Heartbeat::new(move |details: Value| {
        let Some(inner) = inner.upgrade() else { return };
        let store = pulse.beat(inner.clock.now(), inner.settings.heartbeat_throttle);
        inner.note(|core| core.heartbeat(key, seq, attempt, details, store));
    })
}

impl Pulse {
    fn last(&self) -> Timestamp {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Notes a beat; says whether it is time to store one again.
    fn beat(&self, now: Timestamp, throttle: Duration) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.0 = now;
        let store = last.1.is_none_or(|stored| now.since(stored) >= throttle);
        if store {
            last.1 = Some(now);
        }
        drop(last);
        self.beaten.notify_one();
        store
    }
}
