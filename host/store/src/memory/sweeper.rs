//! The service of a store in memory: gives back what expired items take while nobody writes.

use super::Memory;
use futures_util::future::{AbortHandle, BoxFuture, abortable};
use perilune_resource::Service;
use perilune_value::Failure;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Items removed before others get at the store again.
const BATCH: usize = 1_000;

pub(super) struct Sweeper {
    memory: Arc<Memory>,
    interval: Duration,
    /// Ends the task; set while it runs.
    task: Arc<Mutex<Option<AbortHandle>>>,
}

impl Sweeper {
    pub(super) fn new(memory: Arc<Memory>, interval: Duration) -> Self {
        Sweeper { memory, interval, task: Arc::default() }
    }
}

fn replace(task: &Mutex<Option<AbortHandle>>, new: Option<AbortHandle>) {
    let old = std::mem::replace(&mut *task.lock().unwrap_or_else(PoisonError::into_inner), new);
    if let Some(old) = old {
        old.abort();
    }
}

impl Service for Sweeper {
    fn start(&self) -> BoxFuture<'static, Result<(), Failure>> {
        let (memory, interval, task) = (self.memory.clone(), self.interval, self.task.clone());
        Box::pin(async move {
            let (sweeping, handle) = abortable(sweep(memory, interval));
            tokio::spawn(sweeping);
            replace(&task, Some(handle));
            Ok(())
        })
    }

    fn stop(&self) -> BoxFuture<'static, ()> {
        let task = self.task.clone();
        Box::pin(async move { replace(&task, None) })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        replace(&self.task, None);
    }
}

async fn sweep(memory: Arc<Memory>, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        while memory.table().sweep(BATCH, Instant::now()) == BATCH {
            tokio::task::yield_now().await;
        }
    }
}
