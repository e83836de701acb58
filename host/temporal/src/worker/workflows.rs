//! The loop that gives runs what core has for them.
//!
//! Core never has two activations of one run out at a time, so a run's machine is taken out of the cache, used, and put back.

use super::run::{Answered, Run, contained};
use crate::WorkerSettings;
use crate::convert::command::Context;
use crate::convert::failure::to_failure;
use perilune_value::Failure;
use perilune_workflow::{Code, Machines, TaskFailure};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use temporalio_common::protos::coresdk::workflow_activation::{
    RemoveFromCache, WorkflowActivation, remove_from_cache::EvictionReason, workflow_activation_job::Variant,
};
use temporalio_common::protos::coresdk::workflow_completion::{
    Success, WorkflowActivationCompletion, workflow_activation_completion::Status,
};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowTaskFailedCause;
use temporalio_sdk_core::{CompleteWfError, PollError, Worker};
use tokio::task::JoinSet;

/// The runs of a worker.
pub(crate) struct Runs {
    machines: Arc<dyn Machines>,
    /// The part of every run's context that is the worker's.
    context: Context,
    limit: Option<Duration>,
    cached: Mutex<HashMap<String, Run>>,
    /// Evictions, for replays.
    pub(crate) evicted: Mutex<Vec<(EvictionReason, String)>>,
    keep_evictions: bool,
    /// The first task that failed, for replays.
    failure: Mutex<Option<TaskFailure>>,
}

impl Runs {
    pub(crate) fn new(machines: Arc<dyn Machines>, context: Context, settings: &WorkerSettings) -> Self {
        Runs {
            machines,
            context,
            limit: Some(settings.deadlock_detection_timeout).filter(|limit| !limit.is_zero()),
            cached: Mutex::default(),
            evicted: Mutex::default(),
            keep_evictions: false,
            failure: Mutex::default(),
        }
    }

    pub(crate) fn failure(&self) -> Option<TaskFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep_failure(&self, failure: &TaskFailure) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| failure.clone());
    }

    pub(crate) fn for_replay(machines: Arc<dyn Machines>, context: Context) -> Self {
        Runs { keep_evictions: true, ..Runs::new(machines, context, &WorkerSettings::default()) }
    }

    pub(crate) fn len(&self) -> usize {
        self.cached().len()
    }

    fn cached(&self) -> MutexGuard<'_, HashMap<String, Run>> {
        // Nothing panics while it is held.
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn run(&self, activation: &WorkflowActivation) -> Result<Run, TaskFailure> {
        if let Some(run) = self.cached().remove(&activation.run_id) {
            return Ok(run);
        }
        let init = activation.jobs.iter().find_map(|job| match &job.variant {
            Some(Variant::InitializeWorkflow(init)) => Some(init),
            _ => None,
        });
        let Some(init) = init else {
            // Failing the task makes core begin anew, with the whole history.
            return Err(TaskFailure::new(Failure::internal("the run's machine is gone")));
        };
        let machine = contained(self.machines.create(&init.workflow_type, &activation.run_id)).await?;
        Ok(Run {
            workflow_type: init.workflow_type.clone(),
            workflow_id: init.workflow_id.clone(),
            machine,
            context: Context {
                namespace: self.context.namespace.clone(),
                task_queue: self.context.task_queue.clone(),
                queue_prefix: self.context.queue_prefix.clone(),
                no_eager_activities: self.context.no_eager_activities,
                ..Context::default()
            },
            limit: self.limit,
        })
    }

    async fn activate(
        &self,
        worker: &Worker,
        activation: WorkflowActivation,
    ) -> WorkflowActivationCompletion {
        let run_id = activation.run_id.clone();
        let mut run = match self.run(&activation).await {
            Ok(run) => run,
            Err(failure) => {
                self.keep_failure(&failure);
                return failed(run_id, None, &failure);
            }
        };
        match run.activate(activation).await {
            Ok(Answered { commands, spoilt }) => {
                match spoilt {
                    None => {
                        self.cached().insert(run_id.clone(), run);
                    }
                    Some(failure) => {
                        warn(&failure, &run_id, Some(&run), "a query could not be answered");
                        worker.request_workflow_eviction(&run_id);
                    }
                }
                WorkflowActivationCompletion {
                    run_id,
                    status: Some(Status::Successful(Success { commands, ..Success::default() })),
                    ..WorkflowActivationCompletion::default()
                }
            }
            Err(failure) => {
                self.keep_failure(&failure);
                failed(run_id, Some(&run), &failure)
            }
        }
    }

    fn evict(&self, run_id: &str, why: &RemoveFromCache) {
        let run = self.cached().remove(run_id);
        let workflow_id = run.as_ref().map_or("", |run| run.workflow_id.as_str());
        match why.reason() {
            EvictionReason::Nondeterminism => tracing::error!(
                code = Code::Nondeterminism.as_str(),
                run_id,
                workflow_id,
                "the workflow's code does not do what its history says; bring back the code that the run began with, \
                 or branch with `workflow.version`: {}",
                why.message
            ),
            EvictionReason::LangFail
            | EvictionReason::UnhandledCommand
            | EvictionReason::Fatal
            | EvictionReason::PaginationOrHistoryFetch => tracing::warn!(
                code = Code::TaskFailed.as_str(),
                run_id,
                workflow_id,
                reason = why.reason().as_str_name(),
                "a workflow's machine was given up: {}",
                why.message
            ),
            reason => {
                tracing::debug!(run_id, workflow_id, reason = reason.as_str_name(), "a machine was let go")
            }
        }
        if self.keep_evictions {
            let mut evicted = self.evicted.lock().unwrap_or_else(PoisonError::into_inner);
            evicted.push((why.reason(), why.message.clone()));
        }
    }
}

/// Runs until core has no more activations.
pub(crate) async fn drive(worker: Arc<Worker>, runs: Arc<Runs>) {
    let mut answering = JoinSet::new();
    loop {
        let activation = match worker.poll_workflow_activation().await {
            Ok(activation) => activation,
            Err(PollError::ShutDown) => break,
            Err(error) => {
                tracing::error!(code = Code::StoreUnavailable.as_str(), "no more workflow tasks: {error}");
                worker.initiate_shutdown();
                break;
            }
        };
        while answering.try_join_next().is_some() {}
        if let Some(Variant::RemoveFromCache(why)) =
            activation.jobs.first().and_then(|job| job.variant.as_ref())
        {
            runs.evict(&activation.run_id, why);
            complete(&worker, WorkflowActivationCompletion::empty(activation.run_id)).await;
            continue;
        }
        let (worker, runs) = (Arc::clone(&worker), Arc::clone(&runs));
        answering.spawn(async move {
            let completion = runs.activate(&worker, activation).await;
            complete(&worker, completion).await;
        });
    }
    while answering.join_next().await.is_some() {}
}

async fn complete(worker: &Worker, completion: WorkflowActivationCompletion) {
    match worker.complete_workflow_activation(completion).await {
        Ok(()) => {}
        Err(CompleteWfError::MalformedWorkflowCompletion { reason, run_id }) => {
            let failure = TaskFailure::coded(Code::InvalidCommand, reason);
            let completion = failed(run_id, None, &failure);
            if let Err(error) = worker.complete_workflow_activation(completion).await {
                tracing::error!(
                    code = Code::InvalidCommand.as_str(),
                    "a workflow task has no answer: {error}"
                );
            }
        }
        Err(error) => {
            tracing::error!(code = Code::TaskFailed.as_str(), "a workflow task has no answer: {error}")
        }
    }
}

/// The task is tried again by another machine; the run goes on.
fn failed(run_id: String, run: Option<&Run>, failure: &TaskFailure) -> WorkflowActivationCompletion {
    warn(failure, &run_id, run, "a workflow task failed, and will be tried again");
    let cause = match failure.code {
        Code::Nondeterminism => WorkflowTaskFailedCause::NonDeterministicError,
        _ => WorkflowTaskFailedCause::WorkflowWorkerUnhandledFailure,
    };
    let told = failure.failure.clone().with_detail("code", failure.code.as_str());
    WorkflowActivationCompletion::fail(run_id, to_failure(&told), Some(cause))
}

fn warn(failure: &TaskFailure, run_id: &str, run: Option<&Run>, what: &str) {
    tracing::warn!(
        code = failure.code.as_str(),
        run_id,
        workflow_id = run.map_or("", |run| run.workflow_id.as_str()),
        workflow_type = run.map_or("", |run| run.workflow_type.as_str()),
        "{what}: {}",
        failure.failure.message
    );
}
