//! What has become of services.

use perilune_registry::EntryId;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// What a service is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceState {
    /// Nothing yet: what it requires does not run.
    Unknown,
    /// It is not ready yet.
    Starting,
    /// It is ready.
    Running,
    /// It has ended, and will start again.
    Waiting,
    /// It lets what runs finish.
    Stopping,
    /// It has ended, as it was asked to.
    Stopped,
    /// It has done its work.
    Exited,
    /// It is given up.
    Failed,
}

impl ServiceState {
    /// The word that Lua sees.
    pub fn as_str(self) -> &'static str {
        match self {
            ServiceState::Unknown => "unknown",
            ServiceState::Starting => "starting",
            ServiceState::Running => "running",
            ServiceState::Waiting => "waiting",
            ServiceState::Stopping => "stopping",
            ServiceState::Stopped => "stopped",
            ServiceState::Exited => "exited",
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
    /// Whether it is to run.
    pub is_wanted: bool,
    /// Since when it does that.
    pub since: SystemTime,
    /// When it was last ready.
    pub started: Option<SystemTime>,
    /// How often in a row it has ended.
    pub failures: u32,
    /// How often it has been started again since its entry is as it is.
    pub restarts: u32,
    /// When it will start again, while it waits for that.
    pub next: Option<SystemTime>,
    /// Why it ended, what it waits for, or where it can be reached.
    pub details: Option<String>,
    has_started: bool,
}

/// The statuses of all services that were started or tried to be.
#[derive(Default)]
pub(crate) struct Statuses(Mutex<BTreeMap<EntryId, Status>>);

impl Statuses {
    pub(crate) fn set(&self, id: &EntryId, state: ServiceState, details: Option<String>) {
        let now = SystemTime::now();
        self.change(id, |status| {
            (status.state, status.since, status.details, status.next) = (state, now, details, None);
            if state == ServiceState::Starting {
                status.restarts = status.restarts.saturating_add(u32::from(status.has_started));
                status.has_started = true;
            }
            if state == ServiceState::Running {
                status.started = Some(now);
            }
        });
    }

    /// Says that it has ended, why, and how long it is until it starts again.
    pub(crate) fn waits(&self, id: &EntryId, why: String, after: Duration) {
        self.set(id, ServiceState::Waiting, Some(why));
        self.change(id, |status| status.next = status.since.checked_add(after));
    }

    /// Says that what it does from now on is not to be counted with what it did.
    pub(crate) fn renew(&self, id: &EntryId) {
        self.change(id, |status| {
            (status.is_wanted, status.failures, status.restarts, status.has_started) = (true, 0, 0, false);
        });
    }

    /// Whether it is to run.
    pub(crate) fn want(&self, id: &EntryId, is_wanted: bool) {
        self.change(id, |status| status.is_wanted = is_wanted);
    }

    /// How often in a row it has ended.
    pub(crate) fn count(&self, id: &EntryId, failures: u32) {
        self.change(id, |status| status.failures = failures);
    }

    fn change(&self, id: &EntryId, change: impl FnOnce(&mut Status)) {
        let mut all = self.all();
        let status = all.entry(id.clone()).or_insert_with(|| Status {
            id: id.clone(),
            state: ServiceState::Unknown,
            is_wanted: true,
            since: SystemTime::now(),
            started: None,
            failures: 0,
            restarts: 0,
            next: None,
            has_started: false,
            details: None,
        });
        change(status);
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
