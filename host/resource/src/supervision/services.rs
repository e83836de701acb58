//! Starting and stopping what runs by itself.
//!
//! | when | what happens |
//! |---|---|
//! | `start` | every service with `lifecycle.auto_start`, and what it requires, starts as soon as what it requires itself runs |
//! | one ends by itself | it starts again as its `lifecycle.restart` says (`keeper.rs`) |
//! | a required one is given up | `given_up` tells whoever runs the host, which is to end |
//! | something changes | services whose entries are gone stop; changed ones stop and start anew; new ones start |
//! | `stop` | all stop, each after those that require it |
//!
//! A service that panics has failed; the others go on.

use super::keeper::{Keeper, Phase, Stakes, Task};
use super::plan::{Step, plan};
use super::status::{Status, Statuses};
use super::unit::{Unit, let_go};
use crate::{Resources, Service};
use futures_util::future::{join_all, pending};
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};

/// The services of a host.
pub struct Services {
    resources: Arc<Resources>,
    /// Each after what it needs. Held while services are added and stopped.
    kept: Mutex<Vec<Kept>>,
    /// Whether services are to run: from `start` to `stop`.
    wanted: watch::Sender<bool>,
    /// The first failure that ends the application.
    given_up: watch::Sender<Option<Failure>>,
    statuses: Arc<Statuses>,
}

/// An entry that is to run.
struct Kept {
    id: EntryId,
    /// Nothing for one that does not run by itself, or cannot.
    service: Option<Arc<dyn Service>>,
    needs: Vec<EntryId>,
    stakes: Stakes,
    keeper: Keeper,
}

impl Services {
    /// Nothing runs yet.
    pub fn new(resources: Arc<Resources>) -> Self {
        let statuses = resources.host().shared.get();
        Services {
            resources,
            kept: Mutex::default(),
            wanted: watch::Sender::new(false),
            given_up: watch::Sender::new(None),
            statuses,
        }
    }

    /// Starts what starts with the application, and waits until the required ones run. Those that run already go on.
    ///
    /// # Errors
    ///
    /// Why the first required service was given up, or `Canceled` when all were stopped meanwhile; those that this started have
    /// been stopped again.
    pub async fn start(&self) -> Result<(), Failure> {
        let mut kept = self.kept.lock().await;
        let before: HashSet<EntryId> = kept.iter().map(|one| one.id.clone()).collect();
        let (mut wanted, mut given_up) = (self.wanted.subscribe(), self.given_up.subscribe());
        self.wanted.send_replace(true);
        self.given_up.send_replace(None);
        self.keep(&mut kept, plan(&self.resources), |stakes| stakes);
        let required: Vec<_> =
            kept.iter().filter(|one| one.stakes.to_start).map(|one| one.keeper.phase()).collect();
        drop(kept);
        let failure = tokio::select! {
            biased;
            // The senders live as long as `self`.
            _ = wanted.wait_for(|wanted| !wanted) => canceled(),
            failure = first(&mut given_up) => failure,
            () = all_up(required) => return Ok(()),
        };
        let mut kept = self.kept.lock().await;
        let new: Vec<Kept> = kept.extract_if(.., |one| !before.contains(&one.id)).collect();
        self.stop_those(new).await;
        if kept.is_empty() {
            self.wanted.send_replace(false);
        }
        Err(failure)
    }

    /// Waits until a required service is given up, and gives its failure: the application cannot go on without it. One that
    /// a change has brought counts once it has run.
    pub async fn given_up(&self) -> Failure {
        first(&mut self.given_up.subscribe()).await
    }

    /// Brings what runs in line with the registry, and with the values of variables; what was given up is tried again. Does
    /// nothing before [`Services::start`] and after [`Services::stop`].
    pub async fn reconcile(&self) {
        let mut kept = self.kept.lock().await;
        if !*self.wanted.borrow() {
            return;
        }
        let plan = plan(&self.resources);
        let outdated = self.outdated(&kept, &plan);
        let outdated: Vec<Kept> = kept.extract_if(.., |one| outdated.contains(&one.id)).collect();
        self.stop_those(outdated).await;
        self.keep(&mut kept, plan, |stakes| Stakes { to_start: false, at_once: false, ..stakes });
        self.resources.forget_outdated();
        let snapshot = self.resources.host().registry.snapshot();
        self.statuses.keep(|id| snapshot.get(id).is_some());
    }

    /// Stops everything, each service for as long as its `stop_timeout` allows; one that is just starting is given up. Dropped
    /// before its end, it lets go of the rest.
    pub async fn stop(&self) {
        self.wanted.send_replace(false);
        let mut kept = self.kept.lock().await;
        self.stop_those(std::mem::take(&mut *kept)).await;
    }

    /// The ids of what runs or will, each after what it requires.
    pub async fn running(&self) -> Vec<EntryId> {
        let kept = self.kept.lock().await;
        let is_running = |one: &&Kept| {
            one.service.is_some() && matches!(*one.keeper.phase().borrow(), Phase::Pending | Phase::Up)
        };
        kept.iter().filter(is_running).map(|one| one.id.clone()).collect()
    }

    /// What has become of each service that was started or tried to be, by id.
    pub fn statuses(&self) -> Vec<Status> {
        self.statuses.list()
    }

    /// Keeps what is not kept yet.
    fn keep(&self, kept: &mut Vec<Kept>, plan: Vec<Step>, stakes: impl Fn(Stakes) -> Stakes) {
        let order: HashMap<EntryId, usize> =
            plan.iter().enumerate().map(|(position, step)| (step.entry.id().clone(), position)).collect();
        let mut phases: HashMap<EntryId, watch::Receiver<Phase>> =
            kept.iter().map(|one| (one.id.clone(), one.keeper.phase())).collect();
        for step in plan {
            let id = step.entry.id().clone();
            if phases.contains_key(&id) {
                continue;
            }
            let stakes = stakes(step.stakes);
            let unit = self.unit(&step);
            let service = unit.as_ref().ok().and_then(|unit| Some(unit.as_ref()?.service.clone()));
            if service.is_some() {
                self.statuses.renew(&id);
            }
            let needs =
                step.needs.iter().filter_map(|needed| Some((needed.clone(), phases.get(needed)?.clone())));
            let keeper = Keeper::spawn(Task {
                id: id.clone(),
                unit,
                needs: needs.collect(),
                stakes,
                given_up: self.given_up.clone(),
                statuses: self.statuses.clone(),
            });
            phases.insert(id.clone(), keeper.phase());
            kept.push(Kept { id, service, needs: step.needs, stakes, keeper });
        }
        kept.sort_by_key(|one| order.get(&one.id).copied());
    }

    fn unit(&self, step: &Step) -> Result<Option<Unit>, Failure> {
        if let Some(refusal) = &step.refusal {
            return Err(refusal.clone());
        }
        let id = step.entry.id();
        let service = self.resources.open(id, &[])?.0.service;
        let (lifecycle, statuses) = (step.lifecycle.clone(), self.statuses.clone());
        Ok(service.map(|service| Unit { id: id.clone(), service, lifecycle, statuses }))
    }

    /// What must stop: what is not to run any more, has changed or was given up, and what waits for such.
    fn outdated(&self, kept: &[Kept], plan: &[Step]) -> HashSet<EntryId> {
        let wanted: HashSet<&EntryId> = plan.iter().map(|step| step.entry.id()).collect();
        let mut outdated = HashSet::new();
        for one in kept {
            let is_over = match &*one.keeper.phase().borrow() {
                Phase::Pending => one.needs.iter().any(|needed| outdated.contains(needed)),
                Phase::Up | Phase::Exited => false,
                Phase::Failed(_) => true,
            };
            if is_over || !wanted.contains(&one.id) || !self.is_current(one) {
                outdated.insert(one.id.clone());
            }
        }
        outdated
    }

    fn is_current(&self, one: &Kept) -> bool {
        match (self.resources.open(&one.id, &[]), &one.service) {
            (Ok((opened, _)), Some(service)) => opened.service.is_some_and(|now| Arc::ptr_eq(&now, service)),
            (Ok((opened, _)), None) => opened.service.is_none(),
            (Err(_), _) => false,
        }
    }

    /// Stops some, level by level: those that nobody else requires first.
    async fn stop_those(&self, those: Vec<Kept>) {
        let mut height: HashMap<EntryId, usize> = HashMap::new();
        let mut levels: Vec<Vec<Kept>> = Vec::new();
        for one in those {
            let level =
                one.needs.iter().filter_map(|needed| height.get(needed)).max().map_or(0, |level| level + 1);
            height.insert(one.id.clone(), level);
            if levels.len() <= level {
                levels.resize_with(level + 1, Vec::new);
            }
            levels[level].push(one);
        }
        while let Some(level) = levels.pop() {
            let stopping = level.into_iter().rev().map(|Kept { id, service, keeper, .. }| {
                if service.is_some() {
                    self.statuses.want(&id, false);
                }
                let stopping = keeper.stop();
                async move {
                    stopping.await;
                    if let Some(service) = service {
                        let_go(&id, service);
                    }
                }
            });
            join_all(stopping).await;
        }
    }
}

fn canceled() -> Failure {
    Failure::new(Kind::Canceled, "the services were stopped before all had started")
}

async fn first(given_up: &mut watch::Receiver<Option<Failure>>) -> Failure {
    let found = given_up.wait_for(Option::is_some).await.ok().and_then(|failure| failure.clone());
    match found {
        Some(failure) => failure,
        // Services that are gone are not given up.
        None => pending().await,
    }
}

/// Waits until all run, or have run.
async fn all_up(phases: Vec<watch::Receiver<Phase>>) {
    for mut phase in phases {
        // One that was stopped or replaced meanwhile is waited for no longer; a failure is told elsewhere.
        let _ = phase.wait_for(|phase| matches!(phase, Phase::Up | Phase::Exited | Phase::Failed(_))).await;
    }
}
