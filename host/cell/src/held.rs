//! Bytes that the host keeps for a cell outside of its memory: arguments of calls under way, results that wait for it,
//! messages in its mailbox. A cell decides how much that is, so it is bounded.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A count of bytes with a limit.
#[derive(Debug)]
pub struct Held {
    bytes: AtomicUsize,
    most: usize,
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub struct Reservation {
    held: Arc<Held>,
    bytes: usize,
}

impl Held {
    /// Nothing yet, and so many bytes at the most.
    pub fn new(most: usize) -> Arc<Self> {
        Arc::new(Held { bytes: AtomicUsize::new(0), most })
    }

    /// Whether nothing is held.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) == 0
    }

    /// Counts bytes; `None` when they would exceed the limit.
    pub fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        let add = |held: usize| held.checked_add(bytes).filter(|sum| *sum <= self.most);
        self.bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).ok()?;
        Some(Reservation { held: self.clone(), bytes })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
