//! How much of one directory goes on at a time.

use perilune_value::{Failure, Kind};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Operations at a time. Threads that may block are shared by the host: a slow disk, or a script that starts thousands of
/// operations, must not take all of them.
const MOST_AT_ONCE: usize = 32;

/// Open files at a time: half of the 1,024 descriptors that a program is commonly allowed.
const MOST_OPEN: usize = 512;

/// The bounds of one directory.
#[derive(Clone)]
pub(crate) struct Gate {
    running: Arc<Semaphore>,
    open: Arc<Semaphore>,
}

impl Default for Gate {
    fn default() -> Self {
        Gate { running: Arc::new(Semaphore::new(MOST_AT_ONCE)), open: Arc::new(Semaphore::new(MOST_OPEN)) }
    }
}

impl Gate {
    /// Runs what blocks, when its turn has come. Dropped before that, it does not run; later, it ends by itself.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let closed = |_| Failure::internal("the host failed while it waited for the disk");
        let turn = self.running.clone().acquire_owned().await.map_err(closed)?;
        let run = move || {
            let _turn = turn;
            work()
        };
        match tokio::task::spawn_blocking(run).await {
            Ok(done) => done,
            Err(error) if error.is_cancelled() => Err(Failure::new(Kind::Canceled, "the host is stopping")),
            Err(_) => Err(Failure::internal("the host failed while it worked on a file")),
        }
    }

    /// The right to one open file, which ends when it is dropped.
    pub(crate) fn slot(&self) -> Result<OwnedSemaphorePermit, Failure> {
        self.open.clone().try_acquire_owned().map_err(|_| {
            let message = format!("more than {MOST_OPEN} of its files are open at once: close some");
            Failure::new(Kind::RateLimited, message).with_retryable(true).with_detail("limit", "files")
        })
    }
}
