//! Times to live.

use perilune_value::Failure;
use std::time::Duration;

/// Nobody waits longer; clocks and columns can hold it.
const MOST: f64 = 100.0 * 365.25 * 86_400.0;

/// The time to live that Lua gives in seconds; fractions count. Zero stands for ever.
///
/// # Errors
///
/// `Invalid` when it is negative, no number, or more than a hundred years.
pub fn ttl(seconds: f64) -> Result<Option<Duration>, Failure> {
    if !(0.0..=MOST).contains(&seconds) {
        return Err(Failure::invalid(format!(
            "a time to live is a number of seconds from 0, which means for ever, to a hundred years, not {seconds}"
        )));
    }
    // However short, it is not for ever.
    Ok((seconds > 0.0).then(|| Duration::from_secs_f64(seconds).max(Duration::from_nanos(1))))
}
