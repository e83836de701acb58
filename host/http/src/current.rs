//! The table of a server, made anew when the registry has changed.

use crate::serve::Surroundings;
use crate::table::Table;
use arc_swap::ArcSwap;
use perilune_registry::{EntryId, Registry, VersionId};
use perilune_value::Failure;
use std::sync::{Arc, Mutex, PoisonError};

/// Which table requests are answered by. A request has one table from its begin to its end.
pub(crate) struct Current {
    server: EntryId,
    registry: Arc<Registry>,
    now: ArcSwap<Versioned>,
    /// Held while a table is made.
    renewing: Mutex<()>,
}

struct Versioned {
    table: Arc<Table>,
    /// The version of the registry that it is right for, or that nothing better could be made of.
    version: VersionId,
}

impl Current {
    /// Makes the first table.
    ///
    /// # Errors
    ///
    /// As [`Table::build`].
    pub(crate) fn new(
        server: EntryId,
        registry: Arc<Registry>,
        surroundings: &Surroundings,
    ) -> Result<Self, Failure> {
        let first = make(&server, &registry, surroundings);
        let now = Versioned { table: Arc::new(first.1?), version: first.0 };
        Ok(Current { server, registry, now: ArcSwap::from_pointee(now), renewing: Mutex::new(()) })
    }

    /// The table of the present version: a change reaches requests that begin after it.
    pub(crate) fn table(&self, surroundings: &Surroundings) -> Arc<Table> {
        let now = self.now.load();
        if now.version == self.registry.head() { now.table.clone() } else { self.renew(surroundings) }
    }

    /// A version that no table can be made of changes nothing.
    fn renew(&self, surroundings: &Surroundings) -> Arc<Table> {
        let _renewing = self.renewing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.now.load_full();
        if before.version == self.registry.head() {
            return before.table.clone();
        }
        let (version, made) = make(&self.server, &self.registry, surroundings);
        let table = match made {
            Ok(table) => Arc::new(table),
            Err(failure) => {
                tracing::error!(
                    server = %self.server,
                    %version,
                    error = %failure.message,
                    "the routes stay as they were: those of the new version of the registry cannot be used"
                );
                before.table.clone()
            }
        };
        self.now.store(Arc::new(Versioned { table: table.clone(), version }));
        table
    }
}

fn make(
    server: &EntryId,
    registry: &Registry,
    surroundings: &Surroundings,
) -> (VersionId, Result<Table, Failure>) {
    let snapshot = registry.snapshot();
    let made = surroundings.resources().and_then(|resources| Table::build(server, &snapshot, &resources));
    (snapshot.version().id, made)
}
