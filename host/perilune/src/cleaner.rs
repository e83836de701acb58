//! The thread that cleans used cells and lets idle ones rest.

use perilune_pool::Janitor;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// The shortest time that timers keep apart. Of calls that follow each other sooner, each cleans for itself, in some 8 µs.
const PAUSE: Duration = Duration::from_millis(1);

/// The janitor of a host's pools, on a thread of its own.
pub(crate) struct Cleaner {
    pub(crate) janitor: Arc<Janitor>,
    runtime: Option<Runtime>,
}

impl Cleaner {
    /// Where no thread can be started the janitor works on the callers' runtime.
    pub(crate) fn start() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("perilune-cleaner")
            .enable_time()
            .build()
            .inspect_err(|error| tracing::warn!(%error, "no thread to clean cells on"))
            .ok();
        let janitor = match &runtime {
            Some(runtime) => Janitor::on(runtime.handle().clone(), 1, PAUSE),
            None => Janitor::new(),
        };
        Cleaner { janitor, runtime }
    }
}

impl Cleaner {
    /// Runs a task on the thread, if there is one.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.runtime {
            runtime.spawn(task);
        }
    }
}

impl Drop for Cleaner {
    fn drop(&mut self) {
        // The last owner may be a task, which must not wait for threads.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
