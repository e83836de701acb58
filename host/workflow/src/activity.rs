//! The effects of workflows.

use crate::{Fields, Timestamp};
use futures_util::future::BoxFuture;
use perilune_value::{Failure, Value};
use std::fmt;
use std::sync::Arc;
use tokio::sync::watch;

/// Runs activities. Each is run at least once: an attempt whose host dies is followed by another.
pub trait Activities: Send + Sync {
    /// Runs one attempt. The future is dropped when the attempt has taken too long; one that is cancelled is told through its
    /// context, and may still end as it likes.
    ///
    /// # Errors
    ///
    /// A failure that says it is not retryable is final; any other is up to the activity's retry policy. Where cancellation was
    /// asked for, the kind `Canceled` says that the activity followed.
    fn execute(
        &self,
        task: ActivityTask,
        context: ActivityContext,
    ) -> BoxFuture<'static, Result<Value, Failure>>;
}

/// One attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivityTask {
    /// Who wants it.
    pub workflow_type: String,
    /// Who wants it.
    pub workflow_id: String,
    /// Who wants it.
    pub run_id: String,
    /// Its name in the run.
    pub activity_id: String,
    /// What is run.
    pub activity_type: String,
    /// With what.
    pub args: Vec<Value>,
    /// What travels with the arguments.
    pub headers: Fields,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// What the last attempt's last heartbeat said.
    pub heartbeat_details: Option<Value>,
    /// The same for all attempts, and for no other activity anywhere: services that know such keys do the work once.
    pub idempotency_key: String,
    /// When the workflow asked for it.
    pub scheduled_at: Timestamp,
    /// When this attempt began.
    pub started_at: Timestamp,
    /// When this attempt must have ended.
    pub deadline: Option<Timestamp>,
    /// How long it may be silent.
    pub heartbeat_timeout: Option<std::time::Duration>,
}

/// What an attempt can do beside its work.
#[derive(Clone, Debug)]
pub struct ActivityContext {
    /// Says that it is alive.
    pub heartbeat: Heartbeat,
    /// Learns that it should end.
    pub cancellation: Cancellation,
}

/// Says that an attempt is alive.
#[derive(Clone)]
pub struct Heartbeat(Arc<dyn Fn(Value) + Send + Sync>);

impl Heartbeat {
    /// `beat` is called with each beat's details; it must not block.
    pub fn new(beat: impl Fn(Value) + Send + Sync + 'static) -> Self {
        Heartbeat(Arc::new(beat))
    }

    /// Says so, with what the next attempt should know.
    pub fn beat(&self, details: Value) {
        (self.0)(details);
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Heartbeat")
    }
}

/// Why an attempt should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelReason {
    /// The workflow asked for it.
    Requested,
    /// The run is over.
    RunClosed,
    /// The attempt took too long; its result counts no more.
    TimedOut,
    /// The host is shutting down; there will be another attempt.
    Shutdown,
}

impl fmt::Display for CancelReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            CancelReason::Requested => "the workflow asked for it",
            CancelReason::RunClosed => "the run is over",
            CancelReason::TimedOut => "the attempt took too long",
            CancelReason::Shutdown => "the host is shutting down",
        })
    }
}

/// Learns that an attempt should end.
#[derive(Clone, Debug)]
pub struct Cancellation(watch::Receiver<Option<CancelReason>>);

impl Cancellation {
    /// One that is told by `sender`.
    pub fn new() -> (watch::Sender<Option<CancelReason>>, Self) {
        let (sender, receiver) = watch::channel(None);
        (sender, Cancellation(receiver))
    }

    /// Why it should end, if it should.
    pub fn reason(&self) -> Option<CancelReason> {
        *self.0.borrow()
    }

    /// Waits until it should end.
    pub async fn cancelled(&mut self) -> CancelReason {
        // The borrow of the value must not live across the wait: it would bind the future to one thread.
        let told = self.0.wait_for(Option::is_some).await.map(|reason| *reason).ok().flatten();
        match told {
            Some(reason) => reason,
            // Nobody is left who could ask.
            None => std::future::pending().await,
        }
    }
}
