//! Counts of connections and of waiting for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What a database's connections are doing, and have done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections that may be open at the same time.
    pub max_open_connections: u64,
    /// Connections that are open.
    pub open_connections: u64,
    /// Those that somebody uses.
    pub in_use: u64,
    /// Those that nobody uses.
    pub idle: u64,
    /// How often somebody had to wait for one.
    pub wait_count: u64,
    /// How long all of them waited, in nanoseconds.
    pub wait_duration: u64,
    /// Connections that were closed because enough were idle.
    pub max_idle_closed: u64,
    /// Connections that were closed because they were idle for long.
    pub max_idle_time_closed: u64,
    /// Connections that were closed because they were old.
    pub max_lifetime_closed: u64,
}

/// Counts who waits.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    count: AtomicU64,
    nanos: AtomicU64,
}

impl Waits {
    /// Counts a wait from now until the guard is dropped.
    pub(crate) fn begin(&self) -> Waiting<'_> {
        self.count.fetch_add(1, Ordering::Relaxed);
        Waiting { waits: self, began: Instant::now() }
    }

    /// Adds the counts to other figures.
    pub(crate) fn add_to(&self, stats: Stats) -> Stats {
        Stats {
            wait_count: self.count.load(Ordering::Relaxed),
            wait_duration: self.nanos.load(Ordering::Relaxed),
            ..stats
        }
    }
}

pub(crate) struct Waiting<'a> {
    waits: &'a Waits,
    began: Instant,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waits.nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}
