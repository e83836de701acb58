//! What can be set.

use crate::clock::{Clock, SystemClock};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How a [`Durable`](crate::Durable) works. Made by [`Settings::new`], then changed.
#[derive(Clone)]
pub struct Settings {
    /// The SQLite file; made where there is none. Its folder must exist.
    pub path: PathBuf,
    /// Machines that are kept between activations. Each may be a whole sandbox, so this bounds memory. With 0 every activation
    /// replays its run, which shows code that is not deterministic.
    pub cached_machines: usize,
    /// Machines that are active at the same time.
    pub concurrent_tasks: usize,
    /// Attempts of activities that run at the same time. Others wait.
    pub concurrent_activities: usize,
    /// How long one activation may take, in real time, where a workflow's options say nothing.
    pub task_timeout: Duration,
    /// Bytes that the values of one event may take, about. Temporal's limit, so that an application can move there.
    pub payload_limit: usize,
    /// Events of a history from which a run is told to continue as new.
    pub suggested_events: u64,
    /// Bytes of a history from which a run is told to continue as new.
    pub suggested_bytes: u64,
    /// Events of a history at which its run fails.
    pub most_events: u64,
    /// Bytes of a history at which its run fails.
    pub most_bytes: u64,
    /// How often heartbeats of one attempt are stored at most.
    pub heartbeat_throttle: Duration,
    /// How long closed runs are kept; for ever without it.
    pub retention: Option<Duration>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Asked at every commit. For tests that stop a host at any one.
    pub gate: Option<Arc<dyn Gate>>,
}

impl Settings {
    /// The defaults, for a store at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Settings {
            path: path.into(),
            cached_machines: 500,
            concurrent_tasks: 100,
            concurrent_activities: 1_000,
            task_timeout: Duration::from_secs(10),
            payload_limit: 2 << 20,
            suggested_events: 10_000,
            suggested_bytes: 10 << 20,
            most_events: 50_000,
            most_bytes: 50 << 20,
            heartbeat_throttle: Duration::from_secs(1),
            retention: None,
            clock: Arc::new(SystemClock),
            gate: None,
        }
    }
}

/// Decides at every commit whether the host lives on. Commits are counted from 1 since the store was opened.
pub trait Gate: Send + Sync {
    /// Whether to commit; if not, it is as if the host had been killed just before.
    fn before(&self, commit: u64) -> bool;

    /// Whether to tell anybody of the commit; if not, it is as if the host had been killed just after.
    fn after(&self, commit: u64) -> bool;
}
