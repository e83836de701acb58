//! Kind `queue.driver.memory`: rows of messages in the memory of the host.
//!
//! They are kept beside the entries, not in what is made of them: a queue whose settings change goes on with its messages. They
//! go with the last entry of their queue.

use crate::fifo::Fifo;
use crate::queue;
use perilune_registry::{EntryId, Fields, KindSpec, Registry};
use perilune_resource::{LIFECYCLE, Opened, Opening, ResourceKind};
use perilune_value::Failure;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

pub(crate) const KIND: ResourceKind = ResourceKind {
    spec: KindSpec {
        name: "queue.driver.memory",
        doc: "Queues in the memory of the host; messages are lost when it ends",
        fields: Fields::Known(&[LIFECYCLE]),
        placeholders: true,
        ..KindSpec::EMPTY
    },
    open,
};

fn open(opening: &Opening<'_>) -> Result<Opened, Failure> {
    let driver = Driver {
        id: opening.id().clone(),
        rows: opening.shared().get(),
        registry: opening.host().registry.clone(),
    };
    // Nothing runs by itself: a queue works once somebody uses it.
    Ok(Opened::resource(Arc::new(driver)))
}

/// What an entry of kind `queue.driver.memory` becomes.
pub struct Driver {
    id: EntryId,
    rows: Arc<Rows>,
    registry: Arc<Registry>,
}

impl Driver {
    /// The row of a name, for the queue of an entry.
    pub(crate) fn declare(&self, name: &str, id: &EntryId) -> Arc<Row> {
        let snapshot = self.registry.snapshot();
        let mut rows = self.rows.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_queue =
            |id: &EntryId| snapshot.get(id).is_some_and(|entry| entry.kind() == queue::KIND.spec.name);
        rows.retain(|_, declared| {
            declared.queues.retain(is_queue);
            !declared.queues.is_empty()
        });
        let declared = rows.entry((self.id.clone(), name.to_owned())).or_default();
        declared.queues.insert(id.clone());
        declared.row.clone()
    }
}

/// All rows of a host, by driver and name.
#[derive(Default)]
struct Rows(Mutex<HashMap<(EntryId, String), Declared>>);

#[derive(Default)]
struct Declared {
    row: Arc<Row>,
    /// The entries that it was declared for.
    queues: HashSet<EntryId>,
}

/// A row of messages and those who wait for them.
#[derive(Default)]
pub(crate) struct Row {
    fifo: Mutex<Fifo>,
    /// Told of each message that becomes ready, or will be at a known moment.
    pub(crate) changed: Notify,
    pub(crate) consumers: AtomicUsize,
}

impl Row {
    pub(crate) fn fifo(&self) -> MutexGuard<'_, Fifo> {
        self.fifo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
