//! What a change of a pool's state says: what the caller does next, and what is left to do outside of the lock.

use crate::alarms::Alarm;
use std::task::Waker;
use tokio::time::Instant;

/// A worker that nobody uses.
pub(crate) struct Idle<W> {
    pub(crate) worker: W,
    pub(crate) since: Instant,
}

/// What becomes of a call that asks for a place.
pub(crate) enum Admission<W> {
    /// It has one, and begins as [`State::take`] says.
    Now(Taken<W>, bool),
    /// It waits.
    Queued(u64),
    /// The queue is full.
    Full {
        busy: u32,
        queued: usize,
    },
    Closed,
}

/// What a call with a place begins with.
pub(crate) enum Taken<W> {
    Clean(W),
    Used(W),
    Nothing,
}

/// How a call ends that gives no worker back.
#[derive(Clone, Copy)]
pub(crate) enum End {
    /// It dropped its lease.
    Dropped,
    /// No worker could be made for it.
    Failed,
    /// It was cancelled before it had one.
    Cancelled,
}

/// What the janitor does next for a pool.
pub(crate) enum Chore<W> {
    Reset(Idle<W>),
    Spare,
    Nothing,
}

/// What is left to do when the lock is free again.
pub(crate) struct Effects<W> {
    pub(crate) wake: Vec<Waker>,
    pub(crate) give_up: Vec<W>,
    pub(crate) chore: bool,
    pub(crate) alarms: [Option<Instant>; Alarm::COUNT],
    pub(crate) drained: bool,
}

impl<W> Effects<W> {
    pub(crate) fn new() -> Self {
        let (wake, give_up) = (Vec::new(), Vec::new());
        Effects { wake, give_up, chore: false, alarms: [None; Alarm::COUNT], drained: false }
    }
}
