//! Machines with a limit of time, and whose panics are failures.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_workflow::{Activation, Code, Command, Machine, TaskFailure};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// A machine that is not trusted to return.
pub(super) struct Guarded {
    pub(super) machine: Box<dyn Machine>,
    /// How long an activation may take.
    pub(super) limit: Duration,
}

impl Machine for Guarded {
    fn activate(&mut self, activation: Activation) -> BoxFuture<'_, Result<Vec<Command>, TaskFailure>> {
        let limit = self.limit;
        Box::pin(async move {
            let work = AssertUnwindSafe(async { self.machine.activate(activation).await }).catch_unwind();
            match tokio::time::timeout(limit, work).await {
                Ok(Ok(result)) => result,
                Ok(Err(panic)) => Err(TaskFailure::coded(
                    Code::TaskFailed,
                    format!("the machine panicked: {}", text(&*panic)),
                )),
                Err(_) => Err(TaskFailure::coded(
                    Code::TaskTimeout,
                    format!(
                        "an activation took more than {limit:?}; a workflow leaves long work to activities"
                    ),
                )),
            }
        })
    }
}

/// What a panic said.
pub(super) fn text(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}
