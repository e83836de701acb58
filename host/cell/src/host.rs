//! Who answers a cell's questions.

use crate::{Coverage, Pid};
use perilune_time::{Instant, Zones};
use std::any::Any;
use std::sync::{Arc, LazyLock};
use std::time::{SystemTime, UNIX_EPOCH};

static SYSTEM_ZONES: LazyLock<Zones> = LazyLock::new(Zones::system);

/// Which entry a cell runs, and as whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Id of the entry, `namespace:name`.
    pub entry: Arc<str>,
    /// Names this run among all runs of the host.
    pub pid: Pid,
}

/// The surroundings of a cell: live for functions and processes, a history for workflows.
pub trait Host: Send + Sync + 'static {
    /// A line that the script printed. `location` is `entry:line`.
    fn print(&self, cell: &Identity, line: &[u8], location: &str);

    /// As [`Host::print`], for hosts that look at the context of the cell's call ([`CellState::context`]).
    ///
    /// [`CellState::context`]: crate::CellState::context
    fn print_in(&self, _context: &(dyn Any + Send + Sync), cell: &Identity, line: &[u8], location: &str) {
        self.print(cell, line, location);
    }

    /// What is told which lines run; none, and it costs nothing.
    fn coverage(&self) -> Option<&Coverage> {
        None
    }

    /// What the time is.
    fn now(&self) -> Instant {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let nanos = i128::try_from(since_epoch.as_nanos()).unwrap_or(i128::MAX);
        Instant::from_nanos(nanos).unwrap_or_default()
    }

    /// Time zones, and which of them is the local one.
    fn zones(&self) -> &Zones {
        &SYSTEM_ZONES
    }

    /// Seed of the script's random numbers.
    fn seed(&self) -> (u64, u64) {
        rand::random()
    }
}
