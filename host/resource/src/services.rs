//! Starting and stopping what runs by itself.
//!
//! | when | what happens |
//! |---|---|
//! | `start` | every service with `lifecycle.auto_start`, and what it requires, starts; those required first |
//! | the registry changes | services whose entries are gone stop; changed ones stop and start anew; new ones start |
//! | `stop` | all stop, in the reverse order of their start |

use crate::status::{ServiceState, Status, Statuses};
use crate::{Lifecycle, Opened, Resources, Service, Startup};
use perilune_registry::{Entry, EntryId, Type};
use perilune_value::{Failure, Kind, from_value};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Under which what happens to services is logged.
const LOG: &str = "perilune::service";

/// The services of a host.
pub struct Services {
    resources: Arc<Resources>,
    /// In the order in which they started. Held while services start and stop.
    running: Mutex<Vec<Running>>,
    statuses: Statuses,
}

#[derive(Clone)]
struct Running {
    id: EntryId,
    service: Arc<dyn Service>,
    lifecycle: Lifecycle,
}

impl Services {
    /// Nothing runs yet.
    pub fn new(resources: Arc<Resources>) -> Self {
        Services { resources, running: Mutex::default(), statuses: Statuses::default() }
    }

    /// Starts what starts with the application. Those that run already go on.
    ///
    /// # Errors
    ///
    /// Why the first required service could not start; those started before it have been stopped again.
    pub async fn start(&self) -> Result<(), Failure> {
        let mut running = self.running.lock().await;
        let begun = running.len();
        match self.start_missing(&mut running).await {
            Ok(()) => Ok(()),
            Err(failure) => {
                let started = running.split_off(begun);
                self.stop_all(started).await;
                Err(failure)
            }
        }
    }

    /// Brings what runs in line with the registry. Failures are logged: nobody waits for them.
    pub async fn reconcile(&self) {
        let mut running = self.running.lock().await;
        let mut outdated = Vec::new();
        let mut kept = Vec::new();
        for one in running.drain(..) {
            let now = self.resources.open(&one.id, &[]).ok().and_then(|(opened, _)| opened.service);
            match now.is_some_and(|service| Arc::ptr_eq(&service, &one.service)) {
                true => kept.push(one),
                false => outdated.push(one),
            }
        }
        *running = kept;
        self.stop_all(outdated).await;
        if let Err(failure) = self.start_missing(&mut running).await {
            tracing::error!(target: LOG, error = %failure.message, "a service did not start after the registry changed");
        }
        self.resources.forget_outdated();
        let snapshot = self.resources.host().registry.snapshot();
        self.statuses.keep(|id| snapshot.get(id).is_some());
    }

    /// Stops everything, each service for as long as its `stop_timeout` allows.
    pub async fn stop(&self) {
        let mut running = self.running.lock().await;
        self.stop_all(std::mem::take(&mut *running)).await;
    }

    /// The ids of what runs, in the order in which they started.
    pub async fn running(&self) -> Vec<EntryId> {
        self.running.lock().await.iter().map(|one| one.id.clone()).collect()
    }

    /// What has become of each service that was started or tried to be, by id.
    pub fn statuses(&self) -> Vec<Status> {
        self.statuses.list()
    }

    async fn start_missing(&self, running: &mut Vec<Running>) -> Result<(), Failure> {
        let snapshot = self.resources.host().registry.snapshot();
        let entries = snapshot.entries().filter(|entry| self.resources.knows(entry.kind()));
        let wanted: Vec<Arc<Entry>> = entries
            .filter(|entry| lifecycle(entry).is_ok_and(|lifecycle| lifecycle.auto_start))
            .cloned()
            .collect();
        for entry in &wanted {
            self.start_one(entry.id(), running, &mut Vec::new()).await?;
        }
        Ok(())
    }

    /// Starts an entry's service after those that it requires or refers to.
    async fn start_one(
        &self,
        id: &EntryId,
        running: &mut Vec<Running>,
        way: &mut Vec<EntryId>,
    ) -> Result<(), Failure> {
        if running.iter().any(|one| one.id == *id) {
            return Ok(());
        }
        if way.contains(id) {
            let names: Vec<String> = way.iter().chain([id]).map(EntryId::to_string).collect();
            return Err(Failure::invalid(format!("services require each other: {}", names.join(" → "))));
        }
        let snapshot = self.resources.host().registry.snapshot();
        let Some(entry) = snapshot.get(id).filter(|entry| self.resources.knows(entry.kind())) else {
            return Ok(());
        };
        let lifecycle = lifecycle(entry)?;
        way.push(id.clone());
        for needed in self.needed(entry, &lifecycle) {
            Box::pin(self.start_one(&needed, running, way)).await?;
        }
        way.pop();
        let started = async {
            let (Opened { service, .. }, _) = self.resources.open(id, &[])?;
            let Some(service) = service else { return Ok(None) };
            self.statuses.set(id, ServiceState::Starting, None);
            let limit = lifecycle.start_timeout;
            match tokio::time::timeout(limit, service.start()).await {
                Ok(started) => started.map(|()| Some(service)),
                Err(_) => {
                    let limit = humantime::format_duration(limit);
                    Err(Failure::new(Kind::Timeout, format!("{id} was not ready within {limit}")))
                }
            }
        };
        match started.await {
            Ok(Some(service)) => {
                self.statuses.set(id, ServiceState::Running, service.address());
                tracing::info!(target: LOG, service = %id, at = service.address(), "started");
                running.push(Running { id: id.clone(), service, lifecycle });
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(failure) => {
                self.statuses.set(id, ServiceState::Failed, Some(failure.message.clone()));
                if lifecycle.startup == Startup::Required {
                    return Err(failure);
                }
                tracing::warn!(target: LOG, service = %id, error = %failure.message, "an optional service did not start");
                Ok(())
            }
        }
    }

    async fn stop_all(&self, services: Vec<Running>) {
        for Running { id, service, lifecycle } in services.into_iter().rev() {
            self.statuses.set(&id, ServiceState::Stopping, None);
            match tokio::time::timeout(lifecycle.stop_timeout, service.stop()).await {
                Ok(()) => tracing::info!(target: LOG, service = %id, "stopped"),
                Err(_) => {
                    tracing::warn!(target: LOG, service = %id, "stopped before all that it ran had ended");
                }
            }
            self.statuses.set(&id, ServiceState::Stopped, None);
        }
    }

    /// What must run before an entry: what it requires, and the entries in its fields.
    fn needed(&self, entry: &Entry, lifecycle: &Lifecycle) -> Vec<EntryId> {
        let mut references: Vec<String> = lifecycle.requires.clone();
        let rules = self.resources.host().registry.rules();
        if let Some(kind) = rules.kinds().get(entry.kind()) {
            kind.each_value(entry, &mut |ty, value, _| {
                if let (Type::Entry(_), Some(text)) = (ty, value.as_str()) {
                    references.push(text.to_owned());
                }
            });
        }
        let relative = |reference: &String| EntryId::relative(reference, entry.id().namespace()).ok();
        let mut needed: Vec<EntryId> =
            references.iter().filter_map(relative).filter(|id| id != entry.id()).collect();
        needed.dedup();
        needed
    }
}

fn lifecycle(entry: &Entry) -> Result<Lifecycle, Failure> {
    match entry.data().get("lifecycle") {
        None => Ok(Lifecycle::default()),
        Some(value) => from_value(value.clone())
            .map_err(|error| Failure::invalid(format!("{}: lifecycle: {error}", entry.id()))),
    }
}
