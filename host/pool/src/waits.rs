//! How long calls waited.

use crate::stats::WaitStats;
use hdrhistogram::Histogram;
use std::time::Duration;

/// The waits of all calls. Most pools never let a call wait, so those that did not are only counted, and the histogram is made when
/// the first one does: it takes about 1 KiB for waits of seconds, an idle pool nothing.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    none: u64,
    some: Option<Box<Histogram<u32>>>,
    longest: Duration,
}

impl Waits {
    /// Decimal digits that are kept of a wait in microseconds: within 10 %, which is finer than what a wait is judged by.
    const DIGITS: u8 = 1;

    /// A call that did not wait.
    pub(crate) fn none(&mut self) {
        self.none += 1;
    }

    /// A call that did.
    pub(crate) fn some(&mut self, wait: Duration) {
        self.longest = self.longest.max(wait);
        let histogram = self.some.get_or_insert_with(|| {
            let mut histogram = Histogram::new(Self::DIGITS).expect("invariant: 0 to 5 digits are allowed");
            histogram.auto(true);
            Box::new(histogram)
        });
        let micros = u64::try_from(wait.as_micros()).unwrap_or(u64::MAX);
        // It grows as it needs to, to 4 KiB for the longest wait there can be.
        let _ = histogram.record(micros);
    }

    pub(crate) fn stats(&self) -> WaitStats {
        let longest = self.longest;
        WaitStats { p50: self.quantile(0.5), p99: self.quantile(0.99), longest }
    }

    fn quantile(&self, quantile: f64) -> Duration {
        let Some(histogram) = &self.some else { return Duration::ZERO };
        let (none, some) = (self.none as f64, histogram.len() as f64);
        let rank = (quantile * (none + some)).ceil() - none;
        if rank <= 0.0 {
            return Duration::ZERO;
        }
        let micros = histogram.value_at_quantile(rank / some);
        Duration::from_micros(micros).min(self.longest)
    }
}
