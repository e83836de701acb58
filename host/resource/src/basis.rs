//! What a live thing was made from, to tell when it must be made anew.

use perilune_registry::{Entry, Snapshot};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the changes of something that is no entry, such as the value of a variable. Cheap to clone; all clones count together.
#[derive(Clone, Debug, Default)]
pub struct Stamp(Arc<AtomicU64>);

impl Stamp {
    /// Makes everything outdated that was made with the value before.
    pub fn changed(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// Entries and values that something was made from, each once: diamonds of references must not multiply them.
#[derive(Default)]
pub(crate) struct Basis {
    /// By address.
    entries: HashMap<usize, Arc<Entry>>,
    /// By address and count, with the count.
    values: HashMap<(usize, u64), Stamp>,
}

impl Basis {
    pub(crate) fn entry(&mut self, entry: &Arc<Entry>) {
        self.entries.insert(Arc::as_ptr(entry).addr(), entry.clone());
    }

    /// To be called before the value is read: what changes in between then counts as a change.
    pub(crate) fn value(&mut self, stamp: &Stamp) {
        self.values.insert((Arc::as_ptr(&stamp.0).addr(), stamp.count()), stamp.clone());
    }

    pub(crate) fn all(&mut self, other: &Basis) {
        self.entries.extend(other.entries.iter().map(|(address, entry)| (*address, entry.clone())));
        self.values.extend(other.values.iter().map(|(key, stamp)| (*key, stamp.clone())));
    }

    /// Whether all values are as they were.
    pub(crate) fn values_hold(&self) -> bool {
        self.values.iter().all(|((_, count), stamp)| stamp.count() == *count)
    }

    /// Whether all of it is as it was.
    pub(crate) fn holds(&self, snapshot: &Snapshot) -> bool {
        let is_current =
            |entry: &Arc<Entry>| snapshot.get(entry.id()).is_some_and(|now| Arc::ptr_eq(now, entry));
        self.values_hold() && self.entries.values().all(is_current)
    }
}
