//! Where the work goes that a run asks for: to its own host, unless the entry belongs to another queue of a server.

use super::host::{Whereabouts, Workflows};
use super::{type_name, worker};
use perilune_registry::EntryId;
use std::sync::Arc;

/// Where a child or an activity goes.
pub(super) struct Route {
    /// The id of the host's entry.
    pub(super) host: Arc<str>,
    /// What it is called there.
    pub(super) name: String,
    /// Its queue, where that is not the run's own.
    pub(super) queue: Option<String>,
}

impl Whereabouts {
    /// Where an entry's work goes, in its role `workflow` or `activity`.
    pub(super) fn route(&self, entry: &str, role: &str) -> Route {
        self.elsewhere(entry, role).unwrap_or_else(|| Route {
            host: self.host.clone(),
            name: entry.to_owned(),
            queue: None,
        })
    }

    /// Everything of a host on a file stays there; what a server runs goes by what the entry says.
    fn elsewhere(&self, id: &str, role: &str) -> Option<Route> {
        let inner = self.home.upgrade().filter(|_| self.is_shared())?;
        let snapshot = inner.registry.snapshot();
        let entry = snapshot.get(&EntryId::parse(id).ok()?)?;
        let name = if role == "workflow" { type_name(entry) } else { id.to_owned() };
        let own = worker(entry, role).map(|worker| worker.to_string()).filter(|worker| *worker != *self.host);
        let Some(other) = own else {
            return Some(Route { host: self.host.clone(), name, queue: None });
        };
        let host = inner.modules.resources.get::<Workflows>(&other).ok()?;
        Some(Route { host: host.id().clone(), name, queue: host.queue().map(str::to_owned) })
    }
}
