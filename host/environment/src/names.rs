//! Which `env.variable` entry a name means.

use perilune_registry::{Entry, EntryId, Snapshot, VersionId, quote};
use perilune_resource::Resources;
use perilune_value::{Failure, Value};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

/// The kind of entries that are variables.
pub(crate) const VARIABLE: &str = "env.variable";

/// The name under which anybody finds an `env.variable` entry.
pub(crate) fn public_name(entry: &Entry) -> Option<&str> {
    entry.data().get("variable").and_then(Value::as_str)
}

/// Public names of one version of the registry. Made once for each version: entries may be many, and names are asked for often.
#[derive(Default)]
pub(crate) struct Names {
    latest: RwLock<Option<(VersionId, Arc<Table>)>>,
}

/// All entries of each name; more than one is a mistake that is told to whoever asks.
type Table = BTreeMap<String, Vec<EntryId>>;

impl Names {
    /// The names of the current version.
    pub(crate) fn current(resources: &Arc<Resources>) -> Arc<Table> {
        let host = resources.host();
        let names = host.shared.get::<Names>();
        let head = host.registry.head();
        if let Some((version, table)) = &*names.latest.read().unwrap_or_else(PoisonError::into_inner)
            && *version == head
        {
            return table.clone();
        }
        let snapshot = host.registry.snapshot();
        let table = Arc::new(read(&snapshot));
        let latest = Some((snapshot.version().id, table.clone()));
        *names.latest.write().unwrap_or_else(PoisonError::into_inner) = latest;
        table
    }
}

fn read(snapshot: &Snapshot) -> Table {
    let mut table = Table::new();
    for entry in snapshot.entries().filter(|entry| entry.kind() == VARIABLE) {
        if let Some(name) = public_name(entry) {
            table.entry(name.to_owned()).or_default().push(entry.id().clone());
        }
    }
    table
}

/// The one entry of a name.
pub(crate) fn only(name: &str, ids: &[EntryId]) -> Result<EntryId, Failure> {
    match ids {
        [id] => Ok(id.clone()),
        several => {
            let ids: Vec<String> = several.iter().map(EntryId::to_string).collect();
            let message =
                format!("the variable {} is claimed by {}: rename all but one", quote(name), ids.join(", "));
            Err(Failure::invalid(message))
        }
    }
}
