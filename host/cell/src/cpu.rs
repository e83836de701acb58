//! How much of its CPU budget a turn has used.

use crate::ticker::TICK;
#[cfg(unix)]
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Instructions that count as a second where cells must compute the same on every machine. About what a slow one executes in it.
const INSTRUCTIONS_PER_SECOND: u64 = 1_000_000_000;

/// Where instructions are counted, a turn may take so many times as long as its limit says, for slow machines and long calls of
/// host functions, before it is ended by the clock.
pub(crate) const PATIENCE: u32 = 10;

/// Instructions that count as so much CPU time.
pub(crate) fn instructions(time: Duration) -> u64 {
    let counted = time.as_nanos() * u128::from(INSTRUCTIONS_PER_SECOND) / 1_000_000_000;
    u64::try_from(counted).unwrap_or(u64::MAX)
}

/// The CPU time of one turn, measured in slices between two ticks. A slice is charged what its thread computed, so that
/// long calls of host functions count, and time in which the machine ran something else does not. The first slice of a
/// turn is charged one tick: reading the thread's clock at the start of every turn would cost more than a short turn.
#[derive(Default)]
pub struct Budget {
    used: Duration,
    /// The thread's clock when the slice began, in nanoseconds; 0 in the first slice.
    began: Arc<AtomicU64>,
}

impl Budget {
    /// A turn begins.
    pub fn restart(&mut self) {
        self.used = Duration::ZERO;
        self.began.store(0, Ordering::Relaxed);
    }

    /// Whether the turn is in its first slice.
    pub fn is_first(&self) -> bool {
        self.used.is_zero()
    }

    /// A slice ends, and the next one begins. Returns what the turn has used so far.
    pub fn charge(&mut self) -> Duration {
        let (began, now) = (self.began.load(Ordering::Relaxed), thread_time());
        let spent = match (began, now) {
            (0, _) | (_, None) => TICK,
            (began, Some(now)) => Duration::from_nanos(now.saturating_sub(began)).max(TICK / 2),
        };
        self.began.store(now.unwrap_or(0), Ordering::Relaxed);
        self.used += spent;
        self.used
    }

    /// Gives way to others; the next slice begins when this is done, on whatever thread that is.
    pub fn yield_slice(&self) -> impl Future<Output = ()> + Send + 'static {
        let began = self.began.clone();
        async move {
            tokio::task::yield_now().await;
            began.store(thread_time().unwrap_or(0), Ordering::Relaxed);
        }
    }
}

/// CPU time of this thread in nanoseconds, where the system tells.
#[cfg(unix)]
fn thread_time() -> Option<u64> {
    let time = Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).ok()?;
    time.as_nanos().try_into().ok()
}

#[cfg(not(unix))]
fn thread_time() -> Option<u64> {
    None
}
