//! When a message that was put back is delivered again.

use std::time::Duration;

/// A delay that doubles each time, up to a longest: a message that always fails costs less and less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) first: Duration,
    pub(crate) longest: Duration,
}

impl Retry {
    /// The delay before the next delivery of a message that was put back so many times, at least once.
    pub(crate) fn delay(self, times: u32) -> Duration {
        let factor = 2_u32.saturating_pow(times.saturating_sub(1));
        self.first.saturating_mul(factor).min(self.longest)
    }
}
