//! Names of runs.

use crate::Run;
use perilune_value::{Failure, Kind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A process that takes names in a loop must not fill the host's memory.
const MOST_OF_ONE: usize = 1000;

/// And many processes together must not either: with their names' texts these take 400 MB at the most.
const MOST_OF_ALL: usize = 1_000_000;

/// Bytes of a name.
const LONGEST: usize = 256;

/// Which run has which name.
#[derive(Default)]
pub(crate) struct Names(Mutex<HashMap<Arc<str>, Arc<Run>>>);

impl Names {
    /// The run that has a name. One that has ended has none, even where nobody has come to take it away yet.
    pub(crate) fn get(&self, name: &str) -> Option<Arc<Run>> {
        self.lock().get(name).filter(|run| !run.has_ended()).cloned()
    }

    /// Gives a run a name; the run that has it already when that is another one.
    pub(crate) fn claim(&self, name: &str, run: &Arc<Run>) -> Result<Option<Arc<Run>>, Failure> {
        if name.is_empty() || name.len() > LONGEST || name.starts_with('{') {
            let message = format!("a name has 1 to {LONGEST} bytes, and does not begin with {{ as pids do");
            return Err(Failure::invalid(message));
        }
        let mut names = self.lock();
        match names.get(name) {
            Some(other) if other.pid.number == run.pid.number => return Ok(None),
            Some(other) if !other.has_ended() => return Ok(Some(other.clone())),
            _ => {}
        }
        let mut state = run.state();
        if state.ended {
            return Err(crate::table::gone(&run.pid.to_string()));
        }
        if state.names.len() >= MOST_OF_ONE {
            let message = format!("{} has {MOST_OF_ONE} names already", run.pid);
            return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "names"));
        }
        if names.len() >= MOST_OF_ALL {
            let message = format!("all processes together have {MOST_OF_ALL} names already");
            return Err(Failure::new(Kind::RateLimited, message).with_detail("limit", "names"));
        }
        let name: Arc<str> = name.into();
        state.names.push(name.clone());
        names.insert(name, run.clone());
        Ok(None)
    }

    /// Takes a name from a run. False when it does not have it.
    pub(crate) fn release(&self, name: &str, run: &Run) -> bool {
        let mut names = self.lock();
        let is_its_own = names.get(name).is_some_and(|owner| owner.pid.number == run.pid.number);
        if is_its_own {
            names.remove(name);
            run.state().names.retain(|own| **own != *name);
        }
        is_its_own
    }

    /// Takes these names from a run that has ended.
    pub(crate) fn release_all(&self, all: &[Arc<str>], run: &Run) {
        if all.is_empty() {
            return;
        }
        let mut names = self.lock();
        for name in all {
            // Another run may have it by now.
            if names.get(name).is_some_and(|owner| owner.pid.number == run.pid.number) {
                names.remove(name);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Run>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
