//! How long a piece of work may take.

#[cfg(unix)]
use rustix::time::{ClockId, clock_gettime};
use std::time::{Duration, Instant};

/// Time for a piece of work on the thread that begins it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    most: Duration,
    /// What the thread had computed when the work began; nothing where the clock alone counts.
    began: Option<Duration>,
    /// Before then it cannot be used up.
    earliest: Instant,
}

impl Allowance {
    /// By the clock, for work that is to hold nobody up.
    pub(crate) fn of_waiting(most: Duration) -> Self {
        Allowance { most, began: None, earliest: Instant::now() + most }
    }

    /// By what the thread computes: a machine that does something else meanwhile does not use it up.
    pub(crate) fn of_computing(most: Duration) -> Self {
        Allowance { began: computed(), ..Allowance::of_waiting(most) }
    }

    /// Whether the work has taken longer. Cheap enough to be asked between any two steps: a thread computes no longer than the
    /// clock says, so that the system is asked what it has computed only when the clock says that it may be too much.
    pub(crate) fn is_used_up(&mut self) -> bool {
        let now = Instant::now();
        if now < self.earliest {
            return false;
        }
        let (Some(began), Some(computed)) = (self.began, computed()) else { return true };
        let left = self.most.saturating_sub(computed.saturating_sub(began));
        self.earliest = now + left;
        left.is_zero()
    }
}

/// What this thread has computed so far, where the system tells.
#[cfg(unix)]
fn computed() -> Option<Duration> {
    clock_gettime(ClockId::ThreadCPUTime).try_into().ok()
}

#[cfg(not(unix))]
fn computed() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::Allowance;
    use std::time::Duration;

    const MOST: Duration = Duration::from_millis(20);

    #[cfg(unix)]
    #[test]
    fn what_others_compute_is_waited_for_and_not_computed() {
        let (mut waiting, mut computing) = (Allowance::of_waiting(MOST), Allowance::of_computing(MOST));
        let other = std::thread::spawn(|| {
            let mut others = Allowance::of_computing(MOST);
            while !others.is_used_up() {}
        });
        other.join().expect("it only computes");
        assert!(waiting.is_used_up() && !computing.is_used_up());
        while !computing.is_used_up() {}
    }
}
