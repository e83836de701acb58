//! The loop that runs activities.

use super::run::panic_text;
use crate::convert::failure::{to_cancelled, to_failure};
use crate::convert::payload::{first, from_fields, from_list, to_payload};
use crate::convert::time;
use futures_util::FutureExt;
use perilune_value::{Failure, Kind, Value};
use perilune_workflow::{Activities, ActivityContext, ActivityTask, CancelReason, Cancellation, Heartbeat};
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use temporalio_common::protos::coresdk::activity_result::ActivityExecutionResult;
use temporalio_common::protos::coresdk::activity_task::{
    ActivityCancelReason, Start, activity_task::Variant,
};
use temporalio_common::protos::coresdk::{ActivityHeartbeat, ActivityTaskCompletion};
use temporalio_common::protos::temporal::api::common::v1::Payloads;
use temporalio_sdk_core::{PollError, Worker};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

/// Attempts that run, by the token that the server gave them.
#[derive(Default)]
pub(crate) struct Running(Mutex<HashMap<Vec<u8>, Attempt>>);

#[derive(Clone)]
struct Attempt {
    cancel: Arc<watch::Sender<Option<CancelReason>>>,
    /// Drops the attempt.
    abandon: Arc<Notify>,
}

impl Running {
    fn attempts(&self) -> MutexGuard<'_, HashMap<Vec<u8>, Attempt>> {
        // Nothing panics while it is held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells every attempt that the host ends.
    pub(crate) fn tell(&self) {
        for attempt in self.attempts().values() {
            attempt.cancel(CancelReason::Shutdown);
        }
    }

    /// Drops every attempt.
    pub(crate) fn abandon(&self) {
        for attempt in self.attempts().values() {
            attempt.abandon.notify_one();
        }
    }

    fn cancel(&self, token: &[u8], reason: ActivityCancelReason) {
        let Some(attempt) = self.attempts().get(token).cloned() else { return };
        attempt.cancel(match reason {
            ActivityCancelReason::NotFound => CancelReason::RunClosed,
            ActivityCancelReason::Cancelled => CancelReason::Requested,
            ActivityCancelReason::TimedOut => CancelReason::TimedOut,
            // In all of these there will be another attempt.
            ActivityCancelReason::WorkerShutdown
            | ActivityCancelReason::Paused
            | ActivityCancelReason::Reset => CancelReason::Shutdown,
        });
        if reason == ActivityCancelReason::TimedOut {
            attempt.abandon.notify_one();
        }
    }
}

impl Attempt {
    /// The first reason counts.
    fn cancel(&self, reason: CancelReason) {
        self.cancel.send_if_modified(|current| {
            let first = current.is_none();
            current.get_or_insert(reason);
            first
        });
    }
}

/// Runs until core has no more activities.
pub(crate) async fn drive(worker: Arc<Worker>, activities: Arc<dyn Activities>, running: Arc<Running>) {
    let mut attempts = JoinSet::new();
    loop {
        let task = match worker.poll_activity_task().await {
            Ok(task) => task,
            Err(PollError::ShutDown) => break,
            Err(error) => {
                tracing::error!(code = "WF_STORE_UNAVAILABLE", "no more activities: {error}");
                worker.initiate_shutdown();
                break;
            }
        };
        while attempts.try_join_next().is_some() {}
        let token = task.task_token;
        match task.variant {
            Some(Variant::Cancel(cancel)) => running.cancel(&token, cancel.reason()),
            Some(Variant::Start(start)) => {
                let (cancel, cancellation) = Cancellation::new();
                let attempt = Attempt { cancel: Arc::new(cancel), abandon: Arc::default() };
                running.attempts().insert(token.clone(), attempt.clone());
                let (worker, activities, running) =
                    (Arc::clone(&worker), Arc::clone(&activities), Arc::clone(&running));
                attempts.spawn(async move {
                    let context =
                        ActivityContext { heartbeat: heartbeat(&worker, token.clone()), cancellation };
                    let result = execute(activities, activity(start), context, &attempt).await;
                    running.attempts().remove(&token);
                    let completion = ActivityTaskCompletion { task_token: token, result: Some(result) };
                    if let Err(error) = worker.complete_activity_task(completion).await {
                        tracing::error!(code = "WF_TASK_FAILED", "an activity's end was not taken: {error}");
                    }
                });
            }
            None => {}
        }
    }
    while attempts.join_next().await.is_some() {}
}

async fn execute(
    activities: Arc<dyn Activities>,
    task: ActivityTask,
    context: ActivityContext,
    attempt: &Attempt,
) -> ActivityExecutionResult {
    let name = task.activity_type.clone();
    let work = AssertUnwindSafe(async move { activities.execute(task, context).await }).catch_unwind();
    let outcome = tokio::select! {
        outcome = work => outcome.unwrap_or_else(|panic| {
            let reason = panic_text(panic.as_ref());
            tracing::error!(code = "WF_TASK_FAILED", activity = name, "an activity panicked: {reason}");
            Err(Failure::internal(format!("the host panicked: {reason}")).with_retryable(true))
        }),
        () = attempt.abandon.notified() => {
            let reason = *attempt.cancel.borrow();
            let kind = if reason == Some(CancelReason::TimedOut) { Kind::Timeout } else { Kind::Unavailable };
            Err(Failure::new(kind, "the attempt was given up").with_retryable(true))
        }
    };
    match outcome {
        Ok(value) => ActivityExecutionResult::ok(to_payload(&value)),
        Err(failure)
            if failure.kind == Kind::Canceled
                && matches!(
                    *attempt.cancel.borrow(),
                    Some(CancelReason::Requested | CancelReason::RunClosed)
                ) =>
        {
            ActivityExecutionResult::cancel(to_cancelled(&failure))
        }
        // An attempt that ends because its host does is not the activity's failure.
        Err(failure)
            if failure.kind == Kind::Canceled && *attempt.cancel.borrow() == Some(CancelReason::Shutdown) =>
        {
            ActivityExecutionResult::fail(to_failure(
                &Failure { kind: Kind::Unavailable, ..failure }.with_retryable(true),
            ))
        }
        Err(failure) => ActivityExecutionResult::fail(to_failure(&failure)),
    }
}

fn heartbeat(worker: &Arc<Worker>, token: Vec<u8>) -> Heartbeat {
    // Activities may keep it for longer than the worker lives, and must not keep the worker.
    let worker = Arc::downgrade(worker);
    Heartbeat::new(move |details: Value| {
        if let Some(worker) = worker.upgrade() {
            let details = vec![to_payload(&details)];
            worker.record_activity_heartbeat(ActivityHeartbeat { task_token: token.clone(), details });
        }
    })
}

fn activity(start: Start) -> ActivityTask {
    let execution = start.workflow_execution.unwrap_or_default();
    let scheduled_at = time::moment_or_start(start.scheduled_time.as_ref());
    let started_at = time::moment_or_start(start.started_time.as_ref());
    let deadline = [
        time::limit(start.start_to_close_timeout.as_ref()).map(|limit| started_at.after(limit)),
        time::limit(start.schedule_to_close_timeout.as_ref()).map(|limit| scheduled_at.after(limit)),
    ]
    .into_iter()
    .flatten()
    .min();
    ActivityTask {
        workflow_type: start.workflow_type,
        idempotency_key: format!("{}/{}", execution.run_id, start.activity_id),
        workflow_id: execution.workflow_id,
        run_id: execution.run_id,
        activity_id: start.activity_id,
        activity_type: start.activity_type,
        args: from_list(&start.input),
        headers: from_fields(&start.header_fields),
        attempt: start.attempt.max(1),
        heartbeat_details: first(Some(&Payloads { payloads: start.heartbeat_details })),
        scheduled_at,
        started_at,
        deadline,
        heartbeat_timeout: time::limit(start.heartbeat_timeout.as_ref()),
    }
}
