//! Durations and moments.

use perilune_workflow::Timestamp;
use prost_wkt_types as wkt;
use std::time::Duration;

pub(crate) fn duration(of: Duration) -> wkt::Duration {
    wkt::Duration {
        seconds: i64::try_from(of.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(of.subsec_nanos()).unwrap_or_default(),
    }
}

/// A duration that the protocol gives; where it is missing or zero there is no limit.
pub(crate) fn limit(of: Option<&wkt::Duration>) -> Option<Duration> {
    let of = of?;
    let seconds = u64::try_from(of.seconds).unwrap_or(0);
    let limit = Duration::new(seconds, u32::try_from(of.nanos).unwrap_or(0));
    (!limit.is_zero()).then_some(limit)
}

pub(crate) fn moment(of: &wkt::Timestamp) -> Timestamp {
    Timestamp(of.seconds.saturating_mul(1_000_000_000).saturating_add(i64::from(of.nanos)))
}

/// A moment that is missing is the beginning of time.
pub(crate) fn moment_or_start(of: Option<&wkt::Timestamp>) -> Timestamp {
    of.map_or_else(Timestamp::default, moment)
}
