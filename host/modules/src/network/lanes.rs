//! How much one entry may have under way, so that it cannot use up the host's descriptors and threads.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Requests, responses that are being read, and sockets of one entry, over all its cells. Further ones wait. A process has 1,024
/// descriptors on many systems.
const CONNECTIONS: usize = 128;

/// Names that are looked up for one entry. Each takes one of the runtime's 512 blocking threads for as long as the name's server
/// takes to answer, and that server may belong to whoever wrote the entry.
const LOOKUPS: usize = 8;

/// Entries that are remembered without anything under way.
const KEPT: usize = 1_024;

/// What one entry may have under way.
pub(crate) struct Lane {
    connections: Arc<Semaphore>,
    lookups: Arc<Semaphore>,
}

/// The lanes of all entries.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<Arc<str>, Arc<Lane>>>);

impl Lanes {
    pub(crate) fn of(&self, entry: &Arc<str>) -> Arc<Lane> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lanes.len() >= KEPT {
            lanes.retain(|_, lane| lane.is_used());
        }
        lanes.entry(entry.clone()).or_insert_with(|| Arc::new(Lane::new())).clone()
    }
}

impl Lane {
    fn new() -> Self {
        Lane {
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
        }
    }

    /// What is given out outlives the call: a lookup that nobody waits for any more, a connection that is being closed.
    fn is_used(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) > 1
            || self.connections.available_permits() < CONNECTIONS
            || self.lookups.available_permits() < LOOKUPS
    }

    pub(crate) async fn connection(&self) -> OwnedSemaphorePermit {
        taken(&self.connections).await
    }

    pub(crate) async fn lookup(&self) -> OwnedSemaphorePermit {
        taken(&self.lookups).await
    }
}

async fn taken(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    semaphore.clone().acquire_owned().await.expect("invariant: nobody closes these semaphores")
}
