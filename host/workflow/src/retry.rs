//! When something that failed is tried again.

use perilune_value::{Failure, Kind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// When an activity or a run that failed is tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// The wait before the second attempt.
    pub initial_interval: Duration,
    /// What each further wait is multiplied with; 1 or more.
    pub backoff_coefficient: f64,
    /// The longest wait; 100 times the initial interval where nothing is said.
    pub maximum_interval: Option<Duration>,
    /// Attempts in all, the first included; 0 for any number.
    pub maximum_attempts: u32,
    /// Failures of these kinds are final, whatever they say themselves.
    #[serde(with = "crate::wire::kinds")]
    pub non_retryable_kinds: Vec<Kind>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy {
            initial_interval: Duration::from_secs(1),
            backoff_coefficient: 2.0,
            maximum_interval: None,
            maximum_attempts: 0,
            non_retryable_kinds: Vec::new(),
        }
    }
}

impl RetryPolicy {
    /// The longest wait, as a multiple of the first, where a policy names none.
    const DEFAULT_SPAN: u32 = 100;

    /// The policy of something that is tried once.
    pub fn once() -> Self {
        RetryPolicy { maximum_attempts: 1, ..RetryPolicy::default() }
    }

    /// The wait between the attempt `attempt`, counted from 1, that ended with `failure`, and the next one; none where there is
    /// to be no next one. A failure that does not say whether it is retryable is.
    pub fn next_delay(&self, attempt: u32, failure: &Failure) -> Option<Duration> {
        if failure.retryable == Some(false)
            || self.non_retryable_kinds.contains(&failure.kind)
            || (self.maximum_attempts > 0 && attempt >= self.maximum_attempts)
        {
            return None;
        }
        let longest =
            self.maximum_interval.unwrap_or(self.initial_interval.saturating_mul(Self::DEFAULT_SPAN));
        let exponent = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial_interval.as_secs_f64() * self.backoff_coefficient.max(1.0).powi(exponent);
        // Too large for a `Duration`, infinite or NaN: as long as can be.
        Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX).min(longest))
    }
}
