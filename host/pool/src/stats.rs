//! What a pool has seen.

use crate::settings::Kind;
use std::time::Duration;

/// A pool at one moment, and what it counted since it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// How workers come and go.
    pub kind: Kind,
    /// How many calls may run at once, now.
    pub limit: u32,
    /// Workers that exist.
    pub workers: u32,
    /// Calls that run, or are about to.
    pub busy: u32,
    /// Clean workers that a call can take at once; of an inline pool, the one that is kept.
    pub ready: u32,
    /// Calls that wait.
    pub queued: usize,
    /// Calls that were let in.
    pub calls: u64,
    /// How long they waited, those that timed out included.
    pub waits: WaitStats,
    /// Workers that were made.
    pub created: u64,
    /// Times that a used worker was made clean.
    pub reset: u64,
    /// Workers that were given up, for whatever reason.
    pub retired: u64,
    /// Of those, the ones that were idle for too long.
    pub reaped: u64,
    /// Calls that found the queue full.
    pub refused: u64,
    /// Calls whose deadline came while they waited.
    pub timed_out: u64,
    /// Calls that were cancelled before they had a worker.
    pub cancelled: u64,
    /// Calls that were let in and got no worker: none could be made, or not in time.
    pub failed: u64,
}

/// Waits of calls, those included that did not wait. Quantiles are within 10 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitStats {
    /// Half of the calls waited no longer.
    pub p50: Duration,
    /// 99 of 100 calls waited no longer.
    pub p99: Duration,
    /// No call waited longer.
    pub longest: Duration,
}
