//! What sources say about each other.

use crate::rules::exports::Exports;
use crate::subject::imports;
use perilune_registry::{Entry, EntryId, Import};
use perilune_value::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// All entries, and what their sources return.
pub(crate) struct Everything<'a> {
    entries: BTreeMap<&'a EntryId, &'a Entry>,
    /// Of those whose source could be read.
    pub(crate) exports: BTreeMap<EntryId, Exports>,
}

impl<'a> Everything<'a> {
    pub(crate) fn new(entries: &'a [Arc<Entry>]) -> Self {
        let entries = entries.iter().map(|entry| (entry.id(), entry.as_ref())).collect();
        Everything { entries, exports: BTreeMap::new() }
    }

    /// Whether what an entry imports, directly or through others, lists a module.
    pub(crate) fn closure_lists(&self, entry: &Entry, module: &str) -> bool {
        let mut seen: BTreeSet<EntryId> = BTreeSet::new();
        let mut waiting = vec![entry];
        while let Some(entry) = waiting.pop() {
            for import in imports(entry).into_values() {
                let Import::Entry(id) = import else { continue };
                let Some(target) = self.entries.get(&id) else { continue };
                if lists(target, module) {
                    return true;
                }
                if seen.insert(id) {
                    waiting.push(target);
                }
            }
        }
        false
    }
}

fn lists(entry: &Entry, module: &str) -> bool {
    match entry.data().get("modules") {
        Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(module)),
        _ => false,
    }
}
