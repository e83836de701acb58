//! What lets a call that calls its own pool get on without waiting for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The place of a running call, lent to one call that it makes: [`Pool::lease_within`](crate::Pool::lease_within).
///
/// A call that waits for another call to the same pool would otherwise hold the place that the other one needs. A place is lent to one call at a
/// time, so that calls made side by side wait in line like all others, and a chain of calls takes no more workers than it is long.
#[derive(Clone, Debug)]
pub struct Loan {
    pool: PoolId,
    lent: Arc<AtomicBool>,
}

impl Loan {
    pub(crate) fn new(pool: PoolId) -> Self {
        Loan { pool, lent: Arc::default() }
    }

    /// Takes the place, if it is one of this pool and free to take.
    pub(crate) fn take(&self, pool: PoolId) -> bool {
        self.pool == pool && !self.lent.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn give_back(&self) {
        self.lent.store(false, Ordering::Relaxed);
    }
}

/// Tells pools apart, also those that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PoolId(u64);

impl PoolId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        PoolId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}
