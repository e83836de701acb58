//! The surroundings of a workflow's cell: the time of its history, its own randomness, one time zone.

use super::recorder::{History, Recorder};
use perilune_cell::{Coverage, Host, Identity};
use perilune_modules::durable::Durable;
use perilune_time::{Instant, Zones};
use std::sync::{Arc, LazyLock};

/// The same on every machine, wherever it stands.
static ZONES: LazyLock<Zones> = LazyLock::new(Zones::utc);

pub(super) struct Past {
    pub(super) recorder: Arc<Recorder>,
    /// Where lines go that were not printed before.
    pub(super) live: Arc<dyn Host>,
}

impl Host for Past {
    fn print(&self, cell: &Identity, line: &[u8], location: &str) {
        if !History(self.recorder.clone()).is_replaying() {
            self.live.print(cell, line, location);
        }
    }

    fn coverage(&self) -> Option<&Coverage> {
        self.live.coverage()
    }

    fn now(&self) -> Instant {
        Instant::from_nanos(self.recorder.now().0.into()).unwrap_or_default()
    }

    fn zones(&self) -> &Zones {
        &ZONES
    }

    fn seed(&self) -> (u64, u64) {
        let history = History(self.recorder.clone());
        let mut seed = [0; 16];
        history.random(&mut seed);
        let (first, second) = seed.split_at(8);
        let word = |bytes: &[u8]| bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        (word(first), word(second))
    }
}
