//! One state of a registry: all entries at one version.

use crate::EntryId;
use crate::check;
use crate::entry::Entry;
use crate::filter;
use crate::history::Version;
use perilune_value::{Failure, Value};
use std::sync::Arc;

/// Entries by id; states of different versions share what they have in common.
pub(crate) type Entries = rpds::RedBlackTreeMapSync<EntryId, Arc<Entry>>;

/// All entries at one version. Cheap to clone, and never changes.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(crate) version: Version,
    pub(crate) entries: Entries,
}

impl Snapshot {
    /// The version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// All entries, by id.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<Entry>> {
        self.entries.values()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.size()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of an id.
    pub fn get(&self, id: &EntryId) -> Option<&Arc<Entry>> {
        self.entries.get(id)
    }

    /// The entries of one namespace, by name.
    pub fn namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a Arc<Entry>> {
        self.entries().filter(move |entry| entry.id.namespace() == namespace)
    }

    /// The entries that match a filter, by id. [`Filter`](crate::Filter) has the grammar.
    ///
    /// # Errors
    /// `Invalid` for a filter that is not understood; it never widens the result.
    pub fn find(&self, filter: &Value) -> Result<Vec<Arc<Entry>>, Failure> {
        let filter = filter::Filter::parse(filter)?;
        Ok(self.entries().filter(|entry| filter.matches(entry)).cloned().collect())
    }

    /// An entry and everything it imports, directly and through others: dependencies first, the entry last. Empty for an unknown id.
    pub fn closure(&self, id: &EntryId) -> Vec<EntryId> {
        check::closure(&self.entries, id)
    }

    /// Every entry that imports one of `ids`, directly or through others, and the ids themselves: what a change of them touches.
    pub fn dependents<'a>(&self, ids: impl IntoIterator<Item = &'a EntryId>) -> Vec<EntryId> {
        check::dependents(&self.entries, ids)
    }
}
