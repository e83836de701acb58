//! Computing for a cell on other threads.
//!
//! A cell's CPU budget does not see what threads of the host compute for it, and it may ask for much at once. So it gets one
//! thread at a time: however many operations it starts, it takes no more of the machine than a second cell would.

use perilune_value::Failure;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// The place where one cell's work is done, one piece after the other.
#[derive(Clone, Debug)]
pub struct Work(Arc<Semaphore>);

impl Default for Work {
    fn default() -> Self {
        Work(Arc::new(Semaphore::new(1)))
    }
}

impl Work {
    /// Runs `job` on a thread that may block, after those before it. A job that has begun runs to its end even when nobody waits
    /// for it any more, and those after it wait for that; so it must be bounded.
    ///
    /// # Errors
    ///
    /// What the job failed with.
    ///
    /// # Panics
    ///
    /// As the job does; the operation that waits for it ends its cell then.
    pub fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, Failure> + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send + 'static {
        let place = self.0.clone();
        async move {
            let place = place.acquire_owned().await.expect("invariant: the semaphore is never closed");
            let running = tokio::task::spawn_blocking(move || {
                let _place = place;
                job()
            });
            match running.await {
                Ok(done) => done,
                Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
                Err(_) => Err(Failure::new(perilune_value::Kind::Canceled, "the host is ending")),
            }
        }
    }
}
