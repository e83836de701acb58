//! Kind `temporal.worker`: runs workflows and activities of a Temporal server's task queue.

use super::client::{Server, failure};
use crate::workflows::host::{Address, Place, Workflows};
use crate::workflows::kinds::FIELD;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use perilune_registry::{Field, Fields, KindSpec, Type};
use perilune_resource::{LIFECYCLE, Opened, Opening, ResourceKind, kind};
use perilune_temporal::{Client, TemporalBackend, Versioning, Worker, WorkerSettings};
use perilune_value::Failure;
use perilune_workflow::{Activities, Backend, Machines};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);
/// Within what a service may take to stop, unless its entry says otherwise: an attempt that the server is not told the end of is
/// tried again only after its timeout.
const GRACE: Duration = Duration::from_secs(8);

pub(in crate::workflows) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "temporal.worker",
        doc: "Runs workflows and activities of a Temporal server's task queue",
        fields: Fields::Known(&[
            Field {
                name: "client",
                ty: Type::Entry(&["temporal.client"]),
                required: true,
                doc: "the server",
                ..FIELD
            },
            Field { name: "task_queue", ty: Type::String, required: true, doc: "the queue", ..FIELD },
            Field {
                name: "worker_options",
                ty: Type::Object(OPTIONS),
                default: "none",
                doc: "how much it takes on, and how",
                ..FIELD
            },
            LIFECYCLE,
        ]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open,
};

const fn count(name: &'static str, min: i64, default: &'static str, doc: &'static str) -> Field {
    Field { name, ty: Type::Integer { min, max: 1_000_000 }, default, doc, ..FIELD }
}

const fn rate(name: &'static str, doc: &'static str) -> Field {
    Field { name, ty: Type::Number { min: 0.0, max: 1e9 }, default: "0, any number", doc, ..FIELD }
}

const fn time(name: &'static str, default: &'static str, doc: &'static str) -> Field {
    Field { name, ty: Type::Duration { max: HOUR }, default, doc, ..FIELD }
}

const fn flag(name: &'static str, doc: &'static str) -> Field {
    Field { name, ty: Type::Bool, default: "`false`", doc, ..FIELD }
}

const fn word(name: &'static str, default: &'static str, doc: &'static str) -> Field {
    Field { name, ty: Type::String, default, doc, ..FIELD }
}

/// Says so of fields that the server's clients of other languages have and this one cannot follow.
const UNUSED: &str = "accepted, and without effect here";

const OPTIONS: &[Field] = &[
    count("max_concurrent_workflow_task_execution_size", 2, "1000", "steps of workflows at the same time"),
    count("max_concurrent_activity_execution_size", 1, "1000", "activities at the same time"),
    count("max_concurrent_local_activity_execution_size", 1, "1000", UNUSED),
    count("max_concurrent_session_execution_size", 1, "1000", UNUSED),
    count("max_concurrent_workflow_task_pollers", 2, "20", "requests that wait for steps of workflows"),
    count("max_concurrent_activity_task_pollers", 1, "20", "requests that wait for activities"),
    count(
        "max_cached_workflows",
        0,
        "500",
        "workflows that keep their cell between two steps; the others run their history again",
    ),
    time("sticky_schedule_to_start_timeout", "5s", "how long a step waits for the host that has its cell"),
    rate("worker_activities_per_second", "activities that this worker begins in a second"),
    rate("worker_local_activities_per_second", UNUSED),
    rate("task_queue_activities_per_second", "activities that all workers of the queue begin in a second"),
    word("identity", "the client's", "how the server's pages name it"),
    time("worker_stop_timeout", "8s", "how long running activities are waited for at the end"),
    time("deadlock_detection_timeout", "none", "how long one step of a workflow may take"),
    time(
        "max_heartbeat_throttle_interval",
        "60s",
        "the longest time between two heartbeats that reach the server",
    ),
    time(
        "default_heartbeat_throttle_interval",
        "30s",
        "the same, for activities without a heartbeat timeout",
    ),
    flag("enable_session_worker", UNUSED),
    flag("disable_workflow_worker", "whether it runs activities only"),
    flag("local_activity_worker_only", "whether it runs workflows only"),
    flag(
        "disable_eager_activities",
        "whether activities never come back with the answer to the step that wants them",
    ),
    flag("disable_registration_aliasing", UNUSED),
    flag("enable_logging_in_replay", UNUSED),
    word("deployment_name", "none", "the deployment that this version of the code belongs to"),
    word("build_id", "none", "which version of the code this is"),
    word("build_id_env", "none", "the variable that says so"),
    flag("use_versioning", "whether the server goes by deployment and version"),
    Field {
        name: "default_versioning_behavior",
        ty: Type::OneOf(&["pinned", "auto_upgrade"]),
        default: "`pinned`",
        doc: "whether open runs stay with their version",
        ..FIELD
    },
];

#[derive(Deserialize)]
struct Config {
    client: String,
    task_queue: String,
    #[serde(default)]
    worker_options: Options,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Options {
    max_concurrent_workflow_task_execution_size: Option<usize>,
    max_concurrent_activity_execution_size: Option<usize>,
    max_concurrent_workflow_task_pollers: Option<usize>,
    max_concurrent_activity_task_pollers: Option<usize>,
    max_cached_workflows: Option<usize>,
    #[serde(deserialize_with = "kind::optional_duration")]
    sticky_schedule_to_start_timeout: Option<Duration>,
    worker_activities_per_second: f64,
    task_queue_activities_per_second: f64,
    identity: String,
    #[serde(deserialize_with = "kind::optional_duration")]
    worker_stop_timeout: Option<Duration>,
    #[serde(deserialize_with = "kind::optional_duration")]
    deadlock_detection_timeout: Option<Duration>,
    #[serde(deserialize_with = "kind::optional_duration")]
    max_heartbeat_throttle_interval: Option<Duration>,
    #[serde(deserialize_with = "kind::optional_duration")]
    default_heartbeat_throttle_interval: Option<Duration>,
    disable_workflow_worker: bool,
    local_activity_worker_only: bool,
    disable_eager_activities: bool,
    deployment_name: String,
    build_id: String,
    build_id_env: Option<String>,
    use_versioning: bool,
    default_versioning_behavior: Option<String>,
}

/// Workflows that keep their cell: a cell is memory, and the other limits of the host are made for some 1,000.
const CACHED: usize = 500;

impl Options {
    fn settings(self, task_queue: String) -> WorkerSettings {
        let base = WorkerSettings::default();
        WorkerSettings {
            task_queue,
            max_concurrent_workflow_tasks: self
                .max_concurrent_workflow_task_execution_size
                .unwrap_or(base.max_concurrent_workflow_tasks),
            max_concurrent_activities: self
                .max_concurrent_activity_execution_size
                .unwrap_or(base.max_concurrent_activities),
            max_concurrent_local_activities: base.max_concurrent_local_activities,
            workflow_task_pollers: self
                .max_concurrent_workflow_task_pollers
                .unwrap_or(base.workflow_task_pollers),
            activity_task_pollers: self
                .max_concurrent_activity_task_pollers
                .unwrap_or(base.activity_task_pollers),
            max_cached_workflows: self.max_cached_workflows.unwrap_or(CACHED),
            sticky_schedule_to_start_timeout: self
                .sticky_schedule_to_start_timeout
                .unwrap_or(base.sticky_schedule_to_start_timeout),
            activities_per_second: self.worker_activities_per_second,
            task_queue_activities_per_second: self.task_queue_activities_per_second,
            identity: self.identity,
            worker_stop_timeout: self.worker_stop_timeout.unwrap_or(GRACE),
            deadlock_detection_timeout: self.deadlock_detection_timeout.unwrap_or_default(),
            max_heartbeat_throttle_interval: self
                .max_heartbeat_throttle_interval
                .unwrap_or(base.max_heartbeat_throttle_interval),
            default_heartbeat_throttle_interval: self
                .default_heartbeat_throttle_interval
                .unwrap_or(base.default_heartbeat_throttle_interval),
            disable_workflows: self.disable_workflow_worker,
            disable_activities: self.local_activity_worker_only,
            disable_eager_activities: self.disable_eager_activities,
            versioning: Versioning {
                deployment_name: self.deployment_name,
                build_id: self.build_id,
                enabled: self.use_versioning,
                auto_upgrade: self.default_versioning_behavior.as_deref() == Some("auto_upgrade"),
            },
        }
    }
}

/// A queue of a server.
struct Queue {
    client: Client,
    settings: WorkerSettings,
    /// For starts and signals while no worker runs here.
    outside: Arc<TemporalBackend>,
}

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let Config { client, task_queue, mut worker_options } = opening.config()?;
    if let Some(name) = worker_options.build_id_env.take() {
        let value = (opening.host().variables)(opening, &name)?;
        worker_options.build_id = value.ok_or_else(|| {
            let id = opening.id();
            Failure::invalid(format!(
                "{id}: field `worker_options.build_id_env`: there is no variable {name}"
            ))
        })?;
    }
    let client = opening.resource::<Server>(&client)?.client.clone();
    let settings = worker_options.settings(task_queue);
    settings.check().map_err(|error| failure(&opening.id().to_string(), error))?;
    let outside = Arc::new(TemporalBackend::new(client.clone(), &settings.task_queue));
    Ok(Workflows::open(opening, Queue { client, settings, outside }))
}

impl Place for Queue {
    fn open(
        &self,
        machines: Arc<dyn Machines>,
        activities: Arc<dyn Activities>,
    ) -> BoxFuture<'_, Result<Arc<dyn Backend>, Failure>> {
        async move {
            let worker = Worker::start(&self.client, &self.settings, machines, activities).await;
            let worker =
                worker.map_err(|error| perilune_workflow::WorkflowError::from(error).into_failure())?;
            let backend = TemporalBackend::new(self.client.clone(), &self.settings.task_queue);
            Ok(Arc::new(backend.with_worker(worker)) as Arc<dyn Backend>)
        }
        .boxed()
    }

    fn outside(&self) -> Option<Arc<dyn Backend>> {
        Some(self.outside.clone())
    }

    fn look(&self) -> Result<Arc<dyn Backend>, Failure> {
        Ok(self.outside.clone())
    }

    fn address(&self) -> Address {
        Address {
            namespace: Some(self.client.settings().namespace.clone()),
            queue: Some(self.settings.task_queue.clone()),
        }
    }

    fn describe(&self) -> String {
        let client = self.client.settings();
        format!(
            "{} ({}, queue {})",
            client.address,
            client.namespace,
            client.task_queue(&self.settings.task_queue)
        )
    }

    fn grace(&self) -> Duration {
        self.settings.worker_stop_timeout
    }
}
