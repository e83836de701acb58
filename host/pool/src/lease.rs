//! A worker in a caller's hands.

use crate::pool::Pool;
use crate::state::End;
use crate::supply::Supply;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A worker in a caller's hands. Dropped without [`Lease::finish`], as when the call is cancelled, the worker is given up.
#[must_use = "a lease that is dropped gives its worker up"]
pub struct Lease<S: Supply> {
    // Dropped before the place is free: no more workers than places.
    worker: Option<S::Worker>,
    place: Place<S>,
}

impl<S: Supply> Lease<S> {
    pub(crate) fn new(worker: S::Worker, mut place: Place<S>) -> Self {
        (place.held, place.served) = (true, true);
        Lease { worker: Some(worker), place }
    }

    /// Gives the worker back, to be made clean again; an inline pool keeps it as it is.
    pub fn finish(mut self) {
        let worker = self.worker.take().expect("invariant: only this method takes the worker, once");
        self.place.finish(worker);
    }
}

impl<S: Supply> Deref for Lease<S> {
    type Target = S::Worker;

    fn deref(&self) -> &S::Worker {
        self.worker.as_ref().expect("invariant: only `finish` takes the worker, and the lease with it")
    }
}

impl<S: Supply> DerefMut for Lease<S> {
    fn deref_mut(&mut self) -> &mut S::Worker {
        self.worker.as_mut().expect("invariant: only `finish` takes the worker, and the lease with it")
    }
}

impl<S: Supply> fmt::Debug for Lease<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("pool", &self.place.pool.name()).finish_non_exhaustive()
    }
}

/// A call's place among those that run, given back when it is dropped.
pub(crate) struct Place<S: Supply> {
    pub(crate) pool: Arc<Pool<S>>,
    /// Whether a worker is in the caller's hands.
    pub(crate) held: bool,
    /// Whether it is the one that an inline pool keeps.
    pub(crate) kept: bool,
    /// Whether the call got its lease.
    served: bool,
    /// Whether it was told that it gets none.
    pub(crate) failed: bool,
    ended: bool,
}

impl<S: Supply> Place<S> {
    pub(crate) fn new(pool: Arc<Pool<S>>) -> Self {
        Place { pool, held: false, kept: false, served: false, failed: false, ended: false }
    }

    fn finish(&mut self, worker: S::Worker) {
        if self.pool.is_inline() && !self.kept {
            // Made because the kept one was taken: there is one state, not several. Dropping the place does the rest.
            drop(worker);
            return;
        }
        self.ended = true;
        self.pool.change(|state, settings, fx| state.finish(settings, worker, fx));
    }
}

impl<S: Supply> Drop for Place<S> {
    fn drop(&mut self) {
        if !self.ended {
            let end = match (self.served, self.failed) {
                (true, _) => End::Dropped,
                (false, true) => End::Failed,
                (false, false) => End::Cancelled,
            };
            let (held, kept) = (self.held, self.kept);
            self.pool.change(|state, _, fx| state.end(end, held, kept, fx));
        }
    }
}
