//! One service with its limits: what starts, waits for and stops it, whoever decides about that.

use super::status::{ServiceState, Statuses};
use crate::guard::{guarded, guarded_async};
use crate::{Ended, Lifecycle, Service};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Under which what happens to services is logged.
pub(crate) const LOG: &str = "perilune::service";

/// How long ending at once may take: others wait for it.
const AT_ONCE: Duration = Duration::from_secs(1);

/// A service that starts and stops within its limits. Its panics are failures.
#[derive(Clone)]
pub(crate) struct Unit {
    pub(crate) id: EntryId,
    pub(crate) service: Arc<dyn Service>,
    pub(crate) lifecycle: Lifecycle,
    pub(crate) statuses: Arc<Statuses>,
}

impl Unit {
    /// Starts it, and stops it again when it was not ready in time or panicked.
    pub(crate) async fn start(&self) -> Result<(), Failure> {
        let Unit { id, service, lifecycle, statuses } = self;
        statuses.set(id, ServiceState::Starting, None);
        let starting = guarded_async("started this service", async { service.start().await });
        let problem = match timeout(lifecycle.start_timeout, starting).await {
            Ok(Ok(Ok(()))) => {
                statuses.set(id, ServiceState::Running, service.address());
                tracing::info!(target: LOG, service = %id, at = service.address(), "started");
                return Ok(());
            }
            Ok(Ok(Err(failure))) => return Err(failure),
            Ok(Err(panic)) => self.named(panic),
            Err(_) => {
                let limit = humantime::format_duration(lifecycle.start_timeout);
                Failure::new(Kind::Timeout, format!("{id} was not ready within {limit}"))
            }
        };
        // It cannot have cleaned up after itself.
        self.stop().await;
        Err(problem)
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn ended(&self) -> Ended {
        let ended = guarded_async("waited for this service", async { self.service.ended().await }).await;
        ended.unwrap_or_else(|panic| Ended::Failed(self.named(panic)))
    }

    /// Asks it to end, and ends it when it takes too long.
    pub(crate) async fn stop(&self) {
        let Unit { id, service, lifecycle, statuses } = self;
        statuses.set(id, ServiceState::Stopping, None);
        let stopping = guarded_async("stopped this service", async { service.stop().await });
        match timeout(lifecycle.stop_timeout, stopping).await {
            Ok(Ok(())) => tracing::info!(target: LOG, service = %id, "stopped"),
            Ok(Err(panic)) => tracing::error!(target: LOG, service = %id, error = %panic.message, "stopped"),
            Err(_) => {
                tracing::warn!(target: LOG, service = %id, "stopped before all that it ran had ended");
                return self.terminate().await;
            }
        }
        statuses.set(id, ServiceState::Stopped, None);
    }

    /// Ends it at once.
    pub(crate) async fn terminate(&self) {
        let ending = guarded_async("ended this service", async { self.service.terminate().await });
        let problem = match timeout(AT_ONCE, ending).await {
            Ok(Ok(())) => None,
            Ok(Err(panic)) => Some(panic.message),
            Err(_) => Some("it goes on".to_owned()),
        };
        if let Some(error) = problem {
            tracing::error!(target: LOG, service = %self.id, %error, "could not be ended");
        }
        self.statuses.set(&self.id, ServiceState::Stopped, None);
    }

    /// Says how it ended.
    pub(crate) fn has_ended(&self, ended: &Ended) {
        let (state, details) = match ended {
            Ended::Exited => (ServiceState::Exited, None),
            Ended::Failed(failure) => (ServiceState::Failed, Some(failure.message.clone())),
        };
        self.statuses.set(&self.id, state, details);
    }

    fn named(&self, panic: Failure) -> Failure {
        Failure { message: format!("{}: {}", self.id, panic.message), ..panic }
    }
}

/// Lets go of a service; the last one to hold it may be here.
pub(crate) fn let_go(id: &EntryId, service: Arc<dyn Service>) {
    if let Err(panic) = guarded("dropped this service", move || drop(service)) {
        tracing::error!(target: LOG, service = %id, error = %panic.message, "stopped");
    }
}

/// Whether trying again cannot help: the entry is wrong, or asks for what does not exist.
pub(crate) fn is_permanent(failure: &Failure) -> bool {
    let is_wrong = matches!(failure.kind, Kind::Invalid | Kind::NotFound | Kind::PermissionDenied);
    is_wrong && failure.retryable != Some(true)
}
