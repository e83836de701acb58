//! Starting and stopping what runs by itself.
//!
//! | when | what happens |
//! |---|---|
//! | `start` | every service with `lifecycle.auto_start`, and what it requires, starts; those required first |
//! | something changes | services whose entries are gone stop; changed ones stop and start anew; new ones start |
//! | `stop` | all stop, in the reverse order of their start |
//!
//! A service that panics has failed; the others go on.

use crate::guard::{guarded, guarded_async};
use crate::plan::{Step, plan};
use crate::status::{ServiceState, Status, Statuses};
use crate::{Lifecycle, Resources, Service, Startup};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// Under which what happens to services is logged.
const LOG: &str = "perilune::service";

/// The services of a host.
pub struct Services {
    resources: Arc<Resources>,
    /// In the order in which they started. Held while services start and stop.
    running: Mutex<Vec<Running>>,
    /// Whether services are to run: from `start` to `stop`.
    wanted: watch::Sender<bool>,
    statuses: Statuses,
}

#[derive(Clone)]
struct Running {
    id: EntryId,
    service: Arc<dyn Service>,
    lifecycle: Lifecycle,
}

/// What a required service that fails means for the others.
#[derive(Clone, Copy, PartialEq)]
enum OnFailure {
    /// None of them can go on without it.
    GiveUp,
    /// They have nothing to do with it, unless they require it.
    GoOn,
}

impl Services {
    /// Nothing runs yet.
    pub fn new(resources: Arc<Resources>) -> Self {
        Services {
            resources,
            running: Mutex::default(),
            wanted: watch::Sender::new(false),
            statuses: Statuses::default(),
        }
    }

    /// Starts what starts with the application. Those that run already go on.
    ///
    /// # Errors
    ///
    /// Why the first required service could not start; those started before it have been stopped again.
    pub async fn start(&self) -> Result<(), Failure> {
        let mut running = self.running.lock().await;
        self.wanted.send_replace(true);
        let begun = running.len();
        let started = self.start_missing(&mut running, OnFailure::GiveUp).await;
        if started.is_err() {
            self.stop_down_to(&mut running, begun).await;
            if begun == 0 {
                self.wanted.send_replace(false);
            }
        }
        started
    }

    /// Brings what runs in line with the registry, and with the values of variables. Failures are logged: nobody waits for
    /// them. Does nothing before [`Services::start`] and after [`Services::stop`].
    pub async fn reconcile(&self) {
        let mut running = self.running.lock().await;
        if *self.wanted.borrow() {
            self.renew(&mut running).await;
        }
    }

    async fn renew(&self, running: &mut Vec<Running>) {
        // One by one from the last: what is outdated goes on running until its turn has come, also when this is given up.
        let mut position = running.len();
        while position > 0 {
            position -= 1;
            if !self.is_current(&running[position]) {
                let outdated = running.remove(position);
                self.stop_one(outdated).await;
            }
        }
        // Each failure has been logged.
        let _ = self.start_missing(running, OnFailure::GoOn).await;
        self.resources.forget_outdated();
        let snapshot = self.resources.host().registry.snapshot();
        self.statuses.keep(|id| snapshot.get(id).is_some());
    }

    fn is_current(&self, one: &Running) -> bool {
        let now = self.resources.open(&one.id, &[]).ok().and_then(|(opened, _)| opened.service);
        now.is_some_and(|service| Arc::ptr_eq(&service, &one.service))
    }

    /// Stops everything, each service for as long as its `stop_timeout` allows; one that is just starting is given up. Dropped
    /// before its end, it leaves the rest running.
    pub async fn stop(&self) {
        self.wanted.send_replace(false);
        let mut running = self.running.lock().await;
        self.stop_down_to(&mut running, 0).await;
    }

    /// The ids of what runs, in the order in which they started.
    pub async fn running(&self) -> Vec<EntryId> {
        self.running.lock().await.iter().map(|one| one.id.clone()).collect()
    }

    /// What has become of each service that was started or tried to be, by id.
    pub fn statuses(&self) -> Vec<Status> {
        self.statuses.list()
    }

    async fn start_missing(&self, running: &mut Vec<Running>, on_failure: OnFailure) -> Result<(), Failure> {
        let there: HashSet<EntryId> = running.iter().map(|one| one.id.clone()).collect();
        let mut failed: HashMap<EntryId, Failure> = HashMap::new();
        for step in plan(&self.resources) {
            let id = step.entry.id();
            if there.contains(id) {
                continue;
            }
            if !*self.wanted.borrow() {
                return Err(given_up());
            }
            let missing = step.needs.iter().find_map(|needed| Some((needed, failed.get(needed)?)));
            let started = match (&step.refusal, missing) {
                (Some(refusal), _) => Err(refusal.clone()),
                (None, Some((needed, failure))) => Err(Failure {
                    message: format!("{id} requires {needed}, which did not start: {}", failure.message),
                    ..failure.clone()
                }),
                (None, None) => self.start_one(&step).await,
            };
            match started {
                Ok(Some(service)) => {
                    self.statuses.set(id, ServiceState::Running, service.address());
                    tracing::info!(target: LOG, service = %id, at = service.address(), "started");
                    running.push(Running { id: id.clone(), service, lifecycle: step.lifecycle });
                }
                // It does not run by itself.
                Ok(None) => {}
                Err(failure) if step.lifecycle.startup == Startup::Optional => {
                    self.statuses.set(id, ServiceState::Failed, Some(failure.message.clone()));
                    tracing::warn!(target: LOG, service = %id, error = %failure.message, "an optional service did not start");
                }
                Err(failure) => {
                    self.statuses.set(id, ServiceState::Failed, Some(failure.message.clone()));
                    let is_asked_for = step.lifecycle.auto_start || step.refusal.is_some();
                    if on_failure == OnFailure::GiveUp && is_asked_for {
                        return Err(failure);
                    }
                    tracing::error!(target: LOG, service = %id, error = %failure.message, "a service did not start");
                    failed.insert(id.clone(), failure);
                }
            }
        }
        Ok(())
    }

    /// Starts an entry's service, if it is one.
    async fn start_one(&self, step: &Step) -> Result<Option<Arc<dyn Service>>, Failure> {
        let id = step.entry.id();
        let Some(service) = self.resources.open(id, &[])?.0.service else { return Ok(None) };
        self.statuses.set(id, ServiceState::Starting, None);
        let limit = step.lifecycle.start_timeout;
        let starting = guarded_async("started this service", async { service.start().await });
        let mut wanted = self.wanted.subscribe();
        let problem = tokio::select! {
            biased;
            // The sender lives as long as `self`.
            _ = wanted.wait_for(|wanted| !wanted) => given_up(),
            ended = tokio::time::timeout(limit, starting) => match ended {
                Ok(Ok(Ok(()))) => return Ok(Some(service)),
                Ok(Ok(Err(failure))) => return Err(failure),
                Ok(Err(panic)) => Failure { message: format!("{id}: {}", panic.message), ..panic },
                Err(_) => {
                    let limit = humantime::format_duration(limit);
                    Failure::new(Kind::Timeout, format!("{id} was not ready within {limit}"))
                }
            },
        };
        // It cannot have cleaned up after itself.
        self.stop_one(Running { id: id.clone(), service, lifecycle: step.lifecycle.clone() }).await;
        Err(problem)
    }

    /// Stops the last services until so many are left.
    async fn stop_down_to(&self, running: &mut Vec<Running>, left: usize) {
        while running.len() > left {
            if let Some(last) = running.pop() {
                self.stop_one(last).await;
            }
        }
    }

    async fn stop_one(&self, one: Running) {
        let id = one.id.clone();
        self.statuses.set(&id, ServiceState::Stopping, None);
        stop(one).await;
        self.statuses.set(&id, ServiceState::Stopped, None);
    }
}

fn given_up() -> Failure {
    Failure::new(Kind::Canceled, "the services were stopped before all had started")
}

async fn stop(Running { id, service, lifecycle }: Running) {
    let stopping = guarded_async("stopped this service", async { service.stop().await });
    match tokio::time::timeout(lifecycle.stop_timeout, stopping).await {
        Ok(Ok(())) => tracing::info!(target: LOG, service = %id, "stopped"),
        Ok(Err(panic)) => tracing::error!(target: LOG, service = %id, error = %panic.message, "stopped"),
        Err(_) => tracing::warn!(target: LOG, service = %id, "stopped before all that it ran had ended"),
    }
    // The last one to hold it may be here.
    if let Err(panic) = guarded("dropped this service", move || drop(service)) {
        tracing::error!(target: LOG, service = %id, error = %panic.message, "stopped");
    }
}
