//! The memory that the host's process should take at most.

use crate::pools::Pools;
use perilune_modules::system::resident;
use std::sync::atomic::{AtomicU64, Ordering};

/// Above it, idle cells are given up: a wish, since calls that run are not ended. None at first.
#[derive(Debug)]
pub(crate) struct MemoryLimit(AtomicU64);

/// As many bytes stand for no limit.
const NONE: u64 = u64::MAX;

impl Default for MemoryLimit {
    fn default() -> Self {
        MemoryLimit(AtomicU64::new(NONE))
    }
}

impl MemoryLimit {
    /// Sets it where a new one is given; returns what it was.
    pub(crate) fn change(&self, new: Option<Option<u64>>) -> Option<u64> {
        let before = match new {
            None => self.0.load(Ordering::Relaxed),
            Some(limit) => self.0.swap(limit.unwrap_or(NONE), Ordering::Relaxed),
        };
        (before != NONE).then_some(before)
    }

    /// Gives up idle cells while the process takes more.
    pub(crate) fn enforce(&self, pools: &Pools) {
        if let Some(limit) = self.change(None)
            && resident().is_some_and(|resident| resident > limit)
        {
            pools.shed(usize::MAX);
        }
    }
}
