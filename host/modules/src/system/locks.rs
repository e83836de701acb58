//! Locks by name, for the whole host: each has one holder at a time, and nobody waits for one.
//!
//! A lock is a handle of the cell that holds it, so it is given back when the call ends, however it ends.

use perilune_cell::{Handle, Handles};
use perilune_value::{Failure, Kind};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a name.
const MOST_NAME: usize = 256;

/// The locks of a host that are held.
#[derive(Default)]
pub(super) struct Locks {
    all: Arc<Mutex<All>>,
}

#[derive(Default)]
struct All {
    /// Every taking of a lock has a number.
    last: u64,
    held: HashMap<Arc<str>, Holder>,
}

struct Holder {
    taking: u64,
    /// In the holder's cell; others may have something else under the same number.
    handle: Handle,
}

/// What a holder has. Dropping it gives the lock back.
struct Lock {
    name: Arc<str>,
    taking: u64,
    all: Arc<Mutex<All>>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let held = &mut lock(&self.all).held;
        if held.get(&self.name).is_some_and(|holder| holder.taking == self.taking) {
            held.remove(&self.name);
        }
    }
}

fn lock(all: &Mutex<All>) -> MutexGuard<'_, All> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Locks {
    /// Takes a lock for the cell with these handles.
    pub(super) fn acquire(&self, handles: &mut Handles, name: &str) -> Result<(), Failure> {
        if name.is_empty() || name.len() > MOST_NAME {
            return Err(Failure::invalid(format!("the name of a lock has 1 to {MOST_NAME} bytes")));
        }
        let name: Arc<str> = name.into();
        // Declared before the guard: what is dropped after it may lock again.
        let taken;
        let mut all = lock(&self.all);
        if all.held.contains_key(&name) {
            let message = format!("the lock `{name}` is held");
            return Err(Failure::new(Kind::AlreadyExists, message).with_retryable(true));
        }
        all.last += 1;
        let taking = all.last;
        taken = Arc::new(Lock { name: name.clone(), taking, all: self.all.clone() });
        let handle = handles.insert(taken.clone())?;
        all.held.insert(name, Holder { taking, handle });
        Ok(())
    }

    /// Gives a lock back. False when the cell with these handles does not have it.
    pub(super) fn release(&self, handles: &mut Handles, name: &str) -> bool {
        let Some((taking, handle)) = lock(&self.all).held.get(name).map(|holder| (holder.taking, holder.handle))
        else {
            return false;
        };
        let is_own = handles.get::<Lock>(handle, "lock").is_ok_and(|own| own.taking == taking);
        is_own && handles.remove(handle)
    }
}
