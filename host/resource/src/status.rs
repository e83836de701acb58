//! What has become of services.

use perilune_registry::EntryId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// What a service is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// It is not ready yet.
    Starting,
    /// It is ready.
    Running,
    /// It lets what runs finish.
    Stopping,
    /// It has ended, as it was asked to.
    Stopped,
    /// It could not start.
    Failed,
}

impl ServiceState {
    /// The word that Lua sees.
    pub fn as_str(self) -> &'static str {
        match self {
            ServiceState::Starting => "starting",
            ServiceState::Running => "running",
            ServiceState::Stopping => "stopping",
            ServiceState::Stopped => "stopped",
            ServiceState::Failed => "failed",
        }
    }
}

/// A service and what has become of it.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its entry.
    pub id: EntryId,
    /// What it is doing.
    pub state: ServiceState,
    /// Since when.
    pub since: SystemTime,
    /// When it was last ready.
    pub started: Option<SystemTime>,
    /// How often it could not start since it last did.
    pub failures: u32,
    /// Why it could not, or where it can be reached.
    pub details: Option<String>,
}

/// The statuses of all services that were started or tried to be.
#[derive(Default)]
pub(crate) struct Statuses(Mutex<BTreeMap<EntryId, Status>>);

impl Statuses {
    pub(crate) fn set(&self, id: &EntryId, state: ServiceState, details: Option<String>) {
        let (mut all, now) = (self.all(), SystemTime::now());
        let status = all.entry(id.clone()).or_insert_with(|| Status {
            id: id.clone(),
            state,
            since: now,
            started: None,
            failures: 0,
            details: None,
        });
        match state {
            ServiceState::Running => (status.started, status.failures) = (Some(now), 0),
            ServiceState::Failed => status.failures = status.failures.saturating_add(1),
            _ => {}
        }
        (status.state, status.since, status.details) = (state, now, details);
    }

    /// Forgets the others.
    pub(crate) fn keep(&self, is_kept: impl Fn(&EntryId) -> bool) {
        self.all().retain(|id, _| is_kept(id));
    }

    /// By id.
    pub(crate) fn list(&self) -> Vec<Status> {
        self.all().values().cloned().collect()
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<EntryId, Status>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
