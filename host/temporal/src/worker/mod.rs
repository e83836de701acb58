//! A worker: takes workflow tasks and activities from a queue until it is told to stop.

pub(crate) mod activities;
pub(crate) mod config;
pub(crate) mod run;
pub(crate) mod workflows;

use crate::{Client, TemporalError, WorkerSettings};
use activities::Running;
use perilune_workflow::{Activities, Machines};
use std::sync::Arc;
use std::time::Duration;
use temporalio_sdk_core::{CoreRuntime, init_worker};
use tokio::task::JoinHandle;
use workflows::Runs;

/// Part of the grace at the end after which activities are told; the rest is theirs to come to an end by themselves.
const TOLD_AFTER: f64 = 0.8;

/// A worker that runs. Dropping it stops it from taking tasks; [`Worker::shutdown`] ends it in order.
pub struct Worker {
    core: Option<Arc<temporalio_sdk_core::Worker>>,
    // Core's workers live no longer than their runtime.
    _runtime: CoreRuntime,
    workflows: Option<JoinHandle<()>>,
    activities: Option<JoinHandle<()>>,
    running: Arc<Running>,
    runs: Arc<Runs>,
    task_queue: String,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("task_queue", &self.task_queue).finish_non_exhaustive()
    }
}

impl Worker {
    /// Starts a worker. Waits for the server where it is away, and says so in the log; drop the future to give up.
    ///
    /// # Errors
    ///
    /// What waiting cannot help: settings, credentials, a namespace that is missing.
    pub async fn start(
        client: &Client,
        settings: &WorkerSettings,
        machines: Arc<dyn Machines>,
        activities: Arc<dyn Activities>,
    ) -> Result<Self, TemporalError> {
        settings.check()?;
        client.ready().await?;
        let task_queue = client.settings().task_queue(&settings.task_queue);
        let refused = |message: String| TemporalError::Worker { task_queue: task_queue.clone(), message };
        let runtime = config::runtime().map_err(refused)?;
        let core_config = config::worker(client, settings).map_err(refused)?;
        let connection = client.connection().await?;
        let core =
            init_worker(&runtime, core_config, connection).map_err(|error| refused(format!("{error:#}")))?;
        // Also tells core the server's limits, so that what is too large fails here and with a reason.
        core.validate().await.map_err(|error| refused(error.to_string()))?;
        let core = Arc::new(core);
        let runs = Arc::new(Runs::new(machines, config::context(client, settings), settings));
        let running = Arc::new(Running::default());
        let workflows = (!settings.disable_workflows)
            .then(|| tokio::spawn(workflows::drive(Arc::clone(&core), Arc::clone(&runs))));
        let activities = (!settings.disable_activities)
            .then(|| tokio::spawn(activities::drive(Arc::clone(&core), activities, Arc::clone(&running))));
        tracing::info!(task_queue, namespace = client.namespace(), "the Temporal worker takes tasks");
        Ok(Worker { core: Some(core), _runtime: runtime, workflows, activities, running, runs, task_queue })
    }

    /// The queue, as the server knows it.
    pub fn task_queue(&self) -> &str {
        &self.task_queue
    }

    /// Machines that are held at the moment.
    pub fn cached_runs(&self) -> usize {
        self.runs.len()
    }

    /// Ends in order: no more tasks are taken, those that were taken are finished, running activities for at most this long; the
    /// server hands what is left to another worker.
    pub async fn shutdown(mut self, grace: Duration) {
        let Some(core) = self.core.take() else { return };
        core.initiate_shutdown();
        let running = Arc::clone(&self.running);
        let hurry = tokio::spawn(async move {
            let told = grace.mul_f64(TOLD_AFTER);
            tokio::time::sleep(told).await;
            running.tell();
            tokio::time::sleep(grace.saturating_sub(told)).await;
            running.abandon();
        });
        // Both end when core says that there will be no more tasks: what was polled has then been answered.
        for drained in [self.workflows.take(), self.activities.take()].into_iter().flatten() {
            if let Err(error) = drained.await {
                tracing::error!(task_queue = self.task_queue, "a loop of the Temporal worker died: {error}");
            }
        }
        hurry.abort();
        core.shutdown().await;
        match Arc::into_inner(core) {
            Some(core) => core.finalize_shutdown().await,
            None => tracing::debug!("the Temporal worker is held elsewhere, and not finalised"),
        }
        tracing::info!(task_queue = self.task_queue, "the Temporal worker has ended");
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(core) = &self.core {
            core.initiate_shutdown();
        }
    }
}
