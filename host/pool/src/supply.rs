//! Where workers come from.

use perilune_value::Failure;
use std::future::Future;

/// Makes workers, and makes used ones clean again.
///
/// The futures may be dropped at any point, and may panic: a pool then gives up the worker concerned and goes on.
pub trait Supply: Send + Sync + 'static {
    /// What runs one call at a time.
    type Worker: Send + 'static;

    /// A clean worker made from nothing. It may wait for room; the caller's deadline ends that.
    ///
    /// # Errors
    /// What the caller gets instead of a worker. Nobody else's call fails with it.
    fn create(&self) -> impl Future<Output = Result<Self::Worker, Failure>> + Send;

    /// A clean worker that nobody needs yet, so that the next caller need not wait; `None` when making one would wait for room
    /// or take it from somebody who needs it.
    fn spare(&self) -> impl Future<Output = Option<Self::Worker>> + Send {
        async { self.create().await.ok() }
    }

    /// Makes a used worker clean again; `None` when it must be given up. It computes and never waits for others: one that did
    /// would hold up the workers of other pools.
    fn reset(&self, used: Self::Worker) -> impl Future<Output = Option<Self::Worker>> + Send;
}
