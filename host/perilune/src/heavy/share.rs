//! Which class of threads long calls belong on.
//!
//! Threads that all others come before get 0.3 % of a core beside one program that spins on it. Towards short calls of this host that
//! is what is wanted. Towards other programs it is not: a call of half a second took a minute beside three of them.

use super::Class;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

/// What a turn takes at the most where nothing keeps its thread from running: it gives way at its second tick.
const TURN: Duration = Duration::from_millis(2);

/// Kept waiting for so long, a call looks at who had the machine. Short enough that nobody takes it for a hang.
const PATIENCE: Duration = Duration::from_millis(200);

/// How long calls stay on ordinary threads before it is tried again whether others leave something. To find out that they do not takes a
/// second or two.
const ORDINARY_FOR: Duration = Duration::from_secs(10);

/// What others leave of the machine.
pub(super) struct Share {
    made: Instant,
    /// Milliseconds from then to where calls belong on yielding threads again.
    ordinary_until: AtomicU64,
}

impl Default for Share {
    fn default() -> Self {
        Share { made: Instant::now(), ordinary_until: AtomicU64::new(0) }
    }
}

impl Share {
    /// Where calls belong now.
    pub(super) fn class(&self) -> Class {
        match self.since_made(Duration::ZERO) < self.ordinary_until.load(Ordering::Relaxed) {
            true => Class::Ordinary,
            false => Class::Yielding,
        }
    }

    fn others_leave_nothing(&self) {
        self.ordinary_until.store(self.since_made(ORDINARY_FOR), Ordering::Relaxed);
    }

    fn since_made(&self, more: Duration) -> u64 {
        u64::try_from((self.made.elapsed() + more).as_millis()).unwrap_or(u64::MAX)
    }
}

/// A call's stay on yielding threads.
pub(super) struct Stay {
    kept_waiting: Duration,
    began: Instant,
    /// Processor time of this process by then.
    used: Duration,
}

impl Stay {
    pub(super) fn begin() -> Self {
        Stay { kept_waiting: Duration::ZERO, began: Instant::now(), used: process_time() }
    }

    /// A turn took so long.
    pub(super) fn turn_over(&mut self, took: Duration, share: &Share) {
        self.kept_waiting += took.saturating_sub(TURN);
        if self.kept_waiting < PATIENCE {
            return;
        }
        if others_had_the_machine(self.began.elapsed(), process_time().saturating_sub(self.used), cores()) {
            share.others_leave_nothing();
        }
        *self = Stay::begin();
    }
}

/// Whether this process used less than half of what the machine could compute meanwhile. Else it is its own short calls that came first.
fn others_had_the_machine(took: Duration, used: Duration, cores: u32) -> bool {
    used < took * cores / 2
}

fn cores() -> u32 {
    available_parallelism().map_or(1, NonZero::get).try_into().unwrap_or(u32::MAX)
}

/// Processor time of all threads of this process.
#[cfg(target_os = "linux")]
fn process_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a structure that lives until the call returns.
    let done = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    match (done, u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec)) {
        (0, Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
        _ => Duration::MAX,
    }
}

/// Elsewhere no thread gives way to others.
#[cfg(not(target_os = "linux"))]
fn process_time() -> Duration {
    Duration::MAX
}
