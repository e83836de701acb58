//! Keeps one service running: a task of its own for each.
//!
//! | phase | when | then |
//! |---|---|---|
//! | pending | what it needs does not run yet, it starts, or it waits to start again | up, failed |
//! | up | it is ready, or has nothing to run | pending, exited, failed |
//! | exited | it has done its work | – |
//! | failed | it is given up, or something that it needs is | – |
//!
//! Asked to stop, it leaves any of them.

use super::restart::{Attempts, End, Next};
use super::status::{ServiceState, Statuses};
use super::unit::{LOG, Unit, is_permanent};
use crate::Ended;
use perilune_registry::EntryId;
use perilune_value::{Failure, Kind};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// What those who need it want to know of a service.
#[derive(Clone, Debug)]
pub(crate) enum Phase {
    Pending,
    Up,
    Exited,
    Failed(Failure),
}

/// What becomes of the application when a service is given up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stakes {
    /// It ends, also when the service has never run.
    pub(crate) to_start: bool,
    /// It ends when the service has run before.
    pub(crate) to_go_on: bool,
    /// It is just starting, and cannot go on without the service.
    pub(crate) at_once: bool,
}

/// An entry that is to run.
pub(crate) struct Task {
    pub(crate) id: EntryId,
    /// Its service, nothing for an entry that does not run by itself, or why it cannot start at all.
    pub(crate) unit: Result<Option<Unit>, Failure>,
    /// What must run before.
    pub(crate) needs: Vec<(EntryId, watch::Receiver<Phase>)>,
    pub(crate) stakes: Stakes,
    /// Told the failure that ends the application.
    pub(crate) given_up: watch::Sender<Option<Failure>>,
    pub(crate) statuses: Arc<Statuses>,
}

/// The task that keeps a service. Dropping it lets go of the service without stopping it.
pub(crate) struct Keeper {
    phase: watch::Receiver<Phase>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Keeper {
    pub(crate) fn spawn(task: Task) -> Self {
        let (told, phase) = watch::channel(Phase::Pending);
        let (stop, asked) = oneshot::channel();
        let mut keeping = Keeping { task, phase: told, has_begun: false, was_up: false };
        let task = tokio::spawn(async move {
            tokio::select! {
                biased;
                asked = asked => if asked.is_ok() {
                    keeping.stop().await;
                },
                () = keeping.keep() => {}
            }
        });
        Keeper { phase, stop, task }
    }

    pub(crate) fn phase(&self) -> watch::Receiver<Phase> {
        self.phase.clone()
    }

    /// Stops the service, wherever it has got to.
    pub(crate) fn stop(self) -> impl Future<Output = ()> {
        // Nobody hears it when it has ended.
        let _ = self.stop.send(());
        async move {
            let _ = self.task.await;
        }
    }
}

struct Keeping {
    task: Task,
    phase: watch::Sender<Phase>,
    /// Whether something may run that must be stopped.
    has_begun: bool,
    was_up: bool,
}

impl Keeping {
    /// Returns when it will not start any more.
    async fn keep(&mut self) {
        let unit = match self.task.unit.clone() {
            Ok(unit) => unit,
            Err(refusal) => return self.fail(refusal),
        };
        if let Err(failure) = self.needs(unit.is_some()).await {
            return self.fail(failure);
        }
        let Some(unit) = unit else {
            self.phase.send_replace(Phase::Up);
            return;
        };
        let mut attempts = Attempts::default();
        loop {
            let (end, failure) = self.run(&unit, &mut attempts).await;
            let luck = rand::random_range(-1.0..=1.0);
            let next = attempts.after(end, &unit.lifecycle.restart, luck);
            unit.statuses.count(&unit.id, attempts.ends);
            match next {
                Next::Again { after } => {
                    self.phase.send_replace(Phase::Pending);
                    // Nobody reads nanoseconds.
                    let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
                    let (id, error, next) = (
                        &unit.id,
                        &failure.message,
                        humantime::format_duration(Duration::from_millis(millis)),
                    );
                    tracing::warn!(target: LOG, service = %id, %error, "ended, and starts again in {next}");
                    unit.statuses.waits(id, failure.message, after);
                    sleep(after).await;
                }
                Next::Exited => {
                    unit.has_ended(&Ended::Exited);
                    tracing::info!(target: LOG, service = %unit.id, "exited");
                    self.phase.send_replace(Phase::Exited);
                    return;
                }
                Next::Failed => return self.fail(in_a_row(&unit.id, attempts.ends, failure)),
            }
        }
    }

    /// Waits until what it needs runs.
    async fn needs(&mut self, is_service: bool) -> Result<(), Failure> {
        let Task { id, needs, statuses, .. } = &mut self.task;
        for (needed, phase) in needs {
            if is_service && matches!(*phase.borrow(), Phase::Pending) {
                statuses.set(id, ServiceState::Unknown, Some(format!("waits for {needed}")));
            }
            let found = phase.wait_for(|phase| !matches!(phase, Phase::Pending)).await;
            let failure = match found.as_deref() {
                Ok(Phase::Failed(failure)) => failure.clone(),
                Ok(_) => continue,
                // What it needs is being made anew, and so will this be.
                Err(_) => Failure::new(Kind::Canceled, "it was stopped"),
            };
            return Err(Failure {
                message: format!("{id} requires {needed}, which did not start: {}", failure.message),
                ..failure
            });
        }
        Ok(())
    }

    /// Runs it once: how that ended, and as what failure that counts.
    async fn run(&mut self, unit: &Unit, attempts: &mut Attempts) -> (End, Failure) {
        self.has_begun = true;
        let ended = match unit.start().await {
            Ok(()) => {
                self.was_up = true;
                self.phase.send_replace(Phase::Up);
                let started = Instant::now();
                let ended = unit.ended().await;
                if started.elapsed() >= unit.lifecycle.stable_threshold {
                    attempts.was_stable();
                }
                match ended {
                    Ended::Exited => (End::Exited, Failure::internal(format!("{} exited", unit.id))),
                    Ended::Failed(failure) => (End::Failed, failure),
                }
            }
            Err(failure) if is_permanent(&failure) || self.is_in_vain(unit, &failure) => {
                (End::Unstartable, failure)
            }
            Err(failure) => (End::Failed, failure),
        };
        self.has_begun = false;
        ended
    }

    /// Whether it wants what somebody else has, and nobody said to wait for that. An application that starts and finds its address
    /// taken nearly always runs already: whoever starts it is to know.
    fn is_in_vain(&self, unit: &Unit, failure: &Failure) -> bool {
        let is_taken = failure.kind == Kind::AlreadyExists;
        is_taken && self.task.stakes.at_once && !self.was_up && unit.lifecycle.restart.max_attempts.is_none()
    }

    fn fail(&self, failure: Failure) {
        let Task { id, statuses, stakes, given_up, .. } = &self.task;
        tracing::error!(target: LOG, service = %id, error = %failure.message, "given up");
        statuses.set(id, ServiceState::Failed, Some(failure.message.clone()));
        if stakes.to_start || (stakes.to_go_on && self.was_up) {
            given_up.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert_with(|| failure.clone());
                is_first
            });
        }
        self.phase.send_replace(Phase::Failed(failure));
    }

    async fn stop(&mut self) {
        let Ok(Some(unit)) = &self.task.unit else { return };
        match self.has_begun {
            true => unit.stop().await,
            false => unit.statuses.set(&unit.id, ServiceState::Stopped, None),
        }
    }
}

/// Says how often it was tried, where that is more than once.
fn in_a_row(id: &EntryId, ends: u32, failure: Failure) -> Failure {
    match ends {
        0 | 1 => failure,
        _ => Failure { message: format!("{id} ended {ends} times in a row: {}", failure.message), ..failure },
    }
}
