//! Settings as core takes them.

use crate::convert::command::Context;
use crate::{Client, WorkerSettings};
use temporalio_common::telemetry::TelemetryOptions;
use temporalio_common::worker::{
    VersioningBehavior, WorkerDeploymentOptions, WorkerDeploymentVersion, WorkerTaskTypes,
};
use temporalio_sdk_core::{
    CoreRuntime, PollerBehavior, RuntimeOptions, WorkerConfig, WorkerVersioningStrategy,
};

/// Core on the tokio runtime that is there, logging through the subscriber that is there.
pub(crate) fn runtime() -> Result<CoreRuntime, String> {
    let options = RuntimeOptions::builder().telemetry_options(TelemetryOptions::builder().build()).build()?;
    CoreRuntime::new_assume_tokio(options).map_err(|error| format!("{error:#}"))
}

pub(crate) fn context(client: &Client, settings: &WorkerSettings) -> Context {
    Context {
        namespace: client.namespace().to_owned(),
        task_queue: client.settings().task_queue(&settings.task_queue),
        queue_prefix: client.settings().tq_prefix.clone(),
        no_eager_activities: settings.disable_eager_activities,
        ..Context::default()
    }
}

pub(crate) fn worker(client: &Client, settings: &WorkerSettings) -> Result<WorkerConfig, String> {
    let rate = |rate: f64| (rate > 0.0).then_some(rate);
    let identity = (!settings.identity.is_empty()).then(|| settings.identity.clone());
    WorkerConfig::builder()
        .namespace(client.namespace())
        .task_queue(client.settings().task_queue(&settings.task_queue))
        .maybe_client_identity_override(identity)
        .task_types(WorkerTaskTypes {
            enable_workflows: !settings.disable_workflows,
            enable_local_activities: false,
            enable_remote_activities: !settings.disable_activities,
            // Nothing here would take such tasks, and core would wait for them at the end.
            enable_nexus: false,
        })
        .versioning_strategy(versioning(settings))
        .max_cached_workflows(settings.max_cached_workflows)
        .max_outstanding_workflow_tasks(settings.max_concurrent_workflow_tasks)
        .max_outstanding_activities(settings.max_concurrent_activities)
        .max_outstanding_local_activities(settings.max_concurrent_local_activities.max(1))
        .workflow_task_poller_behavior(PollerBehavior::SimpleMaximum(settings.workflow_task_pollers))
        .activity_task_poller_behavior(PollerBehavior::SimpleMaximum(settings.activity_task_pollers))
        .sticky_queue_schedule_to_start_timeout(settings.sticky_schedule_to_start_timeout)
        .max_heartbeat_throttle_interval(settings.max_heartbeat_throttle_interval)
        .default_heartbeat_throttle_interval(settings.default_heartbeat_throttle_interval)
        .maybe_max_worker_activities_per_second(rate(settings.activities_per_second))
        .maybe_max_task_queue_activities_per_second(rate(settings.task_queue_activities_per_second))
        .build()
}

fn versioning(settings: &WorkerSettings) -> WorkerVersioningStrategy {
    let versioning = &settings.versioning;
    if versioning.deployment_name.is_empty() {
        return WorkerVersioningStrategy::None { build_id: versioning.build_id.clone() };
    }
    let version = WorkerDeploymentVersion::builder()
        .deployment_name(versioning.deployment_name.clone())
        .build_id(versioning.build_id.clone())
        .build();
    let behaviour =
        if versioning.auto_upgrade { VersioningBehavior::AutoUpgrade } else { VersioningBehavior::Pinned };
    WorkerVersioningStrategy::WorkerDeploymentBased(
        WorkerDeploymentOptions::new(version)
            .use_worker_versioning(versioning.enabled)
            .maybe_default_versioning_behavior(versioning.enabled.then_some(behaviour))
            .build(),
    )
}
