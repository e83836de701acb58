//! What a pool must do later: give back idle workers, look at its load.

use crate::janitor::Tended;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, Weak};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Why a pool wants to be woken. A pool has set each kind once at most, so a host holds as many as three for each of its pools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Alarm {
    /// The longest idle worker reaches its timeout.
    Idle,
    /// The window in which an adaptive pool measures its queue is over.
    Window,
    /// The quiet time after which an adaptive pool shrinks is over.
    Quiet,
}

impl Alarm {
    pub(crate) const COUNT: usize = 3;
    pub(crate) const ALL: [Alarm; Self::COUNT] = [Alarm::Idle, Alarm::Window, Alarm::Quiet];
}

/// The alarms of all pools, the earliest first. A pool that is gone is not held by them.
#[derive(Default)]
pub(crate) struct Alarms {
    set: Mutex<BinaryHeap<Reverse<Set>>>,
    earlier: Notify,
}

struct Set {
    at: Instant,
    alarm: Alarm,
    pool: Weak<dyn Tended>,
}

impl PartialEq for Set {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Set {}

impl PartialOrd for Set {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Set {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Alarms {
    pub(crate) fn set(&self, at: Instant, alarm: Alarm, pool: Weak<dyn Tended>) {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = set.peek().is_none_or(|Reverse(first)| at < first.at);
        set.push(Reverse(Set { at, alarm, pool }));
        drop(set);
        if earlier {
            self.earlier.notify_one();
        }
    }

    /// Rings the alarms, for ever. It sleeps until the earliest, and without an end when none is set.
    pub(crate) async fn run(&self) {
        loop {
            match self.next() {
                Next::Due(due) => {
                    ring(due);
                    // Giving up workers takes a while, and thousands of pools may be due at once.
                    tokio::task::yield_now().await;
                }
                Next::At(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at) => {}
                        () = self.earlier.notified() => {}
                    }
                }
                Next::Never => self.earlier.notified().await,
            }
        }
    }

    fn next(&self) -> Next {
        let mut set = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        match set.peek() {
            None => Next::Never,
            Some(Reverse(first)) if first.at > Instant::now() => Next::At(first.at),
            Some(_) => set.pop().map_or(Next::Never, |Reverse(first)| Next::Due(first)),
        }
    }
}

enum Next {
    Due(Set),
    At(Instant),
    Never,
}

fn ring(due: Set) {
    let Some(pool) = due.pool.upgrade() else { return };
    // Workers are dropped here; one that panics must not take the other pools' alarms with it.
    if catch_unwind(AssertUnwindSafe(|| pool.ring(due.alarm))).is_err() {
        tracing::error!("a worker panicked while it was given up");
    }
}
