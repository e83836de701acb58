//! What the entries of clients and workers say, as plain data. Durations of zero are "not set", as in the entries.

use crate::TemporalError;
use std::path::PathBuf;
use std::time::Duration;

/// `temporal.client`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// `host:port`, or a URL with `http` or `https`.
    pub address: String,
    /// The namespace.
    pub namespace: String,
    /// Stands before the name of every task queue.
    pub tq_prefix: String,
    /// How long a connection may take to be made, all attempts together; workers go on trying.
    pub connection_timeout: Duration,
    /// How often a silent connection is asked whether it is alive.
    pub keep_alive_time: Duration,
    /// How long it may take to answer that.
    pub keep_alive_timeout: Duration,
    /// How often [`Client::check`](crate::Client::check) should be called; never without it.
    pub health_check: Option<Duration>,
    /// Who this host is.
    pub auth: Auth,
    /// How the connection is encrypted.
    pub tls: TlsSettings,
    /// How this host names itself; process and machine where it is empty.
    pub identity: String,
}

impl Default for ClientSettings {
    fn default() -> Self {
        ClientSettings {
            address: String::new(),
            namespace: "default".to_owned(),
            tq_prefix: String::new(),
            connection_timeout: Duration::from_secs(10),
            keep_alive_time: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(10),
            health_check: None,
            auth: Auth::None,
            tls: TlsSettings::default(),
            identity: String::new(),
        }
    }
}

impl ClientSettings {
    /// A client of the namespace `default`, in the clear.
    pub fn new(address: impl Into<String>) -> Self {
        ClientSettings { address: address.into(), ..ClientSettings::default() }
    }

    /// What can be said of settings without a server.
    ///
    /// # Errors
    ///
    /// [`TemporalError::Setting`], for the first field that is wrong.
    pub fn check(&self) -> Result<(), TemporalError> {
        let wrong = |field, message: &str| Err(TemporalError::Setting { field, message: message.to_owned() });
        if self.address.is_empty() {
            return wrong("address", "is required: `host:port`");
        }
        self.url()?;
        if self.namespace.is_empty() {
            return wrong("namespace", "is empty; leave it out for `default`");
        }
        if self.connection_timeout.is_zero() {
            return wrong("connection_timeout", "is zero; leave it out for 10s");
        }
        if self.tls.insecure_skip_verify && self.tls.server_name.is_some() {
            return wrong(
                "tls.server_name",
                "names the server that `tls.insecure_skip_verify` says not to check; leave one of them out",
            );
        }
        if self.tls.insecure_skip_verify && self.tls.ca.is_some() {
            return wrong(
                "tls.ca_file",
                "says whom to trust where `tls.insecure_skip_verify` says to trust everybody; leave one of them out",
            );
        }
        Ok(())
    }

    /// Whether the connection is encrypted: where the settings say so, and wherever credentials cross it.
    pub fn encrypted(&self) -> bool {
        self.tls.enabled || self.auth != Auth::None || self.address.starts_with("https://")
    }

    pub(crate) fn url(&self) -> Result<url::Url, TemporalError> {
        let scheme = if self.encrypted() { "https" } else { "http" };
        let text = match self.address.split_once("://") {
            Some((_, rest)) => format!("{scheme}://{rest}"),
            None => format!("{scheme}://{}", self.address),
        };
        match url::Url::parse(&text) {
            Ok(url) if url.has_host() => Ok(url),
            Ok(_) => Err("no host".to_owned()),
            Err(error) => Err(error.to_string()),
        }
        .map_err(|error| TemporalError::Setting {
            field: "address",
            message: format!("is no `host:port`: `{}` ({error})", self.address),
        })
    }

    /// A task queue as the server knows it.
    pub fn task_queue(&self, name: &str) -> String {
        format!("{}{name}", self.tq_prefix)
    }
}

/// `auth` of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// Nobody asks.
    #[default]
    None,
    /// `api_key`: a key in every request.
    ApiKey(Secret),
    /// `mtls`: a certificate.
    Mtls {
        /// `cert_file` or `cert_pem`.
        certificate: Secret,
        /// `key_file`, `key_pem` or `key_pem_env`.
        key: Secret,
    },
}

/// Something that is better not written into an entry. Read whenever a connection is made, so that it can be changed.
#[derive(Clone, PartialEq, Eq)]
pub enum Secret {
    /// The thing itself.
    Text(String),
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(PathBuf),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Secret::Text(_) => f.write_str("Text(…)"),
            Secret::Env(name) => f.debug_tuple("Env").field(name).finish(),
            Secret::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

impl Secret {
    pub(crate) fn read(&self, field: &'static str) -> Result<String, TemporalError> {
        let unreadable =
            |source_name: String, message: String| TemporalError::Unreadable { field, source_name, message };
        match self {
            Secret::Text(text) => Ok(text.clone()),
            Secret::Env(name) => std::env::var(name)
                .map_err(|error| unreadable(format!("the variable `{name}`"), error.to_string())),
            Secret::File(path) => std::fs::read_to_string(path)
                .map_err(|error| unreadable(format!("the file `{}`", path.display()), error.to_string())),
        }
    }
}

/// `tls` of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Whether it is used at all.
    pub enabled: bool,
    /// `ca_file`: who may vouch for the server; the system's list without it.
    pub ca: Option<Secret>,
    /// How the server's certificate names it, where that is not the address.
    pub server_name: Option<String>,
    /// Whether anybody may be the server. For tests.
    pub insecure_skip_verify: bool,
}

/// `temporal.worker`. Fields named in the entry that core cannot follow have no counterpart here: sessions, limits of local
/// activities per second, aliases, logs while replaying.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkerSettings {
    /// The queue, without the client's prefix.
    pub task_queue: String,
    /// `max_concurrent_workflow_task_execution_size`.
    pub max_concurrent_workflow_tasks: usize,
    /// `max_concurrent_activity_execution_size`.
    pub max_concurrent_activities: usize,
    /// `max_concurrent_local_activity_execution_size`.
    pub max_concurrent_local_activities: usize,
    /// `max_concurrent_workflow_task_pollers`; not 1.
    pub workflow_task_pollers: usize,
    /// `max_concurrent_activity_task_pollers`.
    pub activity_task_pollers: usize,
    /// Machines that are kept between their activations; with 0 every activation replays its whole run. Bounds the memory of
    /// workflows that wait.
    pub max_cached_workflows: usize,
    /// How long a task waits for the host that has its machine before any other may take it.
    pub sticky_schedule_to_start_timeout: Duration,
    /// `worker_activities_per_second`; 0 for any number.
    pub activities_per_second: f64,
    /// `task_queue_activities_per_second`, of all workers of the queue together; 0 for any number.
    pub task_queue_activities_per_second: f64,
    /// How this worker names itself; as its client does where it is empty.
    pub identity: String,
    /// How long running activities are waited for at the end: what a host passes to [`Worker::shutdown`](crate::Worker::shutdown).
    pub worker_stop_timeout: Duration,
    /// How long one activation of a machine may take; for ever where it is zero. Machines have limits of their own.
    pub deadlock_detection_timeout: Duration,
    /// The longest time between two heartbeats that reach the server.
    pub max_heartbeat_throttle_interval: Duration,
    /// The same for activities without a heartbeat timeout.
    pub default_heartbeat_throttle_interval: Duration,
    /// `disable_workflow_worker`: activities only.
    pub disable_workflows: bool,
    /// `local_activity_worker_only`: workflows only.
    pub disable_activities: bool,
    /// Activities do not come back with the answer to the task that wanted them.
    pub disable_eager_activities: bool,
    /// Which version of the code this is.
    pub versioning: Versioning,
}

/// Which version of the code a worker runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versioning {
    /// `deployment_name`.
    pub deployment_name: String,
    /// `build_id`.
    pub build_id: String,
    /// `use_versioning`: whether the server goes by it.
    pub enabled: bool,
    /// `default_versioning_behavior`: whether open runs move to new versions.
    pub auto_upgrade: bool,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        WorkerSettings {
            task_queue: String::new(),
            max_concurrent_workflow_tasks: 1000,
            max_concurrent_activities: 1000,
            max_concurrent_local_activities: 1000,
            workflow_task_pollers: 20,
            activity_task_pollers: 20,
            max_cached_workflows: 1000,
            sticky_schedule_to_start_timeout: Duration::from_secs(5),
            activities_per_second: 0.0,
            task_queue_activities_per_second: 0.0,
            identity: String::new(),
            worker_stop_timeout: Duration::ZERO,
            deadlock_detection_timeout: Duration::ZERO,
            max_heartbeat_throttle_interval: Duration::from_secs(60),
            default_heartbeat_throttle_interval: Duration::from_secs(30),
            disable_workflows: false,
            disable_activities: false,
            disable_eager_activities: false,
            versioning: Versioning::default(),
        }
    }
}

impl WorkerSettings {
    /// A worker for one queue.
    pub fn new(task_queue: impl Into<String>) -> Self {
        WorkerSettings { task_queue: task_queue.into(), ..WorkerSettings::default() }
    }

    /// What can be said of settings without a server.
    ///
    /// # Errors
    ///
    /// [`TemporalError::Setting`], for the first field that is wrong.
    pub fn check(&self) -> Result<(), TemporalError> {
        let wrong = |field, message: &str| Err(TemporalError::Setting { field, message: message.to_owned() });
        if self.task_queue.is_empty() {
            return wrong("task_queue", "is required");
        }
        // One poller alone would take either new tasks or those of kept machines, never both.
        if self.workflow_task_pollers < 2 {
            return wrong("worker_options.max_concurrent_workflow_task_pollers", "must be 2 or more");
        }
        if self.activity_task_pollers == 0 {
            return wrong("worker_options.max_concurrent_activity_task_pollers", "must be 1 or more");
        }
        if self.max_concurrent_workflow_tasks < 2 {
            return wrong("worker_options.max_concurrent_workflow_task_execution_size", "must be 2 or more");
        }
        if self.max_concurrent_activities == 0 {
            return wrong("worker_options.max_concurrent_activity_execution_size", "must be 1 or more");
        }
        if self.disable_workflows && self.disable_activities {
            return wrong(
                "worker_options.disable_workflow_worker",
                "leaves nothing to do together with `local_activity_worker_only`",
            );
        }
        if self.versioning.enabled
            && (self.versioning.build_id.is_empty() || self.versioning.deployment_name.is_empty())
        {
            return wrong("worker_options.use_versioning", "needs a `deployment_name` and a `build_id`");
        }
        for (field, rate) in [
            ("worker_options.worker_activities_per_second", self.activities_per_second),
            ("worker_options.task_queue_activities_per_second", self.task_queue_activities_per_second),
        ] {
            if !rate.is_finite() || rate < 0.0 {
                return wrong(field, "must be 0 or more");
            }
        }
        Ok(())
    }
}
